//! Comparisons: literals take the type of the other side, 256-bit integers and bytes stay what they are.

use std::cmp::Ordering;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, InList};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, cast, lit};
use datafusion::scalar::ScalarValue;

use super::cast::{decide_cast, literal_list};
use crate::functions::pg_cast::{CastKind, PgCast};
use crate::functions::sql;
use crate::types::bytea;
use crate::types::class::{Class, is_small_literal, narrowed, operand_name, unknown_literal};
use crate::types::numeric::Numeric;
use crate::types::operator::{native, undefined_operator};
use crate::{QueryError, SqlState};

/// `left operator right` as an expression that DataFusion evaluates natively.
pub(super) fn compare(
    operator: Operator,
    left: Expr,
    right: Expr,
    schema: &DFSchema,
) -> Result<Expr> {
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    let (left_class, right_class) = (Class::of(&left_type), Class::of(&right_type));
    match (left_class, right_class) {
        (Class::Uint256, Class::Uint256) | (Class::Null, _) | (_, Class::Null) => {
            Ok(native(operator, left, right))
        }
        (Class::Uint256, _) => uint256(operator, left, right, &right_type),
        (_, Class::Uint256) => {
            let swapped = operator.swap().unwrap_or(operator);
            uint256(swapped, right, left, &left_type)
        }
        (Class::Bytes, _) | (_, Class::Bytes) => {
            bytes(operator, (left, &left_type), (right, &right_type))
        }
        (Class::Text, number) if number.is_number() => match unknown_literal(&left) {
            Some(text) => {
                let number = Class::of(narrowed(&right, &right_type));
                Ok(native(operator, literal_as(text, number)?.0, right))
            }
            None if matches!(left, Expr::Placeholder(_)) => {
                Ok(native(operator, cast(left, right_type), right))
            }
            None => Err(mismatch(operator, (&left, &left_type), (&right, &right_type))),
        },
        (number, Class::Text) if number.is_number() => match unknown_literal(&right) {
            Some(text) => {
                let number = Class::of(narrowed(&left, &left_type));
                Ok(native(operator, left, literal_as(text, number)?.0))
            }
            None if matches!(right, Expr::Placeholder(_)) => {
                Ok(native(operator, left, cast(right, left_type)))
            }
            None => Err(mismatch(operator, (&left, &left_type), (&right, &right_type))),
        },
        (Class::Text, Class::Other) if right_type == DataType::Boolean => {
            Ok(native(operator, boolean(left)?, right))
        }
        (Class::Other, Class::Text) if left_type == DataType::Boolean => {
            Ok(native(operator, left, boolean(right)?))
        }
        (Class::Int2 | Class::Int4, _) if is_small_literal(&right) => {
            Ok(native(operator, left, small(right)))
        }
        (_, Class::Int2 | Class::Int4) if is_small_literal(&left) => {
            Ok(native(operator, small(left), right))
        }
        (Class::Text, Class::Other) if unknown_literal(&left).is_some() => {
            let left = literal_in(left, &right_type, schema)?;
            temporal(operator, left, right, schema)
        }
        (Class::Other, Class::Text) if unknown_literal(&right).is_some() => {
            let right = literal_in(right, &left_type, schema)?;
            temporal(operator, left, right, schema)
        }
        (Class::Other, Class::Other) => temporal(operator, left, right, schema),
        (number, Class::Other) | (Class::Other, number) if number.is_number() => {
            Err(mismatch(operator, (&left, &left_type), (&right, &right_type)))
        }
        _ => Ok(native(operator, left, right)),
    }
}

/// A literal in quotes as a value of the type of the other side.
fn literal_in(literal: Expr, to: &DataType, schema: &DFSchema) -> Result<Expr> {
    if let (DataType::List(element), Some(text)) = (to, unknown_literal(&literal)) {
        return literal_list(text, element.data_type(), schema);
    }
    if !(to.is_temporal() || matches!(to, DataType::Interval(_))) {
        return Ok(literal);
    }
    let cast = Expr::Cast(Cast::new(Box::new(literal), to.clone()));
    decide_cast(cast, schema).map(|decided| decided.data)
}

