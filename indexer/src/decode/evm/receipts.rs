//! Rows of `chain.receipts`.

use node_lite::evm::{ReceiptOutcome, VerifiedBlock};
use schemas::tables::evm::RECEIPTS;

use super::amount;
use crate::decode::columns::{BigintColumn, FixedColumn, TimestampColumn, rows};

rows! {
    /// One row per transaction of a block whose receipts were verified.
    ReceiptRows of RECEIPTS;
    transaction_hash: FixedColumn<32>,
    transaction_index: BigintColumn,
    block_hash: FixedColumn<32>,
    block_number: BigintColumn,
    block_timestamp: TimestampColumn,
    cumulative_gas_used: BigintColumn,
    gas_used: BigintColumn,
    contract_address: FixedColumn<20>,
    root: FixedColumn<32>,
    status: BigintColumn,
    effective_gas_price: FixedColumn<32>,
    blob_gas_used: BigintColumn,
    log_count: BigintColumn,
}

impl ReceiptRows {
    /// Adds the rows of `block`.
    pub(super) fn append(&mut self, block: &VerifiedBlock) {
        let receipts = block.receipts().unwrap_or_default();
        for (index, (receipt, transaction)) in receipts.iter().zip(block.transactions()).enumerate()
        {
            let (root, status) = match receipt.outcome {
                ReceiptOutcome::Root(root) => (Some(root.0), None),
                ReceiptOutcome::Status(succeeded) => (None, Some(u64::from(succeeded))),
            };
            self.row_count += 1;
            self.transaction_hash.push(transaction.hash.0);
            self.transaction_index.push(index as u64);
            self.block_hash.push(block.hash().0);
            self.block_number.push(block.number());
            self.block_timestamp.push(block.timestamp_us());
            self.cumulative_gas_used.push(receipt.cumulative_gas_used);
            self.gas_used.push(receipt.gas_used);
            self.contract_address
                .push_option(receipt.contract_address.map(|address| address.into_array()));
            self.root.push_option(root);
            self.status.push_option(status);
            self.effective_gas_price.push(amount(receipt.effective_gas_price));
            self.blob_gas_used.push_option(receipt.blob_gas_used);
            self.log_count.push(receipt.logs.len() as u64);
        }
    }
}
