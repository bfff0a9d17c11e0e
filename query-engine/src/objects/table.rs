//! One table that a client made, with its rows.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::{MemTable, TableProvider};

use super::keys::{KeyValues, duplicate};
use super::values::{finished_array, row_text, value_text};
use super::{Head, UserColumn, UserKey};
use crate::catalog::{KeyKind, RelationKey};
use crate::error::map::query_error;
use crate::limits::BATCH_ROWS_MAX;
use crate::{QueryError, SqlState};

/// What happens to a temp table at COMMIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnCommit {
    #[default]
    PreserveRows,
    DeleteRows,
    Drop,
}

/// A batch of a table's rows, and its number on disk once it is there.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) batch: RecordBatch,
    number: OnceLock<u64>,
}

impl Rows {
    /// Rows that are not on disk.
    pub(super) fn new(batch: RecordBatch) -> Arc<Self> {
        Arc::new(Self { batch, number: OnceLock::new() })
    }

    /// Rows that were read from disk.
    pub(super) fn stored(batch: RecordBatch, number: u64) -> Self {
        Self { batch, number: OnceLock::from(number) }
    }

    pub(super) fn number(&self) -> Option<u64> {
        self.number.get().copied()
    }

    pub(super) fn set_number(&self, number: u64) {
        // Only a commit sets it, once, and commits run one after the other.
        let _ = self.number.set(number);
    }
}

/// An index that keeps nothing unique. Scans are of memory and need none: it is listed and does nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) columns: Vec<usize>,
}

/// CHECK: no row for which the condition is false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) name: String,
    /// The condition as SQL.
    pub(crate) expr: String,
}

/// FOREIGN KEY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) name: String,
    pub(crate) columns: Vec<usize>,
    /// Object id of the other table, and positions of its columns.
    pub(crate) table: u32,
    pub(crate) target: Vec<usize>,
    /// Letters of `pg_constraint`.
    pub(crate) on_delete: u8,
    pub(crate) on_update: u8,
}

/// A table and its rows.
#[derive(Clone, Debug)]
pub(crate) struct UserTable {
    pub(crate) head: Head,
    pub(crate) columns: Vec<UserColumn>,
    pub(crate) keys: Vec<UserKey>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) checks: Vec<Check>,
    pub(crate) foreign: Vec<Foreign>,
    /// What COMMENT ON CONSTRAINT says, by the constraint's name.
    pub(crate) constraint_comments: BTreeMap<String, String>,
    pub(crate) on_commit: OnCommit,
    pub(super) batches: Vec<Arc<Rows>>,
}

/// A row that a table refuses.
#[derive(Debug)]
pub(crate) struct RowError {
    /// Its position among the rows given; `None` where no row is at fault.
    pub(crate) row: Option<usize>,
    /// Why.
    pub(crate) error: Box<QueryError>,
}

impl From<QueryError> for RowError {
    fn from(error: QueryError) -> Self {
        Self { row: None, error: Box::new(error) }
    }
}

impl From<RowError> for QueryError {
    fn from(refused: RowError) -> Self {
        *refused.error
    }
}

impl UserTable {
    /// A table without rows.
    pub(crate) fn new(head: Head, columns: Vec<UserColumn>, on_commit: OnCommit) -> Self {
        Self {
            head,
            columns,
            keys: Vec::new(),
            indexes: Vec::new(),
            checks: Vec::new(),
            foreign: Vec::new(),
            constraint_comments: BTreeMap::new(),
            on_commit,
            batches: Vec::new(),
        }
    }

