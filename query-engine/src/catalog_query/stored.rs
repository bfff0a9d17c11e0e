//! Rows that Arrow holds as values: tables that clients made, and arguments that the planner computed.
//!
//! Invariants
//! - A value is read exactly, or the statement goes to the planner (0A000).
//! - Text that a column of another type keeps as it was given is brought to the type's one form here.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int16Type,
    Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType, UInt32Type,
};
use num_bigint::{BigInt, Sign};

use super::plan::Fetched;
use super::types::{self, TypeOid, element, is_object_id, is_text};
use super::{Env, Interval, Row, Value, text, unsupported};
use crate::catalog::CatalogView;
use crate::error::map::internal;
use crate::objects::{Head, Object, Role};
use crate::values::decimal::Decimal;
use crate::{QueryError, SqlState};

/// Nanoseconds of a microsecond.
const NS_PER_US: i64 = 1_000;

/// Whether the session's role may read a table.
///
/// # Errors
/// 42501, and 0A000 where the role may not use the schema: the name may then mean another table.
pub(super) fn check_readable(view: &CatalogView, head: &Head) -> Result<(), QueryError> {
    let role = view.role();
    if let Some(schema) = view.objects.schema(&head.schema)
        && role.check(&schema.head, 'U', "schema").is_err()
    {
        return Err(unsupported("a schema that the role may not use"));
    }
    Role { may_create: false, ..role }.check(head, 'r', "table")
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
