//! Numeric text and decimal arithmetic on 256-bit integers: exact or refused.

use std::cmp::Ordering;

use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, i256,
};
use datafusion::scalar::ScalarValue;

use crate::types::uint256;
use crate::{QueryError, SqlState};

/// Most digits of a number that the engine computes with.
pub(crate) const NUMERIC_DIGITS_MAX: u8 = DECIMAL256_MAX_PRECISION;
/// Digits after the point of the carrier of a quotient or an average. How many of them are shown is a matter of
/// the value, as in PostgreSQL: [`shown_scale`].
pub(crate) const QUOTIENT_SCALE: i8 = 40;
/// Digits that PostgreSQL wants of a quotient.
const SIGNIFICANT_DIGITS_MIN: i32 = 16;
/// Decimal digits of one digit of PostgreSQL's numbers.
const GROUP_DIGITS: i32 = 4;
/// Largest exponent accepted in `1e…`: far above what fits, low enough to bound the work.
const EXPONENT_MAX: i64 = 1_000;

/// A number in decimal: sign, digits without leading zeros, digits after the point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numeric {
    /// Below zero.
    pub(crate) negative: bool,
    /// Digits, `0` for zero.
    pub(crate) digits: String,
    /// How many of them stand after the point.
    pub(crate) scale: usize,
}

impl Numeric {
    /// Reads PostgreSQL's numeric syntax: `-12.50`, `1e18`, `0xff`. No NaN and no infinity.
    ///
    /// # Errors
    /// 22P02 for other text, 22003 for an exponent out of range.
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        let invalid = || {
            QueryError::new(
                SqlState::INVALID_TEXT,
                format!("invalid input syntax for type numeric: \"{text}\""),
            )
            .about(text)
        };
        let trimmed = text.trim();
        let (negative, rest) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        if let Some(digits) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            return Self::parse_hex(negative, digits).ok_or_else(invalid);
        }
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], rest[at + 1..].parse::<i64>().map_err(|_| invalid())?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(invalid());
        }
        if exponent.abs() > EXPONENT_MAX {
            return Err(out_of_range());
        }
        let mut digits = format!("{whole}{fraction}");
        let mut scale = fraction.len() as i64 - exponent;
        if scale < 0 {
            digits.extend(std::iter::repeat_n('0', scale.unsigned_abs() as usize));
            scale = 0;
        }
        Ok(Self::new(negative, &digits, scale as usize))
    }

    fn new(negative: bool, digits: &str, scale: usize) -> Self {
        let digits = digits.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits }.to_owned();
        Self { negative: negative && digits != "0", digits, scale }
    }

    fn parse_hex(negative: bool, digits: &str) -> Option<Self> {
        let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
        let bytes = hex::decode(even).ok()?;
        if bytes.is_empty() || bytes.len() > uint256::UINT256_BYTES {
            return None;
        }
        let mut padded = [0; uint256::UINT256_BYTES];
        padded[uint256::UINT256_BYTES - bytes.len()..].copy_from_slice(&bytes);
        Some(Self::new(negative, &uint256::to_digits(&padded)?, 0))
    }

    /// The whole part as 256 bits: `Ok(bytes, whether a fraction was cut)`; `Err` says on which side of
    /// the 256-bit range the number lies.
    pub(crate) fn to_uint256(&self) -> Result<([u8; 32], bool), Ordering> {
        let (whole, fraction) = self.parts();
        let cut = fraction.bytes().any(|digit| digit != b'0');
        if self.negative {
            return Err(Ordering::Less);
        }
        uint256::from_digits(whole).map(|bytes| (bytes, cut)).ok_or(Ordering::Greater)
    }

    /// As a decimal of just the digits written; 22003 when it has more than fit.
    pub(crate) fn to_scalar(&self) -> Result<ScalarValue, QueryError> {
        let precision = self.digits.len().max(self.scale).max(1);
        if precision > usize::from(NUMERIC_DIGITS_MAX) {
            return Err(out_of_range());
        }
        let value = self.to_i256().ok_or_else(out_of_range)?;
        let (precision, scale) = (precision as u8, self.scale as i8);
        Ok(match value.to_i128() {
            Some(small) if precision <= DECIMAL128_MAX_PRECISION => {
                ScalarValue::Decimal128(Some(small), precision, scale)
            }
            _ => ScalarValue::Decimal256(Some(value), precision, scale),
        })
    }

    /// Digits without the point, with the sign.
    fn to_i256(&self) -> Option<i256> {
        let value = i256::from_string(&self.digits)?;
        if self.negative { value.checked_neg() } else { Some(value) }
    }

    fn parts(&self) -> (&str, &str) {
        let whole = self.digits.len().saturating_sub(self.scale);
        let (whole, fraction) = self.digits.split_at(whole);
        (if whole.is_empty() { "0" } else { whole }, fraction)
    }
}

