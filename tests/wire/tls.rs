//! TLS as PostgreSQL negotiates it, what certificates prove, and the attacks that must not work.

use std::path::PathBuf;
use std::sync::Arc;

use pg_gateway::{
    AddressRange, AuthConfig, AuthMethod, GatewayConfig, HostKind, HostRule, Role, Tls, TlsFiles,
    Verifier,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{DATABASE, Harness};
use crate::raw::{RawClient, Reply, message, query, shape, startup};

const CERTIFICATE: &[u8] = include_bytes!("../fixtures/tls/cert.pem");
const KEY: &[u8] = include_bytes!("../fixtures/tls/key.pem");
const CLIENT_CERTIFICATE: &[u8] = include_bytes!("../fixtures/tls/ann.pem");
const CLIENT_KEY: &[u8] = include_bytes!("../fixtures/tls/ann-key.pem");
const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

/// The fixture's certificate, with an authority for client certificates.
fn server_tls() -> Tls {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::write(&key, KEY).unwrap();
    // A clone of the repository gives files that all can read, which is refused for keys.
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let fixture = |name| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name);
    let client_authority = Some(fixture("client-ca.pem"));
    Tls::load(&TlsFiles { certificate: fixture("cert.pem"), key, client_authority }).unwrap()
}

async fn harness() -> Harness {
    Harness::start(GatewayConfig { tls: Some(server_tls()), ..Default::default() }).await
}

/// A gateway with one rule for everybody, and the roles `ann` and `bob` with a password.
async fn with_rule(rule: HostRule) -> Harness {
    let role = || Role { verifier: Some(Verifier::from_password("secret")), ..Role::default() };
    let roles = ["ann", "bob"].map(|name| (name.to_owned(), role())).into();
    let auth = AuthConfig { rules: vec![rule], roles, admits_unlisted: false };
    Harness::start(GatewayConfig { tls: Some(server_tls()), auth, ..Default::default() }).await
}

fn rule(method: AuthMethod) -> HostRule {
    HostRule { kind: HostKind::HostSsl, ..HostRule::for_all(AddressRange::All, method) }
}

async fn encrypted(harness: &Harness, with_certificate: bool) -> RawClient<TlsStream<TcpStream>> {
    let mut client = RawClient::connect(harness).await;
    client.send(SSL_REQUEST).await;
    assert_eq!(client.bytes(1).await, b"S");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots);
    let config = if with_certificate {
        let certificate = CertificateDer::from_pem_slice(CLIENT_CERTIFICATE).unwrap();
        let key = PrivateKeyDer::from_pem_slice(CLIENT_KEY).unwrap();
        config.with_client_auth_cert(vec![certificate], key).unwrap()
    } else {
        config.with_no_client_auth()
    };
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    RawClient::over(connector.connect(name, client.into_stream()).await.unwrap())
}

/// What the server answers to the startup packet of `role`, up to ReadyForQuery or the end.
async fn sign_in(client: &mut RawClient<TlsStream<TcpStream>>, role: &str) -> Vec<Reply> {
    client.send(&startup(&[("user", role), ("database", DATABASE)])).await;
    client.until('Z').await
}

fn refusal(replies: &[Reply]) -> (String, String) {
    let error = replies.last().filter(|reply| reply.kind == 'E').expect("an error at the end");
    (error.field('C'), error.field('M'))
}

#[tokio::test]
async fn a_session_runs_through_tls() {
    let harness = harness().await;
    let mut client = encrypted(&harness, false).await;
    assert_eq!(sign_in(&mut client, "ann").await.last().unwrap().kind, 'Z');
    client.send(&query("SELECT 1")).await;
    assert_eq!(client.shape().await, "T D C(SELECT 1) Z(I)");
}

#[tokio::test]
async fn bytes_sent_in_the_clear_behind_the_request_are_not_let_in() {
    let harness = harness().await;
    let mut client = RawClient::connect(&harness).await;
    let injected = [startup(&[("user", "ann"), ("database", DATABASE)]), query("SELECT 1")];
    client.send(&[SSL_REQUEST, &injected.concat()].concat()).await;
    let error = client.reply().await.unwrap();
    assert_eq!((error.kind, error.field('C').as_str()), ('E', "08P01"));
    assert_eq!(client.reply().await, None);
}

#[tokio::test]
async fn a_certificate_signs_in_the_role_that_it_names_and_no_other() {
    let harness = with_rule(rule(AuthMethod::Cert)).await;
    let mut named = encrypted(&harness, true).await;
    assert_eq!(sign_in(&mut named, "ann").await.last().unwrap().kind, 'Z');

    let mut other = encrypted(&harness, true).await;
    let expected = "certificate authentication failed for user \"bob\"";
    assert_eq!(refusal(&sign_in(&mut other, "bob").await), ("28000".into(), expected.into()));

    let mut without = encrypted(&harness, false).await;
    let expected = "connection requires a valid client certificate";
    assert_eq!(refusal(&sign_in(&mut without, "ann").await), ("28000".into(), expected.into()));
}

#[tokio::test]
async fn a_rule_for_tls_is_not_met_in_the_clear() {
    let harness = with_rule(rule(AuthMethod::Trust)).await;
    let mut client = RawClient::connect(&harness).await;
    client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
    let expected = format!(
        "no pg_hba.conf entry for host \"127.0.0.1\", user \"ann\", database \"{DATABASE}\", no encryption"
    );
    assert_eq!(refusal(&client.until('Z').await), ("28000".into(), expected));
    let mut client = encrypted(&harness, false).await;
    assert_eq!(sign_in(&mut client, "ann").await.last().unwrap().kind, 'Z');
}

#[tokio::test]
async fn a_certificate_can_be_demanded_besides_the_password() {
    let needs_both = HostRule { needs_certificate: true, ..rule(AuthMethod::ScramSha256) };
    let harness = with_rule(needs_both).await;
    let mut without = encrypted(&harness, false).await;
    let (state, _) = refusal(&sign_in(&mut without, "ann").await);
    assert_eq!(state, "28000");
    let mut with = encrypted(&harness, true).await;
    with.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
    let mechanisms = with.reply().await.unwrap();
    assert_eq!(&mechanisms.body[..], b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
}

#[tokio::test]
async fn a_client_that_was_told_of_no_channel_binding_is_refused() {
    let harness = with_rule(rule(AuthMethod::ScramSha256)).await;
    for (mechanism, flag, expected) in [
        ("SCRAM-SHA-256", "y", "28000"),
        ("SCRAM-SHA-256", "p=tls-server-end-point", "08P01"),
        ("SCRAM-SHA-256-PLUS", "n", "08P01"),
        ("SCRAM-SHA-256-PLUS", "p=tls-unique", "08P01"),
        ("SCRAM-SHA-1", "n", "08P01"),
    ] {
        let mut client = encrypted(&harness, false).await;
        client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
        assert_eq!(client.reply().await.unwrap().kind, 'R');
        let first = format!("{flag},,n=,r=abcdefgh");
        let length = u32::try_from(first.len()).unwrap().to_be_bytes();
        let body = [mechanism.as_bytes(), b"\0", &length, first.as_bytes()].concat();
        client.send(&message('p', &body)).await;
        let replies = client.until('Z').await;
        assert_eq!(shape(&replies), format!("E({expected})"), "{mechanism} {flag}");
    }
}
