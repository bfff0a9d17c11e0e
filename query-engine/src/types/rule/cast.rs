//! Casts as PostgreSQL has them.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{Expr, ExprSchemable, lit};
use datafusion::scalar::ScalarValue;

use super::compare::{literal_as, literal_number, uint256_literal};
use crate::catalog::PG_TYPE_KEY;
use crate::catalog_query::text::split_array;
use crate::catalog_query::types;
use crate::functions::pg_cast::{CastKind, PgCast};
use crate::functions::sql;
use crate::functions::text_form::TextForm;
use crate::types::class::{Class, timestamptz, type_name, unknown_literal};
use crate::types::numeric::{Numeric, QUOTIENT_SCALE, out_of_range};
use crate::types::planner::{BARE_NUMERIC_KEY, LENGTH_KEY};
use crate::types::{bytea, interval};
use crate::values::decode::datetime::{parse_date, parse_time, parse_timestamp};
use crate::values::{TextStyle, Zone};
use crate::{QueryError, SqlState};

/// Decides a CAST; TRY_CAST is not PostgreSQL's and is refused where it would touch our types.
pub(super) fn decide_cast(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Cast { expr: inner, field } = match expr {
        Expr::Cast(cast) => cast,
        Expr::TryCast(TryCast { .. }) => {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "TRY_CAST is not supported",
            )
            .with_hint("Use CAST.")
            .into());
        }
        other => return Ok(Transformed::no(other)),
    };
    let source_type = inner.get_type(schema)?;
    let source = Class::of(&source_type);
    let target = Class::of(field.data_type());
    let bare = field.metadata().contains_key(BARE_NUMERIC_KEY);
    let decided = match (source, target) {
        (Class::Null, _) => plain(*inner, &field),
        (Class::Uint256, _) => from_uint256(*inner, &field, bare)?,
        (_, Class::Uint256) => to_uint256(*inner, source, &source_type)?,
        (Class::Bytes, Class::Bytes) => plain(*inner, &field),
        (Class::Bytes, Class::Text) => {
            shortened(PgCast::call(CastKind::BytesToText, *inner), &field)?
        }
        (Class::Text, Class::Bytes) => match unknown_literal(&inner) {
            Some(text) => Expr::Literal(ScalarValue::Binary(Some(bytea::parse(text)?)), None),
            None => PgCast::call(CastKind::TextToBytes, *inner),
        },
        (Class::Bytes, _) | (_, Class::Bytes) => return Err(cannot_cast(&source_type, &field)),
        // By way of its digits: the carrier has more of them than a float divides exactly.
        (Class::Decimal(_, scale), Class::Float) if scale >= QUOTIENT_SCALE => {
            plain(TextForm::call(TextStyle::default(), *inner), &field)
        }
        (Class::Decimal(..) | Class::Float, to) if to.is_integer() => {
            PgCast::call(CastKind::NumberToInteger(field.data_type().clone()), *inner)
        }
        (Class::Text, number) if number.is_number() => match unknown_literal(&inner) {
            Some(text) if bare => Expr::Literal(Numeric::parse(text)?.to_scalar()?, None),
            Some(text) => with_type(literal_as(text, number)?.0, &field),
            None if bare => PgCast::call(CastKind::TextToNumeric, *inner),
            None if let Class::Decimal(precision, scale) = number => {
                PgCast::call(CastKind::TextToDecimal { precision, scale }, *inner)
            }
            None => plain(*inner, &field),
        },
        (Class::Text, _) if is_temporal(field.data_type()) => temporal(*inner, &field)?,
        (Class::Other, _) if is_temporal(field.data_type()) && is_temporal(&source_type) => {
            between(*inner, &source_type, &field)
        }
        (Class::Text, _) if matches!(field.data_type(), DataType::Interval(_)) => {
            to_interval(*inner, &field)?
        }
        (Class::Float, Class::Decimal(..)) if bare => digits_of_float(*inner, &source_type),
        (_, Class::Decimal(..)) if bare => bare_numeric(*inner, source, field)?,
        (Class::Text, Class::Text) if let Some(name) = json_function(&inner, &field, schema)? => {
            sql::call(name, vec![plain(*inner, &text_field())]).unwrap_or_else(|| lit(""))
        }
        (_, Class::Text) => shortened(plain(*inner, &field), &field)?,
        _ => plain(*inner, &field),
    };
    Ok(Transformed::yes(decided))
}

fn to_interval(expr: Expr, field: &FieldRef) -> Result<Expr> {
    let Some(text) = unknown_literal(&expr) else { return Ok(plain(expr, field)) };
    let value = interval::parse(text)?;
    Ok(Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), None))
}

