//! Functions on `bytea`.

use super::{Call, Entry, strict};
use crate::catalog_query::Value;
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("bit_length(bytea) int4", |call| Ok(Value::Int(bytes(call, 0).len() as i64 * 8))),
    strict("substring(bytea,int4) bytea", substring),
    strict("substring(bytea,int4,int4) bytea", substring),
    strict("substr(bytea,int4) bytea", substring),
    strict("substr(bytea,int4,int4) bytea", substring),
    strict("position(bytea,bytea) int4", position),
    strict("strpos(bytea,bytea) int4", position),
    strict("set_byte(bytea,int4,int4) bytea", |call| {
        let mut changed = bytes(call, 0).to_vec();
        let at = index(call.int(1), changed.len())?;
        changed[at] = call.int(2) as u8;
        Ok(Value::Bytes(changed.into()))
    }),
    strict("get_bit(bytea,int8) int4", |call| {
        let found = bytes(call, 0);
        let at = index(call.int(1), found.len() * 8)?;
        Ok(Value::Int(i64::from(found[at / 8] >> (at % 8) & 1)))
    }),
    strict("set_bit(bytea,int8,int4) bytea", |call| {
        let mut changed = bytes(call, 0).to_vec();
        let at = index(call.int(1), changed.len() * 8)?;
        match call.int(2) {
            0 => changed[at / 8] &= !(1 << (at % 8)),
            1 => changed[at / 8] |= 1 << (at % 8),
            _ => {
                let message = "new bit must be 0 or 1";
                return Err(QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
        }
        Ok(Value::Bytes(changed.into()))
    }),
    strict("btrim(bytea,bytea) bytea", |call| Ok(trimmed(call, true, true))),
    strict("ltrim(bytea,bytea) bytea", |call| Ok(trimmed(call, true, false))),
    strict("rtrim(bytea,bytea) bytea", |call| Ok(trimmed(call, false, true))),
    strict("convert_from(bytea,name) text", |call| {
        check_encoding(call.text(1))?;
        let found = std::str::from_utf8(bytes(call, 0)).map_err(|error| {
            let wrong = &bytes(call, 0)[error.valid_up_to()..];
            let length = error.error_len().unwrap_or(wrong.len()).max(1);
            let shown: Vec<_> =
                wrong[..length].iter().map(|byte| format!("0x{byte:02x}")).collect();
            QueryError::new(
                SqlState("22021"),
                format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
            )
        })?;
        Ok(Value::text(found))
    }),
    strict("convert_to(text,name) bytea", |call| {
        check_encoding(call.text(1))?;
        Ok(Value::Bytes(call.text(0).as_bytes().into()))
    }),
    strict("decode(text,text) bytea", decode),
    strict("sha224(bytea) bytea", |call| Ok(digest::<sha2::Sha224>(call))),
    strict("sha256(bytea) bytea", |call| Ok(digest::<sha2::Sha256>(call))),
    strict("sha384(bytea) bytea", |call| Ok(digest::<sha2::Sha384>(call))),
    strict("sha512(bytea) bytea", |call| Ok(digest::<sha2::Sha512>(call))),
    strict("md5(text) text", |call| Ok(md5(call.text(0).as_bytes()))),
    strict("md5(bytea) text", |call| Ok(md5(bytes(call, 0)))),
];

fn bytes<'c>(call: &'c Call<'_>, at: usize) -> &'c [u8] {
    match call.value(at) {
        Value::Bytes(bytes) => bytes,
        _ => &[],
    }
}

fn digest<D: sha2::Digest>(call: &Call<'_>) -> Value {
    Value::Bytes(D::digest(bytes(call, 0)).to_vec().into())
}

fn md5(input: &[u8]) -> Value {
    use md5::Digest;
    Value::text(hex::encode(md5::Md5::digest(input)))
}

/// # Errors
/// 2202E outside the value.
fn index(at: i64, length: usize) -> Result<usize, QueryError> {
    usize::try_from(at).ok().filter(|at| *at < length).ok_or_else(|| {
        QueryError::new(
            SqlState("2202E"),
            format!("index {at} out of valid range, 0..{}", length as i64 - 1),
        )
    })
}

fn substring(call: &Call<'_>) -> Result<Value, QueryError> {
    let found = bytes(call, 0);
    let from = call.int(1);
    let end = match call.arguments.get(2).and_then(Value::as_int) {
        Some(count) if count < 0 => {
            let message = "negative substring length not allowed";
            return Err(QueryError::new(SqlState("22011"), message));
        }
        Some(count) => from.saturating_add(count),
        None => i64::MAX,
    };
    let place = |at: i64| usize::try_from(at.saturating_sub(1)).unwrap_or(0).min(found.len());
    let (first, last) = (place(from), place(end));
    Ok(Value::Bytes(found[first..last.max(first)].into()))
}

fn position(call: &Call<'_>) -> Result<Value, QueryError> {
    let (found, wanted) = (bytes(call, 0), bytes(call, 1));
    if wanted.is_empty() {
        return Ok(Value::Int(1));
    }
    let at = found.windows(wanted.len()).position(|window| window == wanted);
    Ok(Value::Int(at.map_or(0, |at| at as i64 + 1)))
}

fn trimmed(call: &Call<'_>, at_start: bool, at_end: bool) -> Value {
    let wanted = bytes(call, 1);
    let mut found = bytes(call, 0);
    while let ([first, rest @ ..], true) = (found, at_start) {
        if !wanted.contains(first) {
            break;
        }
        found = rest;
    }
    while let ([rest @ .., last], true) = (found, at_end) {
        if !wanted.contains(last) {
            break;
        }
        found = rest;
    }
    Value::Bytes(found.into())
}

/// # Errors
/// 22023 for an encoding that is not UTF-8's.
fn check_encoding(name: &str) -> Result<(), QueryError> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "utf8" | "unicode" | "sqlascii" => Ok(()),
        _ => Err(crate::catalog_query::unsupported(format!("conversion with encoding \"{name}\""))),
    }
}

