//! `generate_series` of integers: PostgreSQL's column names and types over the planner's streaming table
//! function, in FROM and as the only item of a select list.
//!
//! ```text
//! SELECT generate_series(1, $1) AS n  ──>  SELECT n FROM generate_series(1, $1) AS n
//! FROM generate_series(1, 5) g(n)     ──>  FROM (SELECT CAST(value AS INTEGER) AS n FROM generate_series(1, 5)) g
//! ```

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident,
    Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, UnaryOperator,
    Value, VisitMut, VisitorMut,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::catalog_query::names::{fold, parts_of};
use crate::{Parameter, PgType};

const NAME: &str = "generate_series";

/// The parameters of a statement, as far as the bounds of a series need them: the planner's table
/// functions take constants only.
pub(crate) struct SeriesParameters<'a> {
    declared: &'a [Option<PgType>],
    /// `None` while a statement is only described.
    values: Option<&'a [Parameter]>,
    /// Types of those that are bounds, by number from 1.
    pub(crate) found: BTreeMap<usize, PgType>,
}

impl<'a> SeriesParameters<'a> {
    pub(crate) fn new(declared: &'a [Option<PgType>], values: Option<&'a [Parameter]>) -> Self {
        Self { declared, values, found: BTreeMap::new() }
    }
}

/// Whether the select list of `query` is one series and nothing else, so that it can be streamed.
pub(crate) fn is_lone_series(query: &Query) -> bool {
    lone_item(query).is_some()
}

/// Puts the forms that the planner streams in the place of the series of `query`.
pub(crate) fn unfold(query: &mut Query, parameters: &mut SeriesParameters<'_>) {
    if let Some((call, name)) = lone_item(query) {
        list_to_from(query, call, name);
    }
    let _: ControlFlow<()> = query.visit(&mut Unfold { parameters });
}

/// The call and the output name of a select list that is one series, in a statement without FROM.
fn lone_item(query: &Query) -> Option<(TableFactor, Ident)> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let is_plain = select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && select.distinct.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let [item] = select.projection.as_slice() else { return None };
    let (expr, alias) = match item {
        SelectItem::UnnamedExpr(expr) => (expr, Ident::new(NAME)),
        SelectItem::ExprWithAlias { expr, alias } => (expr, alias.clone()),
        _ => return None,
    };
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    if !is_plain || !is_series(&function.name) || function.over.is_some() {
        return None;
    }
    let text = format!("SELECT * FROM {NAME}({})", joined(list.args.iter()));
    let mut table = parsed(&text)?;
    let SetExpr::Select(made) = &mut *table.body else { return None };
    Some((made.from.pop()?.relation, alias))
}

fn list_to_from(query: &mut Query, mut call: TableFactor, name: Ident) {
    if let TableFactor::Table { alias, .. } = &mut call {
        *alias =
            Some(TableAlias { explicit: true, name: name.clone(), columns: Vec::new(), at: None });
    }
    if let SetExpr::Select(select) = &mut *query.body {
        let Select { projection, from, .. } = &mut **select;
        *projection = vec![SelectItem::UnnamedExpr(Expr::Identifier(name))];
        *from = vec![TableWithJoins { relation: call, joins: Vec::new() }];
    }
}

struct Unfold<'p, 'a> {
    parameters: &'p mut SeriesParameters<'a>,
}

impl VisitorMut for Unfold<'_, '_> {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let Some(derived) = self.derived(factor) {
            *factor = derived;
        }
        ControlFlow::Continue(())
    }
}

impl Unfold<'_, '_> {
    /// The subquery for a series of integers; `None` for anything else.
    fn derived(&mut self, factor: &TableFactor) -> Option<TableFactor> {
        let (name, arguments, alias, ordinality) = match factor {
            TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } => {
                (name, args.args.as_slice(), alias, *with_ordinality)
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                (name, args.as_slice(), alias, *with_ordinality)
            }
            _ => return None,
        };
        if !is_series(name) || !(2..=3).contains(&arguments.len()) {
            return None;
        }
        let bounds: Vec<Bound> = arguments.iter().map(bound).collect::<Option<_>>()?;
        let is_wide = bounds.iter().any(|bound| self.is_wide(bound));
        let pg_type = if is_wide { PgType::Int8 } else { PgType::Int4 };
        let mut shown = Vec::with_capacity(bounds.len());
        for bound in bounds {
            shown.push(self.constant(bound, pg_type)?);
        }
        // A series with a null bound has no rows.
        let shown = match shown.into_iter().collect::<Option<Vec<String>>>() {
            Some(all) => all.join(", "),
            None => "1, 0".to_owned(),
        };
        let column = match alias {
            Some(TableAlias { name, columns, .. }) => {
                columns.first().map_or_else(|| fold(name), |column| fold(&column.name))
            }
            None => NAME.to_owned(),
        };
        let column = Ident::with_quote('"', column);
        let value = if is_wide { "value" } else { "CAST(value AS INTEGER)" };
        let counter = match (ordinality, alias.as_ref().and_then(|alias| alias.columns.get(1))) {
            (false, _) => String::new(),
            (true, Some(second)) => {
                let second = Ident::with_quote('"', fold(&second.name));
                format!(", row_number() OVER () AS {second}")
            }
            (true, None) => ", row_number() OVER () AS ordinality".to_owned(),
        };
        let text = format!("SELECT {value} AS {column}{counter} FROM {NAME}({shown})");
        let name = alias.as_ref().map_or_else(|| Ident::new(NAME), |alias| alias.name.clone());
        let alias = TableAlias { explicit: true, name, columns: Vec::new(), at: None };
        Some(TableFactor::Derived {
            lateral: false,
            subquery: Box::new(parsed(&text)?),
            alias: Some(alias),
            sample: None,
        })
    }

    fn is_wide(&self, bound: &Bound) -> bool {
        match bound {
            Bound::Number(value) => i32::try_from(*value).is_err(),
            Bound::Wide(_) => true,
            Bound::Parameter(number, None) => self.declared(*number) == Some(PgType::Int8),
            Bound::Parameter(_, Some(pg_type)) => *pg_type == PgType::Int8,
        }
    }

    fn declared(&self, number: usize) -> Option<PgType> {
        self.parameters.declared.get(number.checked_sub(1)?).copied().flatten()
    }

    /// A bound as SQL, `None` inside for NULL; `None` outside for one that is no integer.
    fn constant(&mut self, bound: Bound, pg_type: PgType) -> Option<Option<String>> {
        let (number, cast) = match bound {
            Bound::Number(value) | Bound::Wide(value) => return Some(Some(value.to_string())),
            Bound::Parameter(number, cast) => (number, cast),
        };
        let known = self.declared(number).filter(|declared| *declared != PgType::Unknown);
        let known = known.or(cast).unwrap_or(pg_type);
        if !matches!(known, PgType::Int2 | PgType::Int4 | PgType::Int8) {
            return None;
        }
        self.parameters.found.insert(number, known);
        let Some(values) = self.parameters.values else { return Some(Some("1".to_owned())) };
        match values.get(number - 1)? {
            Parameter::Null => Some(None),
            Parameter::Int(value) => Some(Some(value.to_string())),
            Parameter::Text(text) => text.trim().parse::<i64>().ok().map(|n| Some(n.to_string())),
            _ => None,
        }
    }
}

