//! FROM: relations, views, subqueries, functions and joins.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, Ident, Join, JoinConstraint, JoinOperator,
    ObjectName, Query, TableAlias, TableFactor, TableWithJoins, visit_expressions,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::super::names::{fold, parts_of};
use super::super::plan::{Conjunct, Fetched, JoinNode, Joins, LeafPlan, QueryPlan, Source};
use super::super::types::{self, TypeOid};
use super::super::{stored, unsupported};
use super::scope::{Context, Leaf, LeafColumn, Scope, StarColumn};
use super::{Binder, Typed};
use crate::QueryError;
use crate::catalog::Relation;
use crate::catalog::pg_catalog::builtin::{self, BuiltinRelation};
use crate::objects::{Object, UserTable};

/// Which rows without a partner a join keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

/// A relation that FROM names.
#[derive(Clone, Copy)]
enum Named<'a> {
    Builtin(&'static BuiltinRelation),
    Stored(&'a Object),
    Chain(&'a Relation),
}

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
        let start = scope.star.len();
        let mut left = self.factor(&item.relation, scope)?;
        for join in &item.joins {
            left = self.join(left, join, start, scope)?;
        }
        Ok(left)
    }

    /// Joins one more item to `left`, whose columns in `*` begin at `start`.
    fn join(
        &self,
        mut left: Joins,
        join: &Join,
        start: usize,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        let middle = scope.star.len();
        let mut right = self.factor(&join.relation, scope)?;
        let (kind, constraint) = match &join.join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::CrossJoin(constraint) => (JoinKind::Inner, constraint),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                (JoinKind::Left, constraint)
            }
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                (JoinKind::Right, constraint)
            }
            JoinOperator::FullOuter(constraint) => (JoinKind::Full, constraint),
            _ => return Err(unsupported("this kind of join")),
        };
        let conditions = match constraint {
            JoinConstraint::On(condition) => {
                scope.clause.set("JOIN conditions");
                let found = self.conjuncts(condition, scope, "JOIN/ON")?;
                scope.clause.set("WHERE");
                found
            }
            JoinConstraint::Using(columns) => {
                let names =
                    columns.iter().map(|column| Ok(parts_of(column)?.pop().unwrap_or_default()));
                let names = names.collect::<Result<Vec<_>, QueryError>>()?;
                self.using(&names, (start, middle), kind, scope)?
            }
            JoinConstraint::None => Vec::new(),
            JoinConstraint::Natural => {
                let right = &scope.star[middle..];
                let is_common =
                    |column: &&StarColumn| right.iter().any(|other| other.name == column.name);
                let common = scope.star[start..middle].iter().filter(is_common);
                let names: Vec<String> = common.map(|column| column.name.clone()).collect();
                self.using(&names, (start, middle), kind, scope)?
            }
        };
        let is_lateral = right.reads() & left.mask() != 0;
        if is_lateral && matches!(kind, JoinKind::Right | JoinKind::Full) {
            return Err(unsupported("a lateral item on the kept side of a join"));
        }
        Ok(match kind {
            JoinKind::Inner => {
                left.inner(right, conditions);
                left
            }
            JoinKind::Left => {
                left.outer(right, conditions);
                left
            }
            JoinKind::Right => {
                right.outer(left, conditions);
                right
            }
            JoinKind::Full if left.reads() != 0 || right.reads() != 0 => {
                return Err(unsupported("a lateral item on the kept side of a join"));
            }
            JoinKind::Full => {
                left.full(right, conditions.into_iter().map(|one| one.expr).collect())
            }
        })
    }

    /// Conditions of USING. In `*` the columns come first and once, the rest of both sides after them.
    fn using(
        &self,
        names: &[String],
        (start, middle): (usize, usize),
        kind: JoinKind,
        scope: &mut Scope<'_>,
    ) -> Result<Vec<Conjunct>, QueryError> {
        let mut conjuncts = Vec::new();
        let mut merged = Vec::new();
        for name in names {
            let find = |side: &[StarColumn], which: &str| {
                let mut found = side.iter().filter(|column| column.name == *name);
                match (found.next(), found.next()) {
                    (Some(column), None) => Ok(column.clone()),
                    (Some(_), Some(_)) => Err(QueryError::new(
                        crate::SqlState::AMBIGUOUS_COLUMN,
                        format!(
                            "common column name \"{name}\" appears more than once in {which} table"
                        ),
                    )),
                    (None, _) => Err(QueryError::new(
                        crate::SqlState::UNDEFINED_COLUMN,
                        format!(
                            "column \"{name}\" specified in USING clause does not exist in {which} table"
                        ),
                    )),
                }
            };
            let first = find(&scope.star[start..middle], "left")?;
            let second = find(&scope.star[middle..], "right")?;
            let equal = self.operate("=", scope.starred(&first, 0)?, scope.starred(&second, 0)?)?;
            let mask =
                |column: &StarColumn| column.parts.iter().fold(0, |mask, part| mask | 1 << part.0);
            let (left, right) = (mask(&first), mask(&second));
            conjuncts.push(Conjunct {
                expr: equal.expr,
                mask: left | right,
                sides: Some((left, right)),
            });
            let type_oid =
                types::common_type(first.type_oid, second.type_oid).unwrap_or(first.type_oid);
            let parts = match kind {
                JoinKind::Inner | JoinKind::Left => first.parts,
                JoinKind::Right => second.parts,
                JoinKind::Full => first.parts.into_iter().chain(second.parts).collect(),
            };
            merged.push(StarColumn { name: name.clone(), parts, type_oid });
        }
        let rest = scope.star.split_off(start);
        scope.star.extend(merged);
        scope.star.extend(rest.into_iter().filter(|column| !names.contains(&column.name)));
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
        let names: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        if let Some(object) = self.env.view.object(&names) {
            let source = self.stored(object)?;
            return self.leaf(
                source,
                Vec::new(),
                &object.head().name,
                Some(Named::Stored(object)),
                alias,
                0,
                scope,
            );
        }
        if let Some(relation) = self.chain_relation(&names) {
            let (source, columns) = chain_source(relation, alias);
            return self.leaf(
                source,
                columns,
                &relation.name,
                Some(Named::Chain(relation)),
                alias,
                0,
                scope,
            );
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
                self.leaf(
                    source,
                    columns,
                    relation.name,
                    Some(Named::Builtin(relation)),
                    alias,
                    0,
                    scope,
                )
            }
            None => {
                let table = self.env.view.tables.get(relation, self.env.view);
                let columns = relation_columns(relation);
                let source = Source::Table(table);
                self.leaf(
                    source,
                    columns,
                    relation.name,
                    Some(Named::Builtin(relation)),
                    alias,
                    0,
                    scope,
                )
            }
        }
    }

    /// The chain table that a name means, where the statement may read them.
    fn chain_relation(&self, names: &[String]) -> Option<&Relation> {
        let view = self.env.view;
        let is_meant =
            |relation: &&Relation| relation.owned.is_none() && relation.schema == "chain";
        let mut chain = view.relations.iter().filter(is_meant).filter(|_| self.reach.has_chain);
        let [.., last] = names else { return None };
        let found = chain.find(|relation| relation.name == *last)?;
        let is_named = match names {
            [_] => view.search_path().iter().any(|schema| schema == "chain"),
            [schema, _] => schema == "chain",
            _ => false,
        };
        is_named.then_some(found)
    }

    /// A table that a client made, for a role that may read it.
    fn stored(&self, object: &Object) -> Result<Source, QueryError> {
        let Object::Table(table) = object else {
            return Err(unsupported(format!("{} here", object.kind())));
        };
        let rows = self.stored_rows.get().saturating_add(table.row_count());
        self.stored_rows.set(rows);
        if rows > self.reach.stored_rows_max {
            return Err(unsupported("a table with this many rows"));
        }
        stored::check_readable(self.env.view, &table.head)?;
        let columns = table.columns.iter().map(|column| column.column_type.pg_type.oid());
        Ok(Source::Stored { oid: table.head.oid, columns: columns.collect() })
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
        relation: Option<Named<'_>>,
        alias: Option<&TableAlias>,
        reads: u64,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        if let Some(Named::Stored(Object::Table(table))) = relation {
            columns = stored_columns(table);
        }
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
        let (table_oid, key) = match (&source, relation) {
            (Source::Table(_), Some(Named::Builtin(relation))) => {
                let oid = relation.columns.iter().position(|column| column.name == "oid");
                (Some(relation.oid), oid.into_iter().collect())
            }
            (_, Some(Named::Stored(Object::Table(table)))) => (None, primary_key(table)),
            _ => (None, Vec::new()),
        };
        let schema = relation.filter(|_| alias.is_none()).map(|relation| match relation {
            Named::Builtin(relation) => relation.schema.to_owned(),
            Named::Stored(object) => object.head().schema.clone(),
            Named::Chain(relation) => relation.schema.clone().into_owned(),
        });
        let used = match &source {
            Source::Fetched(fetched) => Some(Arc::clone(&fetched.used)),
            _ => None,
        };
        let stored_oid = match source {
            Source::Stored { oid, .. } => oid,
            _ => 0,
        };
        let alias = alias.map_or_else(|| name.to_owned(), |alias| fold(&alias.name));
        let leaf = scope.add(Leaf { alias, schema, columns, table_oid, stored_oid, key, used })?;
        let plan = LeafPlan { leaf, source, key: None, filters: Vec::new() };
        Ok(Joins::leaf(plan, reads))
    }
}

