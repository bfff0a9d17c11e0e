//! Errors as the client sees them, and how far each one reaches.

pub(crate) use query_engine::values::{internal, not_supported, protocol_violation, valid_text};
use query_engine::{QueryError, SqlState};

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

/// The statement was cancelled by a CancelRequest.
pub(crate) fn cancelled() -> QueryError {
    QueryError::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")
}

/// The server is stopping.
pub(crate) fn admin_shutdown() -> QueryError {
    QueryError::new(ADMIN_SHUTDOWN, "terminating connection due to administrator command")
}
