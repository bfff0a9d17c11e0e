//! `extract`, which is numeric, and `date_part`, which is the same as a float.

use datafusion::arrow::datatypes::{DataType, i256};
use datafusion::scalar::ScalarValue;

use super::Entry;
use super::arguments::{Arguments, Interval, decimal};
use super::calendar::local;
use crate::values::calendar::{CivilDate, SECONDS_PER_DAY, US_PER_DAY, US_PER_SECOND};
use crate::{QueryError, SqlState};

/// Digits after the point that seconds have.
const SECOND_SCALE: i8 = 6;
const MILLISECOND_SCALE: i8 = 3;
/// 365.25 days.
const SECONDS_PER_YEAR: i64 = 31_557_600;
/// Julian day of 1970-01-01.
const JULIAN_EPOCH: i64 = 2_440_588;

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("extract(text,timestamp) extracted", |call| numeric(call, Kind::Timestamp)),
    Entry("extract(text,timestamptz) extracted", |call| numeric(call, Kind::Timestamptz)),
    Entry("extract(text,date) extracted", |call| numeric(call, Kind::Date)),
    Entry("extract(text,time) extracted", |call| numeric(call, Kind::Time)),
    Entry("extract(text,interval) extracted", |call| numeric(call, Kind::Interval)),
    Entry("date_part(text,timestamp) float8", |call| float(call, Kind::Timestamp)),
    Entry("date_part(text,timestamptz) float8", |call| float(call, Kind::Timestamptz)),
    Entry("date_part(text,date) float8", |call| float(call, Kind::Timestamp)),
    Entry("date_part(text,time) float8", |call| float(call, Kind::Time)),
    Entry("date_part(text,interval) float8", |call| float(call, Kind::Interval)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Timestamp,
    Timestamptz,
    Date,
    Time,
    Interval,
}

/// Type of `extract`: as many digits after the point as the field has.
pub(super) fn result_type(
    arguments: &[Option<&ScalarValue>],
    subject: Option<&&'static str>,
) -> DataType {
    let field = match arguments.first() {
        Some(Some(ScalarValue::Utf8(Some(field)))) => singular(field),
        _ => String::new(),
    };
    let scale = match field.as_str() {
        "epoch" if subject == Some(&"date") => 0,
        "epoch" | "second" | "" => SECOND_SCALE,
        "milliseconds" => MILLISECOND_SCALE,
        _ => 0,
    };
    DataType::Decimal128(38, scale)
}

fn numeric(call: &Arguments<'_>, kind: Kind) -> Result<ScalarValue, QueryError> {
    let value = i256::from_i128(part(call, kind)?);
    decimal(value, SECOND_SCALE, call.returns)
}

fn float(call: &Arguments<'_>, kind: Kind) -> Result<ScalarValue, QueryError> {
    let kind = match call.values.get(1) {
        Some(ScalarValue::Date32(_)) => Kind::Date,
        _ => kind,
    };
    Ok(ScalarValue::Float64(Some(part(call, kind)? as f64 / US_PER_SECOND as f64)))
}

/// Name of a field in the one form that is matched.
fn singular(field: &str) -> String {
    let lower = field.trim().to_ascii_lowercase();
    let known = match lower.as_str() {
        "years" | "yr" | "yrs" | "y" => "year",
        "months" | "mon" | "mons" => "month",
        "days" | "d" => "day",
        "hours" | "h" | "hr" | "hrs" => "hour",
        "minutes" | "min" | "mins" | "m" => "minute",
        "seconds" | "sec" | "secs" | "s" => "second",
        "decades" => "decade",
        "centuries" => "century",
        "millennia" => "millennium",
        "weeks" | "w" => "week",
        "millisecond" | "msec" | "msecs" | "ms" => "milliseconds",
        "microsecond" | "usec" | "usecs" | "us" => "microseconds",
        "quarters" => "quarter",
        other => other,
    };
    known.to_owned()
}

