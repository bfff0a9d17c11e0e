//! INSERT, UPDATE and DELETE. Expressions and queries run as SELECTs of the one planner;
//! DataFusion's own path for writes is never taken.
//!
//! ```text
//! INSERT ──insert.rs──> cells, or a query ──┐
//! UPDATE, DELETE ──> SELECT row, values ────┴─> arrays of the columns' types ──> a new UserTable
//!                                                CHECK, FOREIGN KEY: constraints.rs
//!                                                RETURNING ──> SELECT over the rows that changed
//! ```

mod conflict;
mod constraints;
mod evaluated;
mod hits;

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, new_empty_array};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;
use sqlparser::ast::{Query, SelectItem, Statement as Ast};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::catalogs::{evaluated_instead, reads_evaluated};
use super::cells::{Cell, given_value};
use super::plan::write::Source;
use super::plan::{Planner, task_error};
use super::{Session, Stop};
use crate::catalog::CatalogView;
use crate::catalog_query::CatalogQuery;
use crate::error::map::{internal, query_error};
use crate::limits::NESTING_MAX;
use crate::objects::{
    ColumnType, Mode, Objects, UserColumn, UserTable, array_of, assignable, check_table_bytes,
    finished_array, trimmed,
};
use crate::statement::write::Write;
use crate::{Outcome, Parameter, PgType, QueryError, ResultColumn, SqlState};

pub(super) use conflict::NewRows;

/// Names that no client can type in a name that it also reads: the table that a write looks through,
/// and its column of row positions.
pub(super) const TARGET_TABLE: &str = "\u{1}target";
pub(super) const ROW_COLUMN: &str = "\u{1}row";

/// Types and columns of a prepared statement.
pub(super) type Described = (Arc<[PgType]>, Option<Arc<[ResultColumn]>>);

impl Session {
    /// Types of the parameters of `write` and columns of its RETURNING.
    pub(super) async fn describe_write(
        &self,
        write: &Write,
        declared: &[Option<PgType>],
    ) -> Result<Described, QueryError> {
        let types = match write {
            Write::Insert(insert) => self.describe_insert(insert, declared).await?,
            Write::Update(_) | Write::Delete(_) => {
                let hits = self.hits(write, declared)?;
                let source = self.source_on(&hits.view, &hits.query, &hits.declared).await?;
                check_assigned(&hits.table, &hits.planned, &source.columns[1..])?;
                source.parameter_types
            }
        };
        let known: Vec<_> = types.iter().copied().map(Some).collect();
        let columns = match self.returning(write)? {
            Some(query) => {
                let source = self.source(&query, &known).await?;
                if source.parameter_types.len() > types.len() {
                    return Ok((source.parameter_types.into(), Some(source.columns.into())));
                }
                Some(source.columns.into())
            }
            None => None,
        };
        Ok((types.into(), columns))
    }

    /// Runs INSERT, UPDATE or DELETE.
    pub(super) async fn run_write(
        &mut self,
        write: &Write,
        types: &Arc<[PgType]>,
        values: &[Parameter],
        stop: Stop,
    ) -> Result<Outcome, QueryError> {
        let (name, _) = write.target()?;
        let table = self.target(name, write.verb(), letter(write))?;
        let mode = match write {
            Write::Insert(insert) if insert.on.is_none() => Mode::Append,
            _ => Mode::Alone,
        };
        self.lock_relation(&table.head.full_name(), mode, &stop).await?;
        let (after, affected) = match write {
            Write::Insert(insert) => self.insert(insert, types, values, &stop).await?,
            Write::Update(_) | Write::Delete(_) => self.change(write, types, values, &stop).await?,
        };
        let count = affected.row_count();
        let mut objects = self.checked(write, &after, &affected, &stop).await?;
        let rows = match self.returning(write)? {
            Some(query) => {
                let mut shown = Objects::clone(&self.view.objects);
                shown.show(affected.clone());
                let view = self.view_with(shown);
                Some(self.rows_on(view, &query, types, values, stop, write.tag()).await?)
            }
            None => None,
        };
        // A numeric column that got wider is another Arrow type, but the same type to clients.
        match mode {
            Mode::Append => objects.put_added(after, vec![affected.rows()?])?,
            Mode::Alone => objects.put_rows(after)?,
        }
        self.install(objects);
        Ok(match rows {
            Some(rows) => Outcome::Rows(rows),
            None => Outcome::Done { tag: format!("{} {count}", write.tag()) },
        })
    }

