//! A map that keeps what was used lately, up to a limit.
//!
//! Two generations: what is put or used goes to the young one; when that holds half of the limit, it
//! becomes the old one, and what was not used since the last change goes.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Values by key. What `weight` gives for all of them together stays within the limit.
pub(crate) struct Generations<K, V, S> {
    weight: fn(&V) -> usize,
    generation_max: usize,
    young: HashMap<K, V, S>,
    young_weight: usize,
    old: HashMap<K, V, S>,
}

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Default> Generations<K, V, S> {
    /// Holds values of at most `weight_max` together.
    pub(crate) fn new(weight_max: usize, weight: fn(&V) -> usize) -> Self {
        let (young, old) = (HashMap::default(), HashMap::default());
        Self { weight, generation_max: weight_max / 2, young, young_weight: 0, old }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(found) = self.young.get(key) {
            return Some(found.clone());
        }
        let (key, found) = self.old.remove_entry(key)?;
        self.put(key, found.clone());
        Some(found)
    }

    /// Keeps `value`, unless it alone is over half of the limit.
    pub(crate) fn put(&mut self, key: K, value: V) {
        let weight = (self.weight)(&value);
        if weight > self.generation_max {
            return;
        }
        if self.young_weight + weight > self.generation_max {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        match self.young.insert(key, value) {
            // Two readers found the same at the same time, or one more about it.
            Some(before) => self.young_weight += weight.saturating_sub((self.weight)(&before)),
            None => self.young_weight += weight,
        }
    }

    #[cfg(test)]
    fn weight(&self) -> usize {
        self.young.values().chain(self.old.values()).map(self.weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    type Numbers = Generations<u32, usize, RandomState>;

    #[test]
    fn the_limit_holds_and_what_is_used_stays() {
        let mut numbers = Numbers::new(100, |weight| *weight);
        for key in 0..100 {
            numbers.put(key, 10);
            assert!(numbers.get(&0).is_some(), "{key}");
            assert!(numbers.get(&key).is_some(), "{key}");
            assert!(numbers.weight() <= 100, "{key}");
        }
        assert!(numbers.get(&50).is_none());
    }

    #[test]
    fn a_value_as_heavy_as_a_generation_is_kept_and_a_heavier_one_is_not() {
        let mut numbers = Numbers::new(20, |weight| *weight);
        numbers.put(0, 10);
        assert!(numbers.get(&0).is_some());
        numbers.put(1, 11);
        assert!(numbers.get(&1).is_none());
    }
}
