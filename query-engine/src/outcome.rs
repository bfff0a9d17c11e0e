//! What a statement gives back.
//!
//! ```text
//! query task (engine's runtime) ──bounded channel──> Rows::next (caller's runtime)
//!        ▲ aborted when Rows is dropped, cancelled, or past its deadline
//! ```

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::map::{internal, query_error};
use crate::limits::BATCHES_WAITING_MAX;
use crate::session::cursor::{Cursor, Left};
use crate::types::output::Output;
use crate::{CopyIn, CopyOptions, PgType, QueryError, SqlState};

/// A result column as RowDescription describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// Name as PostgreSQL would give it; duplicates are allowed.
    pub name: String,
    /// Type on the wire.
    pub pg_type: PgType,
    /// Type modifier, -1 for none; `((p << 16) | s) + 4` for numeric.
    pub type_modifier: i32,
    /// Table that the column comes from unchanged, else 0.
    pub table_oid: u32,
    /// Its position in that table from 1, else 0.
    pub column_number: i16,
}

impl ResultColumn {
    /// A computed column.
    pub(crate) fn computed(name: impl Into<String>, pg_type: PgType) -> Self {
        Self { name: name.into(), pg_type, type_modifier: -1, table_oid: 0, column_number: 0 }
    }
}

/// Result of one statement.
pub enum Outcome {
    /// Rows, then a command tag made of `Rows::tag` and, for SELECT, the row count.
    Rows(Rows),
    /// No rows; the whole command tag.
    Done {
        /// For example `SET` or `BEGIN`.
        tag: String,
    },
    /// COPY TO STDOUT: rows to send as copy data, then the tag `COPY` with their count.
    CopyOut {
        /// The rows.
        rows: Rows,
        /// Their form.
        options: CopyOptions,
    },
    /// COPY FROM STDIN: the caller reads rows, hands them to [`crate::Session::copy_rows`] and ends with
    /// [`crate::Session::copy_end`].
    CopyIn(Box<CopyIn>),
    /// The statement text held nothing.
    Empty,
}

/// When a statement has to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// Fires on a cancel request.
    pub(crate) cancel: CancellationToken,
    /// `statement_timeout`.
    pub(crate) deadline: Option<Instant>,
}

impl Stop {
    /// Never.
    pub(crate) fn never() -> Self {
        Self { cancel: CancellationToken::new(), deadline: None }
    }

    /// Waits until the statement has to stop, and says why.
    pub(crate) async fn wait(&self) -> QueryError {
        let timeout = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let reason = tokio::select! {
            biased;
            () = self.cancel.cancelled() => "canceling statement due to user request",
            () = timeout => "canceling statement due to statement timeout",
        };
        QueryError::new(SqlState::QUERY_CANCELED, reason)
    }
}

/// What the query task sends. A channel that closes without an end is a task that broke.
enum Message {
    Batch(RecordBatch),
    Error(QueryError),
    End,
}

/// A running query. Dropping it stops the work.
pub struct Rows {
    columns: Arc<[ResultColumn]>,
    tag: &'static str,
    source: Source,
    stop: Stop,
    binary: bool,
}

enum Source {
    Running {
        receiver: mpsc::Receiver<Message>,
        task: AbortHandle,
    },
    Ready(Option<RecordBatch>),
    /// Nothing but an error, which is found after the columns are known.
    Failed(QueryError),
    Fetched {
        cursor: Arc<Mutex<Cursor>>,
        left: Left,
    },
    Ended,
}

impl Rows {
    /// Columns in order; batches have the same.
    pub fn columns(&self) -> &Arc<[ResultColumn]> {
        &self.columns
    }

