//! Values and rows of catalog relations.
//!
//! Invariants
//! - The SQL type of a value is known beside it, never inside it: `Int` carries every integer, object
//!   id and timestamp type, `Text` every character type.
//! - Equal values hash equally, so that a value can be a key.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// SQL NULL of any type.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int2`, `int4`, `int8`, `oid` and its aliases, `xid`; `timestamptz` in microseconds since 1970.
    Int(i64),
    /// `float4` and `float8`.
    Float(f64),
    /// All character types, and every type that is only shown.
    Text(Arc<str>),
    /// A one-dimensional array.
    Array(Arc<[Value]>),
    /// A row value.
    Record(Arc<[Value]>),
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
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// Elements of an array; empty for every other kind.
    pub(crate) fn elements(&self) -> &[Self] {
        match self {
            Self::Array(elements) | Self::Record(elements) => elements,
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
            // Catalog counters stay far below 2^53, where the conversion is exact.
            (Self::Int(left), Self::Float(right)) => compare_floats(*left as f64, *right),
            (Self::Float(left), Self::Int(right)) => compare_floats(*left, *right as f64),
            (Self::Array(left), Self::Array(right)) | (Self::Record(left), Self::Record(right)) => {
                compare_lists(left, right)
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Float(_) => 1,
            Self::Text(_) => 2,
            Self::Array(_) => 3,
            Self::Record(_) => 4,
            Self::Null => 5,
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
            Self::Text(text) => text.hash(state),
            Self::Array(elements) | Self::Record(elements) => elements.hash(state),
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
