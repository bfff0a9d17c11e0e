//! Schemas `pg_catalog` and `information_schema`.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::execution::session_state::SessionState;

use crate::catalog::CatalogView;

/// Adds the functions of schema `pg_catalog`. Called once for each session.
pub(crate) fn register(_state: &mut SessionState, _view: &Arc<CatalogView>) {}

/// The relation `schema.name` of `pg_catalog` or `information_schema`. Called for each reference in
/// a statement; `schema` is one of these two.
pub(crate) fn table(
    _schema: &str,
    _name: &str,
    _view: &Arc<CatalogView>,
) -> Option<Arc<dyn TableProvider>> {
    None
}

/// Object id of a relation of these schemas, for RowDescription; 0 for one that has none.
pub(crate) fn table_oid(_schema: &str, _name: &str) -> u32 {
    0
}
