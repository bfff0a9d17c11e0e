//! Names in a statement → tables. Hands the planner what it asks for, and nothing else.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::{MemTable, TableFunctionArgs, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Column, DFSchema, DataFusionError, Result, TableReference};
use datafusion::datasource::ViewTable;
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, LogicalPlanBuilder, ScalarUDF, TableSource,
    WindowUDF,
};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::planner::{ParserOptions, SqlToRel};

use super::{CatalogView, chain, oid_of, pg_catalog};
use crate::error::map::query_error;
use crate::limits::NESTING_MAX;
use crate::objects::{Object, Role, Sequence, UserView};
use crate::tables::chain::ChainTable;
use crate::tables::ergo;
use crate::tables::snapshots::Snapshots;
use crate::types::planner::PgTypeNames;
use crate::{QueryError, SqlState};

/// Schema of names in the queries of views that stand for a relation by its object id: a view keeps to its
/// tables whatever they are called.
pub(crate) const OID_SCHEMA: &str = "\u{1}oid";

/// A table and its object id.
type Found = (Arc<dyn TableProvider>, u32);

/// The planner's view of one statement.
pub(crate) struct Resolver<'a> {
    state: &'a SessionState,
    view: &'a Arc<CatalogView>,
    snapshots: &'a Arc<Snapshots>,
    type_names: Arc<PgTypeNames>,
    search_path: Vec<String>,
    /// The role whose privileges count: inside a view its owner.
    role: RefCell<String>,
    /// How many views within one another are being planned.
    depth: Cell<usize>,
    /// Whether the names are those of a plan that was made, and checked, before.
    is_planned: bool,
    /// Object ids of the tables that the statement named, for RowDescription.
    oids: RefCell<HashMap<TableReference, u32>>,
    sources: RefCell<HashMap<TableReference, Arc<dyn TableSource>>>,
}

impl<'a> Resolver<'a> {
    /// A resolver for one statement.
    pub(crate) fn new(
        state: &'a SessionState,
        view: &'a Arc<CatalogView>,
        snapshots: &'a Arc<Snapshots>,
    ) -> Self {
        let time_zone = view.settings().get("TimeZone").unwrap_or_else(|| "UTC".to_owned());
        Self {
            state,
            view,
            snapshots,
            type_names: Arc::new(PgTypeNames { time_zone: time_zone.into() }),
            search_path: view.search_path(),
            role: RefCell::new(view.role.clone()),
            depth: Cell::new(0),
            is_planned: false,
            oids: RefCell::default(),
            sources: RefCell::default(),
        }
    }

    /// The same, for the tables of a plan that was made before.
    pub(crate) fn for_plan(self) -> Self {
        Self { is_planned: true, ..self }
    }

    /// Object id of a table that was found before.
    pub(crate) fn oid(&self, name: &TableReference) -> Option<u32> {
        self.oids.borrow().get(name).copied()
    }

    /// Object ids by the name that the statement used.
    pub(crate) fn into_oids(self) -> HashMap<TableReference, u32> {
        self.oids.into_inner()
    }

