//! Rules of a data directory: what a commit makes visible, what it refuses, what survives.

use object_store::ObjectStoreExt;
use object_store::path::Path as ObjectPath;
use schemas::{BlockHash, BlockRange, VerificationLevel};

use super::*;
use crate::testing::{self, TABLES};
use crate::{HotBlock, SealedSegment, SegmentFile};

const NETWORK: &str = "net";

static TEST_TABLES: [&TableSpec; 2] = TABLES;

fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(dir.path()).unwrap()
}

fn created() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let network = Network {
        name: NETWORK.to_owned(),
        family: "evm".to_owned(),
        chain_id: Some(1),
        genesis_hash: None,
    };
    store.put_network(&network).unwrap();
    (dir, store)
}

/// Writes blocks `first..first + count`, handed over in groups of `group`.
fn write(store: &Store, first: u64, count: u64, group: u64) -> SealedSegment {
    let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, first).unwrap();
    for start in (first..first + count).step_by(group as usize) {
        let (records, batches) = testing::blocks(start, group.min(first + count - start), 7);
        writer.append(records, &batches).unwrap();
    }
    assert_eq!((writer.block_count(), writer.row_count()), (count, count * 8));
    writer.finish().unwrap()
}

fn seal(store: &Store, first: u64, count: u64) -> Result<(), StorageError> {
    let segment = write(store, first, count, count);
    store.commit(NETWORK, Commit { seal: vec![segment], ..Commit::default() })
}

fn put(store: &Store, blocks: Vec<HotBlock>) -> Result<(), StorageError> {
    store.commit(NETWORK, Commit { hot_put: blocks, ..Commit::default() })
}

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).unwrap()
}

async fn read(store: &Store, path: &str) -> object_store::Result<bytes::Bytes> {
    store.object_store().get(&ObjectPath::from(path)).await?.bytes().await
}

#[test]
fn a_second_process_is_told_that_the_directory_is_in_use() {
    let (dir, _store) = created();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, StorageError::InUse { .. }));
}

#[test]
fn a_folder_that_holds_other_things_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tmp")).unwrap();
    std::fs::write(dir.path().join("tmp/0.part"), b"precious").unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(error.to_string().ends_with("is no ergosql data directory"), "{error}");
    assert!(dir.path().join("tmp/0.part").exists());
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let (dir, store) = created();
    seal(&store, 0, 20).unwrap();
    put(&store, vec![testing::hot_block(20, 0, 2), testing::hot_block(21, 0, 0)]).unwrap();
    let before = store.snapshot(NETWORK).unwrap();
    let (root, ranges) = (before.manifest_root(), before.ranges());
    drop((before, store));

    let store = open(&dir);
    let snapshot = store.snapshot(NETWORK).unwrap();

    assert_eq!(store.networks()[0].chain_id, Some(1));
    assert_eq!(snapshot.manifest_root(), root);
    assert_eq!(snapshot.ranges(), ranges);
    assert_eq!(snapshot.extent(), Some(range(0, 21)));
    assert_eq!(snapshot.hot_blocks()[0].batches, testing::hot_block(20, 0, 2).batches);
}

#[test]
fn blocks_and_transactions_are_found_in_segments_and_in_the_hot_tail() {
    let (_dir, store) = created();
    seal(&store, 10, 5).unwrap();
    put(&store, vec![testing::hot_block(15, 0, 2)]).unwrap();
    let snapshot = store.snapshot(NETWORK).unwrap();
    for number in [10, 14, 15] {
        let hash = testing::hash(number, 0);
        assert_eq!(snapshot.block_number(&hash).unwrap(), Some(number));
        assert_eq!(snapshot.block_hash(number).unwrap(), Some(hash));
        let transaction = testing::transaction(number, 1);
        assert_eq!(snapshot.transaction_blocks(&transaction).unwrap(), vec![number]);
    }
    assert_eq!(snapshot.block_number(&testing::hash(9, 0)).unwrap(), None);
    assert_eq!(snapshot.block_hash(16).unwrap(), None);
    assert_eq!(snapshot.transaction_blocks(&[0; 32]).unwrap(), Vec::<u64>::new());
}