/// Intervals compare by length; the rest is left to the engine.
fn temporal(operator: Operator, left: Expr, right: Expr, schema: &DFSchema) -> Result<Expr> {
    let types = [left.get_type(schema)?, right.get_type(schema)?];
    if types.iter().any(|found| matches!(found, DataType::Interval(_)))
        && let Some(chosen) = sql::operator(operator, &[Some(&types[0]), Some(&types[1])])
    {
        return super::sql_call(chosen, vec![left, right], schema);
    }
    Ok(native(operator, left, right))
}

/// A literal in quotes as PostgreSQL reads it for `boolean`.
fn boolean(expr: Expr) -> Result<Expr> {
    let Some(text) = unknown_literal(&expr) else { return Ok(expr) };
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Ok(lit(true)),
        "f" | "false" | "n" | "no" | "off" | "0" => Ok(lit(false)),
        _ => Err(QueryError::new(
            SqlState::INVALID_TEXT,
            format!("invalid input syntax for type boolean: \"{text}\""),
        )
        .about(text)
        .into()),
    }
}

/// `expr [NOT] IN (list)`: a list of literals of one type stays a list, so that files are pruned.
pub(super) fn in_list(list: InList, schema: &DFSchema) -> Result<Expr> {
    let compared = list
        .list
        .into_iter()
        .map(|item| compare(Operator::Eq, (*list.expr).clone(), item, schema))
        .collect::<Result<Vec<_>>>()?;
    let mut subject: Option<Expr> = None;
    let mut items = Vec::with_capacity(compared.len());
    for expr in &compared {
        let Expr::BinaryExpr(binary) = expr else { break };
        let is_literal = matches!(&*binary.right, Expr::Literal(..));
        if !is_literal || subject.as_ref().is_some_and(|first| first != &*binary.left) {
            break;
        }
        subject.get_or_insert_with(|| (*binary.left).clone());
        items.push((*binary.right).clone());
    }
    match subject {
        Some(subject) if items.len() == compared.len() => {
            Ok(Expr::InList(InList::new(Box::new(subject), items, list.negated)))
        }
        _ => {
            let any = compared.into_iter().reduce(Expr::or).unwrap_or_else(|| lit(false));
            Ok(if list.negated { Expr::Not(Box::new(any)) } else { any })
        }
    }
}

/// The literal `text` read as PostgreSQL reads it for a number of class `class`.
pub(super) fn literal_as(text: &str, class: Class) -> Result<(Expr, Class)> {
    let trimmed = text.trim();
    let integer = |name: &str, min: i64, max: i64| -> Result<i64, QueryError> {
        let number = Numeric::parse(trimmed)
            .ok()
            .filter(|number| number.scale == 0 && !trimmed.contains(['e', 'E', '.']))
            .ok_or_else(|| {
                QueryError::new(
                    SqlState::INVALID_TEXT,
                    format!("invalid input syntax for type {name}: \"{text}\""),
                )
                .about(text)
            })?;
        let sign = if number.negative { "-" } else { "" };
        format!("{sign}{}", number.digits)
            .parse::<i64>()
            .ok()
            .filter(|value| (min..=max).contains(value))
            .ok_or_else(|| {
                QueryError::new(
                    SqlState::NUMERIC_OUT_OF_RANGE,
                    format!("value \"{text}\" is out of range for type {name}"),
                )
                .about(text)
            })
    };
    let scalar = match class {
        Class::Int2 => {
            let value = integer("smallint", i64::from(i16::MIN), i64::from(i16::MAX))?;
            ScalarValue::Int16(i16::try_from(value).ok())
        }
        Class::Int4 => {
            let value = integer("integer", i64::from(i32::MIN), i64::from(i32::MAX))?;
            ScalarValue::Int32(i32::try_from(value).ok())
        }
        Class::Int8 => ScalarValue::Int64(Some(integer("bigint", i64::MIN, i64::MAX)?)),
        Class::Float => ScalarValue::Float64(Some(float(text)?)),
        _ => {
            let scalar = Numeric::parse(text)?.to_scalar()?;
            let class = Class::of(&scalar.data_type());
            return Ok((Expr::Literal(scalar, None), class));
        }
    };
    Ok((Expr::Literal(scalar, None), class))
}

