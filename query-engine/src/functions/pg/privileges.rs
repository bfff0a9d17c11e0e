//! Privilege inquiries. Every role may read what is the system's and change none of it; what clients made
//! has owners and grants.

use super::{Call, Entry, strict};
use crate::catalog::pg_catalog::user_rows::{OWNER_OID, role_oid};
use crate::catalog_query::types::{self, TypeOid};
use crate::catalog_query::{Env, Value, undefined_object};
use crate::objects::{DATABASE_OWNER, Head, Object, PRIVILEGES, Role};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("has_table_privilege(oid,text) bool", |call| on(call, &TABLE, 0)),
    strict("has_table_privilege(text,text) bool", |call| on(call, &TABLE, 0)),
    strict("has_table_privilege(name,oid,text) bool", |call| on(call, &TABLE, 1)),
    strict("has_table_privilege(name,text,text) bool", |call| on(call, &TABLE, 1)),
    strict("has_table_privilege(oid,oid,text) bool", |call| on(call, &TABLE, 1)),
    strict("has_table_privilege(oid,text,text) bool", |call| on(call, &TABLE, 1)),
    strict("has_any_column_privilege(oid,text) bool", |call| on(call, &TABLE, 0)),
    strict("has_any_column_privilege(text,text) bool", |call| on(call, &TABLE, 0)),
    strict("has_any_column_privilege(name,oid,text) bool", |call| on(call, &TABLE, 1)),
    strict("has_any_column_privilege(name,text,text) bool", |call| on(call, &TABLE, 1)),
    strict("has_column_privilege(oid,int2,text) bool", column),
    strict("has_column_privilege(oid,text,text) bool", column),
    strict("has_column_privilege(text,text,text) bool", column),
    strict("has_schema_privilege(oid,text) bool", |call| on(call, &SCHEMA, 0)),
    strict("has_schema_privilege(text,text) bool", |call| on(call, &SCHEMA, 0)),
    strict("has_schema_privilege(name,oid,text) bool", |call| on(call, &SCHEMA, 1)),
    strict("has_schema_privilege(name,text,text) bool", |call| on(call, &SCHEMA, 1)),
    strict("has_database_privilege(oid,text) bool", |call| on(call, &DATABASE, 0)),
    strict("has_database_privilege(text,text) bool", |call| on(call, &DATABASE, 0)),
    strict("has_database_privilege(name,oid,text) bool", |call| on(call, &DATABASE, 1)),
    strict("has_database_privilege(name,text,text) bool", |call| on(call, &DATABASE, 1)),
    strict("has_function_privilege(oid,text) bool", |call| on(call, &FUNCTION, 0)),
    strict("has_function_privilege(name,oid,text) bool", |call| on(call, &FUNCTION, 1)),
    strict("has_type_privilege(oid,text) bool", |call| on(call, &TYPE, 0)),
    strict("has_language_privilege(oid,text) bool", |call| on(call, &LANGUAGE, 0)),
    strict("has_sequence_privilege(oid,text) bool", |call| on(call, &SEQUENCE, 0)),
    strict("has_server_privilege(oid,text) bool", |call| on(call, &SERVER, 0)),
    strict("has_foreign_data_wrapper_privilege(oid,text) bool", |call| on(call, &WRAPPER, 0)),
    strict("has_tablespace_privilege(oid,text) bool", |call| on(call, &TABLESPACE, 0)),
    strict("pg_has_role(oid,text) bool", |call| has_role(call, current(call), 0)),
    strict("pg_has_role(name,text) bool", |call| has_role(call, current(call), 0)),
    strict("pg_has_role(oid,oid,text) bool", |call| has_role(call, call.int(0), 1)),
    strict("pg_has_role(name,oid,text) bool", |call| has_role(call, named(call, 0)?, 1)),
    strict("pg_has_role(name,name,text) bool", |call| has_role(call, named(call, 0)?, 1)),
    strict("row_security_active(oid) bool", |_| Ok(Value::Bool(false))),
];

