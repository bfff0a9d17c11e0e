//! Who may connect from where, and with what proof.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::scram::{MockSecret, Verifier};

/// Proof that a client must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// None: any role name is accepted.
    Trust,
    /// A password, checked by SCRAM-SHA-256 against the role's verifier.
    ScramSha256,
}

/// Sign-in rules of a gateway. The default trusts loopback and demands a password elsewhere.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// For clients on the same machine. Other clients always need a password.
    pub loopback: AuthMethod,
    /// Verifier of each role that may sign in with a password.
    pub roles: HashMap<String, Verifier>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self { loopback: AuthMethod::Trust, roles: HashMap::new() }
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

    pub(crate) fn method(&self, client: IpAddr) -> AuthMethod {
        // `::ffff:127.0.0.1` is how a dual-stack socket shows a loopback client.
        if client.to_canonical().is_loopback() {
            self.config.loopback
        } else {
            AuthMethod::ScramSha256
        }
    }

    pub(crate) fn verifier(&self, role: &str) -> Option<&Verifier> {
        self.config.roles.get(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_ever_trusted() {
        let authenticator = Authenticator::new(AuthConfig::default());
        for (client, method) in [
            ("127.0.0.1", AuthMethod::Trust),
            ("::1", AuthMethod::Trust),
            ("::ffff:127.0.0.1", AuthMethod::Trust),
            ("192.168.0.7", AuthMethod::ScramSha256),
            ("2001:db8::1", AuthMethod::ScramSha256),
        ] {
            assert_eq!(authenticator.method(client.parse().unwrap()), method, "{client}");
        }
    }
}
