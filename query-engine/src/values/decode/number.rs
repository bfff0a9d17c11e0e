//! Text of booleans, integers and floats.

use crate::{PgType, QueryError, SqlState};

use super::invalid_syntax;

/// `true`, `false`, `yes`, `no`, `on`, `off`, `1`, `0`, and prefixes that can mean only one of them.
pub(super) fn parse_bool(text: &str) -> Result<bool, QueryError> {
    let word = trim(text).to_ascii_lowercase();
    let is_prefix =
        |whole: &str, length_min: usize| word.len() >= length_min && whole.starts_with(&word);
    if is_prefix("true", 1) || is_prefix("yes", 1) || word == "on" || word == "1" {
        Ok(true)
    } else if is_prefix("false", 1) || is_prefix("no", 1) || is_prefix("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(invalid_syntax("boolean", text))
    }
}

/// An integer in decimal, or with `0x`, `0o`, `0b`; `_` between digits.
pub(super) fn parse_integer(pg_type: PgType, text: &str) -> Result<i64, QueryError> {
    let (name, min, max) = match pg_type {
        PgType::Int2 => ("smallint", i16::MIN.into(), i16::MAX.into()),
        PgType::Int4 => ("integer", i32::MIN.into(), i32::MAX.into()),
        PgType::Oid => ("oid", 0, u32::MAX.into()),
        PgType::Xid => ("xid", 0, u32::MAX.into()),
        _ => ("bigint", i64::MIN, i64::MAX),
    };
    let out_of_range = || {
        let message = format!("value \"{text}\" is out of range for type {name}");
        QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message)
    };
    let trimmed = trim(text);
    let (is_negative, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        _ => (10, digits),
    };
    if !has_digits(digits, radix) {
        return Err(invalid_syntax(name, text));
    }
    let mut value: i128 = 0;
    for digit in digits.chars().filter_map(|digit| digit.to_digit(radix)) {
        value = value * i128::from(radix) + i128::from(digit);
        if value > 1 << 64 {
            return Err(out_of_range());
        }
    }
    let value = if is_negative { -value } else { value };
    // PostgreSQL reads negative numbers as oids that count back from 2^32.
    let value = if pg_type == PgType::Oid && (i128::from(i32::MIN)..0).contains(&value) {
        value + (1 << 32)
    } else {
        value
    };
    let value = i64::try_from(value).map_err(|_| out_of_range())?;
    if (min..=max).contains(&value) { Ok(value) } else { Err(out_of_range()) }
}

/// At least one digit, and single `_` between digits only; after a radix prefix also in front.
fn has_digits(digits: &str, radix: u32) -> bool {
    let digits = if radix == 10 { digits } else { digits.strip_prefix('_').unwrap_or(digits) };
    !digits.is_empty()
        && digits.split('_').all(|group| {
            !group.is_empty() && group.chars().all(|character| character.is_digit(radix))
        })
}

/// A float; too large is an error, and so is too small to tell from zero.
pub(super) fn parse_float(pg_type: PgType, text: &str) -> Result<f64, QueryError> {
    let name = if pg_type == PgType::Float4 { "real" } else { "double precision" };
    let trimmed = trim(text);
    // Rust reads the same words and forms as PostgreSQL, but for a trailing point and such.
    let value: f64 = match pg_type {
        PgType::Float4 => trimmed.parse::<f32>().map(f64::from),
        _ => trimmed.parse(),
    }
    .map_err(|_| invalid_syntax(name, text))?;
    let is_word = trimmed.bytes().any(|byte| matches!(byte | 0x20, b'i' | b'n'));
    let mantissa = trimmed.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if !is_word && (value.is_infinite() || (value == 0.0 && !is_zero)) {
        let message = format!("\"{trimmed}\" is out of range for type {name}");
        return Err(QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message));
    }
    Ok(value)
}

/// Without the white space that C calls so.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}
