//! Block files, their records, and genesis files.

use node_lite::family::evm::fuzz;

/// A whole block file of any kind, plain or gzipped: the kind is found by content.
pub fn block_file(bytes: &[u8]) {
    // Readers take a path: a file in memory would need another system call per platform.
    let Ok(file) = tempfile::NamedTempFile::new() else { return };
    if std::fs::write(file.path(), bytes).is_ok() {
        fuzz::block_file(file.path());
    }
}

/// Three ERA1 records of one block, before snappy is undone: their sizes in the first four bytes.
pub fn era1_block(bytes: &[u8]) {
    let Some((sizes, rest)) = bytes.split_at_checked(4) else { return };
    let size = |at: usize| usize::from(u16::from_le_bytes([sizes[at], sizes[at + 1]]));
    let (header, rest) = rest.split_at(size(0).min(rest.len()));
    let (body, receipts) = rest.split_at(size(2).min(rest.len()));
    fuzz::era1_block(header, body, receipts);
}

/// One RLP block.
pub fn rlp_block(bytes: &[u8]) {
    fuzz::rlp_block(bytes);
}

/// One line of recorded JSON-RPC replies.
pub fn ndjson_line(bytes: &[u8]) {
    fuzz::json_block(bytes);
}

/// A genesis.json.
pub fn genesis(bytes: &[u8]) {
    fuzz::genesis_file(bytes);
}
