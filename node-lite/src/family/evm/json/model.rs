//! The keys of JSON-RPC replies that verification reads.

use serde::Deserialize;

use super::Parsed;
use super::hex::{Data, Fixed, Quantity};
use crate::family::evm::limits::JSON_DEPTH_MAX;

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
    pub(super) contract_address: Option<Fixed<20>>,
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

/// Parses one line; the error says what is wrong and at which column.
pub(super) fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Parsed<T> {
    check_depth(line)?;
    sonic_rs::from_slice(line).map_err(|error| {
        // The library's text goes on with a place in what it takes for a file, and an excerpt.
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        let message = message.lines().next().unwrap_or_default();
        format!("column {}: {message}", error.column())
    })
}

/// Refuses JSON that nests deeper than [`JSON_DEPTH_MAX`].
pub(super) fn check_depth(line: &[u8]) -> Parsed<()> {
    let mut depth = 0_usize;
    let mut is_in_string = false;
    let mut start = 0;
    // Nearly all bytes are inside strings of hex: jump from quote to quote.
    for quote in memchr::memchr_iter(b'"', line).chain([line.len()]) {
        if !is_in_string {
            depth = depth_after(&line[start..quote], depth)?;
            is_in_string = true;
        } else if !is_escaped(&line[..quote]) {
            is_in_string = false;
            start = quote + 1;
        }
    }
    Ok(())
}

/// Depth at the end of `text`, which has no strings.
fn depth_after(text: &[u8], mut depth: usize) -> Parsed<usize> {
    for byte in text {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH_MAX {
            return Err(format!("JSON nests deeper than {JSON_DEPTH_MAX} levels"));
        }
    }
    Ok(depth)
}

/// Whether an odd number of backslashes ends `before`.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_strings_up_to_the_limit() {
        let nested = |depth: usize, inner: &str| {
            format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
        };
        assert!(check_depth(&nested(JSON_DEPTH_MAX, "0")).is_ok());
        let error = check_depth(&nested(JSON_DEPTH_MAX + 1, "0")).unwrap_err();
        assert_eq!(error, "JSON nests deeper than 64 levels");
        assert!(check_depth(&nested(JSON_DEPTH_MAX, "\"[[{\\\"[[\"")).is_ok());
        // Brackets in strings must not hide those outside.
        let hidden = "[\"]]\\\"]]\",".repeat(JSON_DEPTH_MAX + 1);
        assert!(check_depth(hidden.as_bytes()).is_err());
    }
}
