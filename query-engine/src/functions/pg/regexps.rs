//! Functions that search with regular expressions: what matches, where, how often.

use regex::Regex;

use super::{Call, Entry, set, strict};
use crate::catalog_query::{Row, Value, unsupported};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("regexp_match(text,text) text[]", |call| first_groups(call, "")),
    strict("regexp_match(text,text,text) text[]", |call| first_groups(call, call.text(2))),
    set("regexp_matches(text,text) setof regexp_matches text[]", |call| all_groups(call, "")),
    set("regexp_matches(text,text,text) setof regexp_matches text[]", |call| {
        all_groups(call, call.text(2))
    }),
    strict("regexp_like(text,text) bool", |call| is_like(call, "")),
    strict("regexp_like(text,text,text) bool", |call| is_like(call, call.text(2))),
    strict("regexp_count(text,text) int4", |call| counted(call, 1, "")),
    strict("regexp_count(text,text,int4) int4", |call| counted(call, call.int(2), "")),
    strict("regexp_count(text,text,int4,text) int4", |call| {
        counted(call, call.int(2), call.text(3))
    }),
    strict("regexp_substr(text,text) text", |call| part(call, 1, 1, "", 0)),
    strict("regexp_substr(text,text,int4) text", |call| part(call, call.int(2), 1, "", 0)),
    strict("regexp_substr(text,text,int4,int4) text", |call| {
        part(call, call.int(2), call.int(3), "", 0)
    }),
    strict("regexp_substr(text,text,int4,int4,text) text", |call| {
        part(call, call.int(2), call.int(3), call.text(4), 0)
    }),
    strict("regexp_substr(text,text,int4,int4,text,int4) text", |call| {
        part(call, call.int(2), call.int(3), call.text(4), call.int(5))
    }),
    strict("regexp_instr(text,text) int4", |call| place(call, 1, 1, 0, "", 0)),
    strict("regexp_instr(text,text,int4) int4", |call| place(call, call.int(2), 1, 0, "", 0)),
    strict("regexp_instr(text,text,int4,int4) int4", |call| {
        place(call, call.int(2), call.int(3), 0, "", 0)
    }),
    strict("regexp_instr(text,text,int4,int4,int4) int4", |call| {
        place(call, call.int(2), call.int(3), call.int(4), "", 0)
    }),
    strict("regexp_instr(text,text,int4,int4,int4,text) int4", |call| {
        place(call, call.int(2), call.int(3), call.int(4), call.text(5), 0)
    }),
    strict("regexp_instr(text,text,int4,int4,int4,text,int4) int4", |call| {
        place(call, call.int(2), call.int(3), call.int(4), call.text(5), call.int(6))
    }),
    strict("regexp_replace(text,text,text) text", |call| replaced(call, 1, 1, "")),
    strict("regexp_replace(text,text,text,text) text", |call| {
        let count = i64::from(!call.text(3).contains('g'));
        replaced(call, 1, count, &call.text(3).replace('g', ""))
    }),
    strict("regexp_replace(text,text,text,int4) text", |call| replaced(call, call.int(3), 1, "")),
    strict("regexp_replace(text,text,text,int4,int4) text", |call| {
        replaced(call, call.int(3), call.int(4), "")
    }),
    strict("regexp_replace(text,text,text,int4,int4,text) text", |call| {
        replaced(call, call.int(3), call.int(4), call.text(5))
    }),
    strict("regexp_split_to_array(text,text) text[]", |call| {
        Ok(Value::array(pieces(call, "")?.into_iter().map(Value::text).collect()))
    }),
    strict("regexp_split_to_array(text,text,text) text[]", |call| {
        Ok(Value::array(pieces(call, call.text(2))?.into_iter().map(Value::text).collect()))
    }),
    set("regexp_split_to_table(text,text) setof regexp_split_to_table text", |call| {
        Ok(rows(pieces(call, "")?))
    }),
    set("regexp_split_to_table(text,text,text) setof regexp_split_to_table text", |call| {
        Ok(rows(pieces(call, call.text(2))?))
    }),
    strict("substring(text,text) text", |call| {
        let (text, pattern) = (call.text(0), call.text(1));
        call.env.with_pattern(pattern, false, |regex| {
            let groups = regex.captures(text);
            let found = groups
                .and_then(|groups| if groups.len() > 1 { groups.get(1) } else { groups.get(0) });
            found.map_or(Value::Null, |part| Value::text(part.as_str()))
        })
    }),
];

