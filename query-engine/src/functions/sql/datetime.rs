//! `date_trunc`, `date_bin` and `age`.

use datafusion::arrow::datatypes::DataType;
use datafusion::scalar::ScalarValue;

use super::Entry;
use super::arguments::{Arguments, Interval, instant, timestamp, timestamp_range};
use super::calendar::{added_in, local, utc, zone};
use crate::values::calendar::{CivilDate, US_PER_DAY, US_PER_SECOND, Zone};
use crate::{QueryError, SqlState};

const US_PER_HOUR: i64 = 3_600 * US_PER_SECOND;

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("date_trunc(text,timestamp) timestamp", |call| {
        Ok(timestamp(truncated(call.text(0), call.int(1), "timestamp without time zone")?))
    }),
    Entry("date_trunc(text,timestamptz) timestamptz", |call| in_zone(call, call.zone)),
    Entry("date_trunc(text,timestamptz,text) timestamptz", |call| {
        in_zone(call, zone(call.text(2))?)
    }),
    Entry("date_trunc(text,interval) interval", truncated_interval),
    Entry("date_bin(interval,timestamp,timestamp) timestamp", |call| Ok(timestamp(binned(call)?))),
    Entry("date_bin(interval,timestamptz,timestamptz) timestamptz", |call| {
        Ok(instant(binned(call)?))
    }),
    Entry("age(timestamp,timestamp) interval", |call| age(call.int(0), call.int(1)).value()),
    Entry("age(timestamptz,timestamptz) interval", |call| {
        age(local(call.int(0), call.zone), local(call.int(1), call.zone)).value()
    }),
];

/// An instant after one step of an interval, months and days on the clocks of the zone.
///
/// # Errors
/// 22008 past the last instant.
pub(crate) fn advanced(us: i64, step: &ScalarValue, zone: Zone) -> Result<i64, QueryError> {
    let values = [step.clone()];
    let call = Arguments { values: &values, zone, returns: &DataType::Null };
    added_in(us, call.interval(0), zone)
}

fn in_zone(call: &Arguments<'_>, zone: Zone) -> Result<ScalarValue, QueryError> {
    let us = call.int(1);
    let shown = local(us, zone);
    let cut = truncated(call.text(0), shown, "timestamp with time zone")?;
    // Within a day the offset stays, so that both halves of a repeated hour keep theirs.
    let in_day = matches!(
        call.text(0).to_ascii_lowercase().as_str(),
        "hour" | "minute" | "second" | "milliseconds" | "microseconds"
    );
    Ok(instant(if in_day { us - (shown - cut) } else { utc(cut, zone) }))
}

fn truncated(unit: &str, us: i64, kind: &str) -> Result<i64, QueryError> {
    let days = us.div_euclid(US_PER_DAY);
    let down = |step: i64| us - us.rem_euclid(step);
    let civil = CivilDate::from_unix_days(days);
    let start = |year: i64, month: u32| {
        let first = CivilDate { year, month, day: 1 }.to_unix_days();
        first.and_then(|days| days.checked_mul(US_PER_DAY)).ok_or_else(timestamp_range)
    };
    // Centuries and millennia start with their year 1.
    let era = |length: i64| (civil.year - 1).div_euclid(length) * length + 1;
    match unit.trim().to_ascii_lowercase().as_str() {
        "microseconds" | "microsecond" => Ok(us),
        "milliseconds" | "millisecond" => Ok(down(1_000)),
        "second" | "seconds" => Ok(down(US_PER_SECOND)),
        "minute" | "minutes" => Ok(down(60 * US_PER_SECOND)),
        "hour" | "hours" => Ok(down(US_PER_HOUR)),
        "day" | "days" => Ok(days * US_PER_DAY),
        "week" | "weeks" => Ok((days - (days + 3).rem_euclid(7)) * US_PER_DAY),
        "month" | "months" => start(civil.year, civil.month),
        "quarter" => start(civil.year, (civil.month - 1) / 3 * 3 + 1),
        "year" | "years" => start(civil.year, 1),
        "decade" | "decades" => start(civil.year.div_euclid(10) * 10, 1),
        "century" | "centuries" => start(era(100), 1),
        "millennium" | "millennia" => start(era(1_000), 1),
        _ => Err(unknown_unit(unit, kind)),
    }
}

fn unknown_unit(unit: &str, kind: &str) -> QueryError {
    QueryError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("unit \"{unit}\" not recognized for type {kind}"),
    )
}

fn truncated_interval(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    let Interval { months, days, us } = call.interval(1);
    let to_months = |step: i64| Interval { months: months / step * step, days: 0, us: 0 };
    let to_us = |step: i64| Interval { months, days, us: us / step * step };
    match call.text(0).trim().to_ascii_lowercase().as_str() {
        "microseconds" => to_us(1),
        "milliseconds" => to_us(1_000),
        "second" => to_us(US_PER_SECOND),
        "minute" => to_us(60 * US_PER_SECOND),
        "hour" => to_us(US_PER_HOUR),
        "day" => Interval { months, days, us: 0 },
        "month" => to_months(1),
        "quarter" => to_months(3),
        "year" => to_months(12),
        "decade" => to_months(120),
        "century" => to_months(1_200),
        "millennium" => to_months(12_000),
        _ => return Err(unknown_unit(call.text(0), "interval")),
    }
    .value()
}

fn binned(call: &Arguments<'_>) -> Result<i64, QueryError> {
    let stride = call.interval(0);
    if stride.months != 0 {
        return Err(QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "timestamps cannot be binned into intervals containing months or years",
        ));
    }
    let step = stride.days.saturating_mul(US_PER_DAY).saturating_add(stride.us);
    if step <= 0 {
        return Err(QueryError::new(
            SqlState::DATETIME_OVERFLOW,
            "stride must be greater than zero",
        ));
    }
    let (us, origin) = (call.int(1), call.int(2));
    let from_origin = us.checked_sub(origin).ok_or_else(timestamp_range)?;
    Ok(us - from_origin.rem_euclid(step))
}

/// Years, months, days and time from `earlier` to `later`, field by field.
fn age(later: i64, earlier: i64) -> Interval {
    let is_negative = later < earlier;
    let (high, low) = if is_negative { (earlier, later) } else { (later, earlier) };
    let day = |us: i64| CivilDate::from_unix_days(us.div_euclid(US_PER_DAY));
    let (high_day, low_day) = (day(high), day(low));
    let mut us = high.rem_euclid(US_PER_DAY) - low.rem_euclid(US_PER_DAY);
    let mut days = i64::from(high_day.day) - i64::from(low_day.day);
    let mut months =
        (high_day.year - low_day.year) * 12 + i64::from(high_day.month) - i64::from(low_day.month);
    if us < 0 {
        us += US_PER_DAY;
        days -= 1;
    }
    if days < 0 {
        // Borrowed is the month of the lower end.
        days += month_days(low_day);
        months -= 1;
    }
    let interval = Interval { months, days, us };
    if is_negative { interval.negated() } else { interval }
}

fn month_days(day: CivilDate) -> i64 {
    let last =
        (28..=31).rev().find(|last| CivilDate { day: *last, ..day }.to_unix_days().is_some());
    i64::from(last.unwrap_or(30))
}
