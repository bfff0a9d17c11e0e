//! Functions on numbers, each in the types that PostgreSQL has it in.

use super::{Call, Entry, strict};
use crate::catalog_query::Value;
use crate::values::decimal::Decimal;
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    // Of two versions that fit an integer alike, the one on floats comes first, as PostgreSQL prefers it.
    strict("abs(int2) int2", absolute),
    strict("abs(int4) int4", absolute),
    strict("abs(int8) int8", absolute),
    strict("abs(float4) float4", |call| Ok(Value::Float(call.float(0).abs()))),
    strict("abs(float8) float8", |call| Ok(Value::Float(call.float(0).abs()))),
    strict("abs(numeric) numeric", |call| Ok(Value::numeric(decimal(call, 0).abs()))),
    strict("sign(float8) float8", |call| {
        let value = call.float(0);
        Ok(Value::Float(if value == 0.0 || value.is_nan() { value } else { value.signum() }))
    }),
    strict("sign(numeric) numeric", |call| {
        let value = decimal(call, 0);
        Ok(Value::numeric(value.sign().map_or(value, |sign| Decimal::from_int(sign.into()))))
    }),
    strict("round(float8) float8", |call| Ok(Value::Float(call.float(0).round_ties_even()))),
    strict("round(numeric) numeric", |call| Ok(Value::numeric(decimal(call, 0).round(0)))),
    strict("round(numeric,int4) numeric", |call| {
        Ok(Value::numeric(decimal(call, 0).round(call.int(1))))
    }),
    strict("trunc(float8) float8", |call| Ok(Value::Float(call.float(0).trunc()))),
    strict("trunc(numeric) numeric", |call| Ok(Value::numeric(decimal(call, 0).truncate(0)))),
    strict("trunc(numeric,int4) numeric", |call| {
        Ok(Value::numeric(decimal(call, 0).truncate(call.int(1))))
    }),
    strict("floor(float8) float8", |call| Ok(Value::Float(call.float(0).floor()))),
    strict("floor(numeric) numeric", |call| Ok(Value::numeric(decimal(call, 0).floor(false)))),
    strict("ceil(float8) float8", |call| Ok(Value::Float(call.float(0).ceil()))),
    strict("ceil(numeric) numeric", |call| Ok(Value::numeric(decimal(call, 0).floor(true)))),
    strict("ceiling(float8) float8", |call| Ok(Value::Float(call.float(0).ceil()))),
    strict("ceiling(numeric) numeric", |call| Ok(Value::numeric(decimal(call, 0).floor(true)))),
    strict("sqrt(numeric) numeric", |call| decimal(call, 0).sqrt().map(Value::numeric)),
    strict("mod(int2,int2) int2", modulo),
    strict("mod(int4,int4) int4", modulo),
    strict("mod(int8,int8) int8", modulo),
    strict("mod(numeric,numeric) numeric", |call| {
        decimal(call, 0).remainder(&decimal(call, 1)).map(Value::numeric)
    }),
    strict("div(numeric,numeric) numeric", |call| {
        decimal(call, 0).divide_whole(&decimal(call, 1)).map(Value::numeric)
    }),
    strict("power(float8,float8) float8", |call| {
        Ok(Value::Float(call.float(0).powf(call.float(1))))
    }),
    strict("power(numeric,numeric) numeric", |call| {
        decimal(call, 0).power(&decimal(call, 1)).map(Value::numeric)
    }),
    strict("scale(numeric) int4", |call| {
        Ok(decimal(call, 0).scale().map_or(Value::Null, |scale| Value::Int(scale.into())))
    }),
    strict("min_scale(numeric) int4", |call| {
        let scale = decimal(call, 0).trimmed().scale();
        Ok(scale.map_or(Value::Null, |scale| Value::Int(scale.into())))
    }),
    strict("trim_scale(numeric) numeric", |call| Ok(Value::numeric(decimal(call, 0).trimmed()))),
];

pub(super) fn decimal(call: &Call<'_>, at: usize) -> Decimal {
    match call.value(at) {
        Value::Numeric(value) => Decimal::clone(value),
        Value::Int(value) => Decimal::from_int(*value),
        _ => Decimal::NaN,
    }
}

fn absolute(call: &Call<'_>) -> Result<Value, QueryError> {
    let value = call.int(0).checked_abs().unwrap_or(i64::MIN);
    // The lowest number of each type has no positive.
    if value < 0 {
        let message = "bigint out of range";
        return Err(QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message));
    }
    crate::catalog_query::text::check_range(value, call.types[0]).map(Value::Int)
}

fn modulo(call: &Call<'_>) -> Result<Value, QueryError> {
    match call.int(1) {
        0 => Err(QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero")),
        divisor => Ok(Value::Int(call.int(0).wrapping_rem(divisor))),
    }
}
