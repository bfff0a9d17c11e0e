//! Block numbers, hashes and ranges, checked once where they enter.

use std::fmt;

/// Height of a block in its chain; block 0 is the genesis block.
pub type BlockNumber = u64;

/// Largest block number accepted: it must fit SQL `bigint`, which is signed.
pub const BLOCK_NUMBER_MAX: BlockNumber = i64::MAX as u64;

/// Hash that names a block, 32 bytes, whatever the chain family's hash function is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockHash(pub [u8; 32]);

impl BlockHash {
    /// Parent hash of a genesis block on chains that use all zeros.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Blocks `first..=last` of one chain, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockRange {
    first: BlockNumber,
    last: BlockNumber,
}

impl BlockRange {
    /// `None` when `last < first` or `last > BLOCK_NUMBER_MAX`.
    pub fn new(first: BlockNumber, last: BlockNumber) -> Option<Self> {
        (first <= last && last <= BLOCK_NUMBER_MAX).then_some(Self { first, last })
    }

    /// First block of the range.
    pub fn first(self) -> BlockNumber {
        self.first
    }

    /// Last block of the range, included.
    pub fn last(self) -> BlockNumber {
        self.last
    }

    /// Number of blocks, at least 1.
    pub fn block_count(self) -> u64 {
        self.last - self.first + 1
    }

    /// Whether `number` lies in the range.
    pub fn contains(self, number: BlockNumber) -> bool {
        (self.first..=self.last).contains(&number)
    }

    /// The blocks that both ranges hold, if any.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }
}

impl fmt::Display for BlockRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_at_least_one_block_and_fits_bigint() {
        assert!(BlockRange::new(5, 4).is_none());
        assert!(BlockRange::new(0, BLOCK_NUMBER_MAX + 1).is_none());
        assert_eq!(BlockRange::new(5, 5).unwrap().block_count(), 1);
    }

    #[test]
    fn ranges_that_do_not_touch_have_no_intersection() {
        let low = BlockRange::new(1, 4).unwrap();
        let high = BlockRange::new(5, 9).unwrap();
        assert_eq!(low.intersection(high), None);
        assert_eq!(low.intersection(BlockRange::new(3, 7).unwrap()), BlockRange::new(3, 4));
    }
}
