//! The engine: one per process, shared by all gateways.

use std::sync::Arc;

use schemas::Clock;
use storage::Store;

use crate::{Principal, QueryError, Session};

/// Limits and threads of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Threads of the query runtime.
    pub threads: usize,
    /// Memory that all running queries may use together, bytes; past it a query fails with 53200.
    pub memory_bytes_max: usize,
}

/// Runs SQL on the networks of one store.
pub struct Engine {}

impl Engine {
    /// Starts the engine and its runtime.
    pub fn new(
        _store: Store,
        _config: EngineConfig,
        _clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, QueryError> {
        unimplemented!()
    }

    /// Names of the databases that a client can connect to: the networks.
    pub fn databases(&self) -> Vec<String> {
        unimplemented!()
    }

    /// Opens a session on `database`. `options` are settings from the startup packet, in order.
    ///
    /// # Errors
    /// 3D000 for an unknown database, 42704 or 22023 for a wrong setting.
    pub fn session(
        self: &Arc<Self>,
        _database: &str,
        _principal: Principal,
        _options: &[(String, String)],
    ) -> Result<Session, QueryError> {
        unimplemented!()
    }
}
