//! Verification of one block: a pure function of its bytes.
//!
//! ```text
//! JSON line ──json::──┐
//! RLP block ──────────┼─> Parts (canonical bytes) ──> header hash ─> transactions root ─> uncles ─>
//! ERA1 records ─snappy┘    withdrawals root ─> receipts root ─> each transaction ─> each receipt
//! ```
//!
//! Roots come before items, so a forged item is refused by the root that it breaks.

use alloy_consensus::Header;
use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, MAXIMUM_EXTRA_DATA_SIZE};
use alloy_primitives::{Bloom, U256, keccak256};
use alloy_rlp::Decodable;

use super::block::{Uncle, VerifiedBlock, Withdrawal};
use super::json::{self, EncodedReceipts};
use super::parts::{Parts, ReceiptClaims, ReceiptParts};
use super::raw::{RawBlock, RawBody};
use super::receipt::BloomMaker;
use super::rlp::{Fields, Item, Parsed};
use super::snappy::inflate;
use super::trie::ordered_root;
use super::{Place, Receipt, Transaction, Value, VerifyError};

/// Largest time of a block, seconds since 1970: it must fit microseconds in 64 bits.
pub(super) const TIMESTAMP_SECONDS_MAX: u64 = i64::MAX as u64 / 1_000_000;

/// Parses `raw`, recomputes every hash and root in it and recovers every sender.
///
/// # Errors
/// The first check that fails, by name, with the claimed and the recomputed value.
pub fn verify(raw: RawBlock) -> Result<VerifiedBlock, VerifyError> {
    let RawBlock { place, body, total_difficulty } = raw;
    let malformed = |reason| VerifyError::Malformed { place, reason };
    match &body {
        RawBody::Json(line) => {
            let encoded = json::encode_block(line).map_err(malformed)?;
            verify_parts(encoded.parts(), place, total_difficulty)
        }
        RawBody::Rlp { block, receipts } => {
            let mut parts = Parts::of_block(block).map_err(malformed)?;
            let encoded = receipts
                .as_ref()
                .map(|line| json::encode_receipts(line, &parts.transactions))
                .transpose()
                .map_err(malformed)?
                .flatten();
            parts.receipts = encoded.as_ref().map(EncodedReceipts::parts);
            verify_parts(parts, place, total_difficulty)
        }
        RawBody::Era1 { header, body, receipts } => {
            let header = inflate(header, "header").map_err(malformed)?;
            let body = inflate(body, "body").map_err(malformed)?;
            let receipts = inflate(receipts, "receipts").map_err(malformed)?;
            let mut parts = Parts::of_era1(&header, &body).map_err(malformed)?;
            parts.receipts = Some(ReceiptParts::of_list(&receipts).map_err(malformed)?);
            verify_parts(parts, place, total_difficulty)
        }
    }
}

fn verify_parts(
    parts: Parts<'_>,
    place: Place,
    total_difficulty: Option<U256>,
) -> Result<VerifiedBlock, VerifyError> {
    let header =
        decode_header(parts.header).map_err(|reason| VerifyError::Malformed { place, reason })?;
    let check = Checker { block: header.number };
    let hash = keccak256(parts.header);
    if let Some(claimed) = parts.claims.and_then(|claims| claims.hash) {
        check.equal("hash", claimed, hash)?;
    }
    check.equal(
        "transactions root",
        header.transactions_root,
        ordered_root(&parts.transactions),
    )?;
    let uncles = check.uncles(&parts, &header)?;
    let withdrawals = check.withdrawals(&parts, &header)?;
    if let Some(receipts) = &parts.receipts {
        check.equal("receipts root", header.receipts_root, ordered_root(&receipts.envelopes))?;
    }
    check.header_rules(&header)?;
    let transactions = check.transactions(&parts, &header)?;
    let receipts = match &parts.receipts {
        Some(receipts) => Some(check.receipts(receipts, &transactions, &header)?),
        None => None,
    };
    // `header_rules` has checked that it fits.
    let timestamp_us = (header.timestamp * 1_000_000) as i64;
    Ok(VerifiedBlock {
        hash,
        header,
        timestamp_us,
        transactions,
        receipts,
        uncles,
        withdrawals,
        total_difficulty,
        size_bytes: parts.size_bytes,
    })
}

