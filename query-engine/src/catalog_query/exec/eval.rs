//! Values of expressions.

use std::sync::Arc;

use super::super::operator::{Comparison, Operator};
use super::super::plan::{Expr, QueryPlan, SubqueryKind};
use super::super::{Row, Value, text};
use super::array::{element_at, slice, stacked};
use super::{Executor, Frame, ValueSet};
use crate::functions::pg::{Call, json_row};
use crate::{QueryError, SqlState};

impl Executor<'_> {
    /// Value of an expression over a frame.
    pub(super) fn eval(&self, expr: &Expr, frame: &Frame<'_>) -> Result<Value, QueryError> {
        match expr {
            Expr::Const(value) => Ok(value.clone()),
            Expr::Parameter(at) => Ok(self.parameters.get(*at).cloned().unwrap_or(Value::Null)),
            Expr::Column { depth, leaf, index } => {
                let row = &frame.above(*depth).rows[*leaf];
                Ok(row.get(*index).cloned().unwrap_or(Value::Null))
            }
            Expr::RowConst { depth, leaf, value } => {
                let is_there = !frame.above(*depth).rows[*leaf].is_empty();
                Ok(if is_there { value.clone() } else { Value::Null })
            }
            Expr::WholeRow { depth, leaf, types } => {
                let row = &frame.above(*depth).rows[*leaf];
                Ok(if row.is_empty() {
                    Value::Null
                } else {
                    Value::Record(Row::from(&row[..types.len()]), Arc::clone(types))
                })
            }
            Expr::SetValue(at) => Ok(frame.sets.get(*at).cloned().unwrap_or(Value::Null)),
            Expr::Call { function, types, arguments } => {
                let arguments = self.values(arguments, frame)?;
                function.0.call(&Call {
                    name: function.0.name,
                    env: self.env,
                    types,
                    arguments: &arguments,
                })
            }
            Expr::Cast { inner, from, to } => {
                text::cast(self.env, &self.eval(inner, frame)?, *from, *to)
            }
            Expr::Binary { operator, left, right } => {
                let left = self.eval(left, frame)?;
                let right = self.eval(right, frame)?;
                operator.apply(self.env, &left, &right)
            }
            Expr::Array(parts) => Ok(Value::Array(self.values(parts, frame)?)),
            Expr::Stacked(parts) => stacked(&self.values(parts, frame)?),
            Expr::Row(parts, types) => {
                Ok(Value::Record(self.values(parts, frame)?, Arc::clone(types)))
            }
            Expr::Sized { inner, type_oid, modifier } => {
                text::resized(self.eval(inner, frame)?, *type_oid, *modifier)
            }
            Expr::Slice { array, bounds } => {
                let array = self.eval(array, frame)?;
                let mut found = Vec::with_capacity(bounds.len());
                for (lower, upper) in bounds {
                    let bound = |bound: &Option<Expr>| {
                        bound.as_ref().map(|bound| self.eval(bound, frame)).transpose()
                    };
                    found.push((bound(lower)?, bound(upper)?));
                }
                Ok(slice(&array, &found))
            }
            Expr::Subquery { kind, plan, once } => self.subquery(kind, plan, *once, frame),
            Expr::Subscript { array, indexes, first } => {
                let array = self.eval(array, frame)?;
                let indexes = self.values(indexes, frame)?;
                Ok(element_at(&array, &indexes, *first))
            }
            Expr::Field { record, index } => {
                let record = self.eval(record, frame)?;
                Ok(record.elements().get(*index).cloned().unwrap_or(Value::Null))
            }
            _ => self.logic(expr, frame),
        }
    }

    fn subquery(
        &self,
        kind: &SubqueryKind,
        plan: &QueryPlan,
        once: Option<usize>,
        frame: &Frame<'_>,
    ) -> Result<Value, QueryError> {
        if let Some(known) = once.and_then(|id| self.once.borrow().get(&id).cloned()) {
            return Ok(known);
        }
        let rows = self.query(plan, Some(frame))?;
        let value = subquery_value(kind, &rows)?;
        if let Some(id) = once {
            self.once.borrow_mut().insert(id, value.clone());
        }
        Ok(value)
    }

    /// Boolean expressions and those that choose.
    fn logic(&self, expr: &Expr, frame: &Frame<'_>) -> Result<Value, QueryError> {
        match expr {
            Expr::And(parts) => self.junction(parts, false, frame),
            Expr::Or(parts) => self.junction(parts, true, frame),
            Expr::Not(inner) => Ok(self
                .eval(inner, frame)?
                .as_bool()
                .map_or(Value::Null, |found| Value::Bool(!found))),
            Expr::IsNull(inner) => {
                let is_null = match self.eval(inner, frame)? {
                    Value::Record(fields, _) => fields.iter().all(Value::is_null),
                    value => value.is_null(),
                };
                Ok(Value::Bool(is_null))
            }
            Expr::IsNotNull(inner) => {
                let is_there = match self.eval(inner, frame)? {
                    Value::Record(fields, _) => !fields.iter().any(Value::is_null),
                    value => !value.is_null(),
                };
                Ok(Value::Bool(is_there))
            }
            Expr::IsTruth { inner, truth } => {
                Ok(Value::Bool(self.eval(inner, frame)?.as_bool() == Some(*truth)))
            }
            Expr::IsDistinct(left, right) => {
                let left = self.eval(left, frame)?;
                let right = self.eval(right, frame)?;
                Ok(Value::Bool(match (left.is_null(), right.is_null()) {
                    (false, false) => left.compare(&right).is_ne(),
                    (left, right) => left != right,
                }))
            }
            Expr::AnyAll { operator, all, left, right } => {
                let left = self.eval(left, frame)?;
                if let Some(found) = self.in_set(*operator, *all, &left, right, frame)? {
                    return Ok(found);
                }
                let right = self.eval(right, frame)?;
                self.any_all(*operator, *all, &left, &right)
            }
            Expr::Case { branches, otherwise } => {
                for (test, result) in branches {
                    if self.eval(test, frame)?.as_bool() == Some(true) {
                        return self.eval(result, frame);
                    }
                }
                self.eval(otherwise, frame)
            }
            Expr::Extreme { greatest, parts } => {
                Ok(extreme(*greatest, &self.values(parts, frame)?))
            }
            Expr::Coalesce(parts) => {
                for part in parts {
                    let value = self.eval(part, frame)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Value::Null)
            }
            other => self.of_row(other, frame),
        }
    }

    /// What is made of a row's fields, or of the set that it is grouped by.
    fn of_row(&self, expr: &Expr, frame: &Frame<'_>) -> Result<Value, QueryError> {
        match expr {
            Expr::JsonRow { record, fields } => {
                let record = self.eval(record, frame)?;
                if record.is_null() {
                    return Ok(Value::Null);
                }
                let values = record.elements().iter().zip(fields.iter());
                let members = values.map(|(value, field)| (field.0.clone(), value, field.1));
                Ok(Value::text(json_row(self.env, members)))
            }
            Expr::Grouping { mask, positions } => {
                let mask = self.eval(mask, frame)?.as_int().unwrap_or_default();
                let bits = positions.iter().fold(0, |bits, at| bits << 1 | (mask >> at & 1));
                Ok(Value::Int(bits))
            }
            // `eval` and `logic` take all others.
            _ => Ok(Value::Null),
        }
    }

    fn any_all(
        &self,
        operator: Operator,
        all: bool,
        left: &Value,
        right: &Value,
    ) -> Result<Value, QueryError> {
        if right.is_null() {
            return Ok(Value::Null);
        }
        let mut saw_null = false;
        for element in right.elements() {
            match operator.apply(self.env, left, element)?.as_bool() {
                None => saw_null = true,
                Some(found) if found != all => return Ok(Value::Bool(found)),
                Some(_) => {}
            }
        }
        Ok(if saw_null { Value::Null } else { Value::Bool(all) })
    }

    /// `left IN (subquery)` where the subquery runs once: its values are searched by hash. `None` where
    /// equal values could hash otherwise, or the operator is another one.
    fn in_set(
        &self,
        operator: Operator,
        all: bool,
        left: &Value,
        right: &Expr,
        frame: &Frame<'_>,
    ) -> Result<Option<Value>, QueryError> {
        let Expr::Subquery { once: Some(id), .. } = right else { return Ok(None) };
        let is_hashed = |value: &Value| matches!(value, Value::Int(_) | Value::Text(_));
        let is_plain = match left {
            Value::Record(fields, _) => fields.iter().all(is_hashed),
            value => is_hashed(value),
        };
        if all || operator != Operator::Compare(Comparison::Eq) || !is_plain {
            return Ok(None);
        }
        // Rows are equal by their fields, whatever types they were made with.
        let key = |value: &Value| match value {
            Value::Record(fields, _) => Value::array(fields.to_vec()),
            value => value.clone(),
        };
        let known = self.sets.borrow().get(id).map(Arc::clone);
        let set = match known {
            Some(set) => set,
            None => {
                let values = self.eval(right, frame)?;
                let has_null = values.elements().iter().any(Value::is_null);
                let set =
                    ValueSet { values: values.elements().iter().map(key).collect(), has_null };
                let set = Arc::new(set);
                self.sets.borrow_mut().insert(*id, Arc::clone(&set));
                set
            }
        };
        let left = key(left);
        // A number of another kind may be equal, too.
        let is_other =
            |value: &&Value| std::mem::discriminant(*value) != std::mem::discriminant(&left);
        if set.values.iter().filter(|value| !value.is_null()).take(1).any(|value| is_other(&value))
        {
            return Ok(None);
        }
        Ok(Some(match set.values.contains(&left) {
            true => Value::Bool(true),
            false if set.has_null => Value::Null,
            false => Value::Bool(false),
        }))
    }

    /// AND (`decisive` false) and OR (`decisive` true) of three-valued parts.
    fn junction(
        &self,
        parts: &[Expr],
        decisive: bool,
        frame: &Frame<'_>,
    ) -> Result<Value, QueryError> {
        let mut saw_null = false;
        for part in parts {
            match self.eval(part, frame)?.as_bool() {
                None => saw_null = true,
                Some(found) if found == decisive => return Ok(Value::Bool(decisive)),
                Some(_) => {}
            }
        }
        Ok(if saw_null { Value::Null } else { Value::Bool(!decisive) })
    }
}

/// The greatest or least value; nulls are passed over.
fn extreme(greatest: bool, values: &[Value]) -> Value {
    let best = values.iter().filter(|value| !value.is_null()).reduce(|best, value| {
        let order = value.compare(best);
        let is_better = if greatest { order.is_gt() } else { order.is_lt() };
        if is_better { value } else { best }
    });
    best.cloned().unwrap_or(Value::Null)
}

fn subquery_value(kind: &SubqueryKind, rows: &[Row]) -> Result<Value, QueryError> {
    match kind {
        SubqueryKind::Exists => Ok(Value::Bool(!rows.is_empty())),
        SubqueryKind::Array => Ok(Value::array(rows.iter().map(|row| row[0].clone()).collect())),
        SubqueryKind::Rows => {
            let record = |row: &Row| Value::Record(Row::clone(row), Arc::from([]));
            Ok(Value::array(rows.iter().map(record).collect()))
        }
        SubqueryKind::Scalar => match rows {
            [] => Ok(Value::Null),
            [row] => Ok(row[0].clone()),
            _ => Err(QueryError::new(
                SqlState::CARDINALITY_VIOLATION,
                "more than one row returned by a subquery used as an expression",
            )),
        },
    }
}
