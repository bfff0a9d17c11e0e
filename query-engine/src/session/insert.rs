//! INSERT: values that need no plan, expressions that do, and queries.
//!
//! A literal, NULL or parameter goes straight to its column's input, so that many small INSERTs plan
//! nothing. Everything else becomes a column of a SELECT.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::scalar::ScalarValue;
use sqlparser::ast::{Expr, Insert, OnInsert, Query, SelectItem, SetExpr, TableObject, Value};

use super::cells::{Cell, cell_of, given_value};
use super::copy::folded;
use super::ddl::undefined_column_of;
use super::write::{NewRows, check_assigned, column_of, exact, parsed_query};
use super::{Session, Stop};
use crate::error::map::{internal, query_error};
use crate::objects::{UserColumn, UserDefault, UserTable, array_of, cell};
use crate::{Parameter, PgType, QueryError, ResultColumn, SqlState};

/// Expressions that one SELECT computes; a statement with more plans several.
const EXPRESSIONS_PER_QUERY: usize = 200;

/// Where rows come from.
enum InsertSource {
    /// One cell per column of the table in each row.
    Cells { rows: Vec<Vec<Cell>>, exprs: Vec<Expr>, targets: Vec<usize> },
    /// One column of the query per target.
    Query { query: Box<Query>, targets: Vec<usize>, literals: Vec<bool> },
}

struct InsertPlan {
    table: Arc<UserTable>,
    source: InsertSource,
    declared: Vec<Option<PgType>>,
}

impl Session {
    /// Types of the parameters of an INSERT.
    pub(super) async fn describe_insert(
        &self,
        insert: &Insert,
        declared: &[Option<PgType>],
    ) -> Result<Vec<PgType>, QueryError> {
        let plan = self.insert_plan(insert, declared)?;
        let mut types = plan.declared.clone();
        match &plan.source {
            InsertSource::Cells { exprs, targets, .. } => {
                let parts = exprs.chunks(EXPRESSIONS_PER_QUERY);
                for (part, targets) in parts.zip(targets.chunks(EXPRESSIONS_PER_QUERY)) {
                    let source = self.source(&select(part, "")?, &types).await?;
                    check_assigned(&plan.table, targets, &source.columns)?;
                    types = source.parameter_types.into_iter().map(Some).collect();
                }
            }
            InsertSource::Query { query, targets, literals } => {
                let source = self.source(query, &types).await?;
                check_query(&plan.table, insert, targets, literals, &source.columns)?;
                types = source.parameter_types.into_iter().map(Some).collect();
            }
        }
        types
            .into_iter()
            .enumerate()
            .map(|(at, found)| {
                found.ok_or_else(|| {
                    QueryError::new(
                        SqlState::INDETERMINATE_DATATYPE,
                        format!("could not determine data type of parameter ${}", at + 1),
                    )
                })
            })
            .collect()
    }

