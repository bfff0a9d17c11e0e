//! A small table and blocks for the unit tests of this crate.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch};
use schemas::ColumnType::{Bigint, Hash};
use schemas::{BlockHash, BlockNumber, Column, Keys, TableSpec, VerificationLevel};
use storage::BlockRecord;

use crate::rows::Rows;
use crate::tail::TailBlock;

const BLOCKS: TableSpec = TableSpec {
    name: "blocks",
    comment: "",
    columns: &[Column::required("number", Bigint, ""), Column::required("hash", Hash, "")],
    block_column: "number",
    bloom_columns: &["hash"],
    keys: Keys::NONE,
    level: VerificationLevel::Body,
};

pub(crate) static TABLES: [&TableSpec; 1] = [&BLOCKS];

/// Hash of block `number` of branch `fork`.
pub(crate) fn hash(number: BlockNumber, fork: u8) -> BlockHash {
    let mut hash = [fork; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    BlockHash(hash)
}

/// Block `number` of branch `fork`, on top of a block of branch `parent_fork`.
pub(crate) fn record(number: BlockNumber, fork: u8, parent_fork: u8) -> BlockRecord {
    BlockRecord {
        number,
        hash: hash(number, fork),
        parent_hash: hash(number.wrapping_sub(1), parent_fork),
        timestamp_us: 0,
        level: VerificationLevel::Receipts,
        transaction_hashes: Vec::new(),
    }
}

pub(crate) fn rows(records: Vec<BlockRecord>) -> Arc<Rows> {
    let numbers = Int64Array::from_iter_values(records.iter().map(|r| r.number as i64));
    let hashes = FixedSizeBinaryArray::try_from_iter(records.iter().map(|r| r.hash.0)).unwrap();
    let columns: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(hashes)];
    let batch = RecordBatch::try_new(BLOCKS.schema(), columns).unwrap();
    Arc::new(Rows::new(&TABLES, records, vec![batch]).unwrap())
}

pub(crate) fn tail_block(record: BlockRecord, stored: bool) -> TailBlock {
    TailBlock { rows: rows(vec![record]), position: 0, stored }
}
