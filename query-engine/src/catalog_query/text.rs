//! Forms of values: text and binary, in and out, as PostgreSQL's functions of each type have them.
//!
//! Codecs of single values are in `values`; names of objects, arrays of them and records are done here,
//! where the catalogs can be seen.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use super::env::Env;
use super::types::{self, Kind, TypeOid, element, is_object_id, is_text, kind, type_name};
use super::{Interval, Value, unsupported};
use crate::types::interval::parse_parts;
use crate::values::decimal::Decimal;
use crate::values::decode::datetime::in_iso_form;
use crate::values::{Format, TextStyle, array_text, decode_text, other, write};
use crate::{Parameter, PgType, QueryError, SqlState};

pub(crate) use super::cast::cast;
pub(crate) use super::modifier::resized;

/// Bytes of a `name`; longer ones are cut, as PostgreSQL cuts identifiers.
const NAME_BYTES_MAX: usize = 63;

/// Reads `text` as a value of a built-in row; types that are only shown stay text.
pub(crate) fn input_builtin(text: &str, oid: TypeOid) -> Value {
    match kind(oid) {
        Kind::Array => split_array(text, oid)
            .map(|elements| {
                let inner = element(oid).unwrap_or(types::TEXT);
                let read = |element: Option<String>| {
                    element.map_or(Value::Null, |text| input_builtin(&text, inner))
                };
                Value::array(elements.into_iter().map(read).collect())
            })
            .unwrap_or(Value::Null),
        Kind::Bool => Value::Bool(text == "t"),
        Kind::Int => text.parse().map_or(Value::Null, Value::Int),
        Kind::Float => text.parse().map_or(Value::Null, Value::Float),
        Kind::Numeric => Decimal::parse(text).map_or(Value::Null, Value::numeric),
        Kind::Interval => parse_parts(text).map_or(Value::Null, |(months, days, us)| {
            Value::Interval(Interval { months, days, us })
        }),
        Kind::Timestamp | Kind::Date | Kind::Time | Kind::Bytes | Kind::Record => Value::Null,
        Kind::Text => Value::text(text),
    }
}

/// Elements of a one-dimensional array or vector in text form; `None` when it is malformed.
pub(crate) fn split_array(text: &str, oid: TypeOid) -> Option<Vec<Option<String>>> {
    if matches!(oid, types::INT2VECTOR | types::OIDVECTOR) {
        return Some(text.split_whitespace().map(|part| Some(part.to_owned())).collect());
    }
    array_text::parse(text, ',').ok().map(|array| array.elements)
}

/// Reads `text` as a value of type `oid`, as the type's input function does.
///
/// # Errors
/// 22P02 for malformed text, 22003 for a number out of range, 42P01, 42704 or 42883 for a name that
/// an object id type does not find.
pub(crate) fn input(env: &Env<'_>, text: &str, oid: TypeOid) -> Result<Value, QueryError> {
    read(env, text, types::known_base(oid)).map_err(|error| match error.token {
        None => error.about(text),
        Some(_) => error,
    })
}

fn read(env: &Env<'_>, text: &str, oid: TypeOid) -> Result<Value, QueryError> {
    match kind(oid) {
        Kind::Int if is_object_id(oid) && oid != types::OID => env.input_object(text.trim(), oid),
        Kind::Record => Err(QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "input of anonymous composite types is not implemented",
        )),
        Kind::Array if matches!(oid, types::INT2VECTOR | types::OIDVECTOR) => {
            decoded(env, text, oid)
        }
        Kind::Array => {
            let inner = element(oid).ok_or_else(|| unsupported("literal of type anyarray"))?;
            let delimiter = PgType::from_oid(inner).map_or(',', PgType::delimiter);
            let array = array_text::parse(text, delimiter)?;
            let elements = array
                .elements
                .into_iter()
                .map(|element| element.map_or(Ok(Value::Null), |text| read(env, &text, inner)));
            Ok(Value::shaped(array.dimensions, elements.collect::<Result<_, _>>()?))
        }
        Kind::Text if oid == types::CHAR => Ok(Value::text(char_text(text))),
        Kind::Text if oid == types::NAME => Ok(Value::text(cut_name(text))),
        Kind::Text if is_text(oid) => Ok(Value::text(text)),
        // As over tables, where hashes are written with `0x`, too.
        Kind::Bytes => Ok(Value::Bytes(crate::types::bytea::parse(text)?.into())),
        _ => decoded(env, text, oid),
    }
}

