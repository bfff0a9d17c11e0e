//! Flipped and random bytes: refused, or without effect; never a panic.

use std::fmt::Debug;

use alloy_rlp::Header;
use proptest::prelude::*;

use super::{fixture_lines, write_temp};
use crate::family::evm::json::{self, EncodedBlock};
use crate::family::evm::raw::RawBody;
use crate::family::evm::{Place, RawBlock, VerifiedBlock, fuzz, verify};

/// The RLP block of a line of NDJSON.
pub(super) fn rlp_of(line: &[u8]) -> Vec<u8> {
    let encoded: EncodedBlock = json::encode_block(line).unwrap();
    let parts = encoded.parts();
    let mut transactions = Vec::new();
    for raw in &parts.transactions {
        if raw[0] < 0xc0 {
            Header { list: false, payload_length: raw.len() }.encode(&mut transactions);
        }
        transactions.extend_from_slice(raw);
    }
    let mut payload = parts.header.to_vec();
    Header { list: true, payload_length: transactions.len() }.encode(&mut payload);
    payload.extend_from_slice(&transactions);
    payload.extend_from_slice(parts.uncles.unwrap());
    payload.extend_from_slice(parts.withdrawals.unwrap_or_default());
    let mut block = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut block);
    block.extend_from_slice(&payload);
    assert_eq!(parts.size_bytes, Some(block.len() as u64));
    block
}

fn rlp_with_receipts(block: Vec<u8>, receipts: Vec<u8>) -> RawBlock {
    let body = RawBody::Rlp { block: block.into(), receipts: Some(receipts.into()) };
    RawBlock { place: Place::Byte(0), body, total_difficulty: None }
}

fn content(block: &VerifiedBlock) -> impl Debug + PartialEq {
    format!(
        "{:?} {:?} {:?} {:?}",
        block.header(),
        block.transactions(),
        block.receipts(),
        block.withdrawals()
    )
}

/// Every byte of a block, one bit each: no other content may keep the block's hash.
#[test]
fn no_flipped_byte_changes_content_under_the_same_hash() {
    for line in &fixture_lines()[1..4] {
        let block = rlp_of(line);
        let good = verify(RawBlock::from_rlp(block.clone())).unwrap();
        for position in 0..block.len() {
            let mut forged = block.clone();
            forged[position] ^= 1 << (position % 8);
            if let Ok(found) = verify(RawBlock::from_rlp(forged)) {
                assert_ne!(found.hash(), good.hash(), "byte {position}");
            }
        }
    }
}

/// The same for the text of the receipts, where some bytes (names of ignored keys) have no effect.
#[test]
fn no_flipped_byte_of_receipts_changes_their_content() {
    let lines = fixture_lines();
    let line = &lines[1];
    let block = rlp_of(line);
    let row: serde_json::Value = serde_json::from_slice(line).unwrap();
    let receipts = serde_json::json!({ "receipts": row["receipts"] }).to_string().into_bytes();
    let good = verify(rlp_with_receipts(block.clone(), receipts.clone())).unwrap();
    assert!(!good.receipts().unwrap()[0].logs.is_empty());
    for position in 0..receipts.len() {
        let mut forged = receipts.clone();
        forged[position] ^= 1 << (position % 7);
        match verify(rlp_with_receipts(block.clone(), forged)) {
            Ok(found) if found.receipts().is_some() => {
                assert_eq!(content(&found), content(&good), "byte {position}");
            }
            // Without the key there are no receipts, and the block says so by its level.
            Ok(found) => assert_eq!(found.level(), schemas::VerificationLevel::Body),
            Err(_) => {}
        }
    }
}

#[test]
fn a_line_and_its_rlp_give_the_same_block() {
    for line in fixture_lines() {
        let from_json = verify(RawBlock::from_json(line.clone())).unwrap();
        let from_rlp = verify(rlp_with_receipts(rlp_of(&line), line)).unwrap();
        assert_eq!(content(&from_json), content(&from_rlp));
        assert_eq!(from_json.size_bytes(), from_rlp.size_bytes());
    }
}

