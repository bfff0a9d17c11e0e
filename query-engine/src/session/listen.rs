//! LISTEN, UNLISTEN and NOTIFY in a session: all take effect when their transaction commits.

use std::collections::BTreeSet;

use super::{Notice, Session, TransactionStatus};
use crate::notify::{Inbox, Notification, check_channel_count};
use crate::{Outcome, QueryError};

/// Listening of a session, and what the open transaction changes about it.
#[derive(Default)]
pub(super) struct Listening {
    /// `None` until the session has listened once.
    inbox: Option<Inbox>,
    /// Channels as of the end of the transaction; `None` where it changes nothing.
    pending: Option<BTreeSet<String>>,
    /// Messages and channels as of each savepoint.
    marks: Vec<(usize, Option<BTreeSet<String>>)>,
}

impl Session {
    /// Notifications that have arrived. Where news were lost, a warning is among the notices.
    pub fn take_notifications(&mut self) -> Vec<Notification> {
        let Some(inbox) = &self.listening.inbox else { return Vec::new() };
        let (messages, lost) = inbox.take();
        if lost > 0 {
            self.notices.push(Notice {
                severity: "WARNING",
                state: "54000",
                message: format!(
                    "{lost} notifications were lost: the NOTIFY queue of this session was full"
                ),
                detail: None,
            });
        }
        messages
    }

    /// Done when notifications may have arrived; never for a session that does not listen.
    pub async fn notified(&self) {
        match &self.listening.inbox {
            Some(inbox) => inbox.arrived().await,
            None => std::future::pending().await,
        }
    }

    /// Ends what was said outside a transaction block: gateways call it when a cycle has gone well.
    ///
    /// # Errors
    /// 54000 when a listener's queue is full; nothing is sent then.
    pub fn publish(&mut self) -> Result<(), QueryError> {
        if self.status == TransactionStatus::Idle { self.commit_notifications() } else { Ok(()) }
    }

    pub(super) fn listen(&mut self, channel: &str) -> Result<Outcome, QueryError> {
        let mut channels = self.channels();
        channels.insert(channel.to_owned());
        check_channel_count(channels.len())?;
        self.change_channels(channels);
        Ok(Outcome::Done { tag: "LISTEN".to_owned() })
    }

    /// UNLISTEN; `None` is all channels.
    pub(super) fn unlisten(&mut self, channel: Option<&str>) -> Outcome {
        let mut channels = self.channels();
        match channel {
            Some(channel) => drop(channels.remove(channel)),
            None => channels.clear(),
        }
        self.change_channels(channels);
        Outcome::Done { tag: "UNLISTEN".to_owned() }
    }

    pub(super) fn notify(&mut self, channel: &str, payload: &str) -> Result<Outcome, QueryError> {
        self.view.outbox().add(channel, payload)?;
        self.publish()?;
        Ok(Outcome::Done { tag: "NOTIFY".to_owned() })
    }

    fn channels(&self) -> BTreeSet<String> {
        match &self.listening.pending {
            Some(pending) => pending.clone(),
            None => self.view.outbox().channels.clone(),
        }
    }

    fn change_channels(&mut self, channels: BTreeSet<String>) {
        self.listening.pending = Some(channels);
        if self.status == TransactionStatus::Idle {
            self.commit_channels();
        }
    }

    fn commit_channels(&mut self) {
        let Some(channels) = self.listening.pending.take() else { return };
        let hub = self.engine.notifications();
        let inbox = self
            .listening
            .inbox
            .get_or_insert_with(|| Inbox::new(hub.clone(), &self.view.database));
        inbox.set_channels(channels.clone());
        self.view.outbox().channels = channels;
    }

    /// COMMIT: channels first, so that a session hears what it says itself.
    pub(super) fn commit_notifications(&mut self) -> Result<(), QueryError> {
        self.commit_channels();
        self.listening.marks.clear();
        let messages = self.view.outbox().take();
        if messages.is_empty() {
            return Ok(());
        }
        self.engine.notifications().publish(&self.view.database, messages)
    }

    pub(super) fn roll_back_notifications(&mut self) {
        self.listening.pending = None;
        self.listening.marks.clear();
        self.view.outbox().truncate(0);
    }

    pub(super) fn mark_notifications(&mut self) {
        let count = self.view.outbox().len();
        self.listening.marks.push((count, self.listening.pending.clone()));
    }

    /// ROLLBACK TO: `depth` savepoints are left, itself included.
    pub(super) fn roll_back_notifications_to(&mut self, depth: usize) {
        self.listening.marks.truncate(depth);
        if let Some((count, pending)) = self.listening.marks.last() {
            self.view.outbox().truncate(*count);
            self.listening.pending = pending.clone();
        }
    }

    pub(super) fn release_notifications(&mut self, depth: usize) {
        self.listening.marks.truncate(depth);
    }
}
