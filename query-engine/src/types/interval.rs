//! Text of `interval` as PostgreSQL reads it: `1 year 2 mons -3 days 04:05:06.7`, `P1Y2M3DT4H5M6S`,
//! `1-2`, each part with a sign of its own.

use datafusion::arrow::datatypes::IntervalMonthDayNano;

use crate::{QueryError, SqlState};

const US_PER_SECOND: i64 = 1_000_000;
const US_PER_DAY: i64 = 86_400 * US_PER_SECOND;
const NS_PER_US: i64 = 1_000;
/// Days that a fraction of a month counts with, as PostgreSQL does.
const DAYS_PER_MONTH: i64 = 30;

/// Months, days and microseconds, kept apart.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    us: i64,
}

/// What a unit stands for.
#[derive(Clone, Copy)]
enum Unit {
    Months(i64),
    Days(i64),
    Us(i64),
}

/// The interval that `text` names, where nanoseconds can count it.
///
/// # Errors
/// As [`parse_parts`], also 22008 for a time past some 292 years.
pub(crate) fn parse(text: &str) -> Result<IntervalMonthDayNano, QueryError> {
    let (months, days, us) = parse_parts(text)?;
    let nanoseconds = us.checked_mul(NS_PER_US).ok_or_else(|| out_of_range(text))?;
    Ok(IntervalMonthDayNano::new(months, days, nanoseconds))
}

/// Months, days and microseconds of the interval that `text` names.
///
/// # Errors
/// 22007 for text of another form, 22008 for one that is too large.
pub(crate) fn parse_parts(text: &str) -> Result<(i32, i32, i64), QueryError> {
    let trimmed = text.trim();
    let sum = match trimmed.strip_prefix(['P', 'p']) {
        Some(designators) => iso(designators),
        None => words(trimmed),
    };
    let sum = sum.ok_or_else(|| {
        QueryError::new(
            SqlState::INVALID_DATETIME,
            format!("invalid input syntax for type interval: \"{text}\""),
        )
        .about(text)
    })?;
    let (months, days) = i32::try_from(sum.months)
        .ok()
        .zip(i32::try_from(sum.days).ok())
        .ok_or_else(|| out_of_range(text))?;
    Ok((months, days, sum.us))
}

fn out_of_range(text: &str) -> QueryError {
    let message = format!("interval field value out of range: \"{text}\"");
    QueryError::new(SqlState::DATETIME_OVERFLOW, message).about(text)
}

/// `1 day 2 hours`, `3 04:05`, `1-2`, with `@` before and `ago` behind.
fn words(text: &str) -> Option<Sum> {
    let lower = separated(&text.to_ascii_lowercase());
    let mut words: Vec<&str> = lower.split_ascii_whitespace().filter(|word| *word != "@").collect();
    let is_ago = words.last() == Some(&"ago");
    if is_ago {
        words.pop();
    }
    if words.is_empty() {
        return None;
    }
    let mut sum = Sum::default();
    let mut at = 0;
    while at < words.len() {
        let word = words[at];
        at += 1;
        if word.contains(':') {
            sum.add(clock(word)?, Unit::Us(1))?;
        } else if let Some(months) = years_and_months(word) {
            sum.add((i128::from(months), 0), Unit::Months(1))?;
        } else {
            let end = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(word.len());
            let (number, joined) = word.split_at(end);
            let number = decimal(number)?;
            let unit = match (joined, words.get(at)) {
                ("", Some(next)) if unit(next).is_some() => {
                    at += 1;
                    unit(next)?
                }
                // A number before a time of day counts days; a last one counts seconds.
                ("", Some(next)) if next.contains(':') => Unit::Days(1),
                ("", None) => Unit::Us(US_PER_SECOND),
                (joined, _) => unit(joined)?,
            };
            sum.add(number, unit)?;
        }
    }
    if is_ago {
        sum = Sum { months: -sum.months, days: -sum.days, us: -sum.us };
    }
    Some(sum)
}

/// The text with a space for each comma and between a unit and the number that follows it: `2h30m`.
fn separated(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut after_letter = false;
    for character in text.chars() {
        let starts_number = character.is_ascii_digit() || matches!(character, '+' | '-' | '.');
        if character == ',' || (after_letter && starts_number) {
            out.push(' ');
        }
        if character != ',' {
            out.push(character);
        }
        after_letter = character.is_ascii_alphabetic();
    }
    out
}

/// ISO 8601 after its `P`: `1Y2M3DT4H5M6S`, `1W`.
fn iso(text: &str) -> Option<Sum> {
    let mut sum = Sum::default();
    let (mut rest, mut is_time) = (text, false);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if let (Some(after), false) = (rest.strip_prefix(['T', 't']), is_time) {
            (rest, is_time) = (after, true);
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let number = decimal(&rest[..end])?;
        let designator = rest.as_bytes()[end].to_ascii_uppercase();
        let unit = match (designator, is_time) {
            (b'Y', false) => Unit::Months(12),
            (b'M', false) => Unit::Months(1),
            (b'W', false) => Unit::Days(7),
            (b'D', false) => Unit::Days(1),
            (b'H', true) => Unit::Us(3_600 * US_PER_SECOND),
            (b'M', true) => Unit::Us(60 * US_PER_SECOND),
            (b'S', true) => Unit::Us(US_PER_SECOND),
            _ => return None,
        };
        sum.add(number, unit)?;
        rest = &rest[end + 1..];
    }
    Some(sum)
}

