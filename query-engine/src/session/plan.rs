//! A query from parsed statement to a running plan.
//!
//! ```text
//! Query ──rewrite, name──> logical plan with open operators ──values of parameters──> analysed, optimised
//!        └ resolver over the statement's snapshots     └ kept: reuse.rs               └─> physical, stream
//! ```

pub(super) mod write;

use std::sync::{Arc, OnceLock};

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DataFusionError, ParamValues, TableReference};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::sql::planner::{PlannerContext, SqlToRel};
use sqlparser::ast::{Query, Statement as Ast};
use storage::Store;

use super::catalogs::Route;
use super::reuse::{Compiled, Optimized, PlanKey, PlanSlot, TableIds, without_tables};
use super::{naming, parameters};
use crate::apply::{self, ApplyMode};
use crate::catalog::CatalogView;
use crate::catalog::resolve::{Resolver, parser_options};
use crate::error::map::query_error;
use crate::objects::Object;
use crate::rewrite::series::SeriesParameters;
use crate::tables::snapshots::Snapshots;
use crate::types::output::Output;
use crate::types::rule::text::SessionStyle;
use crate::values::TextStyle;
use crate::{Parameter, PgType, QueryError, ResultColumn, SqlState, rewrite};

/// Operators that give many batches for one of their input.
const MULTIPLYING_OPERATORS: &[&str] = &[
    "CrossJoinExec",
    "HashJoinExec",
    "NestedLoopJoinExec",
    "PiecewiseMergeJoinExec",
    "SortMergeJoinExec",
    "UnnestExec",
];

/// What planning needs, owned, so that it runs on the engine's threads.
#[derive(Clone)]
pub(super) struct Planner {
    pub(super) state: SessionState,
    pub(super) view: Arc<CatalogView>,
    pub(super) store: Store,
    /// Taken by the first plan; all that one planner plans is one statement.
    pub(super) snapshots: OnceLock<Arc<Snapshots>>,
}

/// A plan before its types are decided, and the tables that it names.
struct Planned {
    plan: LogicalPlan,
    oids: TableIds,
}

/// An optimized plan over the tables of one run, and its columns.
type Finished = (LogicalPlan, Arc<[ResultColumn]>, Output);

/// A query that is ready to run.
pub(super) struct Bound {
    pub(super) columns: Arc<[ResultColumn]>,
    pub(super) output: Output,
    pub(super) physical: Arc<dyn ExecutionPlan>,
}

/// Types of a query's parameters and its columns.
pub(super) struct Described {
    pub(super) parameter_types: Vec<PgType>,
    pub(super) columns: Vec<ResultColumn>,
    pub(super) plan: PlanSlot,
}

impl Planner {
    /// A planner for one statement that starts now, under the settings of the session.
    pub(super) fn new(mut state: SessionState, view: Arc<CatalogView>, store: Store) -> Self {
        let style = TextStyle::new(|name| view.settings().get(name)).unwrap_or_default();
        let style = SessionStyle(style);
        if state.config_options().extensions.get::<SessionStyle>() != Some(&style) {
            state.config_mut().options_mut().extensions.insert(style);
        }
        state.mark_start_execution();
        Self { state, view, store, snapshots: OnceLock::new() }
    }

    /// Resolves names and types without running anything.
    pub(super) fn describe(
        &self,
        query: &Query,
        declared: &[Option<PgType>],
    ) -> Result<Described, QueryError> {
        let snapshots = self.snapshots()?;
        let mut series = SeriesParameters::new(declared, None);
        let prepared = self.prepared(query, &mut series)?;
        let first = self.plan(prepared.clone(), declared, &snapshots)?;
        let parameter_types = parameters::infer(&first.plan, declared, &series.found)?;
        let planned = if parameter_types.is_empty() {
            first
        } else {
            let known: Vec<_> = parameter_types.iter().copied().map(Some).collect();
            self.plan(prepared, &known, &snapshots)?
        };
        let analyzed = self.in_modes(&planned.plan, |state, plan| {
            state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
        })?;
        let modifiers = naming::cast_modifiers(query);
        let (columns, _) = self.columns(&analyzed, &planned.plan, &planned.oids, &modifiers)?;
        let plan = PlanSlot::of(Route::Planned);
        if series.found.is_empty()
            && let Some(kept) = self.keep(&planned, parameter_types.len())?
        {
            plan.put(kept);
        }
        Ok(Described { parameter_types, columns, plan })
    }

