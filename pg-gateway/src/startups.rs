//! Clients that are connected and not signed in, oldest first.
//!
//! A client that only holds a connection costs a socket and a few bytes, but there must be a limit. When it
//! is reached the oldest goes: a sign-in takes milliseconds, so the oldest is most likely one that is silent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Most clients that are connected and not signed in.
pub const STARTUPS_MAX: usize = 256;

/// The clients of one gateway.
#[derive(Clone, Default)]
pub(crate) struct Startups {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    clients: BTreeMap<u64, CancellationToken>,
}

/// One client before sign-in; dropping it takes it off the list.
pub(crate) struct Startup {
    startups: Startups,
    number: u64,
    evicted: CancellationToken,
}

impl Startups {
    /// Lists a new client; the oldest one is told to go where there would be too many.
    pub(crate) fn enter(&self) -> Startup {
        let evicted = CancellationToken::new();
        let mut waiting = self.lock();
        if waiting.clients.len() >= STARTUPS_MAX
            && let Some((_, oldest)) = waiting.clients.pop_first()
        {
            oldest.cancel();
        }
        waiting.last += 1;
        let number = waiting.last;
        waiting.clients.insert(number, evicted.clone());
        Startup { startups: self.clone(), number, evicted }
    }

    /// The list stays whole whatever panics beside it, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Startup {
    /// Done when another client needs the room.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Startup {
    fn drop(&mut self) {
        self.startups.lock().clients.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_admits_its_own_value_and_the_next_takes_the_place_of_the_oldest() {
        let startups = Startups::default();
        let mut clients: Vec<_> = (0..STARTUPS_MAX).map(|_| startups.enter()).collect();
        assert!(clients.iter().all(|client| !client.evicted.is_cancelled()));
        // One that signed in is no longer the oldest.
        drop(clients.remove(0));
        let _next = startups.enter();
        assert!(!clients[0].evicted.is_cancelled());
        let _last = startups.enter();
        assert!(clients[0].evicted.is_cancelled() && !clients[1].evicted.is_cancelled());
        assert_eq!(startups.lock().clients.len(), STARTUPS_MAX);
    }
}
