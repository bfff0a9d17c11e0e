//! Booleans, integers and floats.

use crate::{PgType, QueryError, SqlState};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt32Type,
};
use bytes::{BufMut, BytesMut};

use super::{CellWriter, Format, TextStyle, carrier_error};

/// Significant digits that every value of the type has.
const FLOAT4_DIGITS: i32 = 6;
const FLOAT8_DIGITS: i32 = 15;

/// Room for the longest float that `Display` prints with an exponent.
const FLOAT_TEXT_BYTES_MAX: usize = 48;

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = pairs();

/// Digits and sign of the longest integer.
const INTEGER_TEXT_BYTES_MAX: usize = 20;

const fn pairs() -> [[u8; 2]; 100] {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
}

/// Two digits of a number below 100.
pub(super) fn pair(number: u64) -> [u8; 2] {
    PAIRS[number as usize]
}

/// Appends a decimal integer.
pub(crate) fn put_integer(out: &mut BytesMut, value: i64) {
    let mut buffer = [0; INTEGER_TEXT_BYTES_MAX];
    let mut start = INTEGER_TEXT_BYTES_MAX;
    let mut rest = value.unsigned_abs();
    while rest >= 10 {
        start -= 2;
        buffer[start..start + 2].copy_from_slice(&pair(rest % 100));
        rest /= 100;
    }
    if rest > 0 || start == INTEGER_TEXT_BYTES_MAX {
        start -= 1;
        buffer[start] = b'0' + rest as u8;
    }
    if value < 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    out.put_slice(&buffer[start..]);
}

pub(super) fn writer(
    array: &dyn Array,
    pg_type: PgType,
    format: Format,
    style: &TextStyle,
) -> Result<CellWriter, QueryError> {
    let extra_digits = style.extra_float_digits;
    macro_rules! primitive {
        ($arrow:ty, $put_binary:ident) => {{
            let values = array.as_primitive::<$arrow>().values().clone();
            match format {
                Format::Text => {
                    Box::new(move |row, out| Ok(put_integer(out, i64::from(values[row]))))
                }
                Format::Binary => Box::new(move |row, out| Ok(out.$put_binary(values[row]))),
            }
        }};
    }
    Ok(match (pg_type, array.data_type()) {
        (PgType::Bool, DataType::Boolean) => {
            let values = array.as_boolean().values().clone();
            let shown = match format {
                Format::Text => *b"ft",
                Format::Binary => [0, 1],
            };
            Box::new(move |row, out| {
                out.put_u8(shown[usize::from(values.value(row))]);
                Ok(())
            })
        }
        (PgType::Int2, DataType::Int16) => primitive!(Int16Type, put_i16),
        (PgType::Int4, DataType::Int32) => primitive!(Int32Type, put_i32),
        (PgType::Int8, DataType::Int64) => primitive!(Int64Type, put_i64),
        (PgType::Oid | PgType::Xid, DataType::UInt32) => primitive!(UInt32Type, put_u32),
        (PgType::Oid | PgType::Xid, DataType::Int64) => {
            let values = array.as_primitive::<Int64Type>().values().clone();
            Box::new(move |row, out| {
                let oid = u32::try_from(values[row]).map_err(|_| {
                    let message = format!("value \"{}\" is out of range for type oid", values[row]);
                    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message)
                })?;
                match format {
                    Format::Text => put_integer(out, oid.into()),
                    Format::Binary => out.put_u32(oid),
                }
                Ok(())
            })
        }
        (PgType::Float4, DataType::Float32) => {
            let values = array.as_primitive::<Float32Type>().values().clone();
            match format {
                Format::Text => Box::new(move |row, out| {
                    put_float4(out, values[row], extra_digits);
                    Ok(())
                }),
                Format::Binary => Box::new(move |row, out| {
                    out.put_f32(values[row]);
                    Ok(())
                }),
            }
        }
        (PgType::Float8, DataType::Float64) => {
            let values = array.as_primitive::<Float64Type>().values().clone();
            match format {
                Format::Text => Box::new(move |row, out| {
                    put_float8(out, values[row], extra_digits);
                    Ok(())
                }),
                Format::Binary => Box::new(move |row, out| {
                    out.put_f64(values[row]);
                    Ok(())
                }),
            }
        }
        _ => return Err(carrier_error(array, pg_type)),
    })
}