    /// Whether the plan in `slot` still says what its text says.
    pub(super) fn is_current(&self, slot: &PlanSlot) -> Result<bool, QueryError> {
        let Some(kept) = slot.get(&PlanKey::of(&self.view)) else { return Ok(false) };
        Ok(self.with_tables(&kept, &kept.plan, &self.snapshots()?)?.is_some())
    }

    /// Plans the query with these values on snapshots taken now, from the plan in `slot` where it still
    /// says what the text says.
    pub(super) async fn bind(
        &self,
        slot: &PlanSlot,
        query: &Query,
        types: &[PgType],
        values: &[Parameter],
    ) -> Result<Bound, QueryError> {
        let snapshots = self.snapshots()?;
        let (optimized, columns, output) =
            match self.rerun(slot, query, &snapshots, types, values)? {
                Some(ready) => ready,
                None => {
                    let declared: Vec<_> = types.iter().copied().map(Some).collect();
                    let mut series = SeriesParameters::new(&declared, Some(values));
                    let prepared = self.prepared(query, &mut series)?;
                    let planned = self.plan(prepared, &declared, &snapshots)?;
                    // A plan with the bounds of a series in it serves these values only.
                    if series.found.is_empty()
                        && let Some(kept) = self.keep(&planned, types.len())?
                    {
                        slot.put(kept);
                    }
                    let (plan, oids) = (&planned.plan, &planned.oids);
                    self.finish(query, plan.clone(), plan, oids, types, values)?
                }
            };
        let physical = self
            .state
            .query_planner()
            .create_physical_plan(&optimized, &self.state)
            .await
            .and_then(yielding)
            .map_err(|error| query_error(&error))?;
        Ok(Bound { columns, output, physical })
    }

    /// The plan in `slot` over tables of `snapshots`; `None` when it must be made anew.
    fn rerun(
        &self,
        slot: &PlanSlot,
        query: &Query,
        snapshots: &Arc<Snapshots>,
        types: &[PgType],
        values: &[Parameter],
    ) -> Result<Option<Finished>, QueryError> {
        let Some(kept) = slot.get(&PlanKey::of(&self.view)) else { return Ok(None) };
        if let Some(done) = kept.optimized.get() {
            let plan = self.with_tables(&kept, &done.plan, snapshots)?;
            return Ok(plan.map(|plan| (plan, Arc::clone(&done.columns), done.output.clone())));
        }
        let Some(plan) = self.with_tables(&kept, &kept.plan, snapshots)? else { return Ok(None) };
        let finished = self.finish(query, plan, &kept.plan, &kept.oids, types, values)?;
        if kept.is_fixed && !apply::is_applied(&finished.0) {
            let (plan, columns, output) = &finished;
            let plan = without_tables(plan).map_err(|error| query_error(&error))?;
            // Another run of the same statement may have been first, with the same plan.
            let _ = kept.optimized.set(Optimized {
                plan,
                columns: Arc::clone(columns),
                output: output.clone(),
            });
        }
        Ok(Some(finished))
    }

    /// Puts the values in, decides types, optimises. `planned` says which columns are a table's.
    fn finish(
        &self,
        query: &Query,
        plan: LogicalPlan,
        planned: &LogicalPlan,
        oids: &TableIds,
        types: &[PgType],
        values: &[Parameter],
    ) -> Result<Finished, QueryError> {
        let with_values = self.with_values(plan, types, values)?;
        let optimized = self.in_modes(&with_values, |state, plan| {
            let optimized = state.optimize(&plan)?;
            if apply::has_subquery(&optimized)? {
                let what = "a subquery is left in the optimized plan".to_owned();
                return Err(DataFusionError::NotImplemented(what));
            }
            Ok(optimized)
        })?;
        let modifiers = naming::cast_modifiers(query);
        let (columns, output) = self.columns(&optimized, planned, oids, &modifiers)?;
        Ok((optimized, columns.into(), output))
    }

