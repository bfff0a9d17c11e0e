//! Lookups by key in a session: prepared without a plan, run where they are called when memory has all.

use std::sync::Arc;

use sqlparser::ast::Query;
use storage::Reach;

use super::catalogs::names_an_object;
use super::reuse::PlanSlot;
use super::{Prepared, Session, Statement};
use crate::key_lookup::{KeyLookup, LookupRun};
use crate::outcome::Stop;
use crate::session::plan::task_error;
use crate::{Outcome, Parameter, PgType, QueryError, Rows};

impl Session {
    /// The statement that `lookup` was made from; the planner may still have to run some of its values.
    pub(super) fn prepared_lookup(
        &self,
        statement: Statement,
        declared: &[Option<PgType>],
        lookup: KeyLookup,
    ) -> Prepared {
        let prepared = Prepared {
            statement,
            parameter_types: lookup.parameter_types().into(),
            columns: Some(Arc::clone(lookup.columns())),
            plan: PlanSlot::default(),
            lookup: Some(Arc::new(lookup)),
            shape: self.shape(),
        };
        self.kept().keep_prepared(declared, &prepared);
        prepared
    }

    /// Runs the query of `prepared`, in the short way if it is a lookup.
    pub(super) async fn run_prepared(
        &self,
        prepared: &Prepared,
        query: &Query,
        values: &[Parameter],
        stop: Stop,
    ) -> Result<Outcome, QueryError> {
        if let Some(lookup) = &prepared.lookup
            && !names_an_object(query, &self.view)
            && let Some(rows) = self.look_up(lookup, values, &stop).await?
        {
            return Ok(Outcome::Rows(rows));
        }
        self.run(query, &prepared.parameter_types, &prepared.plan, values, stop).await
    }

    /// Rows of a lookup; `None` when the planner has to find them.
    async fn look_up(
        &self,
        lookup: &Arc<KeyLookup>,
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<Option<Rows>, QueryError> {
        if stop.cancel.is_cancelled() {
            return Err(stop.wait().await);
        }
        let run = match lookup.run(self.engine.store(), &self.view, values, Reach::Memory)? {
            LookupRun::NotInMemory => self.look_up_on_disk(lookup, values, stop).await?,
            run => run,
        };
        Ok(match run {
            LookupRun::Batch(batch) => {
                Some(Rows::ready(Arc::clone(lookup.columns()), "SELECT", batch))
            }
            LookupRun::NotInMemory | LookupRun::ForPlanner => None,
        })
    }

    /// The same on a thread that may wait for the disk.
    async fn look_up_on_disk(
        &self,
        lookup: &Arc<KeyLookup>,
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<LookupRun, QueryError> {
        let (lookup, view) = (Arc::clone(lookup), Arc::clone(&self.view));
        let (store, values) = (self.engine.store().clone(), values.to_vec());
        let work = move || lookup.run(&store, &view, &values, Reach::Disk);
        let task = self.engine.runtime().spawn_blocking(work);
        tokio::select! {
            biased;
            error = stop.wait() => Err(error),
            run = task => run.map_err(|error| task_error(&error))?,
        }
    }
}
