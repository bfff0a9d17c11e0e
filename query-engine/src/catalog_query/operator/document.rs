//! Operators of `jsonb` and of networks.

use super::super::types::{self, TypeOid, element, kind};
use super::super::{Value, text};
use crate::QueryError;
use crate::values::json::{self, Json, Key};
use crate::values::other;

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// `->` and, `as_text`, `->>`.
    Field { as_text: bool },
    /// `#>` and, `as_text`, `#>>`.
    Path { as_text: bool },
    /// `?`.
    HasKey,
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
    // `json` keeps its text as it is written: only `jsonb` is taken apart here.
    if left != types::JSONB {
        return None;
    }
    let is_key = matches!(right, types::TEXT | types::INT4 | types::INT2);
    let is_path = kind(right) == types::Kind::Array && element(right) == Some(types::TEXT);
    Some(match symbol {
        "->" if is_key => (Document::Field { as_text: false }, left),
        "->>" if is_key => (Document::Field { as_text: true }, types::TEXT),
        "#>" if is_path => (Document::Path { as_text: false }, left),
        "#>>" if is_path => (Document::Path { as_text: true }, types::TEXT),
        "?" if right == types::TEXT => (Document::HasKey, types::BOOL),
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
            Self::Path { as_text } => {
                let mut found = Some(json::parse(left.as_text())?);
                for part in right.elements() {
                    found = found.and_then(|document| step(&document, part).cloned());
                }
                Ok(shown(found, as_text))
            }
            Self::HasKey => Ok(Value::Bool(match json::parse(left.as_text())? {
                Json::Object(members) => {
                    members.contains_key(&Key::new(right.as_text().to_owned()))
                }
                Json::Array(parts) => {
                    parts.iter().any(|part| *part == Json::String(right.as_text().to_owned()))
                }
                Json::String(text) => text == right.as_text(),
                _ => false,
            })),
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
