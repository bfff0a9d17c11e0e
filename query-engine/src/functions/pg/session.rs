//! Functions about the session and the server.

use chrono::{Offset, TimeZone};
use chrono_tz::{OffsetComponents, OffsetName};

use super::{Call, Entry, set, strict, with_nulls};
use crate::catalog::pg_catalog::user_rows::schema_oid;
use crate::catalog_query::{Row, Value};
use crate::session::Settings;
use crate::{QueryError, SqlState};

/// Longest pg_sleep(): some thirty years, which the clock's arithmetic can hold.
const SLEEP_SECONDS_MAX: f64 = 1e9;
/// PostgreSQL's number of the only encoding that we store.
const UTF8: i64 = 6;

/// Encodings by number, as PostgreSQL 16 numbers them.
const ENCODINGS: &[&str] = &[
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

pub(super) const FUNCTIONS: &[Entry] = &[
    set(
        "pg_prepared_statement() setof name text, statement text, prepare_time timestamptz, parameter_types regtype[], result_types regtype[], from_sql bool, generic_plans int8, custom_plans int8",
        |call| Ok(call.env.view.own().statements.clone()),
    ),
    set(
        "pg_cursor() setof name text, statement text, is_holdable bool, is_binary bool, is_scrollable bool, creation_time timestamptz",
        |call| Ok(call.env.view.own().cursors.clone()),
    ),
    strict("version() text", version),
    strict("current_database() name", |call| Ok(Value::text(call.env.view.database.as_str()))),
    strict("current_catalog() name", |call| Ok(Value::text(call.env.view.database.as_str()))),
    strict("current_schema() name", current_schema),
    strict("current_schemas(bool) name[]", current_schemas),
    strict("current_user() name", role),
    strict("current_role() name", role),
    strict("session_user() name", role),
    strict("user() name", role),
    strict("system_user() text", |_| Ok(Value::Null)),
    strict("current_setting(text) text", |call| setting(call, false)),
    strict("current_setting(text,bool) text", |call| setting(call, call.bool(1))),
    with_nulls("pg_notify(text,text) void", notify),
    set("pg_listening_channels() setof pg_listening_channels text", |call| {
        let outbox = call.env.view.outbox();
        Ok(outbox.channels.iter().map(|name| Row::from(vec![Value::text(name.as_str())])).collect())
    }),
    strict("pg_sleep(float8) void", sleep),
    with_nulls("set_config(text,text,bool) text", set_config),
    set(
        "pg_show_all_settings() setof name text, setting text, unit text, category text, short_desc text, extra_desc text, context text, vartype text, source text, min_val text, max_val text, enumvals text[], boot_val text, reset_val text, sourcefile text, sourceline int4, pending_restart bool",
        all_settings,
    ),
    set(
        "pg_timezone_names() setof name text, abbrev text, utc_offset interval, is_dst bool",
        time_zones,
    ),
    // No function takes an advisory lock here, so that there is none to give back.
    strict("pg_advisory_unlock_all() void", |_| Ok(Value::text(""))),
    strict("pg_is_in_recovery() bool", |_| Ok(Value::Bool(false))),
    strict("pg_is_wal_replay_paused() bool", |_| Ok(Value::Bool(false))),
    strict("pg_jit_available() bool", |_| Ok(Value::Bool(false))),
    strict("pg_my_temp_schema() oid", |call| {
        let view = call.env.view;
        Ok(view
            .objects
            .temp_schema()
            .map_or(Value::Int(0), |schema| Value::oid(schema_oid(view, schema))))
    }),
    strict("pg_is_other_temp_schema(oid) bool", |_| Ok(Value::Bool(false))),
    strict("pg_encoding_to_char(int4) name", encoding_name),
    strict("pg_char_to_encoding(name) int4", encoding_number),
    strict("getdatabaseencoding() name", |_| Ok(Value::text(ENCODINGS[UTF8 as usize]))),
    strict("pg_client_encoding() name", |_| Ok(Value::text(ENCODINGS[UTF8 as usize]))),
    with_nulls("pg_typeof(anyelement) regtype", |call| Ok(Value::oid(call.types[0]))),
];

fn version(call: &Call<'_>) -> Result<Value, QueryError> {
    let version = call.env.view.settings().get("server_version").unwrap_or_default();
    Ok(Value::text(format!(
        "PostgreSQL {version} on {}-pc-{}-gnu, compiled by rustc, {}-bit (ErgoSQL {})",
        std::env::consts::ARCH,
        std::env::consts::OS,
        usize::BITS,
        env!("CARGO_PKG_VERSION"),
    )))
}

/// Waits on the statement's own thread, until it has to stop.
fn sleep(call: &Call<'_>) -> Result<Value, QueryError> {
    let Value::Float(seconds) = call.value(0) else { return Ok(Value::text("")) };
    let (Some(cancel), Ok(runtime)) = (&call.env.cancel, tokio::runtime::Handle::try_current())
    else {
        return Err(crate::catalog_query::unsupported("pg_sleep() in a statement over tables"));
    };
    let seconds = seconds.clamp(0.0, SLEEP_SECONDS_MAX);
    let wait = tokio::time::sleep(std::time::Duration::from_secs_f64(seconds));
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(QueryError::new(
                SqlState::QUERY_CANCELED,
                "canceling statement due to user request",
            )),
            () = wait => Ok(Value::text("")),
        }
    })
}

