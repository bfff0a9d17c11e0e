//! Schemas `pg_catalog` and `information_schema`: PostgreSQL 16's relations with their columns and types.
//!
//! ```text
//! builtin (rows of a fresh PostgreSQL) + user_rows (our relations) ──> tables ─┬─> catalog_query
//!                                                                              └─> provider (planner)
//! ```
//!
//! Views run their PostgreSQL definitions in `catalog_query`.

pub(crate) mod builtin;
mod keys;
pub(crate) mod objects;
mod provider;
pub(crate) mod tables;
pub(crate) mod user_rows;

pub(crate) use crate::functions::pg::register;
pub(crate) use provider::table;
pub(crate) use tables::Tables;

/// Object id of a relation of these schemas, for RowDescription; 0 for one that has none.
pub(crate) fn table_oid(schema: &str, name: &str) -> u32 {
    builtin::relation(schema, name).map_or(0, |relation| relation.oid)
}
