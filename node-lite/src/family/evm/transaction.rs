//! Transactions of types 0 to 4, decoded from their canonical bytes (EIP-2718).
//!
//! The hash is taken over the bytes as they came in. So is the signed hash: the signed fields are one
//! slice of those bytes, with another list header before them.

use std::sync::LazyLock;

use alloy_eips::eip2930::AccessList;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::{Address, B256, Bytes, Keccak256, U256, keccak256};
use alloy_rlp::{Encodable, Header};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1, VerifyOnly};

use super::rlp::{Fields, Parsed};

/// Tables of the curve, made once.
static CURVE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

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

impl TransactionType {
    /// The type of the transaction or receipt whose canonical bytes are `envelope`.
    pub(super) fn of_envelope(envelope: &[u8]) -> Parsed<Self> {
        match envelope.first() {
            Some(0xc0..) => Ok(Self::Legacy),
            Some(code) => Self::from_code(u64::from(*code))
                .filter(|found| *found != Self::Legacy)
                .ok_or_else(|| format!("transaction type {code} is not supported (0 to 4 are)")),
            None => Err("transaction type is missing".to_owned()),
        }
    }

    /// The type with this number, if it is supported.
    pub(super) fn from_code(code: u64) -> Option<Self> {
        [Self::Legacy, Self::AccessList, Self::DynamicFee, Self::Blob, Self::SetCode]
            .into_iter()
            .find(|known| *known as u64 == code)
    }

    /// Whether the price is a cap, of which base fee and tip are paid (EIP-1559).
    pub(super) fn has_fee_cap(self) -> bool {
        matches!(self, Self::DynamicFee | Self::Blob | Self::SetCode)
    }
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

impl Transaction {
    /// Decodes the canonical bytes `raw`, a part of `backing`, and recovers the sender.
    ///
    /// The caller has checked `raw` against the transactions root.
    pub(super) fn decode(
        backing: &bytes::Bytes,
        raw: &[u8],
        base_fee: Option<u64>,
    ) -> Parsed<Self> {
        let transaction_type = TransactionType::of_envelope(raw)?;
        let list = if transaction_type == TransactionType::Legacy { raw } else { &raw[1..] };
        let mut fields = Fields::of_list(list, "transaction")?;
        let payload = fields.rest();
        let mut decoded = Self::decode_fields(transaction_type, &mut fields, backing)?;
        let signed = &payload[..payload.len() - fields.rest().len()];
        decoded.v = fields.uint256("v")?;
        decoded.r = fields.uint256("r")?;
        decoded.s = fields.uint256("s")?;
        fields.end()?;

        let y_parity = decoded.set_chain_id_and_parity()?;
        decoded.set_effective_price(base_fee)?;
        decoded.hash = keccak256(raw);
        let signed_hash = decoded.signed_hash(signed);
        decoded.from = recover(signed_hash, decoded.r, decoded.s, y_parity)?;
        Ok(decoded)
    }

    /// Reads the fields before the signature, in the order of the type.
    fn decode_fields(
        kind: TransactionType,
        fields: &mut Fields<'_>,
        backing: &bytes::Bytes,
    ) -> Parsed<Self> {
        let is_typed = kind != TransactionType::Legacy;
        let chain_id = if is_typed { Some(fields.value("chain id")?) } else { None };
        let nonce = fields.value("nonce")?;
        let max_priority_fee_per_gas =
            if kind.has_fee_cap() { Some(fields.uint256("max priority fee")?) } else { None };
        let price = fields.uint256("gas price")?;
        let gas_limit = fields.value("gas limit")?;
        let to = fields.optional_address("receiver")?;
        if to.is_none() && matches!(kind, TransactionType::Blob | TransactionType::SetCode) {
            return Err(format!("transaction of type {} has no receiver", kind as u8));
        }
        let value = fields.uint256("value")?;
        let input = backing.slice_ref(fields.bytes("input")?);
        let access_list = if is_typed { Some(fields.value("access list")?) } else { None };
        let is_blob = kind == TransactionType::Blob;
        Ok(Self {
            hash: B256::ZERO,
            from: Address::ZERO,
            transaction_type: kind,
            nonce,
            to,
            value,
            gas_limit,
            gas_price: price,
            max_fee_per_gas: kind.has_fee_cap().then_some(price),
            max_priority_fee_per_gas,
            max_fee_per_blob_gas: if is_blob {
                Some(fields.uint256("max blob fee")?)
            } else {
                None
            },
            blob_versioned_hashes: if is_blob { Some(fields.value("blob hashes")?) } else { None },
            access_list,
            authorizations: if kind == TransactionType::SetCode {
                Some(fields.value("authorizations")?)
            } else {
                None
            },
            chain_id,
            input: input.into(),
            v: U256::ZERO,
            r: U256::ZERO,
            s: U256::ZERO,
        })
    }

