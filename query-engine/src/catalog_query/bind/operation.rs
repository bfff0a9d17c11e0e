//! Operators, comparisons and conditions.

use sqlparser::ast::{BinaryOperator, Expr as Ast, UnaryOperator};

use super::super::operator::{self, Comparison, Operator};
use super::super::plan::Expr;
use super::super::types::{self, Kind, kind};
use super::super::{Interval, Value, text, unsupported};
use super::scope::Scope;
use super::{Binder, Typed};
use crate::{QueryError, SqlState};

/// `text[]`.
const TEXT_ARRAY: types::TypeOid = 1009;

impl Binder<'_> {
    /// An operator or condition.
    ///
    /// # Errors
    /// As [`Self::expr`].
    pub(super) fn operation(&self, ast: &Ast, scope: &Scope<'_>) -> Result<Typed, QueryError> {
        match ast {
            Ast::BinaryOp { left, op, right } => self.binary(left, op, right, scope),
            Ast::UnaryOp { op, expr } => self.unary(*op, expr, scope),
            Ast::IsNull(inner) => self.is_null(inner, false, scope),
            Ast::IsNotNull(inner) => self.is_null(inner, true, scope),
            Ast::IsTrue(inner) => self.is_truth(inner, true, false, scope),
            Ast::IsNotTrue(inner) => self.is_truth(inner, true, true, scope),
            Ast::IsFalse(inner) => self.is_truth(inner, false, false, scope),
            Ast::IsNotFalse(inner) => self.is_truth(inner, false, true, scope),
            Ast::IsDistinctFrom(left, right) => self.is_distinct(left, right, false, scope),
            Ast::IsNotDistinctFrom(left, right) => self.is_distinct(left, right, true, scope),
            Ast::Between { expr, negated, low, high } => {
                let at_least = self.compared(">=", expr, low, scope)?;
                let at_most = self.compared("<=", expr, high, scope)?;
                Ok(Typed::bool(negate(Expr::And(vec![at_least, at_most]), *negated)))
            }
            Ast::InList { expr, list, negated } => {
                let any = list
                    .iter()
                    .map(|item| self.compared("=", expr, item, scope))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Typed::bool(negate(one_of(any), *negated)))
            }
            Ast::InSubquery { expr, subquery, negated } => {
                let any = self.in_subquery("=", false, expr, subquery, scope)?;
                Ok(Typed::bool(negate(any, *negated)))
            }
            Ast::AnyOp { left, compare_op, right, .. } => {
                self.any_all(&symbol_of(compare_op)?, false, left, right, scope)
            }
            Ast::AllOp { left, compare_op, right } => {
                self.any_all(&symbol_of(compare_op)?, true, left, right, scope)
            }
            Ast::Like { negated, any, expr, pattern, escape_char } => {
                self.like(expr, (pattern, *any), escape_char.as_ref(), (*negated, false), scope)
            }
            Ast::ILike { negated, any, expr, pattern, escape_char } => {
                self.like(expr, (pattern, *any), escape_char.as_ref(), (*negated, true), scope)
            }
            Ast::SimilarTo { negated, expr, pattern, escape_char: None } => {
                let left = self.expr(expr, scope)?;
                let pattern = self.expr(pattern, scope)?;
                let mut typed = self.operate("~", left, pattern)?;
                if let Expr::Binary { operator, .. } = &mut typed.expr {
                    *operator = Operator::Similar { negated: *negated };
                }
                Ok(typed)
            }
            other => Err(unsupported(format!("expression {other}"))),
        }
    }

    fn binary(
        &self,
        left: &Ast,
        op: &BinaryOperator,
        right: &Ast,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            let clause = if *op == BinaryOperator::And { "AND" } else { "OR" };
            let left = self.expr(left, scope)?;
            let right = self.expr(right, scope)?;
            let parts = vec![self.condition(left, clause)?, self.condition(right, clause)?];
            let expr = if *op == BinaryOperator::And { Expr::And(parts) } else { Expr::Or(parts) };
            return Ok(Typed::bool(expr));
        }
        if *op == BinaryOperator::Overlaps {
            return self.overlaps(left, right, scope);
        }
        let symbol = symbol_of(op)?;
        // The parser reads `a = ANY (b)` with ANY as an operand of its own in some forms.
        let left = self.expr(left, scope)?;
        if left.type_oid == types::RECORD && matches!(right, Ast::Subquery(_)) {
            return Err(unsupported("a row compared with a subquery"));
        }
        let right = self.expr(right, scope)?;
        self.operate(&symbol, left, right)
    }

    /// `left symbol right` with untyped literals settled.
    ///
    /// # Errors
    /// As [`operator::resolve`].
    pub(super) fn operate(
        &self,
        symbol: &str,
        left: Typed,
        right: Typed,
    ) -> Result<Typed, QueryError> {
        if let (Expr::Row(..), Expr::Row(..)) = (&left.expr, &right.expr)
            && operator::is_comparison(symbol)
        {
            return self.operate_rows(symbol, left, right).map(Typed::bool);
        }
        let is_pattern = symbol.contains('~');
        let (left, right) = if is_pattern {
            let as_text = |typed: Typed| -> Result<Typed, QueryError> {
                match typed.type_oid {
                    types::UNKNOWN => Ok(Typed::new(self.cast(typed, types::TEXT)?, types::TEXT)),
                    _ => Ok(typed),
                }
            };
            (as_text(left)?, as_text(right)?)
        } else if symbol == "||" {
            self.unify_concat(left, right)?
        } else {
            let right = self.right_of(symbol, &left, right)?;
            let (left, right) = self.unpadded(symbol, left, right)?;
            check_choice(symbol, &left, &right)?;
            let (left, right) = self.unify(left, right)?;
            self.widened(symbol, left, right)?
        };
        let (operator, type_oid) = operator::resolve(symbol, left.type_oid, right.type_oid)?;
        let expr =
            Expr::Binary { operator, left: Box::new(left.expr), right: Box::new(right.expr) };
        Ok(Typed::new(expr, type_oid))
    }

    /// An untyped right operand that is not of the left one's type: an interval beside an instant, a key
    /// or path beside `jsonb`, a number beside an interval.
    fn right_of(&self, symbol: &str, left: &Typed, right: Typed) -> Result<Typed, QueryError> {
        if right.type_oid != types::UNKNOWN {
            return Ok(right);
        }
        let to = match (symbol, left.type_oid) {
            ("+", types::TIMESTAMP | types::TIMESTAMPTZ | types::TIME) => types::INTERVAL,
            ("*" | "/", types::INTERVAL) => types::FLOAT8,
            ("->" | "->>" | "?" | "-", types::JSON | types::JSONB) => types::TEXT,
            ("#>" | "#>>" | "#-" | "?|" | "?&", types::JSON | types::JSONB) => TEXT_ARRAY,
            _ => return Ok(right),
        };
        Ok(Typed::new(self.cast(right, to)?, to))
    }

    /// `char(n)` compares without the spaces that fill it up.
    fn unpadded(
        &self,
        symbol: &str,
        left: Typed,
        right: Typed,
    ) -> Result<(Typed, Typed), QueryError> {
        let is_padded = |typed: &Typed| typed.type_oid == types::BPCHAR;
        if !operator::is_comparison(symbol) || !(is_padded(&left) || is_padded(&right)) {
            return Ok((left, right));
        }
        let bare = |typed: Typed, is_other_padded: bool| -> Result<Typed, QueryError> {
            let typed = match typed.type_oid {
                types::UNKNOWN if is_other_padded => {
                    Typed::new(self.cast(typed, types::BPCHAR)?, types::BPCHAR)
                }
                _ => typed,
            };
            match typed.type_oid {
                types::BPCHAR => Ok(Typed::new(self.cast(typed, types::TEXT)?, types::TEXT)),
                _ => Ok(typed),
            }
        };
        let (left_padded, right_padded) = (is_padded(&left), is_padded(&right));
        Ok((bare(left, right_padded)?, bare(right, left_padded)?))
    }

    /// Brings dates, instants and numbers of two types to the wider one.
    fn widened(
        &self,
        symbol: &str,
        left: Typed,
        right: Typed,
    ) -> Result<(Typed, Typed), QueryError> {
        let rank = |oid| match oid {
            types::DATE => Some(0),
            types::TIMESTAMP => Some(1),
            types::TIMESTAMPTZ => Some(2),
            _ => None,
        };
        let is_whole = |oid| matches!(oid, types::INT2 | types::INT4 | types::INT8);
        let to = match (rank(left.type_oid), rank(right.type_oid)) {
            (Some(a), Some(b)) if a < b => Some((false, right.type_oid)),
            (Some(a), Some(b)) if a > b => Some((true, left.type_oid)),
            (None, None) if operator::is_comparison(symbol) => {
                match (left.type_oid, right.type_oid) {
                    (left, types::NUMERIC) if is_whole(left) => Some((false, types::NUMERIC)),
                    (types::NUMERIC, right) if is_whole(right) => Some((true, types::NUMERIC)),
                    _ => None,
                }
            }
            _ => None,
        };
        Ok(match to {
            None => (left, right),
            Some((true, to)) => (left, Typed::new(self.cast(right, to)?, to)),
            Some((false, to)) => (Typed::new(self.cast(left, to)?, to), right),
        })
    }

    /// An untyped operand of `||` is an array beside an array, else text.
    fn unify_concat(&self, left: Typed, right: Typed) -> Result<(Typed, Typed), QueryError> {
        let settle = |typed: Typed, other: u32| -> Result<Typed, QueryError> {
            if typed.type_oid != types::UNKNOWN {
                return Ok(typed);
            }
            let joins = kind(other) == Kind::Array
                || matches!(other, types::BYTEA | types::JSONB | types::BIT | types::VARBIT);
            let to = if joins { other } else { types::TEXT };
            Ok(Typed::new(self.cast(typed, to)?, to))
        };
        let (left_type, right_type) = (left.type_oid, right.type_oid);
        Ok((settle(left, right_type)?, settle(right, left_type)?))
    }

    /// `left symbol right`.
    pub(super) fn compared(
        &self,
        symbol: &str,
        left: &Ast,
        right: &Ast,
        scope: &Scope<'_>,
    ) -> Result<Expr, QueryError> {
        let left = self.expr(left, scope)?;
        let right = self.expr(right, scope)?;
        self.operate(symbol, left, right).map(|typed| typed.expr)
    }

    fn unary(
        &self,
        op: UnaryOperator,
        inner: &Ast,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let typed = self.expr(inner, scope)?;
        match op {
            UnaryOperator::Not => {
                Ok(Typed::bool(Expr::Not(Box::new(self.condition(typed, "NOT")?))))
            }
            UnaryOperator::Plus => Ok(typed),
            UnaryOperator::BitwiseNot
                if matches!(typed.type_oid, types::INT2 | types::INT4 | types::INT8) =>
            {
                let type_oid = typed.type_oid;
                let all = Typed::new(Expr::Const(Value::Int(-1)), type_oid);
                self.operate("#", typed, all)
            }
            UnaryOperator::Minus => {
                // A literal is negated at once, so that it is typed as it is written.
                match (&typed.expr, typed.type_oid) {
                    (Expr::Const(Value::Int(value)), types::INT4 | types::INT8) => {
                        let negated = text::check_range(value.wrapping_neg(), typed.type_oid)?;
                        let negated = Expr::Const(Value::Int(negated));
                        return Ok(Typed::new(negated, typed.type_oid));
                    }
                    (Expr::Const(Value::Numeric(value)), _) => {
                        let negated = value.negated();
                        // The lowest bigint has no positive that is one.
                        let is_lowest = negated.scale() == Some(0)
                            && negated.to_int() == Some(i64::MIN)
                            && matches!(inner, Ast::Value(_));
                        return Ok(if is_lowest {
                            Typed::new(Expr::Const(Value::Int(i64::MIN)), types::INT8)
                        } else {
                            Typed::new(Expr::Const(Value::numeric(negated)), types::NUMERIC)
                        });
                    }
                    _ => {}
                }
                if typed.type_oid == types::UNKNOWN {
                    return Err(QueryError::new(
                        SqlState::AMBIGUOUS_FUNCTION,
                        "operator is not unique: - unknown",
                    )
                    .with_hint(
                        "Could not choose a best candidate operator. You might need to add explicit type casts.",
                    ));
                }
                let zero = match kind(typed.type_oid) {
                    Kind::Float => Value::Float(-0.0),
                    Kind::Interval => Value::Interval(Interval::default()),
                    _ => Value::Int(0),
                };
                let zero = Typed::new(Expr::Const(zero), typed.type_oid);
                self.operate("-", zero, typed)
            }
            UnaryOperator::PGAbs => self.call_of("abs", vec![typed], scope),
            UnaryOperator::PGCubeRoot => self.call_of("cbrt", vec![typed], scope),
            UnaryOperator::PGSquareRoot => {
                let typed = Typed::new(self.coerce(typed, types::FLOAT8)?, types::FLOAT8);
                self.call_of("sqrt", vec![typed], scope)
            }
            other => Err(unsupported(format!("operator {other}"))),
        }
    }

    fn is_null(&self, inner: &Ast, negated: bool, scope: &Scope<'_>) -> Result<Typed, QueryError> {
        let inner = self.expr(inner, scope)?;
        if negated && inner.type_oid == types::RECORD {
            // Every field of a row has to be there.
            return Ok(Typed::bool(Expr::IsNotNull(Box::new(inner.expr))));
        }
        Ok(Typed::bool(negate(Expr::IsNull(Box::new(inner.expr)), negated)))
    }

    fn is_truth(
        &self,
        inner: &Ast,
        truth: bool,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let inner = self.expr(inner, scope)?;
        let inner = Box::new(self.condition(inner, "IS")?);
        Ok(Typed::bool(negate(Expr::IsTruth { inner, truth }, negated)))
    }

    fn is_distinct(
        &self,
        left: &Ast,
        right: &Ast,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let left = self.expr(left, scope)?;
        let right = self.expr(right, scope)?;
        let (left, right) = self.unify(left, right)?;
        operator::resolve("=", left.type_oid, right.type_oid)?;
        let expr = Expr::IsDistinct(Box::new(left.expr), Box::new(right.expr));
        Ok(Typed::bool(negate(expr, negated)))
    }
}

