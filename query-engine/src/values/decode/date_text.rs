//! Dates and instants that are not in ISO form: names of months, numbers without separators, American dates.
//!
//! Invariant: a date of three numbers whose order depends on DateStyle is read only where the caller says the
//! order, or where just one order is possible.

use super::datetime::{Parts, clock_of};
use crate::values::calendar::{CivilDate, SECONDS_PER_DAY, US_PER_SECOND, Zone, parse_offset};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH_NAMES: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Years of two digits from here on are of the last century.
const CENTURY_TURN: i64 = 70;

/// Which field comes first in `1/2/2024`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldOrder {
    /// Only where it makes no difference.
    Open,
    MonthFirst,
    DayFirst,
}

#[derive(Default)]
struct Found {
    year: Option<i64>,
    month: Option<u32>,
    day: Option<u32>,
    time_us: Option<i64>,
    zone: Option<ZoneText>,
    is_bc: bool,
}

enum ZoneText {
    Offset(i32),
    Named(Zone),
}

/// The parts of `text`; `None` where it is in no form that is known here.
pub(super) fn parts(text: &str, order: FieldOrder) -> Option<Parts> {
    let mut found = Found::default();
    for word in text.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty()) {
        found.take(word, order)?;
    }
    let (mut year, month, day) = (found.year?, found.month?, found.day?);
    if found.is_bc {
        year = 1 - year;
    }
    let days = CivilDate { year, month, day }.to_unix_days()?;
    let time_us = found.time_us.unwrap_or(0);
    let offset_seconds = found.zone.map(|zone| match zone {
        ZoneText::Offset(seconds) => seconds,
        ZoneText::Named(zone) => {
            let local = days.saturating_mul(SECONDS_PER_DAY) + time_us / US_PER_SECOND;
            zone.offset_at_local(local)
        }
    });
    Some(Parts { days, time_us, offset_seconds })
}

/// A month by its name or the first three letters of it.
fn month(word: &str) -> Option<u32> {
    let lower = word.trim_end_matches('.').to_ascii_lowercase();
    let at = MONTHS
        .iter()
        .position(|short| *short == lower)
        .or_else(|| MONTH_NAMES.iter().position(|name| *name == lower))
        .or_else(|| (lower == "sept").then_some(8))?;
    u32::try_from(at + 1).ok()
}

fn is_weekday(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    WEEKDAYS.iter().any(|day| lower.starts_with(day))
        && (lower.len() == 3 || lower.ends_with("day"))
}

fn whole(word: &str) -> Option<i64> {
    let is_number = (1..=7).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| word.parse().ok()).flatten()
}

fn year_of(word: &str) -> Option<i64> {
    let year = whole(word)?;
    Some(match word.len() {
        1 | 2 if year < CENTURY_TURN => year + 2_000,
        1 | 2 => year + 1_900,
        _ => year,
    })
}

impl Found {
    fn take(&mut self, word: &str, order: FieldOrder) -> Option<()> {
        let first = word.chars().next()?;
        if word.contains(':') && first.is_ascii_digit() {
            return self.take_time(word, order);
        }
        match word.to_ascii_lowercase().as_str() {
            half @ ("am" | "pm") => return self.take_half(half),
            "bc" => {
                self.is_bc = true;
                return Some(());
            }
            "ad" => return Some(()),
            _ => {}
        }
        if first.is_ascii_alphabetic() {
            return self.take_name(word, order);
        }
        if matches!(first, '+' | '-') && self.time_us.is_some() {
            self.zone = Some(ZoneText::Offset(parse_offset(word)?));
            return Some(());
        }
        if !first.is_ascii_digit() {
            return None;
        }
        // `20240115T102030`, and an ISO date beside its time.
        if let Some((date, time)) = word.split_once(['T', 't'])
            && !date.contains(|c: char| c.is_ascii_alphabetic())
        {
            self.take(date, order)?;
            return self.take_time(time, order);
        }
        match word.find(['-', '/', '.']) {
            Some(_) => self.take_fields(word, order),
            None => self.take_number(word),
        }
    }

    fn take_name(&mut self, word: &str, order: FieldOrder) -> Option<()> {
        if let Some(month) = month(word) {
            return self.month.replace(month).is_none().then_some(());
        }
        if is_weekday(word) {
            return Some(());
        }
        if word.contains('-') && word.split('-').next().and_then(month).is_some() {
            return self.take_fields(word, order);
        }
        let zone =
            if word.eq_ignore_ascii_case("z") { Zone::parse("UTC") } else { Zone::parse(word) };
        self.zone = Some(ZoneText::Named(zone?));
        Some(())
    }

