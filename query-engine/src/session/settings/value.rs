//! Values of settings: checked, and brought into the form that SHOW prints.

use std::str::FromStr;

use datafusion::arrow::array::timezone::Tz;

use super::spec::{SettingKind, SettingSpec};
use crate::values::Zone;
use crate::{QueryError, SqlState};

const MS_PER_SECOND: u64 = 1_000;
const MS_PER_MINUTE: u64 = 60 * MS_PER_SECOND;
const MS_PER_HOUR: u64 = 60 * MS_PER_MINUTE;
const MS_PER_DAY: u64 = 24 * MS_PER_HOUR;
/// Units of time from large to small, as SHOW chooses them.
const UNITS: [(&str, u64); 5] = [
    ("d", MS_PER_DAY),
    ("h", MS_PER_HOUR),
    ("min", MS_PER_MINUTE),
    ("s", MS_PER_SECOND),
    ("ms", 1),
];

/// Units of memory from large to small, in kilobytes.
const MEMORY_UNITS: [(&str, u64); 4] =
    [("TB", 1 << 30), ("GB", 1 << 20), ("MB", 1 << 10), ("kB", 1)];
/// Least and most `work_mem`, kilobytes, as PostgreSQL has them.
const MEMORY_KB: std::ops::RangeInclusive<u64> = 64..=i32::MAX as u64;

/// `raw` in canonical form; `current` is the value that it replaces.
///
/// # Errors
/// 22023 for a value that does not fit, 55P02 for a fixed setting.
pub(super) fn canonical(
    spec: &SettingSpec,
    raw: &str,
    current: &str,
) -> Result<String, QueryError> {
    let raw = raw.trim();
    let value = match spec.kind {
        SettingKind::Fixed => return Err(super::cannot_change(spec.name)),
        SettingKind::Text => Some(raw.to_owned()),
        SettingKind::Bool => boolean(raw).map(|on| if on { "on" } else { "off" }.to_owned()),
        SettingKind::Integer { min, max } => return integer(spec, raw, min, max),
        SettingKind::Milliseconds => return duration(spec, raw),
        SettingKind::Kilobytes => return memory(spec, raw),
        SettingKind::Word(words) => word(words, raw),
        SettingKind::SchemaList => Some(raw.to_owned()),
        SettingKind::TimeZone => time_zone(raw),
        SettingKind::DateStyle => date_style(raw, current),
        SettingKind::Encoding => encoding(raw),
    };
    value.ok_or_else(|| invalid(spec, raw))
}

/// Milliseconds of a value in canonical or client form; `None` when it is not a time.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let unit = unit.trim();
    let scale = match unit {
        "" => 1,
        _ => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    number.checked_mul(scale)
}

/// Names in a list such as `"$user", public`: quotes removed, unquoted ones in lower case.
pub(super) fn split_list(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let (mut quoted, mut was_quoted) = (false, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, was_quoted) = (!quoted, true),
            ',' if !quoted => {
                push_name(&mut names, &mut name, was_quoted);
                was_quoted = false;
            }
            _ => name.push(c),
        }
    }
    push_name(&mut names, &mut name, was_quoted);
    names
}

fn push_name(names: &mut Vec<String>, name: &mut String, quoted: bool) {
    let taken = std::mem::take(name);
    let taken = if quoted { taken.trim().to_owned() } else { taken.trim().to_ascii_lowercase() };
    if !taken.is_empty() {
        names.push(taken);
    }
}

fn boolean(raw: &str) -> Option<bool> {
    match raw.to_ascii_lowercase().as_str() {
        "on" | "true" | "t" | "yes" | "y" | "1" => Some(true),
        "off" | "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

fn word(words: &[&'static str], raw: &str) -> Option<String> {
    // `on` and `off` words take every spelling of a boolean, as PostgreSQL's enums do.
    let as_bool = boolean(raw).map(|on| if on { "on" } else { "off" });
    words
        .iter()
        .find(|word| word.eq_ignore_ascii_case(raw) || as_bool == Some(**word))
        .map(|word| (*word).to_owned())
}

fn integer(spec: &SettingSpec, raw: &str, min: i64, max: i64) -> Result<String, QueryError> {
    let value: i64 = raw.parse().map_err(|_| invalid(spec, raw))?;
    if (min..=max).contains(&value) {
        return Ok(value.to_string());
    }
    Err(QueryError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!(
            "{value} is outside the valid range for parameter \"{}\" ({min} .. {max})",
            spec.name
        ),
    ))
}

fn duration(spec: &SettingSpec, raw: &str) -> Result<String, QueryError> {
    let value = milliseconds(raw).ok_or_else(|| {
        let error = invalid(spec, raw);
        if raw.starts_with(|c: char| c.is_ascii_digit()) {
            return error.with_hint(
                "Valid units for this parameter are \"ms\", \"s\", \"min\", \"h\", and \"d\".",
            );
        }
        error
    })?;
    if value > i32::MAX as u64 {
        return Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!(
                "{value} ms is outside the valid range for parameter \"{}\" (0 ms .. {} ms)",
                spec.name,
                i32::MAX
            ),
        ));
    }
    if value == 0 {
        return Ok("0".to_owned());
    }
    let (unit, scale) =
        UNITS.into_iter().find(|(_, scale)| value % scale == 0).unwrap_or(("ms", 1));
    Ok(format!("{}{unit}", value / scale))
}

