//! Block 0: its state, its header, and the genesis.json that describes both.

use std::fmt::Write as _;

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use alloy_trie::{HashBuilder, Nibbles};

use super::MintConfig;
use super::fork::{Fork, Schedule};
use super::header::{EMPTY_ROOT, Header};
use super::random::Random;
use super::rlp::List;
use super::rules::{BASE_FEE_FIRST, DIFFICULTY_MIN};
use super::signer::Account;

/// Time of block 0: 2023-11-14 22:13:20 UTC.
const GENESIS_TIMESTAMP: u64 = 1_700_000_000;

/// Block 0 and the state it starts with.
#[derive(Clone, Debug)]
pub struct Genesis {
    chain_id: u64,
    gas_limit: u64,
    extra_data: Vec<u8>,
    schedule: Schedule,
    /// Balance of each account, wei.
    alloc: Vec<(Address, U256)>,
}

impl Genesis {
    pub(super) fn new(
        config: &MintConfig,
        random: &mut Random,
        accounts: &[Account],
        gas_limit: u64,
    ) -> Self {
        let alloc =
            accounts.iter().map(|account| (account.address, U256::from(random.bits()) << 32));
        Self {
            chain_id: config.chain_id,
            gas_limit,
            alloc: alloc.collect(),
            extra_data: random.bytes(32),
            schedule: config.schedule.clone(),
        }
    }

    /// Gas limit before London doubles it.
    pub fn gas_limit(&self) -> u64 {
        self.gas_limit
    }

    /// Header of block 0 where `fork` holds from the start.
    pub fn header(&self, fork: Fork) -> Header {
        let mined = fork.is_proof_of_work();
        Header {
            state_root: state_root(&self.alloc),
            gas_limit: self.gas_limit,
            timestamp: GENESIS_TIMESTAMP,
            extra_data: self.extra_data.clone(),
            difficulty: if mined { U256::from(DIFFICULTY_MIN) } else { U256::ZERO },
            base_fee_per_gas: (fork >= Fork::London).then_some(BASE_FEE_FIRST),
            excess_blob_gas: (fork >= Fork::Cancun).then_some(0),
            ..Header::default().with_shape_of(fork)
        }
    }

    /// genesis.json as geth reads it. `fork_blocks` gives (number, time, total difficulty before) of
    /// the first block of each fork that the chain reached.
    pub fn to_json(&self, fork_blocks: &[(Fork, ForkBlock)]) -> String {
        let header = self.header(self.schedule.at(0));
        let mut json = format!("{{\"config\":{{\"chainId\":{}", self.chain_id);
        for (fork, block) in fork_blocks {
            let Some((key, by_time)) = fork.genesis_key() else { continue };
            let at = match (by_time, block.number) {
                (true, 0) => 0,
                (true, _) => block.timestamp,
                (false, number) => number,
            };
            _ = write!(json, ",\"{key}\":{at}");
            match fork {
                Fork::SpuriousDragon => _ = write!(json, ",\"eip158Block\":{at}"),
                Fork::Constantinople => _ = write!(json, ",\"petersburgBlock\":{at}"),
                Fork::Paris => {
                    _ = write!(json, ",\"terminalTotalDifficulty\":{}", block.difficulty_before);
                }
                _ => {}
            }
        }
        _ = write!(
            json,
            "}},\"nonce\":\"0x{:x}\",\"timestamp\":\"{:#x}\",\"extraData\":\"{}\",\"gasLimit\":\"{:#x}\",\
             \"difficulty\":\"{:#x}\",\"mixHash\":\"{}\",\"coinbase\":\"{:#x}\",\"alloc\":{{",
            u64::from_be_bytes(header.nonce),
            header.timestamp,
            hex::encode_prefixed(&header.extra_data),
            header.gas_limit,
            header.difficulty,
            header.mix_hash,
            header.miner,
        );
        for (index, (address, balance)) in self.alloc.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            _ = write!(
                json,
                "{comma}\"{}\":{{\"balance\":\"{balance:#x}\"}}",
                hex::encode(address)
            );
        }
        let zero = B256::ZERO;
        _ = write!(json, "}},\"number\":\"0x0\",\"gasUsed\":\"0x0\",\"parentHash\":\"{zero}\"");
        if let Some(fee) = header.base_fee_per_gas {
            _ = write!(json, ",\"baseFeePerGas\":\"{fee:#x}\"");
        }
        json.push_str("}\n");
        json
    }
}

/// Where a fork began.
#[derive(Clone, Copy, Debug)]
pub struct ForkBlock {
    /// First block of the fork.
    pub number: u64,
    /// Its time.
    pub timestamp: u64,
    /// Total difficulty of the block before.
    pub difficulty_before: U256,
}

/// Root of a state of plain accounts.
fn state_root(alloc: &[(Address, U256)]) -> B256 {
    let mut leaves: Vec<_> = alloc
        .iter()
        .map(|(address, balance)| {
            let mut account = List::new();
            account.push(&0_u8).push(balance).push(&EMPTY_ROOT).push(&keccak256([]));
            (Nibbles::unpack(keccak256(address)), account.encoded())
        })
        .collect();
    leaves.sort_unstable();
    let mut builder = HashBuilder::default();
    leaves.iter().for_each(|(path, account)| builder.add_leaf(*path, account));
    builder.root()
}
