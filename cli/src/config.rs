//! `ergosql.toml`: every setting with its unit, default and bounds. Every key has a default, so an
//! absent file is a valid configuration. Unknown keys are errors: a typo must not pass silently.

mod sign_in;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

pub use sign_in::{
    ClientCertificate, HOST_RULE_NAMES_MAX, HOST_RULES_MAX, HostMethod, HostSection, HostType,
    RoleSection, TlsSection,
};

/// Networks that a configuration may list.
pub const NETWORKS_MAX: usize = 64;

/// Roles that a configuration may list.
pub const ROLES_MAX: usize = 10_000;

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Data directory: RocksDB and segment files.
    pub data: PathBuf,
    /// Postgres wire.
    pub gateway: GatewaySection,
    /// Limits of query work.
    pub query: QuerySection,
    /// Networks; each is one database for SQL clients.
    #[serde(rename = "network")]
    pub networks: Vec<NetworkSection>,
    /// Rules of who signs in from where; without any, `gateway.auth` decides.
    #[serde(rename = "host")]
    pub hosts: Vec<HostSection>,
    /// Roles that may sign in.
    #[serde(rename = "role")]
    pub roles: Vec<RoleSection>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./ergosql-data"),
            gateway: GatewaySection::default(),
            query: QuerySection::default(),
            networks: Vec::new(),
            hosts: Vec::new(),
            roles: Vec::new(),
        }
    }
}

/// `[gateway]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewaySection {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Open connections at most, 1 to 10,000; one more gets 53300.
    pub connections_max: usize,
    /// Of these, how many are kept for roles with `admin = true`, where there is one.
    pub reserved_connections: usize,
    /// Seconds from connect to the end of sign-in, 1 to 600.
    pub startup_timeout_seconds: u64,
    /// How a client on this machine signs in, where there is no `[[host]]`.
    pub auth: AuthMethod,
    /// Whether names that are not under `[[role]]` may sign in where some are: the demo lets all in.
    #[serde(skip)]
    pub admits_unlisted: bool,
    /// TLS; without it a request for encryption is answered with no.
    pub tls: Option<TlsSection>,
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5433),
            connections_max: 100,
            reserved_connections: 3,
            startup_timeout_seconds: 30,
            auth: AuthMethod::ScramSha256,
            admits_unlisted: false,
            tls: None,
        }
    }
}

/// `gateway.auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AuthMethod {
    /// No password; refused unless the listener is on a loopback address.
    #[serde(rename = "trust")]
    Trust,
    /// SCRAM-SHA-256 with the verifiers under `[[role]]`.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
}

/// `[query]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuerySection {
    /// Threads of query work, 1 to 256; default: one per core.
    pub threads: usize,
    /// Memory of all running queries together, MiB, 64 or more; past it a query fails with 53200.
    pub memory_mib_max: usize,
}

impl Default for QuerySection {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            memory_mib_max: 2048,
        }
    }
}

/// `[[network]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSection {
    /// Name of the network and of its database.
    pub name: String,
    /// Chain family; this release knows `evm`.
    pub family: String,
    /// Chain id; when absent, taken from the first verified block that names one.
    pub chain_id: Option<u64>,
    /// Blocks above one before it counts as final, where no consensus proof is configured.
    #[serde(default = "default_confirmations")]
    pub confirmations: u64,
}

/// Confirmations where the configuration names none.
pub fn default_confirmations() -> u64 {
    64
}

