//! Mints EVM chains: valid blocks of any fork, any number, from one seed.
//!
//! ```text
//! MintConfig ──> Minter ──iterator──> MintedBlock ──> writers: ERA1, RLP chain, NDJSON of RPC replies
//!                   └─ truth(): balances and counts of what was minted so far
//! ```
//!
//! Invariants
//! - Everything that hashes do is right: transactions and their signatures, roots, bloom, uncles,
//!   withdrawals, parent links, difficulty, base fee, blob gas. Nothing is executed: state roots,
//!   proof-of-work seals and gas are made up.
//! - A seed and a configuration give the same bytes everywhere.
//! - A block is made when it is asked for, so memory does not grow with the chain.

mod block;
mod era1;
mod file;
mod fork;
mod genesis;
mod header;
mod json;
mod ledger;
mod ndjson;
mod random;
mod receipt;
mod rlp;
mod rlp_file;
mod rules;
mod signer;
mod transaction;
mod world;

#[cfg(test)]
mod check;

use std::collections::VecDeque;

use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::root::ordered_trie_root_encoded;

pub use block::MintedBlock;
pub use era1::{ERA1_BLOCKS_MAX, Era1Writer};
pub use file::{Format, mint_file};
pub use fork::{Fork, Schedule};
pub use genesis::{ForkBlock, Genesis};
pub use header::{Header, Withdrawal};
pub use ledger::Truth;
pub use ndjson::NdjsonWriter;
pub use random::Random;
pub use receipt::{Log, Outcome, Receipt};
pub use rlp_file::RlpChainWriter;
pub use signer::Signature;
pub use transaction::{Authorization, Fees, Kind, Request, Transaction};
pub use world::{APPROVAL, TRANSFER};

use rules::{base_fee, difficulty, excess_blob_gas};
use world::{BlockEnv, Filled, World, blob_gas};

/// What transactions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Token transfers only, the same number of transactions and logs everywhere: for measurements.
    Transfers,
    /// Everything that the fork allows, extreme values, empty blocks, blocks of thousands of logs.
    Mixed,
}

/// What to mint.
#[derive(Clone, Debug)]
pub struct MintConfig {
    /// Same seed, same chain.
    pub seed: u64,
    /// Chain id of signatures.
    pub chain_id: u64,
    /// Number of the first block; 0 makes it a genesis block, without transactions.
    pub first_block: u64,
    /// Number of blocks.
    pub block_count: u64,
    /// Transactions in a block: exact for transfers, the average for mixed content.
    pub transactions_per_block: u64,
    /// Logs of a transaction: exact for transfers, about the average for mixed content.
    pub logs_per_transaction: u64,
    /// Accounts that sign.
    pub account_count: usize,
    /// Accounts that hold tokens; the signing ones are the first of them.
    pub holder_count: usize,
    /// Forks.
    pub schedule: Schedule,
    /// What transactions do.
    pub content: Content,
}

impl Default for MintConfig {
    /// A hundred mixed Osaka blocks.
    fn default() -> Self {
        Self {
            seed: 1,
            chain_id: 1337,
            first_block: 0,
            block_count: 100,
            transactions_per_block: 10,
            logs_per_transaction: 2,
            account_count: 50,
            holder_count: 500,
            schedule: Schedule::always(Fork::Osaka),
            content: Content::Mixed,
        }
    }
}

/// Makes the blocks of one chain, in order.
pub struct Minter {
    config: MintConfig,
    random: Random,
    world: World,
    genesis: Genesis,
    /// Latest headers with their hashes, newest last: uncles branch off them.
    ancestors: VecDeque<(Header, B256)>,
    total_difficulty: U256,
    withdrawal_index: u64,
    minted: u64,
}

/// Generations back that an uncle's parent may lie.
const UNCLE_GENERATIONS: usize = 7;

impl Minter {
    /// A minter at the start of its chain.
    pub fn new(config: MintConfig) -> Self {
        const GAS_LIMIT_MIN: u64 = 30_000_000;
        let mut random = Random::new(config.seed);
        let world = World::new(&config, &mut random);
        // Twice what the block needs, so that base fees find a balance.
        let transaction_gas = 30_000 + 2_000 * config.logs_per_transaction;
        let gas_limit = (config.transactions_per_block * transaction_gas * 3).max(GAS_LIMIT_MIN);
        let genesis = Genesis::new(&config, &mut random, world.accounts(), gas_limit);
        let mut minter = Self {
            random,
            world,
            ancestors: VecDeque::new(),
            total_difficulty: U256::ZERO,
            withdrawal_index: 0,
            minted: 0,
            genesis,
            config,
        };
        if minter.config.first_block > 0 {
            minter.anchor();
        }
        minter
    }

    /// What the genesis block and genesis.json are made of.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Balances and counts of the blocks so far.
    pub fn truth(&self) -> Truth {
        self.world.truth()
    }

    /// Makes up the block before the first one of a chain that starts late.
    fn anchor(&mut self) {
        let number = self.config.first_block - 1;
        let fork = self.config.schedule.at(number);
        let mut header =
            Header { number, parent_hash: self.random.hash(), ..self.genesis.header(fork) };
        header.timestamp += number * 13;
        self.total_difficulty = header.difficulty * U256::from(number + 1);
        let hash = header.hash();
        self.ancestors.push_back((header, hash));
    }

    fn genesis_block(&mut self) -> MintedBlock {
        let fork = self.config.schedule.at(0);
        let header = self.genesis.header(fork);
        MintedBlock {
            fork,
            hash: header.hash(),
            total_difficulty: header.difficulty,
            withdrawals: header.withdrawals_root.map(|_| Vec::new()),
            header,
            transactions: Vec::new(),
            receipts: Vec::new(),
            uncles: Vec::new(),
        }
    }

