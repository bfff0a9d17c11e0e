//! A gateway over an engine with one network and no blocks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pg_gateway::{Gateway, GatewayConfig, RunningGateway};
use query_engine::{Engine, EngineConfig};
use schemas::SystemClock;
use storage::{Network, Store};
use tempfile::TempDir;

/// How long a test waits for what would otherwise never come: shorter than the gateway's own timeouts.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Database of the harness.
pub(crate) const DATABASE: &str = "testnet";

/// A query that runs for hours unless it is stopped.
pub(crate) const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b, generate_series(1, 1000) c";

/// A running gateway. Fields drop in order: clients first, files last.
pub(crate) struct Harness {
    pub(crate) gateway: RunningGateway,
    _files: TempDir,
}

impl Harness {
    /// A gateway on a free port of loopback.
    pub(crate) async fn start(config: GatewayConfig) -> Self {
        let files = tempfile::tempdir().unwrap();
        let store = Store::open(files.path()).unwrap();
        let network = Network {
            name: DATABASE.to_owned(),
            family: "evm".to_owned(),
            chain_id: Some(1),
            genesis_hash: None,
        };
        store.put_network(&network).unwrap();
        Self::serve(store, files, config).await
    }

    /// The same data behind another gateway and engine, as after a restart.
    pub(crate) async fn restart(self, config: GatewayConfig) -> Self {
        let Self { gateway, _files: files } = self;
        gateway.shutdown().await;
        let store = loop {
            // Sessions of before end by themselves.
            match Store::open(files.path()) {
                Ok(store) => break store,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        Self::serve(store, files, config).await
    }

    async fn serve(store: Store, files: TempDir, config: GatewayConfig) -> Self {
        let limits = EngineConfig { threads: 2, memory_bytes_max: 256 << 20 };
        let engine = Engine::new(store, limits, Arc::new(SystemClock::new())).unwrap();
        let config = GatewayConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..config };
        Self { gateway: Gateway::start(config, engine).await.unwrap(), _files: files }
    }

    pub(crate) fn port(&self) -> u16 {
        self.gateway.local_addr().port()
    }

    /// A signed-in tokio-postgres client; its connection runs in the background.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) = self.driver().connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Connection settings for tokio-postgres, without a password.
    pub(crate) fn driver(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port()).user("ann").dbname(DATABASE);
        config
    }
}