    /// UPDATE and DELETE: the table after, and the rows that changed.
    async fn change(
        &self,
        write: &Write,
        types: &Arc<[PgType]>,
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<(UserTable, UserTable), QueryError> {
        let known: Vec<_> = types.iter().copied().map(Some).collect();
        let hits = self.hits(write, &known)?;
        let source = self.source_on(&hits.view, &hits.query, &known).await?;
        check_assigned(&hits.table, &hits.planned, &source.columns[1..])?;
        let targets: Vec<&UserColumn> =
            hits.planned.iter().map(|at| &hits.table.columns[*at]).collect();
        let time_zone = self.time_zone();
        let mut casts: Vec<Option<FieldRef>> = vec![None];
        casts.extend(
            targets
                .iter()
                .zip(&source.columns[1..])
                .map(|(target, found)| target.column_type.cast(found.pg_type, &time_zone)),
        );
        let batches = self.run_cast(&hits.view, &hits.query, types, values, casts, stop).await?;
        let mut seen = vec![false; hits.table.row_count()];
        let (mut rows, mut kept) = (Vec::new(), Vec::new());
        let ids = column_of(&batches, 0, &DataType::Int64)?;
        for (at, id) in ids.as_primitive::<Int64Type>().values().iter().enumerate() {
            let row = usize::try_from(*id).map_err(|_| internal())?;
            // A row that a join hits twice changes once, as in PostgreSQL.
            if !std::mem::replace(seen.get_mut(row).ok_or_else(internal)?, true) {
                rows.push(row);
                kept.push(u32::try_from(at).map_err(|_| internal())?);
            }
        }
        if let Write::Delete(_) = write {
            let (after, gone) = hits.table.deleted(&rows)?;
            let affected = after.with_only(gone.columns().to_vec(), gone.num_rows())?;
            return Ok((after, affected));
        }
        let kept = datafusion::arrow::array::UInt32Array::from(kept);
        let mut arrays = Vec::with_capacity(hits.sets.len());
        for (target, value) in &hits.sets {
            let column = &hits.table.columns[*target];
            arrays.push(match value {
                Cell::Planned(at) => {
                    let data_type = &column.column_type.data_type;
                    let found = column_of(&batches, at + 1, data_type)?;
                    let found = exact(&source.columns[at + 1], column, found)?;
                    datafusion::arrow::compute::take(&found, &kept, None)
                        .map_err(|error| query_error(&error.into()))?
                }
                Cell::Serial => self.serial(column, rows.len())?,
                given => {
                    let value = given_value(given, column, values, &time_zone)?;
                    array_of(vec![value; rows.len()], column)?
                }
            });
        }
        let targets: Vec<usize> = hits.sets.iter().map(|set| set.0).collect();
        let (after, changed) = hits.table.updated(&rows, &targets, arrays)?;
        let affected = after.with_only(changed.columns().to_vec(), changed.num_rows())?;
        Ok((after, affected))
    }

    /// RETURNING as a query over the table.
    fn returning(&self, write: &Write) -> Result<Option<Query>, QueryError> {
        let Some(items) = write.returning() else { return Ok(None) };
        let (name, alias) = write.target()?;
        let table = self.target(name, write.verb(), letter(write))?;
        let items: Vec<String> = items.iter().map(SelectItem::to_string).collect();
        let name = quoted(&table.head.name);
        let alias = alias.map_or_else(|| name.clone(), ToString::to_string);
        let schema = quoted(&table.head.schema);
        let sql = format!("SELECT {} FROM {schema}.{name} AS {alias}", items.join(", "));
        let mut query = parsed_query(&sql)?;
        if let sqlparser::ast::SetExpr::Select(select) = &mut *query.body
            && alias == name
            && let Some(sqlparser::ast::TableWithJoins {
                relation: sqlparser::ast::TableFactor::Table { alias, .. },
                ..
            }) = select.from.first_mut()
        {
            // Without an alias the columns keep their table in RowDescription.
            *alias = None;
        }
        Ok(Some(query))
    }

    /// The session's view with other relations, for planning only.
    pub(super) fn view_with(&self, objects: Objects) -> Arc<CatalogView> {
        Arc::new(CatalogView { objects: Arc::new(objects), ..(*self.view).clone() })
    }

    fn planner_on(&self, view: &Arc<CatalogView>) -> Planner {
        Planner { view: Arc::clone(view), ..self.planner() }
    }

    pub(super) fn time_zone(&self) -> String {
        self.view.settings().get("TimeZone").unwrap_or_else(|| "UTC".to_owned())
    }

    /// What `query` gives.
    pub(super) async fn source(
        &self,
        query: &Query,
        declared: &[Option<PgType>],
    ) -> Result<Source, QueryError> {
        self.source_on(&self.view, query, declared).await
    }

    pub(super) async fn source_on(
        &self,
        view: &Arc<CatalogView>,
        query: &Query,
        declared: &[Option<PgType>],
    ) -> Result<Source, QueryError> {
        if reads_evaluated(query, view) {
            return CatalogQuery::evaluate(query, view, declared).map(evaluated::source);
        }
        let planner = self.planner_on(view);
        let (planned, types) = (query.clone(), declared.to_vec());
        let task = self.engine.runtime().spawn_blocking(move || planner.source(&planned, &types));
        match task.await.map_err(|error| task_error(&error))? {
            Ok(source) => Ok(source),
            Err(error) => evaluated_instead(query, view, declared, error).map(evaluated::source),
        }
    }

    /// All rows of `query`, its columns cast as `casts` say.
    pub(super) async fn run_cast(
        &self,
        view: &Arc<CatalogView>,
        query: &Query,
        types: &[PgType],
        values: &[Parameter],
        casts: Vec<Option<FieldRef>>,
        stop: &Stop,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let declared: Vec<_> = types.iter().copied().map(Some).collect();
        if reads_evaluated(query, view) {
            let query = CatalogQuery::evaluate(query, view, &declared)?;
            return self.run_evaluated(view, query, values, casts, stop).await;
        }
        let planner = self.planner_on(view);
        let (planned, own) = (query.clone(), (types.to_vec(), values.to_vec(), casts.clone()));
        let handle = self.engine.runtime().handle().clone();
        let task = self.engine.runtime().spawn_blocking(move || {
            let (types, values, casts) = own;
            handle.block_on(planner.bind_cast(&planned, &types, &values, &casts))
        });
        let bound = tokio::select! {
            biased;
            error = stop.wait() => return Err(error),
            bound = task => bound.map_err(|error| task_error(&error))?,
        };
        match bound {
            Ok(physical) => self.collect(physical, stop).await,
            Err(error) => {
                let query = evaluated_instead(query, view, &declared, error)?;
                self.run_evaluated(view, query, values, casts, stop).await
            }
        }
    }

    async fn collect(
        &self,
        physical: Arc<dyn ExecutionPlan>,
        stop: &Stop,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let context = self.state.task_ctx();
        let task = self.engine.runtime().spawn(async move {
            let mut stream =
                execute_stream(physical, context).map_err(|error| query_error(&error))?;
            let (mut batches, mut size_bytes) = (Vec::new(), 0);
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(|error| query_error(&error))?;
                size_bytes += batch.get_array_memory_size();
                check_table_bytes(size_bytes)?;
                batches.push(batch);
            }
            Ok(batches)
        });
        let abort = tokio_util::task::AbortOnDropHandle::new(task);
        tokio::select! {
            biased;
            error = stop.wait() => Err(error),
            done = abort => done.map_err(|error| task_error(&error))?,
        }
    }

