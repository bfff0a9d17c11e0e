//! Functions that tell sizes on disk.

use super::{Call, Entry, strict};
use crate::catalog::pg_catalog::user_rows::database_oid;
use crate::catalog_query::Value;
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("pg_table_size(regclass) int8", relation_size),
    strict("pg_relation_size(regclass) int8", relation_size),
    strict("pg_relation_size(regclass,text) int8", fork_size),
    strict("pg_total_relation_size(regclass) int8", relation_size),
    // Lookups by hash are in the state store, which is not divided by table: null, not a wrong figure.
    strict("pg_indexes_size(regclass) int8", |_| Ok(Value::Null)),
    strict("pg_database_size(oid) int8", |call| {
        let wanted = call.int(0);
        let found = call.env.view.databases.iter();
        let name = found.clone().find(|name| i64::from(database_oid(name)) == wanted);
        name.map_or(Ok(Value::Null), |name| bytes(call, name, None))
    }),
    strict("pg_database_size(name) int8", |call| bytes(call, call.text(0), None)),
    strict("pg_tablespace_size(oid|name) int8", |_| Ok(Value::Null)),
];

fn bytes(call: &Call<'_>, database: &str, table: Option<&str>) -> Result<Value, QueryError> {
    let found = call.env.view.sizes.bytes(database, table)?;
    Ok(found.and_then(|bytes| i64::try_from(bytes).ok()).map_or(Value::Null, Value::Int))
}

/// A chain table's files, a temp table's memory; 0 for a view; null for what has no size of its own here.
fn relation_size(call: &Call<'_>) -> Result<Value, QueryError> {
    let view = call.env.view;
    let Some(own) = view.relations.iter().find(|own| i64::from(own.oid) == call.int(0)) else {
        return Ok(Value::Null);
    };
    match &*own.schema {
        "chain" => bytes(call, &view.database, Some(&own.name)),
        _ => {
            let temp = view.temp.all().find(|table| table.oid == own.oid);
            let size_bytes = temp.map_or(0, |table| table.size_bytes());
            Ok(Value::Int(i64::try_from(size_bytes).unwrap_or(i64::MAX)))
        }
    }
}

/// Files have one part, PostgreSQL's `main`.
fn fork_size(call: &Call<'_>) -> Result<Value, QueryError> {
    match call.text(1) {
        "main" => relation_size(call),
        "fsm" | "vm" | "init" => Ok(Value::Int(0)),
        _ => Err(QueryError::new(SqlState::INVALID_PARAMETER_VALUE, "invalid fork name")
            .with_hint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".")),
    }
}
