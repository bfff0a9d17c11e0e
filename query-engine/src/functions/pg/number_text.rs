//! `to_number()`: text by a template of digits.

use super::{Call, Entry, strict};
use crate::catalog_query::{Value, unsupported};
use crate::values::decimal::Decimal;
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[strict("to_number(text,text) numeric", to_number)];

/// Reads digits by the places of the template. A sign may stand at either end, or in brackets.
///
/// # Errors
/// 22P02 for text without a digit, 0A000 for a template of other words.
fn to_number(call: &Call<'_>) -> Result<Value, QueryError> {
    let (text, template) = (call.text(0), call.text(1).to_ascii_uppercase());
    let template =
        template.replace("FM", "").replace("MI", "S").replace("SG", "S").replace("PR", "S");
    let is_known =
        |word: char| matches!(word, '9' | '0' | '.' | ',' | 'D' | 'G' | 'S' | 'L' | ' ' | '$');
    if !template.chars().all(is_known) {
        return Err(unsupported(format!("to_number() with the format \"{}\"", call.text(1))));
    }
    let point = template.find(['.', 'D']);
    let places = |part: &str| part.chars().filter(|word| matches!(word, '9' | '0')).count();
    let (whole_places, fraction_places) = match point {
        Some(at) => (places(&template[..at]), places(&template[at + 1..])),
        None => (places(&template), 0),
    };
    let is_negative = text.contains('-') || text.trim().starts_with('<');
    let (whole, fraction) = match (text.split_once('.'), point) {
        (Some(parts), Some(_)) => parts,
        (Some((whole, _)), None) => (whole, ""),
        (None, _) => (text, ""),
    };
    let digits = |part: &str, limit: usize| {
        part.chars().filter(char::is_ascii_digit).take(limit).collect::<String>()
    };
    let (whole, fraction) = (digits(whole, whole_places), digits(fraction, fraction_places));
    if whole.is_empty() && fraction.is_empty() {
        let message = format!("invalid input syntax for type numeric: \"{text}\"");
        return Err(QueryError::new(SqlState::INVALID_TEXT, message));
    }
    let sign = if is_negative { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let whole = if whole.is_empty() { "0" } else { &whole };
    Decimal::parse(&format!("{sign}{whole}{point}{fraction}")).map(Value::numeric)
}
