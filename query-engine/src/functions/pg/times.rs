//! Functions on dates, times and intervals, and the clock.

mod template;

use super::{Call, Entry, strict};
use crate::catalog_query::types::{self, TypeOid};
use crate::catalog_query::{Interval, Value, text, unsupported};
use crate::values::decimal::Decimal;
use crate::values::{CivilDate, US_PER_DAY, US_PER_SECOND, Zone};
use crate::{QueryError, SqlState};

const US_PER_HOUR: i64 = 3_600 * US_PER_SECOND;
/// Days between the start of the Julian period and 1970-01-01.
const JULIAN_EPOCH_DAYS: i64 = 2_440_588;
/// Days of a month and of a year where an interval is counted in seconds.
const DAYS_PER_MONTH: i64 = 30;
const DAYS_PER_YEAR_TIMES_4: i64 = 1_461;

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("now() timestamptz", transaction_start),
    strict("transaction_timestamp() timestamptz", transaction_start),
    strict("current_timestamp() timestamptz", transaction_start),
    strict("current_timestamp(int4) timestamptz", |call| rounded(call, transaction_start)),
    strict("statement_timestamp() timestamptz", |call| {
        let state = call.env.view.entry.state();
        Ok(Value::Int(state.query_started_us.unwrap_or_else(|| clock_us(call))))
    }),
    strict("clock_timestamp() timestamptz", |call| Ok(Value::Int(clock_us(call)))),
    strict("localtimestamp() timestamp", |call| started_as(call, types::TIMESTAMP)),
    strict("localtimestamp(int4) timestamp", |call| {
        rounded(call, |call| started_as(call, types::TIMESTAMP))
    }),
    strict("current_date() date", |call| started_as(call, types::DATE)),
    strict("localtime() time", |call| started_as(call, types::TIME)),
    strict("localtime(int4) time", |call| rounded(call, |call| started_as(call, types::TIME))),
    strict("current_time() timetz", |call| started_as(call, types::TIMETZ)),
    strict("extract(text,date) numeric", |call| extract(call, types::DATE)),
    strict("extract(text,timestamp) numeric", |call| extract(call, types::TIMESTAMP)),
    strict("extract(text,timestamptz) numeric", |call| extract(call, types::TIMESTAMPTZ)),
    strict("extract(text,time) numeric", |call| extract(call, types::TIME)),
    strict("extract(text,interval) numeric", |call| extract(call, types::INTERVAL)),
    strict("date_part(text,timestamptz) float8", |call| part(call, types::TIMESTAMPTZ)),
    strict("date_part(text,timestamp) float8", |call| part(call, types::TIMESTAMP)),
    strict("date_part(text,date) float8", |call| part(call, types::DATE)),
    strict("date_part(text,interval) float8", |call| part(call, types::INTERVAL)),
    strict("timezone(text,timestamptz) timestamp", |call| {
        let offset = zone(call)?.offset_at(call.int(1).div_euclid(US_PER_SECOND));
        moved(call.int(1), i64::from(offset))
    }),
    strict("timezone(text,timestamp) timestamptz", |call| {
        let offset = zone(call)?.offset_at_local(call.int(1).div_euclid(US_PER_SECOND));
        moved(call.int(1), -i64::from(offset))
    }),
    strict("to_date(text,text) date", |call| {
        let parsed = template::read(call.text(0), call.text(1))?;
        Ok(Value::Int(parsed.div_euclid(US_PER_DAY)))
    }),
    strict("to_timestamp(text,text) timestamptz", |call| {
        let local = Value::Int(template::read(call.text(0), call.text(1))?);
        text::cast(call.env, &local, types::TIMESTAMP, types::TIMESTAMPTZ)
    }),
    strict("isfinite(date) bool", |call| {
        Ok(Value::Bool(!matches!(call.int(0) as i32, i32::MAX | i32::MIN)))
    }),
    strict("isfinite(timestamp) bool", is_finite),
    strict("isfinite(timestamptz) bool", is_finite),
    strict("justify_hours(interval) interval", |call| {
        justified_hours(interval(call)).map(Value::Interval).ok_or_else(interval_out_of_range)
    }),
    strict("justify_days(interval) interval", |call| {
        justified_days(interval(call)).map(Value::Interval).ok_or_else(interval_out_of_range)
    }),
    strict("justify_interval(interval) interval", |call| {
        justified(interval(call)).map(Value::Interval).ok_or_else(interval_out_of_range)
    }),
    strict("make_date(int4,int4,int4) date", |call| {
        let small = |at| u32::try_from(call.int(at)).unwrap_or(u32::MAX);
        let year = call.int(0) + i64::from(call.int(0) < 0);
        let date = CivilDate { year, month: small(1), day: small(2) };
        date.to_unix_days().filter(|_| call.int(0) != 0).map(Value::Int).ok_or_else(|| {
            let shown = format!("{}-{:02}-{:02}", call.int(0), call.int(1), call.int(2));
            QueryError::new(
                SqlState::DATETIME_OVERFLOW,
                format!("date field value out of range: {shown}"),
            )
        })
    }),
];