/// Privileges of one class of objects.
struct Class {
    table: &'static str,
    alias: TypeOid,
    /// Privileges that every role has.
    granted: &'static [&'static str],
    /// Privileges that no role has but the owner.
    refused: &'static [&'static str],
}

const TABLE: Class = Class {
    table: "pg_class",
    alias: types::REGCLASS,
    granted: &["SELECT"],
    refused: &["INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"],
};
const SCHEMA: Class = Class {
    table: "pg_namespace",
    alias: types::REGNAMESPACE,
    granted: &["USAGE"],
    refused: &["CREATE"],
};
const DATABASE: Class = Class {
    table: "pg_database",
    alias: types::OID,
    granted: &["CONNECT"],
    refused: &["CREATE", "TEMP", "TEMPORARY"],
};
const FUNCTION: Class =
    Class { table: "pg_proc", alias: types::REGPROC, granted: &["EXECUTE"], refused: &[] };
const TYPE: Class =
    Class { table: "pg_type", alias: types::REGTYPE, granted: &["USAGE"], refused: &[] };
const LANGUAGE: Class =
    Class { table: "pg_language", alias: types::OID, granted: &["USAGE"], refused: &[] };
const SEQUENCE: Class = Class {
    table: "pg_class",
    alias: types::REGCLASS,
    granted: &["SELECT", "USAGE"],
    refused: &["UPDATE"],
};
const SERVER: Class =
    Class { table: "pg_foreign_server", alias: types::OID, granted: &["USAGE"], refused: &[] };
const WRAPPER: Class = Class {
    table: "pg_foreign_data_wrapper",
    alias: types::OID,
    granted: &["USAGE"],
    refused: &[],
};
const TABLESPACE: Class =
    Class { table: "pg_tablespace", alias: types::OID, granted: &[], refused: &["CREATE"] };

/// Whether a list of privileges names one that is held; `at` is the argument with the object.
fn on(call: &Call<'_>, class: &Class, at: usize) -> Result<Value, QueryError> {
    let oid = match call.value(at) {
        Value::Int(oid) => *oid,
        name => object(call.env, class, name.as_text())?,
    };
    let role = match at {
        0 => call.env.view.role.clone(),
        _ => role_name(call)?,
    };
    let held = held(class, call.env, &role, oid, call.text(at + 1))?;
    if call.env.field(class.table, oid, "oid").is_none() {
        return Ok(Value::Null);
    }
    Ok(Value::Bool(held))
}

/// The role of the first argument, a name or an object id.
fn role_name(call: &Call<'_>) -> Result<String, QueryError> {
    let name = match call.value(0) {
        Value::Int(oid) => call.env.field("pg_authid", *oid, "rolname"),
        name => Some(name.clone()),
    };
    Ok(name.map_or_else(String::new, |name| name.as_text().to_owned()))
}

/// Owner and privileges of what a client made; `None` for what is the system's.
fn made<'a>(class: &Class, env: &'a Env<'_>, oid: i64) -> Option<&'a Head> {
    let oid = u32::try_from(oid).ok()?;
    match class.table {
        "pg_class" => env.view.objects.by_oid(oid).map(Object::head),
        "pg_namespace" => {
            let schemas = env.view.objects.schemas();
            schemas.map(|schema| &schema.head).find(|head| head.oid == oid)
        }
        _ => None,
    }
}

fn object(env: &Env<'_>, class: &Class, name: &str) -> Result<i64, QueryError> {
    let found = if class.table == "pg_database" {
        env.find_by_name("pg_database", "datname", name)?
    } else {
        env.find_object(name, class.alias)?
    };
    found.and_then(|value| value.as_int()).ok_or_else(|| match class.table {
        "pg_class" => QueryError::new(
            SqlState::UNDEFINED_TABLE,
            format!("relation \"{name}\" does not exist"),
        ),
        "pg_namespace" => {
            QueryError::new(SqlState("3F000"), format!("schema \"{name}\" does not exist"))
        }
        "pg_database" => QueryError::new(
            SqlState::UNKNOWN_DATABASE,
            format!("database \"{name}\" does not exist"),
        ),
        _ => undefined_object(format!("object \"{name}\" does not exist")),
    })
}

