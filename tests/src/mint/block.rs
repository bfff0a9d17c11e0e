//! A minted block, and its RLP.

use alloy_primitives::{B256, U256};

use super::fork::Fork;
use super::header::{Header, Withdrawal};
use super::receipt::Receipt;
use super::rlp::{List, push_envelope};
use super::transaction::Transaction;

/// A block with everything that any file format holds about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintedBlock {
    /// Fork that holds at it.
    pub fork: Fork,
    /// Header.
    pub header: Header,
    /// Keccak-256 of the header.
    pub hash: B256,
    /// Transactions in order.
    pub transactions: Vec<Transaction>,
    /// One receipt per transaction.
    pub receipts: Vec<Receipt>,
    /// Headers of uncles.
    pub uncles: Vec<Header>,
    /// Withdrawals; `None` before Shanghai.
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// Sum of difficulties up to this block.
    pub total_difficulty: U256,
}

impl MintedBlock {
    /// The block as it is gossiped and exported: `[header, transactions, uncles, withdrawals?]`.
    pub fn rlp(&self) -> Vec<u8> {
        let mut list = List::new();
        list.raw(&self.header.encoded());
        self.push_body(&mut list);
        list.encoded()
    }

    /// The body alone: `[transactions, uncles, withdrawals?]`.
    pub fn body_rlp(&self) -> Vec<u8> {
        let mut list = List::new();
        self.push_body(&mut list);
        list.encoded()
    }

    /// The receipts as a list.
    pub fn receipts_rlp(&self) -> Vec<u8> {
        let mut list = List::new();
        self.receipts.iter().for_each(|receipt| push_envelope(&mut list, &receipt.encoded));
        list.encoded()
    }

    fn push_body(&self, list: &mut List) {
        let mut transactions = List::new();
        for transaction in &self.transactions {
            push_envelope(&mut transactions, &transaction.encoded);
        }
        list.list(&transactions).raw(&uncles_rlp(&self.uncles));
        if let Some(withdrawals) = &self.withdrawals {
            let mut items = List::new();
            withdrawals.iter().for_each(|item| _ = items.raw(&item.encoded()));
            list.list(&items);
        }
    }
}

/// Uncle headers as a list.
pub(super) fn uncles_rlp(uncles: &[Header]) -> Vec<u8> {
    let mut list = List::new();
    uncles.iter().for_each(|uncle| _ = list.raw(&uncle.encoded()));
    list.encoded()
}
