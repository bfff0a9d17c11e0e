//! Functions that the views of `information_schema` are written with, and access lists as rows.

use super::{Call, Entry, set, strict};
use crate::catalog_query::types;
use crate::catalog_query::{Env, Row, Value, unsupported};
use crate::{QueryError, SqlState};

/// Bytes of the longest character of UTF-8.
const CHARACTER_BYTES_MAX: i64 = 4;
/// What PostgreSQL gives as the octet length of text without a limit.
const TEXT_BYTES_MAX: i64 = 1 << 30;
const VARHDRSZ: i64 = 4;

const BIT: i64 = 1560;
const VARBIT: i64 = 1562;
const DATE: i64 = 1082;
const TIME: i64 = 1083;
const TIMESTAMP: i64 = 1114;
const INTERVAL: i64 = 1186;
const TIMETZ: i64 = 1266;
const NUMERIC: i64 = 1700;

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("_pg_char_max_length(oid,int4) int4", |call| Ok(number(characters(call)))),
    strict("_pg_char_octet_length(oid,int4) int4", |call| Ok(number(octets(call)))),
    strict("_pg_numeric_precision(oid,int4) int4", |call| Ok(number(precision(call)))),
    strict("_pg_numeric_precision_radix(oid,int4) int4", |call| {
        Ok(number(match call.int(0) {
            NUMERIC => Some(10),
            oid => binary_digits(oid).map(|_| 2),
        }))
    }),
    strict("_pg_numeric_scale(oid,int4) int4", |call| {
        Ok(number(match call.int(0) {
            NUMERIC => (call.int(1) != -1).then(|| (call.int(1) - VARHDRSZ) & 0xffff),
            oid if integer_digits(oid).is_some() => Some(0),
            _ => None,
        }))
    }),
    strict("_pg_datetime_precision(oid,int4) int4", |call| {
        let modifier = call.int(1);
        Ok(number(match call.int(0) {
            DATE => Some(0),
            INTERVAL if modifier < 0 || modifier & 0xffff == 0xffff => Some(6),
            INTERVAL => Some(modifier & 0xffff),
            oid if matches!(oid, TIME | TIMETZ | TIMESTAMP)
                || oid == i64::from(types::TIMESTAMPTZ) =>
            {
                Some(if modifier < 0 { 6 } else { modifier })
            }
            _ => None,
        }))
    }),
    // No column here has an interval with fields.
    strict("_pg_interval_type(oid,int4) text", |_| Ok(Value::Null)),
    strict("_pg_index_position(oid,int2) int4", index_position),
    strict("acldefault(\"char\",oid) aclitem[]", default_list),
    set(
        "aclexplode(aclitem[]) setof grantor oid, grantee oid, privilege_type text, is_grantable bool",
        explode,
    ),
];

fn number(value: Option<i64>) -> Value {
    value.map_or(Value::Null, Value::Int)
}

fn characters(call: &Call<'_>) -> Option<i64> {
    let (oid, modifier) = (call.int(0), call.int(1));
    match oid {
        _ if modifier == -1 => None,
        BIT | VARBIT => Some(modifier),
        _ if oid == i64::from(types::BPCHAR) || oid == i64::from(types::VARCHAR) => {
            Some(modifier - VARHDRSZ)
        }
        _ => None,
    }
}

fn octets(call: &Call<'_>) -> Option<i64> {
    let oid = call.int(0);
    let is_text = [types::TEXT, types::BPCHAR, types::VARCHAR].map(i64::from).contains(&oid);
    is_text.then(|| characters(call).map_or(TEXT_BYTES_MAX, |count| count * CHARACTER_BYTES_MAX))
}

fn integer_digits(oid: i64) -> Option<i64> {
    match u32::try_from(oid) {
        Ok(types::INT2) => Some(16),
        Ok(types::INT4) => Some(32),
        Ok(types::INT8) => Some(64),
        _ => None,
    }
}

fn binary_digits(oid: i64) -> Option<i64> {
    integer_digits(oid).or(match u32::try_from(oid) {
        Ok(types::FLOAT4) => Some(24),
        Ok(types::FLOAT8) => Some(53),
        _ => None,
    })
}

