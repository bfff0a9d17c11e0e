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
    "${psql[@]}" -qAt -c "select string_agg(case when attname = 'reltoastrelid' then '0 as reltoastrelid'
        when attname in ('relpages', 'reltuples', 'relallvisible', 'relfrozenxid', 'relminmxid') then '0 as ' || attname
        when attname in ('rolpassword', 'prosqlbody') then 'null as ' || attname
        when atttypid = 'regproc'::regtype then format('%1\$s::oid as %1\$s', attname)
        when atttypid = 'pg_node_tree'::regtype then format('pg_get_expr(%1\$s, 0) as %1\$s', attname)
        else attname end, ',' order by attnum) from pg_attribute where attrelid = '$1'::regclass and attnum > 0"
}
dump() { # name, rest of the query after FROM
    # The owner of everything is our own role, not the one that made the cluster.
    "${psql[@]}" -qAt -c "copy (select $(columns_of "$1") from $1 $2) to stdout with (format text, header true)" |
        sed -E 's#(=[a-zA-Z*]*/)postgres#\1ergosql#g; s#([{,])postgres=#\1ergosql=#g' >"$out/$1.tsv"
}
# TOAST tables have no counterpart here, so their rows and the references to them are left out.
kept="select oid from pg_class where relnamespace <> 'pg_toast'::regnamespace"
dump pg_class "where oid in ($kept) order by oid"
dump pg_attribute "where attrelid in ($kept) order by attrelid, attnum"
dump pg_index "where indexrelid in ($kept) and indrelid in ($kept) order by indexrelid"
dump pg_constraint "where conrelid = 0 or conrelid in ($kept) order by oid"
dump pg_namespace "where nspname <> 'pg_toast' order by oid"
dump pg_description "where classoid <> 'pg_namespace'::regclass or objoid <> 99 order by 2, 1, 3"
dump pg_depend "where deptype = 'e' order by 1, 2, 3"
dump pg_authid "where rolname like 'pg\\_%' order by oid"
for table in pg_type pg_proc pg_operator pg_amop pg_amproc pg_aggregate pg_ts_config_map pg_opclass pg_conversion pg_cast \
    pg_opfamily pg_ts_dict pg_ts_config pg_range pg_collation pg_ts_template pg_am pg_language pg_ts_parser pg_auth_members \
    pg_extension pg_tablespace; do
    dump "$table" "order by 1"
done
copy() { # name, query
    "${psql[@]}" -qAt -c "copy ($2) to stdout with (format text, header true)" >"$out/$1.tsv"
}
copy view_definitions "select c.oid, pg_get_viewdef(c.oid) as definition from pg_class c where c.relkind = 'v' order by c.oid"
copy setting_descriptions "select name, setting, unit, category, short_desc, extra_desc, context, vartype, min_val, max_val, enumvals, boot_val
    from pg_settings order by name"
copy pg_get_keywords "select * from pg_get_keywords() order by 1"
copy ts_token_type "select * from ts_token_type('default') order by 1"
