//! Aggregates over sorted values: percentiles, the most frequent value, the rank that a value would have.

use super::super::super::operator::scaled;
use super::super::super::plan::Aggregate;
use super::super::super::types;
use super::super::super::{Interval, Value};
use super::super::compare_keys;
use super::{Input, count};
use crate::{QueryError, SqlState};

/// `percentile_cont`, which interpolates, or `percentile_disc`; of each fraction where it is a list.
///
/// # Errors
/// 22003 for a fraction outside 0 and 1.
pub(super) fn percentile(
    aggregate: &Aggregate,
    inputs: &[Input],
    is_continuous: bool,
) -> Result<Value, QueryError> {
    let Some(first) = inputs.first() else { return Ok(Value::Null) };
    let one = |fraction: &Value| -> Result<Value, QueryError> {
        let Value::Float(fraction) = fraction else { return Ok(Value::Null) };
        if !(0.0..=1.0).contains(fraction) {
            return Err(QueryError::new(
                SqlState::NUMERIC_OUT_OF_RANGE,
                format!("percentile value {fraction} is not between 0 and 1"),
            ));
        }
        let last = inputs.len() - 1;
        let value = |at: usize| &inputs[at.min(last)].arguments[1];
        if !is_continuous {
            let row = (fraction * inputs.len() as f64).ceil() as usize;
            return Ok(value(row.saturating_sub(1)).clone());
        }
        let place = fraction * last as f64;
        let (low, high) = (place.floor(), place.ceil());
        between(value(low as usize), value(high as usize), place - low)
    };
    let fractions = &first.arguments[0];
    if types::element(aggregate.types[0]).is_none() {
        return one(fractions);
    }
    if fractions.is_null() {
        return Ok(Value::Null);
    }
    let found = fractions.elements().iter().map(one).collect::<Result<_, _>>()?;
    Ok(Value::shaped(fractions.dimensions(), found))
}

fn between(low: &Value, high: &Value, part: f64) -> Result<Value, QueryError> {
    Ok(match (low, high) {
        (Value::Float(low), Value::Float(high)) if part == 0.0 || low == high => Value::Float(*low),
        (Value::Float(low), Value::Float(high)) => Value::Float(low + part * (high - low)),
        (Value::Interval(low), Value::Interval(high)) => {
            let distance = Interval {
                months: high.months - low.months,
                days: high.days - low.days,
                us: high.us - low.us,
            };
            Value::Interval(super::plus(*low, scaled(distance, part, false)?)?)
        }
        _ => low.clone(),
    })
}

/// The most frequent value; of several, the first.
pub(super) fn mode(inputs: &[Input]) -> Value {
    let mut best: Option<(usize, &Value)> = None;
    let mut rest = inputs;
    while let Some(first) = rest.first() {
        let value = &first.arguments[0];
        let length =
            rest.iter().take_while(|input| input.arguments[0].compare(value).is_eq()).count();
        if best.is_none_or(|(most, _)| length > most) {
            best = Some((length, value));
        }
        rest = &rest[length..];
    }
    best.map_or(Value::Null, |(_, value)| value.clone())
}

/// The rank that the first argument would have among the values of the last.
pub(super) fn rank(aggregate: &Aggregate, inputs: &[Input], is_dense: bool) -> Value {
    let (_, descending, nulls_first) = aggregate.order[0];
    let before = inputs.iter().filter(|input| {
        compare_keys(&input.keys[0], &input.arguments[0], descending, nulls_first).is_lt()
    });
    let before: Vec<&Value> = before.map(|input| &input.keys[0]).collect();
    let ahead = match is_dense {
        true => before.into_iter().collect::<std::collections::HashSet<_>>().len(),
        false => before.len(),
    };
    count(ahead + 1)
}
