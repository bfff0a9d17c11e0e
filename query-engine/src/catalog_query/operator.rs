//! Binary operators: which one a pair of types names, and its value.

use std::cmp::Ordering;

use super::env::Env;
use super::types::{self, Kind, TypeOid, element, is_text, kind, type_name};
use super::{Value, text, unsupported};
use crate::{QueryError, SqlState};

/// An operator with its operand types resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `=`, `<>`, `<`, `<=`, `>`, `>=`.
    Compare(Comparison),
    /// `~`, `~*`, `!~`, `!~*`.
    Regex { insensitive: bool, negated: bool },
    /// LIKE and ILIKE.
    Like { insensitive: bool, negated: bool, escape: Option<char> },
    /// `||` of texts; operands of other types are shown first.
    Concat { left: TypeOid, right: TypeOid },
    /// `||` of two arrays.
    ArrayConcat,
    /// `||` of an array and an element.
    ArrayAppend,
    /// `||` of an element and an array.
    ArrayPrepend,
    /// `@>` of arrays.
    Contains,
    /// `&&` of arrays.
    Overlaps,
    /// `+ - * / %` and bit operators on integers; the result must fit `TypeOid`.
    Integer(Arithmetic, TypeOid),
    /// `+ - * /` on floats.
    Float(Arithmetic),
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
    BitAnd,
    BitOr,
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
    if let Some(operator) = pattern(symbol) {
        let matched = matches!((kind(left), kind(right)), (Kind::Text, Kind::Text));
        return matched
            .then_some((operator, types::BOOL))
            .ok_or_else(|| no_operator(symbol, left, right));
    }
    match symbol {
        "||" => concat(left, right),
        "@>" | "&&" if kind(left) == Kind::Array && kind(right) == Kind::Array => {
            let operator = if symbol == "@>" { Operator::Contains } else { Operator::Overlaps };
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
        (Kind::Int, Kind::Float) | (Kind::Float, Kind::Int) => true,
        (Kind::Array, Kind::Array) => match (element(left), element(right)) {
            (Some(left), Some(right)) => comparable(left, right),
            _ => true,
        },
        (Kind::Text, Kind::Text) => left == right || (is_text(left) && is_text(right)),
        (left, right) => left == right,
    }
}

fn concat(left: TypeOid, right: TypeOid) -> Result<(Operator, TypeOid), QueryError> {
    match (kind(left), kind(right)) {
        (Kind::Array, Kind::Array) => Ok((Operator::ArrayConcat, left)),
        (Kind::Array, _) => Ok((Operator::ArrayAppend, left)),
        (_, Kind::Array) => Ok((Operator::ArrayPrepend, right)),
        _ if is_text(left) || is_text(right) => Ok((Operator::Concat { left, right }, types::TEXT)),
        _ => Err(no_operator("||", left, right)),
    }
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
        "&" => Arithmetic::BitAnd,
        "|" => Arithmetic::BitOr,
        "<<" => Arithmetic::ShiftLeft,
        ">>" => Arithmetic::ShiftRight,
        _ => return Err(unsupported(format!("operator {symbol}"))),
    };
    let is_integer = |oid| matches!(oid, types::INT2 | types::INT4 | types::INT8);
    let is_number = |oid| is_integer(oid) || kind(oid) == Kind::Float;
    if is_integer(left) && is_integer(right) {
        let wider = [types::INT8, types::INT4, types::INT2]
            .into_iter()
            .find(|oid| *oid == left || *oid == right)
            .unwrap_or(types::INT4);
        return Ok((Operator::Integer(operation, wider), wider));
    }
    let has_floats = matches!(
        operation,
        Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply | Arithmetic::Divide
    );
    if is_number(left) && is_number(right) && has_floats {
        return Ok((Operator::Float(operation), types::FLOAT8));
    }
    Err(no_operator(symbol, left, right))
}

