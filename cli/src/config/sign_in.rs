//! `[gateway.tls]`, `[[host]]` and `[[role]]`: who may connect, and how.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use pg_gateway::{AddressRange, AuthConfig, HostKind, HostRule, Names, Role, Tls, TlsFiles};
use serde::Deserialize;

use super::{AuthMethod, Config};

/// Host rules that a configuration may list.
pub const HOST_RULES_MAX: usize = 1_000;

/// Names that one field of a host rule may list.
pub const HOST_RULE_NAMES_MAX: usize = 1_000;

/// `[gateway.tls]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// PEM file: the server's certificate, then those of its issuers.
    pub certificate: PathBuf,
    /// PEM file of its key; the owner alone may read it.
    pub key: PathBuf,
    /// PEM file of the authorities that sign client certificates.
    pub client_authority: Option<PathBuf>,
}

/// `[[host]]`: one rule; the first that matches a client decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSection {
    /// Kind of connection.
    #[serde(default, rename = "type")]
    pub kind: HostType,
    /// Databases: names, `all`, or `sameuser`.
    #[serde(default = "all")]
    pub database: Vec<String>,
    /// Roles: names or `all`.
    #[serde(default = "all")]
    pub role: Vec<String>,
    /// Client addresses: `all`, an address, or a network such as `10.0.0.0/8`.
    pub address: String,
    /// Proof to give.
    pub method: HostMethod,
    /// A client certificate that is needed besides.
    pub clientcert: Option<ClientCertificate>,
}

/// `host.type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostType {
    /// With TLS or without.
    #[default]
    Host,
    /// With TLS only.
    HostSsl,
    /// Without TLS only.
    HostNoSsl,
}

/// `host.method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostMethod {
    /// No proof; for loopback addresses only.
    Trust,
    /// A password, checked by SCRAM-SHA-256.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// A client certificate whose common name is the role.
    Cert,
    /// No entry.
    Reject,
}

/// `host.clientcert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ClientCertificate {
    /// A certificate of the client authority whose common name is the role.
    #[serde(rename = "verify-full")]
    VerifyFull,
}

/// `[[role]]`: made by `ergosql role password NAME`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSection {
    /// Role name, as clients give it.
    pub name: String,
    /// SCRAM-SHA-256 verifier in PostgreSQL's format, never a password; none for a role that signs in
    /// with a certificate.
    pub secret: Option<String>,
    /// Whether it may use the reserved connections.
    #[serde(default)]
    pub admin: bool,
    /// Whether it may create schemas in the databases, and in schema `public`.
    #[serde(default)]
    pub create: bool,
    /// Most connections of this role; default: no limit of its own.
    pub connections_max: Option<usize>,
}

impl RoleSection {
    /// A role without a password that may create.
    pub fn creator(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            secret: None,
            admin: false,
            create: true,
            connections_max: None,
        }
    }
}

impl std::fmt::Debug for RoleSection {
    /// Leaves the secret out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoleSection").field("name", &self.name).finish_non_exhaustive()
    }
}

fn all() -> Vec<String> {
    vec!["all".to_owned()]
}

impl HostSection {
    fn rule(&self) -> anyhow::Result<HostRule> {
        let addresses: AddressRange = self.address.parse().context("address")?;
        if self.method == HostMethod::Trust && !addresses.is_loopback() {
            bail!(
                "method \"trust\" with address \"{}\": anyone there could read everything; \
                 trust is for 127.0.0.0/8 and ::1 only",
                self.address
            );
        }
        Ok(HostRule {
            kind: match self.kind {
                HostType::Host => HostKind::Host,
                HostType::HostSsl => HostKind::HostSsl,
                HostType::HostNoSsl => HostKind::HostNoSsl,
            },
            databases: names(&self.database, "database")?,
            roles: names(&self.role, "role")?,
            addresses,
            method: match self.method {
                HostMethod::Trust => pg_gateway::AuthMethod::Trust,
                HostMethod::ScramSha256 => pg_gateway::AuthMethod::ScramSha256,
                HostMethod::Cert => pg_gateway::AuthMethod::Cert,
                HostMethod::Reject => pg_gateway::AuthMethod::Reject,
            },
            needs_certificate: self.clientcert.is_some(),
        })
    }
}

