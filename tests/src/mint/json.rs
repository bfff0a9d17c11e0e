//! Blocks and receipts as geth's `eth_getBlockByNumber(n, true)` and `eth_getBlockReceipts(n)` print
//! them: same fields, same order, same number format.

use std::fmt::Write as _;

use alloy_primitives::{Address, hex};

use super::MintedBlock;
use super::header::Header;
use super::receipt::{Outcome, Receipt};
use super::rules::{GAS_PER_BLOB, blob_base_fee};
use super::transaction::{AccessList, Kind, Transaction};

/// A JSON object under construction in a shared buffer.
struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// Starts a member; the caller appends its value.
    fn key(&mut self, key: &str) -> &mut String {
        let comma = if self.empty { "" } else { "," };
        self.empty = false;
        _ = write!(self.out, "{comma}\"{key}\":");
        self.out
    }

    /// A number, `0x` and lower-case digits without leading zeros.
    fn number(&mut self, key: &str, value: impl std::fmt::LowerHex) -> &mut Self {
        _ = write!(self.key(key), "\"{value:#x}\"");
        self
    }

    fn bytes(&mut self, key: &str, bytes: impl AsRef<[u8]>) -> &mut Self {
        push_bytes(self.key(key), bytes.as_ref());
        self
    }

    fn end(self) {
        self.out.push('}');
    }
}

fn push_bytes(out: &mut String, bytes: &[u8]) {
    out.push_str("\"0x");
    out.push_str(&hex::encode(bytes));
    out.push('"');
}

fn push_array<T>(out: &mut String, items: &[T], mut push: impl FnMut(&mut String, usize, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push(out, index, item);
    }
    out.push(']');
}

/// Appends the block with its transactions.
pub(super) fn push_block(out: &mut String, block: &MintedBlock) {
    let header = &block.header;
    let mut json = Object::new(out);
    if let Some(fee) = header.base_fee_per_gas {
        json.number("baseFeePerGas", fee);
    }
    if let Some(used) = header.blob_gas_used {
        json.number("blobGasUsed", used);
    }
    json.number("difficulty", header.difficulty);
    if let Some(excess) = header.excess_blob_gas {
        json.number("excessBlobGas", excess);
    }
    json.bytes("extraData", &header.extra_data)
        .number("gasLimit", header.gas_limit)
        .number("gasUsed", header.gas_used)
        .bytes("hash", block.hash)
        .bytes("logsBloom", header.logs_bloom)
        .bytes("miner", header.miner)
        .bytes("mixHash", header.mix_hash)
        .bytes("nonce", header.nonce)
        .number("number", header.number);
    if let Some(root) = header.parent_beacon_block_root {
        json.bytes("parentBeaconBlockRoot", root);
    }
    json.bytes("parentHash", header.parent_hash).bytes("receiptsRoot", header.receipts_root);
    if let Some(hash) = header.requests_hash {
        json.bytes("requestsHash", hash);
    }
    json.bytes("sha3Uncles", header.uncles_hash)
        .number("size", block.rlp().len())
        .bytes("stateRoot", header.state_root)
        .number("timestamp", header.timestamp)
        .number("totalDifficulty", block.total_difficulty);
    push_array(json.key("transactions"), &block.transactions, |out, index, transaction| {
        push_transaction(out, block, index, transaction);
    });
    json.bytes("transactionsRoot", header.transactions_root);
    push_array(json.key("uncles"), &block.uncles, |out, _, uncle: &Header| {
        push_bytes(out, uncle.hash().as_slice());
    });
    if let (Some(withdrawals), Some(root)) = (&block.withdrawals, header.withdrawals_root) {
        push_array(json.key("withdrawals"), withdrawals, |out, _, withdrawal| {
            let mut json = Object::new(out);
            json.number("index", withdrawal.index)
                .number("validatorIndex", withdrawal.validator_index)
                .bytes("address", withdrawal.address)
                .number("amount", withdrawal.amount_gwei);
            json.end();
        });
        json.bytes("withdrawalsRoot", root);
    }
    json.end();
}

fn push_transaction(out: &mut String, block: &MintedBlock, index: usize, item: &Transaction) {
    let request = &item.request;
    let mut json = Object::new(out);
    json.bytes("blockHash", block.hash)
        .number("blockNumber", block.header.number)
        .number("blockTimestamp", block.header.timestamp)
        .bytes("from", item.from)
        .number("gas", request.gas)
        .number("gasPrice", request.effective_gas_price(block.header.base_fee_per_gas));
    if let Kind::DynamicFee { fees, .. } | Kind::Blob { fees, .. } | Kind::SetCode { fees, .. } =
        &request.kind
    {
        json.number("maxFeePerGas", fees.max_fee)
            .number("maxPriorityFeePerGas", fees.max_priority_fee);
    }
    if let Kind::Blob { max_fee_per_blob_gas, .. } = &request.kind {
        json.number("maxFeePerBlobGas", *max_fee_per_blob_gas);
    }
    json.bytes("hash", item.hash).bytes("input", &request.input).number("nonce", request.nonce);
    push_address(json.key("to"), request.to);
    json.number("transactionIndex", index)
        .number("value", request.value)
        .number("type", request.transaction_type());
    push_kind(&mut json, item);
    json.number("v", item.v).number("r", item.signature.r).number("s", item.signature.s);
    if !matches!(request.kind, Kind::Legacy { .. }) {
        json.number("yParity", item.v);
    }
    json.end();
}

