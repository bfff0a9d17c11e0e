//! Text form of values: input and output functions and casts, as PostgreSQL has them.

use super::env::Env;
use super::names::{quote_ident, split_qualified};
use super::types::{self, Kind, TypeOid, element, is_object_id, is_text, kind, type_name};
use super::{Value, undefined_object, unsupported};
use crate::{QueryError, SqlState};

/// Bytes of a `name`; longer ones are cut, as PostgreSQL cuts identifiers.
const NAME_BYTES_MAX: usize = 63;
/// Elements of an array written as text.
const ARRAY_ELEMENTS_MAX: usize = 100_000;

/// Reads `text` as a value of a built-in row; types that are only shown stay text.
pub(crate) fn input_builtin(text: &str, oid: TypeOid) -> Value {
    match kind(oid) {
        Kind::Array => split_array(text, oid)
            .map(|elements| {
                let inner = element(oid).unwrap_or(types::TEXT);
                let read = |element: Option<String>| {
                    element.map_or(Value::Null, |text| input_builtin(&text, inner))
                };
                Value::array(elements.into_iter().map(read).collect())
            })
            .unwrap_or(Value::Null),
        Kind::Bool => Value::Bool(text == "t"),
        Kind::Int => text.parse().map_or(Value::Null, Value::Int),
        Kind::Float => text.parse().map_or(Value::Null, Value::Float),
        Kind::Timestamp | Kind::Record => Value::Null,
        Kind::Text => Value::text(text),
    }
}

/// Reads `text` as a value of type `oid`, as the type's input function does.
///
/// # Errors
/// 22P02 for malformed text, 22003 for a number out of range, 42P01, 42704 or 42883 for a name that
/// an object id type does not find.
pub(crate) fn input(env: &Env<'_>, text: &str, oid: TypeOid) -> Result<Value, QueryError> {
    let trimmed = text.trim();
    match kind(oid) {
        Kind::Bool => input_bool(trimmed).map(Value::Bool).ok_or_else(|| malformed(oid, text)),
        Kind::Int if is_object_id(oid) && oid != types::OID => env.input_object(trimmed, oid),
        Kind::Int => {
            let number: i64 = trimmed.parse().map_err(|_| malformed(oid, text))?;
            check_range(number, oid).map(Value::Int)
        }
        Kind::Float => input_float(trimmed, oid).ok_or_else(|| malformed(oid, text))?,
        Kind::Timestamp | Kind::Record => {
            Err(unsupported(format!("literal of type {}", type_name(oid))))
        }
        Kind::Array => {
            let inner = element(oid).ok_or_else(|| unsupported("literal of type anyarray"))?;
            let elements = split_array(trimmed, oid).ok_or_else(|| {
                QueryError::new(
                    SqlState::INVALID_TEXT,
                    format!("malformed array literal: \"{text}\""),
                )
            })?;
            elements
                .into_iter()
                .map(|element| element.map_or(Ok(Value::Null), |text| input(env, &text, inner)))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::array)
        }
        Kind::Text if oid == types::CHAR => {
            Ok(Value::text(text.chars().next().map(String::from).unwrap_or_default()))
        }
        Kind::Text if oid == types::NAME => Ok(Value::text(cut_name(text))),
        Kind::Text if oid == types::UUID => {
            input_uuid(trimmed).map(Value::text).ok_or_else(|| malformed(oid, text))
        }
        Kind::Text if is_text(oid) => Ok(Value::text(text)),
        Kind::Text => Err(unsupported(format!("literal of type {}", type_name(oid)))),
    }
}

/// `None` for malformed text; 22003 inside for a number that the type cannot hold.
fn input_float(text: &str, oid: TypeOid) -> Option<Result<Value, QueryError>> {
    let value: f64 = text.parse().ok()?;
    let held = if oid == types::FLOAT4 { f64::from(value as f32) } else { value };
    let names_infinity = text.trim_start_matches(['+', '-']).starts_with(['i', 'I']);
    let is_lost = held.is_infinite() && !names_infinity
        || held == 0.0
            && text
                .bytes()
                .take_while(|byte| !matches!(byte, b'e' | b'E'))
                .any(|byte| matches!(byte, b'1'..=b'9'));
    Some(if is_lost {
        Err(QueryError::new(
            SqlState::NUMERIC_OUT_OF_RANGE,
            format!("\"{text}\" is out of range for type {}", type_name(oid)),
        ))
    } else {
        Ok(Value::Float(value))
    })
}

