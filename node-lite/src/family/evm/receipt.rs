//! Receipts and logs, decoded from their canonical bytes.

use alloy_primitives::{Address, B256, Bloom, Bytes, U256, keccak256};

use super::rlp::{Fields, Parsed};
use super::{Transaction, TransactionType};

/// Topics that one log can have: the EVM has LOG0 to LOG4.
const TOPICS_MAX: usize = 4;

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
    topics: [B256; TOPICS_MAX],
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

/// A decoded receipt with the bloom filter that its bytes claim.
pub(super) struct DecodedReceipt {
    pub(super) receipt: Receipt,
    pub(super) claimed_bloom: Bloom,
}

impl Receipt {
    /// Decodes the canonical bytes `raw`, a part of `backing`, of the receipt of `transaction`.
    ///
    /// Gas used and the index of the first log depend on the receipts before: the caller sets them.
    pub(super) fn decode(
        backing: &bytes::Bytes,
        raw: &[u8],
        transaction: &Transaction,
    ) -> Parsed<DecodedReceipt> {
        let kind = TransactionType::of_envelope(raw)?;
        if kind != transaction.transaction_type {
            let expected = transaction.transaction_type as u8;
            return Err(format!("type is {}, its transaction's is {expected}", kind as u8));
        }
        let list = if kind == TransactionType::Legacy { raw } else { &raw[1..] };
        let mut fields = Fields::of_list(list, "receipt")?;
        let outcome = match fields.bytes("status or root")? {
            [] => ReceiptOutcome::Status(false),
            [1] => ReceiptOutcome::Status(true),
            root if root.len() == 32 => ReceiptOutcome::Root(B256::from_slice(root)),
            other => return Err(format!("status or root has {} bytes", other.len())),
        };
        let cumulative_gas_used = fields.value("cumulative gas")?;
        let claimed_bloom = fields.value("logs bloom")?;
        let mut encoded_logs = Fields::of_payload(fields.list("logs")?.payload, "log");
        fields.end()?;
        let mut logs = Vec::new();
        while !encoded_logs.is_empty() {
            logs.push(Log::decode(backing, encoded_logs.list("fields")?.payload)?);
        }
        let receipt = Self {
            outcome,
            cumulative_gas_used,
            gas_used: 0,
            contract_address: transaction.created_contract(),
            effective_gas_price: transaction.gas_price,
            blob_gas_used: transaction.blob_gas(),
            first_log_index: 0,
            logs,
        };
        Ok(DecodedReceipt { receipt, claimed_bloom })
    }
}

impl Log {
    fn decode(backing: &bytes::Bytes, payload: &[u8]) -> Parsed<Self> {
        let mut fields = Fields::of_payload(payload, "log");
        let address = fields.value("address")?;
        let mut encoded_topics = Fields::of_payload(fields.list("topics")?.payload, "log");
        let data = backing.slice_ref(fields.bytes("data")?).into();
        fields.end()?;
        let mut log = Self { address, topics: Default::default(), topic_count: 0, data };
        while !encoded_topics.is_empty() {
            let index = usize::from(log.topic_count);
            if index == TOPICS_MAX {
                return Err(format!("log has more than {TOPICS_MAX} topics"));
            }
            log.topics[index] = encoded_topics.value("topic")?;
            log.topic_count += 1;
        }
        Ok(log)
    }
}

/// Computes bloom filters of logs. Addresses and topics repeat within a block, so the bits of recent
/// ones are kept instead of being hashed again.
#[derive(Default)]
pub(super) struct BloomMaker {
    recent: Vec<RecentBits>,
}

#[derive(Clone, Copy, Default)]
struct RecentBits {
    value: [u8; 32],
    /// 20 or 32; 0 in a slot that was never used.
    length: u8,
    bits: [u16; 3],
}

impl BloomMaker {
    /// Values whose bits are kept.
    const RECENT_COUNT: usize = 256;

    /// Bloom filter of `logs`: bits of every address and topic.
    pub(super) fn bloom(&mut self, logs: &[Log]) -> Bloom {
        if self.recent.is_empty() && !logs.is_empty() {
            self.recent = vec![RecentBits::default(); Self::RECENT_COUNT];
        }
        let mut bloom = Bloom::ZERO;
        for log in logs {
            self.add(&mut bloom, log.address.as_slice());
            log.topics().iter().for_each(|topic| self.add(&mut bloom, topic.as_slice()));
        }
        bloom
    }

    fn add(&mut self, bloom: &mut Bloom, value: &[u8]) {
        let mut padded = [0; 32];
        padded[..value.len()].copy_from_slice(value);
        let length = value.len() as u8;
        // The last byte differs most: short numbers and addresses stand at the end of a topic.
        let slot = &mut self.recent[usize::from(value[value.len() - 1]) % Self::RECENT_COUNT];
        if slot.length != length || slot.value != padded {
            let hash = keccak256(value);
            let bits = [0, 2, 4].map(|at| u16::from_be_bytes([hash[at], hash[at + 1]]) & 0x7ff);
            *slot = RecentBits { value: padded, length, bits };
        }
        set_bits(bloom, slot.bits);
    }
}

fn set_bits(bloom: &mut Bloom, bits: [u16; 3]) {
    for bit in bits {
        let bit = usize::from(bit);
        bloom[255 - bit / 8] |= 1 << (bit % 8);
    }
}
