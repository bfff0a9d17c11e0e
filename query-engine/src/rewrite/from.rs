//! Functions in FROM as lateral subqueries over lists.
//!
//! ```text
//! FROM t, unnest(t.a, t.b) WITH ORDINALITY AS u(x, y, n)
//!   ──>  FROM t, LATERAL (SELECT unnest(t.a) AS x, unnest(t.b) AS y, unnest(ergosql_ordinals(t.a, t.b)) AS n) AS u
//! FROM abs(-1) AS a      ──>  FROM LATERAL (SELECT abs(-1) AS a) AS a
//! ```

use sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Query, Select, SelectItem,
    SetExpr, SetOperator, SetQuantifier, TableAlias, TableFactor, UnaryOperator, Value,
};

use super::forms::unsupported;
use super::quantified::call;
use super::series::parsed;
use crate::QueryError;
use crate::catalog_query::names::{fold, parts_of};
use crate::functions::lists::{ORDINALS, list_of};
use crate::session::naming::hidden;

/// Puts a lateral subquery in the place of a function.
///
/// # Errors
/// 0A000 for forms that have none, such as named arguments.
pub(super) fn function(factor: &mut TableFactor) -> Result<(), QueryError> {
    if is_plain_series(factor)? {
        return Ok(());
    }
    let found = match factor {
        TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } => {
            (name_of(name)?, arguments(&args.args)?, alias.take(), *with_ordinality)
        }
        TableFactor::Function { name, args, alias, with_ordinality, .. } => {
            (name_of(name)?, arguments(args)?, alias.take(), *with_ordinality)
        }
        TableFactor::UNNEST { array_exprs, alias, with_ordinality, with_offset: false, .. } => {
            ("unnest".to_owned(), array_exprs.clone(), alias.take(), *with_ordinality)
        }
        TableFactor::Derived { lateral: true, subquery, .. } => {
            rows_as_selects(subquery);
            return Ok(());
        }
        _ => return Ok(()),
    };
    let (name, arguments, alias, with_ordinality) = found;
    if let Some(derived) = derived(&name, arguments, alias, with_ordinality) {
        *factor = derived;
    }
    Ok(())
}

/// A series whose bounds are numbers is the planner's own, which streams.
fn is_plain_series(factor: &TableFactor) -> Result<bool, QueryError> {
    Ok(match factor {
        TableFactor::Table { name, args: Some(args), with_ordinality: false, .. } => {
            name_of(name)? == "generate_series" && arguments(&args.args)?.iter().all(is_number)
        }
        TableFactor::Function { name, args, with_ordinality: false, .. } => {
            name_of(name)? == "generate_series" && arguments(args)?.iter().all(is_number)
        }
        _ => false,
    })
}

/// VALUES in LATERAL as a UNION ALL of selects, which may refer outward.
fn rows_as_selects(query: &mut Query) {
    let SetExpr::Values(values) = &*query.body else { return };
    let mut selects = Vec::new();
    for row in &values.rows {
        let Some(made) = parsed("SELECT 1") else { return };
        let SetExpr::Select(mut select) = *made.body else { return };
        let items = row.content.iter().enumerate().map(|(at, expr)| SelectItem::ExprWithAlias {
            expr: expr.clone(),
            alias: Ident::new(format!("column{}", at + 1)),
        });
        select.projection = items.collect();
        selects.push(SetExpr::Select(select));
    }
    let all = selects.into_iter().reduce(|left, right| SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        left: Box::new(left),
        right: Box::new(right),
    });
    if let Some(all) = all {
        *query.body = all;
    }
}

fn name_of(name: &ObjectName) -> Result<String, QueryError> {
    let parts = parts_of(name)?;
    Ok(parts.last().cloned().unwrap_or_default())
}

fn arguments(arguments: &[FunctionArg]) -> Result<Vec<Expr>, QueryError> {
    arguments
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
            _ => Err(unsupported("a function in FROM with named arguments")),
        })
        .collect()
}

