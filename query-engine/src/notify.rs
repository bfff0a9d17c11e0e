//! LISTEN and NOTIFY: messages from committed transactions, and news of blocks, to listening sessions.
//!
//! ```text
//! NOTIFY, pg_notify ──> Outbox (of the transaction) ──commit──> Hub ──> queue of each listener ──> Session
//! store commit ──(channel `ergo_blocks`, one message a block)────^
//! ```
//!
//! Invariants
//! - A message is delivered to the sessions of its database that listened when it was committed.
//! - Queues are bounded. A transaction that would pass a bound fails with 54000; news of blocks, which
//!   nobody can take back, are dropped for that listener, and it is told how many.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::{BlockHash, BlockNumber};
use tokio::sync::Notify;

use crate::limits::{
    CHANNELS_MAX, NOTIFY_PAYLOAD_BYTES_MAX, NOTIFY_QUEUE_BYTES_MAX, NOTIFY_QUEUE_MAX,
};
use crate::{QueryError, SqlState};

/// Channel that tells of each block that becomes visible in the session's network. Payload: a JSON
/// object with `network`, `number` and `hash`.
pub const BLOCKS_CHANNEL: &str = "ergo_blocks";

/// Bytes of a channel's name, at most.
const CHANNEL_BYTES_MAX: usize = 63;

/// A message for a listening session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Process id of the session that sent it; 0 for the server itself.
    pub sender: i32,
    /// Channel name.
    pub channel: String,
    /// Text; empty where NOTIFY names none.
    pub payload: String,
}

impl Notification {
    fn bytes(&self) -> usize {
        self.channel.len() + self.payload.len()
    }
}

/// What a transaction says, until it commits; and the channels that the session listens on.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) sender: i32,
    pub(crate) channels: BTreeSet<String>,
    messages: Vec<Notification>,
    bytes: usize,
}

impl Outbox {
    /// Adds a message; one that the transaction has said before is not said twice.
    ///
    /// # Errors
    /// 22023 for a channel or payload that is too long, 42501 for the channel of blocks, 54000 past the
    /// queue's limit.
    pub(crate) fn add(&mut self, channel: &str, payload: &str) -> Result<(), QueryError> {
        let invalid = |message| QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message);
        if channel.is_empty() {
            return Err(invalid("channel name cannot be empty"));
        }
        if channel.len() > CHANNEL_BYTES_MAX {
            return Err(invalid("channel name too long"));
        }
        if channel == BLOCKS_CHANNEL {
            // Whoever listens takes it for news of a verified block.
            return Err(QueryError::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for channel \"{BLOCKS_CHANNEL}\""),
            )
            .with_hint("Only the server tells of blocks. Choose another channel."));
        }
        if payload.len() > NOTIFY_PAYLOAD_BYTES_MAX {
            return Err(invalid("payload string too long"));
        }
        let (channel, payload) = (channel.to_owned(), payload.to_owned());
        let message = Notification { sender: self.sender, channel, payload };
        if self.messages.contains(&message) {
            return Ok(());
        }
        let bytes = self.bytes + message.bytes();
        if self.messages.len() >= NOTIFY_QUEUE_MAX || bytes > NOTIFY_QUEUE_BYTES_MAX {
            return Err(queue_full());
        }
        self.bytes = bytes;
        self.messages.push(message);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Takes back all but the first `count` messages.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.messages.truncate(count);
        self.bytes = self.messages.iter().map(Notification::bytes).sum();
    }

    pub(crate) fn take(&mut self) -> Vec<Notification> {
        self.bytes = 0;
        std::mem::take(&mut self.messages)
    }
}

fn queue_full() -> QueryError {
    QueryError::new(SqlState::PROGRAM_LIMIT, "too many notifications in the NOTIFY queue")
}

/// Listening sessions of all databases.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    listeners: Mutex<Listeners>,
}

#[derive(Debug, Default)]
struct Listeners {
    last_id: u64,
    by_id: HashMap<u64, Listener>,
}

