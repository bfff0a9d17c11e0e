//! Conditions in parts that all must hold, each with what it reads.

use sqlparser::ast::{BinaryOperator, Expr as Ast};

use super::super::plan::{Conjunct, Expr};
use super::Binder;
use super::operation::is_equality;
use super::scope::Scope;
use crate::QueryError;

impl Binder<'_> {
    /// The parts of a condition that all must hold.
    ///
    /// # Errors
    /// As binding each of them.
    pub(super) fn conjuncts(
        &self,
        condition: &Ast,
        scope: &Scope<'_>,
        clause: &str,
    ) -> Result<Vec<Conjunct>, QueryError> {
        let mut parts = Vec::new();
        split(condition, &mut parts);
        parts
            .into_iter()
            .map(|part| {
                let (typed, mask) = scope.tracked(|| self.expr(part, scope))?;
                let expr = self.condition(typed, clause)?;
                let sides = self.sides(part, &expr, scope)?;
                Ok(Conjunct { expr, mask, sides })
            })
            .collect()
    }

    fn sides(
        &self,
        part: &Ast,
        expr: &Expr,
        scope: &Scope<'_>,
    ) -> Result<Option<(u64, u64)>, QueryError> {
        let (left, right) = match part {
            Ast::BinaryOp { left, right, .. } | Ast::AnyOp { left, right, .. } => {
                (left, Some(right))
            }
            // A list of constants, or it would not be the expression looked for below.
            Ast::InList { expr, .. } => (expr, None),
            _ => return Ok(None),
        };
        let is_equal = match expr {
            Expr::Binary { operator, .. } => is_equality(*operator),
            // The values of a subquery are few; an array is a list that was written, or a column.
            Expr::AnyAll { operator, all: false, right, .. } => {
                is_equality(*operator) && !matches!(**right, Expr::Subquery { .. })
            }
            _ => false,
        };
        if !is_equal {
            return Ok(None);
        }
        let (_, left) = scope.tracked(|| self.expr(left, scope))?;
        let right = match right {
            Some(right) => scope.tracked(|| self.expr(right, scope))?.1,
            None => 0,
        };
        Ok(Some((left, right)))
    }
}

fn split<'a>(condition: &'a Ast, parts: &mut Vec<&'a Ast>) {
    match condition {
        Ast::Nested(inner) => split(inner, parts),
        Ast::BinaryOp { left, op: BinaryOperator::And, right } => {
            split(left, parts);
            split(right, parts);
        }
        other => parts.push(other),
    }
}
