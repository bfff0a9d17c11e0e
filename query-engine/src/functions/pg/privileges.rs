//! Privilege inquiries, answered from the access lists that the catalogs hold.
//!
//! Invariants
//! - An object without a list has the one that `acldefault` gives.
//! - A superuser has every privilege; a role has its own, those of everybody, and those of the roles
//!   that it is a member of.

use std::collections::BTreeSet;

use super::information::default_items;
use super::{Call, Entry, strict};
use crate::catalog_query::types::{self, TypeOid};
use crate::catalog_query::{Env, Value, undefined_object};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("has_table_privilege([name|oid],oid|text,text) bool", |call| on(call, &TABLE)),
    strict("has_any_column_privilege([name|oid],oid|text,text) bool", any_column),
    strict("has_column_privilege([name|oid],oid|text,int2|text,text) bool", column),
    strict("has_schema_privilege([name|oid],oid|text,text) bool", |call| on(call, &SCHEMA)),
    strict("has_database_privilege([name|oid],oid|text,text) bool", |call| on(call, &DATABASE)),
    strict("has_function_privilege([name|oid],oid|text,text) bool", |call| on(call, &FUNCTION)),
    strict("has_type_privilege([name|oid],oid|text,text) bool", |call| on(call, &TYPE)),
    strict("has_language_privilege([name|oid],oid|text,text) bool", |call| on(call, &LANGUAGE)),
    strict("has_sequence_privilege([name|oid],oid|text,text) bool", |call| on(call, &SEQUENCE)),
    strict("has_server_privilege([name|oid],oid|text,text) bool", |call| on(call, &SERVER)),
    strict("has_foreign_data_wrapper_privilege([name|oid],oid|text,text) bool", |call| {
        on(call, &WRAPPER)
    }),
    strict("has_tablespace_privilege([name|oid],oid|text,text) bool", |call| on(call, &TABLESPACE)),
    strict("has_parameter_privilege([name|oid],text,text) bool", |call| {
        let at = call.arguments.len() - 1;
        let wanted = wanted(call.text(at), &[("SET", 's'), ("ALTER SYSTEM", 'A')])?;
        let role = role_of(call, at == 2)?;
        // No parameter has an access list here.
        Ok(Value::Bool(!wanted.is_empty() && role.is_superuser))
    }),
    strict("pg_has_role([name|oid],name|oid,text) bool", has_role),
    strict("row_security_active(oid|text) bool", |_| Ok(Value::Bool(false))),
];

/// Objects of one kind, and where their access lists are.
struct Class {
    table: &'static str,
    name: &'static str,
    /// Prefix of the columns with the list and the owner.
    list: &'static str,
    owner: &'static str,
    alias: TypeOid,
    /// Letter of the kind in `acldefault`.
    kind: &'static str,
    /// Names of privileges and their letters in lists.
    privileges: &'static [(&'static str, char)],
    /// Kind of object in messages.
    word: &'static str,
}

const USAGE: &[(&str, char)] = &[("USAGE", 'U')];

const TABLE: Class = Class {
    table: "pg_class",
    name: "relname",
    list: "relacl",
    owner: "relowner",
    alias: types::REGCLASS,
    kind: "r",
    privileges: &[
        ("SELECT", 'r'),
        ("INSERT", 'a'),
        ("UPDATE", 'w'),
        ("DELETE", 'd'),
        ("TRUNCATE", 'D'),
        ("REFERENCES", 'x'),
        ("TRIGGER", 't'),
        ("RULE", ' '),
    ],
    word: "relation",
};
const SEQUENCE: Class =
    Class { kind: "s", privileges: &[("USAGE", 'U'), ("SELECT", 'r'), ("UPDATE", 'w')], ..TABLE };
const SCHEMA: Class = Class {
    table: "pg_namespace",
    name: "nspname",
    list: "nspacl",
    owner: "nspowner",
    alias: types::REGNAMESPACE,
    kind: "n",
    privileges: &[("CREATE", 'C'), ("USAGE", 'U')],
    word: "schema",
};
const DATABASE: Class = Class {
    table: "pg_database",
    name: "datname",
    list: "datacl",
    owner: "datdba",
    alias: types::OID,
    kind: "d",
    privileges: &[("CREATE", 'C'), ("TEMPORARY", 'T'), ("TEMP", 'T'), ("CONNECT", 'c')],
    word: "database",
};
const FUNCTION: Class = Class {
    table: "pg_proc",
    name: "proname",
    list: "proacl",
    owner: "proowner",
    alias: types::REGPROCEDURE,
    kind: "f",
    privileges: &[("EXECUTE", 'X')],
    word: "function",
};
const TYPE: Class = Class {
    table: "pg_type",
    name: "typname",
    list: "typacl",
    owner: "typowner",
    alias: types::REGTYPE,
    kind: "T",
    privileges: USAGE,
    word: "type",
};
const LANGUAGE: Class = Class {
    table: "pg_language",
    name: "lanname",
    list: "lanacl",
    owner: "lanowner",
    alias: types::OID,
    kind: "l",
    privileges: USAGE,
    word: "language",
};
const SERVER: Class = Class {
    table: "pg_foreign_server",
    name: "srvname",
    list: "srvacl",
    owner: "srvowner",
    alias: types::OID,
    kind: "S",
    privileges: USAGE,
    word: "server",
};
const WRAPPER: Class = Class {
    table: "pg_foreign_data_wrapper",
    name: "fdwname",
    list: "fdwacl",
    owner: "fdwowner",
    alias: types::OID,
    kind: "F",
    privileges: USAGE,
    word: "foreign-data wrapper",
};
const TABLESPACE: Class = Class {
    table: "pg_tablespace",
    name: "spcname",
    list: "spcacl",
    owner: "spcowner",
    alias: types::OID,
    kind: "t",
    privileges: &[("CREATE", 'C')],
    word: "tablespace",
};

