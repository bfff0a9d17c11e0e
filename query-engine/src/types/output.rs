//! Results: Arrow types inside a plan → PostgreSQL types on the wire and their documented carriers.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder,
    IntervalMonthDayNanoArray, LargeBinaryArray, RecordBatch, RecordBatchOptions,
};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{
    DataType, DurationNanosecondType, Field, IntervalMonthDayNano, IntervalUnit, Schema, SchemaRef,
    TimeUnit,
};
use datafusion::arrow::error::ArrowError;
use schemas::{EXTENSION_KEY, UINT256_EXTENSION};

use crate::catalog::named_pg_type;
use crate::error::map::query_error;
use crate::session::parameter_data_type;
use crate::types::class::{timestamptz, type_name};
use crate::types::uint256::UINT256_BYTES;
use crate::{PgType, QueryError, SqlState};

const NANOSECONDS_PER_DAY: i64 = 86_400_000_000_000;

/// How a column gets from plan to wire.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Conversion {
    Keep,
    Uint256,
    Interval,
    Cast(DataType),
}

/// Conversion of all columns of a result.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    conversions: Vec<Conversion>,
    schema: SchemaRef,
}

impl Output {
    /// Types on the wire and the conversion for columns with these fields.
    ///
    /// # Errors
    /// 0A000 for a type that no wire type stands for.
    pub(crate) fn new(fields: &[Arc<Field>]) -> Result<(Self, Vec<PgType>), QueryError> {
        let mut conversions = Vec::with_capacity(fields.len());
        let mut types = Vec::with_capacity(fields.len());
        let mut converted = Vec::with_capacity(fields.len());
        for field in fields {
            let (pg_type, conversion) = describe(field.data_type())?;
            types.push(named(field, pg_type));
            converted.push(match &conversion {
                Conversion::Keep => Field::new(field.name(), field.data_type().clone(), true),
                Conversion::Cast(to) => Field::new(field.name(), to.clone(), true),
                Conversion::Interval => {
                    Field::new(field.name(), DataType::Interval(IntervalUnit::MonthDayNano), true)
                }
                Conversion::Uint256 => {
                    Field::new(field.name(), DataType::FixedSizeBinary(32), true).with_metadata(
                        HashMap::from([(EXTENSION_KEY.to_owned(), UINT256_EXTENSION.to_owned())]),
                    )
                }
            });
            conversions.push(conversion);
        }
        Ok((Self { conversions, schema: Arc::new(Schema::new(converted)) }, types))
    }

    /// Columns of what [`Self::convert`] gives.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// `batch` in wire carriers.
    ///
    /// # Errors
    /// 22003 for an unsigned number above `bigint`.
    pub(crate) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let columns = batch
            .columns()
            .iter()
            .zip(&self.conversions)
            .map(|(column, conversion)| convert(column, conversion))
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| query_error(&error.into()))
    }
}

/// The type that metadata names, where values of it have this carrier: a cast keeps the metadata of its
/// operand, and so a name that is no longer true.
fn named(field: &Field, carried: PgType) -> PgType {
    let Some(named) = named_pg_type(field) else { return carried };
    let own = parameter_data_type(named).and_then(|found| describe(&found));
    if own.is_ok_and(|(own, _)| own == carried) { named } else { carried }
}