fn clock_us(call: &Call<'_>) -> i64 {
    call.env.view.entry.activity().now_us()
}

fn transaction_start(call: &Call<'_>) -> Result<Value, QueryError> {
    let state = call.env.view.entry.state();
    Ok(Value::Int(state.transaction_started_us.unwrap_or_else(|| clock_us(call))))
}

fn started_as(call: &Call<'_>, to: TypeOid) -> Result<Value, QueryError> {
    text::cast(call.env, &transaction_start(call)?, types::TIMESTAMPTZ, to)
}

/// The value of `of` with as many digits of the second as the argument says.
fn rounded(
    call: &Call<'_>,
    of: fn(&Call<'_>) -> Result<Value, QueryError>,
) -> Result<Value, QueryError> {
    let digits = i32::try_from(call.int(0).clamp(0, 6)).unwrap_or(6);
    text::resized(of(call)?, types::TIMESTAMP, digits)
}

/// The zone that the first argument names. Infinite instants are far from any change of it.
fn zone(call: &Call<'_>) -> Result<Zone, QueryError> {
    Zone::parse(call.text(0)).ok_or_else(|| {
        QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("time zone \"{}\" not recognized", call.text(0)),
        )
    })
}

fn interval(call: &Call<'_>) -> Interval {
    match call.value(0) {
        Value::Interval(interval) => *interval,
        _ => Interval::default(),
    }
}

fn is_finite(call: &Call<'_>) -> Result<Value, QueryError> {
    Ok(Value::Bool(!matches!(call.int(0), i64::MAX | i64::MIN)))
}

/// An instant or a local time that is some seconds later; the infinite ones stay.
fn moved(us: i64, seconds: i64) -> Result<Value, QueryError> {
    if matches!(us, i64::MAX | i64::MIN) {
        return Ok(Value::Int(us));
    }
    us.checked_add(seconds * US_PER_SECOND)
        .map(Value::Int)
        .ok_or_else(|| QueryError::new(SqlState::DATETIME_OVERFLOW, "timestamp out of range"))
}

fn interval_out_of_range() -> QueryError {
    QueryError::new(SqlState::DATETIME_OVERFLOW, "interval out of range")
}

/// Whole days out of the time; days and time then have one sign.
fn justified_hours(mut interval: Interval) -> Option<Interval> {
    interval.days = interval.days.checked_add(i32::try_from(interval.us / US_PER_DAY).ok()?)?;
    interval.us %= US_PER_DAY;
    if interval.days > 0 && interval.us < 0 {
        interval.us += US_PER_DAY;
        interval.days -= 1;
    } else if interval.days < 0 && interval.us > 0 {
        interval.us -= US_PER_DAY;
        interval.days += 1;
    }
    Some(interval)
}

