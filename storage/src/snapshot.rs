//! One fixed view of a network for one query.

use std::fmt;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use schemas::{BlockHash, BlockNumber, BlockRange, VerificationLevel};

use crate::chain_state::ChainState;
use crate::generations::Generations;
use crate::kv::keys::{self, NetworkId};
use crate::kv::records::{self, Header};
use crate::kv::{Family, Kv};
use crate::ranges::{self, StoredRange};
use crate::{BlockRecord, HotBlock, Network, Segment, StorageError};

/// Transaction hashes of which a snapshot remembers the blocks.
const HASHES_KEPT_MAX: usize = 64 * 1024;

/// Sealed blocks that the index names for a transaction.
type KnownBlocks = Generations<[u8; 32], Arc<[BlockNumber]>, RandomState>;

/// Manifest and hot tail of one network at one moment. Cheap to clone and to hold.
///
/// Lookups by hash read the state store, which may have moved on; what was sealed after this snapshot
/// was taken is filtered out by block number, so the view stays fixed.
#[derive(Clone)]
pub struct ChainSnapshot {
    inner: Arc<Inner>,
}

struct Inner {
    kv: Arc<Kv>,
    network_id: NetworkId,
    network: Network,
    state: ChainState,
    hot: Vec<Arc<HotBlock>>,
    ranges: Vec<StoredRange>,
    /// What lookups found in the index: a search in it costs more than all the rest of a lookup.
    known_blocks: Mutex<KnownBlocks>,
    /// Transactions of the hot blocks; made by the first lookup.
    hot_transactions: OnceLock<Vec<([u8; 32], BlockNumber)>>,
}

impl fmt::Debug for ChainSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainSnapshot")
            .field("network", &self.inner.network.name)
            .field("segments", &self.inner.state.segments.len())
            .field("hot_blocks", &self.inner.hot.len())
            .finish()
    }
}

impl ChainSnapshot {
    pub(crate) fn new(
        kv: Arc<Kv>,
        network_id: NetworkId,
        network: Network,
        state: ChainState,
    ) -> Self {
        let hot = state.winners();
        let sealed = state.segments.iter().map(|segment| StoredRange {
            range: segment.range,
            level: segment.level,
            finalized: true,
        });
        let open = hot.iter().filter_map(|block| {
            let number = block.record.number;
            let range = BlockRange::new(number, number)?;
            Some(StoredRange { range, level: block.record.level, finalized: false })
        });
        let ranges = ranges::merge(sealed.chain(open).collect());
        let inner = Inner {
            kv,
            network_id,
            network,
            state,
            hot,
            ranges,
            known_blocks: Mutex::new(KnownBlocks::new(HASHES_KEPT_MAX, |_| 1)),
            hot_transactions: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn network_id(&self) -> NetworkId {
        self.inner.network_id
    }

    pub(crate) fn state(&self) -> &ChainState {
        &self.inner.state
    }

    /// The network it belongs to.
    pub fn network(&self) -> &Network {
        &self.inner.network
    }

    /// Sealed segments, by first block, disjoint.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.inner.state.segments
    }

    /// Hot blocks of the winning branch, by number. Linked where they touch each other or a segment.
    pub fn hot_blocks(&self) -> &[Arc<HotBlock>] {
        &self.inner.hot
    }

    /// All stored runs by first block.
    pub fn ranges(&self) -> Vec<StoredRange> {
        self.inner.ranges.clone()
    }

    /// Blocks between the first and the last stored one that are not stored.
    pub fn gaps(&self) -> Vec<BlockRange> {
        match self.extent() {
            Some(extent) => self.missing(extent, VerificationLevel::Header),
            None => Vec::new(),
        }
    }

    /// Lowest and highest stored block; `None` for an empty network.
    pub fn extent(&self) -> Option<BlockRange> {
        ranges::extent(&self.inner.ranges)
    }

    /// Parts of `within` that are not stored, or stored below `level`.
    pub fn missing(&self, within: BlockRange, level: VerificationLevel) -> Vec<BlockRange> {
        ranges::missing(&self.inner.ranges, within, level)
    }

    /// Number of the stored block with this hash.
    ///
    /// # Errors
    /// `State` or `Corrupt` when the state store cannot be read.
    pub fn block_number(&self, hash: &BlockHash) -> Result<Option<BlockNumber>, StorageError> {
        if let Some(block) = self.inner.hot.iter().find(|block| block.record.hash == *hash) {
            return Ok(Some(block.record.number));
        }
        let key = keys::hash(self.inner.network_id, hash);
        let Some(value) = self.inner.kv.get(Family::BlockHashes, &key)? else { return Ok(None) };
        let number = keys::read_number(&value)?;
        Ok(self.is_sealed(number).then_some(number))
    }

    /// Hash of the stored winning block at this height.
    ///
    /// # Errors
    /// `State` or `Corrupt` when the state store cannot be read.
    pub fn block_hash(&self, number: BlockNumber) -> Result<Option<BlockHash>, StorageError> {
        if let Some(block) = self.hot_block(number) {
            return Ok(Some(block.record.hash));
        }
        Ok(self.sealed_header(number)?.map(|header| header.hash))
    }

    /// The segment that holds the block of this number.
    pub fn segment(&self, number: BlockNumber) -> Option<&Arc<Segment>> {
        self.inner.state.segment_of(number)
    }

    /// Level of the stored winning block at this height.
    pub fn block_level(&self, number: BlockNumber) -> Option<VerificationLevel> {
        match self.hot_block(number) {
            Some(block) => Some(block.record.level),
            None => self.segment(number).map(|segment| segment.level),
        }
    }

    /// Why a sealed neighbour excludes the block, if one does: hashes must link.
    pub fn sealed_conflict(&self, record: &BlockRecord) -> Option<String> {
        self.inner.state.sealed_conflict(record)
    }

    /// Blocks that may hold the transaction: a superset, usually of one. Empty means not stored.
    ///
    /// # Errors
    /// `State` or `Corrupt` when the state store cannot be read.
    pub fn transaction_blocks(&self, hash: &[u8; 32]) -> Result<Vec<BlockNumber>, StorageError> {
        let mut blocks = self.sealed_blocks(hash)?.to_vec();
        let hot = self.inner.hot_transactions.get_or_init(|| by_hash(&self.inner.hot));
        let first = hot.partition_point(|(known, _)| known < hash);
        let found = hot[first..].iter().take_while(|(known, _)| known == hash);
        blocks.extend(found.map(|(_, number)| *number));
        Ok(blocks)
    }

    /// Blocks in segments that may hold the transaction.
    fn sealed_blocks(&self, hash: &[u8; 32]) -> Result<Arc<[BlockNumber]>, StorageError> {
        let known = || self.inner.known_blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blocks) = known().get(hash) {
            return Ok(blocks);
        }
        let mut blocks = Vec::new();
        let prefix = keys::transaction_prefix(self.inner.network_id, hash);
        self.inner.kv.scan(Family::Transactions, &prefix, |key, _| {
            let number = keys::read_transaction(key)?;
            if self.is_sealed(number) {
                blocks.push(number);
            }
            Ok(())
        })?;
        let blocks: Arc<[BlockNumber]> = blocks.into();
        known().put(*hash, Arc::clone(&blocks));
        Ok(blocks)
    }

