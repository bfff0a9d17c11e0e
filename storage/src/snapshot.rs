//! One fixed view of a network for one query.

use std::sync::Arc;

use schemas::{BlockHash, BlockNumber, BlockRange, VerificationLevel};

use crate::{HotBlock, Network, Segment, StorageError};

/// A maximal run of stored blocks of one level and finality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRange {
    /// The blocks.
    pub range: BlockRange,
    /// How far all of them were verified.
    pub level: VerificationLevel,
    /// Sealed, so never replaced.
    pub finalized: bool,
}

/// Manifest and hot tail of one network at one moment. Cheap to clone and to hold.
#[derive(Clone, Debug)]
pub struct ChainSnapshot {}

impl ChainSnapshot {
    /// The network it belongs to.
    pub fn network(&self) -> &Network {
        unimplemented!()
    }

    /// Sealed segments, by first block, disjoint.
    pub fn segments(&self) -> &[Arc<Segment>] {
        unimplemented!()
    }

    /// Hot blocks of the winning branch, by number, above every segment of their run.
    pub fn hot_blocks(&self) -> &[Arc<HotBlock>] {
        unimplemented!()
    }

    /// All stored runs by first block.
    pub fn ranges(&self) -> Vec<StoredRange> {
        unimplemented!()
    }

    /// Blocks between the first and the last stored one that are not stored.
    pub fn gaps(&self) -> Vec<BlockRange> {
        unimplemented!()
    }

    /// Lowest and highest stored block; `None` for an empty network.
    pub fn extent(&self) -> Option<BlockRange> {
        unimplemented!()
    }

    /// Parts of `within` that are not stored, or stored below `level`.
    pub fn missing(&self, _within: BlockRange, _level: VerificationLevel) -> Vec<BlockRange> {
        unimplemented!()
    }

    /// Number of the stored block with this hash.
    pub fn block_number(&self, _hash: &BlockHash) -> Result<Option<BlockNumber>, StorageError> {
        unimplemented!()
    }

    /// Hash of the stored winning block at this height.
    pub fn block_hash(&self, _number: BlockNumber) -> Result<Option<BlockHash>, StorageError> {
        unimplemented!()
    }

    /// Blocks that may hold the transaction: a superset, usually of one. Empty means not stored.
    pub fn transaction_blocks(&self, _hash: &[u8; 32]) -> Result<Vec<BlockNumber>, StorageError> {
        unimplemented!()
    }

    /// BLAKE3 over all segment records and hot block hashes: equal roots mean equal rows.
    pub fn manifest_root(&self) -> [u8; 32] {
        unimplemented!()
    }
}
