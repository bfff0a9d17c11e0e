//! Casts that DataFusion lacks or does otherwise than PostgreSQL.
//!
//! Invariants
//! - A cast is exact or an error, except where PostgreSQL rounds: numeric and float to integer.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Decimal256Builder, Float64Array, Int64Array,
    LargeBinaryBuilder, StringBuilder,
};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Float64Type, i256};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::functions::checked::unscaled;
use crate::types::class::type_name;
use crate::types::numeric::{Numeric, fits, out_of_range, rescale};
use crate::types::{bytea, uint256};
use crate::{QueryError, SqlState};

/// Digits after the point of text that is cast to `numeric` without precision, when it is no literal.
const TEXT_NUMERIC_SCALE: i8 = 20;

/// What is cast to what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CastKind {
    /// 256-bit integer to a decimal.
    Uint256ToDecimal { precision: u8, scale: i8 },
    /// 256-bit integer to an integer type.
    Uint256ToInteger(DataType),
    /// 256-bit integer to its digits.
    Uint256ToText,
    /// 256-bit integer to its 32 bytes.
    Uint256ToBytes,
    /// A number that is not negative and has no fraction to a 256-bit integer.
    ToUint256,
    /// Text to bytes, as `bytea` reads it.
    TextToBytes,
    /// Bytes to `\x…`.
    BytesToText,
    /// Decimal or float to an integer type, rounded as PostgreSQL does.
    NumberToInteger(DataType),
    /// Text to a decimal of 76 digits; more digits after the point than are kept are refused.
    TextToNumeric,
    /// Text to a decimal, rounded as `numeric(p,s)` rounds.
    TextToDecimal { precision: u8, scale: i8 },
}

/// One such cast as a function of one argument.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct PgCast {
    kind: CastKind,
    signature: Signature,
}

impl PgCast {
    /// The cast of `expr`.
    pub(crate) fn call(kind: CastKind, expr: Expr) -> Expr {
        let udf = Self { kind, signature: Signature::any(1, Volatility::Immutable) };
        ScalarUDF::new_from_impl(udf).call(vec![expr])
    }
}

