//! Operators and functions of `json` and `jsonb`. `json` keeps the text of its parts, `jsonb` has one form for equal
//! values.

mod value;

use datafusion::scalar::ScalarValue;

use self::value::Json;
use super::Entry;
use super::arguments::{Arguments, text, texts};
use crate::catalog_query::text::split_array;
use crate::catalog_query::types;
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    Entry("ergosql_jsonb(text) jsonb", |call| Ok(text(parsed(call, 0)?.canonical()))),
    Entry("ergosql_json(text) json", |call| parsed(call, 0).map(|_| text(call.text(0)))),
    Entry("->(jsonb,int4) jsonb", |call| got(call, true)),
    Entry("->(jsonb,text) jsonb", |call| got(call, true)),
    Entry("->(json,int4) json", |call| got(call, false)),
    Entry("->(json,text) json", |call| got(call, false)),
    Entry("->>(jsonb,int4) text", got_text),
    Entry("->>(jsonb,text) text", got_text),
    Entry("->>(json,int4) text", got_text),
    Entry("->>(json,text) text", got_text),
    Entry("#>(jsonb,text) jsonb", |call| at_path(call, |found| Some(found.canonical()))),
    Entry("#>(json,text) json", |call| at_path(call, |found| Some(found.raw().to_owned()))),
    Entry("#>>(jsonb,text) text", |call| at_path(call, Json::shown)),
    Entry("#>>(json,text) text", |call| at_path(call, Json::shown)),
    Entry("@>(jsonb,jsonb) bool", |call| Ok(truth(parsed(call, 0)?.contains(&parsed(call, 1)?)))),
    Entry("<@(jsonb,jsonb) bool", |call| Ok(truth(parsed(call, 1)?.contains(&parsed(call, 0)?)))),
    Entry("?(jsonb,text) bool", |call| Ok(truth(parsed(call, 0)?.has_key(call.text(1))))),
    Entry("jsonb_typeof(jsonb) text", |call| Ok(text(parsed(call, 0)?.kind()))),
    Entry("json_typeof(json) text", |call| Ok(text(parsed(call, 0)?.kind()))),
    Entry("jsonb_array_length(jsonb) int4", length),
    Entry("json_array_length(json) int4", length),
    Entry("jsonb_pretty(jsonb) text", |call| Ok(text(parsed(call, 0)?.pretty()))),
    Entry("jsonb_strip_nulls(jsonb) jsonb", |call| {
        Ok(text(parsed(call, 0)?.without_nulls().canonical()))
    }),
    Entry("jsonb_array_elements_text(jsonb) text[]", |call| elements(call, Json::shown)),
    Entry("json_array_elements_text(json) text[]", |call| elements(call, Json::shown)),
    Entry("jsonb_object_keys(jsonb) text[]", |call| members(call, |name, _| Some(name.to_owned()))),
    Entry("ergosql_json_values(jsonb) text[]", |call| members(call, |_, value| Json::shown(value))),
    Entry("jsonb_extract_path_text(jsonb,text) text", got_text),
    Entry("jsonb_extract_path(jsonb,text) jsonb", |call| got(call, true)),
];

/// The member of `json` text that a key names, or the element at an index: as it is written or, `as_text`,
/// without the quotes of a string.
///
/// # Errors
/// 22P02 for text that is no JSON.
pub(crate) fn written_member(
    document: &str,
    key: Option<&str>,
    index: i64,
    as_text: bool,
) -> Result<Option<String>, QueryError> {
    let json = Json::parse(document).ok_or_else(|| {
        QueryError::new(SqlState::INVALID_TEXT, "invalid input syntax for type json")
            .about(document)
    })?;
    let found = match key {
        Some(key) => json.field(key),
        None => json.element(index),
    };
    Ok(found
        .and_then(|found| if as_text { Json::shown(found) } else { Some(found.raw().to_owned()) }))
}

fn truth(value: bool) -> ScalarValue {
    ScalarValue::Boolean(Some(value))
}

fn parsed<'a>(call: &'a Arguments<'_>, at: usize) -> Result<Json<'a>, QueryError> {
    Json::parse(call.text(at)).ok_or_else(|| {
        QueryError::new(SqlState::INVALID_TEXT, "invalid input syntax for type json")
            .about(call.text(at))
    })
}

fn member<'j>(json: &'j Json<'_>, call: &Arguments<'_>) -> Option<&'j Json<'j>> {
    match call.values.get(1) {
        Some(ScalarValue::Utf8(_)) => json.field(call.text(1)),
        _ => json.element(call.int(1)),
    }
}

fn got(call: &Arguments<'_>, is_canonical: bool) -> Result<ScalarValue, QueryError> {
    let json = parsed(call, 0)?;
    let found = member(&json, call);
    Ok(ScalarValue::Utf8(found.map(|found| match is_canonical {
        true => found.canonical(),
        false => found.raw().to_owned(),
    })))
}

fn got_text(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    let json = parsed(call, 0)?;
    Ok(ScalarValue::Utf8(member(&json, call).and_then(Json::shown)))
}

fn at_path(
    call: &Arguments<'_>,
    shown: impl Fn(&Json<'_>) -> Option<String>,
) -> Result<ScalarValue, QueryError> {
    let path = types::array_of(types::TEXT).and_then(|oid| split_array(call.text(1), oid));
    let path = path.ok_or_else(|| {
        let message = format!("malformed array literal: \"{}\"", call.text(1));
        QueryError::new(SqlState::INVALID_TEXT, message)
    })?;
    let json = parsed(call, 0)?;
    let mut found = Some(&json);
    for step in path {
        let Some(step) = step else { return Ok(ScalarValue::Utf8(None)) };
        found = found.and_then(|json| match json {
            Json::Array(..) => json.element(step.parse().ok()?),
            _ => json.field(&step),
        });
    }
    Ok(ScalarValue::Utf8(found.and_then(shown)))
}

fn elements(
    call: &Arguments<'_>,
    shown: impl Fn(&Json<'_>) -> Option<String>,
) -> Result<ScalarValue, QueryError> {
    match parsed(call, 0)? {
        Json::Array(elements, _) => Ok(texts(elements.iter().map(shown))),
        Json::Object(..) => Err(refused("cannot extract elements from an object")),
        _ => Err(refused("cannot extract elements from a scalar")),
    }
}

/// Of each member, in the order of `jsonb`.
fn members(
    call: &Arguments<'_>,
    shown: impl Fn(&str, &Json<'_>) -> Option<String>,
) -> Result<ScalarValue, QueryError> {
    match &parsed(call, 0)? {
        json @ Json::Object(..) => {
            Ok(texts(json.members().into_iter().map(|(name, value)| shown(name, value))))
        }
        _ => Err(refused("cannot call this function on a value that is no object")),
    }
}

fn refused(message: &str) -> QueryError {
    QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn length(call: &Arguments<'_>) -> Result<ScalarValue, QueryError> {
    match parsed(call, 0)? {
        Json::Array(elements, _) => Ok(ScalarValue::Int32(i32::try_from(elements.len()).ok())),
        other => {
            let message = match other {
                Json::Object(..) => "cannot get array length of a non-array",
                _ => "cannot get array length of a scalar",
            };
            Err(QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}
