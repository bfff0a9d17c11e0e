//! Binary operators: which one a pair of types names, and its value.

mod arithmetic;
mod document;
mod range;
mod temporal;

use std::cmp::Ordering;

use super::env::Env;
use super::types::{self, Kind, TypeOid, element, is_text, kind, type_name};
use super::{Value, text};
use crate::rewrite::pattern::similar_to_regex;
use crate::values::other;
use crate::{Dimension, QueryError, SqlState};

use arithmetic::{bits, float, integer, join, numeric};
pub(crate) use document::Document;
pub(crate) use range::{RangeOperator, ranges};
pub(crate) use temporal::{Temporal, scaled};

/// An operator with its operand types resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `=`, `<>`, `<`, `<=`, `>`, `>=`.
    Compare(Comparison),
    /// `~`, `~*`, `!~`, `!~*`.
    Regex { insensitive: bool, negated: bool },
    /// LIKE and ILIKE.
    Like { insensitive: bool, negated: bool, escape: Option<char> },
    /// SIMILAR TO, with the backslash as its escape.
    Similar { negated: bool },
    /// `||` of texts; operands of other types are shown first.
    Concat { left: TypeOid, right: TypeOid },
    /// `||` of two arrays.
    ArrayConcat,
    /// `||` of an array and an element.
    ArrayAppend,
    /// `||` of an element and an array.
    ArrayPrepend,
    /// `@>` of arrays; swapped it is `<@`.
    Contains { swapped: bool },
    /// `&&` of arrays.
    Overlaps,
    /// `+ - * / %` and bit operators on integers; the result must fit `TypeOid`.
    Integer(Arithmetic, TypeOid),
    /// `+ - * /` on floats.
    Float(Arithmetic),
    /// `+ - * / % ^` on `numeric`; operands may be integers.
    Numeric(Arithmetic),
    /// `||` of two values of `bytea` or `varbit`.
    Join,
    /// `& | #` and shifts of bit strings.
    Bits(Arithmetic),
    /// Arithmetic of dates, times and intervals.
    Temporal(Temporal),
    /// Access to JSON, networks and ranges.
    Document(Document),
    /// Sets of values between bounds.
    Range(RangeOperator),
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

impl Comparison {
    /// Whether two values in this order satisfy the comparison.
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::NotEq => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessEq => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterEq => order.is_ge(),
        }
    }
}

/// Operator symbol with its operand types, once unknown literals have been given theirs.
///
/// # Errors
/// 42883 where PostgreSQL has no such operator, 0A000 where it is not known here.
pub(crate) fn resolve(
    symbol: &str,
    left: TypeOid,
    right: TypeOid,
) -> Result<(Operator, TypeOid), QueryError> {
    if let Some(comparison) = comparison(symbol) {
        return comparable(left, right)
            .then_some((Operator::Compare(comparison), types::BOOL))
            .ok_or_else(|| no_operator(symbol, left, right));
    }
    if let Some((temporal, result)) = temporal::resolve(symbol, left, right) {
        return Ok((Operator::Temporal(temporal), result));
    }
    if let Some((range, result)) = range::resolve(symbol, left, right) {
        return Ok((Operator::Range(range), result));
    }
    if let Some((document, result)) = document::resolve(symbol, left, right) {
        return Ok((Operator::Document(document), result));
    }
    if let Some(operator) = pattern(symbol) {
        let matched = matches!((kind(left), kind(right)), (Kind::Text, Kind::Text));
        return matched
            .then_some((operator, types::BOOL))
            .ok_or_else(|| no_operator(symbol, left, right));
    }
    match symbol {
        "||" => concat(left, right),
        "@>" | "<@" | "&&" if kind(left) == Kind::Array && kind(right) == Kind::Array => {
            let operator = match symbol {
                "&&" => Operator::Overlaps,
                symbol => Operator::Contains { swapped: symbol == "<@" },
            };
            Ok((operator, types::BOOL))
        }
        _ => arithmetic(symbol, left, right),
    }
}

