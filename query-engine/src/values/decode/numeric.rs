//! `numeric` parameters to plain decimal text, exact.

use crate::{QueryError, SqlState};

use super::invalid_syntax;
use super::number::trim;
use crate::values::error::{INVALID_BINARY, not_supported};
use crate::values::reader::Reader;

/// Most digits before and after the point, as PostgreSQL limits them.
pub(super) const WHOLE_DIGITS_MAX: usize = 131_072;
/// See [`WHOLE_DIGITS_MAX`].
pub(super) const FRACTION_DIGITS_MAX: usize = 16_383;

const SIGN_NEGATIVE: u16 = 0x4000;
const SIGNS_OF_NO_NUMBER: [u16; 3] = [0xc000, 0xd000, 0xf000];

/// Plain decimal text of `[+-]digits[.digits][e[+-]digits]`.
pub(super) fn parse(text: &str) -> Result<String, QueryError> {
    let invalid = || invalid_syntax("numeric", text);
    let trimmed = trim(text);
    let (sign, number) = match trimmed.as_bytes().first() {
        Some(b'-') => ("-", &trimmed[1..]),
        Some(b'+') => ("", &trimmed[1..]),
        _ => ("", trimmed),
    };
    if ["nan", "inf", "infinity"].iter().any(|word| word.eq_ignore_ascii_case(number)) {
        return Err(no_number(trimmed));
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent).ok_or_else(invalid)?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() + fraction.len() == 0 {
        return Err(invalid());
    }
    plain(sign, whole, fraction, exponent)
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // One too long for a count is out of range anyway.
    Some(text.parse::<i32>().map_or(i64::from(i32::MAX), i64::from))
}

/// Moves the point by `exponent` places.
fn plain(sign: &str, whole: &str, fraction: &str, exponent: i64) -> Result<String, QueryError> {
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i64 + exponent;
    let fraction_digits = fraction.len() as i64 - exponent;
    let leading_zeros = digits.bytes().take_while(|&digit| digit == b'0').count() as i64;
    let whole_digits = if leading_zeros == digits.len() as i64 { 0 } else { point - leading_zeros };
    if whole_digits > WHOLE_DIGITS_MAX as i64 || fraction_digits > FRACTION_DIGITS_MAX as i64 {
        return Err(QueryError::new(
            SqlState::NUMERIC_OUT_OF_RANGE,
            "value overflows numeric format",
        ));
    }
    let digits = digits.trim_start_matches('0');
    let scale = fraction_digits.max(0) as usize;
    let trailing = "0".repeat((-fraction_digits).max(0) as usize);
    let digits = if digits.is_empty() { String::new() } else { format!("{digits}{trailing}") };
    Ok(with_point(sign, &digits, scale))
}

/// `digits` as a number with `scale` digits after the point.
fn with_point(sign: &str, digits: &str, scale: usize) -> String {
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let sign = if digits.is_empty() { "" } else { sign };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Reads PostgreSQL's binary numeric.
pub(super) fn read(reader: &mut Reader) -> Result<String, QueryError> {
    let invalid = |what: &str| {
        QueryError::new(INVALID_BINARY, format!("invalid {what} in external \"numeric\" value"))
    };
    let group_count = usize::from(reader.u16()?);
    let (weight, sign, scale) = (i64::from(reader.i16()?), reader.u16()?, reader.u16()?);
    if group_count > reader.remaining() / 2 {
        // The count is bounded by what is there before anything is built from it.
        return reader.bytes(group_count * 2).map(|_| String::new());
    }
    if usize::from(scale) > FRACTION_DIGITS_MAX {
        return Err(invalid("scale"));
    }
    let mut digits = String::with_capacity(group_count * 4);
    for _ in 0..group_count {
        let group = reader.u16()?;
        if group > 9_999 {
            return Err(invalid("digit"));
        }
        digits += &format!("{group:04}");
    }
    if SIGNS_OF_NO_NUMBER.contains(&sign) {
        return Err(no_number("NaN"));
    }
    if sign != 0 && sign != SIGN_NEGATIVE {
        return Err(invalid("sign"));
    }
    let scale = usize::from(scale);
    // Groups before the point, then as many digits as the scale says: more would be lost, so refuse.
    let point = (weight + 1) * 4;
    let fraction_digits = digits.len() as i64 - point;
    let surplus = usize::try_from(fraction_digits - scale as i64).unwrap_or(0);
    let kept = digits.len() - surplus.min(digits.len());
    if digits[kept..].bytes().any(|digit| digit != b'0') {
        return Err(invalid("scale"));
    }
    let missing = usize::try_from(scale as i64 - fraction_digits).unwrap_or(0);
    let significant = digits[..kept].trim_start_matches('0');
    let digits = if significant.is_empty() {
        String::new()
    } else {
        format!("{significant}{}", "0".repeat(missing))
    };
    Ok(with_point(if sign == SIGN_NEGATIVE { "-" } else { "" }, &digits, scale))
}

/// NaN and the infinities have no exact value here.
fn no_number(text: &str) -> QueryError {
    not_supported(format!("numeric value \"{text}\" is not supported"))
}
