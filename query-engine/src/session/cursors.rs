//! SQL cursors of a session: DECLARE, FETCH, MOVE, CLOSE, and how long they live.
//!
//! Invariants
//! - A cursor ends with its transaction, or with the savepoint that it was made after; one declared
//!   WITH HOLD has all its rows before COMMIT is answered, and then lives until CLOSE.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use sqlparser::ast::{
    Distinct, Expr, FunctionArguments, GroupByExpr, Query, SelectItem, SetExpr, TableFactor, Visit,
    Visitor,
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::cursor::{Budget, Cursor, Left, Scroll};
use super::{Prepared, Session};
use crate::catalog_query::{Row, Value};
use crate::error::map::internal;
use crate::limits::CURSORS_MAX;
use crate::outcome::Stop;
use crate::statement::{Direction, Kind, ScrollOption};
use crate::{Outcome, Parameter, QueryError, ResultColumn, Rows, SqlState};

/// A cursor's name in a statement, for a gateway whose portals share the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorUse<'a> {
    /// DECLARE.
    Declare(&'a str),
    /// FETCH or MOVE.
    Fetch(&'a str),
    /// CLOSE; `None` is ALL.
    Close(Option<&'a str>),
}

impl Prepared {
    /// Whether the statement goes back to a savepoint.
    pub fn is_rollback_to(&self) -> bool {
        matches!(*self.statement.kind, Kind::RollbackTo(_))
    }

    /// The cursor that the statement names.
    pub fn cursor_use(&self) -> Option<CursorUse<'_>> {
        match &*self.statement.kind {
            Kind::Declare { name, .. } => Some(CursorUse::Declare(name)),
            Kind::Fetch { name, .. } => Some(CursorUse::Fetch(name)),
            Kind::Close(name) => Some(CursorUse::Close(name.as_deref())),
            _ => None,
        }
    }
}

/// How long a cursor lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// With its transaction.
    Transaction,
    /// WITH HOLD, before its transaction has committed.
    Hold,
    /// WITH HOLD, and its transaction is over.
    Held,
}

struct Open {
    cursor: Arc<Mutex<Cursor>>,
    columns: Arc<[ResultColumn]>,
    binary: bool,
    life: Life,
    /// Savepoints that were set when it was made.
    depth: usize,
    /// What made it, whether it goes back, and when.
    text: Arc<str>,
    is_scrollable: bool,
    since_us: i64,
}

/// The open cursors of a session by name.
#[derive(Default)]
pub(super) struct Cursors {
    open: BTreeMap<String, Open>,
    budget: Arc<Budget>,
}

impl Cursors {
    fn get(&self, name: &str) -> Result<&Open, QueryError> {
        self.open.get(name).ok_or_else(|| {
            QueryError::new(
                SqlState::INVALID_CURSOR_NAME,
                format!("cursor \"{name}\" does not exist"),
            )
        })
    }

    pub(super) fn columns(&self, name: &str) -> Option<Arc<[ResultColumn]>> {
        self.open.get(name).map(|open| Arc::clone(&open.columns))
    }

    /// The rows of `pg_cursors`.
    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |(name, open): (&String, &Open)| {
            Row::from(vec![
                Value::text(name.as_str()),
                Value::text(Arc::clone(&open.text)),
                Value::Bool(open.life != Life::Transaction),
                Value::Bool(open.binary),
                Value::Bool(open.is_scrollable),
                Value::Int(open.since_us),
            ])
        };
        self.open.iter().map(row).collect()
    }

    /// CLOSE ALL, and the end of the session.
    pub(super) fn clear(&mut self) {
        self.open.clear();
    }

    /// The end of a transaction: held cursors stay.
    pub(super) fn end_transaction(&mut self, commit: bool) {
        self.open.retain(|_, open| match open.life {
            Life::Transaction => false,
            Life::Hold => {
                open.life = Life::Held;
                commit
            }
            Life::Held => true,
        });
    }

    /// ROLLBACK TO a savepoint: `depth` savepoints are left, itself included.
    pub(super) fn roll_back_to(&mut self, depth: usize) {
        self.open.retain(|_, open| open.life == Life::Held || open.depth < depth);
    }

    /// RELEASE: `depth` savepoints are left.
    pub(super) fn release_to(&mut self, depth: usize) {
        self.open.values_mut().for_each(|open| open.depth = open.depth.min(depth));
    }

    /// Reads what is left of the cursors that outlive this transaction.
    pub(super) async fn hold_all(&self, stop: &Stop) -> Result<(), QueryError> {
        for open in self.open.values().filter(|open| open.life == Life::Hold) {
            let mut cursor = open.cursor.lock().await;
            tokio::select! {
                biased;
                error = stop.wait() => return Err(error),
                held = cursor.hold() => held?,
            }
        }
        Ok(())
    }

    fn check_new(&self, name: &str) -> Result<(), QueryError> {
        if self.open.contains_key(name) {
            return Err(QueryError::new(
                SqlState::DUPLICATE_CURSOR,
                format!("cursor \"{name}\" already exists"),
            ));
        }
        if self.open.len() >= CURSORS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a session can have {CURSORS_MAX} cursors"),
            ));
        }
        Ok(())
    }
}

