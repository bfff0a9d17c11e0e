//! What clients made, in a session: which state a statement sees, which locks it takes, and what becomes of
//! its changes at the end of the transaction.
//!
//! ```text
//! start of a statement ──refresh──> newest committed state under the session's own changes
//! change ──lock, refresh──> new Objects ──install──> CatalogView of the session
//! COMMIT ──> Shared::commit ──> what all sessions see;  ROLLBACK ──> Undo: the Objects of before
//! ```
//!
//! READ COMMITTED: each statement sees the newest state. REPEATABLE READ and SERIALIZABLE: the state of the
//! first statement stays, and a change of what another transaction changed since is 40001.

use std::sync::Arc;

use super::{Session, Stop, TransactionStatus};
use crate::catalog::pg_catalog;
use crate::objects::{Mode, Name, Objects};
use crate::session::plan::task_error;
use crate::{QueryError, SqlState};

impl Session {
    /// Looks at what other sessions committed, unless the transaction keeps what it saw first.
    pub(super) fn refresh(&mut self) -> Result<(), QueryError> {
        let keeps = self.keeps_snapshot();
        if keeps && std::mem::replace(&mut self.has_snapshot, true) {
            return Ok(());
        }
        let now = self.shared.committed();
        if !Arc::ptr_eq(&now, self.view.objects.committed()) {
            let objects = self.view.objects.over(now)?;
            self.set_objects(Arc::new(objects));
        }
        Ok(())
    }

    fn keeps_snapshot(&self) -> bool {
        self.status == TransactionStatus::InBlock
            && matches!(
                self.setting("transaction_isolation").as_deref(),
                Some("repeatable read" | "serializable")
            )
    }

    /// Takes the lock to change `what` in this way, and looks at what it is now.
    ///
    /// # Errors
    /// 40P01, 55P03 past `lock_timeout`, 57014; 40001 where the transaction keeps an older state.
    pub(super) async fn lock(
        &mut self,
        what: &str,
        mode: Mode,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let wait = self.shared.locks.lock(self.number, what, mode);
        let timeout = self.timeout("lock_timeout");
        let too_long = async {
            match timeout {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            locked = wait => locked?,
            error = stop.wait() => return Err(error),
            () = too_long => {
                return Err(QueryError::new(
                    SqlState("55P03"),
                    "canceling statement due to lock timeout",
                ));
            }
        }
        self.refresh()
    }

    /// Takes the lock to change a relation. Those of a temp schema need none.
    pub(super) async fn lock_relation(
        &mut self,
        name: &Name,
        mode: Mode,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        if self.view.objects.is_temp_schema(&name.schema) {
            return Ok(());
        }
        self.lock(&format!("relation {name}"), mode, stop).await?;
        if self.keeps_snapshot() && !self.view.objects.is_newest(name, &self.shared.committed()) {
            return Err(QueryError::new(
                SqlState("40001"),
                "could not serialize access due to concurrent update",
            ));
        }
        Ok(())
    }

    /// Puts `objects` in place.
    pub(super) fn install(&mut self, objects: Objects) {
        self.undo.note(&self.view.objects, self.status != TransactionStatus::Idle);
        self.set_objects(Arc::new(objects));
    }

    fn set_objects(&mut self, objects: Arc<Objects>) {
        let is_shape = objects.shape() != self.view.objects.shape();
        let mut view = (*self.view).clone();
        if is_shape {
            let system = view.relations.iter().filter(|relation| relation.owned.is_none()).cloned();
            let temp = objects.temp().map(|object| object.described(true));
            let shared = objects.shared().map(|object| object.described(false));
            view.relations = system.chain(temp).chain(shared).collect::<Vec<_>>().into();
            view.tables = Arc::default();
        }
        view.objects = objects;
        self.view = Arc::new(view);
        if is_shape {
            // Functions over catalogs hold the view that they were made with.
            pg_catalog::register(&mut self.state, &self.view);
        }
    }

    /// BEGIN: what ran before it in the same message cycle belongs to the block.
    pub(super) fn begin_objects(&mut self) {
        self.has_snapshot = false;
        self.undo.begin(&self.view.objects);
    }

    /// COMMIT, or the end of an implicit transaction: changes become durable, then all sessions see them.
    /// Where that fails they are taken back.
    ///
    /// # Errors
    /// As `Shared::commit`.
    pub(super) async fn commit_objects(&mut self) -> Result<(), QueryError> {
        let has_work = self.view.objects.has_changes() || self.view.sequences().is_dirty;
        if has_work {
            let (shared, objects) = (Arc::clone(&self.shared), Arc::clone(&self.view.objects));
            // It waits for the disk.
            let task = self.engine.runtime().spawn_blocking(move || shared.commit(&objects));
            let committed = match task.await.map_err(|error| task_error(&error)) {
                Ok(Ok(committed)) => committed,
                Ok(Err(error)) | Err(error) => {
                    self.roll_back_objects();
                    return Err(error);
                }
            };
            self.view.sequences().is_dirty = false;
            let mut settled = self.view.objects.settled(Arc::clone(&committed));
            if committed.shape() != self.view.objects.committed().shape() {
                settled.change_shape();
            }
            self.set_objects(Arc::new(settled));
        }
        self.undo.end();
        if let Some(temp) = self.view.objects.committed_temp() {
            self.set_objects(Arc::new(temp));
        }
        self.end_objects();
        Ok(())
    }

    /// ROLLBACK, explicit or not.
    pub(super) fn roll_back_objects(&mut self) {
        if let Some(before) = self.undo.end() {
            self.set_objects(before);
        }
        self.end_objects();
    }

    fn end_objects(&mut self) {
        self.has_snapshot = false;
        self.shared.locks.release(self.number);
    }

    /// ROLLBACK TO.
    pub(super) fn undo_objects_to(&mut self, savepoint: &str) {
        if let Some(before) = self.undo.rollback_to(savepoint) {
            self.set_objects(before);
        }
    }
}
