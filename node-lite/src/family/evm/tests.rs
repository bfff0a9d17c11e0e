//! Block files against the data folder, forged rows, and random bytes.

mod consensus;
mod data;
mod files;
mod forgery;
mod rules;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::{BlockFile, FileOptions, VerifiedBlock, verify};

/// A file of the data folder; none, with a note, where the folder is absent.
fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ERGOSQL_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no data ({name})");
    None
}

/// Every block of a file, verified and checked in order; the first error as text.
fn read_all(path: &Path, options: &FileOptions) -> Result<Vec<VerifiedBlock>, String> {
    let mut file = BlockFile::open(path, options).map_err(|error| error.to_string())?;
    let mut blocks = Vec::new();
    while let Some(raw) = file.next() {
        let block =
            verify(raw.map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
        file.check_in_order(&block).map_err(|error| error.to_string())?;
        blocks.push(block);
    }
    Ok(blocks)
}

/// Blocks, transactions and logs.
fn counts(blocks: &[VerifiedBlock]) -> (usize, usize, usize) {
    let transactions = blocks.iter().map(|block| block.transactions().len()).sum();
    let receipts = blocks.iter().flat_map(|block| block.receipts().into_iter().flatten());
    (blocks.len(), transactions, receipts.map(|receipt| receipt.logs.len()).sum())
}

/// The first six blocks of `own/anvil-1001x10`, made by our own chain generator: one line each.
fn fixture_lines() -> Vec<Vec<u8>> {
    let packed = include_bytes!("tests/fixtures/anvil-blocks-0-5.ndjson.gz");
    let mut lines = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut lines).unwrap();
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// A temporary file that holds `content`.
fn write_temp(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}
