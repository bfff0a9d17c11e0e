//! CHECK and FOREIGN KEY, as queries over the rows that a statement adds, changes or removes.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;

use super::{ROW_COLUMN, TARGET_TABLE, column_of, parsed_query, quoted};
use crate::error::map::internal;
use crate::objects::{Foreign, Object, Objects, UserDefault, UserTable};
use crate::session::{Session, Stop};
use crate::statement::write::Write;
use crate::{PgType, QueryError, SqlState};

/// What a foreign key does to rows when the row that they name goes: letters of `pg_constraint`.
const CASCADE: u8 = b'c';
const SET_NULL: u8 = b'n';
const SET_DEFAULT: u8 = b'd';

impl Session {
    /// Checks the constraints that a write is about. `after` is the table with the write, `affected` its
    /// rows. Gives the objects with what foreign keys change in other tables.
    pub(super) async fn checked(
        &self,
        write: &Write,
        after: &UserTable,
        affected: &UserTable,
        stop: &Stop,
    ) -> Result<Objects, QueryError> {
        if !matches!(write, Write::Delete(_)) {
            self.check_rows(after, affected, stop).await?;
        }
        let mut objects = Objects::clone(&self.view.objects);
        if !matches!(write, Write::Insert(insert) if insert.on.is_none()) {
            let is_delete = matches!(write, Write::Delete(_));
            self.follow(&mut objects, after, is_delete, stop).await?;
        }
        Ok(objects)
    }

    /// Checks CHECK and FOREIGN KEY of the rows of `added`, which are in `table` now.
    ///
    /// # Errors
    /// 23514, 23503.
    pub(in crate::session) async fn check_rows(
        &self,
        table: &UserTable,
        added: &UserTable,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        if added.row_count() == 0 {
            return Ok(());
        }
        for check in &table.checks {
            let condition = format!("NOT ({})", check.expr);
            if let Some(row) = self.first_row(table, added, &condition, stop).await? {
                return Err(QueryError::new(
                    SqlState("23514"),
                    format!(
                        "new row for relation \"{}\" violates check constraint \"{}\"",
                        table.head.name, check.name
                    ),
                )
                .with_detail(format!("Failing row contains ({}).", added.row_text(row)?))
                .with_object(table.head.in_error(None, Some(&check.name))));
            }
        }
        for key in &table.foreign {
            let Some((other, name)) = self.referenced(table, key) else { continue };
            let own = |at: &usize| {
                format!("{}.{}", quoted(&table.head.name), quoted(&table.columns[*at].name))
            };
            let mut terms: Vec<String> =
                key.columns.iter().map(|at| format!("{} IS NOT NULL", own(at))).collect();
            let equal: Vec<String> = key
                .columns
                .iter()
                .zip(&key.target)
                .map(|(at, target)| {
                    format!("\"\u{1}other\".{} = {}", quoted(&other.columns[*target].name), own(at))
                })
                .collect();
            terms.push(format!(
                "NOT EXISTS (SELECT 1 FROM {name} AS \"\u{1}other\" WHERE {})",
                equal.join(" AND ")
            ));
            if let Some(row) = self.first_row(table, added, &terms.join(" AND "), stop).await? {
                let names: Vec<&str> =
                    key.columns.iter().map(|at| table.columns[*at].name.as_str()).collect();
                return Err(QueryError::new(
                    SqlState("23503"),
                    format!(
                        "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
                        table.head.name, key.name
                    ),
                )
                .with_detail(format!(
                    "Key ({})=({}) is not present in table \"{}\".",
                    names.join(", "),
                    added.values_text(row, &key.columns)?,
                    other.head.name
                ))
                .with_object(table.head.in_error(None, Some(&key.name))));
            }
        }
        Ok(())
    }

    /// The table that a foreign key names, and how a query names it: `table` itself with its new rows
    /// where it is the one.
    fn referenced(&self, table: &UserTable, key: &Foreign) -> Option<(UserTable, String)> {
        if key.table == table.head.oid {
            return Some((table.clone(), full_name(table)));
        }
        match self.view.objects.by_oid(key.table)? {
            Object::Table(other) => Some((UserTable::clone(other), full_name(other))),
            _ => None,
        }
    }

