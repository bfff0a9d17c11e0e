//! The file of one table of one segment while it is written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use schemas::{BlockRange, TableSpec};

use super::SegmentFile;
use super::hashing_file::{HashingFile, WriteFailure};
use super::properties::{
    PAGE_BYTES, PAGE_ROWS, ROW_GROUP_BYTES, ROW_GROUP_ROWS, writer_properties,
};
use super::rows::rows_bytes;
use crate::StorageError;
use crate::data_dir::io;

/// Digits of the content hash that a file name keeps.
const NAME_HASH_DIGITS: usize = 16;

/// A file that is removed when dropped, unless kept.
pub(crate) struct TempFile {
    path: PathBuf,
    kept: bool,
}

impl TempFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file now has its final name.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = fs::remove_file(&self.path)
        {
            // Opening the store removes it too, so this is no more than a note.
            tracing::debug!(path = %self.path.display(), %error, "temporary file stays");
        }
    }
}

/// Encoder, hashes and rows that wait for a full page.
pub(crate) struct TableFile {
    table: &'static TableSpec,
    schema: SchemaRef,
    temp: TempFile,
    writer: ArrowWriter<HashingFile<File>>,
    failure: WriteFailure,
    pending: Vec<RecordBatch>,
    pending_rows: u64,
    pending_bytes: u64,
    group_rows: u64,
    group_bytes: u64,
    row_count: u64,
}

impl TableFile {
    pub(crate) fn create(table: &'static TableSpec, path: PathBuf) -> Result<Self, StorageError> {
        let file = File::create_new(&path).map_err(|e| io("create", &path, e))?;
        Self::new(table, path, file)
    }

    fn new(table: &'static TableSpec, path: PathBuf, file: File) -> Result<Self, StorageError> {
        let file = HashingFile::new(file);
        let failure = file.failure();
        let temp = TempFile { path, kept: false };
        let schema = table.schema();
        let fail = |error: ParquetError| write_error(&temp.path, &failure, &error);
        let properties = writer_properties(table).map_err(fail)?;
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(fail)?;
        let (pending, group_rows, group_bytes) = (Vec::new(), 0, 0);
        let (pending_rows, pending_bytes, row_count) = (0, 0, 0);
        Ok(Self {
            table,
            schema,
            temp,
            writer,
            failure,
            pending,
            pending_rows,
            pending_bytes,
            group_rows,
            group_bytes,
            row_count,
        })
    }

    /// Takes the rows of blocks whose last rows end at `row_ends`.
    pub(crate) fn append(
        &mut self,
        batch: &RecordBatch,
        row_ends: &[usize],
    ) -> Result<(), StorageError> {
        // Rows of blocks that fill no page yet are taken as one slice, not block by block.
        let mut slice_start = 0;
        let mut block_start = 0;
        for &end in row_ends {
            self.pending_rows += (end - block_start) as u64;
            self.pending_bytes += rows_bytes(batch, block_start, end - block_start)?;
            block_start = end;
            if self.pending_rows >= PAGE_ROWS || self.pending_bytes >= PAGE_BYTES {
                self.pending.push(batch.slice(slice_start, end - slice_start));
                slice_start = end;
                self.write_pending()?;
            }
        }
        if block_start > slice_start {
            self.pending.push(batch.slice(slice_start, block_start - slice_start));
        }
        Ok(())
    }

