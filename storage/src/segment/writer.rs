//! Writes the files of one segment while blocks arrive.
//!
//! ```text
//! append ──rows of whole blocks──> pending ──a page is full──> encoder ──a row group is full──> file
//! finish ──close, fsync──> <network>/<table>-<first>-<last>-<hash>.parquet ──fsync folder──> SealedSegment
//! ```
//!
//! Invariants
//! - Pages and row groups end where the blocks say, never where a caller's batch ends: the same blocks
//!   give the same bytes however they were grouped.
//! - Blocks are consecutive, hash-linked and of one level.
//! - Files are in the temporary folder until `finish`; dropped unfinished, they are removed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use schemas::{BlockNumber, BlockRange, TableSpec, VerificationLevel};

use super::table_file::TableFile;
use super::{SealedSegment, Segment, block_extents};
use crate::data_dir::DataDir;
use crate::{BlockRecord, StorageError};

/// Writes the files of one segment while blocks arrive, with memory bounded by one row group per table.
/// Dropped unfinished, it leaves nothing behind that a reader could see.
pub struct SegmentWriter {
    dir: Arc<DataDir>,
    network: String,
    tables: &'static [&'static TableSpec],
    first: BlockNumber,
    records: Vec<BlockRecord>,
    /// One per table, `None` where the level does not reach; empty before the first block.
    files: Vec<Option<TableFile>>,
    row_count: u64,
}

impl SegmentWriter {
    pub(crate) fn new(
        dir: Arc<DataDir>,
        network: String,
        tables: &'static [&'static TableSpec],
        first: BlockNumber,
    ) -> Self {
        let (records, files) = (Vec::new(), Vec::new());
        Self { dir, network, tables, first, records, files, row_count: 0 }
    }

    /// Appends rows of consecutive blocks: `batches[i]` belongs to table i, `records` lists the blocks.
    /// Batches of tables that the blocks' level does not reach must have no rows.
    ///
    /// # Errors
    /// `Link` when a block does not follow the one before or has another level; `Rows` when rows and
    /// records disagree; `Io` when the disk refuses. Drop the writer after an error.
    pub fn append(
        &mut self,
        records: Vec<BlockRecord>,
        batches: &[RecordBatch],
    ) -> Result<(), StorageError> {
        let extents = block_extents(self.tables, &records, batches)?;
        self.check_links(&records)?;
        let Some(level) = records.first().map(|record| record.level) else { return Ok(()) };
        if self.files.is_empty() {
            self.create_files(level)?;
        }
        for (index, (file, batch)) in self.files.iter_mut().zip(batches).enumerate() {
            match file {
                Some(file) => {
                    let row_ends: Vec<usize> =
                        extents.iter().map(|extent| extent.row_ends[index]).collect();
                    file.append(batch, &row_ends)?;
                }
                None if batch.num_rows() == 0 => {}
                None => {
                    return Err(StorageError::Rows(format!(
                        "blocks of level {level} have rows of table {}",
                        self.tables[index].name
                    )));
                }
            }
        }
        self.row_count += extents.iter().map(|extent| extent.row_count).sum::<u64>();
        self.records.extend(records);
        Ok(())
    }

    /// Rows of all tables so far.
    pub fn row_count(&self) -> u64 {
        self.row_count
    }

    /// Blocks so far.
    pub fn block_count(&self) -> u64 {
        self.records.len() as u64
    }

    /// The block of this number, if it was appended.
    pub fn record(&self, number: BlockNumber) -> Option<&BlockRecord> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.records.get(index)
    }

    /// Closes and syncs the files under their content names.
    ///
    /// # Errors
    /// `Rows` when no block was appended; `Io` when the disk refuses, and then nothing is visible.
    pub fn finish(mut self) -> Result<SealedSegment, StorageError> {
        let (Some(first), Some(last)) = (self.records.first(), self.records.last()) else {
            return Err(StorageError::Rows("a segment needs at least one block".to_owned()));
        };
        let range = BlockRange::new(first.number, last.number).ok_or_else(|| {
            StorageError::Rows(format!("block {} is past the largest number", last.number))
        })?;
        let (level, first_parent_hash, last_hash) = (first.level, first.parent_hash, last.hash);
        let mut files = Vec::new();
        let mut renames = Vec::new();
        let mut closed = Vec::new();
        for file in self.files.drain(..).flatten() {
            let (temp, file) = file.finish(&self.network, range)?;
            renames.push((temp.path().to_owned(), file.path.clone()));
            files.push(file);
            closed.push(temp);
        }
        self.dir.publish(&self.network, &renames)?;
        closed.into_iter().for_each(super::table_file::TempFile::keep);
        let segment = Segment { range, level, first_parent_hash, last_hash, files };
        Ok(SealedSegment { segment, records: std::mem::take(&mut self.records) })
    }

    fn create_files(&mut self, level: VerificationLevel) -> Result<(), StorageError> {
        self.files = self
            .tables
            .iter()
            .map(|table| {
                (table.level <= level)
                    .then(|| TableFile::create(table, self.dir.temp_path()))
                    .transpose()
            })
            .collect::<Result<_, StorageError>>()?;
        Ok(())
    }

    fn check_links(&self, records: &[BlockRecord]) -> Result<(), StorageError> {
        let mut before = self.records.last();
        for record in records {
            let link = |detail: String| StorageError::Link { number: record.number, detail };
            match before {
                None if record.number != self.first => {
                    return Err(link(format!("the segment starts at block {}", self.first)));
                }
                Some(before) if record.number != before.number + 1 => {
                    return Err(link(format!("does not follow block {}", before.number)));
                }
                Some(before) if record.parent_hash != before.hash => {
                    return Err(link(format!(
                        "parent is {}, block {} is {}",
                        record.parent_hash, before.number, before.hash
                    )));
                }
                Some(before) if record.level != before.level => {
                    return Err(link(format!(
                        "level is {}, the segment's is {}",
                        record.level, before.level
                    )));
                }
                _ => before = Some(record),
            }
        }
        Ok(())
    }
}
