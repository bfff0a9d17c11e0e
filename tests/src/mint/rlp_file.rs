//! Writer of RLP chain files, as `geth export` and hive make them: blocks from 1 on, one after the
//! other, nothing between them; block 0 is described by genesis.json.

use std::io::{self, Write};

use super::block::MintedBlock;
use super::fork::Fork;
use super::genesis::{ForkBlock, Genesis};

/// Appends blocks to an RLP chain file and collects what genesis.json needs.
pub struct RlpChainWriter<W: Write> {
    out: W,
    forks: Vec<(Fork, ForkBlock)>,
}

impl<W: Write> RlpChainWriter<W> {
    /// A writer at the start of `out`.
    pub fn new(out: W) -> Self {
        Self { out, forks: Vec::new() }
    }

    /// Appends `block`; block 0 is only taken note of.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn push(&mut self, block: &MintedBlock) -> io::Result<()> {
        let begun = self.forks.last().map(|last| last.0);
        let at = ForkBlock {
            number: block.header.number,
            timestamp: block.header.timestamp,
            difficulty_before: block.total_difficulty - block.header.difficulty,
        };
        // A schedule may skip forks: those begin together with the next one.
        let new = Fork::all().filter(|fork| Some(*fork) > begun && *fork <= block.fork);
        self.forks.extend(new.map(|fork| (fork, at)));
        if block.header.number == 0 {
            return Ok(());
        }
        self.out.write_all(&block.rlp())
    }

    /// Flushes, and returns the output and the text of genesis.json.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn finish(mut self, genesis: &Genesis) -> io::Result<(W, String)> {
        self.out.flush()?;
        Ok((self.out, genesis.to_json(&self.forks)))
    }
}