fn no_operator(symbol: &str, left: TypeOid, right: TypeOid) -> QueryError {
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
            Self::ArrayConcat => return Ok(concat_arrays(left, right)),
            Self::ArrayAppend => return Ok(append(left.elements(), std::slice::from_ref(right))),
            Self::ArrayPrepend => return Ok(append(std::slice::from_ref(left), right.elements())),
            _ if left.is_null() || right.is_null() => return Ok(Value::Null),
            _ => {}
        }
        match self {
            Self::Compare(comparison) => Ok(Value::Bool(comparison.holds(left.compare(right)))),
            Self::Regex { insensitive, negated } => {
                let found = env.matches(left.as_text(), right.as_text(), insensitive)?;
                Ok(Value::Bool(found != negated))
            }
            Self::Like { insensitive, negated, escape } => {
                let pattern = like_to_regex(right.as_text(), escape)?;
                Ok(Value::Bool(env.matches(left.as_text(), &pattern, insensitive)? != negated))
            }
            Self::Concat { left: left_type, right: right_type } => {
                let mut joined = text::output(env, left, left_type);
                joined.push_str(&text::output(env, right, right_type));
                Ok(Value::text(joined))
            }
            Self::Contains => Ok(Value::Bool(
                right.elements().iter().all(|element| left.elements().contains(element)),
            )),
            Self::Overlaps => Ok(Value::Bool(
                right.elements().iter().any(|element| left.elements().contains(element)),
            )),
            Self::Integer(operation, oid) => integer(operation, oid, left, right),
            Self::Float(operation) => float(operation, left, right),
            Self::ArrayConcat | Self::ArrayAppend | Self::ArrayPrepend => Ok(Value::Null),
        }
    }
}

fn concat_arrays(left: &Value, right: &Value) -> Value {
    match (left.is_null(), right.is_null()) {
        (true, _) => right.clone(),
        (_, true) => left.clone(),
        _ => append(left.elements(), right.elements()),
    }
}

fn append(left: &[Value], right: &[Value]) -> Value {
    Value::array(left.iter().chain(right).cloned().collect())
}

fn integer(
    operation: Arithmetic,
    oid: TypeOid,
    left: &Value,
    right: &Value,
) -> Result<Value, QueryError> {
    let (Some(left), Some(right)) = (left.as_int(), right.as_int()) else {
        return Ok(Value::Null);
    };
    let width = match oid {
        types::INT2 => 16,
        types::INT4 => 32,
        _ => 64,
    };
    // As PostgreSQL on x86: the distance counts modulo the width of the type.
    let distance = (right.rem_euclid(width)) as u32;
    let result = match operation {
        Arithmetic::Divide | Arithmetic::Modulo if right == 0 => {
            return Err(QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide => left.checked_div(right),
        // The remainder of the lowest number by -1 is 0, though the division overflows.
        Arithmetic::Modulo => Some(left.wrapping_rem(right)),
        Arithmetic::BitAnd => Some(left & right),
        Arithmetic::BitOr => Some(left | right),
        Arithmetic::ShiftLeft => Some(sign_extend(left.wrapping_shl(distance), width)),
        Arithmetic::ShiftRight => Some(left >> distance),
    };
    // i64::MAX + 1 and the like: reported as the type's own overflow.
    match result {
        Some(result) => text::check_range(result, oid).map(Value::Int),
        None => Err(QueryError::new(
            SqlState::NUMERIC_OUT_OF_RANGE,
            format!("{} out of range", type_name(oid)),
        )),
    }
}

fn sign_extend(value: i64, width: i64) -> i64 {
    let unused = 64 - width as u32;
    value.wrapping_shl(unused) >> unused
}

fn float(operation: Arithmetic, left: &Value, right: &Value) -> Result<Value, QueryError> {
    let number = |value: &Value| match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        _ => f64::NAN,
    };
    let (left, right) = (number(left), number(right));
    let result = match operation {
        Arithmetic::Divide if right == 0.0 => {
            return Err(QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        _ => left / right,
    };
    if result.is_infinite() && left.is_finite() && right.is_finite() {
        return Err(QueryError::new(
            SqlState::NUMERIC_OUT_OF_RANGE,
            "value out of range: overflow",
        ));
    }
    Ok(Value::Float(result))
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

    #[test]
    fn integers_never_wrap() {
        let apply = |operation, left, right| {
            integer(operation, types::INT4, &Value::Int(left), &Value::Int(right))
        };
        let max = i64::from(i32::MAX);
        assert_eq!(apply(Arithmetic::Add, max - 1, 1).unwrap(), Value::Int(max));
        assert_eq!(
            apply(Arithmetic::Add, max, 1).unwrap_err().state,
            SqlState::NUMERIC_OUT_OF_RANGE
        );
        assert_eq!(apply(Arithmetic::Divide, 1, 0).unwrap_err().state, SqlState::DIVISION_BY_ZERO);
        assert_eq!(apply(Arithmetic::ShiftLeft, 1, 33).unwrap(), Value::Int(2));
    }
}
