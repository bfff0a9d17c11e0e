//! The made-up accounts and contracts of a chain, and what they do in a block.
//!
//! ```text
//! BlockEnv ──draft──> Draft (fields, logs, success) ──gas, fees, signature──> Transaction, Receipt
//! ```
//!
//! Nothing is executed: logs are written down as a contract would emit them, and the ledger moves
//! with them, so that balances stay within what each token's contract would allow.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, b256};

use super::fork::Fork;
use super::ledger::{Ledger, Truth};
use super::random::Random;
use super::receipt::{Log, Outcome, Receipt};
use super::rules::{GAS_PER_BLOB, TRANSACTION_GAS_MAX, blob_base_fee};
use super::signer::{Account, Signer};
use super::transaction::{Authorization, Fees, Kind, Request, Transaction};
use super::{Content, MintConfig};

/// Keccak-256 of `Transfer(address,address,uint256)`.
pub const TRANSFER: B256 =
    b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
/// Keccak-256 of `Approval(address,address,uint256)`.
pub const APPROVAL: B256 =
    b256!("0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925");

/// ERC-20 tokens; the last one has a supply of 2^256-1, always moved whole.
const TOKEN_COUNT: usize = 5;
/// Index of that token.
const WHOLE_TOKEN: usize = TOKEN_COUNT - 1;
/// Logs of the largest transaction in mixed content.
pub(super) const AIRDROP_LOGS_MAX: u64 = 3_000;
/// Call data of the largest transaction in mixed content, bytes.
pub(super) const INPUT_BYTES_MAX: u64 = 60_000;

/// What a transaction needs to know about its block.
pub(super) struct BlockEnv {
    pub(super) fork: Fork,
    pub(super) gas_limit: u64,
    pub(super) base_fee: Option<u64>,
    pub(super) excess_blob_gas: Option<u64>,
}

/// The part of a block that transactions fill.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) transactions: Vec<Transaction>,
    pub(super) receipts: Vec<Receipt>,
    pub(super) gas_used: u64,
    pub(super) blob_count: u64,
}

/// A transaction before gas, fees and signature.
struct Draft {
    to: Option<Address>,
    value: U256,
    input: Vec<u8>,
    logs: Vec<Log>,
    success: bool,
}

impl Draft {
    fn call(to: Address, input: Vec<u8>, logs: Vec<Log>) -> Self {
        Self { to: Some(to), value: U256::ZERO, input, logs, success: true }
    }
}

pub(super) struct World {
    config: MintConfig,
    signer: Signer,
    /// Who signs; account `i` is holder `i`.
    accounts: Vec<Account>,
    nonces: Vec<u64>,
    holders: Vec<Address>,
    tokens: Vec<Address>,
    collectible: Address,
    oddity: Address,
    ledger: Ledger,
    whole_holder: Option<usize>,
    owners: BTreeMap<U256, usize>,
    truth: Truth,
}

impl World {
    pub(super) fn new(config: &MintConfig, random: &mut Random) -> Self {
        let signer = Signer::new(random);
        let accounts: Vec<_> =
            (0..config.account_count.max(1)).map(|_| signer.account(random)).collect();
        let mut holders: Vec<_> = accounts.iter().map(|account| account.address).collect();
        holders.extend((holders.len()..config.holder_count).map(|_| random.address()));
        Self {
            signer,
            nonces: vec![0; accounts.len()],
            accounts,
            tokens: (0..TOKEN_COUNT).map(|_| random.address()).collect(),
            collectible: random.address(),
            oddity: random.address(),
            ledger: Ledger::new(TOKEN_COUNT, holders.len()),
            holders,
            whole_holder: None,
            owners: BTreeMap::new(),
            truth: Truth::default(),
            config: config.clone(),
        }
    }

    /// Accounts that sign transactions.
    pub(super) fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Counts to be kept by the caller; balances are filled in by [`Self::truth`].
    pub(super) fn counts(&mut self) -> &mut Truth {
        &mut self.truth
    }

    pub(super) fn truth(&self) -> Truth {
        let balances = self
            .ledger
            .entries()
            .map(|(token, holder, value)| ((self.tokens[token], self.holders[holder]), value));
        let owners =
            self.owners.iter().map(|(id, holder)| ((self.collectible, *id), self.holders[*holder]));
        Truth { balances: balances.collect(), owners: owners.collect(), ..self.truth.clone() }
    }