    /// The first row of `added` for which `condition` holds; names in it are those of `table`.
    async fn first_row(
        &self,
        table: &UserTable,
        added: &UserTable,
        condition: &str,
        stop: &Stop,
    ) -> Result<Option<usize>, QueryError> {
        let sql = format!(
            "SELECT {alias}.{} FROM pg_temp.{} AS {alias} WHERE {condition} LIMIT 1",
            quoted(ROW_COLUMN),
            quoted(TARGET_TABLE),
            alias = quoted(&table.head.name),
        );
        let mut shown = Objects::clone(&self.view.objects);
        shown.show(self.numbered(added)?);
        shown.show(table.clone());
        let view = self.view_as_owner(shown);
        let found = self.run_cast(&view, &parsed_query(&sql)?, &[], &[], vec![None], stop).await?;
        first_number(&found)
    }

    /// A view in which a constraint may read what it needs, whoever made the statement.
    fn view_as_owner(&self, objects: Objects) -> Arc<crate::catalog::CatalogView> {
        let view = self.view_with(objects);
        Arc::new(crate::catalog::CatalogView {
            role: crate::catalog::pg_catalog::user_rows::OWNER_NAME.to_owned(),
            ..(*view).clone()
        })
    }

    /// What foreign keys to `after` make of rows whose row is no more in it.
    ///
    /// # Errors
    /// 23503 where a key says nothing else.
    async fn follow(
        &self,
        objects: &mut Objects,
        after: &UserTable,
        is_delete: bool,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let mut changed = vec![(after.clone(), is_delete)];
        while let Some((table, is_delete)) = changed.pop() {
            let oid = table.head.oid;
            let others: Vec<UserTable> = objects
                .all()
                .filter_map(|object| match object {
                    Object::Table(other) if other.head.oid == oid => Some(table.clone()),
                    Object::Table(other) => Some(UserTable::clone(other)),
                    _ => None,
                })
                .filter(|other| other.foreign.iter().any(|key| key.table == oid))
                .collect();
            for other in others {
                let keys: Vec<Foreign> =
                    other.foreign.iter().filter(|key| key.table == oid).cloned().collect();
                for key in keys {
                    let rows = self.orphans(objects, &table, &other, &key, stop).await?;
                    if rows.is_empty() {
                        continue;
                    }
                    let action = if is_delete { key.on_delete } else { key.on_update };
                    let next = match action {
                        CASCADE if is_delete => (other.deleted(&rows)?.0, true),
                        CASCADE | SET_DEFAULT => {
                            return Err(QueryError::new(
                                SqlState::FEATURE_NOT_SUPPORTED,
                                "ON UPDATE CASCADE and SET DEFAULT of a foreign key are not supported",
                            ));
                        }
                        SET_NULL => {
                            let arrays = key
                                .columns
                                .iter()
                                .map(|at| {
                                    let data_type = &other.columns[*at].column_type.data_type;
                                    datafusion::arrow::array::new_null_array(data_type, rows.len())
                                })
                                .collect();
                            (other.updated(&rows, &key.columns, arrays)?.0, false)
                        }
                        _ => return Err(still_referenced(&table, &other, &key, rows[0])?),
                    };
                    if other.head.oid == oid {
                        return Err(QueryError::new(
                            SqlState::FEATURE_NOT_SUPPORTED,
                            "ON DELETE of a foreign key to its own table is not supported",
                        ));
                    }
                    objects.put_rows(next.0.clone())?;
                    changed.push(next);
                }
            }
        }
        Ok(())
    }

