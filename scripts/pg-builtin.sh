#!/usr/bin/env bash
# Regenerates query-engine/src/catalog/pg_catalog/builtin/*.tsv: the rows that the catalogs of a fresh
# PostgreSQL 16 database hold. usage: scripts/pg-builtin.sh "psql -h 127.0.0.1 -p 5432 -U postgres"
# The cluster must be newly made with: initdb --locale=C -E UTF8.
# Format: first line = column names; then COPY text format, one row a line, as in \copy.
set -euo pipefail
psql=(${1:?psql command})
out=$(cd "$(dirname "$0")/.." && pwd)/query-engine/src/catalog/pg_catalog/builtin
mkdir -p "$out" && rm -f "$out"/*.tsv
# Rows of a catalog table. regproc as numbers, since names of functions are not unique; expression trees as SQL text.
columns_of() { # table
    "${psql[@]}" -qAt -c "select string_agg(case when attname in ('relpages', 'reltuples', 'relallvisible', 'relfrozenxid', 'relminmxid') then '0 as ' || attname
        when attname = 'prosqlbody' then 'pg_get_function_sqlbody(oid) as prosqlbody'
        when attname in ('rolpassword', 'ev_qual', 'ev_action') then 'null as ' || attname
        when atttypid = 'regproc'::regtype then format('%1\$s::oid as %1\$s', attname)
        when atttypid = 'pg_node_tree'::regtype then format('pg_get_expr(%1\$s, 0) as %1\$s', attname)
        else attname end, ',' order by attnum) from pg_attribute where attrelid = '$1'::regclass and attnum > 0"
}
dump() { # name, rest of the query after FROM
    # The owner of everything is our own role, not the one that made the cluster.
    "${psql[@]}" -qAt -c "copy (select $(columns_of "$1") from $1 $2) to stdout with (format text, header true)" |
        sed -E 's#(=[a-zA-Z*]*/)postgres#\1ergosql#g; s#([{,])postgres=#\1ergosql=#g' >"$out/$1.tsv"
}
dump pg_class "order by oid"
dump pg_attribute "order by attrelid, attnum"
dump pg_index "order by indexrelid"
dump pg_constraint "order by oid"
dump pg_namespace "order by oid"
dump pg_description "order by 2, 1, 3"
dump pg_depend "order by 1, 2, 3, 4, 5, 6"
dump pg_init_privs "order by 2, 1, 3"
dump pg_authid "where rolname like 'pg\\_%' order by oid"
# Statements without ORDER BY give rows as they are stored: lists of operator classes are made that way.
dump pg_opclass "order by ctid"
for table in pg_type pg_proc pg_operator pg_amop pg_amproc pg_aggregate pg_ts_config_map pg_conversion pg_cast \
    pg_opfamily pg_ts_dict pg_ts_config pg_range pg_collation pg_ts_template pg_am pg_language pg_ts_parser pg_auth_members \
    pg_extension pg_tablespace pg_rewrite; do
    dump "$table" "order by 1"
done
copy() { # name, query
    "${psql[@]}" -qAt -c "copy ($2) to stdout with (format text, header true)" >"$out/$1.tsv"
}
copy view_definitions "select c.oid, pg_get_viewdef(c.oid) as definition, pg_get_viewdef(c.oid, true) as pretty from pg_class c where c.relkind = 'v' order by c.oid"
copy setting_descriptions "select name, boot_val as setting, unit, category, short_desc, extra_desc, context, vartype, min_val, max_val, enumvals, boot_val
    from pg_settings order by name"
copy pg_get_keywords "select * from pg_get_keywords() order by 1"
copy ts_token_type "select * from ts_token_type('default') order by 1"
