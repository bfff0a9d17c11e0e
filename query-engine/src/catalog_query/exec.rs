//! Execution: rows are pushed through FROM one by one, then grouped, projected, sorted and cut.
//!
//! ```text
//! leaf ─row─> join ─frame─> filters ─> [groups] ─> projection ─> distinct ─> order ─> limit
//! ```
//!
//! Invariants
//! - Work is bounded: every row looked at counts as a step, and a statement has [`STEPS_MAX`] of them
//!   and [`ROWS_MAX`] rows in any result; cancellation is looked at every [`CANCEL_STEPS`] steps.

mod aggregate;
mod array;
mod constant;
mod eval;
mod from;
mod group;
mod window;

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::plan::{
    Body, CtePlan, Distinct, Expr, QueryPlan, Rows, SelectPlan, SetCall, SetKind, SortKey,
};
use super::{Env, Row, Value};
use crate::catalog::pg_catalog::tables::Table;
use crate::{QueryError, SqlState};

/// Rows that a statement may look at.
const STEPS_MAX: u64 = 50_000_000;
/// Rows of any result or intermediate result.
const ROWS_MAX: usize = 1_000_000;
/// Steps between looks at the cancellation token.
const CANCEL_STEPS: u64 = 4096;

/// Runs a plan; rows have the visible columns only.
///
/// # Errors
/// 57014 after cancellation, 54000 past the limits, and what expressions report.
pub(super) fn run(
    plan: &QueryPlan,
    env: &Env<'_>,
    parameters: &[Value],
    cancel: &CancellationToken,
) -> Result<Rows, QueryError> {
    let executor = Executor {
        env,
        parameters,
        cancel,
        steps: Cell::new(0),
        ctes: RefCell::default(),
        once: RefCell::default(),
        sets: RefCell::default(),
        stored: RefCell::default(),
        fetched: RefCell::default(),
    };
    executor.query(plan, None)
}

/// Value of an expression that reads no rows.
///
/// # Errors
/// As [`run`].
pub(super) fn value(expr: &Expr, env: &Env<'_>) -> Result<Value, QueryError> {
    let cancel = CancellationToken::new();
    let executor = Executor {
        env,
        parameters: &[],
        cancel: &cancel,
        steps: Cell::new(0),
        ctes: RefCell::default(),
        once: RefCell::default(),
        sets: RefCell::default(),
        stored: RefCell::default(),
        fetched: RefCell::default(),
    };
    executor.eval(expr, &Frame::new(None, 0))
}

/// Whether an error of a run of `plan` is one that PostgreSQL finds only while it runs: then the client
/// has seen the columns before it.
pub(super) fn is_late(
    plan: &QueryPlan,
    env: &Env<'_>,
    parameters: &[Value],
    cancel: &CancellationToken,
) -> bool {
    let executor = Executor {
        env,
        parameters,
        cancel,
        steps: Cell::new(0),
        ctes: RefCell::default(),
        once: RefCell::default(),
        sets: RefCell::default(),
        stored: RefCell::default(),
        fetched: RefCell::default(),
    };
    executor.constants(plan).is_ok()
}

/// One run of a statement.
struct Executor<'a> {
    env: &'a Env<'a>,
    parameters: &'a [Value],
    cancel: &'a CancellationToken,
    steps: Cell<u64>,
    /// Rows of the items of WITH that are in sight.
    ctes: RefCell<HashMap<usize, Arc<Table>>>,
    /// Values of subqueries that read nothing outside themselves.
    once: RefCell<HashMap<usize, Value>>,
    /// The same values as sets, of subqueries that are searched with IN.
    sets: RefCell<HashMap<usize, Arc<ValueSet>>>,
    /// Tables that clients made, by object id, once they were read.
    stored: RefCell<HashMap<u32, Arc<Table>>>,
    /// Chain tables, by the place of their source, once they were read.
    fetched: RefCell<HashMap<usize, Arc<Table>>>,
}

/// Values of a subquery.
struct ValueSet {
    values: HashSet<Value>,
    has_null: bool,
}

/// Rows of one query level while its expressions are evaluated.
struct Frame<'f> {
    parent: Option<&'f Frame<'f>>,
    /// One row for each leaf; after grouping the keys and the aggregates.
    rows: Vec<Row>,
    /// Values of the set-returning calls in this round.
    sets: Vec<Value>,
    /// Finished rows of subqueries in FROM, by leaf.
    finished: RefCell<HashMap<usize, Arc<Table>>>,
}

impl<'f> Frame<'f> {
    fn new(parent: Option<&'f Frame<'f>>, leaves: usize) -> Self {
        let rows = vec![Row::from(Vec::new()); leaves];
        Self { parent, rows, sets: Vec::new(), finished: RefCell::default() }
    }

    /// The frame `depth` levels above.
    fn above(&self, depth: usize) -> &Frame<'f> {
        let mut frame: &Frame<'_> = self;
        for _ in 0..depth {
            frame = frame.parent.expect("binding counted the levels");
        }
        frame
    }
}

