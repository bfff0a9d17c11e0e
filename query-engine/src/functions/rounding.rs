//! `round`, `trunc`, `ceil` and `floor`: of numeric they are numeric with the digits asked for, of floats they
//! round half to even, as PostgreSQL does.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Decimal128Array, Decimal256Array, Float64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, i256};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::functions::checked::unscaled;
use crate::types::class::{Class, type_name};
use crate::types::numeric::{fits, out_of_range, power_of_ten, rescale};
use crate::{QueryError, SqlState};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Direction {
    Nearest,
    ToZero,
    Up,
    Down,
}

/// All of them, to be registered over the built-in names.
pub(crate) fn functions() -> Vec<Arc<ScalarUDF>> {
    let names = [
        ("round", Direction::Nearest),
        ("trunc", Direction::ToZero),
        ("ceil", Direction::Up),
        ("ceiling", Direction::Up),
        ("floor", Direction::Down),
    ];
    names
        .into_iter()
        .map(|(name, direction)| {
            let signature = Signature::variadic_any(Volatility::Immutable);
            Arc::new(ScalarUDF::new_from_impl(Rounding { name, direction, signature }))
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Rounding {
    name: &'static str,
    direction: Direction,
    signature: Signature,
}

impl Rounding {
    /// Type of the result, which the number of digits decides.
    fn result(&self, types: &[&DataType], digits: Option<&ScalarValue>) -> Result<DataType> {
        let none = || -> DataFusionError {
            let types: Vec<_> = types.iter().map(|found| type_name(found)).collect();
            QueryError::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("function {}({}) does not exist", self.name, types.join(", ")),
            )
            .with_hint(
                "No function matches the given name and argument types. You might need to add explicit type casts.",
            )
            .into()
        };
        let takes_digits = matches!(self.direction, Direction::Nearest | Direction::ToZero);
        match (types, Class::of(types.first().ok_or_else(none)?)) {
            (
                [_],
                Class::Float | Class::Int2 | Class::Int4 | Class::Int8 | Class::Text | Class::Null,
            ) => Ok(DataType::Float64),
            ([_], Class::Decimal(precision, _)) => Ok(decimal(precision, 0)),
            ([_, _], class @ (Class::Decimal(..) | Class::Int2 | Class::Int4 | Class::Int8))
                if takes_digits =>
            {
                let digits = match digits {
                    Some(ScalarValue::Int64(Some(digits))) => *digits,
                    Some(ScalarValue::Int32(Some(digits))) => i64::from(*digits),
                    _ => {
                        return Err(QueryError::new(
                            SqlState::FEATURE_NOT_SUPPORTED,
                            format!("{}() to a number of digits that is no literal", self.name),
                        )
                        .into());
                    }
                };
                let precision = match class {
                    Class::Decimal(precision, _) => precision,
                    _ => 19,
                };
                // More digits than there are stay as they are asked for: zeros are added.
                let scale = i8::try_from(digits.clamp(0, 40)).unwrap_or(0);
                Ok(decimal(precision.saturating_add(scale.unsigned_abs()), scale))
            }
            _ => Err(none()),
        }
    }

    fn number(&self, value: i256, scale: i8, digits: i8, to: i8) -> Option<i256> {
        if digits >= scale {
            return rescale(value, scale, to);
        }
        let step = power_of_ten(u32::try_from(i32::from(scale) - i32::from(digits)).ok()?)?;
        let rest = value.checked_rem(step)?;
        let toward_zero = value.checked_sub(rest)?;
        let away = |is_away: bool| match is_away {
            true if value < i256::ZERO => toward_zero.checked_sub(step),
            true => toward_zero.checked_add(step),
            false => Some(toward_zero),
        };
        let cut = match self.direction {
            Direction::ToZero => Some(toward_zero),
            Direction::Nearest => {
                let rest = rest.checked_abs()?;
                away(rest >= step.checked_sub(rest)? && rest != i256::ZERO)
            }
            Direction::Up => away(rest > i256::ZERO),
            Direction::Down => away(rest < i256::ZERO),
        }?;
        rescale(cut, scale, to)
    }

    fn float(&self, value: f64) -> f64 {
        match self.direction {
            Direction::Nearest => value.round_ties_even(),
            Direction::ToZero => value.trunc(),
            Direction::Up => value.ceil(),
            Direction::Down => value.floor(),
        }
    }
}

fn decimal(precision: u8, scale: i8) -> DataType {
    // One digit more, for what is rounded up.
    crate::types::numeric::decimal_type(i32::from(precision) + 1, scale)
}

impl ScalarUDFImpl for Rounding {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("the type depends on the arguments".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type()).collect();
        let digits = args.scalar_arguments.get(1).copied().flatten();
        Ok(Arc::new(Field::new(self.name, self.result(&types, digits)?, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let Some(first) = args.args.first() else {
            return Err(DataFusionError::Internal("a number is rounded".to_owned()));
        };
        let input = first.to_array(rows)?;
        let digits = match args.args.get(1) {
            Some(ColumnarValue::Scalar(ScalarValue::Int64(Some(digits)))) => *digits,
            Some(ColumnarValue::Scalar(ScalarValue::Int32(Some(digits)))) => i64::from(*digits),
            _ => 0,
        };
        let digits = i8::try_from(digits.clamp(-76, 76)).unwrap_or(0);
        let result: ArrayRef = match args.return_field.data_type() {
            DataType::Float64 => {
                let floats = cast(&input, &DataType::Float64)?;
                let floats = floats.as_primitive::<Float64Type>();
                let rounded = floats.iter().map(|value| value.map(|value| self.float(value)));
                Arc::new(rounded.collect::<Float64Array>())
            }
            to => {
                let (precision, scale) = match to {
                    DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => (*p, *s),
                    _ => return Err(DataFusionError::Internal("a number is rounded".to_owned())),
                };
                let (values, from) = unscaled(&input)?;
                let values = values
                    .into_iter()
                    .map(|value| {
                        let Some(value) = value else { return Ok(None) };
                        self.number(value, from, digits, scale)
                            .filter(|value| fits(*value, precision))
                            .map(Some)
                            .ok_or_else(|| out_of_range().into())
                    })
                    .collect::<Result<Vec<Option<i256>>>>()?;
                if matches!(to, DataType::Decimal128(..)) {
                    let values = values.into_iter().map(|value| value.and_then(i256::to_i128));
                    let array = values.collect::<Decimal128Array>();
                    Arc::new(array.with_precision_and_scale(precision, scale)?)
                } else {
                    let array = values.into_iter().collect::<Decimal256Array>();
                    Arc::new(array.with_precision_and_scale(precision, scale)?)
                }
            }
        };
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}