fn comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "=" => Comparison::Eq,
        "<>" | "!=" => Comparison::NotEq,
        "<" => Comparison::Less,
        "<=" => Comparison::LessEq,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterEq,
        _ => return None,
    })
}

/// Whether a symbol compares two values.
pub(crate) fn is_comparison(symbol: &str) -> bool {
    comparison(symbol).is_some()
}

fn pattern(symbol: &str) -> Option<Operator> {
    let regex = |insensitive, negated| Operator::Regex { insensitive, negated };
    let like = |insensitive, negated| Operator::Like { insensitive, negated, escape: Some('\\') };
    Some(match symbol {
        "~" => regex(false, false),
        "~*" => regex(true, false),
        "!~" => regex(false, true),
        "!~*" => regex(true, true),
        "~~" => like(false, false),
        "~~*" => like(true, false),
        "!~~" => like(false, true),
        "!~~*" => like(true, true),
        _ => return None,
    })
}

/// Whether PostgreSQL compares the two types.
pub(crate) fn comparable(left: TypeOid, right: TypeOid) -> bool {
    match (kind(left), kind(right)) {
        (Kind::Int | Kind::Float | Kind::Numeric, Kind::Int | Kind::Float | Kind::Numeric) => true,
        (Kind::Array, Kind::Array) => match (element(left), element(right)) {
            (Some(left), Some(right)) => comparable(left, right),
            _ => true,
        },
        (Kind::Text, Kind::Text) if is_text(left) && is_text(right) => true,
        (Kind::Text, Kind::Text) => {
            let is_address = |oid| matches!(oid, types::INET | types::CIDR);
            let is_bits = |oid| matches!(oid, types::BIT | types::VARBIT);
            (left == right && other::has_equality(left))
                || (is_address(left) && is_address(right))
                || (is_bits(left) && is_bits(right))
        }
        (left, right) => left == right,
    }
}

fn concat(left: TypeOid, right: TypeOid) -> Result<(Operator, TypeOid), QueryError> {
    match (kind(left), kind(right)) {
        (Kind::Array, Kind::Array) => Ok((Operator::ArrayConcat, left)),
        (Kind::Array, _) => Ok((Operator::ArrayAppend, left)),
        (_, Kind::Array) => Ok((Operator::ArrayPrepend, right)),
        (Kind::Bytes, Kind::Bytes) => Ok((Operator::Join, types::BYTEA)),
        _ if is_bit(left) && is_bit(right) => Ok((Operator::Join, types::VARBIT)),
        _ if left == types::JSONB && right == types::JSONB => {
            Ok((Operator::Document(Document::Concat), types::JSONB))
        }
        _ if is_text(left) || is_text(right) => Ok((Operator::Concat { left, right }, types::TEXT)),
        _ => Err(no_operator("||", left, right)),
    }
}

fn is_bit(oid: TypeOid) -> bool {
    matches!(oid, types::BIT | types::VARBIT)
}

