//! Clients that do not speak the protocol, or stop speaking.

use std::time::Duration;

use pg_gateway::GatewayConfig;

use crate::harness::{DATABASE, ENDLESS, Harness};
use crate::raw::{RawClient, bind, message, query, startup};

async fn harness() -> Harness {
    Harness::start(GatewayConfig::default()).await
}

/// The SQLSTATE of the FATAL error that ends the stream.
async fn fatal(client: &mut RawClient) -> String {
    let error = client.reply().await.expect("an error before the end");
    assert_eq!((error.kind, error.field('S').as_str()), ('E', "FATAL"));
    assert_eq!(client.reply().await, None, "the connection is closed");
    error.field('C')
}

#[tokio::test]
async fn frames_that_cannot_be_are_fatal() {
    let harness = harness().await;
    for bytes in [&b"y\0\0\0\x04"[..], b"S\0\0\0\x03", b"E\x7f\xff\xff\xff", b"p\0\0\0\x05\0"] {
        let mut client = RawClient::signed_in(&harness).await;
        client.send(bytes).await;
        assert_eq!(fatal(&mut client).await, "08P01", "{bytes:?}");
    }
    let mut client = RawClient::signed_in(&harness).await;
    client.send(b"Q\x7f\xff\xff\xff").await;
    assert_eq!(fatal(&mut client).await, "54000");
}

#[tokio::test]
async fn bodies_cut_short_are_errors_and_the_session_goes_on() {
    let harness = harness().await;
    let mut client = RawClient::signed_in(&harness).await;
    let whole = bind("", "", &["12", "x"], &[0, 1]);
    for cut in 5..whole.len() {
        client.send(&[message('B', &whole[5..cut]), message('S', b"")].concat()).await;
        assert_eq!(client.shape().await, "E(08P01) Z(I)", "cut at {cut}");
    }
    client.send(&query("SELECT 1")).await;
    assert_eq!(client.shape().await, "T D C(SELECT 1) Z(I)");
}

#[tokio::test]
async fn a_malformed_sync_still_ends_the_skipping() {
    let harness = harness().await;
    let mut client = RawClient::signed_in(&harness).await;
    client.send(&[message('B', b""), message('S', b"x")].concat()).await;
    assert_eq!(client.shape().await, "E(08P01) E(08P01) Z(I)");
    client.send(&query("SELECT 1")).await;
    assert_eq!(client.shape().await, "T D C(SELECT 1) Z(I)");
}

#[tokio::test]
async fn startup_packets_out_of_bounds_are_fatal() {
    let harness = harness().await;
    for (bytes, code) in [
        (b"\0\0\0\x07\0\0\0".to_vec(), "08P01"),
        (b"\x7f\xff\xff\xff\0\0\0\0".to_vec(), "08P01"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "08P01"),
        (startup(&[]), "28000"),
        (startup(&[("user", "ann"), ("replication", "true")]), "0A000"),
        (startup(&[("user", &"x".repeat(10_000))]), "08P01"),
    ] {
        let mut client = RawClient::connect(&harness).await;
        client.send(&bytes).await;
        assert_eq!(fatal(&mut client).await, code, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_is_dropped_in_time() {
    let config =
        GatewayConfig { startup_timeout: Duration::from_millis(200), ..Default::default() };
    let harness = Harness::start(config).await;
    let mut silent = RawClient::connect(&harness).await;
    let mut stalled = RawClient::connect(&harness).await;
    stalled.send(b"\0\0\0\x08\x04\xd2\x16\x2f").await;
    assert_eq!(stalled.bytes(1).await, b"N");
    assert_eq!(silent.reply().await, None);
    assert_eq!(stalled.reply().await, None);
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_place_while_its_query_runs() {
    let harness = Harness::start(GatewayConfig { connections_max: 1, ..Default::default() }).await;
    let mut client = RawClient::signed_in(&harness).await;
    client.send(&query(ENDLESS)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(client);
    let free = async {
        loop {
            let mut next = RawClient::connect(&harness).await;
            next.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
            if next.until('Z').await.last().is_some_and(|reply| reply.kind == 'Z') {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), free).await.expect("the place was not freed");
}