impl ScalarUDFImpl for PgCast {
    fn name(&self) -> &str {
        match self.kind {
            CastKind::Uint256ToDecimal { .. }
            | CastKind::TextToNumeric
            | CastKind::TextToDecimal { .. } => "to_numeric",
            CastKind::Uint256ToInteger(_) | CastKind::NumberToInteger(_) => "to_integer",
            CastKind::Uint256ToText | CastKind::BytesToText => "to_text",
            CastKind::Uint256ToBytes | CastKind::TextToBytes => "to_bytea",
            CastKind::ToUint256 => "to_uint256",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(match &self.kind {
            CastKind::Uint256ToDecimal { precision, scale }
            | CastKind::TextToDecimal { precision, scale } => {
                DataType::Decimal256(*precision, *scale)
            }
            CastKind::TextToNumeric => DataType::Decimal256(76, TEXT_NUMERIC_SCALE),
            CastKind::Uint256ToInteger(to) | CastKind::NumberToInteger(to) => to.clone(),
            CastKind::Uint256ToText | CastKind::BytesToText => DataType::Utf8,
            CastKind::Uint256ToBytes | CastKind::TextToBytes => DataType::Binary,
            CastKind::ToUint256 => DataType::LargeBinary,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [arg] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("a cast has one operand".to_owned()));
        };
        let is_scalar = matches!(arg, ColumnarValue::Scalar(_));
        let input = arg.to_array(if is_scalar { 1 } else { args.number_rows })?;
        let result = self.convert(&input)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

impl PgCast {
    fn convert(&self, input: &ArrayRef) -> Result<ArrayRef> {
        match &self.kind {
            CastKind::Uint256ToDecimal { precision, scale } => {
                let values = uint256_values(input)?
                    .into_iter()
                    .map(|value| value.map(|bytes| decimal_of(&bytes, *scale)).transpose())
                    .collect::<Result<Vec<_>>>()?;
                decimal256(values, *precision, *scale)
            }
            CastKind::Uint256ToInteger(to) => {
                let values = uint256_values(input)?
                    .into_iter()
                    .map(|value| value.map(|bytes| integer_of(&bytes, to)).transpose())
                    .collect::<Result<Vec<_>>>()?;
                integers(values, to)
            }
            CastKind::Uint256ToText => {
                let mut builder = StringBuilder::new();
                for value in uint256_values(input)? {
                    builder.append_option(value.and_then(|bytes| uint256::to_digits(&bytes)));
                }
                Ok(Arc::new(builder.finish()))
            }
            CastKind::Uint256ToBytes => Ok(cast(input, &DataType::Binary)?),
            CastKind::ToUint256 => to_uint256(input),
            CastKind::TextToBytes => text_to_bytes(input),
            CastKind::BytesToText => {
                let mut builder = StringBuilder::new();
                for value in cast(input, &DataType::Binary)?.as_binary::<i32>() {
                    builder.append_option(value.map(bytea::format));
                }
                Ok(Arc::new(builder.finish()))
            }
            CastKind::NumberToInteger(to) => number_to_integer(input, to),
            CastKind::TextToNumeric => text_to_numeric(input, 76, TEXT_NUMERIC_SCALE, true),
            CastKind::TextToDecimal { precision, scale } => {
                text_to_numeric(input, *precision, *scale, false)
            }
        }
    }
}

/// The 32 bytes of each value.
pub(crate) fn uint256_values(input: &ArrayRef) -> Result<Vec<Option<[u8; 32]>>> {
    let binary = cast(input, &DataType::LargeBinary)?;
    binary
        .as_binary::<i64>()
        .iter()
        .map(|value| {
            value
                .map(|bytes| {
                    bytes.try_into().map_err(|_| {
                        DataFusionError::Internal("a 256-bit integer has 32 bytes".to_owned())
                    })
                })
                .transpose()
        })
        .collect()
}

fn decimal_of(bytes: &[u8], scale: i8) -> Result<i256> {
    uint256::to_i256(bytes)
        .and_then(|value| rescale(value, 0, scale))
        .ok_or_else(|| out_of_range().into())
}

fn integer_of(bytes: &[u8; 32], to: &DataType) -> Result<i64> {
    uint256::to_i256(bytes)
        .and_then(i256::to_i128)
        .and_then(|value| i64::try_from(value).ok())
        .ok_or_else(|| integer_range(to).into())
}

fn integer_range(to: &DataType) -> QueryError {
    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, format!("{} out of range", type_name(to)))
}

fn decimal256(values: Vec<Option<i256>>, precision: u8, scale: i8) -> Result<ArrayRef> {
    let mut builder = Decimal256Builder::with_capacity(values.len())
        .with_precision_and_scale(precision, scale)?;
    for value in values {
        if value.is_some_and(|value| !fits(value, precision)) {
            return Err(out_of_range().into());
        }
        builder.append_option(value);
    }
    Ok(Arc::new(builder.finish()))
}

fn integers(values: Vec<Option<i64>>, to: &DataType) -> Result<ArrayRef> {
    let wide: ArrayRef = Arc::new(Int64Array::from(values));
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&wide, to, &options).map_err(|_| integer_range(to).into())
}

fn to_uint256(input: &ArrayRef) -> Result<ArrayRef> {
    let mut builder = LargeBinaryBuilder::new();
    if let DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View = input.data_type() {
        for value in cast(input, &DataType::Utf8)?.as_string::<i32>() {
            let bytes = match value.map(Numeric::parse).transpose()? {
                None => None,
                Some(number) => match number.to_uint256() {
                    Ok((bytes, false)) => Some(bytes),
                    _ => return Err(out_of_range().into()),
                },
            };
            builder.append_option(bytes);
        }
        return Ok(Arc::new(builder.finish()));
    }
    let (values, scale) = unscaled(input)?;
    for value in values {
        let bytes = value
            .map(|value| {
                let whole = rescale(value, scale, 0)?;
                (rescale(whole, 0, scale) == Some(value)).then_some(())?;
                uint256::from_i256(whole)
            })
            .map(|bytes| bytes.ok_or_else(out_of_range))
            .transpose()?;
        builder.append_option(bytes);
    }
    Ok(Arc::new(builder.finish()))
}

fn text_to_bytes(input: &ArrayRef) -> Result<ArrayRef> {
    let text = cast(input, &DataType::Utf8)?;
    let mut builder = BinaryBuilder::new();
    for value in text.as_string::<i32>() {
        builder.append_option(value.map(bytea::parse).transpose()?);
    }
    Ok(Arc::new(builder.finish()))
}

fn text_to_numeric(input: &ArrayRef, precision: u8, to_scale: i8, exact: bool) -> Result<ArrayRef> {
    let text = cast(input, &DataType::Utf8)?;
    let mut values = Vec::with_capacity(text.len());
    for value in text.as_string::<i32>() {
        let Some(text) = value else {
            values.push(None);
            continue;
        };
        let scalar = Numeric::parse(text)?.to_scalar()?;
        let (value, scale) = match scalar {
            ScalarValue::Decimal128(Some(value), _, scale) => (i256::from_i128(value), scale),
            ScalarValue::Decimal256(Some(value), _, scale) => (value, scale),
            _ => return Err(out_of_range().into()),
        };
        let stored = rescale(value, scale, to_scale)
            .filter(|stored| !exact || rescale(*stored, to_scale, scale) == Some(value))
            .ok_or_else(out_of_range)?;
        values.push(Some(stored));
    }
    decimal256(values, precision, to_scale)
}

fn number_to_integer(input: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if matches!(input.data_type(), DataType::Float16 | DataType::Float32 | DataType::Float64) {
        let floats = cast(input, &DataType::Float64)?;
        let rounded: Float64Array = floats
            .as_primitive::<Float64Type>()
            .iter()
            .map(|v| v.map(f64::round_ties_even))
            .collect();
        let values = rounded
            .iter()
            .map(|value| value.map(|value| float_to_i64(value, to)).transpose())
            .collect::<Result<Vec<_>>>()?;
        return integers(values, to);
    }
    let (values, scale) = unscaled(input)?;
    let values = values
        .into_iter()
        .map(|value| {
            value
                .map(|value| {
                    rescale(value, scale, 0)
                        .and_then(i256::to_i128)
                        .and_then(|value| i64::try_from(value).ok())
                        .ok_or_else(|| integer_range(to).into())
                })
                .transpose()
        })
        .collect::<Result<Vec<_>>>()?;
    integers(values, to)
}

fn float_to_i64(value: f64, to: &DataType) -> Result<i64> {
    // 2^63 is exact in a float, and `i64::MAX` is not: the bound is open on that side.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { Ok(value as i64) } else { Err(integer_range(to).into()) }
}
