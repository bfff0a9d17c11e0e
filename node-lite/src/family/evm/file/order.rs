//! What only the order of a file can show: links between blocks, and total difficulty.

use alloy_primitives::{B256, U256};

use super::FileKind;
use super::era1::EraIndex;
use crate::family::evm::{Value, VerifiedBlock, VerifyError};

/// Checks each block against the one before it in the file.
#[derive(Debug, Default)]
pub(in crate::family::evm) struct OrderCheck {
    last: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    number: u64,
    hash: B256,
    timestamp: u64,
    difficulty: U256,
    total_difficulty: Option<U256>,
}

impl OrderCheck {
    /// Checks `block`; it becomes the block before the next one only when it is accepted.
    pub(in crate::family::evm) fn check(
        &mut self,
        kind: FileKind,
        era: Option<&EraIndex>,
        block: &VerifiedBlock,
    ) -> Result<(), VerifyError> {
        let header = block.header();
        let mismatch = |check, claimed: Value, recomputed: Value| VerifyError::Mismatch {
            block: header.number,
            check,
            claimed: Box::new(claimed),
            recomputed: Box::new(recomputed),
        };
        if let Some(last) = &self.last {
            let follows = last.number + 1 == header.number;
            // Rows of NDJSON may be any blocks; archives have no gaps.
            if !follows && kind != FileKind::Ndjson {
                return Err(mismatch("number", header.number.into(), (last.number + 1).into()));
            }
            if follows && last.hash != header.parent_hash {
                return Err(mismatch("parent hash", header.parent_hash.into(), last.hash.into()));
            }
            if follows && header.timestamp <= last.timestamp {
                let (time, before) = (header.timestamp, last.timestamp);
                return Err(VerifyError::Rule {
                    block: header.number,
                    check: "timestamp",
                    rule: format!("timestamp is {time}, not after its parent's {before}"),
                });
            }
            // A chain never goes back from proof of stake to proof of work (EIP-3675).
            if follows && last.difficulty.is_zero() && !header.difficulty.is_zero() {
                let difficulty = header.difficulty.into();
                return Err(mismatch("difficulty", difficulty, U256::ZERO.into()));
            }
        }
        if let Some(era) = era {
            let position = header.number.checked_sub(era.first);
            let covered = position
                .and_then(|position| era.records.get(usize::try_from(position).ok()?))
                .map(|(hash, _)| *hash);
            if covered != Some(block.hash) {
                return Err(mismatch("accumulator", block.hash.into(), covered.into()));
            }
        }
        self.check_total_difficulty(block)?;
        self.last = Some(Seen {
            number: header.number,
            hash: block.hash,
            timestamp: header.timestamp,
            difficulty: header.difficulty,
            total_difficulty: block.total_difficulty,
        });
        Ok(())
    }

    fn check_total_difficulty(&self, block: &VerifiedBlock) -> Result<(), VerifyError> {
        let (header, claimed) = (block.header(), block.total_difficulty);
        let before = match &self.last {
            _ if header.number == 0 => Some(U256::ZERO),
            Some(last) if last.number + 1 == header.number => last.total_difficulty,
            // The first block of an archive: its total difficulty is in the accumulator.
            _ => return Ok(()),
        };
        let recomputed = before.and_then(|before| before.checked_add(header.difficulty));
        if claimed.is_none() || claimed == recomputed {
            return Ok(());
        }
        Err(VerifyError::Mismatch {
            block: header.number,
            check: "total difficulty",
            claimed: Box::new(claimed.into()),
            recomputed: Box::new(recomputed.into()),
        })
    }
}
