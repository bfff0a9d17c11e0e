//! Type modifiers: `numeric(10,2)`, `varchar(5)`, `bit(3)`, `timestamp(3)`.

use std::sync::Arc;

use sqlparser::ast::{CharacterLength, DataType, ExactNumberInfo, IntervalFields, TimezoneInfo};

use super::types::{self, TypeOid, element, kind, type_by_words};
use super::{Value, undefined_object};
use crate::values::decimal::Decimal;
use crate::values::other::sized_bits;
use crate::{QueryError, SqlState};

/// Bytes of the header that PostgreSQL counts into a modifier.
const HEADER: i32 = 4;
const PRECISION_MAX: i64 = 1_000;
const LENGTH_MAX: i64 = 10_485_760;
const BITS_MAX: i64 = 83_886_080;
/// Digits of the fraction of a second.
const SECOND_DIGITS_MAX: i64 = 6;
/// In an interval's modifier: all fields, in the upper half.
const INTERVAL_ALL_FIELDS: i32 = 0x7fff;
/// Bits of an interval's fields.
const MONTH: i32 = 1 << 1;
const YEAR: i32 = 1 << 2;
const DAY: i32 = 1 << 3;
const HOUR: i32 = 1 << 10;
const MINUTE: i32 = 1 << 11;
const SECOND: i32 = 1 << 12;

/// The type that a keyword names, and the numbers behind it.
pub(super) fn of_keyword(data_type: &DataType) -> Result<(TypeOid, Vec<i64>), QueryError> {
    let one = |number: &Option<u64>| number.iter().map(|number| *number as i64).collect();
    let length = |length: &Option<CharacterLength>| match length {
        Some(CharacterLength::IntegerLength { length, .. }) => vec![*length as i64],
        _ => Vec::new(),
    };
    let exact = |info: &ExactNumberInfo| match info {
        ExactNumberInfo::None => Vec::new(),
        ExactNumberInfo::Precision(precision) => vec![*precision as i64],
        ExactNumberInfo::PrecisionAndScale(precision, scale) => vec![*precision as i64, *scale],
    };
    let with_zone =
        |zone: &TimezoneInfo| matches!(zone, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz);
    Ok(match data_type {
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => {
            (types::NUMERIC, exact(info))
        }
        DataType::Float(ExactNumberInfo::Precision(bits)) => match bits {
            1..=24 => (types::FLOAT4, Vec::new()),
            25..=53 => (types::FLOAT8, Vec::new()),
            _ => {
                let words = if *bits == 0 { "at least 1 bit" } else { "less than 54 bits" };
                return Err(QueryError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("precision for type float must be {words}"),
                ));
            }
        },
        DataType::Varchar(info)
        | DataType::CharacterVarying(info)
        | DataType::CharVarying(info) => (types::VARCHAR, length(info)),
        DataType::Char(None) | DataType::Character(None) => (types::BPCHAR, vec![1]),
        DataType::Char(info) | DataType::Character(info) => (types::BPCHAR, length(info)),
        DataType::Bit(None) => (types::BIT, vec![1]),
        DataType::Bit(info) => (types::BIT, one(info)),
        DataType::BitVarying(info) | DataType::VarBit(info) => (types::VARBIT, one(info)),
        DataType::Time(digits, zone) if with_zone(zone) => (types::TIMETZ, one(digits)),
        DataType::Time(digits, _) => (types::TIME, one(digits)),
        DataType::Timestamp(digits, zone) if with_zone(zone) => (types::TIMESTAMPTZ, one(digits)),
        DataType::Timestamp(digits, _) => (types::TIMESTAMP, one(digits)),
        DataType::Interval { fields: None, precision } => (types::INTERVAL, one(precision)),
        DataType::Interval { fields: Some(fields), precision } => {
            let digits = precision.map_or(0xffff, |digits| digits as i64);
            (types::INTERVAL, vec![i64::from(field_bits(fields)) << 16 | digits])
        }
        DataType::Regclass => (types::REGCLASS, Vec::new()),
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => (types::INT4, Vec::new()),
        DataType::SmallInt(_) | DataType::Int2(_) => (types::INT2, Vec::new()),
        DataType::BigInt(_) | DataType::Int8(_) => (types::INT8, Vec::new()),
        DataType::Real | DataType::Float4 => (types::FLOAT4, Vec::new()),
        other => {
            let name = other.to_string().to_lowercase();
            let oid = type_by_words(&name)
                .ok_or_else(|| undefined_object(format!("type \"{name}\" does not exist")))?;
            (oid, Vec::new())
        }
    })
}

