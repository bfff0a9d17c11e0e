//! JSON-RPC replies of one block, brought to canonical RLP so that they take the path of every other
//! source. Keys that are not needed are ignored; a value that hashes do not cover is never used, only
//! compared with what verification derives.

mod encode;
mod hex;
mod model;

use std::ops::Range;

use alloy_primitives::{Address, B256, U256};
use bytes::Bytes;

use super::TransactionType;
use super::parts::{Claims, Parts, ReceiptClaims, ReceiptParts};
use super::rlp::{Parsed, header_length};

/// One block of JSON in canonical bytes.
pub(super) struct EncodedBlock {
    buffer: Bytes,
    header: Range<usize>,
    transactions: Vec<Range<usize>>,
    uncles: Option<Range<usize>>,
    withdrawals: Option<Range<usize>>,
    size_bytes: Option<u64>,
    claims: Claims,
    receipts: Option<EncodedReceipts>,
}

/// Receipts of one block in canonical bytes.
pub(super) struct EncodedReceipts {
    buffer: Bytes,
    envelopes: Vec<Range<usize>>,
    claims: Vec<ReceiptClaims>,
}

/// Turns a line `{"block": …, "receipts": …|null, "uncles": […]?}` into canonical bytes.
pub(super) fn encode_block(line: &[u8]) -> Parsed<EncodedBlock> {
    let row: model::Row<'_> = model::parse(line)?;
    let mut out = Vec::with_capacity(line.len() / 3);
    let block = &row.block;
    encode::header(&mut out, block)?;
    let header = 0..out.len();

    let mut transactions = Vec::with_capacity(block.transactions.len());
    let mut body_length = 0;
    for (index, transaction) in block.transactions.iter().enumerate() {
        let start = out.len();
        let kind = encode::transaction(&mut out, transaction)
            .map_err(|error| format!("transaction {index}: {error}"))?;
        let length = out.len() - start;
        body_length += length;
        if kind != TransactionType::Legacy {
            body_length += header_length(length);
        }
        transactions.push(start..out.len());
    }
    let transactions_length = header_length(body_length) + body_length;

    let uncles = uncles_of(&row, &mut out)?;
    let withdrawals_start = out.len();
    if let Some(withdrawals) = &block.withdrawals {
        encode::withdrawals(&mut out, withdrawals)?;
    }
    let withdrawals = withdrawals_start..out.len();
    let size_bytes = uncles.as_ref().map(|uncles| {
        let length = header.len() + transactions_length + uncles.len() + withdrawals.len();
        (header_length(length) + length) as u64
    });
    let kinds = block.transactions.iter().map(|transaction| transaction.kind_code());
    let receipts = encode_receipt_list(row.receipts.as_deref(), kinds)?;
    let claims = Claims {
        hash: block.hash.map(B256::from),
        transactions: block
            .transactions
            .iter()
            .map(|tx| (tx.hash.map(B256::from), tx.from.map(Address::from)))
            .collect(),
        uncle_hashes: block
            .uncles
            .as_ref()
            .map(|hashes| hashes.iter().copied().map(B256::from).collect()),
    };
    Ok(EncodedBlock {
        buffer: out.into(),
        header,
        transactions,
        uncles,
        withdrawals: block.withdrawals.is_some().then_some(withdrawals),
        size_bytes,
        claims,
        receipts,
    })
}

/// The uncle headers of the row, or the empty list where the block names no uncles. None where only
/// their hashes are known.
fn uncles_of(row: &model::Row<'_>, out: &mut Vec<u8>) -> Parsed<Option<Range<usize>>> {
    let named = row.block.uncles.as_ref().map_or(0, Vec::len);
    let headers = match &row.uncles {
        Some(headers) => headers.as_slice(),
        None if named == 0 => &[],
        None => return Ok(None),
    };
    let start = out.len();
    encode::list(out, |out| headers.iter().try_for_each(|header| encode::header(out, header)))?;
    Ok(Some(start..out.len()))
}

