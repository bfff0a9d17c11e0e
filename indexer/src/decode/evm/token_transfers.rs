//! Rows of `chain.token_transfers`: logs of the event `Transfer(address,address,uint256)`.
//!
//! The rule is ethereum-etl's: the first topic is the event's, and topics and data together are exactly
//! four words of 32 bytes: event, from, to, value. So it holds whichever parameters are indexed: two
//! for ERC-20, three for ERC-721, none in some early tokens.

use alloy_primitives::{B256, b256};
use node_lite::evm::VerifiedBlock;
use schemas::tables::evm::TOKEN_TRANSFERS;

use crate::decode::columns::{BigintColumn, FixedColumn, TimestampColumn, rows};

/// Keccak-256 of `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Event, from, to, value.
const TRANSFER_WORDS: usize = 4;

rows! {
    /// One row per transfer.
    TokenTransferRows of TOKEN_TRANSFERS;
    token_address: FixedColumn<20>,
    from_address: FixedColumn<20>,
    to_address: FixedColumn<20>,
    value: FixedColumn<32>,
    transaction_hash: FixedColumn<32>,
    transaction_index: BigintColumn,
    log_index: BigintColumn,
    block_hash: FixedColumn<32>,
    block_number: BigintColumn,
    block_timestamp: TimestampColumn,
}

impl TokenTransferRows {
    /// Adds the rows of `block`.
    pub(super) fn append(&mut self, block: &VerifiedBlock) {
        let receipts = block.receipts().unwrap_or_default();
        for (index, (receipt, transaction)) in receipts.iter().zip(block.transactions()).enumerate()
        {
            for (log_index, log) in (receipt.first_log_index..).zip(&receipt.logs) {
                let Some([_, from, to, value]) = transfer_words(log.topics(), &log.data) else {
                    continue;
                };
                self.row_count += 1;
                self.token_address.push(log.address.into_array());
                self.from_address.push(address(from));
                self.to_address.push(address(to));
                self.value.push(value);
                self.transaction_hash.push(transaction.hash.0);
                self.transaction_index.push(index as u64);
                self.log_index.push(log_index);
                self.block_hash.push(block.hash().0);
                self.block_number.push(block.number());
                self.block_timestamp.push(block.timestamp_us());
            }
        }
    }
}

/// The four words of a transfer; none when the log is not one.
pub(super) fn transfer_words(topics: &[B256], data: &[u8]) -> Option<[[u8; 32]; TRANSFER_WORDS]> {
    let data_words = TRANSFER_WORDS.checked_sub(topics.len())?;
    if topics.first() != Some(&TRANSFER) || data.len() != data_words * 32 {
        return None;
    }
    let mut words = [[0; 32]; TRANSFER_WORDS];
    let found = topics.iter().map(B256::as_slice).chain(data.chunks_exact(32));
    words.iter_mut().zip(found).for_each(|(word, bytes)| word.copy_from_slice(bytes));
    Some(words)
}

/// The address in the last 20 bytes of a word.
pub(super) fn address(word: [u8; 32]) -> [u8; 20] {
    let mut address = [0; 20];
    address.copy_from_slice(&word[12..]);
    address
}