    /// The table after an INSERT, and the rows that are new or, by ON CONFLICT, changed.
    pub(super) async fn insert(
        &self,
        insert: &Insert,
        types: &[PgType],
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<(UserTable, UserTable), QueryError> {
        let known: Vec<_> = types.iter().copied().map(Some).collect();
        let plan = self.insert_plan(insert, &known)?;
        let table = UserTable::clone(&plan.table);
        let (arrays, row_count) = match plan.source {
            InsertSource::Cells { rows, exprs, targets } => {
                let planned = self.planned(&table, &exprs, &targets, types, values, stop).await?;
                let row_count = rows.len();
                (self.cell_arrays(&table, &rows, &planned, values)?, row_count)
            }
            InsertSource::Query { query, targets, literals } => {
                let source = self.source(&query, &known).await?;
                check_query(&table, insert, &targets, &literals, &source.columns)?;
                let time_zone = self.time_zone();
                let casts = targets
                    .iter()
                    .zip(&source.columns)
                    .zip(&literals)
                    .map(|((target, found), is_literal)| match is_literal {
                        true => None,
                        false => table.columns[*target].column_type.cast(found.pg_type, &time_zone),
                    })
                    .collect();
                let view = Arc::clone(&self.view);
                let batches = self.run_cast(&view, &query, types, values, casts, stop).await?;
                let row_count = batches.iter().map(RecordBatch::num_rows).sum();
                let mut arrays: Vec<Option<ArrayRef>> = vec![None; table.columns.len()];
                for (at, target) in targets.iter().enumerate().take(source.columns.len()) {
                    let column = &table.columns[*target];
                    let found = column_of(&batches, at, &column.column_type.data_type)?;
                    arrays[*target] = Some(match literals[at] {
                        true => from_texts(&found, column, &time_zone)?,
                        false => exact(&source.columns[at], column, found)?,
                    });
                }
                (self.filled(&table, arrays, row_count, stop).await?, row_count)
            }
        };
        if let Some(OnInsert::OnConflict(on_conflict)) = &insert.on {
            let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
            let new = NewRows { alias, arrays, row_count };
            return self.insert_or(&table, on_conflict, new, types, values, stop).await;
        }
        let after = table.appended(arrays.clone(), row_count, &mut None)?;
        let affected = after.with_only(arrays, row_count)?;
        Ok((after, affected))
    }

    /// Arrays of all columns: those given, and defaults for the others.
    pub(super) async fn filled(
        &self,
        table: &UserTable,
        arrays: Vec<Option<ArrayRef>>,
        row_count: usize,
        stop: &Stop,
    ) -> Result<Vec<ArrayRef>, QueryError> {
        let missing: Vec<usize> = (0..arrays.len()).filter(|at| arrays[*at].is_none()).collect();
        let columns: Vec<UserColumn> =
            missing.iter().map(|at| table.columns[*at].clone()).collect();
        let mut defaults = self.default_arrays(&columns, row_count, stop).await?.into_iter();
        arrays
            .into_iter()
            .map(|array| array.or_else(|| defaults.next()).ok_or_else(internal))
            .collect()
    }

    /// `row_count` defaults of each of `columns`.
    pub(super) async fn default_arrays(
        &self,
        columns: &[UserColumn],
        row_count: usize,
        stop: &Stop,
    ) -> Result<Vec<ArrayRef>, QueryError> {
        let mut exprs = Vec::new();
        let cells = columns
            .iter()
            .map(|column| Cell::of_default(column, &mut exprs))
            .collect::<Result<Vec<_>, _>>()?;
        let planned: Vec<&UserColumn> = columns
            .iter()
            .zip(&cells)
            .filter(|(_, cell)| matches!(cell, Cell::Planned(_)))
            .map(|(column, _)| column)
            .collect();
        let time_zone = self.time_zone();
        let mut computed = Vec::new();
        if !exprs.is_empty() {
            // One row each, so that a volatile default is another value in each row.
            let query = select(&exprs, &format!(" FROM generate_series(1, {row_count})"))?;
            let source = self.source(&query, &[]).await?;
            let casts = planned
                .iter()
                .zip(&source.columns)
                .map(|(column, found)| column.column_type.cast(found.pg_type, &time_zone))
                .collect();
            let batches = self.run_cast(&self.view, &query, &[], &[], casts, stop).await?;
            for (at, column) in planned.iter().enumerate() {
                let found = column_of(&batches, at, &column.column_type.data_type)?;
                computed.push(exact(&source.columns[at], column, found)?);
            }
        }
        cells
            .iter()
            .zip(columns)
            .map(|(value, column)| match value {
                Cell::Planned(at) => computed.get(*at).cloned().ok_or_else(internal),
                Cell::Serial => self.serial(column, row_count),
                Cell::Given(Parameter::Null) => {
                    Ok(new_null_array(&column.column_type.data_type, row_count))
                }
                given => {
                    let value = given_value(given, column, &[], &time_zone)?;
                    array_of(vec![value; row_count], column)
                }
            })
            .collect()
    }

    /// Checks that the defaults of `columns` can be planned.
    pub(super) async fn check_defaults(
        &self,
        columns: &[UserColumn],
        stop: &Stop,
    ) -> Result<(), QueryError> {
        self.default_arrays(columns, 0, stop).await.map(drop)
    }

    fn insert_plan(
        &self,
        insert: &Insert,
        declared: &[Option<PgType>],
    ) -> Result<InsertPlan, QueryError> {
        let TableObject::TableName(name) = &insert.table else { return Err(internal()) };
        let table = self.target(name, "INSERT", 'a')?;
        let mut declared = declared.to_vec();
        let targets = targets(insert, &table)?;
        let source = match insert.source.as_deref() {
            None => {
                let mut exprs = Vec::new();
                let row = table
                    .columns
                    .iter()
                    .map(|column| Cell::of_default(column, &mut exprs))
                    .collect::<Result<Vec<_>, _>>()?;
                let targets = planned_columns(std::slice::from_ref(&row));
                InsertSource::Cells { rows: vec![row], exprs, targets }
            }
            Some(Query {
                body,
                with: None,
                order_by: None,
                limit_clause: None,
                fetch: None,
                ..
            }) if matches!(**body, SetExpr::Values(_)) => {
                let SetExpr::Values(values) = &**body else { return Err(internal()) };
                let rows: Vec<&[Expr]> =
                    values.rows.iter().map(|row| row.content.as_slice()).collect();
                cells(&table, &targets, insert, &rows, &mut declared)?
            }
            Some(query) => {
                let literals = literals(query, &table, &targets, &mut declared);
                InsertSource::Query { query: Box::new(query.clone()), targets, literals }
            }
        };
        Ok(InsertPlan { table, source, declared })
    }

    /// The value of each of `exprs`, which are for the columns `targets`.
    async fn planned(
        &self,
        table: &UserTable,
        exprs: &[Expr],
        targets: &[usize],
        types: &[PgType],
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<Vec<ScalarValue>, QueryError> {
        let known: Vec<_> = types.iter().copied().map(Some).collect();
        let time_zone = self.time_zone();
        let mut found = Vec::with_capacity(exprs.len());
        let parts = exprs.chunks(EXPRESSIONS_PER_QUERY);
        for (part, targets) in parts.zip(targets.chunks(EXPRESSIONS_PER_QUERY)) {
            let query = select(part, "")?;
            let source = self.source(&query, &known).await?;
            check_assigned(table, targets, &source.columns)?;
            let casts = targets
                .iter()
                .zip(&source.columns)
                .map(|(at, from)| table.columns[*at].column_type.cast(from.pg_type, &time_zone))
                .collect();
            let batches = self.run_cast(&self.view, &query, types, values, casts, stop).await?;
            for (at, target) in targets.iter().enumerate() {
                let column = &table.columns[*target];
                let array = column_of(&batches, at, &column.column_type.data_type)?;
                let array = exact(&source.columns[at], column, array)?;
                let value = ScalarValue::try_from_array(&array, 0);
                found.push(value.map_err(|error| query_error(&error))?);
            }
        }
        Ok(found)
    }

    fn cell_arrays(
        &self,
        table: &UserTable,
        rows: &[Vec<Cell>],
        planned: &[ScalarValue],
        values: &[Parameter],
    ) -> Result<Vec<ArrayRef>, QueryError> {
        let time_zone = self.time_zone();
        let mut arrays = Vec::with_capacity(table.columns.len());
        for (at, column) in table.columns.iter().enumerate() {
            let mut cells = Vec::with_capacity(rows.len());
            for row in rows {
                cells.push(match &row[at] {
                    Cell::Planned(number) => planned.get(*number).cloned().ok_or_else(internal)?,
                    Cell::Serial => {
                        cell(&Parameter::Int(self.next_value(column)?), column, &time_zone)?
                    }
                    given => given_value(given, column, values, &time_zone)?,
                });
            }
            arrays.push(array_of(cells, column)?);
        }
        Ok(arrays)
    }
}

/// `exprs` as the select list of a query.
fn select(exprs: &[Expr], tail: &str) -> Result<Query, QueryError> {
    let list: Vec<String> = exprs.iter().map(Expr::to_string).collect();
    parsed_query(&format!("SELECT {}{tail}", list.join(", ")))
}

impl Session {
    /// The next value of the sequence of a column.
    fn next_value(&self, column: &UserColumn) -> Result<i64, QueryError> {
        match &column.default {
            Some(UserDefault::Serial { sequence, counter, .. }) => {
                self.view.next_value(*sequence, counter)
            }
            _ => Err(internal()),
        }
    }

    /// As many next values of the sequence of a column.
    pub(super) fn serial(
        &self,
        column: &UserColumn,
        row_count: usize,
    ) -> Result<ArrayRef, QueryError> {
        let numbers = (0..row_count).map(|_| self.next_value(column));
        let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
        cast(&numbers, &column.column_type.data_type).map_err(|error| query_error(&error.into()))
    }
}

/// A literal of a query, in each of its rows, read by the input function of the column.
fn from_texts(
    array: &ArrayRef,
    column: &UserColumn,
    time_zone: &str,
) -> Result<ArrayRef, QueryError> {
    let texts = cast(array, &datafusion::arrow::datatypes::DataType::Utf8)
        .map_err(|error| query_error(&error.into()))?;
    let texts = texts.as_any().downcast_ref::<StringArray>().ok_or_else(internal)?;
    let cells = texts
        .iter()
        .map(|text| {
            let value = text.map_or(Parameter::Null, |text| Parameter::Text(text.to_owned()));
            cell(&value, column, time_zone)
        })
        .collect::<Result<Vec<_>, _>>()?;
    array_of(cells, column)
}

/// Positions of the columns that an INSERT names, all of them where it names none.
fn targets(insert: &Insert, table: &UserTable) -> Result<Vec<usize>, QueryError> {
    if insert.columns.is_empty() {
        return Ok((0..table.columns.len()).collect());
    }
    let mut found = Vec::with_capacity(insert.columns.len());
    for name in &insert.columns {
        let name = name.0.last().and_then(|part| part.as_ident()).map_or_else(String::new, folded);
        let at =
            table.position(&name).ok_or_else(|| undefined_column_of(&name, &table.head.name))?;
        if found.contains(&at) {
            return Err(QueryError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            )
            .about(name));
        }
        found.push(at);
    }
    Ok(found)
}

fn cells(
    table: &UserTable,
    targets: &[usize],
    insert: &Insert,
    rows: &[&[Expr]],
    declared: &mut Vec<Option<PgType>>,
) -> Result<InsertSource, QueryError> {
    let mut exprs = Vec::new();
    let mut made = Vec::with_capacity(rows.len());
    for row in rows {
        if row.len() != rows[0].len() {
            return Err(QueryError::new(
                SqlState::SYNTAX_ERROR,
                "VALUES lists must all be the same length",
            ));
        }
        check_width(insert, targets, row.len())?;
        let mut cells = Vec::with_capacity(table.columns.len());
        for (at, column) in table.columns.iter().enumerate() {
            let given = targets.iter().position(|target| *target == at).and_then(|at| row.get(at));
            let found = match given {
                Some(expr) => cell_of(expr, column, declared, &mut exprs),
                None => Cell::Default,
            };
            cells.push(match found {
                Cell::Default => Cell::of_default(column, &mut exprs)?,
                found => found,
            });
        }
        made.push(cells);
    }
    let targets = planned_columns(&made);
    Ok(InsertSource::Cells { rows: made, exprs, targets })
}

/// For each expression the column that it is for.
fn planned_columns(rows: &[Vec<Cell>]) -> Vec<usize> {
    rows.iter()
        .flat_map(|row| row.iter().enumerate())
        .filter(|(_, cell)| matches!(cell, Cell::Planned(_)))
        .map(|(at, _)| at)
        .collect()
}

fn check_width(insert: &Insert, targets: &[usize], found: usize) -> Result<(), QueryError> {
    let message = if found > targets.len() {
        "INSERT has more expressions than target columns"
    } else if found < targets.len() && !insert.columns.is_empty() {
        "INSERT has more target columns than expressions"
    } else {
        return Ok(());
    };
    Err(QueryError::new(SqlState::SYNTAX_ERROR, message))
}

/// Which columns of `query` are plain text literals, whose type the target decides. Parameters that
/// are whole columns get their target's type.
fn literals(
    query: &Query,
    table: &UserTable,
    targets: &[usize],
    declared: &mut Vec<Option<PgType>>,
) -> Vec<bool> {
    let mut found = vec![false; targets.len()];
    let SetExpr::Select(select) = &*query.body else { return found };
    for (at, item) in select.projection.iter().enumerate().take(targets.len()) {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            // After a star the positions are not known here.
            return found;
        };
        let column = &table.columns[targets[at]];
        found[at] = matches!(
            cell_of(expr, column, declared, &mut Vec::new()),
            Cell::Given(Parameter::Text(_) | Parameter::Null)
        ) && !matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)))
            && !matches!(expr, Expr::UnaryOp { .. });
    }
    found
}

fn check_query(
    table: &UserTable,
    insert: &Insert,
    targets: &[usize],
    literals: &[bool],
    found: &[ResultColumn],
) -> Result<(), QueryError> {
    check_width(insert, targets, found.len())?;
    for (at, column) in found.iter().enumerate() {
        if !literals[at] {
            check_assigned(table, &targets[at..=at], std::slice::from_ref(column))?;
        }
    }
    Ok(())
}
