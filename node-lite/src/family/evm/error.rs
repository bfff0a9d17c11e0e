//! Errors of block files ([`SourceError`]) and of verification ([`VerifyError`]).

use std::fmt;
use std::io;
use std::path::PathBuf;

use alloy_primitives::{Address, B256, Bloom, U256, keccak256};
use schemas::ErrorKind;

/// Where in a file something was read; both count in the inflated content when the file is gzipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Offset in bytes, from 0.
    Byte(u64),
    /// Line number, from 1.
    Line(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(offset) => write!(f, "byte {offset}"),
            Self::Line(line) => write!(f, "line {line}"),
        }
    }
}

/// Why a block file could not be read further. Blocks handed out before stay good.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path cannot be opened.
    #[error("open {path}", path = path.display())]
    Open {
        /// File as given.
        path: PathBuf,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// The disk, or the gzip stream, failed.
    #[error("read {path} at {place}", path = path.display())]
    Read {
        /// File as given.
        path: PathBuf,
        /// Position of the read.
        place: Place,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// The content is none of the known kinds.
    #[error(
        "{path} is not a block file: expected ERA1, an RLP chain or NDJSON of block replies, {found}",
        path = path.display()
    )]
    UnknownKind {
        /// File as given.
        path: PathBuf,
        /// What the file starts with.
        found: String,
    },
    /// The file ends in the middle of a block or record.
    #[error("{path} is cut off at {place}: {what} is incomplete", path = path.display())]
    Truncated {
        /// File as given.
        path: PathBuf,
        /// Where the incomplete item starts.
        place: Place,
        /// What was being read.
        what: &'static str,
    },
    /// The content breaks the rules of its kind.
    #[error("{path}, {place}: {reason}", path = path.display())]
    Malformed {
        /// File as given.
        path: PathBuf,
        /// Where the bad item starts.
        place: Place,
        /// What is wrong with it.
        reason: String,
    },
    /// One item is larger than a named limit.
    #[error("{path}, {place}: {what} is larger than {limit_bytes} bytes", path = path.display())]
    TooLarge {
        /// File as given.
        path: PathBuf,
        /// Where the item starts.
        place: Place,
        /// What it is.
        what: &'static str,
        /// The limit, from [`limits`](super::limits).
        limit_bytes: u64,
    },
    /// The ERA1 accumulator does not cover the headers of the file.
    #[error("{path}: accumulator is {claimed}, recomputed {recomputed}", path = path.display())]
    Accumulator {
        /// File as given.
        path: PathBuf,
        /// Root stored in the file.
        claimed: B256,
        /// Root of the file's headers and total difficulties.
        recomputed: B256,
    },
    /// A given genesis or receipts file does not fit the block file.
    #[error("{path}: {reason}", path = path.display())]
    Companion {
        /// The companion file.
        path: PathBuf,
        /// Why it does not fit.
        reason: String,
    },
}

impl SourceError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Open { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                ErrorKind::NotFound
            }
            Self::Open { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                ErrorKind::Denied
            }
            Self::Open { .. } | Self::Read { .. } => ErrorKind::Unavailable,
            Self::UnknownKind { .. } | Self::Companion { .. } => ErrorKind::Invalid,
            Self::TooLarge { .. } => ErrorKind::LimitReached,
            Self::Truncated { .. } | Self::Malformed { .. } | Self::Accumulator { .. } => {
                ErrorKind::Corrupt
            }
        }
    }
}

/// A value that a source claimed, or that was recomputed, as it is printed in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A 32-byte hash or root.
    Hash(B256),
    /// A 20-byte address.
    Address(Address),
    /// A number.
    Number(U256),
    /// A bloom filter of 256 bytes, by its Keccak-256: two filters would fill a screen.
    Bloom(B256),
    /// Nothing where a value may stand.
    Absent,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(hash) => write!(f, "{hash}"),
            // `{:?}` of an address is plain hex; its Display is checksummed, which hashes again.
            Self::Address(address) => write!(f, "{address:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bloom(hash) => write!(f, "a filter with hash {hash}"),
            Self::Absent => f.write_str("absent"),
        }
    }
}

impl From<B256> for Value {
    fn from(hash: B256) -> Self {
        Self::Hash(hash)
    }
}

impl From<Address> for Value {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(U256::from(number))
    }
}

impl From<Bloom> for Value {
    fn from(bloom: Bloom) -> Self {
        Self::Bloom(keccak256(bloom))
    }
}

impl From<U256> for Value {
    fn from(number: U256) -> Self {
        Self::Number(number)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// Why a block was not accepted. Nothing of the block may be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The bytes are not a block.
    #[error("block at {place}: {reason}")]
    Malformed {
        /// Where the block starts in its file.
        place: Place,
        /// What is wrong with it.
        reason: String,
    },
    /// A value of the block is not what its content gives.
    #[error("block {block}: {check} is {claimed}, recomputed {recomputed}")]
    Mismatch {
        /// Block number as claimed.
        block: u64,
        /// Which value, such as `receipts root`.
        check: &'static str,
        /// Value in the source.
        claimed: Box<Value>,
        /// Value that follows from the rest of the block.
        recomputed: Box<Value>,
    },
    /// The same for a value of one transaction, receipt or uncle.
    #[error("block {block}: {item} {index} {check} is {claimed}, recomputed {recomputed}")]
    ItemMismatch {
        /// Block number.
        block: u64,
        /// `transaction`, `receipt` or `uncle`.
        item: &'static str,
        /// Position in the block, from 0.
        index: usize,
        /// Which value, such as `hash`.
        check: &'static str,
        /// Value in the source.
        claimed: Box<Value>,
        /// Value that follows from the rest of the block.
        recomputed: Box<Value>,
    },
    /// A counter does not fit the `bigint` column that stores it.
    #[error("block {block}: {field} is {value}, largest accepted {max}", max = i64::MAX)]
    Overflow {
        /// Block number.
        block: u64,
        /// Which value, such as `transaction 3 nonce`.
        field: String,
        /// The value.
        value: U256,
    },
    /// The block breaks a rule of the chain that headers alone can show.
    #[error("block {block}: {rule}")]
    Rule {
        /// Block number.
        block: u64,
        /// Name of the check, such as `gas used`.
        check: &'static str,
        /// What is wrong, with the values.
        rule: String,
    },
}

impl VerifyError {
    /// Name of the check that failed, such as `receipts root`: the same whatever the values are.
    pub fn check(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "format",
            Self::Mismatch { check, .. }
            | Self::ItemMismatch { check, .. }
            | Self::Rule { check, .. } => check,
            Self::Overflow { .. } => "overflow",
        }
    }

    /// Block number as claimed by the source; none when the bytes did not give one.
    pub fn block(&self) -> Option<u64> {
        match self {
            Self::Malformed { .. } => None,
            Self::Mismatch { block, .. }
            | Self::ItemMismatch { block, .. }
            | Self::Overflow { block, .. }
            | Self::Rule { block, .. } => Some(*block),
        }
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Overflow { .. } => ErrorKind::LimitReached,
            Self::Malformed { .. }
            | Self::Mismatch { .. }
            | Self::ItemMismatch { .. }
            | Self::Rule { .. } => ErrorKind::Corrupt,
        }
    }
}
