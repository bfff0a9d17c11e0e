//! The snapshots of one statement: each network's state is read once, at its first use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use storage::{ChainSnapshot, Store};

use crate::QueryError;
use crate::error::map::storage_error;
use crate::session::Finality;

/// What one statement reads, and with which of the session's choices.
pub(crate) struct Snapshots {
    store: Store,
    /// Whether missing blocks are tolerated.
    pub(crate) allow_gaps: bool,
    /// Which blocks are read.
    pub(crate) finality: Finality,
    taken: Mutex<BTreeMap<String, Arc<ChainSnapshot>>>,
}

impl Snapshots {
    /// No snapshot is taken yet, except of `database`, so that the statement's time is its start.
    ///
    /// # Errors
    /// 3D000 when the network was removed, 58030 or XX001 from storage.
    pub(crate) fn new(
        store: Store,
        database: &str,
        allow_gaps: bool,
        finality: Finality,
    ) -> Result<Arc<Self>, QueryError> {
        let taken = Mutex::new(BTreeMap::new());
        let snapshots = Self { store, allow_gaps, finality, taken };
        snapshots.of(database)?;
        Ok(Arc::new(snapshots))
    }

    /// The snapshot of `network`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn of(&self, network: &str) -> Result<Arc<ChainSnapshot>, QueryError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = taken.get(network) {
            return Ok(Arc::clone(found));
        }
        let snapshot = self.store.snapshot(network).map_err(|error| storage_error(&error))?;
        taken.insert(network.to_owned(), Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// Snapshots of all networks, by name.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn all(&self) -> Result<Vec<Arc<ChainSnapshot>>, QueryError> {
        self.store.networks().iter().map(|network| self.of(&network.name)).collect()
    }
}

impl std::fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshots").field("finality", &self.finality).finish_non_exhaustive()
    }
}
