//! Growing columns, one type per column type of `schemas`, and the macro that makes a table of them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, Int32Array, Int64Array, ListArray,
    NullBufferBuilder, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};

/// A column that grows row by row.
pub(super) trait Column {
    /// Takes the rows as an array; the column is empty afterwards.
    fn finish(&mut self) -> ArrayRef;

    /// Memory that the rows take, bytes.
    fn size_bytes(&self) -> usize;
}

/// Marks which rows are null; costs nothing until one is.
#[derive(Debug)]
struct Nulls(NullBufferBuilder);

impl Default for Nulls {
    fn default() -> Self {
        Self(NullBufferBuilder::new(0))
    }
}

impl Nulls {
    fn push(&mut self, is_valid: bool) {
        self.0.append(is_valid);
    }

    fn finish(&mut self) -> Option<NullBuffer> {
        self.0.finish()
    }
}

/// Byte strings of `N` bytes: hashes, addresses, 256-bit integers.
#[derive(Debug, Default)]
pub(super) struct FixedColumn<const N: usize> {
    values: Vec<u8>,
    nulls: Nulls,
}

impl<const N: usize> FixedColumn<N> {
    pub(super) fn push(&mut self, value: [u8; N]) {
        self.values.extend_from_slice(&value);
        self.nulls.push(true);
    }

    pub(super) fn push_option(&mut self, value: Option<[u8; N]>) {
        self.values.extend_from_slice(&value.unwrap_or([0; N]));
        self.nulls.push(value.is_some());
    }
}

impl<const N: usize> Column for FixedColumn<N> {
    fn finish(&mut self) -> ArrayRef {
        let values = Buffer::from_vec(std::mem::take(&mut self.values));
        Arc::new(FixedSizeBinaryArray::new(N as i32, values, self.nulls.finish()))
    }

    fn size_bytes(&self) -> usize {
        self.values.len()
    }
}

/// `bigint`.
#[derive(Debug, Default)]
pub(super) struct BigintColumn {
    values: Vec<i64>,
    nulls: Nulls,
}

impl BigintColumn {
    /// Adds a counter that verification has checked to fit.
    pub(super) fn push(&mut self, value: u64) {
        self.push_option(Some(value));
    }

    pub(super) fn push_option(&mut self, value: Option<u64>) {
        let fits =
            |value| i64::try_from(value).expect("verification refuses counters above i64::MAX");
        self.values.push(value.map_or(0, fits));
        self.nulls.push(value.is_some());
    }
}

impl Column for BigintColumn {
    fn finish(&mut self) -> ArrayRef {
        let values = ScalarBuffer::from(std::mem::take(&mut self.values));
        Arc::new(Int64Array::new(values, self.nulls.finish()))
    }

    fn size_bytes(&self) -> usize {
        self.values.len() * 8
    }
}

/// `integer`, never null.
#[derive(Debug, Default)]
pub(super) struct IntegerColumn(Vec<i32>);

impl IntegerColumn {
    pub(super) fn push(&mut self, value: i32) {
        self.0.push(value);
    }
}

impl Column for IntegerColumn {
    fn finish(&mut self) -> ArrayRef {
        Arc::new(Int32Array::new(ScalarBuffer::from(std::mem::take(&mut self.0)), None))
    }

    fn size_bytes(&self) -> usize {
        self.0.len() * 4
    }
}

/// `timestamptz` in microseconds since 1970 UTC, never null.
#[derive(Debug, Default)]
pub(super) struct TimestampColumn(Vec<i64>);

impl TimestampColumn {
    pub(super) fn push(&mut self, value_us: i64) {
        self.0.push(value_us);
    }
}

impl Column for TimestampColumn {
    fn finish(&mut self) -> ArrayRef {
        let values = ScalarBuffer::from(std::mem::take(&mut self.0));
        Arc::new(TimestampMicrosecondArray::new(values, None).with_timezone("UTC"))
    }

    fn size_bytes(&self) -> usize {
        self.0.len() * 8
    }
}

/// Values of any length, one after the other, and where each ends.
#[derive(Debug, Default)]
struct Ends {
    ends: Vec<i32>,
    nulls: Nulls,
}

