//! One open cursor: rows of a running query, given in parts and, where they are kept, in both directions.
//!
//! ```text
//! Rows ──read ahead──> batches (those a later FETCH may need) ──slice, or reversed──> rows of FETCH
//! ```
//!
//! Invariants
//! - A cursor that only goes forward holds no batch before its position.
//! - Batches that are kept count against the session's [`Budget`]; past it the statement fails.
//! - The position is as in PostgreSQL: before the first row, on a row, or after the last.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;

use crate::error::map::{internal, query_error};
use crate::limits::{BATCH_ROWS_MAX, CURSOR_BYTES_MAX, CURSOR_REWIND_BYTES_MAX};
use crate::statement::Direction;
use crate::{QueryError, Rows, SqlState};

/// Bytes that the cursors of one session keep together.
#[derive(Debug, Default)]
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    fn take(&self, bytes: usize) -> Result<(), QueryError> {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= CURSOR_BYTES_MAX {
            return Ok(());
        }
        self.give_back(bytes);
        Err(QueryError::new(
            SqlState::OUT_OF_MEMORY,
            format!("the cursors of a session may keep {CURSOR_BYTES_MAX} bytes of rows"),
        )
        .with_hint(
            "Declare the cursor with NO SCROLL and without WITH HOLD, or close cursors that are not needed.",
        ))
    }

    fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Whether a cursor goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scroll {
    /// Forward only: rows that were given are dropped.
    Never,
    /// As long as its rows take no more than [`CURSOR_REWIND_BYTES_MAX`]; then forward only.
    WhileSmall,
    /// Always: every row is kept.
    Always,
}

/// What is left to give after the moves of a FETCH. `None` is all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Forward(Option<u64>),
    Backward(Option<u64>),
}

impl Left {
    const NOTHING: Self = Self::Forward(Some(0));

    /// Rows of the next batch, at most.
    fn batch(self) -> usize {
        let (Self::Forward(count) | Self::Backward(count)) = self;
        let count = count.unwrap_or(u64::MAX).min(BATCH_ROWS_MAX as u64);
        usize::try_from(count).unwrap_or(BATCH_ROWS_MAX)
    }

    fn less(self, rows: u64) -> Self {
        let rest = |count: Option<u64>| count.map(|count| count.saturating_sub(rows));
        match self {
            Self::Forward(count) => Self::Forward(rest(count)),
            Self::Backward(count) => Self::Backward(rest(count)),
        }
    }
}

/// An open cursor.
pub(crate) struct Cursor {
    /// Rows not read yet; `None` after the end.
    source: Option<Rows>,
    /// Batches with the number of rows before each.
    batches: VecDeque<(u64, RecordBatch)>,
    /// Rows that the batches and those dropped before them hold.
    read: u64,
    /// Number of the current row from 1; 0 before the first.
    position: u64,
    after_last: bool,
    scroll: Scroll,
    kept_bytes: usize,
    budget: Arc<Budget>,
    failed: bool,
}

impl Cursor {
    pub(crate) fn new(mut rows: Rows, scroll: Scroll, budget: Arc<Budget>) -> Self {
        // Each FETCH brings a token and a timeout of its own.
        rows.outlive_statement();
        Self {
            source: Some(rows),
            batches: VecDeque::new(),
            read: 0,
            position: 0,
            after_last: false,
            scroll,
            kept_bytes: 0,
            budget,
            failed: false,
        }
    }

    /// Puts rows that were read before in front of those that are left.
    ///
    /// # Errors
    /// 53200 past the session's budget.
    pub(crate) fn prepend(&mut self, batch: RecordBatch) -> Result<(), QueryError> {
        self.push(batch)
    }

