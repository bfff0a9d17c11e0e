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
use super::hashing_file::HashingFile;
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
        let temp = TempFile { path, kept: false };
        let schema = table.schema();
        let properties = writer_properties(table).map_err(|e| write_error(&temp.path, e))?;
        let writer = ArrowWriter::try_new(HashingFile::new(file), schema.clone(), Some(properties))
            .map_err(|e| write_error(&temp.path, e))?;
        let (pending, group_rows, group_bytes) = (Vec::new(), 0, 0);
        let (pending_rows, pending_bytes, row_count) = (0, 0, 0);
        Ok(Self {
            table,
            schema,
            temp,
            writer,
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
        self.writer.write(&batch).map_err(|e| write_error(&self.temp.path, e))?;
        self.row_count += self.pending_rows;
        self.group_rows += self.pending_rows;
        self.group_bytes += self.pending_bytes;
        (self.pending_rows, self.pending_bytes) = (0, 0);
        if self.group_rows >= ROW_GROUP_ROWS || self.group_bytes >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(|e| write_error(&self.temp.path, e))?;
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
        let file = self.writer.into_inner().map_err(|e| write_error(path, e))?;
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

/// Keeps the operating system's reason where there is one: a full disk is not a fault of the rows.
fn write_error(path: &Path, error: ParquetError) -> StorageError {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => io("write", path, *source),
            Err(other) => StorageError::Rows(other.to_string()),
        },
        other => StorageError::Rows(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_keeps_its_reason() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);

        let error = write_error(Path::new("tmp/0.part"), ParquetError::External(Box::new(full)));

        assert!(matches!(&error, StorageError::Io { source, .. }
            if source.kind() == std::io::ErrorKind::StorageFull));
        assert_eq!(error.to_string(), "write tmp/0.part: no storage space");
    }
}
