//! One-dimensional arrays: `{…}` text, the vectors' text, and binary.

use crate::{Parameter, PgType, QueryError, SqlState};

use super::{decode_binary, decode_text};
use crate::values::calendar::Zone;
use crate::values::error::{INVALID_BINARY, internal, not_supported, protocol_violation};
use crate::values::reader::Reader;

/// Most elements of an array, as PostgreSQL limits them.
pub(super) const ELEMENTS_MAX: usize = 134_217_727;

fn element_of(pg_type: PgType) -> Result<PgType, QueryError> {
    pg_type.element().ok_or_else(|| internal(format!("type {} has no elements", pg_type.name())))
}

/// Elements of `1 2`.
pub(super) fn parse_vector(
    pg_type: PgType,
    text: &str,
    zone: &Zone,
) -> Result<Parameter, QueryError> {
    let element = element_of(pg_type)?;
    let elements = text.split_ascii_whitespace().map(|word| decode_text(element, word, zone));
    elements.collect::<Result<_, _>>().map(Parameter::Array)
}

/// Elements of `{1,NULL,"a b"}`.
pub(super) fn parse(pg_type: PgType, text: &str, zone: &Zone) -> Result<Parameter, QueryError> {
    let element = element_of(pg_type)?;
    let malformed = || {
        let message = format!("malformed array literal: \"{text}\"");
        QueryError::new(SqlState::INVALID_TEXT, message)
    };
    let mut rest = text.trim_ascii();
    if rest.starts_with('[') {
        return Err(not_supported("array literals with bounds are not supported"));
    }
    rest = rest.strip_prefix('{').ok_or_else(malformed)?.trim_ascii_start();
    let mut elements = Vec::new();
    if let Some(after) = rest.strip_prefix('}') {
        return if after.is_empty() { Ok(Parameter::Array(elements)) } else { Err(malformed()) };
    }
    loop {
        if rest.starts_with('{') {
            return Err(not_supported("arrays of more than one dimension are not supported"));
        }
        let (word, after) = take_element(rest).ok_or_else(malformed)?;
        elements.push(match word {
            None => Parameter::Null,
            Some(word) => decode_text(element, &word, zone)?,
        });
        rest = match after.as_bytes().first() {
            Some(b',') => after[1..].trim_ascii_start(),
            Some(b'}') if after.len() == 1 => return Ok(Parameter::Array(elements)),
            _ => return Err(malformed()),
        };
    }
}

/// One element, `None` for NULL, and the text from its delimiter on.
fn take_element(text: &str) -> Option<(Option<String>, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut word = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => return Some((Some(word), quoted[at + 1..].trim_ascii_start())),
                '\\' => word.push(characters.next()?.1),
                _ => word.push(character),
            }
        }
        return None;
    }
    let mut word = String::new();
    // Length up to the last character that is not white space or was escaped.
    let mut kept = 0;
    let mut is_escaped = false;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ',' | '}' => {
                word.truncate(kept);
                let is_null = !is_escaped && word.eq_ignore_ascii_case("NULL");
                if word.is_empty() {
                    return None;
                }
                return Some((Some(word).filter(|_| !is_null), &text[at..]));
            }
            '"' | '{' => return None,
            '\\' => {
                word.push(characters.next()?.1);
                kept = word.len();
                is_escaped = true;
            }
            _ => {
                word.push(character);
                if !character.is_ascii_whitespace() {
                    kept = word.len();
                }
            }
        }
    }
    None
}

/// Reads PostgreSQL's binary array of at most one dimension.
pub(super) fn read(pg_type: PgType, reader: &mut Reader) -> Result<Parameter, QueryError> {
    let element = element_of(pg_type)?;
    let (dimensions, flags, oid) = (reader.i32()?, reader.i32()?, reader.u32()?);
    if !matches!(flags, 0 | 1) {
        return Err(QueryError::new(INVALID_BINARY, "invalid array flags"));
    }
    if oid != element.oid() {
        let message = format!(
            "binary data has array element type {oid} instead of expected {} ({})",
            element.oid(),
            element.name()
        );
        return Err(QueryError::new(SqlState::DATATYPE_MISMATCH, message));
    }
    match dimensions {
        0 => return Ok(Parameter::Array(Vec::new())),
        1 => {}
        2..=6 => return Err(not_supported("arrays of more than one dimension are not supported")),
        _ => {
            let message = format!("invalid number of dimensions: {dimensions}");
            return Err(QueryError::new(INVALID_BINARY, message));
        }
    }
    let (count, _lower_bound) = (reader.i32()?, reader.i32()?);
    let count = usize::try_from(count)
        .ok()
        .filter(|&count| count <= ELEMENTS_MAX)
        .ok_or_else(|| QueryError::new(SqlState::PROGRAM_LIMIT, "invalid array size"))?;
    // Each element has a length word, so a count beyond what is there cannot be real.
    if count > reader.remaining() / 4 {
        return Err(protocol_violation("insufficient data left in message"));
    }
    let mut elements = Vec::with_capacity(count);
    for _ in 0..count {
        elements.push(match reader.i32()? {
            -1 => Parameter::Null,
            bytes => {
                let bytes = usize::try_from(bytes)
                    .map_err(|_| protocol_violation("insufficient data left in message"))?;
                decode_binary(element, &reader.bytes(bytes)?)?
            }
        });
    }
    Ok(Parameter::Array(elements))
}
