//! Catalog rows of keys: a constraint for each key, and an index for each primary or unique one.
//!
//! The chain's rules make these columns unique, so nothing enforces them; the index stands for the
//! lookups by hash and by number that storage has.

use schemas::Reference;

use super::builtin;
use super::user_rows::{Maker, OWNER_OID, int, schema_oid};
use crate::PgType;
use crate::catalog::{CatalogView, Relation, oid_of};
use crate::catalog_query::{Row, Value};

const BTREE_OID: u32 = 403;

/// A primary or unique key, which PostgreSQL would keep in an index.
struct Index<'a> {
    own: &'a Relation,
    columns: &'static [&'static str],
    is_primary: bool,
}

impl Index<'_> {
    /// PostgreSQL's name for it: `blocks_pkey`, `blocks_hash_key`.
    fn name(&self) -> String {
        if self.is_primary {
            return format!("{}_pkey", self.own.name);
        }
        format!("{}_{}_key", self.own.name, self.columns.join("_"))
    }

    fn oid(&self, view: &CatalogView) -> u32 {
        oid_of(&view.database, "index", &format!("{}.{}", self.own.schema, self.name()))
    }
}

fn indexes(own: &Relation) -> Vec<Index<'_>> {
    let primary = Some(own.keys.primary).filter(|columns| !columns.is_empty());
    let primary = primary.map(|columns| Index { own, columns, is_primary: true });
    let unique = own.keys.unique.iter().map(|columns| Index { own, columns, is_primary: false });
    primary.into_iter().chain(unique).collect()
}

fn all_indexes(view: &CatalogView) -> Vec<Index<'_>> {
    view.relations.iter().flat_map(indexes).collect()
}

/// Position of a column from 1, and its type.
fn column(own: &Relation, name: &str) -> Option<(i64, PgType)> {
    let at = own.columns.iter().position(|column| column.name == name)?;
    Some((i64::try_from(at + 1).ok()?, own.columns[at].pg_type))
}

fn numbers(own: &Relation, names: &[&str]) -> Value {
    Value::array(names.iter().filter_map(|name| Some(int(column(own, name)?.0))).collect())
}

/// Whether a foreign key starts or ends at the relation.
pub(super) fn is_in_reference(view: &CatalogView, own: &Relation) -> bool {
    let ends_here = |other: &Relation| {
        other.schema == own.schema && other.keys.references.iter().any(|one| one.table == own.name)
    };
    !own.keys.references.is_empty() || view.relations.iter().any(ends_here)
}

/// Rows of `pg_constraint`.
pub(super) fn constraints(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let keys = all_indexes(view).into_iter().map(|index| key_constraint(make, view, &index));
    let references = view.relations.iter().flat_map(|own| {
        own.keys.references.iter().filter_map(|one| reference_constraint(make, view, own, one))
    });
    keys.chain(references).collect()
}

fn constraint_oid(view: &CatalogView, own: &Relation, name: &str) -> u32 {
    oid_of(&view.database, "constraint", &format!("{}.{name}", own.schema))
}

fn key_constraint(make: &Maker<'_>, view: &CatalogView, index: &Index<'_>) -> Row {
    let (own, name) = (index.own, index.name());
    make.row(&[
        ("oid", Value::oid(constraint_oid(view, own, &name))),
        ("conname", Value::text(name)),
        ("connamespace", Value::oid(schema_oid(&view.database, &own.schema))),
        ("contype", Value::text(if index.is_primary { "p" } else { "u" })),
        ("convalidated", Value::Bool(true)),
        ("conrelid", Value::oid(own.oid)),
        ("conindid", Value::oid(index.oid(view))),
        ("confupdtype", Value::text(" ")),
        ("confdeltype", Value::text(" ")),
        ("confmatchtype", Value::text(" ")),
        ("conislocal", Value::Bool(true)),
        ("connoinherit", Value::Bool(true)),
        ("conkey", numbers(own, index.columns)),
    ])
}