/// Whole months out of the days; months and days then have one sign.
fn justified_days(mut interval: Interval) -> Option<Interval> {
    let month = DAYS_PER_MONTH as i32;
    interval.months = interval.months.checked_add(interval.days / month)?;
    interval.days %= month;
    if interval.months > 0 && interval.days < 0 {
        interval.days += month;
        interval.months -= 1;
    } else if interval.months < 0 && interval.days > 0 {
        interval.days -= month;
        interval.months += 1;
    }
    Some(interval)
}

/// Days out of the time and months out of the days; all then have one sign.
fn justified(mut interval: Interval) -> Option<Interval> {
    let month = DAYS_PER_MONTH as i32;
    interval.days = interval.days.checked_add(i32::try_from(interval.us / US_PER_DAY).ok()?)?;
    interval.us %= US_PER_DAY;
    interval.months = interval.months.checked_add(interval.days / month)?;
    interval.days %= month;
    let Interval { months, days, us } = interval;
    if months > 0 && (days < 0 || (days == 0 && us < 0)) {
        interval.days += month;
        interval.months -= 1;
    } else if months < 0 && (days > 0 || (days == 0 && us > 0)) {
        interval.days -= month;
        interval.months += 1;
    }
    justified_hours(interval)
}

fn part(call: &Call<'_>, of: TypeOid) -> Result<Value, QueryError> {
    Ok(match extract(call, of)? {
        Value::Numeric(number) => Value::Float(number.to_float()),
        other => other,
    })
}

/// A number of microseconds in seconds, with all six digits.
fn seconds(us: i128) -> Value {
    let text = format!("{us}e-6");
    Decimal::parse(&text).map_or(Value::Null, |value| Value::numeric(value.round(6)))
}

fn whole(number: i64) -> Value {
    Value::numeric(Decimal::from_int(number))
}

fn extract(call: &Call<'_>, of: TypeOid) -> Result<Value, QueryError> {
    let field = call.text(0).trim().to_lowercase();
    let field = field.trim_end_matches('s');
    let value = call.value(1);
    if let Value::Interval(interval) = value {
        return of_interval(field, *interval).ok_or_else(|| unknown(field, of))?;
    }
    let count = value.as_int().unwrap_or_default();
    if of == types::TIME {
        return of_clock(field, count).ok_or_else(|| unknown(field, of));
    }
    let is_endless = match of {
        types::DATE => matches!(count as i32, i32::MAX | i32::MIN),
        _ => matches!(count, i64::MAX | i64::MIN),
    };
    if is_endless {
        // Fields that grow with time are infinite, those that turn around have no value.
        let grows = matches!(
            field,
            "year"
                | "decade"
                | "century"
                | "centurie"
                | "millennium"
                | "julian"
                | "isoyear"
                | "epoch"
        );
        let infinite = Decimal::Infinite { is_negative: count < 0 };
        return Ok(if grows { Value::numeric(infinite) } else { Value::Null });
    }
    let zone = call.env.style().zone;
    let offset = match of {
        types::TIMESTAMPTZ => i64::from(zone.offset_at(count.div_euclid(US_PER_SECOND))),
        _ => 0,
    };
    let (day, us) = match of {
        types::DATE => (count, 0),
        _ => {
            let local = count.saturating_add(offset * US_PER_SECOND);
            (local.div_euclid(US_PER_DAY), local.rem_euclid(US_PER_DAY))
        }
    };
    let of_zone = |number: i64| (of == types::TIMESTAMPTZ).then(|| whole(number));
    let found = match field {
        "epoch" => Some(match of {
            types::DATE => whole(count * (US_PER_DAY / US_PER_SECOND)),
            _ => seconds(count.into()),
        }),
        "timezone" => of_zone(offset),
        "timezone_hour" => of_zone(offset / 3_600),
        "timezone_minute" => of_zone(offset % 3_600 / 60),
        field => {
            let clock = if of == types::DATE { None } else { of_clock(field, us) };
            clock.or_else(|| of_day(field, day, us))
        }
    };
    found.ok_or_else(|| unknown(field, of))
}

