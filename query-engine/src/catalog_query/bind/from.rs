//! FROM: relations, views, subqueries, functions and joins.

use std::sync::Arc;

use sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, Ident, Join, JoinConstraint, JoinOperator,
    ObjectName, Query, TableAlias, TableFactor, TableWithJoins,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::super::names::{fold, parts_of};
use super::super::plan::{Conjunct, Joins, LeafPlan, QueryPlan, Source};
use super::super::types::{self, TypeOid};
use super::super::unsupported;
use super::scope::{Context, Leaf, LeafColumn, Scope};
use super::{Binder, Typed};
use crate::QueryError;
use crate::catalog::pg_catalog::builtin::{self, BuiltinRelation};

impl Binder<'_> {
    /// A FROM list; its relations are added to `scope`.
    ///
    /// # Errors
    /// 0A000 for a relation that is not of the catalogs, and what its parts report.
    pub(super) fn from(
        &self,
        list: &[TableWithJoins],
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        let mut joins = Joins::default();
        for item in list {
            joins.inner(self.joined(item, scope)?, Vec::new());
        }
        Ok(joins)
    }

    fn joined(&self, item: &TableWithJoins, scope: &mut Scope<'_>) -> Result<Joins, QueryError> {
        let mut left = self.factor(&item.relation, scope)?;
        for join in &item.joins {
            left = self.join(left, join, scope)?;
        }
        Ok(left)
    }

    fn join(
        &self,
        mut left: Joins,
        join: &Join,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        let mut right = self.factor(&join.relation, scope)?;
        let (outer, swapped, constraint) = match &join.join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::CrossJoin(constraint) => (false, false, constraint),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                (true, false, constraint)
            }
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                (true, true, constraint)
            }
            _ => return Err(unsupported("this kind of join")),
        };
        let conditions = match constraint {
            JoinConstraint::On(condition) => self.conjuncts(condition, scope, "JOIN/ON")?,
            JoinConstraint::Using(columns) => {
                self.using(columns, (left.mask(), right.mask()), scope)?
            }
            JoinConstraint::None => Vec::new(),
            JoinConstraint::Natural => return Err(unsupported("NATURAL JOIN")),
        };
        if swapped && right.reads() & left.mask() != 0 {
            return Err(unsupported("a lateral item on the kept side of a join"));
        }
        Ok(match (outer, swapped) {
            (false, _) => {
                left.inner(right, conditions);
                left
            }
            (true, false) => {
                left.outer(right, conditions);
                left
            }
            (true, true) => {
                right.outer(left, conditions);
                right
            }
        })
    }

    /// Conditions of USING: the right column is hidden behind the left one.
    fn using(
        &self,
        columns: &[ObjectName],
        (left, right): (u64, u64),
        scope: &mut Scope<'_>,
    ) -> Result<Vec<Conjunct>, QueryError> {
        let mut conjuncts = Vec::new();
        for column in columns {
            let name = parts_of(column)?.pop().unwrap_or_default();
            let find = |mask: u64| {
                scope.leaves.iter().enumerate().find_map(|(at, leaf)| {
                    let is_in = mask & (1 << at) != 0;
                    let index = leaf
                        .columns
                        .iter()
                        .position(|found| found.name == name && !found.is_merged);
                    index.filter(|_| is_in).map(|index| (at, index))
                })
            };
            let (Some(first), Some(second)) = (find(left), find(right)) else {
                return Err(QueryError::new(
                    crate::SqlState::UNDEFINED_COLUMN,
                    format!("column \"{name}\" specified in USING clause does not exist"),
                ));
            };
            let bind = |(leaf, index): (usize, usize)| scope.column(leaf, index, 0);
            let equal = self.operate("=", bind(first)?, bind(second)?)?;
            conjuncts.push(Conjunct {
                expr: equal.expr,
                mask: 1 << first.0 | 1 << second.0,
                sides: Some((1 << first.0, 1 << second.0)),
            });
            scope.leaves[second.0].columns[second.1].is_merged = true;
        }
        Ok(conjuncts)
    }

    fn factor(&self, factor: &TableFactor, scope: &mut Scope<'_>) -> Result<Joins, QueryError> {
        match factor {
            TableFactor::Table { name, alias, args: None, version: None, .. } => {
                self.relation(name, alias.as_ref(), scope)
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                let arguments = from_arguments(&args.args)?;
                self.function_item(name, &arguments, alias.as_ref(), *with_ordinality, scope)
            }
            TableFactor::Function { name, args, with_ordinality, alias, .. } => {
                let arguments = from_arguments(args)?;
                self.function_item(name, &arguments, alias.as_ref(), *with_ordinality, scope)
            }
            TableFactor::UNNEST {
                alias, array_exprs, with_ordinality, with_offset: false, ..
            } => {
                let arguments: Vec<&Ast> = array_exprs.iter().collect();
                let name = ObjectName::from(vec![Ident::new("unnest")]);
                self.function_item(&name, &arguments, alias.as_ref(), *with_ordinality, scope)
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                self.derived(subquery, *lateral, alias.as_ref(), scope)
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.joined(table_with_joins, scope)
            }
            other => Err(unsupported(format!("FROM {other}"))),
        }
    }

    fn relation(
        &self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        let parts = parts_of(name)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let [name] = parts.as_slice()
            && let Some(cte) = scope.context.ctes.and_then(|ctes| ctes.find(name))
        {
            let columns = output_columns(&cte.columns);
            let types = cte.columns.iter().map(|column| column.type_oid).collect();
            let source = Source::Cte { id: cte.id, columns: types };
            return self.leaf(source, columns, name, None, alias, 0, scope);
        }
        let database = self.env.view.database.as_str();
        let found = match parts.as_slice() {
            [name] => builtin::relation("pg_catalog", name),
            [schema, name] => builtin::relation(schema, name),
            [catalog, schema, name] if *catalog == database => builtin::relation(schema, name),
            _ => None,
        };
        let relation = found.ok_or_else(|| unsupported(format!("relation {name}")))?;
        self.is_catalog.set(true);
        match &relation.definition {
            Some(_) => {
                let plan = self.nested(|| self.view(relation))?;
                let source = Source::Query { plan: Box::new(plan), lateral: false };
                let columns = relation_columns(relation);
                self.leaf(source, columns, relation.name, Some(relation), alias, 0, scope)
            }
            None => {
                let table = self.env.view.tables.get(relation, self.env.view);
                let columns = relation_columns(relation);
                let source = Source::Table(table);
                self.leaf(source, columns, relation.name, Some(relation), alias, 0, scope)
            }
        }
    }

    /// Plan of a view, with the column types that the view declares.
    pub(super) fn view(&self, relation: &BuiltinRelation) -> Result<QueryPlan, QueryError> {
        let definition = super::super::views::definition(relation);
        if let Some(rows) = super::super::views::special(relation) {
            return Ok(rows);
        }
        let query = Parser::new(&PostgreSqlDialect {})
            .try_with_sql(definition.trim_end().trim_end_matches(';'))
            .and_then(|mut parser| parser.parse_query())
            .map_err(|_| unsupported(format!("view {}", relation.name)))?;
        let mut plan = self.query(&query, Context::default())?;
        for (at, column) in relation.columns.iter().enumerate() {
            self.retype(&mut plan, at, column.type_oid)?;
        }
        Ok(plan)
    }

    fn derived(
        &self,
        subquery: &Query,
        lateral: bool,
        alias: Option<&TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        let (mut plan, reads) = if lateral {
            scope.tracked(|| self.query(subquery, scope.inner()))?
        } else {
            // A level without relations: earlier items of this FROM are out of sight.
            let hidden = Scope::new(scope.context);
            (self.query(subquery, hidden.inner())?, 0)
        };
        self.settle_unknown(&mut plan)?;
        let columns = output_columns(&plan.columns);
        let source = Source::Query { plan: Box::new(plan), lateral };
        self.leaf(source, columns, "", None, alias, reads, scope)
    }

    fn function_item(
        &self,
        name: &ObjectName,
        arguments: &[&Ast],
        alias: Option<&TableAlias>,
        ordinality: bool,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        let parts = parts_of(name)?;
        let name = match parts.as_slice() {
            [name] => name,
            [schema, name] if schema == "pg_catalog" || schema == "information_schema" => name,
            _ => return Err(unsupported(format!("function {name}"))),
        };
        let bind = || arguments.iter().map(|ast| self.expr(ast, scope)).collect();
        let (arguments, reads): (Vec<Typed>, u64) = scope.tracked(bind)?;
        if name == "generate_series" {
            self.is_series.set(true);
        }
        let (call, returns) = self.resolve_call(name, arguments)?;
        let mut columns: Vec<LeafColumn> = returns
            .iter()
            .map(|(column, type_oid)| {
                let single = alias.filter(|_| returns.len() == 1).map(|alias| fold(&alias.name));
                leaf_column(single.as_deref().unwrap_or(column), *type_oid)
            })
            .collect();
        if ordinality {
            columns.push(leaf_column("ordinality", types::INT8));
        }
        let source = Source::Function { call, ordinality };
        self.leaf(source, columns, name, None, alias, reads, scope)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one FROM item, each used once")]
    fn leaf(
        &self,
        source: Source,
        mut columns: Vec<LeafColumn>,
        name: &str,
        relation: Option<&'static BuiltinRelation>,
        alias: Option<&TableAlias>,
        reads: u64,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        if let Some(alias) = alias {
            if alias.columns.len() > columns.len() {
                return Err(QueryError::new(
                    crate::SqlState("42P10"),
                    format!(
                        "table \"{}\" has {} columns available but {} columns specified",
                        alias.name,
                        columns.len(),
                        alias.columns.len()
                    ),
                ));
            }
            for (column, renamed) in columns.iter_mut().zip(&alias.columns) {
                column.name = fold(&renamed.name);
            }
        }
        let table_oid = match source {
            Source::Table(_) => relation.map(|relation| relation.oid),
            _ => None,
        };
        let leaf = scope.add(Leaf {
            alias: alias.map_or_else(|| name.to_owned(), |alias| fold(&alias.name)),
            schema: relation.filter(|_| alias.is_none()).map(|relation| relation.schema),
            columns,
            table_oid,
        })?;
        let plan = LeafPlan { leaf, source, key: None, filters: Vec::new() };
        Ok(Joins::leaf(plan, reads))
    }
}

fn leaf_column(name: &str, type_oid: TypeOid) -> LeafColumn {
    LeafColumn {
        name: name.to_owned(),
        type_oid,
        modifier: -1,
        origin: (0, 0),
        fields: None,
        is_merged: false,
    }
}

fn relation_columns(relation: &BuiltinRelation) -> Vec<LeafColumn> {
    relation
        .columns
        .iter()
        .zip(1_i16..)
        .map(|(column, number)| LeafColumn {
            modifier: column.modifier,
            origin: (relation.oid, number),
            ..leaf_column(column.name, column.type_oid)
        })
        .collect()
}

fn output_columns(columns: &[super::super::plan::OutputColumn]) -> Vec<LeafColumn> {
    columns
        .iter()
        .map(|column| LeafColumn {
            origin: column.origin,
            modifier: column.modifier,
            fields: column.fields.as_ref().map(Arc::clone),
            ..leaf_column(&column.name, column.type_oid)
        })
        .collect()
}

fn from_arguments(arguments: &[FunctionArg]) -> Result<Vec<&Ast>, QueryError> {
    arguments
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(ast)) => Ok(ast),
            other => Err(unsupported(format!("argument {other}"))),
        })
        .collect()
}
