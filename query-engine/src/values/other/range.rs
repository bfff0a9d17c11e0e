//! Ranges and multiranges, over the values that their bounds are.

mod operate;

use std::cmp::Ordering;

use bytes::{BufMut, BytesMut};

use crate::values::calendar::Zone;
use crate::values::decimal::Decimal;
use crate::values::decode::{decode_binary, decode_text, invalid_syntax};
use crate::values::encode::{Format, TextStyle};
use crate::values::error::{INVALID_BINARY, protocol_violation, valid_text};
use crate::values::reader::Reader;
use crate::values::write;
use crate::{Parameter, PgType, QueryError, SqlState};

pub(crate) use operate::{Ranges, parts_of};

const EMPTY: u8 = 0x01;
const LOWER_INCLUSIVE: u8 = 0x02;
const UPPER_INCLUSIVE: u8 = 0x04;
const LOWER_INFINITE: u8 = 0x08;
const UPPER_INFINITE: u8 = 0x10;

/// What a range type is.
#[derive(Clone, Copy)]
pub(super) struct RangeKind {
    element: PgType,
    is_multi: bool,
}

pub(super) fn kind(oid: u32) -> Option<RangeKind> {
    let (element, is_multi) = match oid {
        3904 => (PgType::Int4, false),
        3906 => (PgType::Numeric, false),
        3908 => (PgType::Timestamp, false),
        3910 => (PgType::Timestamptz, false),
        3912 => (PgType::Date, false),
        3926 => (PgType::Int8, false),
        4451 => (PgType::Int4, true),
        4532 => (PgType::Numeric, true),
        4533 => (PgType::Timestamp, true),
        4534 => (PgType::Timestamptz, true),
        4535 => (PgType::Date, true),
        4536 => (PgType::Int8, true),
        _ => return None,
    };
    Some(RangeKind { element, is_multi })
}

/// One range that is not empty; a bound that is not there is infinite.
#[derive(Clone, Debug, PartialEq)]
struct Range {
    lower: Option<Parameter>,
    upper: Option<Parameter>,
    lower_inclusive: bool,
    upper_inclusive: bool,
}

fn compare_values(left: &Parameter, right: &Parameter) -> Ordering {
    match (left, right) {
        (Parameter::Int(left), Parameter::Int(right)) => left.cmp(right),
        (Parameter::Timestamp(left), Parameter::Timestamp(right)) => left.cmp(right),
        (Parameter::Date(left), Parameter::Date(right)) => left.cmp(right),
        (Parameter::Numeric(left), Parameter::Numeric(right)) => {
            match (Decimal::parse(left), Decimal::parse(right)) {
                (Ok(left), Ok(right)) => left.compare(&right),
                _ => Ordering::Equal,
            }
        }
        _ => Ordering::Equal,
    }
}

/// The value after a bound of a discrete type; `None` for one that is not discrete.
fn next(value: &Parameter, kind: RangeKind) -> Option<Result<Parameter, QueryError>> {
    let out_of_range = |name: &str| {
        QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, format!("{name} out of range"))
    };
    Some(match (value, kind.element) {
        (Parameter::Int(value), PgType::Int4) => i32::try_from(*value + 1)
            .map(|value| Parameter::Int(value.into()))
            .map_err(|_| out_of_range("integer")),
        (Parameter::Int(value), _) => {
            value.checked_add(1).map(Parameter::Int).ok_or_else(|| out_of_range("bigint"))
        }
        (Parameter::Date(i32::MAX | i32::MIN), _) => return None,
        (Parameter::Date(value), _) => value
            .checked_add(1)
            .map(Parameter::Date)
            .ok_or_else(|| QueryError::new(SqlState::DATETIME_OVERFLOW, "date out of range")),
        _ => return None,
    })
}

