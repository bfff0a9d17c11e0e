//! Rows of FROM, pushed one by one.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::plan::{
    Expr, Fetched, FromPlan, LeafKey, LeafPlan, OutputColumn, Rows, SelectPlan, SetCall, Source,
};
use super::super::types::TypeOid;
use super::super::{Row, Value, stored};
use super::{Executor, Frame};
use crate::QueryError;
use crate::catalog::pg_catalog::builtin::BuiltinColumn;
use crate::catalog::pg_catalog::tables::Table;
use crate::functions::pg::Call;

/// What is done with a frame whose leaves are filled in.
type Next<'n, 'f> = dyn FnMut(&mut Frame<'f>) -> Result<(), QueryError> + 'n;

impl Executor<'_> {
    /// Runs `next` for each row of FROM that satisfies WHERE.
    pub(super) fn each_row<'f>(
        &self,
        plan: &SelectPlan,
        frame: &mut Frame<'f>,
        next: &mut Next<'_, 'f>,
    ) -> Result<(), QueryError> {
        let mut filtered = |frame: &mut Frame<'f>| {
            if self.all(&plan.filters, frame)? { next(frame) } else { Ok(()) }
        };
        match &plan.from {
            Some(from) => self.from(from, frame, &mut filtered),
            None => filtered(frame),
        }
    }

    /// Whether all conditions are true.
    fn all(&self, filters: &[Expr], frame: &Frame<'_>) -> Result<bool, QueryError> {
        for filter in filters {
            if self.eval(filter, frame)?.as_bool() != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn from<'f>(
        &self,
        plan: &FromPlan,
        frame: &mut Frame<'f>,
        next: &mut Next<'_, 'f>,
    ) -> Result<(), QueryError> {
        match plan {
            FromPlan::Leaf(leaf) => self.leaf(leaf, frame, next),
            FromPlan::Full { left, right, on, filters } => {
                self.full((left, right), on, filters, frame, next)
            }
            FromPlan::Join { left, right, outer, filters } => {
                self.from(left, frame, &mut |frame| {
                    let mut is_matched = false;
                    self.from(right, frame, &mut |frame| {
                        // A condition above an outer join sees its extended rows, too.
                        is_matched = true;
                        if self.all(filters, frame)? { next(frame) } else { Ok(()) }
                    })?;
                    if *outer && !is_matched {
                        clear(right, frame);
                        if self.all(filters, frame)? {
                            return next(frame);
                        }
                    }
                    Ok(())
                })
            }
        }
    }

    /// FULL JOIN: the right side is kept, to find which of its rows no left row took.
    fn full<'f>(
        &self,
        (left, right): (&FromPlan, &FromPlan),
        on: &[Expr],
        filters: &[Expr],
        frame: &mut Frame<'f>,
        next: &mut Next<'_, 'f>,
    ) -> Result<(), QueryError> {
        let mut leaves = Vec::new();
        leaves_of(right, &mut leaves);
        let mut kept: Vec<(Vec<Row>, bool)> = Vec::new();
        self.from(right, frame, &mut |frame| {
            kept.push((leaves.iter().map(|at| Row::clone(&frame.rows[*at])).collect(), false));
            Ok(())
        })?;
        let fill = |frame: &mut Frame<'f>, rows: &[Row]| {
            for (at, row) in leaves.iter().zip(rows) {
                frame.rows[*at] = Row::clone(row);
            }
        };
        self.from(left, frame, &mut |frame| {
            let mut is_matched = false;
            for (rows, is_taken) in &mut kept {
                self.step()?;
                fill(frame, rows);
                if self.all(on, frame)? {
                    (is_matched, *is_taken) = (true, true);
                    if self.all(filters, frame)? {
                        next(frame)?;
                    }
                }
            }
            if !is_matched {
                clear(right, frame);
                if self.all(filters, frame)? {
                    return next(frame);
                }
            }
            Ok(())
        })?;
        clear(left, frame);
        for (rows, _) in kept.iter().filter(|row| !row.1) {
            fill(frame, rows);
            if self.all(filters, frame)? {
                next(frame)?;
            }
        }
        Ok(())
    }

    fn leaf<'f>(
        &self,
        plan: &LeafPlan,
        frame: &mut Frame<'f>,
        next: &mut Next<'_, 'f>,
    ) -> Result<(), QueryError> {
        let mut visit = |row: &Row, frame: &mut Frame<'f>| -> Result<(), QueryError> {
            self.step()?;
            frame.rows[plan.leaf] = Row::clone(row);
            if self.all(&plan.filters, frame)? { next(frame) } else { Ok(()) }
        };
        let table = match &plan.source {
            Source::Table(table) => Arc::clone(table),
            Source::Stored { oid, columns } => self.stored(*oid, columns)?,
            Source::Fetched(fetched) => self.fetched(fetched)?,
            Source::Query { plan: query, lateral: false } => {
                let known = frame.finished.borrow().get(&plan.leaf).map(Arc::clone);
                match known {
                    Some(table) => table,
                    None => {
                        let rows = self.query(query, Some(frame))?;
                        let table = Arc::new(kept(&query.columns, rows));
                        frame.finished.borrow_mut().insert(plan.leaf, Arc::clone(&table));
                        table
                    }
                }
            }
            Source::Query { plan: query, lateral: true } => {
                for row in self.query(query, Some(frame))? {
                    visit(&row, frame)?;
                }
                return Ok(());
            }
            Source::Cte { id, .. } => {
                let rows = self.ctes.borrow().get(id).map(Arc::clone);
                rows.expect("an item of WITH runs before its readers")
            }
            Source::Function { call, ordinality } => {
                for (row, at) in self.set_call(call, frame)?.iter().zip(1_i64..) {
                    if *ordinality {
                        let counted = row.iter().cloned().chain([Value::Int(at)]);
                        visit(&counted.collect(), frame)?;
                    } else {
                        visit(row, frame)?;
                    }
                }
                return Ok(());
            }
        };
        let Some(LeafKey { column, value, is_any, .. }) = &plan.key else {
            for row in &table.rows {
                visit(row, frame)?;
            }
            return Ok(());
        };
        let value = self.eval(value, frame)?;
        let keys: Vec<&Value> = if *is_any {
            let mut seen = HashSet::new();
            value.elements().iter().filter(|key| seen.insert(*key)).collect()
        } else {
            vec![&value]
        };
        for key in keys {
            if !matches!(key, Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_)) {
                // A number of another kind equals integers that it does not hash like.
                for row in &table.rows {
                    if !row[*column].is_null() && row[*column].compare(key).is_eq() {
                        visit(row, frame)?;
                    }
                }
                continue;
            }
            for at in table.lookup(*column, key) {
                visit(&table.rows[*at as usize], frame)?;
            }
        }
        Ok(())
    }

    /// The rows of a chain table, read once in a run.
    fn fetched(&self, source: &Fetched) -> Result<Arc<Table>, QueryError> {
        let key = Arc::as_ptr(&source.used) as usize;
        if let Some(table) = self.fetched.borrow().get(&key) {
            return Ok(Arc::clone(table));
        }
        let unnamed = |column: &(String, TypeOid)| BuiltinColumn {
            name: "",
            type_oid: column.1,
            modifier: -1,
        };
        let rows = stored::fetch(self.env, source)?;
        let table = Arc::new(Table::new(source.columns.iter().map(unnamed).collect(), rows));
        self.fetched.borrow_mut().insert(key, Arc::clone(&table));
        Ok(table)
    }

    /// The rows of a table that a client made, read once in a run.
    fn stored(&self, oid: u32, columns: &[TypeOid]) -> Result<Arc<Table>, QueryError> {
        if let Some(table) = self.stored.borrow().get(&oid) {
            return Ok(Arc::clone(table));
        }
        let unnamed =
            |type_oid: &TypeOid| BuiltinColumn { name: "", type_oid: *type_oid, modifier: -1 };
        let rows = stored::rows(self.env, oid, columns)?;
        let table = Arc::new(Table::new(columns.iter().map(unnamed).collect(), rows));
        self.stored.borrow_mut().insert(oid, Arc::clone(&table));
        Ok(table)
    }

    /// Rows of a function in FROM or in the select list; a scalar function gives one.
    pub(super) fn set_call(
        &self,
        call: &SetCall,
        frame: &Frame<'_>,
    ) -> Result<Vec<Row>, QueryError> {
        let arguments = self.values(&call.arguments, frame)?;
        call.function.0.call_set(&Call {
            name: call.function.0.name,
            env: self.env,
            types: &call.types,
            arguments: &arguments,
        })
    }
}

/// Rows of a finished query as a table, whose rows can be looked up.
pub(super) fn kept(columns: &[OutputColumn], rows: Rows) -> Table {
    let unnamed = |column: &OutputColumn| BuiltinColumn {
        name: "",
        type_oid: column.type_oid,
        modifier: column.modifier,
    };
    Table::new(columns.iter().map(unnamed).collect(), rows)
}

fn leaves_of(plan: &FromPlan, found: &mut Vec<usize>) {
    match plan {
        FromPlan::Leaf(leaf) => found.push(leaf.leaf),
        FromPlan::Join { left, right, .. } | FromPlan::Full { left, right, .. } => {
            leaves_of(left, found);
            leaves_of(right, found);
        }
    }
}

/// Leaves of `plan` read as null.
fn clear(plan: &FromPlan, frame: &mut Frame<'_>) {
    match plan {
        FromPlan::Leaf(leaf) => frame.rows[leaf.leaf] = Row::from(Vec::new()),
        FromPlan::Join { left, right, .. } | FromPlan::Full { left, right, .. } => {
            clear(left, frame);
            clear(right, frame);
        }
    }
}
