//! GROUP BY and aggregates.

use std::collections::{HashMap, HashSet};

use super::super::plan::{Aggregate, AggregateKind, GroupPlan, SelectPlan};
use super::super::types::{self, TypeOid};
use super::super::{Row, Value};
use super::{Executor, Frame, compare_keys};
use crate::values::decimal::Decimal;
use crate::{QueryError, SqlState};

/// What an aggregate needs of one input row: sort keys and arguments.
pub(super) struct Input {
    keys: Vec<Value>,
    arguments: Vec<Value>,
}

impl Executor<'_> {
    /// (keys, aggregates) of each group, in order of first appearance.
    pub(super) fn groups(
        &self,
        plan: &SelectPlan,
        group: &GroupPlan,
        frame: &mut Frame<'_>,
    ) -> Result<Vec<Vec<Row>>, QueryError> {
        let mut order: Vec<Row> = Vec::new();
        let mut inputs: HashMap<Row, Vec<Vec<Input>>> = HashMap::new();
        let no_inputs = || group.aggregates.iter().map(|_| Vec::new()).collect::<Vec<_>>();
        if group.is_single {
            // Without keys there is one group, also over no rows; keys added later follow from rows.
            let empty = Row::from(Vec::new());
            order.push(Row::clone(&empty));
            inputs.insert(empty, no_inputs());
        }
        let mut add = |frame: &mut Frame<'_>| {
            let key = if group.is_single {
                Row::from(Vec::new())
            } else {
                self.values(&group.keys, frame)?
            };
            let found = match inputs.get_mut(&key) {
                Some(found) => found,
                None => {
                    order.push(Row::clone(&key));
                    inputs.entry(key).or_insert_with(no_inputs)
                }
            };
            for (aggregate, into) in group.aggregates.iter().zip(found) {
                if let Some(input) = self.input(aggregate, frame)? {
                    into.push(input);
                }
            }
            Ok(())
        };
        self.each_row(plan, frame, &mut |frame| {
            if group.sets.is_empty() {
                add(frame)
            } else {
                self.each_round(&group.sets, frame, &mut add)
            }
        })?;
        order
            .into_iter()
            .map(|key| {
                let inputs = inputs.remove(&key).unwrap_or_default();
                let values =
                    group.aggregates.iter().zip(inputs).map(|(one, rows)| finish(one, rows));
                let values: Vec<Value> = values.collect::<Result<_, _>>()?;
                Ok(vec![key, Row::from(values)])
            })
            .collect()
    }

    /// The input of a row; `None` where FILTER drops it.
    pub(super) fn input(
        &self,
        aggregate: &Aggregate,
        frame: &Frame<'_>,
    ) -> Result<Option<Input>, QueryError> {
        if let Some(filter) = &aggregate.filter
            && self.eval(filter, frame)?.as_bool() != Some(true)
        {
            return Ok(None);
        }
        let keys = aggregate.order.iter().map(|key| self.eval(&key.0, frame));
        Ok(Some(Input {
            keys: keys.collect::<Result<_, _>>()?,
            arguments: self.values(&aggregate.arguments, frame)?.to_vec(),
        }))
    }
}

