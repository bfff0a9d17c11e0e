//! Rewrites of parsed SQL into forms that the planner knows.
//!
//! Only for statements that the planner runs: those over catalogs alone are not rewritten, they run in
//! `catalog_query` as they are.

mod forms;
mod from;
pub(crate) mod pattern;
mod quantified;
mod rows;
pub(crate) mod series;
mod spelling;

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Select,
    Statement, TableFactor, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use sqlparser::tokenizer::Span;

use crate::QueryError;
use crate::catalog::CatalogView;
use crate::catalog_query::names::parts_of;
use crate::catalog_query::{Env, types};

/// Rewrites PostgreSQL spellings that the planner does not know. Called once for each statement,
/// after the allow-list and before names are resolved.
///
/// # Errors
/// 42P01 for a `regclass` literal that names no relation.
pub(crate) fn rewrite(statement: &mut Statement, view: &CatalogView) -> Result<(), QueryError> {
    let mut spellings = Spellings { env: Env::new(view) };
    match statement.visit(&mut spellings) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Spellings<'a> {
    env: Env<'a>,
}

impl VisitorMut for Spellings<'_> {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        flow(forms::set_operation(&query.body))?;
        flow(forms::fetch_first(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        if let Some(condition) = &mut select.selection {
            flow(rows::condition(condition))?;
        }
        flow(forms::joins(&select.from))?;
        forms::grouping_positions(select);
        forms::select_list(select);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<QueryError> {
        flow(from::function(factor))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        flow(forms::expression(expr, self.env.view))?;
        match expr {
            // Every collation here orders by bytes, as the planner does.
            Expr::Collate { expr: inner, .. } => {
                let inner = std::mem::replace(&mut **inner, Expr::value(Value::Null));
                *expr = inner;
            }
            Expr::Function(function) => {
                let is_catalog = parts_of(&function.name)
                    .is_ok_and(|parts| parts.len() == 2 && parts[0] == "pg_catalog");
                if is_catalog {
                    function.name.0.remove(0);
                }
                if let FunctionArguments::List(list) = &mut function.args {
                    for argument in &mut list.args {
                        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) = argument {
                            self.relation_literal(value)?;
                        }
                    }
                }
            }
            Expr::BinaryOp { left, op, right } => {
                if let Some(plain) = plain_operator(op) {
                    *op = plain;
                }
                self.relation_literal(left)?;
                self.relation_literal(right)?;
            }
            Expr::Cast { expr: inner, .. } => self.relation_literal(inner)?,
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn flow(result: Result<(), QueryError>) -> ControlFlow<QueryError> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl Spellings<'_> {
    /// Puts the object id in the place of `'name'::regclass`, where only the id matters: beside an
    /// operator, as an argument and inside a cast.
    fn relation_literal(&self, expr: &mut Expr) -> ControlFlow<QueryError> {
        let Expr::Cast { expr: literal, data_type, .. } = expr else {
            return ControlFlow::Continue(());
        };
        let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(name), .. }) = &**literal
        else {
            return ControlFlow::Continue(());
        };
        if !is_regclass(data_type) {
            return ControlFlow::Continue(());
        }
        let found = crate::catalog_query::text::input(&self.env, name, types::REGCLASS);
        match found {
            Ok(value) => {
                let number = Value::Number(value.as_int().unwrap_or_default().to_string(), false);
                let span = Span::empty();
                *expr = Expr::Value(ValueWithSpan { value: number, span });
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

fn is_regclass(data_type: &DataType) -> bool {
    match data_type {
        DataType::Regclass => true,
        DataType::Custom(name, _) => {
            parts_of(name).is_ok_and(|parts| parts == ["pg_catalog", "regclass"])
        }
        _ => false,
    }
}

/// The operator that `OPERATOR(pg_catalog.…)` names.
fn plain_operator(op: &BinaryOperator) -> Option<BinaryOperator> {
    let BinaryOperator::PGCustomBinaryOperator(parts) = op else { return None };
    let [schema, symbol] = parts.as_slice() else { return None };
    if schema != "pg_catalog" {
        return None;
    }
    Some(match symbol.as_str() {
        "=" => BinaryOperator::Eq,
        "<>" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "||" => BinaryOperator::StringConcat,
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::parser::Parser;

    use super::*;
    use crate::session::Settings;

    fn rewritten(sql: &str) -> Result<String, QueryError> {
        let view = CatalogView {
            database: "ethereum".to_owned(),
            databases: vec!["ethereum".to_owned()],
            role: "alice".to_owned(),
            relations: Arc::from([]),
            may_create: false,
            objects: Arc::new(crate::objects::Objects::new(Arc::default(), 1)),
            sequences: Arc::default(),
            settings: Arc::new(Mutex::new(Settings::default())),
            tables: Arc::default(),
            sizes: crate::catalog::Sizes::default(),
            entry: crate::activity::Activity::new(Arc::new(schemas::SystemClock::new()))
                .entry("ethereum", "alice"),
            own: Arc::default(),
            outbox: Arc::default(),
        };
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        rewrite(&mut statement, &view).map(|()| statement.to_string())
    }

    #[test]
    fn qualified_functions_and_operators_lose_their_schema() {
        let sql = "SELECT pg_catalog.lower(a) OPERATOR(pg_catalog.~) 'x' COLLATE pg_catalog.default FROM t";
        assert_eq!(rewritten(sql).unwrap(), "SELECT lower(a) ~ 'x' FROM t");
    }

    #[test]
    fn relation_literals_become_object_ids() {
        let sql = "SELECT 'pg_class'::regclass::oid = 'pg_class'::regclass";
        assert_eq!(rewritten(sql).unwrap(), "SELECT 1259::oid = 1259");
        let missing = rewritten("SELECT 'nothing'::regclass::oid").unwrap_err();
        assert_eq!(missing.state.0, "42P01");
        // Shown by itself it is a name, which a number would not be.
        let shown = "SELECT 'pg_class'::regclass";
        assert_eq!(rewritten(shown).unwrap().to_lowercase(), shown.to_lowercase());
    }
}