    /// What `work` gives of `plan`: first with joins for its subqueries, then, where the planner refuses
    /// one, with runs of them.
    fn in_modes(
        &self,
        plan: &LogicalPlan,
        work: impl Fn(&SessionState, LogicalPlan) -> datafusion::common::Result<LogicalPlan>,
    ) -> Result<LogicalPlan, QueryError> {
        let refused = match work(&self.state, plan.clone()) {
            Err(error) if !is_ours(&error) && apply::has_subquery(plan).unwrap_or(false) => error,
            done => return done.map_err(|error| query_error(&error)),
        };
        let mut state = self.state.clone();
        for mode in [ApplyMode::Refused, ApplyMode::All] {
            state.config_mut().options_mut().extensions.insert(mode);
            match work(&state, plan.clone()) {
                Err(error) if !is_ours(&error) => {
                    tracing::debug!(%error, ?mode, "subqueries were not applied");
                }
                done => return done.map_err(|error| query_error(&error)),
            }
        }
        Err(query_error(&refused))
    }

    fn keep(
        &self,
        planned: &Planned,
        parameter_count: usize,
    ) -> Result<Option<Arc<Compiled>>, QueryError> {
        let key = PlanKey::of(&self.view);
        Compiled::keep(key, &planned.plan, &planned.oids, parameter_count)
            .map_err(|error| query_error(&error))
    }

    fn with_tables(
        &self,
        kept: &Compiled,
        plan: &LogicalPlan,
        snapshots: &Arc<Snapshots>,
    ) -> Result<Option<LogicalPlan>, QueryError> {
        let resolver = Resolver::new(&self.state, &self.view, snapshots).for_plan();
        kept.with_tables(plan, &resolver).map_err(|error| query_error(&error))
    }

    fn snapshots(&self) -> Result<Arc<Snapshots>, QueryError> {
        if let Some(taken) = self.snapshots.get() {
            return Ok(Arc::clone(taken));
        }
        let (allow_gaps, finality) = {
            let settings = self.view.settings();
            (settings.allow_gaps(), settings.finality())
        };
        let taken = Snapshots::new(self.store.clone(), &self.view.database, allow_gaps, finality)?;
        Ok(Arc::clone(self.snapshots.get_or_init(|| taken)))
    }

    fn prepared(
        &self,
        query: &Query,
        series: &mut SeriesParameters<'_>,
    ) -> Result<Ast, QueryError> {
        let mut query = query.clone();
        rewrite::series::unfold(&mut query, series);
        naming::name_columns(&mut query);
        let mut statement = Ast::Query(Box::new(query));
        rewrite::rewrite(&mut statement, &self.view)?;
        Ok(statement)
    }

    fn plan(
        &self,
        statement: Ast,
        declared: &[Option<PgType>],
        snapshots: &Arc<Snapshots>,
    ) -> Result<Planned, QueryError> {
        let fields = declared
            .iter()
            .map(|declared| match declared {
                None | Some(PgType::Unknown) => Ok(None),
                Some(pg_type) => parameters::plan_field(*pg_type).map(Some),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let resolver = Resolver::new(&self.state, &self.view, snapshots);
        let mut context = PlannerContext::new().with_prepare_param_data_types(fields);
        let plan = SqlToRel::new_with_options(&resolver, parser_options())
            .sql_statement_to_plan_with_context(statement, &mut context)
            .map_err(|error| query_error(&error))?;
        Ok(Planned { plan, oids: resolver.into_oids() })
    }

    fn with_values(
        &self,
        plan: LogicalPlan,
        types: &[PgType],
        values: &[Parameter],
    ) -> Result<LogicalPlan, QueryError> {
        if types.len() != values.len() {
            return Err(QueryError::new(
                SqlState::PROTOCOL_VIOLATION,
                format!(
                    "{} parameters were given, the statement has {}",
                    values.len(),
                    types.len()
                ),
            ));
        }
        if types.is_empty() {
            return Ok(plan);
        }
        let time_zone = self.view.settings().get("TimeZone").unwrap_or_default();
        let scalars = values
            .iter()
            .zip(types)
            .map(|(value, pg_type)| parameters::scalar(value, *pg_type, &time_zone))
            .collect::<Result<Vec<_>, _>>()?;
        plan.replace_params_with_values(&ParamValues::from(scalars))
            .map_err(|error| query_error(&error))
    }

    /// Wire columns of `typed`; `planned` says which of them are table columns, and `modifiers` what casts in
    /// the select list say.
    fn columns(
        &self,
        typed: &LogicalPlan,
        planned: &LogicalPlan,
        oids: &TableIds,
        modifiers: &[i32],
    ) -> Result<(Vec<ResultColumn>, Output), QueryError> {
        let fields: Vec<_> = typed.schema().fields().iter().cloned().collect();
        let (output, types) = Output::new(&fields)?;
        let columns = fields
            .iter()
            .zip(types)
            .enumerate()
            .map(|(index, (field, pg_type))| {
                let mut column = ResultColumn::computed(naming::shown(field.name()), pg_type);
                column.type_modifier = modifiers.get(index).copied().unwrap_or(-1);
                let is_view = |name: &TableReference| {
                    let object = oids.get(name).and_then(|oid| self.view.objects.by_oid(*oid));
                    matches!(object, Some(Object::View(_)))
                };
                if let Some((table, number)) = origin(planned, index, &is_view) {
                    column.table_oid = oids.get(&table).copied().unwrap_or(0);
                    column.column_number = i16::try_from(number + 1).unwrap_or(0);
                    let known = self
                        .view
                        .relations
                        .iter()
                        .find(|relation| relation.oid == column.table_oid)
                        .and_then(|relation| relation.columns.get(number));
                    if let Some(known) = known {
                        column.type_modifier = known.type_modifier;
                    }
                }
                column
            })
            .collect();
        Ok((columns, output))
    }
}

/// Whether the error is one of our own, which says what is wrong with the statement.
fn is_ours(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::External(inner) if inner.is::<QueryError>())
}

/// `plan` with a yield point above each operator that can make many batches of one: without it a
/// cancelled join would run on until its next input batch.
fn yielding(plan: Arc<dyn ExecutionPlan>) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let wrapped = plan.transform_up(|node| {
        Ok(if MULTIPLYING_OPERATORS.contains(&node.name()) {
            Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>)
        } else {
            Transformed::no(node)
        })
    })?;
    Ok(wrapped.data)
}

