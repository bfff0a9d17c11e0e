//! The rule that puts [`Apply`] nodes in the place of subqueries. It runs last of the analyzer rules, when types
//! are decided.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DataFusionError, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder,
    Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Subquery, SubqueryAlias,
    Volatility, check_subquery_expr,
};
use datafusion::optimizer::AnalyzerRule;

use super::graft::graft;
use super::node::{Apply, Wanted};
use crate::functions::quantified::Quantified;

/// Name of the function that stands for `ARRAY(subquery)` until the rule runs.
pub(crate) const COLLECT: &str = "ergosql_collect";

/// How much the rule does; part of the session's configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd)]
pub(crate) enum ApplyMode {
    /// Nothing but what no join can do: lists of rows.
    #[default]
    Lists,
    /// Also what the planner says that it cannot join.
    Refused,
    /// Every subquery that refers to the statement around it.
    All,
}

impl ConfigExtension for ApplyMode {
    const PREFIX: &'static str = "ergosql_apply";
}

impl ExtensionOptions for ApplyMode {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(*self)
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        Err(DataFusionError::Internal(format!("{key} is not set by name")))
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// The function [`COLLECT`]: its argument is a subquery, its value the list of all rows.
pub(crate) fn collect() -> ScalarUDF {
    ScalarUDF::new_from_impl(Collect { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Collect {
    signature: Signature,
}

impl ScalarUDFImpl for Collect {
    fn name(&self) -> &str {
        COLLECT
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let item = types.first().cloned().unwrap_or(DataType::Null);
        Ok(DataType::List(Arc::new(Field::new_list_field(item, true))))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal("a list of rows was not applied".to_owned()))
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct ApplySubqueries;

impl AnalyzerRule for ApplySubqueries {
    fn name(&self) -> &str {
        "apply_subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let mode = config.extensions.get::<ApplyMode>().copied().unwrap_or_default();
        let mut pass = Pass { mode, names: 0 };
        pass.plan(plan)
    }
}

struct Pass {
    mode: ApplyMode,
    /// Columns named so far.
    names: usize,
}

impl Pass {
    fn plan(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        Ok(plan.transform_up(|node| self.node(node))?.data)
    }

    fn node(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        if let LogicalPlan::Join(join) = &node
            && let Some(applied) = self.lateral(join)?
        {
            return Ok(Transformed::yes(applied));
        }
        let node = match node {
            LogicalPlan::Join(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Subquery(_) => node,
            node => node.map_children(|child| Ok(Transformed::yes(without_mark(child))))?.data,
        };
        let inputs = node.inputs();
        let [input] = inputs.as_slice() else { return Ok(Transformed::no(node)) };
        let mut input = (*input).clone();
        let before = self.names;
        let names = NamePreserver::new(&node);
        let mut exprs = Vec::new();
        for expr in node.expressions() {
            let name = names.save(&expr);
            let parts = match &node {
                LogicalPlan::Filter(_) => split_conjunction_owned(expr),
                _ => vec![expr],
            };
            let parts = parts
                .into_iter()
                .map(|part| self.expr(part, &node, &mut input))
                .collect::<Result<Vec<_>>>()?;
            exprs.extend(conjunction(parts).map(|expr| name.restore(expr)));
        }
        if self.names == before {
            return Ok(Transformed::no(node));
        }
        let wanted = Arc::clone(node.schema());
        let changed = node.with_new_exprs(exprs, vec![input])?;
        if changed.schema().fields().len() == wanted.fields().len() {
            return Ok(Transformed::yes(changed));
        }
        let kept = wanted.columns().into_iter().map(Expr::Column);
        LogicalPlanBuilder::from(changed).project(kept)?.build().map(Transformed::yes)
    }

    /// `expr` with a column of `input` for each subquery that is applied.
    fn expr(&mut self, expr: Expr, node: &LogicalPlan, input: &mut LogicalPlan) -> Result<Expr> {
        let is_joined = matches!(node, LogicalPlan::Filter(_)) && self.mode < ApplyMode::All;
        let bare = match &expr {
            Expr::Not(inner) => inner,
            other => other,
        };
        if is_joined && let Expr::Exists(_) | Expr::InSubquery(_) = bare {
            return self.inside(expr);
        }
        let replaced = expr.transform_down(|expr| self.subquery(expr, node, input))?;
        Ok(replaced.data)
    }

    /// A condition that stays a subquery: only what it contains is applied.
    fn inside(&mut self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform_down(|expr| {
            Ok(match expr {
                Expr::Exists(Exists { subquery, negated }) => {
                    let subquery = self.nested(subquery)?;
                    Transformed::yes(Expr::Exists(Exists { subquery, negated }))
                }
                Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                    let subquery = self.nested(subquery)?;
                    Transformed::yes(Expr::InSubquery(InSubquery { expr, subquery, negated }))
                }
                other => Transformed::no(other),
            })
        })?;
        Ok(replaced.data)
    }

    fn nested(&mut self, subquery: Subquery) -> Result<Subquery> {
        let plan = self.plan(Arc::unwrap_or_clone(subquery.subquery.clone()))?;
        Ok(subquery.with_plan(Arc::new(plan)))
    }

    fn subquery(
        &mut self,
        expr: Expr,
        node: &LogicalPlan,
        input: &mut LogicalPlan,
    ) -> Result<Transformed<Expr>> {
        let found = match expr {
            Expr::ScalarFunction(call) if call.func.name() == COLLECT => {
                match call.args.into_iter().next() {
                    Some(Expr::ScalarSubquery(subquery)) => {
                        self.column(&subquery, Wanted::List, input)?
                    }
                    _ => return Err(DataFusionError::Internal("a list needs rows".to_owned())),
                }
            }
            Expr::ScalarSubquery(ref subquery) => {
                let is_correlated = !subquery.outer_ref_columns.is_empty();
                let is_joined = self.mode < ApplyMode::All
                    && check_subquery_expr(node, &subquery.subquery, &expr).is_ok();
                // Without a row it is null, which the planner forgets of a value that never is.
                let forgets_null =
                    !is_correlated && !subquery.subquery.schema().field(0).is_nullable();
                let is_left = !is_correlated || is_joined || self.mode == ApplyMode::Lists;
                if is_left && !forgets_null {
                    let subquery = self.nested(subquery.clone())?;
                    let expr = Expr::ScalarSubquery(subquery);
                    return Ok(Transformed::new(expr, true, TreeNodeRecursion::Jump));
                }
                self.column(subquery, Wanted::Value, input)?
            }
            Expr::Exists(Exists { subquery, negated }) if self.mode > ApplyMode::Lists => {
                let found = self.column(&subquery, Wanted::Exists, input)?;
                if negated { Expr::Not(Box::new(found)) } else { found }
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated })
                if self.mode > ApplyMode::Lists =>
            {
                let list = self.column(&subquery, Wanted::List, input)?;
                let expr = self.expr(*expr, node, input)?;
                let found = Quantified::call(Operator::Eq, false, expr, list);
                if negated { Expr::Not(Box::new(found)) } else { found }
            }
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier })
                if self.mode > ApplyMode::Lists =>
            {
                let list = self.column(&subquery, Wanted::List, input)?;
                let expr = self.expr(*expr, node, input)?;
                Quantified::call(op, quantifier == SetQuantifier::All, expr, list)
            }
            other => return Ok(Transformed::no(other)),
        };
        Ok(Transformed::new(found, true, TreeNodeRecursion::Jump))
    }

    /// Applies `subquery` to `input`, and gives the column that it adds.
    fn column(
        &mut self,
        subquery: &Subquery,
        wanted: Wanted,
        input: &mut LogicalPlan,
    ) -> Result<Expr> {
        let plan = self.plan(subquery.subquery.as_ref().clone())?;
        self.names += 1;
        let name = format!("ergosql_applied_{}", self.names);
        let outer = outer_columns(&plan, input.schema())?;
        *input = Apply::plan(input.clone(), plan, outer, wanted, &name)?;
        Ok(Expr::Column(Column::from_name(name)))
    }

    /// A join whose right side refers to its left side.
    fn lateral(&mut self, join: &Join) -> Result<Option<LogicalPlan>> {
        let (subquery, alias) = match &*join.right {
            LogicalPlan::Subquery(subquery) => (subquery, None),
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, .. }) => match &**input {
                LogicalPlan::Subquery(subquery) => (subquery, Some(alias.clone())),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let keep = match join.join_type {
            JoinType::Inner => false,
            JoinType::Left => true,
            _ => return Ok(None),
        };
        let mut right = subquery.subquery.as_ref().clone();
        if let Some(alias) = alias {
            right = LogicalPlanBuilder::from(right).alias(alias)?.build()?;
        }
        let left = join.left.as_ref().clone();
        let pairs = join.on.iter().cloned().map(|(left, right)| left.eq(right));
        let condition = conjunction(pairs.chain(join.filter.clone()));
        if !keep && let Some(grafted) = graft(&right, &left)? {
            let grafted = match condition {
                Some(condition) => LogicalPlanBuilder::from(grafted).filter(condition)?.build()?,
                None => grafted,
            };
            return Ok(Some(grafted));
        }
        if let Some(condition) = condition {
            let condition = outward(condition, left.schema())?;
            right = LogicalPlan::Filter(Filter::try_new(condition, Arc::new(right))?);
        }
        let outer = outer_columns(&right, left.schema())?;
        Apply::plan(left, right, outer, Wanted::Rows { keep }, "").map(Some)
    }
}

/// A first item of FROM refers outward as the whole subquery does: it needs no mark of its own.
fn without_mark(plan: LogicalPlan) -> LogicalPlan {
    match plan {
        LogicalPlan::Subquery(subquery) => Arc::unwrap_or_clone(subquery.subquery),
        LogicalPlan::SubqueryAlias(alias) => match &*alias.input {
            LogicalPlan::Subquery(subquery) => {
                let inner = subquery.subquery.clone();
                SubqueryAlias::try_new(inner, alias.alias.clone())
                    .map_or(LogicalPlan::SubqueryAlias(alias), LogicalPlan::SubqueryAlias)
            }
            _ => LogicalPlan::SubqueryAlias(alias),
        },
        other => other,
    }
}

/// `expr` with references outward for the columns of `schema`.
fn outward(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let replaced = expr.transform_up(|expr| {
        let Expr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
        if !schema.has_column(column) {
            return Ok(Transformed::no(expr));
        }
        let (_, field) = expr.to_field(schema)?;
        Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column.clone())))
    })?;
    Ok(replaced.data)
}

