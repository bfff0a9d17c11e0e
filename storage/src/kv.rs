//! RocksDB: the only module that names it. Opens the column families, reads, and writes one synced
//! batch at a time.
//!
//! ```text
//! Batch (puts and deletes over all families) ──write, WAL, fsync──> visible as a whole, or not at all
//! ```
//!
//! Invariants
//! - Every write is one batch with sync: it survives a crash as a whole or leaves no trace.
//! - Log records that were acknowledged are never skipped at recovery: a torn tail is cut off, any
//!   other damage is an error.

pub(crate) mod codec;
pub(crate) mod keys;
pub(crate) mod records;

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Options,
    ReadOptions, SliceTransform, WriteBatch, WriteOptions,
};

use crate::StorageError;

/// Memtable size of one column family, bytes. Two of them can exist while one is flushed.
const WRITE_BUFFER_BYTES: usize = 8 << 20;
/// Memtables of all column families together, bytes.
const WRITE_BUFFERS_BYTES_MAX: usize = 32 << 20;
/// Log files are dropped once their tables are flushed; past this size a flush is forced, bytes.
const WAL_BYTES_MAX: u64 = 128 << 20;
/// RocksDB's own text logs that are kept.
const INFO_LOG_FILES_MAX: usize = 4;
/// Threads for flush and compaction.
const BACKGROUND_JOBS_MAX: i32 = 2;
/// Files that RocksDB keeps open at most; each holds its index and bloom filter in memory.
const OPEN_FILES_MAX: i32 = 256;
/// Bytes of a transaction's key without the block: what its lookups search.
const PREFIX_BYTES: usize = size_of::<keys::NetworkId>() + keys::TRANSACTION_PREFIX_BYTES;
/// Bits of a filter for each key: one search in a hundred is in vain.
const FILTER_BITS: f64 = 10.0;

/// Column families. The names are part of the disk format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Format version.
    Meta,
    /// Network name to its record.
    Networks,
    /// Network and first block to segment record.
    Manifest,
    /// Network and number to header record of a sealed block.
    Headers,
    /// Network and block hash to number, sealed blocks.
    BlockHashes,
    /// Network, prefix of a transaction hash and block number, sealed blocks.
    Transactions,
    /// Network, number and hash to an unfinalized block.
    Hot,
    /// Network and object id to the definition of what a client made.
    Objects,
    /// Network, object id and number to a batch of a table's rows.
    ObjectRows,
}

impl Family {
    const ALL: [Self; 9] = [
        Self::Meta,
        Self::Networks,
        Self::Manifest,
        Self::Headers,
        Self::BlockHashes,
        Self::Transactions,
        Self::Hot,
        Self::Objects,
        Self::ObjectRows,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Networks => "networks",
            Self::Manifest => "manifest",
            Self::Headers => "headers",
            Self::BlockHashes => "block_hashes",
            Self::Transactions => "transactions",
            Self::Hot => "hot",
            Self::Objects => "objects",
            Self::ObjectRows => "object_rows",
        }
    }
}

/// Puts and deletes that become visible together.
pub(crate) struct Batch<'a> {
    kv: &'a Kv,
    operations: WriteBatch,
}

impl Batch<'_> {
    pub(crate) fn put(
        &mut self,
        family: Family,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StorageError> {
        self.operations.put_cf(self.kv.handle(family)?, key, value);
        Ok(())
    }

    pub(crate) fn delete(&mut self, family: Family, key: &[u8]) -> Result<(), StorageError> {
        self.operations.delete_cf(self.kv.handle(family)?, key);
        Ok(())
    }

    /// Writes the whole batch and syncs it.
    pub(crate) fn write(self) -> Result<(), StorageError> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.kv.db.write_opt(self.operations, &options).map_err(state)
    }
}

/// An open RocksDB.
pub(crate) struct Kv {
    db: rocksdb::DB,
}

