//! Catalog rows of what only clients make: defaults, sequences, the rules behind views, and what depends
//! on what.

use sqlparser::ast::{Expr, Value as Literal};

use super::keys::constraint_oid;
use super::user_rows::{Maker, PG_CLASS_OID, PG_NAMESPACE_OID, int, schema_oid};
use crate::PgType;
use crate::catalog::{CatalogView, oid_of};
use crate::catalog_query::names::quote_ident;
use crate::catalog_query::types::type_name;
use crate::catalog_query::{Row, Value};
use crate::objects::{Identity, Object, UserDefault, UserTable, UserView};

const PG_ATTRDEF_OID: u32 = 2604;
const PG_REWRITE_OID: u32 = 2618;

fn tables(view: &CatalogView) -> impl Iterator<Item = &UserTable> {
    view.objects.all().filter_map(|object| match object {
        Object::Table(table) => Some(&**table),
        _ => None,
    })
}

fn views(view: &CatalogView) -> impl Iterator<Item = &UserView> {
    view.objects.all().filter_map(|object| match object {
        Object::View(found) => Some(&**found),
        _ => None,
    })
}

/// A default as `pg_get_expr` shows it, a text literal with the type of its column; `None` for that of an
/// identity column, which is no default.
pub(crate) fn default_text(
    view: &CatalogView,
    default: &UserDefault,
    pg_type: PgType,
) -> Option<String> {
    match default {
        UserDefault::Expr(expr) => {
            let literal = matches!(&**expr, Expr::Value(value) if matches!(value.value, Literal::SingleQuotedString(_)));
            let is_shown = matches!(
                pg_type,
                PgType::Text | PgType::Varchar | PgType::Bpchar | PgType::Json | PgType::Other(_)
            );
            Some(match literal && is_shown {
                true => format!("{expr}::{}", type_name(pg_type.oid())),
                false => expr.to_string(),
            })
        }
        UserDefault::Serial { sequence, identity: Identity::No, .. } => {
            let head = view.objects.by_oid(*sequence)?.head();
            let found = view.object(std::slice::from_ref(&head.name));
            let name = match found.is_some_and(|found| found.head().oid == *sequence) {
                true => quote_ident(&head.name),
                false => format!("{}.{}", quote_ident(&head.schema), quote_ident(&head.name)),
            };
            Some(format!("nextval('{}'::regclass)", name.replace('\'', "''")))
        }
        UserDefault::Serial { .. } => None,
    }
}

/// What clients say about constraints, by object id.
pub(super) fn constraint_comments(view: &CatalogView) -> impl Iterator<Item = (u32, &str)> {
    tables(view).flat_map(move |table| {
        let at = (table.head.schema.as_str(), table.head.name.as_str());
        let comments = table.constraint_comments.iter();
        comments.map(move |(name, text)| (constraint_oid(view, at, name), text.as_str()))
    })
}

fn default_oid(view: &CatalogView, table: &UserTable, column: &str) -> u32 {
    oid_of(&view.database, "default", &format!("{}.{column}", table.head.oid))
}

/// Columns with a default, each with its number and the default's text.
fn with_default<'a>(
    view: &'a CatalogView,
    table: &'a UserTable,
) -> impl Iterator<Item = (&'a str, i64, String)> {
    table.columns.iter().zip(1_i64..).filter_map(move |(column, number)| {
        let text = default_text(view, column.default.as_ref()?, column.column_type.pg_type)?;
        Some((column.name.as_str(), number, text))
    })
}

/// Rows of `pg_attrdef`.
pub(super) fn defaults(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let of_table = |table| {
        with_default(view, table).map(move |(column, number, text)| {
            make.row(&[
                ("oid", Value::oid(default_oid(view, table, column))),
                ("adrelid", Value::oid(table.head.oid)),
                ("adnum", int(number)),
                ("adbin", Value::text(text)),
            ])
        })
    };
    tables(view).flat_map(of_table).collect()
}

fn rule_oid(view: &CatalogView, found: &UserView) -> u32 {
    oid_of(&view.database, "rule", &found.head.oid.to_string())
}

/// Rows of `pg_rewrite`: a view is a rule to PostgreSQL.
pub(super) fn rules(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let row = |found: &UserView| {
        make.row(&[
            ("oid", Value::oid(rule_oid(view, found))),
            ("rulename", Value::text("_RETURN")),
            ("ev_class", Value::oid(found.head.oid)),
            ("ev_type", Value::text("1")),
            ("ev_enabled", Value::text("O")),
            ("is_instead", Value::Bool(true)),
        ])
    };
    views(view).map(row).collect()
}

/// Rows of `pg_sequence`.
pub(super) fn sequences(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let row = |object: &Object| {
        let Object::Sequence(sequence) = object else { return None };
        let steps = sequence.counter.steps;
        Some(make.row(&[
            ("seqrelid", Value::oid(sequence.head.oid)),
            ("seqtypid", Value::oid(sequence.pg_type.oid())),
            ("seqstart", int(steps.start)),
            ("seqincrement", int(steps.increment)),
            ("seqmax", int(steps.max)),
            ("seqmin", int(steps.min)),
            ("seqcache", int(1)),
            ("seqcycle", Value::Bool(steps.cycle)),
        ]))
    };
    view.objects.all().filter_map(row).collect()
}

/// Rows of `pg_depend`: relations on their schemas, views on what they read, defaults and sequences on
/// their columns.
pub(super) fn dependencies(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let row = |class: u32, object: u32, on_class: u32, on: u32, part: i64, kind: &str| {
        make.row(&[
            ("classid", Value::oid(class)),
            ("objid", Value::oid(object)),
            ("refclassid", Value::oid(on_class)),
            ("refobjid", Value::oid(on)),
            ("refobjsubid", int(part)),
            ("deptype", Value::text(kind)),
        ])
    };
    let mut rows = Vec::new();
    for object in view.objects.all() {
        let head = object.head();
        let schema = schema_oid(view, &head.schema);
        rows.push(row(PG_CLASS_OID, head.oid, PG_NAMESPACE_OID, schema, 0, "n"));
        if let Object::Sequence(sequence) = object
            && let Some((table, column)) = &sequence.owned_by
            && let Some((table, at)) = tables(view)
                .find(|found| found.head.oid == *table)
                .and_then(|table| Some((table, table.position(column)?)))
        {
            let is_identity = matches!(
                table.columns[at].default,
                Some(UserDefault::Serial { identity: Identity::Always | Identity::ByDefault, .. })
            );
            let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
            let kind = if is_identity { "i" } else { "a" };
            rows.push(row(PG_CLASS_OID, head.oid, PG_CLASS_OID, table.head.oid, number, kind));
        }
    }
    for table in tables(view) {
        for (column, number, _) in with_default(view, table) {
            let default = default_oid(view, table, column);
            rows.push(row(PG_ATTRDEF_OID, default, PG_CLASS_OID, table.head.oid, number, "a"));
        }
    }
    for found in views(view) {
        let rule = rule_oid(view, found);
        rows.push(row(PG_REWRITE_OID, rule, PG_CLASS_OID, found.head.oid, 0, "i"));
        rows.push(row(PG_REWRITE_OID, rule, PG_CLASS_OID, found.head.oid, 0, "n"));
        for read in &found.reads {
            rows.push(row(PG_REWRITE_OID, rule, PG_CLASS_OID, *read, 0, "n"));
        }
    }
    rows
}
