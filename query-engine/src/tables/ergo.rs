//! Tables of schema `ergo`: what the system knows about itself.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Int64Array, RecordBatch, StringArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::catalog::TableProvider;
use schemas::BlockRange;
use storage::ChainSnapshot;

use super::snapshots::Snapshots;
use crate::catalog::{CatalogView, RelationColumn};
use crate::error::map::query_error;
use crate::{PgType, QueryError, limits};

/// Description of one table.
pub(crate) struct ErgoTable {
    pub(crate) name: &'static str,
    pub(crate) comment: &'static str,
    pub(crate) columns: &'static [(&'static str, PgType, bool, &'static str)],
}

use PgType::{Bool, Bytea, Int8, Text};

/// All tables of the schema.
pub(crate) const TABLES: &[ErgoTable] = &[
    ErgoTable {
        name: "gaps",
        comment: "Blocks between the first and the last stored one that are not stored",
        columns: &[
            ("network", Text, false, "Network"),
            ("first_block", Int8, false, "First missing block"),
            ("last_block", Int8, false, "Last missing block"),
            ("block_count", Int8, false, "Missing blocks"),
        ],
    },
    ErgoTable {
        name: "limits",
        comment: "Limits of the engine and the SQLSTATE that each answers with",
        columns: &[
            ("name", Text, false, "Name of the limit"),
            ("value", Int8, false, "Largest value accepted"),
            ("sqlstate", Text, false, "Error past it"),
            ("comment", Text, false, "What is counted"),
        ],
    },
    ErgoTable {
        name: "networks",
        comment: "Networks of this server; each is a database",
        columns: &[
            ("name", Text, false, "Network"),
            ("family", Text, false, "Chain family"),
            ("chain_id", Int8, true, "Chain id, once known"),
            ("genesis_hash", Bytea, true, "Hash of block 0, once known"),
            ("first_block", Int8, true, "Lowest stored block"),
            ("last_block", Int8, true, "Highest stored block"),
            ("block_count", Int8, false, "Stored blocks"),
        ],
    },
    ErgoTable {
        name: "ranges",
        comment: "Runs of stored blocks of one verification level",
        columns: &[
            ("network", Text, false, "Network"),
            ("first_block", Int8, false, "First block of the run"),
            ("last_block", Int8, false, "Last block of the run"),
            ("block_count", Int8, false, "Blocks of the run"),
            ("level", Text, false, "How far they were verified: header, body, receipts, consensus"),
            ("finalized", Bool, false, "Sealed, so never replaced"),
        ],
    },
    ErgoTable {
        name: "segments",
        comment: "Sealed files of this network's tables",
        columns: &[
            ("network", Text, false, "Network"),
            ("first_block", Int8, false, "First block of the segment"),
            ("last_block", Int8, false, "Last block of the segment"),
            ("level", Text, false, "How far its blocks were verified"),
            ("table_name", Text, false, "Table within schema chain"),
            ("path", Text, false, "Name of the file within the segment store"),
            ("row_count", Int8, false, "Rows"),
            ("size_bytes", Int8, false, "Size of the file"),
            ("content_hash", Bytea, false, "BLAKE3 of the file"),
        ],
    },
    ErgoTable {
        name: "settings",
        comment: "Settings of this session",
        columns: &[
            ("name", Text, false, "Name"),
            ("value", Text, false, "Value as SHOW prints it"),
            ("comment", Text, false, "Meaning"),
        ],
    },
];

/// Columns as clients see them.
pub(crate) fn columns(table: &ErgoTable) -> Vec<RelationColumn> {
    table
        .columns
        .iter()
        .map(|(name, pg_type, nullable, comment)| RelationColumn {
            name: (*name).into(),
            pg_type: *pg_type,
            type_modifier: -1,
            nullable: *nullable,
            comment: (*comment).into(),
        })
        .collect()
}

fn schema(table: &ErgoTable) -> SchemaRef {
    let fields: Vec<Field> = table
        .columns
        .iter()
        .map(|(name, pg_type, nullable, _)| {
            let data_type = match pg_type {
                Bool => DataType::Boolean,
                Bytea => DataType::Binary,
                Int8 => DataType::Int64,
                _ => DataType::Utf8,
            };
            Field::new(*name, data_type, *nullable)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// The rows of `name`; `None` when there is no such table.
///
/// # Errors
/// What taking the snapshots gives.
pub(crate) fn provider(
    name: &str,
    view: &CatalogView,
    snapshots: &Snapshots,
) -> Result<Option<Arc<dyn TableProvider>>, QueryError> {
    let Some(table) = TABLES.iter().find(|table| table.name == name) else { return Ok(None) };
    let arrays = match name {
        "gaps" => gaps(&snapshots.all()?),
        "limits" => limits(),
        "networks" => networks(&snapshots.all()?),
        "ranges" => ranges(&snapshots.all()?),
        "segments" => segments(&snapshots.all()?),
        _ => settings(view),
    };
    let schema = schema(table);
    let provider = RecordBatch::try_new(Arc::clone(&schema), arrays)
        .map_err(datafusion::common::DataFusionError::from)
        .and_then(|batch| MemTable::try_new(schema, vec![vec![batch]]))
        .map_err(|error| query_error(&error))?;
    Ok(Some(Arc::new(provider)))
}

fn texts<T: Into<String>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values.into_iter().map(Into::into)))
}