#[test]
fn a_snapshot_does_not_see_later_commits() {
    let (_dir, store) = created();
    seal(&store, 0, 5).unwrap();
    let before = store.snapshot(NETWORK).unwrap();
    seal(&store, 5, 5).unwrap();
    assert_eq!(before.extent(), Some(range(0, 4)));
    assert_eq!(before.block_number(&testing::hash(7, 0)).unwrap(), None);
    assert_eq!(before.transaction_blocks(&testing::transaction(7, 0)).unwrap(), Vec::<u64>::new());
    assert_eq!(store.snapshot(NETWORK).unwrap().extent(), Some(range(0, 9)));
}

#[test]
fn the_same_blocks_give_the_same_files_however_they_are_grouped() {
    let (_dir, store) = created();
    let count = 3_000;
    let one = write(&store, 0, count, count).segment;
    for group in [1, 7, 1_000] {
        assert_eq!(write(&store, 0, count, group).segment, one, "groups of {group}");
    }
    assert_eq!(one.files.iter().map(|file| file.row_count).sum::<u64>(), count * 8);
}

#[test]
fn files_without_a_commit_are_invisible_and_removed_at_the_next_open() {
    let (dir, store) = created();
    seal(&store, 0, 5).unwrap();
    let kept = store.snapshot(NETWORK).unwrap().segments()[0].files[0].path.clone();
    let lost = write(&store, 5, 5, 5).segment.files[0].path.clone();
    let path = dir.path().join("segments").join(&lost);
    assert!(path.exists());
    assert_eq!(store.snapshot(NETWORK).unwrap().extent(), Some(range(0, 4)));
    let unfinished = store.segment_writer(NETWORK, &TEST_TABLES, 5).unwrap();
    drop(unfinished);
    drop(store);
    std::fs::write(dir.path().join("tmp/9.part"), b"half").unwrap();

    let _store = open(&dir);

    assert!(!path.exists());
    assert!(dir.path().join("segments").join(kept).exists());
    assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_block_with_another_hash_than_the_stored_one_is_refused_and_both_are_named() {
    let (_dir, store) = created();
    seal(&store, 0, 5).unwrap();
    let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, 4).unwrap();
    let mut fork = testing::hot_block(4, 1, 1);
    fork.record.parent_hash = testing::hash(3, 0);
    writer.append(vec![fork.record.clone()], &fork.batches).unwrap();
    let segment = writer.finish().unwrap();

    let commit = Commit { seal: vec![segment], ..Commit::default() };
    let error = store.commit(NETWORK, commit).unwrap_err().to_string();

    let expected =
        format!("block 4: hash is {}, stored block is {}", fork.record.hash, testing::hash(4, 0));
    assert_eq!(error, expected);
}

#[test]
fn segments_that_touch_must_link() {
    let (_dir, store) = created();
    seal(&store, 0, 5).unwrap();
    seal(&store, 6, 5).unwrap();
    let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, 5).unwrap();
    let fork = testing::fork_block(&testing::hot_block(4, 0, 1), 1);
    writer.append(vec![fork.record.clone()], &fork.batches).unwrap();
    let segment = writer.finish().unwrap();
    let commit = Commit { seal: vec![segment], ..Commit::default() };
    assert!(matches!(store.commit(NETWORK, commit), Err(StorageError::Link { number: 5, .. })));
    assert!(matches!(put(&store, vec![fork]), Err(StorageError::Link { number: 5, .. })));
    seal(&store, 5, 1).unwrap();
    assert_eq!(store.snapshot(NETWORK).unwrap().gaps(), vec![]);
}

#[test]
fn a_segment_holds_consecutive_linked_blocks_of_one_level() {
    let (_dir, store) = created();
    let good = testing::hot_block(10, 0, 1);
    let mut unlinked = testing::hot_block(11, 0, 1);
    unlinked.record.parent_hash = BlockHash::ZERO;
    let mut lower = testing::hot_block(11, 0, 1);
    lower.record.level = VerificationLevel::Body;
    for bad in [testing::hot_block(12, 0, 1), unlinked, lower, good.clone()] {
        let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, 10).unwrap();
        writer.append(vec![good.record.clone()], &good.batches).unwrap();
        let error = writer.append(vec![bad.record], &bad.batches).unwrap_err();
        assert!(matches!(error, StorageError::Link { .. }), "{error}");
    }
    let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, 9).unwrap();
    assert!(writer.append(vec![good.record], &good.batches).is_err());
    assert!(store.segment_writer(NETWORK, &TEST_TABLES, 9).unwrap().finish().is_err());
}

