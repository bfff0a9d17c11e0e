//! Views: the query of CREATE VIEW with every name settled, so that it says the same later.
//!
//! ```text
//! SELECT * FROM stage s ──> SELECT s.a, s.b FROM "\x01oid"."1234" AS s      (stored)
//!                           SELECT s.a, s.b FROM stage s                    (shown: pg_get_viewdef)
//! ```
//!
//! Relations that clients made are named by object id: a view keeps to its tables when they are renamed.
//! Stars of the outermost query are written out: a view keeps its columns when a table gets more.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    CreateView, Expr, Ident, ObjectName, Query, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, Statement as Ast, TableAlias, TableFactor, VisitMut, VisitorMut,
};

use super::{duplicate_table, parts};
use crate::catalog::resolve::OID_SCHEMA;
use crate::catalog::{CatalogView, RelationColumn};
use crate::catalog_query::names::quote_ident;
use crate::objects::{Head, Object, UserView};
use crate::session::copy::folded;
use crate::session::plan::write::Source;
use crate::session::write::parsed_query;
use crate::session::{Session, Stop, naming};
use crate::{PgType, QueryError, SqlState, rewrite};

impl Session {
    pub(super) async fn create_view(
        &mut self,
        view: &CreateView,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let mut settled =
            Settled { view: &self.view, scopes: Vec::new(), reads: Vec::new(), has_temp: false };
        let mut query = (*view.query).clone();
        if let ControlFlow::Break(error) = query.visit(&mut settled) {
            return Err(*error);
        }
        let (reads, has_temp) = (settled.reads, settled.has_temp);
        let is_temporary = view.temporary || has_temp;
        let name = self.lock_new(&view.name, is_temporary, stop).await?;
        if has_temp && !view.temporary {
            let message = format!("view \"{}\" will be a temporary view", name.name);
            self.notice("00000", message);
        }
        // As the view's text will be read, but with the privileges of the one who makes it.
        let source = self.source(&view.query, &[]).await?;
        if !source.parameter_types.is_empty() {
            return Err(QueryError::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"));
        }
        write_out_stars(&mut query, &source)?;
        let columns = columns(view, &source)?;
        let before = self.view.objects.get(&name.schema, &name.name).cloned();
        let mut head = match &before {
            None => {
                if self.is_taken(&name) {
                    return Err(duplicate_table(&name.name));
                }
                Head::new(name, self.new_oid(), &self.view.role)
            }
            Some(Object::View(old)) if view.or_replace => {
                self.view.role().check_owner(&old.head, "view")?;
                check_replaced(&old.columns, &columns)?;
                old.head.clone()
            }
            Some(_) if view.or_replace => {
                return Err(QueryError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a view", name.name),
                ));
            }
            Some(_) => return Err(duplicate_table(&name.name)),
        };
        if let Some(Object::View(old)) = &before {
            head.acl = old.head.acl.clone();
        }
        let made = UserView { head, columns, query: query.to_string(), reads };
        self.check_view(&made).await?;
        self.put(Object::View(Arc::new(made)))
    }

    /// Plans a view as it will be read.
    async fn check_view(&self, made: &UserView) -> Result<(), QueryError> {
        if made.reads.contains(&made.head.oid) {
            return Err(QueryError::new(
                SqlState("42P17"),
                format!("infinite recursion detected in rules for relation \"{}\"", made.head.name),
            ));
        }
        let mut objects = crate::objects::Objects::clone(&self.view.objects);
        let name = made.head.full_name();
        objects.put(Object::View(Arc::new(made.clone())))?;
        let view = self.view_with(objects);
        let schema = crate::session::write::quoted(&name.schema);
        let sql = format!("SELECT * FROM {schema}.{}", crate::session::write::quoted(&name.name));
        let found = self.source_on(&view, &parsed_query(&sql)?, &[]).await?;
        let is_same = found.columns.len() == made.columns.len()
            && found.columns.iter().zip(&made.columns).all(|(found, column)| {
                found.pg_type == column.pg_type || column.pg_type == PgType::Text
            });
        if is_same { Ok(()) } else { Err(crate::error::map::internal()) }
    }

