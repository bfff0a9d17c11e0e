//! One data directory.

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use schemas::{BlockNumber, TableSpec};

use crate::{ChainSnapshot, Commit, Network, SegmentWriter, StorageError};

/// An open data directory. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens or creates `path`, takes its lock, and removes files that no manifest names.
    pub fn open(_path: &Path) -> Result<Self, StorageError> {
        unimplemented!()
    }

    /// All networks by name.
    pub fn networks(&self) -> Vec<Network> {
        unimplemented!()
    }

    /// Creates the network or replaces its record.
    pub fn put_network(&self, _network: &Network) -> Result<(), StorageError> {
        unimplemented!()
    }

    /// The view of `network` as of the last commit.
    pub fn snapshot(&self, _network: &str) -> Result<Arc<ChainSnapshot>, StorageError> {
        unimplemented!()
    }

    /// Starts a segment whose first block is `first`.
    pub fn segment_writer(
        &self,
        _network: &str,
        _tables: &'static [&'static TableSpec],
        _first: BlockNumber,
    ) -> Result<SegmentWriter, StorageError> {
        unimplemented!()
    }

    /// Makes everything in `commit` visible by one write batch, then swaps the snapshot.
    pub fn commit(&self, _network: &str, _commit: Commit) -> Result<(), StorageError> {
        unimplemented!()
    }

    /// Segment files, each byte checked against its chunk hash on the way out. A mismatch is an error
    /// that names the file; no unchecked byte is returned.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        unimplemented!()
    }
}
