//! Values on their way into a temp table: parameters and plan results → arrays of the column's type.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Decimal256Builder, LargeBinaryBuilder, RecordBatch, StringArray,
};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, i256};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::scalar::ScalarValue;

use super::UserColumn;
use super::column::shown;
use crate::error::map::query_error;
use crate::session::parameter_scalar;
use crate::types::numeric::{NUMERIC_DIGITS_MAX, Numeric, fits, out_of_range, rescale};
use crate::types::uint256;
use crate::values::{Format, TextStyle, Zone, decode_text, other, write};
use crate::{Parameter, PgType, QueryError, SqlState};

/// Characters of one value that an error shows, as PostgreSQL.
const SHOWN_CHARACTERS_MAX: usize = 64;
/// Digits of a UUID.
const UUID_DIGITS: usize = 32;

/// One value for `column`, read as PostgreSQL's input function reads it.
///
/// # Errors
/// 22P02, 22007, 22003 and 22001 for values that the type does not take.
pub(crate) fn cell(
    value: &Parameter,
    column: &UserColumn,
    time_zone: &str,
) -> Result<ScalarValue, QueryError> {
    let column_type = &column.column_type;
    if column_type.is_text_form() {
        return text_form(value, column_type.pg_type, time_zone);
    }
    match (value, column_type.pg_type) {
        (Parameter::Text(text) | Parameter::Numeric(text), PgType::Numeric) => {
            let number = Numeric::parse(text)?;
            if column_type.data_type != DataType::LargeBinary {
                return number.to_scalar();
            }
            match number.to_uint256() {
                Ok((bytes, false)) => Ok(ScalarValue::LargeBinary(Some(bytes.to_vec()))),
                _ => Err(out_of_range()),
            }
        }
        (Parameter::Text(text), PgType::Uuid) => {
            uuid(text).map(|text| ScalarValue::Utf8(Some(text)))
        }
        (Parameter::Text(text), PgType::Char) => {
            Ok(ScalarValue::Utf8(Some(text.chars().take(1).collect())))
        }
        (Parameter::Text(text), pg_type)
            if pg_type.element().is_some() && pg_type.name().starts_with('_') =>
        {
            parameter_scalar(&array_elements(text)?, pg_type, time_zone)
        }
        (value, pg_type) => parameter_scalar(value, pg_type, time_zone),
    }
}

/// A value in the text that a column of such a type keeps.
fn text_form(
    value: &Parameter,
    pg_type: PgType,
    time_zone: &str,
) -> Result<ScalarValue, QueryError> {
    let read = match value {
        Parameter::Null => return Ok(ScalarValue::Utf8(None)),
        Parameter::Text(text) => {
            decode_text(pg_type, text, &Zone::parse(time_zone).unwrap_or(Zone::Fixed(0)))?
        }
        other => other.clone(),
    };
    let mut out = BytesMut::new();
    write::put(pg_type, &read, Format::Text, &TextStyle::default(), &mut out)?;
    Ok(ScalarValue::Utf8(Some(String::from_utf8_lossy(&out).into_owned())))
}

/// `cells` as an array for `column`; a `numeric` without scale gets the largest scale of its values.
///
/// # Errors
/// 22003 for numbers out of range.
pub(crate) fn array_of(
    cells: Vec<ScalarValue>,
    column: &UserColumn,
) -> Result<ArrayRef, QueryError> {
    let data_type = &column.column_type.data_type;
    if column.column_type.pg_type == PgType::Numeric {
        if *data_type == DataType::LargeBinary {
            let mut builder = LargeBinaryBuilder::new();
            for cell in cells {
                builder.append_option(uint256_of(&cell)?);
            }
            return Ok(Arc::new(builder.finish()));
        }
        return decimals(&cells, column);
    }
    if cells.is_empty() {
        return Ok(datafusion::arrow::array::new_empty_array(data_type));
    }
    let cells = cells.into_iter().map(|cell| match cell.is_null() {
        true => ScalarValue::try_from(data_type).unwrap_or(ScalarValue::Null),
        false => cell,
    });
    ScalarValue::iter_to_array(cells).map_err(|error| query_error(&error))
}

fn uint256_of(cell: &ScalarValue) -> Result<Option<[u8; 32]>, QueryError> {
    match cell {
        ScalarValue::LargeBinary(Some(bytes)) => {
            <[u8; 32]>::try_from(bytes.as_slice()).map(Some).map_err(|_| out_of_range())
        }
        cell => match decimal_of(cell)? {
            None => Ok(None),
            Some((value, scale)) => rescale(value, scale, 0)
                .and_then(uint256::from_i256)
                .map(Some)
                .ok_or_else(out_of_range),
        },
    }
}

