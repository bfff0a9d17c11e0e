//! How an [`Apply`] node runs, and the planner of physical plans that knows it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt64Array, new_null_array};
use datafusion::arrow::compute::{cast, concat, concat_batches, take};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError, Result, ScalarValue};
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, UserDefinedLogicalNode};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, collect,
};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use futures::StreamExt;

use super::node::{Apply, Wanted};
use crate::limits::SUBQUERY_RUNS_MAX;
use crate::{QueryError, SqlState};

/// The planner of physical plans.
#[derive(Debug)]
pub(crate) struct ApplyQueryPlanner;

#[async_trait]
impl QueryPlanner for ApplyQueryPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(ApplyPlanner)])
            .create_physical_plan(plan, session)
            .await
    }
}

struct ApplyPlanner;

#[async_trait]
impl ExtensionPlanner for ApplyPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let node: &dyn std::any::Any = node.as_any();
        let (Some(apply), [input]) = (node.downcast_ref::<Apply>(), physical_inputs) else {
            return Ok(None);
        };
        let Some(state) = session.as_any().downcast_ref::<SessionState>() else {
            return Err(DataFusionError::Internal("a session of another kind".to_owned()));
        };
        let values = apply
            .values
            .iter()
            .map(|value| {
                planner.create_physical_expr(value, apply.input.schema(), session, context)
            })
            .collect::<Result<Vec<_>>>()?;
        let schema: SchemaRef = Arc::new(UserDefinedLogicalNode::schema(apply).as_arrow().clone());
        let orderings = input.properties().equivalence_properties().oeq_class().clone();
        let orderings: Vec<_> = orderings.into_iter().collect();
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), orderings),
            input.properties().output_partitioning().clone(),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Some(Arc::new(ApplyExec {
            input: Arc::clone(input),
            run: Arc::new(Run {
                subquery: Arc::clone(&apply.subquery),
                columns: apply.columns.clone(),
                wanted: apply.wanted,
                state: state.clone(),
            }),
            values,
            properties: Arc::new(properties),
        })))
    }
}

/// What one run of the subquery needs.
struct Run {
    subquery: Arc<LogicalPlan>,
    columns: Vec<Column>,
    wanted: Wanted,
    state: SessionState,
}

struct ApplyExec {
    input: Arc<dyn ExecutionPlan>,
    run: Arc<Run>,
    values: Vec<Arc<dyn PhysicalExpr>>,
    properties: Arc<PlanProperties>,
}

impl fmt::Debug for ApplyExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyExec").finish_non_exhaustive()
    }
}

impl DisplayAs for ApplyExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApplyExec: {:?}", self.run.wanted)
    }
}

