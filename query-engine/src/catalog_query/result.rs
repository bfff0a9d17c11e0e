//! Rows to Arrow, parameters to values.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryBuilder, BooleanArray, Date32Array, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, IntervalMonthDayNanoArray, ListArray,
    NullArray, RecordBatch, RecordBatchOptions, StringArray, StringBuilder, StructArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Field, Fields, IntervalMonthDayNano, IntervalUnit, Schema, TimeUnit,
};
use bytes::BytesMut;

use super::plan::QueryPlan;
use super::types::{self, Kind, TypeOid, element, kind};
use super::{Env, Interval, Row, Value, text};
use crate::catalog::row_type_oid;
use crate::values::{BINARY_FORM, TEXT_FORM};
use crate::{Parameter, PgType, QueryError, ResultColumn, SqlState};

/// Result columns of a plan.
pub(super) fn columns(plan: &QueryPlan) -> Vec<ResultColumn> {
    plan.columns
        .iter()
        .map(|column| ResultColumn {
            name: column.name.clone(),
            pg_type: match (column.type_oid, column.origin) {
                (types::RECORD, (relation, 0)) if relation != 0 => {
                    PgType::Row(row_type_oid(relation))
                }
                (type_oid, _) => wire_type(type_oid),
            },
            type_modifier: column.modifier,
            table_oid: column.origin.0,
            column_number: column.origin.1,
        })
        .collect()
}

/// Type on the wire; one that the wire does not have is sent as text.
pub(crate) fn wire_type(oid: TypeOid) -> PgType {
    PgType::from_oid(types::known_base(oid)).unwrap_or(match kind(oid) {
        Kind::Array => PgType::TextArray,
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
        PgType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        PgType::Date => DataType::Date32,
        PgType::Time => DataType::Time64(TimeUnit::Microsecond),
        PgType::Bytea => DataType::Binary,
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
        DataType::Timestamp(_, zone) => {
            let instants = ints().collect::<TimestampMicrosecondArray>();
            Arc::new(instants.with_timezone_opt(zone))
        }
        DataType::Date32 => Arc::new(
            ints()
                .map(|days| days.and_then(|days| i32::try_from(days).ok()))
                .collect::<Date32Array>(),
        ),
        DataType::Time64(_) => Arc::new(ints().collect::<Time64MicrosecondArray>()),
        DataType::Binary => {
            Arc::new(values.iter().map(|value| bytes(value)).collect::<BinaryArray>())
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

/// An interval, where nanoseconds can count it.
fn interval(value: &Value) -> Option<IntervalMonthDayNano> {
    let Value::Interval(Interval { months, days, us }) = value else { return None };
    Some(IntervalMonthDayNano::new(*months, *days, us.checked_mul(1_000)?))
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        Value::Int(value) => Some(*value as f64),
        _ => None,
    }
}

/// Whether a column of this type comes with both its forms, which the catalogs help to make, or which no
/// Arrow type holds: numbers of any width, names of objects, records, arrays of several dimensions.
fn has_both_forms(oid: TypeOid, values: &[&Value]) -> bool {
    let is_shaped = values.iter().any(|value| matches!(value, Value::Shaped(_)));
    let single = element(oid).unwrap_or(oid);
    is_shaped
        || matches!(kind(single), Kind::Numeric | Kind::Interval | Kind::Record)
        || (types::is_object_id(single) && single != types::OID)
        || matches!(wire_type(single), PgType::Other(_) | PgType::Uuid)
}

/// Values of one column in both forms. A type without a binary form has the text alone.
fn both_forms(env: &Env<'_>, values: &[&Value], oid: TypeOid) -> Result<ArrayRef, QueryError> {
    let mut texts = StringBuilder::new();
    let mut binaries = BinaryBuilder::new();
    let mut out = BytesMut::new();
    for value in values {
        if value.is_null() {
            texts.append_null();
            binaries.append_null();
            continue;
        }
        texts.append_value(text::output(env, value, oid));
        out.clear();
        match text::put_binary(env, value, oid, &mut out) {
            Ok(()) => binaries.append_value(&out),
            Err(error) if error.state == SqlState::UNDEFINED_FUNCTION => binaries.append_null(),
            Err(error) => return Err(error),
        }
    }
    let nulls = NullBuffer::from_iter(values.iter().map(|value| !value.is_null()));
    let fields = Fields::from(vec![
        Field::new(TEXT_FORM, DataType::Utf8, true),
        Field::new(BINARY_FORM, DataType::Binary, true),
    ]);
    let columns: Vec<ArrayRef> = vec![Arc::new(texts.finish()), Arc::new(binaries.finish())];
    let forms = StructArray::try_new(fields, columns, Some(nulls));
    Ok(Arc::new(forms.map_err(|error| internal(&error))?))
}

fn internal(error: &arrow::error::ArrowError) -> QueryError {
    QueryError::new(SqlState::INTERNAL_ERROR, error.to_string())
}

/// One batch with all rows. `for_client`: columns may come with both their forms.
///
/// # Errors
/// XX000 if Arrow refuses it, 22008 for an instant that the binary form cannot hold.
pub(super) fn batch(
    env: &Env<'_>,
    plan: &QueryPlan,
    columns: &[ResultColumn],
    rows: &[Row],
    for_client: bool,
) -> Result<RecordBatch, QueryError> {
    let mut arrays = Vec::with_capacity(columns.len());
    let mut fields = Vec::with_capacity(columns.len());
    for (at, column) in plan.columns.iter().enumerate() {
        let values: Vec<&Value> = rows.iter().map(|row| &row[at]).collect();
        let array = if for_client && has_both_forms(column.type_oid, &values) {
            both_forms(env, &values, column.type_oid)?
        } else {
            array(env, &values, column.type_oid)
        };
        fields.push(Field::new(&columns[at].name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| internal(&error))
}

/// One batch of columns that have no names.
///
/// # Errors
/// XX000 if Arrow refuses it.
pub(super) fn of_arrays(
    arrays: Vec<ArrayRef>,
    row_count: usize,
) -> Result<RecordBatch, QueryError> {
    let field = |array: &ArrayRef| Field::new("", array.data_type().clone(), true);
    let schema = Schema::new(arrays.iter().map(field).collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(row_count));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
        .map_err(|error| internal(&error))
}

/// Parameters as values of the types that the statement gave them.
///
/// # Errors
/// 22P02 and others for text that does not fit its type.
pub(super) fn parameters(
    env: &Env<'_>,
    parameters: &[Parameter],
    types: &[PgType],
) -> Result<Vec<Value>, QueryError> {
    let pairs = parameters.iter().zip(types);
    pairs.map(|(value, pg_type)| text::from_parameter(env, value, pg_type.oid())).collect()
}
