//! SQL table `chain.blocks`: one row per block, ordered by `number`.

use crate::ColumnType::{Address, Bigint, Bytes, Hash, HashList, Timestamp, Uint256};
use crate::{Column, Keys, TableSpec, VerificationLevel};

/// Table `chain.blocks`.
pub const BLOCKS: TableSpec = TableSpec {
    name: "blocks",
    comment: "One row per block",
    columns: &[
        Column::required("number", Bigint, "Block number"),
        Column::required("hash", Hash, "Keccak-256 of the header"),
        Column::required("parent_hash", Hash, "Hash of the block before"),
        Column::required("nonce", Bytes, "Proof-of-work nonce, 8 bytes; zero after the merge"),
        Column::required("sha3_uncles", Hash, "Hash of the list of uncle headers"),
        Column::required(
            "logs_bloom",
            Bytes,
            "Bloom filter of addresses and topics of all logs, 256 bytes",
        ),
        Column::required("transactions_root", Hash, "Root of the trie of transactions"),
        Column::required("state_root", Hash, "Root of the state trie after the block"),
        Column::required("receipts_root", Hash, "Root of the trie of receipts"),
        Column::required("miner", Address, "Address that receives the fees"),
        Column::required("difficulty", Uint256, "Difficulty; 0 after the merge"),
        Column::nullable(
            "total_difficulty",
            Uint256,
            "Sum of difficulties up to this block, where a proof covers it (ERA1, or every block since genesis)",
        ),
        Column::nullable(
            "size",
            Bigint,
            "Size of the block in RLP, bytes; null when the source lacks the uncle headers",
        ),
        Column::required("extra_data", Bytes, "Free bytes set by the block producer"),
        Column::required("gas_limit", Bigint, "Gas that the block may use"),
        Column::required("gas_used", Bigint, "Gas that its transactions used"),
        Column::required("timestamp", Timestamp, "Time of the block"),
        Column::required("transaction_count", Bigint, "Number of transactions"),
        Column::nullable(
            "base_fee_per_gas",
            Uint256,
            "Base fee, wei per gas (EIP-1559); null before London",
        ),
        Column::nullable(
            "withdrawals_root",
            Hash,
            "Root of the trie of withdrawals (EIP-4895); null before Shanghai",
        ),
        Column::nullable("blob_gas_used", Bigint, "Blob gas used (EIP-4844); null before Cancun"),
        Column::nullable(
            "excess_blob_gas",
            Bigint,
            "Running excess of blob gas (EIP-4844); null before Cancun",
        ),
        Column::nullable(
            "parent_beacon_block_root",
            Hash,
            "Root of the parent beacon block (EIP-4788); null before Cancun",
        ),
        Column::nullable(
            "requests_hash",
            Hash,
            "Commitment to execution requests (EIP-7685); null before Prague",
        ),
        Column::required(
            "mix_hash",
            Hash,
            "Proof-of-work mix, or the random value of the beacon chain after the merge",
        ),
        Column::nullable(
            "uncles",
            HashList,
            "Hashes of the uncle headers; null when the source lacks them, so that they are unproved",
        ),
    ],
    block_column: "number",
    bloom_columns: &["hash"],
    keys: Keys { primary: &["number"], unique: &[&["hash"]], references: &[] },
    level: VerificationLevel::Body,
};
