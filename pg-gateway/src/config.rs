//! Settings of a gateway, with their defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::auth::AuthConfig;
use crate::tls::Tls;

/// Settings of a gateway.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Most sessions at a time; the next client gets 53300.
    pub connections_max: usize,
    /// Of these, how many only an admin may use. Without an admin role none is kept.
    pub reserved_connections: usize,
    /// Time from accept to the end of sign-in, TLS included.
    pub startup_timeout: Duration,
    /// Time that running connections get to end after [`crate::RunningGateway::shutdown`].
    pub stop_timeout: Duration,
    /// Who may connect.
    pub auth: AuthConfig,
    /// Certificate and key; without it a request for TLS is answered with no.
    pub tls: Option<Tls>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5433)),
            connections_max: 100,
            reserved_connections: 3,
            startup_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
            auth: AuthConfig::default(),
            tls: None,
        }
    }
}
