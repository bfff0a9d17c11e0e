//! Decoded parts of segment files, bounded by their bytes.
//!
//! Two generations: what is read or used goes to the young one; when that holds half of the limit, it
//! becomes the old one, and what was not used since the last change goes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::file::FileIndex;
use super::page::Page;

/// Bytes that an entry takes beside its data, about.
const ENTRY_BYTES: usize = 256;

/// What part of which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    pub(super) content_hash: [u8; 32],
    pub(super) row_group: u32,
    pub(super) part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Row groups and pages of the file.
    Index,
    /// Where the blocks of a row group start.
    Blocks,
    /// One page of one column.
    Page { column: u32, page: u32 },
}

/// A decoded part.
#[derive(Clone)]
pub(super) enum Cached {
    Index(Arc<FileIndex>),
    Blocks(Arc<[(i64, usize)]>),
    Page(Page),
}

impl Cached {
    fn size_bytes(&self) -> usize {
        ENTRY_BYTES
            + match self {
                Self::Index(index) => index.size_bytes(),
                Self::Blocks(blocks) => size_of_val(&**blocks),
                Self::Page(page) => page.size_bytes(),
            }
    }
}

pub(super) struct PageCache {
    generation_bytes_max: usize,
    state: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<PageKey, Cached>,
    young_bytes: usize,
    old: HashMap<PageKey, Cached>,
}

impl PageCache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { generation_bytes_max: bytes_max / 2, state: Mutex::default() }
    }

    pub(super) fn get(&self, key: &PageKey) -> Option<Cached> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = state.young.get(key) {
            return Some(found.clone());
        }
        let found = state.old.remove(key)?;
        state.add(*key, found.clone(), self.generation_bytes_max);
        Some(found)
    }

    /// Keeps `part`, unless it alone is over the limit of a generation.
    pub(super) fn put(&self, key: PageKey, part: Cached) {
        if part.size_bytes() > self.generation_bytes_max {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.add(key, part, self.generation_bytes_max);
    }
}

impl Generations {
    fn add(&mut self, key: PageKey, part: Cached, bytes_max: usize) {
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

    fn key(page: u32) -> PageKey {
        PageKey { content_hash: [0; 32], row_group: 0, part: Part::Page { column: 0, page } }
    }

    fn page() -> Cached {
        Cached::Page(Page::Plain(Arc::new(Int64Array::from(vec![0; 128]))))
    }

    #[test]
    fn the_limit_in_bytes_holds_and_what_is_used_stays() {
        let limit = 10 * page().size_bytes();
        let cache = PageCache::new(limit);
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
        let cache = PageCache::new(2 * page().size_bytes());
        cache.put(key(0), page());
        assert!(cache.get(&key(0)).is_some());
        let cache = PageCache::new(2 * page().size_bytes() - 2);
        cache.put(key(0), page());
        assert!(cache.get(&key(0)).is_none());
    }
}
