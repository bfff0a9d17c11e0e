//! Names of functions and operators with their argument types: `lower(text)`, `=(integer,integer)`.

use super::names::split_qualified;
use super::types::{self, TypeOid};
use super::{Env, Value};
use crate::{QueryError, SqlState};

impl Env<'_> {
    /// The function or operator that `text` names; `None` where there is none.
    ///
    /// # Errors
    /// 22P02 without a list of types, 42602 for a malformed name, 42704 for an unknown type.
    pub(super) fn find_signature(
        &self,
        text: &str,
        alias: TypeOid,
    ) -> Result<Option<Value>, QueryError> {
        let invalid = |message: &str| QueryError::new(SqlState::INVALID_TEXT, message);
        let (name, rest) =
            text.split_once('(').ok_or_else(|| invalid("expected a left parenthesis"))?;
        let list = rest
            .trim_end()
            .strip_suffix(')')
            .ok_or_else(|| invalid("expected a right parenthesis"))?;
        let mut wanted = Vec::new();
        for argument in list.split(',').map(str::trim).filter(|argument| !argument.is_empty()) {
            if argument.eq_ignore_ascii_case("none") {
                wanted.push(Value::Int(0));
                continue;
            }
            let found = self.find_object(argument, types::REGTYPE)?;
            wanted.push(found.ok_or_else(|| {
                super::undefined_object(format!("type \"{argument}\" does not exist"))
            })?);
        }
        let is_operator = alias == types::REGOPERATOR;
        let (schema, name) = if is_operator {
            // Symbols are no identifiers, so a schema before one ends at its dot.
            match name.rsplit_once('.') {
                Some((schema, symbol)) => (Some(schema.to_owned()), symbol.to_owned()),
                None => (None, name.trim().to_owned()),
            }
        } else {
            let mut parts = split_qualified(name).ok_or_else(|| {
                QueryError::new(SqlState("42602"), format!("invalid name syntax: \"{name}\""))
            })?;
            let name = parts.pop().unwrap_or_default();
            (parts.pop(), name)
        };
        let path = schema.map_or_else(|| self.view.search_path(), |schema| vec![schema]);
        let (table, name_column, schema_column) = if is_operator {
            ("pg_operator", "oprname", "oprnamespace")
        } else {
            ("pg_proc", "proname", "pronamespace")
        };
        let table = self.table(table);
        let at = |column| table.position(column).expect("a column of this catalog");
        for schema in path {
            let Some(schema) = self.find_by_name("pg_namespace", "nspname", &schema)? else {
                continue;
            };
            let found = table
                .lookup(at(name_column), &Value::text(name.as_str()))
                .iter()
                .map(|row| &table.rows[*row as usize])
                .filter(|row| row[at(schema_column)] == schema)
                .find(|row| {
                    if is_operator {
                        *wanted == [row[at("oprleft")].clone(), row[at("oprright")].clone()]
                    } else {
                        row[at("proargtypes")].elements() == wanted
                    }
                });
            if let Some(row) = found {
                return Ok(Some(row[at("oid")].clone()));
            }
        }
        Ok(None)
    }
}
