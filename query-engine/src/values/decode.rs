//! Parameter values of Bind, text and binary, to [`Parameter`].
//!
//! Invariants
//! - Every read is checked: a short value is 08P01, one with bytes left over 22P03.
//! - An error has the SQLSTATE that PostgreSQL's input function of the type gives.
//! - Nothing is rounded or cut: what `Parameter` cannot hold exactly is an error.

mod array;
mod date_text;
pub(crate) mod datetime;
mod number;
mod numeric;

use crate::{Parameter, PgType, QueryError, SqlState};
use bytes::{Bytes, BytesMut};

pub(crate) use datetime::{parse_time, parse_time_with_rest};
pub(crate) use numeric::parse as parse_numeric;

use crate::values::calendar::Zone;
use crate::values::encode::{Format, IntervalStyle, put_interval, put_time, put_uuid};
use crate::values::error::{INVALID_BINARY, valid_text};
use crate::values::reader::Reader;
use crate::values::{JSONB_VERSION, json, other};

/// Decodes one value, not NULL, of type `pg_type`. `zone` is the session's, for instants without one.
///
/// # Errors
/// With the SQLSTATE of the type's input or receive function.
pub fn decode_parameter(
    pg_type: PgType,
    format: Format,
    value: &[u8],
    zone: &Zone,
) -> Result<Parameter, QueryError> {
    match format {
        Format::Text => decode_text(pg_type, valid_text(value)?, zone),
        Format::Binary => decode_binary(pg_type, value),
    }
}

/// Reads a value of type `pg_type`, as its input function does.
///
/// # Errors
/// With the SQLSTATE of the input function.
pub(crate) fn decode_text(
    pg_type: PgType,
    text: &str,
    zone: &Zone,
) -> Result<Parameter, QueryError> {
    match pg_type {
        PgType::Bool => number::parse_bool(text).map(Parameter::Bool),
        PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Oid | PgType::Xid => {
            number::parse_integer(pg_type, text).map(Parameter::Int)
        }
        PgType::Float4 | PgType::Float8 => number::parse_float(pg_type, text).map(Parameter::Float),
        PgType::Numeric => numeric::parse(text).map(Parameter::Numeric),
        PgType::Bytea => parse_bytea(text).map(Parameter::Bytes),
        PgType::Uuid => {
            parse_uuid(text)?;
            Ok(Parameter::Text(text.to_owned()))
        }
        PgType::Date => datetime::parse_date(text).map(Parameter::Date),
        PgType::Timestamp => datetime::parse_timestamp(text, None).map(Parameter::Timestamp),
        PgType::Timestamptz => {
            datetime::parse_timestamp(text, Some(*zone)).map(Parameter::Timestamp)
        }
        PgType::Time => {
            let us = datetime::parse_time(text)?;
            printed(|out| put_time(out, us))
        }
        PgType::Interval => {
            let (months, days, us) = crate::types::interval::parse_parts(text)?;
            printed(|out| put_interval(out, IntervalStyle::Postgres, months, days, us))
        }
        PgType::Json => json::check(text).map(|()| Parameter::Text(text.to_owned())),
        PgType::Jsonb => json::normalized(text).map(Parameter::Text),
        // The engine looks up the names among these.
        PgType::Char
        | PgType::Name
        | PgType::Text
        | PgType::Varchar
        | PgType::Bpchar
        | PgType::Regclass
        | PgType::Regtype
        | PgType::Regproc
        | PgType::Regnamespace
        | PgType::AclItem
        | PgType::PgNodeTree
        | PgType::Unknown
        | PgType::Void => Ok(Parameter::Text(text.to_owned())),
        PgType::Int2Vector | PgType::OidVector => array::parse_vector(pg_type, text, zone),
        PgType::Other(oid) if other::OBJECT_IDS.contains(&oid) => {
            Ok(Parameter::Text(text.to_owned()))
        }
        PgType::Other(oid) if pg_type.element().is_none() => {
            other::canonical(oid, text, zone).map(Parameter::Text)
        }
        // What is left are arrays; a type without elements would be an internal error there.
        array_type => array::parse(array_type, text, zone),
    }
}