    /// Transactions of one block.
    pub(super) fn fill(&mut self, random: &mut Random, env: &BlockEnv) -> Filled {
        let count = match self.config.content {
            Content::Transfers => self.config.transactions_per_block,
            Content::Mixed if random.one_in(8) => 0,
            Content::Mixed => random.below(2 * self.config.transactions_per_block + 1),
        };
        let mut filled = Filled::default();
        let gas_share = target_gas(env) / count.max(1);
        for _ in 0..count {
            let sender = random.below(self.accounts.len() as u64) as usize;
            let draft = match self.config.content {
                Content::Transfers => self.transfers(random, sender),
                Content::Mixed => self.anything(random, sender, env.fork),
            };
            self.finish(random, env, sender, draft, gas_share, &mut filled);
            // A draft has already moved the ledger, so it must fit: stop while the largest still would.
            if env.gas_limit - filled.gas_used < self.largest_gas() {
                break;
            }
        }
        filled
    }

    /// Gas that any one transaction may need.
    fn largest_gas(&self) -> u64 {
        match self.config.content {
            Content::Transfers => 0,
            Content::Mixed => (2 * self.config.logs_per_transaction).max(AIRDROP_LOGS_MAX) * 2_500,
        }
    }

    fn finish(
        &mut self,
        random: &mut Random,
        env: &BlockEnv,
        sender: usize,
        draft: Draft,
        gas_share: u64,
        filled: &mut Filled,
    ) {
        let room = (env.gas_limit - filled.gas_used).min(TRANSACTION_GAS_MAX);
        let wanted = random.between(gas_share / 2, gas_share + gas_share / 2);
        let gas_used = wanted.max(gas_min(&draft)).min(room);
        let kind = self.kind(random, env, &draft, filled.blob_count);
        let request = Request {
            chain_id: self.config.chain_id,
            nonce: self.nonces[sender],
            gas: (gas_used + gas_used / 4).min(room),
            to: draft.to,
            value: draft.value,
            input: draft.input,
            kind,
        };
        self.nonces[sender] += 1;
        filled.gas_used += gas_used;
        filled.blob_count += request.blob_hashes().len() as u64;
        let outcome = if env.fork < Fork::Byzantium {
            Outcome::Root(random.hash())
        } else {
            Outcome::Status(draft.success)
        };
        let transfers = draft.logs.iter().filter(|log| is_transfer(log)).count();
        self.truth.transaction_count += 1;
        self.truth.failed_count += u64::from(outcome == Outcome::Status(false));
        self.truth.log_count += draft.logs.len() as u64;
        self.truth.transfer_count += transfers as u64;
        let transaction_type = request.transaction_type();
        filled.receipts.push(Receipt::new(
            transaction_type,
            outcome,
            filled.gas_used,
            gas_used,
            draft.logs,
        ));
        filled.transactions.push(request.sign(&mut self.signer, &self.accounts[sender]));
    }

    /// Type and fees, as the fork allows.
    fn kind(&mut self, random: &mut Random, env: &BlockEnv, draft: &Draft, blobs: u64) -> Kind {
        const GWEI: u64 = 1_000_000_000;
        let tip = random.below(3 * GWEI);
        let base = env.base_fee.unwrap_or_else(|| random.between(GWEI, 100 * GWEI));
        let gas_price = u128::from(base + tip);
        let fees = Fees { max_fee: u128::from(base * 2 + tip), max_priority_fee: u128::from(tip) };
        let type_max = env.fork.transaction_type_max();
        let transaction_type = match self.config.content {
            Content::Transfers if random.one_in(3) => 0,
            Content::Transfers => type_max.min(2),
            Content::Mixed => random.below(u64::from(type_max) + 1) as u8,
        };
        let blob_room = env.fork.blob_count_max() - blobs;
        match transaction_type {
            1 => Kind::AccessList { gas_price, access_list: access_list(random) },
            3 if draft.to.is_some() && blob_room > 0 => {
                let count = random.between(1, blob_room.min(6)) as usize;
                let excess = env.excess_blob_gas.unwrap_or_default();
                Kind::Blob {
                    fees,
                    access_list: access_list(random),
                    max_fee_per_blob_gas: 2 * blob_base_fee(env.fork, excess),
                    blob_versioned_hashes: (0..count).map(|_| blob_hash(random)).collect(),
                }
            }
            4 if draft.to.is_some() => Kind::SetCode {
                fees,
                access_list: access_list(random),
                authorizations: self.authorizations(random),
            },
            2.. => Kind::DynamicFee { fees, access_list: access_list(random) },
            _ => {
                let protected = env.fork >= Fork::SpuriousDragon && !random.one_in(16);
                Kind::Legacy { protected, gas_price }
            }
        }
    }

