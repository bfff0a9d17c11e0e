//! Who changes what: locks on the names of relations and schemas, held to the end of a transaction.
//!
//! Reading takes no lock. Transactions that only add rows to a table share it; any other change has it
//! alone. A wait that would never end is told from the others at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{QueryError, SqlState};

/// How a transaction changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// It adds rows.
    Append,
    /// Anything else.
    Alone,
}

/// Number of a session.
pub(crate) type Holder = u32;

#[derive(Debug, Default)]
struct State {
    /// Holders by what they hold.
    held: BTreeMap<String, HashMap<Holder, Mode>>,
    /// What each waiting session waits for.
    waiting: HashMap<Holder, (String, Mode)>,
}

/// All locks of a database.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    state: Mutex<State>,
    freed: Notify,
}

impl State {
    /// Sessions that keep `holder` from having `what`.
    fn blockers(&self, holder: Holder, what: &str, mode: Mode) -> Vec<Holder> {
        let Some(held) = self.held.get(what) else { return Vec::new() };
        held.iter()
            .filter(|(other, held)| {
                **other != holder && (mode, **held) != (Mode::Append, Mode::Append)
            })
            .map(|(other, _)| *other)
            .collect()
    }

    /// Whether `holder` would wait for itself.
    fn is_deadlock(&self, holder: Holder, what: &str, mode: Mode) -> bool {
        let mut seen = vec![];
        let mut next = self.blockers(holder, what, mode);
        while let Some(other) = next.pop() {
            if other == holder {
                return true;
            }
            if seen.contains(&other) {
                continue;
            }
            seen.push(other);
            if let Some((what, mode)) = self.waiting.get(&other) {
                next.extend(self.blockers(other, what, *mode));
            }
        }
        false
    }
}

impl Locks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `holder` has the lock on `what`. The caller gives up by dropping the future.
    ///
    /// # Errors
    /// 40P01 where the wait would never end.
    pub(crate) async fn lock(
        &self,
        holder: Holder,
        what: &str,
        mode: Mode,
    ) -> Result<(), QueryError> {
        let _waiting = Waiting { locks: self, holder };
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // From here on a release is not missed.
            freed.as_mut().enable();
            {
                let mut state = self.state();
                if state.blockers(holder, what, mode).is_empty() {
                    let held = state.held.entry(what.to_owned()).or_default();
                    let own = held.entry(holder).or_insert(mode);
                    *own = (*own).max(mode);
                    return Ok(());
                }
                if state.is_deadlock(holder, what, mode) {
                    return Err(QueryError::new(SqlState("40P01"), "deadlock detected")
                        .with_detail(format!(
                            "The transaction waits for {what}, whose holder waits for it."
                        ))
                        .with_hint("See server log for query details."));
                }
                state.waiting.insert(holder, (what.to_owned(), mode));
            }
            freed.await;
        }
    }

    /// Frees everything that `holder` has.
    pub(crate) fn release(&self, holder: Holder) {
        let mut is_freed = false;
        self.state().held.retain(|_, held| {
            is_freed |= held.remove(&holder).is_some();
            !held.is_empty()
        });
        if is_freed {
            self.freed.notify_waiters();
        }
    }
}

/// Takes a session off the list of those that wait, however its wait ends.
struct Waiting<'a> {
    locks: &'a Locks,
    holder: Holder,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.locks.state().waiting.remove(&self.holder);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn additions_share_and_any_other_change_is_alone() {
        let locks = Arc::new(Locks::default());
        locks.lock(1, "t", Mode::Append).await.unwrap();
        locks.lock(2, "t", Mode::Append).await.unwrap();
        let wait = tokio::time::timeout(Duration::from_millis(20), locks.lock(3, "t", Mode::Alone));
        assert!(wait.await.is_err());
        let waiter = tokio::spawn({
            let locks = Arc::clone(&locks);
            async move { locks.lock(3, "t", Mode::Alone).await }
        });
        locks.release(1);
        locks.release(2);
        waiter.await.unwrap().unwrap();
        let wait =
            tokio::time::timeout(Duration::from_millis(20), locks.lock(1, "t", Mode::Append));
        assert!(wait.await.is_err());
    }

    #[tokio::test]
    async fn a_circle_of_waits_is_an_error_for_the_one_that_closes_it() {
        let locks = Arc::new(Locks::default());
        locks.lock(1, "a", Mode::Alone).await.unwrap();
        locks.lock(2, "b", Mode::Alone).await.unwrap();
        let waiter = tokio::spawn({
            let locks = Arc::clone(&locks);
            async move { locks.lock(1, "b", Mode::Alone).await }
        });
        while locks.state().waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(locks.lock(2, "a", Mode::Alone).await.unwrap_err().state.0, "40P01");
        locks.release(2);
        waiter.await.unwrap().unwrap();
    }
}
