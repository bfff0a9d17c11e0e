//! From a new socket to a session: encryption request, startup packet, sign-in, settings.
//!
//! Invariants
//! - No byte sent in the clear is ever read as if it had come through TLS.
//! - Before sign-in at most one startup packet or password message is buffered.
//! - The database is looked up after sign-in, so its name is not told to strangers.
//! - What the host rule asks for is proved before AuthenticationOk; limits come after it.

use query_engine::values::Reader;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use pgwire::messages::startup::Authentication;
use query_engine::{Backend, Engine, Principal, QueryError, Session};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::auth::Authenticator;
use crate::cancel::{CancelRegistration, CancelRegistry};
use crate::certificate::common_name;
use crate::connection::Connection;
use crate::error::{
    Failure, INVALID_AUTHORIZATION, INVALID_PASSWORD, protocol_violation, valid_text,
};
use crate::frame::Phase;
use crate::host_rule::{AuthMethod, Caller, HostRule};
use crate::places::{Place, Places};
use crate::reply;
use crate::scram::{Channel, Exchange, MECHANISM, MECHANISM_PLUS};
use crate::startup_packet::{
    PROTOCOL_MINOR_MAX, STARTUP_BYTES_MAX, StartupPacket, StartupParameters, decode_startup,
};
use crate::tls::Tls;
use crate::wire::{Stream, Wire};

/// Cancel requests that are looked at together; the next ones wait.
pub(crate) const CANCEL_ATTEMPTS_MAX: usize = 16;

/// A request with a wrong key holds its attempt this long, so that with a key of four bytes a guesser
/// needs four years on average to find one of a given connection.
const WRONG_KEY_DELAY: Duration = Duration::from_secs(1);

/// What every new connection needs; one per gateway.
pub(crate) struct Reception {
    pub(crate) engine: Arc<Engine>,
    pub(crate) authenticator: Authenticator,
    pub(crate) tls: Option<Tls>,
    pub(crate) cancels: Arc<CancelRegistry>,
    pub(crate) places: Places,
    pub(crate) cancel_attempts: Semaphore,
    pub(crate) shutdown: CancellationToken,
}

/// A client that is signed in, with the place it takes.
pub(crate) struct Guest {
    pub(crate) connection: Connection,
    pub(crate) place: Place,
}

/// What the connection itself tells about a client.
#[derive(Default)]
struct Transport {
    is_encrypted: bool,
    /// Fingerprint of the certificate that the client saw.
    end_point: Option<Arc<[u8]>>,
    /// The client's certificate was checked; `Some(None)` for one without a usable name.
    certificate_name: Option<Option<String>>,
}

impl Reception {
    /// Brings a new client to a session; `None` when there is none to serve: it only wanted to cancel
    /// another, was refused, or left.
    pub(crate) async fn receive(
        &self,
        stream: Box<dyn Stream>,
        client: SocketAddr,
    ) -> Option<Guest> {
        // A token of its own, so that this connection can be ended alone.
        let mut wire = Wire::new(stream, self.shutdown.child_token());
        let mut transport = Transport::default();
        let parameters = match self.negotiate(&mut wire, &mut transport).await {
            Ok(parameters) => parameters?,
            Err(failure) => {
                refuse(wire, failure).await;
                return None;
            }
        };
        match self.admit(&mut wire, client, &transport, parameters).await {
            Ok((session, cancel, place)) => {
                Some(Guest { connection: Connection::new(wire, session, cancel), place })
            }
            Err(failure) => {
                refuse(wire, failure).await;
                None
            }
        }
    }

    /// Answers encryption requests until the startup packet comes. Each kind may come once.
    async fn negotiate(
        &self,
        wire: &mut Wire,
        transport: &mut Transport,
    ) -> Result<Option<StartupParameters>, Failure> {
        let (mut tls_asked, mut gss_asked) = (false, false);
        loop {
            match read_packet(wire).await? {
                StartupPacket::Ssl if !tls_asked => {
                    tls_asked = true;
                    match &self.tls {
                        Some(tls) => *transport = start_tls(wire, tls).await?,
                        None => answer_no(wire).await?,
                    }
                }
                StartupPacket::GssEncryption if !gss_asked => {
                    gss_asked = true;
                    answer_no(wire).await?;
                }
                StartupPacket::Cancel { pid, key } => {
                    let _attempt = self.cancel_attempts.acquire().await;
                    if !self.cancels.cancel(pid, &key) {
                        tracing::warn!(pid, "cancel request with a wrong process id or key");
                        tokio::time::sleep(WRONG_KEY_DELAY).await;
                    }
                    return Ok(None);
                }
                StartupPacket::Session(parameters) => return Ok(Some(parameters)),
                StartupPacket::Ssl | StartupPacket::GssEncryption => {
                    let error = protocol_violation("encryption was requested twice");
                    return Err(Failure::Fatal(error));
                }
            }
        }
    }

