//! Files that are cut off, of the wrong kind, or lie about their order: one clear error each.

use std::io::Write;

use alloy_primitives::{B256, U256, keccak256};
use schemas::ErrorKind;

use super::forgery::rlp_of;
use super::{fixture_lines, read_all, write_temp};
use crate::family::evm::limits::{JSON_LINE_BYTES_MAX, RLP_BLOCK_BYTES_MAX};
use crate::family::evm::{BlockFile, FileKind, FileOptions};

fn open_error(content: &[u8]) -> (String, ErrorKind) {
    let file = write_temp(content);
    let error = match BlockFile::open(file.path(), &FileOptions::default()) {
        Err(error) => error,
        Ok(mut blocks) => blocks.find_map(Result::err).expect("an error"),
    };
    let path = file.path().display().to_string();
    assert!(error.to_string().contains(&path), "{error}");
    (error.to_string().replace(&path, "FILE"), error.kind())
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn rlp_chain() -> Vec<u8> {
    fixture_lines().iter().flat_map(|line| rlp_of(line)).collect()
}

#[test]
fn the_kind_is_found_by_content() {
    let lines = fixture_lines().join(&b'\n');
    for (content, kind) in [
        (lines.clone(), FileKind::Ndjson),
        (gzip(&lines), FileKind::Ndjson),
        (rlp_chain(), FileKind::RlpChain),
        (gzip(&rlp_chain()), FileKind::RlpChain),
    ] {
        let file = write_temp(&content);
        assert_eq!(BlockFile::open(file.path(), &FileOptions::default()).unwrap().kind(), kind);
        assert_eq!(read_all(file.path(), &FileOptions::default()).unwrap().len(), 6);
    }
}

#[test]
fn progress_reaches_the_size_of_the_file() {
    let content = gzip(&fixture_lines().join(&b'\n'));
    let file = write_temp(&content);
    let mut blocks = BlockFile::open(file.path(), &FileOptions::default()).unwrap();
    while blocks.next().is_some() {}
    assert_eq!(blocks.progress(), (content.len() as u64, content.len() as u64));
}

#[test]
fn files_of_another_kind_are_refused_at_once() {
    let expected =
        "FILE is not a block file: expected ERA1, an RLP chain or NDJSON of block replies, ";
    for (content, found) in [
        (b"".as_slice(), "found an empty file"),
        (b"PAR1....", "found 0x504152312e2e2e2e"),
        (b"[1,2]", "found 0x5b312c325d"),
    ] {
        assert_eq!(open_error(content), (format!("{expected}{found}"), ErrorKind::Invalid));
    }
    let (text, _) = open_error(&gzip(b"hello"));
    assert_eq!(text, format!("{expected}found gzip of 0x68656c6c6f"));
}

#[test]
fn a_missing_file_and_a_folder_are_not_found_and_unavailable() {
    let missing = std::path::Path::new("/nonexistent/blocks.rlp");
    let error = BlockFile::open(missing, &FileOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "open /nonexistent/blocks.rlp");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = BlockFile::open(&std::env::temp_dir(), &FileOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn a_file_that_is_cut_off_says_where() {
    let chain = rlp_chain();
    let last_start = chain.len() - rlp_of(&fixture_lines()[5]).len();
    let (text, kind) = open_error(&chain[..chain.len() - 1]);
    assert_eq!(text, format!("FILE is cut off at byte {last_start}: block is incomplete"));
    assert_eq!(kind, ErrorKind::Corrupt);

    let lines = fixture_lines().join(&b'\n');
    let (text, _) = open_error(&lines[..lines.len() - 1]);
    assert_eq!(text, "FILE is cut off at line 6: JSON object is incomplete");

    let zipped = gzip(&lines);
    let (text, kind) = open_error(&zipped[..zipped.len() - 20]);
    assert!(text.contains("is cut off at line"), "{text}");
    assert_eq!(kind, ErrorKind::Corrupt);
}

#[test]
fn garbage_after_good_blocks_says_where() {
    let chain = rlp_chain();
    let (text, _) = open_error(&[chain.as_slice(), b"garbage"].concat());
    let expected = format!("FILE, byte {}: expected an RLP list, found byte 0x67", chain.len());
    assert_eq!(text, expected);

    let (text, _) = open_error(&[fixture_lines()[0].as_slice(), b"\ngarbage\n"].concat());
    assert_eq!(text, "FILE, line 2: expected a JSON object");
}

#[test]
fn items_above_their_limit_are_refused_before_they_are_read() {
    let length = (RLP_BLOCK_BYTES_MAX + 1) as u32;
    let (text, kind) = open_error(&[&[0xfb][..], &length.to_be_bytes()].concat());
    assert_eq!(text, "FILE, byte 0: block is larger than 33554432 bytes");
    assert_eq!(kind, ErrorKind::LimitReached);
    let at_the_limit = (RLP_BLOCK_BYTES_MAX as u32).to_be_bytes();
    let (text, _) = open_error(&[&[0xfb][..], &at_the_limit].concat());
    assert_eq!(text, "FILE is cut off at byte 0: block is incomplete");

    let mut line = vec![b' '; JSON_LINE_BYTES_MAX + 1];
    line[0] = b'{';
    let (text, kind) = open_error(&gzip(&line));
    assert_eq!(text, "FILE, line 1: line is larger than 67108864 bytes");
    assert_eq!(kind, ErrorKind::LimitReached);
    *line.last_mut().unwrap() = b'\n';
    line[JSON_LINE_BYTES_MAX - 1] = b'}';
    let file = write_temp(&gzip(&line));
    let first = BlockFile::open(file.path(), &FileOptions::default()).unwrap().next();
    assert!(matches!(first, Some(Ok(_))));
}

#[test]
fn blocks_of_a_chain_file_must_follow_each_other() {
    let blocks: Vec<_> = fixture_lines().iter().map(|line| rlp_of(line)).collect();
    let gap = [blocks[0].as_slice(), &blocks[2]].concat();
    let error = read_all(write_temp(&gap).path(), &FileOptions::default()).unwrap_err();
    assert_eq!(error, "block 2: number is 2, recomputed 1");

    // Rows of NDJSON may be any blocks, but those that follow each other must link.
    let lines = fixture_lines();
    let gap = [lines[0].as_slice(), &lines[2]].join(&b'\n');
    let blocks = read_all(write_temp(&gap).path(), &FileOptions::default()).unwrap();
    assert!(blocks[0].total_difficulty().is_some());
    assert!(blocks[1].total_difficulty().is_none(), "block 1 is missing");
}

#[test]
fn a_block_that_names_another_parent_is_refused() {
    let lines = fixture_lines();
    let mut forged: serde_json::Value = serde_json::from_slice(&lines[1]).unwrap();
    let other_parent = format!("0x{}", "33".repeat(32));
    forged["block"]["parentHash"] = other_parent.clone().into();
    let header = forged["block"].as_object_mut().unwrap();
    header.remove("hash");
    let content = [lines[0].as_slice(), forged.to_string().as_bytes()].join(&b'\n');
    let error = read_all(write_temp(&content).path(), &FileOptions::default()).unwrap_err();
    let row: serde_json::Value = serde_json::from_slice(&lines[0]).unwrap();
    let parent = row["block"]["hash"].as_str().unwrap();
    assert_eq!(error, format!("block 1: parent hash is {other_parent}, recomputed {parent}"));
}

#[test]
fn companions_that_do_not_fit_are_refused() {
    let chain = write_temp(&rlp_chain());
    let receipts = write_temp(&fixture_lines()[..3].join(&b'\n'));
    let options = FileOptions { genesis: None, receipts: Some(receipts.path().to_owned()) };
    let error = read_all(chain.path(), &options).unwrap_err();
    assert!(error.ends_with(": ends before the receipts of block 3"), "{error}");

    let genesis = write_temp(br#"{"alloc":{}}"#);
    let options = FileOptions { genesis: Some(genesis.path().to_owned()), receipts: None };
    let error = read_all(chain.path(), &options).unwrap_err();
    assert!(error.ends_with(": not needed: the chain file starts at block 0"), "{error}");

    let from_one: Vec<u8> = fixture_lines()[1..].iter().flat_map(|line| rlp_of(line)).collect();
    let error = read_all(write_temp(&from_one).path(), &options).unwrap_err();
    assert!(error.contains(": genesis hash is 0x"), "{error}");

    let lines = write_temp(&fixture_lines()[0]);
    let error = read_all(lines.path(), &options).unwrap_err();
    assert!(error.contains(": not needed: "), "{error}");
}

/// Builds an ERA1 file of the fixture's blocks, record by record.
fn era1(break_record: impl Fn(&mut Vec<(u16, Vec<u8>)>)) -> Vec<u8> {
    let snappy = |bytes: &[u8]| {
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.into_inner().unwrap()
    };
    let mut records = vec![(0x3265, Vec::new())];
    let (mut totals, mut hashes) = (U256::ZERO, Vec::new());
    for line in &fixture_lines()[..1] {
        let encoded = crate::family::evm::json::encode_block(line).unwrap();
        let parts = encoded.parts();
        totals += U256::ZERO;
        hashes.push((keccak256(parts.header), totals));
        let body = [&[0xc3, 0xc0][..], &parts.uncles.unwrap()[..1], &[0xc0]].concat();
        records.push((0x03, snappy(parts.header)));
        records.push((0x04, snappy(&body)));
        records.push((0x05, snappy(&[0xc0])));
        records.push((0x06, totals.to_le_bytes::<32>().to_vec()));
    }
    records.push((0x07, accumulator(&hashes).to_vec()));
    break_record(&mut records);
    let mut file = Vec::new();
    let mut headers = Vec::new();
    for (kind, content) in records {
        if kind == 0x03 {
            headers.push(file.len() as u64);
        }
        push_record(&mut file, kind, &content);
    }
    let start = file.len() as u64;
    let mut index = 0_u64.to_le_bytes().to_vec();
    headers.iter().for_each(|at| index.extend(at.wrapping_sub(start).to_le_bytes()));
    index.extend((headers.len() as u64).to_le_bytes());
    push_record(&mut file, 0x3266, &index);
    file
}

fn push_record(file: &mut Vec<u8>, kind: u16, content: &[u8]) {
    file.extend(kind.to_le_bytes());
    file.extend((content.len() as u32).to_le_bytes());
    file.extend([0, 0]);
    file.extend(content);
}

/// The SSZ root as its definition has it: a list of 8192 leaves, padded with zeros.
fn accumulator(hashes: &[(B256, U256)]) -> B256 {
    use sha2::{Digest, Sha256};
    let pair =
        |one: &[u8], two: &[u8]| Sha256::new().chain_update(one).chain_update(two).finalize();
    let mut level: Vec<[u8; 32]> = vec![[0; 32]; 8192];
    for (leaf, (hash, total)) in level.iter_mut().zip(hashes) {
        *leaf = pair(hash.as_slice(), &total.to_le_bytes::<32>()).into();
    }
    while level.len() > 1 {
        level = level.chunks(2).map(|two| pair(&two[0], &two[1]).into()).collect();
    }
    let mut length = [0; 32];
    length[..8].copy_from_slice(&(hashes.len() as u64).to_le_bytes());
    B256::from_slice(&pair(&level[0], &length))
}

#[test]
fn an_era1_file_is_read_and_each_broken_record_is_refused() {
    let good = era1(|_| {});
    let blocks = read_all(write_temp(&good).path(), &FileOptions::default()).unwrap();
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].total_difficulty(), Some(U256::ZERO));

    let (text, kind) = open_error(&era1(|records| records[5].1[0] ^= 1));
    assert!(text.starts_with("FILE: accumulator is 0x"), "{text}");
    assert_eq!(kind, ErrorKind::Corrupt);
    // A total difficulty is covered by the accumulator too.
    let (text, _) = open_error(&era1(|records| records[4].1[0] ^= 1));
    assert!(text.starts_with("FILE: accumulator is 0x"), "{text}");
    let (text, _) = open_error(&era1(|records| drop(records.remove(5))));
    assert!(text.contains("accumulator is incomplete"), "{text}");
    let (text, _) = open_error(&era1(|records| drop(records.remove(3))));
    assert!(text.contains("expected the receipts record, found type 0x06"), "{text}");
}

#[test]
fn an_era1_file_cut_at_any_byte_is_refused_before_any_block() {
    let good = era1(|_| {});
    for length in 8..good.len() {
        let file = write_temp(&good[..length]);
        let error = BlockFile::open(file.path(), &FileOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{length} bytes: {error}");
    }
}
