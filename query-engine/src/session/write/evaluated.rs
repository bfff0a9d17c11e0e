//! Rows of a write from statements that the planner cannot run, and RETURNING, which either may run.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, FieldRef};
use sqlparser::ast::Query;
use tokio_util::sync::CancellationToken;

use crate::catalog::CatalogView;
use crate::catalog_query::CatalogQuery;
use crate::error::map::query_error;
use crate::objects::check_table_bytes;
use crate::session::catalogs::{evaluated_instead, reads_evaluated};
use crate::session::plan::task_error;
use crate::session::plan::write::Source;
use crate::session::reuse::PlanSlot;
use crate::session::{Session, Stop};
use crate::types::output::Output;
use crate::{Parameter, PgType, QueryError, Rows};

/// What an evaluated statement gives.
pub(super) fn source(query: CatalogQuery) -> Source {
    let columns = query.columns().to_vec();
    let fields = columns
        .iter()
        .zip(query.stored_types())
        .map(|(column, data_type)| Arc::new(Field::new(&column.name, data_type, true)));
    let fields = fields.collect();
    let origins = columns.iter().map(|column| (None, column.name.clone())).collect();
    Source { parameter_types: query.parameter_types().to_vec(), fields, origins, columns }
}

impl Session {
    /// All rows of an evaluated statement, its columns cast as `casts` say.
    pub(super) async fn run_evaluated(
        &self,
        view: &Arc<CatalogView>,
        query: CatalogQuery,
        values: &[Parameter],
        casts: Vec<Option<FieldRef>>,
        stop: &Stop,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let (view, values) = (Arc::clone(view), values.to_vec());
        // Dropped with this future, too, so that a client that went away stops the work.
        let guard = CancellationToken::new().drop_guard();
        let token = guard.token().clone();
        let work = move || query.run_stored(&view, &values, &casts, &token);
        let task = self.engine.runtime().spawn_blocking(work);
        let batch = tokio::select! {
            biased;
            error = stop.wait() => return Err(error),
            batch = task => batch.map_err(|error| task_error(&error))??,
        };
        check_table_bytes(batch.get_array_memory_size())?;
        Ok(vec![batch])
    }

    /// RETURNING: the rows of `query` on a view that shows what changed.
    pub(super) async fn rows_on(
        &self,
        view: Arc<CatalogView>,
        query: &Query,
        types: &Arc<[PgType]>,
        values: &[Parameter],
        stop: Stop,
        tag: &'static str,
    ) -> Result<Rows, QueryError> {
        let declared: Vec<_> = types.iter().copied().map(Some).collect();
        if reads_evaluated(query, &view) {
            let query = CatalogQuery::evaluate(query, &view, &declared)?;
            return self.run_catalog_on(view, query, values, &stop, tag).await;
        }
        let planner = self.planner_on(&view);
        let original = query;
        let (query, types, values) = (query.clone(), Arc::clone(types), values.to_vec());
        let handle = self.engine.runtime().handle().clone();
        let parameters = values.clone();
        // Not kept: the table that it reads is there for this statement only.
        let task = self.engine.runtime().spawn_blocking(move || {
            handle.block_on(planner.bind(&PlanSlot::default(), &query, &types, &parameters))
        });
        let bound = tokio::select! {
            biased;
            error = stop.wait() => return Err(error),
            bound = task => bound.map_err(|error| task_error(&error))?,
        };
        let bound = match bound {
            Ok(bound) => bound,
            Err(error) => {
                let query = evaluated_instead(original, &view, &declared, error)?;
                return self.run_catalog_on(view, query, &values, &stop, tag).await;
            }
        };
        let schema = bound.physical.schema();
        // Before the write is in place: an error in RETURNING must leave the table as it was.
        let batches = self.collect(bound.physical, &stop).await?;
        let all = datafusion::arrow::compute::concat_batches(&schema, &batches)
            .map_err(|error| query_error(&error.into()))?;
        let converted = Output::convert(&bound.output, &all)?;
        Ok(Rows::ready(bound.columns, tag, converted))
    }
}
