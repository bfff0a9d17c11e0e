//! A table of schema `chain`: sealed segments, then the hot tail, of one snapshot.
//!
//! ```text
//! filters ──> block bounds, hash lookups ──> gap rule ──> segments and hot blocks ──> Parquet scan ∪ memory
//! ```
//!
//! Invariants
//! - The scan gives a superset of the rows that the filters pick; a filter above picks them.
//! - A lookup by hash reads only the blocks that the index names.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, col, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use schemas::{BlockHash, ColumnType, TableSpec};
use storage::ChainSnapshot;

use super::range::{Bounds, bounds, hashes};
use super::snapshots::Snapshots;
use super::{gap, segments};
use crate::QueryError;
use crate::error::map::storage_error;
use crate::limits::LOOKUP_BLOCKS_MAX;
use crate::session::Finality;
use crate::types::operator::is_comparison;

/// One chain table of one network as one statement sees it.
#[derive(Debug)]
pub(crate) struct ChainTable {
    spec: &'static TableSpec,
    index: usize,
    snapshots: Arc<Snapshots>,
    snapshot: Arc<ChainSnapshot>,
    schema: SchemaRef,
}

/// Which blocks a scan reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// All stored ones within bounds.
    Within(Bounds),
    /// These; they were found by a hash.
    Found(BTreeSet<u64>),
}

/// Finds the blocks that filters leave of a table.
pub(crate) struct BlockFinder<'a> {
    pub(crate) spec: &'static TableSpec,
    pub(crate) snapshot: &'a ChainSnapshot,
    /// Whether missing blocks are tolerated.
    pub(crate) allow_gaps: bool,
}

/// Where the index of hashes says that rows are.
struct Lookup {
    found: BTreeSet<u64>,
    /// Whether every hash is in some stored block.
    all_stored: bool,
}

impl Lookup {
    /// The blocks of one hash.
    fn add(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let mut any = false;
        for number in numbers {
            any = true;
            self.found.insert(number);
        }
        self.all_stored &= any;
    }
}

impl BlockFinder<'_> {
    /// The blocks to read, after the gap rule.
    pub(crate) fn blocks(&self, filters: &[Expr]) -> Result<Blocks, QueryError> {
        let within = bounds(filters, self.spec.block_column);
        match self.lookup(filters)? {
            Some(Lookup { found, all_stored }) if found.len() <= LOOKUP_BLOCKS_MAX => {
                let inside = found.into_iter().filter(|number| {
                    i64::try_from(*number).is_ok_and(|n| (within.first..=within.last).contains(&n))
                });
                let found = Blocks::Found(inside.collect());
                if all_stored {
                    self.check_gaps(&found)?;
                } else {
                    // A hash that is not stored may lie in a missing block.
                    self.check_gaps(&Blocks::Within(within))?;
                }
                Ok(found)
            }
            _ => {
                let all = Blocks::Within(within);
                self.check_gaps(&all)?;
                Ok(all)
            }
        }
    }

    /// Blocks that hold the hashes in the filters; `None` when no filter names hashes.
    fn lookup(&self, filters: &[Expr]) -> Result<Option<Lookup>, QueryError> {
        let is_block = self.spec.name == "blocks";
        let block_column = if is_block { "hash" } else { "block_hash" };
        let mut lookup = Lookup { found: BTreeSet::new(), all_stored: true };
        if let Some(list) = hashes(filters, block_column) {
            for hash in list {
                let number = self.snapshot.block_number(&BlockHash(hash));
                lookup.add(number.map_err(|error| storage_error(&error))?);
            }
            return Ok(Some(lookup));
        }
        let transaction_column = match self.spec.name {
            "transactions" => "hash",
            "receipts" | "logs" | "token_transfers" => "transaction_hash",
            _ => return Ok(None),
        };
        let Some(list) = hashes(filters, transaction_column) else { return Ok(None) };
        for hash in list {
            let numbers = self.snapshot.transaction_blocks(&hash);
            lookup.add(numbers.map_err(|error| storage_error(&error))?);
        }
        Ok(Some(lookup))
    }

    fn check_gaps(&self, blocks: &Blocks) -> Result<(), QueryError> {
        if self.allow_gaps {
            return Ok(());
        }
        match blocks {
            Blocks::Within(within) => gap::check(self.snapshot, self.spec, *within),
            Blocks::Found(found) => found.iter().try_for_each(|number| {
                let number = i64::try_from(*number).unwrap_or(i64::MAX);
                gap::check(self.snapshot, self.spec, Bounds { first: number, last: number })
            }),
        }
    }
}

