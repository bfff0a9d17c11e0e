//! SQL cursors: what they give, how long they live, and that portals share their names.

use pg_gateway::GatewayConfig;

use crate::harness::Harness;
use crate::raw::{RawClient, bind, describe, execute, message, parse, query, sync};

const SERIES: &str = "FOR SELECT * FROM generate_series(1, 4)";

async fn signed_in() -> (Harness, RawClient) {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = RawClient::signed_in(&harness).await;
    (harness, client)
}

async fn says(client: &mut RawClient, sql: &str, shape: &str) {
    client.send(&query(sql)).await;
    assert_eq!(client.shape().await, shape, "{sql}");
}

#[tokio::test]
async fn a_cursor_needs_a_transaction_unless_it_is_held() {
    let (_harness, mut client) = signed_in().await;
    says(&mut client, &format!("DECLARE c CURSOR {SERIES}"), "E(25P01) Z(I)").await;
    says(&mut client, &format!("DECLARE c CURSOR WITH HOLD {SERIES}"), "C(DECLARE CURSOR) Z(I)")
        .await;
    says(&mut client, "FETCH 3 FROM c", "T D D D C(FETCH 3) Z(I)").await;
    says(&mut client, "FETCH ALL c", "T D C(FETCH 1) Z(I)").await;
    says(&mut client, "CLOSE c", "C(CLOSE CURSOR) Z(I)").await;
    says(&mut client, "FETCH c", "E(34000) Z(I)").await;
}

#[tokio::test]
async fn cursors_end_with_their_transaction_and_held_ones_survive_its_commit_only() {
    let (_harness, mut client) = signed_in().await;
    for (end, held, plain) in [
        ("COMMIT", "T D C(FETCH 1) Z(I)", "E(34000) Z(I)"),
        ("ROLLBACK", "E(34000) Z(I)", "E(34000) Z(I)"),
    ] {
        says(&mut client, "BEGIN", "C(BEGIN) Z(T)").await;
        says(
            &mut client,
            &format!("DECLARE h CURSOR WITH HOLD {SERIES}"),
            "C(DECLARE CURSOR) Z(T)",
        )
        .await;
        says(&mut client, &format!("DECLARE p CURSOR {SERIES}"), "C(DECLARE CURSOR) Z(T)").await;
        says(&mut client, "MOVE 2 IN h", "C(MOVE 2) Z(T)").await;
        says(&mut client, end, &format!("C({end}) Z(I)")).await;
        says(&mut client, "FETCH h", held).await;
        says(&mut client, "FETCH p", plain).await;
        says(&mut client, "CLOSE ALL", "C(CLOSE CURSOR ALL) Z(I)").await;
    }
}

#[tokio::test]
async fn rolling_back_to_a_savepoint_ends_the_cursors_made_after_it() {
    let (_harness, mut client) = signed_in().await;
    says(&mut client, "BEGIN", "C(BEGIN) Z(T)").await;
    says(&mut client, &format!("DECLARE a CURSOR {SERIES}"), "C(DECLARE CURSOR) Z(T)").await;
    says(&mut client, "SAVEPOINT s", "C(SAVEPOINT) Z(T)").await;
    says(&mut client, &format!("DECLARE b CURSOR {SERIES}"), "C(DECLARE CURSOR) Z(T)").await;
    says(&mut client, "FETCH nosuch", "E(34000) Z(E)").await;
    says(&mut client, "FETCH a", "E(25P02) Z(E)").await;
    says(&mut client, "ROLLBACK TO s", "C(ROLLBACK) Z(T)").await;
    says(&mut client, "FETCH a", "T D C(FETCH 1) Z(T)").await;
    says(&mut client, "FETCH b", "E(34000) Z(E)").await;
}

#[tokio::test]
async fn going_back_needs_scroll_where_the_query_does_not_give_it() {
    let (_harness, mut client) = signed_in().await;
    says(&mut client, "BEGIN", "C(BEGIN) Z(T)").await;
    says(&mut client, "SAVEPOINT s", "C(SAVEPOINT) Z(T)").await;
    says(&mut client, &format!("DECLARE n NO SCROLL CURSOR {SERIES}"), "C(DECLARE CURSOR) Z(T)")
        .await;
    says(&mut client, "FETCH n", "T D C(FETCH 1) Z(T)").await;
    says(&mut client, "FETCH PRIOR n", "E(55000) Z(E)").await;
    says(&mut client, "ROLLBACK TO s", "C(ROLLBACK) Z(T)").await;
    says(&mut client, &format!("DECLARE y SCROLL CURSOR {SERIES}"), "C(DECLARE CURSOR) Z(T)").await;
    says(&mut client, "FETCH LAST y", "T D C(FETCH 1) Z(T)").await;
    says(&mut client, "MOVE BACKWARD ALL y", "C(MOVE 3) Z(T)").await;
    says(&mut client, "DECLARE z SCROLL NO SCROLL CURSOR FOR SELECT 1", "E(42P11) Z(E)").await;
}

