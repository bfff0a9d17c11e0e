//! Lookups by key that need no planner: `SELECT columns FROM chain.t [a] WHERE key = value [LIMIT n]`.
//!
//! ```text
//! Query ──shape──> KeyLookup, made once ──value──> blocks (index of hashes, gap rule) ──> rows of each block
//!           └ anything else: the planner
//! ```
//!
//! Invariants
//! - A lookup gives what the planner's way gives: the same columns, rows and errors. What it does not
//!   do in exactly the same way, it leaves to the planner.
//! - The snapshot is taken when it runs, and the gap rule is the same code.

mod shape;

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use schemas::{BLOCK_NUMBER_MAX, TableSpec};
use sqlparser::ast::Query;
use storage::{ChainSnapshot, Found, HotBlock, Reach, RowsWanted, SegmentFile, Store};

use self::shape::{KeyValue, Shape};
use crate::catalog::{CatalogView, chain, oid_of};
use crate::error::map::{query_error, storage_error};
use crate::limits::LOOKUP_ROWS_MAX;
use crate::session::Finality;
use crate::tables::chain::{BlockFinder, Blocks, plan_schema};
use crate::types::bytea;
use crate::types::output::Output;
use crate::{Parameter, PgType, QueryError, ResultColumn};

/// A recognised lookup.
#[derive(Debug)]
pub(crate) struct KeyLookup {
    spec: &'static TableSpec,
    /// Position of the table among the family's tables.
    table: usize,
    /// Position of the key column.
    key: usize,
    value: KeyValue,
    /// Positions of the columns to give.
    columns: Vec<usize>,
    /// Most rows to give.
    limit: Option<usize>,
    described: Arc<[ResultColumn]>,
    schema: SchemaRef,
}

/// What a run of a lookup gave.
pub(crate) enum LookupRun {
    /// All rows.
    Batch(RecordBatch),
    /// A page has to be read from disk: run it again with [`Reach::Disk`], off the network's threads.
    NotInMemory,
    /// This value is for the planner.
    ForPlanner,
}

/// The value of a key.
enum Key {
    Hash([u8; 32]),
    Number(i64),
}

impl KeyLookup {
    /// The lookup that `query` is, if it is one. `declared` holds the parameter types that the client named.
    pub(crate) fn of(
        query: &Query,
        view: &CatalogView,
        store: &Store,
        declared: &[Option<PgType>],
    ) -> Option<Self> {
        let family = &store.snapshot(&view.database).ok()?.network().family.clone();
        let shape = Shape::of(query, chain::tables(family), &view.database, declared)?;
        let spec = chain::tables(family)[shape.table];
        let oid = oid_of(&view.database, "chain", spec.name);
        let described = shape.columns.iter().map(|wanted| {
            let index = wanted.index;
            let column = &spec.columns[index];
            let (pg_type, type_modifier) = chain::pg_type(column.column_type);
            let column_number = i16::try_from(index + 1).unwrap_or(0);
            let name = wanted.name.clone();
            ResultColumn { name, pg_type, type_modifier, table_oid: oid, column_number }
        });
        let described = described.collect();
        let columns: Vec<usize> = shape.columns.iter().map(|wanted| wanted.index).collect();
        let planned = plan_schema(spec);
        let fields: Vec<_> =
            columns.iter().map(|&index| Arc::clone(&planned.fields()[index])).collect();
        let (output, _) = Output::new(&fields).ok()?;
        Some(Self {
            spec,
            table: shape.table,
            key: shape.key,
            value: shape.value,
            columns,
            limit: shape.limit,
            described,
            schema: Arc::clone(output.schema()),
        })
    }

    /// Type of the parameter that the key is compared with; none for a literal.
    pub(crate) fn parameter_types(&self) -> Vec<PgType> {
        match &self.value {
            KeyValue::Parameter => vec![chain::pg_type(self.spec.columns[self.key].column_type).0],
            KeyValue::Hash(_) | KeyValue::Number(_) => Vec::new(),
        }
    }

    /// Result columns.
    pub(crate) fn columns(&self) -> &Arc<[ResultColumn]> {
        &self.described
    }

