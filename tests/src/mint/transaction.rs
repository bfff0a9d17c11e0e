//! Transactions of types 0 to 4: fields, signing, EIP-2718 encoding.

use alloy_primitives::{Address, B256, U256, keccak256};

use super::rlp::List;
use super::signer::{Account, Signature, Signer};

/// Addresses and storage keys that a transaction announces (EIP-2930).
pub(super) type AccessList = Vec<(Address, Vec<B256>)>;

/// What differs between the types.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the EIPs")]
pub enum Kind {
    /// Type 0; without chain id the signature is that of before EIP-155.
    Legacy { protected: bool, gas_price: u128 },
    /// Type 1 (EIP-2930).
    AccessList { gas_price: u128, access_list: AccessList },
    /// Type 2 (EIP-1559).
    DynamicFee { fees: Fees, access_list: AccessList },
    /// Type 3 (EIP-4844).
    Blob {
        fees: Fees,
        access_list: AccessList,
        max_fee_per_blob_gas: u128,
        blob_versioned_hashes: Vec<B256>,
    },
    /// Type 4 (EIP-7702).
    SetCode { fees: Fees, access_list: AccessList, authorizations: Vec<Authorization> },
}

/// Fee limits of EIP-1559, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// Highest total price.
    pub max_fee: u128,
    /// Highest tip.
    pub max_priority_fee: u128,
}

/// A signed wish to run an account with the code of `address` (EIP-7702).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Chain that it holds on.
    pub chain_id: u64,
    /// Contract whose code the signer takes.
    pub address: Address,
    /// Nonce of the signer.
    pub nonce: u64,
    /// Signature of the signer.
    pub signature: Signature,
}

impl Authorization {
    /// Authorization of `account`.
    pub fn signed(
        signer: &mut Signer,
        account: &Account,
        chain_id: u64,
        address: Address,
        nonce: u64,
    ) -> Self {
        const MAGIC: u8 = 5;
        let mut list = List::new();
        list.push(&chain_id).push(&address).push(&nonce);
        let signature = signer.sign(account, keccak256(list.encoded_after(MAGIC)));
        Self { chain_id, address, nonce, signature }
    }
}

/// Fields of a transaction before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Chain that typed and protected legacy transactions are bound to.
    pub chain_id: u64,
    /// Number of transactions that the sender sent before.
    pub nonce: u64,
    /// Gas limit.
    pub gas: u64,
    /// Receiver; `None` creates a contract.
    pub to: Option<Address>,
    /// Wei moved.
    pub value: U256,
    /// Call data.
    pub input: Vec<u8>,
    /// What depends on the type.
    pub kind: Kind,
}

impl Request {
    /// EIP-2718 type.
    pub fn transaction_type(&self) -> u8 {
        match self.kind {
            Kind::Legacy { .. } => 0,
            Kind::AccessList { .. } => 1,
            Kind::DynamicFee { .. } => 2,
            Kind::Blob { .. } => 3,
            Kind::SetCode { .. } => 4,
        }
    }

    /// Price paid in a block with this base fee, wei per gas.
    pub fn effective_gas_price(&self, base_fee: Option<u64>) -> u128 {
        match &self.kind {
            Kind::Legacy { gas_price, .. } | Kind::AccessList { gas_price, .. } => *gas_price,
            Kind::DynamicFee { fees, .. }
            | Kind::Blob { fees, .. }
            | Kind::SetCode { fees, .. } => {
                fees.max_fee.min(u128::from(base_fee.unwrap_or_default()) + fees.max_priority_fee)
            }
        }
    }

    /// Hashes of its blobs; empty for every other type.
    pub fn blob_hashes(&self) -> &[B256] {
        match &self.kind {
            Kind::Blob { blob_versioned_hashes, .. } => blob_versioned_hashes,
            _ => &[],
        }
    }