impl Executor<'_> {
    /// Counts work.
    ///
    /// # Errors
    /// 57014 when cancelled, 54000 past [`STEPS_MAX`].
    fn step(&self) -> Result<(), QueryError> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps.is_multiple_of(CANCEL_STEPS) {
            if self.cancel.is_cancelled() {
                return Err(QueryError::new(
                    SqlState::QUERY_CANCELED,
                    "canceling statement due to user request",
                ));
            }
            if steps > STEPS_MAX {
                return Err(QueryError::new(
                    SqlState::PROGRAM_LIMIT,
                    format!(
                        "a statement that runs row by row may look at {STEPS_MAX} rows at most"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn keep(&self, rows: &mut Rows, row: Row) -> Result<(), QueryError> {
        if rows.len() >= ROWS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a statement that runs row by row may have {ROWS_MAX} rows at most"),
            ));
        }
        rows.push(row);
        Ok(())
    }

    /// Rows of a query, visible columns only.
    fn query(&self, plan: &QueryPlan, parent: Option<&Frame<'_>>) -> Result<Rows, QueryError> {
        for cte in &plan.ctes {
            self.cte(cte, parent)?;
        }
        let mut rows = match &plan.body {
            Body::Select(select) => self.select(select, &plan.order, parent)?,
            Body::Values(values) => {
                let frame = Frame::new(parent, 0);
                let mut rows = Vec::new();
                for value in values {
                    self.step()?;
                    let row = self.values(value, &frame)?;
                    self.keep(&mut rows, row)?;
                }
                rows
            }
            Body::Set { operator, all, left, right } => {
                let left = self.query(left, parent)?;
                let right = self.query(right, parent)?;
                self.set_operation(*operator, *all, left, right)?
            }
        };
        sort(&mut rows, &plan.order);
        self.cut(plan, &mut rows, parent)?;
        let visible = plan.columns.len();
        if rows.first().is_some_and(|row| row.len() > visible) {
            for row in &mut rows {
                *row = Row::from(&row[..visible]);
            }
        }
        Ok(rows)
    }

    fn values(&self, exprs: &[Expr], frame: &Frame<'_>) -> Result<Row, QueryError> {
        exprs
            .iter()
            .map(|expr| self.eval(expr, frame))
            .collect::<Result<Vec<_>, _>>()
            .map(Row::from)
    }

    fn cut(
        &self,
        plan: &QueryPlan,
        rows: &mut Rows,
        parent: Option<&Frame<'_>>,
    ) -> Result<(), QueryError> {
        let frame = Frame::new(parent, 0);
        let number = |expr: &Option<Expr>, what: &str| -> Result<Option<usize>, QueryError> {
            let Some(expr) = expr else { return Ok(None) };
            match self.eval(expr, &frame)?.as_int() {
                None => Ok(None),
                Some(value) => usize::try_from(value).map(Some).map_err(|_| {
                    let state = if what == "LIMIT" { "2201W" } else { "2201X" };
                    QueryError::new(SqlState(state), format!("{what} must not be negative"))
                }),
            }
        };
        if let Some(offset) = number(&plan.offset, "OFFSET")? {
            rows.drain(..offset.min(rows.len()));
        }
        if let Some(mut limit) = number(&plan.limit, "LIMIT")? {
            if plan.with_ties && limit > 0 {
                let is_tied = |at: usize| order_of(&rows[at - 1], &rows[at], &plan.order).is_eq();
                while limit < rows.len() && is_tied(limit) {
                    limit += 1;
                }
            }
            rows.truncate(limit);
        }
        Ok(())
    }

    fn cte(&self, cte: &CtePlan, parent: Option<&Frame<'_>>) -> Result<(), QueryError> {
        let mut rows = self.query(&cte.plan, parent)?;
        if let Some((step, all)) = &cte.recursive {
            let mut seen: HashSet<Row> = HashSet::new();
            if !all {
                rows.retain(|row| seen.insert(Row::clone(row)));
            }
            let mut working = rows.clone();
            while !working.is_empty() {
                self.step()?;
                let table = from::kept(&cte.plan.columns, working);
                self.ctes.borrow_mut().insert(cte.id, Arc::new(table));
                let mut next = self.query(step, parent)?;
                if !all {
                    next.retain(|row| seen.insert(Row::clone(row)));
                }
                for row in &next {
                    self.keep(&mut rows, Row::clone(row))?;
                }
                working = next;
            }
        }
        let table = from::kept(&cte.plan.columns, rows);
        self.ctes.borrow_mut().insert(cte.id, Arc::new(table));
        Ok(())
    }

    fn set_operation(
        &self,
        operator: SetKind,
        all: bool,
        left: Rows,
        right: Rows,
    ) -> Result<Rows, QueryError> {
        let mut rows = Vec::new();
        match (operator, all) {
            (SetKind::Union, _) => {
                let mut seen = HashSet::new();
                for row in left.into_iter().chain(right) {
                    if all || seen.insert(Row::clone(&row)) {
                        self.keep(&mut rows, row)?;
                    }
                }
            }
            (_, true) => {
                let mut counts: HashMap<Row, usize> = HashMap::new();
                for row in right {
                    *counts.entry(row).or_default() += 1;
                }
                for row in left {
                    let matched = match counts.get_mut(&row) {
                        Some(count) if *count > 0 => {
                            *count -= 1;
                            true
                        }
                        _ => false,
                    };
                    if matched == (operator == SetKind::Intersect) {
                        rows.push(row);
                    }
                }
            }
            (_, false) => {
                let right: HashSet<Row> = right.into_iter().collect();
                let mut seen = HashSet::new();
                for row in left {
                    let wanted = right.contains(&row) == (operator == SetKind::Intersect);
                    if wanted && seen.insert(Row::clone(&row)) {
                        rows.push(row);
                    }
                }
            }
        }
        Ok(rows)
    }

    fn select(
        &self,
        plan: &SelectPlan,
        order: &[SortKey],
        parent: Option<&Frame<'_>>,
    ) -> Result<Rows, QueryError> {
        let mut frame = Frame::new(parent, plan.leaf_count);
        let mut rows = Vec::new();
        let mut kept = Vec::new();
        match &plan.group {
            Some(group) => {
                for grouped in self.groups(plan, group, &mut frame)? {
                    frame.rows = grouped;
                    if let Some(having) = &group.having
                        && self.eval(having, &frame)?.as_bool() != Some(true)
                    {
                        continue;
                    }
                    if plan.windows.is_empty() {
                        self.project(plan, &mut frame, &mut rows)?;
                    } else {
                        kept.push(frame.rows.clone());
                    }
                }
            }
            None if plan.windows.is_empty() => {
                self.each_row(plan, &mut frame, &mut |frame| self.project(plan, frame, &mut rows))?
            }
            None => self.each_row(plan, &mut frame, &mut |frame| {
                kept.push(frame.rows.clone());
                Ok(())
            })?,
        }
        for with_windows in self.windows(&plan.windows, kept, &mut frame)? {
            frame.rows = with_windows;
            self.project(plan, &mut frame, &mut rows)?;
        }
        match &plan.distinct {
            Distinct::No => {}
            Distinct::All(width) => {
                let mut seen = HashSet::new();
                rows.retain(|row: &Row| seen.insert(Row::from(&row[..*width])));
            }
            Distinct::On(columns) => {
                sort(&mut rows, order);
                let mut seen = HashSet::new();
                rows.retain(|row: &Row| {
                    let key: Vec<Value> = columns.iter().map(|at| row[*at].clone()).collect();
                    seen.insert(key)
                });
            }
        }
        Ok(rows)
    }

    /// Adds the output row of a frame, or one for each round of its set-returning calls.
    fn project(
        &self,
        plan: &SelectPlan,
        frame: &mut Frame<'_>,
        rows: &mut Rows,
    ) -> Result<(), QueryError> {
        self.step()?;
        if plan.sets.is_empty() {
            let row = self.values(&plan.projection, frame)?;
            return self.keep(rows, row);
        }
        self.each_round(&plan.sets, frame, &mut |frame| {
            self.step()?;
            let row = self.values(&plan.projection, frame)?;
            self.keep(rows, row)
        })
    }

    /// Runs `next` for each round of set-returning calls: as many as the longest has rows.
    fn each_round<'f>(
        &self,
        calls: &[SetCall],
        frame: &mut Frame<'f>,
        next: &mut dyn FnMut(&mut Frame<'f>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let mut sets = Vec::with_capacity(calls.len());
        for call in calls {
            sets.push(self.set_call(call, frame)?);
        }
        let rounds = sets.iter().map(Vec::len).max().unwrap_or_default();
        for round in 0..rounds {
            frame.sets = sets
                .iter()
                .zip(calls)
                .map(|(set, call)| {
                    let record = |row| Value::Record(Row::clone(row), Arc::clone(&call.returns));
                    set.get(round).map_or(Value::Null, record)
                })
                .collect();
            next(frame)?;
        }
        Ok(())
    }
}

/// Sorts rows; equal rows keep their order.
fn sort(rows: &mut Rows, order: &[SortKey]) {
    if order.is_empty() {
        return;
    }
    rows.sort_by(|left, right| order_of(left, right, order));
}

fn order_of(left: &Row, right: &Row, order: &[SortKey]) -> Ordering {
    order
        .iter()
        .map(|key| {
            let (left, right) = (&left[key.column], &right[key.column]);
            compare_keys(left, right, key.descending, key.nulls_first)
        })
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compare_keys(left: &Value, right: &Value, descending: bool, nulls_first: bool) -> Ordering {
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if descending => right.compare(left),
        (false, false) => left.compare(right),
    }
}
