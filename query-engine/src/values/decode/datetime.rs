//! Dates and instants: ISO 8601 text as PostgreSQL prints and drivers send it, and binary.

use crate::{QueryError, SqlState};

use super::date_text::{self, FieldOrder};
use super::number::trim;
use crate::values::calendar::{
    CivilDate, PG_EPOCH_DAYS, PG_EPOCH_US, SECONDS_PER_DAY, US_PER_DAY, US_PER_SECOND, Zone,
    parse_offset,
};
use crate::values::reader::Reader;

/// Largest year that is read; PostgreSQL's last is 294276 for instants, 5874897 for dates.
const YEAR_MAX: i64 = 5_874_897;

/// Days since 1970-01-01.
pub(crate) fn parse_date(text: &str) -> Result<i32, QueryError> {
    match special(text) {
        Some(Special::Infinity) => return Ok(i32::MAX),
        Some(Special::NegativeInfinity) => return Ok(i32::MIN),
        Some(Special::Epoch) => return Ok(0),
        None => {}
    }
    // A time after the date is checked and dropped, as a cast from timestamp to date drops it.
    let instant = parse_parts("date", text)?;
    i32::try_from(instant.days).map_err(|_| out_of_range(text))
}

/// Microseconds since 1970-01-01 00:00:00. With a zone (`timestamptz`) an offset in the text counts, and
/// without one the zone's; without a zone (`timestamp`) an offset is checked and ignored.
pub(crate) fn parse_timestamp(text: &str, zone: Option<Zone>) -> Result<i64, QueryError> {
    match special(text) {
        Some(Special::Infinity) => return Ok(i64::MAX),
        Some(Special::NegativeInfinity) => return Ok(i64::MIN),
        Some(Special::Epoch) => return Ok(0),
        None => {}
    }
    let shown_type = if zone.is_some() { "timestamp with time zone" } else { "timestamp" };
    let parts = parse_parts(shown_type, text)?;
    let us = parts.days.checked_mul(US_PER_DAY).and_then(|us| us.checked_add(parts.time_us));
    let us = us.ok_or_else(|| out_of_range(text))?;
    let Some(zone) = zone else { return Ok(us) };
    let local_seconds = us.div_euclid(US_PER_SECOND);
    let offset = parts.offset_seconds.unwrap_or_else(|| zone.offset_at_local(local_seconds));
    us.checked_sub(i64::from(offset) * US_PER_SECOND).ok_or_else(|| out_of_range(text))
}

enum Special {
    Infinity,
    NegativeInfinity,
    Epoch,
}

fn special(text: &str) -> Option<Special> {
    match trim(text).to_ascii_lowercase().as_str() {
        "infinity" | "+infinity" => Some(Special::Infinity),
        "-infinity" => Some(Special::NegativeInfinity),
        "epoch" => Some(Special::Epoch),
        _ => None,
    }
}

/// What a text says of an instant.
pub(super) struct Parts {
    pub(super) days: i64,
    pub(super) time_us: i64,
    pub(super) offset_seconds: Option<i32>,
}

/// A text in ISO form, or in another that is known.
fn parse_parts(shown_type: &str, text: &str) -> Result<Parts, QueryError> {
    parse_iso(shown_type, text)
        .or_else(|error| date_text::parts(trim(text), FieldOrder::Open).ok_or(error))
}

/// A date or instant that may be written with day or month first, in ISO form; `None` where it is in no
/// such form.
pub(crate) fn in_iso_form(text: &str, is_day_first: bool) -> Option<String> {
    let order = if is_day_first { FieldOrder::DayFirst } else { FieldOrder::MonthFirst };
    let end = text.find([' ', ',']).unwrap_or(text.len());
    let (date, rest) = text.split_at(end);
    // Only what starts with a day or a month depends on the order.
    let is_numbers = date.find(['/', '-', '.']).is_some_and(|at| at <= 2)
        && date.bytes().all(|byte| byte.is_ascii_digit() || b"/-.".contains(&byte));
    let found = date_text::parts(date, order).filter(|_| is_numbers)?;
    let CivilDate { year, month, day } = CivilDate::from_unix_days(found.days);
    Some(format!("{year:04}-{month:02}-{day:02}{rest}"))
}

