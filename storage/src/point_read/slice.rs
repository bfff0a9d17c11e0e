//! Some decoded rows of one column. Runs of equal values are kept once.
//!
//! Many columns repeat: a block's hash, number and time on all of its rows, an absent amount on all rows
//! of a chain. As runs they take next to nothing, so that the cache holds more of the columns that differ.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{partition, take};
use arrow::error::ArrowError;

/// Rows are kept as runs when there are at least this many rows for each of them.
const ROWS_PER_RUN_MIN: usize = 8;

/// Values of a slice.
#[derive(Clone, Debug)]
pub(super) enum Slice {
    Plain(ArrayRef),
    /// One value for each run, and where it ends.
    Runs {
        values: ArrayRef,
        ends: Arc<[u32]>,
    },
}

impl Slice {
    /// The shorter form of `array`.
    pub(super) fn new(array: ArrayRef) -> Result<Self, ArrowError> {
        if array.data_type().is_nested() && array.null_count() < array.len() {
            return Ok(Self::Plain(array));
        }
        let runs = if array.null_count() == array.len() {
            std::iter::once(0..array.len()).collect()
        } else {
            partition(&[Arc::clone(&array)])?.ranges()
        };
        if runs.len() * ROWS_PER_RUN_MIN > array.len() {
            return Ok(Self::Plain(array));
        }
        let starts = UInt32Array::from_iter_values(runs.iter().map(|run| run.start as u32));
        let ends = runs.iter().map(|run| run.end as u32).collect();
        Ok(Self::Runs { values: take(&array, &starts, None)?, ends })
    }

    /// Bytes that it takes.
    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Plain(array) => array.get_array_memory_size(),
            Self::Runs { values, ends } => values.get_array_memory_size() + size_of_val(&**ends),
        }
    }

    /// The values of `rows`.
    pub(super) fn rows(&self, rows: Range<usize>) -> Result<ArrayRef, ArrowError> {
        let (values, ends) = match self {
            Self::Plain(array) => return Ok(array.slice(rows.start, rows.len())),
            Self::Runs { values, ends } => (values, ends),
        };
        let run_of = |row: usize| ends.partition_point(|end| *end as usize <= row);
        if rows.len() == 1 {
            return Ok(values.slice(run_of(rows.start), 1));
        }
        let mut run = run_of(rows.start);
        let runs = rows.map(|row| {
            run += usize::from(ends.get(run).is_some_and(|end| *end as usize <= row));
            run as u32
        });
        take(values, &UInt32Array::from_iter_values(runs), None)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{FixedSizeBinaryArray, Int64Array, ListArray, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn every_range_of_a_slice_reads_as_the_slice_was_written() {
        let repeated = |row: usize| (row / 40) as i64;
        let hash = |row: usize| (row / 50 != 1).then_some([(row / 50) as u8; 32]);
        let hashes = FixedSizeBinaryArray::try_from_sparse_iter_with_size((0..200).map(hash), 32);
        let lists = (0..200).map(|row| Some(vec![Some(repeated(row))]));
        let slices: [(ArrayRef, bool); 6] = [
            (Arc::new(Int64Array::from_iter_values((0..200).map(repeated))), true),
            (Arc::new(Int64Array::from_iter_values(0..200)), false),
            (Arc::new(Int64Array::from(vec![None; 200])), true),
            (Arc::new(hashes.unwrap()), true),
            (Arc::new(StringArray::from(vec!["[]"; 200])), true),
            (Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)), false),
        ];
        for (array, has_runs) in slices {
            let slice = Slice::new(Arc::clone(&array)).unwrap();
            assert_eq!(matches!(slice, Slice::Runs { .. }), has_runs, "{array:?}");
            for rows in [0..1, 0..200, 39..41, 40..120, 149..150, 199..200, 60..60] {
                let expected = array.slice(rows.start, rows.len());
                assert_eq!(*slice.rows(rows).unwrap(), *expected);
            }
        }
    }
}
