//! Casts between types, as PostgreSQL has them.

use super::env::Env;
use super::text::{check_range, input, output, shared};
use super::types::{self, Kind, TypeOid, element, is_object_id, is_text, kind, type_name};
use super::{Interval, Value, unsupported};
use crate::values::decimal::Decimal;
use crate::values::json::{self, Json};
use crate::values::{US_PER_DAY, US_PER_SECOND, other};
use crate::{QueryError, SqlState};

/// Digits that casts from `float4` and `float8` to `numeric` keep.
const FLOAT4_DIGITS: usize = 6;
const FLOAT8_DIGITS: usize = 15;
/// Instants without end.
const INFINITE: [i64; 2] = [i64::MAX, i64::MIN];
/// Days without end.
const INFINITE_DAYS: [i64; 2] = [i32::MAX as i64, i32::MIN as i64];

/// Casts a value between types.
///
/// # Errors
/// As [`input`]; 42846 where PostgreSQL has no such cast.
pub(crate) fn cast(
    env: &Env<'_>,
    value: &Value,
    from: TypeOid,
    to: TypeOid,
) -> Result<Value, QueryError> {
    let (from, to) = (types::known_base(from), types::known_base(to));
    if value.is_null() || from == to {
        return Ok(value.clone());
    }
    match (kind(from), kind(to)) {
        (Kind::Text, _) if is_text(from) => from_text(env, value, from, to),
        (Kind::Bool, Kind::Text) if is_text(to) && to != types::CHAR => {
            Ok(Value::text(if value.as_bool() == Some(true) { "true" } else { "false" }))
        }
        (Kind::Int, Kind::Text) if to == types::CHAR => no_cast(from, to),
        // The text of an address always has its network.
        (_, Kind::Text) if from == types::INET && is_text(to) => {
            let text = value.as_text();
            let bits = if text.contains(':') { 128 } else { 32 };
            let has_bits = text.contains('/');
            Ok(if has_bits { Value::text(text) } else { shared(format!("{text}/{bits}")) })
        }
        (_, Kind::Text) if is_text(to) => input(env, &output(env, value, from), to),
        (Kind::Text, _) | (_, Kind::Text) => between_other(env, value, from, to),
        (Kind::Int, Kind::Int) => {
            check_range(value.as_int().unwrap_or_default(), to).map(Value::Int)
        }
        (Kind::Int, Kind::Float) => Ok(Value::Float(value.as_int().unwrap_or_default() as f64)),
        (Kind::Int, Kind::Numeric) if !is_object_id(from) => {
            Ok(Value::numeric(Decimal::from_int(value.as_int().unwrap_or_default())))
        }
        (Kind::Float | Kind::Numeric, _) => from_number(value, from, to),
        (Kind::Int, Kind::Bool) if from == types::INT4 => {
            Ok(Value::Bool(value.as_int() != Some(0)))
        }
        (Kind::Bool, Kind::Int) if to == types::INT4 => {
            Ok(Value::Int(i64::from(value.as_bool() == Some(true))))
        }
        (Kind::Array, Kind::Array) => {
            let (Some(inner), Some(outer)) = (element(from), element(to)) else {
                return Ok(value.clone());
            };
            let elements = value.elements().iter().map(|part| cast(env, part, inner, outer));
            let mut dimensions = value.dimensions();
            // Vectors count from 0, and so does what they become.
            if let [only] = dimensions.as_mut_slice()
                && is_vector(from) != is_vector(to)
            {
                only.lower = i32::from(is_vector(to));
            }
            Ok(Value::shaped(dimensions, elements.collect::<Result<_, _>>()?))
        }
        (Kind::Date | Kind::Time | Kind::Timestamp | Kind::Interval, _) => {
            between_times(env, value, from, to)
        }
        _ => no_cast(from, to),
    }
}

fn is_vector(oid: TypeOid) -> bool {
    matches!(oid, types::INT2VECTOR | types::OIDVECTOR)
}

fn no_cast(from: TypeOid, to: TypeOid) -> Result<Value, QueryError> {
    if types::has_cast(from, to) {
        let names = format!("a cast from {} to {}", type_name(from), type_name(to));
        return Err(unsupported(names));
    }
    Err(QueryError::new(
        SqlState::CANNOT_COERCE,
        format!("cannot cast type {} to {}", type_name(from), type_name(to)),
    ))
}

/// Text is read as a literal of the type; `char(n)` loses what fills it up.
fn from_text(
    env: &Env<'_>,
    value: &Value,
    from: TypeOid,
    to: TypeOid,
) -> Result<Value, QueryError> {
    let text = value.as_text();
    let text = if from == types::BPCHAR { text.trim_end_matches(' ') } else { text };
    input(env, text, to)
}

