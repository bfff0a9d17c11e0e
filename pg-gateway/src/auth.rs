//! Who may connect: the host rules in order, and the roles with their verifiers and limits.

use std::collections::HashMap;

use query_engine::QueryError;

use crate::error::INVALID_AUTHORIZATION;
use crate::host_rule::{AddressRange, AuthMethod, Caller, HostRule};
use crate::scram::{MockSecret, Verifier};

/// A role that may sign in.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// Proof of its password; `None` for one that signs in with a certificate only.
    pub verifier: Option<Verifier>,
    /// Whether it may use the connections that are kept for administration.
    pub is_admin: bool,
    /// Whether it may create schemas in the databases, and in schema `public`.
    pub may_create: bool,
    /// Most sessions of it at a time; `None` for no limit of its own.
    pub connections_max: Option<usize>,
}

/// Sign-in rules of a gateway. The default trusts loopback and demands a password elsewhere.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// Rules; the first that matches a client decides.
    pub rules: Vec<HostRule>,
    /// Roles by name.
    pub roles: HashMap<String, Role>,
    /// Whether a rule with `trust` lets in names that are not among them.
    pub admits_unlisted: bool,
}

impl AuthConfig {
    /// The rules of a gateway without rules of its own: `loopback` for clients on this machine, a
    /// password for all others.
    pub fn with_loopback(loopback: AuthMethod, roles: HashMap<String, Role>) -> Self {
        let rules = vec![
            HostRule::for_all(AddressRange::LOOPBACK_V4, loopback),
            HostRule::for_all(AddressRange::LOOPBACK_V6, loopback),
            HostRule::for_all(AddressRange::All, AuthMethod::ScramSha256),
        ];
        let admits_unlisted = roles.is_empty();
        Self { rules, roles, admits_unlisted }
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self::with_loopback(AuthMethod::Trust, HashMap::new())
    }
}

/// The rules with what one server process adds to them.
pub(crate) struct Authenticator {
    config: AuthConfig,
    pub(crate) mock_secret: MockSecret,
}

impl Authenticator {
    pub(crate) fn new(config: AuthConfig) -> Self {
        Self { config, mock_secret: MockSecret::random() }
    }

    /// The rule for a client.
    ///
    /// # Errors
    /// 28000 where none matches, or the one that does rejects.
    pub(crate) fn rule(&self, caller: &Caller<'_>) -> Result<&HostRule, QueryError> {
        let who = || {
            format!(
                "host \"{}\", user \"{}\", database \"{}\", {}",
                caller.address.to_canonical(),
                caller.role,
                caller.database,
                if caller.is_encrypted { "SSL encryption" } else { "no encryption" }
            )
        };
        let refused = |message| Err(QueryError::new(INVALID_AUTHORIZATION, message));
        match self.config.rules.iter().find(|rule| rule.matches(caller)) {
            None => refused(format!("no pg_hba.conf entry for {}", who())),
            Some(HostRule { method: AuthMethod::Reject, .. }) => {
                refused(format!("pg_hba.conf rejects connection for {}", who()))
            }
            // A listener could be given a rule that was not checked: trust never leaves this machine.
            Some(HostRule { method: AuthMethod::Trust, .. })
                if !caller.address.to_canonical().is_loopback() =>
            {
                refused(format!("pg_hba.conf rejects connection for {}", who()))
            }
            Some(rule) => Ok(rule),
        }
    }

    pub(crate) fn verifier(&self, role: &str) -> Option<&Verifier> {
        self.config.roles.get(role)?.verifier.as_ref()
    }

    /// The role `name`, after it gave its proof.
    ///
    /// # Errors
    /// 28000 for one that is not listed, where any is.
    pub(crate) fn role(&self, name: &str) -> Result<Role, QueryError> {
        match self.config.roles.get(name) {
            Some(role) => Ok(role.clone()),
            None if self.config.admits_unlisted => Ok(Role::default()),
            None => Err(QueryError::new(
                INVALID_AUTHORIZATION,
                format!("role \"{name}\" does not exist"),
            )),
        }
    }

    /// Whether some role may use the reserved connections; else keeping them would only waste them.
    pub(crate) fn has_admin(&self) -> bool {
        self.config.roles.values().any(|role| role.is_admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(authenticator: &Authenticator, address: &str) -> Result<AuthMethod, String> {
        let address = address.parse().unwrap();
        let caller = Caller { address, is_encrypted: false, database: "eth", role: "ann" };
        authenticator.rule(&caller).map(|rule| rule.method).map_err(|error| error.message)
    }

    #[test]
    fn by_default_only_loopback_is_trusted() {
        let authenticator = Authenticator::new(AuthConfig::default());
        for (client, expected) in [
            ("127.0.0.1", AuthMethod::Trust),
            ("::1", AuthMethod::Trust),
            ("::ffff:127.0.0.1", AuthMethod::Trust),
            ("192.168.0.7", AuthMethod::ScramSha256),
            ("2001:db8::1", AuthMethod::ScramSha256),
        ] {
            assert_eq!(method(&authenticator, client), Ok(expected), "{client}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides_and_none_refuses() {
        let rules = vec![
            HostRule::for_all("10.0.0.1".parse().unwrap(), AuthMethod::Reject),
            HostRule::for_all("10.0.0.0/8".parse().unwrap(), AuthMethod::ScramSha256),
        ];
        let authenticator = Authenticator::new(AuthConfig { rules, ..AuthConfig::default() });
        let who = "user \"ann\", database \"eth\", no encryption";
        assert_eq!(
            method(&authenticator, "10.0.0.1"),
            Err(format!("pg_hba.conf rejects connection for host \"10.0.0.1\", {who}"))
        );
        assert_eq!(method(&authenticator, "10.0.0.2"), Ok(AuthMethod::ScramSha256));
        assert_eq!(
            method(&authenticator, "11.0.0.1"),
            Err(format!("no pg_hba.conf entry for host \"11.0.0.1\", {who}"))
        );
    }

    #[test]
    fn trust_never_reaches_another_machine() {
        let rules = vec![HostRule::for_all(AddressRange::All, AuthMethod::Trust)];
        let authenticator = Authenticator::new(AuthConfig { rules, ..AuthConfig::default() });
        assert_eq!(method(&authenticator, "127.0.0.1"), Ok(AuthMethod::Trust));
        assert!(method(&authenticator, "10.0.0.1").unwrap_err().contains("rejects"));
    }
}
