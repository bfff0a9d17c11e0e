//! Views of PostgreSQL about things that do not exist here: they have their columns and no rows; and
//! those whose rows come from elsewhere.

use super::plan::{Body, OutputColumn, QueryPlan};
use crate::catalog::pg_catalog::builtin::BuiltinRelation;

/// Views over shared memory, statistics collectors, replication and files of a PostgreSQL server.
const EMPTY: &[&str] = &[
    "pg_available_extension_versions",
    "pg_backend_memory_contexts",
    "pg_config",
    "pg_file_settings",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_locks",
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
    "triggers",
];

/// Prefixes of views of statistics.
const EMPTY_PREFIXES: &[&str] = &["pg_stat_", "pg_statio_"];

/// Views of statistics that are kept here.
const LIVE: &[&str] =
    &["pg_stat_activity", "pg_stat_all_tables", "pg_stat_sys_tables", "pg_stat_user_tables"];

/// What is counted about tables: their rows. The rest is null, for nobody counts it.
const TABLE_STATISTICS: &str = "SELECT c.oid, n.nspname, c.relname, \
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
    pg_stat_get_live_tuples(c.oid), \
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
    FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = ANY (ARRAY['r'::\"char\", 't'::\"char\", 'm'::\"char\", 'p'::\"char\"])";

/// The query that makes the rows of a view: PostgreSQL's, but for [`TABLE_STATISTICS`].
pub(super) fn definition(relation: &BuiltinRelation) -> &str {
    match relation.name {
        "pg_stat_all_tables" => TABLE_STATISTICS,
        _ => relation.definition.as_deref().unwrap_or_default(),
    }
}

/// The plan of a view that has no rows here; `None` for a view that its definition computes.
pub(super) fn special(relation: &BuiltinRelation) -> Option<QueryPlan> {
    let is_empty = EMPTY.contains(&relation.name)
        || !LIVE.contains(&relation.name)
            && EMPTY_PREFIXES.iter().any(|prefix| relation.name.starts_with(prefix));
    is_empty.then(|| QueryPlan {
        ctes: Vec::new(),
        body: Body::Values(Vec::new()),
        columns: relation
            .columns
            .iter()
            .map(|column| OutputColumn {
                name: column.name.to_owned(),
                type_oid: column.type_oid,
                modifier: -1,
                origin: (0, 0),
                fields: None,
            })
            .collect(),
        order: Vec::new(),
        limit: None,
        with_ties: false,
        offset: None,
    })
}
