//! COALESCE, NULLIF, GREATEST and LEAST before their operand types are known. The rule replaces them
//! by DataFusion's functions once it has brought the operands to one type.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use crate::types::class::Class;

/// A function whose operands must have one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Conditional {
    Coalesce,
    NullIf,
    Greatest,
    Least,
}

impl Conditional {
    const ALL: [Self; 4] = [Self::Coalesce, Self::NullIf, Self::Greatest, Self::Least];

    fn sql_name(self) -> &'static str {
        match self {
            Self::Coalesce => "coalesce",
            Self::NullIf => "nullif",
            Self::Greatest => "greatest",
            Self::Least => "least",
        }
    }

    /// DataFusion's function on operands of one type.
    pub(crate) fn native(self, args: Vec<Expr>) -> Expr {
        use datafusion::functions::core;
        let udf = match self {
            Self::Coalesce => core::coalesce(),
            Self::NullIf => core::nullif(),
            Self::Greatest => core::greatest(),
            Self::Least => core::least(),
        };
        udf.call(args)
    }

    /// The function that `udf` stands for, if it is one of these.
    pub(crate) fn of(udf: &ScalarUDF) -> Option<Self> {
        let inner: &dyn Any = udf.inner().as_ref();
        inner.downcast_ref::<OpenConditional>().map(|open| open.function)
    }
}

/// All of them, to be registered over the built-in names.
pub(crate) fn open_conditionals() -> Vec<Arc<ScalarUDF>> {
    Conditional::ALL
        .into_iter()
        .map(|function| {
            Arc::new(ScalarUDF::new_from_impl(OpenConditional {
                function,
                signature: Signature::variadic_any(Volatility::Immutable),
            }))
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OpenConditional {
    function: Conditional,
    signature: Signature,
}

impl ScalarUDFImpl for OpenConditional {
    fn name(&self) -> &str {
        self.function.sql_name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        // A guess for the planner: quoted literals and NULLs say the least about the type.
        let rank = |data_type: &&DataType| match Class::of(data_type) {
            Class::Null => 0,
            Class::Text => 1,
            Class::Int2 | Class::Int4 | Class::Int8 => 2,
            Class::Decimal(..) => 3,
            _ => 4,
        };
        Ok(types.iter().rev().max_by_key(rank).cloned().unwrap_or(DataType::Null))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, true)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("{} was left open", self.name())))
    }
}
