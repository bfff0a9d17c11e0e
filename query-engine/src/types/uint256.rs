//! 256-bit unsigned integers as 32 big-endian bytes: to and from decimal text and Arrow decimals.

use datafusion::arrow::datatypes::i256;

/// Bytes of a value.
pub(crate) const UINT256_BYTES: usize = 32;
/// Decimal digits of the largest value.
pub(crate) const UINT256_DIGITS_MAX: usize = 78;
/// 10^18 values fit a limb.
const CHUNK_DIGITS: usize = 18;
const CHUNK: u64 = 10_u64.pow(CHUNK_DIGITS as u32);

/// Decimal digits to bytes; `None` when the number is above 2^256 - 1. `digits` holds ASCII digits only.
pub(crate) fn from_digits(digits: &str) -> Option<[u8; UINT256_BYTES]> {
    let mut limbs = [0_u64; 4];
    let bytes = digits.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let end = (start + CHUNK_DIGITS).min(bytes.len());
        let chunk: u64 = digits[start..end].parse().ok()?;
        let scale = 10_u64.pow((end - start) as u32);
        let mut carry = u128::from(chunk);
        for limb in &mut limbs {
            let wide = u128::from(*limb) * u128::from(scale) + carry;
            *limb = wide as u64;
            carry = wide >> 64;
        }
        if carry != 0 {
            return None;
        }
        start = end;
    }
    let mut out = [0; UINT256_BYTES];
    for (index, limb) in limbs.iter().rev().enumerate() {
        out[index * 8..index * 8 + 8].copy_from_slice(&limb.to_be_bytes());
    }
    Some(out)
}

/// Decimal digits of a value of [`UINT256_BYTES`] bytes; `None` for another length.
pub(crate) fn to_digits(bytes: &[u8]) -> Option<String> {
    let mut limbs = limbs(bytes)?;
    let mut chunks = Vec::with_capacity(5);
    while limbs.iter().any(|limb| *limb != 0) {
        let mut rest = 0_u128;
        for limb in limbs.iter_mut().rev() {
            let wide = (rest << 64) | u128::from(*limb);
            *limb = (wide / u128::from(CHUNK)) as u64;
            rest = wide % u128::from(CHUNK);
        }
        chunks.push(rest as u64);
    }
    let mut text = chunks.pop().unwrap_or(0).to_string();
    while let Some(chunk) = chunks.pop() {
        text.push_str(&format!("{chunk:0CHUNK_DIGITS$}"));
    }
    Some(text)
}

/// The value as a signed 256-bit integer; `None` from 2^255 on, or for another length.
pub(crate) fn to_i256(bytes: &[u8]) -> Option<i256> {
    let array: [u8; UINT256_BYTES] = bytes.try_into().ok()?;
    (array[0] < 0x80).then(|| i256::from_be_bytes(array))
}

/// Bytes of a number that is not negative.
pub(crate) fn from_i256(value: i256) -> Option<[u8; UINT256_BYTES]> {
    (value >= i256::ZERO).then(|| value.to_be_bytes())
}

/// Little-endian limbs.
fn limbs(bytes: &[u8]) -> Option<[u64; 4]> {
    if bytes.len() != UINT256_BYTES {
        return None;
    }
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks_exact(8)) {
        *limb = u64::from_be_bytes(chunk.try_into().ok()?);
    }
    Some(limbs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: &str =
        "115792089237316195423570985008687907853269984665640564039457584007913129639935";

    #[test]
    fn every_digit_of_the_largest_value_survives() {
        let bytes = from_digits(MAX).unwrap();
        assert_eq!(bytes, [0xff; 32]);
        assert_eq!(to_digits(&bytes).unwrap(), MAX);
        assert_eq!(MAX.len(), UINT256_DIGITS_MAX);
    }

    #[test]
    fn one_more_than_the_largest_value_is_refused() {
        let above = format!("{}6", &MAX[..MAX.len() - 1]);
        assert_eq!(from_digits(&above), None);
        assert_eq!(from_digits(&"9".repeat(400)), None);
    }

    #[test]
    fn zero_and_chunk_borders_survive() {
        for text in ["0", "1", "999999999999999999", "1000000000000000000", "18446744073709551616"]
        {
            assert_eq!(to_digits(&from_digits(text).unwrap()).unwrap(), text);
        }
        assert_eq!(to_digits(&from_digits("000").unwrap()).unwrap(), "0");
    }

    #[test]
    fn a_value_from_2_to_the_255_does_not_become_negative() {
        let mut bytes = [0; 32];
        bytes[0] = 0x80;
        assert_eq!(to_i256(&bytes), None);
        bytes[0] = 0x7f;
        assert!(to_i256(&bytes).unwrap() > i256::ZERO);
        assert_eq!(from_i256(i256::MINUS_ONE), None);
    }
}
