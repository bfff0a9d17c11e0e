//! The light node: the only crate that talks to a chain. Everything it hands on is verified.
//!
//! ```text
//! file or peer ──bytes──> RawBlock ──verify (pure, any thread)──> VerifiedBlock ──> indexer
//! ```

pub mod family;

pub use family::evm;
