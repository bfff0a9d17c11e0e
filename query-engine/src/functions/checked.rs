//! Arithmetic of numbers that never wraps.
//!
//! Invariants
//! - A result that does not fit its type is 22003, division by zero is 22012.
//! - The result type is fixed when the expression is made: folding constants cannot change it.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Builder, Decimal256Builder, Float64Array,
};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Float64Type, Int64Type, i256,
};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::types::class::type_name;
use crate::types::numeric::{fits, out_of_range, quotient, rescale, shortened};
use crate::types::operator::no_operator;
use crate::{QueryError, SqlState};

/// `left operator right` on numbers, with a fixed result type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CheckedArithmetic {
    operator: Operator,
    out: DataType,
    name: String,
    signature: Signature,
}

impl CheckedArithmetic {
    /// `left operator right` as a call that gives `out`.
    pub(crate) fn call(operator: Operator, left: Expr, right: Expr, out: DataType) -> Expr {
        let udf = Self {
            operator,
            out,
            name: operator.to_string(),
            signature: Signature::any(2, Volatility::Immutable),
        };
        ScalarUDF::new_from_impl(udf).call(vec![left, right])
    }
}

impl ScalarUDFImpl for CheckedArithmetic {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.out.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let arrays = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let [left, right] = arrays.as_slice() else {
            return Err(DataFusionError::Internal("an operator has two operands".to_owned()));
        };
        let result = arithmetic(self.operator, left, right, &self.out)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// Error of arithmetic whose result has `out` type, with PostgreSQL's words.
fn arithmetic_error(error: &ArrowError, out: &DataType) -> QueryError {
    match error {
        ArrowError::DivideByZero => QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero"),
        _ => QueryError::new(
            SqlState::NUMERIC_OUT_OF_RANGE,
            format!("{} out of range", type_name(out)),
        ),
    }
}

fn arithmetic(
    operator: Operator,
    left: &ArrayRef,
    right: &ArrayRef,
    out: &DataType,
) -> Result<ArrayRef> {
    match out {
        DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            let (left, right) = (exact_cast(left, out)?, exact_cast(right, out)?);
            let result = match operator {
                Operator::Plus => numeric::add(&left, &right),
                Operator::Minus => numeric::sub(&left, &right),
                Operator::Multiply => numeric::mul(&left, &right),
                Operator::Divide => numeric::div(&left, &right),
                _ => remainder(&left, &right),
            };
            result.map_err(|error| arithmetic_error(&error, out).into())
        }
        DataType::Float64 => float_arithmetic(operator, left, right),
        DataType::Decimal128(precision, scale) => {
            let result = decimals(operator, left, right, *precision, *scale)?;
            let mut builder = Decimal128Builder::with_capacity(result.len())
                .with_precision_and_scale(*precision, *scale)?;
            for value in result {
                // `fits` held for at most 38 digits, so the value fits 128 bits.
                builder.append_option(value.and_then(i256::to_i128));
            }
            Ok(Arc::new(builder.finish()))
        }
        DataType::Decimal256(precision, scale) => {
            let result = decimals(operator, left, right, *precision, *scale)?;
            let mut builder = Decimal256Builder::with_capacity(result.len())
                .with_precision_and_scale(*precision, *scale)?;
            for value in result {
                builder.append_option(value);
            }
            Ok(Arc::new(builder.finish()))
        }
        _ => Err(no_operator(operator, left.data_type(), right.data_type())),
    }
}

/// The smallest integer modulo -1 is 0 in PostgreSQL; the kernel calls it an overflow.
fn remainder(left: &ArrayRef, right: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
    match numeric::rem(left, right) {
        Err(ArrowError::ArithmeticOverflow(_)) => {
            let wide = DataType::Decimal128(38, 0);
            let result = numeric::rem(&cast(left, &wide)?, &cast(right, &wide)?)?;
            cast(&result, left.data_type())
        }
        result => result,
    }
}

