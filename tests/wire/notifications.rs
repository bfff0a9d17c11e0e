//! LISTEN and NOTIFY between clients, and news of blocks.

use std::time::Duration;

use pg_gateway::GatewayConfig;
use tests::data;
use tests::service::{Fixture, TestService};

use crate::harness::Harness;
use crate::raw::{RawClient, Reply, query, startup};

async fn says(client: &mut RawClient, sql: &str, shape: &str) {
    client.send(&query(sql)).await;
    assert_eq!(client.shape().await, shape, "{sql}");
}

/// Channel and payload.
fn content(reply: &Reply) -> (String, String) {
    assert_eq!(reply.kind, 'A');
    let mut texts = reply.body[4..].split(|&byte| byte == 0);
    let mut next = || String::from_utf8(texts.next().unwrap().to_vec()).unwrap();
    (next(), next())
}

#[tokio::test]
async fn an_idle_listener_hears_at_once_what_another_client_commits() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut listener = RawClient::signed_in(&harness).await;
    let mut sender = RawClient::signed_in(&harness).await;
    says(&mut listener, "LISTEN ch", "C(LISTEN) Z(I)").await;
    says(&mut sender, "BEGIN", "C(BEGIN) Z(T)").await;
    says(&mut sender, "NOTIFY ch, 'one'", "C(NOTIFY) Z(T)").await;
    says(&mut sender, "NOTIFY ch, 'one'", "C(NOTIFY) Z(T)").await;
    says(&mut sender, "SAVEPOINT s", "C(SAVEPOINT) Z(T)").await;
    says(&mut sender, "SELECT pg_notify('ch', 'undone')", "T D C(SELECT 1) Z(T)").await;
    says(&mut sender, "ROLLBACK TO s", "C(ROLLBACK) Z(T)").await;
    let early = tokio::time::timeout(Duration::from_millis(200), listener.reply()).await;
    assert!(early.is_err(), "nothing is heard before COMMIT");
    says(&mut sender, "COMMIT", "C(COMMIT) Z(I)").await;
    let heard = listener.reply().await.unwrap();
    assert_eq!(content(&heard), ("ch".to_owned(), "one".to_owned()));
    says(&mut listener, "SELECT 1", "T D C(SELECT 1) Z(I)").await;
}

#[tokio::test]
async fn a_listener_in_a_transaction_hears_when_it_ends() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut listener = RawClient::signed_in(&harness).await;
    let mut sender = RawClient::signed_in(&harness).await;
    says(&mut listener, "LISTEN ch", "C(LISTEN) Z(I)").await;
    says(&mut listener, "BEGIN", "C(BEGIN) Z(T)").await;
    says(&mut sender, "NOTIFY ch", "C(NOTIFY) Z(I)").await;
    says(&mut listener, "SELECT 1", "T D C(SELECT 1) Z(T)").await;
    says(&mut listener, "COMMIT", "C(COMMIT) A Z(I)").await;
    says(&mut listener, "UNLISTEN *", "C(UNLISTEN) Z(I)").await;
    says(&mut listener, "NOTIFY ch", "C(NOTIFY) Z(I)").await;
}

#[tokio::test]
async fn what_is_rolled_back_is_neither_said_nor_listened_to() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = RawClient::signed_in(&harness).await;
    says(&mut client, "BEGIN", "C(BEGIN) Z(T)").await;
    says(&mut client, "LISTEN ch", "C(LISTEN) Z(T)").await;
    says(&mut client, "ROLLBACK", "C(ROLLBACK) Z(I)").await;
    says(&mut client, "NOTIFY ch", "C(NOTIFY) Z(I)").await;
    says(&mut client, "LISTEN ch", "C(LISTEN) Z(I)").await;
    says(&mut client, "SELECT pg_notify('ch', 'x'), 1/0", "E(22012) Z(I)").await;
    says(&mut client, "SELECT 1", "T D C(SELECT 1) Z(I)").await;
    let long = format!("NOTIFY ch, '{}'", "x".repeat(8_000));
    says(&mut client, &long, "E(22023) Z(I)").await;
}

#[tokio::test]
async fn an_import_tells_listeners_of_each_new_block() {
    let service = TestService::start(&[Fixture::gaps()]).await;
    let mut client = RawClient::connect_to(service.port()).await;
    client.send(&startup(&[("user", "ann"), ("database", "gaps")])).await;
    client.until('Z').await;
    says(&mut client, "LISTEN ergo_blocks", "C(LISTEN) Z(I)").await;
    // The whole chain: the blocks that were missing, 100 to 149 and 200, are new.
    let store = service.running().engine().store().clone();
    let import = move || {
        let options = indexer::ImportOptions { confirmations: 64, ..Default::default() };
        indexer::import(&store, "gaps", &[data::demo_chain()], &options, &|_| {})
    };
    tokio::task::spawn_blocking(import).await.unwrap().unwrap();
    let mut numbers = Vec::new();
    for _ in 0..51 {
        let (channel, payload) = content(&client.reply().await.unwrap());
        let news: serde_json::Value = serde_json::from_str(&payload).unwrap();
        assert_eq!((channel.as_str(), &news["network"]), ("ergo_blocks", &"gaps".into()));
        assert_eq!(news["hash"].as_str().unwrap().len(), 66);
        numbers.push(news["number"].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (100..=149).chain([200]).collect::<Vec<_>>());
    says(&mut client, "SELECT 1", "T D C(SELECT 1) Z(I)").await;
}
