//! One caller: principal, settings, transaction state. One session per connection.
//!
//! ```text
//! parse ──> Statement ──prepare──> Prepared ──execute──> Outcome
//!                         │ query: plan.rs, naming.rs, parameters.rs     └ Rows
//!                         │ by key: lookup.rs; kept plans: reuse.rs, statements.rs
//!                         ├ cursors: cursors.rs; LISTEN, NOTIFY: listen.rs; EXPLAIN: explain.rs
//!                         ├ what clients make: ddl.rs, insert.rs, write.rs, copy.rs
//!                         │    seen, locked, committed: shared.rs; taken back: undo.rs, cycle.rs
//!                         └ SET, SHOW, BEGIN, …: utility.rs
//! ```
//!
//! Invariants
//! - A failed transaction block runs nothing but what ends it.
//! - Planning and queries run on the engine's threads, never on the caller's. A lookup by key whose pages
//!   are in memory is neither: it is done before a thread could be woken.

mod catalogs;
mod cells;
mod copy;
pub(crate) mod cursor;
mod cursors;
mod cycle;
mod ddl;
mod explain;
mod insert;
mod listen;
mod lists;
mod lookup;
pub(crate) mod naming;
mod notices;
mod parameters;
mod plan;
mod principal;
mod reuse;
mod settings;
mod shared;
mod statements;
mod undo;
mod utility;
mod write;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::execution::session_state::SessionState;
use datafusion::physical_plan::execute_stream;
use sqlparser::ast::Query;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use copy::folded;
pub use copy::{CopyIn, CopyRowError};
pub use cursors::CursorUse;
pub(crate) use ddl::{shown_query, view_statement};
pub(crate) use parameters::{data_type as parameter_data_type, scalar as parameter_scalar};
pub use principal::{Notice, Principal, TransactionStatus};
pub(crate) use settings::{
    CUSTOM_SETTINGS_MAX, Finality, SEARCH_PATH_DEFAULT, SETTING_BYTES_MAX, Settings,
};
pub(crate) use write::parsed_query;

use crate::activity::Backend;
use crate::catalog::{CatalogView, pg_catalog};
use crate::engine::Engine;
use crate::error::map::query_error;
use crate::error::position::locate;
use crate::key_lookup::KeyLookup;
use crate::objects::Shared;
use crate::outcome::Stop;
use crate::session::catalogs::{Route, catalog_query, names_an_object, second_chance};
use crate::session::plan::{Bound, Planner, task_error};
use crate::session::reuse::PlanSlot;
use crate::session::statements::KeptStatements;
use crate::statement::{Kind, ShowTarget};
use crate::{Outcome, Parameter, PgType, QueryError, ResultColumn, Rows, SqlState, Statement};

/// A statement whose types are known.
#[derive(Clone, Debug)]
pub struct Prepared {
    statement: Statement,
    parameter_types: Arc<[PgType]>,
    columns: Option<Arc<[ResultColumn]>>,
    /// Shared by all clones: a plan that one run makes serves the next.
    pub(crate) plan: PlanSlot,
    /// Set for a lookup by key, which needs no plan.
    pub(crate) lookup: Option<Arc<KeyLookup>>,
    /// Shape of what clients made for which this was found to hold.
    shape: Arc<AtomicU64>,
}

impl Prepared {
    /// Type of `$1`, `$2`, …, declared or inferred.
    pub fn parameter_types(&self) -> &[PgType] {
        &self.parameter_types
    }

    /// Result columns; `None` for a statement without rows.
    pub fn columns(&self) -> Option<&[ResultColumn]> {
        self.columns.as_deref()
    }
}

/// State of one connection.
pub struct Session {
    engine: Arc<Engine>,
    view: Arc<CatalogView>,
    state: SessionState,
    status: TransactionStatus,
    /// Named statements, of SQL's PREPARE and of the extended protocol. `None` has no text.
    named: BTreeMap<String, lists::Named>,
    cursors: cursors::Cursors,
    listening: listen::Listening,
    /// Lock briefly, never across an await.
    kept: Mutex<KeptStatements>,
    notices: Vec<Notice>,
    /// What clients made in this database.
    shared: Arc<Shared>,
    /// Number of the session: it holds locks under it.
    number: u32,
    undo: undo::Undo,
    /// Whether the transaction has looked at the committed state that it keeps.
    has_snapshot: bool,
    /// Statements up to [`Session::end_cycle`] are one transaction.
    has_cycles: bool,
    /// A statement of this cycle failed outside a block.
    cycle_failed: bool,
    /// The open block has run a query.
    has_queried: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.locks.release(self.number);
        self.view.entry.detach();
    }
}