/// `10^exponent`; `None` above 76.
pub(crate) fn power_of_ten(exponent: u32) -> Option<i256> {
    (exponent <= 76).then(|| i256::from(10).checked_pow(exponent)).flatten()
}

/// `value` with `to` digits after the point instead of `from`, rounded half away from zero.
pub(crate) fn rescale(value: i256, from: i8, to: i8) -> Option<i256> {
    let difference = i32::from(to) - i32::from(from);
    let factor = power_of_ten(difference.unsigned_abs())?;
    if difference >= 0 { value.checked_mul(factor) } else { divide_rounded(value, factor) }
}

/// Quotient rounded half away from zero; `None` when `divisor` is zero or on overflow.
pub(crate) fn divide_rounded(value: i256, divisor: i256) -> Option<i256> {
    let quotient = value.checked_div(divisor)?;
    let rest = value.checked_rem(divisor)?.checked_abs()?;
    // rest >= |divisor| - rest, so nothing is doubled and nothing can overflow.
    if rest >= divisor.checked_abs()?.checked_sub(rest)? && rest != i256::ZERO {
        let away = if (value < i256::ZERO) == (divisor < i256::ZERO) {
            i256::ONE
        } else {
            i256::MINUS_ONE
        };
        return quotient.checked_add(away);
    }
    Some(quotient)
}

/// Digits of a number without its sign.
fn digit_count(value: i256) -> Option<i32> {
    let text = value.checked_abs()?.to_string();
    i32::try_from(text.len()).ok()
}

/// Place and value of the first digit of PostgreSQL's number, to the base 10000; 0 and 0 for zero.
fn leading_group(value: i256, scale: i8) -> Option<(i32, i256)> {
    if value == i256::ZERO {
        return Some((0, i256::ZERO));
    }
    let count = digit_count(value)?;
    let exponent = count - 1 - i32::from(scale);
    let place = exponent.div_euclid(GROUP_DIGITS);
    let kept = exponent.rem_euclid(GROUP_DIGITS) + 1;
    let value = value.checked_abs()?;
    let group = if count >= kept {
        value.checked_div(power_of_ten((count - kept).unsigned_abs())?)?
    } else {
        value.checked_mul(power_of_ten((kept - count).unsigned_abs())?)?
    };
    Some((place, group))
}

/// Without zeros at the end: digits that a carrier of more digits added.
fn stripped(mut value: i256, mut scale: i8) -> (i256, i8) {
    let ten = i256::from(10);
    while scale > 0 && value.checked_rem(ten) == Some(i256::ZERO) {
        let Some(shorter) = value.checked_div(ten) else { break };
        (value, scale) = (shorter, scale - 1);
    }
    (value, scale)
}

/// A quotient without the zeros that its carrier added; other numbers as they are.
pub(crate) fn shortened(value: i256, scale: i8) -> (i256, i8) {
    if scale < QUOTIENT_SCALE { (value, scale) } else { stripped(value, scale) }
}

/// The quotient with the digits that PostgreSQL's division gives it, in a carrier of `to` digits after the
/// point. `None` past 256 bits.
pub(crate) fn quotient((a, a_scale): (i256, i8), (b, b_scale): (i256, i8), to: i8) -> Option<i256> {
    let ((a_place, a_group), (b_place, b_group)) =
        (leading_group(a, a_scale)?, leading_group(b, b_scale)?);
    let mut place = a_place - b_place;
    if a_group <= b_group {
        place -= 1;
    }
    let least = i32::from(shown_scale(a, a_scale).max(shown_scale(b, b_scale)));
    let digits = (SIGNIFICANT_DIGITS_MIN - place * GROUP_DIGITS).max(least).clamp(0, i32::from(to));
    let ((a, a_scale), (b, b_scale)) = (stripped(a, a_scale), stripped(b, b_scale));
    // a / 10^as over b / 10^bs with `digits` digits: a * 10^(digits + bs - as) / b.
    let shift = digits + i32::from(b_scale) - i32::from(a_scale);
    let factor = power_of_ten(shift.unsigned_abs())?;
    let value = if shift >= 0 {
        divide_rounded(a.checked_mul(factor)?, b)?
    } else {
        divide_rounded(a, b.checked_mul(factor)?)?
    };
    rescale(value, i8::try_from(digits).ok()?, to)
}

