//! SQL table `chain.token_transfers`: one row per `Transfer(address,address,uint256)` log, as ethereum-etl extracts them.

use crate::ColumnType::{Address, Bigint, Hash, Timestamp, Uint256};
use crate::{Column, Keys, Reference, TableSpec, VerificationLevel};

/// The log that a transfer is decoded from.
const LOG: Reference = Reference {
    columns: &["block_number", "log_index"],
    table: "logs",
    target: &["block_number", "log_index"],
};

/// Table `chain.token_transfers`.
pub const TOKEN_TRANSFERS: TableSpec = TableSpec {
    name: "token_transfers",
    comment: "One row per ERC-20 or ERC-721 transfer",
    columns: &[
        Column::required("token_address", Address, "Token contract"),
        Column::required("from_address", Address, "Holder before; zero address when minted"),
        Column::required("to_address", Address, "Holder after; zero address when burnt"),
        Column::required(
            "value",
            Uint256,
            "Amount in the smallest unit of the token, or the id of an ERC-721 token",
        ),
        Column::required("transaction_hash", Hash, "Hash of the transaction"),
        Column::required(
            "transaction_index",
            Bigint,
            "Position of the transaction in the block, from 0",
        ),
        Column::required("log_index", Bigint, "Position of the log in the block, from 0"),
        Column::required("block_hash", Hash, "Hash of the block"),
        Column::required("block_number", Bigint, "Number of the block"),
        Column::required("block_timestamp", Timestamp, "Time of the block"),
    ],
    block_column: "block_number",
    bloom_columns: &["token_address", "from_address", "to_address", "transaction_hash"],
    keys: Keys {
        primary: &["block_number", "log_index"],
        unique: &[],
        references: &[Reference::TRANSACTION, Reference::BLOCK, LOG],
    },
    level: VerificationLevel::Receipts,
};
