//! Streams the rows of one running query to the client.
//!
//! ```text
//! Rows ──next──> batch ──encoders, one per column──> row by row into Wire::out ──64 KiB──> socket
//! ```
//!
//! Invariants
//! - One batch is held at a time; a slow reader stops the query from making more.
//! - A suspended stream keeps its batch and row, so the next Execute goes on with the next row.

use query_engine::values::{EncodedBatch, Format, TextStyle};
use std::sync::Arc;

use arrow::array::RecordBatch;
use query_engine::{QueryError, Rows};
use tokio_util::sync::CancellationToken;

use crate::error::Failure;
use crate::wire::Wire;

/// Rows encoded between two looks at the size of the output.
const ROWS_PER_CHECK: usize = 16;

/// A query whose rows are partly sent.
pub(crate) struct ResultStream {
    rows: Rows,
    formats: Arc<[Format]>,
    batch: Option<Current>,
}

/// The batch that is being sent.
struct Current {
    batch: RecordBatch,
    encoded: EncodedBatch,
    next_row: usize,
}

/// What one run of a stream did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Rows sent in this run.
    pub(crate) row_count: u64,
    /// Whether the query has no more rows.
    pub(crate) finished: bool,
}

impl ResultStream {
    /// A stream of `rows`, with one format per column.
    pub(crate) fn new(rows: Rows, formats: Arc<[Format]>) -> Self {
        Self { rows, formats, batch: None }
    }

    /// First word of the command tag.
    pub(crate) fn tag(&self) -> &'static str {
        self.rows.tag()
    }

    /// The rows that are not sent, those of a batch that is partly sent first.
    pub(crate) fn into_rest(self) -> (Rows, Option<RecordBatch>) {
        let rest = self.batch.map(|Current { batch, next_row, .. }| {
            batch.slice(next_row, batch.num_rows() - next_row)
        });
        (self.rows, rest)
    }

    /// Sends rows until the end or `rows_max`, which is `None` for all.
    pub(crate) async fn send(
        &mut self,
        wire: &mut Wire,
        token: &CancellationToken,
        style: &TextStyle,
        rows_max: Option<u64>,
    ) -> Result<Sent, Failure> {
        let mut row_count = 0;
        loop {
            if rows_max.is_some_and(|rows_max| row_count >= rows_max) {
                return Ok(Sent { row_count, finished: false });
            }
            let Some(Current { encoded: batch, next_row, .. }) = &mut self.batch else {
                let Some(batch) = self.next_batch(wire, token).await? else {
                    return Ok(Sent { row_count, finished: true });
                };
                let encoded = EncodedBatch::new(&batch, self.rows.columns(), &self.formats, style)?;
                self.batch = Some(Current { batch, encoded, next_row: 0 });
                continue;
            };
            let left = rows_max.map_or(u64::MAX, |rows_max| rows_max - row_count);
            let count = (batch.row_count() - *next_row)
                .min(ROWS_PER_CHECK)
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            for row in *next_row..*next_row + count {
                batch.write_row(row, &mut wire.out)?;
            }
            row_count += count as u64;
            *next_row += count;
            if *next_row == batch.row_count() {
                self.batch = None;
            }
            wire.relieve(token).await?;
        }
    }

    async fn next_batch(
        &mut self,
        wire: &mut Wire,
        token: &CancellationToken,
    ) -> Result<Option<RecordBatch>, Failure> {
        let next = async {
            match self.rows.next().await {
                Some(Ok(batch)) => Ok(Some(batch)),
                Some(Err(error)) => Err::<_, QueryError>(error),
                None => Ok(None),
            }
        };
        wire.supervise(token, next).await
    }
}