fn precision(call: &Call<'_>) -> Option<i64> {
    match call.int(0) {
        NUMERIC => (call.int(1) != -1).then(|| ((call.int(1) - VARHDRSZ) >> 16) & 0xffff),
        oid => binary_digits(oid),
    }
}

fn index_position(call: &Call<'_>) -> Result<Value, QueryError> {
    let table = call.env.table("pg_index");
    let at = |name| table.position(name).expect("a column of pg_index");
    let row = table.lookup(at("indexrelid"), call.value(0)).first();
    let keys = row.map_or(&Value::Null, |row| &table.rows[*row as usize][at("indkey")]);
    let found = keys.elements().iter().position(|key| key == call.value(1));
    Ok(number(found.and_then(|at| i64::try_from(at + 1).ok())))
}

/// The list that an object without one has: all privileges of its owner, some of everybody.
fn default_list(call: &Call<'_>) -> Result<Value, QueryError> {
    let items = default_items(call.env, call.text(0), call.int(1)).ok_or_else(|| {
        QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("unrecognized object type abbreviation: {}", call.text(0)),
        )
    })?;
    Ok(Value::array(items.into_iter().map(Value::text).collect()))
}

/// The items of that list; `None` for an unknown kind of object.
pub(super) fn default_items(env: &Env<'_>, kind: &str, owner: i64) -> Option<Vec<String>> {
    let (public, owned) = match kind {
        "c" => ("", ""),
        "r" => ("", "arwdDxt"),
        "s" => ("", "rwU"),
        "d" => ("Tc", "CTc"),
        "f" => ("X", "X"),
        "l" | "T" => ("U", "U"),
        "L" => ("", "rw"),
        "n" => ("", "UC"),
        "t" => ("", "C"),
        "F" | "S" => ("", "U"),
        "p" => ("", "sA"),
        _ => return None,
    };
    let name = env.field("pg_authid", owner, "rolname");
    let owner = name.map_or_else(|| owner.to_string(), |name| name.as_text().to_owned());
    let mut items = Vec::new();
    if !public.is_empty() {
        items.push(format!("={public}/{owner}"));
    }
    if !owned.is_empty() {
        items.push(format!("{owner}={owned}/{owner}"));
    }
    Some(items)
}

/// Rows of `grantee=privileges/grantor` items; a `*` after a letter is the grant option.
fn explode(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    let role = |name: &str| -> Result<Value, QueryError> {
        if name.is_empty() {
            return Ok(Value::Int(0));
        }
        let name = name.trim_matches('"').replace("\"\"", "\"");
        let found = call.env.find_by_name("pg_authid", "rolname", &name)?;
        found.ok_or_else(|| unsupported(format!("access list of role \"{name}\"")))
    };
    let mut rows = Vec::new();
    for item in call.value(0).elements() {
        let parts = item.as_text().rsplit_once('/');
        let Some((granted, grantor)) = parts else { continue };
        let Some((grantee, letters)) = granted.rsplit_once('=') else { continue };
        let (grantor, grantee) = (role(grantor)?, role(grantee)?);
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            let is_grantable = letters.next_if_eq(&'*').is_some();
            rows.push(Row::from(vec![
                grantor.clone(),
                grantee.clone(),
                Value::text(privilege(letter)),
                Value::Bool(is_grantable),
            ]));
        }
    }
    Ok(rows)
}

fn privilege(letter: char) -> &'static str {
    match letter {
        'a' => "INSERT",
        'r' => "SELECT",
        'w' => "UPDATE",
        'd' => "DELETE",
        'D' => "TRUNCATE",
        'x' => "REFERENCES",
        't' => "TRIGGER",
        'X' => "EXECUTE",
        'U' => "USAGE",
        'C' => "CREATE",
        'c' => "CONNECT",
        'T' => "TEMPORARY",
        's' => "SET",
        'A' => "ALTER SYSTEM",
        _ => "",
    }
}