fn decimal_of(cell: &ScalarValue) -> Result<Option<(i256, i8)>, QueryError> {
    Ok(match cell {
        cell if cell.is_null() => None,
        ScalarValue::Decimal128(Some(value), _, scale) => Some((i256::from_i128(*value), *scale)),
        ScalarValue::Decimal256(Some(value), _, scale) => Some((*value, *scale)),
        ScalarValue::LargeBinary(Some(bytes)) => {
            Some((uint256::to_i256(bytes).ok_or_else(out_of_range)?, 0))
        }
        _ => return Err(crate::error::map::internal()),
    })
}

fn decimals(cells: &[ScalarValue], column: &UserColumn) -> Result<ArrayRef, QueryError> {
    let values = cells.iter().map(decimal_of).collect::<Result<Vec<_>, _>>()?;
    let (precision, scale) = match &column.column_type.data_type {
        DataType::Decimal128(precision, scale) => (*precision, *scale),
        DataType::Decimal256(precision, scale) if column.column_type.is_bare_numeric() => {
            let largest = values.iter().flatten().map(|value| value.1).max().unwrap_or(0);
            (*precision, largest.max(*scale))
        }
        DataType::Decimal256(precision, scale) => (*precision, *scale),
        _ => return Err(crate::error::map::internal()),
    };
    let mut builder = Decimal256Builder::with_capacity(values.len())
        .with_precision_and_scale(NUMERIC_DIGITS_MAX, scale)
        .map_err(|error| query_error(&error.into()))?;
    for value in values {
        let value = value
            .map(|(value, from)| {
                rescale(value, from, scale)
                    .filter(|value| fits(*value, precision))
                    .ok_or_else(|| field_overflow(column, precision, scale))
            })
            .transpose()?;
        builder.append_option(value);
    }
    let array: ArrayRef = Arc::new(builder.finish());
    // The column of a bare numeric takes the scale of its values when they are stored.
    if column.column_type.is_bare_numeric() { Ok(array) } else { finished_array(column, array) }
}

fn field_overflow(column: &UserColumn, precision: u8, scale: i8) -> QueryError {
    if column.column_type.is_bare_numeric() {
        return out_of_range();
    }
    let whole = i32::from(precision) - i32::from(scale);
    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "numeric field overflow").with_detail(format!(
        "A field with precision {precision}, scale {scale} must round to an absolute value less than 10^{whole}."
    ))
}

/// `array` in the Arrow type of `column`, with the rules of its length.
///
/// # Errors
/// 22003 for numbers and 22001 for texts that do not fit.
pub(crate) fn finished_array(column: &UserColumn, array: ArrayRef) -> Result<ArrayRef, QueryError> {
    let target = &column.column_type.data_type;
    let array = match (array.data_type(), target) {
        (have, want) if have == want => array,
        (
            DataType::Decimal128(..) | DataType::Decimal256(..),
            DataType::Decimal128(..) | DataType::Decimal256(..),
        ) if !same_scale(array.data_type(), target) && !column.column_type.is_bare_numeric() => {
            let cells = (0..array.len())
                .map(|row| ScalarValue::try_from_array(&array, row))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| query_error(&error))?;
            return decimals(&cells, column);
        }
        _ => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(&array, target, &options)
                .map_err(|error| query_error(&error.into()))?
        }
    };
    if let Some((length, is_varying)) = column.column_type.bits() {
        for text in array.as_string::<i32>().iter().flatten() {
            other::sized_bits(text, length, is_varying, false)?;
        }
    }
    match column.column_type.length() {
        Some(length) => sized(&array, length, column.column_type.pg_type),
        None => Ok(array),
    }
}

fn same_scale(left: &DataType, right: &DataType) -> bool {
    use DataType::{Decimal128, Decimal256};
    match (left, right) {
        (
            Decimal128(_, left) | Decimal256(_, left),
            Decimal128(_, right) | Decimal256(_, right),
        ) => left == right,
        _ => false,
    }
}