/// Block numbers and counts; all fit `bigint` by their own limits, and a size that does not is clamped.
fn numbers(values: impl IntoIterator<Item = Option<u64>>) -> ArrayRef {
    let fitted = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    Arc::new(values.into_iter().map(|value| value.map(fitted)).collect::<Int64Array>())
}

fn ranges_of(ranges: &[(String, BlockRange)]) -> Vec<ArrayRef> {
    vec![
        texts(ranges.iter().map(|(network, _)| network.clone())),
        numbers(ranges.iter().map(|(_, range)| Some(range.first()))),
        numbers(ranges.iter().map(|(_, range)| Some(range.last()))),
        numbers(ranges.iter().map(|(_, range)| Some(range.block_count()))),
    ]
}

fn gaps(all: &[Arc<ChainSnapshot>]) -> Vec<ArrayRef> {
    let rows: Vec<_> = all
        .iter()
        .flat_map(|snapshot| {
            snapshot.gaps().into_iter().map(|range| (snapshot.network().name.clone(), range))
        })
        .collect();
    ranges_of(&rows)
}

fn ranges(all: &[Arc<ChainSnapshot>]) -> Vec<ArrayRef> {
    let stored: Vec<_> = all
        .iter()
        .flat_map(|snapshot| {
            snapshot.ranges().into_iter().map(|stored| (snapshot.network().name.clone(), stored))
        })
        .collect();
    let rows: Vec<_> =
        stored.iter().map(|(network, stored)| (network.clone(), stored.range)).collect();
    let mut arrays = ranges_of(&rows);
    arrays.push(texts(stored.iter().map(|(_, stored)| stored.level.as_str())));
    arrays.push(Arc::new(BooleanArray::from_iter(
        stored.iter().map(|(_, stored)| Some(stored.finalized)),
    )));
    arrays
}

fn networks(all: &[Arc<ChainSnapshot>]) -> Vec<ArrayRef> {
    let extent = |snapshot: &Arc<ChainSnapshot>| snapshot.extent();
    let count = |snapshot: &Arc<ChainSnapshot>| -> u64 {
        snapshot.ranges().iter().map(|stored| stored.range.block_count()).sum()
    };
    let genesis =
        all.iter().map(|snapshot| snapshot.network().genesis_hash.map(|hash| hash.0.to_vec()));
    vec![
        texts(all.iter().map(|snapshot| snapshot.network().name.clone())),
        texts(all.iter().map(|snapshot| snapshot.network().family.clone())),
        numbers(all.iter().map(|snapshot| snapshot.network().chain_id)),
        Arc::new(genesis.collect::<BinaryArray>()),
        numbers(all.iter().map(|snapshot| extent(snapshot).map(BlockRange::first))),
        numbers(all.iter().map(|snapshot| extent(snapshot).map(BlockRange::last))),
        numbers(all.iter().map(|snapshot| Some(count(snapshot)))),
    ]
}

fn segments(all: &[Arc<ChainSnapshot>]) -> Vec<ArrayRef> {
    let rows: Vec<_> = all
        .iter()
        .flat_map(|snapshot| {
            snapshot.segments().iter().flat_map(move |segment| {
                segment
                    .files
                    .iter()
                    .map(move |file| (snapshot.network().name.clone(), segment, file))
            })
        })
        .collect();
    vec![
        texts(rows.iter().map(|(network, _, _)| network.clone())),
        numbers(rows.iter().map(|(_, segment, _)| Some(segment.range.first()))),
        numbers(rows.iter().map(|(_, segment, _)| Some(segment.range.last()))),
        texts(rows.iter().map(|(_, segment, _)| segment.level.as_str())),
        texts(rows.iter().map(|(_, _, file)| file.table.clone())),
        texts(rows.iter().map(|(_, _, file)| file.path.clone())),
        numbers(rows.iter().map(|(_, _, file)| Some(file.row_count))),
        numbers(rows.iter().map(|(_, _, file)| Some(file.size_bytes))),
        Arc::new(BinaryArray::from_iter_values(rows.iter().map(|(_, _, file)| file.content_hash))),
    ]
}

fn limits() -> Vec<ArrayRef> {
    let all = limits::ALL;
    vec![
        texts(all.iter().map(|(name, ..)| *name)),
        numbers(all.iter().map(|(_, value, ..)| Some(*value as u64))),
        texts(all.iter().map(|(_, _, state, _)| *state)),
        texts(all.iter().map(|(.., comment)| *comment)),
    ]
}

fn settings(view: &CatalogView) -> Vec<ArrayRef> {
    let all = view.settings().all();
    vec![
        texts(all.iter().map(|(name, ..)| name.clone())),
        texts(all.iter().map(|(_, value, _)| value.clone())),
        texts(all.iter().map(|(.., comment)| *comment)),
    ]
}