/// The table and column that output column `index` of `plan` is, if it is one unchanged.
fn origin(
    plan: &LogicalPlan,
    index: usize,
    is_view: &dyn Fn(&TableReference) -> bool,
) -> Option<(TableReference, usize)> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let column = match &scan.projection {
                Some(projection) => *projection.get(index)?,
                None => index,
            };
            Some((scan.table_name.clone(), column))
        }
        LogicalPlan::Projection(projection) => {
            let mut expr = projection.expr.get(index)?;
            while let Expr::Alias(alias) = expr {
                expr = &alias.expr;
            }
            let Expr::Column(column) = expr else { return None };
            let input = projection.input.schema().maybe_index_of_column(column)?;
            origin(&projection.input, input, is_view)
        }
        LogicalPlan::SubqueryAlias(alias) if is_view(&alias.alias) => {
            Some((alias.alias.clone(), index))
        }
        LogicalPlan::SubqueryAlias(alias) => origin(&alias.input, index, is_view),
        // The columns of the input come first.
        LogicalPlan::Window(window) => origin(&window.input, index, is_view),
        LogicalPlan::Aggregate(aggregate) => {
            let Expr::Column(column) = aggregate.group_expr.get(index)? else { return None };
            let input = aggregate.input.schema().maybe_index_of_column(column)?;
            origin(&aggregate.input, input, is_view)
        }
        LogicalPlan::Distinct(Distinct::All(input)) => origin(input, index, is_view),
        LogicalPlan::Distinct(Distinct::On(distinct)) => {
            let Expr::Column(column) = distinct.select_expr.get(index)? else { return None };
            let input = distinct.input.schema().maybe_index_of_column(column)?;
            origin(&distinct.input, input, is_view)
        }
        LogicalPlan::Filter(filter) => origin(&filter.input, index, is_view),
        LogicalPlan::Sort(sort) => origin(&sort.input, index, is_view),
        LogicalPlan::Limit(limit) => origin(&limit.input, index, is_view),
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            if index < left {
                origin(&join.left, index, is_view)
            } else {
                origin(&join.right, index - left, is_view)
            }
        }
        _ => None,
    }
}

/// An error of a task that broke.
pub(super) fn task_error(error: &tokio::task::JoinError) -> QueryError {
    query_error(&DataFusionError::Internal(format!("query task ended: {error}")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::tests::fixture::{Fixture, Run};

    #[test]
    fn all_that_one_planner_plans_reads_one_snapshot() {
        let fixture = Fixture::sealed(&[Run::new(0, 4, 2)]);
        let session = fixture.session();
        let planner = session.planner();
        let taken = planner.snapshots().unwrap();
        fixture.seal("demo", Run::new(5, 6, 2));
        assert!(Arc::ptr_eq(&taken, &planner.snapshots().unwrap()));
        assert!(!Arc::ptr_eq(&taken, &session.planner().snapshots().unwrap()));
    }
}
