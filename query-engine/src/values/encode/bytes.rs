//! `bytea` and `uuid`.

use crate::{PgType, QueryError};
use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use bytes::{BufMut, BytesMut};

use super::text::each_text;
use super::{CellWriter, Format, TextStyle, carrier_error};
use crate::values::decode::parse_uuid;

const UUID_BYTES: i32 = 16;

pub(super) fn bytea_writer(
    array: &dyn Array,
    format: Format,
    style: &TextStyle,
) -> Result<CellWriter, QueryError> {
    let style = style.clone();
    let put = move |bytes: &[u8], out: &mut BytesMut| put_bytea(out, bytes, format, &style);
    each_bytes(array, put).ok_or_else(|| carrier_error(array, PgType::Bytea))
}

/// Appends one `bytea`.
pub(crate) fn put_bytea(out: &mut BytesMut, bytes: &[u8], format: Format, style: &TextStyle) {
    match (format, style.bytea_escape) {
        (Format::Binary, _) => out.put_slice(bytes),
        (Format::Text, false) => {
            out.put_slice(b"\\x");
            put_hex(bytes, out);
        }
        (Format::Text, true) => put_escaped(bytes, out),
    }
}

fn each_bytes(
    array: &dyn Array,
    put: impl Fn(&[u8], &mut BytesMut) + Send + Sync + 'static,
) -> Option<CellWriter> {
    macro_rules! each {
        ($values:expr) => {{
            let values = $values.clone();
            Box::new(move |row, out| {
                put(values.value(row), out);
                Ok(())
            })
        }};
    }
    Some(match array.data_type() {
        DataType::Binary => each!(array.as_binary::<i32>()),
        DataType::LargeBinary => each!(array.as_binary::<i64>()),
        DataType::BinaryView => each!(array.as_binary_view()),
        DataType::FixedSizeBinary(_) => each!(array.as_fixed_size_binary()),
        _ => return None,
    })
}

pub(super) fn uuid_writer(array: &dyn Array, format: Format) -> Result<CellWriter, QueryError> {
    let put: fn(&[u8], &mut BytesMut) = match format {
        Format::Text => put_uuid,
        Format::Binary => |bytes, out| out.put_slice(bytes),
    };
    let writer = match array.data_type() {
        DataType::FixedSizeBinary(UUID_BYTES) => each_bytes(array, put),
        _ => each_text(array, move |text, out| {
            put(&parse_uuid(text)?, out);
            Ok(())
        }),
    };
    writer.ok_or_else(|| carrier_error(array, PgType::Uuid))
}

/// Without a table, so that many digits are made at once.
fn hex_digit(nibble: u8) -> u8 {
    b'0' + nibble + if nibble > 9 { b'a' - b'0' - 10 } else { 0 }
}

fn put_hex(bytes: &[u8], out: &mut BytesMut) {
    out.reserve(bytes.len() * 2);
    for chunk in bytes.chunks(32) {
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(chunk) {
            pair[0] = hex_digit(byte >> 4);
            pair[1] = hex_digit(byte & 15);
        }
        out.put_slice(&hex[..chunk.len() * 2]);
    }
}

/// The old form: printable bytes as they are, others in octal.
fn put_escaped(bytes: &[u8], out: &mut BytesMut) {
    for &byte in bytes {
        match byte {
            b'\\' => out.put_slice(b"\\\\"),
            0x20..=0x7e => out.put_u8(byte),
            _ => {
                let octal = [byte >> 6, (byte >> 3) & 7, byte & 7].map(|digit| b'0' + digit);
                out.put_u8(b'\\');
                out.put_slice(&octal);
            }
        }
    }
}

/// `8-4-4-4-12` hexadecimal digits.
pub(crate) fn put_uuid(bytes: &[u8], out: &mut BytesMut) {
    for (index, group) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
        if index > 0 {
            out.put_u8(b'-');
        }
        put_hex(&bytes[group], out);
    }
}
