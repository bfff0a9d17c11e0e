//! Functions of schema `pg_catalog`, each written once for catalog statements and for the planner.
//!
//! ```text
//! signature text ──parse once──> Function ──resolve──> catalog_query (typed by PostgreSQL's rules)
//!                                         └─ adapter ─> ScalarUDF of the planner
//! ```
//!
//! Invariants
//! - A signature is PostgreSQL 16's: a driver sees the same type for the same call.
//! - A function that is not marked as taking nulls gives null when any argument is null.

mod activity;
mod arrays;
mod bytes;
mod documents;
mod information;
mod json;
mod math;
mod number_text;
mod numbers;
mod objects;
mod planned;
mod privileges;
mod ranges;
mod regexps;
mod routines;
mod sequences;
mod session;
mod sets;
mod sizes;
mod spans;
mod strings;
#[cfg(test)]
mod tests;
mod texts;
mod times;
mod udf;
mod xml;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use json::{json_row, json_text};
pub(crate) use udf::{register, type_of};

use crate::catalog::pg_catalog::builtin::base_type;
use crate::catalog_query::types::{self, Kind, TypeOid, element, is_implicit, kind, type_name};
use crate::catalog_query::{Env, Row, Value};
use crate::functions::sql::{self, Overload};
use crate::{QueryError, SqlState};

/// One call, with the types that its arguments had.
pub(crate) struct Call<'a> {
    /// Name of the function, for its messages.
    pub(crate) name: &'static str,
    /// What the session sees.
    pub(crate) env: &'a Env<'a>,
    /// Types of the arguments after coercion; an open type is the argument's own.
    pub(crate) types: &'a [TypeOid],
    /// Values; none is null unless the function takes nulls.
    pub(crate) arguments: &'a [Value],
}

impl Call<'_> {
    fn value(&self, at: usize) -> &Value {
        self.arguments.get(at).unwrap_or(&Value::Null)
    }

    fn text(&self, at: usize) -> &str {
        self.value(at).as_text()
    }

    fn int(&self, at: usize) -> i64 {
        self.value(at).as_int().unwrap_or_default()
    }

    fn float(&self, at: usize) -> f64 {
        match self.value(at) {
            Value::Float(value) => *value,
            Value::Int(value) => *value as f64,
            Value::Numeric(value) => value.to_float(),
            _ => 0.0,
        }
    }

    fn bool(&self, at: usize) -> bool {
        self.value(at).as_bool().unwrap_or_default()
    }

    /// An integer that the function counts with: negative ones as zero.
    fn count(&self, at: usize) -> usize {
        usize::try_from(self.int(at)).unwrap_or_default()
    }

    fn shown(&self, at: usize) -> String {
        crate::catalog_query::text::output(self.env, self.value(at), self.types[at])
    }
}

