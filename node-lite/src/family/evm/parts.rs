//! The parts of a block as slices of canonical bytes: what every source is brought to, and the only
//! thing that verification reads.

use alloy_primitives::{Address, B256, U256};
use bytes::Bytes;

use super::rlp::{Fields, Parsed, envelopes, header_length};

/// One block in canonical bytes.
pub(super) struct Parts<'a> {
    /// Buffer that holds the slices below, except receipts.
    pub(super) backing: &'a Bytes,
    /// RLP of the header.
    pub(super) header: &'a [u8],
    /// Canonical bytes of each transaction.
    pub(super) transactions: Vec<&'a [u8]>,
    /// RLP of the list of uncle headers; none when the source has only their hashes.
    pub(super) uncles: Option<&'a [u8]>,
    /// RLP of the list of withdrawals; none before Shanghai.
    pub(super) withdrawals: Option<&'a [u8]>,
    /// Receipts; none when the source has none.
    pub(super) receipts: Option<ReceiptParts<'a>>,
    /// Size of the whole block in RLP; none when uncle headers are missing.
    pub(super) size_bytes: Option<u64>,
    /// What the source says beside the canonical bytes; none when it has only those.
    pub(super) claims: Option<&'a Claims>,
}

/// Receipts of one block in canonical bytes.
pub(super) struct ReceiptParts<'a> {
    /// Buffer that holds them.
    pub(super) backing: &'a Bytes,
    /// Canonical bytes of each receipt.
    pub(super) envelopes: Vec<&'a [u8]>,
    /// What the source says beside them; empty, or one a receipt.
    pub(super) claims: &'a [ReceiptClaims],
}

/// Values that a JSON reply states although they follow from others: refused when they differ.
pub(super) struct Claims {
    pub(super) hash: Option<B256>,
    /// Hash and sender of each transaction; empty when the source states none.
    pub(super) transactions: Vec<(Option<B256>, Option<Address>)>,
    pub(super) uncle_hashes: Option<Vec<B256>>,
}

/// The same for one receipt.
pub(super) struct ReceiptClaims {
    pub(super) transaction_hash: Option<B256>,
    pub(super) contract_address: Option<Address>,
    pub(super) gas_used: Option<U256>,
    pub(super) effective_gas_price: Option<U256>,
}

impl<'a> Parts<'a> {
    /// Takes an RLP block apart: `[header, transactions, uncles]`, and withdrawals since Shanghai.
    pub(super) fn of_block(block: &'a Bytes) -> Parsed<Self> {
        let mut fields = Fields::of_list(block, "block")?;
        let header = fields.list("header")?.raw;
        let size_bytes = Some(block.len() as u64);
        Self::of_body(block, header, fields, size_bytes)
    }

    /// Takes an ERA1 body apart: an RLP block without its header.
    pub(super) fn of_era1(header: &'a [u8], body: &'a Bytes) -> Parsed<Self> {
        let fields = Fields::of_list(body, "body")?;
        let length = header.len() + fields.rest().len();
        Self::of_body(body, header, fields, Some((header_length(length) + length) as u64))
    }

    fn of_body(
        backing: &'a Bytes,
        header: &'a [u8],
        mut fields: Fields<'a>,
        size_bytes: Option<u64>,
    ) -> Parsed<Self> {
        let transactions = envelopes(fields.list("transactions")?.payload, "transaction")?;
        let uncles = Some(fields.list("uncles")?.raw);
        let withdrawals =
            if fields.is_empty() { None } else { Some(fields.list("withdrawals")?.raw) };
        fields.end()?;
        Ok(Self {
            backing,
            header,
            transactions,
            uncles,
            withdrawals,
            receipts: None,
            size_bytes,
            claims: None,
        })
    }
}

impl<'a> ReceiptParts<'a> {
    /// Takes an RLP list of receipts apart.
    pub(super) fn of_list(list: &'a Bytes) -> Parsed<Self> {
        let payload = Fields::of_list(list, "receipts")?.rest();
        let envelopes = envelopes(payload, "receipt")?;
        Ok(Self { backing: list, envelopes, claims: &[] })
    }
}
