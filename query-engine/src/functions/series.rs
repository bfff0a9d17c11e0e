//! `generate_series(first, last[, step])` as a list, for a select list over tables: bounded, because the
//! list of a row is in memory whole. In FROM the planner's table function streams the same.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int32Builder, Int64Builder, ListBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::limits::SERIES_ELEMENTS_MAX;
use crate::{QueryError, SqlState};

/// The function.
pub(crate) fn series() -> ScalarUDF {
    let integers = vec![DataType::Int32, DataType::Int64];
    let signature = Signature::one_of(
        vec![
            datafusion::logical_expr::TypeSignature::Uniform(2, integers.clone()),
            datafusion::logical_expr::TypeSignature::Uniform(3, integers),
        ],
        Volatility::Immutable,
    );
    ScalarUDF::new_from_impl(Series { signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Series {
    signature: Signature,
}

impl ScalarUDFImpl for Series {
    fn name(&self) -> &str {
        "generate_series"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let is_small = types.iter().all(|found| *found == DataType::Int32);
        let element = if is_small { DataType::Int32 } else { DataType::Int64 };
        Ok(DataType::List(Arc::new(Field::new_list_field(element, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::List(element) = args.return_type() else {
            return exec_err!("a series is a list");
        };
        let is_small = *element.data_type() == DataType::Int32;
        let rows = args.number_rows;
        let bounds = args
            .args
            .into_iter()
            .map(|arg| cast(&arg.into_array(rows)?, &DataType::Int64).map_err(Into::into))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let mut lists: Vec<Vec<i64>> = Vec::with_capacity(rows);
        for row in 0..rows {
            let value = |at: usize| {
                let bound = bounds.get(at)?.as_primitive::<Int64Type>();
                bound.is_valid(row).then(|| bound.value(row))
            };
            let step = if bounds.len() == 3 { value(2) } else { Some(1) };
            lists.push(match (value(0), value(1), step) {
                (Some(first), Some(last), Some(step)) => elements(first, last, step)?,
                // A null bound gives no rows.
                _ => Vec::new(),
            });
        }
        Ok(ColumnarValue::Array(if is_small { small(lists)? } else { wide(lists) }))
    }
}

fn elements(first: i64, last: i64, step: i64) -> Result<Vec<i64>> {
    if step == 0 {
        let message = "step size cannot equal zero";
        return Err(QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message).into());
    }
    let mut found = Vec::new();
    let mut next = Some(first);
    while let Some(value) =
        next.filter(|value| if step > 0 { *value <= last } else { *value >= last })
    {
        if found.len() == SERIES_ELEMENTS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a series in a select list may have {SERIES_ELEMENTS_MAX} elements a row"),
            )
            .with_hint("Put the series in FROM.")
            .into());
        }
        found.push(value);
        next = value.checked_add(step);
    }
    Ok(found)
}

fn small(lists: Vec<Vec<i64>>) -> Result<ArrayRef> {
    let mut builder = ListBuilder::new(Int32Builder::new());
    for list in lists {
        for value in list {
            // Between two integers, so that it is one itself.
            builder.values().append_option(i32::try_from(value).ok());
        }
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

fn wide(lists: Vec<Vec<i64>>) -> ArrayRef {
    let mut builder = ListBuilder::new(Int64Builder::new());
    for list in lists {
        builder.values().append_slice(&list);
        builder.append(true);
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_a_series_admits_its_own_value_and_refuses_the_next() {
        let count = i64::try_from(SERIES_ELEMENTS_MAX).unwrap();
        assert_eq!(elements(1, count, 1).unwrap().len(), SERIES_ELEMENTS_MAX);
        assert!(elements(1, count + 1, 1).is_err());
        assert_eq!(elements(5, 1, -2).unwrap(), [5, 3, 1]);
        assert_eq!(elements(i64::MAX - 1, i64::MAX, 1).unwrap().len(), 2);
    }
}
