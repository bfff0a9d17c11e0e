//! Logarithms and powers of `e`, with the digits that PostgreSQL gives them.
//!
//! Values inside are whole numbers of units of `10^-places`, with [`GUARD`] places more than the result has.

use std::f64::consts::{LN_10, LOG10_E};

use num_bigint::{BigInt, Sign};

use super::Decimal::{self, Finite, Infinite, NaN};
use super::{
    GROUP_DIGITS, RESULT_SCALE_MAX, SIGNIFICANT_DIGITS_MIN, WHOLE_DIGITS_MAX, divided, overflow,
    power_of_ten,
};
use crate::{QueryError, SqlState};

/// Places of a computation beyond those of its result.
const GUARD: u32 = 12;
/// Times that a number is halved before the series of `e`.
const HALVINGS: u32 = 16;

impl Decimal {
    /// `e` to this power.
    ///
    /// # Errors
    /// 22003 for a result that no `numeric` holds.
    pub(crate) fn exp(&self) -> Result<Self, QueryError> {
        let Finite { .. } = self else {
            return Ok(match self {
                Infinite { is_negative: true } => Self::from_int(0),
                other => other.clone(),
            });
        };
        let weight = self.to_float() * LOG10_E;
        let weight = weight.clamp(-(RESULT_SCALE_MAX as f64) * 2.0, RESULT_SCALE_MAX as f64 * 2.0);
        let scale = SIGNIFICANT_DIGITS_MIN - weight as i64;
        let scale = scale.max(self.scale().unwrap_or(0).into()).clamp(0, RESULT_SCALE_MAX);
        self.exp_to(scale as u32)
    }

    fn exp_to(&self, scale: u32) -> Result<Self, QueryError> {
        let weight = self.to_float() * LOG10_E;
        if weight >= WHOLE_DIGITS_MAX as f64 {
            return Err(overflow());
        }
        if weight < -f64::from(scale) - 2.0 {
            return Self::checked(BigInt::ZERO, scale);
        }
        let places = scale + GUARD + weight.max(0.0) as u32 + HALVINGS / 2;
        let one = power_of_ten(places);
        let value = self.units(places);
        let ln_2 = ln_2(places);
        let doublings = divided(&value, &ln_2);
        let rest = value - &doublings * &ln_2;
        // e^rest by its series on a part of it, squared again as often as it was halved.
        let part: BigInt = rest >> HALVINGS;
        let mut sum = one.clone();
        let mut term = one.clone();
        for number in 1_u32.. {
            term = &term * &part / &one / number;
            if term.sign() == Sign::NoSign || term.magnitude().bits() < 2 {
                break;
            }
            sum += &term;
        }
        for _ in 0..HALVINGS {
            sum = &sum * &sum / &one;
        }
        let doublings = i64::try_from(doublings).map_err(|_| overflow())?;
        let shift = doublings.unsigned_abs() as usize;
        let sum = if doublings >= 0 { sum << shift } else { sum >> shift };
        Self::checked(divided(&sum, &power_of_ten(places - scale)), scale)
    }

    /// The natural logarithm.
    ///
    /// # Errors
    /// 2201E for zero and negative numbers.
    pub(crate) fn ln(&self) -> Result<Self, QueryError> {
        self.check_logarithm()?;
        let Finite { .. } = self else { return Ok(self.clone()) };
        let scale = SIGNIFICANT_DIGITS_MIN - self.ln_weight();
        let scale = scale.max(self.scale().unwrap_or(0).into()).clamp(0, RESULT_SCALE_MAX) as u32;
        Self::checked(divided(&self.ln_units(scale + GUARD), &power_of_ten(GUARD)), scale)
    }

    /// The logarithm to a base.
    ///
    /// # Errors
    /// 2201E as [`Self::ln`], 22012 for base 1.
    pub(crate) fn log(&self, base: &Self) -> Result<Self, QueryError> {
        base.check_logarithm()?;
        self.check_logarithm()?;
        if !matches!((self, base), (Finite { .. }, Finite { .. })) {
            return Ok(match (self, base) {
                (NaN, _) | (_, NaN) | (Infinite { .. }, Infinite { .. }) => NaN,
                (_, Infinite { .. }) => Self::from_int(0),
                _ => Infinite { is_negative: false },
            });
        }
        let weight = self.ln_weight() - base.ln_weight();
        let scales = self.scale().max(base.scale()).unwrap_or(0);
        let scale =
            (SIGNIFICANT_DIGITS_MIN - weight).max(scales.into()).clamp(0, RESULT_SCALE_MAX) as u32;
        let places = scale + 2 * GUARD;
        let (number, base) = (self.ln_units(places), base.ln_units(places));
        if base.sign() == Sign::NoSign {
            return Err(super::division_by_zero());
        }
        Self::checked(divided(&(number * power_of_ten(scale)), &base), scale)
    }

