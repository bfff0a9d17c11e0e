//! Rows of several blocks, and where each block's rows are.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use schemas::{BlockNumber, TableSpec};
use storage::{BlockExtent, BlockRecord, HotBlock, SegmentWriter, StorageError, block_extents};

/// Rows of consecutive positions: one batch per table, one record and extent per block.
#[derive(Debug)]
pub(crate) struct Rows {
    records: Vec<BlockRecord>,
    batches: Vec<RecordBatch>,
    extents: Vec<BlockExtent>,
}

impl Rows {
    pub(crate) fn new(
        tables: &[&TableSpec],
        records: Vec<BlockRecord>,
        batches: Vec<RecordBatch>,
    ) -> Result<Self, StorageError> {
        let extents = block_extents(tables, &records, &batches)?;
        Ok(Self { records, batches, extents })
    }

    pub(crate) fn record(&self, position: usize) -> &BlockRecord {
        &self.records[position]
    }

    pub(crate) fn extent(&self, position: usize) -> &BlockExtent {
        &self.extents[position]
    }

    /// Rows of the block in one table.
    pub(crate) fn table_rows(&self, position: usize, table: usize) -> u64 {
        let rows = self.row_range(&(position..position + 1), table);
        rows.len() as u64
    }

    /// Records and rows of the blocks at `positions`.
    pub(crate) fn slice(&self, positions: Range<usize>) -> (Vec<BlockRecord>, Vec<RecordBatch>) {
        let records = self.records[positions.clone()].to_vec();
        let batches = self.batches.iter().enumerate().map(|(table, batch)| {
            let rows = self.row_range(&positions, table);
            batch.slice(rows.start, rows.len())
        });
        (records, batches.collect())
    }

    pub(crate) fn hot_block(&self, position: usize) -> HotBlock {
        let (_, batches) = self.slice(position..position + 1);
        HotBlock { record: self.records[position].clone(), batches }
    }

    fn row_range(&self, positions: &Range<usize>, table: usize) -> Range<usize> {
        let end_of = |position: Option<usize>| {
            position.map_or(0, |position| self.extents[position].row_ends[table])
        };
        end_of(positions.start.checked_sub(1))..end_of(positions.end.checked_sub(1))
    }
}

/// Blocks that follow each other in one set of rows, so that they are handed on as one slice.
#[derive(Debug)]
pub(crate) struct Run {
    rows: Arc<Rows>,
    positions: Range<usize>,
}

impl Run {
    pub(crate) fn new(rows: &Arc<Rows>, position: usize) -> Self {
        Self { rows: rows.clone(), positions: position..position + 1 }
    }

    /// Takes the block if it is the next one in the same rows.
    pub(crate) fn extend(&mut self, rows: &Arc<Rows>, position: usize) -> bool {
        let next = Arc::ptr_eq(&self.rows, rows) && position == self.positions.end;
        if next {
            self.positions.end += 1;
        }
        next
    }

    /// Number of the first block.
    pub(crate) fn first(&self) -> BlockNumber {
        self.rows.record(self.positions.start).number
    }

    /// The block of this number; numbers follow each other.
    pub(crate) fn record(&self, number: BlockNumber) -> Option<&BlockRecord> {
        let offset = usize::try_from(number.checked_sub(self.first())?).ok()?;
        let position = self.positions.start.checked_add(offset)?;
        self.positions.contains(&position).then(|| self.rows.record(position))
    }

    pub(crate) fn append_to(self, writer: &mut SegmentWriter) -> Result<(), StorageError> {
        let (records, batches) = self.rows.slice(self.positions);
        writer.append(records, &batches)
    }
}