    /// Whether every view that reads the relation still says what it said; for a change of its columns.
    ///
    /// # Errors
    /// 2BP01 for a column that a view needs.
    pub(super) async fn check_readers(
        &self,
        objects: &crate::objects::Objects,
        oid: u32,
        what: &str,
    ) -> Result<(), QueryError> {
        let view = self.view_with(objects.clone());
        for object in objects.all() {
            let Object::View(reader) = object else { continue };
            if !reader.reads.contains(&oid) {
                continue;
            }
            let head = &reader.head;
            let quoted = crate::session::write::quoted;
            let sql = format!("SELECT * FROM {}.{}", quoted(&head.schema), quoted(&head.name));
            let found = self.source_on(&view, &parsed_query(&sql)?, &[]).await;
            let is_same = found.is_ok_and(|found| {
                found.columns.len() == reader.columns.len()
                    && found
                        .columns
                        .iter()
                        .zip(&reader.columns)
                        .all(|(found, column)| found.pg_type == column.pg_type)
            });
            if !is_same {
                return Err(QueryError::new(
                    SqlState("2BP01"),
                    format!("cannot {what} because other objects depend on it"),
                )
                .with_detail(format!("view {} depends on it", head.name))
                .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
            }
        }
        Ok(())
    }
}

/// The query of a view as the planner reads it.
///
/// # Errors
/// As the planner, for what is in it.
pub(crate) fn view_statement(view: &UserView, catalog: &CatalogView) -> Result<Ast, QueryError> {
    let mut query = parsed_query(&view.query)?;
    naming::name_columns(&mut query);
    let mut statement = Ast::Query(Box::new(query));
    rewrite::rewrite(&mut statement, catalog)?;
    Ok(statement)
}

/// The query of a view as `pg_get_viewdef` shows it.
pub(crate) fn shown_query(view: &UserView, catalog: &CatalogView) -> Option<String> {
    let mut query = parsed_query(&view.query).ok()?;
    let _: ControlFlow<()> = query.visit(&mut Named { view: catalog });
    Some(format!(" {query};"))
}

/// Puts names for object ids.
struct Named<'a> {
    view: &'a CatalogView,
}

impl VisitorMut for Named<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, .. } = factor else {
            return ControlFlow::Continue(());
        };
        if let [schema, oid] = name.0.as_slice()
            && schema.as_ident().is_some_and(|schema| schema.value == OID_SCHEMA)
            && let Some(object) = oid
                .as_ident()
                .and_then(|oid| oid.value.parse().ok())
                .and_then(|oid| self.view.objects.by_oid(oid))
        {
            let head = object.head();
            let found = self.view.object(std::slice::from_ref(&head.name));
            let is_visible = found.is_some_and(|found| found.head().oid == head.oid);
            let ident = |name: &str| {
                let quoted = quote_ident(name);
                if quoted == name { Ident::new(name) } else { Ident::with_quote('"', name) }
            };
            let parts = match is_visible {
                true => vec![ident(&head.name)],
                false => vec![ident(&head.schema), ident(&head.name)],
            };
            *name = ObjectName::from(parts);
            if alias
                .as_ref()
                .is_some_and(|alias| alias.columns.is_empty() && folded(&alias.name) == head.name)
            {
                *alias = None;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Names of the WITH queries that one query can use.
#[derive(Default)]
struct Scope {
    names: Vec<String>,
    /// Names of its WITH queries that have not been visited: the next queries inside are theirs.
    pending: Vec<String>,
}

/// Settles names as a visitor. WITH queries come before the body of their query, in order.
struct Settled<'a> {
    view: &'a CatalogView,
    scopes: Vec<Scope>,
    reads: Vec<u32>,
    has_temp: bool,
}

impl VisitorMut for Settled<'_> {
    type Break = Box<QueryError>;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        let mut scope = Scope::default();
        if let Some(with) = &query.with {
            let names: Vec<String> =
                with.cte_tables.iter().map(|cte| folded(&cte.alias.name)).collect();
            if with.recursive {
                scope.names.clone_from(&names);
            }
            scope.pending = names.into_iter().rev().collect();
        }
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.scopes.pop();
        if let Some(outer) = self.scopes.last_mut()
            && let Some(name) = outer.pending.pop()
        {
            outer.names.push(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        let TableFactor::Table { name, alias, args: None, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let found = parts(name);
        if let [one] = found.as_slice()
            && self.scopes.iter().any(|scope| scope.names.contains(one))
        {
            return ControlFlow::Continue(());
        }
        if let Some(object) = self.view.object(&found) {
            let head = object.head();
            self.has_temp |= self.view.objects.is_temp_schema(&head.schema);
            if !self.reads.contains(&head.oid) {
                self.reads.push(head.oid);
            }
            if alias.is_none() {
                *alias = Some(TableAlias {
                    explicit: true,
                    name: Ident::with_quote('"', head.name.as_str()),
                    columns: Vec::new(),
                    at: None,
                });
            }
            let parts = [OID_SCHEMA.to_owned(), head.oid.to_string()];
            *name = ObjectName::from(parts.map(|part| Ident::with_quote('"', part)).to_vec());
            return ControlFlow::Continue(());
        }
        // A relation of the system: with its schema, so that no search path matters.
        if let [one] = found.as_slice() {
            let path = self.view.search_path();
            let schema = path.iter().find(|schema| {
                self.view
                    .relations
                    .iter()
                    .any(|known| known.schema == **schema && known.name == *one)
                    || crate::catalog::pg_catalog::table_oid(schema, one) != 0
            });
            if let Some(schema) = schema {
                *name = ObjectName::from(vec![
                    Ident::with_quote('"', schema.as_str()),
                    Ident::with_quote('"', one.as_str()),
                ]);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        // Every table has an alias now, which knows no schema.
        if let Expr::CompoundIdentifier(names) = expr
            && names.len() > 2
        {
            names.drain(..names.len() - 2);
        }
        ControlFlow::Continue(())
    }
}

/// Writes out the stars of the outermost SELECT.
fn write_out_stars(query: &mut Query, source: &Source) -> Result<(), QueryError> {
    let SetExpr::Select(select) = &mut *query.body else { return Ok(()) };
    let is_star = |item: &SelectItem| {
        matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
    };
    if !select.projection.iter().any(is_star) {
        return Ok(());
    }
    let total = source.origins.len();
    let (mut items, mut at) = (Vec::with_capacity(total), 0);
    let column = |at: usize| {
        let (table, name) = &source.origins[at];
        let name = Ident::with_quote('"', name.as_str());
        SelectItem::UnnamedExpr(match table {
            Some(table) => {
                Expr::CompoundIdentifier(vec![Ident::with_quote('"', table.as_str()), name])
            }
            None => Expr::Identifier(name),
        })
    };
    let count = select.projection.len();
    for (number, item) in std::mem::take(&mut select.projection).into_iter().enumerate() {
        let end = match &item {
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let wanted = parts(name).pop();
                let same =
                    source.origins[at.min(total)..].iter().take_while(|origin| origin.0 == wanted);
                at + same.count()
            }
            // What is left for one star is known when no other follows.
            SelectItem::Wildcard(_) => total.saturating_sub(count - number - 1),
            _ => {
                items.push(item);
                at += 1;
                continue;
            }
        };
        if end < at || end > total {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "a view with this combination of stars is not supported",
            )
            .with_hint("Write out the columns."));
        }
        items.extend((at..end).map(column));
        at = end;
    }
    if at != total {
        return Err(QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "a view with this combination of stars is not supported",
        )
        .with_hint("Write out the columns."));
    }
    select.projection = items;
    Ok(())
}