fn decoded(env: &Env<'_>, text: &str, oid: TypeOid) -> Result<Value, QueryError> {
    let pg_type = PgType::from_oid(oid)
        .ok_or_else(|| unsupported(format!("literal of type {}", type_name(oid))))?;
    if matches!(oid, types::DATE | types::TIMESTAMP | types::TIMESTAMPTZ) {
        if let Some(found) = of_today(env, text.trim(), oid)? {
            return Ok(found);
        }
        if let Some(iso) = in_iso_form(text.trim(), env.style().dates.is_day_first()) {
            let parameter = decode_text(pg_type, &iso, &env.style().zone)?;
            return from_parameter(env, &parameter, oid);
        }
    }
    let parameter = decode_text(pg_type, text, &env.style().zone)?;
    from_parameter(env, &parameter, oid)
}

/// The instants that words name: `now`, and the midnights of today and of the days beside it.
fn of_today(env: &Env<'_>, word: &str, oid: TypeOid) -> Result<Option<Value>, QueryError> {
    let days = match word.to_ascii_lowercase().as_str() {
        "now" => None,
        "today" => Some(0),
        "tomorrow" => Some(1),
        "yesterday" => Some(-1),
        _ => return Ok(None),
    };
    let entry = &env.view.entry;
    let now = entry.state().transaction_started_us.unwrap_or_else(|| entry.activity().now_us());
    let now = Value::Int(now);
    let Some(days) = days else { return cast(env, &now, types::TIMESTAMPTZ, oid).map(Some) };
    let today = cast(env, &now, types::TIMESTAMPTZ, types::DATE)?;
    let day = Value::Int(today.as_int().unwrap_or_default() + days);
    cast(env, &day, types::DATE, oid).map(Some)
}

/// The first byte of a `"char"`; a byte that is no ASCII character is written in octal.
fn char_text(text: &str) -> String {
    match text.as_bytes() {
        [] => String::new(),
        [b'\\', digits @ ..]
            if digits.len() == 3 && digits.iter().all(|digit| matches!(digit, b'0'..=b'7')) =>
        {
            let code = digits.iter().fold(0_u32, |code, digit| code * 8 + u32::from(digit - b'0'));
            match u8::try_from(code) {
                Ok(code) if code.is_ascii() => char::from(code).to_string(),
                _ => text.to_owned(),
            }
        }
        [first, ..] if first.is_ascii() => char::from(*first).to_string(),
        [first, ..] => format!("\\{first:03o}"),
    }
}

fn cut_name(text: &str) -> &str {
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `number` if the integer type `oid` holds it.
pub(crate) fn check_range(number: i64, oid: TypeOid) -> Result<i64, QueryError> {
    let (first, last) = match oid {
        types::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        types::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        types::INT8 => (i64::MIN, i64::MAX),
        _ => (0, i64::from(u32::MAX)),
    };
    (first..=last).contains(&number).then_some(number).ok_or_else(|| {
        QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, format!("{} out of range", type_name(oid)))
    })
}

/// A bound parameter as a value of type `oid`.
///
/// # Errors
/// As [`input`] for names of objects.
pub(crate) fn from_parameter(
    env: &Env<'_>,
    value: &Parameter,
    oid: TypeOid,
) -> Result<Value, QueryError> {
    Ok(match value {
        Parameter::Null => Value::Null,
        Parameter::Bool(value) => Value::Bool(*value),
        Parameter::Int(value) => Value::Int(*value),
        Parameter::Float(value) => Value::Float(*value),
        Parameter::Numeric(text) => Value::numeric(Decimal::parse(text)?),
        Parameter::Date(days) => Value::Int((*days).into()),
        Parameter::Timestamp(us) => Value::Int(*us),
        Parameter::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
        Parameter::Text(text) => match kind(oid) {
            Kind::Interval => {
                let (months, days, us) = parse_parts(text)?;
                Value::Interval(Interval { months, days, us })
            }
            Kind::Time => {
                let us = crate::values::parse_time(text)?;
                Value::Int(us)
            }
            // What the gateway did not read: names of objects, and text of types it does not know.
            Kind::Int if is_object_id(oid) => read(env, text, oid)?,
            Kind::Text => match oid {
                types::NAME | types::CHAR => read(env, text, oid)?,
                types::UUID => decode_uuid(text)?,
                _ if other::is_ordered(oid) => Value::Ordered(oid, text.as_str().into()),
                _ => Value::text(text.as_str()),
            },
            _ => read(env, text, oid)?,
        },
        Parameter::Array(parts) => Value::array(elements_of(env, parts, oid)?),
        Parameter::Shaped(dimensions, parts) => {
            Value::shaped(dimensions.clone(), elements_of(env, parts, oid)?)
        }
    })
}