    /// Fields of the stored rows.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(UserColumn::field).collect::<Vec<_>>()))
    }

    /// Number of rows.
    pub(crate) fn row_count(&self) -> usize {
        self.batches.iter().map(|rows| rows.batch.num_rows()).sum()
    }

    #[cfg(test)]
    pub(crate) fn batch_count(&self) -> usize {
        self.batches.len()
    }

    /// Whether the planner cannot read the table: one of its columns is kept in text form.
    pub(crate) fn is_evaluated(&self) -> bool {
        self.columns.iter().any(|column| column.column_type.is_text_form())
    }

    /// Memory of the rows.
    pub(crate) fn size_bytes(&self) -> usize {
        self.batches.iter().map(|rows| rows.batch.get_array_memory_size()).sum()
    }

    /// Position of the column `name`.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The table as the planner scans it.
    pub(crate) fn provider(&self) -> Result<Arc<dyn TableProvider>, QueryError> {
        let table = MemTable::try_new(self.schema(), vec![self.record_batches()])
            .map_err(|error| query_error(&error))?;
        Ok(Arc::new(table))
    }

    /// All rows, batch by batch.
    pub(crate) fn record_batches(&self) -> Vec<RecordBatch> {
        self.batches.iter().map(|rows| rows.batch.clone()).collect()
    }

    /// The columns of `batch` if it is one of a table with the same columns, whose numbers may be narrower.
    pub(super) fn matching(&self, batch: &RecordBatch) -> Option<Vec<ArrayRef>> {
        let is_same = batch.num_columns() == self.columns.len()
            && batch.schema().fields().iter().zip(&self.columns).all(|(field, column)| {
                *field.name() == column.name
                    && (*field.data_type() == column.column_type.data_type
                        || column.column_type.is_bare_numeric())
            });
        is_same.then(|| batch.columns().to_vec())
    }

    /// Whether there is a constraint `name`.
    pub(crate) fn has_constraint(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name && !key.is_index)
            || self.checks.iter().any(|check| check.name == name)
            || self.foreign.iter().any(|key| key.name == name)
    }

    /// Keys, indexes and checks as the catalogs show them.
    pub(super) fn described_keys(&self) -> Vec<RelationKey> {
        let keys = self.keys.iter().map(|key| RelationKey {
            name: key.name.clone().into(),
            kind: match (key.is_primary, key.is_index) {
                (true, _) => KeyKind::Primary,
                (false, false) => KeyKind::Unique,
                (false, true) => KeyKind::Index { is_unique: true },
            },
            columns: key.columns.clone(),
        });
        let indexes = self.indexes.iter().map(|index| RelationKey {
            name: index.name.clone().into(),
            kind: KeyKind::Index { is_unique: false },
            columns: index.columns.clone(),
        });
        let checks = self.checks.iter().map(|check| RelationKey {
            name: check.name.clone().into(),
            kind: KeyKind::Check(check.expr.clone()),
            columns: Vec::new(),
        });
        let foreign = self.foreign.iter().map(|key| RelationKey {
            name: key.name.clone().into(),
            kind: KeyKind::Reference {
                table: key.table,
                target: key.target.clone(),
                on_delete: key.on_delete,
                on_update: key.on_update,
            },
            columns: key.columns.clone(),
        });
        keys.chain(indexes).chain(checks).chain(foreign).collect()
    }

    /// All rows in one batch.
    pub(crate) fn rows(&self) -> Result<RecordBatch, QueryError> {
        concat_batches(&self.schema(), &self.record_batches())
            .map_err(|error| query_error(&error.into()))
    }

    /// The same table without rows.
    pub(crate) fn emptied(&self) -> Self {
        Self { batches: Vec::new(), ..self.clone() }
    }

    /// The same table with these rows only, whose columns may be wider than the table's.
    pub(crate) fn with_only(
        &self,
        arrays: Vec<ArrayRef>,
        row_count: usize,
    ) -> Result<Self, QueryError> {
        let mut table = self.emptied();
        let arrays = table.fit(arrays)?;
        let batch = table.batch(arrays, row_count)?;
        table.batches.push(Rows::new(batch));
        Ok(table)
    }

    /// The same table with the rows of `other`, which has the same columns, whose numbers may be narrower.
    pub(crate) fn with_rows_of(&self, other: &Self) -> Result<Self, QueryError> {
        let mut table = other.clone();
        for (at, column) in self.columns.iter().enumerate() {
            table.widen(at, &column.column_type.data_type)?;
        }
        Ok(table)
    }

    /// Row number `row` as an error shows it.
    pub(crate) fn row_text(&self, row: usize) -> Result<String, QueryError> {
        Ok(row_text(&self.rows()?, row))
    }

    /// The values of some columns of row number `row` as an error shows them.
    pub(crate) fn values_text(&self, row: usize, columns: &[usize]) -> Result<String, QueryError> {
        let all = self.rows()?;
        let values: Vec<String> =
            columns.iter().map(|at| value_text(all.column(*at), row)).collect();
        Ok(values.join(", "))
    }

    /// The same table with more rows, checked. `keys` keeps what is known of its keys for the next call.
    ///
    /// # Errors
    /// The position of the row at fault with 23502 or 23505; 53200 (without a row) past the limit.
    pub(crate) fn appended(
        &self,
        arrays: Vec<ArrayRef>,
        row_count: usize,
        keys: &mut Option<Vec<KeyValues>>,
    ) -> Result<Self, RowError> {
        let mut table = self.clone();
        let arrays = table.fit(arrays)?;
        let batch = table.batch(arrays, row_count)?;
        table.check_not_null(&batch)?;
        let seen = match keys {
            // Values of another width compare as other bytes.
            Some(seen) if seen.iter().all(|values| values.is_for(&table)) => seen,
            seen => seen.insert(table.key_values()?),
        };
        for (key, values) in table.keys.iter().zip(seen) {
            if let Some(row) = values.add(key, &batch)? {
                let error = Box::new(duplicate(&table, key, &batch, row));
                return Err(RowError { row: Some(row), error });
            }
        }
        table.push(batch)?;
        Ok(table)
    }

    /// The values of all keys.
    fn key_values(&self) -> Result<Vec<KeyValues>, QueryError> {
        self.keys
            .iter()
            .map(|key| {
                let mut values = KeyValues::new(self, key)?;
                for rows in &self.batches {
                    values.add(key, &rows.batch)?;
                }
                Ok(values)
            })
            .collect()
    }

    pub(super) fn batch(
        &self,
        arrays: Vec<ArrayRef>,
        row_count: usize,
    ) -> Result<RecordBatch, QueryError> {
        let options = RecordBatchOptions::new().with_row_count(Some(row_count));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            .map_err(|error| query_error(&error.into()))
    }

    /// Makes the columns wide enough for `arrays`, and `arrays` of the columns' types.
    fn fit(&mut self, arrays: Vec<ArrayRef>) -> Result<Vec<ArrayRef>, QueryError> {
        for (at, array) in arrays.iter().enumerate() {
            self.widen(at, array.data_type())?;
        }
        arrays
            .into_iter()
            .zip(&self.columns)
            .map(|(array, column)| finished_array(column, array))
            .collect()
    }

    /// Gives a `numeric` column as many digits after the point as `incoming` has.
    pub(super) fn widen(&mut self, at: usize, incoming: &DataType) -> Result<(), QueryError> {
        let column_type = &mut self.columns[at].column_type;
        let (DataType::Decimal256(precision, have), true) =
            (column_type.data_type.clone(), column_type.is_bare_numeric())
        else {
            return Ok(());
        };
        let (DataType::Decimal128(_, want) | DataType::Decimal256(_, want)) = incoming else {
            return Ok(());
        };
        if *want <= have {
            return Ok(());
        }
        column_type.data_type = DataType::Decimal256(precision, *want);
        let batches = std::mem::take(&mut self.batches);
        for rows in batches {
            let batch = &rows.batch;
            // A batch may still lack the column that is being added.
            let mut arrays = batch.columns().to_vec();
            if let Some(array) = arrays.get_mut(at) {
                *array = finished_array(&self.columns[at], array.clone())?;
            }
            let batch = self.batch(arrays, batch.num_rows())?;
            self.batches.push(Rows::new(batch));
        }
        Ok(())
    }

    pub(super) fn check_not_null(&self, batch: &RecordBatch) -> Result<(), RowError> {
        let bad = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.is_not_null)
            .filter_map(|(at, column)| {
                let row = (0..batch.num_rows()).find(|row| batch.column(at).is_null(*row))?;
                Some((row, column))
            })
            .min_by_key(|(row, _)| *row);
        let Some((row, column)) = bad else { return Ok(()) };
        let error = QueryError::new(
            SqlState("23502"),
            format!(
                "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                column.name, self.head.name
            ),
        )
        .with_detail(format!("Failing row contains ({}).", row_text(batch, row)))
        .with_object(self.head.in_error(Some(&column.name), None));
        Err(RowError { row: Some(row), error: Box::new(error) })
    }

    /// Adds a batch, in parts of at most [`BATCH_ROWS_MAX`] rows. Small neighbours are joined, each row a
    /// logarithmic number of times, so that many small statements do not leave many batches.
    fn push(&mut self, batch: RecordBatch) -> Result<(), QueryError> {
        if batch.num_rows() > BATCH_ROWS_MAX {
            for first in (0..batch.num_rows()).step_by(BATCH_ROWS_MAX) {
                let part = batch.slice(first, BATCH_ROWS_MAX.min(batch.num_rows() - first));
                // A copy, so that a part does not keep the memory of the whole.
                let part = concat_batches(&part.schema(), [&part])
                    .map_err(|error| query_error(&error.into()))?;
                self.batches.push(Rows::new(part));
            }
            return Ok(());
        }
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.batches.push(Rows::new(batch));
        while let [.., before, last] = self.batches.as_slice() {
            let (before, last) = (&before.batch, &last.batch);
            let sum = before.num_rows() + last.num_rows();
            if before.num_rows() > 2 * last.num_rows() || sum > BATCH_ROWS_MAX {
                break;
            }
            let joined = concat_batches(&before.schema(), [before, last])
                .map_err(|error| query_error(&error.into()))?;
            let left = self.batches.len() - 2;
            self.batches.truncate(left);
            self.batches.push(Rows::new(joined));
        }
        Ok(())
    }
}
