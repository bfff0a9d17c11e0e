//! Literals.

use sqlparser::ast::Value as Literal;

use super::super::plan::Expr;
use super::super::types;
use super::super::{Value, text, unsupported};
use super::{Binder, Typed};
use crate::QueryError;
use crate::values::decimal::Decimal;

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
            Literal::NationalStringLiteral(text) => Ok(unknown(text)),
            Literal::SingleQuotedByteStringLiteral(digits) => self.bits(&format!("b{digits}")),
            Literal::HexStringLiteral(digits) => self.bits(&format!("x{digits}")),
            Literal::Placeholder(name) => {
                let number = name.strip_prefix('$').and_then(|digits| digits.parse().ok());
                self.parameter(number.unwrap_or_default())
            }
            other => Err(unsupported(format!("literal {other}"))),
        }
    }

    /// `B'101'` or `X'1F'`: a bit string of just this length.
    fn bits(&self, text: &str) -> Result<Typed, QueryError> {
        text::input(self.env, text, types::BIT)
            .map(|value| Typed::new(Expr::Const(value), types::BIT))
    }
}

/// An integer literal is `integer`, or `bigint` where it does not fit; others are `numeric`.
pub(super) fn number(digits: &str) -> Result<Typed, QueryError> {
    let plain = digits.replace('_', "");
    let radix = match plain.get(..2) {
        Some("0x" | "0X") => Some(16),
        Some("0o" | "0O") => Some(8),
        Some("0b" | "0B") => Some(2),
        _ => None,
    };
    let value = match radix {
        Some(radix) => i64::from_str_radix(&plain[2..], radix).ok(),
        None => plain.parse().ok(),
    };
    let Some(value) = value else {
        let value = Decimal::parse(digits)?;
        return Ok(Typed::new(Expr::Const(Value::numeric(value)), types::NUMERIC));
    };
    let type_oid = if i32::try_from(value).is_ok() { types::INT4 } else { types::INT8 };
    Ok(Typed::new(Expr::Const(Value::Int(value)), type_oid))
}
