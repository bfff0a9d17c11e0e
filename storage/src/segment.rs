//! Segments: finalized rows of one block range, one Parquet file per table.
//!
//! `properties` says how the files are encoded, `rows` which rows belong to which block,
//! `hashing_file` hashes bytes on their way to disk, `writer` puts them together.

mod hashing_file;
mod properties;
mod rows;
mod table_file;
mod writer;

use std::sync::Arc;

use schemas::{BlockHash, BlockRange, VerificationLevel};

use crate::BlockRecord;

pub(crate) use hashing_file::chunk_hash;
pub use rows::{BlockExtent, block_extents};
pub use writer::SegmentWriter;

/// One immutable file of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// Table name within schema `chain`.
    pub table: String,
    /// Path in the object store of [`crate::Store::object_store`].
    pub path: String,
    /// File size.
    pub size_bytes: u64,
    /// Rows in the file.
    pub row_count: u64,
    /// BLAKE3 of the whole file; also in its name.
    pub content_hash: [u8; 32],
    /// XXH3-64 of each [`Self::CHUNK_BYTES`] of the file, the last one shorter.
    pub chunk_hashes: Arc<[u64]>,
}

impl SegmentFile {
    /// Bytes that one entry of `chunk_hashes` covers.
    pub const CHUNK_BYTES: u64 = 64 * 1024;
}

/// A sealed block range as the manifest records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Blocks that it holds, all of them.
    pub range: BlockRange,
    /// Lowest level of its blocks; blocks of different levels are never in one segment.
    pub level: VerificationLevel,
    /// Parent hash of the first block.
    pub first_parent_hash: BlockHash,
    /// Hash of the last block.
    pub last_hash: BlockHash,
    /// One file per table in the family's table order; a table that `level` does not reach has none.
    pub files: Vec<SegmentFile>,
}

/// A segment whose files are on disk, and the index records of its blocks. Not visible until committed.
#[derive(Debug)]
pub struct SealedSegment {
    pub(crate) segment: Segment,
    pub(crate) records: Vec<BlockRecord>,
}

impl SealedSegment {
    /// What the manifest will record.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }
}
