//! Rows of `chain.withdrawals`.

use node_lite::evm::VerifiedBlock;
use schemas::tables::evm::WITHDRAWALS;

use crate::decode::columns::{BigintColumn, FixedColumn, TimestampColumn, rows};

rows! {
    /// One row per withdrawal.
    WithdrawalRows of WITHDRAWALS;
    index: BigintColumn,
    validator_index: BigintColumn,
    address: FixedColumn<20>,
    amount: BigintColumn,
    block_hash: FixedColumn<32>,
    block_number: BigintColumn,
    block_timestamp: TimestampColumn,
    withdrawal_index: BigintColumn,
}

impl WithdrawalRows {
    /// Adds the rows of `block`.
    pub(super) fn append(&mut self, block: &VerifiedBlock) {
        for (position, withdrawal) in block.withdrawals().unwrap_or_default().iter().enumerate() {
            self.row_count += 1;
            self.index.push(withdrawal.index);
            self.validator_index.push(withdrawal.validator_index);
            self.address.push(withdrawal.address.into_array());
            self.amount.push(withdrawal.amount_gwei);
            self.block_hash.push(block.hash().0);
            self.block_number.push(block.number());
            self.block_timestamp.push(block.timestamp_us());
            self.withdrawal_index.push(position as u64);
        }
    }
}
