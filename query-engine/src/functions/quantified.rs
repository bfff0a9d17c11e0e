//! `x operator ANY (list)` and `x operator ALL (list)` for any operator that compares.
//!
//! ```text
//! ergosql_any('<', x, list) ──DecideTypes──> Quantified(<)(x, list), operands of one type
//! ```

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, UInt32Array,
};
use datafusion::arrow::compute::kernels::{cmp, comparison};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::{QueryError, SqlState};

/// Names under which statements call it before types are decided: operator, value, list.
pub(crate) const ANY: &str = "ergosql_any";
/// As [`ANY`], for ALL.
pub(crate) const ALL: &str = "ergosql_all";

/// Operators that may stand before ANY and ALL.
const OPERATORS: &[(&str, Operator)] = &[
    ("=", Operator::Eq),
    ("<>", Operator::NotEq),
    ("<", Operator::Lt),
    ("<=", Operator::LtEq),
    (">", Operator::Gt),
    (">=", Operator::GtEq),
    ("~~", Operator::LikeMatch),
    ("!~~", Operator::NotLikeMatch),
    ("~~*", Operator::ILikeMatch),
    ("!~~*", Operator::NotILikeMatch),
    ("~", Operator::RegexMatch),
    ("!~", Operator::RegexNotMatch),
    ("~*", Operator::RegexIMatch),
    ("!~*", Operator::RegexNotIMatch),
];

/// The operator that a symbol names.
pub(crate) fn operator(symbol: &str) -> Option<Operator> {
    OPERATORS.iter().find(|(known, _)| *known == symbol).map(|found| found.1)
}

/// Both open forms.
pub(crate) fn open_quantifiers() -> [Arc<ScalarUDF>; 2] {
    [ANY, ALL].map(|name| {
        let signature = Signature::any(3, Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Open { name, signature }))
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Open {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for Open {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("{} was left open", self.name)))
    }
}

/// The comparison of a value with the elements of a list of its type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Quantified {
    operator: Operator,
    all: bool,
    signature: Signature,
}

impl Quantified {
    /// `value operator ANY (list)`, or ALL. The elements have the type of the value.
    pub(crate) fn call(operator: Operator, all: bool, value: Expr, list: Expr) -> Expr {
        let udf = Self { operator, all, signature: Signature::any(2, Volatility::Immutable) };
        ScalarUDF::new_from_impl(udf).call(vec![value, list])
    }

    /// Operator, and whether it is ALL, of a call of an open form.
    pub(crate) fn open(udf: &ScalarUDF, args: &[Expr]) -> Option<(Operator, bool)> {
        let inner: &dyn Any = udf.inner().as_ref();
        let open = inner.downcast_ref::<Open>()?;
        let Some(Expr::Literal(ScalarValue::Utf8(Some(symbol)), _)) = args.first() else {
            return None;
        };
        Some((operator(symbol)?, open.name == ALL))
    }

    fn compare(&self, values: &ArrayRef, elements: &ArrayRef) -> Result<BooleanArray> {
        let regex = |flags: Option<&str>| -> Result<BooleanArray> {
            let flags = flags.map(|flags| {
                datafusion::arrow::array::StringArray::from(vec![flags; values.len()])
            });
            comparison::regexp_is_match(
                values.as_string::<i32>(),
                elements.as_string::<i32>(),
                flags.as_ref(),
            )
            .map_err(|_| {
                QueryError::new(SqlState::INVALID_REGEX, "invalid regular expression").into()
            })
        };
        let not = |found: BooleanArray| datafusion::arrow::compute::not(&found);
        Ok(match self.operator {
            Operator::Eq => cmp::eq(values, elements)?,
            Operator::NotEq => cmp::neq(values, elements)?,
            Operator::Lt => cmp::lt(values, elements)?,
            Operator::LtEq => cmp::lt_eq(values, elements)?,
            Operator::Gt => cmp::gt(values, elements)?,
            Operator::GtEq => cmp::gt_eq(values, elements)?,
            Operator::LikeMatch => comparison::like(values, elements)?,
            Operator::NotLikeMatch => comparison::nlike(values, elements)?,
            Operator::ILikeMatch => comparison::ilike(values, elements)?,
            Operator::NotILikeMatch => comparison::nilike(values, elements)?,
            Operator::RegexMatch => regex(None)?,
            Operator::RegexNotMatch => not(regex(None)?)?,
            Operator::RegexIMatch => regex(Some("i"))?,
            Operator::RegexNotIMatch => not(regex(Some("i"))?)?,
            other => {
                return Err(DataFusionError::Internal(format!("operator {other} of a list")));
            }
        })
    }
}

impl ScalarUDFImpl for Quantified {
    fn name(&self) -> &str {
        if self.all { "all_of" } else { "any_of" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays =
            args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<Vec<_>>>()?;
        let [values, lists] = arrays.as_slice() else {
            return Err(DataFusionError::Internal("a quantifier has two operands".to_owned()));
        };
        let lists = lists.as_list::<i32>();
        let mut owners = Vec::new();
        let mut positions = Vec::new();
        let offsets = lists.value_offsets();
        for row in 0..lists.len() {
            if lists.is_valid(row) {
                for at in offsets[row]..offsets[row + 1] {
                    owners.push(row as u32);
                    positions.push(at as u32);
                }
            }
        }
        let elements = take(lists.values(), &UInt32Array::from(positions), None)?;
        let spread = take(values, &UInt32Array::from(owners), None)?;
        let compared = self.compare(&spread, &elements)?;
        let mut result = BooleanBuilder::with_capacity(lists.len());
        let mut next = 0;
        for row in 0..lists.len() {
            if lists.is_null(row) {
                result.append_null();
                continue;
            }
            let count = (offsets[row + 1] - offsets[row]) as usize;
            let (mut decided, mut unknown) = (false, false);
            for at in next..next + count {
                if compared.is_null(at) {
                    unknown = true;
                } else {
                    // ANY is decided by a true one, ALL by a false one.
                    decided |= compared.value(at) != self.all;
                }
            }
            next += count;
            match (decided, unknown) {
                (true, _) => result.append_value(!self.all),
                (false, true) => result.append_null(),
                (false, false) => result.append_value(self.all),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(result.finish())))
    }
}
