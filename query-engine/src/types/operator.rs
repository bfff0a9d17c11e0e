//! Operators whose meaning is decided after planning.
//!
//! ```text
//! a + b ──planner──> OpenOperator(+)(a, b) ──rule──> CheckedArithmetic of numbers, or a native expression
//! ```

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use crate::functions::sql;
use crate::types::class::{Class, narrowed, type_name};
use datafusion::scalar::ScalarValue;

use crate::types::numeric::{NUMERIC_DIGITS_MAX, QUOTIENT_SCALE, decimal_type};
use crate::{QueryError, SqlState};

/// Digits after the point of a factor that the product of a quotient keeps in its carrier.
const QUOTIENT_FACTOR_SCALE_MAX: i8 = 12;

/// An operator with two operands whose types are not decided yet, or are numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct OpenOperator {
    /// Which operator.
    pub(crate) operator: Operator,
    name: String,
    signature: Signature,
}

impl OpenOperator {
    fn new(operator: Operator) -> Self {
        Self {
            operator,
            name: operator.to_string(),
            signature: Signature::any(2, Volatility::Immutable),
        }
    }

    /// `left operator right` as a call.
    pub(crate) fn call(operator: Operator, left: Expr, right: Expr) -> Expr {
        ScalarUDF::new_from_impl(Self::new(operator)).call(vec![left, right])
    }

    /// The operator that `udf` stands for, if it is one.
    pub(crate) fn of(udf: &ScalarUDF) -> Option<Operator> {
        let inner: &dyn Any = udf.inner().as_ref();
        inner.downcast_ref::<Self>().map(|open| open.operator)
    }
}

/// `= <> < <= > >=`.
pub(crate) fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
    )
}

/// Type of `left operator right` on two numbers; `None` where one is not a number.
pub(crate) fn number_type(operator: Operator, left: Class, right: Class) -> Option<DataType> {
    if left == Class::Float && right.is_number() || right == Class::Float && left.is_number() {
        return Some(DataType::Float64);
    }
    if left.is_integer() && right.is_integer() {
        let wide = match (left, right) {
            (Class::Int8, _) | (_, Class::Int8) => DataType::Int64,
            (Class::Int4, _) | (_, Class::Int4) => DataType::Int32,
            _ => DataType::Int16,
        };
        return Some(wide);
    }
    let ((left_whole, left_scale), (right_whole, right_scale)) = (left.digits()?, right.digits()?);
    let scale = left_scale.max(right_scale);
    Some(match operator {
        Operator::Plus | Operator::Minus => {
            decimal_type(left_whole.max(right_whole) + 1 + i32::from(scale), scale)
        }
        Operator::Multiply => {
            let scale = match (left_scale >= QUOTIENT_SCALE, right_scale >= QUOTIENT_SCALE) {
                (true, true) => QUOTIENT_SCALE,
                (true, false) => left_scale + right_scale.min(QUOTIENT_FACTOR_SCALE_MAX),
                (false, true) => right_scale + left_scale.min(QUOTIENT_FACTOR_SCALE_MAX),
                (false, false) => {
                    left_scale.saturating_add(right_scale).min(NUMERIC_DIGITS_MAX as i8)
                }
            };
            if scale >= QUOTIENT_SCALE {
                return Some(decimal_type(i32::from(NUMERIC_DIGITS_MAX), scale));
            }
            decimal_type(left_whole + right_whole + i32::from(scale), scale)
        }
        Operator::Divide => decimal_type(i32::from(NUMERIC_DIGITS_MAX), QUOTIENT_SCALE),
        _ => decimal_type(left_whole.max(right_whole) + i32::from(scale), scale),
    })
}

impl ScalarUDFImpl for OpenOperator {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        if is_comparison(self.operator) {
            return Ok(DataType::Boolean);
        }
        let [left, right] = types else {
            return Err(DataFusionError::Internal("an operator has two operands".to_owned()));
        };
        let (left_class, right_class) = (Class::of(left), Class::of(right));
        if let Some(found) = number_type(self.operator, left_class, right_class) {
            return Ok(found);
        }
        let open = |class, found| if class == Class::Null { None } else { Some(found) };
        let sides = [open(left_class, left), open(right_class, right)];
        if let Some(chosen) = sql::operator(self.operator, &sides) {
            return Ok(chosen.returns(&[]));
        }
        // What the rule decides later: the other side's type is the best guess until then.
        match (left_class, right_class) {
            (Class::Null | Class::Text, Class::Null | Class::Text) => Ok(DataType::Int32),
            (Class::Uint256, _) | (_, Class::Uint256) => Ok(DataType::Decimal256(76, 0)),
            (Class::Null | Class::Text, number) | (number, Class::Null | Class::Text)
                if number.is_number() =>
            {
                number_type(self.operator, number, number)
                    .ok_or_else(|| no_operator(self.operator, left, right))
            }
            _ => BinaryTypeCoercer::new(left, &self.operator, right)
                .get_result_type()
                .map_err(|_| no_operator(self.operator, left, right)),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .zip(args.scalar_arguments)
            .map(|(field, scalar)| match scalar {
                Some(ScalarValue::Utf8(Some(_))) if !is_comparison(self.operator) => DataType::Null,
                Some(value) => {
                    let literal = Expr::Literal((*value).clone(), None);
                    narrowed(&literal, field.data_type()).clone()
                }
                None => field.data_type().clone(),
            })
            .collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, nullable)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("operator {} was left open", self.name)))
    }
}

/// PostgreSQL's 42883 for an operator.
pub(crate) fn no_operator(
    operator: Operator,
    left: &DataType,
    right: &DataType,
) -> DataFusionError {
    undefined_operator(operator, &type_name(left), &type_name(right)).into()
}

/// PostgreSQL's 42883 for an operator, by type names.
pub(crate) fn undefined_operator(operator: Operator, left: &str, right: &str) -> QueryError {
    let symbol = if operator == Operator::NotEq { "<>".to_owned() } else { operator.to_string() };
    QueryError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("operator does not exist: {left} {symbol} {right}"),
    )
    .with_hint(
        "No operator matches the given name and argument types. You might need to add explicit type casts.",
    )
}

/// `left operator right` with DataFusion's own meaning.
pub(crate) fn native(operator: Operator, left: Expr, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}
