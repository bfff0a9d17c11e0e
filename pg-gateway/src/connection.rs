//! One signed-in client: reads messages, keeps the protocol's state, answers.
//!
//! ```text
//! frame ──decode──> Message ──> simple_query | extended_query ──> Session ──> replies in Wire::out
//!                      error ──> ErrorResponse, then skip to Sync (extended) or ReadyForQuery (simple)
//! ```
//!
//! Invariants
//! - Every Query and every Sync is answered by exactly one ReadyForQuery, unless the connection ends.
//! - After an error in the extended protocol nothing runs until Sync.
//! - An error drops every portal: its transaction is over or failed.

use query_engine::values::TextStyle;
use query_engine::{QueryError, Session, SqlState, TransactionStatus};
use tokio_util::sync::CancellationToken;

use crate::cancel::CancelRegistration;
use crate::error::{Failure, not_supported};
use crate::frame::Frame;
use crate::message::{Message, decode_frame};
use crate::portals::{Portals, PreparedStatement};
use crate::reply;
use crate::wire::Wire;

/// State of one signed-in client.
pub(crate) struct Connection {
    pub(crate) wire: Wire,
    pub(crate) session: Session,
    pub(crate) cancel: CancelRegistration,
    /// The unnamed statement; named ones are the session's.
    pub(crate) unnamed: Option<PreparedStatement>,
    pub(crate) portals: Portals,
    skip_to_sync: bool,
    /// How values look, and the version of the settings that say so.
    style: Option<(u64, TextStyle)>,
    /// ReadyForQuery is the last thing that was said.
    pub(crate) is_idle: bool,
}

/// Whether the client stays.
enum Next {
    Continue,
    Leave,
}

impl Connection {
    pub(crate) fn new(wire: Wire, mut session: Session, cancel: CancelRegistration) -> Self {
        session.start_cycles();
        Self {
            wire,
            session,
            cancel,
            unnamed: None,
            portals: Portals::default(),
            skip_to_sync: false,
            style: None,
            is_idle: false,
        }
    }

    /// Serves the client until it leaves or an error ends the connection.
    pub(crate) async fn run(mut self) {
        let end = self.serve().await;
        if let Err(Failure::Fatal(error)) = &end {
            reply::error(&mut self.wire.out, "FATAL", error);
        }
        if !matches!(end, Err(Failure::Gone)) {
            self.wire.close().await;
        }
    }

    async fn serve(&mut self) -> Result<(), Failure> {
        self.ready()?;
        while let Some(frame) = self.next_frame().await? {
            match self.handle(frame).await? {
                Next::Continue => {}
                Next::Leave => break,
            }
        }
        Ok(())
    }

    /// Answers one frame. Statement errors are reported here; others end the connection.
    async fn handle(&mut self, frame: Frame) -> Result<Next, Failure> {
        if self.skip_to_sync && !matches!(frame.kind, b'S' | b'X') {
            return Ok(Next::Continue);
        }
        let is_extended = matches!(frame.kind, b'P' | b'B' | b'D' | b'E' | b'C' | b'H');
        let result = match decode_frame(&frame) {
            Ok(Message::Terminate) => return Ok(Next::Leave),
            Ok(message) => self.answer(message).await,
            Err(error) => Err(error.into()),
        };
        let Err(failure) = result else { return Ok(Next::Continue) };
        let Failure::Statement(error) = failure else { return Err(failure) };
        self.report(&error);
        if is_extended {
            self.skip_to_sync = true;
            // The client may wait for the error before it sends Sync.
            self.wire.flush().await?;
        } else {
            self.ready()?;
        }
        Ok(Next::Continue)
    }

    async fn answer(&mut self, message: Message) -> Result<(), Failure> {
        match message {
            Message::Query(sql) => {
                self.simple_query(&sql).await?;
                self.session.commit_cycle().await?;
                self.ready()
            }
            Message::Parse(parse) => self.parse(parse).await,
            Message::Bind(bind) => self.bind(bind).await,
            Message::Describe(describe) => self.describe(&describe),
            Message::Execute(execute) => self.execute(&execute).await,
            Message::Close(close) => self.close(&close),
            Message::Flush => Ok(self.wire.flush().await?),
            Message::Sync => {
                self.session.commit_cycle().await?;
                self.ready()
            }
            Message::FunctionCall(0) => Err(QueryError::new(
                SqlState::UNDEFINED_FUNCTION,
                "function with OID 0 does not exist",
            )
            .into()),
            Message::FunctionCall(_) => {
                Err(not_supported("the function call protocol is not supported").into())
            }
            // `handle` has answered Terminate.
            Message::StrayCopy | Message::Terminate => Ok(()),
        }
    }

    /// The token that cancels what runs now.
    pub(crate) fn token(&self) -> CancellationToken {
        self.cancel.running()
    }

    /// How the session wants text to look.
    pub(crate) fn text_style(&mut self) -> Result<TextStyle, QueryError> {
        let version = self.session.settings_version();
        match &self.style {
            Some((made_at, style)) if *made_at == version => Ok(style.clone()),
            _ => {
                let style = TextStyle::new(|name| self.session.setting(name))?;
                self.style = Some((version, style.clone()));
                Ok(style)
            }
        }
    }

    /// Sends what the session has to say beside the result.
    pub(crate) fn send_notices(&mut self) {
        for notice in self.session.take_notices() {
            reply::notice(&mut self.wire.out, &notice);
        }
    }

    /// Sends the notifications that have arrived.
    pub(crate) fn send_notifications(&mut self) {
        for notification in self.session.take_notifications() {
            reply::notification(&mut self.wire.out, &notification);
        }
        self.send_notices();
    }

    /// After a statement: portals end with the transaction that they were made in.
    pub(crate) fn statement_done(&mut self, before: TransactionStatus) {
        let after = self.session.transaction_status();
        if before != TransactionStatus::Idle && after == TransactionStatus::Idle {
            self.portals.clear();
        }
    }

    fn report(&mut self, error: &QueryError) {
        self.send_notices();
        self.session.fail_transaction();
        self.portals.clear();
        reply::error(&mut self.wire.out, "ERROR", error);
    }

    /// Ends a cycle: changed settings, then ReadyForQuery.
    fn ready(&mut self) -> Result<(), Failure> {
        self.cancel.idle();
        self.session.idle();
        self.skip_to_sync = false;
        self.session.end_cycle();
        let status = self.session.transaction_status();
        if status == TransactionStatus::Idle {
            self.portals.clear();
            self.send_notifications();
        }
        self.send_notices();
        for (name, value) in self.session.take_reported_settings() {
            reply::parameter_status(&mut self.wire.out, name, value).map_err(Failure::Fatal)?;
        }
        self.is_idle = true;
        reply::ready(&mut self.wire.out, status).map_err(Failure::Fatal)
    }
}