#[tokio::test]
async fn a_portal_and_a_cursor_share_their_names() {
    let (_harness, mut client) = signed_in().await;
    says(&mut client, "BEGIN", "C(BEGIN) Z(T)").await;
    let sql = "SELECT * FROM generate_series(1, 5)";
    let portal = [parse("", sql), bind("p", "", &[], &[]), execute("p", 2), sync()].concat();
    client.send(&portal).await;
    assert_eq!(client.shape().await, "1 2 D D s Z(T)");
    says(&mut client, "FETCH 2 FROM p", "T D D C(FETCH 2) Z(T)").await;
    client.send(&[describe('P', "p"), execute("p", 0), sync()].concat()).await;
    assert_eq!(client.shape().await, "T D C(SELECT 1) Z(T)");
    says(&mut client, "SAVEPOINT s", "C(SAVEPOINT) Z(T)").await;
    says(&mut client, "DECLARE p CURSOR FOR SELECT 1", "E(42P03) Z(E)").await;
}

#[tokio::test]
async fn an_sql_cursor_is_a_portal_of_the_extended_protocol() {
    let (_harness, mut client) = signed_in().await;
    says(&mut client, "BEGIN", "C(BEGIN) Z(T)").await;
    says(&mut client, &format!("DECLARE c CURSOR {SERIES}"), "C(DECLARE CURSOR) Z(T)").await;
    client.send(&[describe('P', "c"), execute("c", 3), execute("c", 3), sync()].concat()).await;
    assert_eq!(client.shape().await, "T D D D s D C(SELECT 1) Z(T)");
    let taken = [parse("", "SELECT 1"), bind("c", "", &[], &[]), sync()].concat();
    client.send(&taken).await;
    assert_eq!(client.shape().await, "1 E(42P03) Z(E)");
    says(&mut client, "ROLLBACK", "C(ROLLBACK) Z(I)").await;
    client.send(&[message('C', b"Pc\0"), sync()].concat()).await;
    assert_eq!(client.shape().await, "3 Z(I)");
}

#[tokio::test]
async fn fetch_is_described_with_the_columns_of_its_cursor() {
    let (_harness, mut client) = signed_in().await;
    says(&mut client, "BEGIN", "C(BEGIN) Z(T)").await;
    client.send(&[parse("f", "FETCH 2 FROM c"), describe('S', "f"), sync()].concat()).await;
    assert_eq!(client.shape().await, "1 t n Z(T)", "there is no cursor yet");
    let declare = "DECLARE c CURSOR FOR SELECT g, $1::text FROM generate_series(1, 3) g";
    let made = [parse("", declare), bind("", "", &["x"], &[]), execute("", 0), sync()].concat();
    client.send(&made).await;
    assert_eq!(client.shape().await, "1 2 C(DECLARE CURSOR) Z(T)");
    for shape in ["2 T D D C(FETCH 2) Z(T)", "2 T D C(FETCH 1) Z(T)"] {
        let fetch = [bind("", "f", &[], &[1, 0]), describe('P', ""), execute("", 0), sync()];
        client.send(&fetch.concat()).await;
        assert_eq!(client.shape().await, shape);
    }
}

#[tokio::test]
async fn a_driver_reads_a_long_result_through_a_cursor() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = harness.client().await;
    let transaction = client.transaction().await.unwrap();
    transaction
        .batch_execute("DECLARE c CURSOR FOR SELECT * FROM generate_series(1, 50000)")
        .await
        .unwrap();
    let fetch = transaction.prepare("FETCH FORWARD 7000 FROM c").await.unwrap();
    let (mut count, mut sum) = (0_i64, 0_i64);
    loop {
        let rows = transaction.query(&fetch, &[]).await.unwrap();
        if rows.is_empty() {
            break;
        }
        count += rows.len() as i64;
        sum += rows.iter().map(|row| i64::from(row.get::<_, i32>(0))).sum::<i64>();
    }
    assert_eq!((count, sum), (50_000, 50_000 * 50_001 / 2));
}
