//! `timetz`, `money`, `pg_lsn`, `tid`, `cid`, `xid8`, snapshots, `xml`.

use std::cmp::Ordering;

use bytes::{BufMut, BytesMut};

use super::{CID, TXID_SNAPSHOT};
use crate::values::calendar::{US_PER_SECOND, Zone, parse_offset};
use crate::values::decode::{invalid_syntax, parse_time_with_rest};
use crate::values::encode::{put_offset, put_time};
use crate::values::error::{INVALID_BINARY, protocol_violation};
use crate::values::reader::Reader;
use crate::{QueryError, SqlState};

fn printed(put: impl FnOnce(&mut BytesMut)) -> String {
    let mut out = BytesMut::new();
    put(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Microseconds of the day and seconds east of UTC.
fn timetz(text: &str, zone: Zone) -> Result<(i64, i32), QueryError> {
    let invalid = || {
        let message = format!("invalid input syntax for type time with time zone: \"{text}\"");
        QueryError::new(SqlState::INVALID_DATETIME, message).about(text)
    };
    let (us, rest) = parse_time_with_rest(text)?.ok_or_else(invalid)?;
    let offset = match rest.trim_ascii() {
        "" => zone.offset_at(0),
        "Z" | "z" => 0,
        rest if rest.starts_with(['+', '-']) => parse_offset(rest).ok_or_else(invalid)?,
        name => Zone::parse(name).ok_or_else(invalid)?.offset_at(0),
    };
    Ok((us, offset))
}

fn timetz_text(us: i64, offset: i32) -> String {
    printed(|out| {
        put_time(out, us);
        put_offset(out, offset);
    })
}

pub(super) fn parse_timetz(text: &str, zone: Zone) -> Result<String, QueryError> {
    timetz(text, zone).map(|(us, offset)| timetz_text(us, offset))
}

pub(super) fn receive_timetz(reader: &mut Reader) -> Result<String, QueryError> {
    let (us, west) = (reader.i64()?, reader.i32()?);
    let out_of_range = |what| QueryError::new(SqlState::DATETIME_OVERFLOW, what);
    if !(0..=86_400 * US_PER_SECOND).contains(&us) {
        return Err(out_of_range("time out of range"));
    }
    if !(-57_599..=57_599).contains(&west) {
        let message = "time zone displacement out of range";
        return Err(QueryError::new(SqlState("22009"), message));
    }
    Ok(timetz_text(us, -west))
}

pub(super) fn send_timetz(text: &str, out: &mut BytesMut) -> Result<(), QueryError> {
    let (us, offset) = timetz(text, Zone::Fixed(0))?;
    out.put_i64(us);
    out.put_i32(-offset);
    Ok(())
}

/// By the instant, then by the zone, those in the east first.
pub(super) fn compare_timetz(left: &str, right: &str) -> Option<Ordering> {
    let key = |text| {
        let (us, offset) = timetz(text, Zone::Fixed(0)).ok()?;
        Some((us - i64::from(offset) * US_PER_SECOND, -offset))
    };
    Some(key(left)?.cmp(&key(right)?))
}

/// Hundredths of an amount: `$1,234.56`, `-1234.5`, `(5)`.
pub(super) fn money_cents(text: &str) -> Result<i64, QueryError> {
    let invalid = || invalid_syntax("money", text).about(text);
    let mut rest = text.trim_ascii();
    let mut is_negative = false;
    if let Some(inner) = rest.strip_prefix('(') {
        rest = inner.strip_suffix(')').ok_or_else(invalid)?;
        is_negative = true;
    }
    for _ in 0..2 {
        if let Some(after) = rest.strip_prefix('-') {
            (rest, is_negative) = (after, true);
        }
        rest = rest.strip_prefix('$').unwrap_or(rest).trim_ascii_start();
    }
    rest = rest.strip_prefix('+').unwrap_or(rest);
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let whole = whole.replace(',', "");
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_number(&whole) || !is_number(fraction) {
        return Err(invalid());
    }
    let out_of_range = || {
        let message = format!("value \"{text}\" is out of range for type money");
        QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message).about(text)
    };
    let digits = format!("{whole}{fraction:0<3.3}");
    let thousandths: i128 = digits.parse().map_err(|_| out_of_range())?;
    let cents = (thousandths + 5) / 10;
    i64::try_from(if is_negative { -cents } else { cents }).map_err(|_| out_of_range())
}

pub(super) fn money_text(cents: i64) -> String {
    let magnitude = cents.unsigned_abs();
    let whole = (magnitude / 100).to_string();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}${grouped}.{:02}", magnitude % 100)
}

pub(super) fn parse_money(text: &str) -> Result<String, QueryError> {
    money_cents(text).map(money_text)
}

