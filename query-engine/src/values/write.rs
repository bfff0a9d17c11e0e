//! One value to its text or binary form, without a column around it.

use bytes::{BufMut, BytesMut};

use super::array_text;
use super::decode::{parse_time, parse_uuid};
use super::encode::{
    Format, TextStyle, put_bytea, put_date_value, put_float4, put_float8, put_instant, put_integer,
    put_interval, put_numeric, put_time, put_uuid,
};
use super::error::internal;
use super::{JSONB_VERSION, other};
use crate::parameter::Dimension;
use crate::types::interval::parse_parts;
use crate::{Parameter, PgType, QueryError, SqlState};

/// Appends `value`, which is not NULL, in `format`, without its length.
///
/// # Errors
/// 42883 for a type without a send function, 22008 for an instant past the binary form, XX000 for a value
/// of another type.
pub(crate) fn put(
    pg_type: PgType,
    value: &Parameter,
    format: Format,
    style: &TextStyle,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    let is_text = format == Format::Text;
    match (pg_type, value) {
        (PgType::Bool, Parameter::Bool(value)) => out.put_u8(match (is_text, *value) {
            (true, true) => b't',
            (true, false) => b'f',
            (false, value) => u8::from(value),
        }),
        (_, Parameter::Int(value)) if is_text => put_integer(out, *value),
        (PgType::Int2, Parameter::Int(value)) => out.put_i16(*value as i16),
        (PgType::Int4, Parameter::Int(value)) => out.put_i32(*value as i32),
        (PgType::Int8, Parameter::Int(value)) => out.put_i64(*value),
        // Object ids of all kinds.
        (_, Parameter::Int(value)) => out.put_u32(*value as u32),
        (PgType::Float4, Parameter::Float(value)) if is_text => {
            put_float4(out, *value as f32, style.extra_float_digits);
        }
        (PgType::Float4, Parameter::Float(value)) => out.put_f32(*value as f32),
        (_, Parameter::Float(value)) if is_text => {
            put_float8(out, *value, style.extra_float_digits);
        }
        (_, Parameter::Float(value)) => out.put_f64(*value),
        (PgType::Numeric, Parameter::Numeric(text) | Parameter::Text(text)) => {
            put_numeric(out, format, text);
        }
        (_, Parameter::Bytes(bytes)) => put_bytea(out, bytes, format, style),
        (_, Parameter::Date(days)) => put_date_value(out, format, *days, style.dates)?,
        (PgType::Timestamptz, Parameter::Timestamp(us)) => {
            put_instant(out, format, *us, Some(style.zone), style.dates)?;
        }
        (_, Parameter::Timestamp(us)) => put_instant(out, format, *us, None, style.dates)?,
        (_, Parameter::Array(elements)) => {
            let dimensions = of_list(pg_type, elements.len());
            put_array(pg_type, &dimensions, elements, format, style, out)?;
        }
        (_, Parameter::Shaped(dimensions, elements)) => {
            put_array(pg_type, dimensions, elements, format, style, out)?;
        }
        (_, Parameter::Text(text)) => put_text(pg_type, text, is_text, style, out)?,
        (_, Parameter::Null | Parameter::Bool(_) | Parameter::Numeric(_)) => {
            return Err(internal(format!("a value of type {} is of another", pg_type.name())));
        }
    }
    Ok(())
}

fn put_text(
    pg_type: PgType,
    text: &str,
    is_text: bool,
    style: &TextStyle,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    match (pg_type, is_text) {
        (PgType::Interval, true) => {
            let (months, days, us) = parse_parts(text)?;
            put_interval(out, style.intervals, months, days, us);
        }
        (PgType::Interval, false) => {
            let (months, days, us) = parse_parts(text)?;
            out.put_i64(us);
            out.put_i32(days);
            out.put_i32(months);
        }
        (PgType::Time, true) => put_time(out, parse_time(text)?),
        (PgType::Time, false) => out.put_i64(parse_time(text)?),
        (PgType::Uuid, true) => put_uuid(&parse_uuid(text)?, out),
        (PgType::Uuid, false) => out.put_slice(&parse_uuid(text)?),
        (PgType::Jsonb, false) => {
            out.put_u8(JSONB_VERSION);
            out.put_slice(text.as_bytes());
        }
        (PgType::Char, false) => out.put_u8(text.bytes().next().unwrap_or(0)),
        (PgType::AclItem, false) => return Err(no_send_function("aclitem")),
        (PgType::Other(oid), true) => other::put_shown(oid, text, style, out)?,
        (PgType::Other(oid), false) => other::send(oid, text, out)?,
        _ => out.put_slice(text.as_bytes()),
    }
    Ok(())
}

