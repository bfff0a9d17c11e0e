//! One data directory.
//!
//! ```text
//! SegmentWriter ──> files, synced ─┐
//! hot blocks ──────────────────────┴─ commit: check links ─> one write batch ─> new snapshot
//! ```
//!
//! Invariants
//! - The snapshot changes only after the batch is on disk; a failed commit changes nothing.
//! - Commits of one store run one after the other.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arc_swap::ArcSwap;
use object_store::ObjectStore;
use schemas::{BlockHash, BlockNumber, TableSpec, format_version};

use crate::chain_state::ChainState;
use crate::checked_store::{CheckedStore, FileRegistry};
use crate::data_dir::{DataDir, io};
use crate::kv::keys::{self, NetworkId};
use crate::kv::records::{self, Header, HotEntry};
use crate::kv::{Batch, Family, Kv};
use crate::point_read::{Found, PointReader, Reach, RowsWanted};
use crate::{
    BlockRecord, ChainSnapshot, Commit, Network, Segment, SegmentFile, SegmentWriter, StorageError,
};

/// Longest name of a network: it is a folder name and a database name.
const NETWORK_NAME_BYTES_MAX: usize = 63;

/// An open data directory. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) kv: Arc<Kv>,
    registry: Arc<FileRegistry>,
    objects: Arc<CheckedStore>,
    points: PointReader,
    networks: RwLock<BTreeMap<String, Arc<ArcSwap<ChainSnapshot>>>>,
    /// Held while blocks are written.
    writing: Mutex<Vec<Retired>>,
    /// Who is told of new blocks.
    watchers: RwLock<Vec<Watcher>>,
    /// Last, so that the lock is released after everything else is closed.
    dir: Arc<DataDir>,
}

/// Is told the network and the blocks that a commit made visible.
type Watcher = Box<dyn Fn(&str, &[(BlockNumber, BlockHash)]) + Send + Sync>;

/// A segment that another one replaced. Its files go when the last snapshot that has it is dropped.
struct Retired {
    segment: Arc<Segment>,
    /// Paths that the new segment does not name.
    paths: Vec<String>,
}

impl Store {
    /// Opens or creates `path`, takes its lock, and removes files that no manifest names.
    ///
    /// # Errors
    /// `InUse` while another process has it open; `FormatVersion` when another release wrote it;
    /// `Corrupt` when a record is damaged, or a segment file is missing or has another size.
    #[tracing::instrument(name = "open_store", skip_all, err)]
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let dir = Arc::new(DataDir::open(path)?);
        let kv = Arc::new(Kv::open(&dir.state())?);
        check_format(&kv)?;
        let registry = Arc::new(FileRegistry::default());
        let mut networks = BTreeMap::new();
        let mut named = HashSet::new();
        for (id, network) in read_networks(&kv)? {
            let state = read_state(&kv, id)?;
            for segment in &state.segments {
                check_files(&dir, segment)?;
                registry.add(segment);
                named.extend(segment.files.iter().map(|file| file.path.clone()));
            }
            let name = network.name.clone();
            let snapshot = ChainSnapshot::new(kv.clone(), id, network, state);
            networks.insert(name, Arc::new(ArcSwap::from_pointee(snapshot)));
        }
        dir.remove_unreferenced(&named)?;
        let objects = Arc::new(CheckedStore::new(&dir.segments(), registry.clone())?);
        let (networks, writing) = (RwLock::new(networks), Mutex::default());
        let points = PointReader::new(Arc::clone(&dir));
        let watchers = RwLock::default();
        let inner = Inner { kv, registry, objects, points, networks, writing, watchers, dir };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// All networks by name.
    pub fn networks(&self) -> Vec<Network> {
        let networks = self.inner.networks.read().unwrap_or_else(PoisonError::into_inner);
        networks.values().map(|snapshot| snapshot.load().network().clone()).collect()
    }

    /// Creates the network or replaces its record.
    ///
    /// # Errors
    /// `NetworkName` for a name that cannot be a folder; `Io` or `State` when the disk refuses.
    pub fn put_network(&self, network: &Network) -> Result<(), StorageError> {
        check_network_name(&network.name)?;
        let _writing = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.dir.create_network(&network.name)?;
        let known = self.cell(&network.name).ok();
        let id = match &known {
            Some(cell) => cell.load().network_id(),
            None => self.next_network_id(),
        };
        let mut batch = self.inner.kv.batch();
        let record = records::encode_network(id, network)?;
        batch.put(Family::Networks, network.name.as_bytes(), &record)?;
        batch.write()?;
        let state = known.as_ref().map(|cell| cell.load().state().clone()).unwrap_or_default();
        let snapshot = ChainSnapshot::new(self.inner.kv.clone(), id, network.clone(), state);
        match known {
            Some(cell) => cell.store(Arc::new(snapshot)),
            None => {
                let cell = Arc::new(ArcSwap::from_pointee(snapshot));
                let mut networks =
                    self.inner.networks.write().unwrap_or_else(PoisonError::into_inner);
                networks.insert(network.name.clone(), cell);
            }
        }
        Ok(())
    }

