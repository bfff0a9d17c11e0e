//! Receipts and logs: fields, bloom, EIP-2718 encoding.

use alloy_primitives::{Address, B256, Bloom, keccak256};

use super::rlp::List;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Contract that emitted it.
    pub address: Address,
    /// Up to four topics.
    pub topics: Vec<B256>,
    /// Parameters that are not indexed.
    pub data: Vec<u8>,
}

/// How a transaction ended, in the form that its fork records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// State root after the transaction; before Byzantium.
    Root(B256),
    /// Whether it succeeded; from Byzantium on.
    Status(bool),
}

/// Receipt of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Type of the transaction.
    pub transaction_type: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// Gas of the block up to and with this transaction.
    pub cumulative_gas_used: u64,
    /// Gas of this transaction; not part of what is hashed.
    pub gas_used: u64,
    /// Its events.
    pub logs: Vec<Log>,
    /// Filter over its events.
    pub bloom: Bloom,
    /// EIP-2718 envelope.
    pub encoded: Vec<u8>,
}

impl Receipt {
    /// A receipt with its bloom and encoding.
    pub fn new(
        transaction_type: u8,
        outcome: Outcome,
        cumulative_gas_used: u64,
        gas_used: u64,
        logs: Vec<Log>,
    ) -> Self {
        let mut bloom = Bloom::ZERO;
        let mut entries = List::new();
        for log in &logs {
            accrue(&mut bloom, log.address.as_slice());
            log.topics.iter().for_each(|topic| accrue(&mut bloom, topic.as_slice()));
            let mut entry = List::new();
            entry.push(&log.address).hashes(&log.topics).bytes(&log.data);
            entries.list(&entry);
        }
        let mut list = List::new();
        match outcome {
            Outcome::Root(root) => list.push(&root),
            Outcome::Status(success) => list.push(&u8::from(success)),
        };
        list.push(&cumulative_gas_used).push(&bloom).list(&entries);
        let encoded = match transaction_type {
            0 => list.encoded(),
            typed => list.encoded_after(typed),
        };
        Self { transaction_type, outcome, cumulative_gas_used, gas_used, logs, bloom, encoded }
    }
}

/// Sets the three bits that the Yellow Paper gives `item`.
fn accrue(bloom: &mut Bloom, item: &[u8]) {
    let hash = keccak256(item);
    for pair in 0..3 {
        let bit = u16::from_be_bytes([hash[2 * pair], hash[2 * pair + 1]]) & 0x7ff;
        bloom.0[255 - usize::from(bit / 8)] |= 1 << (bit % 8);
    }
}