fn from_number(value: &Value, from: TypeOid, to: TypeOid) -> Result<Value, QueryError> {
    let out_of_range = || {
        let message = format!("{} out of range", type_name(to));
        Err(QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message))
    };
    match (value, kind(to)) {
        (Value::Float(number), Kind::Float) => {
            let narrowed = f64::from(*number as f32);
            let is_lost = narrowed.is_infinite() && number.is_finite();
            if to == types::FLOAT4 && is_lost {
                let message = "value out of range: overflow";
                return Err(QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message));
            }
            Ok(Value::Float(if to == types::FLOAT4 { narrowed } else { *number }))
        }
        (Value::Float(number), Kind::Int) => {
            let rounded = number.round_ties_even();
            let exact = rounded as i64;
            // The comparison back refuses what the saturating conversion changed.
            if !rounded.is_finite() || exact as f64 != rounded || exact == i64::MAX {
                return out_of_range();
            }
            check_range(exact, to).map(Value::Int)
        }
        (Value::Float(number), Kind::Numeric) => {
            let digits = if from == types::FLOAT4 { FLOAT4_DIGITS } else { FLOAT8_DIGITS };
            Ok(Value::numeric(Decimal::from_float(*number, digits)))
        }
        (Value::Numeric(number), Kind::Float) => {
            let float = number.to_float();
            let held = if to == types::FLOAT4 { f64::from(float as f32) } else { float };
            if held.is_infinite() && number.scale().is_some() {
                let message =
                    format!("\"{}\" is out of range for type {}", number.to_text(), type_name(to));
                return Err(QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message));
            }
            Ok(Value::Float(held))
        }
        (Value::Numeric(number), Kind::Int) => {
            if number.scale().is_none() {
                let what = if number.is_nan() { "NaN" } else { "infinity" };
                return Err(QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("cannot convert {what} to {}", type_name(to)),
                ));
            }
            match number.to_int() {
                Some(whole) => check_range(whole, to).map(Value::Int),
                None => out_of_range(),
            }
        }
        _ => no_cast(from, to),
    }
}

fn out_of_range(name: &str) -> QueryError {
    QueryError::new(SqlState::DATETIME_OVERFLOW, format!("{name} out of range"))
}

fn between_times(
    env: &Env<'_>,
    value: &Value,
    from: TypeOid,
    to: TypeOid,
) -> Result<Value, QueryError> {
    let zone = env.style().zone;
    let count = value.as_int().unwrap_or_default();
    // The same moment of the clock, with or without the session's zone.
    let to_utc = |local: i64| {
        let offset = i64::from(zone.offset_at_local(local.div_euclid(US_PER_SECOND)));
        local.checked_sub(offset * US_PER_SECOND).ok_or_else(|| out_of_range("timestamp"))
    };
    let to_local = |us: i64| {
        let offset = i64::from(zone.offset_at(us.div_euclid(US_PER_SECOND)));
        us.checked_add(offset * US_PER_SECOND).ok_or_else(|| out_of_range("timestamp"))
    };
    let is_endless = INFINITE.contains(&count);
    Ok(match (from, to) {
        (types::DATE, types::TIMESTAMP | types::TIMESTAMPTZ) => {
            if INFINITE_DAYS.contains(&count) {
                return Ok(Value::Int(if count > 0 { i64::MAX } else { i64::MIN }));
            }
            let local = count
                .checked_mul(US_PER_DAY)
                .ok_or_else(|| out_of_range("date out of range for timestamp"))?;
            Value::Int(if to == types::TIMESTAMP { local } else { to_utc(local)? })
        }
        (types::TIMESTAMP | types::TIMESTAMPTZ, types::TIMESTAMP | types::TIMESTAMPTZ)
            if is_endless =>
        {
            value.clone()
        }
        (types::TIMESTAMP, types::TIMESTAMPTZ) => Value::Int(to_utc(count)?),
        (types::TIMESTAMPTZ, types::TIMESTAMP) => Value::Int(to_local(count)?),
        (types::TIMESTAMP | types::TIMESTAMPTZ, types::DATE) => {
            if is_endless {
                return Ok(Value::Int(INFINITE_DAYS[usize::from(count < 0)]));
            }
            let local = if from == types::TIMESTAMP { count } else { to_local(count)? };
            Value::Int(local.div_euclid(US_PER_DAY))
        }
        (types::TIMESTAMP | types::TIMESTAMPTZ, types::TIME) => {
            if is_endless {
                return Ok(Value::Null);
            }
            let local = if from == types::TIMESTAMP { count } else { to_local(count)? };
            Value::Int(local.rem_euclid(US_PER_DAY))
        }
        (types::TIME, types::INTERVAL) => {
            Value::Interval(Interval { us: count, ..Interval::default() })
        }
        (types::INTERVAL, types::TIME) => match value {
            Value::Interval(interval) => Value::Int(interval.us.rem_euclid(US_PER_DAY)),
            _ => Value::Null,
        },
        _ => return no_cast(from, to),
    })
}

