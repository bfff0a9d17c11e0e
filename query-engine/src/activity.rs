//! Who is connected and what each session runs: `pg_stat_activity`, and stopping another session.
//!
//! ```text
//! Engine ── Activity ── entry of each session <── Session: statement, state, transaction number
//!                                             <── gateway: process id, client, how to stop it
//! ```
//!
//! Invariants
//! - A session is listed from the moment that a gateway attaches it until it is dropped.
//! - A role can see and stop only its own sessions' statements.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::Clock;

use crate::QueryError;
use crate::SqlState;
use crate::session::TransactionStatus;

/// Bytes of a statement that other sessions can see, PostgreSQL's `track_activity_query_size`.
pub(crate) const QUERY_BYTES_SHOWN_MAX: usize = 1024;

/// How a gateway stops what one of its connections does.
pub trait Control: Send + Sync {
    /// Cancels the statement that runs now, if one does.
    fn cancel(&self);
    /// Ends the connection with 57P01.
    fn terminate(&self);
}

/// What a gateway knows about the connection of a session.
pub struct Backend {
    /// Process id, as in BackendKeyData; unique among the connections of this process.
    pub process_id: i32,
    /// Address of the client; `None` where it has none.
    pub client: Option<SocketAddr>,
    /// Stops it.
    pub control: Arc<dyn Control>,
}

/// All sessions that are attached to a gateway.
pub(crate) struct Activity {
    clock: Arc<dyn Clock>,
    started_us: i64,
    last_transaction: AtomicI64,
    entries: Mutex<BTreeMap<i32, Arc<Entry>>>,
}

/// One session.
pub(crate) struct Entry {
    activity: Arc<Activity>,
    pub(crate) database: String,
    pub(crate) role: String,
    pub(crate) started_us: i64,
    state: Mutex<State>,
}

/// What changes while a session lives.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) backend: Option<Arc<Backend>>,
    pub(crate) application_name: String,
    /// Whether a statement runs now.
    pub(crate) is_active: bool,
    pub(crate) transaction: Option<TransactionStatus>,
    /// Text of the statement that runs, or ran last.
    pub(crate) query: String,
    pub(crate) query_started_us: Option<i64>,
    pub(crate) transaction_started_us: Option<i64>,
    pub(crate) changed_us: Option<i64>,
    /// Number of the open transaction, once somebody asked for it.
    transaction_number: Option<i64>,
}

impl Activity {
    /// Nobody is connected.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let started_us = clock.now_unix_us();
        let (last_transaction, entries) = (AtomicI64::default(), Mutex::default());
        Arc::new(Self { clock, started_us, last_transaction, entries })
    }

    /// The time now, microseconds since 1970.
    pub(crate) fn now_us(&self) -> i64 {
        self.clock.now_unix_us()
    }

    /// When the server started, microseconds since 1970.
    pub(crate) fn started_us(&self) -> i64 {
        self.started_us
    }

    /// An entry for a new session, which is not listed yet.
    pub(crate) fn entry(self: &Arc<Self>, database: &str, role: &str) -> Arc<Entry> {
        Arc::new(Entry {
            activity: Arc::clone(self),
            database: database.to_owned(),
            role: role.to_owned(),
            started_us: self.clock.now_unix_us(),
            state: Mutex::default(),
        })
    }

    /// The listed sessions, by process id.
    pub(crate) fn entries(&self) -> Vec<Arc<Entry>> {
        lock(&self.entries).values().cloned().collect()
    }

    fn find(&self, process_id: i64) -> Option<Arc<Entry>> {
        let process_id = i32::try_from(process_id).ok()?;
        lock(&self.entries).get(&process_id).cloned()
    }
}

impl Entry {
    /// Lists the session under its process id.
    pub(crate) fn attach(self: &Arc<Self>, backend: Backend) {
        let process_id = backend.process_id;
        lock(&self.state).backend = Some(Arc::new(backend));
        lock(&self.activity.entries).insert(process_id, Arc::clone(self));
    }

    /// Takes the session off the list.
    pub(crate) fn detach(&self) {
        if let Some(backend) = lock(&self.state).backend.take() {
            lock(&self.activity.entries).remove(&backend.process_id);
        }
    }

    /// A statement starts.
    pub(crate) fn start(&self, query: &str, application_name: Option<String>) {
        let now = self.activity.clock.now_unix_us();
        let mut state = lock(&self.state);
        state.is_active = true;
        state.application_name = application_name.unwrap_or_default();
        state.query = shown(query).to_owned();
        state.query_started_us = Some(now);
        state.transaction_started_us.get_or_insert(now);
        state.changed_us = Some(now);
    }

