//! Text form of `bytea`: `\x…` as PostgreSQL has it, `0x…` as chains write hashes, and escapes.

use crate::{QueryError, SqlState};

/// Bytes of a literal: `0x` or `\x` and hex digits, else PostgreSQL's escape format.
///
/// # Errors
/// 22P02 for an odd number of digits, a character that is no hex digit, or a wrong escape.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, QueryError> {
    if let Some(digits) = text.strip_prefix("\\x").or_else(|| text.strip_prefix("0x")) {
        return parse_hex(text, digits);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        if byte != b'\\' {
            out.push(byte);
            index += 1;
        } else if bytes.get(index + 1) == Some(&b'\\') {
            out.push(b'\\');
            index += 2;
        } else {
            out.push(
                octal(bytes.get(index + 1..index + 4))
                    .ok_or_else(|| invalid("invalid input syntax for type bytea", text))?,
            );
            index += 4;
        }
    }
    Ok(out)
}

/// `\x` and hex digits, PostgreSQL's default output.
pub(crate) fn format(bytes: &[u8]) -> String {
    format!("\\x{}", hex::encode(bytes))
}

fn parse_hex(text: &str, digits: &str) -> Result<Vec<u8>, QueryError> {
    let mut out = Vec::with_capacity(digits.len() / 2);
    let mut high: Option<u8> = None;
    for (index, c) in digits.chars().enumerate() {
        if c.is_ascii_whitespace() && high.is_none() {
            continue;
        }
        let Some(value) = c.to_digit(16) else {
            return Err(invalid(
                &format!(
                    "invalid hexadecimal digit: \"{c}\" at character {} of the literal",
                    index + 3
                ),
                text,
            ));
        };
        match high.take() {
            None => high = Some(value as u8),
            Some(first) => out.push(first << 4 | value as u8),
        }
    }
    if high.is_some() {
        return Err(invalid("invalid hexadecimal data: odd number of digits", text));
    }
    Ok(out)
}

fn octal(digits: Option<&[u8]>) -> Option<u8> {
    let [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] = digits? else { return None };
    Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
}

fn invalid(message: &str, literal: &str) -> QueryError {
    QueryError::new(SqlState::INVALID_TEXT, message).about(literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_hex_prefixes_give_the_same_bytes() {
        assert_eq!(parse("0x00ff").unwrap(), [0, 255]);
        assert_eq!(parse("\\x00Ff").unwrap(), [0, 255]);
        assert_eq!(parse("\\x").unwrap(), Vec::<u8>::new());
        assert_eq!(parse("\\x00 ff").unwrap(), [0, 255]);
    }

    #[test]
    fn odd_or_foreign_digits_are_refused_with_their_place() {
        let odd = parse("0x123").unwrap_err();
        assert_eq!(odd.state, SqlState::INVALID_TEXT);
        let foreign = parse("0x12g4").unwrap_err();
        assert!(foreign.message.contains("\"g\" at character 5"), "{}", foreign.message);
    }

    #[test]
    fn escapes_are_octal_or_a_doubled_backslash() {
        assert_eq!(parse("a\\\\b\\001").unwrap(), b"a\\b\x01");
        assert!(parse("a\\9").is_err());
        assert!(parse("\\400").is_err());
    }
}
