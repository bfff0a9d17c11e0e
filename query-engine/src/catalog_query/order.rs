//! The order of FROM: which relation is read first, and where each condition runs.
//!
//! ```text
//! Joins (items, conditions, outer joins) ──order──> FromPlan: nested loops, a lookup where `=` allows
//!                                    └─ conditions on a subquery or view move into it, and so on
//! ```
//!
//! Invariants
//! - A join runs its right side once for each row of its left side, with that row in the frame: a
//!   condition on the right side may read both.
//! - A WHERE condition never moves into the right side of an outer join, an ON condition always does.

use super::operator::{Comparison, Operator};
use super::plan::{
    Body, Conjunct, Distinct, Expr, FromPlan, JoinItem, JoinNode, Joins, LeafKey, LeafPlan,
    OuterJoin, QueryPlan, SelectPlan, SetKind, Source,
};
use super::types::{Kind, kind};

impl Joins {
    /// FROM with one relation.
    pub(super) fn leaf(leaf: LeafPlan, reads: u64) -> Self {
        let mask = 1 << leaf.leaf;
        let item = JoinItem { node: JoinNode::Leaf(Box::new(leaf)), mask, reads };
        Self { items: vec![item], ..Self::default() }
    }

    /// Leaves of all parts.
    pub(super) fn mask(&self) -> u64 {
        self.items.iter().fold(self.outer_mask(), |mask, item| mask | item.mask)
    }

    /// Leaves that are null where an outer join found nothing.
    fn outer_mask(&self) -> u64 {
        self.outers.iter().fold(0, |mask, outer| mask | outer.item.mask)
    }

    /// Leaves of other parts that this one reads.
    pub(super) fn reads(&self) -> u64 {
        let outers = self.outers.iter().map(|outer| &outer.item);
        let reads = self.items.iter().chain(outers).fold(0, |reads, item| reads | item.reads);
        reads & !self.mask()
    }

    /// Joins `right` under `conditions`.
    pub(super) fn inner(&mut self, right: Self, conditions: Vec<Conjunct>) {
        let read = conditions.iter().fold(right.reads(), |read, one| read | one.mask);
        // Beside the outer join it would run before what it reads.
        if read & self.outer_mask() != 0 {
            *self = Self { items: vec![std::mem::take(self).into_item()], ..Self::default() };
        }
        self.items.extend(right.items);
        self.conditions.extend(right.conditions);
        self.conditions.extend(conditions);
        self.outers.extend(right.outers);
    }

    /// Joins `right` under `conditions`, keeping rows without a partner.
    pub(super) fn outer(&mut self, right: Self, conditions: Vec<Conjunct>) {
        self.outers.push(OuterJoin { item: right.into_item(), conditions });
    }

    /// Both sides whole, paired under `on`; what has no partner is extended with nulls.
    pub(super) fn full(self, right: Self, on: Vec<Expr>) -> Self {
        let mask = self.mask() | right.mask();
        let node = JoinNode::Full { left: Box::new(self), right: Box::new(right), on };
        Self { items: vec![JoinItem { node, mask, reads: 0 }], ..Self::default() }
    }

    fn into_item(mut self) -> JoinItem {
        if self.items.len() == 1 && self.conditions.is_empty() && self.outers.is_empty() {
            return self.items.remove(0);
        }
        let (mask, reads) = (self.mask(), self.reads());
        JoinItem { node: JoinNode::Joins(Box::new(self)), mask, reads }
    }
}

/// Decides the order of every FROM of a query but those of subqueries in expressions, which were bound
/// as queries of their own.
pub(super) fn order(plan: &mut QueryPlan) {
    for cte in &mut plan.ctes {
        order(&mut cte.plan);
        if let Some((step, _)) = &mut cte.recursive {
            order(step);
        }
    }
    match &mut plan.body {
        Body::Select(select) => order_select(select),
        Body::Set { left, right, .. } => {
            order(left);
            order(right);
        }
        Body::Values(_) => {}
    }
}

fn order_select(select: &mut SelectPlan) {
    let joins = std::mem::take(&mut select.joins);
    let (mut from, filters) = ordered(joins, 0);
    if let Some(from) = &mut from {
        each_leaf(from, &mut order_leaf);
    }
    if from.is_some() {
        select.from = from;
    }
    select.filters.extend(filters);
}

