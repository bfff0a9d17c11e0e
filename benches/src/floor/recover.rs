//! The sender of a transaction: what was signed, hashed, and the key that signed it.

use std::sync::LazyLock;

use alloy_primitives::{Address, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1, VerifyOnly};

use super::rlp::{Item, items, push_header, take};

/// Fields of the signature, at the end of every type's list.
const SIGNATURE_FIELDS: usize = 3;

static SECP: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// Recovers the sender of an EIP-2718 envelope.
pub(crate) fn sender(envelope: &[u8]) -> Result<Address, String> {
    let (prefix, mut list) =
        if envelope[0] < 0xc0 { envelope.split_at(1) } else { (&[][..], envelope) };
    let fields = items(take(&mut list).payload);
    let (signed, signature) = fields.split_at(fields.len() - SIGNATURE_FIELDS);
    let v = number(signature[0]);
    let mut payload: Vec<u8> = Vec::with_capacity(envelope.len());
    signed.iter().for_each(|field| payload.extend_from_slice(field.whole));
    let mut parity = v;
    if prefix.is_empty() {
        parity = (v + 1) % 2;
        if v >= 35 {
            push_number(&mut payload, (v - 35) / 2);
            payload.extend([0x80, 0x80]);
        }
    }
    let mut digest_of = prefix.to_vec();
    push_header(&mut digest_of, true, payload.len());
    digest_of.extend(payload);
    let mut compact = [0; 64];
    copy_right(&mut compact[..32], signature[1].payload);
    copy_right(&mut compact[32..], signature[2].payload);
    let recovered = RecoveryId::try_from(parity as i32).and_then(|id| {
        let signature = RecoverableSignature::from_compact(&compact, id)?;
        SECP.recover_ecdsa(&Message::from_digest(keccak256(digest_of).0), &signature)
    });
    let key = recovered.map_err(|error| error.to_string())?.serialize_uncompressed();
    Ok(Address::from_slice(&keccak256(&key[1..])[12..]))
}

fn number(item: Item<'_>) -> u64 {
    item.payload.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    alloy_rlp::Encodable::encode(&number, out);
}

fn copy_right(out: &mut [u8], bytes: &[u8]) {
    let start = out.len() - bytes.len();
    out[start..].copy_from_slice(bytes);
}