impl Session {
    pub(crate) fn new(
        engine: Arc<Engine>,
        shared: Arc<Shared>,
        number: u32,
        view: Arc<CatalogView>,
        mut state: SessionState,
    ) -> Self {
        pg_catalog::register(&mut state, &view);
        Self {
            engine,
            view,
            state,
            status: TransactionStatus::Idle,
            named: BTreeMap::new(),
            cursors: cursors::Cursors::default(),
            listening: listen::Listening::default(),
            kept: Mutex::default(),
            notices: Vec::new(),
            shared,
            number,
            undo: undo::Undo::default(),
            has_snapshot: false,
            has_cycles: false,
            cycle_failed: false,
            has_queried: false,
        }
    }

    /// Splits and parses `sql`; empty text gives an empty list. Errors carry a position in `sql`.
    ///
    /// # Errors
    /// 42601 for a syntax error, 54000 and 54001 past the limits, and for a kind of statement that
    /// does not run 25006, 42501 or 0A000.
    pub fn parse(&mut self, sql: &str) -> Result<Vec<Statement>, QueryError> {
        if let Some(statement) = self.kept().statement(sql) {
            return Ok(vec![statement]);
        }
        let mut cut = Vec::new();
        let parsed = crate::statement::parse_cutting(sql, &mut cut);
        if let (Ok(statements), true) = (&parsed, cut.is_empty()) {
            self.kept().keep(sql, statements);
        }
        self.notices.extend(cut.into_iter().map(|(whole, rest)| Notice {
            severity: "NOTICE",
            state: "42622",
            message: format!("identifier \"{whole}\" will be truncated to \"{rest}\""),
            detail: None,
        }));
        parsed
    }

    /// Resolves names and types. `declared` holds the types that the client named, `None` where it
    /// left one open; missing entries are open too.
    ///
    /// # Errors
    /// What PostgreSQL reports when it analyses a statement; 25P02 in a failed block. An error fails
    /// an open transaction block.
    pub async fn prepare(
        &mut self,
        statement: Statement,
        declared: &[Option<PgType>],
    ) -> Result<Prepared, QueryError> {
        let text = Arc::clone(&statement.text);
        let result = self.try_prepare(statement, declared).await;
        self.settle(result, &text)
    }

    /// Runs a prepared statement on a snapshot taken now. Stops with 57014 when `cancel` fires or
    /// `statement_timeout` passes, also while rows are being read.
    ///
    /// # Errors
    /// What PostgreSQL reports when it runs the statement, 55G01 for a query that would span a gap,
    /// 25P02 in a failed block. An error fails an open transaction block.
    pub async fn execute(
        &mut self,
        prepared: &Prepared,
        parameters: &[Parameter],
        cancel: CancellationToken,
    ) -> Result<Outcome, QueryError> {
        let text = Arc::clone(&prepared.statement.text);
        self.view.entry.start(&text, self.setting("application_name"));
        let result = self.try_execute(prepared, parameters, cancel).await;
        let mut result = self.settle(result, &text);
        if !self.has_cycles {
            if result.is_ok() {
                let committed = self.commit_cycle().await;
                result = committed.and(result);
            }
            self.end_cycle();
        }
        result
    }

    /// Lists the session among those of this server, until it is dropped, and names it as the sender of its
    /// notifications.
    pub fn attach(&mut self, backend: Backend) {
        self.view.outbox().sender = backend.process_id;
        self.view.entry.attach(backend);
    }

    /// The session waits for its client.
    pub fn idle(&self) {
        self.view.entry.idle(self.status);
    }

    /// Transaction state after the last statement.
    pub fn transaction_status(&self) -> TransactionStatus {
        self.status
    }

    /// Marks an open transaction block, or the cycle, as failed: the gateway found an error itself.
    pub fn fail_transaction(&mut self) {
        match self.status {
            TransactionStatus::InBlock => self.status = TransactionStatus::Failed,
            TransactionStatus::Idle => {
                self.cycle_failed = true;
                self.roll_back_notifications();
            }
            TransactionStatus::Failed => {}
        }
    }