    /// Positions of the rows of `other` whose key names no row of `table`.
    async fn orphans(
        &self,
        objects: &Objects,
        table: &UserTable,
        other: &UserTable,
        key: &Foreign,
        stop: &Stop,
    ) -> Result<Vec<usize>, QueryError> {
        let own = |at: &usize| format!("\"\u{1}child\".{}", quoted(&other.columns[*at].name));
        let mut terms: Vec<String> =
            key.columns.iter().map(|at| format!("{} IS NOT NULL", own(at))).collect();
        let equal: Vec<String> = key
            .columns
            .iter()
            .zip(&key.target)
            .map(|(at, target)| {
                format!("\"\u{1}other\".{} = {}", quoted(&table.columns[*target].name), own(at))
            })
            .collect();
        terms.push(format!(
            "NOT EXISTS (SELECT 1 FROM {} AS \"\u{1}other\" WHERE {})",
            full_name(table),
            equal.join(" AND ")
        ));
        let sql = format!(
            "SELECT \"\u{1}child\".{} FROM pg_temp.{} AS \"\u{1}child\" WHERE {}",
            quoted(ROW_COLUMN),
            quoted(TARGET_TABLE),
            terms.join(" AND ")
        );
        let mut shown = objects.clone();
        shown.show(table.clone());
        shown.show(self.numbered(other)?);
        let view = self.view_as_owner(shown);
        let found = self.run_cast(&view, &parsed_query(&sql)?, &[], &[], vec![None], stop).await?;
        let ids = column_of(&found, 0, &datafusion::arrow::datatypes::DataType::Int64)?;
        ids.as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(|id| usize::try_from(*id).map_err(|_| internal()))
            .collect()
    }

    /// Checks that defaults and conditions of a table that is being made can be planned.
    ///
    /// # Errors
    /// As the planner, 42804 for a condition that is not boolean or a default of another type.
    pub(in crate::session) async fn check_definition(
        &self,
        table: &UserTable,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let mut shown = Objects::clone(&self.view.objects);
        shown.show(self.numbered(&table.emptied())?);
        let view = self.view_with(shown);
        for check in &table.checks {
            let sql = format!(
                "SELECT ({}) FROM pg_temp.{} AS {}",
                check.expr,
                quoted(TARGET_TABLE),
                quoted(&table.head.name)
            );
            let source = self.source_on(&view, &parsed_query(&sql)?, &[]).await?;
            let found = source.columns.first().map(|column| column.pg_type);
            if !matches!(found, Some(PgType::Bool | PgType::Unknown)) {
                let shown = found.map(crate::objects::ColumnType::shown_of).unwrap_or_default();
                return Err(QueryError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!("argument of CHECK must be type boolean, not type {shown}"),
                ));
            }
        }
        let defaults: Vec<_> = table
            .columns
            .iter()
            .filter(|column| matches!(column.default, Some(UserDefault::Expr(_))))
            .cloned()
            .collect();
        if !defaults.is_empty() {
            self.check_defaults(&defaults, stop).await?;
        }
        Ok(())
    }
}

fn full_name(table: &UserTable) -> String {
    format!("{}.{}", quoted(&table.head.schema), quoted(&table.head.name))
}

fn first_number(batches: &[RecordBatch]) -> Result<Option<usize>, QueryError> {
    let ids = column_of(batches, 0, &datafusion::arrow::datatypes::DataType::Int64)?;
    let first = ids.as_primitive::<Int64Type>().values().first().copied();
    first.map(|id| usize::try_from(id).map_err(|_| internal())).transpose()
}

/// 23503 for a row of `table` that `other` still names.
fn still_referenced(
    table: &UserTable,
    other: &UserTable,
    key: &Foreign,
    row: usize,
) -> Result<QueryError, QueryError> {
    let names: Vec<&str> = key.target.iter().map(|at| table.columns[*at].name.as_str()).collect();
    Ok(QueryError::new(
        SqlState("23503"),
        format!(
            "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
            table.head.name, key.name, other.head.name
        ),
    )
    .with_detail(format!(
        "Key ({})=({}) is still referenced from table \"{}\".",
        names.join(", "),
        other.values_text(row, &key.columns)?,
        other.head.name
    ))
    .with_object(other.head.in_error(None, Some(&key.name))))
}
