//! LATERAL without tables of its own, such as `unnest(t.list)`: computed on the rows of the outer side, which is far
//! cheaper than a run for each.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, LogicalPlanBuilder, Unnest};

/// The rows of `left`, each beside the rows that `plan` gives for it; `None` where `plan` reads a table,
/// groups, sorts or limits.
pub(super) fn graft(plan: &LogicalPlan, left: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    Ok(Some(match plan {
        LogicalPlan::EmptyRelation(empty)
            if empty.produce_one_row && plan.schema().fields().is_empty() =>
        {
            left.clone()
        }
        LogicalPlan::Projection(projection) => {
            let Some(input) = graft(&projection.input, left)? else { return Ok(None) };
            let names = NamePreserver::new(plan);
            let own = projection.expr.iter().cloned().map(|expr| {
                let name = names.save(&expr);
                inward(expr).map(|expr| name.restore(expr))
            });
            let own = own.collect::<Result<Vec<_>>>()?;
            let exprs = columns(left).chain(own);
            LogicalPlanBuilder::from(input).project(exprs)?.build()?
        }
        LogicalPlan::Filter(filter) => {
            let Some(input) = graft(&filter.input, left)? else { return Ok(None) };
            let predicate = inward(filter.predicate.clone())?;
            LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input))?)
        }
        LogicalPlan::Unnest(unnest) => {
            let Some(input) = graft(&unnest.input, left)? else { return Ok(None) };
            let columns = unnest.exec_columns.clone();
            let made = Unnest::try_new(Arc::new(input), columns, unnest.options.clone())?;
            LogicalPlan::Unnest(made)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let Some(input) = graft(&alias.input, left)? else { return Ok(None) };
            let skip = left.schema().fields().len();
            let own: Vec<Expr> = input
                .schema()
                .columns()
                .into_iter()
                .skip(skip)
                .map(|column| {
                    let name = column.name.clone();
                    Expr::Column(column).alias_qualified(Some(alias.alias.clone()), name)
                })
                .collect();
            let exprs = columns(left).chain(own);
            LogicalPlanBuilder::from(input).project(exprs)?.build()?
        }
        _ => return Ok(None),
    }))
}

fn columns(plan: &LogicalPlan) -> impl Iterator<Item = Expr> + use<> {
    plan.schema().columns().into_iter().map(|column: Column| Expr::Column(column))
}

/// `expr` with plain columns for its references outward.
fn inward(expr: Expr) -> Result<Expr> {
    let replaced = expr.transform_up(|expr| {
        Ok(match expr {
            Expr::OuterReferenceColumn(_, column) => Transformed::yes(Expr::Column(column)),
            other => Transformed::no(other),
        })
    })?;
    Ok(replaced.data)
}
