//! Why storage refused or failed.

use std::path::PathBuf;

use schemas::{BlockNumber, ErrorKind};

/// Errors of this crate. Nothing is half-written when one is returned.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process has the data directory open.
    #[error("data directory {path} is in use by another ergosql process; connect to it with psql instead", path = path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system refused a file.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried, such as `rename`.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// RocksDB refused; its message says why.
    #[error("state store: {0}")]
    State(String),
    /// Stored bytes do not match their hash.
    #[error("corrupt {what}: {detail}")]
    Corrupt {
        /// Which record or file.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Written by a release with another format.
    #[error("data directory has format {found}, this release reads {expected}")]
    FormatVersion {
        /// As stored.
        found: u32,
        /// Of this release.
        expected: u32,
    },
    /// The network does not exist.
    #[error("network \"{0}\" does not exist")]
    UnknownNetwork(String),
    /// The name cannot be a folder and a database.
    #[error("network name \"{0}\" must be 1 to 63 of a-z, 0-9, _ and -")]
    NetworkName(String),
    /// A block does not fit its stored neighbour.
    #[error("block {number}: {detail}")]
    Link {
        /// The block that does not fit.
        number: BlockNumber,
        /// The hashes that differ.
        detail: String,
    },
    /// Rows could not be encoded or decoded.
    #[error("segment rows: {0}")]
    Rows(String),
}

impl StorageError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InUse { .. } | Self::Io { .. } | Self::State(_) => ErrorKind::Unavailable,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::FormatVersion { .. } | Self::NetworkName(_) | Self::Link { .. } => {
                ErrorKind::Invalid
            }
            Self::UnknownNetwork(_) => ErrorKind::NotFound,
            Self::Rows(_) => ErrorKind::Internal,
        }
    }
}
