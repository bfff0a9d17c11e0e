//! Serves the engine's SQL to PostgreSQL clients. The only crate that names pgwire.
//!
//! ```text
//! socket ──startup──> session ──frame──> message ──simple_query | extended_query──> query-engine
//!    ▲                                                                   │ record batches
//!    └──────────────────────────── wire <── result_stream <── encode ────┘
//! ```
//!
//! Of pgwire only the message structs are used: its loop buffers whole results, flushes after every
//! message and panics on short bodies. Frames, state and values are handled here.
//!
//! Invariants
//! - No input panics: every frame is cut out, bounded, and decoded with checked reads.
//! - Memory per client is bounded: one frame in, one batch and [`FLUSH_BYTES`] out.
//! - Values are exact or an error; a carrier that a type does not have is an error.
//! - Closing, cancelling, and stopping end a running statement at once.

mod config;
mod server;

mod auth;
mod certificate;
mod host_rule;
mod places;
mod scram;
mod startup;
mod startup_packet;
mod startups;
mod tls;

mod cancel;
mod connection;
mod copy;
mod extended_query;
mod idle;
mod portals;
mod simple_query;

mod error;
mod frame;
mod message;
mod network;
mod reply;
mod result_stream;
mod wire;

pub mod fuzz;

pub use auth::{AuthConfig, Role};
pub use config::GatewayConfig;
pub use host_rule::{AddressError, AddressRange, AuthMethod, HostKind, HostRule, Names};
pub use portals::PORTALS_MAX;
pub use scram::{ITERATIONS_MAX, Verifier, VerifierError};
pub use server::{Gateway, RunningGateway, StartError};
pub use startups::STARTUPS_MAX;
pub use tls::{Tls, TlsError, TlsFiles};
pub use wire::FLUSH_BYTES;
