//! Rows to Arrow, parameters to values.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    IntervalMonthDayNanoArray, ListArray, NullArray, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNano, IntervalUnit, Schema, TimeUnit};

use super::plan::QueryPlan;
use super::types::{self, Kind, TypeOid, element, kind};
use super::{Env, Row, Value, text, unsupported};
use crate::{Parameter, PgType, QueryError, ResultColumn, SqlState};

/// Result columns of a plan.
pub(super) fn columns(plan: &QueryPlan) -> Vec<ResultColumn> {
    plan.columns
        .iter()
        .map(|column| ResultColumn {
            name: column.name.clone(),
            pg_type: wire_type(column.type_oid),
            type_modifier: -1,
            table_oid: column.origin.0,
            column_number: column.origin.1,
        })
        .collect()
}

/// Type on the wire; one that the wire does not have is sent as text.
pub(crate) fn wire_type(oid: TypeOid) -> PgType {
    PgType::from_oid(oid).unwrap_or(match kind(oid) {
        Kind::Array => PgType::TextArray,
        Kind::Timestamp => PgType::Timestamptz,
        _ => PgType::Text,
    })
}

/// The Arrow type that carries values of `oid`.
pub(crate) fn carrier(oid: TypeOid) -> DataType {
    match wire_type(oid) {
        PgType::Bool => DataType::Boolean,
        PgType::Int2 => DataType::Int16,
        PgType::Int4 => DataType::Int32,
        PgType::Int8 => DataType::Int64,
        PgType::Oid | PgType::Xid => DataType::UInt32,
        PgType::Float4 => DataType::Float32,
        PgType::Float8 => DataType::Float64,
        PgType::Void => DataType::Null,
        PgType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        PgType::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        _ if kind(oid) == Kind::Array => {
            DataType::List(Arc::new(Field::new_list_field(carrier(inner_of(oid)), true)))
        }
        _ => DataType::Utf8,
    }
}

fn inner_of(oid: TypeOid) -> TypeOid {
    element(oid).unwrap_or(types::TEXT)
}

/// Values of one column.
pub(crate) fn array(env: &Env<'_>, values: &[&Value], oid: TypeOid) -> ArrayRef {
    let ints = || values.iter().map(|value| value.as_int());
    // Every value was checked against its type's range when it was made.
    match carrier(oid) {
        DataType::Boolean => {
            Arc::new(values.iter().map(|value| value.as_bool()).collect::<BooleanArray>())
        }
        DataType::Int16 => Arc::new(
            ints()
                .map(|value| value.and_then(|value| i16::try_from(value).ok()))
                .collect::<Int16Array>(),
        ),
        DataType::Int32 => Arc::new(
            ints()
                .map(|value| value.and_then(|value| i32::try_from(value).ok()))
                .collect::<Int32Array>(),
        ),
        DataType::Int64 => Arc::new(ints().collect::<Int64Array>()),
        DataType::UInt32 => Arc::new(
            ints()
                .map(|value| value.and_then(|value| u32::try_from(value).ok()))
                .collect::<UInt32Array>(),
        ),
        DataType::Float32 => Arc::new(
            values
                .iter()
                .map(|value| float(value).map(|value| value as f32))
                .collect::<Float32Array>(),
        ),
        DataType::Null => Arc::new(NullArray::new(values.len())),
        DataType::Float64 => {
            Arc::new(values.iter().map(|value| float(value)).collect::<Float64Array>())
        }
        DataType::Timestamp(..) => {
            Arc::new(ints().collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        DataType::Interval(_) => Arc::new(
            values.iter().map(|value| interval(value)).collect::<IntervalMonthDayNanoArray>(),
        ),
        DataType::List(field) => {
            let inner: Vec<&Value> = values.iter().flat_map(|value| value.elements()).collect();
            let lengths = values.iter().map(|value| value.elements().len());
            Arc::new(ListArray::new(
                field,
                OffsetBuffer::from_lengths(lengths),
                array(env, &inner, inner_of(oid)),
                Some(NullBuffer::from_iter(values.iter().map(|value| !value.is_null()))),
            ))
        }
        _ => Arc::new(
            values
                .iter()
                .map(|value| (!value.is_null()).then(|| text::output(env, value, oid)))
                .collect::<StringArray>(),
        ),
    }
}

/// An interval, which catalogs hold as `-03:30:00`: hours, minutes and seconds.
fn interval(value: &Value) -> Option<IntervalMonthDayNano> {
    let text = (!value.is_null()).then(|| value.as_text())?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let seconds = digits.split(':').try_fold(0_i64, |sum, part| {
        Some(sum.checked_mul(60)? + part.parse::<u32>().ok()? as i64)
    })?;
    Some(IntervalMonthDayNano::new(0, 0, seconds.checked_mul(sign * 1_000_000_000)?))
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        Value::Int(value) => Some(*value as f64),
        _ => None,
    }
}

/// One batch with all rows.
///
/// # Errors
/// XX000 if Arrow refuses it.
pub(super) fn batch(
    env: &Env<'_>,
    plan: &QueryPlan,
    columns: &[ResultColumn],
    rows: &[Row],
) -> Result<RecordBatch, QueryError> {
    let mut arrays = Vec::with_capacity(columns.len());
    let mut fields = Vec::with_capacity(columns.len());
    for (at, column) in plan.columns.iter().enumerate() {
        let values: Vec<&Value> = rows.iter().map(|row| &row[at]).collect();
        fields.push(Field::new(&columns[at].name, carrier(column.type_oid), true));
        arrays.push(array(env, &values, column.type_oid));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| QueryError::new(SqlState::INTERNAL_ERROR, error.to_string()))
}

/// Parameters as values of the types that the statement gave them.
///
/// # Errors
/// 22P02 and others for text that does not fit its type; 0A000 for types not used in catalogs.
pub(super) fn parameters(
    env: &Env<'_>,
    parameters: &[Parameter],
    types: &[PgType],
) -> Result<Vec<Value>, QueryError> {
    parameters
        .iter()
        .zip(types)
        .map(|(value, pg_type)| parameter(env, value, pg_type.oid()))
        .collect()
}

fn parameter(env: &Env<'_>, value: &Parameter, oid: TypeOid) -> Result<Value, QueryError> {
    match value {
        Parameter::Null => Ok(Value::Null),
        Parameter::Bool(value) => Ok(Value::Bool(*value)),
        Parameter::Int(value) => Ok(Value::Int(*value)),
        Parameter::Float(value) => Ok(Value::Float(*value)),
        Parameter::Text(value) => text::input(env, value, oid),
        Parameter::Timestamp(micros) if oid == types::TIMESTAMPTZ => Ok(Value::Int(*micros)),
        Parameter::Array(parts) => parts
            .iter()
            .map(|part| parameter(env, part, inner_of(oid)))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::array),
        Parameter::Numeric(_)
        | Parameter::Bytes(_)
        | Parameter::Date(_)
        | Parameter::Timestamp(_) => {
            Err(unsupported(format!("a parameter of type {}", types::type_name(oid))))
        }
    }
}