    /// All rows of `query` in the columns of `table`, whose types are those of the query.
    pub(super) async fn assigned_rows(
        &self,
        query: &Query,
        table: &UserTable,
        source: &Source,
        stop: &Stop,
    ) -> Result<(Vec<ArrayRef>, usize), QueryError> {
        // A column that is kept as text takes arrays of any shape.
        let casts = table.columns.iter().zip(&source.columns).map(|(column, found)| {
            let is_text_form = column.column_type.is_text_form();
            is_text_form.then(|| column.column_type.cast(found.pg_type, "")).flatten()
        });
        let casts = casts.collect();
        let batches = self.run_cast(&self.view, query, &[], &[], casts, stop).await?;
        let row_count = batches.iter().map(RecordBatch::num_rows).sum();
        let mut arrays = Vec::with_capacity(table.columns.len());
        for (at, column) in table.columns.iter().enumerate() {
            let field_type = source.fields[at].data_type();
            arrays
                .push(column_of(&batches, at, field_type).and_then(|array| plain(column, array))?);
        }
        Ok((arrays, row_count))
    }
}

/// The privilege that a write needs.
fn letter(write: &Write) -> char {
    match write {
        Write::Insert(_) => 'a',
        Write::Update(_) => 'w',
        Write::Delete(_) => 'd',
    }
}