fn elements_of(env: &Env<'_>, parts: &[Parameter], oid: TypeOid) -> Result<Vec<Value>, QueryError> {
    let inner = element(oid).unwrap_or(types::TEXT);
    parts.iter().map(|part| from_parameter(env, part, inner)).collect()
}

/// A UUID in the form that PostgreSQL prints.
fn decode_uuid(text: &str) -> Result<Value, QueryError> {
    let mut out = BytesMut::new();
    crate::values::put_uuid(&crate::values::parse_uuid(text)?, &mut out);
    Ok(Value::text(String::from_utf8_lossy(&out).into_owned()))
}

/// A value that is not null as the codecs take it.
pub(crate) fn to_parameter(value: &Value, oid: TypeOid) -> Parameter {
    match value {
        Value::Null => Parameter::Null,
        Value::Bool(value) => Parameter::Bool(*value),
        Value::Int(value) => match kind(oid) {
            Kind::Date => Parameter::Date(i32::try_from(*value).unwrap_or(i32::MAX)),
            Kind::Timestamp => Parameter::Timestamp(*value),
            Kind::Time => {
                let mut out = BytesMut::new();
                crate::values::put_time(&mut out, *value);
                Parameter::Text(String::from_utf8_lossy(&out).into_owned())
            }
            Kind::Float => Parameter::Float(*value as f64),
            Kind::Numeric => Parameter::Numeric(value.to_string()),
            _ => Parameter::Int(*value),
        },
        Value::Float(value) => Parameter::Float(*value),
        Value::Numeric(value) => Parameter::Numeric(value.to_text()),
        Value::Interval(Interval { months, days, us }) => {
            let mut out = BytesMut::new();
            let style = crate::values::IntervalStyle::Postgres;
            crate::values::put_interval(&mut out, style, *months, *days, *us);
            Parameter::Text(String::from_utf8_lossy(&out).into_owned())
        }
        Value::Bytes(bytes) => Parameter::Bytes(bytes.to_vec()),
        Value::Text(text) | Value::Ordered(_, text) => Parameter::Text(text.to_string()),
        // Arrays and records are written element by element.
        Value::Array(_) | Value::Shaped(_) | Value::Record(..) => Parameter::Null,
    }
}

