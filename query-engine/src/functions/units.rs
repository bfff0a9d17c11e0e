//! `units(value, decimals)`: an amount in its smallest unit as a number of whole units, exactly.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal256Builder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type, i256};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::functions::checked::unscaled;
use crate::functions::pg_cast::uint256_values;
use crate::types::class::{Class, type_name};
use crate::types::numeric::{fits, out_of_range, rescale};
use crate::types::uint256;
use crate::{QueryError, SqlState};

/// Largest number of decimals: the digits that a number can have.
pub(crate) const UNITS_DECIMALS_MAX: i64 = 76;
/// Digits after the point where `decimals` is a column: as many as Ether has.
const COLUMN_SCALE: i8 = 18;
const PRECISION: u8 = 76;

/// The function.
pub(crate) fn units() -> ScalarUDF {
    ScalarUDF::new_from_impl(Units { signature: Signature::any(2, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Units {
    signature: Signature,
}

impl ScalarUDFImpl for Units {
    fn name(&self) -> &str {
        "units"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Decimal256(PRECISION, COLUMN_SCALE))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        for (index, field) in args.arg_fields.iter().enumerate() {
            let class = Class::of(field.data_type());
            let accepted = match index {
                0 => class.is_integer() || matches!(class, Class::Uint256 | Class::Decimal(_, 0)),
                _ => class.is_integer(),
            };
            if !accepted && class != Class::Null {
                let types: Vec<_> =
                    args.arg_fields.iter().map(|field| type_name(field.data_type())).collect();
                return Err(QueryError::new(
                    SqlState::UNDEFINED_FUNCTION,
                    format!("function units({}) does not exist", types.join(", ")),
                )
                .with_hint("units(amount in smallest units, number of decimals as an integer)")
                .into());
            }
        }
        let literal = match args.scalar_arguments.get(1) {
            Some(Some(scalar)) => scalar.cast_to(&DataType::Int64).ok(),
            _ => None,
        };
        let scale = match literal {
            Some(ScalarValue::Int64(Some(decimals))) => checked_scale(decimals)?,
            _ => COLUMN_SCALE,
        };
        Ok(Arc::new(Field::new(self.name(), DataType::Decimal256(PRECISION, scale), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Decimal256(_, scale) = *args.return_field.data_type() else {
            return exec_err!("units gives a decimal");
        };
        let arrays = args
            .args
            .iter()
            .map(|arg| arg.to_array(args.number_rows))
            .collect::<Result<Vec<_>>>()?;
        let [amounts, decimals] = arrays.as_slice() else {
            return exec_err!("units has two arguments");
        };
        let decimals = cast(decimals, &DataType::Int64)?;
        let mut builder = Decimal256Builder::with_capacity(amounts.len())
            .with_precision_and_scale(PRECISION, scale)?;
        for (amount, decimals) in
            whole_amounts(amounts)?.into_iter().zip(decimals.as_primitive::<Int64Type>())
        {
            let value = match (amount, decimals) {
                (Some(amount), Some(decimals)) => {
                    let value = rescale(amount, checked_scale(decimals)?, scale)
                        .filter(|value| fits(*value, PRECISION))
                        .ok_or_else(out_of_range)?;
                    // A column may ask for more digits than the result type keeps.
                    if rescale(value, scale, checked_scale(decimals)?) != Some(amount) {
                        return Err(out_of_range().into());
                    }
                    Some(value)
                }
                _ => None,
            };
            builder.append_option(value);
        }
        Ok(ColumnarValue::Array(Arc::new(builder.finish())))
    }
}

fn checked_scale(decimals: i64) -> Result<i8> {
    if !(0..=UNITS_DECIMALS_MAX).contains(&decimals) {
        return Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("decimals must be between 0 and {UNITS_DECIMALS_MAX}, not {decimals}"),
        )
        .into());
    }
    Ok(decimals as i8)
}

fn whole_amounts(input: &ArrayRef) -> Result<Vec<Option<i256>>> {
    if input.data_type() != &DataType::LargeBinary {
        return Ok(unscaled(input)?.0);
    }
    uint256_values(input)?
        .into_iter()
        .map(|value| {
            value
                .map(|bytes| uint256::to_i256(&bytes).ok_or_else(|| out_of_range().into()))
                .transpose()
        })
        .collect()
}
