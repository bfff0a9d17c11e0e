//! Block headers of every fork, and the parts of a body that are not transactions.

use alloy_primitives::{Address, B256, Bloom, U256, b256, keccak256};

use super::fork::Fork;
use super::rlp::List;

/// Root of an empty trie.
pub(super) const EMPTY_ROOT: B256 =
    b256!("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
/// Hash of an empty list of uncles.
pub(super) const EMPTY_UNCLES: B256 =
    b256!("0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
/// Requests hash of a block without requests (EIP-7685): SHA-256 of nothing.
pub(super) const EMPTY_REQUESTS: B256 =
    b256!("0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

/// A header; fields that a fork adds are `None` before it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the Yellow Paper and the EIPs")]
pub struct Header {
    pub parent_hash: B256,
    pub uncles_hash: B256,
    pub miner: Address,
    pub state_root: B256,
    pub transactions_root: B256,
    pub receipts_root: B256,
    pub logs_bloom: Bloom,
    pub difficulty: U256,
    pub number: u64,
    pub gas_limit: u64,
    pub gas_used: u64,
    pub timestamp: u64,
    pub extra_data: Vec<u8>,
    pub mix_hash: B256,
    pub nonce: [u8; 8],
    pub base_fee_per_gas: Option<u64>,
    pub withdrawals_root: Option<B256>,
    pub blob_gas_used: Option<u64>,
    pub excess_blob_gas: Option<u64>,
    pub parent_beacon_block_root: Option<B256>,
    pub requests_hash: Option<B256>,
}

impl Default for Header {
    /// An empty Frontier block.
    fn default() -> Self {
        Self {
            parent_hash: B256::ZERO,
            uncles_hash: EMPTY_UNCLES,
            miner: Address::ZERO,
            state_root: EMPTY_ROOT,
            transactions_root: EMPTY_ROOT,
            receipts_root: EMPTY_ROOT,
            logs_bloom: Bloom::ZERO,
            difficulty: U256::ZERO,
            number: 0,
            gas_limit: 0,
            gas_used: 0,
            timestamp: 0,
            extra_data: Vec::new(),
            mix_hash: B256::ZERO,
            nonce: [0; 8],
            base_fee_per_gas: None,
            withdrawals_root: None,
            blob_gas_used: None,
            excess_blob_gas: None,
            parent_beacon_block_root: None,
            requests_hash: None,
        }
    }
}

impl Header {
    /// Whether the block lists uncles.
    pub fn has_uncles(&self) -> bool {
        self.uncles_hash != EMPTY_UNCLES
    }

    /// Sets the fields that `fork` has and that need no history to their empty values.
    pub fn with_shape_of(mut self, fork: Fork) -> Self {
        if fork >= Fork::Shanghai {
            self.withdrawals_root = Some(EMPTY_ROOT);
        }
        if fork >= Fork::Cancun {
            self.blob_gas_used = Some(0);
            self.parent_beacon_block_root = Some(B256::ZERO);
        }
        if fork >= Fork::Prague {
            self.requests_hash = Some(EMPTY_REQUESTS);
        }
        self
    }

    /// The header as an RLP list of 15 to 21 fields.
    pub fn encoded(&self) -> Vec<u8> {
        let mut list = List::new();
        list.push(&self.parent_hash)
            .push(&self.uncles_hash)
            .push(&self.miner)
            .push(&self.state_root)
            .push(&self.transactions_root)
            .push(&self.receipts_root)
            .push(&self.logs_bloom)
            .push(&self.difficulty)
            .push(&self.number)
            .push(&self.gas_limit)
            .push(&self.gas_used)
            .push(&self.timestamp)
            .bytes(&self.extra_data)
            .push(&self.mix_hash)
            .bytes(&self.nonce);
        if let Some(fee) = self.base_fee_per_gas {
            list.push(&fee);
        }
        if let Some(root) = self.withdrawals_root {
            list.push(&root);
        }
        if let (Some(used), Some(excess)) = (self.blob_gas_used, self.excess_blob_gas) {
            list.push(&used).push(&excess);
        }
        if let Some(root) = self.parent_beacon_block_root {
            list.push(&root);
        }
        if let Some(hash) = self.requests_hash {
            list.push(&hash);
        }
        list.encoded()
    }

    /// Hash of the block.
    pub fn hash(&self) -> B256 {
        keccak256(self.encoded())
    }
}

/// Ether credited by the beacon chain (EIP-4895).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Number of withdrawals before it on the chain.
    pub index: u64,
    /// Validator that it belongs to.
    pub validator_index: u64,
    /// Address that is credited.
    pub address: Address,
    /// Amount, gwei.
    pub amount_gwei: u64,
}

impl Withdrawal {
    /// The withdrawal as an RLP list.
    pub fn encoded(&self) -> Vec<u8> {
        let mut list = List::new();
        list.push(&self.index)
            .push(&self.validator_index)
            .push(&self.address)
            .push(&self.amount_gwei);
        list.encoded()
    }
}
