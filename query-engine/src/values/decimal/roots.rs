//! Square roots and powers.

use num_bigint::Sign;

use super::Decimal::{self, Finite, Infinite, NaN};
use super::{
    GROUP_DIGITS, RESULT_SCALE_MAX, SCALE_MAX, SIGNIFICANT_DIGITS_MIN, WHOLE_DIGITS_MAX, divided,
    overflow, power_of_ten,
};
use crate::{QueryError, SqlState};

impl Decimal {
    /// # Errors
    /// 2201F for a negative number.
    pub(crate) fn sqrt(&self) -> Result<Self, QueryError> {
        if self.sign() == Some(-1) {
            let message = "cannot take square root of a negative number";
            return Err(QueryError::new(SqlState("2201F"), message));
        }
        let Finite { scale, .. } = self else { return Ok(self.clone()) };
        let (weight, _) = self.first_group();
        let weight = (weight + 1) * GROUP_DIGITS / 2 - 1;
        let result_scale = (SIGNIFICANT_DIGITS_MIN - weight).max((*scale).into());
        self.sqrt_to(result_scale.clamp(0, RESULT_SCALE_MAX) as u32)
    }

    /// The root with this many digits after the point, of a number that is not negative.
    ///
    /// # Errors
    /// 22003 for a root that no `numeric` holds.
    pub(crate) fn sqrt_to(&self, result_scale: u32) -> Result<Self, QueryError> {
        let Finite { digits, scale } = self else { return Ok(self.clone()) };
        let up = 2 * i64::from(result_scale) - i64::from(*scale);
        let square = if up >= 0 {
            digits.magnitude() * power_of_ten(up as u32).magnitude()
        } else {
            digits.magnitude() / power_of_ten(up.unsigned_abs() as u32).magnitude()
        };
        let root = square.sqrt();
        // The root is rounded: up where more than half of the next step is left.
        let is_up = &square - &root * &root > root;
        let root = if is_up { root + 1_u32 } else { root };
        Self::checked(root.into(), result_scale)
    }

    /// The power.
    ///
    /// # Errors
    /// As [`Self::power_whole`]; 2201F for a negative number and an exponent that is no whole number.
    pub(crate) fn power(&self, exponent: &Self) -> Result<Self, QueryError> {
        let whole = exponent.to_int().filter(|whole| Self::from_int(*whole) == *exponent);
        match whole {
            Some(whole) => self.power_whole(whole, exponent.scale().unwrap_or(0)),
            None => self.power_fraction(exponent),
        }
    }

    /// The power, for an exponent that is a whole number and is written with `exponent_scale` digits.
    ///
    /// # Errors
    /// 2201F for zero to a negative power.
    fn power_whole(&self, exponent: i64, exponent_scale: u32) -> Result<Self, QueryError> {
        let Finite { digits, scale } = self else {
            return Ok(match (exponent, self) {
                (0, _) => Self::from_int(1),
                (_, NaN) => NaN,
                (..0, _) => Self::from_int(0),
                (_, Infinite { is_negative }) => {
                    Infinite { is_negative: *is_negative && exponent % 2 != 0 }
                }
                _ => NaN,
            });
        };
        if digits.sign() == Sign::NoSign && exponent < 0 {
            let message = "zero raised to a negative power is undefined";
            return Err(QueryError::new(SqlState("2201F"), message));
        }
        let significant = SIGNIFICANT_DIGITS_MIN - self.power_weight(exponent);
        let shown = (*scale).max(exponent_scale);
        let result_scale = significant.max(shown.into()).clamp(0, RESULT_SCALE_MAX);
        let count = u32::try_from(exponent.unsigned_abs()).map_err(|_| overflow())?;
        let digits_bits = digits.bits().max(1).saturating_mul(count.into());
        if digits_bits > 8 * (WHOLE_DIGITS_MAX as u64 + u64::from(SCALE_MAX)) {
            return Err(overflow());
        }
        let (raised, raised_scale) = (digits.pow(count), u64::from(*scale) * u64::from(count));
        let raised_scale = u32::try_from(raised_scale).map_err(|_| overflow())?;
        if exponent >= 0 {
            let exact = Finite { digits: raised, scale: raised_scale }.round(result_scale);
            return match exact {
                Finite { digits, scale } => Self::checked(digits, scale),
                other => Ok(other),
            };
        }
        let up = power_of_ten(raised_scale + result_scale as u32);
        Self::checked(divided(&up, &raised), result_scale as u32)
    }

    /// Decimal digits before the point that the power has, less one.
    fn power_weight(&self, exponent: i64) -> i64 {
        let Finite { digits, scale } = self else { return 0 };
        let plain = digits.magnitude().to_string();
        let lead: f64 = plain[..plain.len().min(17)].parse().unwrap_or(1.0);
        let zeros = plain.len() as f64 - plain.len().min(17) as f64;
        let log = lead.max(f64::MIN_POSITIVE).log10() + zeros - f64::from(*scale);
        (log * exponent as f64).clamp(-131_072.0, 131_072.0) as i64
    }
}
