//! Imports of recorded chains: what is stored, what is refused, and that doing it again changes nothing.
#![allow(clippy::unwrap_used, reason = "all of it is tests and what they share")]

#[path = "support/data.rs"]
mod data;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use indexer::{ImportOptions, ImportReport, ensure_network, import};
use schemas::VerificationLevel;
use storage::Store;

const NETWORK: &str = "net";

struct Fixture {
    dir: tempfile::TempDir,
    store: Store,
    options: ImportOptions,
}

impl Fixture {
    fn new(threads: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        ensure_network(&store, NETWORK, "evm", None).unwrap();
        Self { dir, store, options: ImportOptions { threads, ..ImportOptions::default() } }
    }

    fn import(&self, files: &[PathBuf]) -> ImportReport {
        import(&self.store, NETWORK, files, &self.options, &|_| {}).unwrap()
    }

    fn root(&self) -> [u8; 32] {
        self.store.snapshot(NETWORK).unwrap().manifest_root()
    }

    /// Rows of every table, sealed and hot.
    fn rows(&self) -> BTreeMap<String, u64> {
        let snapshot = self.store.snapshot(NETWORK).unwrap();
        let mut rows = BTreeMap::new();
        for file in snapshot.segments().iter().flat_map(|segment| &segment.files) {
            *rows.entry(file.table.clone()).or_default() += file.row_count;
        }
        for block in snapshot.hot_blocks() {
            for (table, batch) in schemas::tables::evm::TABLES.iter().zip(&block.batches) {
                *rows.entry(table.name.to_owned()).or_default() += batch.num_rows() as u64;
            }
        }
        rows
    }

