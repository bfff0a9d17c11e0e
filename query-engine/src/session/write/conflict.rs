//! INSERT … ON CONFLICT: new rows that have a key of a row that is there.
//!
//! ```text
//! new rows ──keys──> no such row: added
//!                └─> row 7 has it: DO NOTHING, or UPDATE of row 7 with `excluded` as a table of the new rows
//! ```

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array};
use datafusion::arrow::compute::{concat_batches, take};
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use sqlparser::ast::{
    ConflictTarget, DataType as SqlType, DoUpdate, Expr, Ident, OnConflict, OnConflictAction,
};

use super::hits::assignments;
use super::{ROW_COLUMN, TARGET_TABLE, check_assigned, column_of, exact, parsed_query, quoted};
use crate::error::map::{internal, query_error};
use crate::objects::{ColumnType, KeyRows, Objects, UserColumn, UserKey, UserTable, array_of};
use crate::session::cells::{Cell, cell_of, given_value};
use crate::session::copy::folded;
use crate::session::{Session, Stop};
use crate::{Parameter, PgType, QueryError, SqlState};

/// The rows of an INSERT, one array for each column of the table.
pub(in crate::session) struct NewRows<'a> {
    /// Name that the statement has for the table.
    pub(in crate::session) alias: Option<&'a Ident>,
    pub(in crate::session) arrays: Vec<ArrayRef>,
    pub(in crate::session) row_count: usize,
}

/// Column of `excluded` with the position of the row that is there.
const CONFLICT_COLUMN: &str = "\u{1}conflict";