/// A plan that runs after the leaves `known`, and the conditions where there is no FROM.
fn ordered(joins: Joins, known: u64) -> (Option<FromPlan>, Vec<Expr>) {
    let outer_mask = joins.outer_mask();
    let Joins { mut items, conditions, outers } = joins;
    let (above, conditions): (Vec<_>, Vec<_>) =
        conditions.into_iter().partition(|condition| condition.mask & outer_mask != 0);
    let mut plan: Option<FromPlan> = None;
    let mut known = known;
    while !items.is_empty() {
        let next = items.remove(next_item(&items, &conditions, known));
        let mask = next.mask;
        let right = node(next.node, known);
        known |= mask;
        plan = Some(match plan.take() {
            None => right,
            Some(left) => join(left, right, false),
        });
    }
    let Some(mut plan) = plan else {
        return (None, conditions.into_iter().map(|one| one.expr).collect());
    };
    for condition in conditions {
        place(&mut plan, condition);
    }
    for outer in outers {
        let mask = outer.item.mask;
        // ON drops rows of the right side only, also where it reads the left side alone: false there
        // means that no right row fits.
        let right =
            Joins { items: vec![outer.item], conditions: outer.conditions, outers: Vec::new() };
        if let (Some(right), _) = ordered(right, known) {
            plan = join(plan, right, true);
        }
        known |= mask;
    }
    for condition in above {
        place(&mut plan, condition);
    }
    (Some(plan), Vec::new())
}

fn node(node: JoinNode, known: u64) -> FromPlan {
    match node {
        JoinNode::Leaf(leaf) => FromPlan::Leaf(leaf),
        JoinNode::Full { left, right, on } => {
            let side = |joins: Joins| ordered(joins, 0).0.expect("a part of FROM has a relation");
            let (left, right) = (Box::new(side(*left)), Box::new(side(*right)));
            FromPlan::Full { left, right, on, filters: Vec::new() }
        }
        JoinNode::Joins(joins) => ordered(*joins, known).0.expect("a part of FROM has a relation"),
    }
}

fn join(left: FromPlan, right: FromPlan, outer: bool) -> FromPlan {
    FromPlan::Join { left: Box::new(left), right: Box::new(right), outer, filters: Vec::new() }
}

/// The item to join next: one that an equality ties to what is known, else the first that can run.
fn next_item(items: &[JoinItem], conditions: &[Conjunct], known: u64) -> usize {
    let can_run = |item: &&(usize, &JoinItem)| item.1.reads & !known == 0;
    let is_tied = |item: &&(usize, &JoinItem)| {
        conditions.iter().filter_map(|condition| condition.sides).any(|(left, right)| {
            let mask = item.1.mask;
            (left & !mask == 0 && left != 0 && right & !known == 0)
                || (right & !mask == 0 && right != 0 && left & !known == 0)
        })
    };
    let items: Vec<(usize, &JoinItem)> = items.iter().enumerate().collect();
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
        FromPlan::Join { left, right, .. } | FromPlan::Full { left, right, .. } => {
            mask_of(left) | mask_of(right)
        }
    }
}

/// Places a condition that drops rows at the first point where all that it reads is known.
fn place(plan: &mut FromPlan, condition: Conjunct) {
    match plan {
        FromPlan::Leaf(leaf) => place_leaf(leaf, condition),
        FromPlan::Full { filters, .. } => filters.push(condition.expr),
        FromPlan::Join { left, right, outer, filters } => {
            if condition.mask & mask_of(right) == 0 {
                place(left, condition);
            } else if *outer {
                filters.push(condition.expr);
            } else {
                place(right, condition);
            }
        }
    }
}

fn place_leaf(leaf: &mut LeafPlan, condition: Conjunct) {
    let found = key_of(leaf.leaf, &condition);
    let Some(key) = found.filter(|key| has_index(&leaf.source, key.column)) else {
        leaf.filters.push(condition.expr);
        return;
    };
    match &leaf.key {
        None => leaf.key = Some(key),
        // One value has fewer rows than one of several.
        Some(held) if held.is_any && !key.is_any => {
            leaf.filters.extend(leaf.key.replace(key).map(|held| held.condition));
        }
        Some(_) => leaf.filters.push(condition.expr),
    }
}

