//! COPY: which rows, in which form. The gateway turns them into bytes and back.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::scalar::ScalarValue;
use sqlparser::ast::{Ident, ObjectName, Query, Statement as Ast};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use tokio_util::sync::CancellationToken;

use super::ddl::undefined_column_of;
use super::{Session, Stop};
use crate::catalog::{Relation, RelationKind};
use crate::error::map::internal;
use crate::objects::{
    KeyValues, Mode, Object, Objects, UserTable, array_of, cell, check_table_bytes,
};
use crate::statement::copy::{Copy, Direction, Source};
use crate::{CopyOptions, Outcome, Parameter, QueryError, ResultColumn, SqlState};

/// A COPY FROM STDIN whose rows are coming in.
pub struct CopyIn {
    table: UserTable,
    targets: Vec<usize>,
    columns: Arc<[ResultColumn]>,
    options: CopyOptions,
    keys: Option<Vec<KeyValues>>,
    /// The table before the first row, and the rows that came in.
    before: Arc<UserTable>,
    added: Vec<RecordBatch>,
    row_count: u64,
}

impl CopyIn {
    /// Name of the table, for messages.
    pub fn table_name(&self) -> &str {
        &self.table.head.name
    }

    /// Columns that each row has.
    pub fn columns(&self) -> &Arc<[ResultColumn]> {
        &self.columns
    }

    /// Form of the rows.
    pub fn options(&self) -> &CopyOptions {
        &self.options
    }
}

/// Why rows of a COPY FROM STDIN were not taken.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct CopyRowError {
    /// Position of the row at fault among those given, where it is known.
    pub row: Option<usize>,
    /// Position of the column at fault, where it is known.
    pub column: Option<usize>,
    /// What is wrong with it.
    pub error: QueryError,
}

impl Session {
    /// Runs COPY up to the point where rows flow.
    pub(super) async fn copy(&mut self, copy: &Copy, stop: Stop) -> Result<Outcome, QueryError> {
        match copy.direction {
            Direction::ToClient => self.copy_out(copy, stop).await,
            Direction::FromClient => self.copy_in(copy, &stop).await,
            // Refused when it was parsed.
            Direction::ToServer | Direction::FromServer => Err(internal()),
        }
    }

