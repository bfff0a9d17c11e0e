//! Templates of `to_date()` and `to_timestamp()`.

use crate::catalog_query::unsupported;
use crate::values::{CivilDate, US_PER_DAY, US_PER_SECOND};
use crate::{QueryError, SqlState};

/// Words of a template that are read; longer ones first. `FM`, `TH` and others are refused.
const WORDS: &[&str] = &[
    "SSSSS", "MONTH", "YYYY", "HH24", "HH12", "YYY", "MON", "DDD", "YY", "MM", "DD", "HH", "MI",
    "SS", "MS", "US", "AM", "PM", "DY", "Y", "J",
];
/// Words that mean something else than what stands in the template, and are not read here.
const REFUSED: &[&str] = &[
    "Y,YYY", "IYYY", "IYY", "IY", "IDDD", "ID", "IW", "WW", "CC", "FF", "TZH", "TZM", "TZ", "OF",
    "RM", "BC", "AD", "B.C.", "A.D.", "A.M.", "P.M.", "FM", "FX", "TM", "DAY", "Q", "W", "D", "I",
];
/// Last year of a date.
const YEAR_MAX: i64 = 5_874_897;
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

#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    is_half_day: bool,
    is_afternoon: Option<bool>,
    minute: i64,
    second: i64,
    us: i64,
}

/// Microseconds since 1970 of what `text` says by `template`.
///
/// # Errors
/// 22007 for text that does not follow it, 22008 for a field out of range, 0A000 for a word that is not
/// read here.
pub(super) fn read(text: &str, template: &str) -> Result<i64, QueryError> {
    let mut fields = Fields::default();
    let (mut rest, mut words) = (text, template);
    while let Some(character) = words.chars().next() {
        let upper = |word: &&&str| {
            words.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
        };
        if let Some(word) =
            REFUSED.iter().find(upper).filter(|_| !WORDS.iter().any(|word| upper(&word)))
        {
            return Err(unsupported(format!("\"{word}\" in a template of a date")));
        }
        if let Some(word) = WORDS.iter().find(upper) {
            words = &words[word.len()..];
            rest = rest.trim_start();
            // Digits that follow at once belong to the next word.
            let is_next_digits = WORDS.iter().any(|next| {
                words.get(..next.len()).is_some_and(|found| found.eq_ignore_ascii_case(next))
            });
            rest = fields.take(word, rest, is_next_digits)?;
            continue;
        }
        words = &words[character.len_utf8()..];
        if character == '"' {
            let end = words.find('"').unwrap_or(words.len());
            let skipped = words[..end].chars().count();
            words = words.get(end + 1..).unwrap_or("");
            rest = after(rest, skipped);
        } else if character.is_alphanumeric() {
            rest = after(rest, 1);
        } else {
            // Separators and spaces stand for each other, and may be missing.
            let is_separator =
                |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '-') || c == character;
            rest = rest.strip_prefix(is_separator).unwrap_or(rest);
        }
    }
    fields.total(text)
}

fn after(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or("", |(at, _)| &text[at..])
}