fn rows(pieces: Vec<String>) -> Vec<Row> {
    pieces.into_iter().map(|piece| Row::from(vec![Value::text(piece)])).collect()
}

/// Runs `work` on the compiled pattern, which is argument 1.
///
/// # Errors
/// 2201B for a pattern that is not valid, 22023 for a flag that does not exist, 0A000 for one that is not
/// known here.
fn with_flags<T>(
    call: &Call<'_>,
    flags: &str,
    work: impl FnOnce(&Regex) -> T,
) -> Result<T, QueryError> {
    let mut is_insensitive = false;
    for flag in flags.chars() {
        match flag {
            'i' => is_insensitive = true,
            'c' => is_insensitive = false,
            's' | 't' | 'g' => {}
            'b' | 'e' | 'm' | 'n' | 'p' | 'q' | 'w' | 'x' => {
                return Err(unsupported(format!("regular expression flag \"{flag}\"")));
            }
            other => {
                return Err(QueryError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid regular expression option: \"{other}\""),
                ));
            }
        }
    }
    call.env.with_pattern(call.text(1), is_insensitive, work)
}

/// # Errors
/// 22023 for the flag `g`, which functions of one match do not take.
fn refuse_global(flags: &str, name: &str) -> Result<(), QueryError> {
    if !flags.contains('g') {
        return Ok(());
    }
    let message = format!("{name}() does not support the \"global\" option");
    let error = QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    Err(match name {
        "regexp_match" => error.with_hint("Use the regexp_matches function instead."),
        _ => error,
    })
}

fn groups_of(groups: &regex::Captures<'_>) -> Value {
    let skip = usize::from(groups.len() > 1);
    let parts = groups.iter().skip(skip);
    let shown = |part: Option<regex::Match<'_>>| {
        part.map_or(Value::Null, |part| Value::text(part.as_str()))
    };
    Value::array(parts.map(shown).collect())
}

fn first_groups(call: &Call<'_>, flags: &str) -> Result<Value, QueryError> {
    refuse_global(flags, "regexp_match")?;
    with_flags(call, flags, |regex| {
        regex.captures(call.text(0)).map_or(Value::Null, |groups| groups_of(&groups))
    })
}

fn all_groups(call: &Call<'_>, flags: &str) -> Result<Vec<Row>, QueryError> {
    let limit = if flags.contains('g') { usize::MAX } else { 1 };
    with_flags(call, flags, |regex| {
        let found = regex.captures_iter(call.text(0)).take(limit);
        found.map(|groups| Row::from(vec![groups_of(&groups)])).collect()
    })
}

fn is_like(call: &Call<'_>, flags: &str) -> Result<Value, QueryError> {
    refuse_global(flags, "regexp_like")?;
    with_flags(call, flags, |regex| Value::Bool(regex.is_match(call.text(0))))
}

/// Byte at which character `start` of the text begins.
///
/// # Errors
/// 22023 below 1.
fn start_of(call: &Call<'_>, start: i64) -> Result<usize, QueryError> {
    let text = call.text(0);
    let skip = usize::try_from(start).ok().and_then(|start| start.checked_sub(1));
    let skip = skip.ok_or_else(|| invalid("start", start))?;
    Ok(text.char_indices().nth(skip).map_or(text.len(), |found| found.0))
}