fn derived(
    name: &str,
    arguments: Vec<Expr>,
    alias: Option<TableAlias>,
    with_ordinality: bool,
) -> Option<TableFactor> {
    let (alias_name, mut given) = match alias {
        Some(alias) => {
            let columns = alias.columns.iter().map(|column| fold(&column.name)).collect();
            (Some(alias.name), columns)
        }
        None => (None, Vec::new()),
    };
    let lists: Option<Vec<(String, Expr)>> = match name {
        "unnest" => Some(arguments.iter().map(|list| (name.to_owned(), list.clone())).collect()),
        _ => list_of(name).map(|columns| {
            let list = |(column, list): &(&str, &str)| {
                let column = if column.is_empty() { name } else { *column };
                (column.to_owned(), call(list, arguments.clone()))
            };
            columns.iter().map(list).collect()
        }),
    };
    let is_single = lists.as_ref().is_none_or(|lists| lists.len() == 1);
    if given.is_empty()
        && is_single
        && let Some(alias) = &alias_name
    {
        given.push(fold(alias));
    }
    let mut query = parsed("SELECT 1")?;
    let SetExpr::Select(select) = &mut *query.body else { return None };
    let mut items: Vec<(String, Expr)> = match lists {
        Some(lists) => unfolded(select, lists, with_ordinality)?,
        None => vec![(name.to_owned(), call(name, arguments))],
    };
    if with_ordinality && select.from.is_empty() {
        items.push(("ordinality".to_owned(), parsed_number(1)?));
    }
    let mut used = std::collections::HashSet::new();
    let names = given.into_iter().map(Some).chain(std::iter::repeat(None));
    select.projection = items
        .into_iter()
        .zip(names)
        .enumerate()
        .map(|(at, ((column, expr), given))| {
            let name = given.unwrap_or(column);
            let name = if used.insert(name.clone()) { name } else { hidden(&name, at) };
            let alias = Ident::with_quote('"', name);
            SelectItem::ExprWithAlias { expr, alias }
        })
        .collect();
    let alias = TableAlias {
        explicit: true,
        name: alias_name.unwrap_or_else(|| Ident::with_quote('"', name)),
        columns: Vec::new(),
        at: None,
    };
    Some(TableFactor::Derived {
        lateral: true,
        subquery: Box::new(query),
        alias: Some(alias),
        sample: None,
    })
}

/// The lists as columns of a subquery of `select`: the planner unfolds columns of any kind. Gives the names and
/// the unfolded columns.
fn unfolded(
    select: &mut Select,
    mut lists: Vec<(String, Expr)>,
    with_ordinality: bool,
) -> Option<Vec<(String, Expr)>> {
    if with_ordinality {
        let all = lists.iter().map(|(_, list)| list.clone()).collect();
        lists.push(("ordinality".to_owned(), call(ORDINALS, all)));
    }
    let source = lists.iter().enumerate().map(|(at, (_, list))| {
        let alias = Ident::with_quote('"', column_name(at));
        SelectItem::ExprWithAlias { expr: list.clone(), alias }
    });
    let mut inner = parsed("SELECT 1")?;
    let SetExpr::Select(inner_select) = &mut *inner.body else { return None };
    inner_select.projection = source.collect();
    let around = parsed("SELECT 1 FROM (SELECT 1) AS ergosql_lists")?;
    let SetExpr::Select(around) = *around.body else { return None };
    select.from = around.from;
    if let TableFactor::Derived { subquery, .. } = &mut select.from.first_mut()?.relation {
        **subquery = inner;
    }
    let unfolded = lists.into_iter().enumerate().map(|(at, (name, _))| {
        let column = Expr::Identifier(Ident::with_quote('"', column_name(at)));
        (name, call("unnest", vec![column]))
    });
    Some(unfolded.collect())
}

fn column_name(at: usize) -> String {
    format!("ergosql_list_{at}")
}

fn is_number(argument: &Expr) -> bool {
    match argument {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_number(expr),
        Expr::Cast { expr, data_type: DataType::BigInt(None) | DataType::Int8(None), .. } => {
            is_number(expr)
        }
        _ => false,
    }
}

fn parsed_number(number: i64) -> Option<Expr> {
    let query = parsed(&format!("SELECT {number}::bigint"))?;
    let SetExpr::Select(select) = *query.body else { return None };
    match select.projection.into_iter().next()? {
        SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}
