//! Block 0 from a `genesis.json` as geth reads it: accounts give the state root, the forks that are
//! active at block 0 give the header's fields.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B64, B256, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{KECCAK_EMPTY, TrieAccount};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::SourceError;
use super::limits::GENESIS_BYTES_MAX;
use super::rlp::Parsed;

/// Base fee of a London genesis that states none (EIP-1559).
const INITIAL_BASE_FEE: u64 = 1_000_000_000;

/// Gas limit that geth gives a genesis that states none.
const DEFAULT_GAS_LIMIT: u64 = 4_712_388;

/// Difficulty that geth gives a proof-of-work genesis that states none.
const DEFAULT_DIFFICULTY: u64 = 131_072;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Genesis {
    #[serde(default)]
    config: Config,
    alloc: HashMap<String, Account>,
    nonce: Option<Number>,
    timestamp: Option<Number>,
    extra_data: Option<String>,
    gas_limit: Option<Number>,
    difficulty: Option<Number>,
    mix_hash: Option<String>,
    coinbase: Option<String>,
    number: Option<Number>,
    gas_used: Option<Number>,
    parent_hash: Option<String>,
    base_fee_per_gas: Option<Number>,
    excess_blob_gas: Option<Number>,
    blob_gas_used: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    london_block: Option<u64>,
    shanghai_time: Option<u64>,
    cancun_time: Option<u64>,
    prague_time: Option<u64>,
    amsterdam_time: Option<u64>,
    ethash: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Account {
    balance: Option<Number>,
    nonce: Option<Number>,
    code: Option<String>,
    storage: Option<HashMap<String, String>>,
}

/// A number as hex text, decimal text or a JSON number.
#[derive(Clone, Copy)]
struct Number(U256);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        let parsed = match Form::deserialize(deserializer)? {
            Form::Number(number) => Some(U256::from(number)),
            Form::Text(text) => match text.strip_prefix("0x") {
                Some("") => Some(U256::ZERO),
                Some(digits) if is_digits(digits, 16) => U256::from_str_radix(digits, 16).ok(),
                None if is_digits(&text, 10) => U256::from_str_radix(&text, 10).ok(),
                _ => None,
            },
        };
        parsed.map(Self).ok_or_else(|| D::Error::custom("expected a number of up to 256 bits"))
    }
}

fn is_digits(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|digit| digit.is_digit(radix))
}

/// Reads the genesis header of `path`.
///
/// # Errors
/// [`SourceError::Companion`] when it is not a genesis file, and errors of opening it.
pub(super) fn read(path: &Path) -> Result<Header, SourceError> {
    let refused = |source| SourceError::Open { path: path.to_owned(), source };
    let mut json = Vec::new();
    let file = File::open(path).map_err(refused)?;
    file.take(GENESIS_BYTES_MAX + 1).read_to_end(&mut json).map_err(refused)?;
    if json.len() as u64 > GENESIS_BYTES_MAX {
        return Err(SourceError::TooLarge {
            path: path.to_owned(),
            place: super::Place::Byte(0),
            what: "genesis",
            limit_bytes: GENESIS_BYTES_MAX,
        });
    }
    header(&json).map_err(|reason| SourceError::Companion { path: path.to_owned(), reason })
}

/// The RLP block of a genesis header: no transactions, no uncles, no withdrawals.
pub(super) fn block(header: &Header) -> bytes::Bytes {
    let mut payload = Vec::with_capacity(1024);
    header.encode(&mut payload);
    let empty_lists = if header.withdrawals_root.is_some() { 3 } else { 2 };
    payload.extend(std::iter::repeat_n(0xc0, empty_lists));
    let mut block = Vec::with_capacity(payload.len() + 4);
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut block);
    block.extend_from_slice(&payload);
    block.into()
}