/// Turns the receipts of a line `{…, "receipts": […]|null}` into canonical bytes; `transactions` are
/// the envelopes of the block they belong to, which give the types where old replies lack them.
pub(super) fn encode_receipts(
    line: &[u8],
    transactions: &[&[u8]],
) -> Parsed<Option<EncodedReceipts>> {
    let row: model::ReceiptsRow<'_> = model::parse(line)?;
    let kinds = transactions.iter().map(|raw| match TransactionType::of_envelope(raw) {
        Ok(kind) => kind as u64,
        Err(_) => 0,
    });
    encode_receipt_list(row.receipts.as_deref(), kinds)
}

fn encode_receipt_list(
    receipts: Option<&[model::Receipt<'_>]>,
    kinds: impl Iterator<Item = u64>,
) -> Parsed<Option<EncodedReceipts>> {
    let Some(receipts) = receipts else {
        return Ok(None);
    };
    let mut out = Vec::with_capacity(receipts.len() * 512);
    let mut envelopes = Vec::with_capacity(receipts.len());
    let mut claims = Vec::with_capacity(receipts.len());
    let mut kinds = kinds.chain(std::iter::repeat(0));
    for (index, receipt) in receipts.iter().enumerate() {
        let start = out.len();
        encode::receipt(&mut out, receipt, kinds.next().unwrap_or(0))
            .map_err(|error| format!("receipt {index}: {error}"))?;
        envelopes.push(start..out.len());
        claims.push(ReceiptClaims {
            transaction_hash: receipt.transaction_hash.map(B256::from),
            contract_address: receipt.contract_address.map(Address::from),
            gas_used: receipt.gas_used.map(|gas| gas.0),
            effective_gas_price: receipt.effective_gas_price.map(|price| price.0),
        });
    }
    Ok(Some(EncodedReceipts { buffer: out.into(), envelopes, claims }))
}

impl EncodedBlock {
    /// The block as slices.
    pub(super) fn parts(&self) -> Parts<'_> {
        let slice = |range: &Range<usize>| &self.buffer[range.clone()];
        Parts {
            backing: &self.buffer,
            header: slice(&self.header),
            transactions: self.transactions.iter().map(slice).collect(),
            uncles: self.uncles.as_ref().map(slice),
            withdrawals: self.withdrawals.as_ref().map(slice),
            receipts: self.receipts.as_ref().map(EncodedReceipts::parts),
            size_bytes: self.size_bytes,
            claims: Some(&self.claims),
        }
    }
}

impl EncodedReceipts {
    /// The receipts as slices.
    pub(super) fn parts(&self) -> ReceiptParts<'_> {
        ReceiptParts {
            backing: &self.buffer,
            envelopes: self.envelopes.iter().map(|range| &self.buffer[range.clone()]).collect(),
            claims: &self.claims,
        }
    }
}

/// Number and difficulty of a line's block, found without parsing the rest; nothing where they are
/// missing or malformed, which parsing reports.
pub(super) fn peek_number_and_difficulty(line: &[u8]) -> Option<(u64, U256)> {
    model::check_depth(line).ok()?;
    let number = peek_quantity(line, &["block", "number"])?;
    Some((number.try_into().ok()?, peek_quantity(line, &["block", "difficulty"])?))
}

/// Number of the block that a line of receipts is for: `block.number`, or `number`.
pub(super) fn peek_number(line: &[u8]) -> Option<u64> {
    model::check_depth(line).ok()?;
    let number =
        peek_quantity(line, &["block", "number"]).or_else(|| peek_quantity(line, &["number"]))?;
    number.try_into().ok()
}

/// Hash of the block that a line of receipts is for: `block.hash`, or `hash`.
pub(super) fn peek_hash(line: &[u8]) -> Option<B256> {
    model::check_depth(line).ok()?;
    let found = sonic_rs::get_from_slice(line, &["block", "hash"])
        .or_else(|_| sonic_rs::get_from_slice(line, &["hash"]))
        .ok()?;
    let hash: hex::Fixed<32> = sonic_rs::from_str(found.as_raw_str()).ok()?;
    Some(hash.into())
}

/// The caller has checked the depth of `line`.
fn peek_quantity(line: &[u8], path: &[&str]) -> Option<U256> {
    let found = sonic_rs::get_from_slice(line, path).ok()?;
    sonic_rs::from_str::<hex::Quantity>(found.as_raw_str()).ok().map(|found| found.0)
}
