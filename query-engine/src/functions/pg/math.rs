//! Functions of analysis and number theory, and chance.

use num_bigint::BigInt;

use super::{Call, Entry, strict};
use crate::catalog_query::Value;
use crate::values::decimal::Decimal;
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("pi() float8", |_| Ok(Value::Float(std::f64::consts::PI))),
    strict("degrees(float8) float8", |call| Ok(Value::Float(call.float(0).to_degrees()))),
    strict("radians(float8) float8", |call| Ok(Value::Float(call.float(0).to_radians()))),
    strict("cbrt(float8) float8", |call| Ok(Value::Float(call.float(0).cbrt()))),
    strict("exp(float8) float8", |call| {
        let found = call.float(0).exp();
        if found.is_infinite() && call.float(0).is_finite() {
            return Err(out_of_range("overflow"));
        }
        Ok(Value::Float(found))
    }),
    strict("exp(numeric) numeric", |call| decimal(call, 0).exp().map(Value::numeric)),
    strict("ln(numeric) numeric", |call| decimal(call, 0).ln().map(Value::numeric)),
    strict("log(numeric) numeric", |call| {
        decimal(call, 0).log(&Decimal::from_int(10)).map(Value::numeric)
    }),
    strict("log10(numeric) numeric", |call| {
        decimal(call, 0).log(&Decimal::from_int(10)).map(Value::numeric)
    }),
    strict("log10(float8) float8", |call| {
        super::strings::logarithm(call.float(0)).map(|x| Value::Float(x.log10()))
    }),
    strict("log(numeric,numeric) numeric", |call| {
        decimal(call, 1).log(&decimal(call, 0)).map(Value::numeric)
    }),
    strict("pow(float8,float8) float8", |call| Ok(Value::Float(call.float(0).powf(call.float(1))))),
    strict("pow(numeric,numeric) numeric", |call| {
        decimal(call, 0).power(&decimal(call, 1)).map(Value::numeric)
    }),
    strict("sin(float8) float8", |call| of_angle(call, f64::sin)),
    strict("cos(float8) float8", |call| of_angle(call, f64::cos)),
    strict("tan(float8) float8", |call| of_angle(call, f64::tan)),
    strict("cot(float8) float8", |call| of_angle(call, |x| 1.0 / x.tan())),
    strict("asin(float8) float8", |call| inside(call, -1.0..=1.0, f64::asin)),
    strict("acos(float8) float8", |call| inside(call, -1.0..=1.0, f64::acos)),
    strict("atan(float8) float8", |call| Ok(Value::Float(call.float(0).atan()))),
    strict("atan2(float8,float8) float8", |call| {
        Ok(Value::Float(call.float(0).atan2(call.float(1))))
    }),
    strict("sinh(float8) float8", |call| Ok(Value::Float(call.float(0).sinh()))),
    strict("cosh(float8) float8", |call| Ok(Value::Float(call.float(0).cosh()))),
    strict("tanh(float8) float8", |call| Ok(Value::Float(call.float(0).tanh()))),
    strict("asinh(float8) float8", |call| Ok(Value::Float(call.float(0).asinh()))),
    strict("acosh(float8) float8", |call| inside(call, 1.0..=f64::INFINITY, f64::acosh)),
    strict("atanh(float8) float8", |call| inside(call, -1.0..=1.0, f64::atanh)),
    strict("sind(float8) float8", |call| of_angle(call, sine_of_degrees)),
    strict("cosd(float8) float8", |call| of_angle(call, |x| sine_of_degrees(90.0 - x.abs()))),
    strict("tand(float8) float8", |call| {
        of_angle(call, |x| exact_tangent(x, sine_of_degrees(x) / sine_of_degrees(90.0 - x.abs())))
    }),
    strict("asind(float8) float8", |call| inside(call, -1.0..=1.0, |x| whole_degrees(x.asin()))),
    strict("acosd(float8) float8", |call| inside(call, -1.0..=1.0, |x| whole_degrees(x.acos()))),
    strict("atand(float8) float8", |call| Ok(Value::Float(whole_degrees(call.float(0).atan())))),
    strict("atan2d(float8,float8) float8", |call| {
        Ok(Value::Float(whole_degrees(call.float(0).atan2(call.float(1)))))
    }),
    strict("factorial(int8) numeric", factorial),
    strict("gcd(numeric,numeric) numeric", |call| gcd(call).map(Value::numeric)),
    strict("lcm(numeric,numeric) numeric", |call| {
        let divisor = gcd(call)?;
        let (left, right) = (decimal(call, 0), decimal(call, 1));
        if divisor.sign() == Some(0) {
            return Ok(Value::numeric(divisor));
        }
        left.divide_whole(&divisor)?.multiply(&right).map(|found| Value::numeric(found.abs()))
    }),
    strict("width_bucket(anyelement,anyarray) int4", |call| {
        let bounds = call.value(1).elements();
        let below = bounds.iter().take_while(|bound| bound.compare(call.value(0)).is_le()).count();
        Ok(Value::Int(i64::try_from(below).unwrap_or(i64::MAX)))
    }),
    strict("random() float8", |_| Ok(Value::Float(rand::random::<f64>()))),
    strict("gen_random_uuid() uuid", |_| Ok(random_uuid())),
];