fn reference_constraint(
    make: &Maker<'_>,
    view: &CatalogView,
    own: &Relation,
    reference: &Reference,
) -> Option<Row> {
    let other = view
        .relations
        .iter()
        .find(|other| other.schema == own.schema && other.name == reference.table)?;
    let index = indexes(other).into_iter().find(|index| index.columns == reference.target)?;
    let name = format!("{}_{}_fkey", own.name, reference.columns.join("_"));
    let equals = reference.columns.iter().filter_map(|name| equality(column(own, name)?.1));
    let equals = Value::array(equals.collect());
    Some(make.row(&[
        ("oid", Value::oid(constraint_oid(view, own, &name))),
        ("conname", Value::text(name)),
        ("connamespace", Value::oid(schema_oid(&view.database, &own.schema))),
        ("contype", Value::text("f")),
        ("convalidated", Value::Bool(true)),
        ("conrelid", Value::oid(own.oid)),
        ("conindid", Value::oid(index.oid(view))),
        ("confrelid", Value::oid(other.oid)),
        ("confupdtype", Value::text("a")),
        ("confdeltype", Value::text("a")),
        ("confmatchtype", Value::text("s")),
        ("conislocal", Value::Bool(true)),
        ("connoinherit", Value::Bool(true)),
        ("conkey", numbers(own, reference.columns)),
        ("confkey", numbers(other, reference.target)),
        ("conpfeqop", equals.clone()),
        ("conppeqop", equals.clone()),
        ("conffeqop", equals),
    ]))
}

/// Rows of `pg_index`.
pub(super) fn index_rows(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let row = |index: &Index<'_>| {
        let count = i64::try_from(index.columns.len()).unwrap_or(i64::MAX);
        let each = |value: &dyn Fn(PgType) -> Value| {
            let columns = index.columns.iter().filter_map(|name| column(index.own, name));
            Value::array(columns.map(|(_, pg_type)| value(pg_type)).collect())
        };
        make.row(&[
            ("indexrelid", Value::oid(index.oid(view))),
            ("indrelid", Value::oid(index.own.oid)),
            ("indnatts", int(count)),
            ("indnkeyatts", int(count)),
            ("indisunique", Value::Bool(true)),
            ("indisprimary", Value::Bool(index.is_primary)),
            ("indimmediate", Value::Bool(true)),
            ("indisvalid", Value::Bool(true)),
            ("indisready", Value::Bool(true)),
            ("indislive", Value::Bool(true)),
            ("indkey", numbers(index.own, index.columns)),
            ("indcollation", each(&|_| int(0))),
            ("indclass", each(&|pg_type| operator_class(pg_type).unwrap_or(int(0)))),
            ("indoption", each(&|_| int(0))),
        ])
    };
    all_indexes(view).iter().map(row).collect()
}

/// Rows of `pg_class` for the indexes.
pub(super) fn classes(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let row = |index: &Index<'_>| {
        make.row(&[
            ("oid", Value::oid(index.oid(view))),
            ("relname", Value::text(index.name())),
            ("relnamespace", Value::oid(schema_oid(&view.database, &index.own.schema))),
            ("relowner", Value::oid(OWNER_OID)),
            ("relam", Value::oid(BTREE_OID)),
            ("relfilenode", Value::oid(index.oid(view))),
            ("relpersistence", Value::text("p")),
            ("relkind", Value::text("i")),
            ("relnatts", int(i64::try_from(index.columns.len()).unwrap_or(i64::MAX))),
            ("relispopulated", Value::Bool(true)),
            ("relreplident", Value::text("n")),
        ])
    };
    all_indexes(view).iter().map(row).collect()
}

/// Columns of the indexes: (object id of the index, name of the column in its table, its position).
pub(super) fn columns(view: &CatalogView) -> Vec<(u32, &Relation, &'static str, i64)> {
    all_indexes(view)
        .into_iter()
        .flat_map(|index| {
            let oid = index.oid(view);
            let named = index.columns.iter().zip(1_i64..);
            named.map(move |(name, at)| (oid, index.own, *name, at)).collect::<Vec<_>>()
        })
        .collect()
}

/// A row of the built-in catalog `table` for which `wanted` holds, as its object id.
fn builtin_oid(table: &str, wanted: &[(&str, Value)]) -> Option<Value> {
    let relation = builtin::relation("pg_catalog", table)?;
    let rows = super::tables::builtin_table(relation);
    let row = rows.rows.iter().find(|row| {
        wanted.iter().all(|(name, value)| rows.position(name).is_some_and(|at| row[at] == *value))
    })?;
    Some(row[rows.position("oid")?].clone())
}

/// The default B-tree operator class of a type.
fn operator_class(pg_type: PgType) -> Option<Value> {
    builtin_oid(
        "pg_opclass",
        &[
            ("opcmethod", Value::oid(BTREE_OID)),
            ("opcintype", Value::oid(pg_type.oid())),
            ("opcdefault", Value::Bool(true)),
        ],
    )
}

/// The operator `=` of a type.
fn equality(pg_type: PgType) -> Option<Value> {
    let operand = Value::oid(pg_type.oid());
    builtin_oid(
        "pg_operator",
        &[("oprname", Value::text("=")), ("oprleft", operand.clone()), ("oprright", operand)],
    )
}