/// 32 hexadecimal digits, hyphens after any group of four, braces around it or not.
fn input_uuid(text: &str) -> Option<String> {
    let inner = text.strip_prefix('{').map_or(Some(text), |rest| rest.strip_suffix('}'))?;
    let mut digits = String::with_capacity(32);
    for (at, character) in inner.char_indices() {
        match character {
            '-' if !digits.is_empty() && digits.len().is_multiple_of(4) && at + 1 < inner.len() => {
            }
            digit if digit.is_ascii_hexdigit() => digits.push(digit.to_ascii_lowercase()),
            _ => return None,
        }
    }
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits.get(range));
    let groups = groups.into_iter().collect::<Option<Vec<_>>>()?;
    (digits.len() == 32).then(|| groups.join("-"))
}

fn input_bool(text: &str) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let is_prefix = |word: &str, min: usize| lower.len() >= min && word.starts_with(&lower);
    if lower == "1" || is_prefix("true", 1) || is_prefix("yes", 1) || lower == "on" {
        Some(true)
    } else if lower == "0" || is_prefix("false", 1) || is_prefix("no", 1) || is_prefix("off", 2) {
        Some(false)
    } else {
        None
    }
}

fn cut_name(text: &str) -> &str {
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn malformed(oid: TypeOid, text: &str) -> QueryError {
    QueryError::new(
        SqlState::INVALID_TEXT,
        format!("invalid input syntax for type {}: \"{text}\"", type_name(oid)),
    )
}

/// `number` if the integer type `oid` holds it.
pub(crate) fn check_range(number: i64, oid: TypeOid) -> Result<i64, QueryError> {
    let (first, last) = match oid {
        types::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        types::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        types::INT8 => (i64::MIN, i64::MAX),
        _ => (0, i64::from(u32::MAX)),
    };
    (first..=last).contains(&number).then_some(number).ok_or_else(|| {
        QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, format!("{} out of range", type_name(oid)))
    })
}

/// Elements of an array or vector in text form; `None` when it is malformed or has dimensions.
pub(crate) fn split_array(text: &str, oid: TypeOid) -> Option<Vec<Option<String>>> {
    if matches!(oid, types::INT2VECTOR | types::OIDVECTOR) {
        return Some(text.split_whitespace().map(|part| Some(part.to_owned())).collect());
    }
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if inner.trim().is_empty() {
        return Some(elements);
    }
    let mut characters = inner.chars().peekable();
    loop {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        let (mut part, mut quoted) = (String::new(), false);
        if characters.next_if_eq(&'"').is_some() {
            quoted = true;
            loop {
                match characters.next()? {
                    '"' => break,
                    '\\' => part.push(characters.next()?),
                    other => part.push(other),
                }
            }
        }
        while let Some(character) = characters.next_if(|character| *character != ',') {
            match character {
                '{' | '}' | '"' => return None,
                '\\' => part.push(characters.next()?),
                other if quoted && other.is_whitespace() => {}
                _ if quoted => return None,
                other => part.push(other),
            }
        }
        let bare = part.trim_end();
        elements.push(match (quoted, bare) {
            (true, _) => Some(part),
            (false, "") => return None,
            (false, bare) if bare.eq_ignore_ascii_case("null") => None,
            (false, bare) => Some(bare.to_owned()),
        });
        if elements.len() > ARRAY_ELEMENTS_MAX {
            return None;
        }
        if characters.next().is_none() {
            return Some(elements);
        }
    }
}

/// Text form of a value that is not null, as the type's output function gives it.
pub(crate) fn output(env: &Env<'_>, value: &Value, oid: TypeOid) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => if *value { "t" } else { "f" }.to_owned(),
        Value::Int(value) if oid == types::TIMESTAMPTZ => output_timestamp(*value),
        Value::Int(value) if is_object_id(oid) && oid != types::OID => {
            env.output_object(*value, oid)
        }
        Value::Int(value) => value.to_string(),
        Value::Float(value) => output_float(*value, oid),
        Value::Text(text) => text.to_string(),
        Value::Array(elements) => output_array(env, elements, oid),
        Value::Record(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| quote_element(&output(env, field, types::TEXT), "(),\"\\"))
                .collect();
            format!("({})", fields.join(","))
        }
    }
}

fn output_float(value: f64, oid: TypeOid) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // float4 is held widened: its own shortest form is the one to print.
    if oid == types::FLOAT4 { (value as f32).to_string() } else { value.to_string() }
}

fn output_timestamp(micros: i64) -> String {
    let Some(time) = chrono::DateTime::from_timestamp_micros(micros) else {
        return if micros > 0 { "infinity" } else { "-infinity" }.to_owned();
    };
    let fraction = time.format("%.6f").to_string();
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{}{fraction}+00", time.format("%Y-%m-%d %H:%M:%S"))
}

