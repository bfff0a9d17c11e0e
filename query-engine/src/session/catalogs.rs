//! Statements over catalogs: which they are, and how they run.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{Query, visit_relations};
use tokio_util::sync::CancellationToken;

use super::Session;
use super::copy::folded;
use crate::catalog::CatalogView;
use crate::catalog_query::CatalogQuery;
use crate::limits::SMALL_TABLE_ROWS_MAX;
use crate::outcome::Stop;
use crate::session::plan::task_error;
use crate::{Outcome, Parameter, PgType, QueryError, ResultColumn, Rows, SqlState};

impl Session {
    /// Finds, when a value is bound, that it names no object: text of `regclass` and its relatives.
    ///
    /// # Errors
    /// 42P01, 42704, 42883 and 3F000.
    pub fn check_parameter(&self, pg_type: PgType, value: &Parameter) -> Result<(), QueryError> {
        match value {
            Parameter::Text(_) => CatalogQuery::check_parameter(&self.view, pg_type, value),
            _ => Ok(()),
        }
    }

    /// Runs a statement over catalogs on the engine's threads.
    pub(super) async fn run_catalog(
        &self,
        query: CatalogQuery,
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<Outcome, QueryError> {
        let columns: Arc<[ResultColumn]> = query.columns().into();
        let (view, values) = (Arc::clone(&self.view), values.to_vec());
        // Dropped with this future, too, so that a client that went away stops the work.
        let guard = CancellationToken::new().drop_guard();
        let token = guard.token().clone();
        let work = move || query.run_late(&view, &values, &token);
        let task = self.engine.runtime().spawn_blocking(work);
        let batch = tokio::select! {
            biased;
            error = stop.wait() => Err(error),
            batch = task => batch.map_err(|error| task_error(&error))??,
        };
        Ok(Outcome::Rows(match batch {
            Ok(batch) => Rows::ready(columns, "SELECT", batch),
            Err(error) => Rows::failed(columns, error),
        }))
    }
}

/// Who runs a statement over tables that clients made. Both sides know types that the other does not, so a
/// statement keeps to what its columns were described by, however many rows come or go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Route {
    /// Nobody described its columns yet: by the number of rows.
    #[default]
    Open,
    /// The evaluator of catalogs.
    Evaluated,
    /// The planner.
    Planned,
}

/// The statement as one over catalogs, if it is one. A statement without relations may be run either
/// way, so what the catalog's evaluator refuses goes to the planner, which knows more types.
pub(super) fn catalog_query(
    query: &Query,
    view: &CatalogView,
    declared: &[Option<PgType>],
    route: Route,
) -> Result<Option<CatalogQuery>, QueryError> {
    let stored_rows_max = match route {
        Route::Open => SMALL_TABLE_ROWS_MAX,
        Route::Evaluated => usize::MAX,
        Route::Planned => 0,
    };
    match CatalogQuery::plan(query, view, declared, stored_rows_max) {
        Err(error) if !is_final(&error) && !names_a_relation(query) => Ok(None),
        planned => planned,
    }
}

/// The error of a statement that neither side runs: where both miss a function or an operator, the evaluator's
/// names the types as PostgreSQL does.
pub(super) fn of_both(
    refused: QueryError,
    query: &Query,
    view: &CatalogView,
    declared: &[Option<PgType>],
) -> QueryError {
    if refused.state != SqlState::UNDEFINED_FUNCTION {
        return refused;
    }
    match CatalogQuery::refusal(query, view, declared, SMALL_TABLE_ROWS_MAX) {
        Some(error) if error.state == refused.state => QueryError {
            token: error.token.or(refused.token),
            position: error.position.or(refused.position),
            ..error
        },
        _ => refused,
    }
}

/// Whether an error of the catalog's evaluator holds for the planner too: a value that is wrong, or a
/// name that does not exist.
fn is_final(error: &QueryError) -> bool {
    match error.state {
        SqlState::INDETERMINATE_DATATYPE
        | SqlState::INVALID_COLUMN_REFERENCE
        | SqlState::DATATYPE_MISMATCH
        | SqlState::WRONG_OBJECT_TYPE
        | SqlState::AMBIGUOUS_COLUMN
        | SqlState::AMBIGUOUS_FUNCTION
        | SqlState::SYNTAX_ERROR
        | SqlState::PROGRAM_LIMIT
        | SqlState::INVALID_NAME
        | SqlState::CANNOT_COERCE => true,
        // A name in a literal, such as 'nosuch'::regproc.
        SqlState::UNDEFINED_FUNCTION => error.message.starts_with("function \""),
        SqlState::UNDEFINED_TABLE => error.message.starts_with("relation "),
        state => state.0.starts_with("22"),
    }
}

fn names_a_relation(query: &Query) -> bool {
    visit_relations(query, |_| ControlFlow::Break(())).is_break()
}

/// Whether `query` names a relation that a client made, or something that one hides.
pub(super) fn names_an_object(query: &Query, view: &CatalogView) -> bool {
    view.objects.all().next().is_some()
        && visit_relations(query, |name| {
            let parts: Vec<String> =
                name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect();
            match view.object(&parts) {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        })
        .is_break()
}