#[test]
fn a_table_above_the_level_of_a_segment_has_no_file() {
    let (_dir, store) = created();
    let mut block = testing::hot_block(1, 0, 0);
    block.record.level = VerificationLevel::Body;
    let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, 1).unwrap();
    writer.append(vec![block.record], &block.batches).unwrap();
    let segment = writer.finish().unwrap().segment;
    assert_eq!(segment.files.len(), 1);
    assert_eq!(segment.files[0].table, "blocks");

    let mut block = testing::hot_block(1, 0, 2);
    block.record.level = VerificationLevel::Body;
    let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, 1).unwrap();
    assert!(writer.append(vec![block.record], &block.batches).is_err());
}

#[test]
fn sealing_takes_blocks_and_their_orphans_out_of_the_hot_tail() {
    let (_dir, store) = created();
    seal(&store, 0, 10).unwrap();
    let orphan = testing::fork_block(&testing::hot_block(9, 0, 1), 1);
    let hot: Vec<_> = (10..13).map(|number| testing::hot_block(number, 0, 1)).collect();
    put(&store, vec![orphan.clone()]).unwrap();
    put(&store, hot).unwrap();
    seal(&store, 10, 2).unwrap();
    let snapshot = store.snapshot(NETWORK).unwrap();
    let left: Vec<_> = snapshot.hot_blocks().iter().map(|block| block.record.number).collect();
    assert_eq!(left, vec![12]);
    assert_eq!(snapshot.state().hot.len(), 1);
    assert!(matches!(put(&store, vec![orphan]), Err(StorageError::Link { .. })));
}

#[test]
fn a_commit_that_is_refused_leaves_the_old_view() {
    let (dir, store) = created();
    seal(&store, 0, 5).unwrap();
    let root = store.snapshot(NETWORK).unwrap().manifest_root();
    let commit = Commit {
        seal: vec![write(&store, 5, 5, 5)],
        hot_put: vec![testing::hot_block(3, 0, 1)],
        hot_drop: vec![],
    };
    assert!(store.commit(NETWORK, commit).is_err());
    assert_eq!(store.snapshot(NETWORK).unwrap().manifest_root(), root);
    drop(store);
    assert_eq!(open(&dir).snapshot(NETWORK).unwrap().manifest_root(), root);
}

#[tokio::test]
async fn every_flipped_byte_of_a_segment_file_is_found_when_it_is_read() {
    let (dir, store) = created();
    seal(&store, 0, 3_000).unwrap();
    let file = store.snapshot(NETWORK).unwrap().segments()[0].files[1].clone();
    let path = dir.path().join("segments").join(&file.path);
    let good = std::fs::read(&path).unwrap();
    assert!(good.len() as u64 > SegmentFile::CHUNK_BYTES * 2, "the file has several chunks");
    assert_eq!(read(&store, &file.path).await.unwrap(), good);
    for position in [0, SegmentFile::CHUNK_BYTES as usize, good.len() - 1] {
        let mut bad = good.clone();
        bad[position] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let error = read(&store, &file.path).await.unwrap_err().to_string();
        assert!(error.contains("corrupt segment file") && error.contains(&file.path), "{error}");
    }
    std::fs::write(&path, &good).unwrap();
    let location = ObjectPath::from(file.path.as_str());
    let ranges = [3..9, 65_530..65_540, 0..good.len() as u64];
    let parts = store.object_store().get_ranges(&location, &ranges).await.unwrap();
    for (range, part) in ranges.iter().zip(parts) {
        assert_eq!(part, good[range.start as usize..range.end as usize]);
    }
}

#[tokio::test]
async fn only_files_that_the_manifest_names_can_be_read_and_none_written() {
    let (dir, store) = created();
    std::fs::write(dir.path().join("segments/net/secret"), b"x").unwrap();
    for path in ["net/secret", "../lock", "net"] {
        assert!(read(&store, path).await.is_err(), "{path}");
    }
    let put = store.object_store().put(&ObjectPath::from("net/new"), b"x".to_vec().into()).await;
    assert!(put.is_err());
    assert!(store.object_store().delete(&ObjectPath::from("net/secret")).await.is_err());
    assert!(dir.path().join("segments/net/secret").exists());
}

#[test]
fn a_missing_or_cut_off_segment_file_is_named_at_open() {
    let (dir, store) = created();
    seal(&store, 0, 5).unwrap();
    let file = store.snapshot(NETWORK).unwrap().segments()[0].files[0].clone();
    drop(store);
    let path = dir.path().join("segments").join(&file.path);
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    let cut = Store::open(dir.path()).err().unwrap().to_string();
    std::fs::remove_file(&path).unwrap();
    let missing = Store::open(dir.path()).err().unwrap().to_string();
    assert!(cut.contains(&file.path) && cut.contains("expected"), "{cut}");
    assert!(missing.contains(&file.path) && missing.contains("missing"), "{missing}");
    std::fs::write(&path, &good).unwrap();
    open(&dir);
}