fn names(listed: &[String], field: &str) -> anyhow::Result<Names> {
    ensure!(!listed.is_empty(), "{field} lists no name");
    ensure!(
        listed.len() <= HOST_RULE_NAMES_MAX,
        "{field} lists more than {HOST_RULE_NAMES_MAX} names"
    );
    match listed.iter().find(|name| name.starts_with('+') || *name == "replication") {
        Some(name) => bail!("{field} \"{name}\" is not supported"),
        None if listed.iter().any(|name| name == "all") => Ok(Names::All),
        None if field == "database" && listed == ["sameuser"] => Ok(Names::SameUser),
        None => Ok(Names::Listed(listed.to_vec())),
    }
}

impl Config {
    /// The sign-in rules: those of `[[host]]`, or where there is none, `gateway.auth` for clients on
    /// this machine and a password for all others.
    ///
    /// # Errors
    /// A rule that cannot be, a role listed twice, or a secret that is no verifier.
    pub fn auth(&self) -> anyhow::Result<AuthConfig> {
        let mut roles = HashMap::new();
        for role in &self.roles {
            let parse = |secret: &String| secret.parse();
            // The message names the role, never the secret.
            let verifier = role.secret.as_ref().map(parse).transpose();
            let verifier = verifier.with_context(|| format!("secret of role \"{}\"", role.name))?;
            let known = Role {
                verifier,
                is_admin: role.admin,
                may_create: role.create,
                connections_max: role.connections_max,
            };
            if roles.insert(role.name.clone(), known).is_some() {
                bail!("role \"{}\" is listed twice", role.name);
            }
        }
        let admits_unlisted = roles.is_empty() || self.gateway.admits_unlisted;
        if self.hosts.is_empty() {
            let loopback = match self.gateway.auth {
                AuthMethod::Trust => pg_gateway::AuthMethod::Trust,
                AuthMethod::ScramSha256 => pg_gateway::AuthMethod::ScramSha256,
            };
            return Ok(AuthConfig {
                admits_unlisted,
                ..AuthConfig::with_loopback(loopback, roles)
            });
        }
        let rules = self.hosts.iter().zip(1..).map(|(host, number)| {
            host.rule().with_context(|| format!("rule {number} under [[host]]"))
        });
        Ok(AuthConfig { rules: rules.collect::<anyhow::Result<_>>()?, roles, admits_unlisted })
    }

    /// Certificate and key, read from the files of `[gateway.tls]`.
    ///
    /// # Errors
    /// A file that cannot be read or used.
    pub fn tls(&self) -> anyhow::Result<Option<Tls>> {
        let Some(section) = &self.gateway.tls else { return Ok(None) };
        let files = TlsFiles {
            certificate: section.certificate.clone(),
            key: section.key.clone(),
            client_authority: section.client_authority.clone(),
        };
        Ok(Some(Tls::load(&files).context("gateway.tls")?))
    }

