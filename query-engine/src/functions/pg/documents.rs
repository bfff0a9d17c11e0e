//! Functions that take `json` and `jsonb` apart, and those that change `jsonb`.
//!
//! `json` keeps the text that it was written with only as a whole: its parts are given in the form of `jsonb`
//! where they are read here, so of `json` only what shows plain values is here.

use super::{Call, Entry, set, strict, with_nulls};
use crate::catalog_query::{Row, Value, unsupported};
use crate::values::json::{self, Json, Key};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("row_to_json(json) json", |call| Ok(call.value(0).clone())),
    strict("array_to_json(anyarray) json", |call| {
        Ok(Value::text(super::json_text(call.env, call.value(0), call.types[0])))
    }),
    set("jsonb_array_elements(jsonb) setof value jsonb", |call| elements(call, false)),
    set("jsonb_array_elements_text(jsonb) setof value text", |call| elements(call, true)),
    set("json_array_elements_text(json) setof value text", |call| elements(call, true)),
    set("jsonb_each(jsonb) setof key text, value jsonb", |call| members(call, false)),
    set("jsonb_each_text(jsonb) setof key text, value text", |call| members(call, true)),
    set("json_each_text(json) setof key text, value text", |call| members(call, true)),
    set("jsonb_object_keys(jsonb) setof jsonb_object_keys text", |call| {
        let rows = members(call, true)?;
        Ok(rows.into_iter().map(|row| Row::from(&row[..1])).collect())
    }),
    with_nulls("jsonb_extract_path(jsonb,text...) jsonb", |call| path(call, false)),
    with_nulls("jsonb_extract_path_text(jsonb,text...) text", |call| path(call, true)),
    strict("jsonb_set(jsonb,text[],jsonb) jsonb", |call| {
        changed(call, Change::Set { create: true })
    }),
    strict("jsonb_set(jsonb,text[],jsonb,bool) jsonb", |call| {
        changed(call, Change::Set { create: call.bool(3) })
    }),
    strict("jsonb_insert(jsonb,text[],jsonb) jsonb", |call| {
        changed(call, Change::Insert { after: false })
    }),
    strict("jsonb_insert(jsonb,text[],jsonb,bool) jsonb", |call| {
        changed(call, Change::Insert { after: call.bool(3) })
    }),
    strict("jsonb_object(text[]) jsonb", |call| Ok(Value::text(object(call)?.to_text()))),
    strict("jsonb_object(text[],text[]) jsonb", |call| Ok(Value::text(object(call)?.to_text()))),
];

fn refused(message: impl Into<String>) -> QueryError {
    QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn document(call: &Call<'_>, at: usize) -> Result<Json, QueryError> {
    json::parse(call.text(at))
}

/// A part as text: null for JSON's null, strings without their quotes.
fn plain(part: &Json) -> Value {
    match part {
        Json::Null => Value::Null,
        Json::String(text) => Value::text(text.as_str()),
        part => Value::text(part.to_text()),
    }
}

fn part(part: &Json, as_text: bool) -> Value {
    if as_text { plain(part) } else { Value::text(part.to_text()) }
}

fn elements(call: &Call<'_>, as_text: bool) -> Result<Vec<Row>, QueryError> {
    match document(call, 0)? {
        Json::Array(parts) => {
            Ok(parts.iter().map(|found| Row::from(vec![part(found, as_text)])).collect())
        }
        Json::Object(_) => Err(refused("cannot extract elements from an object")),
        _ => Err(refused("cannot extract elements from a scalar")),
    }
}

fn members(call: &Call<'_>, as_text: bool) -> Result<Vec<Row>, QueryError> {
    let name = call.name;
    match document(call, 0)? {
        Json::Object(members) => {
            let row = |(key, value): (&Key, &Json)| {
                Row::from(vec![Value::text(key.1.as_str()), part(value, as_text)])
            };
            Ok(members.iter().map(row).collect())
        }
        Json::Array(_) if name.ends_with("_keys") => {
            Err(refused(format!("cannot call {name} on an array")))
        }
        _ if name.ends_with("_keys") => Err(refused(format!("cannot call {name} on a scalar"))),
        _ => Err(refused(format!("cannot call {name} on a non-object"))),
    }
}

/// The part at a path; null where there is none.
fn path(call: &Call<'_>, as_text: bool) -> Result<Value, QueryError> {
    if call.arguments.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let mut found = document(call, 0)?;
    for at in 1..call.arguments.len() {
        let step = call.text(at);
        let next = match found {
            Json::Object(mut members) => members.remove(&Key::new(step.to_owned())),
            Json::Array(mut parts) => {
                let place = step.parse().ok().and_then(|step| index(step, parts.len()));
                place.filter(|place| *place < parts.len()).map(|place| parts.swap_remove(place))
            }
            _ => None,
        };
        match next {
            Some(next) => found = next,
            None => return Ok(Value::Null),
        }
    }
    Ok(part(&found, as_text))
}

/// Place of an element; below zero counts from the end.
fn index(step: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if step < 0 { step + length } else { step }).ok()
}