fn exact_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(|error| arithmetic_error(&error, to).into())
}

fn float_arithmetic(operator: Operator, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let (left, right) =
        (exact_cast(left, &DataType::Float64)?, exact_cast(right, &DataType::Float64)?);
    let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
    let mut values = Vec::with_capacity(left.len());
    for pair in left.iter().zip(right.iter()) {
        let (Some(a), Some(b)) = pair else {
            values.push(None);
            continue;
        };
        let result = match operator {
            Operator::Plus => a + b,
            Operator::Minus => a - b,
            Operator::Multiply => a * b,
            _ if b == 0.0 => {
                return Err(arithmetic_error(&ArrowError::DivideByZero, &DataType::Float64).into());
            }
            Operator::Divide => a / b,
            _ => a % b,
        };
        if result.is_infinite() && a.is_finite() && b.is_finite() {
            return Err(QueryError::new(
                SqlState::NUMERIC_OUT_OF_RANGE,
                "value out of range: overflow",
            )
            .into());
        }
        values.push(Some(result));
    }
    Ok(Arc::new(Float64Array::from(values)))
}

/// Unscaled values and their scale, for integers and decimals.
pub(crate) fn unscaled(array: &ArrayRef) -> Result<(Vec<Option<i256>>, i8)> {
    Ok(match array.data_type() {
        DataType::Decimal128(_, scale) => (
            array.as_primitive::<Decimal128Type>().iter().map(|v| v.map(i256::from_i128)).collect(),
            *scale,
        ),
        DataType::Decimal256(_, scale) => {
            (array.as_primitive::<Decimal256Type>().iter().collect(), *scale)
        }
        DataType::UInt64 => unscaled(&exact_cast(array, &DataType::Decimal128(20, 0))?)?,
        _ => {
            let integers = exact_cast(array, &DataType::Int64)?;
            (
                integers
                    .as_primitive::<Int64Type>()
                    .iter()
                    .map(|v| v.map(|value| i256::from_i128(i128::from(value))))
                    .collect(),
                0,
            )
        }
    })
}

fn decimals(
    operator: Operator,
    left: &ArrayRef,
    right: &ArrayRef,
    precision: u8,
    scale: i8,
) -> Result<Vec<Option<i256>>> {
    let (left, left_scale) = unscaled(left)?;
    let (right, right_scale) = unscaled(right)?;
    left.into_iter()
        .zip(right)
        .map(|pair| {
            let (Some(a), Some(b)) = pair else { return Ok(None) };
            if b == i256::ZERO && matches!(operator, Operator::Divide | Operator::Modulo) {
                return Err(QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero").into());
            }
            decimal(operator, (a, left_scale), (b, right_scale), scale)
                .filter(|value| fits(*value, precision))
                .map(Some)
                .ok_or_else(|| out_of_range().into())
        })
        .collect()
}

/// One exact step; `None` past 256 bits.
fn decimal(
    operator: Operator,
    (a, a_scale): (i256, i8),
    (b, b_scale): (i256, i8),
    scale: i8,
) -> Option<i256> {
    let common = a_scale.max(b_scale);
    match operator {
        Operator::Multiply => {
            // Zeros that only the carrier of a quotient added would take the place of digits.
            let ((a, a_scale), (b, b_scale)) = (shortened(a, a_scale), shortened(b, b_scale));
            rescale(a.checked_mul(b)?, a_scale.checked_add(b_scale)?, scale)
        }
        Operator::Divide => quotient((a, a_scale), (b, b_scale), scale),
        _ => {
            let (a, b) = (rescale(a, a_scale, common)?, rescale(b, b_scale, common)?);
            let result = match operator {
                Operator::Plus => a.checked_add(b)?,
                Operator::Minus => a.checked_sub(b)?,
                _ => a.checked_rem(b)?,
            };
            rescale(result, common, scale)
        }
    }
}