    fn authorizations(&mut self, random: &mut Random) -> Vec<Authorization> {
        (0..random.between(1, 3))
            .map(|_| {
                let account = random.pick(&self.accounts).clone();
                // Chain 0 means any chain.
                let chain_id = if random.one_in(3) { 0 } else { self.config.chain_id };
                let (address, nonce) = (random.address(), random.below(1000));
                Authorization::signed(&mut self.signer, &account, chain_id, address, nonce)
            })
            .collect()
    }

    /// A token call that emits exactly the configured number of logs: three transfers, then an
    /// approval, and again.
    fn transfers(&mut self, random: &mut Random, sender: usize) -> Draft {
        let token = random.below(WHOLE_TOKEN as u64) as usize;
        let mut logs = Vec::with_capacity(self.config.logs_per_transaction as usize);
        for index in 0..self.config.logs_per_transaction {
            let log = match index % 4 {
                3 => self.approval(random, token, sender),
                _ => self.transfer(random, token, sender),
            };
            logs.push(log);
        }
        let input = transfer_input(random, logs.first());
        Draft::call(self.tokens[token], input, logs)
    }

    /// One of everything that appears on real chains, rare shapes more often than there.
    fn anything(&mut self, random: &mut Random, sender: usize, fork: Fork) -> Draft {
        let log_count = random.below(2 * self.config.logs_per_transaction + 1);
        match random.below(16) {
            0 => Draft {
                value: random.uint256() >> (random.below(256) as usize),
                ..Draft::call(self.holders[sender], Vec::new(), Vec::new())
            },
            1 => self.creation(random),
            2 => {
                let token = self.tokens[0];
                let input = transfer_input(random, None);
                Draft { success: false, ..Draft::call(token, input, Vec::new()) }
            }
            3 => Draft::call(self.tokens[WHOLE_TOKEN], Vec::new(), self.move_whole(random)),
            4 => {
                let logs = (0..log_count).map(|_| self.collect(random)).collect();
                Draft::call(self.collectible, random.bytes(68), logs)
            }
            5 => {
                let logs = (0..log_count).map(|_| self.odd_log(random)).collect();
                Draft::call(self.oddity, not_utf8(random), logs)
            }
            6 if random.one_in(8) => {
                let size = random.below(INPUT_BYTES_MAX + 1) as usize;
                Draft::call(self.oddity, random.bytes(size), Vec::new())
            }
            7 if random.one_in(16) => {
                let logs = (0..random.between(1000, AIRDROP_LOGS_MAX))
                    .map(|_| self.transfer(random, 0, sender))
                    .collect();
                Draft::call(self.tokens[0], random.bytes(4), logs)
            }
            8 if fork >= Fork::Byzantium && random.one_in(4) => Draft {
                value: U256::MAX,
                success: false,
                ..Draft::call(Address::ZERO, vec![0xff; 33], Vec::new())
            },
            _ => self.transfers(random, sender),
        }
    }

    fn creation(&mut self, random: &mut Random) -> Draft {
        let size = random.below(2000) as usize;
        let success = !random.one_in(4);
        let logs = if success { vec![self.odd_log(random)] } else { Vec::new() };
        Draft { to: None, value: U256::ZERO, input: random.bytes(size), logs, success }
    }

    /// Transfer by `sender`, who is given something first when empty-handed; one in 16 burns.
    fn transfer(&mut self, random: &mut Random, token: usize, sender: usize) -> Log {
        let balance = self.ledger.balance(token, sender);
        let (from, to, value) = if balance.is_zero() {
            (None, Some(sender), U256::from(random.bits()) << 30)
        } else {
            let to = random.below(self.holders.len() as u64) as usize;
            // All of it, nothing, or a part.
            let value = match random.below(32) {
                0 => balance,
                1 => U256::ZERO,
                _ => balance >> (random.between(1, 40) as usize),
            };
            (Some(sender), (!random.one_in(16)).then_some(to), value)
        };
        self.ledger.transfer(token, from, to, value);
        self.transfer_log(token, from, to, value)
    }

    fn transfer_log(
        &self,
        token: usize,
        from: Option<usize>,
        to: Option<usize>,
        value: U256,
    ) -> Log {
        let topic = |holder: Option<usize>| {
            holder.map_or(B256::ZERO, |index| self.holders[index].into_word())
        };
        Log {
            address: self.tokens[token],
            topics: vec![TRANSFER, topic(from), topic(to)],
            data: value.to_be_bytes_vec(),
        }
    }

