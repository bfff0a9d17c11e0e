//! One temp table with its rows.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array,
    new_null_array,
};
use datafusion::arrow::compute::{concat_batches, filter_record_batch, interleave, take};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::{MemTable, TableProvider};
use sqlparser::ast::DataType as SqlType;

use super::keys::{KeyValues, duplicate};
use super::values::{finished_array, row_text};
use super::{ColumnType, TempColumn, TempKey};
use crate::catalog::{Relation, RelationKind};
use crate::error::map::query_error;
use crate::limits::BATCH_ROWS_MAX;
use crate::{QueryError, SqlState};

/// What happens to a table at COMMIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnCommit {
    #[default]
    PreserveRows,
    DeleteRows,
    Drop,
}

/// A table and its rows.
#[derive(Clone, Debug)]
pub(crate) struct TempTable {
    pub(crate) name: String,
    pub(crate) oid: u32,
    pub(crate) columns: Vec<TempColumn>,
    pub(crate) keys: Vec<TempKey>,
    pub(crate) on_commit: OnCommit,
    batches: Vec<RecordBatch>,
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

impl TempTable {
    /// A table without rows.
    pub(crate) fn new(
        name: String,
        oid: u32,
        columns: Vec<TempColumn>,
        on_commit: OnCommit,
    ) -> Self {
        Self { name, oid, columns, keys: Vec::new(), on_commit, batches: Vec::new() }
    }

    /// Fields of the stored rows.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(TempColumn::field).collect::<Vec<_>>()))
    }

    /// Number of rows.
    pub(crate) fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    #[cfg(test)]
    pub(crate) fn batch_count(&self) -> usize {
        self.batches.len()
    }

    /// Memory of the rows.
    pub(crate) fn size_bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    /// Position of the column `name`.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The table as the planner scans it.
    pub(crate) fn provider(&self) -> Result<Arc<dyn TableProvider>, QueryError> {
        let table = MemTable::try_new(self.schema(), vec![self.batches.clone()])
            .map_err(|error| query_error(&error))?;
        Ok(Arc::new(table))
    }

    /// All rows in one batch.
    pub(crate) fn rows(&self) -> Result<RecordBatch, QueryError> {
        concat_batches(&self.schema(), &self.batches).map_err(|error| query_error(&error.into()))
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
        table.batches.push(batch);
        Ok(table)
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

    /// The same table with `arrays` in the columns at `targets` of the rows at `rows`.
    ///
    /// # Errors
    /// 23502 and 23505.
    pub(crate) fn updated(
        &self,
        rows: &[usize],
        targets: &[usize],
        arrays: Vec<ArrayRef>,
    ) -> Result<(Self, RecordBatch), QueryError> {
        let mut table = self.clone();
        for (target, array) in targets.iter().zip(&arrays) {
            table.widen(*target, array.data_type())?;
        }
        let old = table.rows()?;
        let mut places: Vec<(usize, usize)> = (0..old.num_rows()).map(|row| (0, row)).collect();
        for (at, row) in rows.iter().enumerate() {
            places[*row] = (1, at);
        }
        let mut columns = old.columns().to_vec();
        for (target, array) in targets.iter().zip(arrays) {
            let array = finished_array(&table.columns[*target], array)?;
            columns[*target] = interleave(&[old.column(*target).as_ref(), array.as_ref()], &places)
                .map_err(|error| query_error(&error.into()))?;
        }
        let batch = table.batch(columns, old.num_rows())?;
        let indices = UInt32Array::from_iter_values(
            rows.iter().map(|row| u32::try_from(*row).unwrap_or(u32::MAX)),
        );
        let taken = batch
            .columns()
            .iter()
            .map(|column| take(column, &indices, None))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| query_error(&error.into()))?;
        let affected = table.batch(taken, rows.len())?;
        table.check_not_null(&affected)?;
        for key in &table.keys {
            if let Some(row) = KeyValues::new(&table, key)?.add(key, &batch)? {
                return Err(duplicate(&table, key, &batch, row));
            }
        }
        table.batches = vec![batch];
        Ok((table, affected))
    }

    /// The same table without the rows at `rows`, and those rows.
    pub(crate) fn deleted(&self, rows: &[usize]) -> Result<(Self, RecordBatch), QueryError> {
        let all = self.rows()?;
        let mut kept = vec![true; all.num_rows()];
        for row in rows {
            kept[*row] = false;
        }
        let filter = |mask: Vec<bool>| {
            filter_record_batch(&all, &BooleanArray::from(mask))
                .map_err(|error| query_error(&error.into()))
        };
        let gone = filter(kept.iter().map(|kept| !kept).collect())?;
        let rest = filter(kept)?;
        let mut table = self.emptied();
        if rest.num_rows() > 0 {
            table.batches.push(rest);
        }
        Ok((table, gone))
    }

