//! PRIMARY KEY and UNIQUE of tables that clients made.

use std::collections::{HashMap, HashSet};
use std::fmt;

use arrow::row::{RowConverter, SortField};
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;

use super::UserTable;
use super::values::value_text;
use crate::error::map::query_error;
use crate::{QueryError, SqlState};

/// A key: no two rows agree in all its columns. Rows with a NULL in it never agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserKey {
    /// Name of the constraint.
    pub(crate) name: String,
    /// Positions of the columns.
    pub(crate) columns: Vec<usize>,
    /// PRIMARY KEY rather than UNIQUE.
    pub(crate) is_primary: bool,
    /// Made by CREATE UNIQUE INDEX: no constraint to the catalogs.
    pub(crate) is_index: bool,
}

/// Values of one key, row by row.
pub(crate) struct KeyValues {
    schema: SchemaRef,
    converter: RowConverter,
    seen: HashSet<Box<[u8]>>,
}

impl KeyValues {
    /// No values yet, for `key` of `table`.
    pub(super) fn new(table: &UserTable, key: &UserKey) -> Result<Self, QueryError> {
        let schema = table.schema();
        let fields = key
            .columns
            .iter()
            .map(|at| SortField::new(schema.field(*at).data_type().clone()))
            .collect();
        let converter = RowConverter::new(fields).map_err(|error| query_error(&error.into()))?;
        Ok(Self { schema, converter, seen: HashSet::new() })
    }

    /// Whether the columns are still as they were.
    pub(super) fn is_for(&self, table: &UserTable) -> bool {
        self.schema == table.schema()
    }

    /// Adds the rows of `batch`; gives the first row that repeats a value.
    pub(super) fn add(
        &mut self,
        key: &UserKey,
        batch: &RecordBatch,
    ) -> Result<Option<usize>, QueryError> {
        let columns: Vec<ArrayRef> =
            key.columns.iter().map(|at| batch.column(*at).clone()).collect();
        let rows =
            self.converter.convert_columns(&columns).map_err(|error| query_error(&error.into()))?;
        for (at, row) in rows.iter().enumerate() {
            if columns.iter().any(|column| column.is_null(at)) {
                continue;
            }
            if !self.seen.insert(row.as_ref().into()) {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }
}

/// Rows of a table by one of its keys.
pub(crate) struct KeyRows {
    key: UserKey,
    converter: RowConverter,
    rows: HashMap<Box<[u8]>, usize>,
}

impl KeyRows {
    /// The rows that `table` has.
    pub(crate) fn new(table: &UserTable, key: &UserKey) -> Result<Self, QueryError> {
        let KeyValues { converter, .. } = KeyValues::new(table, key)?;
        let mut found = Self { key: key.clone(), converter, rows: HashMap::new() };
        let all = table.rows()?;
        for row in 0..all.num_rows() {
            found.add(&all, row, row)?;
        }
        Ok(found)
    }

    /// The row that has the key of row `row` of `batch`; none where that is NULL.
    pub(crate) fn find(
        &self,
        batch: &RecordBatch,
        row: usize,
    ) -> Result<Option<usize>, QueryError> {
        Ok(self.bytes(batch, row)?.and_then(|bytes| self.rows.get(&bytes).copied()))
    }

    /// Adds row `row` of `batch` as number `number`.
    pub(crate) fn add(
        &mut self,
        batch: &RecordBatch,
        row: usize,
        number: usize,
    ) -> Result<(), QueryError> {
        if let Some(bytes) = self.bytes(batch, row)? {
            self.rows.insert(bytes, number);
        }
        Ok(())
    }

    fn bytes(&self, batch: &RecordBatch, row: usize) -> Result<Option<Box<[u8]>>, QueryError> {
        let columns: Vec<ArrayRef> =
            self.key.columns.iter().map(|at| batch.column(*at).slice(row, 1)).collect();
        if columns.iter().any(|column| column.is_null(0)) {
            return Ok(None);
        }
        let rows =
            self.converter.convert_columns(&columns).map_err(|error| query_error(&error.into()))?;
        Ok(Some(rows.row(0).as_ref().into()))
    }
}

impl fmt::Debug for KeyValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValues").field("count", &self.seen.len()).finish_non_exhaustive()
    }
}

/// 23505 for `row` of `batch`.
pub(super) fn duplicate(
    table: &UserTable,
    key: &UserKey,
    batch: &RecordBatch,
    row: usize,
) -> QueryError {
    let names: Vec<&str> = key.columns.iter().map(|at| table.columns[*at].name.as_str()).collect();
    let values: Vec<String> =
        key.columns.iter().map(|at| value_text(batch.column(*at), row)).collect();
    QueryError::new(
        SqlState("23505"),
        format!("duplicate key value violates unique constraint \"{}\"", key.name),
    )
    .with_detail(format!("Key ({})=({}) already exists.", names.join(", "), values.join(", ")))
    .with_object(table.head.in_error(None, Some(&key.name)))
}
