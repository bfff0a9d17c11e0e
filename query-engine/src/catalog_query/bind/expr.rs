//! Expressions.

use sqlparser::ast::{
    AccessExpr, CaseWhen, DataType, Expr as Ast, Ident, Value as Literal, ValueWithSpan,
};

use super::super::names::fold;
use super::super::plan::{Expr, SubqueryKind};
use super::super::types::{self, Kind, element, kind, type_name, type_of_ast};
use super::super::{Value, unsupported};
use super::operation::negate;
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
        // PostgreSQL looks at ELSE first, so of two alike types its type wins.
        results.rotate_right(1);
        let (mut results, type_oid) = self.to_common(results, "CASE")?;
        results.rotate_left(1);
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