/// A value that no hash covers but that follows from others is refused when it is wrong.
#[test]
fn values_that_follow_from_others_are_refused_by_name_when_wrong() {
    let lines = fixture_lines();
    let forged = |pointer: &str, value: serde_json::Value| {
        let mut row: serde_json::Value = serde_json::from_slice(&lines[5]).unwrap();
        *row.pointer_mut(pointer).unwrap() = value;
        verify(RawBlock::from_json(row.to_string())).unwrap_err()
    };
    let address = format!("0x{}", "11".repeat(20));
    let hash = format!("0x{}", "22".repeat(32));
    let cases = [
        ("/block/transactions/3/from", &address, "sender"),
        ("/block/transactions/3/hash", &hash, "hash"),
        ("/receipts/3/contractAddress", &address, "contract address"),
        ("/receipts/3/transactionHash", &hash, "transaction hash"),
        ("/receipts/3/gasUsed", &"0x1".to_owned(), "gas used"),
        ("/receipts/3/effectiveGasPrice", &"0x1".to_owned(), "effective gas price"),
    ];
    for (pointer, value, check) in cases {
        let error = forged(pointer, serde_json::json!(value));
        assert_eq!(error.check(), check, "{error}");
        let text = error.to_string();
        assert!(text.starts_with("block 5: ") && text.contains(" 3 "), "{text}");
    }
}

/// Deep nesting must not exhaust the stack, in ignored keys and in known ones.
#[test]
fn deep_nesting_is_refused_without_a_crash() {
    const DEPTH: usize = 1 << 20;
    for key in ["ignored", "block", "receipts", "uncles"] {
        for (open, close) in [("[", "]"), ("{\"block\":", "}")] {
            let line = format!("{{\"{key}\":{}0{}}}", open.repeat(DEPTH), close.repeat(DEPTH));
            fuzz::json_block(line.as_bytes());
            fuzz::rlp_block_with_receipts(&rlp_of(&fixture_lines()[0]), line.as_bytes());
            let file = write_temp(line.as_bytes());
            fuzz::block_file(file.path());
        }
        let line = format!("{{\"alloc\":{}0{}}}", "[".repeat(DEPTH), "]".repeat(DEPTH));
        fuzz::genesis_file(line.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz::rlp_block(&bytes);
        fuzz::json_block(&bytes);
        fuzz::rlp_block_with_receipts(&bytes, &bytes);
        fuzz::era1_block(&bytes, &bytes, &bytes);
        fuzz::genesis_file(&bytes);
    }

    #[test]
    fn random_files_never_panic(start in 0..5_usize, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let heads: [&[u8]; 5] =
            [b"", b"{\"block\":{", &[0xf9, 0x01, 0x00], &[0x65, 0x32, 0, 0, 0, 0, 0, 0], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]];
        let file = write_temp(&[heads[start], &bytes].concat());
        fuzz::block_file(file.path());
    }

    /// Valid JSON with a piece cut out, doubled or replaced reaches far deeper than noise does.
    #[test]
    fn mangled_json_never_panics(index in 0..6_usize, at in any::<prop::sample::Index>(), length in 0..40_usize, with in ".{0,8}") {
        let mut line = fixture_lines().swap_remove(index);
        let start = at.index(line.len());
        let end = (start + length).min(line.len());
        line.splice(start..end, with.bytes());
        fuzz::json_block(&line);
    }

    #[test]
    fn mangled_rlp_never_panics(index in 0..6_usize, at in any::<prop::sample::Index>(), length in 0..40_usize, with in prop::collection::vec(any::<u8>(), 0..8)) {
        let line = fixture_lines().swap_remove(index);
        let mut block = rlp_of(&line);
        let start = at.index(block.len());
        let end = (start + length).min(block.len());
        block.splice(start..end, with);
        fuzz::rlp_block_with_receipts(&block, &line);
    }
}