fn decode(call: &Call<'_>) -> Result<Value, QueryError> {
    let invalid = |message: String| QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let text = call.text(0);
    let decoded = match call.text(1).to_ascii_lowercase().as_str() {
        "hex" => {
            let digits: Vec<char> = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let mut values = Vec::with_capacity(digits.len());
            for digit in &digits {
                let value = digit.to_digit(16);
                values.push(
                    value.ok_or_else(|| {
                        invalid(format!("invalid hexadecimal digit: \"{digit}\""))
                    })?,
                );
            }
            if values.len() % 2 == 1 {
                return Err(invalid("invalid hexadecimal data: odd number of digits".to_owned()));
            }
            values.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
        }
        "base64" => {
            base64(text).ok_or_else(|| invalid("invalid base64 end sequence".to_owned()))?
        }
        "escape" => escaped(text).ok_or_else(|| {
            QueryError::new(SqlState::INVALID_TEXT, "invalid input syntax for type bytea")
        })?,
        _ => return Err(invalid(format!("unrecognized encoding: \"{}\"", call.text(1)))),
    };
    Ok(Value::Bytes(decoded.into()))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count, mut padding) = (0_u32, 0, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                0
            }
            _ => return None,
        };
        if padding > 0 && byte != b'=' {
            return None;
        }
        bits = bits << 6 | u32::from(digit);
        count += 1;
        if count == 4 {
            let [_, group @ ..] = bits.to_be_bytes();
            out.extend_from_slice(group.get(..3_usize.checked_sub(padding)?)?);
            (bits, count) = (0, 0);
        }
    }
    (count == 0).then_some(out)
}

/// Bytes with `\\` and `\ooo`.
fn escaped(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        match rest {
            [b'\\', after @ ..] => {
                out.push(b'\\');
                rest = after;
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => return None,
        }
    }
    Some(out)
}
