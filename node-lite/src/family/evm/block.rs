//! The type that only verification can make.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, U256};
use schemas::{BlockHash, BlockNumber, VerificationLevel};

use super::{Receipt, Transaction};

/// A block whose hashes were all recomputed. Made by [`verify`](super::verify) only.
#[derive(Clone, Debug)]
pub struct VerifiedBlock {
    pub(super) hash: B256,
    pub(super) header: Header,
    pub(super) timestamp_us: i64,
    pub(super) transactions: Vec<Transaction>,
    pub(super) receipts: Option<Vec<Receipt>>,
    pub(super) uncles: Option<Vec<Uncle>>,
    pub(super) withdrawals: Option<Vec<Withdrawal>>,
    pub(super) total_difficulty: Option<U256>,
    pub(super) size_bytes: Option<u64>,
}

/// Header of an uncle, with its hash.
#[derive(Clone, Debug)]
pub struct Uncle {
    /// Keccak-256 of the header.
    pub hash: B256,
    /// The header.
    pub header: Header,
}

/// One withdrawal from the beacon chain (EIP-4895). All numbers are at most `i64::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Running number.
    pub index: u64,
    /// Validator that withdraws.
    pub validator_index: u64,
    /// Receiver.
    pub address: Address,
    /// Amount, gwei.
    pub amount_gwei: u64,
}

impl VerifiedBlock {
    /// Height.
    pub fn number(&self) -> BlockNumber {
        self.header.number
    }

    /// Keccak-256 of the header.
    pub fn hash(&self) -> BlockHash {
        BlockHash(self.hash.0)
    }

    /// Hash of the block before.
    pub fn parent_hash(&self) -> BlockHash {
        BlockHash(self.header.parent_hash.0)
    }

    /// Time of the block, microseconds since 1970 UTC.
    pub fn timestamp_us(&self) -> i64 {
        self.timestamp_us
    }

    /// `Receipts` when the receipts were there and hash to their root, else `Body`.
    pub fn level(&self) -> VerificationLevel {
        if self.receipts.is_some() { VerificationLevel::Receipts } else { VerificationLevel::Body }
    }

    /// The header; its numbers that are stored as `bigint` are at most `i64::MAX`.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Uncles; none when the source gave only their hashes, which cannot be proved.
    pub fn uncles(&self) -> Option<&[Uncle]> {
        self.uncles.as_deref()
    }

    /// Transactions in block order.
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// Receipts, one per transaction; none at level `Body`.
    pub fn receipts(&self) -> Option<&[Receipt]> {
        self.receipts.as_deref()
    }

    /// Withdrawals; none before Shanghai.
    pub fn withdrawals(&self) -> Option<&[Withdrawal]> {
        self.withdrawals.as_deref()
    }

    /// Sum of difficulties up to this block, where the source proves it. It is proved once
    /// [`BlockFile::check_in_order`](super::BlockFile::check_in_order) has accepted the block.
    pub fn total_difficulty(&self) -> Option<U256> {
        self.total_difficulty
    }

    /// Size of the block in RLP; none when uncle headers are missing from the source.
    pub fn size_bytes(&self) -> Option<u64> {
        self.size_bytes
    }

    /// Chain id that a signed transaction of the block names; none when no signature names one.
    pub fn chain_id(&self) -> Option<u64> {
        self.transactions.iter().find_map(|transaction| transaction.chain_id)
    }
}
