//! ANY and ALL over arrays and subqueries, and ARRAY(subquery).
//!
//! ```text
//! x < ANY (list)         ──>  ergosql_any('<', x, list)
//! x < ANY (SELECT …)     ──>  ergosql_any('<', x, ergosql_collect((SELECT …)))
//! x = ANY (SELECT …)     ──>  x IN (SELECT …), which the planner can join
//! ```

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName, Query, SelectItem, SetExpr,
};

use super::forms::{taken, text_value, unsupported};
use super::plain_operator;
use super::series::parsed;
use crate::QueryError;
use crate::apply::COLLECT;
use crate::catalog_query::names::parts_of;
use crate::functions::quantified::{ALL, ANY, operator};

/// `left op ANY (right)`, or ALL, as the planner can take it.
///
/// # Errors
/// 0A000 for an operator that does not compare.
pub(super) fn quantified(
    left: &mut Expr,
    op: &BinaryOperator,
    right: &mut Expr,
    all: bool,
) -> Result<Expr, QueryError> {
    let op = plain_operator(op).unwrap_or_else(|| op.clone());
    let mut right = right;
    while let Expr::Nested(inner) = right {
        right = &mut **inner;
    }
    if let Expr::Subquery(subquery) = right {
        let is_in = if all { op == BinaryOperator::NotEq } else { op == BinaryOperator::Eq };
        if is_in {
            let subquery = subquery.clone();
            return Ok(Expr::InSubquery { expr: taken(left), subquery, negated: all });
        }
        *right = call(COLLECT, vec![std::mem::replace(right, null())]);
    }
    let symbol = match op {
        BinaryOperator::PGLikeMatch => "~~".to_owned(),
        BinaryOperator::PGNotLikeMatch => "!~~".to_owned(),
        BinaryOperator::PGILikeMatch => "~~*".to_owned(),
        BinaryOperator::PGNotILikeMatch => "!~~*".to_owned(),
        other => other.to_string(),
    };
    compared(&symbol, left, right, all)
}

/// `left LIKE ANY (right)`.
///
/// # Errors
/// As [`quantified`].
pub(super) fn like_any(
    left: &mut Expr,
    right: &mut Expr,
    symbol: &str,
) -> Result<Expr, QueryError> {
    let mut right = right;
    while let Expr::Nested(inner) = right {
        right = &mut **inner;
    }
    if let Expr::Subquery(_) = right {
        *right = call(COLLECT, vec![std::mem::replace(right, null())]);
    }
    compared(symbol, left, right, false)
}

fn compared(
    symbol: &str,
    left: &mut Expr,
    right: &mut Expr,
    all: bool,
) -> Result<Expr, QueryError> {
    if operator(symbol).is_none() {
        let word = if all { "ALL" } else { "ANY" };
        return Err(unsupported(&format!("the operator {symbol} {word}")));
    }
    let name = if all { ALL } else { ANY };
    Ok(call(name, vec![text_value(symbol.to_owned()), *taken(left), *taken(right)]))
}

/// `ARRAY(subquery)` as a call of the function that stands for it.
///
/// # Errors
/// 42601 for a subquery of several columns.
pub(super) fn array_of_rows(function: &mut Function) -> Result<(), QueryError> {
    let FunctionArguments::Subquery(query) = &function.args else { return Ok(()) };
    if !parts_of(&function.name).is_ok_and(|parts| parts == ["array"]) {
        return Ok(());
    }
    if is_wide(query) {
        let message = "subquery must return only one column";
        return Err(QueryError::new(crate::SqlState::SYNTAX_ERROR, message));
    }
    let subquery = Expr::Subquery(query.clone());
    if let Expr::Function(made) = call(COLLECT, vec![subquery]) {
        *function = made;
    }
    Ok(())
}

fn is_wide(query: &Query) -> bool {
    match &*query.body {
        SetExpr::Select(select) => {
            select.projection.len() > 1
                && !select.projection.iter().any(|item| {
                    matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
                })
        }
        _ => false,
    }
}

fn null() -> Expr {
    Expr::value(sqlparser::ast::Value::Null)
}

/// `name(arguments)`.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let made = parsed("SELECT f()").and_then(|query| match *query.body {
        SetExpr::Select(select) => select.projection.into_iter().next(),
        _ => None,
    });
    let Some(SelectItem::UnnamedExpr(Expr::Function(mut function))) = made else {
        return null();
    };
    function.name = ObjectName::from(vec![Ident::new(name)]);
    if let FunctionArguments::List(list) = &mut function.args {
        let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
        list.args = arguments.into_iter().map(argument).collect();
    }
    Expr::Function(function)
}
