//! Blocks that are not final yet, by number, and which of them became final. Pure.
//!
//! Invariants
//! - One block per height; neighbours link.
//! - At most one block per height within the confirmations of the highest known block, so the number of
//!   blocks held is bounded by the confirmations.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{BlockHash, BlockNumber};
use storage::BlockRecord;

use crate::rows::Rows;

/// One block with its rows.
#[derive(Clone, Debug)]
pub(crate) struct TailBlock {
    pub(crate) rows: Arc<Rows>,
    pub(crate) position: usize,
    /// Already in the store's hot tail as it is.
    pub(crate) stored: bool,
}

impl TailBlock {
    pub(crate) fn record(&self) -> &BlockRecord {
        self.rows.record(self.position)
    }
}

/// What became of a block that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is in the tail now.
    Taken,
    /// It was there before, verified as far or further.
    Known,
    /// It does not fit its neighbour below.
    Unlinked(String),
}

/// The unfinalized end of a chain.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    blocks: BTreeMap<BlockNumber, TailBlock>,
    highest: Option<BlockNumber>,
    /// Stored blocks that another branch replaced.
    replaced: Vec<(BlockNumber, BlockHash)>,
}

impl Tail {
    /// A tail of linked blocks; `highest` is the highest block known, sealed or not.
    pub(crate) fn new(blocks: Vec<TailBlock>, highest: Option<BlockNumber>) -> Self {
        let blocks = blocks.into_iter().map(|block| (block.record().number, block)).collect();
        Self { blocks, highest, replaced: Vec::new() }
    }

    /// Takes `block` unless it is known. Another block at its height, and all that builds on that, is
    /// replaced.
    pub(crate) fn offer(&mut self, block: TailBlock) -> Offer {
        let record = block.record();
        let (number, hash, parent) = (record.number, record.hash, record.parent_hash);
        if let Some(known) = self.blocks.get(&number).map(TailBlock::record)
            && known.hash == hash
        {
            if known.level >= record.level {
                return Offer::Known;
            }
            self.blocks.insert(number, block);
            return Offer::Taken;
        }
        if let Some(below) = number.checked_sub(1).and_then(|below| self.blocks.get(&below))
            && below.record().hash != parent
        {
            let stored = below.record().hash;
            return Offer::Unlinked(format!(
                "parent is {parent}, block {} is {stored}",
                number - 1
            ));
        }
        self.remove_branch(number);
        if self.blocks.get(&(number + 1)).is_some_and(|above| above.record().parent_hash != hash) {
            self.remove_branch(number + 1);
        }
        self.blocks.insert(number, block);
        self.seen(number);
        Offer::Taken
    }

    /// Notes that a block of this number exists.
    pub(crate) fn seen(&mut self, number: BlockNumber) {
        self.highest = self.highest.max(Some(number));
    }

    /// Takes out the blocks, by number, that have `confirmations` blocks above the highest known one
    /// below them, and those up to `final_to`.
    pub(crate) fn take_final(
        &mut self,
        confirmations: u64,
        final_to: Option<BlockNumber>,
    ) -> Vec<TailBlock> {
        let confirmed = self.highest.and_then(|highest| highest.checked_sub(confirmations));
        let Some(last) = confirmed.max(final_to) else { return Vec::new() };
        let mut taken = Vec::new();
        while let Some(entry) = self.blocks.first_entry()
            && *entry.key() <= last
        {
            taken.push(entry.remove());
        }
        taken
    }

    /// Blocks that are left, by number, and stored blocks that were replaced.
    pub(crate) fn finish(self) -> (Vec<TailBlock>, Vec<(BlockNumber, BlockHash)>) {
        (self.blocks.into_values().collect(), self.replaced)
    }

    /// Removes the block at `number` and all above it without a gap.
    fn remove_branch(&mut self, number: BlockNumber) {
        for number in number.. {
            let Some(block) = self.blocks.remove(&number) else { return };
            if block.stored {
                self.replaced.push((number, block.record().hash));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{hash, record, tail_block};
    use proptest::prelude::*;
    use schemas::VerificationLevel;

    fn offer(tail: &mut Tail, number: u64, fork: u8, parent_fork: u8) -> Offer {
        tail.offer(tail_block(record(number, fork, parent_fork), false))
    }

    fn numbers(blocks: &[TailBlock]) -> Vec<u64> {
        blocks.iter().map(|block| block.record().number).collect()
    }

    #[test]
    fn a_block_is_final_when_enough_later_blocks_are_known() {
        let mut tail = Tail::default();
        for number in 0..=4 {
            offer(&mut tail, number, 0, 0);
        }
        assert_eq!(numbers(&tail.take_final(5, None)), Vec::<u64>::new());
        assert_eq!(numbers(&tail.take_final(4, None)), vec![0]);
        assert_eq!(numbers(&tail.take_final(4, Some(2))), vec![1, 2]);
        assert_eq!(numbers(&tail.finish().0), vec![3, 4]);
    }

    #[test]
    fn a_known_block_is_taken_again_only_when_it_was_verified_further() {
        let mut lower = record(7, 0, 0);
        lower.level = VerificationLevel::Body;
        let mut tail = Tail::new(vec![tail_block(lower.clone(), true)], Some(7));
        assert_eq!(tail.offer(tail_block(lower, false)), Offer::Known);
        assert_eq!(offer(&mut tail, 7, 0, 0), Offer::Taken);
        assert_eq!(offer(&mut tail, 7, 0, 0), Offer::Known);
        assert!(!tail.finish().0[0].stored);
    }

    #[test]
    fn another_branch_replaces_the_old_one_from_where_it_leaves_it() {
        let stored = (5..9).map(|number| tail_block(record(number, 0, 0), true)).collect();
        let mut tail = Tail::new(stored, Some(8));
        assert_eq!(offer(&mut tail, 7, 1, 0), Offer::Taken);
        assert!(matches!(offer(&mut tail, 8, 2, 2), Offer::Unlinked(_)));
        let (left, replaced) = tail.finish();
        assert_eq!(numbers(&left), vec![5, 6, 7]);
        assert_eq!(replaced, vec![(7, hash(7, 0)), (8, hash(8, 0))]);
    }

    proptest! {
        #[test]
        fn neighbours_link_and_the_tail_is_bounded_whatever_is_offered(
            offers in proptest::collection::vec((0u64..40, 0u8..3, 0u8..3), 0..200),
            confirmations in 0u64..10,
        ) {
            let mut tail = Tail::default();
            for (number, fork, parent_fork) in offers {
                offer(&mut tail, number, fork, parent_fork);
                tail.take_final(confirmations, None);
                prop_assert!(tail.blocks.len() as u64 <= confirmations);
                for (below, above) in tail.blocks.values().zip(tail.blocks.values().skip(1)) {
                    let (below, above) = (below.record(), above.record());
                    prop_assert!(
                        below.number + 1 < above.number || below.hash == above.parent_hash
                    );
                }
            }
        }
    }
}
