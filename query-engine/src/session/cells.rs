//! Values of INSERT and UPDATE: those that need no plan, and those that do.

use datafusion::scalar::ScalarValue;
use sqlparser::ast::{Expr, Ident, UnaryOperator, Value};

use crate::error::map::internal;
use crate::objects::{UserColumn, UserDefault, cell};
use crate::{Parameter, PgType, QueryError};

/// One value of a statement that writes.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// A literal.
    Given(Parameter),
    /// The whole of parameter `$n+1`.
    Bound(usize),
    /// The result of expression `n`.
    Planned(usize),
    /// DEFAULT, to be replaced by [`Cell::of_default`].
    Default,
    /// The next value of a serial column.
    Serial,
}

impl Cell {
    /// What DEFAULT means for `column`.
    pub(super) fn of_default(
        column: &UserColumn,
        exprs: &mut Vec<Expr>,
    ) -> Result<Self, QueryError> {
        Ok(match &column.default {
            None => Self::Given(Parameter::Null),
            Some(UserDefault::Serial { .. }) => Self::Serial,
            Some(UserDefault::Expr(expr)) => match cell_of(expr, column, &mut Vec::new(), exprs) {
                Self::Default | Self::Bound(_) => return Err(internal()),
                found => found,
            },
        })
    }
}

/// What `expr` is for `column`. Parameters that are whole values get the column's type in `declared`
/// unless they have one; what needs a plan is added to `exprs`.
pub(super) fn cell_of(
    expr: &Expr,
    column: &UserColumn,
    declared: &mut Vec<Option<PgType>>,
    exprs: &mut Vec<Expr>,
) -> Cell {
    let own = column.column_type.pg_type;
    match expr {
        Expr::Nested(inner) => return cell_of(inner, column, declared, exprs),
        Expr::Identifier(Ident { value, quote_style: None, .. })
            if value.eq_ignore_ascii_case("default") =>
        {
            return Cell::Default;
        }
        Expr::Value(value) => match &value.value {
            Value::Null => return Cell::Given(Parameter::Null),
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                return Cell::Given(Parameter::Text(text.clone()));
            }
            Value::DollarQuotedString(text) => {
                return Cell::Given(Parameter::Text(text.value.clone()));
            }
            Value::Boolean(on) if own == PgType::Bool => return Cell::Given(Parameter::Bool(*on)),
            Value::Number(digits, _) if number_fits(digits, own) => {
                return Cell::Given(Parameter::Text(digits.clone()));
            }
            Value::Placeholder(name) => {
                if let Some(at) = placeholder(name) {
                    if declared.len() <= at {
                        declared.resize(at + 1, None);
                    }
                    let known = *declared[at].get_or_insert(own);
                    if known == own {
                        return Cell::Bound(at);
                    }
                }
            }
            _ => {}
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => {
            if let Expr::Value(value) = &**inner
                && let Value::Number(digits, _) = &value.value
                && number_fits(digits, own)
            {
                return Cell::Given(Parameter::Text(format!("-{digits}")));
            }
        }
        _ => {}
    }
    exprs.push(expr.clone());
    Cell::Planned(exprs.len() - 1)
}

fn placeholder(name: &str) -> Option<usize> {
    name.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}

/// Whether the input function of the type reads a number literal as assignment would convert it.
fn number_fits(digits: &str, pg_type: PgType) -> bool {
    match pg_type {
        PgType::Int2 => digits.parse::<i16>().is_ok(),
        PgType::Int4 => digits.parse::<i32>().is_ok(),
        PgType::Int8 => digits.parse::<i64>().is_ok(),
        PgType::Text | PgType::Varchar => digits.parse::<i64>().is_ok(),
        PgType::Float4 | PgType::Float8 | PgType::Numeric => true,
        _ => false,
    }
}

/// A value that needs no plan.
pub(super) fn given_value(
    value: &Cell,
    column: &UserColumn,
    values: &[Parameter],
    time_zone: &str,
) -> Result<ScalarValue, QueryError> {
    match value {
        Cell::Given(parameter) => cell(parameter, column, time_zone),
        Cell::Bound(at) => cell(values.get(*at).ok_or_else(internal)?, column, time_zone),
        Cell::Planned(_) | Cell::Default | Cell::Serial => Err(internal()),
    }
}