fn no_send_function(name: &str) -> QueryError {
    QueryError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("no binary output function available for type {name}"),
    )
}

/// Dimensions of a plain list: vectors count from 0 and always have one.
pub(crate) fn of_list(pg_type: PgType, length: usize) -> Vec<Dimension> {
    let is_vector = matches!(pg_type, PgType::Int2Vector | PgType::OidVector);
    if length == 0 && !is_vector {
        return Vec::new();
    }
    let length = i32::try_from(length).unwrap_or(i32::MAX);
    vec![Dimension { lower: i32::from(!is_vector), length }]
}

fn put_array(
    pg_type: PgType,
    dimensions: &[Dimension],
    elements: &[Parameter],
    format: Format,
    style: &TextStyle,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    let element = pg_type
        .element()
        .ok_or_else(|| internal(format!("type {} has no elements", pg_type.name())))?;
    if format == Format::Text {
        if matches!(pg_type, PgType::Int2Vector | PgType::OidVector) {
            for (at, value) in elements.iter().enumerate() {
                if at > 0 {
                    out.put_u8(b' ');
                }
                put(element, value, format, style, out)?;
            }
            return Ok(());
        }
        return array_text::put(out, dimensions, element.delimiter(), |at, out| {
            match elements.get(at) {
                None | Some(Parameter::Null) => Ok(false),
                Some(value) => put(element, value, format, style, out).map(|()| true),
            }
        });
    }
    put_binary_array(out, dimensions, element.oid(), elements.iter(), |value, out| match value {
        Parameter::Null => Ok(false),
        value => put(element, value, format, style, out).map(|()| true),
    })
}

/// Appends an array in binary; `put` appends an element or says that it is NULL.
///
/// # Errors
/// Of `put`.
pub(crate) fn put_binary_array<V>(
    out: &mut BytesMut,
    dimensions: &[Dimension],
    element_oid: u32,
    elements: impl Iterator<Item = V>,
    mut put: impl FnMut(V, &mut BytesMut) -> Result<bool, QueryError>,
) -> Result<(), QueryError> {
    out.put_i32(i32::try_from(dimensions.len()).unwrap_or(0));
    let flags_at = out.len();
    out.put_i32(0);
    out.put_u32(element_oid);
    for dimension in dimensions {
        out.put_i32(dimension.length);
        out.put_i32(dimension.lower);
    }
    let mut has_nulls = false;
    for element in elements {
        let start = out.len();
        out.put_i32(0);
        let length = if put(element, out)? {
            i32::try_from(out.len() - start - 4)
                .map_err(|_| QueryError::new(SqlState::PROGRAM_LIMIT, "value is over 2 GiB"))?
        } else {
            has_nulls = true;
            -1
        };
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
    out[flags_at..flags_at + 4].copy_from_slice(&i32::from(has_nulls).to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::decode::decode_parameter;
    use crate::values::fixtures;

    #[test]
    fn every_fixture_value_is_written_again_as_postgresql_wrote_it() {
        for value in fixtures::values() {
            let fixtures::Value { pg_type, style, text, binary, origin } = value;
            let read = decode_parameter(*pg_type, Format::Binary, binary, &style.zone)
                .unwrap_or_else(|error| panic!("{origin}: {error}"));
            for (format, expected) in
                [(Format::Text, text.as_bytes()), (Format::Binary, binary.as_slice())]
            {
                let mut out = BytesMut::new();
                put(*pg_type, &read, format, style, &mut out).unwrap();
                assert_eq!(
                    String::from_utf8_lossy(&out),
                    String::from_utf8_lossy(expected),
                    "{format:?} of {origin}"
                );
            }
        }
    }
}
