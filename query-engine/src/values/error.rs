//! Errors of values and messages that are not what their type or the protocol says.

use crate::{QueryError, SqlState};

/// 08P01: the client does not speak the protocol.
pub const PROTOCOL_VIOLATION: SqlState = SqlState("08P01");
/// 22021: bytes that are not UTF-8, or a zero byte inside text.
pub const CHARACTER_NOT_IN_REPERTOIRE: SqlState = SqlState("22021");
/// 22P03: a binary value that its type cannot hold.
pub(super) const INVALID_BINARY: SqlState = SqlState("22P03");

/// An 08P01 error.
pub fn protocol_violation(message: impl Into<String>) -> QueryError {
    QueryError::new(PROTOCOL_VIOLATION, message)
}

/// A feature of PostgreSQL that this server does not have.
pub fn not_supported(message: impl Into<String>) -> QueryError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// Something that only a bug of ours can cause.
pub fn internal(message: impl Into<String>) -> QueryError {
    QueryError::new(SqlState::INTERNAL_ERROR, message)
}

/// Text from outside as UTF-8 without zero bytes.
///
/// # Errors
/// 22021 with the bytes at fault, as PostgreSQL words it.
pub fn valid_text(bytes: &[u8]) -> Result<&str, QueryError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let rest = &bytes[error.valid_up_to()..];
        let sequence_bytes = match rest[0] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        invalid_bytes(&rest[..sequence_bytes.min(rest.len())])
    })?;
    if text.as_bytes().contains(&0) { Err(invalid_bytes(&[0])) } else { Ok(text) }
}

fn invalid_bytes(bytes: &[u8]) -> QueryError {
    let shown: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    QueryError::new(
        CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf8_names_the_bytes_at_fault() {
        for (bytes, shown) in [
            (&b"a\xff"[..], "0xff"),
            (b"\xc3(", "0xc3 0x28"),
            (b"\xe2\x82", "0xe2 0x82"),
            (b"a\0b", "0x00"),
        ] {
            let error = valid_text(bytes).unwrap_err();
            assert_eq!(error.state.0, "22021");
            assert!(error.message.ends_with(&format!("\"UTF8\": {shown}")), "{}", error.message);
        }
        assert_eq!(valid_text("é".as_bytes()).unwrap(), "é");
    }
}
