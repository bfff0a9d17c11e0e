//! `bit` and `varbit`: canonical text is the digits.

use bytes::{BufMut, BytesMut};

use crate::values::error::{INVALID_BINARY, protocol_violation};
use crate::values::reader::Reader;
use crate::{QueryError, SqlState};

/// `101`, `B101` or `X1F`.
pub(super) fn parse(text: &str) -> Result<String, QueryError> {
    let (is_hex, digits) = match text.as_bytes().first() {
        Some(b'b' | b'B') => (false, &text[1..]),
        Some(b'x' | b'X') => (true, &text[1..]),
        _ => (false, text),
    };
    let mut bits = String::with_capacity(digits.len());
    for digit in digits.chars() {
        let value = digit.to_digit(if is_hex { 16 } else { 2 }).ok_or_else(|| {
            let kind = if is_hex { "hexadecimal" } else { "binary" };
            let message = format!("\"{digit}\" is not a valid {kind} digit");
            QueryError::new(SqlState::INVALID_TEXT, message).about(text)
        })?;
        if is_hex { bits += &format!("{value:04b}") } else { bits.push(digit) }
    }
    Ok(bits)
}

pub(super) fn receive(reader: &mut Reader) -> Result<String, QueryError> {
    let count = usize::try_from(reader.i32()?)
        .map_err(|_| QueryError::new(INVALID_BINARY, "invalid length in external bit string"))?;
    if count.div_ceil(8) > reader.remaining() {
        return Err(protocol_violation("insufficient data left in message"));
    }
    let bytes = reader.bytes(count.div_ceil(8))?;
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    Ok(bits[..count].to_owned())
}

pub(super) fn send(text: &str, out: &mut BytesMut) {
    out.put_i32(i32::try_from(text.len()).unwrap_or(i32::MAX));
    for group in text.as_bytes().chunks(8) {
        let byte = (0..8).fold(0_u8, |byte, at| byte << 1 | u8::from(group.get(at) == Some(&b'1')));
        out.put_u8(byte);
    }
}

/// The digits in `bit(length)` or, where `is_varying`, `varbit(length)`. A cast fills up and cuts; what is
/// assigned must fit.
///
/// # Errors
/// 22026 and 22001 for what does not fit.
pub(crate) fn sized(
    text: &str,
    length: usize,
    is_varying: bool,
    is_cast: bool,
) -> Result<String, QueryError> {
    let fits = if is_varying { text.len() <= length } else { text.len() == length };
    if fits {
        return Ok(text.to_owned());
    }
    if is_cast {
        let kept = &text[..text.len().min(length)];
        return Ok(if is_varying { kept.to_owned() } else { format!("{kept:0<length$}") });
    }
    Err(if is_varying {
        let message = format!("bit string too long for type bit varying({length})");
        QueryError::new(SqlState("22001"), message)
    } else {
        let message = format!("bit string length {} does not match type bit({length})", text.len());
        QueryError::new(SqlState("22026"), message)
    })
}