    /// Moves to where the rows of a FETCH begin, and says which rows it gives.
    ///
    /// # Errors
    /// 55000 to go back in a cursor that goes forward only, or in one whose query failed; and the
    /// query's own.
    pub(crate) async fn seek(&mut self, direction: Direction) -> Result<Left, QueryError> {
        if self.failed {
            return Err(QueryError::new(
                SqlState::OBJECT_NOT_IN_STATE,
                "the cursor cannot be run: its query failed",
            ));
        }
        match direction {
            Direction::Forward(Some(count)) | Direction::Backward(Some(count)) if count == 0 => {
                self.current()
            }
            Direction::Relative(0) => self.current(),
            Direction::Forward(Some(count)) if count < 0 => self.back(Some(count.unsigned_abs())),
            Direction::Forward(count) => Ok(Left::Forward(count.map(i64::unsigned_abs))),
            Direction::Backward(Some(count)) if count < 0 => {
                Ok(Left::Forward(Some(count.unsigned_abs())))
            }
            Direction::Backward(count) => self.back(count.map(i64::unsigned_abs)),
            Direction::Absolute(number) => self.seek_absolute(number).await,
            Direction::Relative(distance) if distance > 0 => {
                self.skip(Some(distance.unsigned_abs() - 1)).await?;
                Ok(Left::Forward(Some(1)))
            }
            Direction::Relative(distance) => {
                let left = self.back(Some(1))?;
                self.skip_back(distance.unsigned_abs() - 1);
                Ok(left)
            }
        }
    }

    async fn seek_absolute(&mut self, number: i64) -> Result<Left, QueryError> {
        if number < 0 {
            let left = self.back(Some(1))?;
            self.skip(None).await?;
            self.skip_back(number.unsigned_abs() - 1);
            return Ok(left);
        }
        let number = number.unsigned_abs();
        let before = number.saturating_sub(1);
        if number <= self.position + u64::from(self.after_last) {
            if self.position > 0 || self.after_last {
                self.require_scroll()?;
            }
            self.position = before;
            self.after_last = false;
        } else {
            self.skip(Some(before - self.position)).await?;
        }
        Ok(if number == 0 { Left::NOTHING } else { Left::Forward(Some(1)) })
    }

    /// The current row again, or nothing where there is none.
    fn current(&mut self) -> Result<Left, QueryError> {
        if self.position == 0 || self.after_last {
            return Ok(Left::NOTHING);
        }
        self.require_scroll()?;
        self.position -= 1;
        Ok(Left::Forward(Some(1)))
    }

    fn back(&self, count: Option<u64>) -> Result<Left, QueryError> {
        self.require_scroll()?;
        Ok(Left::Backward(count))
    }

    fn require_scroll(&self) -> Result<(), QueryError> {
        if self.scroll != Scroll::Never {
            return Ok(());
        }
        Err(QueryError::new(SqlState::OBJECT_NOT_IN_STATE, "cursor can only scan forward")
            .with_hint("Declare it with SCROLL option to enable backward scan."))
    }

    async fn skip(&mut self, count: Option<u64>) -> Result<(), QueryError> {
        let mut left = Left::Forward(count);
        while self.next(&mut left).await?.is_some() {}
        Ok(())
    }

    fn skip_back(&mut self, count: u64) {
        if count > 0 {
            let last = self.position + u64::from(self.after_last);
            self.position = last.saturating_sub(count);
            self.after_last = false;
        }
    }

    /// Next rows of what is left; `None` where nothing is.
    ///
    /// # Errors
    /// Of the query, and 53200 past the session's budget; the cursor cannot be used after one.
    pub(crate) async fn next(
        &mut self,
        left: &mut Left,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let rows_max = left.batch();
        if rows_max == 0 {
            return Ok(None);
        }
        let batch = match left {
            Left::Forward(_) => match self.forward(rows_max).await {
                Ok(batch) => batch,
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            },
            Left::Backward(_) => self.backward(rows_max)?,
        };
        if let Some(batch) = &batch {
            *left = left.less(batch.num_rows() as u64);
        }
        Ok(batch)
    }

