//! Entry points for fuzzing: one plain function per parser of outside bytes. None may panic.

use std::path::Path;

use bytes::Bytes;

use super::raw::RawBody;
use super::{BlockFile, FileOptions, Place, RawBlock, genesis, verify};

/// A line of NDJSON.
pub fn json_block(line: &[u8]) {
    let _ = verify(RawBlock::from_json(line.to_vec()));
}

/// An RLP block.
pub fn rlp_block(block: &[u8]) {
    let _ = verify(RawBlock::from_rlp(block.to_vec()));
}

/// An RLP block and the line of NDJSON that holds its receipts.
pub fn rlp_block_with_receipts(block: &[u8], receipts: &[u8]) {
    let body = RawBody::Rlp {
        block: Bytes::copy_from_slice(block),
        receipts: Some(Bytes::copy_from_slice(receipts)),
    };
    let _ = verify(RawBlock { place: Place::Byte(0), body, total_difficulty: None });
}

/// The compressed records of one ERA1 block.
pub fn era1_block(header: &[u8], body: &[u8], receipts: &[u8]) {
    let [header, body, receipts] = [header, body, receipts].map(Bytes::copy_from_slice);
    let body = RawBody::Era1 { header, body, receipts };
    let _ = verify(RawBlock { place: Place::Byte(0), body, total_difficulty: None });
}

/// A `genesis.json`.
pub fn genesis_file(json: &[u8]) {
    let _ = genesis::header(json);
}

/// A whole file of any kind: ERA1, RLP chain, NDJSON, gzip.
pub fn block_file(path: &Path) {
    let Ok(mut file) = BlockFile::open(path, &FileOptions::default()) else {
        return;
    };
    while let Some(Ok(raw)) = file.next() {
        if let Ok(block) = verify(raw) {
            let _ = file.check_in_order(&block);
        }
    }
}
