//! Values of aggregates over the rows of one group or frame.

mod ordered;
mod statistics;

use std::cmp::Ordering;
use std::collections::HashSet;

use super::super::operator::{Arithmetic, bitwise, scaled};
use super::super::plan::{Aggregate, AggregateKind, JsonForm};
use super::super::types::{self, TypeOid};
use super::super::{Env, Interval, Value};
use super::compare_keys;
use crate::functions::pg::json_text;
use crate::values::decimal::Decimal;
use crate::values::json;
use crate::{Dimension, QueryError, SqlState};

/// What an aggregate needs of one input row: sort keys and arguments.
pub(super) struct Input {
    pub(super) keys: Vec<Value>,
    pub(super) arguments: Vec<Value>,
}

/// Value of an aggregate over these inputs.
///
/// # Errors
/// 22003 for a sum that its type does not hold, and what the aggregate itself refuses.
pub(super) fn finish(
    env: &Env<'_>,
    aggregate: &Aggregate,
    mut inputs: Vec<Input>,
) -> Result<Value, QueryError> {
    use AggregateKind as A;
    if let A::HypotheticalRank { is_dense } = aggregate.kind {
        return Ok(ordered::rank(aggregate, &inputs, is_dense));
    }
    if !aggregate.order.is_empty() {
        inputs.sort_by(|left, right| compare_inputs(aggregate, left, right));
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
    match aggregate.kind {
        A::CountRows => return Ok(count(inputs.len())),
        A::ArrayAgg => return array(inputs, aggregate.types[0]),
        A::JsonAgg(form) => return json_array(env, &inputs, aggregate.types[0], form),
        A::JsonObjectAgg(form) => return json_object(env, &inputs, &aggregate.types, form),
        A::Regression(moment) => return Ok(statistics::regression(moment, &inputs)),
        _ => {}
    }
    let last = aggregate.arguments.len() - 1;
    let is_ordered = matches!(aggregate.kind, A::PercentileCont | A::PercentileDisc | A::Mode);
    inputs.retain(|input| !input.arguments[if is_ordered { last } else { 0 }].is_null());
    let mut values = inputs.iter().map(|input| &input.arguments[0]);
    match aggregate.kind {
        A::Count => Ok(count(inputs.len())),
        A::Min => Ok(least(values.by_ref(), false)),
        A::Max => Ok(least(values.by_ref(), true)),
        A::AnyValue => Ok(values.next().cloned().unwrap_or(Value::Null)),
        A::Sum => sum(values, aggregate.type_oid),
        A::Avg => average(values),
        A::BoolAnd => Ok(truth(values, false)),
        A::BoolOr => Ok(truth(values, true)),
        A::BitAnd | A::BitOr | A::BitXor => bits(aggregate.kind, values),
        A::StringAgg => Ok(joined(&inputs)),
        A::Spread { is_root, is_sample } => statistics::spread(values, is_root, is_sample),
        A::PercentileCont => ordered::percentile(aggregate, &inputs, true),
        A::PercentileDisc => ordered::percentile(aggregate, &inputs, false),
        A::Mode => Ok(ordered::mode(&inputs)),
        // Finished above.
        _ => Ok(Value::Null),
    }
}

/// Positions of the inputs in the order that the aggregate wants.
pub(super) fn sorted_positions(aggregate: &Aggregate, inputs: &[Input]) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..inputs.len()).collect();
    positions.sort_by(|left, right| {
        let (left, right) = (&inputs[*left], &inputs[*right]);
        if aggregate.order.is_empty() {
            let pairs = left.arguments.iter().zip(&right.arguments);
            let mut orders = pairs.map(|(left, right)| compare_keys(left, right, false, false));
            return orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        }
        compare_inputs(aggregate, left, right)
    });
    positions
}

