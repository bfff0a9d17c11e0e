//! Arithmetic of dates, times and intervals.

use super::super::env::Env;
use super::super::types::{
    self, DATE, FLOAT8, INT2, INT4, INT8, INTERVAL, NUMERIC, TIME, TIMESTAMP, TIMESTAMPTZ, TypeOid,
};
use super::super::{Interval, Value, text};
use crate::values::{CivilDate, US_PER_DAY, US_PER_SECOND};
use crate::{QueryError, SqlState};

/// Days that a fraction of a month counts with.
const DAYS_PER_MONTH: f64 = 30.0;

/// One operation. The first operand is the date or time; `-` is a sign of -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporal {
    /// `date` and days; swapped operands first.
    Days { sign: i64, swapped: bool },
    /// `date - date`.
    DaysBetween,
    /// An instant of type `TypeOid`, or a `date`, and an interval.
    Shift { of: TypeOid, sign: i64, swapped: bool },
    /// `date + time`.
    At { swapped: bool },
    /// Difference of two instants.
    Between,
    /// `time` and an interval.
    Clock { sign: i64, swapped: bool },
    /// `time - time`.
    ClockBetween,
    /// Two intervals.
    Sum { sign: i64 },
    /// An interval and a number.
    Scale { is_division: bool, swapped: bool },
}

/// The operation of a symbol on two types, and the type of its result.
pub(super) fn resolve(symbol: &str, left: TypeOid, right: TypeOid) -> Option<(Temporal, TypeOid)> {
    let sign = match symbol {
        "+" => 1,
        "-" => -1,
        "*" | "/" => return scale(symbol, left, right),
        _ => return None,
    };
    let is_plus = sign == 1;
    Some(match (left, right) {
        (DATE, INT2 | INT4) => (Temporal::Days { sign, swapped: false }, DATE),
        (INT2 | INT4, DATE) if is_plus => (Temporal::Days { sign, swapped: true }, DATE),
        (DATE, DATE) if !is_plus => (Temporal::DaysBetween, INT4),
        (DATE | TIMESTAMP, INTERVAL) => {
            (Temporal::Shift { of: left, sign, swapped: false }, TIMESTAMP)
        }
        (INTERVAL, DATE | TIMESTAMP) if is_plus => {
            (Temporal::Shift { of: right, sign, swapped: true }, TIMESTAMP)
        }
        (TIMESTAMPTZ, INTERVAL) => {
            (Temporal::Shift { of: left, sign, swapped: false }, TIMESTAMPTZ)
        }
        (INTERVAL, TIMESTAMPTZ) if is_plus => {
            (Temporal::Shift { of: right, sign, swapped: true }, TIMESTAMPTZ)
        }
        (DATE, TIME) if is_plus => (Temporal::At { swapped: false }, TIMESTAMP),
        (TIME, DATE) if is_plus => (Temporal::At { swapped: true }, TIMESTAMP),
        (TIMESTAMP, TIMESTAMP) | (TIMESTAMPTZ, TIMESTAMPTZ) if !is_plus => {
            (Temporal::Between, INTERVAL)
        }
        (TIME, INTERVAL) => (Temporal::Clock { sign, swapped: false }, TIME),
        (INTERVAL, TIME) if is_plus => (Temporal::Clock { sign, swapped: true }, TIME),
        (TIME, TIME) if !is_plus => (Temporal::ClockBetween, INTERVAL),
        (INTERVAL, INTERVAL) => (Temporal::Sum { sign }, INTERVAL),
        _ => return None,
    })
}

fn scale(symbol: &str, left: TypeOid, right: TypeOid) -> Option<(Temporal, TypeOid)> {
    let is_number = |oid| matches!(oid, INT2 | INT4 | INT8 | FLOAT8 | types::FLOAT4 | NUMERIC);
    let is_division = symbol == "/";
    match (left, right) {
        (INTERVAL, right) if is_number(right) => {
            Some((Temporal::Scale { is_division, swapped: false }, INTERVAL))
        }
        (left, INTERVAL) if is_number(left) && !is_division => {
            Some((Temporal::Scale { is_division, swapped: true }, INTERVAL))
        }
        _ => None,
    }
}

