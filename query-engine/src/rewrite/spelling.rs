//! Functions and operators that the planner has under another name, or with another type of the result.

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, SelectItem, SetExpr, UnaryOperator, Value,
};

use super::forms::taken;
use super::quantified::call;
use super::series::parsed;
use crate::QueryError;
use crate::catalog_query::names::parts_of;

/// Functions with another name in the planner.
const NAMES: &[(&str, &str)] = &[("every", "bool_and"), ("variance", "var_samp")];
/// Functions whose result is `integer` in PostgreSQL and `bigint` in the planner.
const INTEGERS: &[&str] = &[
    "array_length",
    "array_ndims",
    "array_position",
    "cardinality",
    "ntile",
    "regexp_count",
    "regexp_instr",
];

/// The planner's spelling of a call, where it has another.
///
/// # Errors
/// 42883 for a call with the wrong number of arguments.
pub(super) fn function(function: &mut Function) -> Result<Option<Expr>, QueryError> {
    let Ok(parts) = parts_of(&function.name) else { return Ok(None) };
    let Some(name) = parts.last().map(String::as_str) else { return Ok(None) };
    if let Some((_, known)) = NAMES.iter().find(|(own, _)| *own == name) {
        function.name = ObjectName::from(vec![Ident::new(*known)]);
        return Ok(None);
    }
    if INTEGERS.contains(&name) {
        return Ok(Some(Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(Expr::Function(function.clone())),
            data_type: DataType::Integer(None),
            array: false,
            format: None,
        }));
    }
    let FunctionArguments::List(list) = &mut function.args else { return Ok(None) };
    Ok(match (name, list.args.as_mut_slice()) {
        ("log", [_]) => {
            function.name = ObjectName::from(vec![Ident::new("log10")]);
            None
        }
        ("to_timestamp", [_]) => {
            function.name = ObjectName::from(vec![Ident::new("ergosql_to_timestamp")]);
            None
        }
        (
            "mod",
            [
                FunctionArg::Unnamed(FunctionArgExpr::Expr(left)),
                FunctionArg::Unnamed(FunctionArgExpr::Expr(right)),
            ],
        ) => {
            let (left, right) = (taken(left), taken(right));
            let (left, right) = (Box::new(Expr::Nested(left)), Box::new(Expr::Nested(right)));
            let op = BinaryOperator::Modulo;
            Some(Expr::Nested(Box::new(Expr::BinaryOp { left, op, right })))
        }
        ("age", [FunctionArg::Unnamed(FunctionArgExpr::Expr(_))]) => {
            // The age of one instant is counted from the start of this day.
            let today = expression("current_date::timestamp")?;
            list.args.insert(0, FunctionArg::Unnamed(FunctionArgExpr::Expr(today)));
            None
        }
        _ => None,
    })
}

/// Operators before their operand.
pub(super) fn prefix(op: UnaryOperator, operand: &mut Expr) -> Option<Expr> {
    match op {
        UnaryOperator::PGAbs => Some(call("abs", vec![*taken(operand)])),
        UnaryOperator::PGSquareRoot => Some(call("sqrt", vec![*taken(operand)])),
        UnaryOperator::PGCubeRoot => Some(call("cbrt", vec![*taken(operand)])),
        UnaryOperator::BitwiseNot => {
            // All bits turned over are minus the number, less one.
            let one = Expr::value(Value::Number("1".to_owned(), false));
            let right = Box::new(Expr::Nested(taken(operand)));
            let negative = Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(one) };
            let difference = Expr::BinaryOp {
                left: Box::new(Expr::Nested(Box::new(negative))),
                op: BinaryOperator::Minus,
                right,
            };
            Some(Expr::Nested(Box::new(difference)))
        }
        _ => None,
    }
}

/// `localtimestamp` and `localtime`, which are words of their own.
pub(super) fn clock(name: &Ident) -> Option<Expr> {
    match name.value.to_ascii_lowercase().as_str() {
        "localtimestamp" => expression("now()::timestamp").ok(),
        "localtime" => expression("now()::time").ok(),
        _ => None,
    }
}

fn expression(sql: &str) -> Result<Expr, QueryError> {
    let made = parsed(&format!("SELECT {sql}")).and_then(|query| match *query.body {
        SetExpr::Select(select) => select.projection.into_iter().next(),
        _ => None,
    });
    match made {
        Some(SelectItem::UnnamedExpr(expr)) => Ok(expr),
        _ => Err(QueryError::new(crate::SqlState::INTERNAL_ERROR, "a spelling is not SQL")),
    }
}
