//! Statements over `pg_catalog` and `information_schema`, run row by row with PostgreSQL's semantics.
//!
//! ```text
//! Query (sqlparser) ──bind, order──> QueryPlan ──exec──> rows ──> RecordBatch with PostgreSQL's types
//!                      │ names, types, overloads, outer references      ▲
//!                      └ functions::pg, catalog::pg_catalog tables ─────┘
//! ```
//!
//! Why not the planner: docs/decisions/0005-catalog-queries.md. A statement that names any other
//! relation, or uses something not known here, is given back unplanned and goes to the planner.
//!
//! Reading order: `value` → `types` → `modifier` → `text` → `cast` → `object_names` → `env` → `plan` → `bind` → `order` →
//! `exec` → `result`.

mod aggregates;
mod bind;
mod cast;
pub(crate) mod env;
mod exec;
mod modifier;
pub(crate) mod names;
mod object_names;
pub(crate) mod operator;
mod order;
mod plan;
pub(crate) mod result;
mod signature;
pub(crate) mod stored;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod types;
mod value;
mod views;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef};
use sqlparser::ast::Query;
use tokio_util::sync::CancellationToken;

pub(crate) use bind::figured;
pub(crate) use env::{Env, Fetch};
pub(crate) use value::{Interval, Row, Value};

use crate::catalog::CatalogView;
use crate::catalog::pg_catalog::builtin::BuiltinRelation;
use crate::limits::EVALUATED_ROWS_MAX;
use crate::{Parameter, PgType, QueryError, ResultColumn, SqlState};

/// Which relations beside catalogs a statement may read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reach {
    /// Tables of clients with this many rows together.
    pub(crate) stored_rows_max: usize,
    /// Chain tables, which the planner then reads for each run.
    pub(crate) has_chain: bool,
}

/// A statement over catalogs with its types resolved.
#[derive(Clone, Debug)]
pub(crate) struct CatalogQuery {
    plan: Arc<plan::QueryPlan>,
    columns: Vec<ResultColumn>,
    parameter_types: Vec<PgType>,
}

