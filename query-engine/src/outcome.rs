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
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::map::{internal, query_error};
use crate::limits::BATCHES_WAITING_MAX;
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
}

enum Source {
    Running { receiver: mpsc::Receiver<Message>, task: AbortHandle },
    Ready(Option<RecordBatch>),
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

    /// Rows of one batch that is there already.
    pub(crate) fn ready(
        columns: Arc<[ResultColumn]>,
        tag: &'static str,
        batch: RecordBatch,
    ) -> Self {
        let stop = Stop { cancel: CancellationToken::new(), deadline: None };
        Self { columns, tag, source: Source::Ready(Some(batch)), stop }
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
        Self { columns, tag: "SELECT", source: Source::Running { receiver, task }, stop }
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