/// # Errors
/// 42725 where PostgreSQL has several operators for what has no type, and 42601 for rows of two widths.
pub(super) fn check_choice(symbol: &str, left: &Typed, right: &Typed) -> Result<(), QueryError> {
    let (left_type, right_type) = (left.type_oid, right.type_oid);
    let is_open = match (left_type, right_type) {
        (types::UNKNOWN, types::UNKNOWN) => matches!(symbol, "+" | "-" | "*" | "/" | "%" | "^"),
        (types::DATE, types::UNKNOWN) | (types::UNKNOWN, types::DATE) => symbol == "+",
        _ => false,
    };
    if is_open {
        return Err(QueryError::new(
            SqlState::AMBIGUOUS_FUNCTION,
            format!(
                "operator is not unique: {} {symbol} {}",
                types::type_name(left_type),
                types::type_name(right_type)
            ),
        )
        .with_hint(
            "Could not choose a best candidate operator. You might need to add explicit type casts.",
        ));
    }
    if let (Some(left), Some(right)) = (&left.fields, &right.fields)
        && left.len() != right.len()
        && operator::is_comparison(symbol)
    {
        let message = "unequal number of entries in row expressions";
        return Err(QueryError::new(SqlState::SYNTAX_ERROR, message));
    }
    Ok(())
}

