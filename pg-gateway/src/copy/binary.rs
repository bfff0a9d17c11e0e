//! PostgreSQL's binary copy format, read.
//!
//! Invariants
//! - Nothing is kept but the row that is not whole yet, and it is bounded.

use query_engine::{QueryError, SqlState};

use super::lines::{BAD_COPY_FORMAT, LINE_BYTES_MAX};

/// First bytes of the format.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Bits of the flags that a reader must understand.
const CRITICAL_FLAGS: u32 = 0xffff_0000;

/// Where the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Header,
    Rows,
    Ended,
}

/// Cuts rows.
pub(super) struct BinaryRows {
    buffer: Vec<u8>,
    at: usize,
    phase: Phase,
    column_count: usize,
    /// Rows that began so far.
    pub(super) number: u64,
}

impl BinaryRows {
    pub(super) fn new(column_count: usize) -> Self {
        Self { buffer: Vec::new(), at: 0, phase: Phase::Header, column_count, number: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The fields of the next row; `None` when more bytes are needed, or at the end.
    ///
    /// # Errors
    /// 22P04 for bytes that are not in the format, 54000 past [`LINE_BYTES_MAX`].
    pub(super) fn next(
        &mut self,
        is_last: bool,
    ) -> Result<Option<Vec<Option<Vec<u8>>>>, QueryError> {
        let found = self.step()?;
        let is_open = self.phase != Phase::Ended;
        if found.is_none() && is_open {
            if is_last && (self.phase == Phase::Header || self.at < self.buffer.len()) {
                let message = match self.phase {
                    Phase::Header => "COPY file signature not recognized",
                    _ => "unexpected EOF in COPY data",
                };
                return Err(QueryError::new(BAD_COPY_FORMAT, message));
            }
            let waiting_bytes = self.buffer.len() - self.at;
            if waiting_bytes > LINE_BYTES_MAX {
                return Err(QueryError::new(
                    SqlState::PROGRAM_LIMIT,
                    format!("a row of copy data is over the limit of {LINE_BYTES_MAX} bytes"),
                ));
            }
        }
        Ok(found)
    }

    fn step(&mut self) -> Result<Option<Vec<Option<Vec<u8>>>>, QueryError> {
        if self.phase == Phase::Header {
            let Some(used) = header(&self.buffer[self.at..])? else { return Ok(None) };
            self.at += used;
            self.phase = Phase::Rows;
        }
        let rest = &self.buffer[self.at..];
        if self.phase == Phase::Ended {
            if rest.is_empty() {
                return Ok(None);
            }
            return Err(bad("received copy data after EOF marker"));
        }
        let Some(count) = word(rest, 2) else { return Ok(None) };
        // Two bytes, signed.
        let count = i64::from(count as u16 as i16);
        if count == -1 {
            self.at += 2;
            self.phase = Phase::Ended;
            return self.step();
        }
        if count != self.column_count as i64 {
            self.number += 1;
            let expected = self.column_count;
            return Err(bad(format!("row field count is {count}, expected {expected}")));
        }
        let mut fields = Vec::with_capacity(self.column_count);
        let mut used = 2;
        for _ in 0..self.column_count {
            let Some(length) = word(&rest[used..], 4) else { return Ok(None) };
            used += 4;
            let length = length as i32;
            if length == -1 {
                fields.push(None);
                continue;
            }
            let Ok(length) = usize::try_from(length) else {
                self.number += 1;
                return Err(bad("invalid field size"));
            };
            let Some(value) = used.checked_add(length).and_then(|end| rest.get(used..end)) else {
                return Ok(None);
            };
            fields.push(Some(value.to_vec()));
            used += length;
        }
        self.at += used;
        self.number += 1;
        Ok(Some(fields))
    }
}

/// Bytes that the header takes, once it is whole.
fn header(bytes: &[u8]) -> Result<Option<usize>, QueryError> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes[..known] != SIGNATURE[..known] {
        return Err(bad("COPY file signature not recognized"));
    }
    let Some(rest) = bytes.get(SIGNATURE.len()..) else { return Ok(None) };
    let (Some(flags), Some(extension_bytes)) =
        (word(rest, 4), rest.get(4..).and_then(|rest| word(rest, 4)))
    else {
        return Ok(None);
    };
    if flags & CRITICAL_FLAGS != 0 {
        return Err(bad("unrecognized critical flags in COPY file header"));
    }
    let Ok(extension_bytes) = usize::try_from(extension_bytes as i32) else {
        return Err(bad("invalid COPY file header (missing length)"));
    };
    let used = SIGNATURE.len() + 8 + extension_bytes;
    Ok((bytes.len() >= used).then_some(used))
}

/// A big-endian number of `size` bytes, at most four.
fn word(bytes: &[u8], size: usize) -> Option<u32> {
    let bytes = bytes.get(..size)?;
    Some(bytes.iter().fold(0, |word, byte| (word << 8) | u32::from(*byte)))
}

fn bad(message: impl Into<String>) -> QueryError {
    QueryError::new(BAD_COPY_FORMAT, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], step: usize) -> Result<Vec<Vec<Option<Vec<u8>>>>, QueryError> {
        let mut rows = BinaryRows::new(2);
        let mut found = Vec::new();
        for part in bytes.chunks(step) {
            rows.push(part);
            while let Some(row) = rows.next(false)? {
                found.push(row);
            }
        }
        while let Some(row) = rows.next(true)? {
            found.push(row);
        }
        Ok(found)
    }

    const ROW: &[u8] = b"\0\x02\0\0\0\x01x\xff\xff\xff\xff";

    fn data(tail: &[u8]) -> Vec<u8> {
        [SIGNATURE, b"\0\0\0\0\0\0\0\0", ROW, tail].concat()
    }

    #[test]
    fn rows_are_the_same_however_the_bytes_arrive() {
        let data = data(b"\xff\xff");
        for step in 1..=data.len() {
            assert_eq!(read(&data, step).unwrap(), [[Some(b"x".to_vec()), None]], "by {step}");
        }
    }

    #[test]
    fn what_is_not_the_format_is_refused() {
        for (bytes, message) in [
            (b"PGCOPX".to_vec(), "COPY file signature not recognized"),
            (b"PGCOPY".to_vec(), "COPY file signature not recognized"),
            (data(b"\0\x03"), "row field count is 3, expected 2"),
            (data(b"\0\x02\0\0"), "unexpected EOF in COPY data"),
            (data(b"\xff\xff\0"), "received copy data after EOF marker"),
            (data(b"\0\x02\xff\xff\xff\xf0"), "invalid field size"),
        ] {
            let error = read(&bytes, bytes.len()).unwrap_err();
            assert_eq!((error.state.0, error.message.as_str()), ("22P04", message));
        }
    }
}
