//! `x operator ANY (list)` and ALL, once types are known.

use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, cast};
use datafusion::scalar::ScalarValue;

use super::cast::literal_list;
use super::compare::{compare, in_list};
use super::unsupported;
use crate::functions::quantified::Quantified;
use crate::types::class::unknown_literal;
use crate::types::operator::undefined_operator;

/// Elements of a constant array that become a list, which prunes files; longer ones are searched.
const LIST_ELEMENTS_MAX: usize = 1_000;
/// Stands for an element while its comparison is decided.
const ELEMENT: &str = "\u{1}element";

/// The comparison as it is evaluated. `args` are the operator, the value and the list.
///
/// # Errors
/// 42883 where the elements do not compare with the value, 42809 for a right side that is no array.
pub(super) fn quantified(
    operator: Operator,
    all: bool,
    args: Vec<Expr>,
    schema: &DFSchema,
) -> Result<Expr> {
    let mut args = args.into_iter().skip(1);
    let (Some(value), Some(list)) = (args.next(), args.next()) else {
        return Err(super::internal("a quantifier has two operands"));
    };
    let value_type = value.get_type(schema)?;
    let list = match unknown_literal(&list) {
        Some(text) => literal_list(text, &value_type, schema)?,
        None => list,
    };
    let is_member = operator == if all { Operator::NotEq } else { Operator::Eq };
    if is_member && let Some(elements) = constants(&list) {
        return in_list(InList::new(Box::new(value), elements, all), schema);
    }
    let list_type = list.get_type(schema)?;
    let DataType::List(element) = &list_type else {
        if list_type == DataType::Null || matches!(list, Expr::Placeholder(_)) {
            return Ok(Expr::Literal(ScalarValue::Boolean(None), None));
        }
        return Err(crate::QueryError::new(
            crate::SqlState::WRONG_OBJECT_TYPE,
            "op ANY/ALL (array) requires array on right side",
        )
        .into());
    };
    let field = Arc::new(Field::new(ELEMENT, element.data_type().clone(), true));
    let own = DFSchema::new_with_metadata(vec![(None, field)], Default::default())?;
    let both = schema.join(&own)?;
    let column = Expr::Column(Column::from_name(ELEMENT));
    let Expr::BinaryExpr(decided) = compare(operator, value, column, &both)? else {
        return Err(unsupported("ANY or ALL with these types"));
    };
    let (left, right) = (decided.left.get_type(&both)?, decided.right.get_type(&both)?);
    let common =
        if left == right { Some(left.clone()) } else { comparison_coercion(&left, &right) };
    let Some(common) = common else {
        return Err(undefined_operator(
            operator,
            &crate::types::class::type_name(&left),
            &crate::types::class::type_name(&right),
        )
        .into());
    };
    let value = if left == common { *decided.left } else { cast(*decided.left, common.clone()) };
    let list = if *element.data_type() == common {
        list
    } else {
        cast(list, DataType::List(Arc::new(Field::new_list_field(common, true))))
    };
    Ok(Quantified::call(operator, all, value, list))
}

/// Elements of a constant array, unless there are none or too many.
fn constants(array: &Expr) -> Option<Vec<Expr>> {
    let list = match array {
        Expr::ScalarFunction(call) if call.func.name() == "make_array" => {
            let is_short = !call.args.is_empty() && call.args.len() <= LIST_ELEMENTS_MAX;
            return is_short.then(|| call.args.clone());
        }
        Expr::Literal(ScalarValue::List(list), _) => list,
        _ => return None,
    };
    let elements = (list.len() == 1 && !list.is_null(0)).then(|| list.value(0))?;
    if elements.is_empty() || elements.len() > LIST_ELEMENTS_MAX {
        return None;
    }
    (0..elements.len())
        .map(|at| Some(Expr::Literal(ScalarValue::try_from_array(&elements, at).ok()?, None)))
        .collect()
}
