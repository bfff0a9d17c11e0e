//! Relations that FROM names: items of WITH, tables of clients, chain tables, catalogs and their views.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{Expr as Ast, ObjectName, TableAlias, visit_expressions};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::super::names::parts_of;
use super::super::plan::{Fetched, JoinNode, Joins, QueryPlan, Source};
use super::super::{stored, unsupported};
use super::Binder;
use super::from::{Named, leaf_column, output_columns};
use super::objects::view_columns;
use super::scope::{Context, LeafColumn, Scope};
use crate::QueryError;
use crate::catalog::Relation;
use crate::catalog::pg_catalog::builtin::{self, BuiltinRelation};
use crate::objects::{Object, UserTable};

impl Binder<'_> {
    /// A relation of FROM.
    ///
    /// # Errors
    /// 0A000 for one that is not read here, 42501 for one that the role may not read.
    pub(super) fn relation(
        &self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<Joins, QueryError> {
        let names = parts_of(name)?;
        if let [name] = names.as_slice()
            && let Some(cte) = scope.context.ctes.and_then(|ctes| ctes.find(name))
        {
            let columns = output_columns(&cte.columns);
            let types = cte.columns.iter().map(|column| column.type_oid).collect();
            let source = Source::Cte { id: cte.id, columns: types };
            return self.leaf(source, columns, name, None, alias, 0, scope);
        }
        if let Some(object) = self.object(&names) {
            let ((source, columns), named) = (self.stored(object)?, Some(Named::Stored(object)));
            let name = &object.head().name;
            return self.leaf(source, columns, name, named, alias, 0, scope);
        }
        if let Some(relation) = self.chain_relation(&names) {
            let (source, columns) = chain_source(relation, alias);
            let named = Some(Named::Chain(relation));
            return self.leaf(source, columns, &relation.name, named, alias, 0, scope);
        }
        let relation = self.builtin_relation(&names);
        let relation = relation.ok_or_else(|| unsupported(format!("relation {name}")))?;
        self.is_catalog.set(true);
        let source = match &relation.definition {
            Some(_) => {
                let plan = self.nested(|| self.view(relation))?;
                Source::Query { plan: Box::new(plan), lateral: false }
            }
            None => Source::Table(self.env.view.tables.get(relation, self.env.view)),
        };
        let (columns, named) = (relation_columns(relation), Some(Named::Builtin(relation)));
        self.leaf(source, columns, relation.name, named, alias, 0, scope)
    }

    fn builtin_relation(&self, names: &[String]) -> Option<&'static BuiltinRelation> {
        match names {
            [name] => builtin::relation("pg_catalog", name),
            [schema, name] => builtin::relation(schema, name),
            [catalog, schema, name] if *catalog == self.env.view.database => {
                builtin::relation(schema, name)
            }
            _ => None,
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

    /// A table that a client made, for a role that may read it, or a view that the planner cannot read.
    fn stored(&self, object: &Object) -> Result<(Source, Vec<LeafColumn>), QueryError> {
        let table = match object {
            Object::Table(table) => table,
            Object::View(view) if self.env.view.objects.is_evaluated(object) => {
                stored::check_readable(self.env.view, &self.role.borrow(), object)?;
                let plan = self.nested(|| self.client_view(view))?;
                let source = Source::Query { plan: Box::new(plan), lateral: false };
                return Ok((source, view_columns(view)));
            }
            _ => return Err(unsupported(format!("{} here", object.kind()))),
        };
        let rows = self.stored_rows.get().saturating_add(table.row_count());
        self.stored_rows.set(rows);
        if rows > self.reach.stored_rows_max {
            return Err(unsupported("a table with this many rows"));
        }
        stored::check_readable(self.env.view, &self.role.borrow(), object)?;
        let columns = table.columns.iter().map(|column| column.column_type.pg_type.oid());
        let source = Source::Stored { oid: table.head.oid, columns: columns.collect() };
        Ok((source, stored_columns(table)))
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
