//! Forms of expressions whose meaning the planner has under another spelling, or would give another
//! meaning: those are refused where no spelling is exact.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Array, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, GroupByExpr, LimitClause, Query, Select, SelectItem,
    SetExpr, Value, VisitMut, VisitorMut,
};

use super::pattern;
use super::series::{is_series, parsed};
use crate::catalog::CatalogView;
use crate::catalog_query::names::parts_of;
use crate::catalog_query::text::split_array;
use crate::catalog_query::types;
use crate::{QueryError, SqlState};

/// Puts the planner's spelling in the place of `expr`.
///
/// # Errors
/// 0A000 for a form that has none; 22P02 for a malformed array literal.
pub(super) fn expression(expr: &mut Expr, view: &CatalogView) -> Result<(), QueryError> {
    let new = match expr {
        Expr::AnyOp { left, compare_op, right, .. } => {
            quantified(left, compare_op, right, &BinaryOperator::Eq, false)?
        }
        Expr::AllOp { left, compare_op, right } => {
            quantified(left, compare_op, right, &BinaryOperator::NotEq, true)?
        }
        Expr::Cast { expr: inner, data_type, .. } => array_literal(inner, data_type)?,
        Expr::SimilarTo { negated, expr, pattern, escape_char: None } => {
            let text = literal(pattern)
                .ok_or_else(|| unsupported("SIMILAR TO a pattern that is no literal"))?;
            let op = if *negated {
                BinaryOperator::PGRegexNotMatch
            } else {
                BinaryOperator::PGRegexMatch
            };
            let right = Box::new(text_value(pattern::similar_to_regex(text)));
            Some(Expr::BinaryOp { left: taken(expr), op, right })
        }
        Expr::SimilarTo { .. } => return Err(unsupported("SIMILAR TO with ESCAPE")),
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            if let Some(escape) = escape_char.take() {
                let escape = match &escape.value {
                    Value::SingleQuotedString(text) => text.clone(),
                    _ => return Err(unsupported("LIKE with an ESCAPE that is no literal")),
                };
                let text = literal(pattern).ok_or_else(|| {
                    unsupported("LIKE with ESCAPE and a pattern that is no literal")
                })?;
                **pattern = text_value(pattern::with_backslash(text, &escape)?);
            }
            None
        }
        Expr::Function(function) => {
            date_pattern(function, view)?;
            None
        }
        _ => None,
    };
    if let Some(new) = new {
        *expr = new;
    }
    Ok(())
}

fn unsupported(what: &str) -> QueryError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
}

fn taken(expr: &mut Expr) -> Box<Expr> {
    Box::new(std::mem::replace(expr, Expr::value(Value::Null)))
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn text_value(text: String) -> Expr {
    Expr::value(Value::SingleQuotedString(text))
}

/// `= ANY (subquery)` is IN, `<> ALL (subquery)` is NOT IN; the planner gets the others wrong.
fn quantified(
    left: &mut Expr,
    op: &BinaryOperator,
    right: &mut Expr,
    as_in: &BinaryOperator,
    negated: bool,
) -> Result<Option<Expr>, QueryError> {
    let mut right = right;
    while let Expr::Nested(inner) = right {
        right = &mut **inner;
    }
    let Expr::Subquery(subquery) = right else { return Ok(None) };
    if op != as_in {
        let word = if negated { "ALL" } else { "ANY" };
        return Err(unsupported(&format!("the operator {op} {word} over a subquery"))
            .with_hint("Compare with the least or the greatest value of the subquery."));
    }
    let subquery = subquery.clone();
    Ok(Some(Expr::InSubquery { expr: taken(left), subquery, negated }))
}

/// `'{1,2}'::bigint[]` as an array of casts.
fn array_literal(inner: &Expr, data_type: &DataType) -> Result<Option<Expr>, QueryError> {
    let DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) = data_type else {
        return Ok(None);
    };
    let Some(text) = literal(inner) else { return Ok(None) };
    let elements = types::array_of(types::TEXT).and_then(|oid| split_array(text.trim(), oid));
    let elements = elements.ok_or_else(|| {
        QueryError::new(SqlState::INVALID_TEXT, format!("malformed array literal: \"{text}\""))
    })?;
    if elements.is_empty() {
        return Ok(None);
    }
    let elem = elements.into_iter().map(|element_text| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(element_text.map_or_else(|| Expr::value(Value::Null), text_value)),
        data_type: (**element).clone(),
        array: false,
        format: None,
    });
    Ok(Some(Expr::Array(Array { elem: elem.collect(), named: true })))
}

