//! A file read as a stream, inflated on the way when it is gzipped. Every read is bounded, and every
//! error names the file and the place.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::{Place, SourceError};

/// Bytes asked from the disk, or from the inflater, at once.
const READ_BYTES: usize = 256 << 10;

/// First bytes of a gzip stream (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An open file and the place up to which it was read.
#[derive(Debug)]
pub(super) struct Input {
    path: PathBuf,
    reader: Reader,
    size_bytes: u64,
    offset: u64,
    line: u64,
}

#[derive(Debug)]
enum Reader {
    Plain(BufReader<Counted>),
    Gzip(Box<BufReader<MultiGzDecoder<BufReader<Counted>>>>),
}

/// A file that counts what was read from it.
#[derive(Debug)]
struct Counted {
    file: File,
    count: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.count = self.file.seek(to)?;
        Ok(self.count)
    }
}

impl Input {
    /// Opens `path`; a gzip stream is recognised by its first bytes.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let refused = |source| SourceError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if metadata.is_dir() {
            return Err(refused(io::ErrorKind::IsADirectory.into()));
        }
        let mut plain = BufReader::with_capacity(READ_BYTES, Counted { file, count: 0 });
        let is_gzip = plain.fill_buf().map_err(refused)?.starts_with(&GZIP_MAGIC);
        let reader = if is_gzip {
            let inflater = MultiGzDecoder::new(plain);
            Reader::Gzip(Box::new(BufReader::with_capacity(READ_BYTES, inflater)))
        } else {
            Reader::Plain(plain)
        };
        let size_bytes = metadata.len();
        Ok(Self { path: path.to_owned(), reader, size_bytes, offset: 0, line: 0 })
    }

    /// File as given.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Offset in the content, inflated.
    pub(super) fn place(&self) -> Place {
        Place::Byte(self.offset)
    }

    /// Number of the line read last, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Whether the file is gzipped.
    pub(super) fn is_gzip(&self) -> bool {
        matches!(self.reader, Reader::Gzip(_))
    }

    /// Bytes read from disk and bytes on disk.
    pub(super) fn progress(&self) -> (u64, u64) {
        let count = match &self.reader {
            Reader::Plain(reader) => reader.get_ref().count,
            Reader::Gzip(reader) => reader.get_ref().get_ref().get_ref().count,
        };
        (count, self.size_bytes)
    }

    /// The bytes that come next; empty at the end.
    pub(super) fn peek(&mut self) -> Result<&[u8], SourceError> {
        // The error needs the place, and the borrow of the reader lives as long as the answer.
        let (path, place) = (&self.path, Place::Byte(self.offset));
        let filled = match &mut self.reader {
            Reader::Plain(reader) => reader.fill_buf(),
            Reader::Gzip(reader) => reader.fill_buf(),
        };
        filled.map_err(|source| failed(path, place, "content", source))
    }

    /// Reads exactly `length` bytes of `what` into a buffer that starts with `head`.
    ///
    /// # Errors
    /// [`SourceError::Truncated`] when the file ends first; the place is where `what` starts.
    pub(super) fn read_exact(
        &mut self,
        head: &[u8],
        length: usize,
        what: &'static str,
    ) -> Result<Vec<u8>, SourceError> {
        let start = Place::Byte(self.offset - head.len() as u64);
        let mut buffer = vec![0; head.len() + length];
        let (taken, rest) = buffer.split_at_mut(head.len());
        taken.copy_from_slice(head);
        let read = match &mut self.reader {
            Reader::Plain(reader) => reader.read_exact(rest),
            Reader::Gzip(reader) => reader.read_exact(rest),
        };
        read.map_err(|source| failed(&self.path, start, what, source))?;
        self.offset += length as u64;
        Ok(buffer)
    }

    /// Skips `length` bytes of `what`; a plain file is not read for it.
    pub(super) fn skip(&mut self, length: u64, what: &'static str) -> Result<(), SourceError> {
        let place = self.place();
        let path = self.path.clone();
        let skipped = match &mut self.reader {
            Reader::Plain(_) if self.offset + length > self.size_bytes => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Reader::Plain(reader) => i64::try_from(length)
                .map_err(|_| io::ErrorKind::InvalidInput.into())
                .and_then(|length| reader.seek_relative(length)),
            Reader::Gzip(reader) => io::copy(&mut reader.take(length), &mut io::sink()).map(|_| ()),
        };
        skipped.map_err(|source| failed(&path, place, what, source))?;
        self.offset += length;
        Ok(())
    }

    /// Reads one line without its end; none at the end of the file. Lines of spaces only are skipped.
    ///
    /// # Errors
    /// [`SourceError::TooLarge`] past `bytes_max`.
    pub(super) fn read_line(
        &mut self,
        bytes_max: usize,
        expected_bytes: usize,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        loop {
            let place = Place::Line(self.line + 1);
            let mut line = Vec::with_capacity(expected_bytes);
            let limit = bytes_max as u64 + 1;
            let read = match &mut self.reader {
                Reader::Plain(reader) => reader.take(limit).read_until(b'\n', &mut line),
                Reader::Gzip(reader) => reader.take(limit).read_until(b'\n', &mut line),
            };
            let count = read.map_err(|source| failed(&self.path, place, "line", source))?;
            if count == 0 {
                return Ok(None);
            }
            self.offset += count as u64;
            self.line += 1;
            if line.last() == Some(&b'\n') {
                line.pop();
            } else if line.len() > bytes_max {
                return Err(SourceError::TooLarge {
                    path: self.path.clone(),
                    place,
                    what: "line",
                    limit_bytes: bytes_max as u64,
                });
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }
}

fn failed(path: &Path, place: Place, what: &'static str, source: io::Error) -> SourceError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::UnexpectedEof => SourceError::Truncated { path, place, what },
        // The inflater's verdict on the content, not the disk's.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            SourceError::Malformed { path, place, reason: format!("gzip stream: {source}") }
        }
        _ => SourceError::Read { path, place, source },
    }
}
