//! COPY: which rows, in which form. The gateway turns them into bytes and back.

use sqlparser::ast::{Ident, ObjectName, Query, Statement as Ast};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::{Session, Stop};
use crate::catalog::{Relation, RelationKind};
use crate::error::map::internal;
use crate::statement::copy::{Copy, Direction, Source};
use crate::{CopyOptions, Outcome, QueryError, SqlState};

impl Session {
    /// Runs COPY up to the point where rows flow.
    pub(super) async fn copy(&mut self, copy: &Copy, stop: Stop) -> Result<Outcome, QueryError> {
        match copy.direction {
            Direction::ToClient => self.copy_out(copy, stop).await,
            Direction::FromClient => Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "COPY FROM STDIN is not supported",
            )),
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
                Source::Table { .. } => QueryError { token: None, position: None, ..error },
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
    fn relation(&self, name: &ObjectName) -> Option<&Relation> {
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
    ))
}

/// The name as PostgreSQL folds it.
pub(super) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}
