//! Starts everything that serves: store, engine, gateway. Tests and benches start the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pg_gateway::{Gateway, GatewayConfig, RunningGateway};
use query_engine::{Engine, EngineConfig};
use schemas::SystemClock;
use storage::Store;

use crate::config::Config;

/// A service that answers clients until it is stopped.
pub struct RunningService {
    gateway: RunningGateway,
    engine: Arc<Engine>,
}

impl RunningService {
    /// Address of the Postgres wire; the port is the real one when the configuration said 0.
    pub fn postgres_address(&self) -> SocketAddr {
        self.gateway.local_addr()
    }

    /// The engine behind the gateway, for callers in this process.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Refuses new clients, tells connected ones (57P01), and waits until their work has ended.
    pub async fn stop(self) {
        self.gateway.shutdown().await;
    }
}

/// Opens the data directory of `config` and records its networks.
///
/// # Errors
/// The directory cannot be opened, or a network is already bound to another chain id.
pub fn open_store(config: &Config) -> anyhow::Result<Store> {
    let store = Store::open(&config.data)
        .with_context(|| format!("cannot open data directory {}", config.data.display()))?;
    for network in &config.networks {
        indexer::ensure_network(&store, &network.name, &network.family, network.chain_id)?;
    }
    Ok(store)
}

/// Starts engine and gateway on an open store.
///
/// # Errors
/// The listen address cannot be bound, a file of `[gateway.tls]` cannot be used, or a role's secret is no
/// SCRAM-SHA-256 verifier.
pub async fn start(config: &Config, store: Store) -> anyhow::Result<RunningService> {
    let engine_config = EngineConfig {
        threads: config.query.threads,
        memory_bytes_max: config.query.memory_mib_max << 20,
    };
    let engine = Engine::new(store, engine_config, Arc::new(SystemClock::new()))
        .context("cannot start the query engine")?;
    let gateway_config = GatewayConfig {
        listen: config.gateway.listen,
        connections_max: config.gateway.connections_max,
        reserved_connections: config.gateway.reserved_connections,
        startup_timeout: Duration::from_secs(config.gateway.startup_timeout_seconds),
        auth: config.auth()?,
        tls: config.tls()?,
        ..GatewayConfig::default()
    };
    let gateway = Gateway::start(gateway_config, Arc::clone(&engine)).await?;
    Ok(RunningService { gateway, engine })
}
