//! ERA1: archives of 8192 blocks before the merge, as e2store records.
//!
//! ```text
//! version | (header body receipts total-difficulty)* | accumulator | block index
//! ```
//!
//! The accumulator covers every header hash and total difficulty and stands at the end. A first pass
//! over headers and total difficulties recomputes it before any block is handed out, so a wrong one
//! refuses the whole file. It proves the file against its own root; the file's name carries the first
//! bytes of that root, and who publishes it vouches for them.

use std::path::{Path, PathBuf};

use alloy_primitives::{B256, U256, keccak256};
use sha2::{Digest, Sha256};

use super::input::Input;
use super::{Place, SourceError};
use crate::family::evm::limits::{ERA1_BLOCKS_MAX, ERA1_RECORD_BYTES_MAX};
use crate::family::evm::raw::{RawBlock, RawBody};
use crate::family::evm::snappy::inflate;
use crate::family::evm::verify::decode_header;

/// The version record that every e2store file starts with.
pub(super) const VERSION_RECORD: [u8; 8] = [0x65, 0x32, 0, 0, 0, 0, 0, 0];

const HEADER: u16 = 0x03;
const BODY: u16 = 0x04;
const RECEIPTS: u16 = 0x05;
const TOTAL_DIFFICULTY: u16 = 0x06;
const ACCUMULATOR: u16 = 0x07;
const VERSION: u16 = 0x3265;
const BLOCK_INDEX: u16 = 0x3266;

/// Reader of blocks.
#[derive(Debug)]
pub(super) struct Era1Reader {
    pub(super) input: Input,
    pub(super) index: EraIndex,
    read_count: usize,
}

/// What the first pass found: the accumulator's content.
#[derive(Debug)]
pub(in crate::family::evm) struct EraIndex {
    /// Number of the first block.
    pub(super) first: u64,
    /// Hash and total difficulty of each block.
    pub(super) records: Vec<(B256, U256)>,
}

struct Record {
    place: Place,
    kind: u16,
    length: usize,
}

impl Era1Reader {
    pub(super) fn open(path: &Path, input: Input) -> Result<Self, SourceError> {
        let index = FirstPass::new(Input::open(path)?).run()?;
        Ok(Self { input, index, read_count: 0 })
    }

    pub(super) fn next_block(&mut self) -> Result<Option<RawBlock>, SourceError> {
        let Some(&(_, total_difficulty)) = self.index.records.get(self.read_count) else {
            return Ok(None);
        };
        let (place, header) = self.read_next(HEADER, "header")?;
        let (_, body) = self.read_next(BODY, "body")?;
        let (_, receipts) = self.read_next(RECEIPTS, "receipts")?;
        self.read_next(TOTAL_DIFFICULTY, "total difficulty")?;
        self.read_count += 1;
        let body =
            RawBody::Era1 { header: header.into(), body: body.into(), receipts: receipts.into() };
        Ok(Some(RawBlock { place, body, total_difficulty: Some(total_difficulty) }))
    }

    /// Reads the next record of a block, past records that are not part of blocks.
    fn read_next(
        &mut self,
        kind: u16,
        what: &'static str,
    ) -> Result<(Place, Vec<u8>), SourceError> {
        loop {
            let truncated = SourceError::Truncated {
                path: self.input.path().to_owned(),
                place: self.input.place(),
                what,
            };
            let record = read_record_head(&mut self.input)?.ok_or(truncated)?;
            if record.kind == kind {
                return Ok((record.place, self.input.read_exact(&[], record.length, what)?));
            }
            if (HEADER..=ACCUMULATOR).contains(&record.kind) || record.kind == BLOCK_INDEX {
                return Err(SourceError::Malformed {
                    path: self.input.path().to_owned(),
                    place: record.place,
                    reason: format!("expected the {what} record, found type 0x{:02x}", record.kind),
                });
            }
            self.input.skip(record.length as u64, "record")?;
        }
    }
}

/// Reads the 8 bytes before a record: type, length, reserved. None at the end of the file.
fn read_record_head(input: &mut Input) -> Result<Option<Record>, SourceError> {
    let place = input.place();
    if input.peek()?.is_empty() {
        return Ok(None);
    }
    let head = input.read_exact(&[], 8, "record")?;
    let kind = u16::from_le_bytes([head[0], head[1]]);
    let length = u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
    let path = || input.path().to_owned();
    if head[6..] != [0, 0] {
        let reason = format!("record of type 0x{kind:02x} has reserved bytes that are not 0");
        return Err(SourceError::Malformed { path: path(), place, reason });
    }
    if length > ERA1_RECORD_BYTES_MAX {
        let limit_bytes = ERA1_RECORD_BYTES_MAX as u64;
        return Err(SourceError::TooLarge { path: path(), place, what: "record", limit_bytes });
    }
    Ok(Some(Record { place, kind, length }))
}

/// The pass over headers and total difficulties.
struct FirstPass {
    input: Input,
    path: PathBuf,
    first: Option<u64>,
    hashes: Vec<B256>,
    total_difficulties: Vec<U256>,
    header_offsets: Vec<u64>,
    accumulator: Option<B256>,
    has_index: bool,
}

impl FirstPass {
    fn new(input: Input) -> Self {
        Self {
            path: input.path().to_owned(),
            input,
            first: None,
            hashes: Vec::new(),
            total_difficulties: Vec::new(),
            header_offsets: Vec::new(),
            accumulator: None,
            has_index: false,
        }
    }

