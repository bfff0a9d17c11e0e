//! Rows that Arrow holds as values: tables that clients made, and arguments that the planner computed; and
//! values as rows that are stored.
//!
//! Invariants
//! - A value is read exactly, or the statement goes to the planner (0A000).
//! - What is stored does not depend on settings: texts are made under the default ones.
//! - Text that a column of another type keeps as it was given is brought to the type's one form here.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, FieldRef, Float32Type, Float64Type,
    Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType, UInt32Type,
};
use datafusion::scalar::ScalarValue;
use num_bigint::{BigInt, Sign};

use super::plan::Fetched;
use super::types::{self, Kind, TypeOid, element, is_object_id, is_text, kind};
use super::{Env, Interval, Row, Value, result, text, unsupported};
use crate::catalog::CatalogView;
use crate::error::map::internal;
use crate::functions::pg::type_of;
use crate::objects::{ColumnType, Object, Role, TEXT_FORM_KEY, UserColumn, array_of};
use crate::types::numeric::Numeric;
use crate::values::decimal::Decimal;
use crate::{PgType, QueryError, SqlState};

/// Nanoseconds of a microsecond.
const NS_PER_US: i64 = 1_000;

/// Whether `role` may read a relation.
///
/// # Errors
/// 42501, and 0A000 where the role may not use the schema: the name may then mean another table.
pub(super) fn check_readable(
    view: &CatalogView,
    role: &str,
    object: &Object,
) -> Result<(), QueryError> {
    let head = object.head();
    let role = Role { name: role, may_create: view.may_create && role == view.role };
    if let Some(schema) = view.objects.schema(&head.schema)
        && role.check(&schema.head, 'U', "schema").is_err()
    {
        return Err(unsupported("a schema that the role may not use"));
    }
    Role { may_create: false, ..role }.check(head, 'r', object.kind())
}

/// All rows of the table with this object id, whose columns have these types.
///
/// # Errors
/// XX000 for a table that is not there, 0A000 for a value that is not known here.
pub(super) fn rows(env: &Env<'_>, oid: u32, columns: &[TypeOid]) -> Result<Vec<Row>, QueryError> {
    let Some(Object::Table(table)) = env.view.objects.by_oid(oid) else { return Err(internal()) };
    let mut rows = Vec::with_capacity(table.row_count());
    for batch in table.record_batches() {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(columns);
            let cells = cells.map(|(array, oid)| value_at(env, array, row, *oid));
            rows.push(cells.collect::<Result<Row, _>>()?);
        }
    }
    Ok(rows)
}

/// All rows of a chain table, as wide as the table; columns that the statement does not read are null.
///
/// # Errors
/// As [`super::env::Fetch::rows`].
pub(super) fn fetch(env: &Env<'_>, source: &Fetched) -> Result<Vec<Row>, QueryError> {
    let fetch = env.fetch.as_ref().ok_or_else(internal)?;
    let used = source.used();
    let names: Vec<String> =
        used.iter().map(|at| format!("\"{}\"", source.columns[*at].0)).collect();
    let columns = if names.is_empty() { "1".to_owned() } else { names.join(", ") };
    let all = format!("SELECT {columns} FROM {}", source.from);
    let batches = match &source.filter {
        // A filter that the planner refuses is left to the evaluator.
        Some(filter) => fetch
            .rows(&format!("{all} WHERE {filter}"))
            .or_else(|error| if is_refusal(&error) { fetch.rows(&all) } else { Err(error) })?,
        None => fetch.rows(&all)?,
    };
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let mut cells = vec![Value::Null; source.columns.len()];
            for (at, array) in used.iter().zip(batch.columns()) {
                cells[*at] = value_at(env, array, row, source.columns[*at].1)?;
            }
            rows.push(Row::from(cells));
        }
    }
    Ok(rows)
}

/// Whether an error says that the planner does not know something, rather than that it is wrong.
pub(crate) fn is_refusal(error: &QueryError) -> bool {
    error.state == SqlState::FEATURE_NOT_SUPPORTED
        || error.state == SqlState::UNDEFINED_FUNCTION
        || error.message == "the statement could not be planned"
}