fn float(text: &str) -> Result<f64, QueryError> {
    text.trim().parse().map_err(|_| {
        QueryError::new(
            SqlState::INVALID_TEXT,
            format!("invalid input syntax for type double precision: \"{text}\""),
        )
        .about(text)
    })
}

fn small(literal: Expr) -> Expr {
    match literal {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => match i32::try_from(value) {
            Ok(small) => lit(small),
            Err(_) => lit(value),
        },
        other => other,
    }
}

/// The number that a literal holds, if it is a literal of a number or of text.
pub(super) fn literal_number(expr: &Expr) -> Result<Option<Numeric>, QueryError> {
    if let Some(text) = unknown_literal(expr) {
        return Numeric::parse(text).map(Some);
    }
    let expr = match expr {
        Expr::Alias(alias) => &*alias.expr,
        other => other,
    };
    let Expr::Literal(scalar, _) = expr else { return Ok(None) };
    let text = match scalar {
        ScalarValue::Int64(Some(value)) => value.to_string(),
        ScalarValue::Int32(Some(value)) => value.to_string(),
        ScalarValue::Int16(Some(value)) => value.to_string(),
        ScalarValue::UInt64(Some(value)) => value.to_string(),
        ScalarValue::Decimal128(Some(value), _, scale) => format!("{value}e{}", -scale),
        ScalarValue::Decimal256(Some(value), _, scale) => format!("{value}e{}", -scale),
        _ => return Ok(None),
    };
    Numeric::parse(&text).map(Some)
}

/// A 256-bit integer literal.
pub(super) fn uint256_literal(bytes: [u8; 32]) -> Expr {
    Expr::Literal(ScalarValue::LargeBinary(Some(bytes.to_vec())), None)
}

fn uint256(operator: Operator, left: Expr, right: Expr, right_type: &DataType) -> Result<Expr> {
    if let Some(number) = literal_number(&right)? {
        return Ok(uint256_with_literal(operator, left, &number));
    }
    let right_class = Class::of(right_type);
    if right_class.is_integer() || matches!(right_class, Class::Decimal(..)) {
        let left = PgCast::call(CastKind::Uint256ToDecimal { precision: 76, scale: 0 }, left);
        return Ok(native(operator, left, right));
    }
    Err(mismatch(operator, (&left, &DataType::LargeBinary), (&right, right_type)))
}

/// Comparison with a number that may lie outside the 256-bit range or between two integers.
fn uint256_with_literal(operator: Operator, left: Expr, number: &Numeric) -> Expr {
    let zero = || uint256_literal([0; 32]);
    // Always true, or always false, but NULL for NULL as every comparison.
    let always = |left: Expr| native(Operator::GtEq, left, zero());
    let never = |left: Expr| native(Operator::Lt, left, zero());
    match (number.to_uint256(), operator) {
        (Ok((bytes, false)), _) => native(operator, left, uint256_literal(bytes)),
        (Ok((bytes, true)), Operator::Lt | Operator::LtEq) => {
            native(Operator::LtEq, left, uint256_literal(bytes))
        }
        (Ok((bytes, true)), Operator::Gt | Operator::GtEq) => {
            native(Operator::Gt, left, uint256_literal(bytes))
        }
        (_, Operator::IsDistinctFrom) => lit(true),
        (_, Operator::IsNotDistinctFrom) => lit(false),
        (_, Operator::NotEq)
        | (Err(Ordering::Less), Operator::Gt | Operator::GtEq)
        | (Err(_), Operator::Lt | Operator::LtEq)
            if !matches!((number.negative, operator), (true, Operator::Lt | Operator::LtEq)) =>
        {
            always(left)
        }
        _ => never(left),
    }
}