    fn approval(&self, random: &mut Random, token: usize, sender: usize) -> Log {
        let value = if random.one_in(2) { U256::MAX } else { random.uint256() };
        let spender = random.pick(&self.holders).into_word();
        Log {
            address: self.tokens[token],
            topics: vec![APPROVAL, self.holders[sender].into_word(), spender],
            data: value.to_be_bytes_vec(),
        }
    }

    /// Mints, moves or burns 2^256-1 of the token whose supply is that.
    fn move_whole(&mut self, random: &mut Random) -> Vec<Log> {
        let to = random.below(self.holders.len() as u64) as usize;
        let to = (self.whole_holder.is_none() || !random.one_in(8)).then_some(to);
        let from = self.whole_holder;
        self.ledger.transfer(WHOLE_TOKEN, from, to, U256::MAX);
        self.whole_holder = to;
        vec![self.transfer_log(WHOLE_TOKEN, from, to, U256::MAX)]
    }

    /// Transfer of a collectible: four topics, no data.
    fn collect(&mut self, random: &mut Random) -> Log {
        let id = if random.one_in(4) { random.uint256() } else { U256::from(random.below(100)) };
        let to = random.below(self.holders.len() as u64) as usize;
        let from = self.owners.insert(id, to);
        let from = from.map_or(B256::ZERO, |index| self.holders[index].into_word());
        Log {
            address: self.collectible,
            topics: vec![TRANSFER, from, self.holders[to].into_word(), id.into()],
            data: Vec::new(),
        }
    }

    /// Zero to four random topics, data of any size; some begin as a transfer does and are none.
    fn odd_log(&self, random: &mut Random) -> Log {
        let mut topics: Vec<_> = (0..random.below(5)).map(|_| random.hash()).collect();
        let mut size = random.below(200) as usize;
        if topics.len() == 3 && random.one_in(2) {
            topics[0] = TRANSFER;
            size = if random.one_in(2) { 0 } else { 64 };
        }
        Log { address: self.oddity, topics, data: random.bytes(size) }
    }
}

/// A transfer as ERC-20 (value in the data) or ERC-721 (id in the fourth topic) emits it.
fn is_transfer(log: &Log) -> bool {
    log.topics.first() == Some(&TRANSFER)
        && matches!((log.topics.len(), log.data.len()), (3, 32) | (4, 0))
}

/// Gas that a block should use: it pulls the base fee towards 10 to 30 gwei.
fn target_gas(env: &BlockEnv) -> u64 {
    match env.base_fee {
        Some(fee) if fee < 10_000_000_000 => env.gas_limit / 10 * 6,
        Some(fee) if fee > 30_000_000_000 => env.gas_limit / 10 * 3,
        _ => env.gas_limit / 10 * 4,
    }
}

fn gas_min(draft: &Draft) -> u64 {
    let creation = if draft.to.is_none() { 32_000 } else { 0 };
    21_000 + creation + 16 * draft.input.len() as u64 + 2_000 * draft.logs.len() as u64
}

fn transfer_input(random: &mut Random, log: Option<&Log>) -> Vec<u8> {
    const TRANSFER_SELECTOR: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
    match log {
        Some(log) if log.topics.len() == 3 => {
            [&TRANSFER_SELECTOR[..], log.topics[2].as_slice(), &log.data].concat()
        }
        _ => [&TRANSFER_SELECTOR[..], &random.bytes(64)].concat(),
    }
}

/// Bytes that no text decoder accepts, with a NUL, which PostgreSQL's text refuses.
fn not_utf8(random: &mut Random) -> Vec<u8> {
    [&[0xff, 0xfe, 0x00, 0xc3, 0x28, 0xed, 0xa0, 0x80][..], &random.bytes(9)].concat()
}

fn access_list(random: &mut Random) -> Vec<(Address, Vec<B256>)> {
    if !random.one_in(4) {
        return Vec::new();
    }
    (0..random.below(4))
        .map(|_| (random.address(), (0..random.below(4)).map(|_| random.hash()).collect()))
        .collect()
}

/// A versioned hash: version 1, then 31 bytes.
fn blob_hash(random: &mut Random) -> B256 {
    let mut hash = random.hash();
    hash[0] = 1;
    hash
}

/// Blob gas of `count` blobs.
pub(super) fn blob_gas(count: u64) -> u64 {
    count * GAS_PER_BLOB
}
