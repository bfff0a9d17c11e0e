//! The gateway as clients see it: tokio-postgres as a driver, and raw messages where a driver is too
//! polite. What SQL means is tested elsewhere; here it is the protocol.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attacks;
mod copy;
mod cursors;
mod driver;
mod harness;
mod hostile;
mod limits;
mod notifications;
mod raw;
mod raw_session;
mod scenarios;
mod sessions;
mod sign_in;
mod stored;
mod tls;
