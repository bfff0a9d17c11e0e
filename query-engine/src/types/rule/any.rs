//! `x = ANY(array)`, which arrives as `array_has(array, x)`.

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, cast};
use datafusion::scalar::ScalarValue;

use super::compare::in_list;
use crate::types::class::Class;

/// Elements of a constant array that become a list, which prunes files; longer ones are searched.
const LIST_ELEMENTS_MAX: usize = 1_000;

/// The membership as DataFusion evaluates it.
///
/// # Errors
/// 42883 where the elements do not compare with the value.
pub(super) fn member(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let [array, value] = call.args.as_slice() else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    if let Some(list) = constants(array) {
        let list = InList::new(Box::new(value.clone()), list, false);
        return in_list(list, schema).map(Transformed::yes);
    }
    let DataType::List(element) = array.get_type(schema)? else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    let found = value.get_type(schema)?;
    let both_bytes = [element.data_type(), &found].map(Class::of) == [Class::Bytes; 2];
    if !both_bytes || *element.data_type() == found {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    }
    // A hash has a fixed size and an array of bytes has not: they compare as bytes of any size.
    call.args[1] = cast(value.clone(), element.data_type().clone());
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

/// Elements of a constant array, unless there are none or too many.
fn constants(array: &Expr) -> Option<Vec<Expr>> {
    let Expr::Literal(ScalarValue::List(list), _) = array else { return None };
    let elements = (list.len() == 1 && !list.is_null(0)).then(|| list.value(0))?;
    if elements.is_empty() || elements.len() > LIST_ELEMENTS_MAX {
        return None;
    }
    (0..elements.len())
        .map(|at| Some(Expr::Literal(ScalarValue::try_from_array(&elements, at).ok()?, None)))
        .collect()
}
