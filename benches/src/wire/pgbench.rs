//! PostgreSQL's own load generator, with keys that it cannot guess.

use std::process::Command;

use super::{postgres, write};

/// Statements of one script: pgbench counts whole scripts.
const SCRIPT_STATEMENTS: usize = 50;
/// Most scripts that pgbench takes.
const SCRIPTS_MAX: usize = 128;

/// One measurement.
pub(super) struct Run<'a> {
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) columns: &'a str,
    pub(super) clients: usize,
}

impl Run<'_> {
    /// Lookups a second of keys in random order, over `seconds`.
    ///
    /// # Errors
    /// What pgbench says.
    pub(super) fn measure(&self, keys: &[String], seconds: u64) -> Result<f64, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut command = Command::new(postgres::program("pgbench"));
        command.args(["-n", "-M", "prepared", "-h", "127.0.0.1", "-U", "bench"]);
        command.args(["-p", &self.port.to_string(), "-T", &seconds.to_string()]);
        command.args(["-c", &self.clients.to_string(), "-j", &self.clients.min(2).to_string()]);
        let chunks = keys.chunks_exact(SCRIPT_STATEMENTS).take(SCRIPTS_MAX);
        for (script, chunk) in chunks.enumerate() {
            let mut text = String::new();
            for (index, key) in chunk.iter().enumerate() {
                let name = format!("k{script}_{index}");
                let columns = self.columns;
                text +=
                    &format!("SELECT {columns} FROM chain.transactions WHERE hash = :{name};\n");
                command.arg("-D").arg(format!("{name}={key}"));
            }
            command.arg("-f").arg(write(folder.path(), &format!("{script}.sql"), &text)?);
        }
        let output = command.arg(self.database).output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split(' ').next()?.parse::<f64>().ok());
        match rate {
            Some(rate) if output.status.success() => Ok(rate * SCRIPT_STATEMENTS as f64),
            _ => Err(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }
}