    fn write_pending(&mut self) -> Result<(), StorageError> {
        // One batch, however many the rows came in: the encoder ends pages by the batches that it gets.
        let batch = concat_batches(&self.schema, &self.pending)
            .map_err(|error| StorageError::Rows(error.to_string()))?;
        self.pending.clear();
        let fail = |error: ParquetError| write_error(&self.temp.path, &self.failure, &error);
        self.writer.write(&batch).map_err(fail)?;
        self.row_count += self.pending_rows;
        self.group_rows += self.pending_rows;
        self.group_bytes += self.pending_bytes;
        (self.pending_rows, self.pending_bytes) = (0, 0);
        if self.group_rows >= ROW_GROUP_ROWS || self.group_bytes >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(fail)?;
            (self.group_rows, self.group_bytes) = (0, 0);
        }
        Ok(())
    }

    /// Closes and syncs the file; its final path names its content.
    pub(crate) fn finish(
        mut self,
        network: &str,
        range: BlockRange,
    ) -> Result<(TempFile, SegmentFile), StorageError> {
        if self.pending_rows > 0 {
            self.write_pending()?;
        }
        let path = &self.temp.path;
        let file = self.writer.into_inner().map_err(|e| write_error(path, &self.failure, &e))?;
        let hashes = file.finish().map_err(|e| io("sync", path, e))?;
        let table = self.table.name;
        let content = blake3::Hash::from_bytes(hashes.content_hash).to_hex();
        let digits = &content.as_str()[..NAME_HASH_DIGITS];
        let (first, last) = (range.first(), range.last());
        let segment_file = SegmentFile {
            table: table.to_owned(),
            path: format!("{network}/{table}-{first}-{last}-{digits}.parquet"),
            size_bytes: hashes.size_bytes,
            row_count: self.row_count,
            content_hash: hashes.content_hash,
            chunk_hashes: hashes.chunk_hashes.into(),
        };
        Ok((self.temp, segment_file))
    }
}

/// The operating system's reason where there is one, else what the encoder says.
fn write_error(path: &Path, failure: &WriteFailure, error: &ParquetError) -> StorageError {
    match failure.take() {
        Some(source) => io("write", path, source),
        None => StorageError::Rows(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_full_disk_keeps_its_reason_and_leaves_no_file() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.part");
        std::fs::write(&path, b"").unwrap();
        let mut file = TableFile::new(testing::TABLES[0], path.clone(), full).unwrap();
        let (_, batches) = testing::blocks(0, 3, 0);
        file.append(&batches[0], &[1, 2, 3]).unwrap();

        let range = BlockRange::new(0, 2).unwrap();
        let error = file.finish("net", range).err().unwrap();

        assert!(
            matches!(&error, StorageError::Io { source, .. }
            if source.kind() == std::io::ErrorKind::StorageFull),
            "{error:?}"
        );
        assert!(!path.exists());
    }

    #[test]
    fn a_block_is_in_one_row_group_that_statistics_pages_and_filters_can_find() {
        use parquet::arrow::arrow_reader::ArrowReaderMetadata;
        use parquet::arrow::arrow_reader::ArrowReaderOptions;
        use parquet::file::metadata::PageIndexPolicy;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.part");
        let (blocks, logs) = (400, 100);
        let mut file = TableFile::create(testing::TABLES[1], path.clone()).unwrap();
        let (_, batches) = testing::blocks(0, blocks, logs);
        let ends: Vec<usize> = (1..=blocks).map(|block| (block * logs) as usize).collect();
        file.append(&batches[1], &ends).unwrap();
        let range = BlockRange::new(0, blocks - 1).unwrap();
        let (_temp, _) = file.finish("net", range).unwrap();

        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = ArrowReaderMetadata::load(&File::open(&path).unwrap(), options).unwrap();

        let metadata = metadata.metadata();
        assert_eq!(metadata.num_row_groups(), 3);
        let pages = metadata.offset_index().unwrap();
        for (index, group) in metadata.row_groups().iter().enumerate() {
            assert!(group.num_rows() % logs as i64 == 0, "ends with a block");
            assert!(group.num_rows() < (ROW_GROUP_ROWS + PAGE_ROWS + logs) as i64);
            assert!(group.column(0).statistics().is_some(), "block numbers");
            assert!(group.column(1).bloom_filter_offset().is_some(), "transaction hashes");
            assert!(group.column(2).statistics().is_none(), "data");
            assert!(pages[index][0].page_locations().len() as i64 >= group.num_rows() / 2_048);
        }
    }
}
