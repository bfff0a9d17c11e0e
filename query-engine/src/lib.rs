//! The only crate that names DataFusion. All SQL of all gateways passes through it.
//!
//! ```text
//! SQL text ──parse──> Statement ──prepare──> Prepared (parameter and result types) ──execute──> Outcome
//!                      │ one Session per connection: settings, transaction state, snapshot per statement
//!                      └ Engine: store, memory pool, limits, and a runtime of its own for query work
//! ```
//!
//! Invariants
//! - A statement runs on one `ChainSnapshot`; a query that would span a gap fails unless the caller opted in.
//! - Statements are allowed by kind: no SQL reads or writes a file of the server or opens a connection.
//! - Errors are [`QueryError`] with PostgreSQL's SQLSTATE; no DataFusion text reaches a caller.
//! - Integers and decimals never wrap; a 256-bit integer is never rounded.

mod activity;
mod apply;
mod catalog;
mod catalog_query;
mod copy;
mod engine;
mod error;
mod functions;
mod key_lookup;
pub mod limits;
mod notify;
mod objects;
mod outcome;
mod parameter;
mod pg_type;
mod rewrite;
mod session;
mod statement;
mod tables;
#[cfg(test)]
mod tests;
mod types;
pub mod values;

pub use activity::{Backend, Control};
pub use copy::{CopyFormat, CopyHeader, CopyOptions};
pub use engine::{Engine, EngineConfig};
pub use error::{ErrorObject, QueryError, SqlState};
pub use notify::{BLOCKS_CHANNEL, Notification};
pub use outcome::{Outcome, ResultColumn, Rows};
pub use parameter::{Dimension, Parameter};
pub use pg_type::PgType;
pub use session::{
    CopyIn, CopyRowError, CursorUse, Notice, Prepared, Principal, Session, TransactionStatus,
};
pub use statement::Statement;