impl CatalogQuery {
    /// Plans `query` if it reads catalogs and small tables only, or no relation at all. `None` means that the
    /// planner has to take it. `declared` holds the parameter types that the client named. Tables that
    /// clients made are read, too, and chain tables, as far as `reach` goes.
    ///
    /// # Errors
    /// What PostgreSQL reports for the statement: 42703, 42P01, 42804, 22P02 and so on.
    pub(crate) fn plan(
        query: &Query,
        view: &CatalogView,
        declared: &[Option<PgType>],
        reach: Reach,
    ) -> Result<Option<Self>, QueryError> {
        let env = Env::new(view);
        match bind::bind(query, &env, declared, reach) {
            Ok(Some(bound)) => Ok(Some(Self::new(bound))),
            Ok(None) => Ok(None),
            Err(error) if is_for_planner(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`CatalogQuery::plan`], for a statement that the planner cannot run.
    ///
    /// # Errors
    /// Also 0A000 and 42883 for what is not known here.
    pub(crate) fn evaluate(
        query: &Query,
        view: &CatalogView,
        declared: &[Option<PgType>],
    ) -> Result<Self, QueryError> {
        let reach = Reach { stored_rows_max: EVALUATED_ROWS_MAX, has_chain: false };
        let bound = bind::bind(query, &Env::new(view), declared, reach)?;
        bound.map(Self::new).ok_or_else(|| unsupported("this kind of statement"))
    }

    fn new(bound: bind::Bound) -> Self {
        Self {
            columns: result::columns(&bound.plan),
            plan: Arc::new(bound.plan),
            parameter_types: bound.parameter_types,
        }
    }

    /// Why the statement is not run here.
    pub(crate) fn refusal(
        query: &Query,
        view: &CatalogView,
        declared: &[Option<PgType>],
        reach: Reach,
    ) -> Option<QueryError> {
        bind::bind(query, &Env::new(view), declared, reach).err()
    }

    /// A parameter of type `to` whose value is an expression without FROM, as EXECUTE gives it. `number` counts
    /// the parameters, from 1.
    ///
    /// # Errors
    /// 42804 for an expression of a type that may not be assigned, and what the expression reports.
    pub(crate) fn argument(
        expr: &sqlparser::ast::Expr,
        to: PgType,
        number: usize,
        view: &CatalogView,
    ) -> Result<Parameter, QueryError> {
        let env = Env::new(view);
        let bound = bind::assigned(expr, to.oid(), &env).map_err(|error| match error.state {
            SqlState::DATATYPE_MISMATCH if error.message.starts_with("cannot be coerced") => {
                QueryError { message: format!("parameter ${number} {}", error.message), ..error }
            }
            _ => error,
        })?;
        let value = exec::value(&bound, &env)?;
        Ok(match value {
            Value::Null => Parameter::Null,
            value @ (Value::Array(_) | Value::Shaped(_) | Value::Record(..)) => {
                Parameter::Text(text::output(&env, &value, to.oid()))
            }
            value => Parameter::Text(text::output_iso(&env, &value, to.oid())),
        })
    }

    /// Reads a parameter of a type whose values name objects; others are not looked at.
    ///
    /// # Errors
    /// Of the type's input function.
    pub(crate) fn check_parameter(
        view: &CatalogView,
        pg_type: PgType,
        value: &Parameter,
    ) -> Result<(), QueryError> {
        let oid = pg_type.oid();
        if !types::is_object_id(oid) || oid == types::OID {
            return Ok(());
        }
        text::from_parameter(&Env::new(view), value, oid).map(|_| ())
    }

    /// All rows of a view.
    ///
    /// # Errors
    /// 0A000 for a view over something that is not known here.
    pub(crate) fn view(
        relation: &BuiltinRelation,
        view: &CatalogView,
    ) -> Result<RecordBatch, QueryError> {
        let env = Env::new(view);
        let plan = bind::view(relation, &env)?;
        let rows = exec::run(&plan, &env, &[], &CancellationToken::new())?;
        result::batch(&env, &plan, &result::columns(&plan), &rows, false)
    }

    /// Type of `$1`, `$2`, …, declared or inferred.
    pub(crate) fn parameter_types(&self) -> &[PgType] {
        &self.parameter_types
    }

    /// Arrow types of the columns that [`CatalogQuery::run_stored`] gives without casts.
    pub(crate) fn stored_types(&self) -> Vec<DataType> {
        let columns = self.plan.columns.iter();
        columns.map(|column| stored::field_type(column.type_oid, column.modifier)).collect()
    }

    /// Runs the statement for its rows to be stored, each column cast as `casts` says.
    ///
    /// # Errors
    /// As [`CatalogQuery::run_late`], and of the casts.
    pub(crate) fn run_stored(
        &self,
        view: &CatalogView,
        parameters: &[Parameter],
        casts: &[Option<FieldRef>],
        cancel: &CancellationToken,
    ) -> Result<RecordBatch, QueryError> {
        let (env, plain) = (Env::cancellable(view, cancel), Env::plain(view));
        let parameters = result::parameters(&env, parameters, &self.parameter_types)?;
        let rows = exec::run(&self.plan, &env, &parameters, cancel)?;
        let columns = self.plan.columns.iter().enumerate().map(|(at, column)| {
            let values: Vec<&Value> = rows.iter().map(|row| &row[at]).collect();
            let cast = casts.get(at).and_then(Option::as_ref);
            stored::assigned((&env, &plain), &values, column.type_oid, cast)
        });
        result::of_arrays(columns.collect::<Result<_, _>>()?, rows.len())
    }

    /// Result columns.
    pub(crate) fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    fn run_in(
        &self,
        env: &Env<'_>,
        parameters: &[Parameter],
        cancel: &CancellationToken,
    ) -> Result<RecordBatch, QueryError> {
        let parameters = result::parameters(env, parameters, &self.parameter_types)?;
        let rows = exec::run(&self.plan, env, &parameters, cancel)?;
        result::batch(env, &self.plan, &self.columns, &rows, true)
    }

    /// Runs the statement. One batch holds all rows; it may have none. An error of the run, which comes
    /// after the columns, is inside; one of the statement's constants outside.
    ///
    /// # Errors
    /// 57014 after `cancel`, 54000 past the limits of `exec`, and what functions report.
    pub(crate) fn run_late(
        &self,
        view: &CatalogView,
        parameters: &[Parameter],
        cancel: &CancellationToken,
        fetch: Option<Arc<dyn Fetch>>,
    ) -> Result<Result<RecordBatch, QueryError>, QueryError> {
        let mut env = Env::cancellable(view, cancel);
        env.fetch = fetch;
        let error = match self.run_in(&env, parameters, cancel) {
            Ok(batch) => return Ok(Ok(batch)),
            Err(error) => error,
        };
        let values = result::parameters(&env, parameters, &self.parameter_types)?;
        if exec::is_late(&self.plan, &env, &values, cancel) { Ok(Err(error)) } else { Err(error) }
    }
}

/// Whether the planner may know what is not known here.
fn is_for_planner(error: &QueryError) -> bool {
    match error.state {
        SqlState::FEATURE_NOT_SUPPORTED => true,
        // But not a function that a literal names.
        SqlState::UNDEFINED_FUNCTION => !error.message.starts_with("function \""),
        _ => false,
    }
}

/// 0A000 for something that catalog statements do not have.
pub(crate) fn unsupported(what: impl std::fmt::Display) -> QueryError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
}

/// 42704.
pub(crate) fn undefined_object(message: String) -> QueryError {
    QueryError::new(SqlState::UNDEFINED_OBJECT, message)
}