    /// The view of `network` as of the last commit.
    ///
    /// # Errors
    /// `UnknownNetwork`.
    pub fn snapshot(&self, network: &str) -> Result<Arc<ChainSnapshot>, StorageError> {
        Ok(self.cell(network)?.load_full())
    }

    /// The rows of one block in `file`, a file of a segment that holds the block.
    ///
    /// # Errors
    /// `Io` or `Corrupt` when the file cannot be read or differs from the manifest.
    pub fn block_rows(
        &self,
        file: &SegmentFile,
        wanted: &RowsWanted<'_>,
        reach: Reach,
    ) -> Result<Found, StorageError> {
        self.inner.points.rows(file, wanted, reach)
    }

    /// Starts a segment whose first block is `first`.
    ///
    /// # Errors
    /// `UnknownNetwork`.
    pub fn segment_writer(
        &self,
        network: &str,
        tables: &'static [&'static TableSpec],
        first: BlockNumber,
    ) -> Result<SegmentWriter, StorageError> {
        self.cell(network)?;
        Ok(SegmentWriter::new(self.inner.dir.clone(), network.to_owned(), tables, first))
    }

    /// Calls `watcher` after each commit that makes blocks visible, with the network and the number and
    /// hash of each, in the order of the commit. It runs on the writer's thread and must be quick.
    pub fn on_commit(
        &self,
        watcher: impl Fn(&str, &[(BlockNumber, BlockHash)]) + Send + Sync + 'static,
    ) {
        let mut watchers = self.inner.watchers.write().unwrap_or_else(PoisonError::into_inner);
        watchers.push(Box::new(watcher));
    }

    /// Blocks of `commit` that `before` does not have.
    fn new_blocks(
        before: &ChainSnapshot,
        commit: &Commit,
    ) -> Result<Vec<(BlockNumber, BlockHash)>, StorageError> {
        let sealed = commit.seal.iter().flat_map(|seal| &seal.records);
        let hot = commit.hot_put.iter().map(|block| &block.record);
        let mut found = Vec::new();
        for record in sealed.chain(hot) {
            let key = (record.number, record.hash);
            let is_known = before.state().hot.contains_key(&key)
                || before
                    .sealed_header(record.number)?
                    .is_some_and(|header| header.hash == record.hash);
            if !is_known {
                found.push(key);
            }
        }
        Ok(found)
    }

    fn tell(&self, network: &str, blocks: &[(BlockNumber, BlockHash)]) {
        let watchers = self.inner.watchers.read().unwrap_or_else(PoisonError::into_inner);
        watchers.iter().for_each(|watcher| watcher(network, blocks));
    }

    /// Makes everything in `commit` visible by one write batch, then swaps the snapshot.
    ///
    /// Hot blocks that the sealed segments exclude leave the hot tail by themselves. A segment of the same
    /// blocks as a stored one, verified further, replaces it; snapshots that have the old one keep it.
    ///
    /// # Errors
    /// `Link` when a block does not fit a stored neighbour or its height is sealed; `State` when the
    /// disk refuses. Nothing has changed then.
    #[tracing::instrument(name = "commit", skip_all, err, fields(
        network, segments = commit.seal.len(), hot_put = commit.hot_put.len()))]
    pub fn commit(&self, network: &str, commit: Commit) -> Result<(), StorageError> {
        let cell = self.cell(network)?;
        let mut retired = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = cell.load_full();
        let id = before.network_id();
        let new_blocks = Self::new_blocks(&before, &commit)?;
        let mut state = before.state().clone();
        let mut batch = self.inner.kv.batch();
        for (number, hash) in commit.hot_drop {
            state.hot.remove(&(number, hash));
            batch.delete(Family::Hot, &keys::hot(id, number, &hash))?;
        }
        let (mut sealed, mut replaced) = (Vec::new(), Vec::new());
        for seal in commit.seal {
            let segment = Arc::new(seal.segment);
            let old = state.seal(segment.clone(), &seal.records, |number| {
                Ok(before.sealed_header(number)?.map(|header| header.hash))
            })?;
            replaced.extend(old.map(|old| retire(old, &segment)));
            put_segment(&mut batch, id, &segment, &seal.records)?;
            sealed.push(segment);
        }
        let next = state.hot.values().map(|entry| entry.sequence + 1).max().unwrap_or(0);
        for (sequence, block) in (next..).zip(commit.hot_put) {
            let key = keys::hot(id, block.record.number, &block.record.hash);
            batch.put(Family::Hot, &key, &records::encode_hot(sequence, &block)?)?;
            state.put_hot(HotEntry { sequence, block: Arc::new(block) })?;
        }
        for (number, hash) in state.drop_excluded() {
            batch.delete(Family::Hot, &keys::hot(id, number, &hash))?;
        }
        batch.write()?;
        sealed.iter().for_each(|segment| self.inner.registry.add(segment));
        let record = before.network().clone();
        cell.store(Arc::new(ChainSnapshot::new(self.inner.kv.clone(), id, record, state)));
        drop(before);
        if !new_blocks.is_empty() {
            self.tell(network, &new_blocks);
        }
        retired.extend(replaced);
        self.remove_retired(&mut retired);
        Ok(())
    }

    /// Deletes the files of replaced segments that no snapshot has any more.
    fn remove_retired(&self, retired: &mut Vec<Retired>) {
        retired.retain(|old| {
            if Arc::strong_count(&old.segment) > 1 {
                return true;
            }
            for path in &old.paths {
                self.inner.registry.remove(path);
                if let Err(error) = std::fs::remove_file(self.inner.dir.segment_path(path)) {
                    // No manifest names it, so the next open removes it.
                    tracing::warn!(path, %error, "replaced segment file stays");
                }
            }
            false
        });
    }

    /// Segment files, each byte checked against its chunk hash on the way out. A mismatch is an error
    /// that names the file; no unchecked byte is returned.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.inner.objects.clone()
    }

    pub(crate) fn cell(&self, network: &str) -> Result<Arc<ArcSwap<ChainSnapshot>>, StorageError> {
        let networks = self.inner.networks.read().unwrap_or_else(PoisonError::into_inner);
        let cell = networks.get(network).cloned();
        cell.ok_or_else(|| StorageError::UnknownNetwork(network.to_owned()))
    }

    fn next_network_id(&self) -> NetworkId {
        let networks = self.inner.networks.read().unwrap_or_else(PoisonError::into_inner);
        networks.values().map(|cell| cell.load().network_id() + 1).max().unwrap_or(0)
    }
}

