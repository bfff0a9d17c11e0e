//! The same table with other columns, and rows with their positions.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Int64Array, new_null_array};
use sqlparser::ast::DataType as SqlType;

use super::keys::{KeyValues, duplicate};
use super::table::Rows;
use super::{ColumnType, UserColumn, UserKey, UserTable};
use crate::{QueryError, SqlState};

impl UserTable {
    /// The same table with a column more, which holds `value`.
    pub(crate) fn with_column(
        &self,
        column: UserColumn,
        value: Option<ArrayRef>,
    ) -> Result<Self, QueryError> {
        let all = self.rows()?;
        let row_count = all.num_rows();
        let mut arrays = all.columns().to_vec();
        let mut table = self.emptied();
        let array = match value {
            Some(array) => array,
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
                        table.head.name
                    ),
                )
            })?;
            table.batches.push(Rows::new(batch));
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
        table.indexes.retain(|index| !index.columns.contains(&at));
        table.foreign.retain(|key| !key.columns.contains(&at));
        let keys = table.keys.iter_mut().map(|key| &mut key.columns);
        let indexes = table.indexes.iter_mut().map(|index| &mut index.columns);
        let foreign = table.foreign.iter_mut().map(|key| &mut key.columns);
        for column in keys.chain(indexes).chain(foreign).flatten() {
            if *column > at {
                *column -= 1;
            }
        }
        if all.num_rows() > 0 {
            let batch = table.batch(arrays, all.num_rows())?;
            table.batches.push(Rows::new(batch));
        }
        Ok(table)
    }

    /// The same table with stored rows named as its columns are now.
    pub(crate) fn renamed(mut self) -> Result<Self, QueryError> {
        let batches = std::mem::take(&mut self.batches);
        for rows in batches {
            let batch = &rows.batch;
            let renamed = self.batch(batch.columns().to_vec(), batch.num_rows())?;
            self.batches.push(Rows::new(renamed));
        }
        Ok(self)
    }

    /// The same table with a key more.
    ///
    /// # Errors
    /// 23505 for rows that repeat a value, 23502 for a NULL in a primary key.
    pub(crate) fn with_key(&self, key: UserKey) -> Result<Self, QueryError> {
        let mut table = self.clone();
        if key.is_primary {
            for at in &key.columns {
                table = table.with_not_null(*at)?;
            }
        }
        let mut values = KeyValues::new(&table, &key)?;
        for rows in &table.batches {
            if let Some(row) = values.add(&key, &rows.batch)? {
                let found = duplicate(&table, &key, &rows.batch, row);
                let detail = found.detail.unwrap_or_default();
                return Err(QueryError::new(
                    found.state,
                    format!("could not create unique index \"{}\"", key.name),
                )
                .with_detail(detail.replace("already exists", "is duplicated")));
            }
        }
        table.keys.push(key);
        Ok(table)
    }

    /// The same table without NULL in a column.
    ///
    /// # Errors
    /// 23502 where there is one.
    pub(crate) fn with_not_null(&self, at: usize) -> Result<Self, QueryError> {
        let mut table = self.clone();
        table.columns[at].is_not_null = true;
        for rows in &table.batches {
            if rows.batch.column(at).null_count() > 0 {
                return Err(QueryError::new(
                    SqlState("23502"),
                    format!(
                        "column \"{}\" of relation \"{}\" contains null values",
                        table.columns[at].name, table.head.name
                    ),
                ));
            }
        }
        Ok(table)
    }

    /// The same table with another type of a column, whose values are `array`.
    ///
    /// # Errors
    /// 22003 and 22001 for values that do not fit, 23505 for keys that repeat now.
    pub(crate) fn with_type(
        &self,
        at: usize,
        column_type: ColumnType,
        array: ArrayRef,
    ) -> Result<Self, QueryError> {
        let all = self.rows()?;
        let mut table = self.emptied();
        table.columns[at].column_type = column_type;
        let mut arrays = all.columns().to_vec();
        arrays[at] = array;
        Ok(table.appended(arrays, all.num_rows(), &mut None)?)
    }

    /// The same rows with a column of their positions, under another name.
    pub(crate) fn numbered(&self, name: &str, row_column: &str) -> Result<Self, QueryError> {
        let mut table = self.emptied();
        name.clone_into(&mut table.head.name);
        let (row_type, _) = ColumnType::parse(&SqlType::BigInt(None))?;
        table.columns.push(UserColumn::new(row_column, row_type));
        let mut first = 0_i64;
        for batch in &self.record_batches() {
            let next = first + i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
            let mut arrays = batch.columns().to_vec();
            arrays.push(Arc::new(Int64Array::from_iter_values(first..next)));
            let numbered = table.batch(arrays, batch.num_rows())?;
            table.batches.push(Rows::new(numbered));
            first = next;
        }
        Ok(table)
    }
}