fn arithmetic(
    symbol: &str,
    left: TypeOid,
    right: TypeOid,
) -> Result<(Operator, TypeOid), QueryError> {
    let operation = match symbol {
        "+" => Arithmetic::Add,
        "-" => Arithmetic::Subtract,
        "*" => Arithmetic::Multiply,
        "/" => Arithmetic::Divide,
        "%" => Arithmetic::Modulo,
        "^" => Arithmetic::Power,
        "&" => Arithmetic::BitAnd,
        "|" => Arithmetic::BitOr,
        "#" => Arithmetic::BitXor,
        "<<" => Arithmetic::ShiftLeft,
        ">>" => Arithmetic::ShiftRight,
        _ => return Err(no_operator(symbol, left, right)),
    };
    let is_integer = |oid| matches!(oid, types::INT2 | types::INT4 | types::INT8);
    let is_number = |oid| is_integer(oid) || matches!(kind(oid), Kind::Float | Kind::Numeric);
    let is_bitwise = matches!(
        operation,
        Arithmetic::BitAnd
            | Arithmetic::BitOr
            | Arithmetic::BitXor
            | Arithmetic::ShiftLeft
            | Arithmetic::ShiftRight
    );
    let is_shift = matches!(operation, Arithmetic::ShiftLeft | Arithmetic::ShiftRight);
    if is_bitwise && is_bit(left) && (is_bit(right) || (is_shift && right == types::INT4)) {
        return Ok((Operator::Bits(operation), types::BIT));
    }
    if is_integer(left) && is_integer(right) && operation != Arithmetic::Power {
        let wider = [types::INT8, types::INT4, types::INT2]
            .into_iter()
            .find(|oid| *oid == left || *oid == right)
            .unwrap_or(types::INT4);
        return Ok((Operator::Integer(operation, wider), wider));
    }
    let is_numeric = |oid| kind(oid) == Kind::Numeric;
    let has_float = kind(left) == Kind::Float || kind(right) == Kind::Float;
    let has_numeric = is_numeric(left) || is_numeric(right);
    if is_number(left) && is_number(right) && has_numeric && !has_float && !is_bitwise {
        return Ok((Operator::Numeric(operation), types::NUMERIC));
    }
    if is_number(left) && is_number(right) && !is_bitwise && operation != Arithmetic::Modulo {
        if left == types::FLOAT4 && right == types::FLOAT4 && operation != Arithmetic::Power {
            return Ok((Operator::Float(operation), types::FLOAT4));
        }
        return Ok((Operator::Float(operation), types::FLOAT8));
    }
    Err(no_operator(symbol, left, right))
}

pub(super) fn no_operator(symbol: &str, left: TypeOid, right: TypeOid) -> QueryError {
    QueryError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("operator does not exist: {} {symbol} {}", type_name(left), type_name(right)),
    )
    .with_hint(
        "No operator matches the given name and argument types. You might need to add explicit type casts.",
    )
}

impl Operator {
    /// Value of the operator; all but array concatenation give null for a null operand.
    ///
    /// # Errors
    /// 22003, 22012, 2201B.
    pub(crate) fn apply(
        self,
        env: &Env<'_>,
        left: &Value,
        right: &Value,
    ) -> Result<Value, QueryError> {
        match self {
            Self::ArrayConcat => return concat_arrays(left, right),
            Self::ArrayAppend => return Ok(append(left.elements(), std::slice::from_ref(right))),
            Self::ArrayPrepend => return Ok(append(std::slice::from_ref(left), right.elements())),
            _ if left.is_null() || right.is_null() => return Ok(Value::Null),
            _ => {}
        }
        match self {
            Self::Compare(comparison) => Ok(Value::Bool(comparison.holds(left.compare(right)))),
            Self::Numeric(operation) => numeric(operation, left, right),
            Self::Join => Ok(join(left, right)),
            Self::Bits(operation) => bits(operation, left, right),
            Self::Temporal(operation) => operation.apply(env, left, right),
            Self::Document(operation) => operation.apply(left, right),
            Self::Range(operation) => operation.apply(left, right),
            Self::Regex { insensitive, negated } => {
                let found = env.matches(left.as_text(), right.as_text(), insensitive)?;
                Ok(Value::Bool(found != negated))
            }
            Self::Like { insensitive, negated, escape } => {
                let pattern = like_to_regex(right.as_text(), escape)?;
                Ok(Value::Bool(env.matches(left.as_text(), &pattern, insensitive)? != negated))
            }
            Self::Similar { negated } => {
                let pattern = similar_to_regex(right.as_text());
                Ok(Value::Bool(env.matches(left.as_text(), &pattern, false)? != negated))
            }
            Self::Concat { left: left_type, right: right_type } => {
                let left = text::cast(env, left, left_type, types::TEXT)?;
                let right = text::cast(env, right, right_type, types::TEXT)?;
                Ok(Value::text(format!("{}{}", left.as_text(), right.as_text())))
            }
            Self::Contains { swapped } => {
                let (outer, inner) = if swapped { (right, left) } else { (left, right) };
                let is_in = |element: &Value| outer.elements().contains(element);
                Ok(Value::Bool(inner.elements().iter().all(is_in)))
            }
            Self::Overlaps => Ok(Value::Bool(
                right.elements().iter().any(|element| left.elements().contains(element)),
            )),
            Self::Integer(operation, oid) => integer(operation, oid, left, right),
            Self::Float(operation) => float(operation, left, right),
            Self::ArrayConcat | Self::ArrayAppend | Self::ArrayPrepend => Ok(Value::Null),
        }
    }
}

