//! A PostgreSQL 15 of our own: in a temporary folder, on a free loopback port, stopped by its process id.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::Client;

/// Where Debian's package has its programs.
const BIN: &str = "/usr/lib/postgresql/15/bin";
/// Time for the server to start.
const START_MAX: Duration = Duration::from_secs(60);
/// Settings that differ from the defaults: memory as our own cache has it, no waiting for the disk, and
/// rows in the order in which they were written.
pub const SETTINGS: &[&str] = &[
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "fsync=off",
    "synchronize_seqscans=off",
    "listen_addresses=127.0.0.1",
];

/// A running server; dropping it stops it and removes its data.
pub struct Postgres {
    child: Child,
    folder: PathBuf,
    /// Its port.
    pub port: u16,
}

/// The path of one of PostgreSQL's programs.
pub fn program(name: &str) -> PathBuf {
    Path::new(BIN).join(name)
}

impl Postgres {
    /// Makes a cluster in `folder` and starts it.
    ///
    /// # Errors
    /// When PostgreSQL 15 is not installed or does not start.
    pub fn start(folder: &Path) -> Result<Self, String> {
        if !program("postgres").exists() {
            return Err(format!("{BIN} has no postgres: install postgresql-15"));
        }
        let text = |error: std::io::Error| error.to_string();
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(text)?;
        }
        fs::create_dir_all(folder).map_err(text)?;
        let owner = unprivileged();
        if let Some((user, group)) = owner {
            chown(folder, Some(user), Some(group)).map_err(text)?;
        }
        let command = |name: &str| {
            let mut command = Command::new(program(name));
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let data = folder.join("data");
        let made = command("initdb")
            .args(["-U", "bench", "-A", "trust", "--locale=C", "-E", "UTF8", "-D"])
            .arg(&data)
            .output()
            .map_err(text)?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned());
        }
        let port = free_port().map_err(text)?;
        let log = fs::File::create(folder.join("log")).map_err(text)?;
        let mut server = command("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]).stderr(log);
        server.arg("-k").arg(folder);
        SETTINGS.iter().for_each(|setting| _ = server.args(["-c", setting]));
        let child = server.spawn().map_err(text)?;
        let postgres = Self { child, folder: folder.to_owned(), port };
        let started = Instant::now();
        while let Err(error) = Client::connect(port, "postgres") {
            if started.elapsed() > START_MAX {
                return Err(format!("PostgreSQL does not answer: {error}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(postgres)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown; it ends its own children. A kill would orphan them.
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-INT", &pid]).status();
        if !asked.is_ok_and(|status| status.success()) {
            _ = self.child.kill();
        }
        _ = self.child.wait();
        _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// User and group of `postgres`, or of `nobody`, when this process is root: PostgreSQL refuses to be.
fn unprivileged() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    if user.split_whitespace().nth(1) != Some("0") {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}