/// Casts to and from types that travel as text but are none.
fn between_other(
    env: &Env<'_>,
    value: &Value,
    from: TypeOid,
    to: TypeOid,
) -> Result<Value, QueryError> {
    match (from, to) {
        (types::JSON | types::JSONB, types::JSON | types::JSONB) => input(env, value.as_text(), to),
        (types::JSONB, types::BOOL | types::INT2 | types::INT4 | types::INT8)
        | (types::JSONB, types::FLOAT4 | types::FLOAT8 | types::NUMERIC) => {
            from_json(env, value, to)
        }
        (types::CIDR, types::INET) => {
            let text = value.as_text();
            let is_whole = text.strip_suffix(if text.contains(':') { "/128" } else { "/32" });
            Ok(Value::Ordered(to, is_whole.unwrap_or(text).into()))
        }
        (types::BIT | types::VARBIT, types::BIT | types::VARBIT) => Ok(value.clone()),
        (types::BIT, types::INT4 | types::INT8) => {
            let bits = value.as_text();
            let width = if to == types::INT4 { 32 } else { 64 };
            if bits.len() > width {
                return check_range(i64::MAX, types::INT4).map(Value::Int);
            }
            let number = u64::from_str_radix(bits, 2).unwrap_or(0);
            Ok(Value::Int(if to == types::INT4 {
                i64::from((number as u32).cast_signed())
            } else {
                number.cast_signed()
            }))
        }
        (types::INT4, types::BIT) => {
            let number = value.as_int().unwrap_or_default() as i32;
            Ok(shared(format!("{number:032b}")))
        }
        (types::INT8, types::BIT) => {
            Ok(shared(format!("{:064b}", value.as_int().unwrap_or_default())))
        }
        (types::TIME, types::TIMETZ) | (types::TIMESTAMPTZ, types::TIMETZ) => {
            let text = output(env, value, from);
            // An instant shows its date first.
            input(env, text.rsplit(' ').next().unwrap_or(&text), to)
        }
        (types::TIMETZ, types::TIME) => {
            let text = value.as_text();
            let end = text.find(['+', '-']).unwrap_or(text.len());
            input(env, &text[..end], to)
        }
        (types::MONEY, types::NUMERIC) => {
            let text = value.as_text().replace(['$', ','], "");
            Ok(Value::numeric(Decimal::parse(&text)?))
        }
        (types::NUMERIC | types::INT4 | types::INT8, types::MONEY) => {
            input(env, &output(env, value, from), to)
        }
        (other::XID8, types::XID) => {
            let number: u64 = value.as_text().parse().unwrap_or_default();
            Ok(Value::Int(i64::from(number as u32)))
        }
        (MACADDR, MACADDR8) => input(env, value.as_text(), to),
        (MACADDR8, MACADDR) => {
            let text = value.as_text();
            let middle = text.get(9..14);
            if middle != Some("ff:fe") {
                return Err(QueryError::new(
                    SqlState::NUMERIC_OUT_OF_RANGE,
                    "macaddr8 data out of range to convert to macaddr",
                ));
            }
            Ok(shared(format!("{}:{}", &text[..8], &text[15..])))
        }
        _ => no_cast(from, to),
    }
}

const MACADDR: TypeOid = 829;
const MACADDR8: TypeOid = 774;

fn from_json(env: &Env<'_>, value: &Value, to: TypeOid) -> Result<Value, QueryError> {
    let parsed = json::parse(value.as_text())?;
    match (&parsed, kind(to)) {
        (Json::Bool(value), Kind::Bool) => Ok(Value::Bool(*value)),
        (Json::Number(number), Kind::Int | Kind::Float | Kind::Numeric) => {
            cast(env, &Value::numeric(number.clone()), types::NUMERIC, to)
        }
        (Json::Null, _) => Ok(Value::Null),
        _ => {
            let found = match parsed {
                Json::Null => "null",
                Json::Bool(_) => "boolean",
                Json::Number(_) => "numeric",
                Json::String(_) => "string",
                Json::Array(_) => "array",
                Json::Object(_) => "object",
            };
            Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("cannot cast jsonb {found} to type {}", type_name(to)),
            ))
        }
    }
}
