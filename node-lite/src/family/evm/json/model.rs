//! The keys of JSON-RPC replies that verification reads.

use serde::Deserialize;

use super::Parsed;
use super::hex::{Data, Fixed, Quantity};

/// A line of a block file.
#[derive(Deserialize)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    pub(super) block: Block<'a>,
    #[serde(borrow)]
    pub(super) receipts: Option<Vec<Receipt<'a>>>,
    #[serde(borrow)]
    pub(super) uncles: Option<Vec<Block<'a>>>,
}

/// A line of a receipts file.
#[derive(Deserialize)]
pub(super) struct ReceiptsRow<'a> {
    #[serde(borrow)]
    pub(super) receipts: Option<Vec<Receipt<'a>>>,
}

/// A block of `eth_getBlockByNumber(n, true)`, or an uncle header.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block<'a> {
    pub(super) hash: Option<Fixed<32>>,
    pub(super) parent_hash: Fixed<32>,
    #[serde(rename = "sha3Uncles")]
    pub(super) sha3_uncles: Fixed<32>,
    pub(super) miner: Fixed<20>,
    pub(super) state_root: Fixed<32>,
    pub(super) transactions_root: Fixed<32>,
    pub(super) receipts_root: Fixed<32>,
    pub(super) logs_bloom: Fixed<256>,
    pub(super) difficulty: Quantity,
    pub(super) number: Quantity,
    pub(super) gas_limit: Quantity,
    pub(super) gas_used: Quantity,
    pub(super) timestamp: Quantity,
    #[serde(borrow)]
    pub(super) extra_data: Data<'a>,
    pub(super) mix_hash: Fixed<32>,
    pub(super) nonce: Fixed<8>,
    pub(super) base_fee_per_gas: Option<Quantity>,
    pub(super) withdrawals_root: Option<Fixed<32>>,
    pub(super) blob_gas_used: Option<Quantity>,
    pub(super) excess_blob_gas: Option<Quantity>,
    pub(super) parent_beacon_block_root: Option<Fixed<32>>,
    pub(super) requests_hash: Option<Fixed<32>>,
    #[serde(borrow, default)]
    pub(super) transactions: Vec<Transaction<'a>>,
    pub(super) uncles: Option<Vec<Fixed<32>>>,
    pub(super) withdrawals: Option<Vec<Withdrawal>>,
}

/// A transaction object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transaction<'a> {
    pub(super) hash: Option<Fixed<32>>,
    pub(super) from: Option<Fixed<20>>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Quantity>,
    pub(super) chain_id: Option<Quantity>,
    pub(super) nonce: Quantity,
    pub(super) gas_price: Option<Quantity>,
    pub(super) max_priority_fee_per_gas: Option<Quantity>,
    pub(super) max_fee_per_gas: Option<Quantity>,
    pub(super) gas: Quantity,
    pub(super) to: Option<Fixed<20>>,
    pub(super) value: Quantity,
    #[serde(borrow)]
    pub(super) input: Data<'a>,
    pub(super) access_list: Option<Vec<Access>>,
    pub(super) max_fee_per_blob_gas: Option<Quantity>,
    pub(super) blob_versioned_hashes: Option<Vec<Fixed<32>>>,
    pub(super) authorization_list: Option<Vec<Authorization>>,
    pub(super) v: Option<Quantity>,
    pub(super) y_parity: Option<Quantity>,
    pub(super) r: Quantity,
    pub(super) s: Quantity,
}

impl Transaction<'_> {
    /// EIP-2718 type; 0 where old replies have none, and `u64::MAX` where it is absurd.
    pub(super) fn kind_code(&self) -> u64 {
        self.kind.map_or(0, |kind| u64::try_from(kind.0).unwrap_or(u64::MAX))
    }
}

/// An entry of an access list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Access {
    pub(super) address: Fixed<20>,
    pub(super) storage_keys: Vec<Fixed<32>>,
}

/// An entry of an authorization list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorization {
    pub(super) chain_id: Quantity,
    pub(super) address: Fixed<20>,
    pub(super) nonce: Quantity,
    pub(super) y_parity: Option<Quantity>,
    pub(super) v: Option<Quantity>,
    pub(super) r: Quantity,
    pub(super) s: Quantity,
}

/// A withdrawal object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Withdrawal {
    pub(super) index: Quantity,
    pub(super) validator_index: Quantity,
    pub(super) address: Fixed<20>,
    pub(super) amount: Quantity,
}

/// A receipt of `eth_getBlockReceipts`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<Quantity>,
    pub(super) status: Option<Quantity>,
    #[serde(borrow)]
    pub(super) root: Option<Data<'a>>,
    pub(super) cumulative_gas_used: Quantity,
    pub(super) logs_bloom: Fixed<256>,
    #[serde(borrow)]
    pub(super) logs: Vec<Log<'a>>,
    pub(super) transaction_hash: Option<Fixed<32>>,
    #[serde(default, deserialize_with = "stated")]
    pub(super) contract_address: Option<Option<Fixed<20>>>,
    pub(super) gas_used: Option<Quantity>,
    pub(super) effective_gas_price: Option<Quantity>,
}

/// A log object.
#[derive(Deserialize)]
pub(super) struct Log<'a> {
    pub(super) address: Fixed<20>,
    pub(super) topics: Vec<Fixed<32>>,
    #[serde(borrow)]
    pub(super) data: Data<'a>,
}

/// Keeps a key that is null apart from a key that is missing.
fn stated<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Parses one line; the error says what is wrong and at which column.
pub(super) fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Parsed<T> {
    sonic_rs::from_slice(line).map_err(|error| {
        // The library's text goes on with a place in what it takes for a file, and an excerpt.
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        let message = message.lines().next().unwrap_or_default();
        format!("column {}: {message}", error.column())
    })
}