fn unit(word: &str) -> Option<Unit> {
    const SECOND: i64 = US_PER_SECOND;
    Some(match word {
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds" => {
            Unit::Us(1)
        }
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" => {
            Unit::Us(SECOND / 1_000)
        }
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Us(SECOND),
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Us(60 * SECOND),
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Us(3_600 * SECOND),
        "d" | "day" | "days" => Unit::Days(1),
        "w" | "week" | "weeks" => Unit::Days(7),
        "mon" | "mons" | "month" | "months" => Unit::Months(1),
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Months(12),
        "dec" | "decs" | "decade" | "decades" => Unit::Months(120),
        "c" | "cent" | "century" | "centuries" => Unit::Months(1_200),
        "mil" | "mils" | "millennium" | "millennia" => Unit::Months(12_000),
        _ => return None,
    })
}

/// A number as whole part and millionths, both with its sign.
fn decimal(text: &str) -> Option<(i128, i64)> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    // More digits than any field holds are out of range later, and here without overflow.
    let whole: i128 =
        if whole.is_empty() { 0 } else { whole.get(..30).unwrap_or(whole).parse().ok()? };
    let padded = format!("{fraction:0<6}");
    let rounds_up = padded.as_bytes().get(6).is_some_and(|digit| *digit >= b'5');
    let millionths = padded[..6].parse::<i64>().ok()? + i64::from(rounds_up);
    let sign = if is_negative { -1 } else { 1 };
    Some((whole * i128::from(sign), millionths * sign))
}

/// `[-]HH:MM[:SS[.ffffff]]` in microseconds.
fn clock(text: &str) -> Option<(i128, i64)> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut fields = digits.split(':');
    let (hour, _) = decimal(fields.next()?).filter(|number| number.1 == 0)?;
    let (minute, _) = decimal(fields.next()?).filter(|number| number.1 == 0)?;
    let (second, millionths) = fields.next().map_or(Some((0, 0)), decimal)?;
    if fields.next().is_some() || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    let us = (hour * 3_600 + minute * 60 + second) * i128::from(US_PER_SECOND);
    Some(((us + i128::from(millionths)) * sign, 0))
}

/// `years-months` of the SQL standard, in months.
fn years_and_months(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (years, months) = digits.split_once('-')?;
    let number = |part: &str| part.parse::<u32>().ok().map(i64::from);
    let (years, months) = (number(years)?, number(months).filter(|months| *months < 12)?);
    Some(sign * (years * 12 + months))
}

impl Sum {
    /// Adds `number` units; what is left of a month goes to days, and of a day to the time.
    fn add(&mut self, (whole, millionths): (i128, i64), unit: Unit) -> Option<()> {
        let product = |scale: i64| i64::try_from(whole.checked_mul(i128::from(scale))?).ok();
        match unit {
            Unit::Us(scale) => {
                let part = i128::from(millionths) * i128::from(scale) / 1_000_000;
                let sum = i128::from(product(scale)?) + part;
                self.us = self.us.checked_add(i64::try_from(sum).ok()?)?;
            }
            Unit::Days(scale) => {
                let (days, millionths) =
                    (millionths * scale / 1_000_000, millionths * scale % 1_000_000);
                self.days = self.days.checked_add(product(scale)?)?.checked_add(days)?;
                self.us = self.us.checked_add(millionths * (US_PER_DAY / 1_000_000))?;
            }
            Unit::Months(1) => {
                self.months = self.months.checked_add(product(1)?)?;
                self.add((0, millionths), Unit::Days(DAYS_PER_MONTH))?;
            }
            Unit::Months(scale) => {
                let months = millionths.checked_mul(scale)? / 1_000_000;
                self.months = self.months.checked_add(product(scale)?)?.checked_add(months)?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Months, days, microseconds: what PostgreSQL 16 makes of each text.
    #[test]
    fn texts_are_read_as_postgresql_reads_them() {
        for (text, months, days, us) in [
            ("1 day", 0, 1, 0),
            ("1 day, 0:00:02", 0, 1, 2_000_000),
            ("1 year 2 mons -3 days +04:05:06.7", 14, -3, 14_706_700_000),
            ("@ 1 minute 5 secs ago", 0, 0, -65_000_000),
            ("3 04:05", 0, 3, 14_700_000_000),
            ("5", 0, 0, 5_000_000),
            ("1.5 days", 0, 1, 43_200_000_000),
            ("1.5 mons", 1, 15, 0),
            ("1.5 years", 18, 0, 0),
            ("1-2", 14, 0, 0),
            ("P1Y2M3DT4H5M6.5S", 14, 3, 14_706_500_000),
            ("PT-1S", 0, 0, -1_000_000),
            ("2h30m", 0, 0, 9_000_000_000),
            ("1 day 2", 0, 1, 2_000_000),
            ("-0.000001 s", 0, 0, -1),
            ("0.0000009 s", 0, 0, 1),
            ("0.9999999 s", 0, 0, 1_000_000),
            ("1 century", 1_200, 0, 0),
        ] {
            let expected = IntervalMonthDayNano::new(months, days, us * NS_PER_US);
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_and_values_too_large_are_errors() {
        for text in ["", "x", "1 x", "1:2:3:4", "P", "P1X", "-", "é"] {
            assert_eq!(parse(text).unwrap_err().state.0, "22007", "{text}");
        }
        assert_eq!(parse("3000000000 days").unwrap_err().state.0, "22008");
        assert_eq!(parse("300000000 years").unwrap_err().state.0, "22008");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9a-zA-Z:., @P]{0,24}", other in ".{0,12}") {
            let _ = (parse(&text), parse(&other));
        }
    }
}
