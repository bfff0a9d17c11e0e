//! Functions on text that reshape it: padding, replacing, codes.

use super::{Call, Entry, strict, with_nulls};
use crate::catalog_query::Value;
use crate::{QueryError, SqlState};

/// Characters of a text that a function pads or builds.
const TEXT_CHARACTERS_MAX: usize = 1 << 20;

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("ascii(text) int4", |call| {
        Ok(Value::Int(call.text(0).chars().next().map_or(0, |first| i64::from(u32::from(first)))))
    }),
    strict("bit_length(text) int4", |call| Ok(length(call.text(0).len() * 8))),
    strict("character_length(text) int4", |call| Ok(length(call.text(0).chars().count()))),
    strict("initcap(text) text", |call| Ok(Value::text(initcap(call.text(0))))),
    strict("reverse(text) text", |call| {
        Ok(Value::text(call.text(0).chars().rev().collect::<String>()))
    }),
    strict("lpad(text,int4) text", |call| pad(call, " ", true)),
    strict("rpad(text,int4) text", |call| pad(call, " ", false)),
    strict("lpad(text,int4,text) text", |call| pad(call, call.text(2), true)),
    strict("rpad(text,int4,text) text", |call| pad(call, call.text(2), false)),
    strict("translate(text,text,text) text", |call| {
        let (from, to): (Vec<char>, Vec<char>) =
            (call.text(1).chars().collect(), call.text(2).chars().collect());
        let changed = call.text(0).chars().filter_map(|character| {
            match from.iter().position(|known| *known == character) {
                Some(at) => to.get(at).copied(),
                None => Some(character),
            }
        });
        Ok(Value::text(changed.collect::<String>()))
    }),
    strict("overlay(text,text,int4) text", |call| {
        let length = i64::try_from(call.text(1).chars().count()).unwrap_or(i64::MAX);
        overlay(call, length)
    }),
    strict("overlay(text,text,int4,int4) text", |call| overlay(call, call.int(3))),
    strict("to_hex(int4) text", |call| Ok(Value::text(format!("{:x}", call.int(0) as i32)))),
    strict("to_hex(int8) text", |call| Ok(Value::text(format!("{:x}", call.int(0))))),
    strict("unistr(text) text", unistr),
    with_nulls("num_nulls(anyelement...) int4", |call| {
        Ok(length(call.arguments.iter().filter(|value| value.is_null()).count()))
    }),
    with_nulls("num_nonnulls(anyelement...) int4", |call| {
        Ok(length(call.arguments.iter().filter(|value| !value.is_null()).count()))
    }),
];

fn length(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Words begin after anything that is no letter or digit.
fn initcap(text: &str) -> String {
    let mut is_inside = false;
    let change = |character: char| {
        let was_inside = std::mem::replace(&mut is_inside, character.is_alphanumeric());
        match was_inside {
            true => character.to_ascii_lowercase(),
            false => character.to_ascii_uppercase(),
        }
    };
    text.chars().map(change).collect()
}

fn pad(call: &Call<'_>, fill: &str, is_left: bool) -> Result<Value, QueryError> {
    let wanted = call.count(1);
    if wanted > TEXT_CHARACTERS_MAX {
        return Err(QueryError::new(SqlState::PROGRAM_LIMIT, "requested length too large"));
    }
    let text: Vec<char> = call.text(0).chars().collect();
    if text.len() >= wanted || fill.is_empty() {
        return Ok(Value::text(text.into_iter().take(wanted).collect::<String>()));
    }
    let filling = fill.chars().cycle().take(wanted - text.len());
    Ok(Value::text(match is_left {
        true => filling.chain(text).collect::<String>(),
        false => text.into_iter().chain(filling).collect::<String>(),
    }))
}

/// The text with `length` characters from a position replaced.
fn overlay(call: &Call<'_>, length: i64) -> Result<Value, QueryError> {
    let start = call.int(2);
    if start <= 0 {
        return Err(QueryError::new(SqlState("22011"), "negative substring length not allowed"));
    }
    let characters: Vec<char> = call.text(0).chars().collect();
    let place = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(characters.len());
    let (first, last) = (place(start - 1), place(start.saturating_add(length) - 1));
    let parts = characters[..first].iter().collect::<String>()
        + call.text(1)
        + &characters[last..].iter().collect::<String>();
    Ok(Value::text(parts))
}

/// Escapes of code points: `\0061`, `\+000061`, `\u0061`, `\U00000061`.
fn unistr(call: &Call<'_>) -> Result<Value, QueryError> {
    let invalid = || {
        QueryError::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
            .with_hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
    };
    let mut out = String::new();
    let mut rest = call.text(0);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (skip, digits) = match rest.as_bytes().first() {
            Some(b'\\') => {
                out.push('\\');
                rest = &rest[1..];
                continue;
            }
            Some(b'+') => (1, 6),
            Some(b'u') => (1, 4),
            Some(b'U') => (1, 8),
            _ => (0, 4),
        };
        let code =
            rest.get(skip..skip + digits).and_then(|code| u32::from_str_radix(code, 16).ok());
        out.push(code.and_then(char::from_u32).ok_or_else(invalid)?);
        rest = &rest[skip + digits..];
    }
    out.push_str(rest);
    Ok(Value::text(out))
}
