//! Rows of `chain.logs`, taken from verified receipts.

use node_lite::evm::VerifiedBlock;
use schemas::tables::evm::LOGS;

use crate::decode::columns::{
    BigintColumn, BytesColumn, FixedColumn, HashListColumn, TimestampColumn, rows,
};

rows! {
    /// One row per log.
    LogRows of LOGS;
    log_index: BigintColumn,
    transaction_hash: FixedColumn<32>,
    transaction_index: BigintColumn,
    block_hash: FixedColumn<32>,
    block_number: BigintColumn,
    block_timestamp: TimestampColumn,
    address: FixedColumn<20>,
    data: BytesColumn,
    topic0: FixedColumn<32>,
    topic1: FixedColumn<32>,
    topic2: FixedColumn<32>,
    topic3: FixedColumn<32>,
    topics: HashListColumn,
}

impl LogRows {
    /// Adds the rows of `block`.
    pub(super) fn append(&mut self, block: &VerifiedBlock) {
        let receipts = block.receipts().unwrap_or_default();
        for (index, (receipt, transaction)) in receipts.iter().zip(block.transactions()).enumerate()
        {
            for (log_index, log) in (receipt.first_log_index..).zip(&receipt.logs) {
                let topic = |position: usize| log.topics().get(position).map(|topic| topic.0);
                self.row_count += 1;
                self.log_index.push(log_index);
                self.transaction_hash.push(transaction.hash.0);
                self.transaction_index.push(index as u64);
                self.block_hash.push(block.hash().0);
                self.block_number.push(block.number());
                self.block_timestamp.push(block.timestamp_us());
                self.address.push(log.address.into_array());
                self.data.push(&log.data);
                self.topic0.push_option(topic(0));
                self.topic1.push_option(topic(1));
                self.topic2.push_option(topic(2));
                self.topic3.push_option(topic(3));
                self.topics.push(log.topics().iter().map(|topic| topic.0));
            }
        }
    }
}
