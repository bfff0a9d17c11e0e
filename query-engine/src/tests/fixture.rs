//! A store with hand-made blocks. Block n holds `transactions` transactions, each with one receipt,
//! one log and one token transfer; values follow from the block number and the index.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, Int32Builder, Int64Builder,
    ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder, new_empty_array,
};
use schemas::tables::evm;
use schemas::{BlockHash, Column, ColumnType, SystemClock, TableSpec, VerificationLevel};
use storage::{BlockRecord, Commit, HotBlock, Network, Store};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineConfig, Outcome, Parameter, PgType, Principal, QueryError, Rows, Session,
};

/// Seconds between blocks.
const BLOCK_SECONDS: i64 = 12;

/// An engine over a temporary store.
pub(crate) struct Fixture {
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Store,
    _directory: TempDir,
}

/// What one run of blocks is.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) transactions: u64,
    pub(crate) level: VerificationLevel,
}

impl Run {
    pub(crate) fn new(first: u64, last: u64, transactions: u64) -> Self {
        Self { first, last, transactions, level: VerificationLevel::Receipts }
    }
}

impl Fixture {
    /// Sealed runs of blocks in network `demo`; each is one segment.
    pub(crate) fn sealed(runs: &[Run]) -> Self {
        let fixture = Self::empty();
        for run in runs {
            fixture.seal("demo", *run);
        }
        fixture
    }

    /// A store with networks `demo` and `other` and no blocks.
    pub(crate) fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        for (name, chain_id) in [("demo", 31337), ("other", 1)] {
            store
                .put_network(&Network {
                    name: name.to_owned(),
                    family: "evm".to_owned(),
                    chain_id: Some(chain_id),
                    genesis_hash: None,
                })
                .unwrap();
        }
        let config = EngineConfig { threads: 2, memory_bytes_max: 256 << 20 };
        let engine = Engine::new(store.clone(), config, Arc::new(SystemClock::new())).unwrap();
        Self { engine, store, _directory: directory }
    }

    pub(crate) fn seal(&self, network: &str, run: Run) {
        let mut writer = self.store.segment_writer(network, &evm::TABLES, run.first).unwrap();
        for number in run.first..=run.last {
            let block = block(number, run);
            writer.append(vec![block.record], &block.batches).unwrap();
        }
        let sealed = writer.finish().unwrap();
        self.store.commit(network, Commit { seal: vec![sealed], ..Commit::default() }).unwrap();
    }

    pub(crate) fn hot(&self, network: &str, run: Run) {
        let hot_put = (run.first..=run.last).map(|number| block(number, run)).collect();
        self.store.commit(network, Commit { hot_put, ..Commit::default() }).unwrap();
    }

    pub(crate) fn session(&self) -> Session {
        self.session_on("demo")
    }

    pub(crate) fn session_on(&self, database: &str) -> Session {
        let principal = Principal { role: "tester".to_owned(), may_create: true };
        self.engine.session(database, principal, &[]).unwrap()
    }
}

/// Runs `sql` and gives the rows of its last statement as text.
pub(crate) async fn rows(session: &mut Session, sql: &str) -> Vec<Vec<String>> {
    try_rows(session, sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

/// Runs `sql` and gives its error.
pub(crate) async fn error(session: &mut Session, sql: &str) -> QueryError {
    match try_rows(session, sql, &[]).await {
        Ok(rows) => panic!("{sql} gave {rows:?}"),
        Err(error) => error,
    }
}

/// The one value of the one row of `sql`.
pub(crate) async fn value(session: &mut Session, sql: &str) -> String {
    let rows = rows(session, sql).await;
    assert_eq!((rows.len(), rows[0].len()), (1, 1), "{sql}: {rows:?}");
    rows[0][0].clone()
}

pub(crate) async fn try_rows(
    session: &mut Session,
    sql: &str,
    parameters: &[Parameter],
) -> Result<Vec<Vec<String>>, QueryError> {
    let mut result = Vec::new();
    for statement in session.parse(sql)? {
        let prepared = session.prepare(statement, &[]).await?;
        let outcome = session.execute(&prepared, parameters, CancellationToken::new()).await?;
        result = match outcome {
            Outcome::Rows(rows) | Outcome::CopyOut { rows, .. } => text(rows).await?,
            Outcome::Done { tag } => vec![vec![tag]],
            Outcome::CopyIn(_) | Outcome::Empty => Vec::new(),
        };
    }
    Ok(result)
}

/// Types of the columns of `sql`.
pub(crate) async fn types(session: &mut Session, sql: &str) -> Vec<(String, PgType)> {
    let statement = session.parse(sql).unwrap().remove(0);
    let prepared = session.prepare(statement, &[]).await.unwrap();
    let columns = prepared.columns().unwrap();
    columns.iter().map(|column| (column.name.clone(), column.pg_type)).collect()
}

/// All rows as text.
pub(crate) async fn text(mut rows: Rows) -> Result<Vec<Vec<String>>, QueryError> {
    let mut result = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            result.push(batch.columns().iter().map(|column| cell(column, row)).collect());
        }
    }
    Ok(result)
}

