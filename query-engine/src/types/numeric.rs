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
/// Digits after the point that a quotient or an average has at least.
pub(crate) const QUOTIENT_SCALE: i8 = 16;
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
