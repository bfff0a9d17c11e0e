//! One caller: principal, settings, transaction state. One session per connection.

use tokio_util::sync::CancellationToken;

use crate::{Outcome, Parameter, PgType, QueryError, ResultColumn, Statement};

/// Who runs statements. Grants come with a later release; the name is what SQL shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Role name.
    pub role: String,
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
}

/// A statement whose types are known.
#[derive(Clone, Debug)]
pub struct Prepared {}

impl Prepared {
    /// Type of `$1`, `$2`, …, declared or inferred.
    pub fn parameter_types(&self) -> &[PgType] {
        unimplemented!()
    }

    /// Result columns; `None` for a statement without rows.
    pub fn columns(&self) -> Option<&[ResultColumn]> {
        unimplemented!()
    }
}

/// State of one connection.
pub struct Session {}

impl Session {
    /// Splits and parses `sql`; empty text gives an empty list. Errors carry a position in `sql`.
    pub fn parse(&self, _sql: &str) -> Result<Vec<Statement>, QueryError> {
        unimplemented!()
    }

    /// Resolves names and types. `declared` holds the types that the client named, `None` where it
    /// left one open; missing entries are open too.
    pub async fn prepare(
        &mut self,
        _statement: Statement,
        _declared: &[Option<PgType>],
    ) -> Result<Prepared, QueryError> {
        unimplemented!()
    }

    /// Runs a prepared statement on a snapshot taken now. Stops with 57014 when `cancel` fires or
    /// `statement_timeout` passes, also while rows are being read.
    pub async fn execute(
        &mut self,
        _prepared: &Prepared,
        _parameters: &[Parameter],
        _cancel: CancellationToken,
    ) -> Result<Outcome, QueryError> {
        unimplemented!()
    }

    /// Transaction state after the last statement.
    pub fn transaction_status(&self) -> TransactionStatus {
        unimplemented!()
    }

    /// Marks an open transaction block as failed: the gateway found an error itself.
    pub fn fail_transaction(&mut self) {
        unimplemented!()
    }

    /// Value of a setting as SHOW prints it.
    pub fn setting(&self, _name: &str) -> Option<String> {
        unimplemented!()
    }

    /// Settings to report with ParameterStatus that changed since the last call; right after the
    /// session is made, all of them.
    pub fn take_reported_settings(&mut self) -> Vec<(String, String)> {
        unimplemented!()
    }

    /// Notices since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        unimplemented!()
    }
}