/// Columns outside `plan` that it refers to, and their values where `input` is what is outside.
fn outer_columns(plan: &LogicalPlan, input: &DFSchema) -> Result<(Vec<Column>, Vec<Expr>)> {
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::OuterReferenceColumn(_, column) = expr
                    && !columns.contains(column)
                {
                    columns.push(column.clone());
                    values.push(if input.has_column(column) {
                        Expr::Column(column.clone())
                    } else {
                        expr.clone()
                    });
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok((columns, values))
}

/// Whether a subquery that reads rows outside itself, or stands in a condition, is left in `plan`.
pub(crate) fn has_subquery(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        found |= matches!(node, LogicalPlan::Subquery(_));
        // NOT IN over several keys is planned, but has no way to run.
        found |= matches!(node, LogicalPlan::Join(join) if join.null_aware && join.on.len() != 1);
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                found |= match expr {
                    Expr::ScalarSubquery(subquery) => !subquery.outer_ref_columns.is_empty(),
                    Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => true,
                    Expr::OuterReferenceColumn(..) => true,
                    _ => false,
                };
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// Whether a part of `plan` is run for each row: such a plan holds tables that no visitor finds.
pub(crate) fn is_applied(plan: &LogicalPlan) -> bool {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Extension(_)))).unwrap_or(true)
}
