//! Rows of one block out of a segment file, for lookups by key.
//!
//! ```text
//! block ──row groups of the file──> row group ──its block numbers──> rows of the block
//!   └ sorted keys of those rows ──> rows that have the key ──> slices of the wanted columns
//! ```
//!
//! Scans of the engine read row groups and forget them. Lookups come back to the same rows, so what was
//! decoded around them stays in memory: [`CACHE_BYTES_MAX`] of it for the whole store. The unit is a slice of
//! [`SLICE_ROWS`] rows and not a page: a page is sixteen times as much, of which a lookup wants one row.
//!
//! Invariants
//! - What a cache holds was checked against the manifest's hashes when it was read.
//! - What is cached is found by the content hash of its file: it is never of another file.

mod cache;
mod file;
mod pages;
mod slice;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use schemas::{BlockNumber, TableSpec};

use self::cache::{Cached, Part, PartKey, PointCache};
use self::file::FileIndex;
use self::slice::Slice;
use crate::data_dir::DataDir;
use crate::{SegmentFile, StorageError};

/// Bytes of decoded rows and file indexes that all lookups of a store keep together.
pub const CACHE_BYTES_MAX: usize = 1 << 30;
/// Rows of a column that are decoded and kept together.
const SLICE_ROWS: usize = 128;

/// Which rows of a block a lookup wants.
#[derive(Clone, Copy, Debug)]
pub struct RowsWanted<'a> {
    /// The table that the file is of.
    pub table: &'static TableSpec,
    /// The block.
    pub block: BlockNumber,
    /// Position of a column of 32 bytes and its value in the wanted rows; `None` for all rows.
    pub key: Option<(usize, &'a [u8; 32])>,
    /// Positions of the columns to give.
    pub columns: &'a [usize],
    /// Most rows to give.
    pub rows_max: usize,
}

/// How far a lookup may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What is in memory: fast, and no read of a file.
    Memory,
    /// Also files.
    Disk,
}

/// What a lookup in one file gave.
#[derive(Debug)]
pub enum Found {
    /// The wanted columns, in order, of this many rows, in block order. No columns for no rows.
    Rows(usize, Vec<ArrayRef>),
    /// Something is not in memory, and the reach was [`Reach::Memory`].
    NotInMemory,
    /// More rows than wanted at most.
    TooMany,
}

/// Reads points and keeps what it read.
pub(crate) struct PointReader {
    dir: Arc<DataDir>,
    cache: PointCache,
}

/// Why a lookup ends early.
enum Stop {
    /// Something is not in memory.
    Missing,
    Failed(StorageError),
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Failed(error)
    }
}

type Step<T> = Result<T, Stop>;

/// Values of a key column in one block, sorted, each with its row in the row group.
type Keys = Arc<[([u8; 32], u32)]>;

/// The same rows of each column of a table; those that were read.
type Slices = Arc<[Option<Slice>]>;

/// One lookup in one file.
struct Lookup<'a> {
    reader: &'a PointReader,
    file: &'a SegmentFile,
    index: Arc<FileIndex>,
    reach: Reach,
}

impl PointReader {
    pub(crate) fn new(dir: Arc<DataDir>) -> Self {
        Self { dir, cache: PointCache::new(CACHE_BYTES_MAX) }
    }

