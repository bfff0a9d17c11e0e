//! Sessions as other sessions see and stop them.

use std::time::Duration;

use pg_gateway::GatewayConfig;
use tokio_postgres::error::SqlState;

use crate::harness::{ENDLESS, Harness};

/// Process ids and states of the sessions of role `ann`, and what they run.
async fn activity(client: &tokio_postgres::Client) -> Vec<(i32, String, String)> {
    let sql = "SELECT pid, state, query FROM pg_stat_activity WHERE usename = 'ann' ORDER BY pid";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

async fn process_id(client: &tokio_postgres::Client) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_session_sees_what_another_one_of_its_role_runs_and_cancels_it() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let (busy, other) = (harness.client().await, harness.client().await);
    let busy_id = process_id(&busy).await;
    let watch = async {
        let running = |(pid, state, query): &(i32, String, String)| {
            *pid == busy_id && state == "active" && query == ENDLESS
        };
        while !activity(&other).await.iter().any(running) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let row = other.query_one("SELECT pg_cancel_backend($1)", &[&busy_id]).await.unwrap();
        assert!(row.get::<_, bool>(0));
    };
    let (result, ()) = tokio::join!(busy.query(ENDLESS, &[]), watch);
    assert_eq!(result.unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
    assert_eq!(process_id(&busy).await, busy_id, "the session goes on");
}

#[tokio::test]
async fn a_terminated_session_is_told_57p01_and_leaves_the_list() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let (doomed, other) = (harness.client().await, harness.client().await);
    let doomed_id = process_id(&doomed).await;
    assert_eq!(activity(&other).await.len(), 2);
    let end = async { other.query_one("SELECT pg_terminate_backend($1)", &[&doomed_id]).await };
    let watch = async {
        while doomed.query("SELECT 1", &[]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (ended, ()) = tokio::join!(end, watch);
    assert!(ended.unwrap().get::<_, bool>(0));
    while activity(&other).await.len() > 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let nobody = other.query_one("SELECT pg_terminate_backend($1)", &[&doomed_id]).await.unwrap();
    assert!(!nobody.get::<_, bool>(0));
}

#[tokio::test]
async fn another_role_sees_that_a_session_is_there_and_cannot_stop_it() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let ann = harness.client().await;
    let (bob, connection) =
        harness.driver().user("bob").connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let ann_id = process_id(&ann).await;
    let sql = "SELECT query, state FROM pg_stat_activity WHERE pid = $1";
    let row = bob.query_one(sql, &[&ann_id]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "<insufficient privilege>");
    assert_eq!(row.get::<_, Option<String>>(1), None);
    for call in ["pg_cancel_backend", "pg_terminate_backend"] {
        let refused = bob.query_one(&format!("SELECT {call}($1)"), &[&ann_id]).await.unwrap_err();
        assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{call}");
    }
}