fn cell(column: &ArrayRef, row: usize) -> String {
    use arrow::array::Array;
    if column.is_null(row) {
        return "NULL".to_owned();
    }
    let data_type = column.data_type();
    if let Some(forms) = arrow::array::AsArray::as_struct_opt(column) {
        return cell(forms.column(0), row);
    }
    if let arrow::datatypes::DataType::FixedSizeBinary(32) = data_type {
        let bytes = arrow::array::AsArray::as_fixed_size_binary(column).value(row);
        return format!("0x{}", hex::encode(bytes));
    }
    arrow::util::display::array_value_to_string(column, row).unwrap()
}

/// From this block on, neighbouring transactions of neighbouring blocks share their hash.
pub(crate) const TWINS_FROM: u64 = 1_000_000;

/// 32 bytes that follow from a kind, a number and an index.
pub(crate) fn hash(kind: u8, number: u64, index: u64) -> [u8; 32] {
    let is_twin = kind == b't' && number >= TWINS_FROM;
    let (number, index) = if is_twin { (number & !1, index & !1) } else { (number, index) };
    let mut bytes = [kind; 32];
    // Mixed, so that hashes are not sorted as the blocks are.
    let mixed = number.wrapping_mul(1_000).wrapping_add(index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&mixed.to_be_bytes());
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    bytes[16..24].copy_from_slice(&index.to_be_bytes());
    bytes
}

fn block(number: u64, run: Run) -> HotBlock {
    let hashes: Vec<_> = (0..run.transactions).map(|index| hash(b't', number, index)).collect();
    let record = BlockRecord {
        number,
        hash: BlockHash(hash(b'b', number, 0)),
        parent_hash: BlockHash(hash(b'b', number.wrapping_sub(1), 0)),
        timestamp_us: timestamp(number),
        level: run.level,
        transaction_hashes: hashes,
    };
    let batches = evm::TABLES
        .iter()
        .map(|spec| {
            let row_count = match spec.name {
                "blocks" => 1,
                "withdrawals" => 0,
                _ if spec.level > run.level => 0,
                _ => run.transactions,
            };
            batch(spec, number, row_count)
        })
        .collect();
    HotBlock { record, batches }
}

fn timestamp(number: u64) -> i64 {
    number as i64 * BLOCK_SECONDS * 1_000_000
}