fn leaf_column(name: &str, type_oid: TypeOid) -> LeafColumn {
    LeafColumn { name: name.to_owned(), type_oid, modifier: -1, origin: (0, 0), fields: None }
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

/// A chain table as the planner reads it, under the name that the statement gives it.
fn chain_source(relation: &Relation, alias: Option<&TableAlias>) -> (Source, Vec<LeafColumn>) {
    let columns = relation.columns.iter().zip(1_i16..);
    let columns: Vec<LeafColumn> = columns
        .map(|(column, number)| LeafColumn {
            modifier: column.type_modifier,
            origin: (relation.oid, number),
            ..leaf_column(&column.name, column.pg_type.oid())
        })
        .collect();
    let shown = alias.map_or_else(|| relation.name.to_string(), |alias| alias.name.to_string());
    let source = Source::Fetched(Fetched {
        from: format!("chain.{} AS {shown}", relation.name),
        filter: None,
        columns: columns.iter().map(|column| (column.name.clone(), column.type_oid)).collect(),
        used: Arc::default(),
    });
    (source, columns)
}

/// Gives a lone chain table the condition of its query, so that the planner reads no more rows than it leaves.
pub(super) fn filter_fetched(joins: &mut Joins, condition: &Ast) {
    let mut has_more = false;
    let _: ControlFlow<()> = visit_expressions(condition, |part| {
        let is_more = match part {
            Ast::Subquery(_) | Ast::Exists { .. } | Ast::InSubquery { .. } => true,
            Ast::Value(value) => matches!(value.value, sqlparser::ast::Value::Placeholder(_)),
            _ => false,
        };
        has_more |= is_more;
        ControlFlow::Continue(())
    });
    if let ([item], false) = (joins.items.as_mut_slice(), has_more)
        && let JoinNode::Leaf(leaf) = &mut item.node
        && let Source::Fetched(fetched) = &mut leaf.source
        && joins.outers.is_empty()
    {
        fetched.filter = Some(condition.to_string());
    }
}

fn stored_columns(table: &UserTable) -> Vec<LeafColumn> {
    let columns = table.columns.iter().zip(1_i16..);
    columns
        .map(|(column, number)| LeafColumn {
            modifier: column.column_type.type_modifier,
            origin: (table.head.oid, number),
            ..leaf_column(&column.name, column.column_type.pg_type.oid())
        })
        .collect()
}

fn primary_key(table: &UserTable) -> Vec<usize> {
    let key = table.keys.iter().find(|key| key.is_primary);
    key.map(|key| key.columns.clone()).unwrap_or_default()
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
