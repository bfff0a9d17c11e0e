//! `numeric` parameters to plain decimal text, exact.

use num_bigint::BigUint;

use crate::{QueryError, SqlState};

use super::invalid_syntax;
use super::number::trim;
use crate::values::error::INVALID_BINARY;
use crate::values::reader::Reader;

/// Most digits before and after the point, as PostgreSQL limits them.
pub(super) const WHOLE_DIGITS_MAX: usize = 131_072;
/// See [`WHOLE_DIGITS_MAX`].
pub(super) const FRACTION_DIGITS_MAX: usize = 16_383;

const SIGN_NEGATIVE: u16 = 0x4000;
const SIGN_NAN: u16 = 0xc000;
const SIGN_INFINITY: u16 = 0xd000;
const SIGN_NEGATIVE_INFINITY: u16 = 0xf000;

/// Plain decimal text of `[+-]digits[.digits][e[+-]digits]`, or `NaN`, `Infinity`, `-Infinity`.
pub(crate) fn parse(text: &str) -> Result<String, QueryError> {
    let invalid = || invalid_syntax("numeric", text);
    let trimmed = trim(text);
    let (sign, number) = match trimmed.as_bytes().first() {
        Some(b'-') => ("-", &trimmed[1..]),
        Some(b'+') => ("", &trimmed[1..]),
        _ => ("", trimmed),
    };
    if trimmed.eq_ignore_ascii_case("nan") {
        return Ok("NaN".to_owned());
    }
    if ["inf", "infinity"].iter().any(|word| word.eq_ignore_ascii_case(number)) {
        return Ok(format!("{sign}Infinity"));
    }
    if let Some(radix) = radix(number) {
        return whole_number(sign, &number[2..], radix).ok_or_else(invalid);
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent).ok_or_else(invalid)?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = without_separators(whole).ok_or_else(invalid)?;
    let fraction = without_separators(fraction).ok_or_else(invalid)?;
    if whole.len() + fraction.len() == 0 {
        return Err(invalid());
    }
    plain(sign, &whole, &fraction, exponent)
}

/// Digits without the `_` that may stand between two of them.
fn without_separators(digits: &str) -> Option<String> {
    let is_plain = digits.is_empty()
        || digits
            .split('_')
            .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    is_plain.then(|| digits.replace('_', ""))
}

fn radix(number: &str) -> Option<u32> {
    Some(match number.get(..2)? {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => return None,
    })
}

/// A whole number in another radix, `_` between its digits and in front of them.
fn whole_number(sign: &str, digits: &str, radix: u32) -> Option<String> {
    let groups = digits.strip_prefix('_').unwrap_or(digits);
    let is_digits =
        |group: &str| !group.is_empty() && group.chars().all(|character| character.is_digit(radix));
    if !groups.split('_').all(is_digits) || groups.len() > WHOLE_DIGITS_MAX {
        return None;
    }
    let value = BigUint::parse_bytes(groups.replace('_', "").as_bytes(), radix)?;
    let sign = if value == BigUint::ZERO { "" } else { sign };
    Some(format!("{sign}{value}"))
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
    match sign {
        0 | SIGN_NEGATIVE => {}
        SIGN_NAN => return Ok("NaN".to_owned()),
        SIGN_INFINITY => return Ok("Infinity".to_owned()),
        SIGN_NEGATIVE_INFINITY => return Ok("-Infinity".to_owned()),
        _ => return Err(invalid("sign")),
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
