//! Catalog rows of keys: a constraint for each key, and an index for each primary or unique one.
//!
//! The chain's rules make the keys of its tables unique, so nothing enforces them; the index stands for the
//! lookups by hash and by number that storage has. Keys of tables that clients made are enforced when rows
//! come in.

use super::builtin;
use super::user_rows::{Maker, int, owner_oid, schema_oid};
use crate::PgType;
use crate::catalog::{CatalogView, KeyKind, Relation, RelationColumn, RelationKey, oid_of};
use crate::catalog_query::{Row, Value};

const BTREE_OID: u32 = 403;

/// A key with its relation.
struct Key<'a> {
    own: &'a Relation,
    key: &'a RelationKey,
}

impl Key<'_> {
    /// Whether PostgreSQL would keep it in an index.
    fn has_index(&self) -> bool {
        matches!(self.key.kind, KeyKind::Primary | KeyKind::Unique | KeyKind::Index { .. })
    }

    fn is_primary(&self) -> bool {
        self.key.kind == KeyKind::Primary
    }

    fn is_unique(&self) -> bool {
        !matches!(self.key.kind, KeyKind::Index { is_unique: false })
    }

    fn index_oid(&self, view: &CatalogView) -> u32 {
        oid_of(&view.database, "index", &format!("{}.{}", self.own.schema, self.key.name))
    }

    fn columns(&self) -> impl Iterator<Item = &RelationColumn> {
        self.key.columns.iter().filter_map(|at| self.own.columns.get(*at))
    }

    fn count(&self) -> i64 {
        i64::try_from(self.key.columns.len()).unwrap_or(i64::MAX)
    }
}

fn all(view: &CatalogView) -> Vec<Key<'_>> {
    view.relations.iter().flat_map(|own| own.keys.iter().map(move |key| Key { own, key })).collect()
}

fn indexes(view: &CatalogView) -> Vec<Key<'_>> {
    let mut keys = all(view);
    keys.retain(Key::has_index);
    keys
}

fn numbers(columns: &[usize]) -> Value {
    Value::array(columns.iter().map(|at| int(i64::try_from(at + 1).unwrap_or(0))).collect())
}

/// Whether the relation has an index.
pub(super) fn has_index(own: &Relation) -> bool {
    own.keys.iter().any(|key| Key { own, key }.has_index())
}

/// Number of CHECK constraints.
pub(super) fn check_count(own: &Relation) -> i64 {
    let checks = own.keys.iter().filter(|key| matches!(key.kind, KeyKind::Check(_)));
    i64::try_from(checks.count()).unwrap_or(i64::MAX)
}

/// Whether a foreign key starts or ends at the relation.
pub(super) fn is_in_reference(view: &CatalogView, own: &Relation) -> bool {
    let starts = |key: &RelationKey| matches!(key.kind, KeyKind::Reference { .. });
    let ends = |key: &RelationKey| matches!(key.kind, KeyKind::Reference { table, .. } if table == own.oid);
    own.keys.iter().any(starts) || view.relations.iter().any(|other| other.keys.iter().any(ends))
}

/// Rows of `pg_constraint`.
pub(super) fn constraints(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    all(view).iter().filter_map(|key| constraint(make, view, key)).collect()
}

/// Object id of constraint `name` of the relation `schema.table`.
pub(super) fn constraint_oid(view: &CatalogView, (schema, table): (&str, &str), name: &str) -> u32 {
    oid_of(&view.database, "constraint", &format!("{schema}.{table}.{name}"))
}