    async fn forward(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, QueryError> {
        if self.after_last {
            return Ok(None);
        }
        while self.position >= self.read {
            if !self.read_batch().await? {
                self.after_last = true;
                return Ok(None);
            }
        }
        let at = self.batch_with(self.position);
        let (first, batch) = self.batches.get(at).ok_or_else(internal)?;
        let start = usize::try_from(self.position - first).map_err(|_| internal())?;
        let given = batch.slice(start, rows_max.min(batch.num_rows() - start));
        self.position += given.num_rows() as u64;
        if self.scroll == Scroll::Never {
            self.forget();
        }
        Ok(Some(given))
    }

    fn backward(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, QueryError> {
        // Number of the row that comes first, counted from 1.
        let last = if self.after_last { self.position } else { self.position.saturating_sub(1) };
        self.after_last = false;
        if last == 0 {
            self.position = 0;
            return Ok(None);
        }
        let at = self.batch_with(last - 1);
        let (first, batch) = self.batches.get(at).ok_or_else(internal)?;
        let end = u32::try_from(last - first).map_err(|_| internal())?;
        let start = end.saturating_sub(u32::try_from(rows_max).unwrap_or(u32::MAX));
        let reversed: UInt32Array = (start..end).rev().collect();
        let given =
            take_record_batch(batch, &reversed).map_err(|error| query_error(&error.into()))?;
        self.position = last - u64::from(end - start) + 1;
        Ok(Some(given))
    }

    fn batch_with(&self, row: u64) -> usize {
        self.batches.partition_point(|(first, _)| *first <= row).saturating_sub(1)
    }

    /// Reads on; false at the end.
    async fn read_batch(&mut self) -> Result<bool, QueryError> {
        let Some(rows) = &mut self.source else { return Ok(false) };
        match rows.next_boxed().await {
            Some(batch) => self.push(batch?).map(|()| true),
            None => {
                self.source = None;
                Ok(false)
            }
        }
    }

    fn push(&mut self, batch: RecordBatch) -> Result<(), QueryError> {
        let bytes = batch.get_array_memory_size();
        if self.scroll == Scroll::WhileSmall && self.kept_bytes + bytes > CURSOR_REWIND_BYTES_MAX {
            self.scroll = Scroll::Never;
            self.forget();
            self.budget.give_back(std::mem::take(&mut self.kept_bytes));
        }
        if self.scroll != Scroll::Never {
            self.budget.take(bytes)?;
            self.kept_bytes += bytes;
        }
        let first = self.read;
        self.read += batch.num_rows() as u64;
        self.batches.push_back((first, batch));
        Ok(())
    }

    /// Drops the batches before the position.
    fn forget(&mut self) {
        while let Some((first, batch)) = self.batches.front()
            && first + batch.num_rows() as u64 <= self.position
        {
            // Batches that were read on demand were never counted.
            let bytes = batch.get_array_memory_size().min(self.kept_bytes);
            self.kept_bytes -= bytes;
            self.budget.give_back(bytes);
            self.batches.pop_front();
        }
    }

    /// Reads everything that is left, so that the cursor needs its query no more.
    ///
    /// # Errors
    /// Of the query, and 53200 past the session's budget.
    pub(crate) async fn hold(&mut self) -> Result<(), QueryError> {
        while let Some(rows) = &mut self.source {
            let Some(batch) = rows.next_boxed().await else {
                self.source = None;
                break;
            };
            let batch = batch?;
            if self.scroll == Scroll::Never {
                // Held rows count even where they are dropped once given.
                self.budget.take(batch.get_array_memory_size())?;
                self.kept_bytes += batch.get_array_memory_size();
            }
            self.push(batch)?;
        }
        Ok(())
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.budget.give_back(self.kept_bytes);
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::{PgType, ResultColumn};

    fn batch(values: &[i32]) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("n", DataType::Int32, true)]);
        let values = Arc::new(Int32Array::from(values.to_vec()));
        RecordBatch::try_new(Arc::new(schema), vec![values]).unwrap()
    }

