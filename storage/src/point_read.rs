//! Rows of one block out of a segment file, for lookups by key.
//!
//! ```text
//! block ──row groups of the file──> row group ──its block numbers──> rows of the block
//!   └ key column: pages of those rows ──> rows that have the key ──> pages of the wanted columns ──> slices
//! ```
//!
//! Scans of the engine read row groups and forget them. Lookups come back to the same pages, so decoded
//! pages stay in memory: [`CACHE_BYTES_MAX`] of them for the whole store.
//!
//! Invariants
//! - What a cache holds was checked against the manifest's hashes when it was read.
//! - Cached pages are found by the content hash of their file: they are never of another file.

mod cache;
mod file;
mod page;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::concat;
use arrow::datatypes::Int64Type;
use schemas::{BlockNumber, TableSpec};

use self::cache::{Cached, PageCache, PageKey, Part};
use self::file::FileIndex;
use self::page::Page;
use crate::data_dir::DataDir;
use crate::{SegmentFile, StorageError};

/// Bytes of decoded pages and file indexes that all lookups of a store keep together.
pub const CACHE_BYTES_MAX: usize = 1 << 30;

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
    /// Pages that are in memory: fast, and no read of a file.
    Memory,
    /// Also files.
    Disk,
}

/// What a lookup in one file gave.
#[derive(Debug)]
pub enum Found {
    /// The wanted columns, in order, of this many rows, in block order. No columns for no rows.
    Rows(usize, Vec<ArrayRef>),
    /// A page is not in memory, and the reach was [`Reach::Memory`].
    NotInMemory,
    /// More rows than wanted at most.
    TooMany,
}

/// Reads points and keeps what it read.
pub(crate) struct PointReader {
    dir: Arc<DataDir>,
    cache: PageCache,
}

/// Why a lookup ends early.
enum Stop {
    /// A page is not in memory.
    Missing,
    Failed(StorageError),
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Failed(error)
    }
}

type Step<T> = Result<T, Stop>;

/// One lookup in one file.
struct Lookup<'a> {
    reader: &'a PointReader,
    file: &'a SegmentFile,
    index: Arc<FileIndex>,
    reach: Reach,
}

impl PointReader {
    pub(crate) fn new(dir: Arc<DataDir>) -> Self {
        Self { dir, cache: PageCache::new(CACHE_BYTES_MAX) }
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
        let key = PageKey { content_hash: file.content_hash, row_group: 0, part: Part::Index };
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
        self.read_missing(group, wanted.columns, &ranges)?;
        let mut columns = Vec::with_capacity(wanted.columns.len());
        for &column in wanted.columns {
            columns.push(self.column(group, column, &ranges)?);
        }
        Ok(Found::Rows(count, columns))
    }

    /// Brings the pages of `columns` for `ranges` to memory. Pages of the same rows are decoded together:
    /// opening the file and setting up a decoder costs as much as a page or two.
    fn read_missing(&self, group: usize, columns: &[usize], ranges: &[Range<usize>]) -> Step<()> {
        let mut missing: BTreeMap<(usize, usize), BTreeMap<usize, usize>> = BTreeMap::new();
        for &column in columns {
            for rows in ranges {
                for (page, page_rows) in self.index.pages(group, column, rows) {
                    let key = self.page_key(group, column, page);
                    if self.reader.cache.get(&key).is_none() {
                        let key = (page_rows.start, page_rows.end);
                        missing.entry(key).or_default().insert(column, page);
                    }
                }
            }
        }
        for ((start, end), pages) in missing {
            if self.reach == Reach::Memory {
                return Err(Stop::Missing);
            }
            let columns: Vec<usize> = pages.keys().copied().collect();
            let arrays =
                self.index.decode(&self.reader.dir, self.file, group, &columns, start..end)?;
            for ((column, page), array) in pages.into_iter().zip(arrays) {
                self.keep(self.page_key(group, column, page), array)?;
            }
        }
        Ok(())
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
        let column = [self.index.block_column()];
        let numbers = self.index.decode(&self.reader.dir, self.file, group, &column, rows)?;
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

    /// Runs of rows within `rows` whose `column` is `value`.
    fn matching(
        &self,
        group: usize,
        column: usize,
        value: &[u8; 32],
        rows: Range<usize>,
    ) -> Step<Vec<Range<usize>>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (page, page_rows) in self.index.pages(group, column, &rows) {
            let part = rows.start.max(page_rows.start)..rows.end.min(page_rows.end);
            let array = self.part(group, column, page, &page_rows, &part)?;
            let values = array.as_fixed_size_binary_opt().ok_or_else(|| wrong_type(self.file))?;
            for (at, row) in part.enumerate() {
                if values.is_valid(at) && values.value(at) == value {
                    match found.last_mut() {
                        Some(last) if last.end == row => last.end += 1,
                        _ => found.push(row..row + 1),
                    }
                }
            }
        }
        Ok(found)
    }

    /// The values of `column` in `ranges`, which are not empty.
    fn column(&self, group: usize, column: usize, ranges: &[Range<usize>]) -> Step<ArrayRef> {
        let mut parts: Vec<ArrayRef> = Vec::new();
        for rows in ranges {
            for (page, page_rows) in self.index.pages(group, column, rows) {
                let part = rows.start.max(page_rows.start)..rows.end.min(page_rows.end);
                parts.push(self.part(group, column, page, &page_rows, &part)?);
            }
        }
        if let [one] = parts.as_slice() {
            return Ok(Arc::clone(one));
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(concat(&parts).map_err(|error| StorageError::Rows(error.to_string()))?)
    }

    /// `rows` of the page that has `page_rows`.
    fn part(
        &self,
        group: usize,
        column: usize,
        page: usize,
        page_rows: &Range<usize>,
        rows: &Range<usize>,
    ) -> Step<ArrayRef> {
        let page = self.page(group, column, page, page_rows)?;
        let found = page.rows(rows.start - page_rows.start..rows.end - page_rows.start);
        Ok(found.map_err(|error| StorageError::Rows(error.to_string()))?)
    }

    fn page(&self, group: usize, column: usize, page: usize, rows: &Range<usize>) -> Step<Page> {
        let key = self.page_key(group, column, page);
        if let Some(Cached::Page(page)) = self.reader.cache.get(&key) {
            return Ok(page);
        }
        if self.reach == Reach::Memory {
            return Err(Stop::Missing);
        }
        let (dir, rows) = (&self.reader.dir, rows.clone());
        let mut arrays = self.index.decode(dir, self.file, group, &[column], rows)?;
        self.keep(key, arrays.swap_remove(0))
    }

    fn keep(&self, key: PageKey, array: ArrayRef) -> Step<Page> {
        let page = Page::new(array).map_err(|error| StorageError::Rows(error.to_string()))?;
        self.reader.cache.put(key, Cached::Page(page.clone()));
        Ok(page)
    }

    fn page_key(&self, group: usize, column: usize, page: usize) -> PageKey {
        self.key(group, Part::Page { column: column as u32, page: page as u32 })
    }

    fn key(&self, group: usize, part: Part) -> PageKey {
        PageKey { content_hash: self.file.content_hash, row_group: group as u32, part }
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

fn wrong_type(file: &SegmentFile) -> StorageError {
    StorageError::Corrupt {
        what: format!("segment file {}", file.path),
        detail: "a key column has another type than the table's".to_owned(),
    }
}

#[cfg(test)]
mod tests;
