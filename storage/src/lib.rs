//! Where verified blocks rest: RocksDB for state and the manifest, Parquet segments for cold rows.
//! Knows bytes and versions, not chain rules.
//!
//! ```text
//! SegmentWriter --files, fsync--> segments/*.parquet
//!        └── SealedSegment ─┐
//! HotBlock ─────────────────┴─ Commit ── one RocksDB write batch ──> manifest, headers, indexes, hot tail
//!                                                   └──> ChainSnapshot: one fixed view for one query
//! ```
//!
//! Invariants
//! - Files first, manifest last: a crash before the batch leaves files that no reader sees.
//! - A segment file is never rewritten; its name is the hash of its content.
//! - Every byte read back from a segment file is checked before it is used.

mod commit;
mod error;
mod network;
mod segment;
mod snapshot;
mod store;

pub use commit::{BlockRecord, Commit, HotBlock};
pub use error::StorageError;
pub use network::Network;
pub use segment::{SealedSegment, Segment, SegmentFile, SegmentWriter};
pub use snapshot::{ChainSnapshot, StoredRange};
pub use store::Store;
