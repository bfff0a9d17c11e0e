//! Statements of real clients against the catalogs of a network with two tables.
//!
//! Expected rows are those of PostgreSQL 16 with the same two tables.

use std::sync::{Arc, Mutex};

use arrow::array::AsArray;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use tokio_util::sync::CancellationToken;

use super::CatalogQuery;
use crate::catalog::pg_catalog::builtin;
use crate::catalog::{CatalogView, Relation, RelationColumn, RelationKind, oid_of};
use crate::session::Settings;
use crate::{Parameter, PgType, QueryError, SqlState};

fn column(
    name: &'static str,
    pg_type: PgType,
    type_modifier: i32,
    nullable: bool,
) -> RelationColumn {
    RelationColumn {
        name: name.into(),
        pg_type,
        type_modifier,
        nullable,
        comment: "A column".into(),
    }
}

fn relation(name: &'static str, columns: Vec<RelationColumn>) -> Relation {
    Relation {
        schema: "chain".into(),
        name: name.into(),
        oid: oid_of("ethereum", "chain", name),
        kind: RelationKind::Table,
        is_temporary: false,
        owned: None,
        comment: "A table".into(),
        columns,
        keys: Arc::from([]),
    }
}

fn view() -> CatalogView {
    let blocks = relation(
        "blocks",
        vec![
            column("number", PgType::Int8, -1, false),
            column("hash", PgType::Bytea, -1, false),
            column("difficulty", PgType::Numeric, (78 << 16) + 4, true),
        ],
    );
    let logs = relation("logs", vec![column("topics", PgType::ByteaArray, -1, false)]);
    CatalogView {
        database: "ethereum".to_owned(),
        databases: vec!["ethereum".to_owned(), "sepolia".to_owned()],
        role: "alice".to_owned(),
        relations: Arc::from([blocks, logs]),
        may_create: false,
        objects: Arc::new(crate::objects::Objects::new(Arc::default(), 1)),
        sequences: Arc::default(),
        settings: Arc::new(Mutex::new(Settings::default())),
        tables: Arc::default(),
        sizes: crate::catalog::Sizes::default(),
        entry: crate::activity::Activity::new(Arc::new(schemas::SystemClock::new()))
            .entry("ethereum", "alice"),
        own: Arc::default(),
        outbox: Arc::default(),
    }
}

fn parse(sql: &str) -> Query {
    match Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0) {
        Statement::Query(query) => *query,
        other => panic!("no query: {other}"),
    }
}

fn run(sql: &str) -> Result<Vec<Vec<String>>, QueryError> {
    run_with(sql, &[])
}

fn run_with(sql: &str, parameters: &[Parameter]) -> Result<Vec<Vec<String>>, QueryError> {
    let view = view();
    let query =
        CatalogQuery::plan(&parse(sql), &view, &[], crate::catalog_query::Reach::default())?
            .expect("a catalog statement");
    let batch = query.run_late(&view, parameters, &CancellationToken::new(), None)??;
    let options = FormatOptions::default().with_null("NULL");
    let formatters: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| {
            // A column with both its forms is compared by its text.
            let shown = column.as_struct_opt().map_or(column, |forms| forms.column(0));
            ArrayFormatter::try_new(shown.as_ref(), &options).unwrap()
        })
        .collect();
    Ok((0..batch.num_rows())
        .map(|row| formatters.iter().map(|column| column.value(row).to_string()).collect())
        .collect())
}

fn types(sql: &str) -> Vec<(String, PgType)> {
    let query =
        CatalogQuery::plan(&parse(sql), &view(), &[], crate::catalog_query::Reach::default())
            .unwrap()
            .unwrap();
    query.columns().iter().map(|column| (column.name.clone(), column.pg_type)).collect()
}

#[test]
fn describing_a_table_finds_it_by_pattern_and_lists_its_columns() {
    let found = run(
        "SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c
         LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname OPERATOR(pg_catalog.~) '^(blocks)$' COLLATE pg_catalog.default
           AND n.nspname OPERATOR(pg_catalog.~) '^(chain)$' COLLATE pg_catalog.default ORDER BY 2, 3",
    )
    .unwrap();
    let oid = oid_of("ethereum", "chain", "blocks");
    assert_eq!(found, [[oid.to_string().as_str(), "chain", "blocks"]]);

    let columns = run(&format!(
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
           (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d
            WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef),
           a.attnotnull,
           (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t
            WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation),
           a.attstorage, pg_catalog.col_description(a.attrelid, a.attnum)
         FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = '{oid}' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    ))
    .unwrap();
    assert_eq!(
        columns,
        [
            ["number", "bigint", "NULL", "true", "NULL", "p", "A column"],
            ["hash", "bytea", "NULL", "true", "NULL", "x", "A column"],
            ["difficulty", "numeric(78,0)", "NULL", "false", "NULL", "m", "A column"],
        ]
    );
}

