//! A file of blocks, whatever its kind, read as a stream.
//!
//! Invariants
//! - The kind is found by content, never by name.
//! - Memory is bounded by one block, whatever the size of the file.

mod era1;
mod input;
mod ndjson;
mod order;
mod rlp_chain;

use std::path::{Path, PathBuf};

use era1::{Era1Reader, VERSION_RECORD};
use input::Input;
use ndjson::NdjsonReader;
pub(super) use order::OrderCheck;
use rlp_chain::RlpChainReader;

use super::{Place, RawBlock, SourceError, VerifiedBlock, VerifyError};

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

/// Files that complete an RLP chain; other kinds need none.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// Genesis; without it, `genesis.json` beside the file if there is one.
    pub genesis: Option<PathBuf>,
    /// Receipts, as NDJSON; without it, blocks are verified to level `Body`.
    pub receipts: Option<PathBuf>,
}

/// An open file of blocks: an iterator of [`RawBlock`]s in file order.
///
/// After an error the iterator ends.
#[derive(Debug)]
pub struct BlockFile {
    reader: Reader,
    order: OrderCheck,
    network_name: Option<String>,
    is_over: bool,
}

#[derive(Debug)]
enum Reader {
    Era1(Box<Era1Reader>),
    RlpChain(Box<RlpChainReader>),
    Ndjson(Box<NdjsonReader>),
}

impl BlockFile {
    /// Opens `path` and finds its kind by content. An ERA1 file's accumulator is checked here, and a
    /// genesis file is read here.
    ///
    /// # Errors
    /// `NotFound`, `Denied` or `Unavailable` when it cannot be read; `Invalid` when it is no block
    /// file, or when `options` do not fit it; `Corrupt` when an ERA1 file's accumulator does not cover
    /// its headers.
    pub fn open(path: &Path, options: &FileOptions) -> Result<Self, SourceError> {
        let mut input = Input::open(path)?;
        let kind = detect(&mut input)?;
        if let (FileKind::Era1 | FileKind::Ndjson, Some(companion)) =
            (kind, options.genesis.as_ref().or(options.receipts.as_ref()))
        {
            return Err(SourceError::Companion {
                path: companion.clone(),
                reason: format!("not needed: {} is complete by itself", path.display()),
            });
        }
        let reader = match kind {
            FileKind::Era1 => Reader::Era1(Box::new(Era1Reader::open(path, input)?)),
            FileKind::RlpChain => Reader::RlpChain(Box::new(RlpChainReader::open(input, options)?)),
            FileKind::Ndjson => Reader::Ndjson(Box::new(NdjsonReader::new(input))),
        };
        let network_name = if kind == FileKind::Era1 { era_network_name(path) } else { None };
        Ok(Self { reader, order: OrderCheck::default(), network_name, is_over: false })
    }

    /// The kind of file.
    pub fn kind(&self) -> FileKind {
        match &self.reader {
            Reader::Era1(_) => FileKind::Era1,
            Reader::RlpChain(_) => FileKind::RlpChain,
            Reader::Ndjson(_) => FileKind::Ndjson,
        }
    }

    /// Bytes of the file read so far, and in all; both as stored on disk.
    pub fn progress(&self) -> (u64, u64) {
        match &self.reader {
            Reader::Era1(reader) => reader.input.progress(),
            Reader::RlpChain(reader) => reader.input.progress(),
            Reader::Ndjson(reader) => reader.input.progress(),
        }
    }

    /// Name of the network that the file's name suggests, such as `mainnet` of `mainnet-00000-….era1`.
    pub fn network_name_hint(&self) -> Option<&str> {
        self.network_name.as_deref()
    }

    /// Checks what needs the blocks before: call it in file order with every block of this file.
    ///
    /// Covers number, parent hash and timestamp of blocks that follow each other, total difficulty, and
    /// that an ERA1 block is the one that the accumulator covers.
    ///
    /// # Errors
    /// The check that failed, by name. The block does not count as seen then.
    pub fn check_in_order(&mut self, block: &VerifiedBlock) -> Result<(), VerifyError> {
        let era = match &self.reader {
            Reader::Era1(reader) => Some(&reader.index),
            Reader::RlpChain(_) | Reader::Ndjson(_) => None,
        };
        self.order.check(self.kind(), era, block)
    }
}

impl Iterator for BlockFile {
    type Item = Result<RawBlock, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = match &mut self.reader {
            Reader::Era1(reader) => reader.next_block(),
            Reader::RlpChain(reader) => reader.next_block(),
            Reader::Ndjson(reader) => reader.next_block(),
        };
        self.is_over = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

fn detect(input: &mut Input) -> Result<FileKind, SourceError> {
    let is_gzip = input.is_gzip();
    let start = input.peek()?;
    // A block with its header is longer than 255 bytes, so its list has a length of length.
    match start.trim_ascii_start().first() {
        _ if !is_gzip && start.starts_with(&VERSION_RECORD) => return Ok(FileKind::Era1),
        Some(b'{') => return Ok(FileKind::Ndjson),
        Some(0xf9..=0xff) => return Ok(FileKind::RlpChain),
        _ => {}
    }
    let found = match start {
        [] => "found an empty file".to_owned(),
        bytes => {
            let shown = &bytes[..bytes.len().min(8)];
            let kind = if is_gzip { "gzip of " } else { "" };
            format!("found {kind}0x{}", alloy_primitives::hex::encode(shown))
        }
    };
    Err(SourceError::UnknownKind { path: input.path().to_owned(), found })
}

/// `mainnet` of `mainnet-00000-5ec1ffb8.era1`.
fn era_network_name(path: &Path) -> Option<String> {
    let mut parts = path.file_stem()?.to_str()?.rsplitn(3, '-');
    let is_root = |text: &str| text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_epoch = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
    let (root, epoch, name) = (parts.next()?, parts.next()?, parts.next()?);
    (is_root(root) && is_epoch(epoch) && !name.is_empty()).then(|| name.to_owned())
}
