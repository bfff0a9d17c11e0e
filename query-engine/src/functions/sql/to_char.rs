//! `to_char` of instants and intervals, with PostgreSQL's format words.

use datafusion::scalar::ScalarValue;

use super::Entry;
use super::arguments::{Arguments, text};
use super::calendar::{local, midnight};
use super::extract::iso_week;
use crate::values::calendar::{CivilDate, US_PER_DAY, US_PER_SECOND};
use crate::{QueryError, SqlState};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const ROMAN: [&str; 12] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
/// Format words, longer ones before those that they start with.
const WORDS: &[&str] = &[
    "SSSSS", "SSSS", "Y,YYY", "YYYY", "IYYY", "HH24", "HH12", "MONTH", "Month", "month", "A.D.",
    "B.C.", "a.d.", "b.c.", "A.M.", "P.M.", "a.m.", "p.m.", "YYY", "IYY", "DAY", "Day", "day",
    "DDD", "MON", "Mon", "mon", "IDDD", "TZH", "TZM", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
    "AD", "BC", "ad", "bc", "AM", "PM", "am", "pm", "YY", "IY", "DY", "Dy", "dy", "DD", "ID", "WW",
    "IW", "CC", "HH", "MI", "SS", "MS", "US", "MM", "RM", "rm", "TZ", "tz", "OF", "Y", "I", "D",
    "W", "J", "Q",
];
const JULIAN_EPOCH: i64 = 2_440_588;

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("to_char(timestamp,text) text", |call| shown(&Moment::at(call.int(0), None), call)),
    Entry("to_char(date,text) text", |call| shown(&Moment::at(midnight(call.int(0))?, None), call)),
    Entry("to_char(timestamptz,text) text", |call| {
        let us = call.int(0);
        let seconds = us.div_euclid(US_PER_SECOND);
        let offset = call.zone.offset_at(seconds);
        let name = call.zone.abbreviation_at(seconds).unwrap_or_default();
        shown(&Moment::at(local(us, call.zone), Some((offset, name))), call)
    }),
    Entry("to_char(interval,text) text", |call| {
        let interval = call.interval(0);
        let moment = Moment {
            civil: CivilDate {
                year: interval.months / 12,
                month: u32::try_from(interval.months % 12).unwrap_or(0),
                day: u32::try_from(interval.days).unwrap_or(0),
            },
            days: interval.days,
            hour: interval.us / (3_600 * US_PER_SECOND),
            us: interval.us % (3_600 * US_PER_SECOND),
            zone: None,
            is_interval: true,
        };
        shown(&moment, call)
    }),
];

struct Moment {
    civil: CivilDate,
    days: i64,
    hour: i64,
    /// Within the hour.
    us: i64,
    /// Offset in seconds and name.
    zone: Option<(i32, String)>,
    is_interval: bool,
}

impl Moment {
    fn at(us: i64, zone: Option<(i32, String)>) -> Self {
        let days = us.div_euclid(US_PER_DAY);
        let in_day = us.rem_euclid(US_PER_DAY);
        let hour_us = 3_600 * US_PER_SECOND;
        Self {
            civil: CivilDate::from_unix_days(days),
            days,
            hour: in_day / hour_us,
            us: in_day % hour_us,
            zone,
            is_interval: false,
        }
    }
}

fn shown(moment: &Moment, call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    let mut out = String::new();
    let mut rest = call.text(1);
    let mut is_bare = false;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix('"') {
            let end = after.find('"').unwrap_or(after.len());
            out.push_str(&after[..end].replace("\\\"", "\""));
            rest = after.get(end + 1..).unwrap_or("");
            continue;
        }
        if let Some(after) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
            (is_bare, rest) = (true, after);
            continue;
        }
        if let Some(after) = rest.strip_prefix("FX").or_else(|| rest.strip_prefix("TM")) {
            rest = after;
            continue;
        }
        let word = WORDS.iter().find(|word| {
            // Words of digits alone are known in any case.
            rest.starts_with(**word)
                || (rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
                    && is_of_digits(word))
        });
        let Some(word) = word else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        rest = &rest[word.len()..];
        let made = part(moment, word, is_bare)?;
        out.push_str(&made);
        for (suffix, is_upper) in [("TH", true), ("th", false)] {
            if is_of_digits(word)
                && let Some(after) = rest.strip_prefix(suffix)
            {
                rest = after;
                let ending = ordinal(&made);
                out.push_str(&if is_upper { ending.to_uppercase() } else { ending.to_owned() });
            }
        }
        is_bare = false;
    }
    Ok(text(out))
}

