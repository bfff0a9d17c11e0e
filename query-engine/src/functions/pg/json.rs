//! Functions that make `json` text.

use super::{Call, Entry, strict, with_nulls};
use crate::catalog_query::types::{self, Kind, TypeOid, element, kind};
use crate::catalog_query::{Env, Value, text};
use crate::values::json::put_string;
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    with_nulls("json_build_object() json", build_object),
    with_nulls("json_build_object(anyelement...) json", build_object),
    with_nulls("json_build_array() json", build_array),
    with_nulls("json_build_array(anyelement...) json", build_array),
    with_nulls("jsonb_build_object(anyelement...) jsonb", |call| normal(build_object(call)?)),
    with_nulls("jsonb_build_array(anyelement...) jsonb", |call| normal(build_array(call)?)),
    strict("to_jsonb(anyelement) jsonb", |call| {
        normal(Value::text(json_text(call.env, call.value(0), call.types[0])))
    }),
    strict("jsonb_typeof(jsonb) text", type_of),
    strict("json_typeof(json) text", type_of),
    with_nulls("to_json(anyelement) json", |call| {
        let value = call.value(0);
        Ok(if value.is_null() {
            Value::Null
        } else {
            Value::text(json_text(call.env, value, call.types[0]))
        })
    }),
];

/// The same value as `jsonb`.
fn normal(value: Value) -> Result<Value, QueryError> {
    crate::values::json::normalized(value.as_text()).map(Value::text)
}

fn type_of(call: &Call<'_>) -> Result<Value, QueryError> {
    Ok(Value::text(match call.text(0).trim_start().as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }))
}

fn build_object(call: &Call<'_>) -> Result<Value, QueryError> {
    let invalid = |message: &str| QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    if !call.arguments.len().is_multiple_of(2) {
        return Err(invalid("argument list must have even number of elements").with_hint(
            "The arguments of json_build_object() must consist of alternating keys and values.",
        ));
    }
    let mut members = Vec::new();
    for at in (0..call.arguments.len()).step_by(2) {
        if call.value(at).is_null() {
            return Err(invalid(&format!("argument {}: key must not be null", at + 1)));
        }
        let key = quoted(&call.shown(at));
        members.push(format!(
            "{key} : {}",
            json_text(call.env, call.value(at + 1), call.types[at + 1])
        ));
    }
    Ok(Value::text(format!("{{{}}}", members.join(", "))))
}

fn build_array(call: &Call<'_>) -> Result<Value, QueryError> {
    let values =
        call.arguments.iter().zip(call.types).map(|(value, oid)| json_text(call.env, value, *oid));
    Ok(Value::text(format!("[{}]", values.collect::<Vec<_>>().join(", "))))
}

/// A value of type `oid` as PostgreSQL writes it into JSON: numbers and booleans bare, `json` as it is,
/// arrays as arrays, everything else as a string of its text output.
pub(crate) fn json_text(env: &Env<'_>, value: &Value, oid: TypeOid) -> String {
    let shown = || text::output(env, value, oid);
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Array(_) | Value::Shaped(_) => {
            let inner = element(oid).unwrap_or(types::TEXT);
            let lengths: Vec<usize> = value
                .dimensions()
                .iter()
                .map(|one| usize::try_from(one.length).unwrap_or(0))
                .collect();
            let parts = value.elements().iter().map(|part| json_text(env, part, inner)).collect();
            nested(parts, &lengths)
        }
        Value::Record(fields, types) => {
            let named = fields.iter().zip(types.iter().copied()).zip(1_usize..);
            let named = named.map(|((value, oid), at)| (format!("f{at}"), value, oid));
            json_row(env, named)
        }
        Value::Numeric(number) if number.scale().is_some() => number.to_text(),
        Value::Int(number) if kind(oid) == Kind::Int && !types::is_object_id(oid) => {
            number.to_string()
        }
        Value::Float(number) if number.is_finite() => shown(),
        Value::Text(text) if matches!(oid, types::JSON | types::JSONB) => text.to_string(),
        Value::Int(_) if matches!(kind(oid), Kind::Timestamp | Kind::Date) => {
            quoted(&instant(env, value, oid))
        }
        _ => quoted(&shown()),
    }
}

/// An object with these members.
pub(crate) fn json_row<'v>(
    env: &Env<'_>,
    members: impl Iterator<Item = (String, &'v Value, TypeOid)>,
) -> String {
    let members = members
        .map(|(name, value, oid)| format!("{}:{}", quoted(&name), json_text(env, value, oid)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Elements in row-major order as arrays of arrays.
fn nested(parts: Vec<String>, lengths: &[usize]) -> String {
    match lengths {
        [_, rest @ ..] if !rest.is_empty() => {
            let size = rest.iter().product::<usize>().max(1);
            let inner = parts.chunks(size).map(|chunk| nested(chunk.to_vec(), rest));
            format!("[{}]", inner.collect::<Vec<_>>().join(","))
        }
        _ => format!("[{}]", parts.join(",")),
    }
}

/// A date or instant in ISO form, whatever the session's style; a zone has its minutes.
fn instant(env: &Env<'_>, value: &Value, oid: TypeOid) -> String {
    let text = text::output_iso(env, value, oid);
    let text = text.replacen(' ', "T", 1);
    let has_short_zone = oid == types::TIMESTAMPTZ
        && text.len() > 3
        && matches!(text.as_bytes()[text.len() - 3], b'+' | b'-');
    if has_short_zone { format!("{text}:00") } else { text }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    put_string(text, &mut out);
    out
}
