//! `ergosql serve`: the service.

use anyhow::Context;
use clap::Args;

use crate::config::{AuthMethod, Config, HostMethod};
use crate::service::{open_store, start};

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ergosql role password ana >> ergosql.toml
  ergosql serve --config ergosql.toml
  psql -h 127.0.0.1 -p 5433 -U ana ethereum")]
pub(super) struct ServeArguments {}

pub(super) fn run(_arguments: ServeArguments, config: Config) -> anyhow::Result<()> {
    let trusts_somebody = match config.hosts.as_slice() {
        [] => config.gateway.auth == AuthMethod::Trust,
        hosts => hosts.iter().any(|host| host.method == HostMethod::Trust),
    };
    if config.roles.is_empty() && !trusts_somebody {
        anyhow::bail!(
            "no role can sign in: add one with `ergosql role password NAME >> ergosql.toml`, \
             or set gateway.auth = \"trust\" for clients on this machine"
        );
    }
    serve_until_interrupted(&config, |address| {
        println!("serving on {address}; stop with Ctrl-C");
    })
}

/// Serves `config` until Ctrl-C or SIGTERM; `started` is told the Postgres address.
pub(super) fn serve_until_interrupted(
    config: &Config,
    started: impl FnOnce(std::net::SocketAddr),
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(async {
        let service = start(config, open_store(config)?).await?;
        started(service.postgres_address());
        interrupted().await?;
        eprintln!("stopping");
        service.stop().await;
        Ok(())
    })
}

async fn interrupted() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch SIGTERM")?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("cannot watch Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}
