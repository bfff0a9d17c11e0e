//! The engine: one per process, shared by all gateways.
//!
//! ```text
//! Engine ── store, memory pool, runtime of its own ── template of a session's state
//!    └── session(database, principal, options) ──> Session
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::execution::SessionStateDefaults;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use schemas::Clock;
use storage::Store;
use tokio::runtime::{Builder, Runtime};

use crate::activity::Activity;
use crate::apply::{self, ApplyQueryPlanner, ApplySubqueries};
use crate::catalog::{CatalogView, Sizes, chain};
use crate::error::map::query_error;
use crate::functions::aggregate::checked_aggregates;
use crate::functions::conditional::open_conditionals;
use crate::functions::lists::ordinals;
use crate::functions::quantified::open_quantifiers;
use crate::functions::series::series;
use crate::functions::units::units;
use crate::functions::{rounding, sql};
use crate::limits::{
    BATCH_ROWS_MAX, FILE_METADATA_BYTES_MAX, PLANNING_THREADS_MAX, THREAD_STACK_BYTES,
};
use crate::notify::Hub;
use crate::objects::{Objects, Shared};
use crate::session::Settings;
use crate::tables::segments::SEGMENT_STORE_URL;
use crate::types::planner::OpenOperators;
use crate::types::rule::DecideTypes;
use crate::types::rule::text::{SessionStyle, TextOfValues};
use crate::{Principal, QueryError, Session, SqlState};

/// Consumers that a message about used-up memory looks at; it goes to the log only.
const TRACKED_CONSUMERS: std::num::NonZeroUsize =
    std::num::NonZeroUsize::new(3).expect("3 is not 0");
/// Functions of DataFusion that PostgreSQL lacks and that show or make types which are not SQL's, and those
/// that give an array where PostgreSQL gives rows: an error is better than another result.
const HIDDEN_FUNCTIONS: &[&str] = &[
    "arrow_cast",
    "arrow_try_cast",
    "arrow_typeof",
    "arrow_field",
    "arrow_metadata",
    "with_metadata",
    "version",
    // Ours are bounded: a list of any length would be made in memory at once.
    "generate_series",
    "range",
];

/// Limits and threads of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Threads of the query runtime.
    pub threads: usize,
    /// Memory that all running queries may use together, bytes; past it a query fails with 53200.
    pub memory_bytes_max: usize,
}

/// Runs SQL on the networks of one store.
pub struct Engine {
    store: Store,
    template: SessionState,
    clock: Arc<dyn Clock>,
    activity: Arc<Activity>,
    /// Number of the next session: it names the session's temp schema, and holds its locks.
    sessions: AtomicU32,
    /// What clients made, by database, read when the database is first used.
    shared: Mutex<HashMap<String, Arc<Shared>>>,
    notifications: Arc<Hub>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Engine {
    /// Starts the engine and its runtime.
    ///
    /// # Errors
    /// 53000 when the system gives no threads.
    pub fn new(
        store: Store,
        config: EngineConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, QueryError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .thread_name("ergosql-query")
            .max_blocking_threads(PLANNING_THREADS_MAX)
            .thread_stack_size(THREAD_STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| {
                QueryError::new(
                    SqlState::INSUFFICIENT_RESOURCES,
                    format!("query threads were not started: {error}"),
                )
            })?;
        let template = template(&store, &config)?;
        let activity = Activity::new(Arc::clone(&clock));
        let (sessions, runtime) = (AtomicU32::new(1), Some(runtime));
        let notifications = Arc::new(Hub::default());
        let hub = Arc::downgrade(&notifications);
        store.on_commit(move |network, blocks| {
            if let Some(hub) = hub.upgrade() {
                hub.publish_blocks(network, blocks);
            }
        });
        let shared = Mutex::default();
        Ok(Arc::new(Self {
            store,
            template,
            clock,
            activity,
            sessions,
            shared,
            notifications,
            runtime,
        }))
    }

    /// Names of the databases that a client can connect to: the networks.
    pub fn databases(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.store.networks().into_iter().map(|network| network.name).collect();
        names.sort();
        names
    }

    /// Opens a session on `database`. `options` are settings from the startup packet, in order.
    ///
    /// # Errors
    /// 3D000 for an unknown database, 42704 or 22023 for a wrong setting.
    pub fn session(
        self: &Arc<Self>,
        database: &str,
        principal: Principal,
        options: &[(String, String)],
    ) -> Result<Session, QueryError> {
        let network =
            self.store.networks().into_iter().find(|network| network.name == database).ok_or_else(
                || {
                    QueryError::new(
                        SqlState::UNKNOWN_DATABASE,
                        format!("database \"{database}\" does not exist"),
                    )
                },
            )?;
        let mut settings = Settings::default();
        settings.set_fixed("session_authorization", &principal.role);
        for (name, value) in options {
            settings.set_startup(name, value)?;
        }
        let entry = self.activity.entry(&network.name, &principal.role);
        let shared = self.shared(database)?;
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let objects = Objects::new(shared.committed(), number);
        let made = objects.shared().map(|object| object.described(false));
        let relations = chain::relations(&network).iter().cloned().chain(made).collect();
        let view = CatalogView {
            database: network.name.clone(),
            databases: self.databases(),
            role: principal.role,
            may_create: principal.may_create,
            relations,
            objects: Arc::new(objects),
            sequences: Arc::default(),
            settings: Arc::new(Mutex::new(settings)),
            tables: Arc::default(),
            sizes: Sizes::of(self.store.clone()),
            entry,
            own: Arc::default(),
            outbox: Arc::default(),
        };
        let template = self.template.clone();
        Ok(Session::new(Arc::clone(self), shared, number, Arc::new(view), template))
    }

    fn shared(&self, database: &str) -> Result<Arc<Shared>, QueryError> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = shared.get(database) {
            return Ok(Arc::clone(found));
        }
        let loaded = Shared::load(&self.store, database)?;
        shared.insert(database.to_owned(), Arc::clone(&loaded));
        Ok(loaded)
    }

