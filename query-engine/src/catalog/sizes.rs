//! Sizes on disk, as the manifest has them when somebody asks.

use std::sync::Arc;

use storage::{ChainSnapshot, Store};

use crate::QueryError;
use crate::error::map::storage_error;

/// Where sizes come from. The default knows none.
#[derive(Clone, Default)]
pub(crate) struct Sizes {
    store: Option<Store>,
}

impl Sizes {
    /// Sizes of the files of `store`.
    pub(crate) fn of(store: Store) -> Self {
        Self { store: Some(store) }
    }

    /// Bytes of the sealed files of the network `database`, of one table or of all. Hot blocks are in
    /// the state store, which all networks share, and not counted. `None` for an unknown network.
    ///
    /// # Errors
    /// 58030 or XX001 from storage.
    pub(crate) fn bytes(
        &self,
        database: &str,
        table: Option<&str>,
    ) -> Result<Option<u64>, QueryError> {
        let Some(snapshot) = self.snapshot(database)? else { return Ok(None) };
        let files = snapshot.segments().iter().flat_map(|segment| &segment.files);
        let wanted = files.filter(|file| table.is_none_or(|table| file.table == table));
        Ok(Some(wanted.map(|file| file.size_bytes).sum()))
    }

    /// Rows in the sealed files of one table. `None` for an unknown network.
    ///
    /// # Errors
    /// 58030 or XX001 from storage.
    pub(crate) fn rows(&self, database: &str, table: &str) -> Result<Option<u64>, QueryError> {
        let Some(snapshot) = self.snapshot(database)? else { return Ok(None) };
        let files = snapshot.segments().iter().flat_map(|segment| &segment.files);
        let wanted = files.filter(|file| file.table == table);
        Ok(Some(wanted.map(|file| file.row_count).sum()))
    }

    fn snapshot(&self, database: &str) -> Result<Option<Arc<ChainSnapshot>>, QueryError> {
        let Some(store) = &self.store else { return Ok(None) };
        if store.networks().iter().all(|network| network.name != database) {
            return Ok(None);
        }
        store.snapshot(database).map(Some).map_err(|error| storage_error(&error))
    }
}

impl std::fmt::Debug for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sizes").field("known", &self.store.is_some()).finish()
    }
}
