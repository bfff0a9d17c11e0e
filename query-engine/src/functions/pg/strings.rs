//! Functions on text.

use super::{Call, Entry, strict, with_nulls};
use crate::catalog_query::Value;
use crate::catalog_query::names::{quote_ident, quote_literal, split_qualified};
use crate::{QueryError, SqlState};

/// Bytes of a repeated or padded text.
const TEXT_BYTES_MAX: usize = 1 << 20;
const KIB: i64 = 1024;

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("quote_ident(text) text", |call| Ok(Value::text(quote_ident(call.text(0))))),
    strict("quote_literal(text) text", |call| Ok(Value::text(quote_literal(call.text(0))))),
    strict("quote_literal(anyelement) text", |call| Ok(Value::text(quote_literal(&call.shown(0))))),
    with_nulls("quote_nullable(text) text", |call| {
        Ok(match call.value(0) {
            Value::Null => Value::text("NULL"),
            value => Value::text(quote_literal(value.as_text())),
        })
    }),
    strict("parse_ident(text) text[]", parse_ident),
    strict("parse_ident(text,bool) text[]", parse_ident),
    strict("nameconcatoid(name,oid) name", |call| {
        Ok(Value::text(format!("{}_{}", call.text(0), call.int(1))))
    }),
    strict("chr(int4) text", chr),
    strict("sqrt(float8) float8", |call| match call.float(0) {
        value if value < 0.0 => {
            Err(QueryError::new(SqlState("2201F"), "cannot take square root of a negative number"))
        }
        value => Ok(Value::Float(value.sqrt())),
    }),
    strict("ln(float8) float8", |call| logarithm(call.float(0)).map(|x| Value::Float(x.ln()))),
    strict("log(float8) float8", |call| logarithm(call.float(0)).map(|x| Value::Float(x.log10()))),
    strict("lower(text) text", |call| Ok(Value::text(call.text(0).to_lowercase()))),
    strict("upper(text) text", |call| Ok(Value::text(upper(call.text(0))))),
    strict("length(text) int4", length),
    strict("char_length(text) int4", length),
    strict("octet_length(text) int4", |call| {
        Ok(Value::Int(i64::try_from(call.text(0).len()).unwrap_or(i64::MAX)))
    }),
    strict("btrim(text) text", |call| Ok(Value::text(call.text(0).trim_matches(' ')))),
    strict("ltrim(text) text", |call| Ok(Value::text(call.text(0).trim_start_matches(' ')))),
    strict("rtrim(text) text", |call| Ok(Value::text(call.text(0).trim_end_matches(' ')))),
    strict("btrim(text,text) text", |call| {
        Ok(Value::text(call.text(0).trim_matches(|c| call.text(1).contains(c))))
    }),
    strict("ltrim(text,text) text", |call| {
        Ok(Value::text(call.text(0).trim_start_matches(|c| call.text(1).contains(c))))
    }),
    strict("rtrim(text,text) text", |call| {
        Ok(Value::text(call.text(0).trim_end_matches(|c| call.text(1).contains(c))))
    }),
    strict("replace(text,text,text) text", |call| {
        Ok(match call.text(1) {
            "" => call.value(0).clone(),
            from => Value::text(call.text(0).replace(from, call.text(2))),
        })
    }),
    strict("strpos(text,text) int4", strpos),
    strict("position(text,text) int4", strpos),
    strict("starts_with(text,text) bool", |call| {
        Ok(Value::Bool(call.text(0).starts_with(call.text(1))))
    }),
    strict("substring(text,int4) text", substring),
    strict("substring(text,int4,int4) text", substring),
    strict("substr(text,int4) text", substring),
    strict("substr(text,int4,int4) text", substring),
    strict("left(text,int4) text", |call| part(call, true)),
    strict("right(text,int4) text", |call| part(call, false)),
    strict("split_part(text,text,int4) text", split_part),
    strict("repeat(text,int4) text", repeat),
    with_nulls("concat(anyelement...) text", |call| Ok(Value::text(joined(call, 0, "")))),
    with_nulls("concat_ws(text,anyelement...) text", |call| {
        Ok(match call.value(0) {
            Value::Null => Value::Null,
            separator => Value::text(joined(call, 1, separator.as_text())),
        })
    }),
    with_nulls("format(text) text", format),
    with_nulls("format(text,anyelement...) text", format),
    strict("pg_size_pretty(int8) text", |call| {
        Ok(Value::text(size_pretty(i128::from(call.int(0)))))
    }),
    strict("pg_size_pretty(numeric) text", |call| {
        let shown = call.shown(0);
        // What is behind the point is cut off.
        let whole = shown.split('.').next().unwrap_or_default().parse();
        let whole = whole.map_err(|_| {
            QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "value is out of range for a size")
        })?;
        Ok(Value::text(size_pretty(whole)))
    }),
];

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The character with a code point.
fn chr(call: &Call<'_>) -> Result<Value, QueryError> {
    let limit = |message: String| QueryError::new(SqlState::PROGRAM_LIMIT, message);
    match call.int(0) {
        0 => Err(limit("null character not permitted".to_owned())),
        code if code < 0 => Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "character number must be positive",
        )),
        code => {
            let found = u32::try_from(code).ok().and_then(char::from_u32);
            let found = found.ok_or_else(|| {
                limit(format!("requested character too large for encoding: {code}"))
            })?;
            Ok(Value::text(found.to_string()))
        }
    }
}