impl Range {
    /// The range in its canonical form; `None` for an empty one.
    ///
    /// # Errors
    /// 22000 for bounds in the wrong order, 22003 past the end of a discrete type.
    fn canonical(mut self, kind: RangeKind) -> Result<Option<Self>, QueryError> {
        if self.lower.is_none() {
            self.lower_inclusive = false;
        }
        if self.upper.is_none() {
            self.upper_inclusive = false;
        }
        if let (Some(lower), Some(upper)) = (&self.lower, &self.upper) {
            match compare_values(lower, upper) {
                Ordering::Greater => {
                    return Err(QueryError::new(
                        SqlState("22000"),
                        "range lower bound must be less than or equal to range upper bound",
                    ));
                }
                Ordering::Equal if !(self.lower_inclusive && self.upper_inclusive) => {
                    return Ok(None);
                }
                _ => {}
            }
        }
        if let Some(value) = self.lower.as_ref().filter(|_| !self.lower_inclusive)
            && let Some(following) = next(value, kind)
        {
            (self.lower, self.lower_inclusive) = (Some(following?), true);
        }
        if let Some(value) = self.upper.as_ref().filter(|_| self.upper_inclusive)
            && let Some(following) = next(value, kind)
        {
            (self.upper, self.upper_inclusive) = (Some(following?), false);
        }
        // `(1,2)` of whole numbers has nothing in it.
        if let (Some(lower), Some(upper)) = (&self.lower, &self.upper) {
            let order = compare_values(lower, upper);
            if order.is_gt() || (order.is_eq() && !(self.lower_inclusive && self.upper_inclusive)) {
                return Ok(None);
            }
        }
        Ok(Some(self))
    }

    /// Order of the lower bounds.
    fn compare_lower(&self, other: &Self) -> Ordering {
        match (&self.lower, &other.lower) {
            (None, None) => Ordering::Equal,
            (None, _) => Ordering::Less,
            (_, None) => Ordering::Greater,
            (Some(left), Some(right)) => compare_values(left, right)
                .then_with(|| other.lower_inclusive.cmp(&self.lower_inclusive)),
        }
    }

    /// Order of the upper bounds.
    fn compare_upper(&self, other: &Self) -> Ordering {
        match (&self.upper, &other.upper) {
            (None, None) => Ordering::Equal,
            (None, _) => Ordering::Greater,
            (_, None) => Ordering::Less,
            (Some(left), Some(right)) => compare_values(left, right)
                .then_with(|| self.upper_inclusive.cmp(&other.upper_inclusive)),
        }
    }

    /// Whether `later`, whose lower bound is not below this one's, overlaps or touches this range.
    fn reaches(&self, later: &Self) -> bool {
        match (&self.upper, &later.lower) {
            (None, _) | (_, None) => true,
            (Some(upper), Some(lower)) => match compare_values(upper, lower) {
                Ordering::Greater => true,
                Ordering::Equal => self.upper_inclusive || later.lower_inclusive,
                Ordering::Less => false,
            },
        }
    }
}

/// Sorted, and joined where they overlap or touch.
fn joined(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_by(|left, right| left.compare_lower(right).then_with(|| left.compare_upper(right)));
    let mut out: Vec<Range> = Vec::new();
    for range in ranges {
        match out.last_mut().filter(|last| last.reaches(&range)) {
            Some(last) => {
                if last.compare_upper(&range).is_lt() {
                    (last.upper, last.upper_inclusive) = (range.upper, range.upper_inclusive);
                }
            }
            None => out.push(range),
        }
    }
    out
}

fn malformed(kind: RangeKind, text: &str, detail: &str) -> QueryError {
    let what = if kind.is_multi { "multirange" } else { "range" };
    let message = format!("malformed {what} literal: \"{text}\"");
    QueryError::new(SqlState::INVALID_TEXT, message).with_detail(detail).about(text)
}

/// One range from the start of `text`; `None` where it is empty, and what follows it.
fn read_one<'t>(
    kind: RangeKind,
    whole: &str,
    text: &'t str,
    zone: Zone,
) -> Result<(Option<Range>, &'t str), QueryError> {
    let text = text.trim_ascii_start();
    if text.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("empty")) {
        return Ok((None, &text[5..]));
    }
    let lower_inclusive = match text.chars().next() {
        Some('[') => true,
        Some('(') => false,
        _ => return Err(malformed(kind, whole, "Missing left parenthesis or bracket.")),
    };
    let (lower, rest) = read_bound(kind, whole, &text[1..])?;
    let Some(rest) = rest.strip_prefix(',') else {
        return Err(malformed(kind, whole, "Missing comma after lower bound."));
    };
    let (upper, rest) = read_bound(kind, whole, rest)?;
    let upper_inclusive = match rest.chars().next() {
        Some(']') => true,
        Some(')') => false,
        _ => return Err(malformed(kind, whole, "Too many commas.")),
    };
    let value = |bound: Option<String>| {
        bound.map(|text| decode_text(kind.element, &text, &zone)).transpose()
    };
    let range =
        Range { lower: value(lower)?, upper: value(upper)?, lower_inclusive, upper_inclusive };
    Ok((range.canonical(kind)?, &rest[1..]))
}