    /// The wanted rows of a block that `file` holds.
    ///
    /// # Errors
    /// `Io` or `Corrupt` when the file cannot be read or differs from the manifest.
    pub(crate) fn rows(
        &self,
        file: &SegmentFile,
        wanted: &RowsWanted<'_>,
        reach: Reach,
    ) -> Result<Found, StorageError> {
        let found = self.index(file, wanted.table, reach).and_then(|index| {
            let lookup = Lookup { reader: self, file, index, reach };
            lookup.run(wanted)
        });
        match found {
            Ok(found) => Ok(found),
            Err(Stop::Missing) => Ok(Found::NotInMemory),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn index(&self, file: &SegmentFile, table: &TableSpec, reach: Reach) -> Step<Arc<FileIndex>> {
        let key = PartKey { content_hash: file.content_hash, row_group: 0, part: Part::Index };
        if let Some(Cached::Index(index)) = self.cache.get(&key) {
            return Ok(index);
        }
        if reach == Reach::Memory {
            return Err(Stop::Missing);
        }
        let index = Arc::new(FileIndex::read(&self.dir, file, table)?);
        self.cache.put(key, Cached::Index(Arc::clone(&index)));
        Ok(index)
    }
}

impl Lookup<'_> {
    fn run(&self, wanted: &RowsWanted<'_>) -> Step<Found> {
        let Some(group) = self.index.row_group_of(wanted.block) else {
            return Ok(Found::Rows(0, Vec::new()));
        };
        let blocks = self.blocks(group)?;
        let rows = rows_of_block(&blocks, wanted.block);
        let ranges = match wanted.key {
            None => vec![rows],
            Some((column, value)) => self.matching(group, column, value, rows)?,
        };
        let count: usize = ranges.iter().map(ExactSizeIterator::len).sum();
        if count == 0 {
            return Ok(Found::Rows(0, Vec::new()));
        }
        if count > wanted.rows_max {
            return Ok(Found::TooMany);
        }
        Ok(Found::Rows(count, self.columns(group, wanted.columns, &ranges)?))
    }

    /// Where each block of a row group starts: its number and its first row.
    fn blocks(&self, group: usize) -> Step<Arc<[(i64, usize)]>> {
        let key = self.key(group, Part::Blocks);
        if let Some(Cached::Blocks(blocks)) = self.reader.cache.get(&key) {
            return Ok(blocks);
        }
        if self.reach == Reach::Memory {
            return Err(Stop::Missing);
        }
        let rows = 0..self.index.row_count(group);
        let numbers = self.decode(group, &[self.index.block_column()], rows)?;
        let mut blocks: Vec<(i64, usize)> = Vec::new();
        for (row, &number) in numbers[0].as_primitive::<Int64Type>().values().iter().enumerate() {
            if blocks.last().is_none_or(|last| last.0 != number) {
                blocks.push((number, row));
            }
        }
        // Where the last block ends.
        blocks.push((i64::MAX, self.index.row_count(group)));
        let blocks: Arc<[(i64, usize)]> = blocks.into();
        self.reader.cache.put(key, Cached::Blocks(Arc::clone(&blocks)));
        Ok(blocks)
    }

    /// Runs of rows within `rows`, the rows of one block, whose `column` is `value`.
    fn matching(
        &self,
        group: usize,
        column: usize,
        value: &[u8; 32],
        rows: Range<usize>,
    ) -> Step<Vec<Range<usize>>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if rows.is_empty() {
            return Ok(found);
        }
        let keys = self.keys(group, column, rows)?;
        let first = keys.partition_point(|(key, _)| key < value);
        for (_, row) in keys[first..].iter().take_while(|(key, _)| key == value) {
            let row = *row as usize;
            match found.last_mut() {
                Some(last) if last.end == row => last.end += 1,
                _ => found.push(row..row + 1),
            }
        }
        Ok(found)
    }

    /// The values of `column` in `rows`, the rows of one block, sorted, and the row of each.
    fn keys(&self, group: usize, column: usize, rows: Range<usize>) -> Step<Keys> {
        let part = Part::Keys { column: column as u32, first_row: rows.start as u32 };
        let key = self.key(group, part);
        if let Some(Cached::Keys(keys)) = self.reader.cache.get(&key) {
            return Ok(keys);
        }
        if self.reach == Reach::Memory {
            return Err(Stop::Missing);
        }
        let arrays = self.decode(group, &[column], rows.clone())?;
        let values = arrays[0].as_fixed_size_binary_opt().ok_or_else(|| wrong_type(self.file))?;
        let mut keys = Vec::with_capacity(values.len());
        for (value, row) in values.iter().zip(rows) {
            let Some(value) = value else { continue };
            keys.push((value.try_into().map_err(|_| wrong_type(self.file))?, row as u32));
        }
        keys.sort_unstable();
        let keys: Keys = keys.into();
        self.reader.cache.put(key, Cached::Keys(Arc::clone(&keys)));
        Ok(keys)
    }

    /// The values of `columns` in `ranges`, which ascend and are not empty.
    fn columns(
        &self,
        group: usize,
        columns: &[usize],
        ranges: &[Range<usize>],
    ) -> Step<Vec<ArrayRef>> {
        let mut numbers: Vec<usize> = ranges.iter().flat_map(slices_of).collect();
        numbers.dedup();
        let slices = self.slices(group, columns, &numbers)?;
        let mut arrays = Vec::with_capacity(columns.len());
        for &column in columns {
            let mut parts = Vec::with_capacity(numbers.len());
            for (number, slices) in numbers.iter().zip(&slices) {
                let slice = slices[column].as_ref().ok_or_else(|| wrong_type(self.file))?;
                let all = self.rows_of_slices(group, *number..=*number);
                for rows in ranges {
                    let part = rows.start.max(all.start)..rows.end.min(all.end);
                    if !part.is_empty() {
                        let part = part.start - all.start..part.end - all.start;
                        parts.push(slice.rows(part).map_err(failed)?);
                    }
                }
            }
            arrays.push(match parts.as_slice() {
                [one] => Arc::clone(one),
                all => {
                    let all: Vec<&dyn Array> = all.iter().map(AsRef::as_ref).collect();
                    concat(&all).map_err(failed)?
                }
            });
        }
        Ok(arrays)
    }