    /// First word of the command tag: `SELECT`, `SHOW`, `EXPLAIN`, `FETCH`.
    pub fn tag(&self) -> &'static str {
        self.tag
    }

    /// Whether a client that names no format wants the rows in binary: a binary cursor's are.
    pub fn is_binary(&self) -> bool {
        self.binary
    }

    /// Next batch, of at least one row; `None` at the end. Cancel-safe: a batch is never lost by
    /// dropping the future. Ends with 57014 soon after the token is cancelled or the timeout passes.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        let message = match &mut self.source {
            Source::Ended => return None,
            Source::Ready(batch) => {
                let batch = batch.take().filter(|batch| batch.num_rows() > 0);
                self.source = Source::Ended;
                return batch.map(Ok);
            }
            Source::Failed(error) => Message::Error(error.clone()),
            Source::Fetched { cursor, left } => {
                let next = async { cursor.lock().await.next(left).await };
                tokio::select! {
                    biased;
                    error = self.stop.wait() => Message::Error(error),
                    next = next => match next {
                        Ok(Some(batch)) => Message::Batch(batch),
                        Ok(None) => Message::End,
                        Err(error) => Message::Error(error),
                    }
                }
            }
            Source::Running { receiver, .. } => {
                tokio::select! {
                    biased;
                    error = self.stop.wait() => Message::Error(error),
                    message = receiver.recv() => {
                        message.unwrap_or_else(|| Message::Error(internal()))
                    }
                }
            }
        };
        match message {
            Message::Batch(batch) => Some(Ok(batch)),
            Message::Error(error) => {
                self.end();
                Some(Err(error))
            }
            Message::End => {
                self.end();
                None
            }
        }
    }

    /// As [`Self::next`], for a cursor, whose rows may be read through rows of another kind.
    pub(crate) fn next_boxed(&mut self) -> BoxFuture<'_, Option<Result<RecordBatch, QueryError>>> {
        Box::pin(self.next())
    }

    /// Rows of one batch that is there already.
    pub(crate) fn ready(
        columns: Arc<[ResultColumn]>,
        tag: &'static str,
        batch: RecordBatch,
    ) -> Self {
        Self::new(columns, tag, Source::Ready(Some(batch)), Stop::never())
    }

    /// No rows but an error, which the caller sees after the columns.
    pub(crate) fn failed(columns: Arc<[ResultColumn]>, error: QueryError) -> Self {
        Self::new(columns, "SELECT", Source::Failed(error), Stop::never())
    }

    /// Rows of a cursor that stands where they begin.
    pub(crate) fn fetched(
        columns: Arc<[ResultColumn]>,
        tag: &'static str,
        cursor: Arc<Mutex<Cursor>>,
        left: Left,
        stop: Stop,
    ) -> Self {
        Self::new(columns, tag, Source::Fetched { cursor, left }, stop)
    }

    fn new(columns: Arc<[ResultColumn]>, tag: &'static str, source: Source, stop: Stop) -> Self {
        Self { columns, tag, source, stop, binary: false }
    }

    /// Marks the rows as those of a binary cursor.
    pub(crate) fn set_binary(&mut self) {
        self.binary = true;
    }

    /// Frees the rows from the token and the timeout of the statement that made them.
    pub(crate) fn outlive_statement(&mut self) {
        self.stop = Stop::never();
    }

    /// Rows of `stream`, which runs on `runtime`.
    pub(crate) fn running(
        columns: Arc<[ResultColumn]>,
        output: Output,
        stream: SendableRecordBatchStream,
        runtime: &Runtime,
        stop: Stop,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
        let task = runtime.spawn(run(stream, output, sender)).abort_handle();
        Self::new(columns, "SELECT", Source::Running { receiver, task }, stop)
    }

    fn end(&mut self) {
        if let Source::Running { task, .. } = std::mem::replace(&mut self.source, Source::Ended) {
            task.abort();
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.end();
    }
}

async fn run(mut stream: SendableRecordBatchStream, output: Output, sender: mpsc::Sender<Message>) {
    while let Some(batch) = stream.next().await {
        let converted = match batch {
            Ok(batch) if batch.num_rows() == 0 => continue,
            Ok(batch) => output.convert(&batch),
            Err(error) => Err(query_error(&error)),
        };
        let (message, is_last) = match converted {
            Ok(batch) => (Message::Batch(batch), false),
            Err(error) => (Message::Error(error), true),
        };
        // A closed channel means that nobody reads any more.
        if sender.send(message).await.is_err() || is_last {
            return;
        }
    }
    // The reader may be gone by now, which is no error.
    let _ = sender.send(Message::End).await;
}
