//! Values and rows of catalog relations.
//!
//! Invariants
//! - The SQL type of a value is known beside it, never inside it: `Int` carries every integer, object
//!   id, date, time and timestamp type, `Text` every character type and what `values::other` reads.
//! - Equal values hash equally, so that a value can be a key.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::types::TypeOid;
use crate::Dimension;
use crate::values::decimal::Decimal;
use crate::values::other;

/// Microseconds of a day, and days of a month, when intervals are compared.
const US_PER_DAY: i128 = 86_400_000_000;
const DAYS_PER_MONTH: i128 = 30;

/// Months, days and microseconds, kept apart.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Interval {
    pub(crate) months: i32,
    pub(crate) days: i32,
    pub(crate) us: i64,
}

impl Interval {
    /// What comparison sees: months of 30 days of 24 hours.
    fn span(self) -> i128 {
        let days = i128::from(self.months) * DAYS_PER_MONTH + i128::from(self.days);
        days * US_PER_DAY + i128::from(self.us)
    }
}

impl PartialEq for Interval {
    fn eq(&self, other: &Self) -> bool {
        self.span() == other.span()
    }
}

/// An array of another shape than one dimension that counts from 1.
#[derive(Debug, PartialEq)]
pub(crate) struct Shaped {
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) elements: Vec<Value>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// SQL NULL of any type.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int2`, `int4`, `int8`, `oid` and its aliases, `xid`; `date` in days and timestamps in microseconds
    /// since 1970, `time` in microseconds of the day.
    Int(i64),
    /// `float4` and `float8`.
    Float(f64),
    /// `numeric`.
    Numeric(Arc<Decimal>),
    /// `interval`.
    Interval(Interval),
    /// `bytea`.
    Bytes(Arc<[u8]>),
    /// All character types, and the canonical text of all other types.
    Text(Arc<str>),
    /// The canonical text of a type that has an order of its own.
    Ordered(TypeOid, Arc<str>),
    /// An array of at most one dimension that counts from 1, or a vector.
    Array(Arc<[Value]>),
    /// An array of any other shape.
    Shaped(Arc<Shaped>),
    /// A row value, with the types of its fields where they are known.
    Record(Row, Arc<[TypeOid]>),
}

/// One row; a row shorter than its relation reads as nulls, which is how outer joins extend.
pub(crate) type Row = Arc<[Value]>;

impl Value {
    /// A text value.
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// An object id.
    pub(crate) fn oid(oid: u32) -> Self {
        Self::Int(i64::from(oid))
    }

    /// A number.
    pub(crate) fn numeric(value: Decimal) -> Self {
        Self::Numeric(Arc::new(value))
    }

    /// An array of these dimensions.
    pub(crate) fn shaped(dimensions: Vec<Dimension>, elements: Vec<Self>) -> Self {
        match dimensions.as_slice() {
            [] | [Dimension { lower: 1, .. }] => Self::array(elements),
            _ => Self::Shaped(Arc::new(Shaped { dimensions, elements })),
        }
    }

    /// Dimensions of an array; none for an empty one.
    pub(crate) fn dimensions(&self) -> Vec<Dimension> {
        match self {
            Self::Array(elements) if !elements.is_empty() => {
                let length = i32::try_from(elements.len()).unwrap_or(i32::MAX);
                vec![Dimension { lower: 1, length }]
            }
            Self::Shaped(shaped) => shaped.dimensions.clone(),
            _ => Vec::new(),
        }
    }

    /// An array of `elements`.
    pub(crate) fn array(elements: Vec<Self>) -> Self {
        Self::Array(elements.into())
    }

    /// Whether it is NULL.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean in it; `None` for NULL.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer in it; `None` for NULL.
    pub(crate) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The text in it; empty for every other kind.
    pub(crate) fn as_text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Ordered(_, text) => text,
            _ => "",
        }
    }

    /// Elements of an array; empty for every other kind.
    pub(crate) fn elements(&self) -> &[Self] {
        match self {
            Self::Array(elements) | Self::Record(elements, _) => elements,
            Self::Shaped(shaped) => &shaped.elements,
            _ => &[],
        }
    }

    /// Order of two values that are not null; nulls inside arrays sort last.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Int(left), Self::Int(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
            (Self::Float(left), Self::Float(right)) => compare_floats(*left, *right),
            (Self::Numeric(left), Self::Numeric(right)) => left.compare(right),
            (Self::Numeric(left), Self::Int(right)) => left.compare(&Decimal::from_int(*right)),
            (Self::Int(left), Self::Numeric(right)) => Decimal::from_int(*left).compare(right),
            (Self::Numeric(left), Self::Float(right)) => compare_floats(left.to_float(), *right),
            (Self::Float(left), Self::Numeric(right)) => compare_floats(*left, right.to_float()),
            (Self::Ordered(oid, left), Self::Ordered(_, right)) => {
                other::compare(*oid, left, right).unwrap_or_else(|| left.cmp(right))
            }
            (Self::Interval(left), Self::Interval(right)) => left.span().cmp(&right.span()),
            (Self::Bytes(left), Self::Bytes(right)) => left.cmp(right),
            // As PostgreSQL, which converts the integer.
            (Self::Int(left), Self::Float(right)) => compare_floats(*left as f64, *right),
            (Self::Float(left), Self::Int(right)) => compare_floats(*left, *right as f64),
            (Self::Array(_) | Self::Shaped(_), Self::Array(_) | Self::Shaped(_)) => {
                let order = compare_lists(self.elements(), other.elements());
                order.then_with(|| {
                    let key = |value: &Self| {
                        value
                            .dimensions()
                            .iter()
                            .map(|one| (one.length, one.lower))
                            .collect::<Vec<_>>()
                    };
                    let (left, right) = (key(self), key(other));
                    left.len().cmp(&right.len()).then_with(|| left.cmp(&right))
                })
            }
            (Self::Record(left, _), Self::Record(right, _)) => compare_lists(left, right),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Float(_) | Self::Numeric(_) => 1,
            Self::Text(_) | Self::Ordered(..) => 2,
            Self::Array(_) | Self::Shaped(_) => 3,
            Self::Record(..) => 4,
            Self::Null => 5,
            Self::Interval(_) => 6,
            Self::Bytes(_) => 7,
        }
    }
}

/// PostgreSQL's order: NaN equals itself and is above all numbers.
fn compare_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

fn compare_lists(left: &[Value], right: &[Value]) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(left, right)| left.compare(right))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(value) => value.hash(state),
            Self::Int(value) => value.hash(state),
            Self::Float(value) => value.to_bits().hash(state),
            Self::Numeric(value) => value.hash(state),
            Self::Interval(value) => value.span().hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::Text(text) | Self::Ordered(_, text) => text.hash(state),
            Self::Array(_) | Self::Shaped(_) | Self::Record(..) => self.elements().hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_sorts_by_bytes_and_nulls_sort_last_in_arrays() {
        assert_eq!(Value::text("B").compare(&Value::text("a")), Ordering::Less);
        let short = Value::array(vec![Value::Int(1)]);
        let null_second = Value::array(vec![Value::Int(1), Value::Null]);
        let one_second = Value::array(vec![Value::Int(1), Value::Int(1)]);
        assert_eq!(short.compare(&one_second), Ordering::Less);
        assert_eq!(one_second.compare(&null_second), Ordering::Less);
        assert_eq!(Value::Float(f64::NAN).compare(&Value::Float(f64::INFINITY)), Ordering::Greater);
    }
}
