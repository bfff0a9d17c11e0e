//! Writer of recorded JSON-RPC replies: one line `{"block":…,"receipts":…}` per block.

use std::io::{self, Write};

use super::block::MintedBlock;
use super::json::{push_block, push_receipts};

/// Appends blocks to a file of JSON lines. Wrap the output in a gzip encoder for `.ndjson.gz`.
pub struct NdjsonWriter<W: Write> {
    out: W,
    line: String,
    with_receipts: bool,
}

impl<W: Write> NdjsonWriter<W> {
    /// A writer at the start of `out`.
    pub fn new(out: W) -> Self {
        Self { out, line: String::new(), with_receipts: true }
    }

    /// Writes `"receipts":null`, as a node without receipts would answer.
    pub fn without_receipts(self) -> Self {
        Self { with_receipts: false, ..self }
    }

    /// Appends one line.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn push(&mut self, block: &MintedBlock) -> io::Result<()> {
        self.line.clear();
        self.line.push_str("{\"block\":");
        push_block(&mut self.line, block);
        self.line.push_str(",\"receipts\":");
        if self.with_receipts {
            push_receipts(&mut self.line, block);
        } else {
            self.line.push_str("null");
        }
        self.line.push_str("}\n");
        self.out.write_all(self.line.as_bytes())
    }

    /// Flushes and returns the output.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}