fn notify(call: &Call<'_>) -> Result<Value, QueryError> {
    call.env.view.outbox().add(call.text(0), call.text(1))?;
    Ok(Value::text(""))
}

fn role(call: &Call<'_>) -> Result<Value, QueryError> {
    Ok(Value::text(call.env.view.role.as_str()))
}

/// Schemas of the path that exist.
fn path(call: &Call<'_>, implicit: bool) -> Result<Vec<Value>, QueryError> {
    let named = call.env.view.settings().search_path(&call.env.view.role);
    let schemas = if implicit { call.env.view.search_path() } else { named };
    let mut found = Vec::new();
    for schema in schemas {
        if call.env.find_by_name("pg_namespace", "nspname", &schema)?.is_some() {
            found.push(Value::text(schema));
        }
    }
    Ok(found)
}

fn current_schema(call: &Call<'_>) -> Result<Value, QueryError> {
    Ok(path(call, false)?.into_iter().next().unwrap_or(Value::Null))
}

fn current_schemas(call: &Call<'_>) -> Result<Value, QueryError> {
    path(call, call.bool(0)).map(Value::array)
}

fn setting(call: &Call<'_>, missing_ok: bool) -> Result<Value, QueryError> {
    match call.env.view.settings().get(call.text(0)) {
        Some(value) => Ok(Value::text(value)),
        None if missing_ok => Ok(Value::Null),
        None => Err(QueryError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("unrecognized configuration parameter \"{}\"", call.text(0)),
        )),
    }
}

fn set_config(call: &Call<'_>) -> Result<Value, QueryError> {
    if call.value(0).is_null() {
        return Err(QueryError::new(SqlState("22004"), "SET requires parameter name"));
    }
    let mut settings = call.env.view.settings();
    settings.set(call.text(0), call.text(1), call.bool(2)).map(Value::text)
}

/// Rows of `pg_settings`: what the session has, described as PostgreSQL describes it.
fn all_settings(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    let described = crate::catalog::pg_catalog::builtin::settings();
    let text = |value: Option<&str>| value.map_or(Value::Null, Value::text);
    let settings = call.env.view.settings();
    let row = |(name, setting, description): (String, String, &'static str)| {
        let known = described.iter().find(|known| known[0].as_deref() == Some(name.as_str()));
        let field = |at: usize| known.and_then(|known| known[at].as_deref());
        let enumeration = field(10).map_or(Value::Null, |values| {
            let values = values.trim_start_matches('{').trim_end_matches('}').split(',');
            Value::array(values.map(|value| Value::text(value.trim_matches('"'))).collect())
        });
        let in_base_unit = |value: &str| Settings::in_base_unit(&name, value);
        // What every session starts with is either PostgreSQL's own value or ours, which the database or the
        // server sets.
        let source = match settings.source(&name) {
            "default" if name == "search_path" => "database",
            // PostgreSQL takes these from the database and calls it no source.
            "default" if name.ends_with("_encoding") => "default",
            "default" if field(11).is_some_and(|own| in_base_unit(&setting) != own) => {
                "configuration file"
            }
            source => source,
        };
        let in_unit = |value: &str| Value::text(in_base_unit(value));
        let reset = settings.reset_value(&name).map_or(Value::Null, |value| in_unit(&value));
        Row::from(vec![
            Value::text(name.as_str()),
            in_unit(&setting),
            text(field(2)),
            Value::text(field(3).unwrap_or("Customized Options")),
            Value::text(field(4).unwrap_or(description)),
            text(field(5)),
            Value::text(field(6).unwrap_or("user")),
            Value::text(field(7).unwrap_or("string")),
            Value::text(source),
            text(field(8)),
            text(field(9)),
            enumeration,
            text(field(11)),
            reset,
            Value::Null,
            Value::Null,
            Value::Bool(false),
        ])
    };
    // PostgreSQL hides a few settings of its own here, such as `role`; they have no description.
    let is_shown = |name: &str| {
        name.contains('.') || described.iter().any(|known| known[0].as_deref() == Some(name))
    };
    Ok(settings.all().into_iter().filter(|setting| is_shown(&setting.0)).map(row).collect())
}

/// Rows of `pg_timezone_names`: all zones as they are now.
fn time_zones(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    let now_us = call.env.view.entry.activity().now_us();
    let now = chrono::DateTime::from_timestamp_micros(now_us).unwrap_or_default().naive_utc();
    let row = |zone: &chrono_tz::Tz| {
        let offset = zone.offset_from_utc_datetime(&now);
        let seconds = offset.fix().local_minus_utc();
        let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
        let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
        Row::from(vec![
            Value::text(zone.name()),
            offset.abbreviation().map_or(Value::Null, Value::text),
            Value::text(format!("{sign}{hours:02}:{minutes:02}:{:02}", seconds % 60)),
            Value::Bool(!offset.dst_offset().is_zero()),
        ])
    };
    Ok(chrono_tz::TZ_VARIANTS.iter().map(row).collect())
}

fn encoding_name(call: &Call<'_>) -> Result<Value, QueryError> {
    let name = usize::try_from(call.int(0)).ok().and_then(|at| ENCODINGS.get(at));
    Ok(Value::text(*name.unwrap_or(&"")))
}

fn encoding_number(call: &Call<'_>) -> Result<Value, QueryError> {
    let wanted = call.text(0).replace('-', "").to_ascii_uppercase();
    let found =
        ENCODINGS.iter().position(|name| *name == wanted || name.replace('_', "") == wanted);
    Ok(Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}
