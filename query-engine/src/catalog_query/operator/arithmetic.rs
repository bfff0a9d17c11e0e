//! Arithmetic on numbers, and operators of bit strings and bytes.

use super::super::types::{self, TypeOid, type_name};
use super::super::{Value, text};
use super::Arithmetic;
use crate::values::decimal::Decimal;
use crate::{QueryError, SqlState};

/// The number that a value of any number type is.
fn decimal(value: &Value) -> Decimal {
    match value {
        Value::Int(value) => Decimal::from_int(*value),
        Value::Numeric(value) => Decimal::clone(value),
        _ => Decimal::NaN,
    }
}

pub(super) fn numeric(
    operation: Arithmetic,
    left: &Value,
    right: &Value,
) -> Result<Value, QueryError> {
    let (left, right) = (decimal(left), decimal(right));
    let result = match operation {
        Arithmetic::Add => left.add(&right),
        Arithmetic::Subtract => left.subtract(&right),
        Arithmetic::Multiply => left.multiply(&right),
        Arithmetic::Divide => left.divide(&right),
        Arithmetic::Modulo => left.remainder(&right),
        _ => left.power(&right),
    };
    result.map(Value::numeric)
}

pub(super) fn join(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Bytes(left), Value::Bytes(right)) => {
            Value::Bytes(left.iter().chain(right.iter()).copied().collect())
        }
        _ => Value::text(format!("{}{}", left.as_text(), right.as_text())),
    }
}

pub(super) fn bits(
    operation: Arithmetic,
    left: &Value,
    right: &Value,
) -> Result<Value, QueryError> {
    let digits = left.as_text();
    if let Value::Int(distance) = right {
        let is_left = (operation == Arithmetic::ShiftLeft) == (*distance >= 0);
        let by = usize::try_from(distance.unsigned_abs()).unwrap_or(usize::MAX).min(digits.len());
        let zeros = "0".repeat(by);
        return Ok(Value::text(if is_left {
            format!("{}{zeros}", &digits[by..])
        } else {
            format!("{zeros}{}", &digits[..digits.len() - by])
        }));
    }
    let other = right.as_text();
    if digits.len() != other.len() {
        let name = match operation {
            Arithmetic::BitAnd => "AND",
            Arithmetic::BitOr => "OR",
            _ => "XOR",
        };
        let message = format!("cannot {name} bit strings of different sizes");
        return Err(QueryError::new(SqlState("22026"), message));
    }
    let pairs = digits.bytes().zip(other.bytes()).map(|(left, right)| {
        let (left, right) = (left == b'1', right == b'1');
        let is_set = match operation {
            Arithmetic::BitAnd => left && right,
            Arithmetic::BitOr => left || right,
            _ => left != right,
        };
        if is_set { '1' } else { '0' }
    });
    Ok(Value::text(pairs.collect::<String>()))
}

pub(super) fn integer(
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
        Arithmetic::BitXor => Some(left ^ right),
        Arithmetic::Power => None,
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

pub(super) fn float(
    operation: Arithmetic,
    left: &Value,
    right: &Value,
) -> Result<Value, QueryError> {
    let number = |value: &Value| match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Numeric(value) => value.to_float(),
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
        Arithmetic::Power => left.powf(right),
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

#[cfg(test)]
mod tests {
    use super::*;

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
