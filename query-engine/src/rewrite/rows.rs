//! Comparisons of rows, column by column: the planner would compare them as one value, and nulls in them otherwise.
//!
//! ```text
//! (a, b) < (c, d)              ──>  a < c OR (a = c AND b < d)
//! (a, b) IN (SELECT …)         ──>  EXISTS (SELECT 1 FROM (SELECT …) q(c0, c1) WHERE a = c0 AND b = c1)
//! (a, b) = (SELECT …)          ──>  a = (SELECT c0 FROM (SELECT …) q(c0, c1)) AND b = (SELECT c1 FROM …)
//! ```

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem,
    SetExpr,
};

use super::series::parsed;
use crate::catalog_query::names::parts_of;
use crate::{QueryError, SqlState};

/// The condition of WHERE: a membership in it need not tell false from unknown, so that it can be joined.
pub(super) fn condition(expr: &mut Expr) -> Result<(), QueryError> {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            condition(left)?;
            condition(right)
        }
        Expr::Nested(inner) => condition(inner),
        Expr::InSubquery { expr: left, subquery, negated } => {
            let Some(items) = items(left) else { return Ok(()) };
            let (from, columns) = source(subquery, items.len())?;
            let equal = pairs(&items, &columns, "=", " AND ");
            let made = match negated {
                false => format!("EXISTS (SELECT 1 FROM {from} WHERE {equal})"),
                true => format!("NOT EXISTS (SELECT 1 FROM {from} WHERE (({equal}) IS NOT FALSE))"),
            };
            *expr = expression(&made)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A comparison of rows elsewhere.
///
/// # Errors
/// 42601 for rows of different lengths.
pub(super) fn comparison(expr: &Expr) -> Result<Option<Expr>, QueryError> {
    let made = match expr {
        Expr::BinaryOp { left, op, right } if symbol(op).is_some() => {
            match (items(left), items(right), subquery(left), subquery(right)) {
                (Some(left), Some(right), ..) => Some(compared(&left, op, &right)?),
                (Some(left), _, _, Some(query)) => {
                    Some(compared(&left, op, &columns_of(query, left.len())?)?)
                }
                (_, Some(right), Some(query), _) => {
                    Some(compared(&columns_of(query, right.len())?, op, &right)?)
                }
                _ => None,
            }
        }
        Expr::InSubquery { expr: left, subquery, negated } => match items(left) {
            None => None,
            Some(left) => {
                let (from, columns) = source(subquery, left.len())?;
                let equal = pairs(&left, &columns, "=", " AND ");
                let not = if *negated { "NOT " } else { "" };
                Some(format!(
                    "({not}(SELECT CASE WHEN bool_or({equal}) THEN true WHEN bool_or(({equal}) IS NULL) THEN NULL::boolean ELSE false END FROM {from}))"
                ))
            }
        },
        Expr::InList { expr: left, list, negated } => match items(left) {
            None => None,
            Some(left) => {
                let rows = list.iter().map(|row| {
                    let row = items(row).ok_or_else(unequal)?;
                    compared(&left, &BinaryOperator::Eq, &row)
                });
                let rows = rows.collect::<Result<Vec<_>, _>>()?.join(" OR ");
                Some(format!("({}({rows}))", if *negated { "NOT " } else { "" }))
            }
        },
        Expr::IsNull(inner) => items(inner).map(|items| nulls(&items, "IS NULL")),
        Expr::IsNotNull(inner) => items(inner).map(|items| nulls(&items, "IS NOT NULL")),
        Expr::IsDistinctFrom(left, right) => distinct(left, right, "IS DISTINCT FROM", " OR ")?,
        Expr::IsNotDistinctFrom(left, right) => {
            distinct(left, right, "IS NOT DISTINCT FROM", " AND ")?
        }
        _ => None,
    };
    made.map(|made| expression(&made)).transpose()
}

fn symbol(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        _ => return None,
    })
}

