//! SCRAM-SHA-256 (RFC 5802, RFC 7677): stored verifiers and the server's side of one exchange.
//!
//! ```text
//! client-first ──> Exchange::start ──> server-first ──> client-final ──> finish ──> server-final
//! ```
//!
//! Invariants
//! - Passwords are never kept: a verifier holds the salted keys only.
//! - A role that does not exist goes through the same steps with a made-up verifier, so neither the
//!   messages nor their timing tell whether a role exists.
//! - Proofs are compared in constant time.
//! - Over TLS nobody can take channel binding out of the offer unseen: a client that could have used it
//!   says so (`y`), and is refused.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use query_engine::QueryError;
use rand::RngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{INVALID_AUTHORIZATION, protocol_violation};

/// Name of the mechanism in AuthenticationSASL.
pub(crate) const MECHANISM: &str = "SCRAM-SHA-256";

/// Name of the mechanism with channel binding, offered over TLS.
pub(crate) const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// The one kind of channel binding, with the letter that chooses it (RFC 5929).
const END_POINT_BINDING: &str = "p=tls-server-end-point";

/// Rounds of PBKDF2 in a new verifier: PostgreSQL's default.
pub(crate) const ITERATIONS_DEFAULT: u32 = 4096;

/// Most rounds that a stored verifier may name; the client does the work.
pub const ITERATIONS_MAX: u32 = 10_000_000;

const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 18;
type Key = [u8; 32];

/// Proof that a password is known, without the password: `SCRAM-SHA-256$iterations:salt$stored:server`,
/// as in `pg_authid.rolpassword`.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Key,
    server_key: Key,
}

/// Why a text is not a verifier.
#[derive(Debug, thiserror::Error)]
#[error("not a verifier of the form SCRAM-SHA-256$iterations:salt$stored-key:server-key")]
pub struct VerifierError;

impl Verifier {
    /// A verifier of `password` with a random salt. Slow on purpose.
    pub fn from_password(password: &str) -> Self {
        let mut salt = [0; SALT_BYTES];
        rand::rng().fill_bytes(&mut salt);
        Self::derive(password, &salt, ITERATIONS_DEFAULT)
    }

    fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
        // As PostgreSQL: a password that SASLprep refuses is used as it is.
        let prepared = stringprep::saslprep(password).unwrap_or(password.into());
        let salted = salted_password(prepared.as_bytes(), salt, iterations);
        let client_key = hmac(&salted, b"Client Key");
        Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: Sha256::digest(client_key).into(),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// A verifier that no password fits, always the same for one `secret` and role name.
    fn mock(secret: &Key, role: &str) -> Self {
        Self {
            iterations: ITERATIONS_DEFAULT,
            salt: hmac(secret, role.as_bytes())[..SALT_BYTES].to_vec(),
            stored_key: hmac(secret, format!("stored key of {role}").as_bytes()),
            server_key: hmac(secret, format!("server key of {role}").as_bytes()),
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{MECHANISM}${}:{}${}:{}",
            self.iterations,
            BASE64.encode(&self.salt),
            BASE64.encode(self.stored_key),
            BASE64.encode(self.server_key),
        )
    }
}

/// Without the keys, so that a log of the configuration holds no secret.
impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

impl FromStr for Verifier {
    type Err = VerifierError;

    fn from_str(text: &str) -> Result<Self, VerifierError> {
        let mut parts = text.split('$');
        let (Some(MECHANISM), Some(work), Some(keys), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(VerifierError);
        };
        let (iterations, salt) = work.split_once(':').ok_or(VerifierError)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or(VerifierError)?;
        let iterations = iterations.parse().map_err(|_| VerifierError)?;
        if !(1..=ITERATIONS_MAX).contains(&iterations) {
            return Err(VerifierError);
        }
        let salt = BASE64.decode(salt).map_err(|_| VerifierError)?;
        if salt.is_empty() {
            return Err(VerifierError);
        }
        let key = |text: &str| -> Result<Key, VerifierError> {
            BASE64.decode(text).ok().and_then(|key| key.try_into().ok()).ok_or(VerifierError)
        };
        Ok(Self { iterations, salt, stored_key: key(stored_key)?, server_key: key(server_key)? })
    }
}