    fn take_time(&mut self, word: &str, order: FieldOrder) -> Option<()> {
        let end = word.find(|c: char| !matches!(c, '0'..='9' | ':' | '.')).unwrap_or(word.len());
        let (clock, rest) = word.split_at(end);
        self.time_us = Some(clock_of(clock)?);
        if rest.is_empty() {
            return Some(());
        }
        let half = rest.get(..2).map(str::to_ascii_lowercase);
        match half.as_deref() {
            Some(half @ ("am" | "pm")) => {
                self.take_half(half)?;
                if rest.len() > 2 { self.take(&rest[2..], order) } else { Some(()) }
            }
            _ => self.take(rest, order),
        }
    }

    fn take_half(&mut self, half: &str) -> Option<()> {
        let noon = 12 * 3_600 * US_PER_SECOND;
        let us = self.time_us.filter(|us| *us < noon + 3_600 * US_PER_SECOND)?;
        self.time_us = Some(us % noon + if half == "pm" { noon } else { 0 });
        Some(())
    }

    /// `2024-01-15`, `15-Jan-2024`, `1/15/2024`, `2024.032`.
    fn take_fields(&mut self, word: &str, order: FieldOrder) -> Option<()> {
        let fields: Vec<&str> = word.split(['-', '/', '.']).collect();
        if self.day.is_some() || self.year.is_some() {
            return None;
        }
        if let [year, day_of_year] = fields.as_slice() {
            let is_ordinal = year.len() == 4 && day_of_year.len() == 3;
            let (year, number) = (whole(year)?, whole(day_of_year).filter(|_| is_ordinal)?);
            let first = CivilDate { year, month: 1, day: 1 }.to_unix_days()?;
            let date = CivilDate::from_unix_days(first + number - 1);
            (self.year, self.month, self.day) = (Some(date.year), Some(date.month), Some(date.day));
            return (number >= 1 && date.year == year).then_some(());
        }
        let [a, b, c] = fields.as_slice() else { return None };
        let small = |word: &str| u32::try_from(whole(word)?).ok();
        let (year, month, day) = match (month(a), month(b)) {
            (Some(found), _) => (year_of(c)?, found, small(b)?),
            (None, Some(found)) if a.len() > 2 => (year_of(a)?, found, small(c)?),
            (None, Some(found)) => (year_of(c)?, found, small(a)?),
            (None, None) if a.len() > 2 => (year_of(a)?, small(b)?, small(c)?),
            (None, None) => {
                let (first, second) = (small(a)?, small(b)?);
                let (month, day) = match order {
                    FieldOrder::MonthFirst => (first, second),
                    FieldOrder::DayFirst => (second, first),
                    FieldOrder::Open if second > 12 || first == second => (first, second),
                    FieldOrder::Open => return None,
                };
                (year_of(c)?, month, day)
            }
        };
        (self.year, self.month, self.day) = (Some(year), Some(month), Some(day));
        Some(())
    }

    /// A number without separators: by its length, and by what is still open.
    fn take_number(&mut self, word: &str) -> Option<()> {
        let is_open = self.year.is_none() && self.month.is_none() && self.day.is_none();
        let part = |from: usize, to: usize| word.get(from..to).and_then(whole);
        let small = |from: usize, to: usize| u32::try_from(part(from, to)?).ok();
        match word.len() {
            8 if is_open => {
                self.year = part(0, 4);
                (self.month, self.day) = (small(4, 6), small(6, 8));
            }
            6 if is_open => {
                self.year = year_of(word.get(..2)?);
                (self.month, self.day) = (small(2, 4), small(4, 6));
            }
            4 | 6 if self.day.is_some() && self.year.is_some() && self.time_us.is_none() => {
                let seconds = if word.len() == 6 { part(4, 6)? } else { 0 };
                let clock = format!("{}:{}:{seconds}", part(0, 2)?, part(2, 4)?);
                self.time_us = Some(clock_of(&clock)?);
            }
            1 | 2 if self.day.is_none() => self.day = small(0, word.len()),
            _ if self.month.is_some() && self.year.is_none() => self.year = year_of(word),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_months_and_bare_numbers_are_dates() {
        let days = |text: &str| parts(text, FieldOrder::MonthFirst).map(|found| found.days);
        let wanted = CivilDate { year: 2024, month: 1, day: 15 }.to_unix_days();
        for text in [
            "January 15, 2024",
            "15 Jan 2024",
            "15-Jan-2024",
            "Jan-15-2024",
            "2024-Jan-15",
            "1/15/2024",
            "20240115",
            "240115",
            "2024.015",
            "Mon Jan 15 2024",
        ] {
            assert_eq!(days(text), wanted, "{text}");
        }
        assert_eq!(parts("1/2/2024", FieldOrder::Open).map(|found| found.days), None);
        let noon = parts("2024-01-15 10:20 PM", FieldOrder::Open).map(|found| found.time_us);
        assert_eq!(noon, Some((22 * 3_600 + 20 * 60) * US_PER_SECOND));
    }
}
