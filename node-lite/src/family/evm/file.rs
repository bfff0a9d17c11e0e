//! A file of blocks, whatever its kind, read as a stream.

use std::path::{Path, PathBuf};

use super::{RawBlock, SourceError, VerifiedBlock, VerifyError};

/// What a block file is, found by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Era archive: e2store records with an accumulator.
    Era1,
    /// Concatenated RLP blocks, as `geth export` writes them; plain or gzipped.
    RlpChain,
    /// One JSON object a line: block and receipts as JSON-RPC replies; plain or gzipped.
    Ndjson,
}

/// Files that complete a block file.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// Genesis of an RLP chain; without it, `genesis.json` beside the file if there is one.
    pub genesis: Option<PathBuf>,
    /// Receipts of an RLP chain, as NDJSON; without it, blocks are verified to level `Body`.
    pub receipts: Option<PathBuf>,
}

/// An open file of blocks: an iterator of [`RawBlock`]s in file order.
///
/// After an error the iterator ends.
#[derive(Debug)]
pub struct BlockFile {
    kind: FileKind,
}

impl BlockFile {
    /// Opens `path` and finds its kind by content. An ERA1 file's accumulator is checked here.
    ///
    /// # Errors
    /// `NotFound`, `Denied` or `Unavailable` when it cannot be read; `Invalid` when it is no block
    /// file; `Corrupt` when an ERA1 file's accumulator does not cover its headers.
    pub fn open(path: &Path, options: &FileOptions) -> Result<Self, SourceError> {
        let _ = options;
        Err(SourceError::UnknownKind { path: path.to_owned(), found: "not read yet".to_owned() })
    }

    /// The kind of file.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// Bytes of the file read so far, and in all; both as stored on disk.
    pub fn progress(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Name of the network that the file's name suggests, such as `mainnet` of `mainnet-00000-….era1`.
    pub fn network_name_hint(&self) -> Option<&str> {
        None
    }

    /// Checks what needs the blocks before: call it in file order with every block of this file.
    ///
    /// Covers number, parent hash and timestamp of blocks that follow each other, total difficulty, and
    /// that an ERA1 block is the one that the accumulator covers.
    ///
    /// # Errors
    /// The check that failed, by name.
    pub fn check_in_order(&mut self, block: &VerifiedBlock) -> Result<(), VerifyError> {
        let _ = block;
        Ok(())
    }
}

impl Iterator for BlockFile {
    type Item = Result<RawBlock, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