/// Microseconds of a clock in range.
pub(super) fn clock_of(text: &str) -> Option<i64> {
    clock_us(text).flatten()
}

/// `YYYY-MM-DD[(T| )HH:MM[:SS[.ffffff]][ ][offset]][ BC]`.
fn parse_iso(shown_type: &str, text: &str) -> Result<Parts, QueryError> {
    let invalid = || {
        let message = format!("invalid input syntax for type {shown_type}: \"{text}\"");
        QueryError::new(SqlState::INVALID_DATETIME, message)
    };
    let trimmed = trim(text);
    let (trimmed, is_bc) =
        match trimmed.len().checked_sub(2).and_then(|at| trimmed.split_at_checked(at)) {
            Some((rest, era)) if era.eq_ignore_ascii_case("BC") => (trim(rest), true),
            _ => (trimmed, false),
        };
    let date_end = trimmed.find(['T', 't', ' ']).unwrap_or(trimmed.len());
    let mut fields = trimmed[..date_end].splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(invalid());
    };
    if year.len() < 3 {
        // Two digits could be a day, a month or a year, by DateStyle.
        return Err(invalid());
    }
    let (Some(year), Some(month), Some(day)) = (digits(year), digits(month), digits(day)) else {
        return Err(invalid());
    };
    if !(1..=YEAR_MAX).contains(&year) {
        return Err(out_of_range(text));
    }
    let year = if is_bc { 1 - year } else { year };
    let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let date = CivilDate { year, month: small(month), day: small(day) };
    let days = date.to_unix_days().ok_or_else(|| {
        let error = out_of_range(text);
        // A month or day that no calendar has may be one of another order.
        if (1..=12).contains(&date.month) && (1..=31).contains(&date.day) {
            return error;
        }
        error.with_hint("Perhaps you need a different \"datestyle\" setting.")
    })?;
    let clock = trimmed.get(date_end + 1..).map_or("", trim);
    if clock.is_empty() {
        return Ok(Parts { days, time_us: 0, offset_seconds: None });
    }
    let (time, offset) = split_offset(clock);
    let time_us = clock_us(time).ok_or_else(invalid)?.ok_or_else(|| out_of_range(text))?;
    let offset_seconds = match trim(offset) {
        "" => None,
        "Z" | "z" | "UTC" => Some(0),
        offset if offset.starts_with(['+', '-']) => Some(parse_offset(offset).ok_or_else(invalid)?),
        name => {
            let zone = Zone::parse(name).ok_or_else(invalid)?;
            let local = days.saturating_mul(SECONDS_PER_DAY) + time_us / US_PER_SECOND;
            Some(zone.offset_at_local(local))
        }
    };
    Ok(Parts { days, time_us, offset_seconds })
}

fn split_offset(clock: &str) -> (&str, &str) {
    let end = clock.find(|character: char| !matches!(character, '0'..='9' | ':' | '.'));
    clock.split_at(end.unwrap_or(clock.len()))
}

/// Microseconds of the day of a `time`; a date in front and a zone behind are dropped.
///
/// # Errors
/// 22007 for text of another form, 22008 for a field out of range.
pub(crate) fn parse_time(text: &str) -> Result<i64, QueryError> {
    let us = parse_time_with_rest(text)?.map(|(us, _)| us);
    us.ok_or_else(|| {
        let message = format!("invalid input syntax for type time: \"{text}\"");
        QueryError::new(SqlState::INVALID_DATETIME, message).about(text)
    })
}

