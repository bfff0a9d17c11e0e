//! Conditions are moved to the first place where all they read is known.
//!
//! Invariants
//! - A join runs its right side once for each row of its left side, with that row in the frame: a
//!   condition on the right side may read both.
//! - A WHERE condition never moves into the right side of an outer join, an ON condition always does.

use sqlparser::ast::{BinaryOperator, Expr as Ast};

use super::super::plan::{Expr, FromPlan, LeafPlan, Source};
use super::super::types::{Kind, kind};
use super::Binder;
use super::from::Item;
use super::operation::is_equality;
use super::scope::Scope;
use crate::QueryError;

/// One condition with the leaves of its level that it reads.
pub(super) struct Conjunct {
    pub(super) expr: Expr,
    pub(super) mask: u64,
    /// Leaves that the two sides of an equality read.
    pub(super) sides: Option<(u64, u64)>,
}

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
        let Ast::BinaryOp { left, right, .. } = part else { return Ok(None) };
        if !matches!(expr, Expr::Binary { operator, .. } if is_equality(*operator)) {
            return Ok(None);
        }
        let (_, left) = scope.tracked(|| self.expr(left, scope))?;
        let (_, right) = scope.tracked(|| self.expr(right, scope))?;
        Ok(Some((left, right)))
    }

    /// Joins the items of a FROM list and places the conditions of WHERE; gives those left over.
    pub(super) fn combine(
        &self,
        items: Vec<Item>,
        conditions: Vec<Conjunct>,
        scope: &Scope<'_>,
    ) -> (Option<FromPlan>, Vec<Expr>) {
        let mut pending = items;
        let mut plan: Option<(FromPlan, u64)> = None;
        while !pending.is_empty() {
            let known = plan.as_ref().map_or(0, |plan| plan.1);
            let next = pending.remove(next_item(&pending, &conditions, known));
            plan = Some(match plan.take() {
                None => (next.plan, next.mask),
                Some((left, mask)) => {
                    let (left, right) = (Box::new(left), Box::new(next.plan));
                    let join = FromPlan::Join { left, right, outer: false, filters: Vec::new() };
                    (join, mask | next.mask)
                }
            });
        }
        let Some((mut plan, _)) = plan else {
            return (None, conditions.into_iter().map(|one| one.expr).collect());
        };
        debug_assert!(scope.leaves.len() <= super::scope::LEAVES_MAX);
        for condition in conditions {
            place_inner(&mut plan, condition);
        }
        (Some(plan), Vec::new())
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

/// The item to join next: one that an equality ties to what is known, else the first that can run.
fn next_item(items: &[Item], conditions: &[Conjunct], known: u64) -> usize {
    let can_run = |item: &&(usize, &Item)| item.1.reads & !known == 0;
    let is_tied = |item: &&(usize, &Item)| {
        conditions.iter().filter_map(|condition| condition.sides).any(|(left, right)| {
            let mask = item.1.mask;
            (left & !mask == 0 && left != 0 && right & !known == 0)
                || (right & !mask == 0 && right != 0 && left & !known == 0)
        })
    };
    let items: Vec<(usize, &Item)> = items.iter().enumerate().collect();
    items
        .iter()
        .filter(can_run)
        .find(is_tied)
        .or_else(|| items.iter().find(can_run))
        .map_or(0, |item| item.0)
}

fn mask_of(plan: &FromPlan) -> u64 {
    match plan {
        FromPlan::Leaf(leaf) => 1 << leaf.leaf,
        FromPlan::Join { left, right, .. } => mask_of(left) | mask_of(right),
    }
}

/// Places a condition that drops rows: of WHERE, or of ON of an inner join.
pub(super) fn place_inner(plan: &mut FromPlan, condition: Conjunct) {
    match plan {
        FromPlan::Leaf(leaf) => place_leaf(leaf, condition),
        FromPlan::Join { left, right, outer, filters } => {
            if condition.mask & mask_of(right) == 0 {
                place_inner(left, condition);
            } else if *outer {
                filters.push(condition.expr);
            } else {
                place_inner(right, condition);
            }
        }
    }
}

/// Places a condition of ON of an outer join: it drops rows of the right side only.
pub(super) fn place_outer(plan: &mut FromPlan, condition: Conjunct) {
    if let FromPlan::Join { right, .. } = plan {
        // Also one that reads the left side alone: false there means that no right row matches.
        let leaf_mask = mask_of(right);
        let reads_right = condition.mask & leaf_mask != 0;
        match &mut **right {
            FromPlan::Join { filters, .. } if !reads_right => filters.push(condition.expr),
            right => place_inner(right, condition),
        }
    }
}

fn place_leaf(leaf: &mut LeafPlan, condition: Conjunct) {
    if leaf.key.is_none()
        && let Some(key) = key_of(leaf.leaf, &condition)
        && has_index(&leaf.source, key.0)
    {
        leaf.key = Some(key);
        return;
    }
    leaf.filters.push(condition.expr);
}

/// Whether rows can be looked up by column `index`. An integer equals a float but hashes otherwise, so
/// columns of floats are scanned, as are functions and items of WITH.
fn has_index(source: &Source, index: usize) -> bool {
    match source {
        Source::Table(table) => table.kind(index) != Kind::Float,
        Source::Query { plan, lateral: false } => kind(plan.columns[index].type_oid) != Kind::Float,
        _ => false,
    }
}

/// Column of `leaf` and what it must equal, where the condition is such an equality.
fn key_of(leaf: usize, condition: &Conjunct) -> Option<(usize, Expr)> {
    let (left_mask, right_mask) = condition.sides?;
    let Expr::Binary { left, right, .. } = &condition.expr else { return None };
    let own = 1 << leaf;
    let column = |expr: &Expr| match expr {
        Expr::Column { depth: 0, leaf: found, index } if *found == leaf => Some(*index),
        _ => None,
    };
    if let Some(index) = column(left).filter(|_| right_mask & own == 0) {
        return Some((index, (**right).clone()));
    }
    let index = column(right).filter(|_| left_mask & own == 0)?;
    Some((index, (**left).clone()))
}
