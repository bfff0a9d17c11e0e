//! Rows of `chain.blocks`.

use alloy_primitives::U256;
use node_lite::evm::VerifiedBlock;
use schemas::tables::evm::BLOCKS;

use super::amount;
use crate::decode::columns::{
    BigintColumn, BytesColumn, FixedColumn, HashListColumn, TimestampColumn, rows,
};

rows! {
    /// One row per block.
    BlockRows of BLOCKS;
    number: BigintColumn,
    hash: FixedColumn<32>,
    parent_hash: FixedColumn<32>,
    nonce: BytesColumn,
    sha3_uncles: FixedColumn<32>,
    logs_bloom: BytesColumn,
    transactions_root: FixedColumn<32>,
    state_root: FixedColumn<32>,
    receipts_root: FixedColumn<32>,
    miner: FixedColumn<20>,
    difficulty: FixedColumn<32>,
    total_difficulty: FixedColumn<32>,
    size: BigintColumn,
    extra_data: BytesColumn,
    gas_limit: BigintColumn,
    gas_used: BigintColumn,
    timestamp: TimestampColumn,
    transaction_count: BigintColumn,
    base_fee_per_gas: FixedColumn<32>,
    withdrawals_root: FixedColumn<32>,
    blob_gas_used: BigintColumn,
    excess_blob_gas: BigintColumn,
    parent_beacon_block_root: FixedColumn<32>,
    requests_hash: FixedColumn<32>,
    mix_hash: FixedColumn<32>,
    uncles: HashListColumn,
}

impl BlockRows {
    /// Adds the row of `block`.
    pub(super) fn append(&mut self, block: &VerifiedBlock) {
        let header = block.header();
        self.row_count += 1;
        self.number.push(block.number());
        self.hash.push(block.hash().0);
        self.parent_hash.push(block.parent_hash().0);
        self.nonce.push(header.nonce.as_slice());
        self.sha3_uncles.push(header.ommers_hash.0);
        self.logs_bloom.push(header.logs_bloom.as_slice());
        self.transactions_root.push(header.transactions_root.0);
        self.state_root.push(header.state_root.0);
        self.receipts_root.push(header.receipts_root.0);
        self.miner.push(header.beneficiary.into_array());
        self.difficulty.push(amount(header.difficulty));
        self.total_difficulty.push_option(block.total_difficulty().map(amount));
        self.size.push_option(block.size_bytes());
        self.extra_data.push(&header.extra_data);
        self.gas_limit.push(header.gas_limit);
        self.gas_used.push(header.gas_used);
        self.timestamp.push(block.timestamp_us());
        self.transaction_count.push(block.transactions().len() as u64);
        self.base_fee_per_gas
            .push_option(header.base_fee_per_gas.map(|fee| amount(U256::from(fee))));
        self.withdrawals_root.push_option(header.withdrawals_root.map(|root| root.0));
        self.blob_gas_used.push_option(header.blob_gas_used);
        self.excess_blob_gas.push_option(header.excess_blob_gas);
        self.parent_beacon_block_root
            .push_option(header.parent_beacon_block_root.map(|root| root.0));
        self.requests_hash.push_option(header.requests_hash.map(|hash| hash.0));
        self.mix_hash.push(header.mix_hash.0);
        self.uncles
            .push_option(block.uncles().map(|uncles| uncles.iter().map(|uncle| uncle.hash.0)));
    }
}
