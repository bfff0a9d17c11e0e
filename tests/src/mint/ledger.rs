//! What the minted tokens add up to: the truth that queries are checked against.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};

/// Balances and counts of everything minted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Number and hash of the last block.
    pub head: Option<(u64, B256)>,
    /// Blocks, with the genesis block where the chain starts there.
    pub block_count: u64,
    /// Transactions.
    pub transaction_count: u64,
    /// Transactions whose receipt has status 0.
    pub failed_count: u64,
    /// Logs.
    pub log_count: u64,
    /// Logs that are transfers of an ERC-20 or ERC-721 token.
    pub transfer_count: u64,
    /// Withdrawals.
    pub withdrawal_count: u64,
    /// Uncles.
    pub uncle_count: u64,
    /// Balance per ERC-20 token and holder, exact; holders without a balance are left out.
    pub balances: BTreeMap<(Address, Address), U256>,
    /// Owner per ERC-721 token contract and token id.
    pub owners: BTreeMap<(Address, U256), Address>,
}

impl Truth {
    /// Balance of `holder`.
    pub fn balance(&self, token: Address, holder: Address) -> U256 {
        self.balances.get(&(token, holder)).copied().unwrap_or_default()
    }
}

/// Balances of a fixed set of holders, by index: no hashing per transfer.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    holders: usize,
    balances: Vec<U256>,
}

impl Ledger {
    pub(super) fn new(tokens: usize, holders: usize) -> Self {
        Self { holders, balances: vec![U256::ZERO; tokens * holders] }
    }

    pub(super) fn balance(&self, token: usize, holder: usize) -> U256 {
        self.balances[token * self.holders + holder]
    }

    /// Moves `value`; `None` is the zero address, which tokens are minted from and burnt to.
    /// The caller has checked that the sender holds `value`, and that the supply stays in range.
    pub(super) fn transfer(
        &mut self,
        token: usize,
        from: Option<usize>,
        to: Option<usize>,
        value: U256,
    ) {
        let at = |holder: usize| token * self.holders + holder;
        if let Some(from) = from {
            let balance = &mut self.balances[at(from)];
            *balance = balance.checked_sub(value).expect("the sender holds what it sends");
        }
        if let Some(to) = to {
            let balance = &mut self.balances[at(to)];
            *balance = balance.checked_add(value).expect("a token's supply fits 256 bits");
        }
    }

    /// (token, holder, balance) of everyone who has one.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, usize, U256)> {
        self.balances
            .iter()
            .enumerate()
            .filter(|(_, balance)| !balance.is_zero())
            .map(|(index, balance)| (index / self.holders, index % self.holders, *balance))
    }
}