/// `x = a OR x = b OR …`: over constants as `x = ANY (array)`, whose rows can be looked up.
fn one_of(equalities: Vec<Expr>) -> Expr {
    let constant = |expr: &Expr| match expr {
        Expr::Binary { operator, left, right } if is_equality(*operator) => {
            matches!(**right, Expr::Const(_)).then(|| (left.clone(), (**right).clone()))
        }
        _ => None,
    };
    let parts: Option<Vec<_>> = equalities.iter().map(constant).collect();
    let is_alike = |left: &Expr, right: &Expr| match (left, right) {
        (Expr::Const(left), Expr::Const(right)) => {
            std::mem::discriminant(left) == std::mem::discriminant(right)
        }
        _ => false,
    };
    let is_list = |parts: &Vec<(Box<Expr>, Expr)>| {
        parts.iter().all(|part| part.0 == parts[0].0 && is_alike(&part.1, &parts[0].1))
    };
    let Some(parts) = parts.filter(is_list) else { return Expr::Or(equalities) };
    let Some((left, _)) = parts.first().cloned() else { return Expr::Or(equalities) };
    let values = Expr::Array(parts.into_iter().map(|part| part.1).collect());
    let operator = Operator::Compare(Comparison::Eq);
    Expr::AnyAll { operator, all: false, left, right: Box::new(values) }
}

/// NOT, where it is written.
pub(super) fn negate(expr: Expr, negated: bool) -> Expr {
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}

/// Symbol of an operator, without the schema that OPERATOR() may give.
fn symbol_of(op: &BinaryOperator) -> Result<String, QueryError> {
    Ok(match op {
        BinaryOperator::PGCustomBinaryOperator(parts) => match parts.as_slice() {
            [symbol] => symbol.clone(),
            [schema, symbol] if schema.eq_ignore_ascii_case("pg_catalog") => symbol.clone(),
            _ => return Err(unsupported(format!("operator {op}"))),
        },
        BinaryOperator::StringConcat => "||".to_owned(),
        other => other.to_string(),
    })
}

/// Whether an operator is plain equality.
pub(super) fn is_equality(operator: Operator) -> bool {
    operator == Operator::Compare(Comparison::Eq)
}
