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

mod chain_state;
mod checked_store;
mod commit;
mod data_dir;
mod error;
mod generations;
mod kv;
mod network;
mod objects;
mod point_read;
mod ranges;
mod segment;
mod snapshot;
mod store;
#[cfg(test)]
mod testing;

pub use commit::{BlockRecord, Commit, HotBlock};
pub use error::StorageError;
pub use kv::codec::{Decoder, Encoder};
pub use network::Network;
pub use objects::{ObjectWrite, StoredObject};
pub use point_read::{CACHE_BYTES_MAX, Found, Reach, RowsWanted};
pub use ranges::StoredRange;
pub use segment::{BlockExtent, SealedSegment, Segment, SegmentFile, SegmentWriter, block_extents};
pub use snapshot::ChainSnapshot;
pub use store::Store;
