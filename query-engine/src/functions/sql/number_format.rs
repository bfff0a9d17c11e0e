//! `to_char` of numbers: `9 0 . , D G FM S MI PR`, and 0A000 for what else a format may have.

use datafusion::scalar::ScalarValue;

use super::Entry;
use super::arguments::{Arguments, text};
use crate::types::numeric::{out_of_range, rescale};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("to_char(int4,text) text", shown),
    Entry("to_char(int8,text) text", shown),
    Entry("to_char(numeric,text) text", shown),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// A blank or a minus before the digits.
    Plain,
    /// `S` before or behind: always shown.
    Before,
    After,
    /// `MI` behind.
    MinusAfter,
    /// `PR`: in angle brackets.
    Brackets,
}

/// A format: its places before and after the point, and what is put between them.
struct Format {
    /// `9`, `0` and separators before the point.
    whole: Vec<char>,
    fraction: Vec<char>,
    has_point: bool,
    is_bare: bool,
    sign: Sign,
}

fn unsupported(format: &str) -> QueryError {
    QueryError::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("to_char() of a number with the format \"{format}\" is not supported"),
    )
}

fn parse(format: &str) -> Option<Format> {
    let mut found = Format {
        whole: Vec::new(),
        fraction: Vec::new(),
        has_point: false,
        is_bare: false,
        sign: Sign::Plain,
    };
    let mut rest = format;
    if let Some(after) = rest.strip_prefix("FM") {
        (found.is_bare, rest) = (true, after);
    }
    while let Some(first) = rest.chars().next() {
        let is_started = !found.whole.is_empty() || found.has_point;
        match first {
            '9' | '0' if found.has_point => found.fraction.push(first),
            '9' | '0' => found.whole.push(first),
            ',' | 'G' if !found.has_point && is_started => found.whole.push(','),
            '.' | 'D' if !found.has_point => found.has_point = true,
            'S' if !is_started && found.sign == Sign::Plain => found.sign = Sign::Before,
            'S' if rest.len() == 1 && found.sign == Sign::Plain => found.sign = Sign::After,
            'M' if rest == "MI" => (found.sign, rest) = (Sign::MinusAfter, "I"),
            'P' if rest == "PR" => (found.sign, rest) = (Sign::Brackets, "R"),
            _ => return None,
        }
        rest = &rest[first.len_utf8()..];
    }
    let has_places = found.whole.iter().chain(&found.fraction).any(|place| *place != ',');
    has_places.then_some(found)
}

fn shown(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    let format = parse(call.text(1)).ok_or_else(|| unsupported(call.text(1)))?;
    let (value, scale) = call.number(0);
    let places = i8::try_from(format.fraction.len()).map_err(|_| unsupported(call.text(1)))?;
    let rounded = rescale(value, scale, places).ok_or_else(out_of_range)?.to_string();
    let (is_negative, digits) = match rounded.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, rounded.as_str()),
    };
    let digits = format!("{digits:0>width$}", width = format.fraction.len() + 1);
    let (whole, fraction) = digits.split_at(digits.len() - format.fraction.len());
    let whole = if whole == "0" { "" } else { whole };
    Ok(text(format.put(is_negative, whole, fraction)))
}

impl Format {
    fn put(&self, is_negative: bool, whole: &str, fraction: &str) -> String {
        let count = self.whole.iter().filter(|place| **place != ',').count();
        let overflows = whole.len() > count;
        let skipped = count.saturating_sub(whole.len());
        let forced =
            self.whole.iter().filter(|place| **place != ',').position(|place| *place == '0');
        let from = forced.map_or(skipped, |forced| forced.min(skipped));
        let mut digits = whole.chars();
        let (mut out, mut place) = (String::new(), 0);
        for mark in &self.whole {
            let is_shown = place > from || overflows;
            match mark {
                ',' if is_shown => out.push(','),
                ',' => out.push(' '),
                _ => {
                    out.push(match place {
                        _ if overflows => '#',
                        place if place < from => ' ',
                        place if place < skipped => '0',
                        _ => digits.next().unwrap_or('0'),
                    });
                    place += 1;
                }
            }
        }
        // A number below 1 shows its zero unless digits follow the point.
        if whole.is_empty() && forced.is_none() && self.fraction.is_empty() && count > 0 {
            out.pop();
            out.push('0');
        }
        let mut behind = String::new();
        if self.has_point {
            behind.push('.');
            let kept = match self.is_bare {
                true => {
                    let forced = self.fraction.iter().rposition(|place| *place == '0');
                    let last = fraction.trim_end_matches('0').len();
                    forced.map_or(0, |forced| forced + 1).max(last)
                }
                false => fraction.len(),
            };
            behind.push_str(&if overflows {
                "#".repeat(kept)
            } else {
                fraction[..kept].to_owned()
            });
        }
        let body = out.trim_start_matches(' ');
        let blank = " ".repeat(out.len() - body.len());
        let made = match (self.sign, is_negative) {
            (Sign::Plain, true) => format!("{blank}-{body}{behind}"),
            (Sign::Plain, false) => format!("{blank} {body}{behind}"),
            (Sign::Before, true) => format!("{blank}-{body}{behind}"),
            (Sign::Before, false) => format!("{blank}+{body}{behind}"),
            (Sign::After, true) => format!("{blank}{body}{behind}-"),
            (Sign::After, false) => format!("{blank}{body}{behind}+"),
            (Sign::MinusAfter, true) => format!("{blank}{body}{behind}-"),
            (Sign::MinusAfter, false) => format!("{blank}{body}{behind} "),
            (Sign::Brackets, true) => format!("{blank}<{body}{behind}>"),
            (Sign::Brackets, false) => format!("{blank} {body}{behind} "),
        };
        if self.is_bare { made.trim().to_owned() } else { made }
    }
}