fn compare_inputs(aggregate: &Aggregate, left: &Input, right: &Input) -> Ordering {
    let pairs = left.keys.iter().zip(&right.keys).zip(&aggregate.order);
    pairs
        .map(|((left, right), key)| compare_keys(left, right, key.1, key.2))
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn count(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Values as an array; arrays as one of a dimension more.
///
/// # Errors
/// 2202E for arrays of different shapes.
fn array(inputs: Vec<Input>, type_oid: TypeOid) -> Result<Value, QueryError> {
    let values: Vec<Value> =
        inputs.into_iter().filter_map(|mut input| input.arguments.pop()).collect();
    let Some(first) = values.first() else { return Ok(Value::Null) };
    if types::element(type_oid).is_none() {
        return Ok(Value::array(values));
    }
    let refuse = |state, message: &str| Err(QueryError::new(SqlState(state), message));
    if values.iter().any(Value::is_null) {
        return refuse("22004", "cannot accumulate null arrays");
    }
    let inner = first.dimensions();
    if inner.is_empty() {
        return refuse("2202E", "cannot accumulate empty arrays");
    }
    if values.iter().any(|value| value.dimensions() != inner) {
        return refuse("2202E", "cannot accumulate arrays of different dimensionality");
    }
    let length = i32::try_from(values.len()).unwrap_or(i32::MAX);
    let dimensions = std::iter::once(Dimension { lower: 1, length }).chain(inner).collect();
    let elements = values.iter().flat_map(|value| value.elements()).cloned().collect();
    Ok(Value::shaped(dimensions, elements))
}

fn json_array(
    env: &Env<'_>,
    inputs: &[Input],
    type_oid: TypeOid,
    form: JsonForm,
) -> Result<Value, QueryError> {
    if inputs.is_empty() {
        return Ok(Value::Null);
    }
    let mut text = "[".to_owned();
    for (at, input) in inputs.iter().enumerate() {
        let value = &input.arguments[0];
        if at > 0 {
            text.push_str(if form.is_structured && !value.is_null() { ", \n " } else { ", " });
        }
        text.push_str(&json_text(env, value, type_oid));
    }
    text.push(']');
    finished(text, form)
}

/// # Errors
/// 22004 for a key that is null.
fn json_object(
    env: &Env<'_>,
    inputs: &[Input],
    types: &[TypeOid],
    form: JsonForm,
) -> Result<Value, QueryError> {
    if inputs.is_empty() {
        return Ok(Value::Null);
    }
    let mut text = "{ ".to_owned();
    for (at, input) in inputs.iter().enumerate() {
        let key = &input.arguments[0];
        if key.is_null() {
            let message = if form.is_binary {
                "field name must not be null"
            } else {
                "null value not allowed for object key"
            };
            let state = if form.is_binary { "22023" } else { "22004" };
            return Err(QueryError::new(SqlState(state), message));
        }
        if at > 0 {
            text.push_str(", ");
        }
        json::put_string(&super::super::text::output(env, key, types[0]), &mut text);
        text.push_str(" : ");
        text.push_str(&json_text(env, &input.arguments[1], types[1]));
    }
    text.push_str(" }");
    finished(text, form)
}

fn finished(text: String, form: JsonForm) -> Result<Value, QueryError> {
    Ok(Value::text(if form.is_binary { json::normalized(&text)? } else { text }))
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

fn plus(left: Interval, right: Interval) -> Result<Interval, QueryError> {
    let sum = || {
        Some(Interval {
            months: left.months.checked_add(right.months)?,
            days: left.days.checked_add(right.days)?,
            us: left.us.checked_add(right.us)?,
        })
    };
    sum().ok_or_else(|| QueryError::new(SqlState::DATETIME_OVERFLOW, "interval out of range"))
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
            (Value::Float(total), Value::Float(value)) if type_oid == types::FLOAT4 => {
                Value::Float(f64::from(*total as f32 + *value as f32))
            }
            (Value::Float(total), Value::Float(value)) => Value::Float(total + value),
            (Value::Interval(total), Value::Interval(value)) => {
                Value::Interval(plus(*total, *value)?)
            }
            (Value::Numeric(total), value) => Value::numeric(total.add(&number(value))?),
            _ => Value::Null,
        };
        if let Value::Float(found) = total
            && found.is_infinite()
            && matches!(value, Value::Float(value) if value.is_finite())
        {
            let message = "value out of range: overflow";
            return Err(QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message));
        }
    }
    Ok(total)
}

fn average<'v>(values: impl Iterator<Item = &'v Value>) -> Result<Value, QueryError> {
    let values: Vec<&Value> = values.collect();
    let count = values.len();
    match values.first() {
        None => return Ok(Value::Null),
        Some(Value::Float(_)) => {
            let floats = values.iter().map(|value| match value {
                Value::Float(value) => *value,
                _ => 0.0,
            });
            return Ok(Value::Float(floats.sum::<f64>() / count as f64));
        }
        Some(Value::Interval(_)) => {
            let Value::Interval(total) = sum(values.into_iter(), types::INTERVAL)? else {
                return Ok(Value::Null);
            };
            return Ok(Value::Interval(scaled(total, count as f64, true)?));
        }
        Some(_) => {}
    }
    let mut total = Decimal::from_int(0);
    for value in values {
        total = total.add(&number(value))?;
    }
    total.divide(&Decimal::from_int(i64::try_from(count).unwrap_or(i64::MAX))).map(Value::numeric)
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

/// # Errors
/// 22026 for bit strings of different lengths.
fn bits<'v>(
    kind: AggregateKind,
    mut values: impl Iterator<Item = &'v Value>,
) -> Result<Value, QueryError> {
    let Some(first) = values.next() else { return Ok(Value::Null) };
    let operation = match kind {
        AggregateKind::BitAnd => Arithmetic::BitAnd,
        AggregateKind::BitOr => Arithmetic::BitOr,
        _ => Arithmetic::BitXor,
    };
    values.try_fold(first.clone(), |found, value| bitwise(operation, &found, value))
}

fn joined(inputs: &[Input]) -> Value {
    let Some(first) = inputs.first() else { return Value::Null };
    if let Value::Bytes(_) = first.arguments[0] {
        let mut bytes = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            if let (Some(Value::Bytes(between)), true) = (input.arguments.get(1), at > 0) {
                bytes.extend_from_slice(between);
            }
            if let Value::Bytes(part) = &input.arguments[0] {
                bytes.extend_from_slice(part);
            }
        }
        return Value::Bytes(bytes.into());
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
