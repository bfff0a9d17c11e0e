//! EVM chains: Ethereum and the chains that share its block format, Frontier to Osaka.
//!
//! ```text
//! BlockFile (ERA1, RLP chain, NDJSON) ──RawBlock──> verify() ──VerifiedBlock──> check_in_order() ──> indexer
//!      one thread, bytes only              any thread, pure           file order, one thread
//! ```
//!
//! Invariants
//! - Only [`verify`] makes a [`VerifiedBlock`]: every field of it is covered by a recomputed hash.
//! - JSON is turned into canonical RLP first, so every source takes the same verification path.
//! - Outside bytes never panic and never allocate more than the limits in [`limits`].

mod block;
mod error;
mod file;
pub mod fuzz;
mod genesis;
mod json;
pub mod limits;
mod parts;
mod raw;
mod receipt;
mod rlp;
mod snappy;
mod transaction;
mod trie;
mod verify;

pub use block::{Uncle, VerifiedBlock, Withdrawal};
pub use error::{Place, SourceError, Value, VerifyError};
pub use file::{BlockFile, FileKind, FileOptions};
pub use raw::RawBlock;
pub use receipt::{Log, Receipt, ReceiptOutcome};
pub use transaction::{Transaction, TransactionType};
pub use verify::verify;

#[cfg(test)]
mod tests;