impl Ends {
    fn push(&mut self, end: usize, is_valid: bool) {
        self.ends.push(i32::try_from(end).expect("a batch stays below BATCH_BYTES_MAX"));
        self.nulls.push(is_valid);
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), self.nulls.finish())
    }
}

/// `bytea` of any length, never null.
#[derive(Debug, Default)]
pub(super) struct BytesColumn {
    values: Vec<u8>,
    ends: Ends,
}

impl BytesColumn {
    pub(super) fn push(&mut self, value: &[u8]) {
        self.values.extend_from_slice(value);
        self.ends.push(self.values.len(), true);
    }
}

impl Column for BytesColumn {
    fn finish(&mut self) -> ArrayRef {
        let (offsets, nulls) = self.ends.finish();
        let values = Buffer::from_vec(std::mem::take(&mut self.values));
        Arc::new(BinaryArray::new(offsets, values, nulls))
    }

    fn size_bytes(&self) -> usize {
        self.values.len() + self.ends.ends.len() * 4
    }
}

/// `text`.
#[derive(Debug, Default)]
pub(super) struct TextColumn {
    text: String,
    ends: Ends,
}

impl TextColumn {
    /// Adds a row that `write` appends to the column's text; null when there is nothing to write.
    pub(super) fn push_option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut String, T)) {
        let is_valid = value.is_some();
        if let Some(value) = value {
            write(&mut self.text, value);
        }
        self.ends.push(self.text.len(), is_valid);
    }
}

impl Column for TextColumn {
    fn finish(&mut self) -> ArrayRef {
        let (offsets, nulls) = self.ends.finish();
        let values = Buffer::from_vec(std::mem::take(&mut self.text).into_bytes());
        Arc::new(StringArray::new(offsets, values, nulls))
    }

    fn size_bytes(&self) -> usize {
        self.text.len() + self.ends.ends.len() * 4
    }
}

/// `bytea[]` of 32-byte hashes.
#[derive(Debug, Default)]
pub(super) struct HashListColumn {
    values: Vec<u8>,
    ends: Ends,
}

impl HashListColumn {
    pub(super) fn push(&mut self, hashes: impl IntoIterator<Item = [u8; 32]>) {
        self.push_option(Some(hashes));
    }

    pub(super) fn push_option(&mut self, hashes: Option<impl IntoIterator<Item = [u8; 32]>>) {
        let is_valid = hashes.is_some();
        for hash in hashes.into_iter().flatten() {
            self.values.extend_from_slice(&hash);
        }
        self.ends.push(self.values.len() / 32, is_valid);
    }
}

impl Column for HashListColumn {
    fn finish(&mut self) -> ArrayRef {
        let (offsets, nulls) = self.ends.finish();
        let values = Buffer::from_vec(std::mem::take(&mut self.values));
        let hashes = FixedSizeBinaryArray::new(32, values, None);
        let field = Field::new_list_field(DataType::FixedSizeBinary(32), false);
        debug_assert_eq!(offsets.last().copied(), i32::try_from(hashes.len()).ok());
        Arc::new(ListArray::new(Arc::new(field), offsets, Arc::new(hashes), nulls))
    }

    fn size_bytes(&self) -> usize {
        self.values.len() + self.ends.ends.len() * 4
    }
}

/// Declares the growing rows of a table: its columns in the order of its schema.
macro_rules! rows {
    ($(#[$doc:meta])* $name:ident of $table:expr; $($column:ident: $kind:ty,)+) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name {
            row_count: usize,
            $($column: $kind,)+
        }

        impl $name {
            /// Rows collected.
            pub(super) fn row_count(&self) -> usize {
                self.row_count
            }

            /// Memory that the rows take, bytes.
            pub(super) fn size_bytes(&self) -> usize {
                0 $(+ $crate::decode::columns::Column::size_bytes(&self.$column))+
            }

            /// Takes the rows; the table is empty afterwards.
            pub(super) fn finish(&mut self) -> arrow::array::RecordBatch {
                self.row_count = 0;
                let columns = vec![
                    $($crate::decode::columns::Column::finish(&mut self.$column),)+
                ];
                arrow::array::RecordBatch::try_new($table.schema(), columns)
                    .expect("columns have the order and types of the table's schema")
            }
        }
    };
}
pub(super) use rows;