fn retire(old: Arc<Segment>, new: &Segment) -> Retired {
    let named = |path: &str| new.files.iter().any(|file| file.path == path);
    let paths = old.files.iter().map(|file| file.path.clone()).filter(|path| !named(path));
    Retired { paths: paths.collect(), segment: old }
}

fn check_network_name(name: &str) -> Result<(), StorageError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || name.len() > NETWORK_NAME_BYTES_MAX || !name.chars().all(allowed) {
        return Err(StorageError::NetworkName(name.to_owned()));
    }
    Ok(())
}

fn check_format(kv: &Kv) -> Result<(), StorageError> {
    let expected = format_version::STORE;
    let write = || {
        let mut batch = kv.batch();
        batch.put(Family::Meta, keys::FORMAT, &expected.to_be_bytes())?;
        batch.write()
    };
    let Some(value) = kv.get(Family::Meta, keys::FORMAT)? else { return write() };
    match <[u8; 4]>::try_from(value.as_slice()).map(u32::from_be_bytes) {
        Ok(found) if found == expected => Ok(()),
        // Version 2 added families, which were made empty when the store was opened.
        Ok(1) => write(),
        Ok(found) => Err(StorageError::FormatVersion { found, expected }),
        Err(_) => Err(StorageError::Corrupt {
            what: "format version".to_owned(),
            detail: format!("{} bytes, expected 4", value.len()),
        }),
    }
}

fn read_networks(kv: &Kv) -> Result<Vec<(NetworkId, Network)>, StorageError> {
    let mut networks = Vec::new();
    kv.scan(Family::Networks, &[], |name, value| {
        networks.push(records::decode_network(name, value)?);
        Ok(())
    })?;
    Ok(networks)
}

fn read_state(kv: &Kv, id: NetworkId) -> Result<ChainState, StorageError> {
    let mut state = ChainState::default();
    kv.scan(Family::Manifest, &keys::network(id), |_, value| {
        state.segments.push(Arc::new(records::decode_segment(value)?));
        Ok(())
    })?;
    kv.scan(Family::Hot, &keys::network(id), |key, value| {
        let (number, hash) = keys::read_hot(key)?;
        state.hot.insert((number, hash), records::decode_hot(number, hash, value)?);
        Ok(())
    })?;
    Ok(state)
}

/// A missing or cut-off file is found at open; its content is checked when it is read.
fn check_files(dir: &DataDir, segment: &Segment) -> Result<(), StorageError> {
    for file in &segment.files {
        let path = dir.segment_path(&file.path);
        let detail = match std::fs::metadata(&path) {
            Ok(found) if found.len() == file.size_bytes => continue,
            Ok(found) => format!("{} bytes, expected {}", found.len(), file.size_bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                "file is missing".to_owned()
            }
            Err(error) => return Err(io("open", &path, error)),
        };
        let what = format!("segment file {}", path.display());
        return Err(StorageError::Corrupt { what, detail });
    }
    Ok(())
}

fn put_segment(
    batch: &mut Batch<'_>,
    id: NetworkId,
    segment: &Segment,
    records: &[BlockRecord],
) -> Result<(), StorageError> {
    let first = segment.range.first();
    batch.put(Family::Manifest, &keys::number(id, first), &records::encode_segment(segment)?)?;
    for record in records {
        let number = record.number;
        batch.put(Family::Headers, &keys::number(id, number), &Header::of(record).encode())?;
        batch.put(
            Family::BlockHashes,
            &keys::hash(id, &record.hash),
            &keys::number_value(number),
        )?;
        for transaction in &record.transaction_hashes {
            let key = keys::transaction(id, transaction, number);
            batch.put(Family::Transactions, &key, &[])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
