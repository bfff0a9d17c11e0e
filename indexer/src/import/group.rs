//! What a worker does: verify a group of blocks and decode the new ones. A pure function of the bytes
//! and of one snapshot.

use std::sync::Arc;

use node_lite::evm::{RawBlock, VerifiedBlock, verify};
use schemas::BlockNumber;
use schemas::tables::evm::TABLES;
use storage::{BlockRecord, ChainSnapshot, StorageError};

use crate::decode::evm::{DecodeError, RowBuilders};
use crate::rows::Rows;

/// Blocks that one worker takes at a time.
#[derive(Debug)]
pub(super) struct RawGroup {
    pub(super) index: u64,
    pub(super) size_bytes: usize,
    pub(super) blocks: Vec<RawBlock>,
}

/// The same blocks, in the same order, verified.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) index: u64,
    pub(super) size_bytes: usize,
    pub(super) items: Vec<Item>,
    /// Rows that the items point into.
    pub(super) rows: Vec<Arc<Rows>>,
}

/// What became of one block.
#[derive(Debug)]
pub(super) enum Item {
    /// Verified, and new to the snapshot or stored at a lower level.
    New { block: Box<VerifiedBlock>, rows: usize, position: usize },
    /// Verified, and stored already as far or further.
    Known { block: Box<VerifiedBlock> },
    /// Refused by verification.
    Refused { number: Option<BlockNumber>, reason: String },
}

/// Verifies and decodes a group.
///
/// # Errors
/// Of the store, when it cannot be asked which blocks it has.
pub(super) fn decode(raw: RawGroup, snapshot: &ChainSnapshot) -> Result<Group, StorageError> {
    let mut decoder = Decoder::default();
    for raw_block in raw.blocks {
        match verify(raw_block) {
            Ok(block) => decoder.take(Box::new(block), snapshot)?,
            Err(error) => {
                let (number, reason) = (error.block(), error.to_string());
                decoder.items.push(Item::Refused { number, reason });
            }
        }
    }
    decoder.end_rows()?;
    let (index, size_bytes) = (raw.index, raw.size_bytes);
    Ok(Group { index, size_bytes, items: decoder.items, rows: decoder.rows })
}

#[derive(Default)]
struct Decoder {
    builders: RowBuilders,
    records: Vec<BlockRecord>,
    items: Vec<Item>,
    rows: Vec<Arc<Rows>>,
}

impl Decoder {
    fn take(
        &mut self,
        block: Box<VerifiedBlock>,
        snapshot: &ChainSnapshot,
    ) -> Result<(), StorageError> {
        let number = block.number();
        if let Some(level) = snapshot.block_level(number)
            && snapshot.block_hash(number)? == Some(block.hash())
            && level >= block.level()
        {
            self.items.push(Item::Known { block });
            return Ok(());
        }
        let record = match self.builders.append(&block) {
            Err(DecodeError::Full { .. }) if !self.records.is_empty() => {
                self.end_rows()?;
                self.builders.append(&block)
            }
            other => other,
        };
        match record {
            Ok(record) => {
                let (rows, position) = (self.rows.len(), self.records.len());
                self.records.push(record);
                self.items.push(Item::New { block, rows, position });
            }
            Err(error) => {
                let (number, reason) = (Some(number), error.to_string());
                self.items.push(Item::Refused { number, reason });
            }
        }
        Ok(())
    }

    fn end_rows(&mut self) -> Result<(), StorageError> {
        let records = std::mem::take(&mut self.records);
        let batches = self.builders.finish();
        if !records.is_empty() {
            self.rows.push(Arc::new(Rows::new(&TABLES, records, batches)?));
        }
        Ok(())
    }
}
