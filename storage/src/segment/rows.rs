//! Which rows of a batch belong to which block, and how many bytes they are. Pure.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use schemas::TableSpec;

use crate::{BlockRecord, StorageError};

/// Rows of one block in a set of batches, one per table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockExtent {
    /// Index of the row after the block's last one, per table.
    pub row_ends: Vec<usize>,
    /// Rows of the block in all tables.
    pub row_count: u64,
    /// Bytes of these rows before encoding, in all tables. A function of the block alone.
    pub size_bytes: u64,
}

/// Where the rows of each block of `records` end in `batches`, one batch per table of `tables`.
///
/// # Errors
/// `Rows` when a batch has another schema than its table, or holds rows out of order or of a block
/// that `records` does not list.
pub fn block_extents(
    tables: &[&TableSpec],
    records: &[BlockRecord],
    batches: &[RecordBatch],
) -> Result<Vec<BlockExtent>, StorageError> {
    if tables.len() != batches.len() {
        let detail = format!("{} batches for {} tables", batches.len(), tables.len());
        return Err(StorageError::Rows(detail));
    }
    let mut extents =
        vec![BlockExtent { row_ends: Vec::new(), row_count: 0, size_bytes: 0 }; records.len()];
    for (table, batch) in tables.iter().zip(batches) {
        let numbers = block_numbers(table, batch)?;
        let mut start = 0;
        for (record, extent) in records.iter().zip(&mut extents) {
            let rows = numbers[start..].iter().take_while(|n| **n as u64 == record.number).count();
            extent.row_count += rows as u64;
            extent.size_bytes += rows_bytes(batch, start, rows)?;
            start += rows;
            extent.row_ends.push(start);
        }
        if let Some(number) = numbers.get(start) {
            return Err(StorageError::Rows(format!(
                "{} has a row of block {number} that is not listed or out of order",
                table.name
            )));
        }
    }
    Ok(extents)
}

fn block_numbers<'a>(table: &TableSpec, batch: &'a RecordBatch) -> Result<&'a [i64], StorageError> {
    let wrong = |detail: &str| StorageError::Rows(format!("table {}: {detail}", table.name));
    if batch.schema().fields() != table.schema().fields() {
        return Err(wrong("columns differ from the table's"));
    }
    let column = batch
        .column_by_name(table.block_column)
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .ok_or_else(|| wrong("no bigint block column"))?;
    if column.null_count() > 0 {
        return Err(wrong("a row has no block number"));
    }
    Ok(column.values())
}

/// Bytes of `rows` rows from `start`, before encoding.
pub(crate) fn rows_bytes(
    batch: &RecordBatch,
    start: usize,
    rows: usize,
) -> Result<u64, StorageError> {
    if rows == 0 {
        return Ok(0);
    }
    batch.columns().iter().map(|column| column_bytes(column.as_ref(), start, rows)).sum()
}

fn column_bytes(column: &dyn Array, start: usize, rows: usize) -> Result<u64, StorageError> {
    let between = |offsets: &[i32]| (offsets[start + rows] - offsets[start]) as u64;
    let other = || StorageError::Rows(format!("column type {} is unknown", column.data_type()));
    let rows = rows as u64;
    Ok(match column.data_type() {
        DataType::Boolean => rows,
        DataType::FixedSizeBinary(width) => rows * *width as u64,
        DataType::Binary => between(column.as_binary::<i32>().value_offsets()),
        DataType::Utf8 => between(column.as_string::<i32>().value_offsets()),
        DataType::List(item) => {
            let DataType::FixedSizeBinary(width) = item.data_type() else { return Err(other()) };
            between(column.as_list::<i32>().value_offsets()) * *width as u64
        }
        fixed => rows * fixed.primitive_width().ok_or_else(other)? as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn extents_do_not_depend_on_how_blocks_are_grouped() {
        let (records, batches) = testing::blocks(10, 5, 3);
        let together = block_extents(&testing::TABLES, &records, &batches).unwrap();
        for (index, record) in records.iter().enumerate() {
            let (_, batches) = testing::blocks(record.number, 1, 3);
            let records = std::slice::from_ref(record);
            let alone = block_extents(&testing::TABLES, records, &batches).unwrap();
            assert_eq!(alone[0].size_bytes, together[index].size_bytes);
            assert_eq!(alone[0].row_count, together[index].row_count);
        }
        assert_eq!(together[4].row_ends, vec![5, 15]);
    }

    #[test]
    fn a_row_of_an_unlisted_block_is_refused() {
        let (records, batches) = testing::blocks(10, 5, 3);
        assert!(block_extents(&testing::TABLES, &records[..4], &batches).is_err());
        assert!(block_extents(&testing::TABLES, &records[1..], &batches).is_err());
        assert!(block_extents(&testing::TABLES, &records, &batches[..1]).is_err());
    }
}
