//! Errors as the client sees them, and how far each one reaches.

use query_engine::{QueryError, SqlState};

/// 08P01: the client does not speak the protocol.
pub(crate) const PROTOCOL_VIOLATION: SqlState = SqlState("08P01");
/// 22021: bytes that are not UTF-8, or a zero byte inside text.
pub(crate) const CHARACTER_NOT_IN_REPERTOIRE: SqlState = SqlState("22021");
/// 22P03: a binary value that its type cannot hold.
pub(crate) const INVALID_BINARY: SqlState = SqlState("22P03");
/// 28000: sign-in is not possible for this role or at all.
pub(crate) const INVALID_AUTHORIZATION: SqlState = SqlState("28000");
/// 28P01: wrong password, or a role that does not exist.
pub(crate) const INVALID_PASSWORD: SqlState = SqlState("28P01");
/// 53300: no free connection.
pub(crate) const TOO_MANY_CONNECTIONS: SqlState = SqlState("53300");
/// 25P03: the client was idle inside a transaction for too long.
pub(crate) const IDLE_IN_TRANSACTION_TIMEOUT: SqlState = SqlState("25P03");
/// 57P05: the client was idle for too long.
pub(crate) const IDLE_SESSION_TIMEOUT: SqlState = SqlState("57P05");
/// 57P01: the server stops.
pub(crate) const ADMIN_SHUTDOWN: SqlState = SqlState("57P01");

/// Why a step of a connection did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// `ERROR`: the client is told and the connection goes on.
    Statement(QueryError),
    /// `FATAL`: the client is told and the connection ends.
    Fatal(QueryError),
    /// The client is gone; there is nobody to tell.
    Gone,
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Statement(error)
    }
}

/// Reading or writing failed: whatever the reason, the client cannot be reached any more.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        tracing::debug!(%error, "connection lost");
        Self::Gone
    }
}

/// An 08P01 error.
pub(crate) fn protocol_violation(message: impl Into<String>) -> QueryError {
    QueryError::new(PROTOCOL_VIOLATION, message)
}

/// A feature of PostgreSQL that this server does not have.
pub(crate) fn not_supported(message: impl Into<String>) -> QueryError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// Something that only a bug of ours can cause.
pub(crate) fn internal(message: impl Into<String>) -> QueryError {
    QueryError::new(SqlState::INTERNAL_ERROR, message)
}

/// The statement was cancelled by a CancelRequest.
pub(crate) fn cancelled() -> QueryError {
    QueryError::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")
}

/// The server is stopping.
pub(crate) fn admin_shutdown() -> QueryError {
    QueryError::new(ADMIN_SHUTDOWN, "terminating connection due to administrator command")
}

/// Text from outside as UTF-8 without zero bytes.
///
/// # Errors
/// 22021 with the bytes at fault, as PostgreSQL words it.
pub(crate) fn valid_text(bytes: &[u8]) -> Result<&str, QueryError> {
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