impl ExecutionPlan for ApplyExec {
    fn name(&self) -> &str {
        "ApplyExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for value in &self.values {
            f(value)?;
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().unwrap_or_else(|| Arc::clone(&self.input));
        let old = &self.properties;
        let properties = PlanProperties::new(
            old.equivalence_properties().clone(),
            input.properties().output_partitioning().clone(),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Arc::new(Self {
            input,
            run: Arc::clone(&self.run),
            values: self.values.clone(),
            properties: Arc::new(properties),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let stream = self.input.execute(partition, Arc::clone(&context))?;
        let work = Work {
            run: Arc::clone(&self.run),
            values: self.values.clone(),
            schema: self.schema(),
            context,
            known: HashMap::new(),
        };
        let batches = futures::stream::try_unfold((stream, work), |(mut stream, mut work)| async {
            let Some(batch) = stream.next().await else { return Ok(None) };
            let applied = work.batch(&batch?).await?;
            Ok(Some((applied, (stream, work))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}

/// What one run gave.
#[derive(Clone)]
enum Found {
    Value(ScalarValue),
    Rows(RecordBatch),
}

/// One partition at work.
struct Work {
    run: Arc<Run>,
    values: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
    context: Arc<TaskContext>,
    /// Results by outer values.
    known: HashMap<Vec<ScalarValue>, Found>,
}

impl Work {
    async fn batch(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let arrays = self
            .values
            .iter()
            .map(|value| value.evaluate(batch)?.into_array(rows))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let mut found = Vec::with_capacity(rows);
        for row in 0..rows {
            let key = arrays
                .iter()
                .map(|array| ScalarValue::try_from_array(array, row))
                .collect::<Result<Vec<_>>>()?;
            found.push(match self.known.get(&key) {
                Some(known) => known.clone(),
                None => {
                    let new = self.run(&key).await?;
                    self.known.insert(key, new.clone());
                    new
                }
            });
        }
        match self.run.wanted {
            Wanted::Rows { keep } => self.rows(batch, found, keep),
            _ => self.column(batch, found),
        }
    }

    async fn run(&self, key: &[ScalarValue]) -> Result<Found> {
        if self.known.len() == SUBQUERY_RUNS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a subquery is run for at most {SUBQUERY_RUNS_MAX} sets of outer values"),
            )
            .with_hint("Write the subquery as a join.")
            .into());
        }
        // Runs of small plans never wait: without this a cancelled statement would go on.
        tokio::task::yield_now().await;
        let state = &self.run.state;
        let plan = self.run.plan(key)?;
        let plan = state.optimizer().optimize(plan, state, |_, _| {})?;
        let physical = state.query_planner().create_physical_plan(&plan, state).await?;
        let schema = physical.schema();
        let batches = collect(physical, Arc::clone(&self.context)).await?;
        let all = concat_batches(&schema, &batches)?;
        let value = |array: &ArrayRef| ScalarValue::try_from_array(array, 0);
        Ok(match self.run.wanted {
            Wanted::Rows { .. } => Found::Rows(all),
            Wanted::Exists => Found::Value(ScalarValue::Boolean(Some(all.num_rows() > 0))),
            Wanted::List => {
                let item = all.column(0);
                let scalars = (0..item.len())
                    .map(|row| ScalarValue::try_from_array(item, row))
                    .collect::<Result<Vec<_>>>()?;
                let list = ScalarValue::new_list_nullable(&scalars, item.data_type());
                Found::Value(ScalarValue::List(list))
            }
            Wanted::Value => match all.num_rows() {
                0 => Found::Value(ScalarValue::try_from(all.column(0).data_type())?),
                1 => Found::Value(value(all.column(0))?),
                _ => {
                    return Err(QueryError::new(
                        SqlState::CARDINALITY_VIOLATION,
                        "more than one row returned by a subquery used as an expression",
                    )
                    .into());
                }
            },
        })
    }

    /// The batch with one more column.
    fn column(&self, batch: &RecordBatch, found: Vec<Found>) -> Result<RecordBatch> {
        let added = self.schema.field(self.schema.fields().len() - 1).data_type();
        let scalars = found.into_iter().filter_map(|found| match found {
            Found::Value(value) => Some(value),
            Found::Rows(_) => None,
        });
        let array = match batch.num_rows() {
            0 => new_null_array(added, 0),
            _ => typed(&ScalarValue::iter_to_array(scalars)?, added)?,
        };
        let columns = batch.columns().iter().cloned().chain([array]).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Each row of the batch beside the rows that were found for it.
    fn rows(&self, batch: &RecordBatch, found: Vec<Found>, keep: bool) -> Result<RecordBatch> {
        let own = batch.num_columns();
        let mut left = Vec::new();
        let mut parts = Vec::new();
        for (row, found) in (0_u64..).zip(found) {
            let Found::Rows(rows) = found else { continue };
            let count = rows.num_rows();
            if count > 0 {
                left.extend(std::iter::repeat_n(row, count));
                parts.push(Some(rows));
            } else if keep {
                left.push(row);
                parts.push(None);
            }
        }
        let indices = UInt64Array::from(left);
        let mut columns = batch
            .columns()
            .iter()
            .map(|column| Ok(take(column, &indices, None)?))
            .collect::<Result<Vec<ArrayRef>>>()?;
        for (at, field) in self.schema.fields().iter().skip(own).enumerate() {
            let arrays = parts
                .iter()
                .map(|rows| match rows {
                    Some(rows) => typed(rows.column(at), field.data_type()),
                    None => Ok(new_null_array(field.data_type(), 1)),
                })
                .collect::<Result<Vec<_>>>()?;
            let arrays: Vec<_> = arrays.iter().map(AsRef::as_ref).collect();
            columns.push(match arrays.as_slice() {
                [] => new_null_array(field.data_type(), 0),
                arrays => concat(arrays)?,
            });
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn typed(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to { Ok(Arc::clone(array)) } else { Ok(cast(array, to)?) }
}

impl Run {
    /// The subquery with outer values in it, and no more rows than are looked at.
    fn plan(&self, key: &[ScalarValue]) -> Result<LogicalPlan> {
        let plan = self.subquery.as_ref().clone().transform_up_with_subqueries(|node| {
            if matches!(node, LogicalPlan::TableScan(_)) {
                return Ok(Transformed::no(node));
            }
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                let replaced = expr.transform_up(|expr| {
                    let Expr::OuterReferenceColumn(_, column) = &expr else {
                        return Ok(Transformed::no(expr));
                    };
                    let at = self.columns.iter().position(|known| known == column);
                    Ok(match at.and_then(|at| key.get(at)) {
                        Some(value) => Transformed::yes(Expr::Literal(value.clone(), None)),
                        None => Transformed::no(expr),
                    })
                })?;
                Ok(replaced.update_data(|expr| name.restore(expr)))
            })
        })?;
        let limit = match self.wanted {
            Wanted::Exists => 1,
            Wanted::Value => 2,
            Wanted::List | Wanted::Rows { .. } => return Ok(plan.data),
        };
        LogicalPlanBuilder::from(plan.data).limit(0, Some(limit))?.build()
    }
}