/// The value of one row of an array that holds values of type `oid`.
///
/// # Errors
/// 0A000 for an Arrow type that holds no value known here.
pub(crate) fn value_at(
    env: &Env<'_>,
    array: &dyn Array,
    row: usize,
    oid: TypeOid,
) -> Result<Value, QueryError> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int16 => Value::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Value::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt32 => Value::Int(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::Float32 => Value::Float(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            number(array.as_primitive::<Decimal128Type>().value(row).into(), *scale)?
        }
        DataType::Decimal256(_, scale) => {
            let digits = array.as_primitive::<Decimal256Type>().value(row).to_be_bytes();
            number(BigInt::from_signed_bytes_be(&digits), *scale)?
        }
        // A 256-bit integer.
        DataType::LargeBinary => {
            number(BigInt::from_bytes_be(Sign::Plus, array.as_binary::<i64>().value(row)), 0)?
        }
        DataType::Date32 => Value::Int(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Time64(TimeUnit::Microsecond) => {
            Value::Int(array.as_primitive::<Time64MicrosecondType>().value(row))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Value::Int(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let found = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            let us = found.nanoseconds / NS_PER_US;
            Value::Interval(Interval { months: found.months, days: found.days, us })
        }
        DataType::FixedSizeBinary(_) if oid == types::NUMERIC => {
            number(BigInt::from_bytes_be(Sign::Plus, array.as_fixed_size_binary().value(row)), 0)?
        }
        DataType::FixedSizeBinary(_) => {
            Value::Bytes(array.as_fixed_size_binary().value(row).into())
        }
        DataType::Binary => Value::Bytes(array.as_binary::<i32>().value(row).into()),
        DataType::BinaryView => Value::Bytes(array.as_binary_view().value(row).into()),
        DataType::Utf8 => written(env, array.as_string::<i32>().value(row), oid)?,
        DataType::LargeUtf8 => written(env, array.as_string::<i64>().value(row), oid)?,
        DataType::Utf8View => written(env, array.as_string_view().value(row), oid)?,
        DataType::List(_) => {
            let inner = element(oid).unwrap_or(types::TEXT);
            let elements = array.as_list::<i32>().value(row);
            let elements = (0..elements.len()).map(|at| value_at(env, &*elements, at, inner));
            Value::array(elements.collect::<Result<_, _>>()?)
        }
        other => return Err(unsupported(format!("an argument of Arrow type {other}"))),
    })
}

fn number(digits: BigInt, scale: i8) -> Result<Value, QueryError> {
    let scale = u32::try_from(scale).map_err(|_| internal())?;
    Ok(Value::numeric(Decimal::Finite { digits, scale }))
}

/// A value that is kept as text.
fn written(env: &Env<'_>, written: &str, oid: TypeOid) -> Result<Value, QueryError> {
    if is_text(oid) || is_object_id(oid) {
        return Ok(Value::text(written));
    }
    text::input(env, written, oid)
}

/// The field of a result column inside a statement that stores it.
pub(super) fn field_type(oid: TypeOid, modifier: i32) -> DataType {
    match kind(oid) {
        Kind::Numeric => {}
        // Of any shape, so kept as text.
        Kind::Array => return DataType::Utf8,
        _ => return result::carrier(oid),
    }
    let scale = if modifier < 0 { 0 } else { super::modifier::numeric_parts(modifier).1 };
    DataType::Decimal256(
        crate::types::numeric::NUMERIC_DIGITS_MAX,
        i8::try_from(scale).unwrap_or(0),
    )
}

/// Values of one column of type `oid` as what `cast` asks for, or as they are.
///
/// # Errors
/// 0A000 for an array of several dimensions where the target has one; what the cast reports.
pub(super) fn assigned(
    (env, plain): (&Env<'_>, &Env<'_>),
    values: &[&Value],
    oid: TypeOid,
    cast: Option<&FieldRef>,
) -> Result<ArrayRef, QueryError> {
    if cast.is_some_and(|field| field.metadata().contains_key(TEXT_FORM_KEY)) {
        let texts =
            values.iter().map(|value| (!value.is_null()).then(|| text::output(plain, value, oid)));
        return Ok(Arc::new(texts.collect::<StringArray>()));
    }
    let to = cast.map_or(oid, |field| type_of(field));
    let cast = values
        .iter()
        .map(|value| text::cast(env, value, oid, to))
        .collect::<Result<Vec<_>, _>>()?;
    if kind(to) == Kind::Numeric {
        return numbers(plain, &cast);
    }
    if cast.iter().any(|value| matches!(value, Value::Shaped(_))) {
        return Err(unsupported("an array of several dimensions in this column"));
    }
    Ok(result::array(plain, &cast.iter().collect::<Vec<_>>(), to))
}

/// Numbers with as many digits after the point as the one with the most.
fn numbers(env: &Env<'_>, values: &[Value]) -> Result<ArrayRef, QueryError> {
    let cells = values.iter().map(|value| match value {
        Value::Null => Ok(ScalarValue::Null),
        value => Numeric::parse(&text::output(env, value, types::NUMERIC))?.to_scalar(),
    });
    let cells = cells.collect::<Result<Vec<_>, _>>()?;
    let column_type = ColumnType::plain(PgType::Numeric)?;
    array_of(cells, &UserColumn::new("", column_type))
}