/// The pattern of to_char() and its like, in the planner's language.
fn date_pattern(function: &mut Function, view: &CatalogView) -> Result<(), QueryError> {
    let Ok(parts) = parts_of(&function.name) else { return Ok(()) };
    let [name] = parts.as_slice() else { return Ok(()) };
    if !matches!(name.as_str(), "to_char" | "to_date" | "to_timestamp") {
        return Ok(());
    }
    let zone = view.settings().get("TimeZone").unwrap_or_default();
    if !matches!(zone.as_str(), "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT") {
        // The planner's functions know UTC only.
        return Err(unsupported(&format!("{name}() in time zone {zone}"))
            .with_hint("SET TimeZone = 'UTC' first."));
    }
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    let [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(format))] = list.args.as_mut_slice() else {
        return Ok(());
    };
    let text = literal(format)
        .ok_or_else(|| unsupported(&format!("{name}() with a format that is no literal")))?;
    let translated = pattern::date_format(text)
        .ok_or_else(|| unsupported(&format!("{name}() with the format \"{text}\"")))?;
    *format = text_value(translated);
    Ok(())
}

/// `FETCH FIRST n ROWS ONLY` is LIMIT.
///
/// # Errors
/// 0A000 for WITH TIES and for percent.
pub(super) fn fetch_first(query: &mut Query) -> Result<(), QueryError> {
    let Some(fetch) = query.fetch.take() else { return Ok(()) };
    if fetch.with_ties || fetch.percent {
        return Err(unsupported("FETCH FIRST with TIES or PERCENT"));
    }
    let one = || Expr::value(Value::Number("1".to_owned(), false));
    let count = fetch.quantity.unwrap_or_else(one);
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => *limit = Some(count),
        _ => {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(count),
                offset: None,
                limit_by: Vec::new(),
            });
        }
    }
    Ok(())
}

/// The select list: EXISTS becomes a count, a series a list that is unfolded into rows.
pub(super) fn select_list(select: &mut Select) {
    for item in &mut select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            continue;
        };
        let _: ControlFlow<()> = expr.visit(&mut ListItem { depth: 0 });
    }
}

struct ListItem {
    /// Subqueries around the expression, within the item.
    depth: usize,
}

impl VisitorMut for ListItem {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        let new = match expr {
            Expr::Exists { subquery, negated } => counted(subquery, *negated),
            Expr::Function(function) => unfolded(function),
            _ => None,
        };
        if let Some(new) = new {
            *expr = new;
        }
        ControlFlow::Continue(())
    }
}

fn counted(subquery: &Query, negated: bool) -> Option<Expr> {
    let mut query = subquery.clone();
    let is_plain = query.limit_clause.is_none() && query.with.is_none();
    match &mut *query.body {
        SetExpr::Select(select)
            if is_plain
                && select.distinct.is_none()
                && select.having.is_none()
                && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty()) =>
        {
            let counting = parsed("SELECT count(*)")?;
            let SetExpr::Select(counting) = *counting.body else { return None };
            select.projection = counting.projection;
            query.order_by = None;
        }
        _ => return None,
    }
    Some(Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(Expr::Subquery(Box::new(query))),
        op: if negated { BinaryOperator::Eq } else { BinaryOperator::Gt },
        right: Box::new(Expr::value(Value::Number("0".to_owned(), false))),
    })))
}

/// `unnest` of the list that the planner's function of the same name gives.
fn unfolded(function: &Function) -> Option<Expr> {
    if !is_series(&function.name) {
        return None;
    }
    let text = format!("SELECT unnest({function})");
    let SetExpr::Select(select) = *parsed(&text)?.body else { return None };
    match select.projection.into_iter().next()? {
        SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}
