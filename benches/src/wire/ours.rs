//! Our server in a process of its own, so that its memory and its threads are its own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::child::CHILD;
use crate::lookup;

/// First word of the child's arguments.
pub const SERVE: &str = "wire-serve";

/// A running server over a data directory; dropping it stops it.
pub(super) struct Ours {
    child: Child,
    pub(super) port: u16,
}

impl Ours {
    pub(super) fn start(data: &Path) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .arg(CHILD)
            .arg(SERVE)
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let output = child.stdout.take().ok_or("the server has no standard output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
        let port = line.trim().parse().map_err(|_| format!("the server said {line:?}"))?;
        Ok(Self { child, port })
    }

    /// Resident memory, bytes; 0 where the system does not say.
    pub(super) fn memory_bytes(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.unwrap_or(0) * 1024
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // The server ends when its standard input does.
        drop(self.child.stdin.take());
        _ = self.child.wait();
    }
}

/// In a child: serves `data`, prints the port, and stops when standard input ends.
///
/// # Errors
/// When the service does not start.
pub fn serve(data: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let (_engine, gateway) = lookup::serve(data).await?;
        println!("{}", gateway.local_addr().port());
        let waited = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        _ = waited.await;
        gateway.shutdown().await;
        Ok(())
    })
}