pub(crate) fn put_float4(out: &mut BytesMut, value: f32, extra_digits: i32) {
    let digits = (FLOAT4_DIGITS + extra_digits).max(1);
    put_float(out, value.into(), |text| {
        if extra_digits > 0 {
            text.set(format_args!("{value:e}"));
            FLOAT4_DIGITS
        } else {
            text.set(format_args!("{value:.*e}", (digits - 1) as usize));
            digits
        }
    });
}

pub(crate) fn put_float8(out: &mut BytesMut, value: f64, extra_digits: i32) {
    let digits = (FLOAT8_DIGITS + extra_digits).max(1);
    put_float(out, value, |text| {
        if extra_digits > 0 {
            text.set(format_args!("{value:e}"));
            FLOAT8_DIGITS
        } else {
            text.set(format_args!("{value:.*e}", (digits - 1) as usize));
            digits
        }
    });
}

/// The shortest text that reads back as `value`.
pub(crate) fn float8_text(value: f64) -> String {
    let mut out = BytesMut::new();
    put_float8(&mut out, value, 1);
    String::from_utf8_lossy(&out).into_owned()
}

/// Lays a float out as PostgreSQL does. `print` writes it with an exponent and gives the number of
/// digits before the point from which the exponent stays.
fn put_float(out: &mut BytesMut, value: f64, print: impl Fn(&mut FloatText) -> i32) {
    if value.is_nan() {
        return out.put_slice(b"NaN");
    }
    if value.is_sign_negative() {
        out.put_u8(b'-');
    }
    if value.is_infinite() {
        return out.put_slice(b"Infinity");
    }
    let mut text = FloatText::default();
    let fixed_exponent_end = print(&mut text);
    let (digits, digit_count, exponent) = text.parts();
    let digits = &digits[..digit_count];
    if (-4..fixed_exponent_end).contains(&exponent) {
        put_fixed(out, digits, exponent);
    } else {
        out.put_u8(digits[0]);
        if digits.len() > 1 {
            out.put_u8(b'.');
            out.put_slice(&digits[1..]);
        }
        out.put_slice(if exponent < 0 { b"e-" } else { b"e+" });
        if exponent.abs() < 10 {
            out.put_u8(b'0');
        }
        put_integer(out, exponent.abs().into());
    }
}

fn put_fixed(out: &mut BytesMut, digits: &[u8], exponent: i32) {
    if exponent < 0 {
        out.put_slice(b"0.");
        out.put_bytes(b'0', (-exponent - 1) as usize);
        return out.put_slice(digits);
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.put_slice(digits);
        out.put_bytes(b'0', whole - digits.len());
    } else {
        out.put_slice(&digits[..whole]);
        out.put_u8(b'.');
        out.put_slice(&digits[whole..]);
    }
}

/// A float printed with an exponent, on the stack.
struct FloatText {
    bytes: [u8; FLOAT_TEXT_BYTES_MAX],
    length: usize,
}

impl Default for FloatText {
    fn default() -> Self {
        Self { bytes: [0; FLOAT_TEXT_BYTES_MAX], length: 0 }
    }
}

impl FloatText {
    fn set(&mut self, text: std::fmt::Arguments<'_>) {
        use std::io::Write as _;
        let mut rest = &mut self.bytes[..];
        rest.write_fmt(text).expect("at most 18 digits and an exponent");
        self.length = FLOAT_TEXT_BYTES_MAX - rest.len();
    }

    /// Digits without trailing zeros, how many they are, and the exponent of the first.
    fn parts(&self) -> ([u8; FLOAT_TEXT_BYTES_MAX], usize, i32) {
        let text = &self.bytes[..self.length];
        let split = text.iter().position(|&byte| byte == b'e').expect("printed with an exponent");
        let exponent = std::str::from_utf8(&text[split + 1..]).expect("printed as ASCII");
        let (mut digits, mut count) = ([0; FLOAT_TEXT_BYTES_MAX], 0);
        for &digit in text[..split].iter().filter(|byte| byte.is_ascii_digit()) {
            digits[count] = digit;
            count += 1;
        }
        while count > 1 && digits[count - 1] == b'0' {
            count -= 1;
        }
        (digits, count, exponent.parse().expect("printed as an integer"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_are_printed_as_rust_prints_them(value in any::<i64>(), shift in 0..64_u32) {
            for value in [value >> shift, 0, i64::MIN, i64::MAX] {
                let mut out = BytesMut::new();
                put_integer(&mut out, value);
                let expected = value.to_string();
                prop_assert_eq!(&out[..], expected.as_bytes());
            }
        }
    }
}
