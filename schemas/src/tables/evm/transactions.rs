//! SQL table `chain.transactions`: one row per transaction, ordered by block and index.

use crate::ColumnType::{
    Address, Bigint, Bytes, Hash, HashList, Integer, Text, Timestamp, Uint256,
};
use crate::{Column, Keys, Reference, TableSpec, VerificationLevel};

/// Table `chain.transactions`.
pub const TRANSACTIONS: TableSpec = TableSpec {
    name: "transactions",
    comment: "One row per transaction",
    columns: &[
        Column::required("hash", Hash, "Keccak-256 of the signed transaction"),
        Column::required("nonce", Bigint, "Number of transactions that the sender sent before"),
        Column::required("block_hash", Hash, "Hash of the block"),
        Column::required("block_number", Bigint, "Number of the block"),
        Column::required("block_timestamp", Timestamp, "Time of the block"),
        Column::required("transaction_index", Bigint, "Position in the block, from 0"),
        Column::required("from_address", Address, "Sender, recovered from the signature"),
        Column::nullable("to_address", Address, "Receiver; null when a contract is created"),
        Column::required("value", Uint256, "Amount moved, wei"),
        Column::required("gas", Bigint, "Gas limit"),
        Column::required(
            "gas_price",
            Uint256,
            "Price paid, wei per gas; for EIP-1559 transactions min(max fee, base fee + priority fee)",
        ),
        Column::required("input", Bytes, "Call data or contract code"),
        Column::nullable("max_fee_per_gas", Uint256, "Highest total price, wei per gas (EIP-1559)"),
        Column::nullable(
            "max_priority_fee_per_gas",
            Uint256,
            "Highest tip, wei per gas (EIP-1559)",
        ),
        Column::required(
            "transaction_type",
            Integer,
            "0 legacy, 1 access list, 2 dynamic fee, 3 blob, 4 set code",
        ),
        Column::nullable(
            "max_fee_per_blob_gas",
            Uint256,
            "Highest price, wei per blob gas (EIP-4844)",
        ),
        Column::nullable("blob_versioned_hashes", HashList, "Hashes of the blobs (EIP-4844)"),
        Column::nullable(
            "chain_id",
            Bigint,
            "Chain that the signature binds to; null for signatures before EIP-155",
        ),
        Column::nullable(
            "access_list",
            Text,
            "Access list as JSON: [{address, storage_keys}] (EIP-2930)",
        ),
        Column::nullable(
            "authorization_list",
            Text,
            "Signed authorizations as JSON: [{chain_id, address, nonce, y_parity, r, s}] (EIP-7702)",
        ),
        Column::required(
            "v",
            Uint256,
            "Signature v of legacy transactions, y parity of typed ones",
        ),
        Column::required("r", Uint256, "Signature r"),
        Column::required("s", Uint256, "Signature s"),
    ],
    block_column: "block_number",
    bloom_columns: &["hash", "from_address", "to_address"],
    keys: Keys {
        primary: &["hash"],
        unique: &[&["block_number", "transaction_index"]],
        references: &[Reference::BLOCK],
    },
    level: VerificationLevel::Body,
};
