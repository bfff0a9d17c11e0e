//! Kills an import at random moments until it has been killed `N` times, and compares what every
//! completed import left with an undisturbed one: manifest root, row counts, and the hash of every file.
//!
//! usage: `N=200 SEED=7 cargo test -p indexer --test kill`; without `N` 20 kills, without `SEED` a random
//! one, which is printed. Run as `kill child DIR FILE` it is the import that gets killed.
#![allow(clippy::disallowed_methods, reason = "a test that kills a process needs the clock")]
#![allow(clippy::print_stdout, reason = "prints its figures")]
#![allow(clippy::unwrap_used, reason = "all of it is a test, though it has a main")]

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use indexer::{CutRule, ImportOptions, ensure_network, import};
use storage::Store;

const NETWORK: &str = "killed";
const KILLS_DEFAULT: u64 = 20;
/// Blocks of the chain that are imported: enough for several segments and a hot tail.
const BLOCKS: usize = 144;
/// Small segments, so that there are many commits to be killed in.
const SEGMENT_BLOCKS: u64 = 8;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, dir, file] = arguments.as_slice()
        && mode == "child"
    {
        run_import(Path::new(dir), Path::new(file));
        return;
    }
    let chain = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/demo/chain.ndjson.gz");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("chain.ndjson");
    let lines = BufReader::new(MultiGzDecoder::new(File::open(chain).unwrap())).lines();
    let lines: Vec<String> = lines.take(BLOCKS).map(Result::unwrap).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let seed =
        number("SEED").unwrap_or_else(|| std::hash::RandomState::new().build_hasher().finish());
    kill_until(number("N").unwrap_or(KILLS_DEFAULT), seed, &file);
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {value:?}")))
}

fn run_import(dir: &Path, file: &Path) {
    let store = Store::open(dir).unwrap();
    ensure_network(&store, NETWORK, "evm", None).unwrap();
    let cut = CutRule { blocks: SEGMENT_BLOCKS, ..CutRule::default() };
    let options = ImportOptions { threads: 2, cut, ..ImportOptions::default() };
    let report = import(&store, NETWORK, &[file.to_owned()], &options, &|_| {}).unwrap();
    assert_eq!(report.refused, vec![]);
}

fn kill_until(kills_wanted: u64, seed: u64, file: &Path) {
    println!("kill test: {kills_wanted} kills, SEED={seed}");
    let started = Instant::now();
    let dir = tempfile::tempdir().unwrap();
    let expected_dir = dir.path().join("undisturbed");
    assert!(spawn(&expected_dir, file).wait().unwrap().success());
    let expected = Stored::read(&expected_dir);
    // The quickest import so far: later kills are within it, so that they hit.
    let mut usual = started.elapsed();
    let mut random = Random(seed | 1);
    let (mut kills, mut completed) = (0, 0);
    while kills < kills_wanted {
        let work = dir.path().join(format!("killed-{completed}"));
        let mut kills_of_this = 0;
        loop {
            let mut child = spawn(&work, file);
            let begun = Instant::now();
            // Past its usual end now and then, so that imports complete and are compared.
            let after = usual.mul_f64(1.1 * random.fraction());
            if kills < kills_wanted && !ends_within(&mut child, after) {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                kills_of_this += 1;
                continue;
            }
            assert!(child.wait().unwrap().success(), "SEED={seed}");
            usual = usual.min(begun.elapsed());
            break;
        }
        assert_eq!(Stored::read(&work), expected, "after {kills_of_this} kills, SEED={seed}");
        std::fs::remove_dir_all(&work).unwrap();
        completed += 1;
    }
    println!(
        "kill test: {kills} kills in {completed} imports, every one with the rows of an undisturbed \
         import: {} blocks in {} files, root {}; {:.1} s, SEED={seed}",
        expected.rows["blocks"],
        expected.files,
        expected.root,
        started.elapsed().as_secs_f64()
    );
}

fn spawn(dir: &Path, file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .arg("child")
        .args([dir, file])
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn ends_within(child: &mut Child, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while child.try_wait().unwrap().is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(left.min(Duration::from_millis(2)));
    }
    true
}

/// What a data directory holds, hashed anew from its files.
#[derive(Debug, PartialEq, Eq)]
struct Stored {
    root: String,
    rows: BTreeMap<String, u64>,
    files: usize,
    gaps: usize,
}

impl Stored {
    fn read(dir: &Path) -> Self {
        let store = Store::open(dir).unwrap();
        let snapshot = store.snapshot(NETWORK).unwrap();
        let mut rows = BTreeMap::new();
        let mut files = 0;
        for file in snapshot.segments().iter().flat_map(|segment| &segment.files) {
            let bytes = std::fs::read(dir.join("segments").join(&file.path)).unwrap();
            assert_eq!(*blake3::hash(&bytes).as_bytes(), file.content_hash, "{}", file.path);
            *rows.entry(file.table.clone()).or_default() += file.row_count;
            files += 1;
        }
        for block in snapshot.hot_blocks() {
            for (table, batch) in schemas::tables::evm::TABLES.iter().zip(&block.batches) {
                *rows.entry(table.name.to_owned()).or_default() += batch.num_rows() as u64;
            }
        }
        let left: Vec<PathBuf> = std::fs::read_dir(dir.join("segments").join(NETWORK))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(left.len(), files, "only files that the manifest names are left");
        let root = blake3::Hash::from_bytes(snapshot.manifest_root()).to_hex().to_string();
        Self { root, rows, files, gaps: snapshot.gaps().len() }
    }
}

/// xorshift64: enough to pick moments, and the same for the same seed.
struct Random(u64);

impl Random {
    /// From 0 up to 1.
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