impl Session {
    /// The table after an INSERT with ON CONFLICT, and the rows that were added or changed.
    pub(in crate::session) async fn insert_or(
        &self,
        table: &UserTable,
        on_conflict: &OnConflict,
        new: NewRows<'_>,
        types: &[PgType],
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<(UserTable, UserTable), QueryError> {
        let keys = arbiters(table, on_conflict)?;
        // The new rows in the types of the table, whose numbers may be narrower.
        let fitted = table.with_only(new.arrays, new.row_count)?;
        let rows = fitted.rows()?;
        let wider = fitted.with_rows_of(table)?;
        let is_update = matches!(on_conflict.action, OnConflictAction::DoUpdate(_));
        let Sorted { added, hit } = sorted(&wider, &keys, &rows, is_update)?;
        let mut after = wider;
        let mut changed: Option<(RecordBatch, Vec<usize>)> = None;
        if let OnConflictAction::DoUpdate(update) = &on_conflict.action
            && !hit.is_empty()
        {
            let excluded = excluded(&after, &rows, &hit)?;
            let (next, rows, at) = self
                .update_conflicts(&after, excluded, update, new.alias, types, values, stop)
                .await?;
            let proposed = |at: &usize| hit.iter().find(|pair| pair.0 == *at).map(|pair| pair.1);
            (after, changed) = (next, Some((rows, at.iter().filter_map(proposed).collect())));
        }
        let part = taken(&rows, &added)?;
        let after = after.appended(part.columns().to_vec(), part.num_rows(), &mut None)?;
        let part = after.with_only(part.columns().to_vec(), part.num_rows())?;
        let affected = match changed {
            None => part,
            Some((changed, proposed)) => {
                let changed = after.with_only(changed.columns().to_vec(), changed.num_rows())?;
                let all = concat_batches(&after.schema(), [&part.rows()?, &changed.rows()?])
                    .map_err(|error| query_error(&error.into()))?;
                // In the order in which they were proposed.
                let mut order: Vec<(usize, usize)> =
                    added.into_iter().chain(proposed).zip(0..).collect();
                order.sort_unstable();
                let order: Vec<usize> = order.into_iter().map(|pair| pair.1).collect();
                let all = taken(&all, &order)?;
                after.with_only(all.columns().to_vec(), all.num_rows())?
            }
        };
        Ok((after, affected))
    }

    /// DO UPDATE: the table after, and the rows that changed, with their positions.
    #[expect(clippy::too_many_arguments, reason = "one statement's parts, used once")]
    async fn update_conflicts(
        &self,
        table: &UserTable,
        excluded: UserTable,
        update: &DoUpdate,
        alias: Option<&Ident>,
        types: &[PgType],
        values: &[Parameter],
        stop: &Stop,
    ) -> Result<(UserTable, RecordBatch, Vec<usize>), QueryError> {
        let mut declared: Vec<_> = types.iter().copied().map(Some).collect();
        let (mut sets, mut planned, mut exprs) = (Vec::new(), Vec::new(), Vec::new());
        for (target, value) in assignments(&update.assignments, table)? {
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
        let sql = conflict_query(table, alias, &exprs, update);
        let query = parsed_query(&sql)?;
        let mut shown = Objects::clone(&self.view.objects);
        shown.show(self.numbered(table)?);
        let mut excluded = excluded;
        excluded.head.schema = self.view.objects.temp_schema_name().to_owned();
        excluded.head.owner.clone_from(&self.view.role);
        shown.show(excluded);
        let view = self.view_with(shown);
        let source = self.source_on(&view, &query, &declared).await?;
        check_assigned(table, &planned, &source.columns[1..])?;
        let time_zone = self.time_zone();
        let mut casts: Vec<Option<FieldRef>> = vec![None];
        casts.extend(planned.iter().zip(&source.columns[1..]).map(|(target, found)| {
            table.columns[*target].column_type.cast(found.pg_type, &time_zone)
        }));
        let batches = self.run_cast(&view, &query, types, values, casts, stop).await?;
        let ids = column_of(&batches, 0, &DataType::Int64)?;
        let rows = ids
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(|id| usize::try_from(*id).map_err(|_| internal()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut arrays = Vec::with_capacity(sets.len());
        for (target, value) in &sets {
            let column = &table.columns[*target];
            arrays.push(match value {
                Cell::Planned(at) => {
                    let found = column_of(&batches, at + 1, &column.column_type.data_type)?;
                    exact(&source.columns[at + 1], column, found)?
                }
                Cell::Serial => self.serial(column, rows.len())?,
                given => {
                    let value = given_value(given, column, values, &time_zone)?;
                    array_of(vec![value; rows.len()], column)?
                }
            });
        }
        let targets: Vec<usize> = sets.iter().map(|set| set.0).collect();
        let (after, changed) = table.updated(&rows, &targets, arrays)?;
        Ok((after, changed, rows))
    }
}

/// The rows that DO UPDATE changes, each with the values of `exprs`.
fn conflict_query(
    table: &UserTable,
    alias: Option<&Ident>,
    exprs: &[Expr],
    update: &DoUpdate,
) -> String {
    let own = alias.map_or_else(|| quoted(&table.head.name), ToString::to_string);
    let mut sql = format!("SELECT {own}.{}", quoted(ROW_COLUMN));
    for expr in exprs {
        sql.push_str(&format!(", {expr}"));
    }
    sql.push_str(&format!(
        " FROM pg_temp.{} AS {own}, pg_temp.{} AS excluded WHERE {own}.{} = excluded.{}",
        quoted(TARGET_TABLE),
        quoted(CONFLICT_COLUMN),
        quoted(ROW_COLUMN),
        quoted(CONFLICT_COLUMN),
    ));
    if let Some(condition) = &update.selection {
        sql.push_str(&format!(" AND ({condition})"));
    }
    sql
}

/// Which new rows are added, and which meet a row that is there: (its position, the new row).
struct Sorted {
    added: Vec<usize>,
    hit: Vec<(usize, usize)>,
}

/// Compares the keys of new rows with those of the table and of each other.
fn sorted(
    table: &UserTable,
    keys: &[UserKey],
    rows: &RecordBatch,
    is_update: bool,
) -> Result<Sorted, QueryError> {
    let mut seen =
        keys.iter().map(|key| KeyRows::new(table, key)).collect::<Result<Vec<_>, QueryError>>()?;
    let there = table.row_count();
    let (mut added, mut hit) = (Vec::new(), Vec::new());
    for row in 0..rows.num_rows() {
        let mut found = None;
        for known in &seen {
            if let Some(at) = known.find(rows, row)? {
                found = Some(at);
                break;
            }
        }
        match found {
            None => {
                for known in &mut seen {
                    known.add(rows, row, there + row)?;
                }
                added.push(row);
            }
            Some(at) if at < there && !hit.iter().any(|(known, _)| *known == at) => {
                hit.push((at, row));
            }
            Some(_) if !is_update => {}
            Some(_) => {
                return Err(QueryError::new(
                    SqlState::CARDINALITY_VIOLATION,
                    "ON CONFLICT DO UPDATE command cannot affect row a second time",
                )
                .with_hint(
                    "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
                ));
            }
        }
    }
    Ok(Sorted { added, hit })
}

/// The keys that ON CONFLICT is about.
fn arbiters(table: &UserTable, on_conflict: &OnConflict) -> Result<Vec<UserKey>, QueryError> {
    let is_update = matches!(on_conflict.action, OnConflictAction::DoUpdate(_));
    match &on_conflict.conflict_target {
        None if is_update => Err(QueryError::new(
            SqlState::SYNTAX_ERROR,
            "ON CONFLICT DO UPDATE requires inference specification or constraint name",
        )
        .with_hint("For example, ON CONFLICT (column_name).")),
        None => Ok(table.keys.clone()),
        Some(ConflictTarget::Columns(columns)) => {
            let mut wanted = columns
                .iter()
                .map(|column| {
                    let name = folded(column);
                    table.position(&name).ok_or_else(|| {
                        QueryError::new(
                            SqlState::UNDEFINED_COLUMN,
                            format!("column \"{name}\" does not exist"),
                        )
                        .about(name)
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            wanted.sort_unstable();
            wanted.dedup();
            let found: Vec<UserKey> = table
                .keys
                .iter()
                .filter(|key| {
                    let mut columns = key.columns.clone();
                    columns.sort_unstable();
                    columns == wanted
                })
                .cloned()
                .collect();
            if found.is_empty() {
                return Err(QueryError::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    "there is no unique or exclusion constraint matching the ON CONFLICT specification",
                ));
            }
            Ok(found)
        }
        Some(ConflictTarget::OnConstraint(name)) => {
            let name =
                name.0.last().and_then(|part| part.as_ident()).map_or_else(String::new, folded);
            let found = table.keys.iter().find(|key| key.name == name && !key.is_index).cloned();
            found.map(|key| vec![key]).ok_or_else(|| {
                QueryError::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!(
                        "constraint \"{name}\" for table \"{}\" does not exist",
                        table.head.name
                    ),
                )
            })
        }
    }
}

/// The new rows that meet a row that is there, with its position.
fn excluded(
    table: &UserTable,
    rows: &RecordBatch,
    hit: &[(usize, usize)],
) -> Result<UserTable, QueryError> {
    let picked: Vec<usize> = hit.iter().map(|pair| pair.1).collect();
    let mut arrays = taken(rows, &picked)?.columns().to_vec();
    let at = hit.iter().map(|pair| i64::try_from(pair.0).unwrap_or(i64::MAX));
    arrays.push(Arc::new(Int64Array::from_iter_values(at)));
    let mut excluded = table.emptied();
    CONFLICT_COLUMN.clone_into(&mut excluded.head.name);
    let (row_type, _) = ColumnType::parse(&SqlType::BigInt(None))?;
    excluded.columns.push(UserColumn::new(CONFLICT_COLUMN, row_type));
    excluded.with_only(arrays, hit.len())
}

fn taken(rows: &RecordBatch, picked: &[usize]) -> Result<RecordBatch, QueryError> {
    let indices = UInt32Array::from_iter_values(
        picked.iter().map(|row| u32::try_from(*row).unwrap_or(u32::MAX)),
    );
    let columns = rows
        .columns()
        .iter()
        .map(|column| take(column, &indices, None))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| query_error(&error.into()))?;
    debug_assert!(columns.iter().all(|column| column.len() == picked.len()));
    let options =
        datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(picked.len()));
    RecordBatch::try_new_with_options(rows.schema(), columns, &options)
        .map_err(|error| query_error(&error.into()))
}
