//! Forms of expressions whose meaning the planner has under another spelling, or would give another
//! meaning: those are refused where no spelling is exact.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Array, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, GroupByExpr, JoinConstraint, JoinOperator, LimitClause,
    Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, TableWithJoins, Value,
    VisitMut, VisitorMut,
};

use super::series::parsed;
use super::{pattern, quantified, rows, spelling};
use crate::catalog::CatalogView;
use crate::catalog_query::names::parts_of;
use crate::catalog_query::text::split_array;
use crate::catalog_query::types;
use crate::functions::lists::list_of;
use crate::{QueryError, SqlState};

/// Puts the planner's spelling in the place of `expr`.
///
/// # Errors
/// 0A000 for a form that has none; 22P02 for a malformed array literal.
pub(super) fn expression(expr: &mut Expr, view: &CatalogView) -> Result<(), QueryError> {
    if let Some(new) = rows::comparison(expr)? {
        *expr = new;
        return Ok(());
    }
    let new = match expr {
        Expr::AnyOp { left, compare_op, right, .. } => {
            Some(quantified::quantified(left, compare_op, right, false)?)
        }
        Expr::AllOp { left, compare_op, right } => {
            Some(quantified::quantified(left, compare_op, right, true)?)
        }
        Expr::Like { negated, any: true, expr, pattern, escape_char: None } => {
            Some(quantified::like_any(expr, pattern, if *negated { "!~~" } else { "~~" })?)
        }
        Expr::ILike { negated, any: true, expr, pattern, escape_char: None } => {
            Some(quantified::like_any(expr, pattern, if *negated { "!~~*" } else { "~~*" })?)
        }
        Expr::Cast { expr: inner, data_type, .. } => array_literal(inner, data_type)?,
        Expr::SimilarTo { .. } | Expr::Like { .. } | Expr::ILike { .. } => pattern_form(expr)?,
        Expr::Function(function) => {
            quantified::array_of_rows(function)?;
            date_pattern(function, view)?;
            spelling::function(function)?
        }
        Expr::Extract { field, expr, .. } => {
            let field = text_value(field.to_string().trim_matches('\'').to_ascii_lowercase());
            Some(quantified::call("extract", vec![field, *taken(expr)]))
        }
        Expr::AtTimeZone { timestamp, time_zone } => {
            Some(quantified::call("timezone", vec![*taken(time_zone), *taken(timestamp)]))
        }
        // The planner resolves the elements of ARRAY[…] without the statement around it.
        Expr::Array(array) if !array.elem.is_empty() => {
            Some(quantified::call("make_array", std::mem::take(&mut array.elem)))
        }
        Expr::Substring { substring_from: from @ None, substring_for: Some(_), .. } => {
            *from = Some(Box::new(Expr::value(Value::Number("1".to_owned(), false))));
            None
        }
        Expr::UnaryOp { op, expr } => spelling::prefix(*op, expr),
        Expr::BinaryOp { left, op: BinaryOperator::PGExp, right } => {
            Some(quantified::call("power", vec![*taken(left), *taken(right)]))
        }
        Expr::BinaryOp { left, op: BinaryOperator::PGStartsWith, right } => {
            Some(quantified::call("starts_with", vec![*taken(left), *taken(right)]))
        }
        Expr::Identifier(name) if name.quote_style.is_none() => spelling::clock(name),
        _ => None,
    };
    if let Some(new) = new {
        *expr = new;
    }
    Ok(())
}

/// A match with a pattern.
fn pattern_form(expr: &mut Expr) -> Result<Option<Expr>, QueryError> {
    Ok(match expr {
        Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            let text = literal(pattern)
                .ok_or_else(|| unsupported("SIMILAR TO a pattern that is no literal"))?;
            let text = match escape_char.as_ref().map(|escape| &escape.value) {
                None => text.to_owned(),
                Some(Value::SingleQuotedString(escape)) => pattern::with_backslash(text, escape)?,
                Some(_) => return Err(unsupported("SIMILAR TO with an ESCAPE that is no literal")),
            };
            let op = if *negated {
                BinaryOperator::PGRegexNotMatch
            } else {
                BinaryOperator::PGRegexMatch
            };
            let right = Box::new(text_value(pattern::similar_to_regex(&text)));
            Some(Expr::BinaryOp { left: taken(expr), op, right })
        }
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
        _ => None,
    })
}

pub(super) fn unsupported(what: &str) -> QueryError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
}

pub(super) fn taken(expr: &mut Expr) -> Box<Expr> {
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

pub(super) fn text_value(text: String) -> Expr {
    Expr::value(Value::SingleQuotedString(text))
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
    if !matches!(name.as_str(), "to_date" | "to_timestamp") {
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

/// Puts the columns of the select list in the place of their numbers inside GROUPING SETS, ROLLUP and CUBE.
pub(super) fn grouping_positions(select: &mut Select) {
    let Select { group_by, projection, .. } = select;
    let GroupByExpr::Expressions(keys, _) = group_by else { return };
    for key in keys {
        let (Expr::GroupingSets(sets) | Expr::Rollup(sets) | Expr::Cube(sets)) = key else {
            continue;
        };
        for expr in sets.iter_mut().flatten() {
            let Expr::Value(value) = expr else { continue };
            let Value::Number(digits, _) = &value.value else { continue };
            let at = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let item = at.and_then(|at| projection.get(at));
            if let Some(
                SelectItem::UnnamedExpr(found) | SelectItem::ExprWithAlias { expr: found, .. },
            ) = item
            {
                *expr = found.clone();
            }
        }
    }
}

/// Refuses joins that the planner computes otherwise.
///
/// # Errors
/// 0A000 for FULL JOIN with USING and NATURAL: the planner gives no key of the right side.
pub(super) fn joins(from: &[TableWithJoins]) -> Result<(), QueryError> {
    for join in from.iter().flat_map(|item| &item.joins) {
        if let JoinOperator::FullOuter(JoinConstraint::Using(_) | JoinConstraint::Natural) =
            &join.join_operator
        {
            return Err(unsupported("FULL JOIN with USING or NATURAL")
                .with_hint("Use ON, and coalesce() of both keys."));
        }
    }
    Ok(())
}

/// Refuses what the planner computes otherwise.
///
/// # Errors
/// 0A000 for EXCEPT ALL and INTERSECT ALL: the planner does not count repeated rows.
pub(super) fn set_operation(body: &SetExpr) -> Result<(), QueryError> {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return Ok(()) };
    let is_all = matches!(set_quantifier, SetQuantifier::All);
    if is_all && !matches!(op, SetOperator::Union) {
        return Err(unsupported(&format!("{op} ALL")));
    }
    set_operation(left)?;
    set_operation(right)
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

/// `unnest` of the list that stands for a set-returning function.
fn unfolded(function: &Function) -> Option<Expr> {
    let parts = parts_of(&function.name).ok()?;
    let (FunctionArguments::List(list), None) = (&function.args, &function.over) else {
        return None;
    };
    let [(_, name)] = list_of(parts.last()?)? else { return None };
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    let list = quantified::call(name, arguments.collect::<Option<Vec<_>>>()?);
    Some(quantified::call("unnest", vec![list]))
}