pub(super) fn lsn(text: &str) -> Result<u64, QueryError> {
    let invalid = || invalid_syntax("pg_lsn", text).about(text);
    let (high, low) = text.split_once('/').ok_or_else(invalid)?;
    let part = |part: &str| {
        let is_hex = (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
        u64::from_str_radix(part, 16).ok().filter(|_| is_hex).ok_or_else(invalid)
    };
    Ok(part(high)? << 32 | part(low)?)
}

pub(super) fn lsn_text(lsn: u64) -> String {
    format!("{:X}/{:X}", lsn >> 32, lsn & 0xffff_ffff)
}

pub(super) fn parse_lsn(text: &str) -> Result<String, QueryError> {
    lsn(text).map(lsn_text)
}

pub(super) fn tid(text: &str) -> Result<(u32, u16), QueryError> {
    let parts = text.trim_ascii().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let parts = parts.and_then(|parts| parts.split_once(','));
    parts
        .and_then(|(block, offset)| {
            Some((block.trim_ascii().parse().ok()?, offset.trim_ascii().parse().ok()?))
        })
        .ok_or_else(|| invalid_syntax("tid", text).about(text))
}

pub(super) fn parse_tid(text: &str) -> Result<String, QueryError> {
    tid(text).map(|(block, offset)| format!("({block},{offset})"))
}

pub(super) fn parse_counter(oid: u32, text: &str) -> Result<String, QueryError> {
    let (name, last) = if oid == CID { ("cid", u32::MAX.into()) } else { ("xid8", u64::MAX) };
    let number: u64 =
        text.trim_ascii().parse().map_err(|_| invalid_syntax(name, text).about(text))?;
    if number > last {
        let message = format!("value \"{text}\" is out of range for type {name}");
        return Err(QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, message).about(text));
    }
    Ok(number.to_string())
}

/// Oldest running transaction, next one, and those that run between them.
fn snapshot(oid: u32, text: &str) -> Result<(u64, u64, Vec<u64>), QueryError> {
    let name = if oid == TXID_SNAPSHOT { "txid_snapshot" } else { "pg_snapshot" };
    let invalid = || invalid_syntax(name, text).about(text);
    let number = |part: &str| part.parse::<u64>().map_err(|_| invalid());
    let mut parts = text.split(':');
    let mut next = || parts.next().ok_or_else(invalid);
    let (first, last, list) = (number(next()?)?, number(next()?)?, next()?);
    let list = list.split(',').filter(|part| !part.is_empty()).map(number);
    let list = list.collect::<Result<Vec<_>, _>>()?;
    let is_sorted = list.is_sorted() && list.iter().all(|one| (first..last).contains(one));
    if parts.next().is_some() || first == 0 || first > last || !is_sorted {
        return Err(invalid());
    }
    Ok((first, last, list))
}

pub(super) fn parse_snapshot(oid: u32, text: &str) -> Result<String, QueryError> {
    let (first, last, mut list) = snapshot(oid, text)?;
    list.dedup();
    let list: Vec<String> = list.iter().map(ToString::to_string).collect();
    Ok(format!("{first}:{last}:{}", list.join(",")))
}

pub(super) fn receive_snapshot(reader: &mut Reader) -> Result<String, QueryError> {
    let invalid = || QueryError::new(INVALID_BINARY, "invalid external pg_snapshot data");
    let count = usize::try_from(reader.i32()?).map_err(|_| invalid())?;
    if count > reader.remaining() / 8 {
        return Err(protocol_violation("insufficient data left in message"));
    }
    let mut number = || reader.i64().map(i64::cast_unsigned);
    let (first, last) = (number()?, number()?);
    let list: Vec<String> =
        (0..count).map(|_| number().map(|one| one.to_string())).collect::<Result<_, _>>()?;
    let text = format!("{first}:{last}:{}", list.join(","));
    parse_snapshot(0, &text).map_err(|_| invalid())
}

pub(super) fn send_snapshot(oid: u32, text: &str, out: &mut BytesMut) -> Result<(), QueryError> {
    let (first, last, list) = snapshot(oid, text)?;
    out.put_i32(i32::try_from(list.len()).unwrap_or(i32::MAX));
    out.put_u64(first);
    out.put_u64(last);
    list.iter().for_each(|one| out.put_u64(*one));
    Ok(())
}

/// XML content: every tag that opens closes.
pub(super) fn parse_xml(text: &str) -> Result<String, QueryError> {
    let invalid = || QueryError::new(SqlState("2200N"), "invalid XML content");
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let after = &rest[at + 1..];
        let skipped = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>"), ("!", ">")]
            .into_iter()
            .find(|(start, _)| after.starts_with(start));
        if let Some((_, end)) = skipped {
            let end_at = after.find(end).ok_or_else(invalid)?;
            rest = &after[end_at + end.len()..];
            continue;
        }
        let end = tag_end(after).ok_or_else(invalid)?;
        let (tag, following) = (&after[..end], &after[end + 1..]);
        let name_end = |tag: &str| tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
        if let Some(closed) = tag.strip_prefix('/') {
            if open.pop() != Some(closed.trim_ascii_end()) {
                return Err(invalid());
            }
        } else {
            let (tag, is_empty) = match tag.strip_suffix('/') {
                Some(tag) => (tag, true),
                None => (tag, false),
            };
            let name = &tag[..name_end(tag)];
            let starts_well = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
            if !starts_well {
                return Err(invalid());
            }
            if !is_empty {
                open.push(name);
            }
        }
        rest = following;
    }
    if open.is_empty() { Ok(text.to_owned()) } else { Err(invalid()) }
}

/// Where a tag ends, quoted attributes passed over.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, character)| {
        match (quote, character) {
            (Some(open), found) if open == found => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '>') => return Some(at),
            _ => {}
        }
        None
    })
}
