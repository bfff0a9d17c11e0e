//! FROM: relations, views, subqueries, functions and joins.

use std::sync::Arc;

use sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, Ident, Join, JoinConstraint, JoinOperator,
    ObjectName, Query, TableAlias, TableFactor, TableWithJoins,
};

use super::super::names::{fold, parts_of};
use super::super::plan::{Conjunct, Expr, Joins, LeafPlan, Source};
use super::super::types::{self, TypeOid};
use super::super::{Value, unsupported};
use super::scope::{Leaf, LeafColumn, Scope, StarColumn};
use super::{Binder, Typed};
use crate::QueryError;
use crate::catalog::Relation;
use crate::catalog::pg_catalog::builtin::BuiltinRelation;
use crate::limits::SMALL_TABLE_ROWS_MAX;
use crate::objects::{Object, UserTable};
use crate::rewrite::series::parsed;

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
pub(super) enum Named<'a> {
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

    /// `unnest(a, b, …)`: the elements of several arrays beside one another.
    fn side_by_side(
        &self,
        arguments: &[&Ast],
        alias: Option<&TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        let calls: Vec<String> = arguments.iter().map(|list| format!("unnest({list})")).collect();
        let query = parsed(&format!("SELECT {}", calls.join(", ")));
        let query = query.ok_or_else(|| unsupported("this form of unnest()"))?;
        if let Some(alias) = alias {
            return self.derived(&query, true, Some(alias), scope);
        }
        let named = TableAlias {
            explicit: true,
            name: Ident::new("unnest"),
            columns: Vec::new(),
            at: None,
        };
        self.derived(&query, true, Some(&named), scope)
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
        if let ("unnest", [_, _, ..], false) = (name.as_str(), arguments, ordinality) {
            return self.side_by_side(arguments, alias, scope);
        }
        let bind = || arguments.iter().map(|ast| self.expr(ast, scope)).collect();
        let (arguments, reads): (Vec<Typed>, u64) = scope.tracked(bind)?;
        let (call, returns) = self.resolve_call(name, arguments)?;
        if name == "generate_series" && !is_short(&call.arguments) {
            self.is_series.set(true);
        }
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
    pub(super) fn leaf(
        &self,
        source: Source,
        mut columns: Vec<LeafColumn>,
        name: &str,
        relation: Option<Named<'_>>,
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

/// Whether a series has known bounds and few rows: it is no reason to leave it to the planner, which streams.
fn is_short(bounds: &[Expr]) -> bool {
    let whole = |at: usize| match bounds.get(at) {
        Some(Expr::Const(Value::Int(value))) => Some(*value),
        _ => None,
    };
    let step = if bounds.len() > 2 { whole(2) } else { Some(1) };
    match (whole(0), whole(1), step) {
        (Some(from), Some(to), Some(step)) if step != 0 => {
            let rows = to.saturating_sub(from) / step;
            usize::try_from(rows.max(0)).is_ok_and(|rows| rows < SMALL_TABLE_ROWS_MAX)
        }
        _ => false,
    }
}

pub(super) fn leaf_column(name: &str, type_oid: TypeOid) -> LeafColumn {
    LeafColumn { name: name.to_owned(), type_oid, modifier: -1, origin: (0, 0), fields: None }
}

fn primary_key(table: &UserTable) -> Vec<usize> {
    let key = table.keys.iter().find(|key| key.is_primary);
    key.map(|key| key.columns.clone()).unwrap_or_default()
}

pub(super) fn output_columns(columns: &[super::super::plan::OutputColumn]) -> Vec<LeafColumn> {
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
