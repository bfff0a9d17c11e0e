//! Plans of queries whose rows are stored: what they give, and with the casts of an assignment on top.

use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::Column;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use sqlparser::ast::Query;

use super::{Planner, naming, parameters, yielding};
use crate::error::map::query_error;
use crate::objects::TEXT_FORM_KEY;
use crate::rewrite::series::SeriesParameters;
use crate::{Parameter, PgType, QueryError, ResultColumn, SqlState};

/// What a query gives.
pub(in crate::session) struct Source {
    /// Types of its parameters.
    pub(in crate::session) parameter_types: Vec<PgType>,
    /// Columns as clients would see them.
    pub(in crate::session) columns: Vec<ResultColumn>,
    /// Their fields inside the plan.
    pub(in crate::session) fields: Vec<FieldRef>,
    /// Table, by the name that the query has for it, and name of those that are a table's columns.
    pub(in crate::session) origins: Vec<(Option<String>, String)>,
}

impl Planner {
    /// As `describe`, with the fields of the plan.
    pub(in crate::session) fn source(
        &self,
        query: &Query,
        declared: &[Option<PgType>],
    ) -> Result<Source, QueryError> {
        let snapshots = self.snapshots()?;
        let mut series = SeriesParameters::new(declared, None);
        let prepared = self.prepared(query, &mut series)?;
        let first = self.plan(prepared.clone(), declared, &snapshots)?;
        let parameter_types = parameters::infer(&first.plan, declared, &series.found)?;
        let known: Vec<_> = parameter_types.iter().copied().map(Some).collect();
        let planned = self.plan(prepared, &known, &snapshots)?;
        let analyzed = self
            .state
            .analyzer()
            .execute_and_check(planned.plan.clone(), self.state.config_options(), |_, _| {})
            .map_err(|error| query_error(&error))?;
        let (columns, _) = self.columns(&analyzed, &planned.plan, &planned.oids, &[])?;
        let fields = analyzed.schema().fields().iter().cloned().collect();
        let origins = planned
            .plan
            .schema()
            .iter()
            .map(|(table, field)| {
                let table = table.map(|table| table.table().to_owned());
                (table, naming::shown(field.name()).to_owned())
            })
            .collect();
        Ok(Source { parameter_types, columns, fields, origins })
    }

    /// As `bind`, with each column cast to its field in `casts`, where there is one.
    ///
    /// # Errors
    /// Also 0A000 for a cast to a column that is kept in text form.
    pub(in crate::session) async fn bind_cast(
        &self,
        query: &Query,
        types: &[PgType],
        values: &[Parameter],
        casts: &[Option<FieldRef>],
    ) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
        if casts.iter().flatten().any(|field| field.metadata().contains_key(TEXT_FORM_KEY)) {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "an expression over these tables for a column of this type is not supported",
            ));
        }
        let snapshots = self.snapshots()?;
        let declared: Vec<_> = types.iter().copied().map(Some).collect();
        let mut series = SeriesParameters::new(&declared, Some(values));
        let planned = self.plan(self.prepared(query, &mut series)?, &declared, &snapshots)?;
        let plan = self.with_values(planned.plan, types, values)?;
        let exprs: Vec<Expr> = casts
            .iter()
            .enumerate()
            .map(|(at, cast)| {
                let column = Expr::Column(Column::from(plan.schema().qualified_field(at)));
                let expr = match cast {
                    Some(field) => {
                        Expr::Cast(Cast { expr: Box::new(column), field: Arc::clone(field) })
                    }
                    None => column,
                };
                expr.alias(format!("c{at}"))
            })
            .collect();
        let plan = LogicalPlanBuilder::from(plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build)
            .and_then(|plan| self.state.optimize(&plan))
            .map_err(|error| query_error(&error))?;
        self.state
            .query_planner()
            .create_physical_plan(&plan, &self.state)
            .await
            .and_then(yielding)
            .map_err(|error| query_error(&error))
    }
}