    /// The power, for an exponent that is no whole number.
    ///
    /// # Errors
    /// 2201F for zero to a negative power and for negative numbers.
    pub(super) fn power_fraction(&self, exponent: &Self) -> Result<Self, QueryError> {
        let refuse = |message: &str| Err(QueryError::new(SqlState("2201F"), message));
        match (self.sign(), exponent.sign()) {
            (Some(0), Some(-1)) => return refuse("zero raised to a negative power is undefined"),
            (Some(0), _) => return Self::checked(BigInt::ZERO, SIGNIFICANT_DIGITS_MIN as u32),
            (Some(-1), _) => {
                return refuse(
                    "a negative number raised to a non-integer power yields a complex result",
                );
            }
            _ => {}
        }
        let weight = self.to_float().ln() * exponent.to_float() * LOG10_E;
        if !weight.is_finite() || weight >= WHOLE_DIGITS_MAX as f64 {
            return Err(overflow());
        }
        let scales = self.scale().max(exponent.scale()).unwrap_or(0);
        let scale = (SIGNIFICANT_DIGITS_MIN - weight as i64).max(scales.into());
        let scale = scale.clamp(0, RESULT_SCALE_MAX) as u32;
        let places = scale + 2 * GUARD + weight.abs() as u32;
        let ln = Finite { digits: self.ln_units(places), scale: places };
        let Finite { digits, scale: long } = ln.multiply(exponent)? else { return Ok(NaN) };
        Finite { digits, scale: long }.round(places.into()).exp_to(scale)
    }

    /// # Errors
    /// 2201E for zero and negative numbers.
    fn check_logarithm(&self) -> Result<(), QueryError> {
        let refused = match self.sign() {
            Some(0) => "cannot take logarithm of zero",
            Some(-1) => "cannot take logarithm of a negative number",
            _ => return Ok(()),
        };
        Err(QueryError::new(SqlState("2201E"), refused))
    }

    /// Decimal digits before the point that the natural logarithm has, less one, as PostgreSQL estimates it.
    fn ln_weight(&self) -> i64 {
        let near = self.to_float();
        if (0.9..=1.1).contains(&near) {
            let Ok(distance) = self.subtract(&Self::from_int(1)) else { return 0 };
            if distance.sign() == Some(0) {
                return 0;
            }
            let (weight, first) = distance.abs().first_group();
            return weight * GROUP_DIGITS + f64::from(first).log10() as i64;
        }
        let (weight, _) = self.first_group();
        let scaled = self.first_digits();
        let ln = scaled.0.ln() + (weight * GROUP_DIGITS - scaled.1) as f64 * LN_10;
        ln.abs().log10() as i64
    }

    /// The first groups of four digits as one number, and the digits by which it is longer than the first.
    fn first_digits(&self) -> (f64, i64) {
        let Finite { digits, scale } = self else { return (1.0, 0) };
        let plain = digits.magnitude().to_string();
        let whole_digits = plain.len() as i64 - i64::from(*scale);
        let first = (whole_digits - 1).rem_euclid(GROUP_DIGITS) as usize + 1;
        let has_more = plain.trim_end_matches('0').len() > first;
        let take = if has_more { first + GROUP_DIGITS as usize } else { first };
        let group = format!("{:0<take$}", &plain[..take.min(plain.len())]);
        (group.parse().unwrap_or(1.0), if has_more { GROUP_DIGITS } else { 0 })
    }

    /// The value in units of `10^-places`.
    fn units(&self, places: u32) -> BigInt {
        match self {
            Finite { digits, scale } if *scale <= places => digits * power_of_ten(places - scale),
            Finite { digits, scale } => divided(digits, &power_of_ten(scale - places)),
            _ => BigInt::ZERO,
        }
    }

    /// The natural logarithm of a positive number in units of `10^-places`.
    fn ln_units(&self, places: u32) -> BigInt {
        let Finite { digits, scale } = self else { return BigInt::ZERO };
        let inner = places + GUARD;
        // digits / 10^scale = m * 2^doublings with m between 2/3 and 4/3.
        let divisor = power_of_ten(*scale);
        let mut doublings = digits.bits() as i64 - divisor.bits() as i64;
        let scaled = |doublings: i64| {
            let shift = doublings.unsigned_abs() as usize;
            let (a, b) = match doublings >= 0 {
                true => (digits * power_of_ten(inner), &divisor << shift),
                false => ((digits << shift) * power_of_ten(inner), divisor.clone()),
            };
            divided(&a, &b)
        };
        let mut value = scaled(doublings);
        let one = power_of_ten(inner);
        if &value * 3_u32 > &one * 4_u32 {
            doublings += 1;
            value = scaled(doublings);
        }
        let ratio = (&value - &one) * &one / (&value + &one);
        let ln = atanh(&ratio, &one) * 2_u32 + ln_2(inner) * doublings;
        divided(&ln, &power_of_ten(GUARD))
    }
}

/// The inverse hyperbolic tangent of a small number, both in units of `1 / one`.
fn atanh(value: &BigInt, one: &BigInt) -> BigInt {
    let square = value * value / one;
    let mut power = value.clone();
    let mut sum = value.clone();
    for odd in (3_u32..).step_by(2) {
        power = &power * &square / one;
        if power.sign() == Sign::NoSign || power.magnitude().bits() < 2 {
            break;
        }
        sum += &power / odd;
    }
    sum
}

fn ln_2(places: u32) -> BigInt {
    let one = power_of_ten(places);
    atanh(&(&one / 3_u32), &one) * 2_u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn logarithms_and_powers_have_the_digits_of_postgresql() {
        assert_eq!(number("2.0").ln().unwrap().to_text(), "0.6931471805599453");
        assert_eq!(number("1.0").exp().unwrap().to_text(), "2.7182818284590452");
        assert_eq!(number("100.0").log(&number("10")).unwrap().to_text(), "2.0000000000000000");
        assert_eq!(number("2.0").power(&number("0.5")).unwrap().to_text(), "1.4142135623730950");
        assert_eq!(number("-1").ln().unwrap_err().state, SqlState("2201E"));
    }
}
