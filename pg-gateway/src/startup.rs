//! From a new socket to a session: encryption request, startup packet, sign-in, settings.
//!
//! Invariants
//! - No byte sent in the clear is ever read as if it had come through TLS.
//! - Before sign-in at most one startup packet or password message is buffered.
//! - The database is looked up after sign-in, so its name is not told to strangers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use pgwire::messages::startup::Authentication;
use query_engine::{Engine, Principal, QueryError, Session};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::auth::{AuthMethod, Authenticator};
use crate::cancel::{CancelRegistration, CancelRegistry};
use crate::connection::Connection;
use crate::error::{
    Failure, INVALID_PASSWORD, TOO_MANY_CONNECTIONS, protocol_violation, valid_text,
};
use crate::frame::Phase;
use crate::message::Reader;
use crate::reply;
use crate::scram::{Exchange, MECHANISM};
use crate::startup_packet::{
    PROTOCOL_MINOR_MAX, STARTUP_BYTES_MAX, StartupPacket, StartupParameters, decode_startup,
};
use crate::wire::{Stream, Wire};

/// A client that sent a wrong cancel key keeps its startup slot this long: keys cannot be tried fast.
const WRONG_KEY_DELAY: Duration = Duration::from_secs(1);

/// What every new connection needs; one per gateway.
pub(crate) struct Reception {
    pub(crate) engine: Arc<Engine>,
    pub(crate) authenticator: Authenticator,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) cancels: Arc<CancelRegistry>,
    pub(crate) sessions: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
}

/// A client that is signed in, with the place it takes.
pub(crate) struct Guest {
    pub(crate) connection: Connection,
    pub(crate) place: OwnedSemaphorePermit,
}

impl Reception {
    /// Brings a new client to a session; `None` when there is none to serve: it only wanted to cancel
    /// another, was refused, or left.
    pub(crate) async fn receive(&self, stream: Box<dyn Stream>, client: IpAddr) -> Option<Guest> {
        let mut wire = Wire::new(stream, self.shutdown.clone());
        let parameters = match self.negotiate(&mut wire).await {
            Ok(parameters) => parameters?,
            Err(failure) => {
                refuse(wire, failure).await;
                return None;
            }
        };
        match self.admit(&mut wire, client, parameters).await {
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
    async fn negotiate(&self, wire: &mut Wire) -> Result<Option<StartupParameters>, Failure> {
        let (mut tls_asked, mut gss_asked) = (false, false);
        loop {
            match read_packet(wire).await? {
                StartupPacket::Ssl if !tls_asked => {
                    tls_asked = true;
                    match &self.tls {
                        Some(acceptor) => start_tls(wire, acceptor, &self.shutdown).await?,
                        None => answer_no(wire).await?,
                    }
                }
                StartupPacket::GssEncryption if !gss_asked => {
                    gss_asked = true;
                    answer_no(wire).await?;
                }
                StartupPacket::Cancel { pid, key } => {
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
        client: IpAddr,
        parameters: StartupParameters,
    ) -> Result<(Session, CancelRegistration, OwnedSemaphorePermit), Failure> {
        let minor = parameters.minor.min(PROTOCOL_MINOR_MAX);
        if parameters.minor > minor || !parameters.protocol_options.is_empty() {
            reply::negotiate_protocol(&mut wire.out, minor, parameters.protocol_options)
                .map_err(Failure::Fatal)?;
        }
        let place = self.sessions.clone().try_acquire_owned().map_err(|_| {
            Failure::Fatal(QueryError::new(TOO_MANY_CONNECTIONS, "sorry, too many clients already"))
        })?;
        if self.authenticator.method(client) == AuthMethod::ScramSha256 {
            self.check_password(wire, &parameters.user).await?;
        }
        reply::authentication(&mut wire.out, &Authentication::Ok).map_err(Failure::Fatal)?;
        tracing::info!(role = parameters.user, database = parameters.database, "signed in");
        let principal = Principal { role: parameters.user };
        let mut session = self
            .engine
            .session(&parameters.database, principal, &parameters.settings)
            .map_err(Failure::Fatal)?;
        let cancel = self.cancels.register(minor);
        greet(wire, &mut session, &cancel).map_err(Failure::Fatal)?;
        Ok((session, cancel, place))
    }

    async fn check_password(&self, wire: &mut Wire, role: &str) -> Result<(), Failure> {
        let mechanisms = Authentication::SASL(vec![MECHANISM.to_owned()]);
        reply::authentication(&mut wire.out, &mechanisms).map_err(Failure::Fatal)?;
        let mut initial = password_message(wire).await?;
        let client_first = read_initial_response(&mut initial).map_err(Failure::Fatal)?;
        let verifier = self.authenticator.verifier(role);
        let exchange =
            Exchange::start(&client_first, role, verifier, &self.authenticator.mock_secret)
                .map_err(Failure::Fatal)?;
        let server_first = exchange.server_first().to_owned().into();
        reply::authentication(&mut wire.out, &Authentication::SASLContinue(server_first))
            .map_err(Failure::Fatal)?;
        let last = password_message(wire).await?;
        let rest = last.into_rest();
        let client_final = valid_text(&rest).map_err(Failure::Fatal)?;
        let answer = exchange.finish(client_final).map_err(Failure::Fatal)?.ok_or_else(|| {
            tracing::warn!(role, "password authentication failed");
            Failure::Fatal(QueryError::new(
                INVALID_PASSWORD,
                format!("password authentication failed for user \"{role}\""),
            ))
        })?;
        reply::authentication(&mut wire.out, &Authentication::SASLFinal(answer.into()))
            .map_err(Failure::Fatal)
    }
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

async fn start_tls(
    wire: &mut Wire,
    acceptor: &TlsAcceptor,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    if !wire.has_no_input() {
        // Bytes behind the request were sent in the clear, perhaps by a third party.
        return Err(Failure::Fatal(protocol_violation(
            "received unencrypted data after SSL request",
        )));
    }
    wire.out.extend_from_slice(b"S");
    wire.flush().await?;
    let stream = std::mem::replace(wire, Wire::closed()).into_stream();
    let encrypted = acceptor.accept(stream).await?;
    *wire = Wire::new(Box::new(encrypted), shutdown.clone());
    Ok(())
}

async fn password_message(wire: &mut Wire) -> Result<Reader, Failure> {
    let frame = wire.frame(Phase::Authentication).await?.ok_or(Failure::Gone)?;
    Ok(Reader::new(frame.body))
}

/// SASLInitialResponse: mechanism and the first message.
fn read_initial_response(reader: &mut Reader) -> Result<String, QueryError> {
    if reader.text()? != MECHANISM {
        return Err(protocol_violation("client selected an invalid SASL authentication mechanism"));
    }
    let bytes = usize::try_from(reader.i32()?)
        .map_err(|_| protocol_violation("malformed SCRAM message"))?;
    let first = reader.bytes(bytes)?;
    reader.finish()?;
    valid_text(&first).map(str::to_owned)
}

/// Tells a client that gets no session why.
async fn refuse(mut wire: Wire, failure: Failure) {
    if let Failure::Fatal(error) | Failure::Statement(error) = failure {
        tracing::info!(%error, "connection refused");
        reply::error(&mut wire.out, "FATAL", &error);
        wire.close().await;
    }
}