fn output_array(env: &Env<'_>, elements: &[Value], oid: TypeOid) -> String {
    let inner = element(oid).unwrap_or(types::TEXT);
    let text = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        value => output(env, value, inner),
    };
    if matches!(oid, types::INT2VECTOR | types::OIDVECTOR) {
        return elements.iter().map(text).collect::<Vec<_>>().join(" ");
    }
    let parts: Vec<String> = elements
        .iter()
        .map(|value| match value {
            Value::Null => text(value),
            value => {
                let plain = text(value);
                if plain.eq_ignore_ascii_case("null") {
                    format!("\"{plain}\"")
                } else {
                    quote_element(&plain, "{},\"\\")
                }
            }
        })
        .collect();
    format!("{{{}}}", parts.join(","))
}

fn quote_element(text: &str, special: &str) -> String {
    let needs = text.is_empty()
        || text.chars().any(|character| special.contains(character) || character.is_whitespace());
    if needs {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text.to_owned()
    }
}

/// Casts a value between types.
///
/// # Errors
/// As [`input`]; 42846 where PostgreSQL has no such cast.
pub(crate) fn cast(
    env: &Env<'_>,
    value: &Value,
    from: TypeOid,
    to: TypeOid,
) -> Result<Value, QueryError> {
    if value.is_null() || from == to {
        return Ok(value.clone());
    }
    match (kind(from), kind(to)) {
        (Kind::Text, Kind::Text) if to == types::NAME || to == types::CHAR => {
            input(env, value.as_text(), to)
        }
        (Kind::Text, Kind::Text) => Ok(value.clone()),
        (Kind::Text, _) => input(env, value.as_text(), to),
        (Kind::Bool, Kind::Text) if to != types::CHAR => {
            Ok(Value::text(if value.as_bool() == Some(true) { "true" } else { "false" }))
        }
        (Kind::Int, Kind::Text) if to == types::CHAR => unsupported_cast(from, to),
        (_, Kind::Text) => input(env, &output(env, value, from), to),
        (Kind::Int, Kind::Int) => {
            check_range(value.as_int().unwrap_or_default(), to).map(Value::Int)
        }
        (Kind::Int, Kind::Float) => Ok(Value::Float(value.as_int().unwrap_or_default() as f64)),
        (Kind::Float, Kind::Float) => Ok(value.clone()),
        (Kind::Float, Kind::Int) => float_to_int(value, to),
        (Kind::Int, Kind::Bool) if from == types::INT4 => {
            Ok(Value::Bool(value.as_int() != Some(0)))
        }
        (Kind::Bool, Kind::Int) if to == types::INT4 => {
            Ok(Value::Int(i64::from(value.as_bool() == Some(true))))
        }
        (Kind::Array, Kind::Array) => {
            let (Some(inner), Some(outer)) = (element(from), element(to)) else {
                return Ok(value.clone());
            };
            value
                .elements()
                .iter()
                .map(|element| cast(env, element, inner, outer))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::array)
        }
        _ => unsupported_cast(from, to),
    }
}

fn unsupported_cast(from: TypeOid, to: TypeOid) -> Result<Value, QueryError> {
    Err(QueryError::new(
        SqlState("42846"),
        format!("cannot cast type {} to {}", type_name(from), type_name(to)),
    ))
}

fn float_to_int(value: &Value, to: TypeOid) -> Result<Value, QueryError> {
    let Value::Float(number) = value else { return Ok(Value::Null) };
    let rounded = number.round_ties_even();
    let exact = rounded as i64;
    // The comparison back refuses what the saturating conversion changed.
    if !rounded.is_finite() || exact as f64 != rounded || exact == i64::MAX {
        return check_range(i64::MAX, types::INT4).map(Value::Int);
    }
    check_range(exact, to).map(Value::Int)
}

