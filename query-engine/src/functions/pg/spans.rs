//! Functions that make dates, times and intervals of their parts, and series of instants.

use super::{Call, Entry, set, strict, with_nulls};
use crate::catalog_query::operator::Operator;
use crate::catalog_query::operator::resolve as operator;
use crate::catalog_query::types::{self, TypeOid};
use crate::catalog_query::{Interval, Row, Value, text};
use crate::limits::SERIES_ELEMENTS_MAX;
use crate::values::US_PER_SECOND;
use crate::values::decimal::Decimal;
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("to_timestamp(float8) timestamptz", |call| {
        let us = (call.float(0) * US_PER_SECOND as f64).round_ties_even();
        match call.float(0) {
            seconds if seconds.is_nan() => {
                Err(QueryError::new(SqlState::DATETIME_OVERFLOW, "timestamp cannot be NaN"))
            }
            f64::INFINITY => Ok(Value::Int(i64::MAX)),
            f64::NEG_INFINITY => Ok(Value::Int(i64::MIN)),
            seconds if us.abs() >= i64::MAX as f64 => Err(QueryError::new(
                SqlState::DATETIME_OVERFLOW,
                format!("timestamp out of range: \"{seconds}\""),
            )),
            _ => Ok(Value::Int(us as i64)),
        }
    }),
    strict("age(timestamp) interval", |call| since_today(call, types::TIMESTAMP)),
    strict("age(timestamptz) interval", |call| since_today(call, types::TIMESTAMPTZ)),
    strict("timeofday() text", |call| {
        let now = Value::Int(call.env.view.entry.activity().now_us());
        Ok(Value::text(text::output(call.env, &now, types::TIMESTAMPTZ)))
    }),
    strict("date_add(timestamptz,interval) timestamptz", |call| shifted(call, "+")),
    strict("date_subtract(timestamptz,interval) timestamptz", |call| shifted(call, "-")),
    with_nulls("overlaps(timestamp,timestamp,timestamp,timestamp) bool", overlaps),
    with_nulls("overlaps(timestamptz,timestamptz,timestamptz,timestamptz) bool", overlaps),
    with_nulls("overlaps(time,time,time,time) bool", overlaps),
    set("generate_series(numeric,numeric) setof generate_series numeric", numbers),
    set("generate_series(numeric,numeric,numeric) setof generate_series numeric", numbers),
    set("generate_series(timestamp,timestamp,interval) setof generate_series timestamp", |call| {
        instants(call, types::TIMESTAMP)
    }),
    set(
        "generate_series(timestamptz,timestamptz,interval) setof generate_series timestamptz",
        |call| instants(call, types::TIMESTAMPTZ),
    ),
];

fn apply(
    call: &Call<'_>,
    symbol: &str,
    (left, left_type): (&Value, TypeOid),
    (right, right_type): (&Value, TypeOid),
) -> Result<Value, QueryError> {
    let (operator, _): (Operator, _) = operator(symbol, left_type, right_type)?;
    operator.apply(call.env, left, right)
}

fn shifted(call: &Call<'_>, symbol: &str) -> Result<Value, QueryError> {
    let (left, right) = ((call.value(0), types::TIMESTAMPTZ), (call.value(1), types::INTERVAL));
    apply(call, symbol, left, right)
}

/// The time between the midnight that this day began with and an instant, in years, months and days.
fn since_today(call: &Call<'_>, of: TypeOid) -> Result<Value, QueryError> {
    let resolved = super::resolve("current_date", &[])?;
    let today = Call { name: "current_date", env: call.env, types: &[], arguments: &[] };
    let today = resolved.function.call(&today)?;
    let midnight = text::cast(call.env, &today, types::DATE, of)?;
    let age = super::resolve("age", &[of, of])?;
    let arguments = [midnight, call.value(0).clone()];
    age.function.call(&Call { name: "age", env: call.env, types: &[of, of], arguments: &arguments })
}

/// Whether two spans of time share an instant, by the rules of the standard for spans that are a point and
/// for ends that are not known.
fn overlaps(call: &Call<'_>) -> Result<Value, QueryError> {
    let span = |first: usize| {
        let (start, end) = (call.value(first).clone(), call.value(first + 1).clone());
        match (start.is_null(), end.is_null()) {
            (true, true) => None,
            (true, false) => Some((end, Value::Null)),
            (false, false) if start.compare(&end).is_gt() => Some((end, start)),
            _ => Some((start, end)),
        }
    };
    let (Some((mut start, mut end)), Some((other_start, other_end))) = (span(0), span(2)) else {
        return Ok(Value::Null);
    };
    let order = start.compare(&other_start);
    if order.is_eq() {
        return Ok(if end.is_null() || other_end.is_null() {
            Value::Null
        } else {
            Value::Bool(true)
        });
    }
    let (mut later, mut later_end) = (other_start, other_end);
    if order.is_gt() {
        std::mem::swap(&mut start, &mut later);
        std::mem::swap(&mut end, &mut later_end);
    }
    Ok(match (end.is_null(), later_end.is_null()) {
        (true, _) => Value::Null,
        (false, _) if later.compare(&end).is_lt() => Value::Bool(true),
        (false, true) => Value::Null,
        (false, false) => Value::Bool(false),
    })
}

fn zero_step() -> QueryError {
    QueryError::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero")
}

fn push(rows: &mut Vec<Row>, value: &Value) -> Result<(), QueryError> {
    if rows.len() >= SERIES_ELEMENTS_MAX {
        return Err(QueryError::new(
            SqlState::PROGRAM_LIMIT,
            format!("a series of this type may have {SERIES_ELEMENTS_MAX} rows at most"),
        ));
    }
    rows.push(Row::from(vec![value.clone()]));
    Ok(())
}

fn numbers(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    let number = |at: usize| super::numbers::decimal(call, at);
    let step = if call.arguments.len() > 2 { number(2) } else { Decimal::from_int(1) };
    for (value, what) in
        [(number(0), "start value"), (number(1), "stop value"), (step.clone(), "step size")]
    {
        if value.scale().is_none() {
            let found = if value.is_nan() { "NaN" } else { "infinity" };
            return Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("{what} cannot be {found}"),
            ));
        }
    }
    let sign = step.sign().filter(|sign| *sign != 0).ok_or_else(zero_step)?;
    let (mut next, last) = (number(0), number(1));
    let mut rows = Vec::new();
    while if sign > 0 { next.compare(&last).is_le() } else { next.compare(&last).is_ge() } {
        push(&mut rows, &Value::numeric(next.clone()))?;
        next = next.add(&step)?;
    }
    Ok(rows)
}

fn instants(call: &Call<'_>, of: TypeOid) -> Result<Vec<Row>, QueryError> {
    let step = call.value(2);
    let order = step.compare(&Value::Interval(Interval::default()));
    if order.is_eq() {
        return Err(zero_step());
    }
    let (mut next, last) = (call.value(0).clone(), call.value(1));
    let mut rows = Vec::new();
    while if order.is_gt() { next.compare(last).is_le() } else { next.compare(last).is_ge() } {
        push(&mut rows, &next)?;
        next = apply(call, "+", (&next, of), (step, types::INTERVAL))?;
    }
    Ok(rows)
}