#[derive(Debug)]
struct Listener {
    database: String,
    channels: BTreeSet<String>,
    queue: VecDeque<Notification>,
    bytes: usize,
    lost: u64,
    wake: Arc<Notify>,
}

impl Listener {
    fn hears(&self, database: &str, channel: &str) -> bool {
        self.database == database && self.channels.contains(channel)
    }

    fn has_room(&self, count: usize, bytes: usize) -> bool {
        self.queue.len() + count <= NOTIFY_QUEUE_MAX && self.bytes + bytes <= NOTIFY_QUEUE_BYTES_MAX
    }

    fn push(&mut self, message: Notification) {
        self.bytes += message.bytes();
        self.queue.push_back(message);
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers what a transaction said: all of it or, with an error, nothing.
    ///
    /// # Errors
    /// 54000 when the queue of a listener would pass its limit.
    pub(crate) fn publish(
        &self,
        database: &str,
        messages: Vec<Notification>,
    ) -> Result<(), QueryError> {
        let mut listeners = self.lock();
        for listener in listeners.by_id.values() {
            let (mut count, mut bytes) = (0, 0);
            for message in messages.iter().filter(|m| listener.hears(database, &m.channel)) {
                count += 1;
                bytes += message.bytes();
            }
            if !listener.has_room(count, bytes) {
                return Err(queue_full());
            }
        }
        for listener in listeners.by_id.values_mut() {
            let before = listener.queue.len();
            for message in &messages {
                if listener.hears(database, &message.channel) {
                    listener.push(message.clone());
                }
            }
            if listener.queue.len() > before {
                listener.wake.notify_one();
            }
        }
        Ok(())
    }

    /// Tells of blocks that have become visible in `network`.
    pub(crate) fn publish_blocks(&self, network: &str, blocks: &[(BlockNumber, BlockHash)]) {
        let mut listeners = self.lock();
        for listener in listeners.by_id.values_mut() {
            if !listener.hears(network, BLOCKS_CHANNEL) {
                continue;
            }
            for (number, hash) in blocks {
                // Names of networks are file names: nothing in them needs an escape.
                let payload = format!(
                    "{{\"network\":\"{network}\",\"number\":{number},\"hash\":\"{hash}\"}}"
                );
                let message =
                    Notification { sender: 0, channel: BLOCKS_CHANNEL.to_owned(), payload };
                if listener.has_room(1, message.bytes()) {
                    listener.push(message);
                } else {
                    listener.lost += 1;
                }
            }
            listener.wake.notify_one();
        }
    }
}

/// A session's place in the hub; dropping it ends listening.
#[derive(Debug)]
pub(crate) struct Inbox {
    hub: Arc<Hub>,
    id: u64,
    wake: Arc<Notify>,
}

impl Inbox {
    pub(crate) fn new(hub: Arc<Hub>, database: &str) -> Self {
        let wake = Arc::new(Notify::new());
        let id = {
            let mut listeners = hub.lock();
            listeners.last_id += 1;
            let id = listeners.last_id;
            let listener = Listener {
                database: database.to_owned(),
                channels: BTreeSet::new(),
                queue: VecDeque::new(),
                bytes: 0,
                lost: 0,
                wake: Arc::clone(&wake),
            };
            listeners.by_id.insert(id, listener);
            id
        };
        Self { hub, id, wake }
    }

    /// Listens on exactly these channels from now on.
    pub(crate) fn set_channels(&self, channels: BTreeSet<String>) {
        if let Some(listener) = self.hub.lock().by_id.get_mut(&self.id) {
            listener.channels = channels;
        }
    }

    /// Messages that have arrived, and how many news of blocks were lost.
    pub(crate) fn take(&self) -> (Vec<Notification>, u64) {
        let mut listeners = self.hub.lock();
        let Some(listener) = listeners.by_id.get_mut(&self.id) else { return (Vec::new(), 0) };
        listener.bytes = 0;
        (listener.queue.drain(..).collect(), std::mem::take(&mut listener.lost))
    }

