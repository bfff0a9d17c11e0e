//! From connect to the first ReadyForQuery, and the end that the server makes.

use std::time::Duration;

use pg_gateway::{AuthConfig, AuthMethod, GatewayConfig, Role, Verifier};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::harness::{DATABASE, ENDLESS, Harness};
use crate::raw::{RawClient, query, shape, startup, startup_of_version};

fn with_passwords() -> GatewayConfig {
    let role = Role { verifier: Some(Verifier::from_password("secrét")), ..Role::default() };
    let auth =
        AuthConfig::with_loopback(AuthMethod::ScramSha256, [("ann".to_owned(), role)].into());
    GatewayConfig { auth, ..Default::default() }
}

#[tokio::test]
async fn the_greeting_has_settings_in_order_then_the_key() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = RawClient::connect(&harness).await;
    client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
    let replies = client.until('Z').await;
    assert_eq!(shape(&replies), "R S S S S S S S S S S S S S S K Z(I)");
    let names: Vec<_> = replies[1..15]
        .iter()
        .map(|reply| reply.body.split(|&byte| byte == 0).next().unwrap().to_vec())
        .collect();
    assert_eq!(names[0], b"in_hot_standby");
    assert_eq!(names[8], b"DateStyle");
    assert_eq!(names[13], b"server_encoding");
    assert_eq!(replies[15].body.len(), 8, "a key of four bytes for protocol 3.0");
}

#[tokio::test]
async fn newer_protocols_are_negotiated_down_to_3_2() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let parameters = [("user", "ann"), ("database", DATABASE), ("_pq_.x", "1")];
    let mut client = RawClient::connect(&harness).await;
    client.send(&startup_of_version(3 << 16 | 9, &parameters)).await;
    let replies = client.until('Z').await;
    assert_eq!(replies[0].kind, 'v');
    assert_eq!(replies[0].body, b"\0\x03\0\x02\0\0\0\x01_pq_.x\0");
    let key = replies.iter().find(|reply| reply.kind == 'K').unwrap();
    assert_eq!(key.body.len(), 4 + 32);
}

#[tokio::test]
async fn requests_for_encryption_are_answered_with_no_without_a_certificate() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = RawClient::connect(&harness).await;
    client.send(b"\0\0\0\x08\x04\xd2\x16\x30").await;
    assert_eq!(client.bytes(1).await, b"N");
    client.send(b"\0\0\0\x08\x04\xd2\x16\x2f").await;
    assert_eq!(client.bytes(1).await, b"N");
    client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
    assert_eq!(client.until('Z').await.last().unwrap().kind, 'Z');
}

#[tokio::test]
async fn an_unknown_database_is_told_after_sign_in() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = RawClient::connect(&harness).await;
    client.send(&startup(&[("user", "ann"), ("database", "nosuch")])).await;
    assert_eq!(shape(&client.until('Z').await), "R E(3D000)");
}

#[tokio::test]
async fn only_the_right_password_signs_in() {
    let harness = Harness::start(with_passwords()).await;
    let connected = harness.driver().password("secrét").connect(NoTls).await;
    let (client, connection) = connected.unwrap();
    tokio::spawn(connection);
    assert_eq!(client.simple_query("SELECT 1").await.unwrap().len(), 3);

    for (user, password) in [("ann", "Secrét"), ("ann", ""), ("bob", "secrét")] {
        let refused = harness.driver().user(user).password(password).connect(NoTls).await;
        let error = refused.err().unwrap();
        let error = error.as_db_error().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(error.code(), &SqlState::INVALID_PASSWORD);
        assert_eq!(error.message(), format!("password authentication failed for user \"{user}\""));
    }
}

#[tokio::test]
async fn nothing_but_a_password_is_read_before_sign_in() {
    let harness = Harness::start(with_passwords()).await;
    let mut client = RawClient::connect(&harness).await;
    client
        .send(&[startup(&[("user", "ann"), ("database", DATABASE)]), query("SELECT 1")].concat())
        .await;
    assert_eq!(shape(&client.until('Z').await), "R E(08P01)");
}

#[tokio::test]
async fn the_connection_limit_admits_its_own_value_and_refuses_the_next() {
    let harness = Harness::start(GatewayConfig { connections_max: 2, ..Default::default() }).await;
    let _first = RawClient::signed_in(&harness).await;
    let _second = RawClient::signed_in(&harness).await;
    let mut third = RawClient::connect(&harness).await;
    third.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
    assert_eq!(shape(&third.until('Z').await), "E(53300)");
}

#[tokio::test]
async fn a_stop_tells_idle_and_busy_clients_and_ends() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut idle = RawClient::signed_in(&harness).await;
    let mut busy = RawClient::signed_in(&harness).await;
    busy.send(&query(ENDLESS)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    tokio::time::timeout(Duration::from_secs(3), harness.gateway.shutdown()).await.unwrap();
    for client in [&mut idle, &mut busy] {
        let error = client.until('E').await.pop().unwrap();
        assert_eq!((error.field('S').as_str(), error.field('C').as_str()), ("FATAL", "57P01"));
        assert_eq!(client.reply().await, None);
    }
}