impl ChainTable {
    /// The table at `index` of the family's tables.
    pub(crate) fn new(
        spec: &'static TableSpec,
        index: usize,
        snapshots: Arc<Snapshots>,
        snapshot: Arc<ChainSnapshot>,
    ) -> Self {
        Self { spec, index, snapshots, snapshot, schema: plan_schema(spec) }
    }

    fn is_uint256(&self, name: &str) -> bool {
        self.spec
            .columns
            .iter()
            .any(|column| column.name == name && column.column_type == ColumnType::Uint256)
    }

    /// Whether the files can use the filter. 256-bit columns look different there; and what can fail,
    /// such as arithmetic, must see only the rows that the other filters leave.
    fn is_for_files(&self, filter: &Expr) -> bool {
        let mut usable = true;
        let visited = filter.apply(|expr| {
            usable &= match expr {
                Expr::Column(column) => !self.is_uint256(&column.name),
                Expr::BinaryExpr(binary) => {
                    is_comparison(binary.op) || binary.op.is_logic_operator()
                }
                Expr::Cast(cast) => *cast.field.data_type() == DataType::Binary,
                Expr::Literal(..)
                | Expr::InList(_)
                | Expr::Between(_)
                | Expr::Like(_)
                | Expr::Not(_)
                | Expr::IsNull(_)
                | Expr::IsNotNull(_) => true,
                _ => false,
            };
            Ok(if usable { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        });
        usable && visited.is_ok()
    }

    fn finder(&self) -> BlockFinder<'_> {
        BlockFinder {
            spec: self.spec,
            snapshot: &self.snapshot,
            allow_gaps: self.snapshots.allow_gaps,
        }
    }
}

#[async_trait]
impl TableProvider for ChainTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| {
                if self.is_for_files(filter) {
                    TableProviderFilterPushDown::Inexact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let blocks = self.finder().blocks(filters)?;
        let mut filters: Vec<Expr> =
            filters.iter().filter(|filter| self.is_for_files(filter)).cloned().collect();
        if let Blocks::Found(found) = &blocks {
            // Row groups are pruned by the block number's minimum and maximum.
            let numbers = found.iter().filter_map(|number| i64::try_from(*number).ok()).map(lit);
            filters.push(col(self.spec.block_column).in_list(numbers.collect(), false));
        }
        let scan = segments::Scan {
            spec: self.spec,
            index: self.index,
            snapshot: &self.snapshot,
            blocks: &blocks,
            projection: projection.map(Vec::as_slice),
            filters: &filters,
            limit,
        };
        let mut parts = Vec::with_capacity(2);
        parts.extend(scan.sealed(state)?);
        if self.snapshots.finality != Finality::Finalized {
            parts.extend(scan.hot(state)?);
        }
        match parts.len() {
            0 => Ok(Arc::new(EmptyExec::new(projected(&self.schema, projection)?))),
            1 => Ok(parts.swap_remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }
}

fn projected(schema: &SchemaRef, projection: Option<&Vec<usize>>) -> Result<SchemaRef> {
    Ok(match projection {
        Some(indices) => Arc::new(schema.project(indices)?),
        None => Arc::clone(schema),
    })
}

/// The table's schema inside plans: as stored, but 256-bit integers are `LargeBinary`.
pub(crate) fn plan_schema(spec: &TableSpec) -> SchemaRef {
    let fields: Vec<Field> = spec
        .columns
        .iter()
        .map(|column| match column.column_type {
            ColumnType::Uint256 => Field::new(column.name, DataType::LargeBinary, column.nullable),
            _ => column.field(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}
