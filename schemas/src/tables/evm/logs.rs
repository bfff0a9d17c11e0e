//! SQL table `chain.logs`: one row per log, ordered by block and log index. Taken from verified receipts only.

use crate::ColumnType::{Address, Bigint, Bytes, Hash, HashList, Timestamp};
use crate::{Column, Keys, Reference, TableSpec, VerificationLevel};

/// Table `chain.logs`.
pub const LOGS: TableSpec = TableSpec {
    name: "logs",
    comment: "One row per event log",
    columns: &[
        Column::required("log_index", Bigint, "Position in the block, from 0"),
        Column::required("transaction_hash", Hash, "Hash of the transaction"),
        Column::required(
            "transaction_index",
            Bigint,
            "Position of the transaction in the block, from 0",
        ),
        Column::required("block_hash", Hash, "Hash of the block"),
        Column::required("block_number", Bigint, "Number of the block"),
        Column::required("block_timestamp", Timestamp, "Time of the block"),
        Column::required("address", Address, "Contract that emitted the log"),
        Column::required("data", Bytes, "Event parameters that are not indexed"),
        Column::nullable(
            "topic0",
            Hash,
            "First topic: hash of the event signature, unless anonymous",
        ),
        Column::nullable("topic1", Hash, "Second topic"),
        Column::nullable("topic2", Hash, "Third topic"),
        Column::nullable("topic3", Hash, "Fourth topic"),
        Column::required("topics", HashList, "All topics in order"),
    ],
    block_column: "block_number",
    bloom_columns: &["transaction_hash", "address", "topic0", "topic1", "topic2", "topic3"],
    keys: Keys {
        primary: &["block_number", "log_index"],
        unique: &[],
        references: &[Reference::TRANSACTION, Reference::BLOCK],
    },
    level: VerificationLevel::Receipts,
};