/// One privilege that is asked for.
struct Wanted {
    letter: char,
    with_grant_option: bool,
}

/// The role that is asked about.
struct Role {
    oid: i64,
    is_superuser: bool,
    /// Names of the role and of those it is a member of; empty for everybody.
    names: BTreeSet<String>,
}

/// Whether a list of privileges names one that is held on the object.
fn on(call: &Call<'_>, class: &Class) -> Result<Value, QueryError> {
    let has_role = call.arguments.len() == 3;
    let at = usize::from(has_role);
    let role = role_of(call, has_role)?;
    let oid = object(call, class, at)?;
    let wanted = wanted(call.text(at + 1), class.privileges)?;
    let Some(items) = items(call.env, class, oid) else { return Ok(Value::Null) };
    Ok(Value::Bool(role.is_superuser || holds(&role, &items, &wanted)))
}

/// The object that an argument names or numbers.
fn object(call: &Call<'_>, class: &Class, at: usize) -> Result<i64, QueryError> {
    let name = match call.value(at) {
        Value::Int(oid) => return Ok(*oid),
        name => name.as_text(),
    };
    let found = if class.alias == types::OID {
        call.env.find_by_name(class.table, class.name, name)?
    } else {
        call.env.find_object(name, class.alias)?
    };
    found.and_then(|value| value.as_int()).ok_or_else(|| {
        let message = format!("{} \"{name}\" does not exist", class.word);
        match class.table {
            "pg_class" => QueryError::new(SqlState::UNDEFINED_TABLE, message),
            "pg_namespace" => QueryError::new(SqlState("3F000"), message),
            "pg_database" => QueryError::new(SqlState::UNKNOWN_DATABASE, message),
            "pg_proc" => QueryError::new(SqlState::UNDEFINED_FUNCTION, message),
            _ => undefined_object(message),
        }
    })
}

/// The access list of an object as text items; `None` for an object that does not exist.
fn items(env: &Env<'_>, class: &Class, oid: i64) -> Option<Vec<String>> {
    let list = env.field(class.table, oid, class.list)?;
    if !list.is_null() {
        return Some(list.elements().iter().map(|item| item.as_text().to_owned()).collect());
    }
    let owner = env.field(class.table, oid, class.owner)?.as_int()?;
    default_items(env, class.kind, owner)
}

/// Reads `SELECT, UPDATE WITH GRANT OPTION`.
fn wanted(list: &str, known: &[(&str, char)]) -> Result<Vec<Wanted>, QueryError> {
    list.split(',')
        .map(|privilege| {
            let name = privilege.trim().to_ascii_uppercase();
            let plain = name.strip_suffix(" WITH GRANT OPTION");
            let found = known.iter().find(|known| known.0 == plain.unwrap_or(&name));
            let found = found.ok_or_else(|| {
                QueryError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("unrecognized privilege type: \"{}\"", privilege.trim()),
                )
            })?;
            Ok(Wanted { letter: found.1, with_grant_option: plain.is_some() })
        })
        .collect()
}

/// Whether the items `grantee=letters/grantor` give the role one of the privileges.
fn holds(role: &Role, items: &[String], wanted: &[Wanted]) -> bool {
    items.iter().any(|item| {
        let Some((grantee, rest)) = item.split_once('=') else { return false };
        let letters = rest.split('/').next().unwrap_or_default();
        let grantee = grantee.trim_matches('"').replace("\"\"", "\"");
        let is_meant = grantee.is_empty() || role.names.contains(&grantee);
        is_meant
            && wanted.iter().any(|wanted| {
                letters.char_indices().any(|(at, letter)| {
                    let is_grantable = letters[at + letter.len_utf8()..].starts_with('*');
                    letter == wanted.letter && (is_grantable || !wanted.with_grant_option)
                })
            })
    })
}

/// The role of the first argument, or the session's.
fn role_of(call: &Call<'_>, is_named: bool) -> Result<Role, QueryError> {
    let env = call.env;
    let name = match call.value(0) {
        _ if !is_named => env.view.role.clone(),
        Value::Int(oid) => {
            let found = env.field("pg_authid", *oid, "rolname");
            found.map(|name| name.as_text().to_owned()).unwrap_or_default()
        }
        name => name.as_text().to_owned(),
    };
    role_named(env, &name)
}