/// Secret of one server process, from which the verifiers of unknown roles are made.
pub(crate) struct MockSecret(Key);

impl MockSecret {
    pub(crate) fn random() -> Self {
        let mut secret = Key::default();
        rand::rng().fill_bytes(&mut secret);
        Self(secret)
    }
}

/// What the exchange runs over.
#[derive(Clone, Default)]
pub(crate) struct Channel {
    /// Fingerprint of the server's certificate; `Some` where [`MECHANISM_PLUS`] was offered.
    pub(crate) end_point: Option<Arc<[u8]>>,
    /// Whether the client chose [`MECHANISM_PLUS`].
    pub(crate) is_bound: bool,
}

/// One exchange, after the client's first message.
pub(crate) struct Exchange {
    verifier: Verifier,
    is_mock: bool,
    is_bound: bool,
    /// What the client's last message must repeat: its header, and the fingerprint where bound.
    expected_binding: String,
    nonce: String,
    client_first_bare: String,
    server_first: String,
}

impl Exchange {
    /// Reads the client's first message. `verifier` is `None` for a role that does not exist.
    ///
    /// # Errors
    /// 08P01 for a malformed message, 28000 for a client that was made to believe that there is no
    /// channel binding.
    pub(crate) fn start(
        client_first: &str,
        role: &str,
        verifier: Option<&Verifier>,
        mock_secret: &MockSecret,
        channel: &Channel,
    ) -> Result<Self, QueryError> {
        let mut nonce_bytes = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce_bytes);
        let nonce = BASE64.encode(nonce_bytes);
        Self::start_with_nonce(client_first, role, verifier, mock_secret, channel, &nonce)
    }

    fn start_with_nonce(
        client_first: &str,
        role: &str,
        verifier: Option<&Verifier>,
        mock_secret: &MockSecret,
        channel: &Channel,
        server_nonce: &str,
    ) -> Result<Self, QueryError> {
        let mut fields = client_first.splitn(3, ',');
        let (Some(binding), Some(authzid), Some(bare)) =
            (fields.next(), fields.next(), fields.next())
        else {
            return Err(malformed());
        };
        check_binding_flag(binding, channel)?;
        if !authzid.is_empty() {
            return Err(malformed().with_detail("The client uses authorization identity."));
        }
        let mut attributes = bare.split(',');
        // The name in the message is ignored, as PostgreSQL does: the startup packet has it.
        let (Some(name), Some(nonce)) = (attributes.next(), attributes.next()) else {
            return Err(malformed());
        };
        let client_nonce = nonce.strip_prefix("r=").filter(|_| name.starts_with("n="));
        let client_nonce = client_nonce.filter(|nonce| is_nonce(nonce)).ok_or_else(malformed)?;
        let nonce = format!("{client_nonce}{server_nonce}");
        let is_mock = verifier.is_none();
        let verifier = verifier.cloned().unwrap_or_else(|| Verifier::mock(&mock_secret.0, role));
        let server_first =
            format!("r={nonce},s={},i={}", BASE64.encode(&verifier.salt), verifier.iterations);
        let mut bound = format!("{binding},,").into_bytes();
        if channel.is_bound {
            bound.extend_from_slice(channel.end_point.as_deref().unwrap_or_default());
        }
        Ok(Self {
            verifier,
            is_mock,
            is_bound: channel.is_bound,
            expected_binding: format!("c={}", BASE64.encode(bound)),
            nonce,
            client_first_bare: bare.to_owned(),
            server_first,
        })
    }

    /// The message that answers the client's first one.
    pub(crate) fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Checks the client's last message; the answer to it, or `None` for a wrong password.
    ///
    /// # Errors
    /// 08P01 for a malformed message, 28000 for one that came through another TLS connection.
    pub(crate) fn finish(&self, client_final: &str) -> Result<Option<String>, QueryError> {
        let (without_proof, proof) = client_final.rsplit_once(",p=").ok_or_else(malformed)?;
        let proof: Key = BASE64
            .decode(proof)
            .ok()
            .and_then(|proof| proof.try_into().ok())
            .ok_or_else(malformed)?;
        let mut attributes = without_proof.split(',');
        if attributes.next() != Some(&self.expected_binding) {
            return Err(if self.is_bound {
                QueryError::new(INVALID_AUTHORIZATION, "SCRAM channel binding check failed")
            } else {
                protocol_violation(
                    "unexpected SCRAM channel-binding attribute in client-final-message",
                )
            });
        }
        if attributes.next().and_then(|nonce| nonce.strip_prefix("r=")) != Some(&self.nonce) {
            return Err(malformed());
        }
        let signed = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        let signature = hmac(&self.verifier.stored_key, signed.as_bytes());
        let mut client_key = proof;
        client_key.iter_mut().zip(signature).for_each(|(key, mask)| *key ^= mask);
        let found: Key = Sha256::digest(client_key).into();
        let matches: bool = found.ct_eq(&self.verifier.stored_key).into();
        let answer =
            format!("v={}", BASE64.encode(hmac(&self.verifier.server_key, signed.as_bytes())));
        Ok((matches && !self.is_mock).then_some(answer))
    }
}

