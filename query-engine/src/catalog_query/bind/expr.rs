//! Expressions.

use sqlparser::ast::{
    AccessExpr, CaseWhen, DataType, Expr as Ast, Ident, Interval, Subscript, Value as Literal,
    ValueWithSpan,
};

use super::super::modifier::interval_modifier;
use super::super::names::fold;
use super::super::plan::{Expr, SubqueryKind};
use super::super::types::{self, Kind, element, kind, type_name, typed_by};
use super::super::{Value, text, unsupported};
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
        // Names and literals are no more than themselves; a subquery is none of the keys.
        if matches!(
            ast,
            Ast::Identifier(_)
                | Ast::CompoundIdentifier(_)
                | Ast::Value(_)
                | Ast::TypedString(_)
                | Ast::Nested(_)
                | Ast::Subquery(_)
                | Ast::Exists { .. }
                | Ast::InSubquery { .. }
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
        // Calls that the attempt leaves behind are not of the select list.
        let sets = scope.sets.replace(Some(Vec::new()));
        let windows = scope.windows.take();
        let bound = self.expr_inner(ast, scope);
        scope.windows.replace(windows);
        let found_sets = scope.sets.replace(sets).unwrap_or_default();
        set_on(true);
        let bound = bound.ok()?;
        let grouping = scope.grouping.borrow();
        let grouping = grouping.as_ref()?;
        if !found_sets.is_empty() && found_sets != grouping.sets {
            return None;
        }
        let position = grouping.keys.iter().position(|key| *key == bound.expr)?;
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
            Ast::Value(value) => match &value.value {
                // The parser has one form for `0x1F` and X'1F': the second is longer.
                Literal::HexStringLiteral(digits)
                    if value.span.end.column.saturating_sub(value.span.start.column)
                        == digits.len() as u64 + 2 =>
                {
                    super::literal::number(&format!("0x{digits}"))
                }
                literal => self.literal(literal),
            },
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
                let (mut plan, once) = self.inner_query(subquery, scope)?;
                self.settle_unknown(&mut plan)?;
                let found = Expr::Subquery { kind: SubqueryKind::Exists, plan: plan.into(), once };
                Ok(Typed::bool(negate(found, *negated)))
            }
            Ast::Interval(interval) => self.interval(interval, scope),
            _ => match self.syntax_call(ast, scope)? {
                Some(call) => Ok(call),
                None => self.operation(ast, scope),
            },
        }
    }

    /// Functions with a syntax of their own, such as TRIM; `None` for any other expression.
    fn syntax_call(&self, ast: &Ast, scope: &Scope<'_>) -> Result<Option<Typed>, QueryError> {
        let called = match ast {
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
            Ast::Substring { expr, substring_from, substring_for, shorthand, .. } => {
                let one = Ast::value(Literal::Number("1".to_owned(), false));
                let from = substring_from.as_deref().unwrap_or(&one);
                let arguments: Vec<&Ast> =
                    [&**expr, from].into_iter().chain(substring_for.as_deref()).collect();
                let name = if *shorthand { "substr" } else { "substring" };
                self.call_named(name, &arguments, scope)
            }
            Ast::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let arguments: Vec<&Ast> = [&**expr, &**overlay_what, &**overlay_from]
                    .into_iter()
                    .chain(overlay_for.as_deref())
                    .collect();
                self.call_named("overlay", &arguments, scope)
            }
            Ast::Position { expr, r#in } => self.call_named("strpos", &[r#in, expr], scope),
            Ast::Extract { field, expr, .. } => {
                let name = field.to_string().to_lowercase();
                let field = Ast::Value(Literal::SingleQuotedString(name).into());
                self.call_named("extract", &[&field, expr], scope)
            }
            Ast::AtTimeZone { timestamp, time_zone } => {
                self.call_named("timezone", &[time_zone, timestamp], scope)
            }
            Ast::Ceil { expr, .. } => self.call_named("ceil", &[expr], scope),
            Ast::Floor { expr, .. } => self.call_named("floor", &[expr], scope),
            _ => return Ok(None),
        };
        called.map(Some)
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
        let (to, modifier) = typed_by(data_type)?;
        let literal = self.literal(&value.value)?;
        let typed = Typed::new(self.cast(literal, to)?, to);
        self.sized(typed, modifier)
    }

    fn cast_to(
        &self,
        inner: &Ast,
        data_type: &DataType,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let (to, modifier) = typed_by(data_type)?;
        // ARRAY[…]::t gives its type to what is inside.
        if let Ast::Array(array) = inner
            && let Some(element) = element(to)
        {
            let typed = self.array_of(&array.elem, Some(element), scope)?;
            let typed = Typed::new(self.cast(typed, to)?, to);
            return self.sized(typed, modifier);
        }
        let inner = self.expr(inner, scope)?;
        if to == types::BIT && matches!(inner.type_oid, types::INT4 | types::INT8) {
            return self.bits_of_integer(inner, modifier);
        }
        let typed = Typed::new(self.cast(inner, to)?, to);
        self.sized(typed, modifier)
    }

    /// The lowest bits of an integer, which are not what a cut of its bits would keep.
    fn bits_of_integer(&self, inner: Typed, length: i32) -> Result<Typed, QueryError> {
        let width = if inner.type_oid == types::INT4 { 32 } else { 64 };
        let unused = i64::from(width - length.clamp(1, width));
        let bits = Typed::new(self.cast(inner, types::BIT)?, types::BIT);
        let distance = Typed::new(Expr::Const(Value::Int(unused)), types::INT4);
        let shifted = self.operate("<<", bits, distance)?;
        self.sized(shifted, length)
    }

    /// A value of a type with a modifier.
    fn sized(&self, typed: Typed, modifier: i32) -> Result<Typed, QueryError> {
        if modifier < 0 {
            return Ok(typed);
        }
        let type_oid = typed.type_oid;
        let expr = match typed.expr {
            Expr::Const(value) => Expr::Const(text::resized(value, type_oid, modifier)?),
            inner => Expr::Sized { inner: Box::new(inner), type_oid, modifier },
        };
        Ok(Typed { modifier, ..Typed::new(expr, type_oid) })
    }

    /// `INTERVAL '…'`, with the fields that it may name.
    fn interval(&self, interval: &Interval, scope: &Scope<'_>) -> Result<Typed, QueryError> {
        let value = match (&*interval.value, &interval.leading_field, &interval.last_field) {
            (value, None, None) => value.clone(),
            (Ast::Value(value), Some(field), None) => {
                // A number without a unit counts the field that is named.
                let text = value.clone().into_string().unwrap_or_default();
                let is_number = text.trim().parse::<f64>().is_ok();
                let unit = field.to_string().to_lowercase();
                let text = if is_number { format!("{text} {unit}") } else { text };
                Ast::Value(Literal::SingleQuotedString(text).into())
            }
            _ => return Err(unsupported("an interval of several fields")),
        };
        let inner = self.expr(&value, scope)?;
        let typed = Typed::new(self.cast(inner, types::INTERVAL)?, types::INTERVAL);
        let field = interval.leading_field.as_ref().map(ToString::to_string);
        self.sized(typed, field.map_or(-1, |field| interval_modifier(&field)))
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
        self.array_of(elements, None, scope)
    }

    /// ARRAY[…], whose elements have type `wanted` where something outside says so.
    fn array_of(
        &self,
        elements: &[Ast],
        wanted: Option<types::TypeOid>,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let no_type = || {
            QueryError::new(
                SqlState::INDETERMINATE_DATATYPE,
                "cannot determine type of empty array",
            )
            .with_hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
        };
        if elements.is_empty() {
            let array = wanted.and_then(types::array_of).ok_or_else(no_type)?;
            return Ok(Typed::new(Expr::Array(Vec::new()), array));
        }
        let bound = elements.iter().map(|item| match item {
            Ast::Array(inner) => self.array_of(&inner.elem, wanted, scope),
            item => self.expr(item, scope),
        });
        let bound = bound.collect::<Result<Vec<_>, _>>()?;
        let is_array = |typed: &Typed| element(typed.type_oid).is_some();
        if bound.iter().any(is_array) {
            let (parts, array) = self.to_common(bound, "ARRAY")?;
            return Ok(Typed::new(Expr::Stacked(parts), array));
        }
        let (parts, inner) = match wanted {
            Some(inner) => {
                let parts = bound.into_iter().map(|typed| self.cast(typed, inner));
                (parts.collect::<Result<Vec<_>, _>>()?, inner)
            }
            None => self.to_common(bound, "ARRAY")?,
        };
        let array = types::array_of(inner)
            .ok_or_else(|| unsupported(format!("array of {}", type_name(inner))))?;
        Ok(Typed::new(Expr::Array(parts), array))
    }

    fn row(&self, parts: &[Ast], scope: &Scope<'_>) -> Result<Typed, QueryError> {
        let parts = parts.iter().map(|part| self.expr(part, scope));
        self.row_of(parts.collect::<Result<_, _>>()?)
    }

    /// ROW(…) of these fields.
    pub(super) fn row_of(&self, parts: Vec<Typed>) -> Result<Typed, QueryError> {
        let mut fields = Vec::with_capacity(parts.len());
        let mut exprs = Vec::with_capacity(parts.len());
        for (typed, at) in parts.into_iter().zip(1_usize..) {
            // A literal stays of unknown type inside a row; a parameter cannot, and is an error later.
            let type_oid = match typed.expr {
                Expr::Const(_) | Expr::Parameter(_) => typed.type_oid,
                _ => super::Env::known(typed.type_oid),
            };
            fields.push((format!("f{at}"), type_oid));
            exprs.push(self.cast(typed, type_oid)?);
        }
        let types = fields.iter().map(|(_, type_oid)| *type_oid).collect();
        let mut typed = Typed::new(Expr::Row(exprs, types), types::RECORD);
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
        let mut rest = chain;
        while let Some((access, after)) = rest.split_first() {
            if let AccessExpr::Dot(Ast::Identifier(ident)) = access {
                typed = field(typed, &fold(ident))?;
                rest = after;
                continue;
            }
            // Subscripts side by side are those of one array.
            let count =
                rest.iter().take_while(|access| matches!(access, AccessExpr::Subscript(_))).count();
            if count == 0 {
                return Err(unsupported("this form of access"));
            }
            typed = self.subscripts(typed, &rest[..count], scope)?;
            rest = &rest[count..];
        }
        Ok(typed)
    }

    fn subscripts(
        &self,
        array: Typed,
        accesses: &[AccessExpr],
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        // A name is an array of characters, too, which counts from 0.
        let is_name = array.type_oid == types::NAME && accesses.len() == 1;
        let inner = if is_name { Some(types::CHAR) } else { element(array.type_oid) };
        let Some(inner) = inner else {
            return Err(QueryError::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "cannot subscript type {} because it does not support subscripting",
                    type_name(array.type_oid)
                ),
            ));
        };
        let index = |ast: &Ast| -> Result<Expr, QueryError> {
            let index = self.expr(ast, scope)?;
            if kind(index.type_oid) == Kind::Int {
                return Ok(index.expr);
            }
            if index.type_oid != types::UNKNOWN
                && !types::is_assignable(index.type_oid, types::INT4)
            {
                return Err(QueryError::new(
                    SqlState::DATATYPE_MISMATCH,
                    "array subscript must have type integer",
                ));
            }
            self.cast(index, types::INT4)
        };
        let is_slice = accesses.iter().any(|access| index_of(access).is_none());
        if is_slice && is_name {
            return Err(unsupported("a slice of a name"));
        }
        if !is_slice {
            let from_zero = [types::INT2VECTOR, types::OIDVECTOR, types::NAME];
            let first = i64::from(!from_zero.contains(&array.type_oid));
            let indexes = accesses.iter().filter_map(index_of).map(index);
            let indexes = indexes.collect::<Result<Vec<_>, _>>()?;
            let expr = Expr::Subscript { array: Box::new(array.expr), indexes, first };
            return Ok(Typed::new(expr, inner));
        }
        let mut bounds = Vec::with_capacity(accesses.len());
        for access in accesses {
            bounds.push(match access {
                AccessExpr::Subscript(Subscript::Slice {
                    lower_bound,
                    upper_bound,
                    stride: None,
                }) => (
                    lower_bound.as_ref().map(index).transpose()?,
                    upper_bound.as_ref().map(index).transpose()?,
                ),
                // One index among slices is a slice from 1.
                AccessExpr::Subscript(Subscript::Index { index: upper }) => {
                    (Some(Expr::Const(Value::Int(1))), Some(index(upper)?))
                }
                _ => return Err(unsupported("this form of array slice")),
            });
        }
        let type_oid = array.type_oid;
        Ok(Typed::new(Expr::Slice { array: Box::new(array.expr), bounds }, type_oid))
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
    if record.type_oid != types::RECORD {
        return Err(QueryError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!(
                "column notation .{name} applied to type {}, which is not a composite type",
                type_name(record.type_oid)
            ),
        ));
    }
    let Some((index, type_oid)) = found else {
        return Err(QueryError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("could not identify column \"{name}\" in record data type"),
        ));
    };
    Ok(Typed::new(Expr::Field { record: Box::new(record.expr), index }, type_oid))
}