    /// Writes a file beside the store.
    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

fn counts(report: &ImportReport) -> (u64, u64, u64) {
    (report.blocks_stored, report.transactions, report.logs)
}

fn lines(path: &PathBuf) -> Vec<String> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn every_good_block_is_stored_with_the_counts_of_its_source() {
    let cases = [
        ("own/anvil-301x50/chain.ndjson.gz", (301, 14_684, 18_690)),
        ("own/anvil-1001x10/chain.ndjson.gz", (1_001, 9_887, 12_794)),
        ("chains/geth-ethtest-600/blocks-receipts.ndjson.gz", (601, 603, 813)),
        ("chains/hive-pow-3000/blocks-receipts.ndjson.gz", (3_001, 300, 675)),
        ("mainnet/blocks.ndjson.gz", (35, 4_052, 12_621)),
    ];
    for (name, expected) in cases {
        let Some(file) = data::file(name) else { return };
        let fixture = Fixture::new(2);
        let report = fixture.import(&[file]);
        assert_eq!(report.refused, vec![], "{name}");
        assert_eq!(counts(&report), expected, "{name}");
        let rows = fixture.rows();
        assert_eq!((rows["blocks"], rows["transactions"], rows["logs"]), expected, "{name}");
    }
}

#[test]
fn an_archive_is_final_as_a_whole() {
    for (name, first) in
        [("era1/mainnet-00000-5ec1ffb8.era1", 0), ("era1/sepolia-00021-b8814b14.era1", 172_032)]
    {
        let Some(file) = data::file(name) else { return };
        let fixture = Fixture::new(2);
        let report = fixture.import(&[file]);
        assert_eq!((report.refused, report.blocks_stored, report.hot_blocks), (vec![], 8_192, 0));
        let ranges = fixture.store.snapshot(NETWORK).unwrap().ranges();
        assert_eq!(ranges.len(), 1);
        assert!(ranges[0].finalized && ranges[0].level == VerificationLevel::Receipts);
        assert_eq!((ranges[0].range.first(), ranges[0].range.block_count()), (first, 8_192));
    }
}

#[test]
fn one_thread_and_many_store_the_same_bytes() {
    let Some(file) = data::file("own/anvil-301x50/chain.ndjson.gz") else { return };
    let roots = [1, 2, 5].map(|threads| {
        let fixture = Fixture::new(threads);
        fixture.import(std::slice::from_ref(&file));
        fixture.root()
    });
    assert_eq!(roots[0], roots[1]);
    assert_eq!(roots[0], roots[2]);
}

#[test]
fn importing_again_changes_nothing_and_says_so() {
    let Some(file) = data::file("own/anvil-301x50/chain.ndjson.gz") else { return };
    let fixture = Fixture::new(2);
    let first = fixture.import(std::slice::from_ref(&file));
    assert_eq!(first.hot_blocks, 64);
    let root = fixture.root();
    let again = fixture.import(&[file]);
    assert_eq!((again.blocks_stored, again.blocks_known, again.segments), (0, 301, 0));
    assert_eq!(fixture.root(), root);
}

#[test]
fn a_file_that_continues_the_chain_seals_the_hot_tail() {
    let Some(half) = data::file("chains/hive-pow-3000/halfchain.rlp") else { return };
    let Some(whole) = data::file("chains/hive-pow-3000/chain.rlp") else { return };
    let fixture = Fixture::new(2);
    let first = fixture.import(&[half]);
    assert_eq!((first.refused, first.hot_blocks), (vec![], 64));
    let second = fixture.import(&[whole]);
    assert_eq!(second.refused, vec![]);
    assert_eq!(first.blocks_stored + second.blocks_stored, 3_001);
    let snapshot = fixture.store.snapshot(NETWORK).unwrap();
    assert_eq!((snapshot.gaps(), snapshot.hot_blocks().len()), (vec![], 64));
}

/// Without receipts, logs are absent, not empty.
#[test]
fn a_file_without_receipts_is_stored_at_level_body() {
    let Some(body) = data::file("chains/geth-ethtest-600/chain.rlp") else { return };
    let Some(full) = data::file("chains/geth-ethtest-600/blocks-receipts.ndjson.gz") else {
        return;
    };
    let fixture = Fixture::new(2);
    let report = fixture.import(&[body]);
    assert_eq!((report.refused, report.blocks_stored), (vec![], 601));
    let snapshot = fixture.store.snapshot(NETWORK).unwrap();
    assert!(snapshot.ranges().iter().all(|range| range.level == VerificationLevel::Body));
    let tables: Vec<_> = snapshot.segments()[0].files.iter().map(|f| f.table.as_str()).collect();
    assert_eq!(tables, vec!["blocks", "transactions", "withdrawals"]);
    let again = fixture.import(&[full]);
    assert_eq!((again.blocks_upgraded, again.blocks_known_without_receipts), (601 - 64, 0));
    assert_eq!(again.blocks_stored, 64, "hot blocks are replaced by what was verified further");
    assert_eq!(fixture.rows()["logs"], 813);
    assert_eq!(again.logs + again.logs_upgraded, 813);
}

#[test]
fn every_tampered_block_is_refused_and_the_good_ones_stay() {
    let Some(file) = data::file("invalid/tampered-seed11.ndjson.gz") else { return };
    let untouched: Vec<u64> = lines(&file)
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|row| row["case"] == "none")
        .map(|row| row["block"]["number"].as_str().unwrap().to_owned())
        .map(|number| u64::from_str_radix(&number[2..], 16).unwrap())
        .collect();
    let fixture = Fixture::new(2);
    let report = fixture.import(&[file]);
    assert_eq!(report.refused_count, 54);
    let snapshot = fixture.store.snapshot(NETWORK).unwrap();
    for number in &untouched {
        assert!(snapshot.block_hash(*number).unwrap().is_some(), "block {number}");
    }
    let mut stored = untouched;
    stored.sort_unstable();
    stored.dedup();
    let blocks: u64 = snapshot.ranges().iter().map(|range| range.range.block_count()).sum();
    assert_eq!(blocks, stored.len() as u64);
}