/// Digits after the point that are shown of a value in a carrier of `scale` digits. Of a quotient they follow
/// from its size; what has digits beyond shows them all.
pub(crate) fn shown_scale(value: i256, scale: i8) -> i8 {
    if scale < QUOTIENT_SCALE {
        return scale;
    }
    // A product has the digits of its factors together.
    let more = i32::from(scale - QUOTIENT_SCALE);
    let Some((place, group)) = leading_group(value, scale) else { return scale };
    let (rest, own) = stripped(value, scale);
    let is_power = rest == i256::ONE && group == i256::ONE;
    let is_zero = value == i256::ZERO;
    // Of equal first digits, and of zero, PostgreSQL expects one digit less before the point.
    let place = if is_zero || is_power { place - 1 } else { place };
    let expected = (SIGNIFICANT_DIGITS_MIN - place * GROUP_DIGITS).max(0) + more;
    let expected = if i32::from(own) > expected { expected + GROUP_DIGITS } else { expected };
    let shown = expected.max(i32::from(own)).min(i32::from(scale));
    i8::try_from(shown).unwrap_or(scale)
}

/// Whether `value` has at most `precision` digits.
pub(crate) fn fits(value: i256, precision: u8) -> bool {
    match (power_of_ten(u32::from(precision)), value.checked_abs()) {
        (Some(limit), Some(size)) => size < limit,
        _ => false,
    }
}

/// The decimal type with `precision`, capped at [`NUMERIC_DIGITS_MAX`], and `scale`.
pub(crate) fn decimal_type(precision: i32, scale: i8) -> DataType {
    if precision <= i32::from(DECIMAL128_MAX_PRECISION) {
        DataType::Decimal128(precision.max(1) as u8, scale)
    } else {
        DataType::Decimal256(precision.min(i32::from(NUMERIC_DIGITS_MAX)) as u8, scale)
    }
}

/// PostgreSQL's 22003 with what our limit is.
pub(crate) fn out_of_range() -> QueryError {
    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "value overflows numeric format")
        .with_detail(format!("numbers are computed with up to {NUMERIC_DIGITS_MAX} digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit_that_was_written() {
        let number = Numeric::parse("-0012.500").unwrap();
        assert_eq!((number.negative, number.digits.as_str(), number.scale), (true, "12500", 3));
        assert_eq!(Numeric::parse("1e18").unwrap().digits, "1000000000000000000");
        assert_eq!(Numeric::parse("1.5e-3").unwrap().scale, 4);
        assert_eq!(Numeric::parse("0xff").unwrap().digits, "255");
        for bad in ["", ".", "1.2.3", "abc", "1e", "--1", "0x", "NaN", "1_0"] {
            assert_eq!(Numeric::parse(bad).unwrap_err().state, SqlState::INVALID_TEXT, "{bad}");
        }
        assert_eq!(Numeric::parse("1e1001").unwrap_err().state, SqlState::NUMERIC_OUT_OF_RANGE);
    }

    #[test]
    fn a_literal_of_77_digits_is_refused_as_a_decimal() {
        assert!(Numeric::parse(&"9".repeat(76)).unwrap().to_scalar().is_ok());
        let error = Numeric::parse(&"9".repeat(77)).unwrap().to_scalar().unwrap_err();
        assert_eq!(error.state, SqlState::NUMERIC_OUT_OF_RANGE);
    }

    #[test]
    fn division_rounds_half_away_from_zero() {
        let divide = |a: i128, b: i128| {
            divide_rounded(i256::from_i128(a), i256::from_i128(b)).unwrap().to_i128().unwrap()
        };
        assert_eq!(divide(5, 2), 3);
        assert_eq!(divide(-5, 2), -3);
        assert_eq!(divide(5, -2), -3);
        assert_eq!(divide(4, 3), 1);
        assert_eq!(divide(0, 3), 0);
        assert!(divide_rounded(i256::ONE, i256::ZERO).is_none());
    }

    #[test]
    fn rescaling_out_of_range_is_refused() {
        assert_eq!(rescale(i256::from(15), 1, 0), Some(i256::from(2)));
        assert_eq!(rescale(i256::MAX, 0, 1), None);
        assert!(fits(i256::from(999), 3));
        assert!(!fits(i256::from(1000), 3));
    }
}
