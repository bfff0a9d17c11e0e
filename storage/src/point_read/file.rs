//! One segment file as lookups see it: which rows its row groups have, and a checked read.

use std::fs::File;
use std::io::{Cursor, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowSelection, RowSelector,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use schemas::{BlockNumber, TableSpec};

use super::pages::{StoredGroup, as_stored};
use crate::data_dir::{DataDir, io};
use crate::segment::chunk_hash;
use crate::{SegmentFile, StorageError};

/// Footer and page positions of a file.
pub(super) struct FileIndex {
    /// Says of the pages what they are without their compression.
    metadata: Arc<ParquetMetaData>,
    /// Types of the columns.
    schema: SchemaRef,
    block_column: usize,
    /// First and last block of each row group.
    groups: Vec<(i64, i64)>,
}

impl FileIndex {
    pub(super) fn read(
        dir: &DataDir,
        file: &SegmentFile,
        table: &TableSpec,
    ) -> Result<Self, StorageError> {
        let options = ArrowReaderOptions::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Required);
        let metadata = ArrowReaderMetadata::load(&CheckedFile::open(dir, file)?, options)
            .map_err(|error| read_error(file, error))?;
        let named = table.columns.iter().position(|column| column.name == table.block_column);
        let block_column = named.ok_or_else(|| corrupt(file, "no block column"))?;
        if metadata.schema().fields() != table.schema().fields() {
            return Err(corrupt(file, "columns differ from the table's"));
        }
        let bounds = |group: &RowGroupMetaData| match group.column(block_column).statistics() {
            Some(Statistics::Int64(found)) => Some((*found.min_opt()?, *found.max_opt()?)),
            _ => None,
        };
        let groups: Option<Vec<_>> = metadata.metadata().row_groups().iter().map(bounds).collect();
        let groups = groups.ok_or_else(|| corrupt(file, "no bounds of block numbers"))?;
        let schema = Arc::clone(metadata.schema());
        let stored = as_stored(metadata.metadata()).map_err(|error| read_error(file, error))?;
        Ok(Self { metadata: Arc::new(stored), schema, block_column, groups })
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.metadata.memory_size()
    }

    pub(super) fn column_count(&self) -> usize {
        self.schema.fields().len()
    }

    pub(super) fn block_column(&self) -> usize {
        self.block_column
    }

    pub(super) fn row_count(&self, group: usize) -> usize {
        self.metadata.row_group(group).num_rows() as usize
    }

    /// The row group that holds all rows of a block.
    pub(super) fn row_group_of(&self, block: BlockNumber) -> Option<usize> {
        let block = i64::try_from(block).ok()?;
        let group = self.groups.partition_point(|(_, last)| *last < block);
        (self.groups.get(group)?.0 <= block).then_some(group)
    }

    /// Decodes `rows` of some columns, in their order; `columns` is not empty and ascends.
    pub(super) fn decode(
        &self,
        dir: &DataDir,
        file: &SegmentFile,
        group: usize,
        columns: &[usize],
        rows: Range<usize>,
    ) -> Result<Vec<ArrayRef>, StorageError> {
        let selection = RowSelection::from(vec![
            RowSelector::skip(rows.start),
            RowSelector::select(rows.len()),
        ]);
        let fail = |error| read_error(file, error);
        let descriptor = self.metadata.file_metadata().schema_descr();
        let mask = ProjectionMask::roots(descriptor, columns.iter().copied());
        let levels = parquet_to_arrow_field_levels(descriptor, mask, Some(self.schema.fields()))
            .map_err(fail)?;
        let input = CheckedFile::open(dir, file)?;
        let stored = StoredGroup::new(input, Arc::clone(&self.metadata), group).map_err(fail)?;
        let mut reader = ParquetRecordBatchReader::try_new_with_row_groups(
            &levels,
            &stored,
            rows.len(),
            Some(selection),
        )
        .map_err(fail)?;
        let batch = reader.next().transpose().map_err(|error| fail(error.into()))?;
        batch
            .filter(|batch| batch.num_rows() == rows.len() && batch.num_columns() == columns.len())
            .map(|batch| batch.columns().to_vec())
            .ok_or_else(|| corrupt(file, "fewer rows than its page index says"))
    }
}

