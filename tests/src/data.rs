//! Where test data is: our own chains in the repository, real chain data beside it.

use std::io::{BufRead, BufReader, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::GzDecoder;

/// Root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// The bundled demo chain: 301 blocks, chain id 31337, made by our own generator.
pub fn demo_chain() -> PathBuf {
    repository().join("cli/demo/chain.ndjson.gz")
}

/// `path` below `$ERGOSQL_TEST_DATA`, else below `../shared/data`. `None`, with a line that says so,
/// where the data is absent.
pub fn real_data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ERGOSQL_TEST_DATA")
        .map_or_else(|| repository().join("../shared/data"), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no data at {}", path.display());
    None
}

/// The demo chain without some blocks, as a plain NDJSON file in the build folder.
pub fn demo_chain_without(missing: &[RangeInclusive<u64>]) -> PathBuf {
    // Tests of one process run side by side: each call has a file of its own.
    static FILES: AtomicU64 = AtomicU64::new(0);
    let name = format!(
        "ergosql-gaps-{}-{}.ndjson",
        std::process::id(),
        FILES.fetch_add(1, Ordering::Relaxed)
    );
    let path = std::env::temp_dir().join(name);
    let chain = std::fs::File::open(demo_chain()).expect("the demo chain is in the repository");
    let mut out = std::fs::File::create(&path).expect("the temporary directory is writable");
    // The generator writes one block a line, from block 0.
    for (number, line) in BufReader::new(GzDecoder::new(chain)).lines().enumerate() {
        if !missing.iter().any(|range| range.contains(&(number as u64))) {
            writeln!(out, "{}", line.expect("the demo chain is gzipped text"))
                .expect("the temporary directory is writable");
        }
    }
    path
}