fn batch(spec: &TableSpec, number: u64, row_count: u64) -> RecordBatch {
    let schema = spec.schema();
    if row_count == 0 {
        let empty = schema.fields().iter().map(|field| new_empty_array(field.data_type()));
        return RecordBatch::try_new(schema.clone(), empty.collect()).unwrap();
    }
    let columns =
        spec.columns.iter().map(|column| array(spec, column, number, row_count)).collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Amounts by index: 0 is 2^256 - 1, 1 is 2^200, the others are their block number times 10^18.
pub(crate) fn amount(number: u64, index: u64) -> [u8; 32] {
    match index {
        0 => [0xff; 32],
        1 => {
            let mut bytes = [0; 32];
            bytes[6] = 1;
            bytes
        }
        _ => {
            let mut bytes = [0; 32];
            let value = u128::from(number) * 1_000_000_000_000_000_000;
            bytes[16..].copy_from_slice(&value.to_be_bytes());
            bytes
        }
    }
}

fn array(spec: &TableSpec, column: &Column, number: u64, rows: u64) -> ArrayRef {
    let name = column.name;
    let absent = column.nullable && !matches!(name, "topic0" | "to_address" | "status");
    match column.column_type {
        ColumnType::Boolean => {
            let mut builder = BooleanBuilder::new();
            (0..rows).for_each(|_| builder.append_value(true));
            Arc::new(builder.finish())
        }
        ColumnType::Integer => {
            let mut builder = Int32Builder::new();
            (0..rows).for_each(|_| builder.append_option((!absent).then_some(2)));
            Arc::new(builder.finish())
        }
        ColumnType::Bigint => {
            let mut builder = Int64Builder::new();
            for index in 0..rows as i64 {
                let value = match name {
                    "number" | "block_number" => number as i64,
                    "transaction_count" => 3,
                    "nonce" if index == 0 => i64::MAX,
                    "gas" | "gas_used" | "gas_limit" => 21_000,
                    "status" => 1,
                    _ => index,
                };
                builder.append_option((!absent).then_some(value));
            }
            Arc::new(builder.finish())
        }
        ColumnType::Uint256 | ColumnType::Hash | ColumnType::Address => {
            fixed(spec, column, absent, number, rows)
        }
        ColumnType::Bytes => {
            let mut builder = BinaryBuilder::new();
            (0..rows).for_each(|index| builder.append_value([index as u8, 1]));
            Arc::new(builder.finish())
        }
        ColumnType::HashList => {
            let item = arrow::datatypes::Field::new_list_field(
                arrow::datatypes::DataType::FixedSizeBinary(32),
                false,
            );
            let mut builder = ListBuilder::new(FixedSizeBinaryBuilder::new(32)).with_field(item);
            (0..rows).for_each(|_| builder.append(!absent));
            Arc::new(builder.finish())
        }
        ColumnType::Text => {
            let mut builder = StringBuilder::new();
            (0..rows).for_each(|_| builder.append_option((!absent).then_some("[]")));
            Arc::new(builder.finish())
        }
        ColumnType::Timestamp => {
            let mut builder = TimestampMicrosecondBuilder::new().with_timezone("UTC");
            (0..rows).for_each(|_| builder.append_value(timestamp(number)));
            Arc::new(builder.finish())
        }
    }
}

fn fixed(spec: &TableSpec, column: &Column, absent: bool, number: u64, rows: u64) -> ArrayRef {
    let name = column.name;
    let width = if column.column_type == ColumnType::Address { 20 } else { 32 };
    let mut builder = FixedSizeBinaryBuilder::new(width);
    for index in 0..rows {
        if absent {
            builder.append_null();
            continue;
        }
        let bytes = match (spec.name, name) {
            ("blocks", "hash") | (_, "block_hash") => hash(b'b', number, 0),
            ("transactions", "hash") | (_, "transaction_hash") => hash(b't', number, index),
            (_, "value") => amount(number, index),
            _ if column.column_type == ColumnType::Uint256 => amount(number, 2),
            _ => hash(name.as_bytes()[0], index % 3, 0),
        };
        builder.append_value(&bytes[..width as usize]).unwrap();
    }
    Arc::new(builder.finish())
}

/// Counters that EXPLAIN ANALYZE shows, by name, summed over the plan.
pub(crate) async fn counters(session: &mut Session, sql: &str) -> BTreeMap<String, String> {
    let plan = rows(session, &format!("EXPLAIN (ANALYZE, VERBOSE) {sql}")).await;
    let mut found = BTreeMap::new();
    for line in plan.iter().map(|row| &row[0]).filter(|line| line.contains("Metrics: ")) {
        let Some((_, metrics)) = line.split_once("Metrics: ") else { continue };
        for entry in metrics.split(", ") {
            if let Some((name, value)) = entry.split_once('=') {
                found.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    found
}
