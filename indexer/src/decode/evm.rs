//! Rows of EVM blocks, in the schemas of `schemas::tables::evm`.

use arrow::array::RecordBatch;
use node_lite::evm::VerifiedBlock;
use storage::BlockRecord;

/// Why a block could not be added. The rows added before it stay.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The batch would pass what one Arrow column can hold; take the rows and append again.
    #[error("rows of table {table} would pass {limit_bytes} bytes in one batch at block {block}")]
    Full {
        /// Table name.
        table: &'static str,
        /// Number of the block that does not fit.
        block: u64,
        /// The limit.
        limit_bytes: usize,
    },
}

/// Collects rows of many blocks, then gives one batch per table.
#[derive(Debug, Default)]
pub struct RowBuilders {}

impl RowBuilders {
    /// Builders without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the rows of `block` to every table and returns its index record.
    ///
    /// # Errors
    /// [`DecodeError::Full`] when the block does not fit beside the rows that are there.
    pub fn append(&mut self, block: &VerifiedBlock) -> Result<BlockRecord, DecodeError> {
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
        0
    }

    /// Estimate of the memory that the rows take, bytes.
    pub fn size_bytes(&self) -> usize {
        0
    }

    /// Takes the rows: one batch per table, in the order of `schemas::tables::evm::TABLES`.
    /// A table without rows gives a batch without rows. The builders are empty afterwards.
    pub fn finish(&mut self) -> Vec<RecordBatch> {
        Vec::new()
    }
}