/// The text of a bound, `None` for an infinite one.
fn read_bound<'t>(
    kind: RangeKind,
    whole: &str,
    text: &'t str,
) -> Result<(Option<String>, &'t str), QueryError> {
    let ended = || malformed(kind, whole, "Unexpected end of input.");
    if text.starts_with([',', ')', ']']) {
        return Ok((None, text));
    }
    let mut bound = String::new();
    let mut in_quotes = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => bound.push(characters.next().ok_or_else(ended)?.1),
            '"' if !in_quotes => in_quotes = true,
            '"' if characters.next_if(|next| next.1 == '"').is_some() => bound.push('"'),
            '"' => in_quotes = false,
            ',' | ')' | ']' if !in_quotes => return Ok((Some(bound), &text[at..])),
            other => bound.push(other),
        }
    }
    Err(ended())
}

/// Ranges of a canonical or other text: none for an empty one.
fn read(oid: u32, text: &str, zone: Zone) -> Result<Vec<Range>, QueryError> {
    let Some(kind) = kind(oid) else { return Err(invalid_syntax("range", text)) };
    let trimmed = text.trim_ascii();
    if !kind.is_multi {
        let (range, rest) = read_one(kind, text, trimmed, zone)?;
        if !rest.trim_ascii().is_empty() {
            return Err(malformed(kind, text, "Junk after right parenthesis or bracket."));
        }
        return Ok(range.into_iter().collect());
    }
    let Some(mut rest) = trimmed.strip_prefix('{') else {
        return Err(malformed(kind, text, "Missing left brace."));
    };
    let mut ranges = Vec::new();
    rest = rest.trim_ascii_start();
    if let Some(after) = rest.strip_prefix('}') {
        rest = after;
    } else {
        loop {
            if !rest.trim_ascii_start().starts_with(['[', '(', 'e', 'E']) {
                return Err(malformed(kind, text, "Expected range start."));
            }
            let (range, after) = read_one(kind, text, rest, zone)?;
            ranges.extend(range);
            let after = after.trim_ascii_start();
            match after.chars().next() {
                Some(',') => rest = &after[1..],
                Some('}') => {
                    rest = &after[1..];
                    break;
                }
                _ => return Err(malformed(kind, text, "Expected comma or end of multirange.")),
            }
        }
    }
    if !rest.is_empty() {
        return Err(malformed(kind, text, "Junk after closing right brace."));
    }
    Ok(joined(ranges))
}

fn put_text(
    kind: RangeKind,
    ranges: &[Range],
    style: &TextStyle,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    if kind.is_multi {
        out.put_u8(b'{');
    } else if ranges.is_empty() {
        out.put_slice(b"empty");
    }
    for (at, range) in ranges.iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        out.put_u8(if range.lower_inclusive { b'[' } else { b'(' });
        put_bound(kind, range.lower.as_ref(), style, out)?;
        out.put_u8(b',');
        put_bound(kind, range.upper.as_ref(), style, out)?;
        out.put_u8(if range.upper_inclusive { b']' } else { b')' });
    }
    if kind.is_multi {
        out.put_u8(b'}');
    }
    Ok(())
}

fn put_bound(
    kind: RangeKind,
    bound: Option<&Parameter>,
    style: &TextStyle,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    let Some(bound) = bound else { return Ok(()) };
    let mut text = BytesMut::new();
    write::put(kind.element, bound, Format::Text, style, &mut text)?;
    let is_special = |byte: &u8| {
        matches!(byte, b'"' | b'\\' | b'(' | b')' | b'[' | b']' | b',' | b' ' | b'\t'..=b'\r')
    };
    if text.iter().any(is_special) {
        out.put_u8(b'"');
        out.put_slice(&text);
        out.put_u8(b'"');
    } else {
        out.put_slice(&text);
    }
    Ok(())
}

pub(super) fn parse(oid: u32, text: &str, zone: Zone) -> Result<String, QueryError> {
    canonical_text(oid, &read(oid, text, zone)?)
}

fn canonical_text(oid: u32, ranges: &[Range]) -> Result<String, QueryError> {
    let mut out = BytesMut::new();
    if let Some(kind) = kind(oid) {
        put_text(kind, ranges, &TextStyle::default(), &mut out)?;
    }
    valid_text(&out).map(str::to_owned)
}