    /// Reads chain id (EIP-155) and y parity out of `v`.
    fn set_chain_id_and_parity(&mut self) -> Parsed<bool> {
        let v = u64::try_from(self.v).ok();
        match (self.transaction_type, v) {
            (TransactionType::Legacy, Some(27 | 28)) => Ok(v == Some(28)),
            (TransactionType::Legacy, Some(v @ 35..)) => {
                self.chain_id = Some((v - 35) / 2);
                Ok((v - 35) % 2 == 1)
            }
            (TransactionType::Legacy, _) => {
                Err(format!("signature v is {}, expected 27, 28 or 35 and above", self.v))
            }
            (_, Some(0 | 1)) => Ok(v == Some(1)),
            _ => Err(format!("signature y parity is {}, expected 0 or 1", self.v)),
        }
    }

    fn set_effective_price(&mut self, base_fee: Option<u64>) -> Parsed<()> {
        let (Some(cap), Some(tip)) = (self.max_fee_per_gas, self.max_priority_fee_per_gas) else {
            return Ok(());
        };
        let base_fee = base_fee.ok_or_else(|| {
            let kind = self.transaction_type as u8;
            format!("transaction of type {kind} in a block without base fee")
        })?;
        self.gas_price = cap.min(tip.saturating_add(U256::from(base_fee)));
        Ok(())
    }

    /// Hash that the sender signed; `fields` are the encoded fields before the signature.
    fn signed_hash(&self, fields: &[u8]) -> B256 {
        let mut head = Vec::with_capacity(16);
        let mut tail = Vec::with_capacity(16);
        if self.transaction_type != TransactionType::Legacy {
            head.push(self.transaction_type as u8);
        } else if let Some(chain_id) = self.chain_id {
            chain_id.encode(&mut tail);
            tail.extend_from_slice(&[0x80, 0x80]);
        }
        Header { list: true, payload_length: fields.len() + tail.len() }.encode(&mut head);
        let mut hasher = Keccak256::new();
        hasher.update(&head);
        hasher.update(fields);
        hasher.update(&tail);
        hasher.finalize()
    }

    /// Address of the contract that this transaction creates, if it creates one.
    pub(super) fn created_contract(&self) -> Option<Address> {
        self.to.is_none().then(|| self.from.create(self.nonce))
    }

    /// Blob gas that its blobs use (EIP-4844).
    pub(super) fn blob_gas(&self) -> Option<u64> {
        let blobs = self.blob_versioned_hashes.as_ref()?;
        Some(blobs.len() as u64 * alloy_eips::eip4844::DATA_GAS_PER_BLOB)
    }
}

fn recover(signed_hash: B256, r: U256, s: U256, y_parity: bool) -> Parsed<Address> {
    let mut compact = [0; 64];
    compact[..32].copy_from_slice(&r.to_be_bytes::<32>());
    compact[32..].copy_from_slice(&s.to_be_bytes::<32>());
    let parity = if y_parity { RecoveryId::One } else { RecoveryId::Zero };
    let public_key = RecoverableSignature::from_compact(&compact, parity)
        .and_then(|signature| CURVE.recover_ecdsa(&Message::from_digest(signed_hash.0), &signature))
        .map_err(|error| format!("sender cannot be recovered from the signature: {error}"))?;
    let hash = keccak256(&public_key.serialize_uncompressed()[1..]);
    Ok(Address::from_slice(&hash[12..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_above_four_are_refused_by_number() {
        let error = TransactionType::of_envelope(&[0x7e, 0xc0]).unwrap_err();
        assert_eq!(error, "transaction type 126 is not supported (0 to 4 are)");
        assert!(TransactionType::of_envelope(&[0x00, 0xc0]).is_err());
    }

    #[test]
    fn a_signature_of_zeros_has_no_sender() {
        let error = recover(B256::ZERO, U256::ZERO, U256::ZERO, false).unwrap_err();
        assert!(error.starts_with("sender cannot be recovered"), "{error}");
    }
}