/// Microseconds of the day, and what follows the clock; `None` for text of another form.
///
/// # Errors
/// 22008 for a field out of range.
pub(crate) fn parse_time_with_rest(text: &str) -> Result<Option<(i64, &str)>, QueryError> {
    let mut clock = trim(text);
    // A date may stand in front: `2020-01-01 04:05`.
    if let Some((date, rest)) = clock.split_once([' ', 'T'])
        && date.len() > 4
        && date.contains('-')
        && !date.contains(':')
    {
        clock = trim(rest);
    }
    let (time, rest) = split_offset(clock);
    let bare;
    let time = match time.len() {
        // `0405` and `040506` without colons.
        4 | 6 if !time.contains([':', '.']) && time.is_ascii() => {
            let mut parts = vec![&time[..2], &time[2..4]];
            parts.extend(time.get(4..).filter(|seconds| !seconds.is_empty()));
            bare = parts.join(":");
            bare.as_str()
        }
        _ => time,
    };
    let Some(us) = clock_us(time) else { return Ok(None) };
    let mut us = us.ok_or_else(|| out_of_range(text))?;
    let mut rest = trim(rest);
    for (word, is_afternoon) in [("am", false), ("pm", true)] {
        if rest.get(..2).is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            let half = US_PER_DAY / 2;
            if us >= half + US_PER_SECOND * 3_600 {
                return Err(out_of_range(text));
            }
            us = us % half + if is_afternoon { half } else { 0 };
            rest = trim(&rest[2..]);
        }
    }
    Ok(Some((us, rest)))
}

/// Microseconds of `HH:MM[:SS[.ffffff]]`; `None` for another form, `Some(None)` for a field out of range.
/// More than six digits of the fraction are rounded, as PostgreSQL does.
fn clock_us(text: &str) -> Option<Option<i64>> {
    let mut fields = text.splitn(3, ':');
    let (hour, minute) = (digits(fields.next()?)?, digits(fields.next()?)?);
    let (second, fraction) = match fields.next() {
        None => (0, ""),
        Some(seconds) => {
            let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
            (digits(second)?, fraction)
        }
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut us = 0;
    for place in 0..6 {
        us = us * 10 + fraction.as_bytes().get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    us += i64::from(fraction.as_bytes().get(6).is_some_and(|&digit| digit >= b'5'));
    let whole = (hour * 3_600 + minute * 60 + second) * US_PER_SECOND + us;
    // 24:00:00 and a 60th second are allowed where PostgreSQL allows them.
    let in_range = hour <= 24 && minute <= 59 && second <= 60 && whole <= US_PER_DAY;
    Some(in_range.then_some(whole))
}

/// A number of at most seven digits.
fn digits(text: &str) -> Option<i64> {
    let is_number = (1..=7).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn out_of_range(text: &str) -> QueryError {
    let message = format!("date/time field value out of range: \"{text}\"");
    QueryError::new(SqlState::DATETIME_OVERFLOW, message)
}

/// Days since 1970-01-01 from days since 2000-01-01.
pub(super) fn read_date(reader: &mut Reader) -> Result<i32, QueryError> {
    match reader.i32()? {
        infinite @ (i32::MAX | i32::MIN) => Ok(infinite),
        days => days
            .checked_add(PG_EPOCH_DAYS)
            .ok_or_else(|| QueryError::new(SqlState::DATETIME_OVERFLOW, "date out of range")),
    }
}

/// Microseconds since 1970 from microseconds since 2000.
pub(super) fn read_timestamp(reader: &mut Reader) -> Result<i64, QueryError> {
    match reader.i64()? {
        infinite @ (i64::MAX | i64::MIN) => Ok(infinite),
        us => us
            .checked_add(PG_EPOCH_US)
            .ok_or_else(|| QueryError::new(SqlState::DATETIME_OVERFLOW, "timestamp out of range")),
    }
}

/// Microseconds of a day.
pub(super) fn read_time(reader: &mut Reader) -> Result<i64, QueryError> {
    match reader.i64()? {
        us if (0..=US_PER_DAY).contains(&us) => Ok(us),
        _ => Err(QueryError::new(SqlState::DATETIME_OVERFLOW, "time out of range")),
    }
}
