//! Statements over catalogs: which they are, and how they run.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use sqlparser::ast::{ObjectName, Query, visit_relations};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Session;
use super::copy::folded;
use super::plan::Planner;
use super::reuse::PlanSlot;
use crate::catalog::CatalogView;
use crate::catalog_query::stored::is_refusal;
use crate::catalog_query::{CatalogQuery, Fetch, Reach};
use crate::error::map::{internal, query_error};
use crate::limits::{FETCHED_ROWS_MAX, SMALL_TABLE_ROWS_MAX};
use crate::outcome::Stop;
use crate::rewrite::series::parsed;
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
        let view = Arc::clone(&self.view);
        self.run_catalog_on(view, query, values, stop, "SELECT").await.map(Outcome::Rows)
    }

    /// The same on a view of its own; `tag` is the statement's.
    pub(super) async fn run_catalog_on(
        &self,
        view: Arc<CatalogView>,
        query: CatalogQuery,
        values: &[Parameter],
        stop: &Stop,
        tag: &'static str,
    ) -> Result<Rows, QueryError> {
        let columns: Arc<[ResultColumn]> = query.columns().into();
        let values = values.to_vec();
        // Dropped with this future, too, so that a client that went away stops the work.
        let guard = CancellationToken::new().drop_guard();
        let token = guard.token().clone();
        let fetch: Arc<dyn Fetch> = Arc::new(Fetcher {
            planner: self.planner(),
            context: self.state.task_ctx(),
            handle: self.engine.runtime().handle().clone(),
            cancel: token.clone(),
        });
        let work = move || query.run_late(&view, &values, &token, Some(fetch));
        let task = self.engine.runtime().spawn_blocking(work);
        let batch = tokio::select! {
            biased;
            error = stop.wait() => Err(error),
            batch = task => batch.map_err(|error| task_error(&error))??,
        };
        Ok(match batch {
            Ok(batch) => Rows::ready(columns, tag, batch),
            Err(error) => Rows::failed(columns, error),
        })
    }
}

/// The statement as one whose chain tables the planner reads, where it refuses the statement as a whole.
///
/// # Errors
/// The planner's, where the evaluator does not know better.
pub(super) fn second_chance(
    refused: QueryError,
    query: &Query,
    view: &CatalogView,
    declared: &[Option<PgType>],
) -> Result<CatalogQuery, QueryError> {
    // A name that only the evaluator finds is a row as a value, or a type.
    let is_unknown =
        matches!(refused.state, SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_OBJECT);
    if (is_refusal(&refused) || is_unknown)
        && let Ok(Some(found)) = catalog_query(query, view, declared, Route::Fetched)
    {
        return Ok(found);
    }
    Err(of_both(refused, query, view, declared))
}

/// Runs queries of the planner for the evaluator.
struct Fetcher {
    planner: Planner,
    context: Arc<TaskContext>,
    handle: Handle,
    cancel: CancellationToken,
}

impl Fetch for Fetcher {
    fn rows(&self, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
        let query = parsed(sql).ok_or_else(internal)?;
        let slot = PlanSlot::of(Route::Planned);
        self.handle.block_on(async {
            let bound = self.planner.bind(&slot, &query, &[], &[]).await?;
            let _guard = self.handle.enter();
            let stream = execute_stream(bound.physical, Arc::clone(&self.context));
            let mut stream = stream.map_err(|error| query_error(&error))?;
            let (mut batches, mut count) = (Vec::new(), 0);
            while let Some(batch) = stream.next().await {
                if self.cancel.is_cancelled() {
                    let message = "canceling statement due to user request";
                    return Err(QueryError::new(SqlState::QUERY_CANCELED, message));
                }
                let batch = batch.map_err(|error| query_error(&error))?;
                count += batch.num_rows();
                if count > FETCHED_ROWS_MAX {
                    return Err(QueryError::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        format!(
                            "this form of the statement is not supported over more than {FETCHED_ROWS_MAX} rows of a chain table"
                        ),
                    ));
                }
                batches.push(batch);
            }
            Ok(batches)
        })
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
    /// The evaluator, over chain tables that the planner reads for it: what the planner refuses as a whole.
    Fetched,
}

/// The statement as one over catalogs, if it is one. A statement without relations may be run either
/// way, so what the catalog's evaluator refuses goes to the planner, which knows more types.
pub(super) fn catalog_query(
    query: &Query,
    view: &CatalogView,
    declared: &[Option<PgType>],
    route: Route,
) -> Result<Option<CatalogQuery>, QueryError> {
    if reads_evaluated(query, view) {
        return CatalogQuery::evaluate(query, view, declared).map(Some);
    }
    let reach = match route {
        Route::Open => Reach { stored_rows_max: SMALL_TABLE_ROWS_MAX, has_chain: false },
        Route::Evaluated => Reach { stored_rows_max: usize::MAX, has_chain: false },
        Route::Planned => Reach::default(),
        Route::Fetched => Reach { stored_rows_max: usize::MAX, has_chain: true },
    };
    match CatalogQuery::plan(query, view, declared, reach) {
        Err(error) if !is_final(&error) && !names_a_relation(query) => Ok(None),
        planned => planned,
    }
}

/// A query of a write that the planner does not know how to run. What it reads must be of clients or of the
/// catalogs.
///
/// # Errors
/// `refused`, the planner's error, where it is of another kind or the evaluator refuses, too.
pub(super) fn evaluated_instead(
    query: &Query,
    view: &CatalogView,
    declared: &[Option<PgType>],
    refused: QueryError,
) -> Result<CatalogQuery, QueryError> {
    let may_know = matches!(
        refused.state,
        SqlState::FEATURE_NOT_SUPPORTED
            | SqlState::INTERNAL_ERROR
            | SqlState::UNDEFINED_FUNCTION
            | SqlState::UNDEFINED_OBJECT
    );
    if !may_know {
        return Err(refused);
    }
    CatalogQuery::evaluate(query, view, declared).map_err(|_| refused)
}

/// Whether `query` names a table that the planner cannot read, or a view over one.
pub(super) fn reads_evaluated(query: &Query, view: &CatalogView) -> bool {
    let of_name = |name: &ObjectName| {
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect();
        view.object(&parts).is_some_and(|object| view.objects.is_evaluated(object))
    };
    view.objects.all().any(|object| view.objects.is_evaluated(object))
        && visit_relations(query, |name| match of_name(name) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
        .is_break()
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
    let reach = Reach { stored_rows_max: SMALL_TABLE_ROWS_MAX, has_chain: true };
    match CatalogQuery::refusal(query, view, declared, reach) {
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
