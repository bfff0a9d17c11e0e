//! Columns of dates, times, instants and intervals: text (dates in `date_style`), PostgreSQL's binary.
//!
//! Nanoseconds are rounded to microseconds, as PostgreSQL rounds what it reads.

use crate::{PgType, QueryError, SqlState};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use bytes::{BufMut, BytesMut};

use super::date_style::DateStyle;
use super::interval::put_interval;
use super::number::{pair, put_integer};
use super::{CellWriter, Format, TextStyle, carrier_error};
use crate::values::calendar::{
    CivilDate, PG_EPOCH_DAYS, PG_EPOCH_US, US_PER_DAY, US_PER_SECOND, Zone,
};

/// Infinity and its negative, in PostgreSQL's binary and in our carriers.
const INFINITY: &[u8] = b"infinity";
const NEGATIVE_INFINITY: &[u8] = b"-infinity";

pub(super) fn writer(
    array: &dyn Array,
    pg_type: PgType,
    format: Format,
    style: &TextStyle,
) -> Result<CellWriter, QueryError> {
    let dates = style.dates;
    match (pg_type, array.data_type()) {
        (PgType::Date, DataType::Date32) => {
            let values = array.as_primitive::<Date32Type>().values().clone();
            Ok(Box::new(move |row, out| put_date_value(out, format, values[row], dates)))
        }
        (PgType::Time, DataType::Time64(TimeUnit::Microsecond)) => {
            let values = array.as_primitive::<Time64MicrosecondType>().values().clone();
            Ok(Box::new(move |row, out| {
                match format {
                    Format::Text => put_time(out, values[row]),
                    Format::Binary => out.put_i64(values[row]),
                }
                Ok(())
            }))
        }
        (PgType::Timestamp, DataType::Timestamp(_, None)) => {
            instant_writer(array, pg_type, format, None, dates)
        }
        (PgType::Timestamptz, DataType::Timestamp(_, Some(_))) => {
            instant_writer(array, pg_type, format, Some(style.zone), dates)
        }
        (PgType::Interval, DataType::Interval(IntervalUnit::MonthDayNano)) => {
            let (values, style) = (
                array.as_primitive::<IntervalMonthDayNanoType>().values().clone(),
                style.intervals,
            );
            Ok(Box::new(move |row, out| {
                let value = values[row];
                let us = round_to_us(value.nanoseconds);
                match format {
                    Format::Text => put_interval(out, style, value.months, value.days, us),
                    Format::Binary => {
                        out.put_i64(us);
                        out.put_i32(value.days);
                        out.put_i32(value.months);
                    }
                }
                Ok(())
            }))
        }
        _ => Err(carrier_error(array, pg_type)),
    }
}

fn instant_writer(
    array: &dyn Array,
    pg_type: PgType,
    format: Format,
    zone: Option<Zone>,
    dates: DateStyle,
) -> Result<CellWriter, QueryError> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = array.as_primitive::<TimestampMicrosecondType>().values().clone();
            Ok(Box::new(move |row, out| put_instant(out, format, values[row], zone, dates)))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let values = array.as_primitive::<TimestampNanosecondType>().values().clone();
            Ok(Box::new(move |row, out| {
                put_instant(out, format, round_to_us(values[row]), zone, dates)
            }))
        }
        _ => Err(carrier_error(array, pg_type)),
    }
}

/// To the nearest microsecond; halves away from zero.
fn round_to_us(ns: i64) -> i64 {
    let us = ns / 1_000;
    if (ns % 1_000).abs() >= 500 { us + ns.signum() } else { us }
}

pub(crate) fn put_date_value(
    out: &mut BytesMut,
    format: Format,
    unix_days: i32,
    dates: DateStyle,
) -> Result<(), QueryError> {
    match (format, unix_days) {
        (Format::Text, i32::MAX) => out.put_slice(INFINITY),
        (Format::Text, i32::MIN) => out.put_slice(NEGATIVE_INFINITY),
        (Format::Text, days) => {
            let date = CivilDate::from_unix_days(days.into());
            dates.put_date(out, date);
        }
        (Format::Binary, i32::MAX | i32::MIN) => out.put_i32(unix_days),
        (Format::Binary, days) => {
            let days = days
                .checked_sub(PG_EPOCH_DAYS)
                .ok_or_else(|| QueryError::new(SqlState::DATETIME_OVERFLOW, "date out of range"))?;
            out.put_i32(days);
        }
    }
    Ok(())
}

pub(crate) fn put_instant(
    out: &mut BytesMut,
    format: Format,
    unix_us: i64,
    zone: Option<Zone>,
    dates: DateStyle,
) -> Result<(), QueryError> {
    match (format, unix_us) {
        (Format::Text, i64::MAX) => out.put_slice(INFINITY),
        (Format::Text, i64::MIN) => out.put_slice(NEGATIVE_INFINITY),
        (Format::Binary, i64::MAX | i64::MIN) => out.put_i64(unix_us),
        (Format::Binary, us) => {
            let us = us.checked_sub(PG_EPOCH_US).ok_or_else(|| {
                QueryError::new(SqlState::DATETIME_OVERFLOW, "timestamp out of range")
            })?;
            out.put_i64(us);
        }
        (Format::Text, us) => {
            let offset = zone.map(|zone| zone.offset_at(us.div_euclid(US_PER_SECOND)));
            // Days first: adding the offset to the whole count could pass its ends.
            let local_us =
                us.rem_euclid(US_PER_DAY) + i64::from(offset.unwrap_or(0)) * US_PER_SECOND;
            let days = us.div_euclid(US_PER_DAY) + local_us.div_euclid(US_PER_DAY);
            let date = CivilDate::from_unix_days(days);
            let zone = zone.zip(offset);
            let zone = zone.map(|(zone, offset)| (zone, us.div_euclid(US_PER_SECOND), offset));
            dates.put_instant(out, date, days, local_us.rem_euclid(US_PER_DAY), zone);
        }
    }
    Ok(())
}

/// `HH:MM:SS` with as many digits of the fraction as it has.
pub(crate) fn put_time(out: &mut BytesMut, us: i64) {
    let seconds = us / US_PER_SECOND;
    put_two(out, seconds / 3_600);
    out.put_u8(b':');
    put_two(out, seconds / 60 % 60);
    out.put_u8(b':');
    put_two(out, seconds % 60);
    put_fraction(out, us % US_PER_SECOND);
}

pub(super) fn put_fraction(out: &mut BytesMut, us: i64) {
    if us == 0 {
        return;
    }
    let mut digits = [0; 6];
    let mut rest = us;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let shown = digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
    out.put_u8(b'.');
    out.put_slice(&digits[..shown]);
}

/// `+HH[:MM[:SS]]`.
pub(crate) fn put_offset(out: &mut BytesMut, offset_seconds: i32) {
    out.put_u8(if offset_seconds < 0 { b'-' } else { b'+' });
    let seconds = i64::from(offset_seconds.abs());
    put_two(out, seconds / 3_600);
    if seconds % 3_600 != 0 {
        out.put_u8(b':');
        put_two(out, seconds / 60 % 60);
    }
    if seconds % 60 != 0 {
        out.put_u8(b':');
        put_two(out, seconds % 60);
    }
}

/// At least two digits.
pub(super) fn put_two(out: &mut BytesMut, number: i64) {
    match u64::try_from(number) {
        Ok(number) if number < 100 => out.put_slice(&pair(number)),
        _ => put_integer(out, number),
    }
}
