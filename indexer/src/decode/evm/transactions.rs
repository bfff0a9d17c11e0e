//! Rows of `chain.transactions`.

use std::fmt::{Display, Write};

use node_lite::evm::{Transaction, VerifiedBlock};
use schemas::tables::evm::TRANSACTIONS;

use super::amount;
use crate::decode::columns::{
    BigintColumn, BytesColumn, FixedColumn, HashListColumn, IntegerColumn, TextColumn,
    TimestampColumn, rows,
};

rows! {
    /// One row per transaction.
    TransactionRows of TRANSACTIONS;
    hash: FixedColumn<32>,
    nonce: BigintColumn,
    block_hash: FixedColumn<32>,
    block_number: BigintColumn,
    block_timestamp: TimestampColumn,
    transaction_index: BigintColumn,
    from_address: FixedColumn<20>,
    to_address: FixedColumn<20>,
    value: FixedColumn<32>,
    gas: BigintColumn,
    gas_price: FixedColumn<32>,
    input: BytesColumn,
    max_fee_per_gas: FixedColumn<32>,
    max_priority_fee_per_gas: FixedColumn<32>,
    transaction_type: IntegerColumn,
    max_fee_per_blob_gas: FixedColumn<32>,
    blob_versioned_hashes: HashListColumn,
    chain_id: BigintColumn,
    access_list: TextColumn,
    authorization_list: TextColumn,
    v: FixedColumn<32>,
    r: FixedColumn<32>,
    s: FixedColumn<32>,
}

impl TransactionRows {
    /// Adds the rows of `block`.
    pub(super) fn append(&mut self, block: &VerifiedBlock) {
        for (index, transaction) in block.transactions().iter().enumerate() {
            self.row_count += 1;
            self.hash.push(transaction.hash.0);
            self.nonce.push(transaction.nonce);
            self.block_hash.push(block.hash().0);
            self.block_number.push(block.number());
            self.block_timestamp.push(block.timestamp_us());
            self.transaction_index.push(index as u64);
            self.from_address.push(transaction.from.into_array());
            self.to_address.push_option(transaction.to.map(|to| to.into_array()));
            self.value.push(amount(transaction.value));
            self.gas.push(transaction.gas_limit);
            self.gas_price.push(amount(transaction.gas_price));
            self.input.push(&transaction.input);
            self.append_typed(transaction);
            self.v.push(amount(transaction.v));
            self.r.push(amount(transaction.r));
            self.s.push(amount(transaction.s));
        }
    }

    /// The columns that only some types have.
    fn append_typed(&mut self, transaction: &Transaction) {
        self.max_fee_per_gas.push_option(transaction.max_fee_per_gas.map(amount));
        self.max_priority_fee_per_gas.push_option(transaction.max_priority_fee_per_gas.map(amount));
        self.transaction_type.push(transaction.transaction_type as i32);
        self.max_fee_per_blob_gas.push_option(transaction.max_fee_per_blob_gas.map(amount));
        let blobs = transaction.blob_versioned_hashes.as_ref();
        self.blob_versioned_hashes.push_option(blobs.map(|blobs| blobs.iter().map(|hash| hash.0)));
        self.chain_id.push_option(transaction.chain_id);
        self.access_list.push_option(transaction.access_list.as_ref(), |out, list| {
            write_list(out, list.0.iter(), |out, entry| {
                quoted(out, "{\"address\":", &entry.address.0);
                out.push_str(",\"storage_keys\":");
                write_list(out, entry.storage_keys.iter(), |out, key| quoted(out, "", key));
                out.push('}');
            });
        });
        self.authorization_list.push_option(transaction.authorizations.as_ref(), |out, list| {
            write_list(out, list.iter(), |out, signed| {
                let numbers = [
                    ("{\"chain_id\":", format!("{:#x}", signed.chain_id)),
                    (",\"address\":", signed.address.0.to_string()),
                    (",\"nonce\":", format!("{:#x}", signed.nonce)),
                    (",\"y_parity\":", format!("{:#x}", signed.y_parity())),
                    (",\"r\":", format!("{:#x}", signed.r())),
                    (",\"s\":", format!("{:#x}", signed.s())),
                ];
                numbers.iter().for_each(|(key, value)| quoted(out, key, value));
                out.push('}');
            });
        });
    }
}

/// Writes a JSON array.
fn write_list<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// Writes `before` and a hex value in quotes.
fn quoted(out: &mut String, before: &str, value: &impl Display) {
    write!(out, "{before}\"{value}\"").expect("a string takes all text");
}