/// Columns of a row as SQL; `None` for what is no row.
fn items(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Nested(inner) => items(inner),
        Expr::Tuple(items) if !items.is_empty() => {
            Some(items.iter().map(|item| format!("({item})")).collect())
        }
        Expr::Function(function)
            if parts_of(&function.name).is_ok_and(|parts| parts == ["row"]) =>
        {
            let FunctionArguments::List(list) = &function.args else { return None };
            let columns = list.args.iter().map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(item)) => Some(format!("({item})")),
                _ => None,
            });
            columns.collect()
        }
        _ => None,
    }
}

fn subquery(expr: &Expr) -> Option<&Query> {
    match expr {
        Expr::Nested(inner) => subquery(inner),
        Expr::Subquery(query) => Some(query),
        _ => None,
    }
}

/// The subquery as an item of FROM, and its columns.
fn source(query: &Query, count: usize) -> Result<(String, Vec<String>), QueryError> {
    if width(query).is_some_and(|width| width != count) {
        let message = match width(query) {
            Some(width) if width > count => "subquery has too many columns",
            _ => "subquery has too few columns",
        };
        return Err(QueryError::new(SqlState::SYNTAX_ERROR, message));
    }
    let names: Vec<String> = (0..count).map(|at| format!("ergosql_column_{at}")).collect();
    let columns = names.iter().map(|name| format!("ergosql_rows.{name}")).collect();
    Ok((format!("({query}) AS ergosql_rows ({})", names.join(", ")), columns))
}

/// Each column of the subquery as a value of its own, so that one that stands alone runs once.
fn columns_of(query: &Query, count: usize) -> Result<Vec<String>, QueryError> {
    let (from, columns) = source(query, count)?;
    Ok(columns.into_iter().map(|column| format!("(SELECT {column} FROM {from})")).collect())
}

fn width(query: &Query) -> Option<usize> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let is_plain = select
        .projection
        .iter()
        .all(|item| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }));
    is_plain.then_some(select.projection.len())
}

fn pairs(left: &[String], right: &[String], symbol: &str, between: &str) -> String {
    let pairs = left.iter().zip(right).map(|(left, right)| format!("{left} {symbol} {right}"));
    format!("({})", pairs.collect::<Vec<_>>().join(between))
}

fn compared(left: &[String], op: &BinaryOperator, right: &[String]) -> Result<String, QueryError> {
    if left.len() != right.len() {
        return Err(unequal());
    }
    let Some(symbol) = symbol(op) else { return Err(unequal()) };
    Ok(match op {
        BinaryOperator::Eq => pairs(left, right, symbol, " AND "),
        BinaryOperator::NotEq => pairs(left, right, symbol, " OR "),
        _ => {
            // All columns but the last decide by being different.
            let strict = symbol.trim_end_matches('=');
            let last = left.len() - 1;
            let mut made = format!("{} {symbol} {}", left[last], right[last]);
            for at in (0..last).rev() {
                let (a, b) = (&left[at], &right[at]);
                made = format!("{a} {strict} {b} OR ({a} = {b} AND ({made}))");
            }
            format!("({made})")
        }
    })
}

fn nulls(items: &[String], test: &str) -> String {
    let tests: Vec<_> = items.iter().map(|item| format!("{item} {test}")).collect();
    format!("({})", tests.join(" AND "))
}

fn distinct(
    left: &Expr,
    right: &Expr,
    symbol: &str,
    between: &str,
) -> Result<Option<String>, QueryError> {
    match (items(left), items(right)) {
        (Some(left), Some(right)) if left.len() == right.len() => {
            Ok(Some(pairs(&left, &right, symbol, between)))
        }
        (Some(_), Some(_)) => Err(unequal()),
        _ => Ok(None),
    }
}

fn unequal() -> QueryError {
    QueryError::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions")
}

fn expression(sql: &str) -> Result<Expr, QueryError> {
    let made = parsed(&format!("SELECT {sql}")).and_then(|query| match *query.body {
        SetExpr::Select(select) => select.projection.into_iter().next(),
        _ => None,
    });
    match made {
        Some(SelectItem::UnnamedExpr(expr)) => Ok(expr),
        _ => Err(super::forms::unsupported("this comparison of rows")),
    }
}
