//! Comparisons of more than two values: rows, spans of time, patterns, and every element of a list.

use sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, FunctionArguments, Value as Literal, ValueWithSpan,
};

use super::super::operator::{self, Operator};
use super::super::plan::Expr;
use super::super::types::{self, element};
use super::super::{Value, unsupported};
use super::operation::check_choice;
use super::scope::Scope;
use super::{Binder, Typed};
use crate::{QueryError, SqlState};

impl Binder<'_> {
    /// `ROW(a, b) symbol ROW(c, d)`: field by field, where what a null leaves open is null.
    pub(super) fn operate_rows(
        &self,
        symbol: &str,
        left: Typed,
        right: Typed,
    ) -> Result<Expr, QueryError> {
        check_choice(symbol, &left, &right)?;
        let fields = |row: Typed| match row.expr {
            Expr::Row(parts, oids) => {
                let typed = parts.into_iter().zip(oids.iter().copied());
                typed.map(|(expr, type_oid)| Typed::new(expr, type_oid)).collect()
            }
            _ => Vec::new(),
        };
        let (left, right): (Vec<Typed>, Vec<Typed>) = (fields(left), fields(right));
        let pairs: Vec<(Typed, Typed)> = left.into_iter().zip(right).collect();
        let compared = |symbol: &str, pair: &(Typed, Typed)| {
            self.operate(symbol, pair.0.clone(), pair.1.clone()).map(|typed| typed.expr)
        };
        if matches!(symbol, "=" | "<>" | "!=") {
            let parts = pairs.iter().map(|pair| compared(symbol, pair));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            return Ok(if symbol == "=" { Expr::And(parts) } else { Expr::Or(parts) });
        }
        // a < c OR (a = c AND (b < d OR …)): all but the last pair decide strictly.
        let strict = symbol.trim_end_matches('=');
        let Some((last, rest)) = pairs.split_last() else { return Ok(Expr::Const(Value::Null)) };
        let mut found = compared(symbol, last)?;
        for pair in rest.iter().rev() {
            let tied = Expr::And(vec![compared("=", pair)?, found]);
            found = Expr::Or(vec![compared(strict, pair)?, tied]);
        }
        Ok(found)
    }

    /// `(start, end) OVERLAPS (start, end)`, where an end may be a length.
    pub(super) fn overlaps(
        &self,
        left: &Ast,
        right: &Ast,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let mut ends = Vec::with_capacity(4);
        for span in [left, right] {
            let Ast::Tuple(parts) = span else { return Err(unsupported("this form of OVERLAPS")) };
            let [start, end] = parts.as_slice() else {
                let message = "wrong number of parameters on side of OVERLAPS expression";
                return Err(QueryError::new(SqlState::SYNTAX_ERROR, message));
            };
            let (mut start, mut end) = (self.expr(start, scope)?, self.expr(end, scope)?);
            if start.type_oid == types::UNKNOWN && end.type_oid == types::INTERVAL {
                let to = ends.first().map_or(types::TIMESTAMPTZ, |first: &Typed| first.type_oid);
                start = Typed::new(self.cast(start, to)?, to);
            }
            if end.type_oid == types::INTERVAL {
                end = self.operate("+", start.clone(), end)?;
            }
            ends.extend([start, end]);
        }
        self.call_of("overlaps", ends, scope)
    }

    pub(super) fn like(
        &self,
        left: &Ast,
        (pattern, is_any): (&Ast, bool),
        escape: Option<&ValueWithSpan>,
        (negated, insensitive): (bool, bool),
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let escape = match escape.map(|escape| &escape.value) {
            None => Some('\\'),
            Some(Literal::SingleQuotedString(text) | Literal::EscapedStringLiteral(text)) => {
                let mut characters = text.chars();
                let escape = characters.next();
                if characters.next().is_some() {
                    return Err(QueryError::new(SqlState("22019"), "invalid escape string")
                        .with_hint("Escape string must be empty or one character."));
                }
                escape
            }
            Some(_) => return Err(unsupported("ESCAPE that is no literal")),
        };
        if let Some((all, list)) = quantified(pattern, is_any) {
            let symbol = match (negated, insensitive) {
                (false, false) => "~~",
                (false, true) => "~~*",
                (true, false) => "!~~",
                (true, true) => "!~~*",
            };
            return self.any_all(symbol, all, left, list, scope);
        }
        let left = self.expr(left, scope)?;
        let pattern = self.expr(pattern, scope)?;
        let mut typed = self.operate("~~", left, pattern)?;
        if let Expr::Binary { operator, .. } = &mut typed.expr {
            *operator = Operator::Like { insensitive, negated, escape };
        }
        Ok(typed)
    }

    pub(super) fn any_all(
        &self,
        symbol: &str,
        all: bool,
        left: &Ast,
        right: &Ast,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let mut inner = right;
        while let Ast::Nested(nested) = inner {
            inner = nested;
        }
        if let Ast::Subquery(query) = inner {
            return self.in_subquery(symbol, all, left, query, scope).map(Typed::bool);
        }
        let left = self.expr(left, scope)?;
        let right = self.expr(inner, scope)?;
        let right = self.array_beside(right, &left)?;
        self.operate_each(symbol, all, left, right).map(Typed::bool)
    }

    /// An untyped array literal or parameter is an array of the other side's type.
    fn array_beside(&self, array: Typed, value: &Typed) -> Result<Typed, QueryError> {
        if array.type_oid != types::UNKNOWN {
            return Ok(array);
        }
        let inner = super::Env::known(value.type_oid);
        let to = types::array_of(inner).ok_or_else(|| super::uncomputed(inner))?;
        Ok(Typed::new(self.cast(array, to)?, to))
    }

    /// `left symbol ANY|ALL (right)` over an array.
    ///
    /// # Errors
    /// 42809 where the right side is no array.
    pub(super) fn operate_each(
        &self,
        symbol: &str,
        all: bool,
        left: Typed,
        right: Typed,
    ) -> Result<Expr, QueryError> {
        let Some(inner) = element(right.type_oid) else {
            return Err(QueryError::new(
                SqlState("42809"),
                "op ANY/ALL (array) requires array on right side",
            ));
        };
        let left = match left.type_oid {
            types::UNKNOWN => Typed::new(self.cast(left, inner)?, inner),
            _ => left,
        };
        let (operator, _) = operator::resolve(symbol, left.type_oid, inner)?;
        let (left, right) = (Box::new(left.expr), Box::new(right.expr));
        Ok(Expr::AnyAll { operator, all, left, right })
    }
}

/// The list behind LIKE ANY or ALL, and whether it is ALL: the parser knows ANY, and takes ALL for a call.
fn quantified(pattern: &Ast, is_any: bool) -> Option<(bool, &Ast)> {
    if is_any {
        return Some((false, pattern));
    }
    let Ast::Function(function) = pattern else { return None };
    let name = function.name.to_string().to_ascii_lowercase();
    let all = match name.as_str() {
        "all" => true,
        "any" | "some" => false,
        _ => return None,
    };
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(list))] => Some((all, list)),
        _ => None,
    }
}
