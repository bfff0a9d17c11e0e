//! What holds between messages of a client: implicit transactions, and prepared statements whose tables
//! changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use super::{Prepared, Session, TransactionStatus, naming};
use crate::outcome::Stop;
use crate::session::plan::task_error;
use crate::statement::Kind;
use crate::{Outcome, Parameter, PgType, QueryError, ResultColumn, SqlState, Statement};

impl Session {
    /// From now on statements outside a block are one transaction up to [`Session::end_cycle`], as in
    /// the wire protocol up to Sync.
    pub fn start_cycles(&mut self) {
        self.has_cycles = true;
    }

    /// Commits the implicit transaction: gateways call it when a cycle has gone well. In a block, or
    /// where nothing changed, there is nothing to do.
    ///
    /// # Errors
    /// 54000 when a listener's queue is full; 40001, 23505, 53200 or 58030 when changes could not be made
    /// durable. They are undone then.
    pub async fn commit_cycle(&mut self) -> Result<(), QueryError> {
        if self.status != TransactionStatus::Idle || self.cycle_failed {
            return Ok(());
        }
        self.commit_notifications()?;
        self.commit_objects().await
    }

    /// Ends the implicit transaction: what was not committed is undone.
    pub fn end_cycle(&mut self) {
        self.cycle_failed = false;
        if self.status == TransactionStatus::Idle {
            self.roll_back_objects();
        }
    }

    /// Checks that a statement still gives the columns that it was prepared with.
    ///
    /// # Errors
    /// 0A000 when the columns are others now, 42P01 when a table is gone, 25P02 in a failed block.
    pub async fn revalidate(&mut self, prepared: &Prepared) -> Result<(), QueryError> {
        let text = Arc::clone(&prepared.statement.text);
        let result = match self.check_block(&prepared.statement) {
            Ok(()) => self.try_revalidate(prepared).await,
            Err(error) => Err(error),
        };
        self.settle(result, &text)
    }

    /// Finds, when values are bound, the errors that PostgreSQL finds then: it plans at Bind and folds
    /// constants. Only a statement of literals, operators and casts is looked at: running it twice
    /// changes nothing.
    ///
    /// # Errors
    /// Of an operator or cast on constants.
    pub async fn check_constants(
        &mut self,
        prepared: &Prepared,
        values: &[Parameter],
    ) -> Result<(), QueryError> {
        let Kind::Query(query) = &*prepared.statement.kind else { return Ok(()) };
        let is_constant = prepared.lookup.is_none() && naming::is_constant(query);
        if !is_constant || self.status == TransactionStatus::Failed {
            return Ok(());
        }
        let text = Arc::clone(&prepared.statement.text);
        let stop = Stop { cancel: CancellationToken::new(), deadline: None };
        let result = self.run_prepared(prepared, query, values, stop).await;
        let Outcome::Rows(mut rows) = self.settle(result, &text)? else { return Ok(()) };
        while let Some(batch) = rows.next().await {
            self.settle(batch, &text)?;
        }
        Ok(())
    }

    pub(super) async fn try_revalidate(&mut self, prepared: &Prepared) -> Result<(), QueryError> {
        if prepared.statement.reads() && self.status != TransactionStatus::Failed {
            // What other sessions changed since counts, too.
            self.refresh()?;
        }
        let now = self.view.objects.shape();
        let is_known = prepared.shape.load(Ordering::Relaxed) == now;
        if is_known || prepared.columns.is_none() || self.status == TransactionStatus::Failed {
            return Ok(());
        }
        let declared: Vec<_> = prepared.parameter_types.iter().copied().map(Some).collect();
        let again = self.try_prepare(prepared.statement.clone(), &declared).await?;
        let shape = |columns: &Option<Arc<[ResultColumn]>>| -> Vec<(String, PgType, i32)> {
            let columns = columns.iter().flat_map(|columns| columns.iter());
            columns.map(|c| (c.name.clone(), c.pg_type, c.type_modifier)).collect()
        };
        if shape(&prepared.columns) != shape(&again.columns) {
            // Drivers prepare the statement again when they see exactly this.
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cached plan must not change result type",
            ));
        }
        prepared.shape.store(now, Ordering::Relaxed);
        Ok(())
    }

    /// Shape of what clients made now.
    pub(super) fn shape(&self) -> Arc<AtomicU64> {
        Arc::new(AtomicU64::new(self.view.objects.shape()))
    }

    /// The last preparation of the same text, if planning it again would give the same.
    pub(super) async fn prepared_before(
        &self,
        statement: &Statement,
        declared: &[Option<PgType>],
    ) -> Result<Option<Prepared>, QueryError> {
        let Some(prepared) = self.kept().prepared(&statement.text, declared) else {
            return Ok(None);
        };
        if prepared.lookup.is_some() {
            // Its names are those of the network's own tables, unless one that a client made hides it.
            let is_same = prepared.shape.load(Ordering::Relaxed) == self.view.objects.shape();
            return Ok(is_same.then_some(prepared));
        }
        let (planner, slot) = (self.planner(), prepared.plan.clone());
        let task = self.engine.runtime().spawn_blocking(move || planner.is_current(&slot));
        // What is wrong with a table by now is told when the statement is planned again.
        let is_current = task.await.map_err(|error| task_error(&error))?.unwrap_or(false);
        Ok(is_current.then_some(prepared))
    }
}