/// Whether rows can be looked up by column `index`: equal values of other kinds may hash differently, so
/// their columns are scanned, as are functions.
fn has_index(source: &Source, index: usize) -> bool {
    let found = match source {
        Source::Table(table) => table.kind(index),
        Source::Fetched(fetched) => kind(fetched.columns[index].1),
        Source::Query { plan, lateral: false } => kind(plan.columns[index].type_oid),
        Source::Cte { columns, .. } | Source::Stored { columns, .. } => kind(columns[index]),
        _ => return false,
    };
    matches!(found, Kind::Bool | Kind::Int | Kind::Text)
}

/// Column of `leaf` and what it must equal, where the condition is such an equality.
fn key_of(leaf: usize, condition: &Conjunct) -> Option<LeafKey> {
    let (left_mask, right_mask) = condition.sides?;
    let own = 1 << leaf;
    let column = |expr: &Expr| match expr {
        Expr::Column { depth: 0, leaf: found, index } if *found == leaf => Some(*index),
        _ => None,
    };
    let key = |column, value: &Expr, is_any| LeafKey {
        column,
        value: value.clone(),
        is_any,
        condition: condition.expr.clone(),
    };
    match &condition.expr {
        Expr::Binary { left, right, .. } => {
            if let Some(index) = column(left).filter(|_| right_mask & own == 0) {
                return Some(key(index, right, false));
            }
            column(right).filter(|_| left_mask & own == 0).map(|index| key(index, left, false))
        }
        Expr::AnyAll { left, right, .. } => {
            column(left).filter(|_| right_mask & own == 0).map(|index| key(index, right, true))
        }
        _ => None,
    }
}

fn each_leaf(plan: &mut FromPlan, change: &mut impl FnMut(&mut LeafPlan)) {
    match plan {
        FromPlan::Leaf(leaf) => change(leaf),
        FromPlan::Join { left, right, .. } | FromPlan::Full { left, right, .. } => {
            each_leaf(left, change);
            each_leaf(right, change);
        }
    }
}

/// Orders the subquery of a leaf after conditions that read nothing else have moved into it.
fn order_leaf(leaf: &mut LeafPlan) {
    let Source::Query { plan, lateral } = &mut leaf.source else { return };
    if !*lateral {
        let own = leaf.leaf;
        leaf.filters.retain(|filter| !moved(plan, own, filter));
        if leaf.key.as_ref().is_some_and(|key| moved(plan, own, &key.condition)) {
            leaf.key = None;
        }
    }
    order(plan);
}

/// Whether `condition`, over the columns of the leaf alone, could be moved into the leaf's subquery.
fn moved(plan: &mut QueryPlan, leaf: usize, condition: &Expr) -> bool {
    if !takes(plan, leaf, condition) {
        return false;
    }
    give(plan, leaf, condition);
    true
}

/// Whether dropping rows inside the query drops the same rows as outside, and the condition can be
/// written over what the query reads.
fn takes(plan: &QueryPlan, leaf: usize, condition: &Expr) -> bool {
    if plan.limit.is_some() || plan.offset.is_some() {
        return false;
    }
    match &plan.body {
        Body::Select(select) => {
            select.group.is_none()
                && select.windows.is_empty()
                && select.sets.is_empty()
                && select.distinct == Distinct::No
                && substituted(condition, leaf, &select.projection).is_some()
        }
        Body::Set { operator: SetKind::Union, left, right, .. } => {
            takes(left, leaf, condition) && takes(right, leaf, condition)
        }
        _ => false,
    }
}

