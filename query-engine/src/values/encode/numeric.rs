//! `numeric` from every exact carrier: up to 256 bits, or plain text.
//!
//! A value is a sign, decimal digits and a scale. Text puts the point in; binary groups the digits by
//! four from the point outwards.

use crate::types::numeric::{rescale, shown_scale};
use crate::{PgType, QueryError};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, UInt64Type, i256};
use bytes::{BufMut, BytesMut};

use super::number::{pair, put_integer};
use super::text::each_text;
use super::{CellWriter, Format, carrier_error};

/// Bytes of an unsigned 256-bit integer.
const UINT256_BYTES: i32 = 32;

/// Largest power of ten in 64 bits, and its exponent.
const CHUNK: u64 = 10_000_000_000_000_000_000;
const CHUNK_DIGITS: usize = 19;

/// 2^256 has 78 digits: five chunks.
const DIGITS_MAX: usize = 5 * CHUNK_DIGITS;

/// Four groups of four digits, and the groups of 2^256, rounded up to fours.
const FOUR_GROUPS: u64 = 10_000_000_000_000_000;
const GROUPS_MAX: usize = 20;

const SIGN_NEGATIVE: u16 = 0x4000;
const SIGN_NAN: u16 = 0xc000;
const SIGN_INFINITY: u16 = 0xd000;
const SIGN_NEGATIVE_INFINITY: u16 = 0xf000;

pub(super) fn writer(array: &dyn Array, format: Format) -> Result<CellWriter, QueryError> {
    Ok(match array.data_type() {
        DataType::Decimal128(_, scale) => {
            let (values, scale) = (array.as_primitive::<Decimal128Type>().values().clone(), *scale);
            Box::new(move |row, out| {
                let value = values[row];
                let digits = Digits::from_u128(value.unsigned_abs());
                put(out, format, value < 0, &digits, scale);
                Ok(())
            })
        }
        DataType::Decimal256(_, scale) => {
            let (values, scale) = (array.as_primitive::<Decimal256Type>().values().clone(), *scale);
            Box::new(move |row, out| {
                let shown = shown_scale(values[row], scale);
                // Digits that are not shown are zeros.
                let value = rescale(values[row], scale, shown).unwrap_or(values[row]);
                let (is_negative, limbs) = magnitude(value);
                put(out, format, is_negative, &Digits::from_limbs(limbs), shown);
                Ok(())
            })
        }
        DataType::UInt64 => {
            let values = array.as_primitive::<UInt64Type>().values().clone();
            Box::new(move |row, out| {
                put(out, format, false, &Digits::from_u128(values[row].into()), 0);
                Ok(())
            })
        }
        DataType::FixedSizeBinary(UINT256_BYTES) => {
            let values = array.as_fixed_size_binary().clone();
            match format {
                Format::Text => Box::new(move |row, out| {
                    put_integer_text(out, limbs_of(values.value(row)));
                    Ok(())
                }),
                Format::Binary => Box::new(move |row, out| {
                    put_integer_binary(out, limbs_of(values.value(row)));
                    Ok(())
                }),
            }
        }
        DataType::Utf8 => each_text(array, move |text, out| {
            put_plain(out, format, text);
            Ok(())
        })
        .ok_or_else(|| carrier_error(array, PgType::Numeric))?,
        _ => return Err(carrier_error(array, PgType::Numeric)),
    })
}

