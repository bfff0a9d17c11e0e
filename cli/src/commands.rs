//! Subcommands: one file each. Every one has `--help` with an example.

mod demo;
mod import;
mod query;
mod role;
mod serve;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::Config;

/// A blockchain as a database that you can use and check.
#[derive(Debug, Parser)]
#[command(
    name = "ergosql",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  ergosql demo                                     a verified chain, ready for psql
  ergosql import --network ethereum mainnet.era1   verify an archive and store it
  ergosql query --network ethereum \"SELECT count(*) FROM chain.blocks\"
  ergosql serve --config ergosql.toml              serve SQL on the Postgres wire"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Configuration file [default: ./ergosql.toml where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory [default: ./ergosql-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start with a bundled chain: verified, imported, served to psql on 127.0.0.1:5433
    Demo(demo::DemoArguments),
    /// Serve the stored networks on the Postgres wire
    Serve(serve::ServeArguments),
    /// Verify blocks from files and store them
    Import(import::ImportArguments),
    /// Run one SQL statement on the data directory
    Query(query::QueryArguments),
    /// Make sign-in secrets
    #[command(subcommand)]
    Role(role::RoleCommand),
}

/// Runs the parsed command line.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = Config::load(arguments.config.as_deref(), arguments.data.as_deref())?;
    match arguments.command {
        Command::Demo(command) => demo::run(command, config, arguments.data.is_some()),
        Command::Serve(command) => serve::run(command, config),
        Command::Import(command) => import::run(&command, &config),
        Command::Query(command) => query::run(&command, &config),
        Command::Role(command) => role::run(&command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_has_help_with_an_example() {
        let mut command = Arguments::command();
        command.build();
        for sub in command.get_subcommands() {
            if sub.get_name() == "help" {
                continue;
            }
            let leaves: Vec<_> = sub.get_subcommands().filter(|s| s.get_name() != "help").collect();
            let leaves = if leaves.is_empty() { vec![sub] } else { leaves };
            for leaf in leaves {
                let help = leaf.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "{} has no example", leaf.get_name());
            }
        }
    }
}
