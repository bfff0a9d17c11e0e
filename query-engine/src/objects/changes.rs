//! The same table with some of its rows changed or gone. Batches without such a row stay as they are, in
//! memory and on disk.

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{concat_batches, filter_record_batch, interleave};

use super::UserTable;
use super::keys::{KeyValues, duplicate};
use super::table::Rows;
use super::values::finished_array;
use crate::QueryError;
use crate::error::map::query_error;

impl UserTable {
    /// The same table with `arrays` in the columns at `targets` of the rows at `rows`, and those rows as
    /// they are then.
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
        let arrays = targets
            .iter()
            .zip(arrays)
            .map(|(target, array)| finished_array(&table.columns[*target], array))
            .collect::<Result<Vec<_>, _>>()?;
        // For each row that changes: where it is, and which of the new values are for it.
        let mut places: Vec<(usize, usize)> = rows.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let mut places = places.into_iter().peekable();
        let (mut first, mut parts, mut order) = (0, Vec::new(), Vec::new());
        for at in 0..table.batches.len() {
            let batch = table.batches[at].batch.clone();
            let end = first + batch.num_rows();
            let mut from: Vec<(usize, usize)> = (0..batch.num_rows()).map(|row| (0, row)).collect();
            let mut hit = vec![false; batch.num_rows()];
            let mut is_hit = false;
            while let Some((row, value)) = places.next_if(|place| place.0 < end) {
                from[row - first] = (1, value);
                hit[row - first] = true;
                order.push(value);
                is_hit = true;
            }
            first = end;
            if !is_hit {
                continue;
            }
            let mut columns = batch.columns().to_vec();
            for (target, array) in targets.iter().zip(&arrays) {
                columns[*target] =
                    interleave(&[batch.column(*target).as_ref(), array.as_ref()], &from)
                        .map_err(|error| query_error(&error.into()))?;
            }
            let batch = table.batch(columns, batch.num_rows())?;
            let part = filter_record_batch(&batch, &BooleanArray::from(hit))
                .map_err(|error| query_error(&error.into()))?;
            table.check_not_null(&part)?;
            parts.push(part);
            table.batches[at] = Rows::new(batch);
        }
        let affected =
            concat_batches(&table.schema(), &parts).map_err(|error| query_error(&error.into()))?;
        let touched = |columns: &[usize]| columns.iter().any(|column| targets.contains(column));
        for key in table.keys.iter().filter(|key| touched(&key.columns)) {
            let mut seen = KeyValues::new(&table, key)?;
            for rows in &table.batches {
                if let Some(row) = seen.add(key, &rows.batch)? {
                    return Err(duplicate(&table, key, &rows.batch, row));
                }
            }
        }
        let affected = reordered(&affected, &order)?;
        Ok((table, affected))
    }

    /// The same table without the rows at `rows`, and those rows.
    pub(crate) fn deleted(&self, rows: &[usize]) -> Result<(Self, RecordBatch), QueryError> {
        let mut gone = vec![false; self.row_count()];
        for row in rows {
            gone[*row] = true;
        }
        let mut table = self.emptied();
        let (mut first, mut parts) = (0, Vec::new());
        for rows in &self.batches {
            let end = first + rows.batch.num_rows();
            let mask = &gone[first..end];
            first = end;
            if !mask.contains(&true) {
                table.batches.push(std::sync::Arc::clone(rows));
                continue;
            }
            let filter = |mask: Vec<bool>| {
                filter_record_batch(&rows.batch, &BooleanArray::from(mask))
                    .map_err(|error| query_error(&error.into()))
            };
            parts.push(filter(mask.to_vec())?);
            let rest = filter(mask.iter().map(|gone| !gone).collect())?;
            if rest.num_rows() > 0 {
                table.batches.push(Rows::new(rest));
            }
        }
        let gone =
            concat_batches(&self.schema(), &parts).map_err(|error| query_error(&error.into()))?;
        Ok((table, gone))
    }
}

/// The rows of `batch`, row `i` of which is number `order[i]`, in the order of their numbers.
fn reordered(batch: &RecordBatch, order: &[usize]) -> Result<RecordBatch, QueryError> {
    let mut by_number = vec![0; order.len()];
    for (at, number) in order.iter().enumerate() {
        by_number[*number] = u32::try_from(at).unwrap_or(u32::MAX);
    }
    let indices = datafusion::arrow::array::UInt32Array::from(by_number);
    datafusion::arrow::compute::take_record_batch(batch, &indices)
        .map_err(|error| query_error(&error.into()))
}
