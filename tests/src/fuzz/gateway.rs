//! What a Postgres client sends: packets, frames, parameters, SQL text.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use pg_gateway::fuzz;
use query_engine::{CopyFormat, Engine, EngineConfig, Outcome, Principal, QueryError, Session};
use schemas::SystemClock;
use storage::{Network, Store};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// Object ids that a parameter may be declared with are below this.
const OID_MAX: u32 = 4096;

/// Types whose text is read.
const LITERAL_TYPES: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "oid",
    "float4",
    "float8",
    "numeric",
    "numeric(20,5)",
    "text",
    "varchar(7)",
    "char(7)",
    "name",
    "\"char\"",
    "bytea",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "int4[]",
    "text[]",
    "timestamptz[]",
    "numeric[]",
    "int2vector",
    "oidvector",
    "regclass",
    "regtype",
    "regproc",
    "xid",
    "bit(9)",
    "varbit",
    "inet",
];

/// A stream of frames of a signed-in client.
pub fn frames(bytes: &[u8]) {
    fuzz::frames(bytes);
}

/// The first packet of a connection, without its length word.
pub fn startup(bytes: &[u8]) {
    fuzz::startup(bytes);
}

/// What a client sends to sign in.
pub fn sign_in(bytes: &[u8]) {
    assert!(!fuzz::sign_in(bytes), "a role that does not exist was signed in");
}

/// A bound value: format in the first byte, type in the next two, then the value.
pub fn parameter(bytes: &[u8]) {
    let Some((head, value)) = bytes.split_at_checked(3) else { return };
    let oid = u32::from(u16::from_le_bytes([head[1], head[2]])) % OID_MAX;
    fuzz::parameter(oid, head[0] % 2 == 1, value);
}

/// Data of COPY FROM STDIN: format and size of the pieces in the first byte.
pub fn copy_data(bytes: &[u8]) {
    let Some((&head, data)) = bytes.split_first() else { return };
    let format = [CopyFormat::Text, CopyFormat::Csv, CopyFormat::Binary][usize::from(head) % 3];
    _ = fuzz::copy_data(format, usize::from(head) / 3 + 1, data);
}

/// A text as a constant of a type, given by the first byte: read by the type's input function, run,
/// and shown again.
pub fn literal(bytes: &[u8]) {
    let Some((&head, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    if text.contains('\0') {
        return;
    }
    let pg_type = LITERAL_TYPES[usize::from(head) % LITERAL_TYPES.len()];
    let sql = format!("SELECT CAST('{}' AS {pg_type})::text", text.replace('\'', "''"));
    let (_, _, session) = &*SESSION;
    let session = &mut session.lock().unwrap_or_else(PoisonError::into_inner);
    let run = async {
        for statement in session.parse(&sql)? {
            let prepared = session.prepare(statement, &[]).await?;
            let outcome = session.execute(&prepared, &[], CancellationToken::new()).await?;
            if let Outcome::Rows(mut rows) = outcome {
                while rows.next().await.transpose()?.is_some() {}
            }
        }
        Ok::<_, QueryError>(())
    };
    if let Err(error) = RUNTIME.block_on(run) {
        assert!(!error.state.0.starts_with("XX"), "{sql}: {error:?}");
    }
}

/// SQL text, split and parsed.
pub fn sql(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (_, _, session) = &*SESSION;
    _ = session.lock().unwrap_or_else(PoisonError::into_inner).parse(text);
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime starts"));

/// An engine over an empty store; statements without tables need no rows.
static SESSION: LazyLock<(TempDir, Arc<Engine>, Mutex<Session>)> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a temporary directory can be made");
    let store = Store::open(folder.path()).expect("a new data directory opens");
    let network =
        Network { name: "empty".into(), family: "evm".into(), chain_id: None, genesis_hash: None };
    store.put_network(&network).expect("a new store takes a network");
    let config = EngineConfig { threads: 1, memory_bytes_max: 64 << 20 };
    let engine =
        Engine::new(store, config, Arc::new(SystemClock::new())).expect("an engine starts");
    let principal = Principal { role: "fuzz".into(), may_create: true };
    let session = engine.session("empty", principal, &[]).expect("the network is a database");
    (folder, engine, Mutex::new(session))
});