    fn run(mut self) -> Result<EraIndex, SourceError> {
        while let Some(record) = read_record_head(&mut self.input)? {
            if self.has_index {
                return Err(self.malformed(record.place, "record after the block index"));
            }
            match record.kind {
                HEADER => self.header(&record)?,
                TOTAL_DIFFICULTY => {
                    let bytes = self.fixed_32(&record, "total difficulty")?;
                    self.total_difficulties.push(U256::from_le_bytes(bytes));
                }
                ACCUMULATOR => {
                    self.accumulator = Some(self.fixed_32(&record, "accumulator")?.into());
                }
                BLOCK_INDEX => self.block_index(&record)?,
                VERSION if record.length > 0 => {
                    return Err(self.malformed(record.place, "version record has content"));
                }
                _ => self.input.skip(record.length as u64, "record")?,
            }
        }
        self.finish()
    }

    fn malformed(&self, place: Place, reason: impl Into<String>) -> SourceError {
        SourceError::Malformed { path: self.path.clone(), place, reason: reason.into() }
    }

    fn header(&mut self, record: &Record) -> Result<(), SourceError> {
        if self.hashes.len() == ERA1_BLOCKS_MAX {
            let reason = format!("more than {ERA1_BLOCKS_MAX} blocks");
            return Err(self.malformed(record.place, reason));
        }
        let compressed = self.input.read_exact(&[], record.length, "header")?;
        let raw = inflate(&compressed, "header").map_err(|e| self.malformed(record.place, e))?;
        if self.first.is_none() {
            let header = decode_header(&raw).map_err(|e| self.malformed(record.place, e))?;
            self.first = Some(header.number);
        }
        if let Place::Byte(offset) = record.place {
            self.header_offsets.push(offset);
        }
        self.hashes.push(keccak256(&raw));
        Ok(())
    }

    fn fixed_32(&mut self, record: &Record, what: &'static str) -> Result<[u8; 32], SourceError> {
        let bytes = self.input.read_exact(&[], record.length, what)?;
        <[u8; 32]>::try_from(bytes).map_err(|bytes| {
            self.malformed(record.place, format!("{what} has {} bytes, expected 32", bytes.len()))
        })
    }

    /// `first number | offset of each header, from the start of this record | count`
    fn block_index(&mut self, record: &Record) -> Result<(), SourceError> {
        let bytes = self.input.read_exact(&[], record.length, "block index")?;
        let mut words = bytes.chunks_exact(8).map(|word| {
            // Chunks of 8 bytes by construction.
            word.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
        });
        let Place::Byte(start) = record.place else {
            return Err(self.malformed(record.place, "block index without an offset"));
        };
        let count = self.header_offsets.len();
        let first = words.next();
        let offsets_fit = self
            .header_offsets
            .iter()
            .all(|offset| words.next().map(|found| start.wrapping_add(found)) == Some(*offset));
        let is_good = bytes.len() == (count + 2) * 8
            && first == self.first
            && offsets_fit
            && words.next() == Some(count as u64);
        if !is_good {
            let reason = format!("block index does not list the {count} headers of the file");
            return Err(self.malformed(record.place, reason));
        }
        self.has_index = true;
        Ok(())
    }

    fn finish(self) -> Result<EraIndex, SourceError> {
        let place = self.input.place();
        let truncated = |what| SourceError::Truncated { path: self.path.clone(), place, what };
        let (headers, totals) = (self.hashes.len(), self.total_difficulties.len());
        let first = self.first.ok_or_else(|| truncated("first header"))?;
        let claimed = self.accumulator.ok_or_else(|| truncated("accumulator"))?;
        if headers != totals {
            let reason = format!("{headers} headers, but {totals} total difficulties");
            return Err(self.malformed(place, reason));
        }
        if !self.has_index {
            return Err(truncated("block index"));
        }
        let records: Vec<_> = self.hashes.into_iter().zip(self.total_difficulties).collect();
        let recomputed = accumulator_root(&records);
        if claimed != recomputed {
            return Err(SourceError::Accumulator { path: self.path, claimed, recomputed });
        }
        Ok(EraIndex { first, records })
    }
}

/// SSZ hash of the list of `(block hash, total difficulty)` with room for [`ERA1_BLOCKS_MAX`].
fn accumulator_root(records: &[(B256, U256)]) -> B256 {
    let pair = |left: &[u8], right: &[u8]| -> [u8; 32] {
        Sha256::new().chain_update(left).chain_update(right).finalize().into()
    };
    let mut level: Vec<[u8; 32]> = records
        .iter()
        .map(|(hash, total)| pair(hash.as_slice(), &total.to_le_bytes::<32>()))
        .collect();
    let mut empty = [0; 32];
    for _ in 0..ERA1_BLOCKS_MAX.ilog2() {
        if level.len() % 2 == 1 {
            level.push(empty);
        }
        level = level.chunks_exact(2).map(|two| pair(&two[0], &two[1])).collect();
        empty = pair(&empty, &empty);
    }
    let mut length = [0; 32];
    length[..8].copy_from_slice(&(records.len() as u64).to_le_bytes());
    pair(&level.first().copied().unwrap_or(empty), &length).into()
}