impl Kv {
    /// Opens or creates the database in `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, StorageError> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        options.set_db_write_buffer_size(WRITE_BUFFERS_BYTES_MAX);
        options.set_max_total_wal_size(WAL_BYTES_MAX);
        options.set_keep_log_file_num(INFO_LOG_FILES_MAX);
        options.set_max_background_jobs(BACKGROUND_JOBS_MAX);
        options.set_max_open_files(OPEN_FILES_MAX);
        let families = Family::ALL
            .map(|family| ColumnFamilyDescriptor::new(family.name(), Self::family_options(family)));
        let db = rocksdb::DB::open_cf_descriptors(&options, path, families).map_err(state)?;
        Ok(Self { db })
    }

    fn family_options(family: Family) -> Options {
        let mut options = Options::default();
        options.set_write_buffer_size(WRITE_BUFFER_BYTES);
        // Keys of the hash indexes are random bytes: compressing them costs time and saves nothing.
        options.set_compression_type(match family {
            Family::BlockHashes | Family::Transactions => DBCompressionType::None,
            _ => DBCompressionType::Lz4,
        });
        let mut tables = BlockBasedOptions::default();
        tables.set_bloom_filter(FILTER_BITS, false);
        if family == Family::Transactions {
            options.set_prefix_extractor(SliceTransform::create_fixed_prefix(PREFIX_BYTES));
            tables.set_whole_key_filtering(false);
        }
        options.set_block_based_table_factory(&tables);
        options
    }

    pub(crate) fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.db.get_cf(self.handle(family)?, key).map_err(state)
    }

    /// Calls `visit` for every entry whose key starts with `prefix`, in key order.
    pub(crate) fn scan(
        &self,
        family: Family,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let mut options = ReadOptions::default();
        if prefix.len() >= PREFIX_BYTES {
            // Filters know whole prefixes, so that most files need not be searched.
            options.set_prefix_same_as_start(true);
        } else {
            options.set_total_order_seek(true);
        }
        if let Some(end) = after_all_with(prefix) {
            options.set_iterate_upper_bound(end);
        }
        let mut entries = self.db.raw_iterator_cf_opt(self.handle(family)?, options);
        entries.seek(prefix);
        while let Some((key, value)) = entries.item() {
            if !key.starts_with(prefix) {
                break;
            }
            visit(key, value)?;
            entries.next();
        }
        entries.status().map_err(state)
    }

    /// An empty batch.
    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch { kv: self, operations: WriteBatch::default() }
    }

    fn handle(&self, family: Family) -> Result<&rocksdb::ColumnFamily, StorageError> {
        self.db
            .cf_handle(family.name())
            .ok_or_else(|| StorageError::State(format!("no column family {}", family.name())))
    }
}

/// The first key after all that start with `prefix`; `None` when there is none.
fn after_all_with(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

fn state(error: rocksdb::Error) -> StorageError {
    match error.kind() {
        rocksdb::ErrorKind::Corruption => {
            StorageError::Corrupt { what: "state store".to_owned(), detail: error.into_string() }
        }
        _ => StorageError::State(error.into_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let kv = Kv::open(dir.path()).unwrap();
        let mut batch = kv.batch();
        batch.put(Family::Meta, b"a", b"1").unwrap();
        batch.put(Family::Hot, b"b", b"2").unwrap();
        batch.write().unwrap();
        drop(kv);

        let kv = Kv::open(dir.path()).unwrap();

        assert_eq!(kv.get(Family::Meta, b"a").unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(kv.get(Family::Hot, b"b").unwrap().as_deref(), Some(&b"2"[..]));
        assert_eq!(kv.get(Family::Hot, b"a").unwrap(), None);
    }

    #[test]
    fn a_scan_ends_where_the_prefix_ends() {
        let dir = tempfile::tempdir().unwrap();
        let kv = Kv::open(dir.path()).unwrap();
        let mut batch = kv.batch();
        for key in [&[1, 0][..], &[1, 255], &[2, 0]] {
            batch.put(Family::Headers, key, &[]).unwrap();
        }
        batch.write().unwrap();

        let mut seen = Vec::new();
        kv.scan(Family::Headers, &[1], |key, _| {
            seen.push(key.to_vec());
            Ok(())
        })
        .unwrap();

        assert_eq!(seen, vec![vec![1, 0], vec![1, 255]]);
    }

    #[test]
    fn transactions_are_found_by_their_prefix_in_memory_and_in_files() {
        let dir = tempfile::tempdir().unwrap();
        let kv = Kv::open(dir.path()).unwrap();
        let mut batch = kv.batch();
        // The last prefix has no successor, and one key is of another network.
        let hashes = [[0; 32], [7; 32], [0xff; 32]];
        for (network, hash, block) in [(1, 0, 3), (1, 1, 5), (1, 1, 9), (u32::MAX, 2, 1), (2, 1, 4)]
        {
            batch
                .put(Family::Transactions, &keys::transaction(network, &hashes[hash], block), &[])
                .unwrap();
        }
        batch.write().unwrap();
        let found = |kv: &Kv, network, hash: usize| {
            let mut blocks = Vec::new();
            let prefix = keys::transaction_prefix(network, &hashes[hash]);
            kv.scan(Family::Transactions, &prefix, |key, _| {
                blocks.push(keys::read_transaction(key)?);
                Ok(())
            })
            .unwrap();
            blocks
        };
        for is_flushed in [false, true] {
            if is_flushed {
                kv.db.flush_cf(kv.handle(Family::Transactions).unwrap()).unwrap();
            }
            assert_eq!(found(&kv, 1, 0), [3]);
            assert_eq!(found(&kv, 1, 1), [5, 9]);
            assert_eq!(found(&kv, 2, 1), [4]);
            assert_eq!(found(&kv, u32::MAX, 2), [1]);
            assert_eq!(found(&kv, 1, 2), [0; 0]);
        }
    }
}