/// A segment file whose bytes are checked against the manifest before they are used.
struct CheckedFile {
    file: File,
    path: PathBuf,
    expected: SegmentFile,
    /// The chunk that was read last: small columns share one.
    last: Mutex<Option<(u64, Bytes)>>,
}

impl CheckedFile {
    fn open(dir: &DataDir, file: &SegmentFile) -> Result<Self, StorageError> {
        let path = dir.segment_path(&file.path);
        match File::open(&path) {
            Ok(opened) => {
                Ok(Self { file: opened, path, expected: file.clone(), last: Mutex::default() })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(corrupt(file, "file is missing"))
            }
            Err(error) => Err(io("open", &path, error)),
        }
    }

    /// The bytes of `range`, read with the whole chunks around it.
    fn checked(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        if range.start > range.end || range.end > self.expected.size_bytes {
            return Err(corrupt(&self.expected, "its footer points past its end"));
        }
        let chunk = range.start / SegmentFile::CHUNK_BYTES;
        let start = chunk * SegmentFile::CHUNK_BYTES;
        let (from, to) = ((range.start - start) as usize, (range.end - start) as usize);
        if range.end > start + SegmentFile::CHUNK_BYTES {
            return Ok(self.chunks(chunk, range.end)?.slice(from..to));
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match &*last {
            Some((known, bytes)) if *known == chunk => bytes.clone(),
            _ => last.insert((chunk, self.chunks(chunk, start + 1)?)).1.clone(),
        };
        Ok(bytes.slice(from..to))
    }

    /// The bytes from `first_chunk` to the end of the chunk before `end`, read and checked.
    fn chunks(&self, first_chunk: u64, end: u64) -> Result<Bytes, StorageError> {
        let file = &self.expected;
        let start = first_chunk * SegmentFile::CHUNK_BYTES;
        let end = end.next_multiple_of(SegmentFile::CHUNK_BYTES).min(file.size_bytes);
        let mut bytes = vec![0; (end - start) as usize];
        self.file.read_exact_at(&mut bytes, start).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => corrupt(file, "file is shorter than its record says"),
            _ => io("read", &self.path, error),
        })?;
        let chunks = bytes.chunks(SegmentFile::CHUNK_BYTES as usize);
        for (index, chunk) in (first_chunk as usize..).zip(chunks) {
            if file.chunk_hashes.get(index) != Some(&chunk_hash(chunk)) {
                let offset = index as u64 * SegmentFile::CHUNK_BYTES;
                return Err(corrupt(file, format!("chunk at byte {offset} differs")));
            }
        }
        Ok(Bytes::from(bytes))
    }
}

impl Length for CheckedFile {
    fn len(&self) -> u64 {
        self.expected.size_bytes
    }
}

impl ChunkReader for CheckedFile {
    type T = Cursor<Bytes>;

    /// Up to one chunk: the decoder asks this way for page headers only.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let end = (start + SegmentFile::CHUNK_BYTES).min(self.expected.size_bytes);
        self.checked(start..end)
            .map(Cursor::new)
            .map_err(|error| ParquetError::External(error.into()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let range = start..start.saturating_add(length as u64);
        self.checked(range).map_err(|error| ParquetError::External(error.into()))
    }
}

fn corrupt(file: &SegmentFile, detail: impl Into<String>) -> StorageError {
    StorageError::Corrupt { what: format!("segment file {}", file.path), detail: detail.into() }
}

/// Our own error where there is one, else what the decoder says.
fn read_error(file: &SegmentFile, error: ParquetError) -> StorageError {
    let error = match error {
        ParquetError::External(source) => match source.downcast::<StorageError>() {
            Ok(ours) => return *ours,
            Err(source) => ParquetError::External(source),
        },
        error => error,
    };
    corrupt(file, error.to_string())
}
