//! `numeric` as PostgreSQL computes with it: any number of digits, a display scale, NaN and infinities.
//!
//! A finite value is `digits / 10^scale`. Results are rounded half away from zero, and have the scales
//! that PostgreSQL chooses.
//!
//! Invariants
//! - No value has more than [`WHOLE_DIGITS_MAX`] digits before the point or [`SCALE_MAX`] after it.
//! - NaN equals itself and is above all other values.

mod logs;
mod roots;

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};

use crate::values::decode::parse_numeric;
use crate::{QueryError, SqlState};

/// Most digits before the point.
const WHOLE_DIGITS_MAX: usize = 131_072;
/// Most digits after the point.
const SCALE_MAX: u32 = 16_383;
/// Most digits after the point of a quotient or a root, unless an operand has more.
const RESULT_SCALE_MAX: i64 = 1_000;
/// Digits that a quotient or a root has at least.
const SIGNIFICANT_DIGITS_MIN: i64 = 16;
/// Digits of one group, by which PostgreSQL measures sizes.
const GROUP_DIGITS: i64 = 4;

/// One value.
#[derive(Clone, Debug)]
pub(crate) enum Decimal {
    NaN,
    /// Infinity, or its negative.
    Infinite {
        is_negative: bool,
    },
    Finite {
        digits: BigInt,
        scale: u32,
    },
}

use Decimal::{Finite, Infinite, NaN};

/// 22003 for a result that no `numeric` holds.
pub(crate) fn overflow() -> QueryError {
    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "value overflows numeric format")
}

