//! Output names as PostgreSQL gives them, and the types of integer literals, on the parsed statement.
//!
//! The planner wants names that are unique; PostgreSQL allows repeats. A repeated name gets a marker
//! and a number that [`shown`] removes again.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType as SqlType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, Query, Select, SelectItem, SetExpr, UnaryOperator, Value, VisitMut,
    VisitorMut,
};

use crate::catalog_query::figured;
use crate::catalog_query::types::typed_by;
use crate::types::numeric::NUMERIC_DIGITS_MAX;
use crate::types::uint256::UINT256_DIGITS_MAX;

/// Starts the part of a name that is not shown. No client can type it in a name that it also reads.
pub(super) const MARKER: char = '\u{1}';
/// Name of an expression that has none.
const UNNAMED: &str = "?column?";
/// Functions whose integer literals decide the type of their result.
const TYPED_BY_ARGUMENTS: &[&str] = &[
    "sum",
    "avg",
    "min",
    "max",
    "array_agg",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "generate_series",
];

/// Gives every output column of `query` and of its subqueries its PostgreSQL name, and every integer
/// literal that becomes a column the type `integer` where it fits.
pub(crate) fn name_columns(query: &mut Query) {
    let _: ControlFlow<()> = query.visit(&mut Namer);
}

/// The name without what made it unique.
pub(crate) fn shown(name: &str) -> &str {
    name.split(MARKER).next().unwrap_or(name)
}

/// A name that is shown as `name` and is unlike the others.
pub(crate) fn hidden(name: &str, number: usize) -> String {
    format!("{name}{MARKER}{number}")
}

/// Whether `query` computes on literals alone, and has an operator that can fail on them.
pub(super) fn is_constant(query: &Query) -> bool {
    use sqlparser::ast::{BinaryOperator, visit_expressions, visit_relations};
    let mut can_fail = false;
    let other = visit_expressions(query, |expr| match expr {
        Expr::BinaryOp { op, .. } => {
            can_fail |= matches!(
                op,
                BinaryOperator::Divide
                    | BinaryOperator::Modulo
                    | BinaryOperator::Plus
                    | BinaryOperator::Minus
                    | BinaryOperator::Multiply
            );
            ControlFlow::Continue(())
        }
        Expr::Value(_) | Expr::UnaryOp { .. } | Expr::Nested(_) | Expr::Cast { .. } => {
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Break(()),
    });
    can_fail
        && other.is_continue()
        && visit_relations(query, |_| ControlFlow::Break(())).is_continue()
        && matches!(&*query.body, SetExpr::Select(select) if select.from.is_empty())
}

struct Namer;

impl VisitorMut for Namer {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        type_values(&mut query.body);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        name_items(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        type_long_number(expr);
        match expr {
            Expr::Case { conditions, else_result, .. } => {
                conditions.iter_mut().for_each(|when| type_literal(&mut when.result));
                if let Some(result) = else_result {
                    type_literal(result);
                }
            }
            Expr::Function(function) if decides_type(function) => {
                if let FunctionArguments::List(list) = &mut function.args {
                    for arg in &mut list.args {
                        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) = arg {
                            type_literal(arg);
                        }
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn decides_type(function: &Function) -> bool {
    let name = function.name.0.last().and_then(|part| part.as_ident()).map(|ident| &ident.value);
    name.is_some_and(|name| TYPED_BY_ARGUMENTS.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

fn type_values(body: &mut SetExpr) {
    match body {
        SetExpr::Values(values) => {
            for row in &mut values.rows {
                row.content.iter_mut().for_each(type_literal);
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            type_values(left);
            type_values(right);
        }
        _ => {}
    }
}

/// An integer literal that fits becomes `integer`; the planner would make it `bigint`.
fn type_literal(expr: &mut Expr) {
    if !is_small_integer(expr) {
        return;
    }
    let literal = std::mem::replace(expr, Expr::Value(Value::Null.into()));
    *expr = Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(literal),
        data_type: SqlType::Integer(None),
        array: false,
        format: None,
    };
}

/// An integer literal with more digits than the planner reads becomes a 256-bit integer, where it fits.
fn type_long_number(expr: &mut Expr) {
    let Expr::Value(value) = expr else { return };
    let Value::Number(digits, false) = &value.value else { return };
    let is_long = digits.len() > usize::from(NUMERIC_DIGITS_MAX);
    if !is_long || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    *expr = Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Value(Value::SingleQuotedString(digits.clone()).into())),
        data_type: SqlType::Numeric(ExactNumberInfo::Precision(UINT256_DIGITS_MAX as u64)),
        array: false,
        format: None,
    };
}

fn is_small_integer(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => digits.parse::<i32>().is_ok(),
            _ => false,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match &**expr {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, false) => digits.parse::<i32>().is_ok(),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}

fn name_items(select: &mut Select) {
    let has_wildcard = select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    let has_having = select.having.is_some();
    let mut used: HashSet<String> = HashSet::new();
    for (index, item) in select.projection.iter_mut().enumerate() {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let is_column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                let (name, from_column) = figured(expr);
                let name = name.unwrap_or_else(|| UNNAMED.to_owned());
                let repeated = !used.insert(name.clone());
                let hidden = repeated
                    || is_column && has_wildcard
                    || !is_column && from_column && has_having;
                if is_column && !hidden {
                    continue;
                }
                let alias = if hidden { format!("{name}{MARKER}{index}") } else { name };
                let mut expr = std::mem::replace(expr, Expr::Value(Value::Null.into()));
                type_literal(&mut expr);
                *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', alias) };
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let name = match alias.quote_style {
                    Some(_) => alias.value.clone(),
                    None => alias.value.to_lowercase(),
                };
                if !used.insert(name.clone()) {
                    *alias = Ident::with_quote('"', format!("{name}{MARKER}{index}"));
                }
                type_literal(expr);
            }
            _ => {}
        }
    }
}

/// Type modifiers that casts in the select list give to its columns, -1 for none; empty where `*` hides the
/// positions of the columns.
pub(super) fn cast_modifiers(query: &Query) -> Vec<i32> {
    let SetExpr::Select(select) = &*query.body else { return Vec::new() };
    let modifier = |item: &SelectItem| {
        let mut expr = match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr,
            _ => return None,
        };
        while let Expr::Nested(inner) = expr {
            expr = inner;
        }
        Some(match expr {
            Expr::Cast { data_type, .. } => typed_by(data_type).map_or(-1, |found| found.1),
            _ => -1,
        })
    };
    select.projection.iter().map(modifier).collect::<Option<Vec<_>>>().unwrap_or_default()
}
