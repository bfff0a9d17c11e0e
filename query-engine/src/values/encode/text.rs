//! Types that are text in both formats, and the few that look like it.

use crate::{PgType, QueryError, SqlState};
use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use bytes::{BufMut, BytesMut};

use super::{CellWriter, Format, TextStyle, carrier_error};
use crate::values::error::{CHARACTER_NOT_IN_REPERTOIRE, not_supported};
use crate::values::{JSONB_VERSION, other};

pub(super) fn writer(
    array: &dyn Array,
    pg_type: PgType,
    format: Format,
) -> Result<CellWriter, QueryError> {
    let put: fn(&str, &mut BytesMut) -> Result<(), QueryError> = match (pg_type, format) {
        (
            PgType::Regclass | PgType::Regtype | PgType::Regproc | PgType::Regnamespace,
            Format::Binary,
        ) => {
            // The binary form is an object id, and the carrier holds the name.
            return Err(not_supported(format!(
                "binary output of type {} is not supported, cast it to text",
                pg_type.name()
            )));
        }
        (PgType::AclItem, Format::Binary) => {
            // As in PostgreSQL, where the type has no send function.
            return Err(QueryError::new(
                SqlState::UNDEFINED_FUNCTION,
                "no binary output function available for type aclitem",
            ));
        }
        (PgType::Jsonb, Format::Binary) => |text, out| {
            out.put_u8(JSONB_VERSION);
            put_text(text, out)
        },
        (PgType::Char, Format::Binary) => |text, out| {
            out.put_u8(text.bytes().next().unwrap_or(0));
            Ok(())
        },
        _ => put_text,
    };
    each_text(array, put).ok_or_else(|| carrier_error(array, pg_type))
}

/// A type that travels in its canonical text.
pub(super) fn other_writer(
    array: &dyn Array,
    oid: u32,
    format: Format,
    style: &TextStyle,
) -> Result<CellWriter, QueryError> {
    let style = style.clone();
    let put = move |text: &str, out: &mut BytesMut| match format {
        Format::Text => other::put_shown(oid, text, &style, out),
        Format::Binary => other::send(oid, text, out),
    };
    each_text(array, put).ok_or_else(|| carrier_error(array, PgType::Other(oid)))
}

/// A writer that hands each text of a Utf8, LargeUtf8 or Utf8View array to `put`.
pub(super) fn each_text(
    array: &dyn Array,
    put: impl Fn(&str, &mut BytesMut) -> Result<(), QueryError> + Send + Sync + 'static,
) -> Option<CellWriter> {
    Some(match array.data_type() {
        DataType::Utf8 => {
            let values = array.as_string::<i32>().clone();
            Box::new(move |row, out| put(values.value(row), out))
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>().clone();
            Box::new(move |row, out| put(values.value(row), out))
        }
        DataType::Utf8View => {
            let values = array.as_string_view().clone();
            Box::new(move |row, out| put(values.value(row), out))
        }
        _ => return None,
    })
}

fn put_text(text: &str, out: &mut BytesMut) -> Result<(), QueryError> {
    // Clients read text up to a zero byte: what follows would be lost without a word.
    if text.as_bytes().contains(&0) {
        return Err(QueryError::new(
            CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    out.put_slice(text.as_bytes());
    Ok(())
}
