//! Where a segment ends. Depends on the blocks since its start and on nothing else, so an import that
//! was killed and started again cuts where an undisturbed one does.

/// A segment ends with the block that reaches one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutRule {
    /// Blocks in a segment.
    pub blocks: u64,
    /// Rows of all tables in a segment.
    pub rows: u64,
    /// Bytes of all rows in a segment, before encoding.
    pub size_bytes: u64,
}

impl Default for CutRule {
    /// 8192 blocks, as in an ERA1 file; half a million rows; 256 MiB.
    fn default() -> Self {
        Self { blocks: 8192, rows: 500_000, size_bytes: 256 << 20 }
    }
}

/// What a segment holds so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SegmentSize {
    pub(crate) blocks: u64,
    pub(crate) rows: u64,
    pub(crate) size_bytes: u64,
}

impl SegmentSize {
    /// Counts one more block.
    pub(crate) fn add(&mut self, rows: u64, size_bytes: u64) {
        self.blocks += 1;
        self.rows += rows;
        self.size_bytes += size_bytes;
    }
}

impl CutRule {
    /// Whether the segment ends here.
    pub(crate) fn is_full(&self, size: SegmentSize) -> bool {
        size.blocks >= self.blocks || size.rows >= self.rows || size.size_bytes >= self.size_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ends of segments, as positions in `blocks` of (rows, bytes), from a segment start at `from`.
    fn cuts(rule: CutRule, blocks: &[(u64, u64)], from: usize) -> Vec<usize> {
        let mut size = SegmentSize::default();
        let mut ends = Vec::new();
        for (position, (rows, size_bytes)) in blocks.iter().enumerate().skip(from) {
            size.add(*rows, *size_bytes);
            if rule.is_full(size) {
                ends.push(position + 1);
                size = SegmentSize::default();
            }
        }
        ends
    }

    #[test]
    fn a_segment_ends_with_the_block_that_reaches_a_limit() {
        let rule = CutRule { blocks: 3, rows: 10, size_bytes: 100 };
        let size = |blocks, rows, size_bytes| SegmentSize { blocks, rows, size_bytes };
        assert!(!rule.is_full(size(2, 9, 99)));
        for full in [size(3, 0, 0), size(1, 10, 0), size(1, 0, 100)] {
            assert!(rule.is_full(full));
        }
    }

    proptest! {
        #[test]
        fn starting_again_after_any_segment_cuts_at_the_same_places(
            blocks in proptest::collection::vec((0u64..20, 0u64..200), 1..100),
            limits in (1u64..20, 1u64..60, 1u64..600),
        ) {
            let rule = CutRule { blocks: limits.0, rows: limits.1, size_bytes: limits.2 };
            let all = cuts(rule, &blocks, 0);
            for (index, end) in all.iter().enumerate() {
                prop_assert_eq!(&cuts(rule, &blocks, *end), &all[index + 1..]);
            }
            for pair in all.windows(2) {
                prop_assert!(pair[1] - pair[0] <= rule.blocks as usize);
            }
        }
    }
}