/// The modifier of `interval` with one field, by its keyword; -1 for another word.
pub(super) fn interval_modifier(field: &str) -> i32 {
    let bits = match field.to_ascii_uppercase().as_str() {
        "YEAR" => YEAR,
        "MONTH" => MONTH,
        "DAY" => DAY,
        "HOUR" => HOUR,
        "MINUTE" => MINUTE,
        "SECOND" => SECOND,
        _ => return -1,
    };
    bits << 16 | 0xffff
}

fn field_bits(fields: &IntervalFields) -> i32 {
    match fields {
        IntervalFields::Year => YEAR,
        IntervalFields::Month => MONTH,
        IntervalFields::Day => DAY,
        IntervalFields::Hour => HOUR,
        IntervalFields::Minute => MINUTE,
        IntervalFields::Second => SECOND,
        IntervalFields::YearToMonth => YEAR | MONTH,
        IntervalFields::DayToHour => DAY | HOUR,
        IntervalFields::DayToMinute => DAY | HOUR | MINUTE,
        IntervalFields::DayToSecond => DAY | HOUR | MINUTE | SECOND,
        IntervalFields::HourToMinute => HOUR | MINUTE,
        IntervalFields::HourToSecond => HOUR | MINUTE | SECOND,
        IntervalFields::MinuteToSecond => MINUTE | SECOND,
    }
}

/// The modifier that these numbers make for a type; -1 without any.
pub(super) fn packed(oid: TypeOid, numbers: Vec<i64>) -> Result<i32, QueryError> {
    let invalid = |message: String| QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let small = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    match (oid, numbers.as_slice()) {
        (_, []) => Ok(-1),
        (types::NUMERIC, [precision, rest @ ..]) if rest.len() <= 1 => {
            let scale = rest.first().copied().unwrap_or(0);
            if !(1..=PRECISION_MAX).contains(precision) {
                return Err(invalid(format!(
                    "NUMERIC precision {precision} must be between 1 and {PRECISION_MAX}"
                )));
            }
            if !(-PRECISION_MAX..=PRECISION_MAX).contains(&scale) {
                return Err(invalid(format!(
                    "NUMERIC scale {scale} must be between -{PRECISION_MAX} and {PRECISION_MAX}"
                )));
            }
            Ok((small(*precision) << 16 | small(scale) & 0x7ff) + HEADER)
        }
        (types::VARCHAR | types::BPCHAR, [length]) => {
            let name = if oid == types::VARCHAR { "varchar" } else { "char" };
            match *length {
                ..1 => Err(invalid(format!("length for type {name} must be at least 1"))),
                length if length > LENGTH_MAX => {
                    Err(invalid(format!("length for type {name} cannot exceed {LENGTH_MAX}")))
                }
                length => Ok(small(length) + HEADER),
            }
        }
        (types::BIT | types::VARBIT, [length]) => {
            let name = if oid == types::BIT { "bit" } else { "varbit" };
            match *length {
                ..1 => Err(invalid(format!("length for type {name} must be at least 1"))),
                length if length > BITS_MAX => {
                    Err(invalid(format!("length for type {name} cannot exceed {BITS_MAX}")))
                }
                length => Ok(small(length)),
            }
        }
        (types::INTERVAL, [packed]) if *packed > SECOND_DIGITS_MAX => Ok(small(*packed)),
        (types::INTERVAL, [digits]) => Ok(INTERVAL_ALL_FIELDS << 16 | small(*digits)),
        (types::TIME | types::TIMETZ | types::TIMESTAMP | types::TIMESTAMPTZ, [digits]) => {
            Ok(small((*digits).min(SECOND_DIGITS_MAX)))
        }
        _ => Err(QueryError::new(
            SqlState::SYNTAX_ERROR,
            format!("type modifier is not allowed for type \"{}\"", types::type_name(oid)),
        )),
    }
}

