//! Limits that end a connection, and those that refuse one.

use std::time::Duration;

use pg_gateway::{AddressRange, AuthConfig, AuthMethod, GatewayConfig, HostRule, Role};
use tokio::time::Instant;

use crate::harness::{DATABASE, ENDLESS, Harness, PATIENCE};
use crate::raw::{RawClient, bind, execute, parse, query, shape, startup, sync};

/// Trusts this machine, for the roles given.
fn with_roles(roles: &[(&str, Role)]) -> AuthConfig {
    AuthConfig {
        rules: vec![HostRule::for_all(AddressRange::LOOPBACK_V4, AuthMethod::Trust)],
        roles: roles.iter().map(|(name, role)| ((*name).to_owned(), role.clone())).collect(),
        admits_unlisted: false,
    }
}

/// Types of the answers to a startup as `user`, and the message of the error if there is one.
async fn sign_in(harness: &Harness, user: &str) -> (RawClient, String, String) {
    let mut client = RawClient::connect(harness).await;
    client.send(&startup(&[("user", user), ("database", DATABASE)])).await;
    let replies = client.until('Z').await;
    let last = replies.last().unwrap();
    let (kind, text) = match last.kind {
        'Z' => ("Z".to_owned(), String::new()),
        _ => (shape(&replies), last.field('M')),
    };
    (client, kind, text)
}

#[tokio::test]
async fn the_last_places_are_kept_for_admins() {
    let roles = [("ann", Role::default()), ("root", Role { is_admin: true, ..Role::default() })];
    let auth = with_roles(&roles);
    let config =
        GatewayConfig { connections_max: 2, reserved_connections: 1, auth, ..Default::default() };
    let harness = Harness::start(config).await;
    let _ann = sign_in(&harness, "ann").await;
    let (_, kind, text) = sign_in(&harness, "ann").await;
    assert_eq!(kind, "R E(53300)");
    assert_eq!(
        text,
        "remaining connection slots are reserved for roles with the SUPERUSER attribute"
    );
    let (_root, kind, _) = sign_in(&harness, "root").await;
    assert_eq!(kind, "Z");
    let (_, kind, text) = sign_in(&harness, "root").await;
    assert_eq!((kind.as_str(), text.as_str()), ("E(53300)", "sorry, too many clients already"));
}

#[tokio::test]
async fn a_role_has_a_limit_of_its_own() {
    let roles = [("ann", Role { connections_max: Some(1), ..Role::default() })];
    let auth = with_roles(&roles);
    let harness = Harness::start(GatewayConfig { auth, ..Default::default() }).await;
    let (_first, kind, _) = sign_in(&harness, "ann").await;
    assert_eq!(kind, "Z");
    let (_, kind, text) = sign_in(&harness, "ann").await;
    assert_eq!(
        (kind.as_str(), text.as_str()),
        ("R E(53300)", "too many connections for role \"ann\"")
    );
    let (_, kind, text) = sign_in(&harness, "eve").await;
    assert_eq!((kind.as_str(), text.as_str()), ("R E(28000)", "role \"eve\" does not exist"));
}

/// The FATAL error that ends a silent client, and how long it took.
async fn silence(client: &mut RawClient) -> (String, String, Duration) {
    let started = Instant::now();
    let error = client.reply().await.expect("an error before the end");
    assert_eq!((error.kind, error.field('S').as_str()), ('E', "FATAL"));
    assert_eq!(client.reply().await, None, "the connection is closed");
    (error.field('C'), error.field('M'), started.elapsed())
}

#[tokio::test]
async fn an_idle_client_is_ended_after_its_own_timeout() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = RawClient::signed_in(&harness).await;
    client.send(&query("SET idle_session_timeout = 300")).await;
    client.until('Z').await;
    let (state, text, waited) = silence(&mut client).await;
    assert_eq!(
        (state.as_str(), text.as_str()),
        ("57P05", "terminating connection due to idle-session timeout")
    );
    assert!(waited >= Duration::from_millis(250), "{waited:?}");
}

#[tokio::test]
async fn a_client_that_is_idle_in_a_transaction_is_ended_and_others_are_not() {
    let harness = Harness::start(GatewayConfig::default()).await;
    for begin in ["BEGIN", "BEGIN; SELECT nope"] {
        let mut client = RawClient::signed_in(&harness).await;
        client.send(&query("SET idle_in_transaction_session_timeout = 200")).await;
        client.until('Z').await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        client.send(&query(begin)).await;
        client.until('Z').await;
        let (state, text, _) = silence(&mut client).await;
        assert_eq!(
            (state.as_str(), text.as_str()),
            ("25P03", "terminating connection due to idle-in-transaction timeout"),
            "{begin}"
        );
    }
}

#[tokio::test]
async fn a_client_in_the_middle_of_a_pipeline_is_not_idle() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = RawClient::signed_in(&harness).await;
    client.send(&query("SET idle_session_timeout = 200")).await;
    client.until('Z').await;
    client.send(&parse("", "SELECT 1")).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.send(&[bind("", "", &[], &[]), execute("", 0), sync()].concat()).await;
    assert_eq!(client.shape().await, "1 2 D C(SELECT 1) Z(I)");
}

/// The test's own runtime has one thread and serves the network: work of a query on it would stop
/// everything else.
#[tokio::test(flavor = "current_thread")]
async fn a_busy_query_delays_neither_new_clients_nor_cancel() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut busy = Vec::new();
    // More than the engine has threads.
    for _ in 0..4 {
        let mut client = RawClient::connect(&harness).await;
        client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
        let replies = client.until('Z').await;
        let key = replies.iter().find(|reply| reply.kind == 'K').unwrap().body.clone();
        client.send(&query(ENDLESS)).await;
        busy.push((client, key));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // No bound on speed: the queries run for hours, so what waits for them never comes.
    for _ in 0..20 {
        let sign_in = RawClient::signed_in(&harness);
        let _client = tokio::time::timeout(PATIENCE, sign_in).await.expect("a client signs in");
    }
    for (client, key) in &mut busy {
        let mut cancel = RawClient::connect(&harness).await;
        cancel.send(&[&b"\0\0\0\x10\x04\xd2\x16\x2e"[..], key].concat()).await;
        assert_eq!(cancel.reply().await, None, "a cancel request gets no answer");
        let answer = tokio::time::timeout(PATIENCE, client.shape()).await;
        assert_eq!(answer.expect("the statement ends"), "T E(57014) Z(I)");
    }
}
