//! The listener: accepts clients, keeps the limits, stops in order.
//!
//! ```text
//! accept ──> the network thread with the fewest clients ──> serve: startup, sign-in, connection
//! ```
//!
//! A client stays on one network thread: its messages wake that thread and no other, which for short
//! statements costs more than the statements. Queries run on the engine's threads, so that network
//! threads have nothing to do for long.
//!
//! Invariants
//! - At most `connections_max` sessions and [`STARTUPS_MAX`] clients before sign-in exist at a time.
//! - Silent clients cannot keep others out: the oldest of them makes room for the next.
//! - A client that is not signed in after `startup_timeout` is dropped.
//! - After `shutdown` returns no task of the gateway runs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use query_engine::Engine;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::auth::Authenticator;
use crate::cancel::CancelRegistry;
use crate::config::GatewayConfig;
use crate::network::{NetworkThreads, Seat};
use crate::places::Places;
use crate::startup::{CANCEL_ATTEMPTS_MAX, Reception};
use crate::startups::{Startup, Startups};

/// Pause after a failed accept, which most often means that file descriptors are used up.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Silence after which the system asks whether a client is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
#[error("listen on {address}")]
pub struct StartError {
    /// Address that was asked for.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// The Postgres gateway.
pub struct Gateway;

/// A gateway that accepts clients. Dropping it stops it at once; `shutdown` lets clients know.
pub struct RunningGateway {
    local_addr: SocketAddr,
    shutdown: CancellationToken,
    acceptor: JoinHandle<()>,
}

impl Gateway {
    /// Listens and serves `engine` to clients in the background.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(
        config: GatewayConfig,
        engine: Arc<Engine>,
    ) -> Result<RunningGateway, StartError> {
        let address = config.listen;
        let failed = |source| StartError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let network = NetworkThreads::start().map_err(failed)?;
        let shutdown = CancellationToken::new();
        let authenticator = Authenticator::new(config.auth);
        let reserved = if authenticator.has_admin() { config.reserved_connections } else { 0 };
        let reception = Arc::new(Reception {
            engine,
            authenticator,
            tls: config.tls,
            cancels: Arc::new(CancelRegistry::default()),
            places: Places::new(config.connections_max, reserved),
            cancel_attempts: Semaphore::new(CANCEL_ATTEMPTS_MAX),
            shutdown: shutdown.clone(),
        });
        let limits = Limits {
            startups: Startups::default(),
            startup_timeout: config.startup_timeout,
            stop_timeout: config.stop_timeout,
        };
        tracing::info!(%local_addr, "gateway listens");
        let acceptor = tokio::spawn(accept_all(listener, network, reception, limits));
        Ok(RunningGateway { local_addr, shutdown, acceptor })
    }
}

impl RunningGateway {
    /// Address with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops accepting, ends running statements, tells every client 57P01, and waits for them to go;
    /// those still there after `stop_timeout` are dropped.
    pub async fn shutdown(mut self) {
        self.shutdown.cancel();
        if let Err(error) = (&mut self.acceptor).await {
            tracing::error!(%error, "the gateway's listener failed");
        }
    }
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        self.shutdown.cancel();
        // Drops the listener and, with its JoinSet, every connection.
        self.acceptor.abort();
    }
}

struct Limits {
    startups: Startups,
    startup_timeout: Duration,
    stop_timeout: Duration,
}

async fn accept_all(
    listener: TcpListener,
    network: NetworkThreads,
    reception: Arc<Reception>,
    limits: Limits,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = reception.shutdown.cancelled() => break,
            Some(ended) = connections.join_next() => {
                log_end(ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        // The stream leaves the event loop of this thread for that of its own.
        let moved = accepted.and_then(|(stream, client)| Ok((stream.into_std()?, client)));
        match moved {
            Ok((stream, client)) => {
                let startup = limits.startups.enter();
                let seat = network.seat();
                let thread = seat.handle.clone();
                let timeout = limits.startup_timeout;
                let serve = serve(stream, client, startup, timeout, reception.clone(), seat);
                connections.spawn_on(serve, &thread);
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(listener);
    let drained = async {
        while let Some(ended) = connections.join_next().await {
            log_end(ended)
        }
    };
    if tokio::time::timeout(limits.stop_timeout, drained).await.is_err() {
        tracing::warn!(count = connections.len(), "connections did not end in time");
        connections.shutdown().await;
    }
    if let Err(error) = tokio::task::spawn_blocking(|| network.stop()).await {
        tracing::error!(%error, "network threads did not stop");
    }
}

#[tracing::instrument(name = "connection", skip_all, fields(client = %client))]
async fn serve(
    stream: std::net::TcpStream,
    client: SocketAddr,
    startup: Startup,
    startup_timeout: Duration,
    reception: Arc<Reception>,
    _seat: Seat,
) {
    let stream = match prepare_socket(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%error, "connection lost");
            return;
        }
    };
    let receive = reception.receive(Box::new(stream), client);
    let guest = tokio::select! {
        biased;
        guest = tokio::time::timeout(startup_timeout, receive) => guest,
        () = startup.evicted() => {
            tracing::info!("made room for another client before sign-in");
            return;
        }
    };
    drop(startup);
    match guest {
        Ok(Some(guest)) => {
            // On the heap: what a session may wait for is large.
            Box::pin(guest.connection.run()).await;
            drop(guest.place);
        }
        Ok(None) => {}
        Err(_) => tracing::info!("no sign-in in time"),
    }
}

/// The stream on the event loop of this thread.
fn prepare_socket(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    let stream = TcpStream::from_std(stream)?;
    // Answers are small and complete when they are written.
    stream.set_nodelay(true)?;
    // A client whose machine is gone never closes: without this it would keep its place for ever.
    socket2::SockRef::from(&stream)
        .set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEPALIVE_IDLE))?;
    Ok(stream)
}

fn log_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection panicked");
    }
}
