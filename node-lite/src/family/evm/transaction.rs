//! Transactions of types 0 to 4, decoded from their canonical bytes.

use alloy_eips::eip2930::AccessList;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::{Address, B256, Bytes, U256};

/// EIP-2718 type of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TransactionType {
    /// Before EIP-2718.
    Legacy = 0,
    /// EIP-2930, access list.
    AccessList = 1,
    /// EIP-1559, dynamic fee.
    DynamicFee = 2,
    /// EIP-4844, blobs.
    Blob = 3,
    /// EIP-7702, set code.
    SetCode = 4,
}

/// One verified transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Keccak-256 of the signed transaction's bytes.
    pub hash: B256,
    /// Sender, recovered from the signature.
    pub from: Address,
    /// EIP-2718 type.
    pub transaction_type: TransactionType,
    /// Transactions that the sender sent before; at most `i64::MAX`.
    pub nonce: u64,
    /// Receiver; none when a contract is created.
    pub to: Option<Address>,
    /// Amount moved, wei.
    pub value: U256,
    /// Gas limit; at most `i64::MAX`.
    pub gas_limit: u64,
    /// Price paid, wei per gas: the effective price where the type has a fee cap.
    pub gas_price: U256,
    /// Fee cap, wei per gas; types 2 to 4.
    pub max_fee_per_gas: Option<U256>,
    /// Cap of the tip, wei per gas; types 2 to 4.
    pub max_priority_fee_per_gas: Option<U256>,
    /// Cap of the blob fee, wei per blob gas; type 3.
    pub max_fee_per_blob_gas: Option<U256>,
    /// Versioned hashes of the blobs; type 3.
    pub blob_versioned_hashes: Option<Vec<B256>>,
    /// Access list; types 1 to 4.
    pub access_list: Option<AccessList>,
    /// Signed authorizations; type 4.
    pub authorizations: Option<Vec<SignedAuthorization>>,
    /// Chain that the signature binds to, at most `i64::MAX`; none before EIP-155.
    pub chain_id: Option<u64>,
    /// Call data or contract code.
    pub input: Bytes,
    /// Signature v of a legacy transaction, y parity (0 or 1) of a typed one.
    pub v: U256,
    /// Signature r.
    pub r: U256,
    /// Signature s.
    pub s: U256,
}