    fn find(&self, name: &TableReference) -> Result<Option<Found>, QueryError> {
        match name {
            TableReference::Bare { table } => {
                for schema in &self.search_path {
                    if self.check_schema(schema).is_err() {
                        continue;
                    }
                    if let Some(found) = self.in_schema(&self.view.database, schema, table)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            TableReference::Partial { schema, table } if schema.as_ref() == OID_SCHEMA => {
                let is_inside = self.is_planned || self.depth.get() > 0;
                let oid = table.parse().ok().filter(|_| is_inside);
                let object = oid.and_then(|oid| self.view.objects.by_oid(oid));
                object.map(|object| self.found(object)).transpose()
            }
            TableReference::Partial { schema, table } => {
                self.check_schema(schema)?;
                self.in_schema(&self.view.database, schema, table)
            }
            TableReference::Full { catalog, schema, table } => {
                if !self.view.databases.iter().any(|database| database == catalog.as_ref()) {
                    return Err(QueryError::new(
                        SqlState::UNKNOWN_DATABASE,
                        format!("database \"{catalog}\" does not exist"),
                    )
                    .about(catalog.as_ref()));
                }
                self.in_schema(catalog, schema, table)
            }
        }
    }

    fn in_schema(
        &self,
        database: &str,
        schema: &str,
        table: &str,
    ) -> Result<Option<Found>, QueryError> {
        match schema {
            "chain" => {
                let snapshot = self.snapshots.of(database)?;
                let specs = chain::tables(&snapshot.network().family);
                let Some(index) = specs.iter().position(|spec| spec.name == table) else {
                    return Ok(None);
                };
                let snapshots = Arc::clone(self.snapshots);
                let provider = ChainTable::new(specs[index], index, snapshots, snapshot);
                Ok(Some((Arc::new(provider), oid_of(database, schema, table))))
            }
            "ergo" => {
                let provider = ergo::provider(table, self.view, self.snapshots)?;
                Ok(provider.map(|found| (found, oid_of(database, schema, table))))
            }
            "pg_catalog" | "information_schema" => {
                let provider = pg_catalog::table(schema, table, self.view);
                Ok(provider.map(|found| (found, pg_catalog::table_oid(schema, table))))
            }
            schema if database == self.view.database => {
                let object = self.view.objects.get(schema, table);
                object.map(|object| self.found(object)).transpose()
            }
            _ => Ok(None),
        }
    }

    /// # Errors
    /// 42501 for a schema that the role may not use.
    fn check_schema(&self, name: &str) -> Result<(), QueryError> {
        let Some(schema) = self.view.objects.schema(name) else { return Ok(()) };
        let role = self.role.borrow();
        let may_create = self.view.may_create && *role == self.view.role;
        Role { name: &role, may_create }.check(&schema.head, 'U', "schema")
    }

    /// A relation that a client made, for a role that may read it.
    fn found(&self, object: &Object) -> Result<Found, QueryError> {
        let head = object.head();
        if !self.is_planned {
            let role = self.role.borrow();
            Role { name: &role, may_create: false }.check(head, 'r', object.kind())?;
        }
        let provider: Arc<dyn TableProvider> = match object {
            Object::Table(table) if table.is_evaluated() => {
                return Err(QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("this kind of statement over table \"{}\" is not supported", head.name),
                )
                .with_detail("It has a column whose values are kept as text."));
            }
            Object::Table(table) => table.provider()?,
            Object::Sequence(sequence) => sequence_row(sequence)?,
            Object::View(view) => {
                let plan = self.view_plan(view).map_err(|error| query_error(&error))?;
                Arc::new(ViewTable::new(plan, None))
            }
        };
        Ok((provider, head.oid))
    }

    /// The query of a view, with the columns that the view has.
    fn view_plan(&self, view: &UserView) -> Result<LogicalPlan> {
        let depth = self.depth.get();
        if depth >= NESTING_MAX {
            return Err(QueryError::new(
                SqlState("42P17"),
                format!("infinite recursion detected in rules for relation \"{}\"", view.head.name),
            )
            .into());
        }
        let statement = crate::session::view_statement(view, self.view)?;
        self.depth.set(depth + 1);
        let outer = self.role.replace(view.head.owner.clone());
        let planned =
            SqlToRel::new_with_options(self, parser_options()).sql_statement_to_plan(statement);
        self.role.replace(outer);
        self.depth.set(depth);
        let plan = planned?;
        if plan.schema().fields().len() != view.columns.len() {
            return Err(QueryError::new(
                SqlState::INTERNAL_ERROR,
                format!("view \"{}\" has other columns than its query", view.head.name),
            )
            .into());
        }
        let exprs: Vec<Expr> = view
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                Expr::Column(Column::from(plan.schema().qualified_field(at))).alias(&*column.name)
            })
            .collect();
        LogicalPlanBuilder::from(plan).project(exprs)?.build()
    }
}

/// The row that a query of a sequence sees.
fn sequence_row(sequence: &Sequence) -> Result<Arc<dyn TableProvider>, QueryError> {
    let place = *sequence.counter.place();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![place.last])),
        Arc::new(Int64Array::from(vec![0])),
        Arc::new(BooleanArray::from(vec![place.is_called])),
    ];
    let names = ["last_value", "log_cnt", "is_called"];
    let batch = RecordBatch::try_from_iter(names.into_iter().zip(arrays))
        .map_err(|error| query_error(&error.into()))?;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]])
        .map_err(|error| query_error(&error))?;
    Ok(Arc::new(table))
}

/// How the planner reads SQL.
pub(crate) fn parser_options() -> ParserOptions {
    ParserOptions::new().with_parse_float_as_decimal(true).with_map_string_types_to_utf8view(false)
}

/// The name as PostgreSQL writes it in messages.
fn shown(name: &TableReference) -> String {
    match name {
        TableReference::Bare { table } => table.to_string(),
        TableReference::Partial { schema, table } => format!("{schema}.{table}"),
        TableReference::Full { catalog, schema, table } => format!("{catalog}.{schema}.{table}"),
    }
}

impl ContextProvider for Resolver<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        if let Some(source) = self.sources.borrow().get(&name) {
            return Ok(Arc::clone(source));
        }
        let Some((provider, oid)) = self.find(&name)? else {
            let shown = shown(&name);
            return Err(QueryError::new(
                SqlState::UNDEFINED_TABLE,
                format!("relation \"{shown}\" does not exist"),
            )
            .about(shown)
            .into());
        };
        let source = provider_as_source(provider);
        self.oids.borrow_mut().insert(name.clone(), oid);
        self.sources.borrow_mut().insert(name, Arc::clone(&source));
        Ok(source)
    }

    fn get_table_function_source(
        &self,
        name: &str,
        args: Vec<Expr>,
    ) -> Result<Arc<dyn TableSource>> {
        let Some(function) = self.state.table_functions().get(name) else {
            return Err(DataFusionError::Plan(format!("table function '{name}' not found")));
        };
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.state.config_options()))
            .build();
        let simplifier = ExprSimplifier::new(context);
        let schema = DFSchema::empty();
        let args = args
            .into_iter()
            .map(|arg| {
                let arg = crate::types::rule::decide_constant(arg)?;
                simplifier.coerce(arg, &schema).and_then(|arg| simplifier.simplify(arg))
            })
            .collect::<Result<Vec<_>>>()?;
        let args = TableFunctionArgs::new(&args, self.state);
        Ok(provider_as_source(function.create_table_provider_with_args(args)?))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::clone(&self.type_names) as Arc<dyn TypePlanner>)
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
