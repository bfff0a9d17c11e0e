//! Decoded parts of segment files, bounded by their bytes.
//!
//! Two generations: what is read or used goes to the young one; when that holds half of the limit, it
//! becomes the old one, and what was not used since the last change goes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use super::file::FileIndex;
use super::slice::Slice;
use super::{Keys, Slices};

/// Bytes that an entry takes beside its data, about.
const ENTRY_BYTES: usize = 256;

/// What part of which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartKey {
    pub(super) content_hash: [u8; 32],
    pub(super) row_group: u32,
    pub(super) part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Row groups of the file.
    Index,
    /// Where the blocks of a row group start.
    Blocks,
    /// The sorted keys of the block that starts at a row.
    Keys { column: u32, first_row: u32 },
    /// Some rows, those of their columns that were read.
    Slices { number: u32 },
}

impl Hash for PartKey {
    /// A lookup asks for dozens of parts, so that hashing has to be cheap: content hashes are spread already.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.content_hash;
        let (kind, first, second) = match self.part {
            Part::Index => (0, 0, 0),
            Part::Blocks => (1, 0, 0),
            Part::Keys { column, first_row } => (2, column, first_row),
            Part::Slices { number } => (3, 0, number),
        };
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
        state.write_u64(u64::from(self.row_group) << 32 | u64::from(second));
        state.write_u64(u64::from(first) << 2 | kind);
    }
}

/// Mixes the words of a [`PartKey`].
#[derive(Default)]
struct Mixer {
    state: u64,
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.state ^ (self.state >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        /// An odd number without a pattern: 2^64 divided by the golden ratio.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.state = (self.state.rotate_left(23) ^ word).wrapping_mul(SPREAD);
    }
}

type Parts = HashMap<PartKey, Cached, BuildHasherDefault<Mixer>>;

/// A decoded part.
#[derive(Clone)]
pub(super) enum Cached {
    Index(Arc<FileIndex>),
    Blocks(Arc<[(i64, usize)]>),
    Keys(Keys),
    Slices(Slices),
}

impl Cached {
    fn size_bytes(&self) -> usize {
        ENTRY_BYTES
            + match self {
                Self::Index(index) => index.size_bytes(),
                Self::Blocks(blocks) => size_of_val(&**blocks),
                Self::Keys(keys) => size_of_val(&**keys),
                Self::Slices(slices) => {
                    size_of_val(&**slices)
                        + slices.iter().flatten().map(Slice::size_bytes).sum::<usize>()
                }
            }
    }
}

pub(super) struct PointCache {
    generation_bytes_max: usize,
    state: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: Parts,
    young_bytes: usize,
    old: Parts,
}

impl PointCache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { generation_bytes_max: bytes_max / 2, state: Mutex::default() }
    }

    pub(super) fn get(&self, key: &PartKey) -> Option<Cached> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = state.young.get(key) {
            return Some(found.clone());
        }
        let found = state.old.remove(key)?;
        state.add(*key, found.clone(), self.generation_bytes_max);
        Some(found)
    }

    /// Keeps `part`, unless it alone is over the limit of a generation.
    pub(super) fn put(&self, key: PartKey, part: Cached) {
        if part.size_bytes() > self.generation_bytes_max {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.add(key, part, self.generation_bytes_max);
    }
}

impl Generations {
    fn add(&mut self, key: PartKey, part: Cached, bytes_max: usize) {
        let bytes = part.size_bytes();
        if self.young_bytes + bytes > bytes_max {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        match self.young.insert(key, part) {
            // Two lookups read the same part at the same time.
            Some(before) => self.young_bytes += bytes.saturating_sub(before.size_bytes()),
            None => self.young_bytes += bytes,
        }
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.young.values().chain(self.old.values()).map(Cached::size_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::*;

    fn key(page: u32) -> PartKey {
        PartKey { content_hash: [0; 32], row_group: 0, part: Part::Slices { number: page } }
    }

    fn page() -> Cached {
        Cached::Slices([Some(Slice::Plain(Arc::new(Int64Array::from(vec![0; 128]))))].into())
    }

    #[test]
    fn the_limit_in_bytes_holds_and_what_is_used_stays() {
        let limit = 10 * page().size_bytes();
        let cache = PointCache::new(limit);
        for number in 0..100 {
            cache.put(key(number), page());
            assert!(cache.get(&key(0)).is_some(), "{number}");
            assert!(cache.get(&key(number)).is_some(), "{number}");
            assert!(cache.state.lock().unwrap().bytes() <= limit, "{number}");
        }
        assert!(cache.get(&key(50)).is_none());
    }

    #[test]
    fn a_part_as_large_as_a_generation_is_kept_and_a_larger_one_is_not() {
        let cache = PointCache::new(2 * page().size_bytes());
        cache.put(key(0), page());
        assert!(cache.get(&key(0)).is_some());
        let cache = PointCache::new(2 * page().size_bytes() - 2);
        cache.put(key(0), page());
        assert!(cache.get(&key(0)).is_none());
    }
}