/// Whether `role` holds one of the privileges of `list` on the object with this id.
fn held(
    class: &Class,
    env: &Env<'_>,
    role: &str,
    oid: i64,
    list: &str,
) -> Result<bool, QueryError> {
    let view = env.view;
    let may_create = view.may_create && role == view.role;
    let role = Role { name: role, may_create };
    let head = made(class, env, oid);
    let mut held = false;
    for privilege in list.split(',') {
        let wanted = privilege.trim().to_ascii_uppercase();
        let plain = wanted.strip_suffix(" WITH GRANT OPTION");
        let is_in = |names: &[&str]| names.contains(&plain.unwrap_or(&wanted));
        let is_known = is_in(class.granted) || is_in(class.refused);
        if let (Some(head), true) = (head, is_known) {
            let name = plain.unwrap_or(&wanted);
            let letter = PRIVILEGES.iter().find(|known| known.1 == name).map(|known| known.0);
            let has = letter.is_some_and(|letter| role.has(head, letter));
            held |= role.owns(head) || (has && plain.is_none());
        } else if class.table == "pg_database" && wanted == "CREATE" {
            held |= role.is_creator();
        } else if is_in(class.granted) {
            held |= plain.is_none();
        } else if !is_known {
            return Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("unrecognized privilege type: \"{}\"", privilege.trim()),
            ));
        }
    }
    Ok(held)
}

fn column(call: &Call<'_>) -> Result<Value, QueryError> {
    let oid = match call.value(0) {
        Value::Int(oid) => *oid,
        name => object(call.env, &TABLE, name.as_text())?,
    };
    let held = held(&TABLE, call.env, &call.env.view.role, oid, call.text(2))?;
    let attributes = call.env.table("pg_attribute");
    let at = |name| attributes.position(name).expect("a column of pg_attribute");
    let (relation_at, name_at, number_at) = (at("attrelid"), at("attname"), at("attnum"));
    let is_wanted = |row: &u32| {
        let row = &attributes.rows[*row as usize];
        match call.value(1) {
            number @ Value::Int(_) => row[number_at] == *number,
            name => row[name_at] == *name,
        }
    };
    let exists = attributes.lookup(relation_at, &Value::Int(oid)).iter().any(is_wanted);
    match call.value(1) {
        _ if exists => Ok(Value::Bool(held)),
        Value::Int(_) => Ok(Value::Null),
        name => Err(QueryError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{}\" does not exist", name.as_text()),
        )),
    }
}

fn current(call: &Call<'_>) -> i64 {
    i64::from(role_oid(&call.env.view.role))
}

fn named(call: &Call<'_>, at: usize) -> Result<i64, QueryError> {
    let name = call.text(at);
    let found = call.env.find_by_name("pg_authid", "rolname", name)?;
    found
        .and_then(|value| value.as_int())
        .ok_or_else(|| undefined_object(format!("role \"{name}\" does not exist")))
}

/// A role is a member of itself; the owner is a member of all; who may create is a database owner.
fn has_role(call: &Call<'_>, member: i64, at: usize) -> Result<Value, QueryError> {
    let role = match call.value(at) {
        Value::Int(oid) => *oid,
        _ => named(call, at)?,
    };
    let view = call.env.view;
    let is_creator = view.may_create
        && member == i64::from(role_oid(&view.role))
        && role == i64::from(role_oid(DATABASE_OWNER));
    Ok(Value::Bool(member == role || member == i64::from(OWNER_OID) || is_creator))
}