    /// Takes relative paths of `[gateway.tls]` as beside the configuration file.
    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        let Some(section) = &mut self.gateway.tls else { return };
        let authority = section.client_authority.iter_mut();
        for path in [&mut section.certificate, &mut section.key].into_iter().chain(authority) {
            *path = folder.join(&path);
        }
    }

    /// Checks what the sections say about each other.
    pub(super) fn check_sign_in(&self) -> anyhow::Result<()> {
        ensure!(
            self.hosts.len() <= HOST_RULES_MAX,
            "more than {HOST_RULES_MAX} rules under [[host]]"
        );
        let auth = self.auth()?;
        let has_tls = self.gateway.tls.is_some();
        let has_authority =
            self.gateway.tls.as_ref().is_some_and(|tls| tls.client_authority.is_some());
        for (rule, number) in auth.rules.iter().zip(1..) {
            let needs_authority =
                rule.needs_certificate || rule.method == pg_gateway::AuthMethod::Cert;
            ensure!(
                has_authority || !needs_authority,
                "rule {number} under [[host]] asks for client certificates, \
                 but gateway.tls.client_authority is not set"
            );
            ensure!(
                !needs_authority || rule.kind == HostKind::HostSsl,
                "rule {number} under [[host]] asks for client certificates: its type must be \"hostssl\""
            );
            ensure!(
                has_tls || rule.kind != HostKind::HostSsl,
                "rule {number} under [[host]] is for TLS, but there is no [gateway.tls]"
            );
        }
        let has_admin = self.roles.iter().any(|role| role.admin);
        ensure!(
            !has_admin || self.gateway.reserved_connections < self.gateway.connections_max,
            "gateway.reserved_connections is {}, it must be less than connections_max, {}",
            self.gateway.reserved_connections,
            self.gateway.connections_max
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        format!("{:#}", Config::parse(text).unwrap_err())
    }

    #[test]
    fn rules_keep_their_order_and_default_to_every_database_and_role() {
        let text = "[[host]]\naddress = '127.0.0.1'\nmethod = 'trust'\n\
                    [[host]]\ntype = 'hostnossl'\naddress = 'all'\nmethod = 'reject'\n\
                    [[host]]\ndatabase = ['eth']\nrole = ['ana', 'bob']\naddress = '10.0.0.0/8'\n\
                    method = 'scram-sha-256'\n";
        let rules = Config::parse(text).unwrap().auth().unwrap().rules;
        assert_eq!(rules.len(), 3);
        assert_eq!((rules[0].kind, &rules[0].databases), (HostKind::Host, &Names::All));
        assert_eq!(rules[1].method, pg_gateway::AuthMethod::Reject);
        assert_eq!(rules[2].roles, Names::Listed(vec!["ana".into(), "bob".into()]));
    }

    #[test]
    fn a_rule_that_trusts_other_machines_is_refused() {
        for address in ["all", "0.0.0.0/0", "10.0.0.1", "127.0.0.0/7"] {
            let text = format!("[[host]]\naddress = '{address}'\nmethod = 'trust'");
            assert!(refusal(&text).contains("trust is for 127.0.0.0/8 and ::1 only"));
        }
    }

    #[test]
    fn rules_that_could_never_work_are_refused() {
        let rule = |rest: &str| refusal(&format!("[[host]]\naddress = 'all'\n{rest}"));
        assert!(rule("method = 'cert'").contains("client_authority is not set"));
        assert!(rule("method = 'md5'").contains("md5"));
        assert!(rule("type = 'hostssl'\nmethod = 'reject'").contains("no [gateway.tls]"));
        assert!(rule("method = 'reject'\nrole = ['+staff']").contains("+staff"));
        assert!(rule("method = 'reject'\nrole = []").contains("no name"));
        assert!(
            refusal("[[host]]\naddress = '10.0.0.0/40'\nmethod = 'reject'").contains("10.0.0.0/40")
        );
    }

    #[test]
    fn reserved_connections_leave_at_least_one() {
        let text = |reserved| {
            let role = "[[role]]\nname = 'root'\nadmin = true";
            format!("[gateway]\nconnections_max = 5\nreserved_connections = {reserved}\n{role}")
        };
        assert!(Config::parse(&text(4)).is_ok());
        assert!(refusal(&text(5)).contains("reserved_connections is 5"));
    }

    #[test]
    fn a_secret_is_a_verifier_and_never_printed() {
        let text = "[[role]]\nname = 'ana'\nsecret = 'open sesame'";
        let refusal = refusal(text);
        assert!(refusal.contains("\"ana\"") && !refusal.contains("sesame"), "{refusal}");
        let role = "[[role]]\nname = 'ana'\n".repeat(2);
        assert!(self::refusal(&role).contains("listed twice"));
    }
}
