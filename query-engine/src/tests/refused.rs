//! Statements that must not run, and limits.

use std::time::Duration;

use schemas::{Clock, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::limits::{NESTING_MAX, STATEMENT_BYTES_MAX, STATEMENTS_MAX};
use crate::tests::fixture::{Fixture, Run, error, rows, try_rows, value};
use crate::{Outcome, SqlState, TransactionStatus};

#[tokio::test]
async fn no_statement_writes_chain_tables() {
    let fixture = Fixture::sealed(&[Run::new(0, 1, 1)]);
    let session = &mut fixture.session();
    for sql in [
        "INSERT INTO blocks VALUES (1)",
        "UPDATE blocks SET number = 1",
        "DELETE FROM blocks",
        "TRUNCATE blocks",
        "WITH gone AS (DELETE FROM blocks RETURNING 1) SELECT * FROM gone",
        "EXPLAIN DELETE FROM blocks",
        "EXPLAIN ANALYZE DELETE FROM blocks",
    ] {
        assert_eq!(error(session, sql).await.state, SqlState::READ_ONLY_TRANSACTION, "{sql}");
    }
    let made = error(session, "SELECT 1 INTO chain.t").await;
    assert_eq!(made.state, SqlState::INSUFFICIENT_PRIVILEGE);
    assert_eq!(value(session, "SELECT count(*) FROM blocks").await, "2");
}

#[tokio::test]
async fn no_statement_reads_or_writes_a_file_of_the_server() {
    let fixture = Fixture::sealed(&[Run::new(0, 1, 1)]);
    let session = &mut fixture.session();
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("out.csv");
    let source = directory.path().join("in.csv");
    std::fs::write(&source, "secret\n1\n").unwrap();
    let (target_text, source_text) = (target.display(), source.display());
    for sql in [
        format!("COPY blocks TO '{target_text}'"),
        format!("COPY (SELECT 1) TO '{target_text}' WITH (FORMAT csv)"),
        format!("COPY blocks FROM '{source_text}'"),
        "COPY blocks TO PROGRAM 'cat'".to_owned(),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{source_text}'"),
        format!("CREATE EXTERNAL TABLE t (a INT) STORED AS CSV LOCATION '{source_text}'"),
        format!("SELECT * FROM '{source_text}'"),
        format!("SELECT * FROM \"{source_text}\""),
        format!("SELECT * FROM read_csv('{source_text}')"),
        format!("SELECT * FROM parquet_metadata('{source_text}')"),
        format!("SELECT pg_read_file('{source_text}')"),
        format!("SELECT pg_ls_dir('{}')", directory.path().display()),
        format!("LOAD '{source_text}'"),
        format!("EXPLAIN COPY (SELECT 1) TO '{target_text}'"),
        format!("CREATE TABLE t AS SELECT * FROM '{source_text}'"),
        "SELECT lo_import('/etc/passwd')".to_owned(),
        "SET datafusion.execution.parquet.pushdown_filters = false; SELECT * FROM 'x.parquet'"
            .to_owned(),
    ] {
        let found = error(session, &sql).await;
        assert!(!found.message.contains("secret"), "{sql}");
        assert_ne!(found.state, SqlState::INTERNAL_ERROR, "{sql}: {found}");
    }
    assert!(!target.exists());
}

#[tokio::test]
async fn a_text_past_a_limit_is_refused_by_name() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    let long = format!("SELECT '{}'", "x".repeat(STATEMENT_BYTES_MAX));
    assert_eq!(error(session, &long).await.state, SqlState::PROGRAM_LIMIT);
    let many = "BEGIN;".repeat(STATEMENTS_MAX + 1);
    assert_eq!(error(session, &many).await.state, SqlState::PROGRAM_LIMIT);
    let deep = format!("SELECT {}1{}", "(".repeat(NESTING_MAX * 2), ")".repeat(NESTING_MAX * 2));
    assert_eq!(error(session, &deep).await.state, SqlState::TOO_COMPLEX);
    let shown = "SELECT value FROM ergo.limits WHERE name = 'statement_bytes'";
    assert_eq!(value(session, shown).await, STATEMENT_BYTES_MAX.to_string());
}

