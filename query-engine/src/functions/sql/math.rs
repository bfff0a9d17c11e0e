//! Functions of numbers that the planner lacks.

use datafusion::arrow::datatypes::i256;
use datafusion::scalar::ScalarValue;

use super::Entry;
use super::arguments::{Arguments, decimal};
use crate::types::numeric::{Numeric, out_of_range, rescale};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("sign(float8) float8", |call| {
        let value = call.float(0);
        let sign = if value == 0.0 || value.is_nan() { value } else { value.signum() };
        Ok(ScalarValue::Float64(Some(sign)))
    }),
    // As many digits as a float of the type holds for sure.
    Entry("ergosql_numeric8(float8) numeric20", |call| of_float(call, 14)),
    Entry("ergosql_numeric4(float8) numeric20", |call| of_float(call, 5)),
    Entry("sign(numeric) numeric", |call| decimal(call.number(0).0.signum(), 0, call.returns)),
    Entry("div(numeric,numeric) numeric", |call| {
        let (left, right, _) = common(call, 0, 1)?;
        if right == i256::ZERO {
            return Err(QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        decimal(left.checked_div(right).ok_or_else(out_of_range)?, 0, call.returns)
    }),
    Entry("gcd(int4,int4) int4", |call| {
        Ok(ScalarValue::Int32(Some(fitting(divisor(call), "integer")?)))
    }),
    Entry("gcd(int8,int8) int8", |call| {
        Ok(ScalarValue::Int64(Some(fitting(divisor(call), "bigint")?)))
    }),
    Entry("lcm(int4,int4) int4", |call| {
        Ok(ScalarValue::Int32(Some(fitting(multiple(call), "integer")?)))
    }),
    Entry("lcm(int8,int8) int8", |call| {
        Ok(ScalarValue::Int64(Some(fitting(multiple(call), "bigint")?)))
    }),
    Entry("width_bucket(float8,float8,float8,int4) int4", |call| {
        let (low, high) = (call.float(1), call.float(2));
        let share = (call.float(0) - low) / (high - low);
        bucket(call, low == high, share.is_nan(), share < 0.0, share >= 1.0, || {
            Some((share * call.int(3) as f64).floor() as i64 + 1)
        })
    }),
    Entry("width_bucket(numeric,numeric,numeric,int4) int4", |call| {
        let (value, low, scale) = common(call, 0, 1)?;
        let high = scaled(call, 2, scale)?;
        let low = if scale == common(call, 1, 2)?.2 { low } else { scaled(call, 1, scale)? };
        let (is_under, is_over) = match high > low {
            true => (value < low, value >= high),
            false => (value > low, value <= high),
        };
        bucket(call, low == high, false, is_under, is_over, || {
            let count = i256::from_i128(i128::from(call.int(3)));
            let share = value.checked_sub(low)?.checked_mul(count)?;
            share.checked_div(high.checked_sub(low)?)?.to_i128()?.checked_add(1)?.try_into().ok()
        })
    }),
];

/// Two numbers at the larger of their scales.
fn common(call: &Arguments<'_>, a: usize, b: usize) -> Result<(i256, i256, i8), QueryError> {
    let scale = call.number(a).1.max(call.number(b).1);
    Ok((scaled(call, a, scale)?, scaled(call, b, scale)?, scale))
}

fn scaled(call: &Arguments<'_>, at: usize, scale: i8) -> Result<i256, QueryError> {
    let (value, own) = call.number(at);
    rescale(value, own, scale).ok_or_else(out_of_range)
}

fn of_float(call: &Arguments<'_>, digits: usize) -> Result<ScalarValue, QueryError> {
    let value = call.float(0);
    if !value.is_finite() {
        return Err(QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "NaN and infinity as numeric in a computation are not supported",
        ));
    }
    let scalar = Numeric::parse(&format!("{value:.digits$e}"))?.to_scalar()?;
    let only = [scalar];
    let (value, scale) = Arguments { values: &only, ..*call }.number(0);
    decimal(value, scale, call.returns)
}

fn divisor(call: &Arguments<'_>) -> i128 {
    let (mut a, mut b) = (i128::from(call.int(0)).abs(), i128::from(call.int(1)).abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn multiple(call: &Arguments<'_>) -> i128 {
    match divisor(call) {
        0 => 0,
        divisor => (i128::from(call.int(0)) / divisor * i128::from(call.int(1))).abs(),
    }
}

fn fitting<T: TryFrom<i128>>(value: i128, name: &str) -> Result<T, QueryError> {
    T::try_from(value).map_err(|_| {
        QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, format!("{name} out of range"))
    })
}

fn bucket(
    call: &Arguments<'_>,
    is_empty: bool,
    is_nan: bool,
    is_under: bool,
    is_over: bool,
    inside: impl Fn() -> Option<i64>,
) -> Result<ScalarValue, QueryError> {
    let refused = if call.int(3) <= 0 {
        "count must be greater than zero"
    } else if is_empty {
        "lower bound cannot equal upper bound"
    } else if is_nan {
        "operand, lower bound, and upper bound cannot be NaN"
    } else {
        let found = match (is_under, is_over) {
            (true, _) => Some(0),
            (_, true) => call.int(3).checked_add(1),
            _ => inside(),
        };
        let found = found.and_then(|found| i32::try_from(found).ok());
        return found.map(|found| ScalarValue::Int32(Some(found))).ok_or_else(out_of_range);
    };
    Err(QueryError::new(SqlState("2201G"), refused))
}