fn bytes(
    operator: Operator,
    (left, left_type): (Expr, &DataType),
    (right, right_type): (Expr, &DataType),
) -> Result<Expr> {
    let left = bytes_side(left, left_type, right_type);
    let right = bytes_side(right, right_type, left_type);
    match (left, right) {
        (Side::Typed(left), Side::Typed(right)) if left_type == right_type => {
            Ok(native(operator, left, right))
        }
        (Side::Literal(text, _), Side::Typed(right)) => {
            let literal = bytes_literal(&text, right_type)?;
            Ok(fitted(operator, (literal, DataType::Null), (right, right_type.clone()), true))
        }
        (Side::Typed(left), Side::Literal(text, _)) => {
            let literal = bytes_literal(&text, left_type)?;
            Ok(fitted(operator, (literal, DataType::Null), (left, left_type.clone()), false))
        }
        (Side::Typed(left), Side::Typed(right)) => {
            Ok(native(operator, as_binary(left), as_binary(right)))
        }
        (left, right) => Err(mismatch(
            operator,
            (&left.into_expr(), left_type),
            (&right.into_expr(), right_type),
        )),
    }
}

/// One operand of a comparison of bytes.
enum Side {
    /// Bytes already.
    Typed(Expr),
    /// A literal in quotes.
    Literal(String, Expr),
    /// Something else.
    Other(Expr),
}

impl Side {
    fn into_expr(self) -> Expr {
        match self {
            Self::Typed(expr) | Self::Literal(_, expr) | Self::Other(expr) => expr,
        }
    }
}

fn bytes_side(expr: Expr, own: &DataType, other: &DataType) -> Side {
    if Class::of(own) == Class::Bytes {
        // A parameter or a cast literal compares as a literal does, so that it is pruned as one.
        return Side::Typed(refit(expr, other));
    }
    match unknown_literal(&expr).map(str::to_owned) {
        Some(text) => Side::Literal(text, expr),
        // Its text is read once it is known; until then only the types matter.
        None if matches!(expr, Expr::Placeholder(_)) => Side::Typed(expr),
        None => Side::Other(expr),
    }
}

/// A bytes literal with the width of `other`, where it has just that width.
fn refit(expr: Expr, other: &DataType) -> Expr {
    match (&expr, other) {
        (Expr::Literal(ScalarValue::Binary(Some(bytes)), _), DataType::FixedSizeBinary(width))
            if i32::try_from(bytes.len()) == Ok(*width) =>
        {
            Expr::Literal(ScalarValue::FixedSizeBinary(*width, Some(bytes.clone())), None)
        }
        _ => expr,
    }
}

fn bytes_literal(text: &str, other: &DataType) -> Result<Expr> {
    let literal = Expr::Literal(ScalarValue::Binary(Some(bytea::parse(text)?)), None);
    Ok(refit(literal, other))
}

fn fitted(
    operator: Operator,
    (literal, _): (Expr, DataType),
    (other, other_type): (Expr, DataType),
    literal_first: bool,
) -> Expr {
    let same = matches!(
        (&literal, &other_type),
        (Expr::Literal(ScalarValue::FixedSizeBinary(..), _), DataType::FixedSizeBinary(_))
            | (Expr::Literal(ScalarValue::Binary(_), _), DataType::Binary)
    );
    let other = if same { other } else { as_binary(other) };
    if literal_first { native(operator, literal, other) } else { native(operator, other, literal) }
}

fn as_binary(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(ScalarValue::FixedSizeBinary(_, bytes), metadata) => {
            Expr::Literal(ScalarValue::Binary(bytes), metadata)
        }
        literal @ Expr::Literal(ScalarValue::Binary(_), _) => literal,
        other => cast(other, DataType::Binary),
    }
}

fn mismatch(
    operator: Operator,
    (left, left_type): (&Expr, &DataType),
    (right, right_type): (&Expr, &DataType),
) -> datafusion::common::DataFusionError {
    undefined_operator(operator, &operand_name(left, left_type), &operand_name(right, right_type))
        .into()
}
