//! Hex values of JSON-RPC, decoded as they are parsed.

use std::fmt;

use alloy_primitives::{Address, B256, U256, hex};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::Parsed;

/// Bytes of a known length, such as a hash.
#[derive(Clone, Copy)]
pub(super) struct Fixed<const N: usize>(pub(super) [u8; N]);

impl From<Fixed<32>> for B256 {
    fn from(bytes: Fixed<32>) -> Self {
        Self(bytes.0)
    }
}

impl From<Fixed<20>> for Address {
    fn from(bytes: Fixed<20>) -> Self {
        Self::from(bytes.0)
    }
}

struct FixedVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for FixedVisitor<N> {
    type Value = Fixed<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x and {} hex digits", N * 2)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let mut bytes = [0; N];
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == N * 2);
        match digits.map(|digits| hex::decode_to_slice(digits.as_bytes(), &mut bytes)) {
            Some(Ok(())) => Ok(Fixed(bytes)),
            _ => Err(E::custom(format_args!("expected 0x and {} hex digits", N * 2))),
        }
    }
}

impl<'de, const N: usize> Deserialize<'de> for Fixed<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FixedVisitor)
    }
}

/// An unsigned number of up to 256 bits.
#[derive(Clone, Copy)]
pub(super) struct Quantity(pub(super) U256);

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x and 1 to 64 hex digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        parse_quantity(text).ok_or_else(|| E::custom("expected 0x and 1 to 64 hex digits"))
    }
}

fn parse_quantity(text: &str) -> Option<Quantity> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    // `from_str_radix` takes a sign: digits are checked one by one here.
    if (1..=16).contains(&digits.len()) {
        let value = digits.iter().try_fold(0, |value, digit| {
            Some(value << 4 | u64::from(char::from(*digit).to_digit(16)?))
        });
        return value.map(|value| Quantity(U256::from(value)));
    }
    if digits.is_empty() || digits.len() > 64 {
        return None;
    }
    let mut padded = [b'0'; 64];
    padded[64 - digits.len()..].copy_from_slice(digits);
    let mut bytes = [0; 32];
    hex::decode_to_slice(padded, &mut bytes).ok()?;
    Some(Quantity(U256::from_be_bytes(bytes)))
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(QuantityVisitor)
    }
}

/// Bytes of any length, still as text: decoded straight to where they are needed.
#[derive(Clone, Copy)]
pub(super) struct Data<'a>(&'a str);

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x and an even number of hex digits, without escapes")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        match text.strip_prefix("0x") {
            Some(digits) if digits.len() % 2 == 0 => Ok(Data(digits)),
            _ => Err(E::custom("expected 0x and an even number of hex digits")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Data<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DataVisitor)
    }
}

impl Data<'_> {
    /// Length of the decoded bytes.
    pub(super) fn byte_count(&self) -> usize {
        self.0.len() / 2
    }

    /// Appends the decoded bytes to `out`.
    pub(super) fn decode_into(&self, out: &mut Vec<u8>) -> Parsed<()> {
        let start = out.len();
        out.resize(start + self.byte_count(), 0);
        hex::decode_to_slice(self.0.as_bytes(), &mut out[start..])
            .map_err(|error| format!("bad hex: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_has_1_to_64_digits_and_no_sign() {
        assert_eq!(parse_quantity("0x0").unwrap().0, U256::ZERO);
        assert_eq!(parse_quantity("0x1ff").unwrap().0, U256::from(511));
        assert_eq!(parse_quantity(&format!("0x{}", "f".repeat(64))).unwrap().0, U256::MAX);
        let long = format!("0x1{}", "0".repeat(64));
        for bad in ["", "0x", "12", "0x+1", "0x-1", "0xg", "0x 1", "0x00000000000000000+", &long] {
            assert!(parse_quantity(bad).is_none(), "{bad}");
        }
    }
}