#[test]
fn a_disk_that_refuses_a_file_leaves_a_store_that_opens_again() {
    let (dir, store) = created();
    seal(&store, 0, 5).unwrap();
    std::fs::remove_dir_all(dir.path().join("tmp")).unwrap();
    std::fs::write(dir.path().join("tmp"), b"not a folder").unwrap();
    let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, 5).unwrap();
    let (records, batches) = testing::blocks(5, 1, 1);
    let error = writer.append(records, &batches).unwrap_err();
    assert!(matches!(error, StorageError::Io { .. }), "{error}");
    drop((writer, store));
    std::fs::remove_file(dir.path().join("tmp")).unwrap();
    assert_eq!(open(&dir).snapshot(NETWORK).unwrap().extent(), Some(range(0, 4)));
}

#[test]
fn another_format_version_is_refused_with_both_numbers() {
    let (dir, store) = created();
    let mut batch = store.inner.kv.batch();
    batch.put(Family::Meta, keys::FORMAT, &99u32.to_be_bytes()).unwrap();
    batch.write().unwrap();
    drop(store);
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, StorageError::FormatVersion { found: 99, .. }), "{error}");
}

#[test]
fn network_names_are_folder_names_and_their_length_is_limited() {
    let (_dir, store) = created();
    let network = |name: String| Network {
        name,
        family: "evm".to_owned(),
        chain_id: None,
        genesis_hash: None,
    };
    for bad in ["", "../x", "A", "a b", &"a".repeat(NETWORK_NAME_BYTES_MAX + 1)] {
        assert!(store.put_network(&network(bad.to_owned())).is_err(), "{bad:?}");
    }
    store.put_network(&network("a".repeat(NETWORK_NAME_BYTES_MAX))).unwrap();
    assert!(store.snapshot("other").is_err());
}

#[test]
fn replacing_a_network_record_keeps_its_blocks() {
    let (dir, store) = created();
    seal(&store, 0, 5).unwrap();
    let mut network = store.networks().remove(0);
    network.genesis_hash = Some(testing::hash(0, 0));
    store.put_network(&network).unwrap();
    assert_eq!(store.snapshot(NETWORK).unwrap().extent(), Some(range(0, 4)));
    drop(store);
    let store = open(&dir);
    assert_eq!(store.networks(), vec![network]);
    assert_eq!(store.snapshot(NETWORK).unwrap().extent(), Some(range(0, 4)));
}

#[test]
fn a_segment_verified_further_replaces_the_stored_one_and_old_snapshots_keep_their_files() {
    let (dir, store) = created();
    let write_at = |level, logs| {
        let mut writer = store.segment_writer(NETWORK, &TEST_TABLES, 0).unwrap();
        let (mut records, batches) = testing::blocks(0, 5, logs);
        records.iter_mut().for_each(|record| record.level = level);
        writer.append(records, &batches).unwrap();
        let seal = vec![writer.finish().unwrap()];
        store.commit(NETWORK, Commit { seal, ..Commit::default() })
    };
    write_at(VerificationLevel::Receipts, 1).unwrap();
    let before = store.snapshot(NETWORK).unwrap();
    let paths: Vec<_> = before.segments()[0].files.iter().map(|file| file.path.clone()).collect();
    let exists = |path: &str| dir.path().join("segments").join(path).exists();
    write_at(VerificationLevel::Consensus, 2).unwrap();
    assert!(write_at(VerificationLevel::Receipts, 1).is_err(), "never back to a lower level");
    assert_eq!(before.ranges()[0].level, VerificationLevel::Receipts);
    assert_eq!(store.snapshot(NETWORK).unwrap().ranges()[0].level, VerificationLevel::Consensus);
    assert!(exists(&paths[0]) && exists(&paths[1]));

    drop(before);
    seal(&store, 5, 1).unwrap();

    assert!(exists(&paths[0]), "both segments have the same blocks, so the same file");
    assert!(!exists(&paths[1]), "nothing needs the old logs");
    let root = store.snapshot(NETWORK).unwrap().manifest_root();
    drop(store);
    assert_eq!(open(&dir).snapshot(NETWORK).unwrap().manifest_root(), root);
}
