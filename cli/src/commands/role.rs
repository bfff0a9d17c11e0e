//! `ergosql role …`: sign-in secrets. The password is read once and kept nowhere.

use std::io::BufRead;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};

/// Longest password accepted, bytes.
const PASSWORD_BYTES_MAX: usize = 1024;

/// Subcommands of `role`.
#[derive(Debug, Subcommand)]
pub(super) enum RoleCommand {
    /// Read a password from standard input and print the lines for ergosql.toml
    Password(PasswordArguments),
}

/// Arguments of `role password`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ergosql role password ana >> ergosql.toml        (type the password, then Enter)
The printed secret is a SCRAM-SHA-256 verifier as PostgreSQL keeps it: the password cannot be read from it.")]
pub(super) struct PasswordArguments {
    /// Role name
    name: String,
}

pub(super) fn run(command: &RoleCommand) -> anyhow::Result<()> {
    let RoleCommand::Password(arguments) = command;
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password).context("cannot read the password")?;
    let password = password.trim_end_matches(['\n', '\r']);
    ensure!(!password.is_empty(), "the password is empty; give it on standard input");
    ensure!(
        password.len() <= PASSWORD_BYTES_MAX,
        "the password is longer than {PASSWORD_BYTES_MAX} bytes"
    );
    let secret = pg_gateway::Verifier::from_password(password);
    let name = toml::Value::String(arguments.name.clone());
    println!("[[role]]\nname = {name}\nsecret = \"{secret}\"");
    Ok(())
}
