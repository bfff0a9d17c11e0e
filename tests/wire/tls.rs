//! TLS as PostgreSQL negotiates it, and the attack that the negotiation must not allow.

use std::sync::Arc;

use pg_gateway::GatewayConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::TlsConnector;

use crate::harness::{DATABASE, Harness};
use crate::raw::{RawClient, query, startup};

const CERTIFICATE: &[u8] = include_bytes!("../fixtures/tls/cert.pem");
const KEY: &[u8] = include_bytes!("../fixtures/tls/key.pem");
const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

async fn harness() -> Harness {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Harness::start(GatewayConfig { tls: Some(Arc::new(tls)), ..Default::default() }).await
}

#[tokio::test]
async fn a_session_runs_through_tls() {
    let harness = harness().await;
    let mut client = RawClient::connect(&harness).await;
    client.send(SSL_REQUEST).await;
    assert_eq!(client.bytes(1).await, b"S");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let config =
        rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    let stream = connector.connect(name, client.into_stream()).await.unwrap();
    let mut client = RawClient::over(stream);
    client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
    assert_eq!(client.until('Z').await.last().unwrap().kind, 'Z');
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