impl Config {
    /// Reads `path`, or `./ergosql.toml` if there is one, or the defaults; `data` overrides the file.
    pub fn load(path: Option<&Path>, data: Option<&Path>) -> anyhow::Result<Self> {
        let default_path = Path::new("ergosql.toml");
        let mut config = match path {
            Some(path) => Self::read(path)?,
            None if default_path.exists() => Self::read(default_path)?,
            None => Self::default(),
        };
        if let Some(data) = data {
            config.data = data.to_owned();
        }
        Ok(config)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read configuration {}", path.display()))?;
        let mut config =
            Self::parse(&text).with_context(|| format!("configuration {}", path.display()))?;
        config.resolve_paths(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Parses and checks a configuration text.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// The section of `name`, or a default one of family `evm`.
    pub fn network(&self, name: &str) -> NetworkSection {
        self.networks.iter().find(|network| network.name == name).cloned().unwrap_or_else(|| {
            NetworkSection {
                name: name.to_owned(),
                family: "evm".to_owned(),
                chain_id: None,
                confirmations: default_confirmations(),
            }
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            (1..=10_000).contains(&self.gateway.connections_max),
            "gateway.connections_max is {}, allowed are 1 to 10000",
            self.gateway.connections_max
        );
        ensure!(
            (1..=600).contains(&self.gateway.startup_timeout_seconds),
            "gateway.startup_timeout_seconds is {}, allowed are 1 to 600",
            self.gateway.startup_timeout_seconds
        );
        ensure!(
            (1..=256).contains(&self.query.threads),
            "query.threads is {}, allowed are 1 to 256",
            self.query.threads
        );
        ensure!(
            (64..=1 << 20).contains(&self.query.memory_mib_max),
            "query.memory_mib_max is {}, allowed are 64 to 1048576",
            self.query.memory_mib_max
        );
        ensure!(self.networks.len() <= NETWORKS_MAX, "more than {NETWORKS_MAX} networks");
        ensure!(self.roles.len() <= ROLES_MAX, "more than {ROLES_MAX} roles");
        if self.gateway.auth == AuthMethod::Trust && !self.gateway.listen.ip().is_loopback() {
            bail!(
                "gateway.auth is \"trust\" but gateway.listen is {}: anyone who reaches it could read everything; \
                 use auth = \"scram-sha-256\" or a loopback address",
                self.gateway.listen
            );
        }
        self.check_sign_in()?;
        for (index, network) in self.networks.iter().enumerate() {
            check_network_name(&network.name)?;
            ensure!(
                network.family == "evm",
                "network \"{}\" has family \"{}\", this release knows \"evm\"",
                network.name,
                network.family
            );
            ensure!(
                self.networks[..index].iter().all(|other| other.name != network.name),
                "network \"{}\" is listed twice",
                network.name
            );
        }
        Ok(())
    }
}

/// A network's name is a database name and a folder name: lower-case letters, digits, `_` and `-`,
/// starting with a letter, at most 63 characters.
pub fn check_network_name(name: &str) -> anyhow::Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    ensure!(
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 63
            && name.chars().all(allowed),
        "network name \"{name}\" is not allowed: lower-case letters, digits, _ and -, starting with a letter, at most 63"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_gives_the_documented_defaults() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.gateway.listen.to_string(), "127.0.0.1:5433");
        assert_eq!(config.gateway.auth, AuthMethod::ScramSha256);
        assert_eq!(config.data, Path::new("./ergosql-data"));
        assert_eq!(config.network("any").confirmations, 64);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = Config::parse("[gateway]\nlisten_on = '127.0.0.1:1'").unwrap_err().to_string();
        assert!(error.contains("listen_on"), "{error}");
    }

    #[test]
    fn trust_is_refused_off_loopback() {
        let text = "[gateway]\nlisten = '0.0.0.0:5433'\nauth = 'trust'";
        assert!(Config::parse(text).unwrap_err().to_string().contains("0.0.0.0:5433"));
        assert!(Config::parse("[gateway]\nauth = 'trust'").is_ok());
    }

    #[test]
    fn a_network_listed_twice_is_refused() {
        let one = "[[network]]\nname = 'a'\nfamily = 'evm'\n";
        assert!(Config::parse(one).is_ok());
        assert!(Config::parse(&one.repeat(2)).unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn limits_hold_at_their_bounds() {
        for (value, good) in [(0, false), (1, true), (10_000, true), (10_001, false)] {
            let text = format!("[gateway]\nconnections_max = {value}");
            assert_eq!(Config::parse(&text).is_ok(), good, "{value}");
        }
    }

    #[test]
    fn the_startup_timeout_holds_at_its_bounds() {
        for (value, good) in [(0, false), (1, true), (600, true), (601, false)] {
            let text = format!("[gateway]\nstartup_timeout_seconds = {value}");
            assert_eq!(Config::parse(&text).is_ok(), good, "{value}");
        }
    }

    #[test]
    fn network_names_cannot_leave_their_folder() {
        for bad in ["", "../x", "A", "1a", "a/b", "a b", &"a".repeat(64)] {
            assert!(check_network_name(bad).is_err(), "{bad}");
        }
        assert!(check_network_name("ethereum-2_x").is_ok());
    }

    #[test]
    fn a_role_secret_is_not_printed() {
        let secret = pg_gateway::Verifier::from_password("geheim").to_string();
        let text = format!("[[role]]\nname = 'ana'\nsecret = '{secret}'");
        assert!(!format!("{:?}", Config::parse(&text).unwrap()).contains("SCRAM-SHA-256$"));
    }
}