fn is_of_digits(word: &str) -> bool {
    !matches!(
        word,
        "MONTH"
            | "Month"
            | "month"
            | "MON"
            | "Mon"
            | "mon"
            | "DAY"
            | "Day"
            | "day"
            | "DY"
            | "Dy"
            | "dy"
    ) && !word.contains('.')
        && !matches!(word, "AM" | "PM" | "am" | "pm" | "AD" | "BC" | "ad" | "bc" | "RM" | "rm")
        && !matches!(word, "TZ" | "tz" | "OF")
}

fn ordinal(number: &str) -> &'static str {
    let teens = number.len() > 1 && number.as_bytes()[number.len() - 2] == b'1';
    match number.bytes().last() {
        Some(b'1') if !teens => "st",
        Some(b'2') if !teens => "nd",
        Some(b'3') if !teens => "rd",
        _ => "th",
    }
}

fn part(moment: &Moment, word: &str, is_bare: bool) -> Result<String, QueryError> {
    let found = of_clock(moment, word, is_bare)
        .or_else(|| of_year(moment, word, is_bare))
        .or_else(|| if moment.is_interval { None } else { of_day(moment, word, is_bare) });
    // An interval has months and days, but they are no place in a calendar.
    let found = found.or_else(|| match word {
        "MM" => Some(digits(i64::from(moment.civil.month), 2, is_bare)),
        "DD" => Some(digits(i64::from(moment.civil.day), 2, is_bare)),
        _ => None,
    });
    found.ok_or_else(|| {
        let message = format!("to_char() of such a value with \"{word}\" is not supported");
        QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
    })
}

fn digits(value: i64, width: usize, is_bare: bool) -> String {
    if is_bare { value.to_string() } else { format!("{value:0width$}") }
}

fn of_clock(moment: &Moment, word: &str, is_bare: bool) -> Option<String> {
    let digits = |value: i64, width: usize| digits(value, width, is_bare);
    let (minute, second) = (moment.us / (60 * US_PER_SECOND), moment.us / US_PER_SECOND % 60);
    let fraction = moment.us % US_PER_SECOND;
    let twelve = if moment.hour % 12 == 0 { 12 } else { moment.hour % 12 };
    Some(match word {
        "HH24" => digits(moment.hour, 2),
        "HH12" | "HH" => digits(twelve, 2),
        "MI" => digits(minute, 2),
        "SS" => digits(second, 2),
        "SSSS" | "SSSSS" => (moment.hour * 3_600 + minute * 60 + second).to_string(),
        "MS" | "FF3" => format!("{:03}", fraction / 1_000),
        "US" | "FF6" => format!("{fraction:06}"),
        "FF1" => (fraction / 100_000).to_string(),
        "FF2" => format!("{:02}", fraction / 10_000),
        "FF4" => format!("{:04}", fraction / 100),
        "FF5" => format!("{:05}", fraction / 10),
        "AM" | "PM" => (if moment.hour % 24 < 12 { "AM" } else { "PM" }).to_owned(),
        "am" | "pm" => (if moment.hour % 24 < 12 { "am" } else { "pm" }).to_owned(),
        "A.M." | "P.M." => (if moment.hour % 24 < 12 { "A.M." } else { "P.M." }).to_owned(),
        "a.m." | "p.m." => (if moment.hour % 24 < 12 { "a.m." } else { "p.m." }).to_owned(),
        "TZ" => moment.zone.as_ref().map_or(String::new(), |zone| zone.1.to_uppercase()),
        "tz" => moment.zone.as_ref().map_or(String::new(), |zone| zone.1.to_lowercase()),
        "TZH" | "TZM" | "OF" => offset(moment.zone.as_ref().map_or(0, |zone| zone.0), word),
        _ => return None,
    })
}

