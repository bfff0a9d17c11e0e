//! Relations of schemas `chain` and `ergo` of one network.

use std::sync::Arc;

use schemas::tables::evm;
use schemas::{ColumnType, Keys, TableSpec};
use storage::Network;

use super::{Relation, RelationColumn, RelationKind, oid_of};
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
        comment: table.comment,
        keys: table.keys,
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
                    comment: column.comment,
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
        comment: table.comment,
        keys: Keys::NONE,
        columns: ergo::columns(table),
    });
    chain.chain(system).collect()
}
