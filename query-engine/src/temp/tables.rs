//! All temp tables of a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TempTable;
use crate::limits::{TEMP_BYTES_MAX, TEMP_TABLES_MAX};
use crate::{QueryError, SqlState};

/// Name by which a session reaches its own temp schema.
const TEMP_SCHEMA_ALIAS: &str = "pg_temp";

/// All temp tables of a session.
#[derive(Clone, Debug)]
pub(crate) struct TempTables {
    schema: Arc<str>,
    tables: BTreeMap<String, Arc<TempTable>>,
    /// Which shape the tables have: another number for other tables or columns.
    pub(crate) shape: u64,
}

impl TempTables {
    /// No tables, in the temp schema with this number.
    pub(crate) fn new(number: u32) -> Self {
        Self { schema: format!("pg_temp_{number}").into(), tables: BTreeMap::new(), shape: 0 }
    }

    /// Name of the schema, once there is something in it.
    pub(crate) fn schema(&self) -> Option<&str> {
        (!self.tables.is_empty()).then_some(&self.schema)
    }

    /// Name of the schema that the next table will be in.
    pub(crate) fn schema_name(&self) -> &str {
        &self.schema
    }

    /// Whether `name` is a name of this schema.
    pub(crate) fn is_schema(&self, name: &str) -> bool {
        name == TEMP_SCHEMA_ALIAS || name == &*self.schema
    }

    /// The table `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<TempTable>> {
        self.tables.get(name)
    }

    /// All tables by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<TempTable>> {
        self.tables.values()
    }

    /// Adds or replaces a table.
    ///
    /// # Errors
    /// 54000 past [`TEMP_TABLES_MAX`] tables, 53200 past [`TEMP_BYTES_MAX`] bytes of rows.
    pub(crate) fn put(&mut self, table: TempTable) -> Result<(), QueryError> {
        if !self.tables.contains_key(&table.name) && self.tables.len() >= TEMP_TABLES_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a session can have {TEMP_TABLES_MAX} temporary tables"),
            ));
        }
        let others: usize = self
            .tables
            .values()
            .filter(|other| other.name != table.name)
            .map(|other| other.size_bytes())
            .sum();
        check_bytes(others + table.size_bytes())?;
        self.tables.insert(table.name.clone(), Arc::new(table));
        Ok(())
    }

    /// Adds or replaces a table for the planning of one statement: its rows are those of tables that
    /// are there, so they are not counted again.
    pub(crate) fn show(&mut self, table: TempTable) {
        self.tables.insert(table.name.clone(), Arc::new(table));
    }

    /// Drops a table.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Arc<TempTable>> {
        self.tables.remove(name)
    }

    /// Drops all tables.
    pub(crate) fn clear(&mut self) {
        self.tables.clear();
    }
}

/// # Errors
/// 53200 when the rows of a session's temp tables take more than [`TEMP_BYTES_MAX`].
pub(crate) fn check_bytes(size_bytes: usize) -> Result<(), QueryError> {
    if size_bytes <= TEMP_BYTES_MAX {
        return Ok(());
    }
    Err(QueryError::new(
        SqlState::OUT_OF_MEMORY,
        format!(
            "temporary tables of this session would take {size_bytes} bytes, the limit is {TEMP_BYTES_MAX}"
        ),
    )
    .with_hint("Drop or truncate temporary tables that are no longer needed."))
}
