//! How segment files are encoded. The same rows give the same bytes: nothing here depends on the time,
//! the machine or the release.

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{
    BloomFilterPosition, EnabledStatistics, WriterProperties, WriterVersion,
};
use parquet::schema::types::ColumnPath;
use schemas::{ColumnType, TableSpec, format_version};

/// A row group ends with the block that brings it to this many rows: small enough for a point lookup.
pub(crate) const ROW_GROUP_ROWS: u64 = 16 * 1024;
/// A row group ends with the block that brings it to this many bytes before encoding.
pub(crate) const ROW_GROUP_BYTES: u64 = 16 << 20;
/// Rows are handed to the encoder once this many are there.
pub(crate) const PAGE_ROWS: u64 = 2 * 1024;
/// Rows are handed to the encoder once they have this many bytes.
pub(crate) const PAGE_BYTES: u64 = 1 << 20;

/// Level of zstd; see `docs/storage-format.md` for what other levels gained and cost.
const ZSTD_LEVEL: i32 = 1;
/// A column whose distinct values in a row group pass this size is stored plain: hashes that never
/// repeat are not worth a dictionary.
const DICTIONARY_BYTES_MAX: usize = 64 * 1024;
/// Chance that a bloom filter names a row group in vain.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;
/// Bytes of a value that statistics and page indexes keep; whole hashes and 256-bit integers fit.
const STATISTICS_BYTES_MAX: usize = 32;

/// Settings for the file of `table`.
pub(crate) fn writer_properties(table: &TableSpec) -> Result<WriterProperties, ParquetError> {
    let block_column = table.columns.iter().position(|column| column.name == table.block_column);
    let sorting = block_column.map(|index| {
        vec![SortingColumn { column_idx: index as i32, descending: false, nulls_first: false }]
    });
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(format!("ergosql segment format {}", format_version::SEGMENT))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE_ROWS as usize)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES_MAX))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES_MAX))
        // All filters together before the footer: a reader fetches them with one request.
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_sorting_columns(sorting);
    for column in table.columns {
        let path = ColumnPath::from(column.name);
        // The smallest and largest call data of a page help no query.
        if matches!(column.column_type, ColumnType::Bytes | ColumnType::Text) {
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if table.bloom_columns.contains(&column.name) {
            builder = builder
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS);
        }
    }
    Ok(builder.build())
}
