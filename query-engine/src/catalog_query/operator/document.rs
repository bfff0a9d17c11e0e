//! Operators of `jsonb` and of networks.

use super::super::types::{self, TypeOid, element, kind};
use super::super::{Value, text};
use crate::QueryError;
use crate::functions::sql::json::written_member;
use crate::values::json::{self, Json, Key};
use crate::values::other;

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// `->` and, `as_text`, `->>` of `jsonb`.
    Field { as_text: bool },
    /// The same of `json`.
    Written { as_text: bool },
    /// `#>` and, `as_text`, `#>>`.
    Path { as_text: bool },
    /// `?`.
    HasKey,
    /// `?|` and, `all`, `?&`.
    HasKeys { all: bool },
    /// `-` of a key, an index, or keys.
    Without,
    /// `#-`.
    WithoutPath,
    /// `@>` of `jsonb`; swapped it is `<@`.
    Contains { swapped: bool },
    /// `||` of `jsonb`.
    Concat,
    /// `<<`, `<<=`, `>>`, `>>=` of networks.
    Network { is_strict: bool, swapped: bool },
}

pub(super) fn resolve(symbol: &str, left: TypeOid, right: TypeOid) -> Option<(Document, TypeOid)> {
    let is_address = |oid| matches!(oid, types::INET | types::CIDR);
    if is_address(left) && is_address(right) {
        let (is_strict, swapped) = match symbol {
            "<<" => (true, false),
            "<<=" => (false, false),
            ">>" => (true, true),
            ">>=" => (false, true),
            _ => return None,
        };
        return Some((Document::Network { is_strict, swapped }, types::BOOL));
    }
    let is_key = matches!(right, types::TEXT | types::INT4 | types::INT2);
    // `json` keeps the text of its parts as it is written.
    match symbol {
        "->" if left == types::JSON && is_key => {
            return Some((Document::Written { as_text: false }, left));
        }
        "->>" if left == types::JSON && is_key => {
            return Some((Document::Written { as_text: true }, types::TEXT));
        }
        _ => {}
    }
    if left != types::JSONB {
        return None;
    }
    let is_path = kind(right) == types::Kind::Array && element(right) == Some(types::TEXT);
    Some(match symbol {
        "->" if is_key => (Document::Field { as_text: false }, left),
        "->>" if is_key => (Document::Field { as_text: true }, types::TEXT),
        "#>" if is_path => (Document::Path { as_text: false }, left),
        "#>>" if is_path => (Document::Path { as_text: true }, types::TEXT),
        "?" if right == types::TEXT => (Document::HasKey, types::BOOL),
        "?|" if is_path => (Document::HasKeys { all: false }, types::BOOL),
        "?&" if is_path => (Document::HasKeys { all: true }, types::BOOL),
        "-" if is_key || is_path => (Document::Without, left),
        "#-" if is_path => (Document::WithoutPath, left),
        "@>" if right == left => (Document::Contains { swapped: false }, types::BOOL),
        "<@" if right == left => (Document::Contains { swapped: true }, types::BOOL),
        _ => return None,
    })
}

impl Document {
    /// Value of the operation on two values that are not null.
    ///
    /// # Errors
    /// As the input function of JSON, for text that is none.
    pub(super) fn apply(self, left: &Value, right: &Value) -> Result<Value, QueryError> {
        match self {
            Self::Field { as_text } => {
                let found = step(&json::parse(left.as_text())?, right).cloned();
                Ok(shown(found, as_text))
            }
            Self::Written { as_text } => {
                let key = match right {
                    Value::Text(key) => Some(key.as_ref()),
                    _ => None,
                };
                let index = right.as_int().unwrap_or_default();
                let found = written_member(left.as_text(), key, index, as_text)?;
                Ok(found.map_or(Value::Null, text::shared))
            }
            Self::Path { as_text } => {
                let mut found = Some(json::parse(left.as_text())?);
                for part in right.elements() {
                    found = found.and_then(|document| step(&document, part).cloned());
                }
                Ok(shown(found, as_text))
            }
            Self::HasKey => {
                Ok(Value::Bool(has_key(&json::parse(left.as_text())?, right.as_text())))
            }
            Self::HasKeys { all } => {
                let document = json::parse(left.as_text())?;
                let mut keys = right.elements().iter().filter(|key| !key.is_null());
                Ok(Value::Bool(match all {
                    true => keys.all(|key| has_key(&document, key.as_text())),
                    false => keys.any(|key| has_key(&document, key.as_text())),
                }))
            }
            Self::Without => without(json::parse(left.as_text())?, right),
            Self::WithoutPath => {
                let mut document = json::parse(left.as_text())?;
                if !matches!(document, Json::Object(_) | Json::Array(_)) {
                    return Err(refused("cannot delete path in scalar"));
                }
                drop_at(&mut document, right.elements());
                Ok(text::shared(document.to_text()))
            }
            Self::Contains { swapped } => {
                let (outer, inner) = if swapped { (right, left) } else { (left, right) };
                let (outer, inner) = (json::parse(outer.as_text())?, json::parse(inner.as_text())?);
                Ok(Value::Bool(contains(&outer, &inner, true)))
            }
            Self::Concat => {
                let joined = concat(json::parse(left.as_text())?, json::parse(right.as_text())?);
                Ok(Value::text(joined.to_text()))
            }
            Self::Network { is_strict, swapped } => {
                let (inner, outer) = if swapped { (right, left) } else { (left, right) };
                let is_inside = other::is_inside(inner.as_text(), outer.as_text(), is_strict);
                Ok(Value::Bool(is_inside))
            }
        }
    }
}

