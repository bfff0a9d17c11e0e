//! PRIMARY KEY and UNIQUE of temp tables.

use std::collections::HashSet;
use std::fmt;

use arrow::row::{RowConverter, SortField};
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;

use super::TempTable;
use super::values::value_text;
use crate::error::map::query_error;
use crate::{QueryError, SqlState};

/// A key: no two rows agree in all its columns. Rows with a NULL in it never agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TempKey {
    /// Name of the constraint.
    pub(crate) name: String,
    /// Positions of the columns.
    pub(crate) columns: Vec<usize>,
    /// PRIMARY KEY rather than UNIQUE.
    pub(crate) is_primary: bool,
}

/// Values of one key, row by row.
pub(crate) struct KeyValues {
    schema: SchemaRef,
    converter: RowConverter,
    seen: HashSet<Box<[u8]>>,
}

impl KeyValues {
    /// No values yet, for `key` of `table`.
    pub(super) fn new(table: &TempTable, key: &TempKey) -> Result<Self, QueryError> {
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
    pub(super) fn is_for(&self, table: &TempTable) -> bool {
        self.schema == table.schema()
    }

    /// Adds the rows of `batch`; gives the first row that repeats a value.
    pub(super) fn add(
        &mut self,
        key: &TempKey,
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

impl fmt::Debug for KeyValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValues").field("count", &self.seen.len()).finish_non_exhaustive()
    }
}

/// 23505 for `row` of `batch`.
pub(super) fn duplicate(
    table: &TempTable,
    key: &TempKey,
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
}