/// DECLARE without its name.
pub(super) struct Declaration<'a> {
    pub(super) binary: bool,
    pub(super) scroll: ScrollOption,
    pub(super) hold: bool,
    pub(super) query: &'a Query,
}

impl Session {
    /// Columns of the rows that a run of `prepared` would give now: a FETCH has those of its cursor.
    pub fn result_columns(&self, prepared: &Prepared) -> Option<Arc<[ResultColumn]>> {
        match &*prepared.statement.kind {
            Kind::Fetch { name, is_move: false, .. } => self.cursors.columns(name),
            _ => prepared.columns.clone(),
        }
    }

    /// Columns of an open SQL cursor; `None` where there is none.
    pub fn cursor_columns(&self, name: &str) -> Option<Arc<[ResultColumn]>> {
        self.cursors.columns(name)
    }

    /// Closes a cursor; false where there is none.
    pub fn close_cursor(&mut self, name: &str) -> bool {
        self.cursors.open.remove(name).is_some()
    }

    /// The next rows of a cursor, as a portal of the extended protocol gives them: `None` is all.
    ///
    /// # Errors
    /// 34000 where there is no such cursor, 25P02 in a failed block.
    pub async fn execute_cursor(
        &mut self,
        name: &str,
        rows_max: Option<u64>,
        cancel: CancellationToken,
    ) -> Result<Rows, QueryError> {
        let count = rows_max.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let stop = self.stop(cancel);
        let fetched = self.fetch(name, Direction::Forward(count), stop, "SELECT").await;
        self.settle(fetched, "")
    }

    /// Makes a cursor of a portal that FETCH or MOVE names: `rest` are rows read before those of `rows`.
    ///
    /// # Errors
    /// 42P03 where the name is taken.
    pub fn adopt_cursor(
        &mut self,
        name: &str,
        rows: Rows,
        rest: Option<RecordBatch>,
    ) -> Result<(), QueryError> {
        self.cursors.check_new(name)?;
        let columns = Arc::clone(rows.columns());
        let mut cursor = Cursor::new(rows, Scroll::Never, Arc::clone(&self.cursors.budget));
        if let Some(rest) = rest {
            cursor.prepend(rest)?;
        }
        self.add_cursor(name, cursor, columns, false, Life::Transaction, ("".into(), false));
        Ok(())
    }

    fn add_cursor(
        &mut self,
        name: &str,
        cursor: Cursor,
        columns: Arc<[ResultColumn]>,
        binary: bool,
        life: Life,
        (text, is_scrollable): (Arc<str>, bool),
    ) {
        let depth = self.view.settings().savepoint_count();
        let since_us = self.view.entry.activity().now_us();
        let cursor = Arc::new(Mutex::new(cursor));
        let open = Open { cursor, columns, binary, life, depth, text, is_scrollable, since_us };
        self.cursors.open.insert(name.to_owned(), open);
    }

    /// DECLARE.
    pub(super) async fn declare(
        &mut self,
        name: &str,
        declaration: Declaration<'_>,
        prepared: &Prepared,
        parameters: &[Parameter],
        stop: Stop,
    ) -> Result<Outcome, QueryError> {
        let Declaration { binary, scroll, hold, query } = declaration;
        if scroll == ScrollOption::Both {
            return Err(QueryError::new(
                SqlState("42P11"),
                "cannot specify both SCROLL and NO SCROLL",
            ));
        }
        if !hold {
            self.require_block("DECLARE CURSOR")?;
        }
        if name.is_empty() {
            return Err(QueryError::new(
                SqlState::INVALID_CURSOR_NAME,
                "invalid cursor name: must not be empty",
            ));
        }
        self.cursors.check_new(name)?;
        let scroll = match scroll {
            ScrollOption::Scroll => Scroll::Always,
            ScrollOption::Open if goes_back(query) => Scroll::WhileSmall,
            _ => Scroll::Never,
        };
        let is_scrollable = scroll != Scroll::Never;
        let outcome = self.run_prepared(prepared, query, parameters, stop.clone()).await?;
        let Outcome::Rows(rows) = outcome else { return Err(internal()) };
        let columns = Arc::clone(rows.columns());
        let mut cursor = Cursor::new(rows, scroll, Arc::clone(&self.cursors.budget));
        let life = match (hold, self.in_block()) {
            (false, _) => Life::Transaction,
            (true, true) => Life::Hold,
            (true, false) => {
                tokio::select! {
                    biased;
                    error = stop.wait() => return Err(error),
                    held = cursor.hold() => held?,
                }
                Life::Held
            }
        };
        let text = Arc::clone(&prepared.statement.text);
        self.add_cursor(name, cursor, columns, binary, life, (text, is_scrollable));
        Ok(Outcome::Done { tag: "DECLARE CURSOR".to_owned() })
    }

