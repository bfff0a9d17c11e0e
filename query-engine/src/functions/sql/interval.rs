//! Arithmetic and comparison of intervals.

use std::cmp::Ordering;

use datafusion::scalar::ScalarValue;

use super::Entry;
use super::arguments::{Arguments, Interval};
use crate::values::calendar::{US_PER_DAY, US_PER_SECOND};
use crate::{QueryError, SqlState};

const DAYS_PER_MONTH: i64 = 30;
const SECONDS_PER_DAY: f64 = 86_400.0;

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("+(interval,interval) interval", |call| sum(call.interval(0), call.interval(1))),
    Entry("-(interval,interval) interval", |call| {
        sum(call.interval(0), call.interval(1).negated())
    }),
    Entry("*(interval,float8) interval", |call| {
        scaled(call.interval(0), |part| part * call.float(1))
    }),
    Entry("*(float8,interval) interval", |call| {
        scaled(call.interval(1), |part| part * call.float(0))
    }),
    Entry("/(interval,float8) interval", |call| match call.float(1) {
        0.0 => Err(QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero")),
        divisor => scaled(call.interval(0), |part| part / divisor),
    }),
    Entry("=(interval,interval) bool", |call| Ok(compared(call, Ordering::is_eq))),
    Entry("!=(interval,interval) bool", |call| Ok(compared(call, Ordering::is_ne))),
    Entry("<(interval,interval) bool", |call| Ok(compared(call, Ordering::is_lt))),
    Entry("<=(interval,interval) bool", |call| Ok(compared(call, Ordering::is_le))),
    Entry(">(interval,interval) bool", |call| Ok(compared(call, Ordering::is_gt))),
    Entry(">=(interval,interval) bool", |call| Ok(compared(call, Ordering::is_ge))),
    Entry("justify_hours(interval) interval", |call| hours(call.interval(0)).value()),
    Entry("justify_days(interval) interval", |call| days(call.interval(0)).value()),
    Entry("justify_interval(interval) interval", |call| justified(call.interval(0)).value()),
    Entry("isfinite(interval) bool", |_| Ok(ScalarValue::Boolean(Some(true)))),
    Entry("isfinite(date) bool", |_| Ok(ScalarValue::Boolean(Some(true)))),
    Entry("isfinite(timestamp) bool", |_| Ok(ScalarValue::Boolean(Some(true)))),
    Entry("isfinite(timestamptz) bool", |_| Ok(ScalarValue::Boolean(Some(true)))),
    Entry("make_interval() interval", make),
    Entry("make_interval(int4) interval", make),
    Entry("make_interval(int4,int4) interval", make),
    Entry("make_interval(int4,int4,int4) interval", make),
    Entry("make_interval(int4,int4,int4,int4) interval", make),
    Entry("make_interval(int4,int4,int4,int4,int4) interval", make),
    Entry("make_interval(int4,int4,int4,int4,int4,int4) interval", make),
    Entry("make_interval(int4,int4,int4,int4,int4,int4,float8) interval", make),
];

impl Interval {
    pub(super) fn negated(self) -> Self {
        Self { months: -self.months, days: -self.days, us: -self.us }
    }

    /// Length with months of 30 days, by which intervals compare.
    fn length(self) -> i128 {
        let days = i128::from(self.months * DAYS_PER_MONTH + self.days);
        days * i128::from(US_PER_DAY) + i128::from(self.us)
    }
}

fn compared(call: &Arguments<'_>, is: fn(Ordering) -> bool) -> ScalarValue {
    let (left, right) = (call.interval(0).length(), call.interval(1).length());
    ScalarValue::Boolean(Some(is(left.cmp(&right))))
}

fn sum(left: Interval, right: Interval) -> Result<ScalarValue, QueryError> {
    Interval {
        months: left.months + right.months,
        days: left.days + right.days,
        us: left.us.saturating_add(right.us),
    }
    .value()
}

/// Each part scaled; fractions of months become days, fractions of days a time.
fn scaled(interval: Interval, by: impl Fn(f64) -> f64) -> Result<ScalarValue, QueryError> {
    let round = |value: f64| (value * 1e6).round_ties_even() / 1e6;
    let (months, days) = (by(interval.months as f64), by(interval.days as f64));
    let month_days = round((months - months.trunc()) * DAYS_PER_MONTH as f64);
    let rest = days - days.trunc() + (month_days - month_days.trunc());
    let mut seconds = round(rest * SECONDS_PER_DAY);
    let mut whole_days = days.trunc() + month_days.trunc();
    if seconds.abs() >= SECONDS_PER_DAY {
        whole_days += (seconds / SECONDS_PER_DAY).trunc();
        seconds %= SECONDS_PER_DAY;
    }
    let us = (by(interval.us as f64) + seconds * US_PER_SECOND as f64).round_ties_even();
    if !(us.abs() < 9.2e15 && months.abs() < 2.2e9 && whole_days.abs() < 2.2e9) {
        return Err(QueryError::new(SqlState::DATETIME_OVERFLOW, "interval out of range"));
    }
    Interval { months: months.trunc() as i64, days: whole_days as i64, us: us as i64 }.value()
}

fn hours(interval: Interval) -> Interval {
    let mut days = interval.days + interval.us / US_PER_DAY;
    let mut us = interval.us % US_PER_DAY;
    if days > 0 && us < 0 {
        (days, us) = (days - 1, us + US_PER_DAY);
    } else if days < 0 && us > 0 {
        (days, us) = (days + 1, us - US_PER_DAY);
    }
    Interval { days, us, ..interval }
}

fn days(interval: Interval) -> Interval {
    let mut months = interval.months + interval.days / DAYS_PER_MONTH;
    let mut days = interval.days % DAYS_PER_MONTH;
    if months > 0 && days < 0 {
        (months, days) = (months - 1, days + DAYS_PER_MONTH);
    } else if months < 0 && days > 0 {
        (months, days) = (months + 1, days - DAYS_PER_MONTH);
    }
    Interval { months, days, ..interval }
}

/// Both at once: all parts have one sign.
fn justified(interval: Interval) -> Interval {
    let days = interval.days + interval.us / US_PER_DAY;
    let mut us = interval.us % US_PER_DAY;
    let mut months = interval.months + days / DAYS_PER_MONTH;
    let mut days = days % DAYS_PER_MONTH;
    if months > 0 && (days < 0 || days == 0 && us < 0) {
        (months, days) = (months - 1, days + DAYS_PER_MONTH);
    } else if months < 0 && (days > 0 || days == 0 && us > 0) {
        (months, days) = (months + 1, days - DAYS_PER_MONTH);
    }
    if days > 0 && us < 0 {
        (days, us) = (days - 1, us + US_PER_DAY);
    } else if days < 0 && us > 0 {
        (days, us) = (days + 1, us - US_PER_DAY);
    }
    Interval { months, days, us }
}

fn make(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    let part = |at: usize| if at < call.values.len() { call.int(at) } else { 0 };
    let seconds = if call.values.len() > 6 { call.float(6) } else { 0.0 };
    Interval {
        months: part(0) * 12 + part(1),
        days: part(2) * 7 + part(3),
        us: (part(4) * 3_600 + part(5) * 60) * US_PER_SECOND
            + (seconds * US_PER_SECOND as f64).round_ties_even() as i64,
    }
    .value()
}