/// Texts of at most `length` characters; spaces past it are cut, `char(n)` is filled up with them.
fn sized(array: &ArrayRef, length: usize, pg_type: PgType) -> Result<ArrayRef, QueryError> {
    let mut texts: Vec<Option<String>> = Vec::with_capacity(array.len());
    for text in array.as_string::<i32>() {
        let Some(text) = text else {
            texts.push(None);
            continue;
        };
        let count = text.chars().count();
        if count > length && text.chars().skip(length).any(|character| character != ' ') {
            return Err(QueryError::new(
                SqlState("22001"),
                format!("value too long for type {}({length})", shown(pg_type)),
            ));
        }
        let mut fitted: String = text.chars().take(length).collect();
        if pg_type == PgType::Bpchar {
            fitted.extend(std::iter::repeat_n(' ', length.saturating_sub(count)));
        }
        texts.push(Some(fitted));
    }
    Ok(Arc::new(StringArray::from(texts)))
}

/// The shortest scale that shows every value of a decimal array: for numbers that were floats.
pub(crate) fn trimmed(array: &ArrayRef) -> Result<ArrayRef, QueryError> {
    let (values, scale): (Vec<Option<i256>>, i8) = match array.data_type() {
        DataType::Decimal128(_, scale) => (
            array.as_primitive::<Decimal128Type>().iter().map(|v| v.map(i256::from_i128)).collect(),
            *scale,
        ),
        DataType::Decimal256(_, scale) => {
            (array.as_primitive::<Decimal256Type>().iter().collect(), *scale)
        }
        _ => return Ok(Arc::clone(array)),
    };
    let is_enough = |to: i8| {
        values.iter().flatten().all(|value| {
            rescale(*value, scale, to).and_then(|cut| rescale(cut, to, scale)) == Some(*value)
        })
    };
    let shortest = (0..scale).find(|to| is_enough(*to)).unwrap_or(scale);
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, &DataType::Decimal256(NUMERIC_DIGITS_MAX, shortest), &options)
        .map_err(|error| query_error(&error.into()))
}

fn uuid(text: &str) -> Result<String, QueryError> {
    let inner = text.trim();
    let inner = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inner);
    let digits: String = inner.chars().filter(|c| *c != '-').collect::<String>().to_lowercase();
    if digits.len() != UUID_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(QueryError::new(
            SqlState::INVALID_TEXT,
            format!("invalid input syntax for type uuid: \"{text}\""),
        )
        .about(text));
    }
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digits[range]);
    Ok(parts.join("-"))
}

/// The elements of an array literal of one dimension: `{1,"a b",NULL}`.
fn array_elements(text: &str) -> Result<Parameter, QueryError> {
    let malformed = || {
        QueryError::new(SqlState::INVALID_TEXT, format!("malformed array literal: \"{text}\""))
            .about(text)
    };
    let inner = text
        .trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(malformed)?;
    let mut elements = Vec::new();
    let mut rest = inner.chars().peekable();
    if inner.trim().is_empty() {
        return Ok(Parameter::Array(elements));
    }
    loop {
        let (mut element, mut is_quoted, mut in_quotes) = (String::new(), false, false);
        let end = loop {
            match rest.next() {
                Some('"') => {
                    is_quoted = true;
                    in_quotes = !in_quotes;
                }
                Some('\\') => element.push(rest.next().ok_or_else(malformed)?),
                Some(',') if !in_quotes => break Some(','),
                Some('{' | '}') if !in_quotes => {
                    return Err(QueryError::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "arrays of more than one dimension are not supported",
                    ));
                }
                Some(other) => element.push(other),
                None if in_quotes => return Err(malformed()),
                None => break None,
            }
        };
        elements.push(match (is_quoted, element.trim()) {
            (true, _) => Parameter::Text(element),
            (false, "") => return Err(malformed()),
            (false, word) if word.eq_ignore_ascii_case("null") => Parameter::Null,
            (false, word) => Parameter::Text(word.to_owned()),
        });
        if end.is_none() {
            return Ok(Parameter::Array(elements));
        }
    }
}

/// A value as an error shows it.
pub(super) fn value_text(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    let text = match array.data_type() {
        DataType::Boolean => if array.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
        DataType::Binary => crate::types::bytea::format(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => {
            uint256::to_digits(array.as_binary::<i64>().value(row)).unwrap_or_default()
        }
        DataType::Timestamp(..) => array_value_to_string(array, row)
            .unwrap_or_default()
            .replace('T', " ")
            .replace('Z', "+00"),
        _ => array_value_to_string(array, row).unwrap_or_default(),
    };
    if text.chars().count() <= SHOWN_CHARACTERS_MAX {
        return text;
    }
    format!("{}...", text.chars().take(SHOWN_CHARACTERS_MAX).collect::<String>())
}

/// A row as an error shows it.
pub(super) fn row_text(batch: &RecordBatch, row: usize) -> String {
    let values: Vec<String> =
        batch.columns().iter().map(|column| value_text(column, row)).collect();
    values.join(", ")
}
