//! Waits for a client: tells it of notifications, and ends it when it is silent for longer than its
//! session allows.
//!
//! The clock runs from ReadyForQuery to the next whole message, as in PostgreSQL: a client that is in the
//! middle of a pipeline is not idle.

use std::time::Duration;

use query_engine::{QueryError, TransactionStatus};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::{Failure, IDLE_IN_TRANSACTION_TIMEOUT, IDLE_SESSION_TIMEOUT};
use crate::frame::{Frame, Phase};

impl Connection {
    /// Next frame of the client; `None` when it has closed.
    ///
    /// # Errors
    /// 25P03 or 57P05, both fatal, for a client that is idle for too long.
    pub(crate) async fn next_frame(&mut self) -> Result<Option<Frame>, Failure> {
        let limit = if self.is_idle { self.idle_limit() } else { None };
        // A notification that is sent meanwhile does not start the clock again.
        let limit = limit.map(|(limit, ended)| (Instant::now() + limit, ended));
        let hears = self.is_idle && self.session.transaction_status() == TransactionStatus::Idle;
        let frame = loop {
            let Self { wire, session, .. } = self;
            let frame = async {
                let frame = wire.frame(Phase::Session);
                match &limit {
                    None => frame.await,
                    Some((deadline, ended)) => tokio::time::timeout_at(*deadline, frame)
                        .await
                        .unwrap_or_else(|_| Err(Failure::Fatal(ended.clone()))),
                }
            };
            tokio::select! {
                biased;
                frame = frame => break frame,
                () = session.notified(), if hears => {}
            }
            self.send_notifications();
        };
        self.is_idle = false;
        frame
    }

    /// How long the client may be silent now, and the error that ends it.
    fn idle_limit(&self) -> Option<(Duration, QueryError)> {
        let (setting, state, what) = match self.session.transaction_status() {
            TransactionStatus::Idle => {
                ("idle_session_timeout", IDLE_SESSION_TIMEOUT, "idle-session timeout")
            }
            TransactionStatus::InBlock | TransactionStatus::Failed => (
                "idle_in_transaction_session_timeout",
                IDLE_IN_TRANSACTION_TIMEOUT,
                "idle-in-transaction timeout",
            ),
        };
        let limit = self.session.timeout(setting)?;
        Some((limit, QueryError::new(state, format!("terminating connection due to {what}"))))
    }
}