/// What is done at the end of a path.
#[derive(Clone, Copy)]
enum Change {
    Set { create: bool },
    Insert { after: bool },
}

fn changed(call: &Call<'_>, change: Change) -> Result<Value, QueryError> {
    let mut whole = document(call, 0)?;
    if !matches!(whole, Json::Object(_) | Json::Array(_)) {
        return Err(refused("cannot set path in scalar"));
    }
    let steps: Vec<Value> = call.value(1).elements().to_vec();
    if let Some(at) = steps.iter().position(Value::is_null) {
        return Err(QueryError::new(
            SqlState("22004"),
            format!("path element at position {} is null", at + 1),
        ));
    }
    let new = document(call, 2)?;
    change_at(&mut whole, &steps, 1, &new, change)?;
    Ok(Value::text(whole.to_text()))
}

fn change_at(
    whole: &mut Json,
    steps: &[Value],
    number: usize,
    new: &Json,
    change: Change,
) -> Result<(), QueryError> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    let step = step.as_text();
    match whole {
        Json::Object(members) => {
            let key = Key::new(step.to_owned());
            match (members.get_mut(&key), rest, change) {
                (Some(inner), [_, ..], _) => change_at(inner, rest, number + 1, new, change)?,
                (Some(_), [], Change::Insert { .. }) => {
                    return Err(refused("cannot replace existing key")
                        .with_hint("Try using the function jsonb_set to replace key value."));
                }
                (Some(inner), [], Change::Set { .. }) => *inner = new.clone(),
                (None, [], Change::Set { create: true } | Change::Insert { .. }) => {
                    members.insert(key, new.clone());
                }
                (None, ..) => {}
            }
        }
        Json::Array(parts) => {
            let place: i64 = step.parse().map_err(|_| {
                QueryError::new(
                    SqlState::INVALID_TEXT,
                    format!("path element at position {number} is not an integer: \"{step}\""),
                )
            })?;
            let length = parts.len();
            let found = index(place, length).filter(|at| *at < length);
            match (found, rest, change) {
                (Some(at), [_, ..], _) => {
                    change_at(&mut parts[at], rest, number + 1, new, change)?;
                }
                (Some(at), [], Change::Set { .. }) => parts[at] = new.clone(),
                (Some(at), [], Change::Insert { after }) => {
                    parts.insert(at + usize::from(after), new.clone());
                }
                (None, [], Change::Set { create: true } | Change::Insert { .. }) => {
                    parts.insert(if place < 0 { 0 } else { length }, new.clone());
                }
                (None, ..) => {}
            }
        }
        _ => {}
    }
    Ok(())
}

/// An object of keys and values in one list, or in two.
fn object(call: &Call<'_>) -> Result<Json, QueryError> {
    let (keys, values): (Vec<&Value>, Vec<&Value>) = match call.arguments {
        [both] => {
            if both.dimensions().len() > 1 {
                return Err(unsupported("jsonb_object() of several dimensions"));
            }
            if both.elements().len() % 2 == 1 {
                let message = "array must have even number of elements";
                return Err(QueryError::new(SqlState("2202E"), message));
            }
            both.elements().chunks(2).map(|pair| (&pair[0], &pair[1])).unzip()
        }
        _ => (call.value(0).elements().iter().collect(), call.value(1).elements().iter().collect()),
    };
    if keys.len() != values.len() {
        return Err(QueryError::new(SqlState("2202E"), "mismatched array dimensions"));
    }
    let members = keys.into_iter().zip(values).map(|(key, value)| {
        if key.is_null() {
            let message = "null value not allowed for object key";
            return Err(QueryError::new(SqlState("22004"), message));
        }
        let value = match value {
            Value::Null => Json::Null,
            value => Json::String(value.as_text().to_owned()),
        };
        Ok((Key::new(key.as_text().to_owned()), value))
    });
    Ok(Json::Object(members.collect::<Result<_, _>>()?))
}
