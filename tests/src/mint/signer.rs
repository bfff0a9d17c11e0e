//! Accounts and ECDSA signatures, made at a tenth of a signature's usual price.
//!
//! A signature needs a secret number `k` with its inverse and the point `k·G`. Here each `k` is twice
//! the one before, so the next inverse is one multiplication and the next point one addition. The
//! signatures are ordinary ones: every verifier recovers the sender. The keys can be computed from
//! them, so they belong to made-up chains only.

use alloy_primitives::{Address, B256, U256, keccak256};
use secp256k1::{All, PublicKey, Scalar, Secp256k1, SecretKey};

use super::random::Random;

/// An account that can sign.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its address.
    pub address: Address,
    secret: SecretKey,
}

/// An ECDSA signature with the bit that lets the sender be recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// x coordinate of the point `k·G`.
    pub r: U256,
    /// The proof, in the lower half of its range (EIP-2).
    pub s: U256,
    /// Whether the point's y coordinate is odd.
    pub y_odd: bool,
}

/// Half of the group's order: the largest `s` that EIP-2 allows.
const S_MAX: U256 = U256::from_be_bytes([
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
]);

/// Makes accounts and signs for them.
pub struct Signer {
    secp: Secp256k1<All>,
    point: PublicKey,
    inverse: SecretKey,
    half: Scalar,
}

impl Signer {
    /// A signer whose numbers `k` follow from `random`.
    pub fn new(random: &mut Random) -> Self {
        let secp = Secp256k1::new();
        let k = secret(random);
        let inverse = invert(k);
        // (n + 1) / 2, the inverse of 2.
        let half = S_MAX + U256::from(1);
        let point = PublicKey::from_secret_key(&secp, &k);
        Self { secp, point, inverse, half: scalar(half) }
    }

    /// A new account.
    pub fn account(&self, random: &mut Random) -> Account {
        let secret = secret(random);
        let public = PublicKey::from_secret_key(&self.secp, &secret).serialize_uncompressed();
        Account { address: Address::from_slice(&keccak256(&public[1..])[12..]), secret }
    }

    /// Signs `digest` for `account`.
    pub fn sign(&mut self, account: &Account, digest: B256) -> Signature {
        self.point =
            self.point.combine(&self.point).expect("twice a point of odd order is a point");
        self.inverse = times(self.inverse, &self.half);
        let point = self.point.serialize();
        let r = U256::from_be_slice(&point[1..]);
        // s = (digest + r · secret) / k
        let sum = times(account.secret, &scalar(r))
            .add_tweak(&scalar(U256::from_be_bytes(digest.0)))
            .expect("a hash equals minus r·secret with probability 2^-256");
        let s = times(sum, &Scalar::from(self.inverse));
        let mut y_odd = point[0] == 3;
        let mut value = U256::from_be_bytes(s.secret_bytes());
        if value > S_MAX {
            value = U256::from_be_bytes(s.negate().secret_bytes());
            y_odd = !y_odd;
        }
        Signature { r, s: value, y_odd }
    }
}

fn secret(random: &mut Random) -> SecretKey {
    SecretKey::from_byte_array(&random.hash().0).expect("all but 2^-128 of hashes are keys")
}

fn scalar(value: U256) -> Scalar {
    Scalar::from_be_bytes(value.to_be_bytes())
        .expect("all but 2^-128 of hashes are below the order")
}

fn times(value: SecretKey, factor: &Scalar) -> SecretKey {
    value.mul_tweak(factor).expect("a product of numbers that are not zero is not zero")
}

/// `1 / value` modulo the group's order n, as `value^(n-2)`.
fn invert(value: SecretKey) -> SecretKey {
    let exponent = S_MAX + S_MAX - U256::from(1);
    let factor = Scalar::from(value);
    let mut result = value;
    for bit in (0..exponent.bit_len() - 1).rev() {
        result = times(result, &Scalar::from(result));
        if exponent.bit(bit) {
            result = times(result, &factor);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
    use secp256k1::{Message, ecdsa};

    use super::*;

    #[test]
    fn a_library_recovers_the_sender_of_every_signature() {
        let mut random = Random::new(3);
        let mut signer = Signer::new(&mut random);
        let secp = Secp256k1::new();
        for _ in 0..200 {
            let account = signer.account(&mut random);
            let digest = random.hash();
            let signature = signer.sign(&account, digest);
            let compact: [u8; 64] = [signature.r.to_be_bytes::<32>(), signature.s.to_be_bytes()]
                .concat()
                .try_into()
                .unwrap();
            let id = RecoveryId::try_from(i32::from(signature.y_odd)).unwrap();
            let message = Message::from_digest(digest.0);
            let recoverable = RecoverableSignature::from_compact(&compact, id).unwrap();
            let key = secp.recover_ecdsa(&message, &recoverable).unwrap();
            assert_eq!(
                Address::from_slice(&keccak256(&key.serialize_uncompressed()[1..])[12..]),
                account.address
            );
            let mut normal = ecdsa::Signature::from_compact(&compact).unwrap();
            normal.normalize_s();
            assert_eq!(normal.serialize_compact(), compact, "s is in the lower half");
        }
    }
}