fn push_kind(json: &mut Object<'_>, item: &Transaction) {
    let request = &item.request;
    match &request.kind {
        Kind::Legacy { .. } => {}
        Kind::AccessList { access_list, .. }
        | Kind::DynamicFee { access_list, .. }
        | Kind::Blob { access_list, .. }
        | Kind::SetCode { access_list, .. } => {
            push_access_list(json.key("accessList"), access_list)
        }
    }
    if !matches!(request.kind, Kind::Legacy { protected: false, .. }) {
        json.number("chainId", request.chain_id);
    }
    match &request.kind {
        Kind::Blob { blob_versioned_hashes, .. } => {
            push_array(json.key("blobVersionedHashes"), blob_versioned_hashes, |out, _, hash| {
                push_bytes(out, hash.as_slice());
            });
        }
        Kind::SetCode { authorizations, .. } => {
            push_array(json.key("authorizationList"), authorizations, |out, _, item| {
                let mut json = Object::new(out);
                json.number("chainId", item.chain_id)
                    .bytes("address", item.address)
                    .number("nonce", item.nonce)
                    .number("yParity", u8::from(item.signature.y_odd))
                    .number("r", item.signature.r)
                    .number("s", item.signature.s);
                json.end();
            });
        }
        _ => {}
    }
}

fn push_access_list(out: &mut String, access_list: &AccessList) {
    push_array(out, access_list, |out, _, (address, keys)| {
        let mut json = Object::new(out);
        json.bytes("address", address);
        push_array(json.key("storageKeys"), keys, |out, _, key| push_bytes(out, key.as_slice()));
        json.end();
    });
}

fn push_address(out: &mut String, address: Option<Address>) {
    match address {
        Some(address) => push_bytes(out, address.as_slice()),
        None => out.push_str("null"),
    }
}

/// Appends the receipts of the block.
pub(super) fn push_receipts(out: &mut String, block: &MintedBlock) {
    let mut log_index = 0;
    push_array(out, &block.receipts, |out, index, receipt| {
        push_receipt(out, block, index, receipt, log_index);
        log_index += receipt.logs.len();
    });
}

fn push_receipt(
    out: &mut String,
    block: &MintedBlock,
    index: usize,
    receipt: &Receipt,
    first_log_index: usize,
) {
    let transaction = &block.transactions[index];
    let header = &block.header;
    let blobs = transaction.request.blob_hashes().len() as u64;
    let mut json = Object::new(out);
    if let (Some(excess), true) = (header.excess_blob_gas, blobs > 0) {
        json.number("blobGasPrice", blob_base_fee(block.fork, excess))
            .number("blobGasUsed", blobs * GAS_PER_BLOB);
    }
    json.bytes("blockHash", block.hash).number("blockNumber", header.number);
    push_address(json.key("contractAddress"), transaction.created_contract());
    json.number("cumulativeGasUsed", receipt.cumulative_gas_used)
        .number(
            "effectiveGasPrice",
            transaction.request.effective_gas_price(header.base_fee_per_gas),
        )
        .bytes("from", transaction.from)
        .number("gasUsed", receipt.gas_used);
    push_array(json.key("logs"), &receipt.logs, |out, log_at, log| {
        let mut json = Object::new(out);
        json.bytes("address", log.address);
        push_array(json.key("topics"), &log.topics, |out, _, topic| {
            push_bytes(out, topic.as_slice());
        });
        json.bytes("data", &log.data)
            .number("blockNumber", header.number)
            .bytes("transactionHash", transaction.hash)
            .number("transactionIndex", index)
            .bytes("blockHash", block.hash)
            .number("blockTimestamp", header.timestamp)
            .number("logIndex", first_log_index + log_at);
        json.key("removed").push_str("false");
        json.end();
    });
    json.bytes("logsBloom", receipt.bloom);
    match receipt.outcome {
        Outcome::Root(root) => json.bytes("root", root),
        Outcome::Status(success) => json.number("status", u8::from(success)),
    };
    push_address(json.key("to"), transaction.request.to);
    json.bytes("transactionHash", transaction.hash)
        .number("transactionIndex", index)
        .number("type", receipt.transaction_type);
    json.end();
}
