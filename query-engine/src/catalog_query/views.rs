//! Views of PostgreSQL about things that do not exist here: they have their columns and no rows.

use super::plan::{Body, OutputColumn, QueryPlan};
use crate::catalog::pg_catalog::builtin::BuiltinRelation;

/// Views over shared memory, statistics collectors, replication and files of a PostgreSQL server.
const EMPTY: &[&str] = &[
    "pg_available_extension_versions",
    "pg_available_extensions",
    "pg_backend_memory_contexts",
    "pg_config",
    "pg_cursors",
    "pg_file_settings",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_locks",
    "pg_prepared_statements",
    "pg_prepared_xacts",
    "pg_publication_tables",
    "pg_replication_origin_status",
    "pg_replication_slots",
    "pg_seclabels",
    "pg_shmem_allocations",
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
    "pg_timezone_abbrevs",
    "pg_timezone_names",
    "triggers",
];

/// Prefixes of views of statistics.
const EMPTY_PREFIXES: &[&str] = &["pg_stat_", "pg_statio_"];

/// The plan of a view that has no rows here; `None` for a view that its definition computes.
pub(super) fn special(relation: &BuiltinRelation) -> Option<QueryPlan> {
    let is_empty = EMPTY.contains(&relation.name)
        || EMPTY_PREFIXES.iter().any(|prefix| relation.name.starts_with(prefix));
    is_empty.then(|| QueryPlan {
        ctes: Vec::new(),
        body: Body::Values(Vec::new()),
        columns: relation
            .columns
            .iter()
            .map(|column| OutputColumn {
                name: column.name.to_owned(),
                type_oid: column.type_oid,
                origin: (0, 0),
                fields: None,
            })
            .collect(),
        order: Vec::new(),
        limit: None,
        offset: None,
    })
}
