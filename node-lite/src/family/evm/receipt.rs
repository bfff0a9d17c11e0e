//! Receipts and logs, decoded from their canonical bytes.

use alloy_primitives::{Address, B256, Bytes, U256};

/// How a receipt says what the transaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// State root after the transaction; before Byzantium.
    Root(B256),
    /// Success or failure; since Byzantium (EIP-658).
    Status(bool),
}

/// One verified receipt.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// State root or status.
    pub outcome: ReceiptOutcome,
    /// Gas used by the block up to and with this transaction; at most `i64::MAX`.
    pub cumulative_gas_used: u64,
    /// Gas used by this transaction.
    pub gas_used: u64,
    /// Address of the contract that the transaction creates: from sender and nonce.
    pub contract_address: Option<Address>,
    /// Price paid, wei per gas.
    pub effective_gas_price: U256,
    /// Blob gas used; type 3 only.
    pub blob_gas_used: Option<u64>,
    /// Position in the block of the first of its logs.
    pub first_log_index: u64,
    /// Logs in order.
    pub logs: Vec<Log>,
}

/// One verified log.
#[derive(Clone, Debug)]
pub struct Log {
    /// Contract that emitted it.
    pub address: Address,
    topics: [B256; 4],
    topic_count: u8,
    /// Parameters that are not indexed.
    pub data: Bytes,
}

impl Log {
    /// Its topics in order, 0 to 4.
    pub fn topics(&self) -> &[B256] {
        &self.topics[..usize::from(self.topic_count)]
    }
}
