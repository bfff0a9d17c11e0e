//! Parts of arrays, and arrays of arrays.

use super::super::Value;
use crate::limits::IDENTIFIER_BYTES_MAX;
use crate::values::array_text::{DIMENSIONS_MAX, too_many_dimensions};
use crate::{Dimension, QueryError, SqlState};

/// The element that these subscripts name; null where there is none, or where one is null. Vectors count
/// from `first`.
pub(super) fn element_at(array: &Value, indexes: &[Value], first: i64) -> Value {
    if let (Value::Text(name), [index]) = (array, indexes) {
        return character_at(name, index);
    }
    let mut dimensions = array.dimensions();
    if first == 0 {
        dimensions.iter_mut().for_each(|dimension| dimension.lower = 0);
    }
    if dimensions.len() != indexes.len() {
        return Value::Null;
    }
    let mut at = 0;
    for (dimension, index) in dimensions.iter().zip(indexes) {
        let offset = index.as_int().and_then(|index| index.checked_sub(dimension.lower.into()));
        match offset.filter(|offset| (0..i64::from(dimension.length)).contains(offset)) {
            Some(offset) => at = at * i64::from(dimension.length) + offset,
            None => return Value::Null,
        }
    }
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    array.elements().get(at).cloned().unwrap_or(Value::Null)
}

/// A byte of a name as a value of type "char": zero, shown as nothing, after its end.
fn character_at(name: &str, index: &Value) -> Value {
    let at = index.as_int().and_then(|index| usize::try_from(index).ok());
    let Some(at) = at.filter(|at| *at <= IDENTIFIER_BYTES_MAX) else { return Value::Null };
    Value::text(match name.as_bytes().get(at) {
        None => String::new(),
        Some(byte) if byte.is_ascii() => char::from(*byte).to_string(),
        Some(byte) => format!("\\{byte:03o}"),
    })
}

/// The part of an array between bounds of each dimension; it counts from 1. Bounds that are not written
/// are the array's.
pub(super) fn slice(array: &Value, bounds: &[(Option<Value>, Option<Value>)]) -> Value {
    let is_null = |bound: &Option<Value>| bound.as_ref().is_some_and(Value::is_null);
    if array.is_null() || bounds.iter().any(|(lower, upper)| is_null(lower) || is_null(upper)) {
        return Value::Null;
    }
    let dimensions = array.dimensions();
    if dimensions.is_empty() || bounds.len() > dimensions.len() {
        return Value::array(Vec::new());
    }
    // First offset and length of each dimension.
    let mut kept = Vec::with_capacity(dimensions.len());
    for (at, dimension) in dimensions.iter().enumerate() {
        let (first, last) = (
            i64::from(dimension.lower),
            i64::from(dimension.lower) + i64::from(dimension.length) - 1,
        );
        let bound = |bound: Option<&Option<Value>>| bound.and_then(Option::as_ref)?.as_int();
        let pair = bounds.get(at);
        let lower = bound(pair.map(|pair| &pair.0)).unwrap_or(first).max(first);
        let upper = bound(pair.map(|pair| &pair.1)).unwrap_or(last).min(last);
        if lower > upper {
            return Value::array(Vec::new());
        }
        kept.push(((lower - first) as usize, (upper - lower + 1) as usize));
    }
    let total: usize = kept.iter().map(|(_, length)| length).product();
    let mut elements = Vec::with_capacity(total);
    for number in 0..total {
        // Digits of the number, the last dimension's lowest, are offsets in the part.
        let (mut rest, mut at, mut stride) = (number, 0, 1);
        for (dimension, (first, length)) in dimensions.iter().zip(&kept).rev() {
            at += (first + rest % length) * stride;
            rest /= length;
            stride *= dimension.length as usize;
        }
        elements.push(array.elements()[at].clone());
    }
    let dimensions = kept.iter().map(|(_, length)| Dimension {
        lower: 1,
        length: i32::try_from(*length).unwrap_or(i32::MAX),
    });
    Value::shaped(dimensions.collect(), elements)
}

/// The array that has these arrays of one shape as its members.
///
/// # Errors
/// 2202E for members of different shapes, 54000 past the limit of dimensions.
pub(super) fn stacked(parts: &[Value]) -> Result<Value, QueryError> {
    let mut elements = Vec::new();
    let mut inner: Option<Vec<Dimension>> = None;
    let mut is_empty = true;
    for part in parts.iter().filter(|part| !part.is_null()) {
        let dimensions = part.dimensions();
        is_empty &= dimensions.is_empty();
        if inner.as_ref().is_some_and(|known| *known != dimensions) {
            return Err(QueryError::new(
                SqlState("2202E"),
                "multidimensional arrays must have array expressions with matching dimensions",
            ));
        }
        elements.extend(part.elements().iter().cloned());
        inner = Some(dimensions);
    }
    let inner = inner.unwrap_or_default();
    if is_empty {
        return Ok(Value::array(Vec::new()));
    }
    if inner.len() >= DIMENSIONS_MAX {
        return Err(too_many_dimensions());
    }
    let length = i32::try_from(parts.iter().filter(|part| !part.is_null()).count());
    let outer = Dimension { lower: 1, length: length.unwrap_or(i32::MAX) };
    let dimensions = std::iter::once(outer).chain(inner).collect();
    Ok(Value::shaped(dimensions, elements))
}
