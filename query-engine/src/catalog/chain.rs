//! Relations of schemas `chain` and `ergo` of one network.

use std::sync::Arc;

use schemas::tables::evm;
use schemas::{ColumnType, TableSpec};
use storage::Network;

use super::{KeyKind, Relation, RelationColumn, RelationKey, RelationKind, oid_of};
use crate::PgType;
use crate::tables::ergo;

/// `((78 << 16) | 0) + 4`: the type modifier of `numeric(78,0)`.
pub(crate) const UINT256_TYPE_MODIFIER: i32 = (78 << 16) + 4;

/// Tables of schema `chain` of a network of `family`, in storage order.
pub(crate) fn tables(family: &str) -> &'static [&'static TableSpec] {
    match family {
        "evm" => &evm::TABLES,
        _ => &[],
    }
}

/// Type on the wire and type modifier.
pub(crate) fn pg_type(column_type: ColumnType) -> (PgType, i32) {
    match column_type {
        ColumnType::Boolean => (PgType::Bool, -1),
        ColumnType::Integer => (PgType::Int4, -1),
        ColumnType::Bigint => (PgType::Int8, -1),
        ColumnType::Uint256 => (PgType::Numeric, UINT256_TYPE_MODIFIER),
        ColumnType::Hash | ColumnType::Address | ColumnType::Bytes => (PgType::Bytea, -1),
        ColumnType::HashList => (PgType::ByteaArray, -1),
        ColumnType::Text => (PgType::Text, -1),
        ColumnType::Timestamp => (PgType::Timestamptz, -1),
    }
}

/// What a session on `network` sees in schemas `chain` and `ergo`.
pub(crate) fn relations(network: &Network) -> Arc<[Relation]> {
    let chain = tables(&network.family).iter().map(|table| Relation {
        schema: "chain".into(),
        name: table.name.into(),
        oid: oid_of(&network.name, "chain", table.name),
        kind: RelationKind::Table,
        is_temporary: false,
        owned: None,
        comment: table.comment.into(),
        keys: keys(network, table),
        columns: table
            .columns
            .iter()
            .map(|column| {
                let (pg_type, type_modifier) = pg_type(column.column_type);
                RelationColumn {
                    name: column.name.into(),
                    pg_type,
                    type_modifier,
                    nullable: column.nullable,
                    comment: column.comment.into(),
                }
            })
            .collect(),
    });
    let system = ergo::TABLES.iter().map(|table| Relation {
        schema: "ergo".into(),
        name: table.name.into(),
        oid: oid_of(&network.name, "ergo", table.name),
        kind: RelationKind::View,
        is_temporary: false,
        owned: None,
        comment: table.comment.into(),
        keys: Arc::from([]),
        columns: ergo::columns(table),
    });
    chain.chain(system).collect()
}

/// Keys of a chain table under PostgreSQL's names: `blocks_pkey`, `blocks_hash_key`.
fn keys(network: &Network, table: &TableSpec) -> Arc<[RelationKey]> {
    let positions = |table: &TableSpec, names: &[&str]| -> Vec<usize> {
        let at = |name: &&str| table.columns.iter().position(|column| column.name == *name);
        names.iter().filter_map(at).collect()
    };
    let primary = Some(table.keys.primary).filter(|names| !names.is_empty());
    let primary = primary.map(|names| RelationKey {
        name: format!("{}_pkey", table.name).into(),
        kind: KeyKind::Primary,
        columns: positions(table, names),
    });
    let unique = table.keys.unique.iter().map(|names| RelationKey {
        name: format!("{}_{}_key", table.name, names.join("_")).into(),
        kind: KeyKind::Unique,
        columns: positions(table, names),
    });
    let references = table.keys.references.iter().filter_map(|reference| {
        let tables = tables(&network.family);
        let other = tables.iter().find(|other| other.name == reference.table)?;
        Some(RelationKey {
            name: format!("{}_{}_fkey", table.name, reference.columns.join("_")).into(),
            kind: KeyKind::Reference {
                table: oid_of(&network.name, "chain", other.name),
                target: positions(other, reference.target),
                on_delete: b'a',
                on_update: b'a',
            },
            columns: positions(table, reference.columns),
        })
    });
    primary.into_iter().chain(unique).chain(references).collect()
}