/// Names of the object id alias types are resolved against the catalogs that the session sees.
impl Env<'_> {
    fn input_object(&self, text: &str, oid: TypeOid) -> Result<Value, QueryError> {
        if text == "-" {
            return Ok(Value::Int(0));
        }
        if let Ok(number) = text.parse::<i64>() {
            return check_range(number, oid).map(Value::Int);
        }
        self.find_object(text, oid)?.ok_or_else(|| match oid {
            types::REGCLASS => QueryError::new(
                SqlState::UNDEFINED_TABLE,
                format!("relation \"{}\" does not exist", unquoted(text)),
            ),
            types::REGTYPE => undefined_object(format!("type \"{text}\" does not exist")),
            types::REGNAMESPACE => QueryError::new(
                SqlState("3F000"),
                format!("schema \"{}\" does not exist", unquoted(text)),
            ),
            types::REGROLE => {
                undefined_object(format!("role \"{}\" does not exist", unquoted(text)))
            }
            _ => QueryError::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("function \"{text}\" does not exist"),
            ),
        })
    }

    /// The object that `text` names, as a value of the alias type `oid`; `None` where there is none.
    ///
    /// # Errors
    /// 42602 for a malformed name, 0A000 for alias types without name lookup.
    pub(crate) fn find_object(
        &self,
        text: &str,
        oid: TypeOid,
    ) -> Result<Option<Value>, QueryError> {
        if oid == types::REGTYPE {
            return self.find_type(text);
        }
        let parts = split_qualified(text).ok_or_else(|| {
            QueryError::new(SqlState("42602"), format!("invalid name syntax: \"{text}\""))
        })?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (oid, parts.as_slice()) {
            (types::REGCLASS, names) => {
                self.find_in_path("pg_class", "relname", "relnamespace", names)
            }
            (types::REGPROC, names) => {
                self.find_in_path("pg_proc", "proname", "pronamespace", names)
            }
            (types::REGOPER, names) => {
                self.find_in_path("pg_operator", "oprname", "oprnamespace", names)
            }
            (types::REGNAMESPACE, [name]) => self.find_by_name("pg_namespace", "nspname", name),
            (types::REGROLE, [name]) => self.find_by_name("pg_authid", "rolname", name),
            _ => Err(unsupported(format!("name of type {}", type_name(oid)))),
        }
    }

    fn find_type(&self, text: &str) -> Result<Option<Value>, QueryError> {
        let text = text.trim();
        if let Some(inner) = text.strip_suffix("[]") {
            let found = self.find_type(inner)?;
            return Ok(found.and_then(|value| {
                let inner = u32::try_from(value.as_int()?).ok()?;
                types::array_of(inner).map(Value::oid)
            }));
        }
        if let Some(oid) = types::type_by_words(text) {
            return Ok(Some(Value::oid(oid)));
        }
        let Some(parts) = split_qualified(text) else { return Ok(None) };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.find_in_path("pg_type", "typname", "typnamespace", &parts)
    }

    fn output_object(&self, value: i64, oid: TypeOid) -> String {
        let found = match oid {
            _ if value == 0 => Some("-".to_owned()),
            types::REGCLASS => self.qualified("pg_class", "relname", "relnamespace", value),
            types::REGPROC => self.function_name(value),
            types::REGTYPE => self.type_name(value),
            types::REGNAMESPACE => self.name_of("pg_namespace", "nspname", value),
            types::REGROLE => self.name_of("pg_authid", "rolname", value),
            types::REGOPER => {
                self.field("pg_operator", value, "oprname").map(|name| name.as_text().to_owned())
            }
            types::REGPROCEDURE => self.procedure_name(value),
            types::REGOPERATOR => self.operator_name(value),
            _ => None,
        };
        found.unwrap_or_else(|| value.to_string())
    }

    fn name_of(&self, table: &str, column: &str, oid: i64) -> Option<String> {
        self.field(table, oid, column).map(|name| quote_ident(name.as_text()))
    }

    /// Name of a function, with its schema where the bare name would not find just this one.
    fn function_name(&self, oid: i64) -> Option<String> {
        let name = self.field("pg_proc", oid, "proname")?;
        let functions = self.table("pg_proc");
        let is_alone = functions.lookup(functions.position("proname")?, &name).len() == 1;
        if is_alone {
            return self.qualified("pg_proc", "proname", "pronamespace", oid);
        }
        let schema = self.field("pg_proc", oid, "pronamespace")?.as_int()?;
        let schema = self.field("pg_namespace", schema, "nspname")?;
        Some(format!("{}.{}", quote_ident(schema.as_text()), quote_ident(name.as_text())))
    }

    fn operator_name(&self, oid: i64) -> Option<String> {
        let name = self.field("pg_operator", oid, "oprname")?;
        let operand = |column| {
            let operand = self.field("pg_operator", oid, column).and_then(|value| value.as_int());
            match operand {
                None | Some(0) => "NONE".to_owned(),
                Some(found) => self.type_name(found).unwrap_or_else(|| found.to_string()),
            }
        };
        Some(format!("{}({},{})", name.as_text(), operand("oprleft"), operand("oprright")))
    }

    fn procedure_name(&self, oid: i64) -> Option<String> {
        let name = self.qualified("pg_proc", "proname", "pronamespace", oid)?;
        let arguments = self.field("pg_proc", oid, "proargtypes")?;
        let arguments: Vec<String> = arguments
            .elements()
            .iter()
            .filter_map(Value::as_int)
            .map(|oid| self.type_name(oid).unwrap_or_else(|| oid.to_string()))
            .collect();
        Some(format!("{name}({})", arguments.join(",")))
    }
}

fn unquoted(text: &str) -> String {
    split_qualified(text).map_or_else(|| text.to_owned(), |parts| parts.join("."))
}
