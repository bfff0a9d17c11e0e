//! Instants and local times: conversions by zone, adding intervals, and functions that make dates.

use datafusion::scalar::ScalarValue;

use super::Entry;
use super::arguments::{Arguments, Interval, date, instant, time, timestamp, timestamp_range};
use crate::values::calendar::{CivilDate, US_PER_DAY, US_PER_SECOND, Zone};
use crate::values::decode::datetime::{parse_date, parse_time, parse_timestamp};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("ergosql_local(timestamptz) timestamp", |call| {
        Ok(timestamp(local(call.int(0), call.zone)))
    }),
    Entry("ergosql_instant(timestamp) timestamptz", |call| {
        Ok(instant(utc(call.int(0), call.zone)))
    }),
    Entry("ergosql_date(text) date", |call| date(i64::from(finite(parse_date(call.text(0))?)?))),
    Entry("ergosql_time(text) time", |call| Ok(time(parse_time(call.text(0))?))),
    Entry("ergosql_timestamp(text) timestamp", |call| {
        Ok(timestamp(finite_us(parse_timestamp(call.text(0), None)?)?))
    }),
    Entry("ergosql_timestamptz(text) timestamptz", |call| {
        Ok(instant(finite_us(parse_timestamp(call.text(0), Some(call.zone))?)?))
    }),
    Entry("ergosql_to_timestamp(float8) timestamptz", to_timestamp),
    Entry("timezone(text,timestamptz) timestamp", |call| {
        Ok(timestamp(local(call.int(1), zone(call.text(0))?)))
    }),
    Entry("timezone(text,timestamp) timestamptz", |call| {
        Ok(instant(utc(call.int(1), zone(call.text(0))?)))
    }),
    Entry("timezone(interval,timestamptz) timestamp", |call| {
        Ok(timestamp(call.int(1).saturating_add(call.interval(0).us)))
    }),
    Entry("timezone(interval,timestamp) timestamptz", |call| {
        Ok(instant(call.int(1).saturating_sub(call.interval(0).us)))
    }),
    Entry("+(timestamp,interval) timestamp", |call| {
        Ok(timestamp(added(call.int(0), call.interval(1))?))
    }),
    Entry("+(interval,timestamp) timestamp", |call| {
        Ok(timestamp(added(call.int(1), call.interval(0))?))
    }),
    Entry("-(timestamp,interval) timestamp", |call| {
        Ok(timestamp(added(call.int(0), call.interval(1).negated())?))
    }),
    Entry("+(timestamptz,interval) timestamptz", |call| {
        Ok(instant(added_in(call.int(0), call.interval(1), call.zone)?))
    }),
    Entry("+(interval,timestamptz) timestamptz", |call| {
        Ok(instant(added_in(call.int(1), call.interval(0), call.zone)?))
    }),
    Entry("-(timestamptz,interval) timestamptz", |call| {
        Ok(instant(added_in(call.int(0), call.interval(1).negated(), call.zone)?))
    }),
    Entry("+(date,interval) timestamp", |call| {
        Ok(timestamp(added(midnight(call.int(0))?, call.interval(1))?))
    }),
    Entry("+(interval,date) timestamp", |call| {
        Ok(timestamp(added(midnight(call.int(1))?, call.interval(0))?))
    }),
    Entry("-(date,interval) timestamp", |call| {
        Ok(timestamp(added(midnight(call.int(0))?, call.interval(1).negated())?))
    }),
    Entry("+(date,time) timestamp", |call| Ok(timestamp(midnight(call.int(0))? + call.int(1)))),
    Entry("+(time,date) timestamp", |call| Ok(timestamp(midnight(call.int(1))? + call.int(0)))),
    Entry("+(date,int4) date", |call| date(call.int(0) + call.int(1))),
    Entry("+(int4,date) date", |call| date(call.int(0) + call.int(1))),
    Entry("-(date,int4) date", |call| date(call.int(0) - call.int(1))),
    Entry("-(date,date) int4", |call| {
        Ok(ScalarValue::Int32(i32::try_from(call.int(0) - call.int(1)).ok()))
    }),
    Entry("-(timestamp,timestamp) interval", difference),
    Entry("-(timestamptz,timestamptz) interval", difference),
    Entry("-(time,time) interval", |call| {
        Interval { months: 0, days: 0, us: call.int(0) - call.int(1) }.value()
    }),
    Entry("+(time,interval) time", |call| {
        Ok(time((call.int(0) + call.interval(1).us).rem_euclid(US_PER_DAY)))
    }),
    Entry("-(time,interval) time", |call| {
        Ok(time((call.int(0) - call.interval(1).us).rem_euclid(US_PER_DAY)))
    }),
    Entry("make_date(int4,int4,int4) date", |call| date(day(call)?)),
    Entry("make_time(int4,int4,float8) time", |call| Ok(time(clock(call, 0)?))),
    Entry("make_timestamp(int4,int4,int4,int4,int4,float8) timestamp", |call| {
        Ok(timestamp(midnight(day(call)?)? + clock(call, 3)?))
    }),
    Entry("make_timestamptz(int4,int4,int4,int4,int4,float8) timestamptz", |call| {
        Ok(instant(utc(midnight(day(call)?)? + clock(call, 3)?, call.zone)))
    }),
    Entry("make_timestamptz(int4,int4,int4,int4,int4,float8,text) timestamptz", |call| {
        Ok(instant(utc(midnight(day(call)?)? + clock(call, 3)?, zone(call.text(6))?)))
    }),
];

