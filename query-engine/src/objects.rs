//! What clients make: schemas, tables, views, sequences. Temp tables are in memory and gone with their
//! session; everything else is in memory, on disk, and seen by all sessions once its transaction commits.
//!
//! ```text
//! CREATE TABLE ──> UserTable (columns, keys, batches) ─┬─> catalog: pg_class, \d, name resolution
//! INSERT, COPY ──> values: parameters → arrays ──> checks ──┘   scan: a MemTable over the batches
//!                      Objects (session) ──COMMIT──> Shared: one write batch, then the state that all see
//! ```
//!
//! Invariants
//! - A table never changes: a statement makes a new one and the session puts it in place, so a failed
//!   statement leaves nothing behind and a rollback is the tables of before.
//! - Rows, columns, tables and bytes are bounded by `limits`.

mod changes;
mod column;
mod keys;
mod locks;
mod object;
mod record;
mod reshape;
mod set;
mod shared;
mod table;
mod values;

pub(crate) use column::{ColumnType, Identity, TEXT_FORM_KEY, UserColumn, UserDefault, assignable};
pub(crate) use keys::{KeyRows, KeyValues, UserKey};
pub(crate) use locks::Mode;
pub(crate) use object::{
    Acl, Counter, DATABASE_OWNER, Head, Name, Object, PRIVILEGES, PUBLIC, Role, SCHEMA_PRIVILEGES,
    SEQUENCE_PRIVILEGES, Schema, Sequence, Steps, TABLE_PRIVILEGES, UserView, denied,
};
#[cfg(test)]
pub(crate) use set::check_temp_bytes;
pub(crate) use set::{Objects, check_table_bytes};
pub(crate) use shared::Shared;
pub(crate) use table::{Check, Foreign, Index, OnCommit, UserTable};
pub(crate) use values::{array_of, cell, finished_array, trimmed};