fn of_clock(field: &str, us: i64) -> Option<Value> {
    Some(match field {
        "hour" => whole(us / US_PER_HOUR),
        "minute" => whole(us / (60 * US_PER_SECOND) % 60),
        "second" => seconds((us % (60 * US_PER_SECOND)).into()),
        "millisecond" => {
            let ms = format!("{}e-3", us % (60 * US_PER_SECOND));
            Value::numeric(Decimal::parse(&ms).ok()?.round(3))
        }
        "microsecond" => whole(us % (60 * US_PER_SECOND)),
        "epoch" => seconds(us.into()),
        _ => return None,
    })
}

fn of_day(field: &str, day: i64, us: i64) -> Option<Value> {
    let date = CivilDate::from_unix_days(day);
    // There is no year 0: 1 BC is -1.
    let year = if date.year > 0 { date.year } else { date.year - 1 };
    let by = |years: i64| {
        if year > 0 { (year + years - 1) / years } else { -((years - 1 - date.year) / years) }
    };
    let start_of_year =
        |year| CivilDate { year, month: 1, day: 1 }.to_unix_days().unwrap_or_default();
    // 1970-01-01 was a Thursday.
    let weekday = (day + 4).rem_euclid(7);
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    let iso_year = CivilDate::from_unix_days(thursday).year;
    Some(whole(match field {
        "day" => date.day.into(),
        "month" => date.month.into(),
        "year" => year,
        "decade" => date.year.div_euclid(10),
        "century" | "centurie" => by(100),
        "millennium" => by(1_000),
        "quarter" => i64::from(date.month - 1) / 3 + 1,
        "dow" => weekday,
        "isodow" => {
            if weekday == 0 {
                7
            } else {
                weekday
            }
        }
        "doy" => day - start_of_year(date.year) + 1,
        "week" => (thursday - start_of_year(iso_year)) / 7 + 1,
        "isoyear" => {
            if iso_year > 0 {
                iso_year
            } else {
                iso_year - 1
            }
        }
        "julian" if us == 0 => day + JULIAN_EPOCH_DAYS,
        _ => return None,
    }))
}

fn of_interval(field: &str, interval: Interval) -> Option<Result<Value, QueryError>> {
    let Interval { months, days, us } = interval;
    let (years, months_left) = (i64::from(months / 12), i64::from(months % 12));
    Some(Ok(match field {
        "year" => whole(years),
        "month" => whole(months_left),
        "day" => whole(days.into()),
        "decade" => whole(years / 10),
        "century" | "centurie" => whole(years / 100),
        "millennium" => whole(years / 1_000),
        "quarter" => whole(months_left / 3 + 1),
        "hour" => whole(us / US_PER_HOUR),
        "epoch" => {
            let day_seconds = US_PER_DAY / US_PER_SECOND;
            let quarters = i128::from(years * DAYS_PER_YEAR_TIMES_4 * day_seconds);
            let rest = i128::from((months_left * DAYS_PER_MONTH + i64::from(days)) * day_seconds);
            seconds((quarters / 4 + rest) * i128::from(US_PER_SECOND) + i128::from(us))
        }
        field => return of_clock(field, us).map(Ok),
    }))
}

fn unknown(field: &str, of: TypeOid) -> QueryError {
    let name = types::type_name(of);
    let known = of_clock(field, 0).is_some() || of_day(field, 0, 0).is_some();
    if known || field.starts_with("timezone") {
        let message = format!("unit \"{field}\" not supported for type {name}");
        return QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message);
    }
    if field.is_empty() {
        return unsupported("extract() without a field");
    }
    QueryError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("unit \"{field}\" not recognized for type {name}"),
    )
}