fn out_of_range(name: &str) -> QueryError {
    QueryError::new(SqlState::DATETIME_OVERFLOW, format!("{name} out of range"))
}

fn interval_of(value: &Value) -> Interval {
    match value {
        Value::Interval(interval) => *interval,
        _ => Interval::default(),
    }
}

fn is_endless(us: i64) -> bool {
    matches!(us, i64::MAX | i64::MIN)
}

impl Temporal {
    /// Value of the operation on two values that are not null.
    ///
    /// # Errors
    /// 22008 for a result out of range.
    pub(super) fn apply(
        self,
        env: &Env<'_>,
        left: &Value,
        right: &Value,
    ) -> Result<Value, QueryError> {
        let is_swapped = matches!(
            self,
            Self::Days { swapped: true, .. }
                | Self::Shift { swapped: true, .. }
                | Self::At { swapped: true }
                | Self::Clock { swapped: true, .. }
                | Self::Scale { swapped: true, .. }
        );
        let (left, right) = if is_swapped { (right, left) } else { (left, right) };
        let (count, other) =
            (left.as_int().unwrap_or_default(), right.as_int().unwrap_or_default());
        match self {
            Self::Days { sign, .. } => {
                if matches!(count as i32, i32::MAX | i32::MIN) {
                    return Ok(left.clone());
                }
                let days = count + sign * other;
                i32::try_from(days)
                    .map(|days| Value::Int(days.into()))
                    .map_err(|_| out_of_range("date"))
            }
            Self::DaysBetween => text::check_range(count - other, INT4).map(Value::Int),
            Self::Shift { of, sign, .. } => {
                let start = match of {
                    DATE => text::cast(env, left, DATE, TIMESTAMP)?,
                    _ => left.clone(),
                };
                let start = start.as_int().unwrap_or_default();
                if is_endless(start) {
                    return Ok(Value::Int(start));
                }
                shifted(env, start, interval_of(right), sign, of == TIMESTAMPTZ).map(Value::Int)
            }
            Self::At { .. } => {
                let start = text::cast(env, left, DATE, TIMESTAMP)?.as_int().unwrap_or_default();
                start.checked_add(other).map(Value::Int).ok_or_else(|| out_of_range("timestamp"))
            }
            Self::Between => {
                if is_endless(count) || is_endless(other) {
                    return Err(out_of_range("interval"));
                }
                let us = count.checked_sub(other).ok_or_else(|| out_of_range("interval"))?;
                let days = i32::try_from(us / US_PER_DAY).map_err(|_| out_of_range("interval"))?;
                Ok(Value::Interval(Interval { months: 0, days, us: us % US_PER_DAY }))
            }
            Self::Clock { sign, .. } => {
                let us = interval_of(right).us % US_PER_DAY;
                Ok(Value::Int((count + sign * us).rem_euclid(US_PER_DAY)))
            }
            Self::ClockBetween => {
                Ok(Value::Interval(Interval { us: count - other, ..Interval::default() }))
            }
            Self::Sum { sign } => sum(interval_of(left), interval_of(right), sign),
            Self::Scale { is_division, .. } => {
                let factor = match right {
                    Value::Int(number) => *number as f64,
                    Value::Float(number) => *number,
                    Value::Numeric(number) => number.to_float(),
                    _ => f64::NAN,
                };
                if is_division && factor == 0.0 {
                    return Err(QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
                }
                scaled(interval_of(left), factor, is_division).map(Value::Interval)
            }
        }
    }
}

fn sum(left: Interval, right: Interval, sign: i64) -> Result<Value, QueryError> {
    let sign32 = sign as i32;
    let field = |left: i32, right: i32| left.checked_add(right.checked_mul(sign32)?);
    let fields = || {
        Some(Interval {
            months: field(left.months, right.months)?,
            days: field(left.days, right.days)?,
            us: left.us.checked_add(right.us.checked_mul(sign)?)?,
        })
    };
    fields().map(Value::Interval).ok_or_else(|| out_of_range("interval"))
}

/// What is left of a month goes to days, and of a day to the time.
///
/// # Errors
/// 22008 past the range of intervals.
pub(crate) fn scaled(
    interval: Interval,
    factor: f64,
    is_division: bool,
) -> Result<Interval, QueryError> {
    let times = |value: f64| if is_division { value / factor } else { value * factor };
    // As PostgreSQL: near-whole results of the cascade are taken as whole.
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    let months = times(f64::from(interval.months));
    let days = times(f64::from(interval.days));
    let month_days = rounded((months - months.trunc()) * DAYS_PER_MONTH);
    let mut seconds = rounded(
        (days - days.trunc() + month_days - month_days.trunc()) * US_PER_DAY as f64
            / US_PER_SECOND as f64,
    );
    let mut whole_days = days.trunc() + month_days.trunc();
    let day_seconds = (US_PER_DAY / US_PER_SECOND) as f64;
    if seconds.abs() >= day_seconds {
        whole_days += (seconds / day_seconds).trunc();
        seconds -= (seconds / day_seconds).trunc() * day_seconds;
    }
    let us = (times(interval.us as f64) + seconds * US_PER_SECOND as f64).round();
    let in_range = |value: f64, bound: f64| value.is_finite() && value.abs() <= bound;
    let fits = in_range(months, f64::from(i32::MAX))
        && in_range(whole_days, f64::from(i32::MAX))
        && in_range(us, i64::MAX as f64);
    if !fits {
        return Err(out_of_range("interval"));
    }
    Ok(Interval { months: months.trunc() as i32, days: whole_days as i32, us: us as i64 })
}

/// An instant after months, days and time of an interval; months and days are those of the clock.
fn shifted(
    env: &Env<'_>,
    us: i64,
    interval: Interval,
    sign: i64,
    has_zone: bool,
) -> Result<i64, QueryError> {
    let overflow = || out_of_range("timestamp");
    let zone = env.style().zone;
    let offset = |seconds: i64| i64::from(zone.offset_at(seconds)) * US_PER_SECOND;
    let mut local = us;
    if interval.months != 0 || interval.days != 0 {
        if has_zone {
            local = local.checked_add(offset(us.div_euclid(US_PER_SECOND))).ok_or_else(overflow)?;
        }
        let (mut day, time) = (local.div_euclid(US_PER_DAY), local.rem_euclid(US_PER_DAY));
        if interval.months != 0 {
            day = after_months(day, sign * i64::from(interval.months)).ok_or_else(overflow)?;
        }
        day += sign * i64::from(interval.days);
        local =
            day.checked_mul(US_PER_DAY).and_then(|us| us.checked_add(time)).ok_or_else(overflow)?;
        if has_zone {
            let offset = zone.offset_at_local(local.div_euclid(US_PER_SECOND));
            local = local.checked_sub(i64::from(offset) * US_PER_SECOND).ok_or_else(overflow)?;
        }
    }
    let shift = interval.us.checked_mul(sign).ok_or_else(overflow)?;
    local.checked_add(shift).filter(|us| !is_endless(*us)).ok_or_else(overflow)
}

/// The same day of another month, or its last one.
fn after_months(day: i64, months: i64) -> Option<i64> {
    let date = CivilDate::from_unix_days(day);
    let count = date.year * 12 + i64::from(date.month) - 1 + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) as u32 + 1);
    (0..4)
        .find_map(|back| CivilDate { year, month, day: date.day.checked_sub(back)? }.to_unix_days())
}
