//! SQL table `chain.receipts`: one row per transaction of a block whose receipts were verified.

use crate::ColumnType::{Address, Bigint, Hash, Timestamp, Uint256};
use crate::{Column, Keys, Reference, TableSpec, VerificationLevel};

/// Table `chain.receipts`.
pub const RECEIPTS: TableSpec = TableSpec {
    name: "receipts",
    comment: "One row per transaction receipt",
    columns: &[
        Column::required("transaction_hash", Hash, "Hash of the transaction"),
        Column::required("transaction_index", Bigint, "Position in the block, from 0"),
        Column::required("block_hash", Hash, "Hash of the block"),
        Column::required("block_number", Bigint, "Number of the block"),
        Column::required("block_timestamp", Timestamp, "Time of the block"),
        Column::required(
            "cumulative_gas_used",
            Bigint,
            "Gas used by the block up to and with this transaction",
        ),
        Column::required("gas_used", Bigint, "Gas used by this transaction"),
        Column::nullable(
            "contract_address",
            Address,
            "Address of the contract that the transaction creates",
        ),
        Column::nullable("root", Hash, "State root after the transaction; only before Byzantium"),
        Column::nullable("status", Bigint, "1 success, 0 failure; null before Byzantium"),
        Column::required("effective_gas_price", Uint256, "Price paid, wei per gas"),
        Column::nullable("blob_gas_used", Bigint, "Blob gas used by this transaction (EIP-4844)"),
        Column::required("log_count", Bigint, "Number of logs of the transaction"),
    ],
    block_column: "block_number",
    bloom_columns: &["transaction_hash"],
    keys: Keys {
        primary: &["transaction_hash"],
        unique: &[&["block_number", "transaction_index"]],
        references: &[Reference::TRANSACTION, Reference::BLOCK],
    },
    level: VerificationLevel::Receipts,
};