fn constraint(make: &Maker<'_>, view: &CatalogView, found: &Key<'_>) -> Option<Row> {
    let Key { own, key } = found;
    let mut fields = vec![
        ("oid", Value::oid(constraint_oid(view, (&own.schema, &own.name), &key.name))),
        ("conname", Value::text(&*key.name)),
        ("connamespace", Value::oid(schema_oid(view, &own.schema))),
        ("convalidated", Value::Bool(true)),
        ("conrelid", Value::oid(own.oid)),
        ("conislocal", Value::Bool(true)),
        ("conkey", numbers(&key.columns)),
        ("confupdtype", Value::text(" ")),
        ("confdeltype", Value::text(" ")),
        ("confmatchtype", Value::text(" ")),
    ];
    let mut set = |name, value| {
        fields.retain(|field: &(&str, Value)| field.0 != name);
        fields.push((name, value));
    };
    match &key.kind {
        KeyKind::Index { .. } => return None,
        KeyKind::Primary | KeyKind::Unique => {
            set("contype", Value::text(if found.is_primary() { "p" } else { "u" }));
            set("conindid", Value::oid(found.index_oid(view)));
            set("connoinherit", Value::Bool(true));
        }
        KeyKind::Check(expr) => {
            set("contype", Value::text("c"));
            // PostgreSQL prints an operator in parentheses of its own.
            set("conbin", Value::text(format!("({expr})")));
        }
        KeyKind::Reference { table, target, on_delete, on_update } => {
            let other = view.relations.iter().find(|other| other.oid == *table)?;
            let wanted =
                |key: &&RelationKey| key.columns == *target && Key { own: other, key }.has_index();
            let index = other.keys.iter().find(wanted)?;
            let equals = Value::array(
                found.columns().filter_map(|column| equality(column.pg_type)).collect(),
            );
            let letter = |byte: u8| Value::text(char::from(byte).to_string());
            set("contype", Value::text("f"));
            set("conindid", Value::oid(Key { own: other, key: index }.index_oid(view)));
            set("confrelid", Value::oid(other.oid));
            set("confupdtype", letter(*on_update));
            set("confdeltype", letter(*on_delete));
            set("confmatchtype", Value::text("s"));
            set("connoinherit", Value::Bool(true));
            set("confkey", numbers(target));
            set("conpfeqop", equals.clone());
            set("conppeqop", equals.clone());
            set("conffeqop", equals);
        }
    }
    Some(make.row(&fields))
}

/// Rows of `pg_index`.
pub(super) fn index_rows(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let row = |index: &Key<'_>| {
        let each = |value: &dyn Fn(PgType) -> Value| {
            Value::array(index.columns().map(|column| value(column.pg_type)).collect())
        };
        make.row(&[
            ("indexrelid", Value::oid(index.index_oid(view))),
            ("indrelid", Value::oid(index.own.oid)),
            ("indnatts", int(index.count())),
            ("indnkeyatts", int(index.count())),
            ("indisunique", Value::Bool(index.is_unique())),
            ("indisprimary", Value::Bool(index.is_primary())),
            ("indimmediate", Value::Bool(true)),
            ("indisvalid", Value::Bool(true)),
            ("indisready", Value::Bool(true)),
            ("indislive", Value::Bool(true)),
            ("indkey", numbers(&index.key.columns)),
            ("indcollation", each(&|_| int(0))),
            ("indclass", each(&|pg_type| operator_class(pg_type).unwrap_or(int(0)))),
            ("indoption", each(&|_| int(0))),
        ])
    };
    indexes(view).iter().map(row).collect()
}

/// Rows of `pg_class` for the indexes.
pub(super) fn classes(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let row = |index: &Key<'_>| {
        make.row(&[
            ("oid", Value::oid(index.index_oid(view))),
            ("relname", Value::text(&*index.key.name)),
            ("relnamespace", Value::oid(schema_oid(view, &index.own.schema))),
            ("relowner", Value::oid(owner_oid(index.own))),
            ("relam", Value::oid(BTREE_OID)),
            ("relfilenode", Value::oid(index.index_oid(view))),
            ("relpersistence", Value::text(if index.own.is_temporary { "t" } else { "p" })),
            ("relkind", Value::text("i")),
            ("relnatts", int(index.count())),
            ("relispopulated", Value::Bool(true)),
            ("relreplident", Value::text("n")),
        ])
    };
    indexes(view).iter().map(row).collect()
}

/// Columns of the indexes: (object id of the index, column of its table, its position).
pub(super) fn columns(view: &CatalogView) -> Vec<(u32, RelationColumn, i64)> {
    let columns = |index: Key<'_>| {
        let oid = index.index_oid(view);
        let columns: Vec<_> =
            index.columns().cloned().zip(1_i64..).map(|(column, at)| (oid, column, at)).collect();
        columns
    };
    indexes(view).into_iter().flat_map(columns).collect()
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
