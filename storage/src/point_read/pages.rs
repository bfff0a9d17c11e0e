//! Pages of one row group, inflated by one decompressor.
//!
//! The decoder of the Parquet crate sets up a codec for each column that it opens, a compressor with it.
//! For a lookup, which wants a few rows of two dozen columns, that is a third of the time. Here the pages
//! come as they are stored, and are inflated on their way to the decoder.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, SerializedPageReader};
use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

/// Most bytes of an inflated page.
const PAGE_BYTES_MAX: u64 = 1 << 30;

/// `metadata` of a file of zstd pages, changed to say that they are not compressed: its reader gives the
/// pages as they are stored.
///
/// # Errors
/// Where a column is compressed in another way.
pub(super) fn as_stored(metadata: &ParquetMetaData) -> Result<ParquetMetaData> {
    let group_as_stored = |group: &RowGroupMetaData| {
        let columns = group.columns().iter().map(|column| match column.compression() {
            Compression::ZSTD(_) => {
                column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()
            }
            other => Err(ParquetError::General(format!("a column is compressed with {other}"))),
        });
        let columns = columns.collect::<Result<_>>()?;
        group.clone().into_builder().set_column_metadata(columns).build()
    };
    let groups = metadata.row_groups().iter().map(group_as_stored).collect::<Result<_>>()?;
    Ok(metadata.clone().into_builder().set_row_groups(groups).build())
}

/// One row group of a file.
pub(super) struct StoredGroup<R> {
    reader: Arc<R>,
    /// As [`as_stored`] gives it.
    metadata: Arc<ParquetMetaData>,
    group: usize,
    inflater: Arc<Mutex<Decompressor<'static>>>,
}

impl<R: ChunkReader + 'static> StoredGroup<R> {
    pub(super) fn new(reader: R, metadata: Arc<ParquetMetaData>, group: usize) -> Result<Self> {
        let inflater = Arc::new(Mutex::new(Decompressor::new()?));
        Ok(Self { reader: Arc::new(reader), metadata, group, inflater })
    }

    fn pages(&self, column: usize) -> Result<InflatedPages<R>> {
        let group = self.metadata.row_group(self.group);
        let locations = self
            .metadata
            .offset_index()
            .and_then(|index| Some(index.get(self.group)?.get(column)?.page_locations().clone()));
        let (reader, row_count) = (Arc::clone(&self.reader), group.num_rows() as usize);
        let stored = SerializedPageReader::new(reader, group.column(column), row_count, locations)?;
        Ok(InflatedPages { stored, inflater: Arc::clone(&self.inflater) })
    }
}

impl<R: ChunkReader + 'static> RowGroups for StoredGroup<R> {
    fn num_rows(&self) -> usize {
        self.metadata.row_group(self.group).num_rows() as usize
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let pages: Box<dyn PageReader> = Box::new(self.pages(column)?);
        Ok(Box::new(OneChunk(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The one chunk of a column in a row group.
struct OneChunk(Option<Box<dyn PageReader>>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for OneChunk {}

/// Pages of a column, inflated.
struct InflatedPages<R: ChunkReader> {
    stored: SerializedPageReader<R>,
    inflater: Arc<Mutex<Decompressor<'static>>>,
}

impl<R: ChunkReader> InflatedPages<R> {
    fn inflated(&self, stored: &[u8]) -> Result<Bytes> {
        let size = match get_frame_content_size(stored) {
            Ok(Some(size)) if size <= PAGE_BYTES_MAX => size as usize,
            Ok(_) | Err(_) => return Err(ParquetError::General("a page says no size".to_owned())),
        };
        let mut inflater = self.inflater.lock().unwrap_or_else(PoisonError::into_inner);
        let inflated = inflater.decompress(stored, size)?;
        if inflated.len() != size {
            return Err(ParquetError::General("a page has another size than it says".to_owned()));
        }
        Ok(inflated.into())
    }
}

impl<R: ChunkReader> Iterator for InflatedPages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for InflatedPages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(mut page) = self.stored.get_next_page()? else { return Ok(None) };
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                *buf = self.inflated(buf)?;
            }
            // In these, only the values are compressed. Our files have none.
            Page::DataPageV2 { .. } => {
                return Err(ParquetError::NYI("data pages of version 2".to_owned()));
            }
        }
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.stored.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.stored.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.stored.at_record_boundary()
    }
}
