//! Rewrites of parsed SQL into forms that the planner knows.

use sqlparser::ast::Statement;

use crate::QueryError;
use crate::catalog::CatalogView;

/// Rewrites PostgreSQL spellings that the planner does not know. Called once for each statement,
/// after the allow-list and before names are resolved.
pub(crate) fn rewrite(_statement: &mut Statement, _view: &CatalogView) -> Result<(), QueryError> {
    Ok(())
}