    async fn admit(
        &self,
        wire: &mut Wire,
        client: SocketAddr,
        transport: &Transport,
        parameters: StartupParameters,
    ) -> Result<(Session, CancelRegistration, Place), Failure> {
        let minor = parameters.minor.min(PROTOCOL_MINOR_MAX);
        if parameters.minor > minor || !parameters.protocol_options.is_empty() {
            reply::negotiate_protocol(&mut wire.out, minor, parameters.protocol_options)
                .map_err(Failure::Fatal)?;
        }
        let mut place = self.places.take().map_err(Failure::Fatal)?;
        let caller = Caller {
            address: client.ip(),
            is_encrypted: transport.is_encrypted,
            database: &parameters.database,
            role: &parameters.user,
        };
        let rule = self.authenticator.rule(&caller).map_err(Failure::Fatal)?;
        self.check_proof(wire, rule, transport, &parameters.user).await?;
        reply::authentication(&mut wire.out, &Authentication::Ok).map_err(Failure::Fatal)?;
        let role = self.authenticator.role(&parameters.user).map_err(Failure::Fatal)?;
        self.places.assign(&mut place, &parameters.user, &role).map_err(Failure::Fatal)?;
        tracing::info!(role = parameters.user, database = parameters.database, "signed in");
        let may_create = role.may_create;
        let principal = Principal { role: parameters.user, may_create };
        let mut session = self
            .engine
            .session(&parameters.database, principal, &parameters.settings)
            .map_err(Failure::Fatal)?;
        let cancel = self.cancels.register(minor);
        session.attach(Backend {
            process_id: cancel.pid(),
            client: Some(client),
            control: cancel.control(wire.ending().clone()),
        });
        greet(wire, &mut session, &cancel).map_err(Failure::Fatal)?;
        Ok((session, cancel, place))
    }

    /// Asks for what `rule` demands, in PostgreSQL's order: a certificate, the password, whose
    /// certificate it is.
    async fn check_proof(
        &self,
        wire: &mut Wire,
        rule: &HostRule,
        transport: &Transport,
        role: &str,
    ) -> Result<(), Failure> {
        let needs_certificate = rule.needs_certificate || rule.method == AuthMethod::Cert;
        if needs_certificate && transport.certificate_name.is_none() {
            return Err(Failure::Fatal(QueryError::new(
                INVALID_AUTHORIZATION,
                "connection requires a valid client certificate",
            )));
        }
        if rule.method == AuthMethod::ScramSha256 {
            self.check_password(wire, role, transport.end_point.as_ref()).await?;
        }
        let certified = transport.certificate_name.as_ref().and_then(Option::as_deref);
        if needs_certificate && certified != Some(role) {
            tracing::warn!(role, certified, "the client's certificate is for another name");
            return Err(Failure::Fatal(match rule.method {
                AuthMethod::ScramSha256 => wrong_password(role),
                _ => QueryError::new(
                    INVALID_AUTHORIZATION,
                    format!("certificate authentication failed for user \"{role}\""),
                ),
            }));
        }
        Ok(())
    }

    async fn check_password(
        &self,
        wire: &mut Wire,
        role: &str,
        end_point: Option<&Arc<[u8]>>,
    ) -> Result<(), Failure> {
        let mut mechanisms = vec![MECHANISM.to_owned()];
        if end_point.is_some() {
            mechanisms.insert(0, MECHANISM_PLUS.to_owned());
        }
        reply::authentication(&mut wire.out, &Authentication::SASL(mechanisms))
            .map_err(Failure::Fatal)?;
        let mut initial = password_message(wire).await?;
        let (is_bound, client_first) =
            read_initial_response(&mut initial, end_point.is_some()).map_err(Failure::Fatal)?;
        let verifier = self.authenticator.verifier(role);
        let channel = Channel { end_point: end_point.cloned(), is_bound };
        let secret = &self.authenticator.mock_secret;
        let exchange = Exchange::start(&client_first, role, verifier, secret, &channel)
            .map_err(Failure::Fatal)?;
        let server_first = exchange.server_first().to_owned().into();
        reply::authentication(&mut wire.out, &Authentication::SASLContinue(server_first))
            .map_err(Failure::Fatal)?;
        let last = password_message(wire).await?;
        let rest = last.into_rest();
        let client_final = scram_text(&rest).map_err(Failure::Fatal)?;
        let answer = exchange.finish(client_final).map_err(Failure::Fatal)?.ok_or_else(|| {
            tracing::warn!(role, "password authentication failed");
            Failure::Fatal(wrong_password(role))
        })?;
        reply::authentication(&mut wire.out, &Authentication::SASLFinal(answer.into()))
            .map_err(Failure::Fatal)
    }
}

