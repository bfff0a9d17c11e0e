//! Functions about the sessions of this server and its statistics.

use super::{Call, Entry, set_with_nulls, strict, with_nulls};
use crate::QueryError;
use crate::activity;
use crate::catalog::pg_catalog::user_rows::{database_oid, role_oid};
use crate::catalog_query::{Row, Value};
use crate::session::TransactionStatus;

/// The columns of PostgreSQL 16's function; `pg_stat_activity` is a view over it.
const ACTIVITY: &str = "pg_stat_get_activity(int4) setof datid oid, pid int4, usesysid oid, application_name text, state text, query text, wait_event_type text, wait_event text, xact_start timestamptz, query_start timestamptz, backend_start timestamptz, state_change timestamptz, client_addr inet, client_hostname text, client_port int4, backend_xid xid, backend_xmin xid, backend_type text, ssl bool, sslversion text, sslcipher text, sslbits int4, ssl_client_dn text, ssl_client_serial numeric, ssl_issuer_dn text, gss_auth bool, gss_princ text, gss_enc bool, gss_delegation bool, leader_pid int4, query_id int8";

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("pg_backend_pid() int4", |call| {
        Ok(Value::Int(i64::from(call.env.view.entry.process_id())))
    }),
    strict("pg_postmaster_start_time() timestamptz", |call| {
        Ok(Value::Int(call.env.view.entry.activity().started_us()))
    }),
    strict("pg_conf_load_time() timestamptz", |call| {
        Ok(Value::Int(call.env.view.entry.activity().started_us()))
    }),
    strict("txid_current() int8", |call| Ok(Value::Int(call.env.view.entry.transaction_number()))),
    strict("pg_cancel_backend(int4) bool", |call| {
        let found = call.env.view.entry.control_of(call.int(0), "cancel query")?;
        Ok(stopped(found, |backend| backend.control.cancel()))
    }),
    strict("pg_terminate_backend(int4,int8) bool", terminate),
    strict("pg_terminate_backend(int4) bool", terminate),
    with_nulls("inet_client_port() int4", |call| {
        let client = call.env.view.entry.state().backend.and_then(|backend| backend.client);
        Ok(client.map_or(Value::Null, |client| Value::Int(i64::from(client.port()))))
    }),
    // Rows have no transaction numbers: every age is that of a row as old as can be.
    strict("age(xid) int4", |_| Ok(Value::Int(i64::from(i32::MAX)))),
    set_with_nulls(ACTIVITY, sessions),
    strict("pg_stat_get_live_tuples(oid) int8", live_rows),
];

fn terminate(call: &Call<'_>) -> Result<Value, QueryError> {
    let found = call.env.view.entry.control_of(call.int(0), "terminate process")?;
    Ok(stopped(found, |backend| backend.control.terminate()))
}

fn stopped(
    found: Option<std::sync::Arc<activity::Backend>>,
    stop: impl FnOnce(&activity::Backend),
) -> Value {
    if let Some(backend) = &found {
        stop(backend);
    }
    Value::Bool(found.is_some())
}

/// Rows of a chain table as the manifest has them.
fn live_rows(call: &Call<'_>) -> Result<Value, QueryError> {
    let view = call.env.view;
    let own = view.relations.iter().find(|own| i64::from(own.oid) == call.int(0));
    let Some(own) = own.filter(|own| own.schema == "chain") else { return Ok(Value::Null) };
    let rows = view.sizes.rows(&view.database, &own.name)?;
    Ok(rows.and_then(|rows| i64::try_from(rows).ok()).map_or(Value::Null, Value::Int))
}

/// Rows of `pg_stat_activity`. A role sees of the sessions of others that they are there, no more.
fn sessions(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    let own = &call.env.view.entry;
    let wanted = call.value(0).as_int();
    let entries = own.activity().entries();
    let row = |entry: &std::sync::Arc<activity::Entry>| {
        let state = entry.state();
        let backend = state.backend.clone()?;
        if wanted.is_some_and(|wanted| wanted != i64::from(backend.process_id)) {
            return None;
        }
        let mut row = vec![Value::Null; 31];
        row[0] = Value::oid(database_oid(&entry.database));
        row[1] = Value::Int(i64::from(backend.process_id));
        row[2] = Value::oid(role_oid(&entry.role));
        if entry.role != own.role {
            row[5] = Value::text("<insufficient privilege>");
            return Some(Row::from(row));
        }
        let time = |us: Option<i64>| us.map_or(Value::Null, Value::Int);
        row[3] = Value::text(state.application_name.as_str());
        row[4] = Value::text(match (state.is_active, state.transaction) {
            (true, _) => "active",
            (false, Some(TransactionStatus::InBlock)) => "idle in transaction",
            (false, Some(TransactionStatus::Failed)) => "idle in transaction (aborted)",
            (false, _) => "idle",
        });
        row[5] = Value::text(state.query.as_str());
        row[8] = time(state.transaction_started_us);
        row[9] = time(state.query_started_us);
        row[10] = Value::Int(entry.started_us);
        row[11] = time(state.changed_us);
        if let Some(client) = backend.client {
            row[12] = Value::text(client.ip().to_string());
            row[14] = Value::Int(i64::from(client.port()));
        }
        row[17] = Value::text("client backend");
        Some(Row::from(row))
    };
    Ok(entries.iter().filter_map(row).collect())
}
