//! Running totals of `sum` and `avg`, for one group and for many.
//!
//! A total is a 256-bit signed integer at the input's scale, or a float. Between partitions it
//! travels as its 32 bytes, so that no decimal precision limits a part of a sum.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int64Array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, i256};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

use super::Kind;
use crate::functions::checked::unscaled;
use crate::functions::pg_cast::uint256_values;
use crate::types::numeric::{fits, out_of_range, quotient, rescale};
use crate::types::uint256;

/// One total and how many values it holds.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    exact: i256,
    float: f64,
    count: i64,
}

/// Values of one batch.
enum Values {
    Exact(Vec<Option<i256>>),
    Float(Vec<Option<f64>>),
}

fn values(array: &ArrayRef) -> Result<Values> {
    Ok(match array.data_type() {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let floats = cast(array, &DataType::Float64)?;
            Values::Float(floats.as_primitive::<Float64Type>().iter().collect())
        }
        DataType::LargeBinary => Values::Exact(
            uint256_values(array)?
                .into_iter()
                .map(|value| {
                    value
                        .map(|bytes| uint256::to_i256(&bytes).ok_or_else(out_of_range))
                        .transpose()
                        .map_err(DataFusionError::from)
                })
                .collect::<Result<_>>()?,
        ),
        _ => Values::Exact(unscaled(array)?.0),
    })
}

impl Total {
    fn add(&mut self, value: i256) -> Result<()> {
        self.exact = self.exact.checked_add(value).ok_or_else(out_of_range)?;
        self.count += 1;
        Ok(())
    }

    fn subtract(&mut self, value: i256) -> Result<()> {
        self.exact = self.exact.checked_sub(value).ok_or_else(out_of_range)?;
        self.count -= 1;
        Ok(())
    }

    fn add_float(&mut self, value: f64) {
        self.float += value;
        self.count += 1;
    }

    /// The result as a scalar of type `out`; NULL for no values.
    fn finish(&self, kind: Kind, scale: i8, out: &DataType) -> Result<ScalarValue> {
        if self.count == 0 {
            return ScalarValue::try_from(out);
        }
        let exact = |to: i8| -> Result<i256> {
            let value = match kind {
                Kind::Sum => rescale(self.exact, scale, to),
                Kind::Avg => {
                    let count = i256::from_i128(i128::from(self.count));
                    quotient((self.exact, scale), (count, 0), to)
                }
            };
            Ok(value.ok_or_else(out_of_range)?)
        };
        let in_range = |value: i256, precision: u8| -> Result<i256> {
            fits(value, precision).then_some(value).ok_or_else(|| out_of_range().into())
        };
        Ok(match out {
            DataType::Float64 => ScalarValue::Float64(Some(match kind {
                Kind::Sum => self.float,
                Kind::Avg => self.float / self.count as f64,
            })),
            DataType::Int64 => {
                let value = exact(0)?.to_i128().and_then(|value| i64::try_from(value).ok());
                ScalarValue::Int64(Some(value.ok_or_else(|| {
                    crate::QueryError::new(
                        crate::SqlState::NUMERIC_OUT_OF_RANGE,
                        "bigint out of range",
                    )
                })?))
            }
            DataType::Decimal128(precision, to) => {
                let value = in_range(exact(*to)?, *precision)?;
                ScalarValue::Decimal128(value.to_i128(), *precision, *to)
            }
            DataType::Decimal256(precision, to) => {
                ScalarValue::Decimal256(Some(in_range(exact(*to)?, *precision)?), *precision, *to)
            }
            other => {
                return Err(DataFusionError::Internal(format!("no sum has type {other}")));
            }
        })
    }
}

/// Accumulator of one group.
#[derive(Debug)]
pub(super) struct Single {
    kind: Kind,
    distinct: Option<HashSet<[u8; 32]>>,
    scale: i8,
    out: DataType,
    total: Total,
}

