//! What is stored of one network, and how a commit changes it. Pure: rules and bookkeeping, no IO.
//!
//! Invariants
//! - Segments are disjoint and sorted; where two touch, their hashes link.
//! - A hot block never stands at a sealed height, and links to the sealed block it touches.
//! - The winning branch is linked: of two hot blocks that exclude each other, the later put wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{BlockHash, BlockNumber};

use crate::kv::records::HotEntry;
use crate::{BlockRecord, HotBlock, Segment, StorageError};

/// Hot blocks by number and hash, all branches.
pub(crate) type HotMap = BTreeMap<(BlockNumber, BlockHash), HotEntry>;

/// Segments and hot blocks of one network.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChainState {
    /// By first block.
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) hot: HotMap,
}

impl ChainState {
    /// The segment that holds `number`.
    pub(crate) fn segment_of(&self, number: BlockNumber) -> Option<&Arc<Segment>> {
        let above = self.segments.partition_point(|segment| segment.range.first() <= number);
        let below = self.segments.get(above.checked_sub(1)?)?;
        below.range.contains(number).then_some(below)
    }

    /// Adds a segment. One that holds the same blocks verified further replaces the stored one, which is
    /// returned.
    ///
    /// # Errors
    /// `Link` when a stored block is in its range, or a stored neighbour does not link. `stored_hash`
    /// finds the hash of a sealed block.
    pub(crate) fn seal(
        &mut self,
        segment: Arc<Segment>,
        records: &[BlockRecord],
        stored_hash: impl Fn(BlockNumber) -> Result<Option<BlockHash>, StorageError>,
    ) -> Result<Option<Arc<Segment>>, StorageError> {
        let range = segment.range;
        let index = self.segments.partition_point(|other| other.range.first() < range.first());
        let same = self.segments.get_mut(index).filter(|same| {
            same.range == range
                && same.first_parent_hash == segment.first_parent_hash
                && same.last_hash == segment.last_hash
                && same.level < segment.level
        });
        if let Some(same) = same {
            return Ok(Some(std::mem::replace(same, segment)));
        }
        let below = index.checked_sub(1).and_then(|index| self.segments.get(index));
        let above = self.segments.get(index);
        if [below, above].iter().flatten().any(|s| s.range.intersection(range).is_some()) {
            return Err(overlap(records, stored_hash)?);
        }
        if let Some(below) = below
            && below.range.last() + 1 == range.first()
            && below.last_hash != segment.first_parent_hash
        {
            return Err(StorageError::Link {
                number: range.first(),
                detail: format!(
                    "parent is {}, stored block {} is {}",
                    segment.first_parent_hash,
                    below.range.last(),
                    below.last_hash
                ),
            });
        }
        if let Some(above) = above
            && range.last() + 1 == above.range.first()
            && above.first_parent_hash != segment.last_hash
        {
            return Err(StorageError::Link {
                number: range.last(),
                detail: format!(
                    "hash is {}, stored block {} has parent {}",
                    segment.last_hash,
                    above.range.first(),
                    above.first_parent_hash
                ),
            });
        }
        self.segments.insert(index, segment);
        Ok(None)
    }

    /// Adds a hot block, or makes a known one the latest at its height.
    ///
    /// # Errors
    /// `Link` when its height is sealed or a sealed neighbour does not link.
    pub(crate) fn put_hot(&mut self, entry: HotEntry) -> Result<(), StorageError> {
        let record = &entry.block.record;
        let number = record.number;
        if self.segment_of(number).is_some() {
            let detail = format!("is sealed already, {} cannot be put", record.hash);
            return Err(StorageError::Link { number, detail });
        }
        if let Some(detail) = self.sealed_conflict(record) {
            return Err(StorageError::Link { number, detail });
        }
        self.hot.insert((number, record.hash), entry);
        Ok(())
    }

