//! Which blocks are stored and which are not. Pure: from runs of blocks to ranges, gaps and what is
//! missing.

use schemas::{BlockNumber, BlockRange, VerificationLevel};

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

/// Joins runs that touch and are alike. `runs` are disjoint; the result is sorted.
pub(crate) fn merge(mut runs: Vec<StoredRange>) -> Vec<StoredRange> {
    runs.sort_unstable_by_key(|run| run.range);
    let mut merged: Vec<StoredRange> = Vec::new();
    for run in runs {
        match merged.last_mut() {
            Some(last)
                if last.level == run.level
                    && last.finalized == run.finalized
                    && last.range.last() + 1 == run.range.first() =>
            {
                last.range = joined(last.range, run.range);
            }
            _ => merged.push(run),
        }
    }
    merged
}

/// Lowest and highest block of `ranges`, sorted.
pub(crate) fn extent(ranges: &[StoredRange]) -> Option<BlockRange> {
    let (first, last) = (ranges.first()?, ranges.last()?);
    Some(joined(first.range, last.range))
}

/// Blocks of `within` that no range of `level` or above holds. `ranges` are sorted and disjoint.
pub(crate) fn missing(
    ranges: &[StoredRange],
    within: BlockRange,
    level: VerificationLevel,
) -> Vec<BlockRange> {
    let mut missing = Vec::new();
    let mut next: Option<BlockNumber> = Some(within.first());
    for run in ranges.iter().filter(|run| run.level >= level) {
        let (Some(first), Some(held)) = (next, run.range.intersection(within)) else { continue };
        if held.first() > first {
            missing.extend(BlockRange::new(first, held.first() - 1));
        }
        next = (held.last() < within.last()).then(|| held.last() + 1);
    }
    missing.extend(next.and_then(|first| BlockRange::new(first, within.last())));
    missing
}

fn joined(low: BlockRange, high: BlockRange) -> BlockRange {
    BlockRange::new(low.first(), high.last()).expect("ranges are sorted, so the order holds")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const BLOCKS: u64 = 40;

    type Model = BTreeMap<u64, (VerificationLevel, bool)>;

    fn level(index: u8) -> VerificationLevel {
        [VerificationLevel::Header, VerificationLevel::Body, VerificationLevel::Receipts]
            [usize::from(index)]
    }

    /// Any set of stored blocks, each with its level and finality.
    fn model() -> impl Strategy<Value = Model> {
        proptest::collection::btree_map(0..BLOCKS, (0u8..3, any::<bool>()), 0..BLOCKS as usize)
            .prop_map(|blocks| {
                blocks.into_iter().map(|(n, (index, last))| (n, (level(index), last))).collect()
            })
    }

    fn runs(model: &Model) -> Vec<StoredRange> {
        let one = |(&n, &(level, finalized)): (&u64, &(VerificationLevel, bool))| StoredRange {
            range: BlockRange::new(n, n).unwrap(),
            level,
            finalized,
        };
        model.iter().map(one).rev().collect()
    }

    fn numbers(ranges: &[BlockRange]) -> Vec<u64> {
        ranges.iter().flat_map(|range| range.first()..=range.last()).collect()
    }

    proptest! {
        #[test]
        fn merged_ranges_hold_each_block_once_as_it_is_and_are_maximal(model in model()) {
            let ranges = merge(runs(&model));
            let mut seen = Model::new();
            for run in &ranges {
                for n in run.range.first()..=run.range.last() {
                    prop_assert!(seen.insert(n, (run.level, run.finalized)).is_none());
                }
            }
            for pair in ranges.windows(2) {
                let touch = pair[0].range.last() + 1 == pair[1].range.first();
                let alike = pair[0].level == pair[1].level
                    && pair[0].finalized == pair[1].finalized;
                prop_assert!(pair[0].range.last() < pair[1].range.first() && !(touch && alike));
            }
            prop_assert_eq!(seen, model);
        }

        #[test]
        fn missing_is_exactly_what_is_not_stored_at_the_level(
            model in model(), first in 0..BLOCKS, count in 1..BLOCKS, wanted in 0u8..3,
        ) {
            let within = BlockRange::new(first, first + count - 1).unwrap();
            let wanted = level(wanted);
            let found = missing(&merge(runs(&model)), within, wanted);
            let expected: Vec<u64> = (within.first()..=within.last())
                .filter(|n| model.get(n).is_none_or(|(level, _)| *level < wanted))
                .collect();
            prop_assert_eq!(numbers(&found), expected);
            for pair in found.windows(2) {
                prop_assert!(pair[0].last() + 1 < pair[1].first());
            }
        }

        #[test]
        fn the_extent_spans_all_blocks(model in model()) {
            let expected = model.keys().next().zip(model.keys().last());
            let found = extent(&merge(runs(&model)));
            prop_assert_eq!(found.map(|range| (range.first(), range.last())),
                expected.map(|(first, last)| (*first, *last)));
        }
    }
}