fn decimal(call: &Call<'_>, at: usize) -> Decimal {
    super::numbers::decimal(call, at)
}

fn out_of_range(what: &str) -> QueryError {
    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, format!("value out of range: {what}"))
}

fn no_input() -> QueryError {
    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "input is out of range")
}

/// A function of an angle, which must be finite.
fn of_angle(call: &Call<'_>, of: impl Fn(f64) -> f64) -> Result<Value, QueryError> {
    let angle = call.float(0);
    if angle.is_infinite() { Err(no_input()) } else { Ok(Value::Float(of(angle))) }
}

fn inside(
    call: &Call<'_>,
    range: std::ops::RangeInclusive<f64>,
    of: impl Fn(f64) -> f64,
) -> Result<Value, QueryError> {
    let value = call.float(0);
    if value.is_nan() || range.contains(&value) {
        return Ok(Value::Float(of(value)));
    }
    Err(no_input())
}

/// The sine of an angle in degrees, exact where it is 0, 1/2 or 1.
fn sine_of_degrees(degrees: f64) -> f64 {
    let turned = degrees % 360.0;
    let (sign, angle) = if turned < 0.0 { (-1.0, -turned) } else { (1.0, turned) };
    let (sign, angle) = if angle > 180.0 { (-sign, 360.0 - angle) } else { (sign, angle) };
    let angle = if angle > 90.0 { 180.0 - angle } else { angle };
    let half = 30.0_f64.to_radians().sin();
    let found = match angle {
        angle if angle <= 30.0 => angle.to_radians().sin() / half / 2.0,
        angle => {
            let sixty = 1.0 - 60.0_f64.to_radians().cos();
            1.0 - (1.0 - (90.0 - angle).to_radians().cos()) / sixty / 2.0
        }
    };
    sign * found
}

fn exact_tangent(degrees: f64, found: f64) -> f64 {
    if (degrees.abs() % 90.0 - 45.0).abs() < f64::EPSILON { found.signum() } else { found }
}

/// Degrees of an angle; near-whole ones are whole, as the series of PostgreSQL has them.
fn whole_degrees(radians: f64) -> f64 {
    let degrees = radians.to_degrees();
    let near = degrees.round();
    if (degrees - near).abs() < 1e-12 { near } else { degrees }
}

fn factorial(call: &Call<'_>) -> Result<Value, QueryError> {
    let number = call.int(0);
    if number < 0 {
        let message = "factorial of a negative number is undefined";
        return Err(QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message));
    }
    // As PostgreSQL: more has more digits than a numeric holds.
    if number > 32_177 {
        return Err(crate::values::decimal::overflow());
    }
    let digits = (1..=number).fold(BigInt::from(1), |product, factor| product * factor);
    Ok(Value::numeric(Decimal::Finite { digits, scale: 0 }))
}

fn gcd(call: &Call<'_>) -> Result<Decimal, QueryError> {
    let (mut left, mut right) = (decimal(call, 0).abs(), decimal(call, 1).abs());
    while right.sign() == Some(1) {
        let rest = left.remainder(&right)?;
        left = std::mem::replace(&mut right, rest);
    }
    Ok(left)
}

/// A UUID of version 4.
fn random_uuid() -> Value {
    let mut bits = rand::random::<[u8; 16]>();
    bits[6] = bits[6] & 0x0f | 0x40;
    bits[8] = bits[8] & 0x3f | 0x80;
    let digits = hex::encode(bits);
    let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Value::text(groups.join("-"))
}
