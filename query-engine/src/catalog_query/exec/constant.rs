//! Constant parts of a plan: PostgreSQL computes them while it plans, so that their errors come before
//! the description of the rows; errors of the run itself come after it.

use super::super::plan::{Body, Expr, QueryPlan};
use super::{Executor, Frame};
use crate::QueryError;

/// Functions whose calls are never computed ahead.
const VOLATILE: &[&str] = &["pg_sleep", "pg_notify", "set_config", "current_setting"];

impl Executor<'_> {
    /// Computes the constant parts of `plan`.
    ///
    /// # Errors
    /// The first error of one.
    pub(super) fn constants(&self, plan: &QueryPlan) -> Result<(), QueryError> {
        match &plan.body {
            Body::Select(select) => {
                let having = select.group.iter().filter_map(|group| group.having.as_ref());
                self.constants_of(select.projection.iter().chain(&select.filters).chain(having))?;
                self.constants_of(select.sets.iter().flat_map(|call| &call.arguments))
            }
            Body::Values(rows) => self.constants_of(rows.iter().flatten()),
            Body::Set { left, right, .. } => {
                self.constants(left)?;
                self.constants(right)
            }
        }
    }

    fn constants_of<'e>(&self, exprs: impl Iterator<Item = &'e Expr>) -> Result<(), QueryError> {
        for expr in exprs {
            if is_constant(expr) {
                self.eval(expr, &Frame::new(None, 0))?;
            } else {
                self.constants_of(parts(expr).into_iter())?;
            }
        }
        Ok(())
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Parameter(_)
        | Expr::Column { .. }
        | Expr::RowConst { .. }
        | Expr::WholeRow { .. }
        | Expr::SetValue(_)
        | Expr::Subquery { .. } => false,
        Expr::Call { function, .. } if VOLATILE.contains(&function.0.name) => false,
        expr => parts(expr).into_iter().all(is_constant),
    }
}

/// The expressions that `expr` is made of.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Const(_)
        | Expr::Parameter(_)
        | Expr::Column { .. }
        | Expr::RowConst { .. }
        | Expr::WholeRow { .. }
        | Expr::SetValue(_)
        | Expr::Subquery { .. } => Vec::new(),
        Expr::Call { arguments, .. } => arguments.iter().collect(),
        Expr::JsonRow { record: inner, .. }
        | Expr::Grouping { mask: inner, .. }
        | Expr::Cast { inner, .. }
        | Expr::IsTruth { inner, .. }
        | Expr::Sized { inner, .. } => {
            vec![&**inner]
        }
        Expr::Not(inner) | Expr::IsNull(inner) | Expr::IsNotNull(inner) => vec![&**inner],
        Expr::Binary { left, right, .. } | Expr::AnyAll { left, right, .. } => {
            vec![&**left, &**right]
        }
        Expr::IsDistinct(left, right) => vec![&**left, &**right],
        Expr::And(all)
        | Expr::Or(all)
        | Expr::Coalesce(all)
        | Expr::Array(all)
        | Expr::Stacked(all)
        | Expr::Extreme { parts: all, .. }
        | Expr::Row(all, _) => all.iter().collect(),
        Expr::Case { branches, otherwise } => {
            let branches = branches.iter().flat_map(|(test, result)| [test, result]);
            branches.chain(std::iter::once(&**otherwise)).collect()
        }
        Expr::Subscript { array, indexes, .. } => {
            std::iter::once(&**array).chain(indexes).collect()
        }
        Expr::Slice { array, bounds } => {
            let bounds = bounds.iter().flat_map(|(lower, upper)| [lower, upper]).flatten();
            std::iter::once(&**array).chain(bounds).collect()
        }
        Expr::Field { record, .. } => vec![&**record],
    }
}