fn division_by_zero() -> QueryError {
    QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// `digits / divisor`, halves away from zero.
fn divided(digits: &BigInt, divisor: &BigInt) -> BigInt {
    let magnitude =
        (digits.magnitude() * 2_u32 + divisor.magnitude()) / (divisor.magnitude() * 2_u32);
    let sign = if digits.sign() == divisor.sign() { Sign::Plus } else { Sign::Minus };
    BigInt::from_biguint(if magnitude == BigUint::ZERO { Sign::NoSign } else { sign }, magnitude)
}

impl Decimal {
    /// Reads PostgreSQL's text of a number.
    ///
    /// # Errors
    /// 22P02 for other text, 22003 past the limits.
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        let plain = parse_numeric(text)?;
        Ok(match plain.as_str() {
            "NaN" => NaN,
            "Infinity" => Infinite { is_negative: false },
            "-Infinity" => Infinite { is_negative: true },
            plain => {
                let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
                let digits = format!("{whole}{fraction}").parse().unwrap_or_default();
                Finite { digits, scale: fraction.len() as u32 }
            }
        })
    }

    /// Text of the value with its scale.
    pub(crate) fn to_text(&self) -> String {
        let (digits, scale) = match self {
            NaN => return "NaN".to_owned(),
            Infinite { is_negative: false } => return "Infinity".to_owned(),
            Infinite { is_negative: true } => return "-Infinity".to_owned(),
            Finite { digits, scale } => (digits, *scale as usize),
        };
        let sign = if digits.sign() == Sign::Minus { "-" } else { "" };
        let plain = digits.magnitude().to_string();
        if scale == 0 {
            return format!("{sign}{plain}");
        }
        let padded = format!("{plain:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        format!("{sign}{whole}.{fraction}")
    }

    /// A whole number.
    pub(crate) fn from_int(value: i64) -> Self {
        Finite { digits: value.into(), scale: 0 }
    }

    /// The number that a float shows with `significant` digits, as PostgreSQL's cast has it.
    pub(crate) fn from_float(value: f64, significant: usize) -> Self {
        if value.is_nan() {
            return NaN;
        }
        if value.is_infinite() {
            return Infinite { is_negative: value < 0.0 };
        }
        let shown = format!("{value:.*e}", significant - 1);
        let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
        let mantissa = if mantissa.contains('.') {
            mantissa.trim_end_matches('0').trim_end_matches('.')
        } else {
            mantissa
        };
        Self::parse(&format!("{mantissa}e{exponent}")).unwrap_or(NaN)
    }

    /// The nearest float.
    pub(crate) fn to_float(&self) -> f64 {
        self.to_text().parse().unwrap_or(f64::NAN)
    }

    /// The nearest whole number; `None` where 64 bits do not hold it, or there is none.
    pub(crate) fn to_int(&self) -> Option<i64> {
        match self.round(0) {
            Finite { digits, .. } => i64::try_from(digits).ok(),
            _ => None,
        }
    }

    /// Digits after the point that are shown.
    pub(crate) fn scale(&self) -> Option<u32> {
        match self {
            Finite { scale, .. } => Some(*scale),
            _ => None,
        }
    }

    /// Whether it is NaN.
    pub(crate) fn is_nan(&self) -> bool {
        matches!(self, NaN)
    }

    /// -1, 0 or 1; `None` for NaN.
    pub(crate) fn sign(&self) -> Option<i8> {
        match self {
            NaN => None,
            Infinite { is_negative } => Some(if *is_negative { -1 } else { 1 }),
            Finite { digits, .. } => Some(match digits.sign() {
                Sign::Minus => -1,
                Sign::NoSign => 0,
                Sign::Plus => 1,
            }),
        }
    }

    fn is_zero(&self) -> bool {
        self.sign() == Some(0)
    }

    /// The value with the other sign.
    pub(crate) fn negated(&self) -> Self {
        match self {
            NaN => NaN,
            Infinite { is_negative } => Infinite { is_negative: !is_negative },
            Finite { digits, scale } => Finite { digits: -digits, scale: *scale },
        }
    }

    /// The value without its sign.
    pub(crate) fn abs(&self) -> Self {
        if self.sign() == Some(-1) { self.negated() } else { self.clone() }
    }

    fn checked(digits: BigInt, scale: u32) -> Result<Self, QueryError> {
        let (digits, scale) = if scale > SCALE_MAX {
            (divided(&digits, &power_of_ten(scale - SCALE_MAX)), SCALE_MAX)
        } else {
            (digits, scale)
        };
        // A digit takes more than three bits: most numbers are far below the limit.
        let is_near = digits.bits() / 3 > (WHOLE_DIGITS_MAX as u64);
        if is_near && digits.magnitude().to_string().len() > WHOLE_DIGITS_MAX + scale as usize {
            return Err(overflow());
        }
        Ok(Finite { digits, scale })
    }

    /// Digits of both at the larger of the two scales.
    fn aligned(left: (&BigInt, u32), right: (&BigInt, u32)) -> (BigInt, BigInt, u32) {
        let scale = left.1.max(right.1);
        let at = |(digits, own): (&BigInt, u32)| digits * power_of_ten(scale - own);
        (at(left), at(right), scale)
    }

    /// # Errors
    /// 22003 past the limits, as for every operation below.
    pub(crate) fn add(&self, other: &Self) -> Result<Self, QueryError> {
        Ok(match (self, other) {
            (Finite { digits: a, scale: s }, Finite { digits: b, scale: t }) => {
                let (a, b, scale) = Self::aligned((a, *s), (b, *t));
                return Self::checked(a + b, scale);
            }
            (NaN, _) | (_, NaN) => NaN,
            (Infinite { is_negative: a }, Infinite { is_negative: b }) if a != b => NaN,
            (Infinite { .. }, _) => self.clone(),
            (_, infinite) => infinite.clone(),
        })
    }

    pub(crate) fn subtract(&self, other: &Self) -> Result<Self, QueryError> {
        self.add(&other.negated())
    }

    pub(crate) fn multiply(&self, other: &Self) -> Result<Self, QueryError> {
        match (self, other) {
            (Finite { digits: a, scale: s }, Finite { digits: b, scale: t }) => {
                Self::checked(a * b, s + t)
            }
            _ => Ok(match (self.sign(), other.sign()) {
                (Some(0) | None, _) | (_, Some(0) | None) => NaN,
                (a, b) => Infinite { is_negative: a != b },
            }),
        }
    }

    /// # Errors
    /// 22012 for a divisor that is zero.
    pub(crate) fn divide(&self, other: &Self) -> Result<Self, QueryError> {
        let (Finite { digits: a, scale: s }, Finite { digits: b, scale: t }) = (self, other) else {
            return self.divide_special(other);
        };
        if b.sign() == Sign::NoSign {
            return Err(division_by_zero());
        }
        let scale = self.quotient_scale(other);
        // a / 10^s / (b / 10^t), at `scale` digits.
        let up = i64::from(scale) + i64::from(*t) - i64::from(*s);
        let (a, b) = if up >= 0 {
            (a * power_of_ten(up as u32), b.clone())
        } else {
            (a.clone(), b * power_of_ten(up.unsigned_abs() as u32))
        };
        Self::checked(divided(&a, &b), scale)
    }

    fn divide_special(&self, other: &Self) -> Result<Self, QueryError> {
        Ok(match (self, other) {
            (NaN, _) | (_, NaN) | (Infinite { .. }, Infinite { .. }) => NaN,
            (Infinite { .. }, divisor) if divisor.is_zero() => return Err(division_by_zero()),
            (Infinite { .. }, divisor) => Infinite { is_negative: self.sign() != divisor.sign() },
            (_, _) => Self::from_int(0),
        })
    }

    /// Number of the first group of four digits that is not zero, counted from the point, and the group.
    fn first_group(&self) -> (i64, u32) {
        let Finite { digits, scale } = self else { return (0, 0) };
        if digits.sign() == Sign::NoSign {
            return (0, 0);
        }
        let plain = digits.magnitude().to_string();
        let whole_digits = plain.len() as i64 - i64::from(*scale);
        let weight = (whole_digits - 1).div_euclid(GROUP_DIGITS);
        let take = (whole_digits - 1).rem_euclid(GROUP_DIGITS) as usize + 1;
        let group = format!("{:0<take$}", &plain[..take.min(plain.len())]);
        (weight, group.parse().unwrap_or(0))
    }

    fn quotient_scale(&self, other: &Self) -> u32 {
        let ((left_weight, left_first), (right_weight, right_first)) =
            (self.first_group(), other.first_group());
        let weight = left_weight - right_weight - i64::from(left_first <= right_first);
        let scales = self.scale().max(other.scale()).unwrap_or(0);
        let scale = (SIGNIFICANT_DIGITS_MIN - weight * GROUP_DIGITS).max(scales.into());
        scale.clamp(0, RESULT_SCALE_MAX) as u32
    }

    /// The quotient without its fraction.
    ///
    /// # Errors
    /// As [`Self::divide`].
    pub(crate) fn divide_whole(&self, other: &Self) -> Result<Self, QueryError> {
        let (Finite { digits: a, scale: s }, Finite { digits: b, scale: t }) = (self, other) else {
            return self.divide_special(other);
        };
        if b.sign() == Sign::NoSign {
            return Err(division_by_zero());
        }
        let (a, b, _) = Self::aligned((a, *s), (b, *t));
        Self::checked(a / b, 0)
    }

    /// What is left of a division, with the sign of the dividend.
    ///
    /// # Errors
    /// As [`Self::divide`].
    pub(crate) fn remainder(&self, other: &Self) -> Result<Self, QueryError> {
        match (self, other) {
            (Finite { digits: a, scale: s }, Finite { digits: b, scale: t }) => {
                if b.sign() == Sign::NoSign {
                    return Err(division_by_zero());
                }
                let (a, b, scale) = Self::aligned((a, *s), (b, *t));
                Self::checked(a % b, scale)
            }
            (NaN, _) | (_, NaN) => Ok(NaN),
            (Infinite { .. }, divisor) if divisor.is_zero() => Err(division_by_zero()),
            (Infinite { .. }, _) => Ok(NaN),
            (value, _) => Ok(value.clone()),
        }
    }

    /// Rounded to `places` after the point, or before it where negative.
    pub(crate) fn round(&self, places: i64) -> Self {
        self.cut(places, divided)
    }

    /// Cut to `places` after the point, or before it where negative.
    pub(crate) fn truncate(&self, places: i64) -> Self {
        self.cut(places, |digits, divisor| digits / divisor)
    }

    fn cut(&self, places: i64, divide: impl Fn(&BigInt, &BigInt) -> BigInt) -> Self {
        let Finite { digits, scale } = self else { return self.clone() };
        let places = places.clamp(-(WHOLE_DIGITS_MAX as i64) - 1, SCALE_MAX.into());
        let surplus = i64::from(*scale) - places;
        let shown = places.max(0) as u32;
        if surplus <= 0 {
            return Finite {
                digits: digits * power_of_ten(surplus.unsigned_abs() as u32),
                scale: shown,
            };
        }
        let kept = divide(digits, &power_of_ten(surplus as u32));
        Finite { digits: kept * power_of_ten((-places).max(0) as u32), scale: shown }
    }

    /// The next whole number down, or up.
    pub(crate) fn floor(&self, is_up: bool) -> Self {
        let cut = self.truncate(0);
        let (Finite { digits, .. }, order) = (&cut, self.compare(&cut)) else { return cut };
        match (is_up, order) {
            (false, Ordering::Less) => Finite { digits: digits - 1, scale: 0 },
            (true, Ordering::Greater) => Finite { digits: digits + 1, scale: 0 },
            _ => cut,
        }
    }

    /// Without zeros at the end of the fraction.
    pub(crate) fn trimmed(&self) -> Self {
        let text = self.to_text();
        let places = text
            .split_once('.')
            .map_or(0, |(_, fraction)| fraction.trim_end_matches('0').len() as i64);
        self.truncate(places)
    }

    /// Order of two values: NaN is the largest, and the infinities are the ends of all others.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let rank = |value: &Self| match value {
            Infinite { is_negative: true } => 0,
            Finite { .. } => 1,
            Infinite { is_negative: false } => 2,
            NaN => 3,
        };
        match (self, other) {
            (Finite { digits: a, scale: s }, Finite { digits: b, scale: t }) => {
                if s == t {
                    return a.cmp(b);
                }
                let (a, b, _) = Self::aligned((a, *s), (b, *t));
                a.cmp(&b)
            }
            (left, right) => rank(left).cmp(&rank(right)),
        }
    }

    /// As a column of `numeric(precision, scale)` holds it.
    ///
    /// # Errors
    /// 22003 for a number with too many digits before the point.
    pub(crate) fn fitted(&self, precision: i32, scale: i32) -> Result<Self, QueryError> {
        let overflow = |detail: String| {
            QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "numeric field overflow")
                .with_detail(detail)
        };
        let rounded = self.round(scale.into());
        let Finite { digits, scale: shown } = &rounded else {
            if self.is_nan() {
                return Ok(NaN);
            }
            return Err(overflow(format!(
                "A field with precision {precision}, scale {scale} cannot hold an infinite value."
            )));
        };
        let whole = precision - scale;
        let digits_count = if digits.sign() == Sign::NoSign {
            i64::MIN
        } else {
            digits.magnitude().to_string().len() as i64 - i64::from(*shown)
        };
        if digits_count <= whole.into() {
            return Ok(rounded);
        }
        let bound = if whole == 0 { "1".to_owned() } else { format!("10^{whole}") };
        Err(overflow(format!(
            "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
        )))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
    }
}

impl std::hash::Hash for Decimal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.trimmed().to_text().hash(state);
    }
}

#[cfg(test)]
mod tests;
