//! Measurements in processes of their own: the bench starts itself again.

use std::process::{Command, Stdio};

use serde_json::Value;

/// First argument of a child.
pub const CHILD: &str = "--child";

/// Runs this program with `arguments` after [`CHILD`] and returns the JSON on its last line.
///
/// # Errors
/// What the child printed as its error.
pub fn run(arguments: &[String]) -> Result<Value, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .arg(CHILD)
        .args(arguments)
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().last().map(serde_json::from_str) {
        Some(Ok(value)) if output.status.success() => Ok(value),
        _ => Err(format!(
            "{} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

/// Most memory that this process has held, bytes; 0 where the system does not say.
pub fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|text| text.trim().trim_end_matches("kB").trim().parse().ok());
    kibibytes.unwrap_or(0_u64) * 1024
}
