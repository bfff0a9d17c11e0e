//! Threads that talk to clients, each with an event loop of its own.
//!
//! A client stays on the thread that it was given to: what it sends wakes that thread and no other. Threads
//! that share their work, as those of a common runtime do, wake each other for every message, and for
//! short statements that costs more than the statements.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// Most network threads, however many cores there are.
const THREADS_MAX: usize = 16;

/// The network threads of a gateway. Dropping them stops them.
pub(crate) struct NetworkThreads {
    /// At least one.
    threads: Vec<NetworkThread>,
    stop: CancellationToken,
}

struct NetworkThread {
    handle: Handle,
    clients: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

/// A client's place on a network thread; dropping it gives the place back.
pub(crate) struct Seat {
    /// Where the client's tasks are spawned.
    pub(crate) handle: Handle,
    clients: Arc<AtomicUsize>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

impl NetworkThreads {
    /// One thread for each core, up to [`THREADS_MAX`].
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let stop = CancellationToken::new();
        let threads = (0..count).map(|_| NetworkThread::start(stop.clone()));
        Ok(Self { threads: threads.collect::<io::Result<_>>()?, stop })
    }

    /// A place on the thread that has the fewest clients.
    pub(crate) fn seat(&self) -> Seat {
        let clients = |at: &usize| self.threads[*at].clients.load(Ordering::Relaxed);
        let free = &self.threads[(0..self.threads.len()).min_by_key(clients).unwrap_or(0)];
        free.clients.fetch_add(1, Ordering::Relaxed);
        Seat { handle: free.handle.clone(), clients: Arc::clone(&free.clients) }
    }

    /// Stops the threads, with every task on them, and waits for their end.
    pub(crate) fn stop(mut self) {
        self.stop.cancel();
        for thread in std::mem::take(&mut self.threads) {
            if thread.thread.join().is_err() {
                tracing::error!("a network thread panicked");
            }
        }
    }
}

impl Drop for NetworkThreads {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl NetworkThread {
    fn start(stop: CancellationToken) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let thread = thread::Builder::new()
            .name("ergosql-network".to_owned())
            .spawn(move || runtime.block_on(stop.cancelled()))?;
        Ok(Self { handle, clients: Arc::default(), thread })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_spread_over_the_threads_and_leave_their_places() {
        let network = NetworkThreads::start().unwrap();
        let count = network.threads.len();
        let seats: Vec<_> = (0..3 * count).map(|_| network.seat()).collect();
        let clients = |network: &NetworkThreads| -> Vec<usize> {
            network.threads.iter().map(|t| t.clients.load(Ordering::Relaxed)).collect()
        };
        assert_eq!(clients(&network), vec![3; count]);
        drop(seats);
        assert_eq!(clients(&network), vec![0; count]);
        network.stop();
    }
}