    pub(crate) fn notifications(&self) -> &Arc<Hub> {
        &self.notifications
    }

    /// The store whose networks it serves.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The wall clock, for functions that ask for it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The runtime of query work. Network work never runs on it, nor queries on the network's.
    pub(crate) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime is taken only in drop")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another one, and queries have nothing to finish.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn template(store: &Store, config: &EngineConfig) -> Result<SessionState, QueryError> {
    let mut session = SessionConfig::new()
        .with_target_partitions(config.threads.max(1))
        // What comes in one stream, such as a series, stays in its order, as users expect it.
        .with_round_robin_repartition(false)
        .with_batch_size(BATCH_ROWS_MAX)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let options = session.options_mut();
    options.sql_parser.parse_float_as_decimal = true;
    options.extensions.insert(SessionStyle::default());
    // now() is an instant, not a local time.
    options.execution.time_zone = Some("UTC".to_owned());
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.schema_force_view_types = false;
    let analyzer: Vec<Arc<dyn AnalyzerRule + Send + Sync>> =
        std::iter::once(Arc::new(DecideTypes) as _)
            .chain(Analyzer::new().rules)
            .chain([Arc::new(TextOfValues) as _, Arc::new(ApplySubqueries) as _])
            .collect();
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(OpenOperators)];
    planners.extend(SessionStateDefaults::default_expr_planners());
    // Tables push filters down themselves and hold back those that can fail; this rule would not.
    let mut physical = PhysicalOptimizer::new().rules;
    physical.retain(|rule| rule.name() != "FilterPushdown");
    let mut scalars = SessionStateDefaults::default_scalar_functions();
    scalars.retain(|function| !HIDDEN_FUNCTIONS.contains(&function.name()));
    let own: Vec<_> = sql::functions().into_iter().chain(rounding::functions()).collect();
    scalars.retain(|function| !own.iter().any(|own| own.name() == function.name()));
    scalars.extend(own);
    scalars.extend(open_conditionals());
    scalars.push(Arc::new(units()));
    scalars.push(Arc::new(series()));
    scalars.push(Arc::new(apply::collect()));
    scalars.push(Arc::new(ordinals()));
    scalars.extend(open_quantifiers());
    let mut aggregates = SessionStateDefaults::default_aggregate_functions();
    aggregates.retain(|function| !matches!(function.name(), "sum" | "avg"));
    aggregates.extend(checked_aggregates());
    Ok(SessionStateBuilder::new()
        .with_config(session)
        .with_runtime_env(environment(store, config)?)
        .with_analyzer_rules(analyzer)
        .with_query_planner(Arc::new(ApplyQueryPlanner))
        .with_expr_planners(planners)
        .with_physical_optimizer_rules(physical)
        .with_scalar_functions(scalars)
        .with_aggregate_functions(aggregates)
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_table_function_list(SessionStateDefaults::default_table_functions())
        .build())
}

fn environment(store: &Store, config: &EngineConfig) -> Result<Arc<RuntimeEnv>, QueryError> {
    let pool = GreedyMemoryPool::new(config.memory_bytes_max);
    // Nothing spills: a query that needs more memory fails, and no query writes a file.
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, TRACKED_CONSUMERS)))
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(FILE_METADATA_BYTES_MAX)
        .build()
        .map_err(|error| query_error(&error))?;
    let url = datafusion::datasource::object_store::ObjectStoreUrl::parse(SEGMENT_STORE_URL)
        .map_err(|error| query_error(&error))?;
    environment.register_object_store(url.as_ref(), store.object_store());
    Ok(Arc::new(environment))
}
