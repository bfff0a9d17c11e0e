//! What one write batch makes visible.

use arrow::array::RecordBatch;
use schemas::{BlockHash, BlockNumber, VerificationLevel};

use crate::segment::SealedSegment;

/// What the indexes keep about a block, sealed or hot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    /// Height.
    pub number: BlockNumber,
    /// Hash of the block.
    pub hash: BlockHash,
    /// Hash of the block before.
    pub parent_hash: BlockHash,
    /// Time of the block, microseconds since 1970 UTC.
    pub timestamp_us: i64,
    /// How far the block was verified.
    pub level: VerificationLevel,
    /// Hashes of its transactions in block order.
    pub transaction_hashes: Vec<[u8; 32]>,
}

/// One unfinalized block: its record, and its rows per table in the family's table order.
#[derive(Clone, Debug)]
pub struct HotBlock {
    /// Index record.
    pub record: BlockRecord,
    /// One batch per table; a batch without rows where the block has none.
    pub batches: Vec<RecordBatch>,
}

/// Everything that becomes visible together, or not at all.
#[derive(Debug, Default)]
pub struct Commit {
    /// Segments whose files are already on disk.
    pub seal: Vec<SealedSegment>,
    /// Blocks that join the hot tail.
    pub hot_put: Vec<HotBlock>,
    /// Blocks that leave the hot tail: sealed now, or orphaned.
    pub hot_drop: Vec<(BlockNumber, BlockHash)>,
}