    async fn copy_out(&self, copy: &Copy, stop: Stop) -> Result<Outcome, QueryError> {
        let query = match &copy.source {
            Source::Query(query) => query.clone(),
            Source::Table { name, columns } => self.table_query(name, columns)?,
        };
        let (parameters, columns, plan) = self.describe(&query, &[]).await.map_err(|error| {
            match copy.source {
                Source::Query(_) => error,
                // As PostgreSQL: what is wrong with the table itself has no position.
                Source::Table { .. } => QueryError { position: None, ..error }.nowhere(),
            }
        })?;
        if !parameters.is_empty() {
            return Err(QueryError::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"));
        }
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let options = CopyOptions::new(&copy.options, &names, false)?;
        match self.run(&query, &parameters, &plan, &[], stop).await? {
            Outcome::Rows(rows) => Ok(Outcome::CopyOut { rows, options }),
            _ => Err(internal()),
        }
    }

    async fn copy_in(&mut self, copy: &Copy, stop: &Stop) -> Result<Outcome, QueryError> {
        let Source::Table { name, columns } = &copy.source else { return Err(internal()) };
        let table = self.target(name, "COPY FROM", 'a').map_err(QueryError::nowhere)?;
        self.lock_relation(&table.head.full_name(), Mode::Append, stop).await?;
        let table = self.target(name, "COPY FROM", 'a').map_err(QueryError::nowhere)?;
        let mut targets = Vec::with_capacity(columns.len());
        for column in columns {
            let name = folded(column);
            let at = table
                .position(&name)
                .ok_or_else(|| undefined_column_of(&name, &table.head.name).nowhere())?;
            if targets.contains(&at) {
                return Err(QueryError::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            targets.push(at);
        }
        if columns.is_empty() {
            targets = (0..table.columns.len()).collect();
        }
        let described: Vec<ResultColumn> = targets
            .iter()
            .map(|at| {
                let column = &table.columns[*at];
                ResultColumn::computed(column.name.clone(), column.column_type.pg_type)
            })
            .collect();
        let names: Vec<String> = described.iter().map(|column| column.name.clone()).collect();
        let options = CopyOptions::new(&copy.options, &names, true)?;
        Ok(Outcome::CopyIn(Box::new(CopyIn {
            table: UserTable::clone(&table),
            targets,
            columns: described.into(),
            options,
            keys: None,
            before: table,
            added: Vec::new(),
            row_count: 0,
        })))
    }

    /// Takes rows of a COPY FROM STDIN, each with one value per column of [`CopyIn::columns`]. They are
    /// seen by nobody before [`Session::copy_end`].
    ///
    /// # Errors
    /// What PostgreSQL reports for a value or a row, with the position of the row in `rows`.
    pub async fn copy_rows(
        &mut self,
        copy: &mut CopyIn,
        rows: Vec<Vec<Parameter>>,
        cancel: CancellationToken,
    ) -> Result<(), CopyRowError> {
        let stop = Stop { cancel, deadline: None };
        let added = Box::pin(self.add_rows(copy, rows, &stop)).await;
        if added.is_err() {
            self.fail_transaction();
        }
        added
    }

    async fn add_rows(
        &self,
        copy: &mut CopyIn,
        rows: Vec<Vec<Parameter>>,
        stop: &Stop,
    ) -> Result<(), CopyRowError> {
        let no_row = |error| CopyRowError { row: None, column: None, error };
        let time_zone = self.time_zone();
        let row_count = rows.len();
        let mut cells: Vec<Vec<ScalarValue>> =
            copy.targets.iter().map(|_| Vec::with_capacity(row_count)).collect();
        for (number, row) in rows.into_iter().enumerate() {
            for (at, value) in row.iter().enumerate() {
                let column = &copy.table.columns[copy.targets[at]];
                let value = cell(value, column, &time_zone).map_err(|error| CopyRowError {
                    row: Some(number),
                    column: Some(at),
                    error,
                })?;
                cells[at].push(value);
            }
        }
        let mut arrays = vec![None; copy.table.columns.len()];
        for (cells, target) in cells.into_iter().zip(&copy.targets) {
            let array = array_of(cells, &copy.table.columns[*target]).map_err(no_row)?;
            arrays[*target] = Some(array);
        }
        let arrays = self.filled(&copy.table, arrays, row_count, stop).await.map_err(no_row)?;
        copy.table =
            copy.table.appended(arrays.clone(), row_count, &mut copy.keys).map_err(|refused| {
                CopyRowError { row: refused.row, column: None, error: *refused.error }
            })?;
        check_table_bytes(copy.table.size_bytes()).map_err(no_row)?;
        let added = copy.table.with_only(arrays, row_count).map_err(no_row)?;
        self.check_rows(&copy.table, &added, stop).await.map_err(no_row)?;
        copy.added.push(added.rows().map_err(no_row)?);
        copy.row_count += row_count as u64;
        Ok(())
    }

    /// Puts the rows of a COPY FROM STDIN in place and gives the command tag.
    ///
    /// # Errors
    /// 53200 past the bytes that tables may take; 23505 for a key that another transaction took meanwhile.
    pub async fn copy_end(&mut self, copy: CopyIn) -> Result<String, QueryError> {
        let count = copy.row_count;
        let mut placed = self.place_copy(copy);
        if !self.has_cycles {
            if placed.is_ok() {
                placed = self.commit_cycle().await;
            }
            self.end_cycle();
        }
        match placed {
            Ok(()) => Ok(format!("COPY {count}")),
            Err(error) => {
                self.fail_transaction();
                Err(error)
            }
        }
    }

    fn place_copy(&mut self, copy: CopyIn) -> Result<(), QueryError> {
        self.refresh()?;
        let head = &copy.before.head;
        let Some(Object::Table(now)) = self.view.objects.get(&head.schema, &head.name).cloned()
        else {
            return Err(internal());
        };
        let mut objects = Objects::clone(&self.view.objects);
        let is_same = Arc::ptr_eq(&now, &copy.before);
        let mut table = if is_same { copy.table } else { UserTable::clone(&now) };
        if !is_same {
            // Other transactions added rows, too.
            for rows in &copy.added {
                table = table.appended(rows.columns().to_vec(), rows.num_rows(), &mut None)?;
            }
        }
        objects.put_added(table, copy.added)?;
        self.install(objects);
        Ok(())
    }

    /// The rows of a table, as a query over the columns that COPY names.
    fn table_query(&self, name: &ObjectName, columns: &[Ident]) -> Result<Box<Query>, QueryError> {
        if let Some(relation) = self.relation(name) {
            if relation.kind == RelationKind::View {
                return Err(QueryError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("cannot copy from view \"{}\"", relation.name),
                )
                .with_hint("Try the COPY (SELECT ...) TO variant."));
            }
            for column in columns {
                check_column(relation, column)?;
            }
        }
        let list = match columns {
            [] => "*".to_owned(),
            columns => columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        let sql = format!("SELECT {list} FROM {name}");
        let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &sql).map_err(|_| internal())?;
        match parsed.into_iter().next() {
            Some(Ast::Query(query)) => Ok(query),
            _ => Err(internal()),
        }
    }

    /// The relation of ours that `name` finds.
    pub(super) fn relation(&self, name: &ObjectName) -> Option<&Relation> {
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect();
        let find = |schema: &str, table: &str| {
            self.view
                .relations
                .iter()
                .find(|relation| relation.schema == schema && relation.name == table)
        };
        match parts.as_slice() {
            [table] => self.view.search_path().iter().find_map(|schema| find(schema, table)),
            [schema, table] => find(schema, table),
            [database, schema, table] if *database == self.view.database => find(schema, table),
            _ => None,
        }
    }
}

fn check_column(relation: &Relation, column: &Ident) -> Result<(), QueryError> {
    let name = folded(column);
    if relation.columns.iter().any(|known| known.name == name) {
        return Ok(());
    }
    Err(QueryError::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{name}\" of relation \"{}\" does not exist", relation.name),
    )
    .nowhere())
}

/// The name as PostgreSQL folds it.
pub(crate) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}