    /// Slices by their numbers, which ascend, with `columns` in them.
    ///
    /// What is not in memory is decoded together, as far as it is the same columns of neighbours: opening the
    /// file and setting up a decoder costs as much as a column or two.
    fn slices(&self, group: usize, columns: &[usize], numbers: &[usize]) -> Step<Vec<Slices>> {
        let mut found: Vec<Slices> = Vec::with_capacity(numbers.len());
        let mut missing: Vec<BTreeSet<usize>> = Vec::with_capacity(numbers.len());
        for &number in numbers {
            let slices = match self.reader.cache.get(&self.slices_key(group, number)) {
                Some(Cached::Slices(slices)) => slices,
                _ => vec![None; self.index.column_count()].into(),
            };
            let is_missing = |column: &&usize| slices[**column].is_none();
            missing.push(columns.iter().filter(is_missing).copied().collect());
            found.push(slices);
        }
        let mut at = 0;
        while at < numbers.len() {
            let mut end = at + 1;
            if !missing[at].is_empty() {
                while end < numbers.len()
                    && numbers[end] == numbers[end - 1] + 1
                    && missing[end] == missing[at]
                {
                    end += 1;
                }
                let wanted: Vec<usize> = missing[at].iter().copied().collect();
                self.read_slices(group, &wanted, &numbers[at..end], &mut found[at..end])?;
            }
            at = end;
        }
        Ok(found)
    }

    /// Decodes `columns`, which ascend, in neighbouring slices and adds them to what is known of these.
    fn read_slices(
        &self,
        group: usize,
        columns: &[usize],
        numbers: &[usize],
        found: &mut [Slices],
    ) -> Step<()> {
        if self.reach == Reach::Memory {
            return Err(Stop::Missing);
        }
        let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
        let rows = self.rows_of_slices(group, first..=last);
        let mut arrays = self.decode(group, columns, rows.clone())?;
        for (&number, slices) in numbers.iter().zip(found) {
            let own = self.rows_of_slices(group, number..=number);
            let mut all = slices.to_vec();
            for (array, &column) in arrays.iter_mut().zip(columns) {
                let values = if own == rows {
                    array.shrink_to_fit();
                    Arc::clone(array)
                } else {
                    // A copy: a view would keep the whole array in memory.
                    let at = (own.start - rows.start) as u32..(own.end - rows.start) as u32;
                    take(array, &UInt32Array::from_iter_values(at), None).map_err(failed)?
                };
                all[column] = Some(Slice::new(values).map_err(failed)?);
            }
            *slices = all.into();
            let key = self.slices_key(group, number);
            self.reader.cache.put(key, Cached::Slices(Arc::clone(slices)));
        }
        Ok(())
    }

    fn rows_of_slices(
        &self,
        group: usize,
        numbers: std::ops::RangeInclusive<usize>,
    ) -> Range<usize> {
        let end = ((numbers.end() + 1) * SLICE_ROWS).min(self.index.row_count(group));
        numbers.start() * SLICE_ROWS..end
    }

    fn decode(&self, group: usize, columns: &[usize], rows: Range<usize>) -> Step<Vec<ArrayRef>> {
        Ok(self.index.decode(&self.reader.dir, self.file, group, columns, rows)?)
    }

    fn slices_key(&self, group: usize, number: usize) -> PartKey {
        self.key(group, Part::Slices { number: number as u32 })
    }

    fn key(&self, group: usize, part: Part) -> PartKey {
        PartKey { content_hash: self.file.content_hash, row_group: group as u32, part }
    }
}

/// Rows of `block`; an empty range when it has none here.
fn rows_of_block(blocks: &[(i64, usize)], block: BlockNumber) -> Range<usize> {
    let at = i64::try_from(block)
        .ok()
        .and_then(|number| blocks.binary_search_by_key(&number, |entry| entry.0).ok());
    match at.and_then(|at| Some((blocks.get(at)?, blocks.get(at + 1)?))) {
        Some((first, next)) => first.1..next.1,
        None => 0..0,
    }
}

/// Numbers of the slices that hold some of `rows`, which are not empty.
fn slices_of(rows: &Range<usize>) -> std::ops::RangeInclusive<usize> {
    rows.start / SLICE_ROWS..=(rows.end - 1) / SLICE_ROWS
}

fn failed(error: ArrowError) -> StorageError {
    StorageError::Rows(error.to_string())
}

fn wrong_type(file: &SegmentFile) -> StorageError {
    StorageError::Corrupt {
        what: format!("segment file {}", file.path),
        detail: "a key column has another type than the table's".to_owned(),
    }
}

#[cfg(test)]
mod tests;
