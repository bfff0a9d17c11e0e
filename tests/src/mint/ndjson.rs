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
        push_line(&mut self.line, block, self.with_receipts);
        self.line.push('\n');
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

fn push_line(line: &mut String, block: &MintedBlock, with_receipts: bool) {
    line.push_str("{\"block\":");
    push_block(line, block);
    line.push_str(",\"receipts\":");
    if with_receipts {
        push_receipts(line, block);
    } else {
        line.push_str("null");
    }
    line.push('}');
}

impl MintedBlock {
    /// The block and its receipts as one line of recorded replies, without the line's end.
    pub fn json_line(&self) -> String {
        let mut line = String::new();
        push_line(&mut line, self, true);
        line
    }
}
