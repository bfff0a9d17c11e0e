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

/// An index from hashes to blocks.
#[derive(Clone, Copy)]
enum Index {
    BlockHash,
    TransactionHash,
}

/// The indexes, that of the fewer blocks first.
const INDEXED: [Index; 2] = [Index::BlockHash, Index::TransactionHash];

impl Index {
    /// The column of a table that the index knows.
    fn column_of(self, spec: &TableSpec) -> Option<&'static str> {
        match (self, spec.name) {
            (Self::BlockHash, "blocks") => Some("hash"),
            (Self::BlockHash, _) => Some("block_hash"),
            (Self::TransactionHash, "transactions") => Some("hash"),
            (Self::TransactionHash, "receipts" | "logs" | "token_transfers") => {
                Some("transaction_hash")
            }
            (Self::TransactionHash, _) => None,
        }
    }
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
        let named = INDEXED.into_iter().find_map(|index| {
            let list = hashes(filters, index.column_of(self.spec)?)?;
            Some((index, list))
        });
        let found = named.map(|(index, list)| self.lookup(index, list)).transpose()?;
        self.allowed(found, within)
    }

    /// The blocks to read for rows with this hash in `column`, after the gap rule. `None` for a column
    /// that no index knows.
    pub(crate) fn blocks_of_hash(
        &self,
        column: &str,
        hash: [u8; 32],
    ) -> Result<Option<Blocks>, QueryError> {
        let is_of = |index: &Index| index.column_of(self.spec) == Some(column);
        let Some(index) = INDEXED.into_iter().find(is_of) else { return Ok(None) };
        let found = self.lookup(index, [hash])?;
        self.allowed(Some(found), Bounds::ALL).map(Some)
    }

    /// `found` within bounds, or all blocks within them, after the gap rule.
    fn allowed(&self, found: Option<Lookup>, within: Bounds) -> Result<Blocks, QueryError> {
        match found {
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

    /// Blocks that hold the hashes.
    fn lookup(
        &self,
        index: Index,
        hashes: impl IntoIterator<Item = [u8; 32]>,
    ) -> Result<Lookup, QueryError> {
        let mut lookup = Lookup { found: BTreeSet::new(), all_stored: true };
        for hash in hashes {
            let failed = |error| storage_error(&error);
            match index {
                Index::BlockHash => {
                    lookup.add(self.snapshot.block_number(&BlockHash(hash)).map_err(failed)?);
                }
                Index::TransactionHash => {
                    lookup.add(self.snapshot.transaction_blocks(&hash).map_err(failed)?);
                }
            }
        }
        Ok(lookup)
    }

    /// The gap rule.
    ///
    /// # Errors
    /// 55G01 where a block is missing that may hold rows.
    pub(crate) fn check_gaps(&self, blocks: &Blocks) -> Result<(), QueryError> {
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