    /// Value of a setting as SHOW prints it.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.view.settings().get(name)
    }

    /// Value of a setting that is a time; `None` when it is 0 or there is no such setting.
    pub fn timeout(&self, name: &str) -> Option<std::time::Duration> {
        self.view.settings().timeout(name)
    }

    /// Changes whenever a setting may have changed, so that what follows from settings can be kept.
    pub fn settings_version(&self) -> u64 {
        self.view.settings().version()
    }

    /// Settings to report with ParameterStatus that changed since the last call; right after the
    /// session is made, all of them.
    pub fn take_reported_settings(&mut self) -> Vec<(String, String)> {
        self.view.settings().take_reported()
    }

    /// A panic of another holder leaves the map usable: each change is one step.
    fn kept(&self) -> MutexGuard<'_, KeptStatements> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle<T>(&mut self, result: Result<T, QueryError>, text: &str) -> Result<T, QueryError> {
        result.map_err(|error| {
            self.fail_transaction();
            locate(error, text)
        })
    }

    fn check_block(&self, statement: &Statement) -> Result<(), QueryError> {
        if self.status == TransactionStatus::Failed && !statement.ends_failed_block() {
            return Err(QueryError::new(
                SqlState::IN_FAILED_TRANSACTION,
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        Ok(())
    }

    /// When a statement that starts now has to stop.
    fn stop(&self, cancel: CancellationToken) -> Stop {
        let timeout = self.view.settings().statement_timeout();
        Stop { cancel, deadline: timeout.map(|timeout| Instant::now() + timeout) }
    }

    fn planner(&self) -> Planner {
        Planner::new(self.state.clone(), Arc::clone(&self.view), self.engine.store().clone())
    }

    async fn try_prepare(
        &mut self,
        statement: Statement,
        declared: &[Option<PgType>],
    ) -> Result<Prepared, QueryError> {
        self.check_block(&statement)?;
        if statement.reads() {
            self.refresh()?;
        }
        if let Some(prepared) = self.prepared_before(&statement, declared).await? {
            return Ok(prepared);
        }
        if let Kind::Query(query) = &*statement.kind
            && !names_an_object(query, &self.view)
            && let Some(lookup) = KeyLookup::of(query, &self.view, self.engine.store(), declared)
        {
            return Ok(self.prepared_lookup(statement, declared, lookup));
        }
        let none: Arc<[PgType]> = Arc::from([]);
        let mut plan = PlanSlot::default();
        let (parameter_types, columns) = match &*statement.kind {
            Kind::Query(query) | Kind::Explain { query, .. } | Kind::Declare { query, .. } => {
                let types;
                let columns;
                (types, columns, plan) = self.describe(query, declared).await?;
                match *statement.kind {
                    Kind::Explain { options, .. } => (types, Some(explain::columns(options))),
                    Kind::Declare { .. } => (types, None),
                    _ => (types, Some(columns)),
                }
            }
            Kind::Show(target) => {
                if let ShowTarget::Name(name) = target
                    && self.setting(name).is_none()
                {
                    return Err(settings::unknown(name));
                }
                (none, Some(utility::show_columns(target)))
            }
            Kind::Execute { name, .. } => {
                (none, self.named(name)?.and_then(|named| named.columns.clone()))
            }
            Kind::Fetch { name, is_move: false, .. } => (none, self.cursors.columns(name)),
            Kind::Write(write) => Box::pin(self.describe_write(write, declared)).await?,
            _ => (none, None),
        };
        let shape = self.shape();
        let prepared = Prepared { statement, parameter_types, columns, plan, lookup: None, shape };
        self.kept().keep_prepared(declared, &prepared);
        Ok(prepared)
    }

    async fn describe(
        &self,
        query: &Query,
        declared: &[Option<PgType>],
    ) -> Result<(Arc<[PgType]>, Arc<[ResultColumn]>, PlanSlot), QueryError> {
        if let Some(found) = catalog_query(query, &self.view, declared, Route::Open)? {
            let (types, columns) = (found.parameter_types().into(), found.columns().into());
            return Ok((types, columns, PlanSlot::of(Route::Evaluated)));
        }
        let planner = self.planner();
        let (asked, types) = (query.clone(), declared.to_vec());
        // Planning gets a thread of its own: it must not wait until running queries yield.
        let task = self.engine.runtime().spawn_blocking(move || planner.describe(&asked, &types));
        let described = task.await.map_err(|error| task_error(&error))?;
        let described = match described {
            Ok(described) => described,
            Err(refused) => {
                let found = second_chance(refused, query, &self.view, declared)?;
                let (types, columns) = (found.parameter_types().into(), found.columns().into());
                return Ok((types, columns, PlanSlot::of(Route::Fetched)));
            }
        };
        Ok((described.parameter_types.into(), described.columns.into(), described.plan))
    }

    async fn try_execute(
        &mut self,
        prepared: &Prepared,
        parameters: &[Parameter],
        cancel: CancellationToken,
    ) -> Result<Outcome, QueryError> {
        self.check_block(&prepared.statement)?;
        if prepared.statement.reads() {
            self.refresh()?;
        }
        let stop = self.stop(cancel);
        self.has_queried |= matches!(*prepared.statement.kind, Kind::Query(_) | Kind::Write(_));
        match &*prepared.statement.kind {
            Kind::Query(query) => self.run_prepared(prepared, query, parameters, stop).await,
            Kind::Explain { query, options } => {
                let since = Instant::now();
                let (types, plan) = (&prepared.parameter_types, &prepared.plan);
                let bound = self.bind(query, types, plan, parameters, &stop).await?;
                self.explain(bound, *options, since, stop).await
            }
            Kind::Execute { name, arguments } => {
                let Some(named) = self.named(name)? else { return Ok(Outcome::Empty) };
                self.try_revalidate(&named).await?;
                let values =
                    utility::arguments(name, arguments, &named.parameter_types, &self.view)?;
                match &*named.statement.kind {
                    Kind::Query(query) => self.run_prepared(&named, query, &values, stop).await,
                    // A named statement of the protocol may be any; it names no other statement.
                    _ => Box::pin(self.try_execute(&named, &values, stop.cancel.clone())).await,
                }
            }
            Kind::Declare { name, binary, scroll, hold, query } => {
                let (binary, scroll, hold) = (*binary, *scroll, *hold);
                let declaration = cursors::Declaration { binary, scroll, hold, query };
                self.declare(name, declaration, prepared, parameters, stop).await
            }
            Kind::Fetch { name, direction, is_move: true } => {
                self.move_cursor(name, *direction, &stop).await
            }
            Kind::Fetch { name, direction, is_move: false } => {
                self.fetch(name, *direction, stop, "FETCH").await.map(Outcome::Rows)
            }
            Kind::Commit { chain } => self.commit(*chain, &stop).await,
            Kind::Prepare { name, types, statement } => {
                self.prepare_named(name, types, statement, &prepared.statement.text).await
            }
            // In a box: statements that change something are rare, and their futures large.
            Kind::Copy(copy) => Box::pin(self.copy(copy, stop)).await,
            Kind::Write(write) => {
                let types = &prepared.parameter_types;
                Box::pin(self.run_write(write, types, parameters, stop)).await
            }
            Kind::Ddl(statement) => Box::pin(self.run_ddl(statement, &stop)).await,
            kind => self.run_utility(kind),
        }
    }

    async fn bind(
        &self,
        query: &Query,
        types: &Arc<[PgType]>,
        plan: &PlanSlot,
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<Bound, QueryError> {
        let planner = self.planner();
        let (query, values) = (query.clone(), values.to_vec());
        let (slot, types) = (plan.clone(), Arc::clone(types));
        let handle = self.engine.runtime().handle().clone();
        let task = self
            .engine
            .runtime()
            .spawn_blocking(move || handle.block_on(planner.bind(&slot, &query, &types, &values)));
        tokio::select! {
            biased;
            error = stop.wait() => Err(error),
            bound = task => bound.map_err(|error| task_error(&error))?,
        }
    }

    async fn run(
        &self,
        query: &Query,
        types: &Arc<[PgType]>,
        plan: &PlanSlot,
        values: &[Parameter],
        stop: Stop,
    ) -> Result<Outcome, QueryError> {
        let declared: Vec<_> = types.iter().copied().map(Some).collect();
        self.list_own(query);
        if let Some(found) = catalog_query(query, &self.view, &declared, plan.route())? {
            return self.run_catalog(found, values, &stop).await;
        }
        let bound = self.bind(query, types, plan, values, &stop).await?;
        let context = self.state.task_ctx();
        // Some operators start their tasks at once: they belong on the engine's threads.
        let _guard = self.engine.runtime().enter();
        let stream =
            execute_stream(bound.physical, context).map_err(|error| query_error(&error))?;
        let runtime = self.engine.runtime();
        Ok(Outcome::Rows(Rows::running(bound.columns, bound.output, stream, runtime, stop)))
    }
}