/// Reads a value of type `pg_type` in binary, as its receive function does.
///
/// # Errors
/// With the SQLSTATE of the receive function.
pub(crate) fn decode_binary(pg_type: PgType, value: &[u8]) -> Result<Parameter, QueryError> {
    let mut reader = Reader::new(Bytes::copy_from_slice(value));
    let parameter = match pg_type {
        PgType::Bool => Parameter::Bool(reader.u8()? != 0),
        PgType::Int2 => Parameter::Int(reader.i16()?.into()),
        PgType::Int4 => Parameter::Int(reader.i32()?.into()),
        PgType::Int8 => Parameter::Int(reader.i64()?),
        PgType::Oid | PgType::Xid => Parameter::Int(reader.u32()?.into()),
        PgType::Float4 => Parameter::Float(f32::from_bits(reader.u32()?).into()),
        PgType::Float8 => Parameter::Float(f64::from_bits(reader.i64()?.cast_unsigned())),
        PgType::Numeric => Parameter::Numeric(numeric::read(&mut reader)?),
        PgType::Bytea => return Ok(Parameter::Bytes(value.to_vec())),
        PgType::Uuid => {
            let uuid = reader.bytes(16)?;
            printed(|out| put_uuid(&uuid, out))?
        }
        PgType::Date => Parameter::Date(datetime::read_date(&mut reader)?),
        PgType::Timestamp | PgType::Timestamptz => {
            Parameter::Timestamp(datetime::read_timestamp(&mut reader)?)
        }
        PgType::Time => {
            let us = datetime::read_time(&mut reader)?;
            printed(|out| put_time(out, us))?
        }
        PgType::Interval => {
            let (us, days, months) = (reader.i64()?, reader.i32()?, reader.i32()?);
            printed(|out| put_interval(out, IntervalStyle::Postgres, months, days, us))?
        }
        PgType::Jsonb => match reader.u8()? {
            JSONB_VERSION => {
                return json::normalized(valid_text(&value[1..])?).map(Parameter::Text);
            }
            other => {
                let message = format!("unsupported jsonb version number {other}");
                return Err(QueryError::new(SqlState::INTERNAL_ERROR, message));
            }
        },
        PgType::Regclass | PgType::Regtype | PgType::Regproc | PgType::Regnamespace => {
            Parameter::Text(reader.u32()?.to_string())
        }
        // A zero byte is how an empty `"char"` is sent.
        PgType::Char => match reader.u8()? {
            0 => Parameter::Text(String::new()),
            byte => Parameter::Text(valid_text(&[byte])?.to_owned()),
        },
        PgType::AclItem => {
            // As in PostgreSQL, where the type has no receive function.
            return Err(QueryError::new(
                SqlState::UNDEFINED_FUNCTION,
                "no binary input function available for type aclitem",
            ));
        }
        PgType::Json => {
            let text = valid_text(value)?;
            return json::check(text).map(|()| Parameter::Text(text.to_owned()));
        }
        PgType::Other(oid) if pg_type.element().is_none() => {
            Parameter::Text(other::receive(oid, &mut reader)?)
        }
        PgType::Name
        | PgType::Text
        | PgType::Varchar
        | PgType::Bpchar
        | PgType::PgNodeTree
        | PgType::Unknown
        | PgType::Void => return Ok(Parameter::Text(valid_text(value)?.to_owned())),
        // What is left are arrays; a type without elements would be an internal error there.
        array_type => array::read(array_type, &mut reader)?,
    };
    reader.finish().map_err(|_| {
        QueryError::new(INVALID_BINARY, "incorrect binary data format in bind parameter")
    })?;
    Ok(parameter)
}

/// A text parameter with what `put` writes.
fn printed(put: impl FnOnce(&mut BytesMut)) -> Result<Parameter, QueryError> {
    let mut out = BytesMut::new();
    put(&mut out);
    Ok(Parameter::Text(valid_text(&out)?.to_owned()))
}

/// 22P02 as PostgreSQL words it; `shown_type` is the type's SQL name.
pub(crate) fn invalid_syntax(shown_type: &str, text: &str) -> QueryError {
    let message = format!("invalid input syntax for type {shown_type}: \"{text}\"");
    QueryError::new(SqlState::INVALID_TEXT, message)
}

/// A float of 64 bits.
///
/// # Errors
/// 22P02 and 22003.
pub(crate) fn parse_float8(text: &str) -> Result<f64, QueryError> {
    number::parse_float(PgType::Float8, text)
}

/// 16 bytes of a UUID: 32 hexadecimal digits, a hyphen allowed after every four, braces around it.
pub(crate) fn parse_uuid(text: &str) -> Result<[u8; 16], QueryError> {
    let invalid = || invalid_syntax("uuid", text);
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or_else(invalid)?,
        None => text,
    };
    let mut uuid = [0; 16];
    let mut bytes = inner.bytes();
    for (index, byte) in uuid.iter_mut().enumerate() {
        let mut digit = bytes.next();
        if digit == Some(b'-') && index > 0 && index % 2 == 0 {
            digit = bytes.next();
        }
        let (Some(high), Some(low)) = (digit.and_then(hex_value), bytes.next().and_then(hex_value))
        else {
            return Err(invalid());
        };
        *byte = high << 4 | low;
    }
    if bytes.next().is_some() { Err(invalid()) } else { Ok(uuid) }
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `\x` with hexadecimal digits, white space between pairs allowed, or the old form with octal escapes.
fn parse_bytea(text: &str) -> Result<Vec<u8>, QueryError> {
    let Some(hex) = text.strip_prefix("\\x") else { return parse_escaped(text) };
    let invalid = |message: String| QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    let mut digits = hex.chars().skip_while(char::is_ascii_whitespace);
    while let Some(first) = digits.next() {
        if first.is_ascii_whitespace() {
            continue;
        }
        let value = |digit: char| {
            digit
                .to_digit(16)
                .ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{digit}\"")))
        };
        let high = value(first)?;
        let second = digits
            .next()
            .ok_or_else(|| invalid("invalid hexadecimal data: odd number of digits".to_owned()))?;
        bytes.push((high << 4 | value(second)?) as u8);
    }
    Ok(bytes)
}

fn parse_escaped(text: &str) -> Result<Vec<u8>, QueryError> {
    let invalid = || QueryError::new(SqlState::INVALID_TEXT, "invalid input syntax for type bytea");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        (rest, _) = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => (after, bytes.push(b'\\')),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                (after, bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0')))
            }
            (b'\\', _) => return Err(invalid()),
            (byte, after) => (after, bytes.push(byte)),
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