/// Text form of a value, as the type's output function gives it; empty for NULL.
pub(crate) fn output(env: &Env<'_>, value: &Value, oid: TypeOid) -> String {
    let mut out = BytesMut::new();
    put_text(env, value, oid, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Text form of a value in ISO style, whatever the session's; empty for NULL.
pub(crate) fn output_iso(env: &Env<'_>, value: &Value, oid: TypeOid) -> String {
    let style = TextStyle { zone: env.style().zone, ..TextStyle::default() };
    let pg_type = PgType::from_oid(types::known_base(oid)).unwrap_or(PgType::Text);
    let mut out = BytesMut::new();
    match write::put(pg_type, &to_parameter(value, oid), Format::Text, &style, &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        // No date or time: it has one form.
        Err(_) => output(env, value, oid),
    }
}

fn put_text(env: &Env<'_>, value: &Value, oid: TypeOid, out: &mut BytesMut) {
    match value {
        Value::Null => {}
        Value::Array(_) | Value::Shaped(_) => put_array_text(env, value, oid, out),
        Value::Record(fields, types) => {
            out.put_u8(b'(');
            for (at, field) in fields.iter().enumerate() {
                if at > 0 {
                    out.put_u8(b',');
                }
                if !field.is_null() {
                    let text =
                        output(env, field, types.get(at).map_or_else(|| guess(field), |oid| *oid));
                    out.put_slice(quote_field(&text).as_bytes());
                }
            }
            out.put_u8(b')');
        }
        Value::Int(value) if is_object_id(oid) && oid != types::OID => {
            out.put_slice(env.output_object(*value, oid).as_bytes());
        }
        value => {
            let pg_type = PgType::from_oid(types::known_base(oid)).unwrap_or(PgType::Text);
            let parameter = to_parameter(value, oid);
            if write::put(pg_type, &parameter, Format::Text, env.style(), out).is_err() {
                // Only a value of another type than its column's could come here.
                out.put_slice(format!("{parameter:?}").as_bytes());
            }
        }
    }
}

fn put_array_text(env: &Env<'_>, value: &Value, oid: TypeOid, out: &mut BytesMut) {
    let inner = element(oid).unwrap_or(types::TEXT);
    let elements = value.elements();
    if matches!(oid, types::INT2VECTOR | types::OIDVECTOR) {
        let words: Vec<String> = elements.iter().map(|part| output(env, part, inner)).collect();
        return out.put_slice(words.join(" ").as_bytes());
    }
    let delimiter = PgType::from_oid(inner).map_or(',', PgType::delimiter);
    let written: Result<(), std::convert::Infallible> =
        array_text::put(out, &value.dimensions(), delimiter, |at, out| {
            let part = elements.get(at).filter(|part| !part.is_null());
            if let Some(part) = part {
                put_text(env, part, inner, out);
            }
            Ok(part.is_some())
        });
    debug_assert!(written.is_ok());
}

/// The type of a value in a row whose types are not known.
fn guess(value: &Value) -> TypeOid {
    match value {
        Value::Bool(_) => types::BOOL,
        Value::Int(_) => types::INT8,
        Value::Float(_) => types::FLOAT8,
        Value::Numeric(_) => types::NUMERIC,
        Value::Interval(_) => types::INTERVAL,
        Value::Bytes(_) => types::BYTEA,
        Value::Record(..) => types::RECORD,
        Value::Array(_) | Value::Shaped(_) => types::ANYARRAY,
        Value::Ordered(oid, _) => *oid,
        Value::Null | Value::Text(_) => types::TEXT,
    }
}

fn quote_field(text: &str) -> String {
    let is_special = |c: char| "(),\"\\".contains(c) || c.is_ascii_whitespace();
    if !text.is_empty() && !text.contains(is_special) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""))
}

/// Appends the binary form of a value that is not null.
///
/// # Errors
/// 42883 for a type that has none.
pub(crate) fn put_binary(
    env: &Env<'_>,
    value: &Value,
    oid: TypeOid,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    match value {
        Value::Array(_) | Value::Shaped(_) => {
            let inner = element(oid).unwrap_or(types::TEXT);
            let mut dimensions = value.dimensions();
            if matches!(oid, types::INT2VECTOR | types::OIDVECTOR) {
                let pg_type =
                    if oid == types::INT2VECTOR { PgType::Int2Vector } else { PgType::OidVector };
                dimensions = write::of_list(pg_type, value.elements().len());
            }
            let elements = value.elements().iter();
            write::put_binary_array(out, &dimensions, inner, elements, |part, out| {
                if part.is_null() {
                    return Ok(false);
                }
                put_binary(env, part, inner, out).map(|()| true)
            })
        }
        Value::Record(fields, types) => {
            out.put_i32(i32::try_from(fields.len()).unwrap_or(i32::MAX));
            for (at, field) in fields.iter().enumerate() {
                let oid = types.get(at).map_or_else(|| guess(field), |oid| *oid);
                out.put_u32(oid);
                if field.is_null() {
                    out.put_i32(-1);
                    continue;
                }
                let start = out.len();
                out.put_i32(0);
                put_binary(env, field, oid, out)?;
                let length = i32::try_from(out.len() - start - 4).unwrap_or(i32::MAX);
                out[start..start + 4].copy_from_slice(&length.to_be_bytes());
            }
            Ok(())
        }
        value => {
            let pg_type = PgType::from_oid(types::known_base(oid)).unwrap_or(PgType::Text);
            write::put(pg_type, &to_parameter(value, oid), Format::Binary, env.style(), out)
        }
    }
}

/// A text value.
pub(super) fn shared(text: String) -> Value {
    Value::Text(Arc::from(text))
}