    fn block_after(&mut self, parent: &Header, parent_hash: B256) -> MintedBlock {
        let fork = self.config.schedule.at(parent.number + 1);
        let mut header = self.header_after(parent, parent_hash);
        let env = BlockEnv {
            fork,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas,
            excess_blob_gas: header.excess_blob_gas,
        };
        let Filled { transactions, receipts, gas_used, blob_count } =
            self.world.fill(&mut self.random, &env);
        let uncles = self.uncles(fork, &header);
        if !uncles.is_empty() {
            header.uncles_hash = keccak256(block::uncles_rlp(&uncles));
        }
        let withdrawals = (fork >= Fork::Shanghai).then(|| self.withdrawals());
        if let Some(withdrawals) = &withdrawals {
            let encoded: Vec<_> = withdrawals.iter().map(Withdrawal::encoded).collect();
            header.withdrawals_root = Some(ordered_trie_root_encoded(&encoded));
        }
        header.gas_used = gas_used;
        header.blob_gas_used = header.blob_gas_used.map(|_| blob_gas(blob_count));
        header.transactions_root = root(transactions.iter().map(|item| &item.encoded[..]));
        header.receipts_root = root(receipts.iter().map(|item| &item.encoded[..]));
        receipts.iter().for_each(|receipt| header.logs_bloom |= receipt.bloom);
        MintedBlock {
            fork,
            hash: header.hash(),
            total_difficulty: self.total_difficulty + header.difficulty,
            header,
            transactions,
            receipts,
            uncles,
            withdrawals,
        }
    }

    /// A header whose body is still empty.
    fn header_after(&mut self, parent: &Header, parent_hash: B256) -> Header {
        let number = parent.number + 1;
        let fork = self.config.schedule.at(number);
        let random = &mut self.random;
        let mined = fork.is_proof_of_work();
        let seconds = if mined { random.between(1, 30) } else { 12 * random.between(1, 2) };
        let timestamp = parent.timestamp + seconds;
        let base_fee_per_gas = base_fee(fork, parent);
        // London's target is half the limit, so the limit doubles in its first block.
        let first_fork = self.config.schedule.at(self.config.first_block.saturating_sub(1));
        let doubled = fork >= Fork::London && first_fork < Fork::London;
        let gas_limit = self.genesis.gas_limit() * if doubled { 2 } else { 1 };
        // A limit differs from its parent's by less than a 1024th.
        let drift = gas_limit / 4096;
        Header {
            parent_hash,
            number,
            timestamp,
            miner: random.address(),
            state_root: random.hash(),
            difficulty: difficulty(fork, parent, timestamp),
            gas_limit: random.between(gas_limit - drift, gas_limit + drift),
            extra_data: {
                let size = random.below(33);
                random.bytes(size as usize)
            },
            mix_hash: random.hash(),
            nonce: if mined { random.bits().to_be_bytes() } else { [0; 8] },
            base_fee_per_gas,
            excess_blob_gas: excess_blob_gas(fork, parent),
            parent_beacon_block_root: (fork >= Fork::Cancun).then(|| random.hash()),
            ..Header::default().with_shape_of(fork)
        }
    }

    /// Up to two headers that lost the race at one of the last heights.
    fn uncles(&mut self, fork: Fork, header: &Header) -> Vec<Header> {
        let candidates = self.ancestors.len().saturating_sub(1);
        let wanted = self.config.content == Content::Mixed
            && fork.is_proof_of_work()
            && candidates > 0
            && self.random.one_in(4);
        if !wanted {
            return Vec::new();
        }
        (0..self.random.between(1, 2))
            .map(|_| {
                let index = self.random.below(candidates as u64) as usize;
                let (parent, hash) = self.ancestors[index].clone();
                let mut uncle = self.header_after(&parent, hash);
                debug_assert!(uncle.number < header.number);
                uncle.transactions_root = self.random.hash();
                uncle.receipts_root = self.random.hash();
                uncle.gas_used = self.random.below(uncle.gas_limit);
                uncle
            })
            .collect()
    }

    fn withdrawals(&mut self) -> Vec<Withdrawal> {
        const WITHDRAWALS_MAX: u64 = 16;
        let random = &mut self.random;
        let count = if random.one_in(4) { WITHDRAWALS_MAX } else { random.below(WITHDRAWALS_MAX) };
        (0..count)
            .map(|_| {
                self.withdrawal_index += 1;
                Withdrawal {
                    index: self.withdrawal_index - 1,
                    validator_index: random.below(1_000_000),
                    address: random.address(),
                    amount_gwei: if random.one_in(16) {
                        i64::MAX as u64
                    } else {
                        random.bits() >> 30
                    },
                }
            })
            .collect()
    }
}

fn root<'a>(items: impl Iterator<Item = &'a [u8]>) -> B256 {
    ordered_trie_root_encoded(&items.collect::<Vec<_>>())
}

impl Iterator for Minter {
    type Item = MintedBlock;

    fn next(&mut self) -> Option<MintedBlock> {
        if self.minted == self.config.block_count {
            return None;
        }
        let block = match self.ancestors.back().cloned() {
            None => self.genesis_block(),
            Some((parent, hash)) => self.block_after(&parent, hash),
        };
        self.minted += 1;
        self.total_difficulty = block.total_difficulty;
        self.ancestors.push_back((block.header.clone(), block.hash));
        if self.ancestors.len() > UNCLE_GENERATIONS {
            self.ancestors.pop_front();
        }
        let truth = self.world.counts();
        truth.head = Some((block.header.number, block.hash));
        truth.block_count += 1;
        truth.uncle_count += block.uncles.len() as u64;
        truth.withdrawal_count += block.withdrawals.as_ref().map_or(0, |list| list.len() as u64);
        Some(block)
    }
}