/// # Errors
/// 2201E for a number that has no logarithm.
pub(super) fn logarithm(value: f64) -> Result<f64, QueryError> {
    let refused = if value == 0.0 {
        "cannot take logarithm of zero"
    } else if value < 0.0 {
        "cannot take logarithm of a negative number"
    } else {
        return Ok(value);
    };
    Err(QueryError::new(SqlState("2201E"), refused))
}

/// Letter by letter: one that becomes several stays as it is.
fn upper(text: &str) -> String {
    let single = |character: char| {
        let mut all = character.to_uppercase();
        match (all.next(), all.next()) {
            (Some(only), None) => only,
            _ => character,
        }
    };
    text.chars().map(single).collect()
}

fn length(call: &Call<'_>) -> Result<Value, QueryError> {
    Ok(count(call.text(0).chars().count()))
}

fn parse_ident(call: &Call<'_>) -> Result<Value, QueryError> {
    let parts = split_qualified(call.text(0)).ok_or_else(|| {
        QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("string is not a valid identifier: \"{}\"", call.text(0)),
        )
    })?;
    Ok(Value::array(parts.into_iter().map(Value::text).collect()))
}

fn strpos(call: &Call<'_>) -> Result<Value, QueryError> {
    let text = call.text(0);
    let found = text.find(call.text(1));
    Ok(found.map_or(Value::Int(0), |at| count(text[..at].chars().count() + 1)))
}

fn substring(call: &Call<'_>) -> Result<Value, QueryError> {
    let from = call.int(1);
    let end = match call.arguments.get(2).and_then(Value::as_int) {
        Some(count) if count < 0 => {
            return Err(QueryError::new(
                SqlState("22011"),
                "negative substring length not allowed",
            ));
        }
        Some(count) => from.saturating_add(count),
        None => i64::MAX,
    };
    let inside = |at: &(i64, char)| at.0 >= from && at.0 < end;
    let part: String = (1_i64..).zip(call.text(0).chars()).filter(inside).map(|at| at.1).collect();
    Ok(Value::text(part))
}

/// `left` and `right`: a negative number counts from the other side.
fn part(call: &Call<'_>, from_start: bool) -> Result<Value, QueryError> {
    let characters: Vec<char> = call.text(0).chars().collect();
    let wanted = usize::try_from(call.int(1).unsigned_abs()).unwrap_or(usize::MAX);
    let kept = if call.int(1) >= 0 {
        wanted.min(characters.len())
    } else {
        characters.len().saturating_sub(wanted)
    };
    let kept =
        if from_start { &characters[..kept] } else { &characters[characters.len() - kept..] };
    Ok(Value::text(kept.iter().collect::<String>()))
}

fn split_part(call: &Call<'_>) -> Result<Value, QueryError> {
    let parts: Vec<&str> = match call.text(1) {
        "" => vec![call.text(0)],
        separator => call.text(0).split(separator).collect(),
    };
    let index = match call.int(2) {
        0 => {
            return Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "field position must not be zero",
            ));
        }
        at if at > 0 => usize::try_from(at - 1).ok(),
        at => {
            usize::try_from(at.unsigned_abs()).ok().and_then(|back| parts.len().checked_sub(back))
        }
    };
    Ok(Value::text(index.and_then(|at| parts.get(at)).copied().unwrap_or("")))
}