/// Decodes a header of the forks Frontier to Osaka.
pub(super) fn decode_header(mut raw: &[u8]) -> Parsed<Header> {
    let header = Header::decode(&mut raw).map_err(|error| format!("header: {error}"))?;
    if !raw.is_empty() {
        return Err(format!("header: {} bytes follow it", raw.len()));
    }
    if header.block_access_list_hash.is_some() || header.slot_number.is_some() {
        return Err(format!("header of block {} is of a fork after Osaka", header.number));
    }
    Ok(header)
}

/// The checks of one block; every error names it.
struct Checker {
    block: u64,
}

impl Checker {
    fn equal<T: Into<Value> + PartialEq>(
        &self,
        check: &'static str,
        claimed: T,
        recomputed: T,
    ) -> Result<(), VerifyError> {
        if claimed == recomputed {
            return Ok(());
        }
        let (claimed, recomputed) = (Box::new(claimed.into()), Box::new(recomputed.into()));
        Err(VerifyError::Mismatch { block: self.block, check, claimed, recomputed })
    }

    fn item_equal<T: Into<Value> + PartialEq>(
        &self,
        (item, index): (&'static str, usize),
        check: &'static str,
        claimed: Option<T>,
        recomputed: T,
    ) -> Result<(), VerifyError> {
        match claimed {
            Some(claimed) if claimed != recomputed => Err(VerifyError::ItemMismatch {
                block: self.block,
                item,
                index,
                check,
                claimed: Box::new(claimed.into()),
                recomputed: Box::new(recomputed.into()),
            }),
            _ => Ok(()),
        }
    }

    fn rule(&self, check: &'static str, rule: String) -> VerifyError {
        VerifyError::Rule { block: self.block, check, rule }
    }

    /// Whether `value` fits a `bigint`; `field` names it when it does not.
    fn fits(&self, value: u64, field: impl FnOnce() -> String) -> Result<(), VerifyError> {
        if i64::try_from(value).is_ok() {
            return Ok(());
        }
        let value = U256::from(value);
        Err(VerifyError::Overflow { block: self.block, field: field(), value })
    }

    fn header_rules(&self, header: &Header) -> Result<(), VerifyError> {
        let counters = [
            ("number", Some(header.number)),
            ("gas limit", Some(header.gas_limit)),
            ("gas used", Some(header.gas_used)),
            ("blob gas used", header.blob_gas_used),
            ("excess blob gas", header.excess_blob_gas),
        ];
        for (field, value) in counters {
            self.fits(value.unwrap_or(0), || field.to_owned())?;
        }
        if header.timestamp > TIMESTAMP_SECONDS_MAX {
            let value = U256::from(header.timestamp);
            let field = "timestamp in seconds".to_owned();
            return Err(VerifyError::Overflow { block: self.block, field, value });
        }
        if header.gas_used > header.gas_limit {
            let (used, limit) = (header.gas_used, header.gas_limit);
            return Err(
                self.rule("gas used", format!("gas used is {used}, above the limit {limit}"))
            );
        }
        // Difficulty 0 means proof of stake (EIP-3675). A genesis block keeps no such rule.
        if header.number > 0 && header.difficulty.is_zero() {
            self.proof_of_stake_rules(header)?;
        }
        Ok(())
    }

    fn proof_of_stake_rules(&self, header: &Header) -> Result<(), VerifyError> {
        if !header.nonce.is_zero() {
            let rule = format!("nonce is {} in a proof-of-stake block, expected 0", header.nonce);
            return Err(self.rule("nonce", rule));
        }
        if header.ommers_hash != EMPTY_OMMER_ROOT_HASH {
            return Err(self.rule("uncle hash", "proof-of-stake block has uncles".to_owned()));
        }
        let length = header.extra_data.len();
        if length > MAXIMUM_EXTRA_DATA_SIZE {
            let rule = format!("extra data has {length} bytes, at most {MAXIMUM_EXTRA_DATA_SIZE}");
            return Err(self.rule("extra data", rule));
        }
        Ok(())
    }

    /// Uncles, proved by the hash of their list; none when the source has only their hashes.
    fn uncles(
        &self,
        parts: &Parts<'_>,
        header: &Header,
    ) -> Result<Option<Vec<Uncle>>, VerifyError> {
        let Some(list) = parts.uncles else {
            // Hashes without headers prove nothing, but a header without uncles disproves them.
            if header.ommers_hash == EMPTY_OMMER_ROOT_HASH {
                let rule = "uncles are named, and the header has none".to_owned();
                return Err(self.rule("uncle hash", rule));
            }
            return Ok(None);
        };
        self.equal("uncle hash", header.ommers_hash, keccak256(list))?;
        let uncles = decode_uncles(list).map_err(|reason| self.rule("uncle", reason))?;
        if let Some(claimed) = parts.claims.and_then(|claims| claims.uncle_hashes.as_ref()) {
            self.equal("uncle count", claimed.len() as u64, uncles.len() as u64)?;
            for (index, (claimed, uncle)) in claimed.iter().zip(&uncles).enumerate() {
                self.item_equal(("uncle", index), "hash", Some(*claimed), uncle.hash)?;
            }
        }
        Ok(Some(uncles))
    }

    fn withdrawals(
        &self,
        parts: &Parts<'_>,
        header: &Header,
    ) -> Result<Option<Vec<Withdrawal>>, VerifyError> {
        let check = "withdrawals root";
        let Some(list) = parts.withdrawals else {
            self.equal(check, header.withdrawals_root, None)?;
            return Ok(None);
        };
        let (raw, withdrawals) =
            decode_withdrawals(list).map_err(|reason| self.rule("withdrawal", reason))?;
        self.equal(check, header.withdrawals_root, Some(ordered_root(&raw)))?;
        for (index, withdrawal) in withdrawals.iter().enumerate() {
            self.fits(withdrawal.index, || format!("withdrawal {index} index"))?;
            self.fits(withdrawal.validator_index, || {
                format!("withdrawal {index} validator index")
            })?;
            self.fits(withdrawal.amount_gwei, || format!("withdrawal {index} amount"))?;
        }
        Ok(Some(withdrawals))
    }

    fn transactions(
        &self,
        parts: &Parts<'_>,
        header: &Header,
    ) -> Result<Vec<Transaction>, VerifyError> {
        let mut transactions = Vec::with_capacity(parts.transactions.len());
        let mut chain_id = None;
        for (index, raw) in parts.transactions.iter().enumerate() {
            let item = ("transaction", index);
            let transaction = Transaction::decode(parts.backing, raw, header.base_fee_per_gas)
                .map_err(|reason| {
                    self.rule("transaction", format!("transaction {index}: {reason}"))
                })?;
            if let Some((hash, from)) =
                parts.claims.and_then(|claims| claims.transactions.get(index))
            {
                self.item_equal(item, "hash", *hash, transaction.hash)?;
                self.item_equal(item, "sender", *from, transaction.from)?;
            }
            self.fits(transaction.nonce, || format!("transaction {index} nonce"))?;
            self.fits(transaction.gas_limit, || format!("transaction {index} gas"))?;
            self.fits(transaction.chain_id.unwrap_or(0), || {
                format!("transaction {index} chain id")
            })?;
            chain_id = chain_id.or(transaction.chain_id);
            if transaction.chain_id.is_some() && transaction.chain_id != chain_id {
                let (one, other) = (Value::from(transaction.chain_id), Value::from(chain_id));
                let rule =
                    format!("transaction {index} is signed for chain {one}, others for {other}");
                return Err(self.rule("chain id", rule));
            }
            transactions.push(transaction);
        }
        Ok(transactions)
    }

    fn receipts(
        &self,
        parts: &ReceiptParts<'_>,
        transactions: &[Transaction],
        header: &Header,
    ) -> Result<Vec<Receipt>, VerifyError> {
        let (found, expected) = (parts.envelopes.len() as u64, transactions.len() as u64);
        self.equal("receipt count", found, expected)?;
        let mut receipts = Vec::with_capacity(transactions.len());
        let mut blooms = BloomMaker::default();
        let mut block_bloom = Bloom::ZERO;
        let (mut gas_before, mut log_count) = (0, 0);
        for (index, (raw, transaction)) in parts.envelopes.iter().zip(transactions).enumerate() {
            let decoded = Receipt::decode(parts.backing, raw, transaction)
                .map_err(|reason| self.rule("receipt", format!("receipt {index}: {reason}")))?;
            let mut receipt = decoded.receipt;
            let bloom = blooms.bloom(&receipt.logs);
            let item = ("receipt", index);
            self.item_equal(item, "logs bloom", Some(decoded.claimed_bloom), bloom)?;
            block_bloom |= bloom;
            self.fits(receipt.cumulative_gas_used, || format!("receipt {index} cumulative gas"))?;
            receipt.gas_used =
                receipt.cumulative_gas_used.checked_sub(gas_before).ok_or_else(|| {
                    let gas = receipt.cumulative_gas_used;
                    let rule =
                        format!("receipt {index} cumulative gas is {gas}, below the one before");
                    self.rule("gas used", rule)
                })?;
            receipt.first_log_index = log_count;
            gas_before = receipt.cumulative_gas_used;
            log_count += receipt.logs.len() as u64;
            if let Some(claims) = parts.claims.get(index) {
                self.receipt_claims(index, claims, &receipt, transaction)?;
            }
            receipts.push(receipt);
        }
        self.equal("logs bloom", header.logs_bloom, block_bloom)?;
        self.equal("gas used", header.gas_used, gas_before)?;
        Ok(receipts)
    }

    fn receipt_claims(
        &self,
        index: usize,
        claims: &ReceiptClaims,
        receipt: &Receipt,
        transaction: &Transaction,
    ) -> Result<(), VerifyError> {
        let item = ("receipt", index);
        self.item_equal(item, "transaction hash", claims.transaction_hash, transaction.hash)?;
        self.item_equal(item, "gas used", claims.gas_used, U256::from(receipt.gas_used))?;
        let price = receipt.effective_gas_price;
        self.item_equal(item, "effective gas price", claims.effective_gas_price, price)?;
        let contract = claims.contract_address.map(Some);
        self.item_equal(item, "contract address", contract, receipt.contract_address)
    }
}

fn decode_uncles(list: &[u8]) -> Parsed<Vec<Uncle>> {
    let mut fields = Fields::of_list(list, "uncles")?;
    let mut uncles = Vec::new();
    while !fields.is_empty() {
        let raw = fields.list("header")?.raw;
        uncles.push(Uncle { hash: keccak256(raw), header: decode_header(raw)? });
    }
    Ok(uncles)
}

fn decode_withdrawals(list: &[u8]) -> Parsed<(Vec<&[u8]>, Vec<Withdrawal>)> {
    let mut rest = Fields::of_list(list, "withdrawals")?.rest();
    let (mut raw, mut withdrawals) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let item = Item::take(&mut rest)?;
        let mut fields = Fields::of_list(item.raw, "withdrawal")?;
        raw.push(item.raw);
        withdrawals.push(Withdrawal {
            index: fields.value("index")?,
            validator_index: fields.value("validator index")?,
            address: fields.value("address")?,
            amount_gwei: fields.value("amount")?,
        });
        fields.end()?;
    }
    Ok((raw, withdrawals))
}