pub(super) fn put_shown(
    oid: u32,
    text: &str,
    style: &TextStyle,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    let ranges = read(oid, text, Zone::Fixed(0))?;
    kind(oid).map_or(Ok(()), |kind| put_text(kind, &ranges, style, out))
}

pub(super) fn receive(oid: u32, reader: &mut Reader) -> Result<String, QueryError> {
    let Some(kind) = kind(oid) else { return Err(invalid_syntax("range", "")) };
    if !kind.is_multi {
        return canonical_text(oid, &receive_one(kind, reader)?.into_iter().collect::<Vec<_>>());
    }
    let count = usize::try_from(reader.i32()?).unwrap_or(usize::MAX);
    if count > reader.remaining() / 4 {
        return Err(protocol_violation("insufficient data left in message"));
    }
    let mut ranges = Vec::new();
    for _ in 0..count {
        let size = reader.u32()? as usize;
        let mut inner = Reader::new(reader.bytes(size)?);
        ranges.extend(receive_one(kind, &mut inner)?);
        inner.finish()?;
    }
    canonical_text(oid, &joined(ranges))
}

fn receive_one(kind: RangeKind, reader: &mut Reader) -> Result<Option<Range>, QueryError> {
    let flags = reader.u8()?;
    let mut bound = |is_infinite: bool| {
        if is_infinite || flags & EMPTY != 0 {
            return Ok(None);
        }
        let size = usize::try_from(reader.i32()?)
            .map_err(|_| QueryError::new(INVALID_BINARY, "invalid length of a range bound"))?;
        decode_binary(kind.element, &reader.bytes(size)?).map(Some)
    };
    let lower = bound(flags & LOWER_INFINITE != 0)?;
    let upper = bound(flags & UPPER_INFINITE != 0)?;
    if flags & EMPTY != 0 {
        return Ok(None);
    }
    let (lower_inclusive, upper_inclusive) =
        (flags & LOWER_INCLUSIVE != 0, flags & UPPER_INCLUSIVE != 0);
    Range { lower, upper, lower_inclusive, upper_inclusive }.canonical(kind)
}

pub(super) fn send(oid: u32, text: &str, out: &mut BytesMut) -> Result<(), QueryError> {
    let Some(kind) = kind(oid) else { return Err(invalid_syntax("range", text)) };
    let ranges = read(oid, text, Zone::Fixed(0))?;
    if !kind.is_multi {
        return match ranges.first() {
            Some(range) => send_one(kind, range, out),
            None => {
                out.put_u8(EMPTY);
                Ok(())
            }
        };
    }
    out.put_i32(i32::try_from(ranges.len()).unwrap_or(i32::MAX));
    for range in &ranges {
        let mut one = BytesMut::new();
        send_one(kind, range, &mut one)?;
        out.put_u32(u32::try_from(one.len()).unwrap_or(u32::MAX));
        out.put_slice(&one);
    }
    Ok(())
}

fn send_one(kind: RangeKind, range: &Range, out: &mut BytesMut) -> Result<(), QueryError> {
    let mut flags = 0;
    for (is_set, flag) in [
        (range.lower_inclusive, LOWER_INCLUSIVE),
        (range.upper_inclusive, UPPER_INCLUSIVE),
        (range.lower.is_none(), LOWER_INFINITE),
        (range.upper.is_none(), UPPER_INFINITE),
    ] {
        flags |= if is_set { flag } else { 0 };
    }
    out.put_u8(flags);
    for bound in [&range.lower, &range.upper].into_iter().flatten() {
        let mut value = BytesMut::new();
        write::put(kind.element, bound, Format::Binary, &TextStyle::default(), &mut value)?;
        out.put_u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        out.put_slice(&value);
    }
    Ok(())
}

/// Empty ones first, then by lower and upper bound of each range in turn.
pub(super) fn compare(oid: u32, left: &str, right: &str) -> Option<Ordering> {
    let (left, right) =
        (read(oid, left, Zone::Fixed(0)).ok()?, read(oid, right, Zone::Fixed(0)).ok()?);
    let order = left
        .iter()
        .zip(&right)
        .map(|(left, right)| left.compare_lower(right).then_with(|| left.compare_upper(right)));
    Some(order.into_iter().find(|order| order.is_ne()).unwrap_or(left.len().cmp(&right.len())))
}
