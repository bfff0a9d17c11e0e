//! tokio-postgres: prepared statements, binary values, cancel and timeouts.

use std::time::Duration;

use futures::TryStreamExt;
use pg_gateway::GatewayConfig;
use tokio_postgres::error::SqlState;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::harness::{ENDLESS, Harness};

#[tokio::test]
async fn prepared_statements_take_parameters_of_every_plain_type() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = harness.client().await;
    let sql = "SELECT $1::int4, $2::int8, $3::text, $4::bool, $5::bytea, $6::float8";
    let statement = client.prepare(sql).await.unwrap();
    for round in 0..3i32 {
        let (big, text, bytes) = (i64::MAX - i64::from(round), format!("t{round}"), vec![0u8, 255]);
        let row = client
            .query_one(&statement, &[&round, &big, &text, &true, &bytes, &0.5f64])
            .await
            .unwrap();
        assert_eq!(row.get::<_, i32>(0), round);
        assert_eq!(row.get::<_, i64>(1), big);
        assert_eq!(row.get::<_, String>(2), text);
        assert!(row.get::<_, bool>(3));
        assert_eq!(row.get::<_, Vec<u8>>(4), bytes);
        assert_eq!(row.get::<_, f64>(5).to_bits(), 0.5f64.to_bits());
    }
    let nulls = [None::<i32>];
    let row = client.query_one("SELECT $1::int4", &[&nulls[0]]).await.unwrap();
    assert_eq!(row.get::<_, Option<i32>>(0), None);
}

#[tokio::test]
async fn rows_are_streamed_in_parts_and_whole() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = harness.client().await;
    let sql = "SELECT * FROM generate_series(1, 100000)";
    let rows: Vec<_> = client
        .query_raw(sql, std::iter::empty::<i32>())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 100_000);

    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind(sql, &[]).await.unwrap();
    for part in 0..4 {
        let rows = transaction.query_portal(&portal, 1_000).await.unwrap();
        assert_eq!(rows.len(), 1_000, "part {part}");
    }
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn an_error_has_its_code_and_position() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = harness.client().await;
    let error = client.simple_query("SELECT\n  nosuch FROM chain.blocks").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code(), &SqlState::UNDEFINED_COLUMN);
    assert_eq!(error.position(), Some(&tokio_postgres::error::ErrorPosition::Original(10)));
}

#[tokio::test]
async fn a_cancel_ends_a_running_query_and_the_session_goes_on() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = harness.client().await;
    let token = client.cancel_token();
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        token.cancel_query(NoTls).await.unwrap();
    };
    let run = tokio::time::timeout(Duration::from_secs(5), client.simple_query(ENDLESS));
    let (result, ()) = tokio::join!(run, cancel);
    let error = result.expect("the query was not stopped").unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
    let answer = client.simple_query("SELECT 1").await.unwrap();
    assert!(matches!(answer[1], SimpleQueryMessage::Row(_)));
}

/// The engine of the harness has two threads: a query that went on after its cancel would hold one.
#[tokio::test]
async fn cancelled_queries_leave_the_threads_of_the_engine() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = harness.client().await;
    client.simple_query("SET statement_timeout = 300").await.unwrap();
    for _ in 0..3 {
        client.simple_query(ENDLESS).await.unwrap_err();
    }
    client.simple_query("SET statement_timeout = 0").await.unwrap();
    let next = client.simple_query("SELECT count(*) FROM generate_series(1, 1000)");
    tokio::time::timeout(Duration::from_secs(5), next).await.expect("threads are held").unwrap();
}

#[tokio::test]
async fn a_statement_timeout_ends_a_running_query() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = harness.client().await;
    client.simple_query("SET statement_timeout = 200").await.unwrap();
    let run = tokio::time::timeout(Duration::from_secs(5), client.simple_query(ENDLESS));
    let error = run.await.expect("the query was not stopped").unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code(), &SqlState::QUERY_CANCELED);
    assert_eq!(error.message(), "canceling statement due to statement timeout");
}