    /// Removes hot blocks that the segments exclude: sealed themselves, or orphaned. Returns their keys.
    pub(crate) fn drop_excluded(&mut self) -> Vec<(BlockNumber, BlockHash)> {
        let excluded: Vec<_> = self
            .hot
            .iter()
            .filter(|((number, _), entry)| {
                self.segment_of(*number).is_some()
                    || self.sealed_conflict(&entry.block.record).is_some()
            })
            .map(|(key, _)| *key)
            .collect();
        for key in &excluded {
            self.hot.remove(key);
        }
        excluded
    }

    /// Hot blocks of the winning branch, by number.
    pub(crate) fn winners(&self) -> Vec<Arc<HotBlock>> {
        let mut latest_first: Vec<&HotEntry> = self.hot.values().collect();
        latest_first.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.sequence));
        let mut winners: BTreeMap<BlockNumber, Arc<HotBlock>> = BTreeMap::new();
        for entry in latest_first {
            let record = &entry.block.record;
            let number = record.number;
            let below = number.checked_sub(1).and_then(|below| winners.get(&below));
            let above = winners.get(&(number + 1));
            let fits = !winners.contains_key(&number)
                && below.is_none_or(|below| below.record.hash == record.parent_hash)
                && above.is_none_or(|above| above.record.parent_hash == record.hash);
            if fits {
                winners.insert(number, entry.block.clone());
            }
        }
        winners.into_values().collect()
    }

    /// Why a sealed neighbour excludes the block, if one does.
    pub(crate) fn sealed_conflict(&self, record: &BlockRecord) -> Option<String> {
        let below = record.number.checked_sub(1).and_then(|below| self.segment_of(below));
        if let Some(below) = below
            && below.last_hash != record.parent_hash
        {
            let (parent, stored) = (record.parent_hash, below.last_hash);
            return Some(format!(
                "parent is {parent}, stored block {} is {stored}",
                record.number - 1
            ));
        }
        let above = self.segment_of(record.number + 1)?;
        (above.first_parent_hash != record.hash).then(|| {
            format!(
                "hash is {}, stored block {} has parent {}",
                record.hash,
                record.number + 1,
                above.first_parent_hash
            )
        })
    }
}

/// The error for a segment that overlaps a stored one: another chain, or blocks stored already.
fn overlap(
    records: &[BlockRecord],
    stored_hash: impl Fn(BlockNumber) -> Result<Option<BlockHash>, StorageError>,
) -> Result<StorageError, StorageError> {
    let mut already = None;
    for record in records {
        let number = record.number;
        match stored_hash(number)? {
            Some(stored) if stored != record.hash => {
                let detail = format!("hash is {}, stored block is {stored}", record.hash);
                return Ok(StorageError::Link { number, detail });
            }
            Some(_) => already = already.or(Some(number)),
            None => {}
        }
    }
    let number = already.unwrap_or_default();
    Ok(StorageError::Link { number, detail: "is sealed already".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn put(state: &mut ChainState, sequence: u64, block: HotBlock) {
        state.put_hot(HotEntry { sequence, block: Arc::new(block) }).unwrap();
    }

    fn hashes(state: &ChainState) -> Vec<BlockHash> {
        state.winners().iter().map(|block| block.record.hash).collect()
    }

    #[test]
    fn the_block_put_last_at_a_height_wins_and_drops_what_no_longer_links() {
        let mut state = ChainState::default();
        for (sequence, number) in (10..13).enumerate() {
            put(&mut state, sequence as u64, testing::hot_block(number, 0, 1));
        }
        let fork = testing::fork_block(&testing::hot_block(10, 0, 1), 1);
        put(&mut state, 9, fork.clone());

        let expected = vec![testing::hot_block(10, 0, 1).record.hash, fork.record.hash];
        assert_eq!(hashes(&state), expected);
    }

    #[test]
    fn putting_a_block_of_the_old_branch_again_brings_that_branch_back() {
        let mut state = ChainState::default();
        let old = testing::hot_block(11, 0, 1);
        put(&mut state, 0, testing::hot_block(10, 0, 1));
        put(&mut state, 1, old.clone());
        put(&mut state, 2, testing::fork_block(&testing::hot_block(10, 0, 1), 1));
        put(&mut state, 3, old.clone());

        assert_eq!(hashes(&state).last(), Some(&old.record.hash));
    }
}