/// A bound of a series: a number, or a parameter with the type that a cast gives it.
enum Bound {
    Number(i64),
    /// A number that is cast to bigint.
    Wide(i64),
    Parameter(usize, Option<PgType>),
}

fn bound(argument: &FunctionArg) -> Option<Bound> {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else { return None };
    value(expr)
}

fn value(expr: &Expr) -> Option<Bound> {
    match expr {
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. } => {
            let cast = match data_type {
                DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => {
                    PgType::Int4
                }
                DataType::BigInt(None) | DataType::Int8(None) => PgType::Int8,
                _ => return None,
            };
            match value(expr)? {
                Bound::Parameter(number, _) => Some(Bound::Parameter(number, Some(cast))),
                Bound::Number(number) if cast == PgType::Int8 => Some(Bound::Wide(number)),
                Bound::Number(number) => i32::try_from(number).ok().map(|_| Bound::Number(number)),
                Bound::Wide(_) => None,
            }
        }
        Expr::Nested(inner) => value(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match value(expr)? {
            Bound::Number(number) => number.checked_neg().map(Bound::Number),
            Bound::Wide(number) => number.checked_neg().map(Bound::Wide),
            Bound::Parameter(..) => None,
        },
        Expr::Value(found) => match &found.value {
            Value::Number(digits, false) => digits.parse().ok().map(Bound::Number),
            Value::Placeholder(name) => {
                let number = name.strip_prefix('$')?.parse().ok().filter(|number| *number > 0)?;
                Some(Bound::Parameter(number, None))
            }
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn is_series(name: &sqlparser::ast::ObjectName) -> bool {
    parts_of(name).is_ok_and(|parts| match parts.as_slice() {
        [name] => name == NAME,
        [schema, name] => schema == "pg_catalog" && name == NAME,
        _ => false,
    })
}

fn joined<'a>(arguments: impl Iterator<Item = &'a FunctionArg>) -> String {
    arguments.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(crate) fn parsed(text: &str) -> Option<Query> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).ok()?;
    parser.parse_query().ok().map(|query| *query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolded(sql: &str, values: Option<&[Parameter]>) -> (String, BTreeMap<usize, PgType>) {
        let mut query = parsed(sql).unwrap();
        let mut parameters = SeriesParameters::new(&[], values);
        unfold(&mut query, &mut parameters);
        (query.to_string(), parameters.found)
    }

    #[test]
    fn a_series_of_small_integers_gives_integers_under_its_alias() {
        let (sql, _) = unfolded("SELECT * FROM generate_series(1, 5) AS g(n)", None);
        assert_eq!(
            sql,
            "SELECT * FROM (SELECT CAST(value AS INTEGER) AS \"n\" FROM generate_series(1, 5)) AS g"
        );
        let (sql, _) = unfolded("SELECT * FROM generate_series(1, 5000000000)", None);
        assert!(sql.contains("SELECT value AS \"generate_series\""), "{sql}");
    }

    #[test]
    fn a_select_list_that_is_a_series_moves_to_from() {
        let (sql, found) = unfolded("SELECT generate_series(1, $1) AS x", None);
        assert!(sql.starts_with("SELECT x FROM (SELECT CAST(value AS INTEGER)"), "{sql}");
        assert_eq!(found, BTreeMap::from([(1, PgType::Int4)]));
    }

    #[test]
    fn bounds_take_the_values_of_parameters_and_null_gives_no_rows() {
        let sql = "SELECT * FROM generate_series($1, $2)";
        let (shown, _) = unfolded(sql, Some(&[Parameter::Int(2), Parameter::Int(7)]));
        assert!(shown.contains("generate_series(2, 7)"), "{shown}");
        let (shown, _) = unfolded(sql, Some(&[Parameter::Int(2), Parameter::Null]));
        assert!(shown.contains("generate_series(1, 0)"), "{shown}");
    }
}
