//! RLP chains: concatenated RLP blocks, as `geth export` writes them, with the files that complete
//! them: `genesis.json` gives block 0, an NDJSON file gives receipts.

use std::collections::VecDeque;
use std::path::Path;

use alloy_consensus::Header;
use alloy_primitives::{B256, U256, keccak256};
use bytes::Bytes;

use super::input::Input;
use super::{FileOptions, Place, SourceError, ndjson};
use crate::family::evm::genesis;
use crate::family::evm::json;
use crate::family::evm::limits::RLP_BLOCK_BYTES_MAX;
use crate::family::evm::parts::Parts;
use crate::family::evm::raw::{RawBlock, RawBody};
use crate::family::evm::verify::decode_header;

/// Name of the genesis file that is looked for beside a chain.
const GENESIS_NAME: &str = "genesis.json";

/// Receipts of a genesis block, which has no transactions.
const NO_RECEIPTS: &[u8] = br#"{"receipts":[]}"#;

/// Reader of blocks.
#[derive(Debug)]
pub(super) struct RlpChainReader {
    pub(super) input: Input,
    receipts: Option<ReceiptsFile>,
    /// Blocks read ahead: genesis and the first of the file.
    ready: VecDeque<(Place, Bytes)>,
    /// Total difficulty of the block before, while blocks run from block 0.
    total_difficulty: Option<U256>,
}

impl RlpChainReader {
    pub(super) fn open(input: Input, options: &FileOptions) -> Result<Self, SourceError> {
        let receipts = options.receipts.as_deref().map(ReceiptsFile::open).transpose()?;
        let ready = VecDeque::new();
        let mut reader = Self { input, receipts, ready, total_difficulty: None };
        let Some(first) = reader.read_block()? else {
            return Ok(reader);
        };
        if let Some(block) = reader.genesis_block(&first.1, options)? {
            reader.ready.push_back((Place::Byte(0), block));
        }
        reader.ready.push_back(first);
        Ok(reader)
    }

    /// Block 0, when the file starts after it and a genesis file is there.
    fn genesis_block(
        &self,
        first: &Bytes,
        options: &FileOptions,
    ) -> Result<Option<Bytes>, SourceError> {
        // A first block that is not one is reported by verification.
        let Some((first, _)) = header_of(first) else {
            return Ok(None);
        };
        let beside = self.input.path().with_file_name(GENESIS_NAME);
        let path = match &options.genesis {
            Some(path) => path.as_path(),
            None if first.number == 1 && beside.exists() => beside.as_path(),
            None => return Ok(None),
        };
        let misfit = |reason| SourceError::Companion { path: path.to_owned(), reason };
        if first.number != 1 {
            let number = first.number;
            return Err(misfit(format!("not needed: the chain file starts at block {number}")));
        }
        let header = genesis::read(path)?;
        let hash = header.hash_slow();
        if hash != first.parent_hash {
            let parent = first.parent_hash;
            return Err(misfit(format!("genesis hash is {hash}, block 1 names parent {parent}")));
        }
        Ok(Some(genesis::block(&header)))
    }

    fn read_block(&mut self) -> Result<Option<(Place, Bytes)>, SourceError> {
        let place = self.input.place();
        let Some(&first) = self.input.peek()?.first() else {
            return Ok(None);
        };
        if first < 0xc0 {
            return Err(SourceError::Malformed {
                path: self.input.path().to_owned(),
                place,
                reason: format!("expected an RLP list, found byte 0x{first:02x}"),
            });
        }
        let length_bytes = usize::from(first.saturating_sub(0xf7));
        let head = self.input.read_exact(&[], 1 + length_bytes, "block")?;
        let length = if length_bytes == 0 {
            u64::from(first - 0xc0)
        } else {
            head[1..].iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
        };
        match usize::try_from(length) {
            Ok(length) if length <= RLP_BLOCK_BYTES_MAX => {
                let block = self.input.read_exact(&head, length, "block")?;
                Ok(Some((place, block.into())))
            }
            _ => Err(SourceError::TooLarge {
                path: self.input.path().to_owned(),
                place,
                what: "block",
                limit_bytes: RLP_BLOCK_BYTES_MAX as u64,
            }),
        }
    }

    pub(super) fn next_block(&mut self) -> Result<Option<RawBlock>, SourceError> {
        let next = match self.ready.pop_front() {
            Some(ready) => Some(ready),
            None => self.read_block()?,
        };
        let Some((place, block)) = next else {
            return Ok(None);
        };
        let header = header_of(&block);
        self.total_difficulty = header.as_ref().and_then(|(header, _)| match header.number {
            0 => Some(header.difficulty),
            _ => self.total_difficulty?.checked_add(header.difficulty),
        });
        let receipts = match (&mut self.receipts, &header) {
            (Some(receipts), Some((header, hash))) => Some(receipts.find(header.number, *hash)?),
            _ => None,
        };
        let body = RawBody::Rlp { block, receipts };
        Ok(Some(RawBlock { place, body, total_difficulty: self.total_difficulty }))
    }
}

/// Header and hash of a block that is well-formed so far.
fn header_of(block: &Bytes) -> Option<(Header, B256)> {
    let parts = Parts::of_block(block).ok()?;
    Some((decode_header(parts.header).ok()?, keccak256(parts.header)))
}

/// NDJSON of receipts, in the order of the blocks.
#[derive(Debug)]
struct ReceiptsFile {
    input: Input,
    /// A line that belongs to a later block.
    ahead: Option<Bytes>,
    last_line_bytes: usize,
}

impl ReceiptsFile {
    fn open(path: &Path) -> Result<Self, SourceError> {
        Ok(Self { input: Input::open(path)?, ahead: None, last_line_bytes: 0 })
    }

    /// The line with the receipts of a block; lines of blocks before it are passed over.
    fn find(&mut self, number: u64, hash: B256) -> Result<Bytes, SourceError> {
        let misfit = |input: &Input, reason| {
            Err(SourceError::Companion { path: input.path().to_owned(), reason })
        };
        loop {
            let line = match self.ahead.take() {
                Some(line) => Some(line),
                None => ndjson::read_object(&mut self.input, self.last_line_bytes)?,
            };
            let Some(line) = line else {
                return misfit(&self.input, format!("ends before the receipts of block {number}"));
            };
            self.last_line_bytes = line.len();
            match json::peek_number(&line) {
                Some(found) if found == number => return Ok(line),
                Some(found) if found < number => {}
                Some(_) if number == 0 => {
                    self.ahead = Some(line);
                    return Ok(Bytes::from_static(NO_RECEIPTS));
                }
                Some(found) => {
                    let reason = format!("goes on with block {found}, expected block {number}");
                    return misfit(&self.input, reason);
                }
                None => match json::peek_hash(&line) {
                    Some(found) if found == hash => return Ok(line),
                    Some(_) => {}
                    None => {
                        let place = Place::Line(self.input.line());
                        return misfit(&self.input, format!("{place} names no block"));
                    }
                },
            }
        }
    }
}
