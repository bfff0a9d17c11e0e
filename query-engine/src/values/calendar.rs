//! Days, instants and time zones as PostgreSQL has them: proleptic Gregorian, microseconds.
//!
//! Infinity has no Arrow form. Here, and in `Parameter`, the largest and smallest count stand for
//! `infinity` and `-infinity`.

use std::str::FromStr;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::OffsetName as _;

/// Days from 1970-01-01, where Arrow counts from, to 2000-01-01, where PostgreSQL does.
pub(crate) const PG_EPOCH_DAYS: i32 = 10_957;
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;
pub(crate) const US_PER_SECOND: i64 = 1_000_000;
pub(crate) const US_PER_DAY: i64 = SECONDS_PER_DAY * US_PER_SECOND;
/// [`PG_EPOCH_DAYS`] in microseconds.
pub(crate) const PG_EPOCH_US: i64 = PG_EPOCH_DAYS as i64 * US_PER_DAY;

/// A day of the proleptic Gregorian calendar; year 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CivilDate {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
}

impl CivilDate {
    /// The day that is `days` after 1970-01-01.
    pub(crate) fn from_unix_days(days: i64) -> Self {
        // Years start in March here, so that the leap day is the last of its year.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month: month as u32, day: day as u32 }
    }

    /// Days after 1970-01-01; `None` for a day that does not exist.
    pub(crate) fn to_unix_days(self) -> Option<i64> {
        if !(1..=12).contains(&self.month) || !(1..=self.days_in_month()).contains(&self.day) {
            return None;
        }
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(era * 146_097 + day_of_era - 719_468)
    }

    fn days_in_month(self) -> u32 {
        let is_leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if is_leap => 29,
            2 => 28,
            _ => 31,
        }
    }
}

/// A session's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Always this many seconds east of UTC.
    Fixed(i32),
    /// A zone of the IANA database.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// The zone that a TimeZone setting names: an IANA name in any case, hours east of UTC (`-3.5`), or
    /// PostgreSQL's own form for those (`<+03>-03`).
    pub fn parse(setting: &str) -> Option<Self> {
        if let Ok(zone) = chrono_tz::Tz::from_str(setting) {
            return Some(Self::Named(zone));
        }
        if let Some((_, posix)) = setting.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            // POSIX counts west of UTC.
            return parse_offset(posix).map(|seconds| Self::Fixed(-seconds));
        }
        if let Ok(hours) = setting.parse::<f64>()
            && hours.abs() < 168.0
        {
            return Some(Self::Fixed((hours * 3_600.0) as i32));
        }
        let mut zones = chrono_tz::TZ_VARIANTS.iter();
        zones.find(|zone| zone.name().eq_ignore_ascii_case(setting)).copied().map(Self::Named)
    }

    /// Seconds east of UTC at an instant.
    pub(crate) fn offset_at(self, unix_seconds: i64) -> i32 {
        match self {
            Self::Fixed(offset) => offset,
            Self::Named(zone) => {
                let instant = clamped(unix_seconds).naive_utc();
                zone.offset_from_utc_datetime(&instant).fix().local_minus_utc()
            }
        }
    }

    /// Short name of the zone at an instant, such as `CET`; `None` for a fixed offset.
    pub(crate) fn abbreviation_at(self, unix_seconds: i64) -> Option<String> {
        match self {
            Self::Fixed(_) => None,
            Self::Named(zone) => {
                let instant = clamped(unix_seconds).naive_utc();
                zone.offset_from_utc_datetime(&instant).abbreviation().map(str::to_owned)
            }
        }
    }

    /// Seconds east of UTC where clocks show `local_seconds`. Of two answers, and of none, the one that
    /// PostgreSQL takes: after the change when clocks go back, before it when they go forward.
    pub(crate) fn offset_at_local(self, local_seconds: i64) -> i32 {
        match self {
            Self::Fixed(offset) => offset,
            Self::Named(zone) => {
                let local = clamped(local_seconds).naive_utc();
                match zone.offset_from_local_datetime(&local) {
                    chrono::LocalResult::Single(offset)
                    | chrono::LocalResult::Ambiguous(_, offset) => offset.fix().local_minus_utc(),
                    chrono::LocalResult::None => self.offset_at(local_seconds - SECONDS_PER_DAY),
                }
            }
        }
    }
}