fn repeat(call: &Call<'_>) -> Result<Value, QueryError> {
    let times = call.count(1);
    if call.text(0).len().saturating_mul(times) > TEXT_BYTES_MAX {
        return Err(QueryError::new(SqlState::PROGRAM_LIMIT, "requested length too large"));
    }
    Ok(Value::text(call.text(0).repeat(times)))
}

fn joined(call: &Call<'_>, from: usize, separator: &str) -> String {
    let shown = (from..call.arguments.len()).filter(|at| !call.value(*at).is_null());
    shown.map(|at| call.shown(at)).collect::<Vec<_>>().join(separator)
}

/// `format`: `%s`, `%I`, `%L` and `%%`, with positions but without widths.
fn format(call: &Call<'_>) -> Result<Value, QueryError> {
    if call.value(0).is_null() {
        return Ok(Value::Null);
    }
    let mut result = String::new();
    let mut next = 1;
    let mut rest = call.text(0);
    while let Some(at) = rest.find('%') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && rest[digits..].starts_with('$') {
            next = rest[..digits].parse().unwrap_or(usize::MAX);
            rest = &rest[digits + 1..];
        }
        let is_left = rest.starts_with('-');
        rest = rest.trim_start_matches('-');
        let mut width = 0_i64;
        if let Some(after) = rest.strip_prefix('*') {
            width = call.arguments.get(next).and_then(Value::as_int).unwrap_or(0);
            (rest, next) = (after, next + 1);
        } else {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            width = rest[..digits].parse().unwrap_or(width);
            rest = &rest[digits..];
        }
        let Some(specifier) = rest.chars().next() else {
            return Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "unterminated format() type specifier",
            ));
        };
        rest = &rest[specifier.len_utf8()..];
        if specifier == '%' {
            result.push('%');
            continue;
        }
        if next >= call.arguments.len() {
            return Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "too few arguments for format()",
            ));
        }
        let shown = formatted(call, specifier, next)?;
        next += 1;
        let wanted = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        if wanted > TEXT_BYTES_MAX {
            return Err(QueryError::new(SqlState::PROGRAM_LIMIT, "requested length too large"));
        }
        let blank = " ".repeat(wanted.saturating_sub(shown.chars().count()));
        let is_left = is_left || width < 0;
        let (before, after) = if is_left { ("", blank.as_str()) } else { (blank.as_str(), "") };
        result.push_str(before);
        result.push_str(&shown);
        result.push_str(after);
    }
    result.push_str(rest);
    Ok(Value::text(result))
}

fn formatted(call: &Call<'_>, specifier: char, at: usize) -> Result<String, QueryError> {
    let is_null = call.value(at).is_null();
    match specifier {
        's' => Ok(call.shown(at)),
        'I' if is_null => Err(QueryError::new(
            SqlState("22004"),
            "null values cannot be formatted as an SQL identifier",
        )),
        'I' => Ok(quote_ident(&call.shown(at))),
        'L' if is_null => Ok("NULL".to_owned()),
        'L' => Ok(quote_literal(&call.shown(at))),
        other => Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("unrecognized format() type specifier \"{other}\""),
        )
        .with_hint("For a single \"%\" use \"%%\".")),
    }
}

/// Bytes with the unit that PostgreSQL picks: below 10 units of the next size it stays smaller.
fn size_pretty(bytes: i128) -> String {
    let mut size = bytes;
    let mut unit = "bytes";
    let units = ["kB", "MB", "GB", "TB", "PB"];
    for (at, next) in units.iter().enumerate() {
        // From kB on PostgreSQL keeps one more bit, so that it can round half up.
        let limit = if at == 0 { 10 * i128::from(KIB) } else { 20 * i128::from(KIB) - 1 };
        if size.abs() < limit {
            break;
        }
        size >>= if at == 0 { 9 } else { 10 };
        unit = next;
    }
    if unit != "bytes" {
        size = if size < 0 { (size - 1) / 2 } else { (size + 1) / 2 };
    }
    format!("{size} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_as_postgresql_rounds_them() {
        assert_eq!(size_pretty(0), "0 bytes");
        assert_eq!(size_pretty(10_239), "10239 bytes");
        assert_eq!(size_pretty(10_240), "10 kB");
        assert_eq!(size_pretty(10_485_247), "10239 kB");
        assert_eq!(size_pretty(10_485_248), "10 MB");
        assert_eq!(size_pretty(-10_240), "-10 kB");
        assert_eq!(size_pretty(i64::MAX.into()), "8192 PB");
    }
}
