//! Decoded parts of segment files.

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use super::file::FileIndex;
use super::slice::Slice;
use super::{Keys, Slices};
use crate::generations::Generations;

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

/// Decoded parts, bounded by their bytes.
pub(super) struct PointCache {
    state: Mutex<Generations<PartKey, Cached, BuildHasherDefault<Mixer>>>,
}

impl PointCache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::new(Generations::new(bytes_max, Cached::size_bytes)) }
    }

    pub(super) fn get(&self, key: &PartKey) -> Option<Cached> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }

    /// Keeps `part`, unless it alone is over half of the limit.
    pub(super) fn put(&self, key: PartKey, part: Cached) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).put(key, part);
    }
}
