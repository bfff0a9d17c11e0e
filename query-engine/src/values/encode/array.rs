//! Columns of one-dimensional arrays, and the two vector types of the catalog.

use crate::{PgType, QueryError, SqlState};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use bytes::BufMut;

use super::{CellWriter, EncodedColumn, Format, TextStyle, carrier_error, resolve};
use crate::values::array_text::quote_from;

/// Elements of all rows, and where each row's begin and end.
struct Lists {
    elements: ArrayRef,
    bounds: Box<dyn Fn(usize) -> (usize, usize) + Send + Sync>,
}

impl Lists {
    fn new(array: &dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let offsets = list.offsets().clone();
                let bounds = move |row: usize| (offsets[row] as usize, offsets[row + 1] as usize);
                Some(Self { elements: list.values().clone(), bounds: Box::new(bounds) })
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                let offsets = list.offsets().clone();
                let bounds = move |row: usize| (offsets[row] as usize, offsets[row + 1] as usize);
                Some(Self { elements: list.values().clone(), bounds: Box::new(bounds) })
            }
            DataType::FixedSizeList(_, size) => {
                let list = array.as_fixed_size_list();
                let size = *size as usize;
                let bounds = move |row: usize| (row * size, (row + 1) * size);
                Some(Self { elements: list.values().clone(), bounds: Box::new(bounds) })
            }
            _ => None,
        }
    }
}

/// `{1,NULL,"a b"}`, or PostgreSQL's binary array counted from 1.
pub(super) fn writer(
    array: &dyn Array,
    pg_type: PgType,
    format: Format,
    style: &TextStyle,
) -> Result<CellWriter, QueryError> {
    match format {
        Format::Text => text_writer(array, pg_type, style),
        Format::Binary => binary_writer(array, pg_type, style, 1),
    }
}

/// `1 2`, or PostgreSQL's binary array counted from 0.
pub(super) fn vector_writer(
    array: &dyn Array,
    pg_type: PgType,
    format: Format,
    style: &TextStyle,
) -> Result<CellWriter, QueryError> {
    if format == Format::Binary {
        return binary_writer(array, pg_type, style, 0);
    }
    let (lists, element) = open(array, pg_type)?;
    let write = resolve(lists.elements.as_ref(), element, Format::Text, style)?;
    Ok(Box::new(move |row, out| {
        let (first, end) = (lists.bounds)(row);
        for index in first..end {
            if index > first {
                out.put_u8(b' ');
            }
            write(index, out)?;
        }
        Ok(())
    }))
}

fn open(array: &dyn Array, pg_type: PgType) -> Result<(Lists, PgType), QueryError> {
    let lists = Lists::new(array).zip(pg_type.element());
    lists.ok_or_else(|| carrier_error(array, pg_type))
}

fn text_writer(
    array: &dyn Array,
    pg_type: PgType,
    style: &TextStyle,
) -> Result<CellWriter, QueryError> {
    let (lists, element) = open(array, pg_type)?;
    let nulls = lists.elements.logical_nulls();
    let delimiter = element.delimiter();
    let write = resolve(lists.elements.as_ref(), element, Format::Text, style)?;
    Ok(Box::new(move |row, out| {
        let (first, end) = (lists.bounds)(row);
        out.put_u8(b'{');
        for index in first..end {
            if index > first {
                out.put_u8(delimiter as u8);
            }
            if is_null(&nulls, index) {
                out.put_slice(b"NULL");
                continue;
            }
            let start = out.len();
            write(index, out)?;
            quote_from(out, start, delimiter);
        }
        out.put_u8(b'}');
        Ok(())
    }))
}

fn binary_writer(
    array: &dyn Array,
    pg_type: PgType,
    style: &TextStyle,
    lower_bound: i32,
) -> Result<CellWriter, QueryError> {
    let (lists, element) = open(array, pg_type)?;
    let nulls = lists.elements.logical_nulls();
    let column = EncodedColumn::new(lists.elements.as_ref(), element, Format::Binary, style)?;
    Ok(Box::new(move |row, out| {
        let (first, end) = (lists.bounds)(row);
        let count = i32::try_from(end - first)
            .map_err(|_| QueryError::new(SqlState::PROGRAM_LIMIT, "array has too many elements"))?;
        // An empty array has no dimension, except a vector, which always has one.
        out.put_i32(i32::from(count > 0 || lower_bound == 0));
        out.put_i32((first..end).any(|index| is_null(&nulls, index)).into());
        out.put_u32(element.oid());
        if count > 0 || lower_bound == 0 {
            out.put_i32(count);
            out.put_i32(lower_bound);
        }
        (first..end).try_for_each(|index| column.write(index, out))
    }))
}

fn is_null(nulls: &Option<NullBuffer>, index: usize) -> bool {
    nulls.as_ref().is_some_and(|nulls| nulls.is_null(index))
}
