//! Literals.

use sqlparser::ast::Value as Literal;

use super::super::plan::Expr;
use super::super::types;
use super::super::{Value, unsupported};
use super::{Binder, Typed};
use crate::QueryError;

impl Binder<'_> {
    /// A literal or `$n`.
    ///
    /// # Errors
    /// 42P02 for a wrong parameter, 0A000 for literals that catalog statements do not use.
    pub(super) fn literal(&self, literal: &Literal) -> Result<Typed, QueryError> {
        let unknown = |text: &str| Typed::new(Expr::Const(Value::text(text)), types::UNKNOWN);
        match literal {
            Literal::Null => Ok(Typed::new(Expr::Const(Value::Null), types::UNKNOWN)),
            Literal::Boolean(value) => Ok(Typed::bool(Expr::Const(Value::Bool(*value)))),
            Literal::Number(digits, _) => number(digits),
            Literal::SingleQuotedString(text) | Literal::EscapedStringLiteral(text) => {
                Ok(unknown(text))
            }
            Literal::DollarQuotedString(quoted) => Ok(unknown(&quoted.value)),
            Literal::Placeholder(name) => {
                let number = name.strip_prefix('$').and_then(|digits| digits.parse().ok());
                self.parameter(number.unwrap_or_default())
            }
            other => Err(unsupported(format!("literal {other}"))),
        }
    }
}

/// An integer literal is `integer`, or `bigint` where it does not fit; others are `numeric`.
fn number(digits: &str) -> Result<Typed, QueryError> {
    let value: i64 =
        digits.parse().map_err(|_| unsupported(format!("numeric literal {digits}")))?;
    let type_oid = if i32::try_from(value).is_ok() { types::INT4 } else { types::INT8 };
    Ok(Typed::new(Expr::Const(Value::Int(value)), type_oid))
}
