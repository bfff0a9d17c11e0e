//! The whole stack in process, as the binary starts it, on a temporary data directory.

use std::path::{Path, PathBuf};

use cli::RunningService;
use cli::config::{AuthMethod, Config, RoleSection};
use indexer::ImportOptions;
use tempfile::TempDir;

/// Files to import under one network name.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Network, and so database.
    pub network: &'static str,
    /// Block files.
    pub files: Vec<PathBuf>,
    /// Blocks above one before it is sealed.
    pub confirmations: u64,
}

impl Fixture {
    /// The demo chain as database `demo`: its last 64 blocks are in the hot tail, the others sealed.
    pub fn demo() -> Self {
        Self { network: "demo", files: vec![crate::data::demo_chain()], confirmations: 64 }
    }

    /// The demo chain as database `gaps`, without its blocks 100 to 149 and 200.
    pub fn gaps() -> Self {
        let files = vec![crate::data::demo_chain_without(&[100..=149, 200..=200])];
        Self { network: "gaps", files, confirmations: 64 }
    }
}

/// A running service; its data is removed when it is dropped.
pub struct TestService {
    running: RunningService,
    _data: TempDir,
}

impl TestService {
    /// Imports `fixtures` and serves them on a free loopback port with trust sign-in.
    pub async fn start(fixtures: &[Fixture]) -> Self {
        Self::start_with(fixtures, |_| {}).await
    }

    /// As [`Self::start`], with changes to the configuration.
    pub async fn start_with(fixtures: &[Fixture], change: impl FnOnce(&mut Config)) -> Self {
        let data = TempDir::new().expect("a temporary directory can be made");
        let mut config = config_for(data.path());
        change(&mut config);
        let store = cli::open_store(&config).expect("a new data directory opens");
        for fixture in fixtures {
            indexer::ensure_network(&store, fixture.network, "evm", None)
                .expect("a new network can be made");
            let options =
                ImportOptions { confirmations: fixture.confirmations, ..ImportOptions::default() };
            let report =
                indexer::import(&store, fixture.network, &fixture.files, &options, &|_| {})
                    .expect("fixtures import");
            assert_eq!(report.refused_count, 0, "{:?}", report.refused);
        }
        let running = cli::start(&config, store).await.expect("the service starts");
        Self { running, _data: data }
    }

    /// Port of the Postgres wire.
    pub fn port(&self) -> u16 {
        self.running.postgres_address().port()
    }

    /// The service itself.
    pub fn running(&self) -> &RunningService {
        &self.running
    }

    /// Connects a client to `database` as role `tester`.
    pub async fn connect(&self, database: &str) -> tokio_postgres::Client {
        connect(self.port(), database).await
    }
}

fn config_for(data: &Path) -> Config {
    let mut config = Config { data: data.join("data"), ..Config::default() };
    config.gateway.listen = "127.0.0.1:0".parse().expect("a constant address");
    config.gateway.auth = AuthMethod::Trust;
    config.gateway.admits_unlisted = true;
    config.roles.push(RoleSection::creator("tester"));
    config
}

/// A tokio-postgres client whose connection runs in the background.
pub async fn connect(port: u16, database: &str) -> tokio_postgres::Client {
    let parameters = format!("host=127.0.0.1 port={port} user=tester dbname={database}");
    let (client, connection) = tokio_postgres::connect(&parameters, tokio_postgres::NoTls)
        .await
        .expect("the gateway accepts the connection");
    tokio::spawn(async move {
        // The client's own calls report a lost connection.
        let _ended = connection.await;
    });
    client
}