fn give(plan: &mut QueryPlan, leaf: usize, condition: &Expr) {
    match &mut plan.body {
        Body::Select(select) => {
            let all = select.joins.mask();
            let expr = substituted(condition, leaf, &select.projection);
            let Some(expr) = expr else { return };
            let sides = match &expr {
                Expr::Binary { operator: Operator::Compare(Comparison::Eq), left, right }
                | Expr::AnyAll {
                    operator: Operator::Compare(Comparison::Eq),
                    all: false,
                    left,
                    right,
                } => Some((leaves(left).unwrap_or(all), leaves(right).unwrap_or(all))),
                _ => None,
            };
            let mask = leaves(&expr).unwrap_or(all);
            select.joins.conditions.push(Conjunct { expr, mask, sides });
        }
        Body::Set { left, right, .. } => {
            give(left, leaf, condition);
            give(right, leaf, condition);
        }
        Body::Values(_) => {}
    }
}

/// The condition one level further in, with the leaf's columns replaced by what they are there; `None`
/// where it reads more than that, or is of a kind that stays where it is.
fn substituted(condition: &Expr, leaf: usize, projection: &[Expr]) -> Option<Expr> {
    let inner = |expr: &Expr| substituted(expr, leaf, projection);
    let boxed = |expr: &Expr| inner(expr).map(Box::new);
    let all = |exprs: &[Expr]| exprs.iter().map(inner).collect::<Option<Vec<_>>>();
    Some(match condition {
        Expr::Const(_) | Expr::Parameter(_) => condition.clone(),
        Expr::Column { depth: 0, leaf: found, index } => {
            projection.get(*index).filter(|_| *found == leaf)?.clone()
        }
        Expr::Column { depth, leaf, index } => {
            Expr::Column { depth: depth + 1, leaf: *leaf, index: *index }
        }
        // It reads nothing outside itself.
        Expr::Subquery { once: Some(_), .. } => condition.clone(),
        Expr::Cast { inner, from, to } => Expr::Cast { inner: boxed(inner)?, from: *from, to: *to },
        Expr::Binary { operator, left, right } => {
            Expr::Binary { operator: *operator, left: boxed(left)?, right: boxed(right)? }
        }
        Expr::AnyAll { operator, all, left, right } => Expr::AnyAll {
            operator: *operator,
            all: *all,
            left: boxed(left)?,
            right: boxed(right)?,
        },
        Expr::And(parts) => Expr::And(all(parts)?),
        Expr::Or(parts) => Expr::Or(all(parts)?),
        Expr::Not(part) => Expr::Not(boxed(part)?),
        Expr::IsNull(part) => Expr::IsNull(boxed(part)?),
        Expr::Array(parts) => Expr::Array(all(parts)?),
        _ => return None,
    })
}

/// Leaves of its own level that an expression reads; `None` where that takes a closer look.
fn leaves(expr: &Expr) -> Option<u64> {
    let all = |exprs: &[Expr]| {
        exprs.iter().try_fold(0, |mask, expr| leaves(expr).map(|found| mask | found))
    };
    match expr {
        Expr::Const(_) | Expr::Parameter(_) | Expr::Subquery { once: Some(_), .. } => Some(0),
        Expr::Column { depth: 0, leaf, .. }
        | Expr::RowConst { depth: 0, leaf, .. }
        | Expr::WholeRow { depth: 0, leaf, .. } => Some(1 << leaf),
        Expr::Column { .. } | Expr::RowConst { .. } | Expr::WholeRow { .. } => Some(0),
        Expr::Call { arguments, .. } => all(arguments),
        Expr::Cast { inner, .. } | Expr::Not(inner) | Expr::IsNull(inner) => leaves(inner),
        Expr::Binary { left, right, .. } | Expr::AnyAll { left, right, .. } => {
            Some(leaves(left)? | leaves(right)?)
        }
        Expr::And(parts) | Expr::Or(parts) | Expr::Coalesce(parts) | Expr::Array(parts) => {
            all(parts)
        }
        _ => None,
    }
}

/// The column by which the relation that is read first is looked up, subqueries looked into.
#[cfg(test)]
pub(super) fn first_lookup(plan: &QueryPlan) -> Option<usize> {
    let Body::Select(select) = &plan.body else { return None };
    let mut from = select.from.as_ref()?;
    while let FromPlan::Join { left, .. } = from {
        from = left;
    }
    let FromPlan::Leaf(leaf) = from else { return None };
    match &leaf.source {
        Source::Query { plan, .. } => first_lookup(plan),
        _ => leaf.key.as_ref().map(|key| key.column),
    }
}