/// A float as `numeric`: as many digits as its type has, as PostgreSQL.
fn digits_of_float(expr: Expr, source_type: &DataType) -> Expr {
    let name = match source_type {
        DataType::Float32 => "ergosql_numeric4",
        _ => "ergosql_numeric8",
    };
    let float = plain(expr, &Arc::new(Field::new("", DataType::Float64, true)));
    sql::call(name, vec![float.clone()]).unwrap_or(float)
}

fn text_field() -> FieldRef {
    let named = [(PG_TYPE_KEY.to_owned(), "text".to_owned())];
    Arc::new(Field::new("", DataType::Utf8, true).with_metadata(named.into()))
}

/// The function that reads text as the JSON type that a cast names.
fn json_function(expr: &Expr, field: &FieldRef, schema: &DFSchema) -> Result<Option<&'static str>> {
    let to = match field.metadata().get(PG_TYPE_KEY).map(String::as_str) {
        Some("jsonb") => "ergosql_jsonb",
        Some("json") => "ergosql_json",
        _ => return Ok(None),
    };
    let (_, own) = expr.to_field(schema)?;
    let is_same = own.metadata().get(PG_TYPE_KEY) == field.metadata().get(PG_TYPE_KEY);
    Ok((!is_same).then_some(to))
}

fn is_temporal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Time64(_) | DataType::Timestamp(..))
}

/// Text as a date, a time or an instant: a literal is read now, in the zone that the type names.
fn temporal(expr: Expr, field: &FieldRef) -> Result<Expr> {
    let literal = unknown_literal(&expr).map(str::to_owned);
    let infinite = || {
        let message = "an infinite date or time in a computation is not supported";
        QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
    };
    let (name, scalar) = match (field.data_type(), literal) {
        (DataType::Date32, Some(text)) => match parse_date(&text)? {
            i32::MAX | i32::MIN => return Err(infinite().into()),
            days => ("", ScalarValue::Date32(Some(days))),
        },
        (DataType::Time64(_), Some(text)) => {
            ("", ScalarValue::Time64Microsecond(Some(parse_time(&text)?)))
        }
        (DataType::Timestamp(_, zone), Some(text)) => {
            let known = zone.as_deref().and_then(Zone::parse);
            match parse_timestamp(&text, known)? {
                i64::MAX | i64::MIN => return Err(infinite().into()),
                us => {
                    let utc = zone.as_ref().map(|_| "UTC".into());
                    ("", ScalarValue::TimestampMicrosecond(Some(us), utc))
                }
            }
        }
        (DataType::Date32, None) => ("ergosql_date", ScalarValue::Null),
        (DataType::Time64(_), None) => ("ergosql_time", ScalarValue::Null),
        (DataType::Timestamp(_, None), None) => ("ergosql_timestamp", ScalarValue::Null),
        _ => ("ergosql_timestamptz", ScalarValue::Null),
    };
    Ok(match name {
        "" => Expr::Literal(scalar, None),
        _ => sql::call(name, vec![expr.clone()]).unwrap_or(expr),
    })
}

/// Between instants and what clocks show, in the zone of the session.
fn between(expr: Expr, source: &DataType, field: &FieldRef) -> Expr {
    use datafusion::logical_expr::cast;
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    let call = |name, expr: Expr| sql::call(name, vec![expr.clone()]).unwrap_or(expr);
    match (source, field.data_type()) {
        (DataType::Timestamp(_, Some(_)), DataType::Timestamp(_, Some(_))) => {
            cast(expr, timestamptz())
        }
        (DataType::Timestamp(_, Some(_)), to) => {
            let shown = call("ergosql_local", cast(expr, timestamptz()));
            if *to == local { shown } else { plain(shown, field) }
        }
        (_, DataType::Timestamp(_, Some(_))) => call("ergosql_instant", cast(expr, local)),
        _ => plain(expr, field),
    }
}

/// The array literal `text` as a list of `element`.
///
/// # Errors
/// 22P02 for text that is no array, and what the elements' input reports.
pub(super) fn literal_list(text: &str, element: &DataType, schema: &DFSchema) -> Result<Expr> {
    let parts = types::array_of(types::TEXT).and_then(|oid| split_array(text.trim(), oid));
    let parts = parts.ok_or_else(|| {
        QueryError::new(SqlState::INVALID_TEXT, format!("malformed array literal: \"{text}\""))
    })?;
    let element = match element {
        DataType::Null => DataType::Utf8,
        other => other.clone(),
    };
    if parts.is_empty() {
        let empty = ScalarValue::new_list_nullable(&[], &element);
        return Ok(Expr::Literal(ScalarValue::List(empty), None));
    }
    let parts = parts.into_iter().map(|part| {
        let literal = Expr::Literal(ScalarValue::Utf8(part), None);
        let cast = Expr::Cast(Cast::new(Box::new(literal), element.clone()));
        decide_cast(cast, schema).map(|decided| decided.data)
    });
    Ok(datafusion::functions_nested::expr_fn::make_array(parts.collect::<Result<Vec<_>>>()?))
}