#[tokio::test]
async fn a_timeout_stops_a_query_that_never_waits() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    let clock = SystemClock::new();
    rows(session, "SET statement_timeout = '100ms'").await;
    for sql in [
        "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b",
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        "SELECT count(*) FROM generate_series(1, 100000) a(x) JOIN generate_series(1, 1000000) b(y) ON a.x <> b.y",
    ] {
        let started = clock.monotonic();
        let found = error(session, sql).await;
        assert_eq!(found.message, "canceling statement due to statement timeout");
        assert!(clock.monotonic() - started < Duration::from_secs(5), "{sql}");
    }
    rows(session, "SET statement_timeout = 0").await;
    let started = clock.monotonic();
    assert_eq!(value(session, "SELECT 1").await, "1");
    assert!(
        clock.monotonic() - started < Duration::from_secs(5),
        "stopped queries still hold the threads"
    );
}

#[tokio::test]
async fn a_cancel_stops_a_query_while_its_rows_are_read() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    let sql = "SELECT * FROM generate_series(1, 1000000000000)";
    let statement = session.parse(sql).unwrap().remove(0);
    let prepared = session.prepare(statement, &[]).await.unwrap();
    let cancel = CancellationToken::new();
    let outcome = session.execute(&prepared, &[], cancel.clone()).await.unwrap();
    let Outcome::Rows(mut found) = outcome else { panic!("a query gives rows") };
    assert!(found.next().await.unwrap().is_ok());
    cancel.cancel();
    let stopped = found.next().await.unwrap().unwrap_err();
    assert_eq!(stopped.message, "canceling statement due to user request");
    assert!(found.next().await.is_none());
}

#[tokio::test]
async fn a_query_past_the_memory_pool_fails_with_its_code() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    let sql = "SELECT count(*) FROM (SELECT x FROM generate_series(1::bigint, 50000000) t(x) ORDER BY -x) s, \
               (SELECT 1) u WHERE s.x > 0";
    let sql = format!("{sql} AND s.x IN (SELECT y FROM generate_series(1::bigint, 50000000) v(y))");
    assert_eq!(error(session, &sql).await.state, SqlState::OUT_OF_MEMORY);
    assert_eq!(value(session, "SELECT 1").await, "1");
}

#[tokio::test]
async fn a_failed_block_runs_nothing_until_it_ends() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    rows(session, "BEGIN").await;
    assert_eq!(session.transaction_status(), TransactionStatus::InBlock);
    rows(session, "SET application_name = 'inside'").await;
    error(session, "SELECT nope").await;
    assert_eq!(session.transaction_status(), TransactionStatus::Failed);
    let refused = error(session, "SELECT 1").await;
    assert_eq!(refused.state, SqlState::IN_FAILED_TRANSACTION);
    assert_eq!(value(session, "COMMIT").await, "ROLLBACK");
    assert_eq!(value(session, "SHOW application_name").await, "");
}

#[tokio::test]
async fn errors_carry_postgresqls_code_and_position() {
    let fixture = Fixture::sealed(&[Run::new(0, 1, 1)]);
    let session = &mut fixture.session();
    for (sql, state, position) in [
        ("SELEC 1", "42601", Some(1)),
        ("SELECT 1 +", "42601", Some(11)),
        ("SELECT nope FROM blocks", "42703", Some(8)),
        ("SELECT b.nope FROM blocks b", "42703", Some(8)),
        ("SELECT x.number FROM blocks b", "42P01", Some(8)),
        ("SELECT * FROM nope", "42P01", Some(15)),
        ("SELECT * FROM chain.nope", "42P01", Some(15)),
        ("SELECT nofunc(1)", "42883", Some(8)),
        ("SELECT number FROM blocks a JOIN blocks b ON true", "42702", Some(8)),
        ("SELECT number, count(*) FROM blocks", "42803", Some(8)),
        ("SELECT 'abc'::int", "22P02", Some(8)),
        ("SELECT '2024-13-01'::date", "22008", Some(8)),
        ("SELECT 1::nope", "42704", Some(11)),
        ("SELECT (SELECT number FROM blocks)", "21000", None),
        ("SELECT hash = 1 FROM blocks", "42883", None),
        ("SELECT number FROM blocks ORDER BY 99", "42P10", Some(36)),
        ("SELECT number FROM blocks LIMIT -1", "2201W", None),
        ("SELECT 1 UNION SELECT 1, 2", "42601", None),
    ] {
        let found = try_rows(session, sql, &[]).await.unwrap_err();
        assert_eq!((found.state.0, found.position), (state, position), "{sql}: {found:?}");
    }
}