/// Two arrays of one shape but for their first dimension, or an array and one of its members.
///
/// # Errors
/// 2202E for arrays of other shapes.
fn concat_arrays(left: &Value, right: &Value) -> Result<Value, QueryError> {
    match (left.is_null(), right.is_null()) {
        (true, _) => return Ok(right.clone()),
        (_, true) => return Ok(left.clone()),
        _ => {}
    }
    let (mut a, mut b) = (left.dimensions(), right.dimensions());
    if a.is_empty() || b.is_empty() {
        return Ok(if a.is_empty() { right.clone() } else { left.clone() });
    }
    let member = Dimension { lower: 1, length: 1 };
    if a.len() + 1 == b.len() {
        a.insert(0, Dimension { lower: b[0].lower, ..member });
    } else if b.len() + 1 == a.len() {
        b.insert(0, member);
    }
    let is_alike = a.len() == b.len()
        && a[1..].iter().zip(&b[1..]).all(|(left, right)| left.length == right.length);
    if !is_alike {
        return Err(QueryError::new(SqlState("2202E"), "cannot concatenate incompatible arrays"));
    }
    a[0].length = a[0].length.saturating_add(b[0].length);
    let elements = left.elements().iter().chain(right.elements()).cloned().collect();
    Ok(Value::shaped(a, elements))
}

fn append(left: &[Value], right: &[Value]) -> Value {
    Value::array(left.iter().chain(right).cloned().collect())
}

/// `&`, `|` or `#` of two integers of one type, or of two bit strings.
///
/// # Errors
/// 22026 for bit strings of different lengths.
pub(crate) fn bitwise(
    operation: Arithmetic,
    left: &Value,
    right: &Value,
) -> Result<Value, QueryError> {
    match left {
        Value::Int(_) => integer(operation, types::INT8, left, right),
        _ => bits(operation, left, right),
    }
}

/// The regular expression of a LIKE pattern.
///
/// # Errors
/// 22025 for a pattern that ends with the escape character.
pub(crate) fn like_to_regex(pattern: &str, escape: Option<char>) -> Result<String, QueryError> {
    let mut regex = String::with_capacity(pattern.len() + 8);
    regex.push_str("^(?:");
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            _ if Some(character) == escape => {
                let literal = characters.next().ok_or_else(|| {
                    QueryError::new(
                        SqlState("22025"),
                        "LIKE pattern must not end with escape character",
                    )
                })?;
                regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
            }
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push_str(")$");
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns_match_whole_texts_and_honour_the_escape() {
        assert_eq!(like_to_regex("a%_", Some('\\')).unwrap(), "^(?:a.*.)$");
        assert_eq!(like_to_regex("pg/_%", Some('/')).unwrap(), "^(?:pg_.*)$");
        assert_eq!(like_to_regex("a.\\%", Some('\\')).unwrap(), "^(?:a\\.%)$");
        assert_eq!(like_to_regex("a\\", Some('\\')).unwrap_err().state, SqlState("22025"));
    }
}