    /// Done when something may have arrived.
    pub(crate) async fn arrived(&self) {
        self.wake.notified().await;
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.hub.lock().by_id.remove(&self.id);
    }
}

/// # Errors
/// 54000 past [`CHANNELS_MAX`].
pub(crate) fn check_channel_count(count: usize) -> Result<(), QueryError> {
    if count <= CHANNELS_MAX {
        return Ok(());
    }
    Err(QueryError::new(
        SqlState::PROGRAM_LIMIT,
        format!("a session can listen on {CHANNELS_MAX} channels"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(hub: &Arc<Hub>, channel: &str) -> Inbox {
        let inbox = Inbox::new(Arc::clone(hub), "net");
        inbox.set_channels(BTreeSet::from([channel.to_owned()]));
        inbox
    }

    fn message(channel: &str, payload: &str) -> Notification {
        Notification { sender: 1, channel: channel.to_owned(), payload: payload.to_owned() }
    }

    #[test]
    fn messages_reach_listeners_of_the_channel_in_the_same_database_only() {
        let hub = Arc::new(Hub::default());
        let (hears, other) = (listening(&hub, "a"), listening(&hub, "b"));
        hub.publish("net", vec![message("a", "1")]).unwrap();
        hub.publish("elsewhere", vec![message("a", "2")]).unwrap();
        assert_eq!(hears.take(), (vec![message("a", "1")], 0));
        assert_eq!(other.take().0, []);
        drop(hears);
        assert_eq!(hub.lock().by_id.len(), 1);
    }

    #[test]
    fn no_session_can_say_that_there_is_a_block() {
        let mut outbox = Outbox::default();
        let forged = outbox.add(BLOCKS_CHANNEL, "{\"number\":7}").unwrap_err();
        assert_eq!(forged.state, SqlState::INSUFFICIENT_PRIVILEGE);
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn a_full_queue_fails_the_sender_and_keeps_what_it_had() {
        let hub = Arc::new(Hub::default());
        let slow = listening(&hub, "a");
        hub.publish("net", vec![message("a", ""); NOTIFY_QUEUE_MAX]).unwrap();
        let error = hub.publish("net", vec![message("a", "")]).unwrap_err();
        assert_eq!(error.state, SqlState::PROGRAM_LIMIT);
        assert_eq!(slow.take().0.len(), NOTIFY_QUEUE_MAX);
        hub.publish("net", vec![message("a", "")]).unwrap();
    }

    #[test]
    fn news_of_blocks_past_the_limit_are_counted_as_lost() {
        let hub = Arc::new(Hub::default());
        let slow = listening(&hub, BLOCKS_CHANNEL);
        let blocks = vec![(7, BlockHash([0xab; 32])); NOTIFY_QUEUE_MAX + 2];
        hub.publish_blocks("net", &blocks);
        let (messages, lost) = slow.take();
        assert_eq!((messages.len(), lost), (NOTIFY_QUEUE_MAX, 2));
        let shown = format!(r#"{{"network":"net","number":7,"hash":"0x{}"}}"#, "ab".repeat(32));
        assert_eq!(messages[0].payload, shown);
    }

    #[test]
    fn the_payload_limit_admits_its_own_value_and_refuses_the_next() {
        let mut outbox = Outbox::default();
        outbox.add("c", &"x".repeat(NOTIFY_PAYLOAD_BYTES_MAX)).unwrap();
        let long = outbox.add("c", &"x".repeat(NOTIFY_PAYLOAD_BYTES_MAX + 1)).unwrap_err();
        assert_eq!(long.state, SqlState::INVALID_PARAMETER_VALUE);
        outbox.add("c", "same").unwrap();
        outbox.add("c", "same").unwrap();
        assert_eq!(outbox.len(), 2);
        outbox.truncate(1);
        assert_eq!(outbox.take().len(), 1);
    }

    #[test]
    fn a_session_listens_on_a_limited_number_of_channels() {
        check_channel_count(CHANNELS_MAX).unwrap();
        assert!(check_channel_count(CHANNELS_MAX + 1).is_err());
    }
}
