//! A statement that runs again on its kept plan gives what planning it anew would give.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::tests::fixture::{Fixture, Run, error, rows, text, value};
use crate::{Outcome, Parameter, Prepared, QueryError, Session, SqlState};

async fn prepare(session: &mut Session, sql: &str) -> Prepared {
    let statement = session.parse(sql).unwrap().remove(0);
    session.prepare(statement, &[]).await.unwrap()
}

async fn run(
    session: &mut Session,
    prepared: &Prepared,
    parameters: &[Parameter],
) -> Result<Vec<Vec<String>>, QueryError> {
    match session.execute(prepared, parameters, CancellationToken::new()).await? {
        Outcome::Rows(rows) => text(rows).await,
        _ => panic!("not a query"),
    }
}

#[tokio::test]
async fn a_kept_plan_reads_the_blocks_of_its_own_run_and_keeps_none_of_them() {
    let fixture = Fixture::sealed(&[Run::new(0, 4, 2)]);
    let session = &mut fixture.session();
    let fixed = prepare(session, "SELECT count(*) FROM chain.transactions").await;
    let above =
        prepare(session, "SELECT count(*) FROM (SELECT 1 FROM blocks WHERE number >= $1) b").await;
    for statement in [&fixed, &above] {
        assert!(statement.plan.is_filled());
    }
    let three = [Parameter::Int(3)];
    for _ in 0..2 {
        assert_eq!(run(session, &fixed, &[]).await.unwrap(), [["10"]]);
        assert_eq!(run(session, &above, &three).await.unwrap(), [["2"]]);
    }
    let before = Arc::downgrade(&fixture.store.snapshot("demo").unwrap());

    fixture.seal("demo", Run::new(5, 6, 2));

    assert!(before.upgrade().is_none(), "a plan holds the snapshot of an earlier run");
    assert_eq!(run(session, &fixed, &[]).await.unwrap(), [["14"]]);
    assert_eq!(run(session, &above, &three).await.unwrap(), [["4"]]);
    assert_eq!(run(session, &above, &[Parameter::Int(6)]).await.unwrap(), [["1"]]);
}

#[tokio::test]
async fn a_gap_that_opens_between_two_runs_stops_the_second() {
    let fixture = Fixture::sealed(&[Run::new(0, 4, 2)]);
    let session = &mut fixture.session();
    let statement = prepare(session, "SELECT count(*) FROM blocks").await;
    assert_eq!(run(session, &statement, &[]).await.unwrap(), [["5"]]);
    fixture.seal("demo", Run::new(8, 9, 2));
    assert_eq!(run(session, &statement, &[]).await.unwrap_err().state, SqlState::GAP);
    rows(session, "SET ergo.allow_gaps = on").await;
    assert_eq!(run(session, &statement, &[]).await.unwrap(), [["7"]]);
    rows(session, "SET ergo.allow_gaps = off").await;
    assert_eq!(run(session, &statement, &[]).await.unwrap_err().state, SqlState::GAP);
}

#[tokio::test]
async fn settings_that_a_text_depends_on_are_those_of_the_run() {
    let fixture = Fixture::sealed(&[Run::new(0, 4, 2)]);
    fixture.hot("demo", Run::new(5, 5, 2));
    let session = &mut fixture.session();
    let instant = "SELECT CAST('2020-01-01 00:00:00' AS timestamptz) < CAST('2020-01-01 00:00:00Z' \
                   AS timestamptz) FROM blocks WHERE number = 0";
    let count = "SELECT count(*) FROM blocks";
    let (kept_instant, kept_count) =
        (prepare(session, instant).await, prepare(session, count).await);
    for (setting, expected) in [("UTC", "false"), ("Asia/Tokyo", "true"), ("UTC", "false")] {
        rows(session, &format!("SET TimeZone = '{setting}'")).await;
        assert_eq!(value(session, instant).await, expected, "{setting}");
        assert_eq!(run(session, &kept_instant, &[]).await.unwrap(), [[expected]], "{setting}");
    }
    for (finality, expected) in [("finalized", "5"), ("latest", "6")] {
        rows(session, &format!("SET ergo.finality = '{finality}'")).await;
        assert_eq!(value(session, count).await, expected);
        assert_eq!(run(session, &kept_count, &[]).await.unwrap(), [[expected]]);
    }
    rows(session, "SET search_path = ergo").await;
    assert_eq!(error(session, count).await.state, SqlState::UNDEFINED_TABLE);
    assert_eq!(run(session, &kept_count, &[]).await.unwrap_err().state, SqlState::UNDEFINED_TABLE);
    rows(session, "RESET search_path").await;
    assert_eq!(run(session, &kept_count, &[]).await.unwrap(), [["6"]]);
}

#[tokio::test]
async fn a_function_of_the_moment_is_called_in_every_run() {
    let fixture = Fixture::sealed(&[Run::new(0, 4, 2)]);
    let session = &mut fixture.session();
    let sql = "SELECT now(), number FROM blocks WHERE number = 1";
    let statement = prepare(session, sql).await;
    let first = run(session, &statement, &[]).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    assert_ne!(run(session, &statement, &[]).await.unwrap(), first);
    let setting = "SELECT current_setting('application_name'), number FROM blocks WHERE number = 1";
    let statement = prepare(session, setting).await;
    for name in ["a", "b"] {
        rows(session, &format!("SET application_name = '{name}'")).await;
        assert_eq!(run(session, &statement, &[]).await.unwrap(), [[name, "1"]]);
    }
}

#[tokio::test]
async fn recursion_and_functions_in_from_run_twice_alike() {
    let fixture = Fixture::sealed(&[Run::new(0, 4, 2)]);
    let session = &mut fixture.session();
    for sql in [
        "WITH RECURSIVE blocks(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM blocks WHERE n < 4) \
         SELECT max(n) FROM blocks",
        "SELECT max(n) FROM generate_series(1, 4) AS g(n)",
        "SELECT max(number) FROM blocks WHERE number IN (SELECT transaction_index + 3 FROM transactions)",
    ] {
        let statement = prepare(session, sql).await;
        for _ in 0..3 {
            assert_eq!(run(session, &statement, &[]).await.unwrap(), [["4"]], "{sql}");
        }
    }
}

#[tokio::test]
async fn a_text_that_comes_again_is_planned_once() {
    let fixture = Fixture::sealed(&[Run::new(0, 4, 2)]);
    let session = &mut fixture.session();
    let sql = "SELECT gas FROM transactions WHERE block_number < $1";
    let first = prepare(session, sql).await;
    let again = prepare(session, sql).await;
    assert!(first.plan.is_same(&again.plan));
    let statement = session.parse(sql).unwrap().remove(0);
    let typed = session.prepare(statement, &[Some(crate::PgType::Int4)]).await.unwrap();
    assert!(!first.plan.is_same(&typed.plan), "another type of parameter is another statement");
    assert_eq!(typed.parameter_types(), [crate::PgType::Int4]);
    rows(session, "SET TimeZone = 'Asia/Tokyo'").await;
    assert!(!typed.plan.is_same(&prepare(session, sql).await.plan));
}