/// The field in millionths.
fn part(call: &Arguments<'_>, kind: Kind) -> Result<i128, QueryError> {
    let field = singular(call.text(0));
    let name = match kind {
        Kind::Timestamp => "timestamp without time zone",
        Kind::Timestamptz => "timestamp with time zone",
        Kind::Date => "date",
        Kind::Time => "time without time zone",
        Kind::Interval => "interval",
    };
    let found = match kind {
        Kind::Interval => of_interval(&field, call.interval(1)),
        Kind::Time => of_time(&field, call.int(1)),
        Kind::Date => match field.as_str() {
            "epoch" => Some(whole(call.int(1) * SECONDS_PER_DAY)),
            "hour" | "minute" | "second" | "milliseconds" | "microseconds" => None,
            field => of_day(field, call.int(1)),
        },
        Kind::Timestamp | Kind::Timestamptz => {
            let us = call.int(1);
            let shown = if kind == Kind::Timestamptz { local(us, call.zone) } else { us };
            let offset = (shown - us) / US_PER_SECOND;
            match field.as_str() {
                "epoch" => Some(i128::from(us)),
                "timezone" if kind == Kind::Timestamptz => Some(whole(offset)),
                "timezone_hour" if kind == Kind::Timestamptz => Some(whole(offset / 3_600)),
                "timezone_minute" if kind == Kind::Timestamptz => Some(whole(offset % 3_600 / 60)),
                "julian" => None,
                field => of_time(field, shown.rem_euclid(US_PER_DAY))
                    .or_else(|| of_day(field, shown.div_euclid(US_PER_DAY))),
            }
        }
    };
    found.ok_or_else(|| {
        let is_known = of_day(&field, 0).is_some()
            || of_time(&field, 0).is_some()
            || field.starts_with("timezone");
        if is_known {
            let message = format!("unit \"{}\" not supported for type {name}", call.text(0));
            return QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message);
        }
        let message = format!("unit \"{}\" not recognized for type {name}", call.text(0));
        QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

fn whole(number: i64) -> i128 {
    i128::from(number) * i128::from(US_PER_SECOND)
}

fn of_time(field: &str, us: i64) -> Option<i128> {
    let in_minute = us % (60 * US_PER_SECOND);
    Some(match field {
        "hour" => whole(us / (3_600 * US_PER_SECOND)),
        "minute" => whole(us / (60 * US_PER_SECOND) % 60),
        "second" => i128::from(in_minute),
        "milliseconds" => i128::from(in_minute) * 1_000,
        "microseconds" => whole(in_minute),
        "epoch" => i128::from(us),
        _ => return None,
    })
}

fn of_interval(field: &str, interval: Interval) -> Option<i128> {
    let years = interval.months / 12;
    Some(match field {
        "year" => whole(years),
        "month" => whole(interval.months % 12),
        "day" => whole(interval.days),
        "week" => whole(interval.days / 7),
        "quarter" => whole(interval.months % 12 / 3 + 1),
        "decade" => whole(years / 10),
        "century" => whole(years / 100),
        "millennium" => whole(years / 1_000),
        "epoch" => {
            let days = interval.months % 12 * 30 + interval.days;
            whole(years * SECONDS_PER_YEAR + days * SECONDS_PER_DAY) + i128::from(interval.us)
        }
        field => return of_time(field, interval.us),
    })
}

fn of_day(field: &str, days: i64) -> Option<i128> {
    let civil = CivilDate::from_unix_days(days);
    // There is no year 0: 1 BC is -1.
    let year = if civil.year > 0 { civil.year } else { civil.year - 1 };
    let era = |length: i64| {
        if year > 0 { (year + length - 1) / length } else { (year - length + 1) / length }
    };
    let first = CivilDate { month: 1, day: 1, ..civil }.to_unix_days()?;
    // 1970-01-01 was a Thursday.
    let weekday = (days + 4).rem_euclid(7);
    Some(whole(match field {
        "year" => year,
        "month" => i64::from(civil.month),
        "day" => i64::from(civil.day),
        "quarter" => i64::from(civil.month.div_ceil(3)),
        "decade" => civil.year.div_euclid(10),
        "century" => era(100),
        "millennium" => era(1_000),
        "dow" => weekday,
        "isodow" => {
            if weekday == 0 {
                7
            } else {
                weekday
            }
        }
        "doy" => days - first + 1,
        "week" => iso_week(days).1,
        "isoyear" => {
            let year = iso_week(days).0;
            if year > 0 { year } else { year - 1 }
        }
        "julian" => days + JULIAN_EPOCH,
        _ => return None,
    }))
}

/// Year and week by ISO 8601.
pub(super) fn iso_week(days: i64) -> (i64, i64) {
    let monday = days - (days + 3).rem_euclid(7);
    let thursday = CivilDate::from_unix_days(monday + 3);
    let first = CivilDate { month: 1, day: 1, ..thursday }.to_unix_days().unwrap_or_default();
    (thursday.year, (monday + 3 - first) / 7 + 1)
}