pub(super) fn finish(aggregate: &Aggregate, mut inputs: Vec<Input>) -> Result<Value, QueryError> {
    if !aggregate.order.is_empty() {
        inputs.sort_by(|left, right| {
            let pairs = left.keys.iter().zip(&right.keys).zip(&aggregate.order);
            pairs
                .map(|((left, right), key)| compare_keys(left, right, key.1, key.2))
                .find(|found| found.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
    }
    if aggregate.distinct {
        let mut seen = HashSet::new();
        inputs.retain(|input| seen.insert(input.arguments.clone()));
        if aggregate.order.is_empty() {
            // PostgreSQL sorts to find duplicates, and so gives sorted lists.
            inputs.sort_by(|left, right| {
                compare_keys(&left.arguments[0], &right.arguments[0], false, false)
            });
        }
    }
    if aggregate.kind == AggregateKind::CountRows {
        return Ok(Value::Int(i64::try_from(inputs.len()).unwrap_or(i64::MAX)));
    }
    if aggregate.kind == AggregateKind::ArrayAgg {
        if inputs.is_empty() {
            return Ok(Value::Null);
        }
        let values = inputs.into_iter().filter_map(|mut input| input.arguments.pop());
        return Ok(Value::array(values.collect()));
    }
    inputs.retain(|input| !input.arguments[0].is_null());
    let mut values = inputs.iter().map(|input| &input.arguments[0]);
    match aggregate.kind {
        AggregateKind::Count => Ok(Value::Int(i64::try_from(inputs.len()).unwrap_or(i64::MAX))),
        AggregateKind::Min => Ok(least(values.by_ref(), false)),
        AggregateKind::Max => Ok(least(values.by_ref(), true)),
        AggregateKind::Sum => sum(values, aggregate.type_oid),
        AggregateKind::Avg => average(values),
        AggregateKind::BoolAnd => Ok(truth(values, false)),
        AggregateKind::BoolOr => Ok(truth(values, true)),
        AggregateKind::StringAgg => Ok(joined(&inputs)),
        AggregateKind::CountRows | AggregateKind::ArrayAgg => Ok(Value::Null),
    }
}

fn least(values: &mut dyn Iterator<Item = &Value>, reverse: bool) -> Value {
    let chosen = values.reduce(|best, value| {
        let order = value.compare(best);
        let is_better = if reverse { order.is_gt() } else { order.is_lt() };
        if is_better { value } else { best }
    });
    chosen.cloned().unwrap_or(Value::Null)
}

fn number(value: &Value) -> Decimal {
    match value {
        Value::Int(value) => Decimal::from_int(*value),
        Value::Numeric(value) => Decimal::clone(value),
        _ => Decimal::NaN,
    }
}

fn sum<'v>(
    values: impl Iterator<Item = &'v Value>,
    type_oid: TypeOid,
) -> Result<Value, QueryError> {
    let mut total = Value::Null;
    for value in values {
        total = match (&total, value) {
            (Value::Null, Value::Int(value)) if type_oid == types::NUMERIC => {
                Value::numeric(Decimal::from_int(*value))
            }
            (Value::Null, value) => value.clone(),
            (Value::Int(total), Value::Int(value)) => {
                let sum = total.checked_add(*value).ok_or_else(|| {
                    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "bigint out of range")
                })?;
                Value::Int(sum)
            }
            (Value::Float(total), Value::Float(value)) => Value::Float(total + value),
            (Value::Numeric(total), value) => Value::numeric(total.add(&number(value))?),
            _ => Value::Null,
        };
    }
    Ok(total)
}

fn average<'v>(values: impl Iterator<Item = &'v Value>) -> Result<Value, QueryError> {
    let values: Vec<&Value> = values.collect();
    let count = values.len();
    if count == 0 {
        return Ok(Value::Null);
    }
    if values.iter().any(|value| matches!(value, Value::Float(_))) {
        let total: f64 = values
            .iter()
            .map(|value| match value {
                Value::Float(value) => *value,
                _ => 0.0,
            })
            .sum();
        return Ok(Value::Float(total / count as f64));
    }
    let mut total = Decimal::from_int(0);
    for value in values {
        total = total.add(&number(value))?;
    }
    let count = Decimal::from_int(i64::try_from(count).unwrap_or(i64::MAX));
    total.divide(&count).map(Value::numeric)
}

/// `bool_or` with `decisive` true, `bool_and` with `decisive` false.
fn truth<'v>(values: impl Iterator<Item = &'v Value>, decisive: bool) -> Value {
    let mut result = Value::Null;
    for value in values {
        if value.as_bool() == Some(decisive) {
            return Value::Bool(decisive);
        }
        result = Value::Bool(!decisive);
    }
    result
}

fn joined(inputs: &[Input]) -> Value {
    if inputs.is_empty() {
        return Value::Null;
    }
    let mut text = String::new();
    for (at, input) in inputs.iter().enumerate() {
        if at > 0 {
            text.push_str(input.arguments.get(1).map_or("", Value::as_text));
        }
        text.push_str(input.arguments[0].as_text());
    }
    Value::text(text)
}