    /// The same table with a column more, filled with `value` in every row.
    pub(crate) fn with_column(
        &self,
        column: TempColumn,
        value: Option<ArrayRef>,
    ) -> Result<Self, QueryError> {
        let all = self.rows()?;
        let row_count = all.num_rows();
        let mut arrays = all.columns().to_vec();
        let mut table = self.emptied();
        let array = match value {
            Some(one) => {
                let zeros = UInt32Array::from(vec![0; row_count]);
                take(&one, &zeros, None).map_err(|error| query_error(&error.into()))?
            }
            None => new_null_array(&column.column_type.data_type, row_count),
        };
        table.columns.push(column);
        table.widen(table.columns.len() - 1, array.data_type())?;
        arrays.push(array);
        if row_count > 0 {
            let batch = table.batch(arrays, row_count)?;
            table.check_not_null(&batch).map_err(|found| {
                QueryError::new(
                    found.error.state,
                    format!(
                        "column \"{}\" of relation \"{}\" contains null values",
                        table.columns.last().map_or("", |column| column.name.as_str()),
                        table.name
                    ),
                )
            })?;
            table.batches.push(batch);
        }
        Ok(table)
    }

    /// The same table without the column at `at`, and without the keys that have it.
    pub(crate) fn without_column(&self, at: usize) -> Result<Self, QueryError> {
        let all = self.rows()?;
        let mut arrays = all.columns().to_vec();
        arrays.remove(at);
        let mut table = self.emptied();
        table.columns.remove(at);
        table.keys.retain(|key| !key.columns.contains(&at));
        for column in table.keys.iter_mut().flat_map(|key| &mut key.columns) {
            if *column > at {
                *column -= 1;
            }
        }
        if all.num_rows() > 0 {
            let batch = table.batch(arrays, all.num_rows())?;
            table.batches.push(batch);
        }
        Ok(table)
    }

    /// The same table with stored rows named as its columns are now.
    pub(crate) fn renamed(mut self) -> Result<Self, QueryError> {
        let batches = std::mem::take(&mut self.batches);
        for batch in batches {
            let renamed = self.batch(batch.columns().to_vec(), batch.num_rows())?;
            self.batches.push(renamed);
        }
        Ok(self)
    }

    /// What the catalogs show.
    pub(crate) fn described(&self, schema: &str) -> Relation {
        Relation {
            schema: schema.to_owned().into(),
            name: self.name.clone().into(),
            oid: self.oid,
            kind: RelationKind::Table,
            is_temporary: true,
            keys: schemas::Keys::NONE,
            comment: "",
            columns: self.columns.iter().map(TempColumn::described).collect(),
        }
    }

    /// The same rows with a column of their positions, under another name.
    pub(crate) fn numbered(&self, name: &str, row_column: &str) -> Result<Self, QueryError> {
        let mut table = self.emptied();
        name.clone_into(&mut table.name);
        let (row_type, _) = ColumnType::parse(&SqlType::BigInt(None))?;
        table.columns.push(TempColumn::new(row_column, row_type));
        let mut first = 0_i64;
        for batch in &self.batches {
            let next = first + i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
            let mut arrays = batch.columns().to_vec();
            arrays.push(Arc::new(Int64Array::from_iter_values(first..next)));
            let numbered = table.batch(arrays, batch.num_rows())?;
            table.batches.push(numbered);
            first = next;
        }
        Ok(table)
    }

    /// The values of all keys.
    fn key_values(&self) -> Result<Vec<KeyValues>, QueryError> {
        self.keys
            .iter()
            .map(|key| {
                let mut values = KeyValues::new(self, key)?;
                for batch in &self.batches {
                    values.add(key, batch)?;
                }
                Ok(values)
            })
            .collect()
    }

    fn batch(&self, arrays: Vec<ArrayRef>, row_count: usize) -> Result<RecordBatch, QueryError> {
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
    fn widen(&mut self, at: usize, incoming: &DataType) -> Result<(), QueryError> {
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
        for batch in batches {
            // A batch may still lack the column that is being added.
            let mut arrays = batch.columns().to_vec();
            if let Some(array) = arrays.get_mut(at) {
                *array = finished_array(&self.columns[at], array.clone())?;
            }
            let batch = self.batch(arrays, batch.num_rows())?;
            self.batches.push(batch);
        }
        Ok(())
    }

    fn check_not_null(&self, batch: &RecordBatch) -> Result<(), RowError> {
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
                column.name, self.name
            ),
        )
        .with_detail(format!("Failing row contains ({}).", row_text(batch, row)));
        Err(RowError { row: Some(row), error: Box::new(error) })
    }

    /// Adds a batch. Small neighbours are joined, each row a logarithmic number of times, so that many
    /// small statements do not leave many batches.
    fn push(&mut self, batch: RecordBatch) -> Result<(), QueryError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.batches.push(batch);
        while let [.., before, last] = self.batches.as_slice() {
            let sum = before.num_rows() + last.num_rows();
            if before.num_rows() > 2 * last.num_rows() || sum > BATCH_ROWS_MAX {
                break;
            }
            let joined = concat_batches(&before.schema(), [before, last])
                .map_err(|error| query_error(&error.into()))?;
            let left = self.batches.len() - 2;
            self.batches.truncate(left);
            self.batches.push(joined);
        }
        Ok(())
    }
}
