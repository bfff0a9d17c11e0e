//! A file that hashes what is written to it: BLAKE3 of the whole, XXH3-64 of every chunk.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use twox_hash::XxHash3_64;

use crate::SegmentFile;

/// What is known about a finished file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileHashes {
    pub(crate) size_bytes: u64,
    pub(crate) content_hash: [u8; 32],
    pub(crate) chunk_hashes: Vec<u64>,
}

/// Why writing failed. The encoder in between keeps no more than a text, and a full disk is not a fault of
/// the rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteFailure(Arc<Mutex<Option<io::Error>>>);

impl WriteFailure {
    /// The error of the operating system, once.
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, error: io::Error) -> io::Error {
        let copy = io::Error::new(error.kind(), error.to_string());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        copy
    }
}

/// Passes bytes on to `inner` and hashes them.
pub(crate) struct HashingFile<W> {
    inner: W,
    failure: WriteFailure,
    size_bytes: u64,
    content: blake3::Hasher,
    chunk: XxHash3_64,
    chunk_bytes: u64,
    chunk_hashes: Vec<u64>,
}

impl<W: Write> HashingFile<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            failure: WriteFailure::default(),
            size_bytes: 0,
            content: blake3::Hasher::new(),
            chunk: XxHash3_64::new(),
            chunk_bytes: 0,
            chunk_hashes: Vec::new(),
        }
    }

    /// Tells why writing failed, also after this was moved into an encoder.
    pub(crate) fn failure(&self) -> WriteFailure {
        self.failure.clone()
    }

    fn hash(&mut self, mut bytes: &[u8]) {
        use std::hash::Hasher as _;
        self.content.update(bytes);
        self.size_bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = (SegmentFile::CHUNK_BYTES - self.chunk_bytes) as usize;
            let (taken, rest) = bytes.split_at(room.min(bytes.len()));
            self.chunk.write(taken);
            self.chunk_bytes += taken.len() as u64;
            if self.chunk_bytes == SegmentFile::CHUNK_BYTES {
                self.end_chunk();
            }
            bytes = rest;
        }
    }

    fn end_chunk(&mut self) {
        use std::hash::Hasher as _;
        self.chunk_hashes.push(std::mem::replace(&mut self.chunk, XxHash3_64::new()).finish());
        self.chunk_bytes = 0;
    }
}

impl HashingFile<File> {
    /// Syncs the file and gives its hashes.
    pub(crate) fn finish(mut self) -> io::Result<FileHashes> {
        self.inner.sync_all()?;
        if self.chunk_bytes > 0 {
            self.end_chunk();
        }
        Ok(FileHashes {
            size_bytes: self.size_bytes,
            content_hash: *self.content.finalize().as_bytes(),
            chunk_hashes: self.chunk_hashes,
        })
    }
}

impl<W: Write> Write for HashingFile<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes).map_err(|error| self.failure.keep(error))?;
        self.hash(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Hash of one chunk as stored in [`SegmentFile::chunk_hashes`].
pub(crate) fn chunk_hash(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hashes(pieces: &[&[u8]]) -> FileHashes {
        let mut file = HashingFile::new(tempfile::tempfile().unwrap());
        for piece in pieces {
            file.write_all(piece).unwrap();
        }
        file.finish().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn hashes_do_not_depend_on_how_the_bytes_were_split(
            size in 0usize..300_000, cut in 0usize..300_000,
        ) {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
            let (low, high) = bytes.split_at(cut.min(size));
            let whole = hashes(&[&bytes]);
            let expected: Vec<u64> =
                bytes.chunks(SegmentFile::CHUNK_BYTES as usize).map(chunk_hash).collect();
            prop_assert_eq!(&whole.chunk_hashes, &expected);
            prop_assert_eq!(whole.content_hash, *blake3::hash(&bytes).as_bytes());
            prop_assert_eq!(whole, hashes(&[low, high]));
        }
    }
}