    fn cursor(scroll: Scroll) -> Cursor {
        let columns = Arc::from([ResultColumn::computed("n", PgType::Int4)]);
        let rows = Rows::ready(columns, "SELECT", batch(&[3, 4]));
        let mut cursor = Cursor::new(rows, scroll, Arc::default());
        cursor.prepend(batch(&[1, 2])).unwrap();
        cursor
    }

    async fn fetch(cursor: &mut Cursor, direction: Direction) -> Result<Vec<i32>, QueryError> {
        let mut left = cursor.seek(direction).await?;
        let mut found = Vec::new();
        while let Some(batch) = cursor.next(&mut left).await? {
            let values = batch.column(0).as_any().downcast_ref::<Int32Array>().unwrap();
            found.extend(values.values());
        }
        Ok(found)
    }

    #[tokio::test]
    async fn a_scrolling_cursor_goes_where_postgresql_goes() {
        let mut cursor = cursor(Scroll::Always);
        for (direction, rows) in [
            (Direction::Forward(Some(2)), &[1, 2][..]),
            (Direction::Backward(Some(1)), &[1]),
            (Direction::Forward(None), &[2, 3, 4]),
            (Direction::Forward(Some(1)), &[]),
            (Direction::Backward(Some(2)), &[4, 3]),
            (Direction::Forward(Some(0)), &[3]),
            (Direction::Absolute(0), &[]),
            (Direction::Absolute(3), &[3]),
            (Direction::Absolute(-1), &[4]),
            (Direction::Relative(-2), &[2]),
            (Direction::Relative(2), &[4]),
            (Direction::Relative(1), &[]),
            (Direction::Relative(-1), &[4]),
            (Direction::Absolute(-4), &[1]),
            (Direction::Absolute(-5), &[]),
            (Direction::Forward(Some(1)), &[1]),
            (Direction::Forward(Some(-1)), &[]),
            (Direction::Backward(Some(-3)), &[1, 2, 3]),
            (Direction::Backward(None), &[2, 1]),
        ] {
            assert_eq!(fetch(&mut cursor, direction).await.unwrap(), rows, "{direction:?}");
        }
    }

    #[tokio::test]
    async fn a_cursor_without_scroll_goes_forward_only_and_keeps_nothing() {
        let mut cursor = cursor(Scroll::Never);
        assert_eq!(fetch(&mut cursor, Direction::Absolute(2)).await.unwrap(), [2]);
        for direction in
            [Direction::Backward(Some(1)), Direction::Absolute(2), Direction::Forward(Some(0))]
        {
            let error = fetch(&mut cursor, direction).await.unwrap_err();
            assert_eq!(error.state.0, "55000", "{direction:?}");
        }
        assert_eq!(fetch(&mut cursor, Direction::Forward(None)).await.unwrap(), [3, 4]);
        assert!(cursor.batches.is_empty());
        assert_eq!(cursor.kept_bytes, 0);
    }

    #[tokio::test]
    async fn the_budget_of_kept_rows_admits_its_own_value_and_refuses_the_next() {
        let budget = Budget::default();
        budget.take(CURSOR_BYTES_MAX).unwrap();
        assert_eq!(budget.take(1).unwrap_err().state.0, "53200");
        budget.give_back(CURSOR_BYTES_MAX);
        budget.take(1).unwrap();
    }

    #[tokio::test]
    async fn rows_past_the_rewind_limit_make_a_plain_cursor_forward_only() {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
        let values = Arc::new(Int64Array::from(vec![0; CURSOR_REWIND_BYTES_MAX / 8]));
        let large = RecordBatch::try_new(Arc::new(schema), vec![values]).unwrap();
        let mut cursor = cursor(Scroll::WhileSmall);
        assert_eq!(cursor.scroll, Scroll::WhileSmall);
        cursor.push(large).unwrap();
        assert_eq!(cursor.scroll, Scroll::Never);
        assert_eq!(cursor.budget.0.load(Ordering::Relaxed), 0);
    }
}