fn invalid(what: &str, value: i64) -> QueryError {
    let message = format!("invalid value for parameter \"{what}\": {value}");
    QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn counted(call: &Call<'_>, start: i64, flags: &str) -> Result<Value, QueryError> {
    refuse_global(flags, "regexp_count")?;
    let start = start_of(call, start)?;
    with_flags(call, flags, |regex| {
        Value::Int(
            i64::try_from(regex.find_iter(&call.text(0)[start..]).count()).unwrap_or(i64::MAX),
        )
    })
}

/// Bytes of match number `nth`, or of one of its groups.
fn found(
    call: &Call<'_>,
    start: i64,
    nth: i64,
    flags: &str,
    group: i64,
) -> Result<Option<std::ops::Range<usize>>, QueryError> {
    let start = start_of(call, start)?;
    let skip = usize::try_from(nth).ok().and_then(|nth| nth.checked_sub(1));
    let skip = skip.ok_or_else(|| invalid("n", nth))?;
    let group = usize::try_from(group).map_err(|_| invalid("subexpr", group))?;
    with_flags(call, flags, |regex| {
        let groups = regex.captures_iter(&call.text(0)[start..]).nth(skip)?;
        groups.get(group).map(|part| part.start() + start..part.end() + start)
    })
}

fn part(
    call: &Call<'_>,
    start: i64,
    nth: i64,
    flags: &str,
    group: i64,
) -> Result<Value, QueryError> {
    refuse_global(flags, "regexp_substr")?;
    let found = found(call, start, nth, flags, group)?;
    Ok(found.map_or(Value::Null, |range| Value::text(&call.text(0)[range])))
}

fn place(
    call: &Call<'_>,
    start: i64,
    nth: i64,
    end_option: i64,
    flags: &str,
    group: i64,
) -> Result<Value, QueryError> {
    refuse_global(flags, "regexp_instr")?;
    if !matches!(end_option, 0 | 1) {
        return Err(invalid("endoption", end_option));
    }
    let found = found(call, start, nth, flags, group)?;
    let at = found.map(|range| if end_option == 1 { range.end } else { range.start });
    let number = |at: usize| call.text(0)[..at].chars().count() + 1;
    Ok(Value::Int(at.map_or(0, |at| i64::try_from(number(at)).unwrap_or(i64::MAX))))
}

/// The text with match number `nth` replaced, or all for 0.
fn replaced(call: &Call<'_>, start: i64, nth: i64, flags: &str) -> Result<Value, QueryError> {
    if let Some(digit) = flags.chars().next().filter(char::is_ascii_digit) {
        return Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid regular expression option: \"{digit}\""),
        )
        .with_hint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly."));
    }
    let start = start_of(call, start)?;
    if nth < 0 {
        return Err(invalid("n", nth));
    }
    let (text, template) = (call.text(0), call.text(2));
    with_flags(call, flags, |regex| {
        let mut out = text[..start].to_owned();
        let mut last = start;
        for (groups, number) in regex.captures_iter(&text[start..]).zip(1_i64..) {
            let Some(whole) = groups.get(0).filter(|_| nth == 0 || number == nth) else { continue };
            out.push_str(&text[last..whole.start() + start]);
            put_replacement(&groups, template, &mut out);
            last = whole.end() + start;
            if nth != 0 {
                break;
            }
        }
        out.push_str(&text[last..]);
        Value::text(out)
    })
}

/// The replacement with `\1` to `\9`, `\&` and `\\` filled in.
fn put_replacement(groups: &regex::Captures<'_>, template: &str, out: &mut String) {
    let mut characters = template.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let group = |number: usize| groups.get(number).map_or("", |part| part.as_str());
        match characters.next() {
            Some('&') => out.push_str(group(0)),
            Some('\\') => out.push('\\'),
            Some(digit @ '1'..='9') => out.push_str(group(digit as usize - '0' as usize)),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
}

/// The text between matches. An empty match splits between characters, but not at the edges.
fn pieces(call: &Call<'_>, flags: &str) -> Result<Vec<String>, QueryError> {
    refuse_global(flags, "regexp_split_to_table")?;
    let text = call.text(0);
    with_flags(call, flags, |regex| {
        let (mut found, mut start) = (Vec::new(), 0);
        for separator in regex.find_iter(text) {
            if separator.is_empty()
                && (separator.start() == text.len() || separator.start() == start)
            {
                continue;
            }
            found.push(text[start..separator.start()].to_owned());
            start = separator.end();
        }
        found.push(text[start..].to_owned());
        found
    })
}
