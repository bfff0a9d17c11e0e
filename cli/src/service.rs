//! Starts everything that serves: store, engine, gateway. Tests and benches start the same.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use pg_gateway::{AuthConfig, AuthMethod, Gateway, GatewayConfig, RunningGateway};
use query_engine::{Engine, EngineConfig};
use schemas::SystemClock;
use storage::Store;

use crate::config::{self, Config};

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
/// The listen address cannot be bound, or a role's secret is not a SCRAM-SHA-256 verifier.
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
        auth: auth(config)?,
        ..GatewayConfig::default()
    };
    let gateway = Gateway::start(gateway_config, Arc::clone(&engine)).await?;
    Ok(RunningService { gateway, engine })
}

/// The sign-in rules of `config`.
fn auth(config: &Config) -> anyhow::Result<AuthConfig> {
    let loopback = match config.gateway.auth {
        config::AuthMethod::Trust => AuthMethod::Trust,
        config::AuthMethod::ScramSha256 => AuthMethod::ScramSha256,
    };
    let mut roles = HashMap::new();
    for role in &config.roles {
        // The message names the role, never the secret.
        let verifier =
            role.secret.parse().with_context(|| format!("secret of role \"{}\"", role.name))?;
        if roles.insert(role.name.clone(), verifier).is_some() {
            bail!("role \"{}\" is listed twice", role.name);
        }
    }
    Ok(AuthConfig { loopback, roles })
}
