//! Dates and instants as the DateStyle setting wants them: ISO, SQL, Postgres or German.

use bytes::{BufMut, BytesMut};

use super::datetime::{put_offset, put_time, put_two};
use super::number::put_integer;
use crate::values::calendar::{CivilDate, Zone};

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Output style of dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Iso,
    Sql,
    Postgres,
    German,
}

/// The DateStyle setting, as far as output needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateStyle {
    output: Output,
    day_first: bool,
}

impl DateStyle {
    pub(crate) const ISO: Self = Self { output: Output::Iso, day_first: false };

    /// Whether `1/2/2024` is the first of February.
    pub(crate) fn is_day_first(self) -> bool {
        self.day_first
    }

    /// Reads the form that SHOW prints, such as `SQL, DMY`; ISO for any other.
    pub(crate) fn parse(setting: &str) -> Self {
        let (output, order) = setting.split_once(',').unwrap_or((setting, ""));
        let output = match output.trim() {
            "SQL" => Output::Sql,
            "Postgres" => Output::Postgres,
            "German" => Output::German,
            _ => Output::Iso,
        };
        Self { output, day_first: order.trim() == "DMY" }
    }

    /// A date with its era.
    pub(crate) fn put_date(self, out: &mut BytesMut, date: CivilDate) {
        let (month, day) = (i64::from(date.month), i64::from(date.day));
        let in_order = if self.day_first { (day, month) } else { (month, day) };
        match self.output {
            Output::Iso => {
                put_year(out, date);
                put_pair(out, b'-', month, b'-', day);
            }
            Output::Sql => put_numbers(out, in_order, b'/', date),
            Output::Postgres => put_numbers(out, in_order, b'-', date),
            Output::German => put_numbers(out, (day, month), b'.', date),
        }
        put_era(out, date);
    }

    /// An instant: `date` is its day, `unix_days` the same as a number, `us` the time of that day.
    pub(crate) fn put_instant(
        self,
        out: &mut BytesMut,
        date: CivilDate,
        unix_days: i64,
        us: i64,
        zone: Option<(Zone, i64, i32)>,
    ) {
        let (month, day) = (i64::from(date.month), i64::from(date.day));
        match self.output {
            Output::Iso => {
                put_year(out, date);
                put_pair(out, b'-', month, b'-', day);
                out.put_u8(b' ');
                put_time(out, us);
                if let Some((_, _, offset)) = zone {
                    put_offset(out, offset);
                }
                return put_era(out, date);
            }
            Output::Sql if self.day_first => put_numbers(out, (day, month), b'/', date),
            Output::Sql => put_numbers(out, (month, day), b'/', date),
            Output::German => put_numbers(out, (day, month), b'.', date),
            Output::Postgres => {
                // 1970-01-01 was a Thursday.
                put_word(out, &DAYS, (unix_days + 4).rem_euclid(7));
                out.put_u8(b' ');
                if self.day_first {
                    put_two(out, day);
                    out.put_u8(b' ');
                }
                put_word(out, &MONTHS, month - 1);
                if !self.day_first {
                    out.put_u8(b' ');
                    put_two(out, day);
                }
            }
        }
        out.put_u8(b' ');
        put_time(out, us);
        if self.output == Output::Postgres {
            out.put_u8(b' ');
            put_year(out, date);
        }
        if let Some((zone, unix_seconds, offset)) = zone {
            out.put_u8(b' ');
            match zone.abbreviation_at(unix_seconds) {
                Some(name) => out.put_slice(name.as_bytes()),
                None => put_offset(out, offset),
            }
        }
        put_era(out, date);
    }
}

fn put_word(out: &mut BytesMut, words: &[&str], index: i64) {
    let word = usize::try_from(index).ok().and_then(|index| words.get(index));
    out.put_slice(word.unwrap_or(&"").as_bytes());
}

fn put_numbers(out: &mut BytesMut, (first, second): (i64, i64), mark: u8, date: CivilDate) {
    put_two(out, first);
    out.put_u8(mark);
    put_two(out, second);
    out.put_u8(mark);
    put_year(out, date);
}

fn put_pair(out: &mut BytesMut, before: u8, first: i64, between: u8, second: i64) {
    out.put_u8(before);
    put_two(out, first);
    out.put_u8(between);
    put_two(out, second);
}

/// At least four digits; years before 1 counted back from 1 BC.
fn put_year(out: &mut BytesMut, date: CivilDate) {
    let year = if date.year > 0 { date.year } else { 1 - date.year };
    if year < 10_000 {
        put_two(out, year / 100);
        put_two(out, year % 100);
    } else {
        put_integer(out, year);
    }
}

fn put_era(out: &mut BytesMut, date: CivilDate) {
    if date.year <= 0 {
        out.put_slice(b" BC");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1997-12-17 15:37:16.5 UTC, and the ides of March of 44 BC.
    #[test]
    fn every_style_prints_as_postgresql_does() {
        let date = CivilDate { year: 1997, month: 12, day: 17 };
        let days = date.to_unix_days().unwrap();
        let us = ((15 * 60 + 37) * 60 + 16) * 1_000_000 + 500_000;
        let zone = Zone::parse("America/Los_Angeles").unwrap();
        for (setting, shown_date, instant) in [
            ("ISO, MDY", "1997-12-17", "1997-12-17 15:37:16.5-08"),
            ("SQL, MDY", "12/17/1997", "12/17/1997 15:37:16.5 PST"),
            ("SQL, DMY", "17/12/1997", "17/12/1997 15:37:16.5 PST"),
            ("Postgres, MDY", "12-17-1997", "Wed Dec 17 15:37:16.5 1997 PST"),
            ("Postgres, DMY", "17-12-1997", "Wed 17 Dec 15:37:16.5 1997 PST"),
            ("German, DMY", "17.12.1997", "17.12.1997 15:37:16.5 PST"),
        ] {
            let style = DateStyle::parse(setting);
            let mut out = BytesMut::new();
            style.put_date(&mut out, date);
            assert_eq!(out, shown_date, "{setting}");
            out.clear();
            let place = Some((zone, days * 86_400, -8 * 3_600));
            style.put_instant(&mut out, date, days, us, place);
            assert_eq!(out, instant, "{setting}");
        }
        let mut out = BytesMut::new();
        let ides = CivilDate { year: -43, month: 3, day: 15 };
        DateStyle::parse("SQL, DMY").put_date(&mut out, ides);
        assert_eq!(out, "15/03/0044 BC");
    }
}