/// What clocks of the zone show at an instant.
pub(super) fn local(us: i64, zone: Zone) -> i64 {
    us + i64::from(zone.offset_at(us.div_euclid(US_PER_SECOND))) * US_PER_SECOND
}

/// The instant at which clocks of the zone show `us`.
pub(super) fn utc(us: i64, zone: Zone) -> i64 {
    us - i64::from(zone.offset_at_local(us.div_euclid(US_PER_SECOND))) * US_PER_SECOND
}

/// The zone that a statement names.
///
/// # Errors
/// 22023 for a name that is none.
pub(super) fn zone(name: &str) -> Result<Zone, QueryError> {
    Zone::parse(name).ok_or_else(|| {
        QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("time zone \"{name}\" not recognized"),
        )
    })
}

pub(super) fn midnight(days: i64) -> Result<i64, QueryError> {
    days.checked_mul(US_PER_DAY).ok_or_else(timestamp_range)
}

fn finite(days: i32) -> Result<i32, QueryError> {
    match days {
        i32::MAX | i32::MIN => Err(infinite("date")),
        days => Ok(days),
    }
}

fn finite_us(us: i64) -> Result<i64, QueryError> {
    match us {
        i64::MAX | i64::MIN => Err(infinite("timestamp")),
        us => Ok(us),
    }
}

fn infinite(kind: &str) -> QueryError {
    let message = format!("an infinite {kind} in a computation is not supported");
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// Months first, with the day cut to the month's last, then days, then the time.
pub(super) fn added(us: i64, interval: Interval) -> Result<i64, QueryError> {
    let days = us.div_euclid(US_PER_DAY);
    let in_day = us.rem_euclid(US_PER_DAY);
    let sum = || {
        let days = with_months(days, interval.months)?.checked_add(interval.days)?;
        days.checked_mul(US_PER_DAY)?.checked_add(in_day)?.checked_add(interval.us)
    };
    sum().ok_or_else(timestamp_range)
}

/// As [`added`], months and days on the clocks of the zone.
pub(super) fn added_in(us: i64, interval: Interval, zone: Zone) -> Result<i64, QueryError> {
    let mut us = us;
    if interval.months != 0 || interval.days != 0 {
        let whole = Interval { us: 0, ..interval };
        us = utc(added(local(us, zone), whole)?, zone);
    }
    us.checked_add(interval.us).ok_or_else(timestamp_range)
}

fn with_months(days: i64, months: i64) -> Option<i64> {
    if months == 0 {
        return Some(days);
    }
    let civil = CivilDate::from_unix_days(days);
    let count = civil.year.checked_mul(12)?.checked_add(i64::from(civil.month) - 1 + months)?;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) as u32 + 1);
    (0..4).find_map(|less| CivilDate { year, month, day: civil.day - less }.to_unix_days())
}

/// Whole days and a time of day.
fn difference(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    let us = call.int(0).checked_sub(call.int(1)).ok_or_else(timestamp_range)?;
    Interval { months: 0, days: us / US_PER_DAY, us: us % US_PER_DAY }.value()
}

fn day(call: &Arguments<'_>) -> Result<i64, QueryError> {
    let (year, month, day) = (call.int(0), call.int(1), call.int(2));
    let known = CivilDate {
        year: if year < 0 { year + 1 } else { year },
        month: u32::try_from(month).unwrap_or(0),
        day: u32::try_from(day).unwrap_or(0),
    };
    let days = if year == 0 { None } else { known.to_unix_days() };
    days.ok_or_else(|| {
        QueryError::new(
            SqlState::DATETIME_OVERFLOW,
            format!("date field value out of range: {year}-{month:02}-{day:02}"),
        )
    })
}

fn clock(call: &Arguments<'_>, from: usize) -> Result<i64, QueryError> {
    let (hour, minute, second) = (call.int(from), call.int(from + 1), call.float(from + 2));
    let is_valid = (0..=24).contains(&hour)
        && (0..60).contains(&minute)
        && (0.0..=60.0).contains(&second)
        && (hour < 24 || (minute == 0 && second == 0.0));
    if !is_valid {
        return Err(QueryError::new(
            SqlState::DATETIME_OVERFLOW,
            format!("time field value out of range: {hour}:{minute:02}:{second:02}"),
        ));
    }
    let whole = (hour * 3_600 + minute * 60) * US_PER_SECOND;
    Ok(whole + (second * US_PER_SECOND as f64).round_ties_even() as i64)
}

fn to_timestamp(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    let us = (call.float(0) * US_PER_SECOND as f64).round_ties_even();
    // Not a number is in no range.
    let in_range = us.abs() < 9.2e18;
    if in_range { Ok(instant(us as i64)) } else { Err(timestamp_range()) }
}
