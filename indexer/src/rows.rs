//! Rows of several blocks, and where each block's rows are.

use std::ops::Range;

use arrow::array::RecordBatch;
use schemas::TableSpec;
use storage::{BlockExtent, BlockRecord, HotBlock, StorageError, block_extents};

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