    /// BLAKE3 over all segment records and hot block hashes: equal roots mean equal rows.
    pub fn manifest_root(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        // Counts and lengths go in too, so that no two manifests give the same bytes.
        hasher.update(&(self.segments().len() as u64).to_be_bytes());
        for segment in self.segments() {
            hasher.update(&segment.range.first().to_be_bytes());
            hasher.update(&segment.range.last().to_be_bytes());
            hasher.update(&[records::level_byte(segment.level)]);
            hasher.update(&segment.first_parent_hash.0);
            hasher.update(&segment.last_hash.0);
            hasher.update(&(segment.files.len() as u64).to_be_bytes());
            for file in &segment.files {
                hasher.update(&(file.table.len() as u64).to_be_bytes());
                hasher.update(file.table.as_bytes());
                hasher.update(&file.content_hash);
            }
        }
        for block in self.hot_blocks() {
            hasher.update(&block.record.number.to_be_bytes());
            hasher.update(&[records::level_byte(block.record.level)]);
            hasher.update(&block.record.hash.0);
        }
        *hasher.finalize().as_bytes()
    }

    pub(crate) fn sealed_header(
        &self,
        number: BlockNumber,
    ) -> Result<Option<Header>, StorageError> {
        if !self.is_sealed(number) {
            return Ok(None);
        }
        let key = keys::number(self.inner.network_id, number);
        let value =
            self.inner.kv.get(Family::Headers, &key)?.ok_or_else(|| StorageError::Corrupt {
                what: "header index".to_owned(),
                detail: format!("block {number} is sealed and has no entry"),
            })?;
        Header::decode(&value).map(Some)
    }

    fn is_sealed(&self, number: BlockNumber) -> bool {
        self.inner.state.segment_of(number).is_some()
    }

    fn hot_block(&self, number: BlockNumber) -> Option<&Arc<HotBlock>> {
        let hot = &self.inner.hot;
        let index = hot.binary_search_by_key(&number, |block| block.record.number).ok()?;
        hot.get(index)
    }
}

/// Hashes of all transactions of `blocks` with the block of each, sorted.
fn by_hash(blocks: &[Arc<HotBlock>]) -> Vec<([u8; 32], BlockNumber)> {
    let records = blocks.iter().map(|block| &block.record);
    let hashes = records.flat_map(|r| r.transaction_hashes.iter().map(|hash| (*hash, r.number)));
    let mut hashes: Vec<_> = hashes.collect();
    hashes.sort_unstable();
    hashes
}
