//! Names of objects as values of the alias types `regclass`, `regtype` and their relatives.

use super::env::Env;
use super::names::{quote_ident, split_qualified};
use super::text::check_range;
use super::types::{self, TypeOid, type_name};
use super::{Value, undefined_object, unsupported};
use crate::{QueryError, SqlState};

/// Names of the object id alias types are resolved against the catalogs that the session sees.
impl Env<'_> {
    /// The object that `text` names or numbers.
    ///
    /// # Errors
    /// 42P01, 42704, 3F000 or 42883 where there is none.
    pub(super) fn input_object(&self, text: &str, oid: TypeOid) -> Result<Value, QueryError> {
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
        if matches!(oid, types::REGPROCEDURE | types::REGOPERATOR) {
            return self.find_signature(text, oid);
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
            (types::REGCONFIG, names) => {
                self.find_in_path("pg_ts_config", "cfgname", "cfgnamespace", names)
            }
            (types::REGDICTIONARY, names) => {
                self.find_in_path("pg_ts_dict", "dictname", "dictnamespace", names)
            }
            (types::REGCOLLATION, names) => {
                self.find_in_path("pg_collation", "collname", "collnamespace", names)
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

    /// Name of an object, or its number where it has none.
    pub(super) fn output_object(&self, value: i64, oid: TypeOid) -> String {
        let found = match oid {
            _ if value == 0 => Some("-".to_owned()),
            types::REGCLASS => self.qualified("pg_class", "relname", "relnamespace", value),
            types::REGPROC => self.function_name(value),
            types::REGTYPE => self.type_name(value),
            types::REGNAMESPACE => self.name_of("pg_namespace", "nspname", value),
            types::REGROLE => self.name_of("pg_authid", "rolname", value),
            types::REGCONFIG => self.qualified("pg_ts_config", "cfgname", "cfgnamespace", value),
            types::REGDICTIONARY => {
                self.qualified("pg_ts_dict", "dictname", "dictnamespace", value)
            }
            types::REGCOLLATION => {
                self.qualified("pg_collation", "collname", "collnamespace", value)
            }
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
