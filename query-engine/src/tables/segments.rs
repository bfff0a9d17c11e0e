//! Physical scans of a chain table: Parquet files of sealed segments, and batches of hot blocks.
//!
//! ```text
//! DataSourceExec (stored types) ──ProjectionExec: 256-bit integers as LargeBinary──> plan types
//! ```

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, Result, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use object_store::ObjectMeta;
use object_store::path::Path;
use schemas::{ColumnType, TableSpec};
use storage::{ChainSnapshot, Segment, SegmentFile};

use super::chain::Blocks;
use super::gap::spanned;

/// Scheme of the URL under which the runtime knows the segment store. No SQL can name it.
pub(crate) const SEGMENT_STORE_URL: &str = "ergosql-segments://store";

/// One scan of one table.
pub(crate) struct Scan<'a> {
    pub(crate) spec: &'static TableSpec,
    /// Position of the table among the family's tables.
    pub(crate) index: usize,
    pub(crate) snapshot: &'a ChainSnapshot,
    pub(crate) blocks: &'a Blocks,
    pub(crate) projection: Option<&'a [usize]>,
    /// Filters without 256-bit columns.
    pub(crate) filters: &'a [Expr],
    pub(crate) limit: Option<usize>,
}

impl Scan<'_> {
    /// Scan of the sealed files that may hold rows; `None` when there are none.
    pub(crate) fn sealed(&self, state: &dyn Session) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let files: Vec<PartitionedFile> = self
            .snapshot
            .segments()
            .iter()
            .filter(|segment| self.holds_blocks(segment))
            .filter_map(|segment| segment.files.iter().find(|file| file.table == self.spec.name))
            .filter(|file| file.row_count > 0)
            .map(|file| self.partitioned(file))
            .collect();
        if files.is_empty() {
            return Ok(None);
        }
        let stored = self.spec.schema();
        let url = ObjectStoreUrl::parse(SEGMENT_STORE_URL)?;
        let environment = state.runtime_env();
        let reader = CachedParquetFileReaderFactory::new(
            environment.object_store(&url)?,
            environment.cache_manager.get_file_metadata_cache(),
        );
        let mut source = ParquetSource::new(TableSchema::from(Arc::clone(&stored)))
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_parquet_file_reader_factory(Arc::new(reader))
            .with_pushdown_filters(true)
            .with_reorder_filters(true)
            .with_enable_page_index(true)
            .with_bloom_filter_on_read(true);
        if let Some(predicate) = self.predicate(state, &stored)? {
            source = source.with_predicate(predicate);
        }
        let groups = grouped(files, state.config().target_partitions());
        let row_count: usize = groups.iter().map(file_rows).sum();
        let statistics = Statistics {
            num_rows: Precision::Exact(row_count),
            ..Statistics::new_unknown(&stored)
        };
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(self.projection.map(<[usize]>::to_vec))?
            .with_limit(self.limit)
            .build();
        self.with_plan_types(DataSourceExec::from_data_source(config)).map(Some)
    }

    /// Scan of the hot blocks; `None` when none of them is read.
    pub(crate) fn hot(&self, _state: &dyn Session) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let batches: Vec<RecordBatch> = self
            .snapshot
            .hot_blocks()
            .iter()
            .filter(|block| self.reads(block.record.number))
            .filter_map(|block| block.batches.get(self.index))
            .filter(|batch| batch.num_rows() > 0)
            .cloned()
            .collect();
        if batches.is_empty() {
            return Ok(None);
        }
        let source = MemorySourceConfig::try_new_exec(
            &[batches],
            self.spec.schema(),
            self.projection.map(<[usize]>::to_vec),
        )?;
        self.with_plan_types(source).map(Some)
    }

    fn reads(&self, number: u64) -> bool {
        match self.blocks {
            Blocks::Found(found) => found.contains(&number),
            Blocks::Within(within) => {
                i64::try_from(number).is_ok_and(|n| (within.first..=within.last).contains(&n))
            }
        }
    }

    fn holds_blocks(&self, segment: &Segment) -> bool {
        match self.blocks {
            Blocks::Found(found) => {
                found.range(segment.range.first()..=segment.range.last()).next().is_some()
            }
            Blocks::Within(within) => spanned(self.snapshot, *within)
                .is_some_and(|range| range.intersection(segment.range).is_some()),
        }
    }

    fn partitioned(&self, file: &SegmentFile) -> PartitionedFile {
        let rows = usize::try_from(file.row_count).unwrap_or(usize::MAX);
        let statistics = Statistics {
            num_rows: Precision::Exact(rows),
            ..Statistics::new_unknown(&self.spec.schema())
        };
        // Files never change: their name is the hash of their content, so one time fits all.
        let meta = ObjectMeta {
            location: Path::from(file.path.as_str()),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: file.size_bytes,
            e_tag: None,
            version: None,
        };
        PartitionedFile::new_from_meta(meta).with_statistics(Arc::new(statistics))
    }

    fn predicate(
        &self,
        state: &dyn Session,
        stored: &SchemaRef,
    ) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let unqualified = self.filters.iter().cloned().map(strip_qualifiers);
        let Some(filter) = conjunction(unqualified.collect::<Result<Vec<_>>>()?) else {
            return Ok(None);
        };
        let schema = DFSchema::try_from(Arc::clone(stored))?;
        state.create_physical_expr(filter, &schema).map(Some)
    }

    /// `input` with 256-bit integers as plans have them.
    fn with_plan_types(&self, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.spec.columns.len()).collect();
        let columns = self.projection.unwrap_or(&all);
        let is_plain =
            columns.iter().all(|i| self.spec.columns[*i].column_type != ColumnType::Uint256);
        if is_plain {
            return Ok(input);
        }
        let expressions = columns.iter().enumerate().map(|(at, index)| {
            let column = &self.spec.columns[*index];
            let plain: Arc<dyn PhysicalExpr> = Arc::new(Column::new(column.name, at));
            let expr: Arc<dyn PhysicalExpr> = match column.column_type {
                ColumnType::Uint256 => Arc::new(CastExpr::new(plain, DataType::LargeBinary, None)),
                _ => plain,
            };
            (expr, column.name.to_owned())
        });
        Ok(Arc::new(ProjectionExec::try_new(expressions.collect::<Vec<_>>(), input)?))
    }
}

fn strip_qualifiers(expr: Expr) -> Result<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    Ok(expr
        .transform(|expr| {
            Ok(match expr {
                Expr::Column(column) => Transformed::yes(Expr::Column(
                    datafusion::common::Column::new_unqualified(column.name),
                )),
                other => Transformed::no(other),
            })
        })?
        .data)
}

fn file_rows(group: &FileGroup) -> usize {
    group
        .iter()
        .map(|file| match file.statistics.as_ref().map(|statistics| statistics.num_rows) {
            Some(Precision::Exact(rows)) => rows,
            _ => 0,
        })
        .sum()
}

/// Files in block order, spread over at most `parts` groups of about the same size.
fn grouped(files: Vec<PartitionedFile>, parts: usize) -> Vec<FileGroup> {
    let parts = parts.clamp(1, files.len());
    let total: u64 = files.iter().map(|file| file.object_meta.size).sum();
    let share = total.div_ceil(parts as u64).max(1);
    let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new()];
    let mut filled = 0;
    for file in files {
        if filled >= share && groups.len() < parts {
            groups.push(Vec::new());
            filled = 0;
        }
        filled += file.object_meta.size;
        if let Some(last) = groups.last_mut() {
            last.push(file);
        }
    }
    groups.into_iter().map(FileGroup::new).collect()
}