/// A cast that the engine does as PostgreSQL, with the name of the type where Arrow's does not tell it.
fn plain(expr: Expr, field: &FieldRef) -> Expr {
    let mut to = Field::new("", field.data_type().clone(), true);
    if let Some(name) = field.metadata().get(PG_TYPE_KEY) {
        to.set_metadata([(PG_TYPE_KEY.to_owned(), name.clone())].into());
    }
    Expr::Cast(Cast::new_from_field(Box::new(expr), Arc::new(to)))
}

/// `expr`, which is text, under the name of another type with the same carrier.
pub(super) fn named_text(expr: Expr, name: &str) -> Expr {
    let named = [(PG_TYPE_KEY.to_owned(), name.to_owned())];
    let field = Field::new("", DataType::Utf8, true).with_metadata(named.into());
    Expr::Cast(Cast::new_from_field(Box::new(expr), Arc::new(field)))
}

/// The literal itself where it has the type already.
fn with_type(expr: Expr, field: &FieldRef) -> Expr {
    match &expr {
        Expr::Literal(scalar, _) if scalar.data_type() == *field.data_type() => expr,
        _ => plain(expr, field),
    }
}

/// `varchar(n)` and `char(n)`: an explicit cast cuts.
fn shortened(expr: Expr, field: &FieldRef) -> Result<Expr> {
    let Some(length) = field.metadata().get(LENGTH_KEY) else { return Ok(expr) };
    let length: i64 = length.parse().map_err(|_| {
        QueryError::new(SqlState::INVALID_PARAMETER_VALUE, "length of type varchar is too large")
    })?;
    Ok(plain(datafusion::functions::unicode::left().call(vec![expr, lit(length)]), field))
}

/// `::numeric` keeps the digits that the source has.
fn bare_numeric(expr: Expr, source: Class, field: FieldRef) -> Result<Expr> {
    Ok(match (source, source.digits()) {
        (Class::Decimal(..), _) => expr,
        (_, Some((digits, scale))) => {
            let to = crate::types::numeric::decimal_type(digits, scale);
            Expr::Cast(Cast::new(Box::new(expr), to))
        }
        _ => plain(expr, &field),
    })
}

fn from_uint256(expr: Expr, field: &FieldRef, bare: bool) -> Result<Expr> {
    let kind = match (Class::of(field.data_type()), field.data_type()) {
        (Class::Uint256, _) => return Ok(expr),
        (Class::Decimal(..), _) if bare => CastKind::Uint256ToDecimal { precision: 76, scale: 0 },
        (Class::Decimal(precision, scale), _) => CastKind::Uint256ToDecimal { precision, scale },
        (Class::Text, _) => return shortened(PgCast::call(CastKind::Uint256ToText, expr), field),
        (Class::Bytes, _) => CastKind::Uint256ToBytes,
        (class, to) if class.is_integer() => CastKind::Uint256ToInteger(to.clone()),
        (Class::Float, _) => {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "a 256-bit integer is not cast to a floating-point number: it would be rounded",
            )
            .with_hint("Cast to numeric(76,0), or use units(value, decimals).")
            .into());
        }
        _ => return Err(cannot_cast(&DataType::LargeBinary, field)),
    };
    Ok(PgCast::call(kind, expr))
}

fn to_uint256(expr: Expr, source: Class, source_type: &DataType) -> Result<Expr> {
    if let Some(number) = literal_number(&expr)? {
        return match number.to_uint256() {
            Ok((bytes, false)) => Ok(uint256_literal(bytes)),
            _ => Err(out_of_range().into()),
        };
    }
    if source.is_integer() || matches!(source, Class::Decimal(..) | Class::Text) {
        return Ok(PgCast::call(CastKind::ToUint256, expr));
    }
    Err(QueryError::new(
        SqlState::CANNOT_COERCE,
        format!("cannot cast type {} to numeric(78,0)", type_name(source_type)),
    )
    .into())
}

fn cannot_cast(source: &DataType, field: &FieldRef) -> datafusion::common::DataFusionError {
    QueryError::new(
        SqlState::CANNOT_COERCE,
        format!("cannot cast type {} to {}", type_name(source), type_name(field.data_type())),
    )
    .into()
}
