//! Expressions.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, DataType, Expr as Ast, Ident, UnaryOperator,
    Value as Literal, ValueWithSpan,
};

use super::super::names::fold;
use super::super::operator::{self, Comparison, Operator};
use super::super::plan::{Expr, SubqueryKind};
use super::super::types::{self, Kind, element, kind, type_name, type_of_ast};
use super::super::{Value, unsupported};
use super::output_name::index_of;
use super::scope::{Scope, group_key};
use super::{Binder, Typed};
use crate::{QueryError, SqlState};

impl Binder<'_> {
    /// Binds an expression.
    ///
    /// # Errors
    /// What PostgreSQL reports for it; 0A000 and 42883 where the planner may know better.
    pub(super) fn expr(&self, ast: &Ast, scope: &Scope<'_>) -> Result<Typed, QueryError> {
        self.nested(|| {
            if let Some(key) = self.as_group_key(ast, scope) {
                return Ok(key);
            }
            self.expr_inner(ast, scope)
        })
    }

    /// The key of the groups that the whole expression is, such as `lower(x)` in GROUP BY lower(x).
    fn as_group_key(&self, ast: &Ast, scope: &Scope<'_>) -> Option<Typed> {
        if !matches!(
            ast,
            Ast::Function(_) | Ast::BinaryOp { .. } | Ast::Case { .. } | Ast::Cast { .. }
        ) {
            return None;
        }
        scope.grouping.borrow().as_ref().filter(|grouping| grouping.is_on)?;
        let set_on = |is_on| {
            if let Some(grouping) = scope.grouping.borrow_mut().as_mut() {
                grouping.is_on = is_on;
            }
        };
        set_on(false);
        let bound = self.expr_inner(ast, scope);
        set_on(true);
        let bound = bound.ok()?;
        let grouping = scope.grouping.borrow();
        let position = grouping.as_ref()?.keys.iter().position(|key| *key == bound.expr)?;
        Some(Typed { expr: group_key(0, position), ..bound })
    }

    fn expr_inner(&self, ast: &Ast, scope: &Scope<'_>) -> Result<Typed, QueryError> {
        match ast {
            Ast::Nested(inner) => self.expr(inner, scope),
            // Text is compared byte by byte whatever the collation: databases here have collation C.
            Ast::Collate { expr, .. } => self.expr(expr, scope),
            Ast::Identifier(ident) => self.identifier(ident, scope),
            Ast::CompoundIdentifier(parts) => {
                scope.resolve(&parts.iter().map(fold).collect::<Vec<_>>())
            }
            Ast::Value(value) => self.literal(&value.value),
            Ast::TypedString(typed) => self.typed_literal(&typed.data_type, &typed.value),
            Ast::Cast { expr, data_type, .. } => self.cast_to(expr, data_type, scope),
            Ast::Function(function) => self.function(function, scope),
            Ast::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            Ast::Array(array) => self.array(&array.elem, scope),
            Ast::Tuple(parts) => self.row(parts, scope),
            Ast::CompoundFieldAccess { root, access_chain } => {
                self.accesses(root, access_chain, scope)
            }
            Ast::Subquery(query) => self.scalar_subquery(query, scope),
            Ast::Exists { subquery, negated } => {
                let (plan, once) = self.inner_query(subquery, scope)?;
                let found = Expr::Subquery { kind: SubqueryKind::Exists, plan: plan.into(), once };
                Ok(Typed::bool(negate(found, *negated)))
            }
            Ast::Trim { trim_where, trim_what, expr, trim_characters: None } => {
                let side = trim_where.as_ref().map(ToString::to_string);
                let name = match side.as_deref() {
                    Some("LEADING") => "ltrim",
                    Some("TRAILING") => "rtrim",
                    _ => "btrim",
                };
                let arguments: Vec<&Ast> =
                    std::iter::once(&**expr).chain(trim_what.as_deref()).collect();
                self.call_named(name, &arguments, scope)
            }
            Ast::Substring { expr, substring_from, substring_for, .. } => {
                let arguments: Vec<&Ast> = std::iter::once(&**expr)
                    .chain(substring_from.as_deref())
                    .chain(substring_for.as_deref())
                    .collect();
                self.call_named("substring", &arguments, scope)
            }
            Ast::Position { expr, r#in } => self.call_named("strpos", &[r#in, expr], scope),
            _ => self.operation(ast, scope),
        }
    }

    fn operation(&self, ast: &Ast, scope: &Scope<'_>) -> Result<Typed, QueryError> {
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
                Ok(Typed::bool(negate(Expr::Or(any), *negated)))
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
            Ast::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_ref(), (*negated, false), scope)
            }
            Ast::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_ref(), (*negated, true), scope)
            }
            other => Err(unsupported(format!("expression {other}"))),
        }
    }

    fn identifier(&self, ident: &Ident, scope: &Scope<'_>) -> Result<Typed, QueryError> {
        let name = fold(ident);
        match scope.resolve(std::slice::from_ref(&name)) {
            Err(error)
                if error.state == SqlState::UNDEFINED_COLUMN
                    && ident.quote_style.is_none()
                    && is_niladic(&name) =>
            {
                self.call_named(&name, &[], scope)
            }
            result => result,
        }
    }

    fn typed_literal(
        &self,
        data_type: &DataType,
        value: &ValueWithSpan,
    ) -> Result<Typed, QueryError> {
        let to = type_of_ast(data_type)?;
        let literal = self.literal(&value.value)?;
        Ok(Typed::new(self.cast(literal, to)?, to))
    }

    fn cast_to(
        &self,
        inner: &Ast,
        data_type: &DataType,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let to = type_of_ast(data_type)?;
        // ARRAY[]::t needs its type from outside.
        if let Ast::Array(array) = inner
            && array.elem.is_empty()
        {
            return Ok(Typed::new(Expr::Array(Vec::new()), to));
        }
        let inner = self.expr(inner, scope)?;
        Ok(Typed { origin: (0, 0), ..Typed::new(self.cast(inner, to)?, to) })
    }

    fn case(
        &self,
        operand: Option<&Ast>,
        conditions: &[CaseWhen],
        otherwise: Option<&Ast>,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let mut tests = Vec::new();
        let mut results = Vec::new();
        for branch in conditions {
            tests.push(match operand {
                Some(operand) => self.compared("=", operand, &branch.condition, scope)?,
                None => {
                    let test = self.expr(&branch.condition, scope)?;
                    self.condition(test, "CASE/WHEN")?
                }
            });
            results.push(self.expr(&branch.result, scope)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.expr(otherwise, scope)?,
            None => self.literal(&Literal::Null)?,
        });
        let (mut results, type_oid) = self.to_common(results, "CASE")?;
        let otherwise = Box::new(results.pop().unwrap_or(Expr::Const(Value::Null)));
        let branches = tests.into_iter().zip(results).collect();
        Ok(Typed::new(Expr::Case { branches, otherwise }, type_oid))
    }

    fn array(&self, elements: &[Ast], scope: &Scope<'_>) -> Result<Typed, QueryError> {
        let elements =
            elements.iter().map(|item| self.expr(item, scope)).collect::<Result<Vec<_>, _>>()?;
        let (elements, inner) = self.to_common(elements, "ARRAY")?;
        let array = types::array_of(inner)
            .ok_or_else(|| unsupported(format!("array of {}", type_name(inner))))?;
        Ok(Typed::new(Expr::Array(elements), array))
    }

    fn row(&self, parts: &[Ast], scope: &Scope<'_>) -> Result<Typed, QueryError> {
        let mut fields = Vec::new();
        let mut exprs = Vec::new();
        for (part, at) in parts.iter().zip(1_usize..) {
            let typed = self.expr(part, scope)?;
            let type_oid = super::Env::known(typed.type_oid);
            fields.push((format!("f{at}"), type_oid));
            exprs.push(self.cast(typed, type_oid)?);
        }
        let mut typed = Typed::new(Expr::Row(exprs), types::RECORD);
        typed.fields = Some(fields.into());
        Ok(typed)
    }

    /// `x[i]`, `(x).field` and chains of them.
    fn accesses(
        &self,
        root: &Ast,
        chain: &[AccessExpr],
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let mut typed = self.expr(root, scope)?;
        for access in chain {
            typed = match access {
                AccessExpr::Dot(Ast::Identifier(ident)) => field(typed, &fold(ident))?,
                access => {
                    let index = index_of(access).ok_or_else(|| unsupported("array slice"))?;
                    self.subscript(typed, index, scope)?
                }
            };
        }
        Ok(typed)
    }

    fn subscript(&self, array: Typed, index: &Ast, scope: &Scope<'_>) -> Result<Typed, QueryError> {
        let Some(inner) = element(array.type_oid) else {
            return Err(QueryError::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "cannot subscript type {} because it does not support subscripting",
                    type_name(array.type_oid)
                ),
            ));
        };
        let first = i64::from(!matches!(array.type_oid, types::INT2VECTOR | types::OIDVECTOR));
        let index = self.expr(index, scope)?;
        let index = if kind(index.type_oid) == Kind::Int {
            index.expr
        } else {
            self.coerce(index, types::INT4)?
        };
        let expr = Expr::Subscript { array: Box::new(array.expr), index: Box::new(index), first };
        Ok(Typed::new(expr, inner))
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
        let symbol = symbol_of(op)?;
        // The parser reads `a = ANY (b)` with ANY as an operand of its own in some forms.
        let left = self.expr(left, scope)?;
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
            self.unify(left, right)?
        };
        let (operator, type_oid) = operator::resolve(symbol, left.type_oid, right.type_oid)?;
        let expr =
            Expr::Binary { operator, left: Box::new(left.expr), right: Box::new(right.expr) };
        Ok(Typed::new(expr, type_oid))
    }

    /// An untyped operand of `||` is an array beside an array, else text.
    fn unify_concat(&self, left: Typed, right: Typed) -> Result<(Typed, Typed), QueryError> {
        let settle = |typed: Typed, other: u32| -> Result<Typed, QueryError> {
            if typed.type_oid != types::UNKNOWN {
                return Ok(typed);
            }
            let to = if kind(other) == Kind::Array { other } else { types::TEXT };
            Ok(Typed::new(self.cast(typed, to)?, to))
        };
        let (left_type, right_type) = (left.type_oid, right.type_oid);
        Ok((settle(left, right_type)?, settle(right, left_type)?))
    }

    fn compared(
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
            UnaryOperator::Minus => {
                // A literal is negated at once, so that it is typed as it is written.
                if let Expr::Const(Value::Int(value)) = typed.expr {
                    return Ok(Typed::new(Expr::Const(Value::Int(-value)), typed.type_oid));
                }
                let zero = Typed::new(Expr::Const(Value::Int(0)), typed.type_oid);
                self.operate("-", zero, typed)
            }
            other => Err(unsupported(format!("operator {other}"))),
        }
    }

    fn is_null(&self, inner: &Ast, negated: bool, scope: &Scope<'_>) -> Result<Typed, QueryError> {
        let inner = self.expr(inner, scope)?;
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

    fn like(
        &self,
        left: &Ast,
        pattern: &Ast,
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
        let left = self.expr(left, scope)?;
        let pattern = self.expr(pattern, scope)?;
        let mut typed = self.operate("~~", left, pattern)?;
        if let Expr::Binary { operator, .. } = &mut typed.expr {
            *operator = Operator::Like { insensitive, negated, escape };
        }
        Ok(typed)
    }

    fn any_all(
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

/// Words that call a function without parentheses.
fn is_niladic(name: &str) -> bool {
    matches!(
        name,
        "current_user"
            | "session_user"
            | "user"
            | "current_role"
            | "current_catalog"
            | "current_schema"
            | "system_user"
    )
}

/// A field of a row value.
fn field(record: Typed, name: &str) -> Result<Typed, QueryError> {
    let found = record.fields.as_ref().and_then(|fields| {
        let index = fields.iter().position(|field| field.0 == name)?;
        Some((index, fields[index].1))
    });
    let Some((index, type_oid)) = found else {
        return Err(QueryError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("could not identify column \"{name}\" in record data type"),
        ));
    };
    Ok(Typed::new(Expr::Field { record: Box::new(record.expr), index }, type_oid))
}

fn negate(expr: Expr, negated: bool) -> Expr {
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