/// A query from text that this crate wrote.
pub(crate) fn parsed_query(sql: &str) -> Result<Query, QueryError> {
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(2 * NESTING_MAX)
        .try_with_sql(sql)
        .map_err(|_| internal())?;
    match parser.parse_statement() {
        Ok(Ast::Query(query)) => Ok(*query),
        _ => Err(QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "this form of the statement is not supported",
        )),
    }
}

/// `name` as a quoted identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Column `at` of all batches.
pub(super) fn column_of(
    batches: &[RecordBatch],
    at: usize,
    empty_type: &DataType,
) -> Result<ArrayRef, QueryError> {
    let parts: Vec<&dyn datafusion::arrow::array::Array> =
        batches.iter().map(|batch| batch.column(at).as_ref()).collect();
    match parts.as_slice() {
        [] => Ok(new_empty_array(empty_type)),
        parts => concat(parts).map_err(|error| query_error(&error.into())),
    }
}

/// A result of a plan as the column stores it.
fn plain(column: &UserColumn, array: ArrayRef) -> Result<ArrayRef, QueryError> {
    if column.column_type.is_bare_numeric()
        && matches!(array.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..))
    {
        return Ok(array);
    }
    finished_array(column, array)
}

/// A value that was computed as `source` for `column`.
pub(super) fn exact(
    source: &ResultColumn,
    column: &UserColumn,
    array: ArrayRef,
) -> Result<ArrayRef, QueryError> {
    let was_float = matches!(source.pg_type, PgType::Float4 | PgType::Float8);
    let array = match was_float && column.column_type.is_bare_numeric() {
        true => trimmed(&array)?,
        false => array,
    };
    plain(column, array)
}

/// # Errors
/// 42804 for a column whose value has a type that is not assigned without a cast.
pub(super) fn check_assigned(
    table: &UserTable,
    targets: &[usize],
    found: &[ResultColumn],
) -> Result<(), QueryError> {
    for (target, source) in targets.iter().zip(found) {
        let column = &table.columns[*target];
        if !assignable(source.pg_type, column.column_type.pg_type) {
            return Err(QueryError::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{}\" is of type {} but expression is of type {}",
                    column.name,
                    column.column_type.shown(),
                    ColumnType::shown_of(source.pg_type)
                ),
            )
            .with_hint("You will need to rewrite or cast the expression."));
        }
    }
    Ok(())
}