fn of_year(moment: &Moment, word: &str, is_bare: bool) -> Option<String> {
    let digits = |value: i64, width: usize| digits(value, width, is_bare);
    let year = moment.civil.year;
    let era_year = if year > 0 || moment.is_interval { year } else { 1 - year };
    Some(match word {
        "YYYY" => digits(era_year, 4),
        "Y,YYY" => format!("{},{:03}", era_year / 1_000, era_year % 1_000),
        "YYY" => digits(era_year % 1_000, 3),
        "YY" => digits(era_year % 100, 2),
        "Y" => (era_year % 10).to_string(),
        "IYYY" => digits(iso_week(moment.days).0, 4),
        "IYY" => digits(iso_week(moment.days).0 % 1_000, 3),
        "IY" => digits(iso_week(moment.days).0 % 100, 2),
        "I" => (iso_week(moment.days).0 % 10).to_string(),
        "CC" => digits((era_year + 99) / 100, 2),
        "AD" | "BC" => (if year > 0 { "AD" } else { "BC" }).to_owned(),
        "ad" | "bc" => (if year > 0 { "ad" } else { "bc" }).to_owned(),
        "A.D." | "B.C." => (if year > 0 { "A.D." } else { "B.C." }).to_owned(),
        "a.d." | "b.c." => (if year > 0 { "a.d." } else { "b.c." }).to_owned(),
        _ => return None,
    })
}

fn of_day(moment: &Moment, word: &str, is_bare: bool) -> Option<String> {
    let digits = |value: i64, width: usize| digits(value, width, is_bare);
    let padded = |name: &str, width: usize| {
        if is_bare { name.to_owned() } else { format!("{name:width$}") }
    };
    let month = (moment.civil.month as usize).saturating_sub(1).min(11);
    let weekday = (moment.days + 4).rem_euclid(7) as usize;
    let doy = || {
        let first = CivilDate { month: 1, day: 1, ..moment.civil }.to_unix_days();
        moment.days - first.unwrap_or(moment.days) + 1
    };
    Some(match word {
        "MONTH" => padded(&MONTHS[month].to_uppercase(), 9),
        "Month" => padded(MONTHS[month], 9),
        "month" => padded(&MONTHS[month].to_lowercase(), 9),
        "MON" => MONTHS[month][..3].to_uppercase(),
        "Mon" => MONTHS[month][..3].to_owned(),
        "mon" => MONTHS[month][..3].to_lowercase(),
        "DAY" => padded(&DAYS[weekday].to_uppercase(), 9),
        "Day" => padded(DAYS[weekday], 9),
        "day" => padded(&DAYS[weekday].to_lowercase(), 9),
        "DY" => DAYS[weekday][..3].to_uppercase(),
        "Dy" => DAYS[weekday][..3].to_owned(),
        "dy" => DAYS[weekday][..3].to_lowercase(),
        "MM" => digits(i64::from(moment.civil.month), 2),
        "DD" => digits(i64::from(moment.civil.day), 2),
        "DDD" => digits(doy(), 3),
        "IDDD" => {
            let (_, week) = iso_week(moment.days);
            digits((week - 1) * 7 + (moment.days + 3).rem_euclid(7) + 1, 3)
        }
        "D" => (weekday + 1).to_string(),
        "ID" => (if weekday == 0 { 7 } else { weekday }).to_string(),
        "W" => ((moment.civil.day - 1) / 7 + 1).to_string(),
        "WW" => digits((doy() - 1) / 7 + 1, 2),
        "IW" => digits(iso_week(moment.days).1, 2),
        "J" => (moment.days + JULIAN_EPOCH).to_string(),
        "Q" => moment.civil.month.div_ceil(3).to_string(),
        "RM" => padded(ROMAN[month], 4),
        "rm" => padded(&ROMAN[month].to_lowercase(), 4),
        _ => return None,
    })
}

fn offset(seconds: i32, word: &str) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3_600, seconds.abs() / 60 % 60);
    match word {
        "TZH" => format!("{sign}{hours:02}"),
        "TZM" => format!("{minutes:02}"),
        _ if minutes == 0 => format!("{sign}{hours:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}"),
    }
}
