//! Small tables and blocks for the unit tests of this crate.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, FixedSizeBinaryArray, Int64Array, RecordBatch};
use schemas::ColumnType::{Bigint, Bytes, Hash};
use schemas::{BlockHash, BlockNumber, Column, Keys, TableSpec, VerificationLevel};

use crate::{BlockRecord, HotBlock};

const BLOCKS: TableSpec = TableSpec {
    name: "blocks",
    comment: "",
    columns: &[Column::required("number", Bigint, ""), Column::required("hash", Hash, "")],
    block_column: "number",
    bloom_columns: &["hash"],
    keys: Keys::NONE,
    level: VerificationLevel::Body,
};

const LOGS: TableSpec = TableSpec {
    name: "logs",
    comment: "",
    columns: &[
        Column::required("block_number", Bigint, ""),
        Column::required("transaction_hash", Hash, ""),
        Column::required("data", Bytes, ""),
    ],
    block_column: "block_number",
    bloom_columns: &["transaction_hash"],
    keys: Keys::NONE,
    level: VerificationLevel::Receipts,
};

pub(crate) const TABLES: [&TableSpec; 2] = [&BLOCKS, &LOGS];

/// Hash of block `number` of branch `fork`; its parent is on the same branch.
pub(crate) fn hash(number: BlockNumber, fork: u8) -> BlockHash {
    let mut hash = *blake3::hash(&number.to_be_bytes()).as_bytes();
    hash[31] = fork;
    BlockHash(hash)
}

pub(crate) fn transaction(number: BlockNumber, index: u64) -> [u8; 32] {
    *blake3::hash(&[number.to_be_bytes(), index.to_be_bytes()].concat()).as_bytes()
}

fn record(number: BlockNumber, fork: u8, logs: u64) -> BlockRecord {
    BlockRecord {
        number,
        hash: hash(number, fork),
        parent_hash: hash(number.wrapping_sub(1), fork),
        timestamp_us: number as i64 * 12_000_000,
        level: VerificationLevel::Receipts,
        transaction_hashes: (0..logs).map(|index| transaction(number, index)).collect(),
    }
}

fn batches(records: &[BlockRecord]) -> Vec<RecordBatch> {
    let hashes = |all: Vec<[u8; 32]>| -> ArrayRef {
        if all.is_empty() {
            return Arc::new(FixedSizeBinaryArray::new_null(32, 0));
        }
        Arc::new(FixedSizeBinaryArray::try_from_iter(all.into_iter()).unwrap())
    };
    let numbers = |all: Vec<u64>| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(all.into_iter().map(|n| n as i64)))
    };
    let blocks = vec![
        numbers(records.iter().map(|r| r.number).collect()),
        hashes(records.iter().map(|r| r.hash.0).collect()),
    ];
    let log_numbers = records.iter().flat_map(|r| vec![r.number; r.transaction_hashes.len()]);
    let log_hashes: Vec<_> = records.iter().flat_map(|r| r.transaction_hashes.clone()).collect();
    let data = BinaryArray::from_iter_values(log_hashes.iter().map(|h| &h[..(h[0] % 32) as usize]));
    let logs = vec![numbers(log_numbers.collect()), hashes(log_hashes), Arc::new(data)];
    vec![
        RecordBatch::try_new(BLOCKS.schema(), blocks).unwrap(),
        RecordBatch::try_new(LOGS.schema(), logs).unwrap(),
    ]
}

/// Linked blocks `first..first + count` with `logs` logs each.
pub(crate) fn blocks(
    first: BlockNumber,
    count: u64,
    logs: u64,
) -> (Vec<BlockRecord>, Vec<RecordBatch>) {
    let records: Vec<_> = (first..first + count).map(|number| record(number, 0, logs)).collect();
    let batches = batches(&records);
    (records, batches)
}

pub(crate) fn hot_block(number: BlockNumber, fork: u8, logs: u64) -> HotBlock {
    let record = record(number, fork, logs);
    let batches = batches(std::slice::from_ref(&record));
    HotBlock { record, batches }
}

/// A block of branch `fork` on top of `parent`.
pub(crate) fn fork_block(parent: &HotBlock, fork: u8) -> HotBlock {
    let mut block = hot_block(parent.record.number + 1, fork, 1);
    block.record.parent_hash = parent.record.hash;
    block
}