#[test]
fn databases_are_the_networks() {
    let rows = run("SELECT d.datname, pg_catalog.pg_get_userbyid(d.datdba),
        pg_catalog.pg_encoding_to_char(d.encoding), pg_catalog.array_to_string(d.datacl, E'\\n')
        FROM pg_catalog.pg_database d ORDER BY 1")
    .unwrap();
    assert_eq!(rows[0], ["ethereum", "ergosql", "UTF8", "ergosql=Tc/ergosql\n=Tc/ergosql"]);
    assert_eq!(rows[1][0], "sepolia");
}

#[test]
fn names_become_object_ids_and_back() {
    let oid = oid_of("ethereum", "chain", "blocks").to_string();
    let sql = "SELECT 'chain.blocks'::regclass::oid, 'chain.blocks'::regclass,
        to_regclass('chain.nothing'), 'int4[]'::regtype, 'pg_class'::regclass::text";
    assert_eq!(run(sql).unwrap(), [[oid.as_str(), "blocks", "NULL", "integer[]", "pg_class"]]);
    let missing = run("SELECT 'chain.nothing'::regclass").unwrap_err();
    assert_eq!(missing.state, SqlState::UNDEFINED_TABLE);
    assert_eq!(missing.message, "relation \"chain.nothing\" does not exist");
}

#[test]
fn output_names_and_types_are_those_of_postgresql() {
    assert_eq!(
        types(
            "SELECT oid, oid::regclass, relname, relkind, 1, 'x', count(*) AS over_none FROM pg_class GROUP BY 1, 2, 3, 4"
        ),
        [
            ("oid".to_owned(), PgType::Oid),
            ("oid".to_owned(), PgType::Regclass),
            ("relname".to_owned(), PgType::Name),
            ("relkind".to_owned(), PgType::Char),
            ("?column?".to_owned(), PgType::Int4),
            ("?column?".to_owned(), PgType::Text),
            ("over_none".to_owned(), PgType::Int8),
        ]
    );
    assert_eq!(types("SELECT 'pg_class'::regclass::oid")[0].0, "oid");
    assert_eq!(types("SELECT CASE WHEN true THEN 1 END")[0].0, "case");
}

#[test]
fn set_returning_functions_expand_in_the_select_list_and_in_from() {
    let rows = run(
        "SELECT unnest(ARRAY['a','b']), generate_series(1, 3) FROM pg_am WHERE amname = 'heap'",
    );
    assert_eq!(rows.unwrap(), [["a", "1"], ["b", "2"], ["NULL", "3"]]);
    let rows = run("SELECT (information_schema._pg_expandarray(i.indkey)).n, s.x FROM pg_index i,
        LATERAL unnest(i.indkey) WITH ORDINALITY AS s(x, at) WHERE i.indexrelid = 2662 AND s.at = 1");
    assert_eq!(rows.unwrap(), [["1", "1"]]);
    // A vector counts from 0, also as an array.
    let rows = run("SELECT indkey[0], (indkey::int2[])[1] FROM pg_index WHERE indexrelid = 2663");
    assert_eq!(rows.unwrap(), [["2", "3"]]);
}

#[test]
fn outer_joins_keep_rows_and_conditions_above_them_see_nulls() {
    let rows = run("SELECT a.amname, o.opcname FROM pg_am a LEFT JOIN pg_opclass o
        ON o.opcmethod = a.oid AND o.opcname = 'int4_ops' WHERE o.oid IS NULL AND a.amname < 'c' ORDER BY 1");
    assert_eq!(rows.unwrap(), [["brin", "NULL"]]);
    let rows = run("SELECT count(*), count(o.oid) FROM pg_opclass o RIGHT JOIN pg_am a
        ON o.opcmethod = a.oid AND o.opcname = 'int4_ops'");
    assert_eq!(rows.unwrap(), [["7", "2"]]);
}

#[test]
fn groups_sort_keys_and_recursion_work_as_in_postgresql() {
    let rows = run("SELECT relkind, count(*) AS n, bool_and(relname ~ '^pg') FROM pg_class
        WHERE relnamespace = 11 GROUP BY relkind HAVING count(*) > 70 ORDER BY n DESC");
    assert_eq!(rows.unwrap(), [["i", "124", "true"], ["v", "76", "true"]]);
    let rows = run("WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 4)
        SELECT string_agg(n::text, ',' ORDER BY n DESC) FROM up, pg_am WHERE amname = 'heap'");
    assert_eq!(rows.unwrap(), [["4,3,2,1"]]);
    let error = run("SELECT relname, count(*) FROM pg_class GROUP BY relkind").unwrap_err();
    assert_eq!(error.state, SqlState::GROUPING_ERROR);
}

#[test]
fn parameters_take_the_type_of_what_they_meet() {
    let sql = "SELECT relname FROM pg_class WHERE relnamespace = 11 AND relname = $1 AND relkind = ANY ($2)";
    let query =
        CatalogQuery::plan(&parse(sql), &view(), &[], crate::catalog_query::Reach::default())
            .unwrap()
            .unwrap();
    assert_eq!(query.parameter_types(), [PgType::Name, PgType::CharArray]);
    let values = [
        Parameter::Text("pg_am".to_owned()),
        Parameter::Array(vec![Parameter::Text("r".to_owned())]),
    ];
    assert_eq!(run_with(sql, &values).unwrap(), [["pg_am"]]);
}

#[test]
fn wrong_names_are_reported_and_other_relations_are_left_to_the_planner() {
    let error = run("SELECT nothing FROM pg_class").unwrap_err();
    assert_eq!(error.state, SqlState::UNDEFINED_COLUMN);
    let error = run("SELECT oid FROM pg_class, pg_type").unwrap_err();
    assert_eq!(error.state, SqlState::AMBIGUOUS_COLUMN);
    for sql in [
        "SELECT * FROM chain.blocks",
        "SELECT * FROM pg_class, chain.blocks",
        "SELECT * FROM generate_series(1, 100000)",
        "SELECT unknown_function(1)",
    ] {
        assert!(
            CatalogQuery::plan(&parse(sql), &view(), &[], crate::catalog_query::Reach::default())
                .unwrap()
                .is_none(),
            "{sql}"
        );
    }
}

#[test]
fn a_cancelled_statement_stops() {
    let view = view();
    let sql = "SELECT count(*) FROM pg_proc a, pg_proc b, pg_proc c WHERE a.oid <> b.oid";
    let query = CatalogQuery::plan(&parse(sql), &view, &[], crate::catalog_query::Reach::default())
        .unwrap()
        .unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = query.run_late(&view, &[], &cancel, None).and_then(|late| late).unwrap_err();
    assert_eq!(error.state, SqlState::QUERY_CANCELED);
}

#[test]
fn every_view_of_postgresql_can_be_read() {
    let view = view();
    for relation in builtin::relations().iter().filter(|found| found.definition.is_some()) {
        // These two join all columns of all relations with each other: planning them is enough here.
        let is_slow = matches!(relation.name, "element_types" | "data_type_privileges");
        let sql = format!("SELECT * FROM {}.{}", relation.schema, relation.name);
        let query =
            CatalogQuery::plan(&parse(&sql), &view, &[], crate::catalog_query::Reach::default())
                .unwrap();
        let query = query.unwrap_or_else(|| panic!("{sql} is not supported"));
        assert_eq!(query.columns().len(), relation.columns.len());
        if !is_slow {
            query.run_late(&view, &[], &CancellationToken::new(), None).unwrap().unwrap();
        }
    }
}

#[test]
fn every_recorded_statement_of_psql_runs() {
    let data = std::env::var("ERGOSQL_TEST_DATA").map_or_else(
        |_| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        std::path::PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(data.join("../tools/pg-golden/psql_16.json")) else {
        eprintln!("skipped: no data");
        return;
    };
    let commands: std::collections::BTreeMap<String, Vec<String>> =
        serde_json::from_str(&text).unwrap();
    // Recorded with objects that a chain does not have.
    let is_absent = |sql: &str| sql.contains("'eth.f'") || sql.contains("'eth.v_blocks'");
    let mut failed = Vec::new();
    for (command, statements) in &commands {
        for sql in statements.iter().filter(|sql| !is_absent(sql)) {
            let view = view();
            match CatalogQuery::plan(
                &parse(sql),
                &view,
                &[],
                crate::catalog_query::Reach::default(),
            ) {
                Ok(Some(query)) => {
                    if let Err(error) = query
                        .run_late(&view, &[], &CancellationToken::new(), None)
                        .and_then(|late| late)
                    {
                        failed.push(format!("{command}: {error}"));
                    }
                }
                Ok(None) => failed.push(format!("{command}: left to the planner")),
                Err(error) => failed.push(format!("{command}: {error}")),
            }
        }
    }
    // pg_get_functiondef: functions of contracts come later.
    failed.retain(|failure| !failure.starts_with("\\sf"));
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn statistics_list_the_tables_and_the_sessions() {
    for name in ["pg_stat_all_tables", "pg_stat_user_tables", "pg_stat_activity"] {
        let relation = builtin::relation("pg_catalog", name).unwrap();
        if let Err(error) = CatalogQuery::view(relation, &view()) {
            panic!("{name}: {error}");
        }
    }
    let tables = run("SELECT relname FROM pg_stat_user_tables ORDER BY 1").unwrap();
    assert_eq!(tables, [["blocks"], ["logs"]]);
}

#[test]
fn json_is_built_as_postgresql_writes_it() {
    assert_eq!(
        run("SELECT json_build_object('a', 1, 'b', 'x\"y', 'c', NULL, 'd', true, 'e', ARRAY['p', 'q'])").unwrap(),
        [[r#"{"a" : 1, "b" : "x\"y", "c" : null, "d" : true, "e" : ["p","q"]}"#]]
    );
    assert_eq!(run("SELECT json_build_array(1, 'a', to_json(2))").unwrap(), [[r#"[1, "a", 2]"#]]);
    assert_eq!(run("SELECT json_build_object('a')").unwrap_err().state.0, "22023");
    assert_eq!(run("SELECT json_build_object(NULL, 1)").unwrap_err().state.0, "22023");
}

#[test]
fn a_series_in_the_select_list_gives_rows() {
    let rows = run("SELECT generate_series(1, 3), 'x'").unwrap();
    assert_eq!(rows, [["1", "x"], ["2", "x"], ["3", "x"]]);
}

#[test]
fn tables_that_are_functions_have_postgresqls_rows() {
    let words = "SELECT count(*), min(word) FROM pg_catalog.pg_get_keywords() WHERE catcode = 'R'";
    assert_eq!(run(words).unwrap(), [["78", "all"]]);
    let types = "SELECT alias FROM pg_ts_parser p, ts_token_type(p.oid) t WHERE t.tokid = 1";
    assert_eq!(run(types).unwrap(), [["asciiword"]]);
    let parts = "SELECT regexp_split_to_table('a, b;c', '\\W+')";
    assert_eq!(run(parts).unwrap(), [["a"], ["b"], ["c"]]);
}

#[test]
fn windows_number_and_count_the_rows_of_their_partition() {
    let rows = run("SELECT c.relname, a.attname,
            row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum DESC),
            count(*) OVER (PARTITION BY a.attrelid), rank() OVER (ORDER BY c.relname)
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'chain'::regnamespace ORDER BY 1, 3")
    .unwrap();
    assert_eq!(
        rows,
        [
            ["blocks", "difficulty", "1", "3", "1"],
            ["blocks", "hash", "2", "3", "1"],
            ["blocks", "number", "3", "3", "1"],
            ["logs", "topics", "1", "1", "4"],
        ]
    );
}

#[test]
fn a_set_in_a_group_key_makes_one_row_of_each_element() {
    let rows = run("SELECT unnest(string_to_array(s, ',')) AS word, count(*)
         FROM (VALUES ('a,b'), ('b,c'), ('')) AS t(s) GROUP BY word ORDER BY 1");
    let direct = run("SELECT regexp_split_to_table(relname, 'o') AS part, count(*) FROM pg_class
         WHERE relnamespace = 'chain'::regnamespace GROUP BY part ORDER BY part")
    .unwrap();
    assert_eq!(rows.unwrap(), [["a", "1"], ["b", "2"], ["c", "1"]]);
    assert_eq!(direct, [["bl", "1"], ["cks", "1"], ["gs", "1"], ["l", "1"]]);
}

#[test]
fn inner_joins_around_outer_joins_keep_their_meaning() {
    let rows = run("SELECT a.x, b.x, c.x, d.x
         FROM (VALUES (1), (2), (3)) a(x)
         LEFT JOIN ((VALUES (1), (2)) b(x) JOIN (VALUES (2), (3)) c(x) ON b.x = c.x) ON a.x = b.x
         JOIN (VALUES (2), (3)) d(x) ON d.x = a.x
         WHERE c.x IS NULL OR c.x > 1 ORDER BY 1")
    .unwrap();
    assert_eq!(rows, [["2", "2", "2", "2"], ["3", "NULL", "NULL", "3"]]);
    let after = run("SELECT a.x, b.x, c.x FROM (VALUES (1), (2)) a(x)
         LEFT JOIN (VALUES (1)) b(x) ON a.x = b.x JOIN (VALUES (1), (2)) c(x) ON c.x = b.x ORDER BY 1")
    .unwrap();
    assert_eq!(after, [["1", "1", "1"]]);
    let right = run("SELECT a.x, b.x FROM (VALUES (1), (2)) a(x)
         RIGHT JOIN (VALUES (2), (3)) b(x) ON a.x = b.x AND b.x < 3 ORDER BY 2")
    .unwrap();
    assert_eq!(right, [["2", "2"], ["NULL", "3"]]);
}

/// Conditions on a view reach the tables that it reads, or each statement would build all of its rows.
#[test]
fn conditions_move_into_views_and_subqueries() {
    for sql in [
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'blocks'",
        "SELECT * FROM (SELECT c.relname AS name, a.attname FROM pg_attribute a
           JOIN pg_class c ON c.oid = a.attrelid) t WHERE t.name IN ('blocks', 'logs')",
    ] {
        let plan =
            CatalogQuery::plan(&parse(sql), &view(), &[], crate::catalog_query::Reach::default())
                .unwrap()
                .unwrap()
                .plan;
        let first = super::order::first_lookup(&plan).expect("the first relation is looked up");
        let name = builtin::relation("pg_catalog", "pg_class").unwrap();
        assert_eq!(name.columns[first].name, "relname", "{sql}");
    }
}

#[test]
fn functions_are_found_by_their_arguments_and_printed_as_definitions() {
    let oid =
        run("SELECT 'lower(text)'::regprocedure::oid, '=(integer,integer)'::regoperator::oid,
         to_regprocedure('nothing(text)')")
        .unwrap();
    assert_eq!(oid, [["870", "96", "NULL"]]);
    assert_eq!(
        run("SELECT pg_get_functiondef(870)").unwrap()[0][0],
        "CREATE OR REPLACE FUNCTION pg_catalog.lower(text)\n RETURNS text\n LANGUAGE internal\n \
         IMMUTABLE PARALLEL SAFE STRICT\nAS $function$lower$function$\n"
    );
    assert_eq!(
        run("SELECT pg_get_function_arguments(3972), pg_get_function_arguments(3986)").unwrap(),
        [["double precision ORDER BY anyelement", "VARIADIC \"any\" ORDER BY VARIADIC \"any\""]]
    );
}

#[test]
fn privileges_are_those_of_the_access_lists() {
    let held = |call: &str| run(&format!("SELECT {call}")).unwrap()[0][0].clone();
    assert_eq!(held("has_table_privilege('chain.blocks', 'SELECT')"), "true");
    assert_eq!(held("has_table_privilege('chain.blocks', 'INSERT, UPDATE')"), "false");
    assert_eq!(held("has_table_privilege('ergosql', 'chain.blocks', 'INSERT')"), "true");
    assert_eq!(held("has_column_privilege('chain.blocks', 'hash', 'SELECT')"), "true");
    assert_eq!(held("has_database_privilege('ethereum', 'TEMP')"), "true");
    assert_eq!(held("has_schema_privilege('pg_toast', 'USAGE')"), "false");
    assert_eq!(held("has_function_privilege('lower(text)', 'EXECUTE')"), "true");
    assert_eq!(held("has_function_privilege('pg_read_file(text)', 'EXECUTE')"), "false");
    assert_eq!(held("has_table_privilege(0, 'SELECT')"), "NULL");
    assert_eq!(held("pg_has_role('pg_monitor', 'pg_read_all_stats', 'MEMBER')"), "true");
    assert_eq!(held("pg_has_role('pg_monitor', 'USAGE')"), "false");
    let unknown = run("SELECT has_table_privilege('chain.blocks', 'READ')").unwrap_err();
    assert_eq!(unknown.state, SqlState::INVALID_PARAMETER_VALUE);
}
