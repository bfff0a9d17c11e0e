//! Who a session is for, and what it says beside results.

/// Who runs statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Role name, as SQL shows it.
    pub role: String,
    /// Whether it may create schemas in every database, and owns schema `public`.
    pub may_create: bool,
}

/// State of the session's transaction block, as ReadyForQuery reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// `I`.
    Idle,
    /// `T`.
    InBlock,
    /// `E`: every statement but ROLLBACK and COMMIT is refused with 25P02.
    Failed,
}

/// A message beside the result: NoticeResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE` or `WARNING`.
    pub severity: &'static str,
    /// SQLSTATE, `00000` for plain notices.
    pub state: &'static str,
    /// One line.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
}
