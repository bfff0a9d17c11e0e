//! One type for the branches of CASE and the operands of COALESCE, NULLIF, GREATEST and LEAST.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, ExprSchemable, cast, lit};
use datafusion::scalar::ScalarValue;

use super::cast::decide_cast;
use super::compare::{literal_as, literal_number, uint256_literal};
use crate::functions::pg_cast::{CastKind, PgCast};
use crate::types::bytea;
use crate::types::class::{Class, is_small_literal, type_name, unknown_literal};
use crate::{QueryError, SqlState};

/// `exprs` brought to one type, in order. Types that DataFusion reconciles by itself are left to it.
pub(super) fn unify(exprs: Vec<Expr>, what: &str, schema: &DFSchema) -> Result<Vec<Expr>> {
    let types =
        exprs.iter().map(|expr| expr.get_type(schema)).collect::<Result<Vec<DataType>>>()?;
    let classes: Vec<Class> = types.iter().map(Class::of).collect();
    if classes.contains(&Class::Uint256) {
        return uint256(exprs, &types, what);
    }
    if classes.contains(&Class::Bytes) {
        return bytes(exprs, &types, what);
    }
    let number = classes
        .iter()
        .zip(&exprs)
        .filter(|(class, _)| class.is_number())
        .map(|(class, expr)| if is_small_literal(expr) { Class::Int4 } else { *class })
        .max_by_key(|class| rank(*class));
    let Some(number) = number else { return others(exprs, &types, schema) };
    exprs
        .into_iter()
        .zip(types)
        .map(|(expr, data_type)| match (unknown_literal(&expr), Class::of(&data_type)) {
            (Some(text), _) => Ok(literal_as(text, number)?.0),
            (None, Class::Text | Class::Other) => {
                Err(no_match(what, &number.arrow().unwrap_or(DataType::Null), &data_type))
            }
            // A float among exact numbers makes all of them floats.
            (None, class) if number == Class::Float && class.is_number() => {
                if class == Class::Float { Ok(expr) } else { Ok(cast(expr, DataType::Float64)) }
            }
            _ => Ok(narrow(expr, number)),
        })
        .collect()
}

/// Literals in quotes take the type of what is neither text nor a number.
fn others(exprs: Vec<Expr>, types: &[DataType], schema: &DFSchema) -> Result<Vec<Expr>> {
    let known = types.iter().find(|found| Class::of(found) == Class::Other);
    let Some(known) = known.filter(|known| known.is_temporal() || is_interval(known)) else {
        return Ok(exprs);
    };
    exprs
        .into_iter()
        .map(|expr| match unknown_literal(&expr) {
            Some(_) => {
                let cast = Expr::Cast(Cast::new(Box::new(expr), known.clone()));
                decide_cast(cast, schema).map(|decided| decided.data)
            }
            None => Ok(expr),
        })
        .collect()
}

fn is_interval(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(_))
}

fn rank(class: Class) -> u8 {
    match class {
        Class::Int2 => 0,
        Class::Int4 => 1,
        Class::Int8 => 2,
        Class::Decimal(..) => 3,
        _ => 4,
    }
}

/// An integer literal is `integer` when all its fellows are.
fn narrow(expr: Expr, number: Class) -> Expr {
    match &expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), _)
            if matches!(number, Class::Int2 | Class::Int4) =>
        {
            i32::try_from(*value).map_or(expr, lit)
        }
        _ => expr,
    }
}

fn uint256(exprs: Vec<Expr>, types: &[DataType], what: &str) -> Result<Vec<Expr>> {
    let mut converted = Vec::with_capacity(exprs.len());
    for (expr, data_type) in exprs.iter().zip(types) {
        match Class::of(data_type) {
            Class::Uint256 => converted.push(Some(expr.clone())),
            Class::Null => {
                converted.push(Some(Expr::Literal(ScalarValue::LargeBinary(None), None)))
            }
            _ => converted.push(match literal_number(expr)? {
                Some(number) => match number.to_uint256() {
                    Ok((bytes, false)) => Some(uint256_literal(bytes)),
                    _ => None,
                },
                None => None,
            }),
        }
    }
    if converted.iter().all(Option::is_some) {
        return Ok(converted.into_iter().flatten().collect());
    }
    // Something is not a 256-bit integer: all become numeric, exactly or with 22003.
    exprs
        .into_iter()
        .zip(types)
        .map(|(expr, data_type)| match (Class::of(data_type), unknown_literal(&expr)) {
            (Class::Uint256, _) => {
                Ok(PgCast::call(CastKind::Uint256ToDecimal { precision: 76, scale: 0 }, expr))
            }
            (_, Some(text)) => Ok(literal_as(text, Class::Decimal(76, 0))?.0),
            (class, None)
                if class.is_integer() || matches!(class, Class::Decimal(..) | Class::Null) =>
            {
                Ok(expr)
            }
            _ => Err(no_match(what, &DataType::LargeBinary, data_type)),
        })
        .collect()
}

fn bytes(exprs: Vec<Expr>, types: &[DataType], what: &str) -> Result<Vec<Expr>> {
    let first = types.iter().find(|data_type| Class::of(data_type) == Class::Bytes);
    let same = types.iter().all(|data_type| Some(data_type) == first);
    if same {
        return Ok(exprs);
    }
    exprs
        .into_iter()
        .zip(types)
        .map(|(expr, data_type)| match (Class::of(data_type), unknown_literal(&expr)) {
            (Class::Bytes | Class::Null, _) => Ok(cast(expr, DataType::Binary)),
            (_, Some(text)) => {
                Ok(Expr::Literal(ScalarValue::Binary(Some(bytea::parse(text)?)), None))
            }
            _ => Err(no_match(what, &DataType::Binary, data_type)),
        })
        .collect()
}

fn no_match(
    what: &str,
    first: &DataType,
    second: &DataType,
) -> datafusion::common::DataFusionError {
    QueryError::new(
        SqlState::DATATYPE_MISMATCH,
        format!(
            "{} types {} and {} cannot be matched",
            what.to_uppercase(),
            type_name(first),
            type_name(second)
        ),
    )
    .into()
}