/// Computes the genesis header of a `genesis.json`.
pub(super) fn header(json: &[u8]) -> Parsed<Header> {
    let genesis: Genesis =
        serde_json::from_slice(json).map_err(|error| format!("not a genesis file: {error}"))?;
    let config = &genesis.config;
    let timestamp = small("timestamp", genesis.timestamp)?.unwrap_or(0);
    let is_london = config.london_block == Some(0);
    let active = |time: Option<u64>| is_london && time.is_some_and(|time| time <= timestamp);
    let is_cancun = active(config.cancun_time);
    if active(config.amsterdam_time) {
        return Err("genesis is of a fork after Osaka".to_owned());
    }
    let mut header = Header {
        parent_hash: fixed("parentHash", genesis.parent_hash.as_deref())?,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: fixed::<20>("coinbase", genesis.coinbase.as_deref())?.into(),
        state_root: state_root(&genesis.alloc)?,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        number: small("number", genesis.number)?.unwrap_or(0),
        gas_limit: small("gasLimit", genesis.gas_limit)?
            .filter(|limit| *limit > 0)
            .unwrap_or(DEFAULT_GAS_LIMIT),
        gas_used: small("gasUsed", genesis.gas_used)?.unwrap_or(0),
        timestamp,
        extra_data: hex("extraData", genesis.extra_data.as_deref().unwrap_or("0x"))?,
        mix_hash: fixed("mixHash", genesis.mix_hash.as_deref())?,
        nonce: B64::from(small("nonce", genesis.nonce)?.unwrap_or(0)),
        ..Header::default()
    };
    header.difficulty = match genesis.difficulty {
        Some(difficulty) => difficulty.0,
        None if config.ethash.is_some() => U256::from(DEFAULT_DIFFICULTY),
        None => U256::ZERO,
    };
    if is_london {
        let stated = small("baseFeePerGas", genesis.base_fee_per_gas)?;
        header.base_fee_per_gas = Some(stated.unwrap_or(INITIAL_BASE_FEE));
    }
    if active(config.shanghai_time) {
        header.withdrawals_root = Some(EMPTY_ROOT_HASH);
    }
    if is_cancun {
        header.blob_gas_used = Some(small("blobGasUsed", genesis.blob_gas_used)?.unwrap_or(0));
        header.excess_blob_gas =
            Some(small("excessBlobGas", genesis.excess_blob_gas)?.unwrap_or(0));
        header.parent_beacon_block_root = Some(B256::ZERO);
    }
    if active(config.prague_time) {
        header.requests_hash = Some(EMPTY_REQUESTS_HASH);
    }
    Ok(header)
}

fn state_root(alloc: &HashMap<String, Account>) -> Parsed<B256> {
    let mut accounts = Vec::with_capacity(alloc.len());
    for (key, account) in alloc {
        let prefixed = if key.starts_with("0x") { key.clone() } else { format!("0x{key}") };
        let address = Address::from(fixed::<20>("address", Some(&prefixed))?);
        let nonce = small("nonce", account.nonce)?.unwrap_or(0);
        let balance = account.balance.map_or(U256::ZERO, |balance| balance.0);
        let code = hex("code", account.code.as_deref().unwrap_or("0x"))?;
        let code_hash = if code.is_empty() { KECCAK_EMPTY } else { keccak256(&code) };
        let mut slots = Vec::new();
        for (slot, value) in account.storage.iter().flatten() {
            let value = U256::from_be_bytes(word("storage value", value)?);
            // A slot of zero is one that does not exist.
            if !value.is_zero() {
                slots.push((B256::from(word("storage slot", slot)?), value));
            }
        }
        let storage_root = alloy_trie::root::storage_root_unhashed(slots);
        accounts.push((address, TrieAccount { nonce, balance, storage_root, code_hash }));
    }
    accounts.sort_unstable_by_key(|(address, _)| *address);
    if accounts.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err("genesis lists an account twice".to_owned());
    }
    Ok(alloy_trie::root::state_root_unhashed(accounts))
}

fn small(key: &str, number: Option<Number>) -> Parsed<Option<u64>> {
    let fits = |number: Number| {
        u64::try_from(number.0).map_err(|_| format!("{key} is {}, above 64 bits", number.0))
    };
    number.map(fits).transpose()
}

fn hex(key: &str, text: &str) -> Parsed<Bytes> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    alloy_primitives::hex::decode(digits)
        .map(Bytes::from)
        .map_err(|error| format!("{key} is not hex: {error}"))
}

/// Bytes of a known length; zeros where the key is missing.
fn fixed<const N: usize>(key: &str, text: Option<&str>) -> Parsed<alloy_primitives::FixedBytes<N>> {
    let Some(text) = text else {
        return Ok(alloy_primitives::FixedBytes::ZERO);
    };
    let bytes = hex(key, text)?;
    let exact = <[u8; N]>::try_from(bytes.as_ref());
    exact.map(Into::into).map_err(|_| format!("{key} has {} bytes, expected {N}", bytes.len()))
}

/// A storage word, which may be written shorter than 32 bytes.
fn word(key: &str, text: &str) -> Parsed<[u8; 32]> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let bytes =
        hex(key, &if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.into() })?;
    let mut word = [0; 32];
    let start = word.len().checked_sub(bytes.len());
    let start = start.ok_or_else(|| format!("{key} has {} bytes, at most 32", bytes.len()))?;
    word[start..].copy_from_slice(&bytes);
    Ok(word)
}
