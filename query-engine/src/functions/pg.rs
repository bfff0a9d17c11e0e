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
mod information;
mod json;
mod numbers;
mod objects;
mod privileges;
mod routines;
mod session;
mod sets;
mod sizes;
mod strings;
mod times;
mod udf;
mod xml;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use udf::register;

use crate::catalog::pg_catalog::builtin::base_type;
use crate::catalog_query::types::{self, Kind, TypeOid, element, is_implicit, kind, type_name};
use crate::catalog_query::{Env, Row, Value};
use crate::{QueryError, SqlState};

/// One call, with the types that its arguments had.
pub(crate) struct Call<'a> {
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
        information::FUNCTIONS,
        json::FUNCTIONS,
        numbers::FUNCTIONS,
        objects::FUNCTIONS,
        privileges::FUNCTIONS,
        routines::FUNCTIONS,
        session::FUNCTIONS,
        sets::FUNCTIONS,
        sizes::FUNCTIONS,
        strings::FUNCTIONS,
        times::FUNCTIONS,
        xml::FUNCTIONS,
    ];
    let mut registry: HashMap<&'static str, Vec<Function>> = HashMap::new();
    for function in lists.into_iter().flatten().flat_map(parse) {
        registry.entry(function.name).or_default().push(function);
    }
    registry
});