#[test]
fn a_refused_block_leaves_a_gap_of_one_that_can_be_filled() {
    let Some(file) = data::file("own/anvil-301x50/chain.ndjson.gz") else { return };
    let good = lines(&file);
    let mut bad = good.clone();
    bad[100] = bad[100].replacen("\"stateRoot\":\"0x", "\"stateRoot\":\"0x0", 1);
    assert_ne!(bad[100], good[100]);
    let fixture = Fixture::new(2);
    let path = fixture.file("bad.ndjson", bad.join("\n").as_bytes());
    let report = fixture.import(&[path]);
    assert_eq!((report.refused_count, report.blocks_stored), (1, 300));
    let gaps = fixture.store.snapshot(NETWORK).unwrap().gaps();
    assert_eq!(gaps.iter().map(|gap| gap.block_count()).collect::<Vec<_>>(), vec![1]);

    let report = fixture.import(&[file]);

    assert_eq!((report.refused_count, report.blocks_stored), (0, 1));
    assert_eq!(fixture.store.snapshot(NETWORK).unwrap().gaps(), vec![]);
}

#[test]
fn a_file_of_another_chain_gets_one_line_and_changes_nothing() {
    let Some(mainnet) = data::file("mainnet/blocks.ndjson.gz") else { return };
    let Some(own) = data::file("own/anvil-301x50/chain.ndjson.gz") else { return };
    let Some(pow) = data::file("chains/hive-pow-3000/chain.rlp") else { return };
    let fixture = Fixture::new(2);
    fixture.import(std::slice::from_ref(&own));
    let (root, networks) = (fixture.root(), fixture.store.networks());
    assert_eq!(networks[0].chain_id, Some(31_337));
    for other in [mainnet, pow] {
        let report = fixture.import(&[other]);
        assert_eq!((report.blocks_stored, report.refused_count), (0, 1), "{:?}", report.refused);
        assert!(report.refused[0].1.starts_with("wrong network: "), "{}", report.refused[0].1);
    }
    assert_eq!(fixture.root(), root);
    assert_eq!(fixture.store.networks(), networks);
}

#[test]
fn a_bad_file_gets_one_line_and_the_next_file_is_still_imported() {
    let Some(own) = data::file("own/anvil-301x50/chain.ndjson.gz") else { return };
    let bytes = std::fs::read(&own).unwrap();
    let fixture = Fixture::new(2);
    let cut = fixture.file("cut.ndjson.gz", &bytes[..bytes.len() / 2]);
    let garbage = fixture.file("garbage", b"\x7fELF no block file");
    let empty = fixture.file("empty", b"");
    let missing = fixture.dir.path().join("missing");
    let report = fixture.import(&[missing, garbage, empty, cut]);
    assert_eq!(report.refused_count, 4, "{:?}", report.refused);
    assert!(report.refused[0].1.contains("No such file"), "{:?}", report.refused);
    assert!(report.blocks_stored > 50, "blocks before the cut are stored");
    let report = fixture.import(&[own]);
    assert_eq!(report.refused_count, 0);
    assert_eq!(report.blocks_stored + report.blocks_known, 301);
}

#[test]
fn progress_grows_up_to_the_size_of_the_files() {
    let Some(file) = data::file("own/anvil-301x50/chain.ndjson.gz") else { return };
    let size = file.metadata().unwrap().len();
    let fixture = Fixture::new(2);
    let seen = std::cell::RefCell::new(Vec::new());
    let progress = |now: &indexer::Progress| seen.borrow_mut().push(*now);
    import(&fixture.store, NETWORK, &[file], &fixture.options, &progress).unwrap();
    let seen = seen.into_inner();
    let last = seen.last().unwrap();
    assert_eq!((last.blocks, last.transactions, last.logs), (301, 14_684, 18_690));
    assert_eq!((last.bytes_read, last.bytes_total), (size, size));
    assert!(seen.windows(2).all(|pair| pair[0].bytes_read <= pair[1].bytes_read));
}