type ScalarBody = fn(&Call<'_>) -> Result<Value, QueryError>;
type SetBody = fn(&Call<'_>) -> Result<Vec<Row>, QueryError>;

/// What runs.
#[derive(Clone, Copy)]
enum Body {
    Scalar(ScalarBody),
    Set(SetBody),
    /// A function of the planner's list.
    Planned(&'static Overload),
}

/// One function with one signature.
pub(crate) struct Function {
    /// Name without schema.
    pub(crate) name: &'static str,
    arguments: Vec<TypeOid>,
    /// Type of any further arguments.
    variadic: Option<TypeOid>,
    /// Result, or the columns of a set.
    returns: Vec<(&'static str, TypeOid)>,
    takes_nulls: bool,
    body: Body,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A line of a function list: signature and body.
struct Entry(&'static str, bool, Body);

/// A function that gives null for a null argument.
const fn strict(signature: &'static str, body: ScalarBody) -> Entry {
    Entry(signature, false, Body::Scalar(body))
}

/// A function that looks at null arguments itself.
const fn with_nulls(signature: &'static str, body: ScalarBody) -> Entry {
    Entry(signature, true, Body::Scalar(body))
}

/// A function that gives rows and looks at null arguments itself.
const fn set_with_nulls(signature: &'static str, body: SetBody) -> Entry {
    Entry(signature, true, Body::Set(body))
}

/// A function that gives rows; none for a null argument.
const fn set(signature: &'static str, body: SetBody) -> Entry {
    Entry(signature, false, Body::Set(body))
}

static REGISTRY: LazyLock<HashMap<&'static str, Vec<Function>>> = LazyLock::new(|| {
    let lists = [
        activity::FUNCTIONS,
        arrays::FUNCTIONS,
        bytes::FUNCTIONS,
        documents::FUNCTIONS,
        information::FUNCTIONS,
        json::FUNCTIONS,
        math::FUNCTIONS,
        number_text::FUNCTIONS,
        numbers::FUNCTIONS,
        objects::FUNCTIONS,
        privileges::FUNCTIONS,
        regexps::FUNCTIONS,
        routines::FUNCTIONS,
        sequences::FUNCTIONS,
        session::FUNCTIONS,
        sets::FUNCTIONS,
        sizes::FUNCTIONS,
        spans::FUNCTIONS,
        strings::FUNCTIONS,
        texts::FUNCTIONS,
        times::FUNCTIONS,
        xml::FUNCTIONS,
    ];
    let mut registry: HashMap<&'static str, Vec<Function>> = HashMap::new();
    let all = lists.into_iter().chain(ranges::FUNCTIONS.iter().copied());
    for function in all.flatten().flat_map(parse) {
        registry.entry(function.name).or_default().push(function);
    }
    for (name, arguments, returns, overload) in sql::signatures() {
        // Functions that give lists stand for sets there.
        if is_listed(name, returns) {
            continue;
        }
        let oid = |name: &str| type_of_words(name).expect("a signature names built-in types");
        let arguments: Vec<TypeOid> = arguments.iter().map(|name| oid(name)).collect();
        let known = registry.entry(name).or_default();
        if known.iter().all(|function| function.arguments != arguments) {
            known.push(Function {
                name,
                arguments,
                variadic: None,
                returns: vec![(name, oid(returns))],
                takes_nulls: false,
                body: Body::Planned(overload),
            });
        }
    }
    registry
});

/// Whether a function of the planner's list gives the rows of a set as a list.
fn is_listed(name: &str, returns: &str) -> bool {
    returns.ends_with("[]") && !name.ends_with("_to_array")
}

/// The type that a word of a signature names, `[]` behind it for an array.
fn type_of_words(name: &str) -> Option<TypeOid> {
    match name.trim().strip_suffix("[]") {
        Some(inner) => types::type_by_words(inner).and_then(types::array_of),
        None => types::type_by_words(name.trim()),
    }
}

/// Reads `name(type,type,...) result` or `name(types) setof column type, column type`; a last argument
/// that ends with `...` repeats. `a|b` stands for two functions, one with each type; an argument list
/// that starts with `[name|oid]` for three, one of them without that argument.
fn parse(entry: &Entry) -> Vec<Function> {
    let Entry(signature, takes_nulls, body) = entry;
    let (name, rest) = signature.split_once('(').expect("a signature has parentheses");
    let (arguments, returns) = rest.split_once(") ").expect("a signature has a result");
    let type_oid = |name: &str| type_of_words(name).expect("a signature names built-in types");
    let arguments = arguments.split(',').filter(|argument| !argument.is_empty());
    let mut lists: Vec<(Vec<TypeOid>, Option<TypeOid>)> = vec![(Vec::new(), None)];
    for argument in arguments {
        let optional = argument.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let mut longer = if optional.is_some() { lists.clone() } else { Vec::new() };
        for one in optional.unwrap_or(argument).split('|') {
            longer.extend(lists.iter().cloned().map(|(mut oids, mut variadic)| {
                match one.strip_suffix("...") {
                    Some(repeated) => variadic = Some(type_oid(repeated)),
                    None => oids.push(type_oid(one)),
                }
                (oids, variadic)
            }));
        }
        lists = longer;
    }
    let returns: Vec<(&'static str, TypeOid)> = match returns.strip_prefix("setof ") {
        None => vec![(name, type_oid(returns))],
        Some(columns) => columns
            .split(", ")
            .map(|column| {
                let (column, oid) = column.split_once(' ').expect("a set's column has a type");
                (column, type_oid(oid))
            })
            .collect(),
    };
    let function = |(arguments, variadic)| Function {
        name,
        arguments,
        variadic,
        returns: returns.clone(),
        takes_nulls: *takes_nulls,
        body: *body,
    };
    lists.into_iter().map(function).collect()
}

/// A function chosen for a call, with the types that its arguments are brought to.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The function.
    pub(crate) function: &'static Function,
    /// Types to coerce the arguments to.
    pub(crate) argument_types: Vec<TypeOid>,
    /// Result, or columns of the set, with open types filled in.
    pub(crate) returns: Vec<(&'static str, TypeOid)>,
}

/// The function that `name` with arguments of these types calls.
///
/// # Errors
/// 42883 where none fits.
pub(crate) fn resolve(name: &str, arguments: &[TypeOid]) -> Result<Resolved, QueryError> {
    let candidates = REGISTRY.get(name).map_or(&[][..], Vec::as_slice);
    let mut best: Option<(usize, &'static Function)> = None;
    for function in candidates {
        let Some(score) = function.score(arguments) else { continue };
        if best.is_none_or(|(found, _)| score > found) {
            best = Some((score, function));
        }
    }
    let Some((_, function)) = best else {
        let shown: Vec<String> = arguments.iter().map(|oid| type_name(*oid)).collect();
        return Err(QueryError::new(
            SqlState::UNDEFINED_FUNCTION,
            format!("function {name}({}) does not exist", shown.join(", ")),
        )
        .with_hint(
            "No function matches the given name and argument types. You might need to add explicit type casts.",
        ));
    };
    Ok(function.resolved(arguments))
}

impl Function {
    /// Whether it gives rows.
    pub(crate) fn is_set(&self) -> bool {
        matches!(self.body, Body::Set(_))
    }

    fn expected(&self, at: usize) -> Option<TypeOid> {
        self.arguments.get(at).copied().or(self.variadic)
    }

    /// How well the argument types fit: more is better, `None` is not at all.
    fn score(&self, arguments: &[TypeOid]) -> Option<usize> {
        let is_count = arguments.len() == self.arguments.len()
            || (self.variadic.is_some() && arguments.len() > self.arguments.len());
        if !is_count {
            return None;
        }
        let mut score = 0;
        for (at, found) in arguments.iter().enumerate() {
            let expected = self.expected(at)?;
            if !is_implicit(*found, expected) {
                return None;
            }
            score += match *found {
                found if found == expected => 8,
                // An untyped literal is text where a text version exists, else of the type that
                // PostgreSQL prefers among its kind.
                types::UNKNOWN if expected == types::TEXT => 4,
                types::UNKNOWN
                    if matches!(expected, types::FLOAT8 | types::TIMESTAMPTZ | types::BOOL) =>
                {
                    3
                }
                types::UNKNOWN if expected == types::OID => 1,
                types::UNKNOWN => 2,
                _ if kind(*found) == kind(expected) => 4,
                // What PostgreSQL prefers among the types of a category.
                _ if matches!(expected, types::FLOAT8 | types::TIMESTAMPTZ) => 2,
                _ => 1,
            };
        }
        Some(score)
    }

    fn resolved(&'static self, arguments: &[TypeOid]) -> Resolved {
        let array = arguments.iter().enumerate().find_map(|(at, found)| {
            (self.expected(at) == Some(types::ANYARRAY) && kind(*found) == Kind::Array)
                .then_some(*found)
        });
        let open_element = array.and_then(element).or_else(|| {
            arguments.iter().enumerate().find_map(|(at, found)| {
                (self.expected(at) == Some(types::ANYELEMENT)).then(|| Env::known(*found))
            })
        });
        let fill = |oid: TypeOid, found: TypeOid| match oid {
            types::ANYARRAY => array.unwrap_or_else(|| {
                if found == types::UNKNOWN {
                    types::array_of(types::TEXT).unwrap_or(oid)
                } else {
                    found
                }
            }),
            types::ANYELEMENT if array.is_some() => open_element.unwrap_or(found),
            types::ANYELEMENT => Env::known(found),
            other => other,
        };
        let argument_types = arguments
            .iter()
            .enumerate()
            .map(|(at, found)| fill(self.expected(at).unwrap_or(*found), *found))
            .collect();
        let returns = self
            .returns
            .iter()
            .map(|(name, oid)| {
                let oid = match *oid {
                    types::ANYELEMENT => open_element.unwrap_or(types::TEXT),
                    types::ANYARRAY => array
                        .or_else(|| open_element.and_then(types::array_of))
                        .unwrap_or(types::ANYARRAY),
                    other => base_type(other),
                };
                (*name, oid)
            })
            .collect();
        Resolved { function: self, argument_types, returns }
    }

    /// Value of a scalar function.
    ///
    /// # Errors
    /// What the function reports.
    pub(crate) fn call(&self, call: &Call<'_>) -> Result<Value, QueryError> {
        match self.body {
            Body::Scalar(_) if !self.takes_nulls && call.arguments.iter().any(Value::is_null) => {
                Ok(Value::Null)
            }
            Body::Planned(_) if call.arguments.iter().any(Value::is_null) => Ok(Value::Null),
            Body::Scalar(body) => body(call),
            Body::Planned(overload) => planned::call(overload, call, self.returns[0].1),
            Body::Set(_) => Err(crate::catalog_query::unsupported(format!(
                "set-returning function {} here",
                self.name
            ))),
        }
    }

    /// Rows of a set-returning function.
    ///
    /// # Errors
    /// What the function reports.
    pub(crate) fn call_set(&self, call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
        match self.body {
            Body::Set(_) if !self.takes_nulls && call.arguments.iter().any(Value::is_null) => {
                Ok(Vec::new())
            }
            Body::Set(body) => body(call),
            Body::Scalar(_) | Body::Planned(_) => Ok(vec![Row::from(vec![self.call(call)?])]),
        }
    }
}