/// A value of a type as a cast to a modifier makes it.
///
/// # Errors
/// 22003 for a number that does not fit.
pub(crate) fn resized(value: Value, oid: TypeOid, modifier: i32) -> Result<Value, QueryError> {
    if modifier < 0 || value.is_null() {
        return Ok(value);
    }
    if kind(oid) == types::Kind::Array
        && let Some(inner) = element(oid)
    {
        let parts = value.elements().iter().cloned();
        let parts = parts.map(|part| resized(part, inner, modifier));
        return Ok(Value::shaped(value.dimensions(), parts.collect::<Result<_, _>>()?));
    }
    Ok(match (oid, &value) {
        (types::NUMERIC, Value::Numeric(number)) => {
            let (precision, scale) = numeric_parts(modifier);
            Value::Numeric(Arc::new(Decimal::fitted(number, precision, scale)?))
        }
        (types::VARCHAR | types::BPCHAR, Value::Text(text)) => {
            let length = (modifier - HEADER) as usize;
            let mut kept: String = text.chars().take(length).collect();
            if oid == types::BPCHAR {
                let count = kept.chars().count();
                kept.extend(std::iter::repeat_n(' ', length - count));
            }
            Value::text(kept)
        }
        (types::BIT | types::VARBIT, Value::Text(text)) => {
            Value::text(sized_bits(text, modifier as usize, oid == types::VARBIT, true)?)
        }
        (types::TIME | types::TIMESTAMP | types::TIMESTAMPTZ, Value::Int(us)) => {
            Value::Int(rounded_us(*us, modifier))
        }
        (types::INTERVAL, Value::Interval(interval)) => {
            let mut interval = *interval;
            let digits = modifier & 0xffff;
            let fields = modifier >> 16 & 0x7fff;
            if digits <= SECOND_DIGITS_MAX as i32 {
                interval.us = rounded_us(interval.us, digits);
            }
            cut_to_fields(&mut interval, fields);
            Value::Interval(interval)
        }
        _ => value,
    })
}

/// Keeps the fields of an interval down to the smallest that its type has.
fn cut_to_fields(interval: &mut super::Interval, fields: i32) {
    const US_PER_MINUTE: i64 = 60_000_000;
    if fields == INTERVAL_ALL_FIELDS || fields & SECOND != 0 {
        return;
    }
    let step = match fields {
        fields if fields & MINUTE != 0 => US_PER_MINUTE,
        fields if fields & HOUR != 0 => 60 * US_PER_MINUTE,
        fields => {
            interval.us = 0;
            if fields & DAY == 0 {
                interval.days = 0;
                if fields & MONTH == 0 {
                    interval.months -= interval.months % 12;
                }
            }
            return;
        }
    };
    interval.us -= interval.us % step;
}

/// Precision and scale of a `numeric`.
pub(crate) fn numeric_parts(modifier: i32) -> (i32, i32) {
    let packed = modifier - HEADER;
    // The scale has eleven bits, the first of which is its sign.
    (packed >> 16 & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024)
}

fn rounded_us(us: i64, digits: i32) -> i64 {
    if matches!(us, i64::MAX | i64::MIN) || digits >= SECOND_DIGITS_MAX as i32 {
        return us;
    }
    let step = 10_i64.pow(SECOND_DIGITS_MAX as u32 - digits as u32);
    let half = step / 2 * us.signum();
    us.saturating_add(half) / step * step
}