/// Appends a number that is given as plain decimal text, `NaN` or `[-]Infinity`.
pub(crate) fn put_plain(out: &mut BytesMut, format: Format, text: &str) {
    if format == Format::Text {
        return out.put_slice(text.as_bytes());
    }
    let special = match text {
        "NaN" => Some(SIGN_NAN),
        "Infinity" => Some(SIGN_INFINITY),
        "-Infinity" => Some(SIGN_NEGATIVE_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        out.put_u32(0);
        out.put_u16(sign);
        // As PostgreSQL fills this word, which means nothing here.
        return out.put_u16(if sign == SIGN_NAN { 0 } else { 0x20 });
    }
    let (is_negative, plain) = match text.strip_prefix('-') {
        Some(plain) => (true, plain),
        None => (false, text),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let digits = format!("{whole}{fraction}");
    put_binary(
        out,
        is_negative,
        digits.trim_start_matches('0').as_bytes(),
        fraction.len().cast_signed(),
    );
}

fn put(out: &mut BytesMut, format: Format, is_negative: bool, digits: &Digits, scale: i8) {
    match format {
        Format::Text => put_text(out, is_negative, digits.as_slice(), scale.into()),
        Format::Binary => put_binary(out, is_negative, digits.as_slice(), scale.into()),
    }
}

/// Little-endian limbs of a 32-byte big-endian integer.
fn limbs_of(bytes: &[u8]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_be_bytes(chunk.try_into().expect("chunks have eight bytes"));
    }
    limbs
}

/// Sign and little-endian limbs of the absolute value; also of the smallest, which has no positive.
fn magnitude(value: i256) -> (bool, [u64; 4]) {
    let is_negative = value < i256::ZERO;
    let limbs = limbs_of(&value.to_be_bytes());
    if !is_negative {
        return (false, limbs);
    }
    let mut carry = true;
    let negated = limbs.map(|limb| {
        let (sum, overflow) = (!limb).overflowing_add(carry.into());
        carry = overflow;
        sum
    });
    (true, negated)
}

/// Decimal digits in ASCII without leading zeros; none for zero.
struct Digits {
    buffer: [u8; DIGITS_MAX],
    start: usize,
}

impl Digits {
    fn from_u128(value: u128) -> Self {
        Self::from_limbs([value as u64, (value >> 64) as u64, 0, 0])
    }

    fn from_limbs(mut limbs: [u64; 4]) -> Self {
        let mut digits = Self { buffer: [b'0'; DIGITS_MAX], start: DIGITS_MAX };
        let mut top = 4;
        let mut end = DIGITS_MAX;
        loop {
            while top > 0 && limbs[top - 1] == 0 {
                top -= 1;
            }
            if top == 0 {
                break;
            }
            let mut rest = divide::<CHUNK>(&mut limbs[..top]);
            let start = end - CHUNK_DIGITS;
            // The chunk has an odd number of digits: its first one stands alone.
            for place in digits.buffer[start + 1..end].chunks_exact_mut(2).rev() {
                place.copy_from_slice(&pair(rest % 100));
                rest /= 100;
            }
            digits.buffer[start] = b'0' + rest as u8;
            end = start;
        }
        digits.start = digits.buffer.iter().position(|&digit| digit != b'0').unwrap_or(DIGITS_MAX);
        digits
    }

    fn as_slice(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

/// Divides in place by `BY`; gives the remainder.
fn divide<const BY: u64>(limbs: &mut [u64]) -> u64 {
    if let [limb] = limbs {
        let rest = *limb % BY;
        *limb /= BY;
        return rest;
    }
    let mut rest = 0;
    for limb in limbs.iter_mut().rev() {
        let part = (u128::from(rest) << 64) | u128::from(*limb);
        // `rest` is below BY, so the quotient fits the limb.
        *limb = (part / u128::from(BY)) as u64;
        rest = (part % u128::from(BY)) as u64;
    }
    rest
}

fn put_text(out: &mut BytesMut, is_negative: bool, digits: &[u8], scale: isize) {
    if is_negative {
        out.put_u8(b'-');
    }
    if scale <= 0 {
        if digits.is_empty() {
            return out.put_u8(b'0');
        }
        out.put_slice(digits);
        return out.put_bytes(b'0', scale.unsigned_abs());
    }
    let scale = scale.unsigned_abs();
    if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.put_slice(whole);
        out.put_u8(b'.');
        out.put_slice(fraction);
    } else {
        out.put_slice(b"0.");
        out.put_bytes(b'0', scale - digits.len());
        out.put_slice(digits);
    }
}

/// A number without a fraction or a sign. Most amounts fit 64 bits.
fn put_integer_text(out: &mut BytesMut, limbs: [u64; 4]) {
    match (limbs, i64::try_from(limbs[0])) {
        ([_, 0, 0, 0], Ok(small)) => put_integer(out, small),
        _ => put_text(out, false, Digits::from_limbs(limbs).as_slice(), 0),
    }
}

/// The same in binary: its groups are its digits to the base 10,000.
fn put_integer_binary(out: &mut BytesMut, mut limbs: [u64; 4]) {
    let mut groups = [0_u16; GROUPS_MAX];
    let (mut start, mut top) = (GROUPS_MAX, limbs.len());
    loop {
        while top > 0 && limbs[top - 1] == 0 {
            top -= 1;
        }
        if top == 0 {
            break;
        }
        let mut rest = divide::<FOUR_GROUPS>(&mut limbs[..top]);
        for _ in 0..4 {
            start -= 1;
            groups[start] = (rest % 10_000) as u16;
            rest /= 10_000;
        }
    }
    let zeros = groups[start..].iter().take_while(|group| **group == 0).count();
    let groups = &groups[start + zeros..];
    // Groups of zeros at the end are not sent.
    let used = groups.iter().rposition(|group| *group != 0).map_or(0, |last| last + 1);
    out.put_u16(used as u16);
    out.put_i16(groups.len().saturating_sub(1) as i16);
    out.put_u32(0);
    groups[..used].iter().for_each(|group| out.put_u16(*group));
}

/// Count of groups, weight of the first, sign, display scale, groups of four digits.
fn put_binary(out: &mut BytesMut, is_negative: bool, digits: &[u8], scale: isize) {
    let display_scale = scale.max(0) as u16;
    if digits.is_empty() {
        out.put_slice(&[0; 6]);
        return out.put_u16(display_scale);
    }
    let whole_digits = digits.len() as isize - scale;
    let weight = (whole_digits + 3).div_euclid(4) - 1;
    let lead = ((weight + 1) * 4 - whole_digits) as usize;
    let start = out.len();
    out.put_u16(0);
    out.put_i16(weight as i16);
    out.put_u16(if is_negative { SIGN_NEGATIVE } else { 0 });
    out.put_u16(display_scale);
    let (mut group_count, mut used) = (0u16, 0u16);
    let mut place = lead;
    let mut group = 0u16;
    // Up to three zeros fill the last group.
    for &digit in
        digits.iter().chain(std::iter::repeat_n(&b'0', (4 - (lead + digits.len()) % 4) % 4))
    {
        group = group * 10 + u16::from(digit - b'0');
        place += 1;
        if place.is_multiple_of(4) {
            out.put_u16(group);
            group_count += 1;
            if group != 0 {
                used = group_count;
            }
            group = 0;
        }
    }
    // Groups of zeros at the end are not sent.
    out.truncate(out.len() - 2 * usize::from(group_count - used));
    out[start..start + 2].copy_from_slice(&used.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(is_negative: bool, limbs: [u64; 4], scale: i8) -> String {
        let mut out = BytesMut::new();
        put(&mut out, Format::Text, is_negative, &Digits::from_limbs(limbs), scale);
        String::from_utf8(out.to_vec()).unwrap()
    }

    /// Long multiplication on decimal digits: slow and plain.
    fn naive_decimal(limbs: [u64; 4]) -> String {
        let mut digits = vec![0u8];
        for bit in (0..256).rev() {
            let mut carry = (limbs[bit / 64] >> (bit % 64) & 1) as u8;
            for digit in digits.iter_mut() {
                let doubled = *digit * 2 + carry;
                *digit = doubled % 10;
                carry = doubled / 10;
            }
            if carry > 0 {
                digits.push(carry);
            }
        }
        digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
    }

    /// Reads the binary form back into text by its definition.
    fn naive_text_of_binary(bytes: &[u8]) -> String {
        let word = |index: usize| u16::from_be_bytes([bytes[index * 2], bytes[index * 2 + 1]]);
        let (count, weight, scale) = (word(0) as usize, word(1) as i16, word(3) as usize);
        assert_eq!(bytes.len(), 8 + count * 2);
        let mut whole = String::new();
        let mut fraction = String::new();
        for group in (0..=weight.max(-1)).rev() {
            let index = usize::try_from(weight - group).unwrap();
            let value = if index < count { word(4 + index) } else { 0 };
            whole += &format!("{value:04}");
        }
        for group in 1..=(scale as i16 + 3) / 4 {
            let index = weight + group;
            let known = usize::try_from(index).ok().filter(|&index| index < count);
            fraction += &format!("{:04}", known.map_or(0, |index| word(4 + index)));
        }
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let sign = if word(2) == SIGN_NEGATIVE { "-" } else { "" };
        let point = if scale > 0 { "." } else { "" };
        format!("{sign}{whole}{point}{}", &fraction[..scale])
    }

    fn limbs() -> impl Strategy<Value = [u64; 4]> {
        let limb = prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 0u64..20_000];
        [limb.clone(), limb.clone(), limb.clone(), limb]
    }

    #[test]
    fn the_largest_and_smallest_values_are_exact() {
        let max = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(text(false, [u64::MAX; 4], 0), max);
        let (is_negative, limbs) = magnitude(i256::MIN);
        assert_eq!(
            text(is_negative, limbs, 0),
            "-57896044618658097711785492504343953926634992332820282019728792003956564819968"
        );
        assert_eq!(text(false, [0; 4], 0), "0");
        assert_eq!(text(false, [0; 4], 3), "0.000");
        assert_eq!(text(false, [5, 0, 0, 0], 3), "0.005");
        assert_eq!(text(true, [12_345, 0, 0, 0], 2), "-123.45");
        assert_eq!(text(false, [12, 0, 0, 0], -3), "12000");
    }

    proptest! {
        #[test]
        fn digits_equal_the_naive_model(limbs in limbs()) {
            prop_assert_eq!(text(false, limbs, 0), naive_decimal(limbs));
        }

        #[test]
        fn the_short_way_for_integers_writes_what_the_general_one_writes(limbs in limbs()) {
            for limbs in [limbs, [limbs[0], 0, 0, 0], [limbs[0] >> 1, 0, 0, 0], [0; 4]] {
                let digits = Digits::from_limbs(limbs);
                for (format, short) in [
                    (Format::Text, put_integer_text as fn(&mut BytesMut, [u64; 4])),
                    (Format::Binary, put_integer_binary),
                ] {
                    let (mut out, mut expected) = (BytesMut::new(), BytesMut::new());
                    short(&mut out, limbs);
                    put(&mut expected, format, false, &digits, 0);
                    prop_assert_eq!(out, expected);
                }
            }
        }

        #[test]
        fn binary_says_the_same_as_text(limbs in limbs(), scale in -4i8..76, negative: bool) {
            let digits = Digits::from_limbs(limbs);
            let is_negative = negative && !digits.as_slice().is_empty();
            let mut binary = BytesMut::new();
            put(&mut binary, Format::Binary, is_negative, &digits, scale);
            prop_assert_eq!(naive_text_of_binary(&binary), text(is_negative, limbs, scale));
        }
    }
}
