//! What a Postgres client sends: packets, frames, parameters, SQL text.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use pg_gateway::fuzz;
use query_engine::{Engine, EngineConfig, Principal, Session};
use schemas::SystemClock;
use storage::{Network, Store};
use tempfile::TempDir;

/// Object ids that a parameter may be declared with are below this.
const OID_MAX: u32 = 4096;

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

/// SQL text, split and parsed.
pub fn sql(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (_, _, session) = &*SESSION;
    _ = session.lock().unwrap_or_else(PoisonError::into_inner).parse(text);
}

/// An engine over an empty store; parsing needs a session and no rows.
static SESSION: LazyLock<(TempDir, Arc<Engine>, Mutex<Session>)> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a temporary directory can be made");
    let store = Store::open(folder.path()).expect("a new data directory opens");
    let network =
        Network { name: "empty".into(), family: "evm".into(), chain_id: None, genesis_hash: None };
    store.put_network(&network).expect("a new store takes a network");
    let config = EngineConfig { threads: 1, memory_bytes_max: 64 << 20 };
    let engine =
        Engine::new(store, config, Arc::new(SystemClock::new())).expect("an engine starts");
    let principal = Principal { role: "fuzz".into() };
    let session = engine.session("empty", principal, &[]).expect("the network is a database");
    (folder, engine, Mutex::new(session))
});