    /// Runs the lookup on a snapshot taken now.
    ///
    /// # Errors
    /// 55G01 where the planner's way has it, 22P02 for a wrong value, 58030 or XX001 from storage.
    pub(crate) fn run(
        &self,
        store: &Store,
        view: &CatalogView,
        values: &[Parameter],
        reach: Reach,
    ) -> Result<LookupRun, QueryError> {
        let Some(key) = self.key(values)? else { return Ok(LookupRun::ForPlanner) };
        let (allow_gaps, finality) = {
            let settings = view.settings();
            (settings.allow_gaps(), settings.finality())
        };
        let snapshot = store.snapshot(&view.database).map_err(|error| storage_error(&error))?;
        let finder = BlockFinder { spec: self.spec, snapshot: &snapshot, allow_gaps };
        let blocks = match key {
            Key::Hash(hash) => {
                let name = self.spec.columns[self.key].name;
                match finder.blocks_of_hash(name, hash)? {
                    Some(Blocks::Found(found)) => found.into_iter().collect(),
                    Some(Blocks::Within(_)) | None => return Ok(LookupRun::ForPlanner),
                }
            }
            Key::Number(number) => {
                let block = u64::try_from(number).ok().filter(|block| *block <= BLOCK_NUMBER_MAX);
                let Some(block) = block else { return Ok(LookupRun::ForPlanner) };
                finder.check_gaps(&Blocks::Found(BTreeSet::from([block])))?;
                vec![block]
            }
        };
        let mut parts = Vec::with_capacity(blocks.len());
        let mut row_count = 0;
        for number in blocks {
            let found = match self.in_block(store, &snapshot, finality, number, &key, reach)? {
                Some(Found::Rows(0, _)) | None => continue,
                Some(Found::Rows(count, columns)) => (count, columns),
                Some(Found::NotInMemory) => return Ok(LookupRun::NotInMemory),
                Some(Found::TooMany) => return Ok(LookupRun::ForPlanner),
            };
            row_count += found.0;
            parts.push(found.1);
        }
        if row_count > LOOKUP_ROWS_MAX {
            return Ok(LookupRun::ForPlanner);
        }
        let batch = self.batch(parts).map_err(|error| query_error(&error))?;
        let row_count = batch.num_rows().min(self.limit.unwrap_or(usize::MAX));
        Ok(LookupRun::Batch(batch.slice(0, row_count)))
    }

    /// The key of this run; `None` for one that the planner has to judge: NULL, or a value of another
    /// length or type.
    fn key(&self, values: &[Parameter]) -> Result<Option<Key>, QueryError> {
        let expected = self.parameter_types();
        Ok(match (&self.value, values) {
            (KeyValue::Hash(hash), []) => Some(Key::Hash(*hash)),
            (KeyValue::Number(number), []) => Some(Key::Number(*number)),
            (KeyValue::Parameter, [Parameter::Bytes(bytes)]) if expected == [PgType::Bytea] => {
                bytes.as_slice().try_into().ok().map(Key::Hash)
            }
            (KeyValue::Parameter, [Parameter::Text(text)]) if expected == [PgType::Bytea] => {
                bytea::parse(text)?.as_slice().try_into().ok().map(Key::Hash)
            }
            (KeyValue::Parameter, [Parameter::Int(number)]) if expected == [PgType::Int8] => {
                Some(Key::Number(*number))
            }
            _ => None,
        })
    }

    /// Rows of one block; `None` where the block has no rows that this session reads.
    fn in_block(
        &self,
        store: &Store,
        snapshot: &ChainSnapshot,
        finality: Finality,
        number: u64,
        key: &Key,
        reach: Reach,
    ) -> Result<Option<Found>, QueryError> {
        let hash = match key {
            Key::Hash(hash) => Some((self.key, hash)),
            Key::Number(_) => None,
        };
        if let Some(segment) = snapshot.segment(number) {
            let is_table = |file: &&SegmentFile| file.table == self.spec.name && file.row_count > 0;
            let Some(file) = segment.files.iter().find(is_table) else { return Ok(None) };
            let wanted = RowsWanted {
                table: self.spec,
                block: number,
                key: hash,
                columns: &self.columns,
                rows_max: LOOKUP_ROWS_MAX,
            };
            let found = store.block_rows(file, &wanted, reach);
            return found.map(Some).map_err(|error| storage_error(&error));
        }
        if finality == Finality::Finalized {
            return Ok(None);
        }
        let hot = snapshot.hot_blocks();
        let at = hot.binary_search_by_key(&number, |block| block.record.number).ok();
        let found = at.map(|at| self.in_hot_block(&hot[at], hash)).transpose();
        found.map_err(|error| query_error(&error))
    }

    fn in_hot_block(
        &self,
        block: &HotBlock,
        key: Option<(usize, &[u8; 32])>,
    ) -> Result<Found, DataFusionError> {
        let Some(batch) = block.batches.get(self.table) else {
            return Ok(Found::Rows(0, Vec::new()));
        };
        let rows: Vec<u64> = match key {
            None => (0..batch.num_rows() as u64).collect(),
            Some((column, hash)) => {
                let values = batch.column(column).as_fixed_size_binary();
                let is_match = |row: &usize| values.is_valid(*row) && values.value(*row) == hash;
                (0..values.len()).filter(is_match).map(|row| row as u64).collect()
            }
        };
        if rows.len() > LOOKUP_ROWS_MAX {
            return Ok(Found::TooMany);
        }
        let count = rows.len();
        let rows = UInt64Array::from(rows);
        let columns = self.columns.iter().map(|&column| take(batch.column(column), &rows, None));
        Ok(Found::Rows(count, columns.collect::<Result<_, _>>()?))
    }

    /// The rows of all blocks as one batch in wire carriers.
    fn batch(&self, mut parts: Vec<Vec<ArrayRef>>) -> Result<RecordBatch, DataFusionError> {
        let schema = Arc::clone(&self.schema);
        let columns = match parts.len() {
            0 => return Ok(RecordBatch::new_empty(schema)),
            1 => parts.swap_remove(0),
            _ => (0..self.columns.len())
                .map(|column| {
                    let all: Vec<&dyn Array> =
                        parts.iter().map(|part| part[column].as_ref()).collect();
                    concat(&all)
                })
                .collect::<Result<_, _>>()?,
        };
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}