impl Single {
    pub(super) fn new(kind: Kind, distinct: bool, scale: i8, out: DataType) -> Self {
        let distinct = distinct.then(HashSet::new);
        Self { kind, distinct, scale, out, total: Total::default() }
    }

    fn add_distinct(&mut self, input: Values) {
        let Some(seen) = &mut self.distinct else { return };
        match input {
            Values::Exact(all) => seen.extend(all.into_iter().flatten().map(i256::to_be_bytes)),
            Values::Float(all) => seen.extend(all.into_iter().flatten().map(float_key)),
        }
    }

    fn is_float(&self) -> bool {
        self.out == DataType::Float64
    }
}

fn float_key(value: f64) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&value.to_be_bytes());
    key
}

fn float_of(key: &[u8; 32]) -> f64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&key[..8]);
    f64::from_be_bytes(bytes)
}

fn exact_of(bytes: &[u8]) -> Result<i256> {
    bytes
        .try_into()
        .map(i256::from_be_bytes)
        .map_err(|_| DataFusionError::Internal("a total has 32 bytes".to_owned()))
}

impl Accumulator for Single {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let input = values(&arrays[0])?;
        if self.distinct.is_some() {
            self.add_distinct(input);
            return Ok(());
        }
        match input {
            Values::Exact(all) => all.into_iter().flatten().try_for_each(|v| self.total.add(v)),
            Values::Float(all) => {
                all.into_iter().flatten().for_each(|value| self.total.add_float(value));
                Ok(())
            }
        }
    }

    fn retract_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        match values(&arrays[0])? {
            Values::Exact(all) => {
                all.into_iter().flatten().try_for_each(|v| self.total.subtract(v))
            }
            Values::Float(all) => {
                for value in all.into_iter().flatten() {
                    self.total.float -= value;
                    self.total.count -= 1;
                }
                Ok(())
            }
        }
    }

    fn supports_retract_batch(&self) -> bool {
        self.distinct.is_none()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let Some(seen) = &self.distinct else {
            return self.total.finish(self.kind, self.scale, &self.out);
        };
        let mut total = Total::default();
        for key in seen {
            if self.is_float() {
                total.add_float(float_of(key));
            } else {
                total.add(i256::from_be_bytes(*key))?;
            }
        }
        total.finish(self.kind, self.scale, &self.out)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.distinct.as_ref().map_or(0, |seen| seen.capacity() * 33)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        if let Some(seen) = &self.distinct {
            let (items, item_type): (Vec<ScalarValue>, DataType) = if self.is_float() {
                let items = seen.iter().map(|key| ScalarValue::Float64(Some(float_of(key))));
                (items.collect(), DataType::Float64)
            } else {
                let items = seen.iter().map(|key| ScalarValue::Binary(Some(key.to_vec())));
                (items.collect(), DataType::Binary)
            };
            return Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&items, &item_type))]);
        }
        let total = if self.is_float() {
            ScalarValue::Float64(Some(self.total.float))
        } else {
            ScalarValue::Binary(Some(self.total.exact.to_be_bytes().to_vec()))
        };
        Ok(vec![total, ScalarValue::Int64(Some(self.total.count))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        if self.distinct.is_some() {
            for item in states[0].as_list::<i32>().iter().flatten() {
                let items = if self.is_float() {
                    values(&item)?
                } else {
                    Values::Exact(
                        item.as_binary::<i32>()
                            .iter()
                            .map(|bytes| bytes.map(exact_of).transpose())
                            .collect::<Result<_>>()?,
                    )
                };
                self.add_distinct(items);
            }
            return Ok(());
        }
        for (value, count) in merged(states, self.is_float())? {
            self.total = combined(self.total, value, count)?;
        }
        Ok(())
    }
}

