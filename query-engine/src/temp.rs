//! Temp tables: in memory, owned by one session, gone with it.
//!
//! ```text
//! CREATE TEMP TABLE ──> TempTable (columns, keys, batches) ─┬─> catalog: pg_class, \d, name resolution
//! INSERT, COPY ──> values: parameters → arrays ──> checks ──┘   scan: a MemTable over the batches
//! ```
//!
//! Invariants
//! - A table never changes: a statement makes a new one and the session puts it in place, so a failed
//!   statement leaves nothing behind and a rollback is the tables of before.
//! - Rows, columns, tables and bytes are bounded by `limits::TEMP_…`.

mod column;
mod keys;
mod table;
mod tables;
mod values;

pub(crate) use column::{ColumnType, TempColumn, TempDefault, assignable};
pub(crate) use keys::{KeyValues, TempKey};
pub(crate) use table::{OnCommit, TempTable};
pub(crate) use tables::{TempTables, check_bytes};
pub(crate) use values::{array_of, cell, finished_array, trimmed};
