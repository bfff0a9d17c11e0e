//! Functions of text and bytes that the planner lacks.

use datafusion::scalar::ScalarValue;
use regex::Regex;

use super::Entry;
use super::arguments::{Arguments, texts};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("regexp_split_to_array(text,text) text[]", |call| {
        let regex = pattern(call.text(1))?;
        Ok(texts(pieces(&regex, call.text(0)).into_iter().map(Some)))
    }),
    Entry("regexp_substr(text,text) text", |call| {
        let found =
            pattern(call.text(1))?.find(call.text(0)).map(|found| found.as_str().to_owned());
        Ok(ScalarValue::Utf8(found))
    }),
    Entry("encode(bytea,text) text", encode),
    Entry("length(bytea) int4", length),
    Entry("length(text) int4", |call| count(call.text(0).chars().count())),
    Entry("octet_length(bytea) int4", length),
    Entry("octet_length(text) int4", |call| count(call.text(0).len())),
    Entry("get_byte(bytea,int4) int4", |call| {
        let bytes = call.bytes(0);
        let at = usize::try_from(call.int(1)).ok().and_then(|at| bytes.get(at));
        let found = at.ok_or_else(|| {
            QueryError::new(
                SqlState("2202E"),
                format!("index {} out of valid range, 0..{}", call.int(1), bytes.len() as i64 - 1),
            )
        })?;
        Ok(ScalarValue::Int32(Some(i32::from(*found))))
    }),
];

fn count(number: usize) -> Result<ScalarValue, QueryError> {
    Ok(ScalarValue::Int32(i32::try_from(number).ok()))
}

fn length(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    count(call.bytes(0).len())
}

fn encode(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    let bytes = call.bytes(0);
    let shown = match call.text(1).to_ascii_lowercase().as_str() {
        "hex" => hex::encode(bytes),
        "base64" => base64(bytes),
        "escape" => {
            let escaped = bytes.iter().map(|byte| match byte {
                b'\\' => "\\\\".to_owned(),
                0 | 128.. => format!("\\{byte:03o}"),
                byte => char::from(*byte).to_string(),
            });
            escaped.collect()
        }
        _ => {
            return Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("unrecognized encoding: \"{}\"", call.text(1)),
            ));
        }
    };
    Ok(ScalarValue::Utf8(Some(shown)))
}

/// With padding, and a new line after each 76 characters.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const LINE: usize = 76;
    let mut out = String::new();
    for (at, chunk) in bytes.chunks(3).enumerate() {
        if at > 0 && (at * 4).is_multiple_of(LINE) {
            out.push('\n');
        }
        let padded = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            out.push(if place > chunk.len() { '=' } else { char::from(DIGITS[digit as usize]) });
        }
    }
    out
}

fn pattern(text: &str) -> Result<Regex, QueryError> {
    Regex::new(text).map_err(|_| {
        QueryError::new(SqlState::INVALID_REGEX, "invalid regular expression").about(text)
    })
}

/// What stands between matches; an empty match separates characters, but not at the ends.
fn pieces(regex: &Regex, text: &str) -> Vec<String> {
    let (mut found, mut start) = (Vec::new(), 0);
    for separator in regex.find_iter(text) {
        let is_edge = separator.start() == 0 || separator.end() == text.len();
        if separator.is_empty()
            && (is_edge || separator.start() == start && start > 0 && separator.end() == start)
        {
            continue;
        }
        found.push(text[start..separator.start()].to_owned());
        start = separator.end();
    }
    found.push(text[start..].to_owned());
    found
}
