//! SQL table `chain.withdrawals`: one row per withdrawal from the beacon chain (EIP-4895).

use crate::ColumnType::{Address, Bigint, Hash, Timestamp};
use crate::{Column, Keys, Reference, TableSpec, VerificationLevel};

/// Table `chain.withdrawals`.
pub const WITHDRAWALS: TableSpec = TableSpec {
    name: "withdrawals",
    comment: "One row per beacon-chain withdrawal",
    columns: &[
        Column::required("index", Bigint, "Running number of the withdrawal"),
        Column::required("validator_index", Bigint, "Validator that withdraws"),
        Column::required("address", Address, "Receiver"),
        Column::required("amount", Bigint, "Amount, gwei"),
        Column::required("block_hash", Hash, "Hash of the block"),
        Column::required("block_number", Bigint, "Number of the block"),
        Column::required("block_timestamp", Timestamp, "Time of the block"),
        Column::required("withdrawal_index", Bigint, "Position in the block, from 0"),
    ],
    block_column: "block_number",
    bloom_columns: &["address"],
    keys: Keys {
        primary: &["block_number", "withdrawal_index"],
        unique: &[],
        references: &[Reference::BLOCK],
    },
    level: VerificationLevel::Body,
};