fn columns(view: &CreateView, source: &Source) -> Result<Vec<RelationColumn>, QueryError> {
    if view.columns.len() > source.columns.len() {
        return Err(QueryError::new(
            SqlState::SYNTAX_ERROR,
            "CREATE VIEW specifies more column names than columns",
        ));
    }
    let mut columns: Vec<RelationColumn> = Vec::with_capacity(source.columns.len());
    for (at, found) in source.columns.iter().enumerate() {
        let name = view.columns.get(at).map_or_else(|| found.name.clone(), |one| folded(&one.name));
        if columns.iter().any(|known| known.name == name) {
            return Err(QueryError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
        let pg_type = match found.pg_type {
            PgType::Unknown => PgType::Text,
            other => other,
        };
        columns.push(RelationColumn {
            name: name.into(),
            pg_type,
            type_modifier: found.type_modifier,
            nullable: true,
            comment: "".into(),
        });
    }
    Ok(columns)
}

/// CREATE OR REPLACE VIEW may only add columns at the end.
fn check_replaced(old: &[RelationColumn], new: &[RelationColumn]) -> Result<(), QueryError> {
    let invalid = |message: String| QueryError::new(SqlState("42P16"), message);
    if new.len() < old.len() {
        return Err(invalid("cannot drop columns from view".to_owned()));
    }
    for (old, new) in old.iter().zip(new) {
        if old.name != new.name {
            return Err(invalid(format!(
                "cannot change name of view column \"{}\" to \"{}\"",
                old.name, new.name
            ))
            .with_hint(
                "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
            ));
        }
        if (old.pg_type, old.type_modifier) != (new.pg_type, new.type_modifier) {
            let shown = crate::objects::ColumnType::shown_of;
            return Err(invalid(format!(
                "cannot change data type of view column \"{}\" from {} to {}",
                old.name,
                shown(old.pg_type),
                shown(new.pg_type)
            )));
        }
    }
    Ok(())
}
