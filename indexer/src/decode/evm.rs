//! Rows of EVM blocks, in the schemas of `schemas::tables::evm`.
//!
//! ```text
//! VerifiedBlock ──append──> one growing table each ──finish──> RecordBatch per table
//! ```
//!
//! Invariants
//! - A block at level `Body` adds no rows to receipts, logs and token_transfers: absent, not empty.
//! - The same blocks in the same order give the same batches.

mod blocks;
mod logs;
mod receipts;
mod token_transfers;
mod transactions;
mod withdrawals;

use alloy_primitives::U256;
use arrow::array::RecordBatch;
use node_lite::evm::VerifiedBlock;
use storage::BlockRecord;

use blocks::BlockRows;
use logs::LogRows;
use receipts::ReceiptRows;
use token_transfers::TokenTransferRows;
use transactions::TransactionRows;
use withdrawals::WithdrawalRows;

/// Size of the collected rows from which no further block is taken: far enough below 2 GiB, where
/// Arrow's 32-bit offsets end, that the largest block still fits.
pub const BATCH_BYTES_MAX: usize = 1 << 30;

/// Why a block could not be added. The rows added before it stay.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The rows that are there have reached [`BATCH_BYTES_MAX`]: take them and append again.
    #[error("rows take {size_bytes} bytes before block {block}, the limit is {limit_bytes}")]
    Full {
        /// Number of the block that was not added.
        block: u64,
        /// Size of the rows.
        size_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
}

impl DecodeError {
    /// What the caller can do about it.
    pub fn kind(&self) -> schemas::ErrorKind {
        match self {
            Self::Full { .. } => schemas::ErrorKind::LimitReached,
        }
    }
}

/// Collects rows of many blocks, then gives one batch per table.
#[derive(Debug, Default)]
pub struct RowBuilders {
    blocks: BlockRows,
    transactions: TransactionRows,
    receipts: ReceiptRows,
    logs: LogRows,
    withdrawals: WithdrawalRows,
    token_transfers: TokenTransferRows,
}

impl RowBuilders {
    /// Builders without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the rows of `block` to every table and returns its index record.
    ///
    /// # Errors
    /// [`DecodeError::Full`] when the rows that are there have reached [`BATCH_BYTES_MAX`].
    pub fn append(&mut self, block: &VerifiedBlock) -> Result<BlockRecord, DecodeError> {
        let size_bytes = self.size_bytes();
        if size_bytes >= BATCH_BYTES_MAX {
            let (block, limit_bytes) = (block.number(), BATCH_BYTES_MAX);
            return Err(DecodeError::Full { block, size_bytes, limit_bytes });
        }
        self.blocks.append(block);
        self.transactions.append(block);
        self.receipts.append(block);
        self.logs.append(block);
        self.withdrawals.append(block);
        self.token_transfers.append(block);
        Ok(BlockRecord {
            number: block.number(),
            hash: block.hash(),
            parent_hash: block.parent_hash(),
            timestamp_us: block.timestamp_us(),
            level: block.level(),
            transaction_hashes: block.transactions().iter().map(|tx| tx.hash.0).collect(),
        })
    }

    /// Rows collected, in all tables together.
    pub fn row_count(&self) -> usize {
        self.blocks.row_count()
            + self.transactions.row_count()
            + self.receipts.row_count()
            + self.logs.row_count()
            + self.withdrawals.row_count()
            + self.token_transfers.row_count()
    }

    /// Memory that the rows take, bytes.
    pub fn size_bytes(&self) -> usize {
        self.blocks.size_bytes()
            + self.transactions.size_bytes()
            + self.receipts.size_bytes()
            + self.logs.size_bytes()
            + self.withdrawals.size_bytes()
            + self.token_transfers.size_bytes()
    }

    /// Takes the rows: one batch per table, in the order of `schemas::tables::evm::TABLES`.
    /// A table without rows gives a batch without rows. The builders are empty afterwards.
    pub fn finish(&mut self) -> Vec<RecordBatch> {
        vec![
            self.blocks.finish(),
            self.transactions.finish(),
            self.receipts.finish(),
            self.logs.finish(),
            self.withdrawals.finish(),
            self.token_transfers.finish(),
        ]
    }
}

/// A 256-bit integer as its column holds it: 32 bytes, big-endian.
fn amount(value: U256) -> [u8; 32] {
    value.to_be_bytes()
}

#[cfg(test)]
mod tests;