    /// Signs the transaction for `account`.
    pub fn sign(self, signer: &mut Signer, account: &Account) -> Transaction {
        let mut list = self.unsigned();
        let digest = match self.kind {
            Kind::Legacy { protected, .. } => {
                // The signature list is appended to these fields later, without EIP-155's three.
                let mut signing = self.unsigned();
                if protected {
                    signing.push(&self.chain_id).push(&0_u8).push(&0_u8);
                }
                keccak256(signing.encoded())
            }
            _ => keccak256(list.encoded_after(self.transaction_type())),
        };
        let signature = signer.sign(account, digest);
        let v = match self.kind {
            Kind::Legacy { protected: true, .. } => {
                self.chain_id * 2 + 35 + u64::from(signature.y_odd)
            }
            Kind::Legacy { protected: false, .. } => 27 + u64::from(signature.y_odd),
            _ => u64::from(signature.y_odd),
        };
        list.push(&v).push(&signature.r).push(&signature.s);
        let encoded = match self.transaction_type() {
            0 => list.encoded(),
            typed => list.encoded_after(typed),
        };
        let hash = keccak256(&encoded);
        Transaction { request: self, from: account.address, v, signature, hash, encoded }
    }

    fn unsigned(&self) -> List {
        let mut list = List::new();
        if !matches!(self.kind, Kind::Legacy { .. }) {
            list.push(&self.chain_id);
        }
        list.push(&self.nonce);
        match &self.kind {
            Kind::Legacy { gas_price, .. } | Kind::AccessList { gas_price, .. } => {
                list.push(gas_price);
            }
            Kind::DynamicFee { fees, .. }
            | Kind::Blob { fees, .. }
            | Kind::SetCode { fees, .. } => {
                list.push(&fees.max_priority_fee).push(&fees.max_fee);
            }
        }
        list.push(&self.gas).optional_address(self.to).push(&self.value).bytes(&self.input);
        match &self.kind {
            Kind::Legacy { .. } => {}
            Kind::AccessList { access_list, .. } | Kind::DynamicFee { access_list, .. } => {
                push_access_list(&mut list, access_list);
            }
            Kind::Blob { access_list, max_fee_per_blob_gas, blob_versioned_hashes, .. } => {
                push_access_list(&mut list, access_list);
                list.push(max_fee_per_blob_gas).hashes(blob_versioned_hashes);
            }
            Kind::SetCode { access_list, authorizations, .. } => {
                push_access_list(&mut list, access_list);
                push_authorizations(&mut list, authorizations);
            }
        }
        list
    }
}

fn push_access_list(list: &mut List, access_list: &AccessList) {
    let mut entries = List::new();
    for (address, keys) in access_list {
        let mut entry = List::new();
        entry.push(address).hashes(keys);
        entries.list(&entry);
    }
    list.list(&entries);
}

fn push_authorizations(list: &mut List, authorizations: &[Authorization]) {
    let mut entries = List::new();
    for authorization in authorizations {
        let signature = &authorization.signature;
        let mut entry = List::new();
        entry
            .push(&authorization.chain_id)
            .push(&authorization.address)
            .push(&authorization.nonce)
            .push(&u8::from(signature.y_odd))
            .push(&signature.r)
            .push(&signature.s);
        entries.list(&entry);
    }
    list.list(&entries);
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its fields.
    pub request: Request,
    /// Sender.
    pub from: Address,
    /// `v` of the signature as it is encoded: with chain id for protected legacy transactions, the
    /// parity for typed ones.
    pub v: u64,
    /// Signature.
    pub signature: Signature,
    /// Keccak-256 of `encoded`.
    pub hash: B256,
    /// EIP-2718 envelope.
    pub encoded: Vec<u8>,
}

impl Transaction {
    /// Address of the contract that it creates, if it creates one.
    pub fn created_contract(&self) -> Option<Address> {
        self.request.to.is_none().then(|| {
            let mut list = List::new();
            list.push(&self.from).push(&self.request.nonce);
            Address::from_slice(&keccak256(list.encoded())[12..])
        })
    }
}
