//! `generate_series(first, last[, step])` as a list, for a select list over tables: bounded, because the
//! list of a row is in memory whole. In FROM the planner's table function streams the same.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int32Builder, Int64Builder, ListArray, ListBuilder, new_null_array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, IntervalUnit, TimeUnit};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use datafusion::scalar::ScalarValue;

use crate::functions::sql::datetime;
use crate::limits::SERIES_ELEMENTS_MAX;
use crate::types::class::{Class, timestamptz, type_name};
use crate::types::rule::text::SessionStyle;
use crate::values::Zone;
use crate::{QueryError, SqlState};

/// The function.
pub(crate) fn series() -> ScalarUDF {
    ScalarUDF::new_from_impl(Series { signature: Signature::variadic_any(Volatility::Immutable) })
}

/// Types that the bounds and the step are brought to; `None` for types that have no series.
pub(crate) fn arguments(types: &[DataType]) -> Option<Vec<DataType>> {
    if !(2..=3).contains(&types.len()) {
        return None;
    }
    let bounds = &types[..2];
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, None);
    let is_instant =
        |found: &DataType| matches!(found, DataType::Date32 | DataType::Timestamp(_, Some(_)));
    if bounds.iter().any(|found| found.is_temporal()) {
        let bound = if bounds.iter().any(is_instant) { timestamptz() } else { timestamp };
        let step = DataType::Interval(IntervalUnit::MonthDayNano);
        return (types.len() == 3).then(|| vec![bound.clone(), bound, step]);
    }
    let classes: Vec<Class> = types.iter().map(Class::of).collect();
    let scale = classes.iter().filter_map(|class| class.digits()).map(|digits| digits.1).max();
    let wanted = if classes.iter().any(|class| matches!(class, Class::Decimal(..))) {
        DataType::Decimal128(38, scale?)
    } else if classes.contains(&Class::Int8) {
        DataType::Int64
    } else {
        DataType::Int32
    };
    let is_known = |class: &Class| {
        class.is_integer() || matches!(class, Class::Decimal(..) | Class::Null | Class::Text)
    };
    classes.iter().all(is_known).then(|| vec![wanted; types.len()])
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
        let element = arguments(types).and_then(|wanted| wanted.into_iter().next());
        let element = element.ok_or_else(|| {
            let types: Vec<_> = types.iter().map(type_name).collect();
            QueryError::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("function generate_series({}) does not exist", types.join(", ")),
            )
        })?;
        Ok(DataType::List(Arc::new(Field::new_list_field(element, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::List(element) = args.return_type() else {
            return exec_err!("a series is a list");
        };
        let element = element.data_type().clone();
        let is_small = element == DataType::Int32;
        let rows = args.number_rows;
        if !matches!(element, DataType::Int32 | DataType::Int64) {
            let zone = zone_of(&args);
            let arrays = args
                .args
                .into_iter()
                .map(|arg| arg.into_array(rows))
                .collect::<Result<Vec<_>>>()?;
            return of_scalars(&arrays, rows, zone, &element);
        }
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
        return Err(no_step());
    }
    let mut found = Vec::new();
    let mut next = Some(first);
    while let Some(value) =
        next.filter(|value| if step > 0 { *value <= last } else { *value >= last })
    {
        if found.len() == SERIES_ELEMENTS_MAX {
            return Err(too_long());
        }
        found.push(value);
        next = value.checked_add(step);
    }
    Ok(found)
}

fn zone_of(args: &ScalarFunctionArgs) -> Zone {
    let style = args.config_options.extensions.get::<SessionStyle>();
    style.map_or_else(Default::default, |style| style.0.clone()).zone
}

/// Series of instants by interval, and of decimals.
fn of_scalars(
    arrays: &[ArrayRef],
    rows: usize,
    zone: Zone,
    element: &DataType,
) -> Result<ColumnarValue> {
    let mut all = Vec::with_capacity(rows);
    let mut lengths = Vec::with_capacity(rows);
    for row in 0..rows {
        let values = arrays
            .iter()
            .map(|array| ScalarValue::try_from_array(array, row))
            .collect::<Result<Vec<_>>>()?;
        let found = match values.iter().any(ScalarValue::is_null) {
            true => Vec::new(),
            false => steps(&values, zone, element)?,
        };
        lengths.push(found.len());
        all.extend(found);
    }
    let items = match all.is_empty() {
        true => new_null_array(element, 0),
        false => ScalarValue::iter_to_array(all)?,
    };
    let field = Arc::new(Field::new_list_field(element.clone(), true));
    let list = ListArray::new(field, OffsetBuffer::from_lengths(lengths), items, None);
    Ok(ColumnarValue::Array(Arc::new(list)))
}

fn steps(values: &[ScalarValue], zone: Zone, element: &DataType) -> Result<Vec<ScalarValue>> {
    let mut found = Vec::new();
    let mut keep = |value: ScalarValue| match found.len() == SERIES_ELEMENTS_MAX {
        true => Err(too_long()),
        false => {
            found.push(value);
            Ok(())
        }
    };
    match (values, element) {
        ([first, last, step], DataType::Timestamp(_, shown)) => {
            let (mut at, last) = (micros(first), micros(last));
            let direction = datetime::advanced(0, step, zone)?;
            if direction == 0 {
                return Err(no_step());
            }
            while if direction > 0 { at <= last } else { at >= last } {
                keep(ScalarValue::TimestampMicrosecond(Some(at), shown.clone()))?;
                let zone = if shown.is_some() { zone } else { Zone::Fixed(0) };
                at = datetime::advanced(at, step, zone)?;
            }
        }
        ([first, last, rest @ ..], DataType::Decimal128(precision, scale)) => {
            let number = |value: &ScalarValue| match value {
                ScalarValue::Decimal128(Some(value), ..) => *value,
                _ => 0,
            };
            let one = 10_i128.pow(u32::from(scale.unsigned_abs()));
            let (mut at, last) = (number(first), number(last));
            let step = rest.first().map_or(one, number);
            if step == 0 {
                return Err(no_step());
            }
            while if step > 0 { at <= last } else { at >= last } {
                keep(ScalarValue::Decimal128(Some(at), *precision, *scale))?;
                let Some(next) = at.checked_add(step) else { break };
                at = next;
            }
        }
        _ => return exec_err!("a series of these types"),
    }
    Ok(found)
}

fn micros(value: &ScalarValue) -> i64 {
    match value {
        ScalarValue::TimestampMicrosecond(Some(us), _) => *us,
        _ => 0,
    }
}

fn no_step() -> datafusion::common::DataFusionError {
    QueryError::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero").into()
}

fn too_long() -> datafusion::common::DataFusionError {
    QueryError::new(
        SqlState::PROGRAM_LIMIT,
        format!("a series in a select list may have {SERIES_ELEMENTS_MAX} elements a row"),
    )
    .with_hint("Put the series in FROM.")
    .into()
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
