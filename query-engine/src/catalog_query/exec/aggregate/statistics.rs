//! Variance, its root, and what is computed of pairs: in the order and with the digits of PostgreSQL.

use super::super::super::Value;
use super::super::super::plan::Moment;
use super::{Input, number};
use crate::QueryError;
use crate::values::decimal::Decimal;

/// Variance or its root: exact for integers and `numeric`.
pub(super) fn spread<'v>(
    values: impl Iterator<Item = &'v Value>,
    is_root: bool,
    is_sample: bool,
) -> Result<Value, QueryError> {
    let values: Vec<&Value> = values.collect();
    let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
    let divisor = if is_sample { count - 1 } else { count };
    if divisor < 1 {
        return Ok(Value::Null);
    }
    if let Value::Float(_) = values[0] {
        let variance = squares(values.iter().map(|value| float(value))) / divisor as f64;
        return Ok(Value::Float(if is_root { variance.sqrt() } else { variance }));
    }
    let (mut sum, mut squares) = (Decimal::from_int(0), Decimal::from_int(0));
    for value in values {
        let value = number(value);
        squares = squares.add(&value.multiply(&value)?)?;
        sum = sum.add(&value)?;
    }
    if sum.scale().is_none() {
        return Ok(Value::numeric(Decimal::NaN));
    }
    let count = Decimal::from_int(count);
    let spread = count.multiply(&squares)?.subtract(&sum.multiply(&sum)?)?;
    if spread.sign() != Some(1) {
        return Ok(Value::numeric(Decimal::from_int(0)));
    }
    let variance = spread.divide(&count.multiply(&Decimal::from_int(divisor))?)?;
    if !is_root {
        return Ok(Value::numeric(variance));
    }
    let scale = variance.scale().unwrap_or(0);
    variance.sqrt_to(scale).map(Value::numeric)
}

/// The sum of squared distances from the mean, updated value by value.
fn squares(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut sum, mut found) = (0.0, 0.0, 0.0);
    for value in values {
        let before = count;
        count += 1.0;
        sum += value;
        if before > 0.0 {
            let distance = value * count - sum;
            found += distance * distance / (count * before);
        } else if !value.is_finite() {
            found = f64::NAN;
        }
    }
    found
}

/// Sums over pairs, updated one by one (Youngs and Cramer), as PostgreSQL's.
#[derive(Default)]
struct Sums {
    count: f64,
    sx: f64,
    sy: f64,
    sxx: f64,
    syy: f64,
    sxy: f64,
}

impl Sums {
    /// Of pairs (Y, X).
    fn of(pairs: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut sums = Self::default();
        for (y, x) in pairs {
            let before = sums.count;
            sums.count += 1.0;
            sums.sx += x;
            sums.sy += y;
            if before > 0.0 {
                let dx = x * sums.count - sums.sx;
                let dy = y * sums.count - sums.sy;
                let scale = 1.0 / (sums.count * before);
                sums.sxx += dx * dx * scale;
                sums.syy += dy * dy * scale;
                sums.sxy += dx * dy * scale;
            } else if !x.is_finite() || !y.is_finite() {
                (sums.sxx, sums.syy, sums.sxy) = (f64::NAN, f64::NAN, f64::NAN);
            }
        }
        sums
    }
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Float(value) => *value,
        Value::Int(value) => *value as f64,
        Value::Numeric(value) => value.to_float(),
        _ => f64::NAN,
    }
}

/// What is computed of the pairs whose both values are there.
pub(super) fn regression(moment: Moment, inputs: &[Input]) -> Value {
    let whole = |input: &&Input| !input.arguments.iter().any(Value::is_null);
    let pairs = inputs.iter().filter(whole);
    let pairs = pairs.map(|input| (float(&input.arguments[0]), float(&input.arguments[1])));
    let sums = Sums::of(pairs);
    let Sums { count, sx, sy, sxx, syy, sxy } = sums;
    if moment == Moment::Count {
        return Value::Int(count as i64);
    }
    let found = match moment {
        _ if count < 1.0 => None,
        Moment::Covariance { is_sample: true } if count < 2.0 => None,
        Moment::Covariance { is_sample: true } => Some(sxy / (count - 1.0)),
        Moment::Covariance { is_sample: false } => Some(sxy / count),
        Moment::Correlation if sxx == 0.0 || syy == 0.0 => None,
        Moment::Correlation => Some(sxy / (sxx * syy).sqrt()),
        Moment::Slope | Moment::Intercept | Moment::R2 if sxx == 0.0 => None,
        Moment::Slope => Some(sxy / sxx),
        Moment::Intercept => Some((sy - sx * sxy / sxx) / count),
        Moment::R2 if syy == 0.0 => Some(1.0),
        Moment::R2 => Some((sxy * sxy) / (sxx * syy)),
        Moment::AverageX => Some(sx / count),
        Moment::AverageY => Some(sy / count),
        Moment::Sxx => Some(sxx),
        Moment::Syy => Some(syy),
        Moment::Sxy => Some(sxy),
        Moment::Count => None,
    };
    found.map_or(Value::Null, Value::Float)
}
