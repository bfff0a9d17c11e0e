//! Intervals in each IntervalStyle.

use bytes::{BufMut, BytesMut};

use super::datetime::{put_fraction, put_two};
use super::number::put_integer;
use crate::values::calendar::US_PER_SECOND;

/// The IntervalStyle setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntervalStyle {
    Postgres,
    Verbose,
    Sql,
    Iso,
}

impl IntervalStyle {
    /// Reads the form that SHOW prints.
    pub(crate) fn parse(setting: &str) -> Self {
        match setting {
            "postgres_verbose" => Self::Verbose,
            "sql_standard" => Self::Sql,
            "iso_8601" => Self::Iso,
            _ => Self::Postgres,
        }
    }
}

/// Fields as they are shown: each has the sign of the count that it comes from.
struct Fields {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    us: i64,
}

/// Appends an interval.
pub(crate) fn put_interval(
    out: &mut BytesMut,
    style: IntervalStyle,
    months: i32,
    days: i32,
    us: i64,
) {
    let seconds = us / US_PER_SECOND;
    let fields = Fields {
        years: (months / 12).into(),
        months: (months % 12).into(),
        days: days.into(),
        hours: seconds / 3_600,
        minutes: seconds / 60 % 60,
        seconds: seconds % 60,
        us: us % US_PER_SECOND,
    };
    match style {
        IntervalStyle::Postgres => put_postgres(out, &fields),
        IntervalStyle::Verbose => put_verbose(out, &fields),
        IntervalStyle::Sql => put_sql(out, &fields),
        IntervalStyle::Iso => put_iso(out, &fields),
    }
}

/// Seconds with their fraction, without sign; two digits before the point where `fills`.
fn put_seconds(out: &mut BytesMut, fields: &Fields, fills: bool) {
    if fills {
        put_two(out, fields.seconds.abs());
    } else {
        put_integer(out, fields.seconds.abs());
    }
    put_fraction(out, fields.us.abs());
}

fn put_clock(out: &mut BytesMut, fields: &Fields) {
    out.put_u8(b':');
    put_two(out, fields.minutes.abs());
    out.put_u8(b':');
    put_seconds(out, fields, true);
}

/// `1 year 2 mons -3 days +04:05:06.7`.
fn put_postgres(out: &mut BytesMut, fields: &Fields) {
    let start = out.len();
    // A positive field after a negative one gets its sign.
    let mut after_negative = false;
    let named = [(fields.years, "year"), (fields.months, "mon"), (fields.days, "day")];
    for (count, unit) in named.into_iter().filter(|&(count, _)| count != 0) {
        if out.len() > start {
            out.put_u8(b' ');
        }
        if after_negative && count > 0 {
            out.put_u8(b'+');
        }
        put_integer(out, count);
        out.put_u8(b' ');
        out.put_slice(unit.as_bytes());
        if count != 1 {
            out.put_u8(b's');
        }
        after_negative = count < 0;
    }
    let time = [fields.hours, fields.minutes, fields.seconds, fields.us];
    if time == [0; 4] && out.len() > start {
        return;
    }
    if out.len() > start {
        out.put_u8(b' ');
    }
    if time.iter().any(|part| *part < 0) {
        out.put_u8(b'-');
    } else if after_negative {
        out.put_u8(b'+');
    }
    put_two(out, fields.hours.abs());
    put_clock(out, fields);
}

/// `@ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs`.
fn put_verbose(out: &mut BytesMut, fields: &Fields) {
    out.put_u8(b'@');
    let (mut is_zero, mut is_before) = (true, false);
    let named = [
        (fields.years, "year"),
        (fields.months, "mon"),
        (fields.days, "day"),
        (fields.hours, "hour"),
        (fields.minutes, "min"),
    ];
    for (count, unit) in named.into_iter().filter(|&(count, _)| count != 0) {
        if is_zero {
            is_before = count < 0;
        }
        let count = if is_before { -count } else { count };
        out.put_u8(b' ');
        put_integer(out, count);
        out.put_u8(b' ');
        out.put_slice(unit.as_bytes());
        if count != 1 {
            out.put_u8(b's');
        }
        is_zero = false;
    }
    if fields.seconds != 0 || fields.us != 0 {
        out.put_u8(b' ');
        let is_negative = fields.seconds < 0 || fields.us < 0;
        if is_zero {
            is_before = is_negative;
        } else if is_negative != is_before {
            out.put_u8(b'-');
        }
        put_seconds(out, fields, false);
        let is_one = fields.seconds.abs() == 1 && fields.us == 0;
        out.put_slice(if is_one { b" sec" } else { b" secs" });
        is_zero = false;
    }
    if is_zero {
        out.put_slice(b" 0");
    }
    if is_before {
        out.put_slice(b" ago");
    }
}

/// `1-2`, `-3 4:05:06.7`, `+1-2 -3 +4:05:06.7`.
fn put_sql(out: &mut BytesMut, fields: &Fields) {
    let time = [fields.hours, fields.minutes, fields.seconds, fields.us];
    let dates = [fields.years, fields.months, fields.days];
    let all = || time.iter().chain(&dates);
    let (has_negative, has_positive) = (all().any(|part| *part < 0), all().any(|part| *part > 0));
    let has_months = fields.years != 0 || fields.months != 0;
    let has_time = fields.days != 0 || time != [0; 4];
    if !has_negative && !has_positive {
        return out.put_u8(b'0');
    }
    if (has_negative && has_positive) || (has_months && has_time) {
        let sign = |is_negative| if is_negative { b'-' } else { b'+' };
        out.put_u8(sign(fields.years < 0 || fields.months < 0));
        put_integer(out, fields.years.abs());
        out.put_u8(b'-');
        put_integer(out, fields.months.abs());
        out.put_u8(b' ');
        out.put_u8(sign(fields.days < 0));
        put_integer(out, fields.days.abs());
        out.put_u8(b' ');
        out.put_u8(sign(time.iter().any(|part| *part < 0)));
        put_integer(out, fields.hours.abs());
        return put_clock(out, fields);
    }
    if has_negative {
        out.put_u8(b'-');
    }
    if has_months {
        put_integer(out, fields.years.abs());
        out.put_u8(b'-');
        return put_integer(out, fields.months.abs());
    }
    if fields.days != 0 {
        put_integer(out, fields.days.abs());
        out.put_u8(b' ');
    }
    put_integer(out, fields.hours.abs());
    put_clock(out, fields);
}

/// `P1Y2M-3DT4H5M6.7S`.
fn put_iso(out: &mut BytesMut, fields: &Fields) {
    let start = out.len();
    out.put_u8(b'P');
    let put = |out: &mut BytesMut, count: i64, unit: u8| {
        if count != 0 {
            put_integer(out, count);
            out.put_u8(unit);
        }
    };
    put(out, fields.years, b'Y');
    put(out, fields.months, b'M');
    put(out, fields.days, b'D');
    if [fields.hours, fields.minutes, fields.seconds, fields.us] != [0; 4] {
        out.put_u8(b'T');
        put(out, fields.hours, b'H');
        put(out, fields.minutes, b'M');
        if fields.seconds != 0 || fields.us != 0 {
            if fields.seconds < 0 || fields.us < 0 {
                out.put_u8(b'-');
            }
            put_seconds(out, fields, false);
            out.put_u8(b'S');
        }
    }
    if out.len() == start + 1 {
        out.put_slice(b"T0S");
    }
}