fn refused(message: &str) -> QueryError {
    QueryError::new(crate::SqlState::INVALID_PARAMETER_VALUE, message)
}

fn has_key(document: &Json, key: &str) -> bool {
    match document {
        Json::Object(members) => members.contains_key(&Key::new(key.to_owned())),
        Json::Array(parts) => parts.contains(&Json::String(key.to_owned())),
        Json::String(text) => text == key,
        _ => false,
    }
}

/// The document less a key, an element, or several keys.
///
/// # Errors
/// 22023 for a bare value, and for an index into an object.
fn without(mut document: Json, what: &Value) -> Result<Value, QueryError> {
    match (&mut document, what) {
        (Json::Object(_), Value::Int(_)) => {
            return Err(refused("cannot delete from object using integer index"));
        }
        (Json::Array(parts), Value::Int(index)) => {
            let length = i64::try_from(parts.len()).unwrap_or(i64::MAX);
            let at = if *index < 0 { index + length } else { *index };
            if let Some(at) = usize::try_from(at).ok().filter(|at| *at < parts.len()) {
                parts.remove(at);
            }
        }
        (Json::Object(members), Value::Text(key)) => {
            members.remove(&Key::new(key.to_string()));
        }
        (Json::Object(members), keys) => {
            for key in keys.elements() {
                members.remove(&Key::new(key.as_text().to_owned()));
            }
        }
        (Json::Array(parts), Value::Text(key)) => {
            parts.retain(|part| *part != Json::String(key.to_string()));
        }
        (Json::Array(parts), keys) => {
            let is_named = |part: &Json| match part {
                Json::String(text) => keys.elements().iter().any(|key| key.as_text() == text),
                _ => false,
            };
            parts.retain(|part| !is_named(part));
        }
        _ => return Err(refused("cannot delete from scalar")),
    }
    Ok(text::shared(document.to_text()))
}

/// Drops what is at the end of a path.
fn drop_at(document: &mut Json, path: &[Value]) {
    let Some((step, rest)) = path.split_first() else { return };
    match document {
        Json::Object(members) => {
            let key = Key::new(step.as_text().to_owned());
            match (members.get_mut(&key), rest) {
                (Some(inner), [_, ..]) => drop_at(inner, rest),
                (Some(_), []) => drop(members.remove(&key)),
                (None, _) => {}
            }
        }
        Json::Array(parts) => {
            let length = i64::try_from(parts.len()).unwrap_or(i64::MAX);
            let index = step.as_text().parse::<i64>().ok();
            let at = index.map(|index| if index < 0 { index + length } else { index });
            let at = at.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < parts.len());
            match (at, rest) {
                (Some(at), [_, ..]) => drop_at(&mut parts[at], rest),
                (Some(at), []) => drop(parts.remove(at)),
                (None, _) => {}
            }
        }
        _ => {}
    }
}

/// The member that a key or index names; an index below zero counts from the end.
fn step<'j>(document: &'j Json, key: &Value) -> Option<&'j Json> {
    match (document, key) {
        (Json::Object(members), Value::Text(key)) => members.get(&Key::new(key.to_string())),
        (Json::Array(parts), key) => {
            let index = match key {
                Value::Int(index) => *index,
                Value::Text(text) => text.parse().ok()?,
                _ => return None,
            };
            let length = i64::try_from(parts.len()).ok()?;
            let at = if index < 0 { index + length } else { index };
            parts.get(usize::try_from(at).ok()?)
        }
        // A bare value is an array of one.
        (Json::Object(_), _) => None,
        (bare, Value::Int(0 | -1)) => Some(bare),
        _ => None,
    }
}

fn shown(found: Option<Json>, as_text: bool) -> Value {
    match found {
        None => Value::Null,
        Some(Json::Null) if as_text => Value::Null,
        Some(Json::String(text)) if as_text => Value::text(text),
        Some(found) => text::shared(found.to_text()),
    }
}

/// Whether every part of `inner` is in `outer`; an array at the top contains a bare value, too.
fn contains(outer: &Json, inner: &Json, is_top: bool) -> bool {
    match (outer, inner) {
        (Json::Object(outer), Json::Object(inner)) => inner
            .iter()
            .all(|(key, value)| outer.get(key).is_some_and(|found| contains(found, value, false))),
        (Json::Array(outer), Json::Array(inner)) => {
            inner.iter().all(|value| outer.iter().any(|found| contains(found, value, false)))
        }
        (
            Json::Array(outer),
            inner @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)),
        ) if is_top => outer.contains(inner),
        (outer, inner) => outer == inner,
    }
}

fn concat(left: Json, right: Json) -> Json {
    match (left, right) {
        (Json::Object(mut left), Json::Object(right)) => {
            left.extend(right);
            Json::Object(left)
        }
        (Json::Array(mut left), Json::Array(right)) => {
            left.extend(right);
            Json::Array(left)
        }
        (Json::Array(mut left), right) => {
            left.push(right);
            Json::Array(left)
        }
        (left, Json::Array(right)) => Json::Array(std::iter::once(left).chain(right).collect()),
        (left, right) => Json::Array(vec![left, right]),
    }
}