fn wrong_password(role: &str) -> QueryError {
    QueryError::new(INVALID_PASSWORD, format!("password authentication failed for user \"{role}\""))
}

/// Settings and cancel key; ReadyForQuery follows from the connection.
fn greet(
    wire: &mut Wire,
    session: &mut Session,
    cancel: &CancelRegistration,
) -> Result<(), QueryError> {
    for (name, value) in session.take_reported_settings() {
        reply::parameter_status(&mut wire.out, name, value)?;
    }
    reply::backend_key(&mut wire.out, cancel.pid(), cancel.key())
}

async fn read_packet(wire: &mut Wire) -> Result<StartupPacket, Failure> {
    let length_bytes = wire.bytes(4).await?.get_u32() as usize;
    // The shortest packet is a length and a code.
    if !(8..=STARTUP_BYTES_MAX + 4).contains(&length_bytes) {
        return Err(Failure::Fatal(protocol_violation("invalid length of startup packet")));
    }
    let packet = wire.bytes(length_bytes - 4).await?;
    decode_startup(&packet).map_err(Failure::Fatal)
}

async fn answer_no(wire: &mut Wire) -> Result<(), Failure> {
    wire.out.extend_from_slice(b"N");
    Ok(wire.flush().await?)
}

async fn start_tls(wire: &mut Wire, tls: &Tls) -> Result<Transport, Failure> {
    if !wire.has_no_input() {
        // Bytes behind the request were sent in the clear, perhaps by a third party.
        return Err(Failure::Fatal(protocol_violation(
            "received unencrypted data after SSL request",
        )));
    }
    wire.out.extend_from_slice(b"S");
    wire.flush().await?;
    let ending = wire.ending().clone();
    let stream = std::mem::replace(wire, Wire::closed()).into_stream();
    let encrypted = tls.acceptor.accept(stream).await?;
    let certificates = encrypted.get_ref().1.peer_certificates();
    let certificate_name =
        certificates.and_then(<[_]>::first).map(|certificate| common_name(certificate));
    *wire = Wire::new(Box::new(encrypted), ending);
    Ok(Transport { is_encrypted: true, end_point: tls.end_point.clone(), certificate_name })
}

async fn password_message(wire: &mut Wire) -> Result<Reader, Failure> {
    let frame = wire.frame(Phase::Authentication).await?.ok_or(Failure::Gone)?;
    Ok(Reader::new(frame.body))
}

/// SASLInitialResponse: whether the mechanism binds the channel, and the first message.
fn read_initial_response(
    reader: &mut Reader,
    offers_binding: bool,
) -> Result<(bool, String), QueryError> {
    let is_bound = match reader.text()?.as_str() {
        MECHANISM => false,
        MECHANISM_PLUS if offers_binding => true,
        _ => {
            let message = "client selected an invalid SASL authentication mechanism";
            return Err(protocol_violation(message));
        }
    };
    let bytes = usize::try_from(reader.i32()?)
        .map_err(|_| protocol_violation("malformed SCRAM message"))?;
    let first = reader.bytes(bytes)?;
    reader.finish()?;
    Ok((is_bound, scram_text(&first)?.to_owned()))
}

/// A SCRAM message, which is text without zero bytes.
fn scram_text(bytes: &[u8]) -> Result<&str, QueryError> {
    valid_text(bytes)
        .map_err(|error| protocol_violation("malformed SCRAM message").with_detail(error.message))
}

/// Tells a client that gets no session why.
async fn refuse(mut wire: Wire, failure: Failure) {
    if let Failure::Fatal(error) | Failure::Statement(error) = failure {
        tracing::info!(%error, "connection refused");
        reply::error(&mut wire.out, "FATAL", &error);
        wire.close().await;
    }
}