fn describe(data_type: &DataType) -> Result<(PgType, Conversion), QueryError> {
    use Conversion::{Cast, Interval, Keep, Uint256};
    Ok(match data_type {
        DataType::Null => (PgType::Text, Cast(DataType::Utf8)),
        DataType::Boolean => (PgType::Bool, Keep),
        DataType::Int8 => (PgType::Int2, Cast(DataType::Int16)),
        DataType::Int16 => (PgType::Int2, Keep),
        DataType::UInt8 | DataType::UInt16 => (PgType::Int4, Cast(DataType::Int32)),
        DataType::Int32 => (PgType::Int4, Keep),
        DataType::UInt32 | DataType::UInt64 => (PgType::Int8, Cast(DataType::Int64)),
        DataType::Int64 => (PgType::Int8, Keep),
        DataType::Float16 => (PgType::Float4, Cast(DataType::Float32)),
        DataType::Float32 => (PgType::Float4, Keep),
        DataType::Float64 => (PgType::Float8, Keep),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => {
            (PgType::Numeric, Cast(DataType::Decimal128(*p, *s)))
        }
        DataType::Decimal128(..) | DataType::Decimal256(..) => (PgType::Numeric, Keep),
        DataType::LargeBinary => (PgType::Numeric, Uint256),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => (PgType::Text, Keep),
        DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            (PgType::Bytea, Keep)
        }
        DataType::Date32 => (PgType::Date, Keep),
        DataType::Date64 => {
            (PgType::Timestamp, Cast(DataType::Timestamp(TimeUnit::Microsecond, None)))
        }
        DataType::Time64(TimeUnit::Microsecond) => (PgType::Time, Keep),
        DataType::Time32(_) | DataType::Time64(_) => {
            (PgType::Time, Cast(DataType::Time64(TimeUnit::Microsecond)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => (PgType::Timestamp, Keep),
        DataType::Timestamp(_, None) => {
            (PgType::Timestamp, Cast(DataType::Timestamp(TimeUnit::Microsecond, None)))
        }
        DataType::Timestamp(..) if *data_type == timestamptz() => (PgType::Timestamptz, Keep),
        DataType::Timestamp(..) => (PgType::Timestamptz, Cast(timestamptz())),
        DataType::Interval(IntervalUnit::MonthDayNano) => (PgType::Interval, Keep),
        DataType::Interval(_) => {
            (PgType::Interval, Cast(DataType::Interval(IntervalUnit::MonthDayNano)))
        }
        DataType::Duration(_) => (PgType::Interval, Interval),
        DataType::Dictionary(_, value) => {
            let (pg_type, inner) = describe(value)?;
            match inner {
                Keep => (pg_type, Cast((**value).clone())),
                Cast(to) => (pg_type, Cast(to)),
                Uint256 | Interval => return Err(no_wire_type(data_type)),
            }
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            list(data_type, item)?
        }
        _ => return Err(no_wire_type(data_type)),
    })
}

fn list(data_type: &DataType, item: &Field) -> Result<(PgType, Conversion), QueryError> {
    let (element, inner) = describe(item.data_type())?;
    let element = named_pg_type(item).unwrap_or(element);
    let array = element.array().ok_or_else(|| no_wire_type(data_type))?;
    let carried = match inner {
        Conversion::Keep => item.data_type().clone(),
        Conversion::Cast(to) => to,
        Conversion::Uint256 | Conversion::Interval => return Err(no_wire_type(data_type)),
    };
    let target = DataType::List(Arc::new(Field::new_list_field(carried.clone(), true)));
    let same = matches!(data_type, DataType::List(item) if *item.data_type() == carried);
    Ok((array, if same { Conversion::Keep } else { Conversion::Cast(target) }))
}

fn no_wire_type(data_type: &DataType) -> QueryError {
    QueryError::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("a result column of type {} is not supported", type_name(data_type)),
    )
    .with_hint("Cast it to text, or select its parts.")
}

fn convert(column: &ArrayRef, conversion: &Conversion) -> Result<ArrayRef, QueryError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let converted = match conversion {
        Conversion::Keep => Ok(Arc::clone(column)),
        Conversion::Cast(to) => cast_with_options(column, to, &strict),
        Conversion::Uint256 => uint256(column.as_binary()),
        Conversion::Interval => {
            cast_with_options(column, &DataType::Duration(TimeUnit::Nanosecond), &strict).map(
                |nanoseconds| {
                    let values = nanoseconds.as_primitive::<DurationNanosecondType>();
                    let intervals: IntervalMonthDayNanoArray =
                        values.iter().map(|value| value.map(days_and_time)).collect();
                    Arc::new(intervals) as ArrayRef
                },
            )
        }
    };
    converted.map_err(|error| query_error(&error.into()))
}

/// Values of 32 bytes. Where none is null their bytes follow each other and are taken as they are.
fn uint256(values: &LargeBinaryArray) -> Result<ArrayRef, ArrowError> {
    const WIDTH: usize = UINT256_BYTES;
    let offsets = values.value_offsets();
    let is_dense = values.null_count() == 0
        && offsets.windows(2).all(|pair| pair[1] - pair[0] == WIDTH as i64);
    if is_dense {
        let start = offsets.first().map_or(0, |first| *first as usize);
        let bytes = values.values().slice_with_length(start, values.len() * WIDTH);
        return Ok(Arc::new(FixedSizeBinaryArray::try_new(WIDTH as i32, bytes, None)?));
    }
    let mut builder = FixedSizeBinaryBuilder::with_capacity(values.len(), WIDTH as i32);
    for value in values {
        match value {
            Some(bytes) => builder.append_value(bytes)?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// PostgreSQL gives a difference of timestamps as days and a time of day.
fn days_and_time(nanoseconds: i64) -> IntervalMonthDayNano {
    // An i64 of nanoseconds holds at most 106 752 days.
    let days = (nanoseconds / NANOSECONDS_PER_DAY) as i32;
    IntervalMonthDayNano::new(0, days, nanoseconds % NANOSECONDS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_out_as_they_went_in_from_any_slice() {
        let bytes = |number: u8| vec![number; UINT256_BYTES];
        let some: Vec<Option<Vec<u8>>> = (0..9).map(|number| Some(bytes(number))).collect();
        let mut mixed = some.clone();
        (mixed[2], mixed[7]) = (None, None);
        for values in [some, mixed, vec![None; 9], Vec::new()] {
            let array: LargeBinaryArray = values.iter().map(Option::as_deref).collect();
            for start in [0, 1, 3] {
                let length = values.len().saturating_sub(start + 1);
                let found = uint256(&array.slice(start.min(values.len()), length)).unwrap();
                let found = found.as_fixed_size_binary();
                let found: Vec<_> = found.iter().map(|value| value.map(<[u8]>::to_vec)).collect();
                let expected = &values[start.min(values.len())..][..length];
                assert_eq!(found, expected);
            }
        }
    }
}