impl Fields {
    fn take<'t>(
        &mut self,
        word: &str,
        text: &'t str,
        is_next_digits: bool,
    ) -> Result<&'t str, QueryError> {
        match word {
            "MON" | "MONTH" => {
                let names = if word == "MON" { MONTHS } else { MONTH_NAMES };
                let lower = text.to_lowercase();
                let found = names.iter().position(|name| lower.starts_with(name));
                let found = found.ok_or_else(|| invalid_word(word, text))?;
                self.month = Some(found as i64 + 1);
                return Ok(text.get(names[found].len()..).unwrap_or(""));
            }
            "AM" | "PM" => {
                let found = text.get(..2).map(str::to_ascii_lowercase);
                self.is_afternoon = match found.as_deref() {
                    Some("am") => Some(false),
                    Some("pm") => Some(true),
                    _ => return Err(invalid_word(word, text)),
                };
                return Ok(&text[2..]);
            }
            "DY" => return Ok(after(text, 3)),
            _ => {}
        }
        let width = match word {
            "HH24" | "HH12" => 2,
            "MS" => 3,
            "US" => 6,
            "J" => 7,
            word => word.len(),
        };
        let is_open = word == "YYYY" && !is_next_digits;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let used = if is_open { digits } else { digits.min(width) };
        let number: i64 = match text[..used].parse() {
            Ok(number) => number,
            Err(_) if text.is_empty() => return Ok(text),
            Err(_) => return Err(invalid_word(word, text)),
        };
        match word {
            "YYYY" => self.year = Some(number),
            "YYY" | "YY" | "Y" => self.year = Some(near_2020(number, used)),
            "MM" => self.month = Some(number),
            "DD" => self.day = Some(number),
            "DDD" => self.day_of_year = Some(number),
            "J" => {
                let date = CivilDate::from_unix_days(number - 2_440_588);
                (self.year, self.month, self.day) =
                    (Some(date.year), Some(date.month.into()), Some(date.day.into()));
            }
            "HH24" => self.hour = number,
            "HH12" | "HH" => (self.hour, self.is_half_day) = (number, true),
            "MI" => self.minute = number,
            "SS" => self.second = number,
            "SSSSS" => {
                (self.hour, self.minute, self.second) =
                    (number / 3_600, number / 60 % 60, number % 60);
            }
            // A fraction: `5` of `MS` is half a second.
            "MS" => self.us += number * 10_i64.pow(6 - used as u32),
            _ => self.us += number * 10_i64.pow(6 - used as u32),
        }
        Ok(&text[used..])
    }

    fn total(&self, text: &str) -> Result<i64, QueryError> {
        let out_of_range = || {
            let message = format!("date/time field value out of range: \"{text}\"");
            QueryError::new(SqlState::DATETIME_OVERFLOW, message)
        };
        let mut hour = self.hour;
        if self.is_half_day || self.is_afternoon.is_some() {
            if !(1..=12).contains(&hour) {
                let message = format!("hour \"{hour}\" is invalid for the 12-hour clock");
                return Err(QueryError::new(SqlState::INVALID_DATETIME, message)
                    .with_hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            hour = hour % 12 + if self.is_afternoon == Some(true) { 12 } else { 0 };
        }
        let in_range = (0..24).contains(&hour) && self.minute < 60 && self.second < 60;
        let small = |number: Option<i64>| u32::try_from(number.unwrap_or(1)).unwrap_or(u32::MAX);
        // A template without a year means that of 1 BC.
        let year = self.year.unwrap_or(0);
        if year > YEAR_MAX {
            return Err(out_of_range());
        }
        let date = CivilDate { year, month: small(self.month), day: small(self.day) };
        let mut days = date.to_unix_days().filter(|_| in_range).ok_or_else(out_of_range)?;
        if let Some(day) = self.day_of_year {
            let first = CivilDate { year, month: 1, day: 1 }.to_unix_days();
            days = first.ok_or_else(out_of_range)? + day - 1;
        }
        let seconds = hour * 3_600 + self.minute * 60 + self.second;
        days.checked_mul(US_PER_DAY)
            .and_then(|us| us.checked_add(seconds * US_PER_SECOND + self.us))
            .ok_or_else(out_of_range)
    }
}

/// A year of fewer than four digits is the one nearest to 2020.
fn near_2020(number: i64, digits: usize) -> i64 {
    match digits {
        1 => 2_020 + number,
        2 if number < 70 => 2_000 + number,
        2 => 1_900 + number,
        3 if number < 520 => 2_000 + number,
        3 => 1_000 + number,
        _ => number,
    }
}

fn invalid_word(word: &str, text: &str) -> QueryError {
    let shown: String = text.chars().take(word.len()).collect();
    let message = format!("invalid value \"{shown}\" for \"{word}\"");
    QueryError::new(SqlState::INVALID_DATETIME, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read_as_postgresql_reads_them() {
        let day = |text, template| {
            read(text, template).map(|us| us / US_PER_DAY).map_err(|error| error.state.0)
        };
        assert_eq!(day("2020-05-06", "YYYY-MM-DD"), Ok(18_388));
        assert_eq!(day("20200506", "YYYYMMDD"), Ok(18_388));
        assert_eq!(day("06 May 2020", "DD Mon YYYY"), Ok(18_388));
        assert_eq!(day("2020", "XX"), Ok(-719_528));
        assert_eq!(day("2020-13-01", "YYYY-MM-DD"), Err("22008"));
        assert_eq!(day("x", "YYYY"), Err("22007"));
        assert_eq!(day("999999999999999999", "YYYY"), Err("22008"));
        assert_eq!(
            read("01:02 PM", "HH12:MI AM").map(|us| us.rem_euclid(US_PER_DAY)).ok(),
            Some(46_920_000_000)
        );
    }
}