fn role_named(env: &Env<'_>, name: &str) -> Result<Role, QueryError> {
    let found = env.find_by_name("pg_authid", "rolname", name)?.and_then(|value| value.as_int());
    // `public` stands for everybody.
    if found.is_none() && !matches!(name, "" | "public") {
        return Err(undefined_object(format!("role \"{name}\" does not exist")));
    }
    let oid = found.unwrap_or_default();
    let is_superuser = env.field("pg_authid", oid, "rolsuper") == Some(Value::Bool(true));
    let roles = memberships(env, oid);
    let names = roles.into_iter().filter_map(|oid| env.field("pg_authid", oid, "rolname"));
    let names = names.map(|name| name.as_text().to_owned()).collect();
    Ok(Role { oid, is_superuser, names })
}

/// The role and all that it is a member of, directly or not.
fn memberships(env: &Env<'_>, role: i64) -> BTreeSet<i64> {
    let members = env.table("pg_auth_members");
    let at = |name| members.position(name).expect("a column of pg_auth_members");
    let (role_at, member_at) = (at("roleid"), at("member"));
    let mut found = BTreeSet::from([role]);
    let mut open = vec![role];
    while let Some(member) = open.pop() {
        for row in members.lookup(member_at, &Value::Int(member)) {
            let parent = members.rows[*row as usize][role_at].as_int().unwrap_or_default();
            if found.insert(parent) {
                open.push(parent);
            }
        }
    }
    found
}

/// The items of a column's own list; `None` where there is no such column.
fn column_items(
    call: &Call<'_>,
    relation: i64,
    at: usize,
) -> Result<Option<Vec<String>>, QueryError> {
    let attributes = call.env.table("pg_attribute");
    let position = |name| attributes.position(name).expect("a column of pg_attribute");
    let (name_at, number_at) = (position("attname"), position("attnum"));
    let rows = attributes.lookup(position("attrelid"), &Value::Int(relation));
    let mut rows = rows.iter().map(|row| &attributes.rows[*row as usize]);
    let found = rows.find(|row| match call.value(at) {
        number @ Value::Int(_) => row[number_at] == *number,
        name => row[name_at] == *name,
    });
    match (found, call.value(at)) {
        (Some(row), _) => {
            let list = &row[position("attacl")];
            Ok(Some(list.elements().iter().map(|item| item.as_text().to_owned()).collect()))
        }
        (None, Value::Int(_)) => Ok(None),
        (None, name) => Err(QueryError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{}\" of relation does not exist", name.as_text()),
        )),
    }
}

/// A privilege on a column: on the whole table, or on the column alone.
fn column(call: &Call<'_>) -> Result<Value, QueryError> {
    let has_role = call.arguments.len() == 4;
    let at = usize::from(has_role);
    let role = role_of(call, has_role)?;
    let oid = object(call, &TABLE, at)?;
    let wanted = wanted(call.text(at + 2), TABLE.privileges)?;
    let Some(own) = column_items(call, oid, at + 1)? else { return Ok(Value::Null) };
    let Some(items) = items(call.env, &TABLE, oid) else { return Ok(Value::Null) };
    Ok(Value::Bool(
        role.is_superuser || holds(&role, &items, &wanted) || holds(&role, &own, &wanted),
    ))
}

/// A privilege on the table or on any of its columns.
fn any_column(call: &Call<'_>) -> Result<Value, QueryError> {
    let has_role = call.arguments.len() == 3;
    let at = usize::from(has_role);
    let role = role_of(call, has_role)?;
    let oid = object(call, &TABLE, at)?;
    let wanted = wanted(call.text(at + 1), TABLE.privileges)?;
    let Some(mut items) = items(call.env, &TABLE, oid) else { return Ok(Value::Null) };
    let attributes = call.env.table("pg_attribute");
    let position = |name| attributes.position(name).expect("a column of pg_attribute");
    for row in attributes.lookup(position("attrelid"), &Value::Int(oid)) {
        let list = &attributes.rows[*row as usize][position("attacl")];
        items.extend(list.elements().iter().map(|item| item.as_text().to_owned()));
    }
    Ok(Value::Bool(role.is_superuser || holds(&role, &items, &wanted)))
}

/// Whether a role is a member of another one; a superuser is one of all.
fn has_role(call: &Call<'_>) -> Result<Value, QueryError> {
    let has_member = call.arguments.len() == 3;
    let at = usize::from(has_member);
    let member = role_of(call, has_member)?;
    let role = match call.value(at) {
        Value::Int(oid) => *oid,
        name => role_named(call.env, name.as_text())?.oid,
    };
    wanted(call.text(at + 1), &[("USAGE", 'u'), ("MEMBER", 'm'), ("SET", 's')])?;
    Ok(Value::Bool(member.is_superuser || memberships(call.env, member.oid).contains(&role)))
}