fn combined(total: Total, value: Total, count: i64) -> Result<Total> {
    Ok(Total {
        exact: total.exact.checked_add(value.exact).ok_or_else(out_of_range)?,
        float: total.float + value.float,
        count: total.count + count,
    })
}

/// Partial totals; rows without one count nothing.
fn merged(states: &[ArrayRef], is_float: bool) -> Result<Vec<(Total, i64)>> {
    let counts = states[1].as_primitive::<Int64Type>();
    (0..counts.len())
        .map(|row| {
            if states[0].is_null(row) || counts.is_null(row) {
                return Ok((Total::default(), 0));
            }
            let mut total = Total::default();
            if is_float {
                total.float = states[0].as_primitive::<Float64Type>().value(row);
            } else {
                total.exact = exact_of(states[0].as_binary::<i32>().value(row))?;
            }
            Ok((total, counts.value(row)))
        })
        .collect()
}

/// Accumulator of many groups.
#[derive(Debug)]
pub(super) struct Groups {
    kind: Kind,
    scale: i8,
    out: DataType,
    totals: Vec<Total>,
}

impl Groups {
    pub(super) fn new(kind: Kind, scale: i8, out: DataType) -> Self {
        Self { kind, scale, out, totals: Vec::new() }
    }

    fn taken(&mut self, emit: EmitTo) -> Vec<Total> {
        emit.take_needed(&mut self.totals)
    }

    fn state_arrays(&self, totals: &[Total]) -> Vec<ArrayRef> {
        let parts: ArrayRef = if self.out == DataType::Float64 {
            Arc::new(totals.iter().map(|total| Some(total.float)).collect::<Float64Array>())
        } else {
            let bytes = totals.iter().map(|total| Some(total.exact.to_be_bytes()));
            Arc::new(bytes.collect::<BinaryArray>())
        };
        let counts: Int64Array = totals.iter().map(|total| Some(total.count)).collect();
        vec![parts, Arc::new(counts)]
    }
}

fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        self.totals.resize(group_count, Total::default());
        match values(&arrays[0])? {
            Values::Exact(all) => {
                for (row, (value, group)) in all.into_iter().zip(groups).enumerate() {
                    if let (Some(value), true) = (value, passes(filter, row)) {
                        self.totals[*group].add(value)?;
                    }
                }
            }
            Values::Float(all) => {
                for (row, (value, group)) in all.into_iter().zip(groups).enumerate() {
                    if let (Some(value), true) = (value, passes(filter, row)) {
                        self.totals[*group].add_float(value);
                    }
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let totals = self.taken(emit);
        if totals.is_empty() {
            return Ok(datafusion::arrow::array::new_empty_array(&self.out));
        }
        let results = totals
            .iter()
            .map(|total| total.finish(self.kind, self.scale, &self.out))
            .collect::<Result<Vec<_>>>()?;
        ScalarValue::iter_to_array(results)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let totals = self.taken(emit);
        Ok(self.state_arrays(&totals))
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        group_count: usize,
    ) -> Result<()> {
        self.totals.resize(group_count, Total::default());
        let parts = merged(states, self.out == DataType::Float64)?;
        for ((value, count), group) in parts.into_iter().zip(groups) {
            self.totals[*group] = combined(self.totals[*group], value, count)?;
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        arrays: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let mut totals = vec![Total::default(); arrays[0].len()];
        for (row, total) in totals.iter_mut().enumerate() {
            total.count = i64::from(passes(filter, row) && arrays[0].is_valid(row));
        }
        match values(&arrays[0])? {
            Values::Exact(all) => {
                for (total, value) in totals.iter_mut().zip(all) {
                    total.exact = value.filter(|_| total.count == 1).unwrap_or_default();
                }
            }
            Values::Float(all) => {
                for (total, value) in totals.iter_mut().zip(all) {
                    total.float = value.filter(|_| total.count == 1).unwrap_or_default();
                }
            }
        }
        Ok(self.state_arrays(&totals))
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<Total>()
    }
}