    /// The session waits for its client.
    pub(crate) fn idle(&self, status: TransactionStatus) {
        let mut state = lock(&self.state);
        if status == TransactionStatus::Idle {
            state.transaction_started_us = None;
            state.transaction_number = None;
        }
        if state.is_active || state.transaction != Some(status) {
            state.changed_us = Some(self.activity.clock.now_unix_us());
        }
        (state.is_active, state.transaction) = (false, Some(status));
    }

    /// The state as of now.
    pub(crate) fn state(&self) -> State {
        lock(&self.state).clone()
    }

    /// Process id; 0 for a session without a gateway.
    pub(crate) fn process_id(&self) -> i32 {
        lock(&self.state).backend.as_ref().map_or(0, |backend| backend.process_id)
    }

    /// Number of this session's transaction: the same until the transaction ends.
    pub(crate) fn transaction_number(&self) -> i64 {
        let next = || self.activity.last_transaction.fetch_add(1, Ordering::Relaxed) + 1;
        *lock(&self.state).transaction_number.get_or_insert_with(next)
    }

    /// All sessions of this server.
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// How to stop the session `process_id`, which must be of the same role; `None` where there is none.
    ///
    /// # Errors
    /// 42501 for a session of another role.
    pub(crate) fn control_of(
        &self,
        process_id: i64,
        action: &str,
    ) -> Result<Option<Arc<Backend>>, QueryError> {
        let Some(other) = self.activity.find(process_id) else { return Ok(None) };
        if other.role != self.role {
            return Err(QueryError::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied to {action}"),
            )
            .with_detail(format!(
                "Only the role that owns a session may {action}; it is of another role."
            )));
        }
        Ok(lock(&other.state).backend.clone())
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("role", &self.role).finish_non_exhaustive()
    }
}

/// The first [`QUERY_BYTES_SHOWN_MAX`] bytes, cut at a character.
fn shown(query: &str) -> &str {
    if query.len() < QUERY_BYTES_SHOWN_MAX {
        return query;
    }
    let end = (0..QUERY_BYTES_SHOWN_MAX).rev().find(|at| query.is_char_boundary(*at));
    &query[..end.unwrap_or_default()]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is one step, so a panic of another holder leaves a whole state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::SystemClock;

    struct Nothing;

    impl Control for Nothing {
        fn cancel(&self) {}
        fn terminate(&self) {}
    }

    fn attached(activity: &Arc<Activity>, process_id: i32, role: &str) -> Arc<Entry> {
        let entry = activity.entry("demo", role);
        entry.attach(Backend { process_id, client: None, control: Arc::new(Nothing) });
        entry
    }

    #[test]
    fn a_session_is_listed_from_attach_to_detach() {
        let activity = Activity::new(Arc::new(SystemClock::new()));
        let entry = attached(&activity, 7, "ann");
        assert_eq!(activity.entries().len(), 1);
        entry.detach();
        assert!(activity.entries().is_empty());
    }

    #[test]
    fn a_role_stops_only_its_own_sessions() {
        let activity = Activity::new(Arc::new(SystemClock::new()));
        let (ann, _bob) = (attached(&activity, 1, "ann"), attached(&activity, 2, "bob"));
        assert!(ann.control_of(1, "cancel query").unwrap().is_some());
        assert!(ann.control_of(9, "cancel query").unwrap().is_none());
        let refused = ann.control_of(2, "cancel query").err().unwrap();
        assert_eq!(refused.state, SqlState::INSUFFICIENT_PRIVILEGE);
    }

    #[test]
    fn a_transaction_keeps_its_number_and_the_next_one_gets_another() {
        let activity = Activity::new(Arc::new(SystemClock::new()));
        let entry = attached(&activity, 1, "ann");
        let first = entry.transaction_number();
        entry.idle(TransactionStatus::InBlock);
        assert_eq!(entry.transaction_number(), first);
        entry.idle(TransactionStatus::Idle);
        assert!(entry.transaction_number() > first);
    }

    #[test]
    fn a_long_statement_is_shown_up_to_the_limit_and_never_cut_inside_a_character() {
        let text = "é".repeat(QUERY_BYTES_SHOWN_MAX);
        let cut = shown(&text);
        assert!(cut.len() < QUERY_BYTES_SHOWN_MAX && cut.chars().all(|c| c == 'é'));
    }
}