fn memory(spec: &SettingSpec, raw: &str) -> Result<String, QueryError> {
    let value = kilobytes(raw).ok_or_else(|| {
        invalid(spec, raw).with_hint(
            "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".",
        )
    })?;
    if !MEMORY_KB.contains(&value) {
        return Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!(
                "{value} kB is outside the valid range for parameter \"{}\" ({} kB .. {} kB)",
                spec.name,
                MEMORY_KB.start(),
                MEMORY_KB.end()
            ),
        ));
    }
    let (unit, scale) =
        MEMORY_UNITS.into_iter().find(|(_, scale)| value % scale == 0).unwrap_or(("kB", 1));
    Ok(format!("{}{unit}", value / scale))
}

/// Kilobytes of a value in canonical or client form; bytes are rounded as PostgreSQL rounds them.
fn kilobytes(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "" => Some(number),
        "B" => Some(number.checked_add(512)? / 1024),
        unit => number.checked_mul(MEMORY_UNITS.iter().find(|(name, _)| *name == unit)?.1),
    }
}

/// A canonical value in the setting's own unit, without it: what `pg_settings` shows.
pub(super) fn in_base_unit(spec: &SettingSpec, canonical: &str) -> String {
    let number = match spec.kind {
        SettingKind::Milliseconds => milliseconds(canonical),
        SettingKind::Kilobytes => kilobytes(canonical),
        _ => None,
    };
    number.map_or_else(|| canonical.to_owned(), |number| number.to_string())
}

fn time_zone(raw: &str) -> Option<String> {
    let name = raw.trim_matches('\'');
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("default") {
        return Some(if name.eq_ignore_ascii_case("utc") { "UTC" } else { "Etc/UTC" }.to_owned());
    }
    // A fixed distance from UTC, as SET TIME ZONE with a number makes it.
    let is_fixed = name.starts_with('<') && Zone::parse(name).is_some();
    (is_fixed || Tz::from_str(name).is_ok()).then(|| name.to_owned())
}

/// What `raw` leaves open stays as it is `current`ly; German dates begin with the day.
fn date_style(raw: &str, current: &str) -> Option<String> {
    let (mut style, mut order) = current.split_once(", ").unwrap_or(("ISO", "MDY"));
    let (mut has_style, mut has_order) = (false, false);
    for part in raw.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let lower = part.to_ascii_lowercase();
        let (found_style, found_order) = match lower.as_str() {
            "iso" => (Some("ISO"), None),
            "sql" => (Some("SQL"), None),
            "german" => (Some("German"), None),
            "mdy" | "us" => (None, Some("MDY")),
            "dmy" => (None, Some("DMY")),
            "ymd" => (None, Some("YMD")),
            "default" => (Some("ISO"), Some("MDY")),
            word if word.starts_with("postgres") => (Some("Postgres"), None),
            word if word.starts_with("euro") => (None, Some("DMY")),
            word if word.starts_with("noneuro") => (None, Some("MDY")),
            _ => return None,
        };
        // Two different words for the same thing are an error.
        if found_style.is_some_and(|found| has_style && found != style)
            || found_order.is_some_and(|found| has_order && found != order)
        {
            return None;
        }
        if let Some(found) = found_style {
            (style, has_style) = (found, true);
        }
        if let Some(found) = found_order {
            (order, has_order) = (found, true);
        }
    }
    if has_style && style == "German" && !has_order {
        order = "DMY";
    }
    Some(format!("{style}, {order}"))
}

fn encoding(raw: &str) -> Option<String> {
    let name: String =
        raw.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match name.as_str() {
        "utf8" | "unicode" => Some("UTF8".to_owned()),
        "sqlascii" => Some("SQL_ASCII".to_owned()),
        _ => None,
    }
}

fn invalid(spec: &SettingSpec, raw: &str) -> QueryError {
    let message = match spec.kind {
        SettingKind::Bool => format!("parameter \"{}\" requires a Boolean value", spec.name),
        _ => format!("invalid value for parameter \"{}\": \"{raw}\"", spec.name),
    };
    let error = QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    match spec.kind {
        SettingKind::Word(words) => {
            error.with_hint(format!("Available values: {}.", words.join(", ")))
        }
        _ => error,
    }
}
