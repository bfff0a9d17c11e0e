//! UPDATE and DELETE as a SELECT of the rows that they hit and of the values that they set.

use std::sync::Arc;

use sqlparser::ast::{Assignment, AssignmentTarget, Delete, Expr, Query, UpdateTableFromKind};

use super::{ROW_COLUMN, TARGET_TABLE, parsed_query, quoted};
use crate::catalog::CatalogView;
use crate::error::map::internal;
use crate::objects::{Objects, UserTable};
use crate::session::Session;
use crate::session::cells::{Cell, cell_of};
use crate::session::copy::folded;
use crate::session::ddl::undefined_column_of;
use crate::statement::write::Write;
use crate::{PgType, QueryError, SqlState};

/// UPDATE or DELETE as a query for the rows that it hits.
pub(super) struct Hits {
    pub(super) table: Arc<UserTable>,
    pub(super) query: Query,
    pub(super) view: Arc<CatalogView>,
    /// UPDATE: columns to set, each with its value.
    pub(super) sets: Vec<(usize, Cell)>,
    /// Columns whose values the query computes, in the order of its output after the row.
    pub(super) planned: Vec<usize>,
    /// Types of parameters that are whole values.
    pub(super) declared: Vec<Option<PgType>>,
}

impl Session {
    /// The rows that an UPDATE or DELETE hits, as a query.
    pub(super) fn hits(
        &self,
        write: &Write,
        declared: &[Option<PgType>],
    ) -> Result<Hits, QueryError> {
        let (name, alias) = write.target()?;
        let table = self.target(name, write.verb(), super::letter(write))?;
        let alias = match alias {
            Some(alias) => alias.to_string(),
            None => quoted(&table.head.name),
        };
        let mut declared = declared.to_vec();
        let (mut sets, mut planned, mut exprs) = (Vec::new(), Vec::new(), Vec::new());
        let (from, selection) = match write {
            Write::Update(update) => {
                for (target, value) in assignments(&update.assignments, &table)? {
                    let column = &table.columns[target];
                    let mut found = cell_of(value, column, &mut declared, &mut exprs);
                    if let Cell::Default = found {
                        found = Cell::of_default(column, &mut exprs)?;
                    }
                    if let Cell::Planned(_) = found {
                        planned.push(target);
                    }
                    sets.push((target, found));
                }
                let from = match &update.from {
                    Some(
                        UpdateTableFromKind::AfterSet(from) | UpdateTableFromKind::BeforeSet(from),
                    ) => from.as_slice(),
                    None => &[],
                };
                (from, &update.selection)
            }
            Write::Delete(delete) => {
                let Delete { using, selection, .. } = &**delete;
                (using.as_deref().unwrap_or_default(), selection)
            }
            Write::Insert(_) => return Err(internal()),
        };
        let mut sql = format!("SELECT {alias}.{}", quoted(ROW_COLUMN));
        for expr in &exprs {
            sql.push_str(&format!(", {expr}"));
        }
        sql.push_str(&format!(" FROM pg_temp.{} AS {alias}", quoted(TARGET_TABLE)));
        for item in from {
            sql.push_str(&format!(", {item}"));
        }
        if let Some(condition) = selection {
            sql.push_str(&format!(" WHERE {condition}"));
        }
        let mut shown = Objects::clone(&self.view.objects);
        shown.show(self.numbered(&table)?);
        let view = self.view_with(shown);
        Ok(Hits { table, query: parsed_query(&sql)?, view, sets, planned, declared })
    }
}

impl Session {
    /// The rows of `table` with their positions, as a temp table that the statement may read.
    pub(super) fn numbered(&self, table: &UserTable) -> Result<UserTable, QueryError> {
        let mut numbered = table.numbered(TARGET_TABLE, ROW_COLUMN)?;
        numbered.head.schema = self.view.objects.temp_schema_name().to_owned();
        numbered.head.owner.clone_from(&self.view.role);
        Ok(numbered)
    }
}

/// Columns that an UPDATE sets, with their expressions.
pub(super) fn assignments<'u>(
    listed: &'u [Assignment],
    table: &UserTable,
) -> Result<Vec<(usize, &'u Expr)>, QueryError> {
    let position = |name: &sqlparser::ast::ObjectName| {
        let name = name.0.last().and_then(|part| part.as_ident()).map_or_else(String::new, folded);
        table.position(&name).ok_or_else(|| undefined_column_of(&name, &table.head.name))
    };
    let mut found: Vec<(usize, &Expr)> = Vec::new();
    for assignment in listed {
        match (&assignment.target, &assignment.value) {
            (AssignmentTarget::ColumnName(name), value) => found.push((position(name)?, value)),
            (AssignmentTarget::Tuple(names), Expr::Tuple(values))
                if names.len() == values.len() =>
            {
                for (name, value) in names.iter().zip(values) {
                    found.push((position(name)?, value));
                }
            }
            (AssignmentTarget::Tuple(names), Expr::Nested(value)) if names.len() == 1 => {
                found.push((position(&names[0])?, value));
            }
            (AssignmentTarget::Tuple(_), Expr::Tuple(_)) => {
                return Err(QueryError::new(
                    SqlState::SYNTAX_ERROR,
                    "number of columns does not match number of values",
                ));
            }
            (AssignmentTarget::Tuple(_), _) => {
                return Err(QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "UPDATE of several columns from one subquery is not supported",
                ));
            }
        }
    }
    for (at, (target, _)) in found.iter().enumerate() {
        if found[..at].iter().any(|(earlier, _)| earlier == target) {
            return Err(QueryError::new(
                SqlState::SYNTAX_ERROR,
                format!("multiple assignments to same column \"{}\"", table.columns[*target].name),
            ));
        }
    }
    Ok(found)
}