/// Reads `name(type,type,...) result` or `name(types) setof column type, column type`; a last argument
/// that ends with `...` repeats. `a|b` stands for two functions, one with each type; an argument list
/// that starts with `[name|oid]` for three, one of them without that argument.
fn parse(entry: &Entry) -> Vec<Function> {
    let Entry(signature, takes_nulls, body) = entry;
    let (name, rest) = signature.split_once('(').expect("a signature has parentheses");
    let (arguments, returns) = rest.split_once(") ").expect("a signature has a result");
    let type_oid = |name: &str| match name.strip_suffix("[]") {
        Some(inner) => types::type_by_words(inner).and_then(types::array_of),
        None => types::type_by_words(name),
    };
    let type_oid = |name: &str| type_oid(name.trim()).expect("a signature names built-in types");
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
                // An untyped literal is text where a text version exists.
                types::UNKNOWN if expected == types::TEXT => 3,
                types::UNKNOWN if expected == types::OID => 1,
                types::UNKNOWN => 2,
                _ if kind(*found) == kind(expected) => 4,
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
                    types::ANYARRAY => array.unwrap_or(types::ANYARRAY),
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
            Body::Scalar(body) => body(call),
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
            Body::Scalar(_) => Ok(vec![Row::from(vec![self.call(call)?])]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::pg_catalog::builtin;

    #[test]
    fn every_signature_is_well_formed() {
        assert!(REGISTRY.len() > 100);
    }

    #[test]
    fn overloads_are_chosen_by_argument_types() {
        let returns = |name, arguments: &[TypeOid]| resolve(name, arguments).unwrap().returns[0].1;
        assert_eq!(returns("generate_series", &[types::INT4, types::INT4]), types::INT4);
        assert_eq!(returns("generate_series", &[types::INT8, types::INT4]), types::INT8);
        assert_eq!(returns("unnest", &[types::INT2VECTOR]), types::INT2);
        assert_eq!(returns("pg_get_userbyid", &[types::OID]), types::NAME);
        let missing = resolve("format_type", &[types::BOOL]).unwrap_err();
        assert_eq!(missing.state, SqlState::UNDEFINED_FUNCTION);
        assert_eq!(missing.message, "function format_type(boolean) does not exist");
    }

    /// Functions that the statements of known clients call, but for aggregates and what is syntax.
    const CALLED: &[&str] = &[
        "_pg_expandarray",
        "acldefault",
        "age",
        "array_length",
        "array_lower",
        "array_remove",
        "array_to_string",
        "array_upper",
        "col_description",
        "concat_ws",
        "current_database",
        "current_schema",
        "current_schemas",
        "current_setting",
        "format",
        "format_type",
        "generate_series",
        "generate_subscripts",
        "getdatabaseencoding",
        "has_database_privilege",
        "json_build_object",
        "lower",
        "obj_description",
        "parse_ident",
        "pg_available_extensions",
        "pg_char_to_encoding",
        "pg_collation_is_visible",
        "pg_conversion_is_visible",
        "pg_database_size",
        "pg_describe_object",
        "pg_encoding_to_char",
        "pg_function_is_visible",
        "pg_get_constraintdef",
        "pg_get_expr",
        "pg_get_function_arguments",
        "pg_get_function_result",
        "pg_get_function_sqlbody",
        "pg_get_functiondef",
        "pg_get_indexdef",
        "pg_get_keywords",
        "pg_get_partkeydef",
        "pg_get_ruledef",
        "pg_get_serial_sequence",
        "pg_get_statisticsobjdef_columns",
        "pg_get_triggerdef",
        "pg_get_userbyid",
        "pg_get_viewdef",
        "pg_is_in_recovery",
        "pg_opclass_is_visible",
        "pg_operator_is_visible",
        "pg_opfamily_is_visible",
        "pg_options_to_table",
        "pg_partition_ancestors",
        "pg_postmaster_start_time",
        "pg_relation_is_publishable",
        "pg_size_pretty",
        "pg_sleep",
        "pg_statistics_obj_is_visible",
        "pg_table_is_visible",
        "pg_table_size",
        "pg_tablespace_location",
        "pg_tablespace_size",
        "pg_ts_config_is_visible",
        "pg_ts_dict_is_visible",
        "pg_ts_parser_is_visible",
        "pg_ts_template_is_visible",
        "pg_type_is_visible",
        "quote_ident",
        "quote_literal",
        "regexp_split_to_table",
        "replace",
        "set_config",
        "shobj_description",
        "string_to_array",
        "substring",
        "txid_current",
        "unnest",
        "version",
    ];
    /// Argument types that catalog statements do not compute with.
    const OTHER_TYPES: &[&str] =
        &["anyrange", "anymultirange", "bit", "bytea", "timestamp", "timestamptz", "tsvector"];

    /// Rows of `pg_proc`: name, argument types, whether variadic, result, whether a set.
    fn recorded() -> Vec<(String, Vec<TypeOid>, bool, TypeOid, bool)> {
        let relation = builtin::relation("pg_catalog", "pg_proc").unwrap();
        let at =
            |name: &str| relation.columns.iter().position(|column| column.name == name).unwrap();
        let oid = |value: &Value| value.as_int().unwrap() as TypeOid;
        builtin::rows(relation)
            .iter()
            .map(|row| {
                (
                    row[at("proname")].as_text().to_owned(),
                    row[at("proargtypes")].elements().iter().map(oid).collect(),
                    oid(&row[at("provariadic")]) != 0,
                    oid(&row[at("prorettype")]),
                    row[at("proretset")] == Value::Bool(true),
                )
            })
            .collect()
    }

    #[test]
    fn functions_that_clients_call_exist_with_postgresqls_arguments_and_results() {
        let is_other = |oid: &TypeOid| {
            builtin::type_of(*oid).is_some_and(|found| OTHER_TYPES.contains(&found.name))
        };
        let mut missing = Vec::new();
        for (name, arguments, is_variadic, result, is_set) in recorded() {
            // SUBSTRING … SIMILAR with an escape character.
            let is_similar = name == "substring" && arguments == [types::TEXT; 3];
            let is_called = CALLED.contains(&name.as_str()) && !is_similar;
            if !is_called || arguments.iter().any(is_other) {
                continue;
            }
            // A variadic "any" takes values of any type; open types take an example.
            let example = |oid: &TypeOid| match type_name(*oid).trim_matches('"') {
                "anyarray" | "anycompatiblearray" => types::array_of(types::INT4).unwrap(),
                "any" | "anyelement" | "anycompatible" => types::INT4,
                _ => *oid,
            };
            let examples: Vec<TypeOid> = arguments.iter().map(example).collect();
            let is_open = arguments.iter().any(|oid| example(oid) != *oid);
            let shown = format!("{name}({})", examples.len());
            match resolve(&name, &examples) {
                Err(error) => missing.push(error.message),
                Ok(found) if found.function.is_set() != is_set => missing.push(shown),
                Ok(found) if is_open || is_variadic || result == types::RECORD => {
                    debug_assert!(!found.returns.is_empty());
                }
                Ok(found) if found.returns[0].1 != base_type(result) => {
                    missing.push(format!("{shown} gives {}", type_name(found.returns[0].1)));
                }
                Ok(_) => {}
            }
        }
        assert_eq!(missing, [""; 0]);
    }
}
