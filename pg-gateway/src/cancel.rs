//! Finds the running statement that a CancelRequest names.
//!
//! Invariants
//! - A connection is listed from sign-in until it is dropped.
//! - A request with a wrong key has no effect and gets no answer; keys are compared in constant time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use query_engine::Control;
use rand::RngCore;
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

/// Key length for clients of protocol 3.0, fixed by the protocol.
const KEY_BYTES_3_0: usize = 4;
/// Key length for clients of protocol 3.2.
const KEY_BYTES_3_2: usize = 32;

/// Connections that can be cancelled, by process id.
#[derive(Default)]
pub(crate) struct CancelRegistry {
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    last_pid: i32,
    slots: HashMap<i32, Arc<Slot>>,
}

struct Slot {
    key: Bytes,
    running: Mutex<Option<CancellationToken>>,
}

/// A connection's place in the registry; dropping it takes the connection off the list.
pub(crate) struct CancelRegistration {
    registry: Arc<CancelRegistry>,
    pid: i32,
    slot: Arc<Slot>,
}

/// What other sessions can do to a connection.
struct ConnectionControl {
    slot: Arc<Slot>,
    ending: CancellationToken,
}

impl Control for ConnectionControl {
    fn cancel(&self) {
        self.slot.cancel();
    }

    fn terminate(&self) {
        self.ending.cancel();
    }
}

impl Slot {
    /// Cancels what runs now.
    fn cancel(&self) {
        if let Some(token) = lock(&self.running).as_ref() {
            token.cancel();
        }
    }
}

impl CancelRegistry {
    /// Lists a connection of a client that speaks protocol 3.`minor`.
    pub(crate) fn register(self: &Arc<Self>, minor: u16) -> CancelRegistration {
        let mut key = vec![0; if minor >= 2 { KEY_BYTES_3_2 } else { KEY_BYTES_3_0 }];
        rand::rng().fill_bytes(&mut key);
        let slot = Arc::new(Slot { key: key.into(), running: Mutex::new(None) });
        let mut connections = lock(&self.connections);
        let pid = connections.free_pid();
        connections.slots.insert(pid, slot.clone());
        CancelRegistration { registry: self.clone(), pid, slot }
    }

    /// Cancels what connection `pid` runs now. `false` when the connection or the key is wrong.
    pub(crate) fn cancel(&self, pid: i32, key: &[u8]) -> bool {
        let Some(slot) = lock(&self.connections).slots.get(&pid).cloned() else { return false };
        if !bool::from(slot.key.ct_eq(key)) {
            return false;
        }
        slot.cancel();
        true
    }
}

impl Connections {
    /// The next positive number that no connection has.
    fn free_pid(&mut self) -> i32 {
        loop {
            self.last_pid = self.last_pid.checked_add(1).unwrap_or(1);
            if !self.slots.contains_key(&self.last_pid) {
                return self.last_pid;
            }
        }
    }
}

impl CancelRegistration {
    /// Process id for BackendKeyData.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Key for BackendKeyData.
    pub(crate) fn key(&self) -> Bytes {
        self.slot.key.clone()
    }

    /// The token of the work that runs now: made when the first statement after an idle time asks.
    pub(crate) fn running(&self) -> CancellationToken {
        lock(&self.slot.running).get_or_insert_with(CancellationToken::new).clone()
    }

    /// Stops this connection's statement, or, by `ending`, the connection.
    pub(crate) fn control(&self, ending: CancellationToken) -> Arc<dyn Control> {
        Arc::new(ConnectionControl { slot: Arc::clone(&self.slot), ending })
    }

    /// The connection is idle: a request that comes now cancels nothing.
    pub(crate) fn idle(&self) {
        lock(&self.slot.running).take();
    }
}

impl Drop for CancelRegistration {
    fn drop(&mut self) {
        lock(&self.registry.connections).slots.remove(&self.pid);
    }
}

/// The maps stay whole whatever panics beside them, so a poisoned lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_the_right_key_cancels_what_runs_now_only() {
        let registry = Arc::new(CancelRegistry::default());
        let connection = registry.register(0);
        let first = connection.running();
        assert!(registry.cancel(connection.pid(), &connection.key()));
        assert!(first.is_cancelled());

        connection.idle();
        assert!(registry.cancel(connection.pid(), &connection.key()));
        assert!(!connection.running().is_cancelled(), "the next statement is not affected");
    }

    #[test]
    fn a_wrong_key_or_a_gone_connection_cancels_nothing() {
        let registry = Arc::new(CancelRegistry::default());
        let connection = registry.register(2);
        let token = connection.running();
        let (pid, key) = (connection.pid(), connection.key());
        assert_eq!(key.len(), KEY_BYTES_3_2);
        assert!(!registry.cancel(pid, &key[..4]));
        assert!(!registry.cancel(pid + 1, &key));
        assert!(!token.is_cancelled());
        drop(connection);
        assert!(!registry.cancel(pid, &key));
    }
}
