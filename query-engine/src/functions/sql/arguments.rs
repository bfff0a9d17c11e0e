//! Values of a call, and how results are made.

use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano, i256};
use datafusion::scalar::ScalarValue;

use crate::types::numeric::{out_of_range, rescale};
use crate::values::Zone;
use crate::{QueryError, SqlState};

const NS_PER_US: i64 = 1_000;

/// Arguments of one row. None is null.
pub(super) struct Arguments<'a> {
    pub(super) values: &'a [ScalarValue],
    /// Time zone of the session.
    pub(super) zone: Zone,
    /// Type of the result.
    pub(super) returns: &'a DataType,
}

/// An interval in PostgreSQL's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) months: i64,
    pub(super) days: i64,
    pub(super) us: i64,
}

impl Arguments<'_> {
    pub(super) fn text(&self, at: usize) -> &str {
        match self.values.get(at) {
            Some(
                ScalarValue::Utf8(Some(text))
                | ScalarValue::LargeUtf8(Some(text))
                | ScalarValue::Utf8View(Some(text)),
            ) => text,
            _ => "",
        }
    }

    /// An integer, the days of a date, or the microseconds of a time or an instant.
    pub(super) fn int(&self, at: usize) -> i64 {
        match self.values.get(at) {
            Some(ScalarValue::Int16(Some(value))) => i64::from(*value),
            Some(ScalarValue::Int32(Some(value)) | ScalarValue::Date32(Some(value))) => {
                i64::from(*value)
            }
            Some(
                ScalarValue::Int64(Some(value))
                | ScalarValue::Time64Microsecond(Some(value))
                | ScalarValue::TimestampMicrosecond(Some(value), _),
            ) => *value,
            _ => 0,
        }
    }

    pub(super) fn float(&self, at: usize) -> f64 {
        match self.values.get(at) {
            Some(ScalarValue::Float64(Some(value))) => *value,
            Some(ScalarValue::Float32(Some(value))) => f64::from(*value),
            _ => self.int(at) as f64,
        }
    }

    pub(super) fn bytes(&self, at: usize) -> &[u8] {
        match self.values.get(at) {
            Some(
                ScalarValue::Binary(Some(bytes)) | ScalarValue::FixedSizeBinary(_, Some(bytes)),
            ) => bytes,
            _ => &[],
        }
    }

    /// Unscaled digits and the scale of a number.
    pub(super) fn number(&self, at: usize) -> (i256, i8) {
        match self.values.get(at) {
            Some(ScalarValue::Decimal128(Some(value), _, scale)) => {
                (i256::from_i128(*value), *scale)
            }
            Some(ScalarValue::Decimal256(Some(value), _, scale)) => (*value, *scale),
            _ => (i256::from_i128(i128::from(self.int(at))), 0),
        }
    }

    pub(super) fn interval(&self, at: usize) -> Interval {
        match self.values.get(at) {
            Some(ScalarValue::IntervalMonthDayNano(Some(value))) => Interval {
                months: i64::from(value.months),
                days: i64::from(value.days),
                us: value.nanoseconds / NS_PER_US,
            },
            _ => Interval { months: 0, days: 0, us: 0 },
        }
    }
}

impl Interval {
    /// As a value.
    ///
    /// # Errors
    /// 22008 where a part does not fit.
    pub(super) fn value(self) -> Result<ScalarValue, QueryError> {
        let made = || {
            let (months, days) = (i32::try_from(self.months).ok()?, i32::try_from(self.days).ok()?);
            Some(IntervalMonthDayNano::new(months, days, self.us.checked_mul(NS_PER_US)?))
        };
        match made() {
            Some(value) => Ok(ScalarValue::IntervalMonthDayNano(Some(value))),
            None => Err(QueryError::new(SqlState::DATETIME_OVERFLOW, "interval out of range")),
        }
    }
}

pub(super) fn timestamp(us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(us), None)
}

pub(super) fn instant(us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()))
}

pub(super) fn date(days: i64) -> Result<ScalarValue, QueryError> {
    let days = i32::try_from(days)
        .map_err(|_| QueryError::new(SqlState::DATETIME_OVERFLOW, "date out of range"))?;
    Ok(ScalarValue::Date32(Some(days)))
}

pub(super) fn time(us: i64) -> ScalarValue {
    ScalarValue::Time64Microsecond(Some(us))
}

pub(super) fn text(text: impl Into<String>) -> ScalarValue {
    ScalarValue::Utf8(Some(text.into()))
}

/// A list of text.
pub(super) fn texts(parts: impl IntoIterator<Item = Option<String>>) -> ScalarValue {
    let parts: Vec<_> = parts.into_iter().map(ScalarValue::Utf8).collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&parts, &DataType::Utf8))
}

/// `value / 10^scale` as a decimal of type `to`, rounded.
pub(super) fn decimal(value: i256, scale: i8, to: &DataType) -> Result<ScalarValue, QueryError> {
    match to {
        DataType::Decimal128(precision, wanted) => {
            let small = rescale(value, scale, *wanted).and_then(i256::to_i128);
            let small = small.ok_or_else(out_of_range)?;
            Ok(ScalarValue::Decimal128(Some(small), *precision, *wanted))
        }
        DataType::Decimal256(precision, wanted) => {
            let value = rescale(value, scale, *wanted).ok_or_else(out_of_range)?;
            Ok(ScalarValue::Decimal256(Some(value), *precision, *wanted))
        }
        _ => Err(QueryError::new(SqlState::INTERNAL_ERROR, "a number was expected")),
    }
}

/// PostgreSQL's 22008 for instants.
pub(super) fn timestamp_range() -> QueryError {
    QueryError::new(SqlState::DATETIME_OVERFLOW, "timestamp out of range")
}