/// Rules of zones do not change in the years that chrono cannot express: its first and last serve.
fn clamped(unix_seconds: i64) -> DateTime<chrono::Utc> {
    let ends =
        DateTime::<chrono::Utc>::MIN_UTC.timestamp()..=DateTime::<chrono::Utc>::MAX_UTC.timestamp();
    // A day from the ends, so that adding an offset stays inside.
    let inside = unix_seconds.clamp(ends.start() + SECONDS_PER_DAY, ends.end() - SECONDS_PER_DAY);
    DateTime::from_timestamp(inside, 0).expect("clamped to what chrono can express")
}

/// Seconds of `[+-]H[H][:MM[:SS]]` or `[+-]HHMM`.
pub(crate) fn parse_offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => (1, text),
    };
    let parts: Vec<&str> = match rest.len() {
        4 if !rest.contains(':') && rest.is_ascii() => vec![&rest[..2], &rest[2..]],
        _ => rest.split(':').collect(),
    };
    if parts.len() > 3 {
        return None;
    }
    let mut seconds = 0;
    for (index, unit) in [3_600, 60, 1].into_iter().enumerate() {
        let Some(part) = parts.get(index) else { break };
        let is_number =
            matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
        let number: i32 = is_number.then(|| part.parse().ok()).flatten()?;
        if (index > 0 && number > 59) || number > 24 && index == 0 {
            return None;
        }
        seconds += number * unit;
    }
    Some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_and_dates_agree_at_known_points() {
        for (days, year, month, day) in [
            (0, 1970, 1, 1),
            (10_957, 2000, 1, 1),
            (11_016, 2000, 2, 29),
            (-719_528, 0, 1, 1),
            (-735_160, -43, 3, 15),
            (2_932_897, 10_000, 1, 1),
        ] {
            let date = CivilDate { year, month, day };
            assert_eq!(CivilDate::from_unix_days(days), date);
            assert_eq!(date.to_unix_days(), Some(days));
        }
        assert_eq!(CivilDate { year: 1900, month: 2, day: 29 }.to_unix_days(), None);
        assert_eq!(CivilDate { year: 2020, month: 13, day: 1 }.to_unix_days(), None);
    }

    #[test]
    fn zones_are_read_in_every_form_that_show_prints() {
        assert_eq!(Zone::parse("UTC").unwrap().offset_at(0), 0);
        assert_eq!(Zone::parse("europe/berlin").unwrap().offset_at(1_600_000_000), 7_200);
        assert_eq!(Zone::parse("<+05:30>-05:30"), Some(Zone::Fixed(19_800)));
        assert_eq!(Zone::parse("-3.5"), Some(Zone::Fixed(-12_600)));
        assert_eq!(Zone::parse("Nowhere/Land"), None);
    }

    #[test]
    fn a_local_time_that_is_doubled_or_missing_is_read_as_postgres_reads_it() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let local = |month, day, hour: i64| {
            CivilDate { year: 2020, month, day }.to_unix_days().unwrap() * SECONDS_PER_DAY
                + hour * 3_600
                + 1_800
        };
        assert_eq!(berlin.offset_at_local(local(10, 25, 2)), 3_600);
        assert_eq!(berlin.offset_at_local(local(3, 29, 2)), 3_600);
    }

    proptest! {
        #[test]
        fn every_day_survives_the_round_trip(days in -2_500_000_000i64..2_500_000_000) {
            prop_assert_eq!(CivilDate::from_unix_days(days).to_unix_days(), Some(days));
        }

        #[test]
        fn no_instant_panics_in_any_zone(seconds in any::<i64>()) {
            let zone = Zone::parse("America/New_York").unwrap();
            let seconds = seconds / 2;
            prop_assert!(zone.offset_at(seconds).abs() < 86_400);
            prop_assert!(zone.offset_at_local(seconds).abs() < 86_400);
        }
    }
}
