//! Writer of ERA1 archives: an e2store file of up to 8192 pre-merge blocks.
//!
//! ```text
//! Version | (CompressedHeader | CompressedBody | CompressedReceipts | TotalDifficulty)* | Accumulator | BlockIndex
//! ```
//!
//! Payloads are RLP in framed snappy. The accumulator is the SSZ hash tree root of the list of
//! (block hash, total difficulty). Format: `github.com/eth-clients/e2store-format-specs`, era1.md.

use std::io::{self, Write};

use alloy_primitives::B256;
use sha2::{Digest, Sha256};

use super::block::MintedBlock;

/// Most blocks of one file.
pub const ERA1_BLOCKS_MAX: usize = 8192;

const VERSION: u16 = 0x3265;
const COMPRESSED_HEADER: u16 = 0x03;
const COMPRESSED_BODY: u16 = 0x04;
const COMPRESSED_RECEIPTS: u16 = 0x05;
const TOTAL_DIFFICULTY: u16 = 0x06;
const ACCUMULATOR: u16 = 0x07;
const BLOCK_INDEX: u16 = 0x3266;

/// Appends blocks to one archive.
pub struct Era1Writer<W: Write> {
    out: W,
    offset: u64,
    first_block: u64,
    /// Where each block's first entry begins.
    offsets: Vec<u64>,
    /// Hash tree root of each (hash, total difficulty).
    records: Vec<[u8; 32]>,
}

impl<W: Write> Era1Writer<W> {
    /// Writes the version entry.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn new(out: W) -> io::Result<Self> {
        let mut writer =
            Self { out, offset: 0, first_block: 0, offsets: Vec::new(), records: Vec::new() };
        writer.entry(VERSION, &[])?;
        Ok(writer)
    }

    /// Appends `block`.
    ///
    /// # Errors
    /// `InvalidInput` for a block after the merge or one too many; else what `out` returns.
    pub fn push(&mut self, block: &MintedBlock) -> io::Result<()> {
        if !block.fork.is_proof_of_work() {
            return Err(invalid("ERA1 holds blocks from before the merge only"));
        }
        if self.offsets.len() == ERA1_BLOCKS_MAX {
            return Err(invalid("an ERA1 file holds at most 8192 blocks"));
        }
        if self.offsets.is_empty() {
            self.first_block = block.header.number;
        }
        self.offsets.push(self.offset);
        let difficulty = block.total_difficulty.to_le_bytes::<32>();
        self.records.push(hash_pair(&block.hash.0, &difficulty));
        self.entry(COMPRESSED_HEADER, &compress(&block.header.encoded())?)?;
        self.entry(COMPRESSED_BODY, &compress(&block.body_rlp())?)?;
        self.entry(COMPRESSED_RECEIPTS, &compress(&block.receipts_rlp())?)?;
        self.entry(TOTAL_DIFFICULTY, &difficulty)
    }

    /// Writes accumulator and index, flushes, and returns the output and the accumulator, whose first
    /// four bytes are part of a canonical file name.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn finish(mut self) -> io::Result<(W, B256)> {
        let root = accumulator(&self.records);
        self.entry(ACCUMULATOR, root.as_slice())?;
        let index_start = self.offset as i64;
        let mut index = self.first_block.to_le_bytes().to_vec();
        for offset in &self.offsets {
            index.extend((*offset as i64 - index_start).to_le_bytes());
        }
        index.extend((self.offsets.len() as u64).to_le_bytes());
        self.entry(BLOCK_INDEX, &index)?;
        self.out.flush()?;
        Ok((self.out, root))
    }

    fn entry(&mut self, kind: u16, payload: &[u8]) -> io::Result<()> {
        let size = u32::try_from(payload.len())
            .map_err(|_| invalid("an ERA1 entry holds less than 4 GiB"))?;
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&size.to_le_bytes())?;
        self.out.write_all(&[0; 2])?;
        self.out.write_all(payload)?;
        self.offset += 8 + u64::from(size);
        Ok(())
    }
}

/// SSZ hash tree root of a `List[HeaderRecord, 8192]`.
fn accumulator(records: &[[u8; 32]]) -> B256 {
    let mut level = records.to_vec();
    let mut empty = [0; 32];
    for _ in 0..ERA1_BLOCKS_MAX.ilog2() {
        if level.len() % 2 == 1 {
            level.push(empty);
        }
        level = level.chunks_exact(2).map(|pair| hash_pair(&pair[0], &pair[1])).collect();
        empty = hash_pair(&empty, &empty);
    }
    let root = level.first().copied().unwrap_or(empty);
    let mut count = [0; 32];
    count[..8].copy_from_slice(&(records.len() as u64).to_le_bytes());
    hash_pair(&root, &count).into()
}

fn hash_pair(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(left).chain_update(right).finalize().into()
}

fn compress(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::with_capacity(data.len()));
    encoder.write_all(data)?;
    encoder.into_inner().map_err(|error| error.into_error())
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