    /// FETCH.
    pub(super) async fn fetch(
        &self,
        name: &str,
        direction: Direction,
        stop: Stop,
        tag: &'static str,
    ) -> Result<Rows, QueryError> {
        let open = self.cursors.get(name)?;
        let left = seek(&open.cursor, direction, &stop).await?;
        let columns = Arc::clone(&open.columns);
        let mut rows = Rows::fetched(columns, tag, Arc::clone(&open.cursor), left, stop);
        if open.binary && tag == "FETCH" {
            rows.set_binary();
        }
        Ok(rows)
    }

    /// MOVE.
    pub(super) async fn move_cursor(
        &self,
        name: &str,
        direction: Direction,
        stop: &Stop,
    ) -> Result<Outcome, QueryError> {
        let open = self.cursors.get(name)?;
        let mut left = seek(&open.cursor, direction, stop).await?;
        let mut cursor = open.cursor.lock().await;
        let mut moved = 0;
        loop {
            let next = tokio::select! {
                biased;
                error = stop.wait() => return Err(error),
                next = cursor.next(&mut left) => next?,
            };
            match next {
                Some(batch) => moved += batch.num_rows(),
                None => return Ok(Outcome::Done { tag: format!("MOVE {moved}") }),
            }
        }
    }

    /// CLOSE.
    pub(super) fn close(&mut self, name: Option<&str>) -> Result<Outcome, QueryError> {
        let tag = match name {
            None => {
                self.cursors.clear();
                "CLOSE CURSOR ALL"
            }
            Some(name) => {
                self.cursors.get(name)?;
                self.cursors.open.remove(name);
                "CLOSE CURSOR"
            }
        };
        Ok(Outcome::Done { tag: tag.to_owned() })
    }
}

async fn seek(
    cursor: &Mutex<Cursor>,
    direction: Direction,
    stop: &Stop,
) -> Result<Left, QueryError> {
    let mut cursor = cursor.lock().await;
    tokio::select! {
        biased;
        error = stop.wait() => Err(error),
        left = cursor.seek(direction) => left,
    }
}

/// Whether PostgreSQL's plan of the query would go back without SCROLL: one that is sorted, or that
/// reads a single relation row by row.
fn goes_back(query: &Query) -> bool {
    if query.order_by.is_some() {
        return true;
    }
    let SetExpr::Select(select) = &*query.body else {
        return matches!(&*query.body, SetExpr::Values(_) | SetExpr::Table(_));
    };
    let [from] = select.from.as_slice() else { return false };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let distinct = matches!(select.distinct, Some(Distinct::Distinct | Distinct::On(_)));
    let is_derived = matches!(from.relation, TableFactor::Derived { .. });
    from.joins.is_empty()
        && !is_derived
        && !grouped
        && !distinct
        && select.having.is_none()
        && !select.projection.iter().any(calls_rows)
}

/// Whether a select item calls an aggregate, a window function or one that gives rows.
fn calls_rows(item: &SelectItem) -> bool {
    struct Search;
    impl Visitor for Search {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
            let name = function.name.to_string().to_ascii_lowercase();
            let name = name.rsplit('.').next().unwrap_or_default();
            let is_plain = matches!(function.args, FunctionArguments::List(_));
            let gives_rows = matches!(
                name,
                "generate_series"
                    | "unnest"
                    | "generate_subscripts"
                    | "count"
                    | "sum"
                    | "avg"
                    | "min"
                    | "max"
                    | "array_agg"
                    | "string_agg"
                    | "bool_and"
                    | "bool_or"
                    | "every"
            );
            if function.over.is_some() || !is_plain || gives_rows {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    item.visit(&mut Search).is_break()
}