/// Whether the client's wish for channel binding fits the mechanism that it chose.
fn check_binding_flag(flag: &str, channel: &Channel) -> Result<(), QueryError> {
    match flag {
        "n" | "y" if channel.is_bound => Err(malformed().with_detail(
            "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.",
        )),
        "y" if channel.end_point.is_some() => {
            let message = "SCRAM channel binding negotiation error";
            Err(QueryError::new(INVALID_AUTHORIZATION, message).with_detail(
                "The client supports SCRAM channel binding but thinks the server does not.  \
                 However, this server does support channel binding.",
            ))
        }
        "n" | "y" => Ok(()),
        _ if !flag.starts_with("p=") => Err(malformed()
            .with_detail("Unexpected channel-binding flag in the client's first message.")),
        _ if !channel.is_bound => Err(malformed().with_detail(
            "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.",
        )),
        END_POINT_BINDING => Ok(()),
        other => Err(protocol_violation(format!(
            "unsupported SCRAM channel-binding type \"{}\"",
            &other[2..]
        ))),
    }
}

/// Printable ASCII without a comma.
fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

fn malformed() -> QueryError {
    protocol_violation("malformed SCRAM message")
}

fn hmac(key: &[u8], message: &[u8]) -> Key {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// PBKDF2-HMAC-SHA-256, one block.
fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> Key {
    let mut block = hmac(password, &[salt, &1u32.to_be_bytes()].concat());
    let mut salted = block;
    for _ in 1..iterations {
        block = hmac(password, &block);
        salted.iter_mut().zip(block).for_each(|(sum, byte)| *sum ^= byte);
    }
    salted
}

#[cfg(test)]
mod tests {
    use super::*;

    // The exchange of RFC 7677, section 3.
    const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn verifier() -> Verifier {
        Verifier::derive("pencil", &BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), 4096)
    }

    fn exchange(verifier: Option<&Verifier>) -> Exchange {
        let secret = MockSecret([7; 32]);
        let channel = Channel::default();
        Exchange::start_with_nonce(CLIENT_FIRST, "user", verifier, &secret, &channel, SERVER_NONCE)
            .unwrap()
    }

    #[test]
    fn the_exchange_of_the_standard_succeeds_with_its_signature() {
        let exchange = exchange(Some(&verifier()));
        assert_eq!(
            exchange.server_first(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let answer = exchange.finish(CLIENT_FINAL).unwrap();
        assert_eq!(answer.as_deref(), Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    }

    #[test]
    fn a_wrong_password_gets_no_signature() {
        let other = Verifier::derive("pencil2", &verifier().salt, 4096);
        assert_eq!(exchange(Some(&other)).finish(CLIENT_FINAL).unwrap(), None);
    }

    #[test]
    fn an_unknown_role_gets_an_exchange_of_the_same_shape_that_always_fails() {
        let known = exchange(Some(&verifier()));
        let unknown = exchange(None);
        assert_eq!(unknown.server_first().len(), known.server_first().len());
        assert_eq!(
            unknown.server_first(),
            exchange(None).server_first(),
            "the salt stays the same"
        );
        assert_eq!(unknown.finish(CLIENT_FINAL).unwrap(), None);
    }

    #[test]
    fn malformed_or_short_messages_are_protocol_violations() {
        let secret = MockSecret([0; 32]);
        for first in
            ["", "n", "n,,", "n,,n=u", "p=tls-unique,,n=u,r=abc", "n,a=x,n=u,r=a", "n,,n=u,r="]
        {
            assert!(
                Exchange::start(first, "u", None, &secret, &Channel::default()).is_err(),
                "{first:?}"
            );
        }
        let exchange = exchange(Some(&verifier()));
        for last in [
            "",
            "c=biws",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            &CLIENT_FINAL[..CLIENT_FINAL.len() - 4],
            &CLIENT_FINAL.replace("biws", "eSws"),
        ] {
            assert_eq!(exchange.finish(last).unwrap_err().state.0, "08P01", "{last:?}");
        }
    }

    #[test]
    fn a_client_can_neither_drop_channel_binding_nor_move_it_to_another_connection() {
        let secret = MockSecret([7; 32]);
        let start = |flag: &str, is_bound: bool, end_point: Option<&[u8]>| {
            let channel = Channel { end_point: end_point.map(Arc::from), is_bound };
            let first = format!("{flag},,n=user,r=rOprNGfwEbeRWgbNEkqO");
            Exchange::start(&first, "user", Some(&verifier()), &secret, &channel)
        };
        let state = |result: Result<Exchange, QueryError>| result.err().map(|error| error.state.0);
        let end_point = Some(&b"print"[..]);
        // No TLS: the client may say that it could.
        assert_eq!(state(start("y", false, None)), None);
        assert_eq!(state(start("n", false, None)), None);
        assert_eq!(state(start(END_POINT_BINDING, false, None)), Some("08P01"));
        // TLS: the same words mean that somebody changed the offer.
        assert_eq!(state(start("y", false, end_point)), Some("28000"));
        assert_eq!(state(start("n", false, end_point)), None);
        assert_eq!(state(start(END_POINT_BINDING, false, end_point)), Some("08P01"));
        for flag in ["n", "y", "p=tls-unique", "p=", ""] {
            assert_eq!(state(start(flag, true, end_point)), Some("08P01"), "{flag:?}");
        }
        let exchange = start(END_POINT_BINDING, true, end_point).ok().unwrap();
        let last = |print: &[u8]| {
            let bound = [END_POINT_BINDING.as_bytes(), b",,", print].concat();
            format!("c={},r={},p={}", BASE64.encode(bound), exchange.nonce, BASE64.encode([0; 32]))
        };
        assert_eq!(exchange.finish(&last(b"print")).unwrap(), None, "bound, but a wrong password");
        assert_eq!(exchange.finish(&last(b"other")).unwrap_err().state.0, "28000");
    }

    #[test]
    fn a_verifier_is_read_back_from_its_text_and_never_printed_by_debug() {
        let verifier = Verifier::from_password("geheim");
        let text = verifier.to_string();
        assert_eq!(text.parse::<Verifier>().unwrap(), verifier);
        assert!(!format!("{verifier:?}").contains(&BASE64.encode(verifier.stored_key)));
        for wrong in ["", "md5abc", "SCRAM-SHA-256$0:AA==$AA==:AA==", &text[..text.len() - 5]] {
            assert!(wrong.parse::<Verifier>().is_err(), "{wrong}");
        }
    }
}
