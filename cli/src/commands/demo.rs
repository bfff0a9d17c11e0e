//! `ergosql demo`: a verified chain behind psql, in seconds, with nothing to configure.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use indexer::ImportOptions;

use super::import::import_with_progress;
use super::serve::serve_until_interrupted;
use crate::config::{AuthMethod, Config, RoleSection};
use crate::service::open_store;

/// The bundled chain: 301 blocks with an ERC-20 token, made by our own generator.
const BUNDLED_CHAIN: &[u8] = include_bytes!("../../demo/chain.ndjson.gz");

/// Name of its network, and so of its database.
const NETWORK: &str = "demo";

/// The role that may create schemas and tables.
const ROLE: &str = "demo";

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ergosql demo
  psql -h 127.0.0.1 -p 5433 -U demo demo")]
pub(super) struct DemoArguments {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5433")]
    listen: SocketAddr,
}

pub(super) fn run(
    arguments: DemoArguments,
    mut config: Config,
    data_given: bool,
) -> anyhow::Result<()> {
    config.gateway.listen = arguments.listen;
    config.gateway.auth = AuthMethod::Trust;
    anyhow::ensure!(
        arguments.listen.ip().is_loopback(),
        "the demo lets everyone in, so it listens on loopback addresses only, not on {}",
        arguments.listen
    );
    config.gateway.admits_unlisted = true;
    config.roles.push(RoleSection::creator(ROLE));
    if !data_given {
        config.data = PathBuf::from("./ergosql-demo");
    }
    import_bundled_chain(&config)?;
    serve_until_interrupted(&config, print_how_to_connect)
}

/// Imports the bundled chain; a second start finds its blocks already there.
fn import_bundled_chain(config: &Config) -> anyhow::Result<()> {
    let store = open_store(config)?;
    indexer::ensure_network(&store, NETWORK, "evm", Some(31_337))?;
    let mut file = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    file.write_all(BUNDLED_CHAIN).context("cannot write the bundled chain to a temporary file")?;
    let options = ImportOptions::default();
    import_with_progress(&store, NETWORK, &[file.path().to_owned()], &options)
}

fn print_how_to_connect(address: SocketAddr) {
    println!(
        "
ErgoSQL serves a verified chain. Connect from another terminal:

  psql -h {} -p {} -U demo {NETWORK}

and try:

  -- the newest blocks
  SELECT number, timestamp, transaction_count, gas_used FROM chain.blocks ORDER BY number DESC LIMIT 5;

  -- who moved most tokens, exactly
  SELECT from_address, count(*) AS transfers, sum(value::numeric(38,0)) AS moved
  FROM chain.token_transfers GROUP BY from_address ORDER BY moved DESC LIMIT 5;

  -- how far every stored block was verified
  SELECT * FROM ergo.ranges;

Stop with Ctrl-C.",
        address.ip(),
        address.port(),
    );
}
