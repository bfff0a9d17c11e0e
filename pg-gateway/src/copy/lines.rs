//! Bytes of COPY FROM STDIN in text and CSV format → lines, as PostgreSQL tells them apart.
//!
//! Invariants
//! - The first line decides how all lines end; another line end in the data is an error.
//! - Nothing is kept but the line that is not whole yet, and it is bounded.

use query_engine::{CopyFormat, CopyOptions, QueryError, SqlState};

/// Longest line.
pub(super) const LINE_BYTES_MAX: usize = 64 << 20;

/// 22P04: copy data that is not in its format.
pub(super) const BAD_COPY_FORMAT: SqlState = SqlState("22P04");

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Unknown,
    Newline,
    Return,
    ReturnNewline,
}

/// Cuts lines.
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Start of the next line in `buffer`.
    start: usize,
    /// Next byte to look at.
    at: usize,
    end: LineEnd,
    is_csv: bool,
    quote: u8,
    escape: Option<u8>,
    in_quotes: bool,
    was_escape: bool,
    /// Lines that began so far, counting those inside quotes, from 1.
    pub(super) number: u64,
    has_ended: bool,
}

impl Lines {
    pub(super) fn new(options: &CopyOptions) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            at: 0,
            end: LineEnd::Unknown,
            is_csv: options.format == CopyFormat::Csv,
            quote: options.quote,
            escape: (options.escape != options.quote).then_some(options.escape),
            in_quotes: false,
            was_escape: false,
            number: 0,
            has_ended: false,
        }
    }

    /// Adds bytes; after `\.` they are dropped.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.has_ended {
            return;
        }
        self.buffer.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line without its end; `None` when more bytes are needed, or at the end of the data.
    ///
    /// # Errors
    /// 22P04 for a line end of another kind, 54000 past [`LINE_BYTES_MAX`].
    pub(super) fn next(&mut self, is_last: bool) -> Result<Option<Vec<u8>>, QueryError> {
        if self.has_ended {
            return Ok(None);
        }
        let Some((end, next)) = self.find_end(is_last)? else {
            if self.buffer.len() - self.start > LINE_BYTES_MAX {
                return Err(QueryError::new(
                    SqlState::PROGRAM_LIMIT,
                    format!("a line of copy data is over the limit of {LINE_BYTES_MAX} bytes"),
                ));
            }
            return Ok(None);
        };
        let line = self.buffer[self.start..end].to_vec();
        (self.start, self.at) = (next, next);
        (self.in_quotes, self.was_escape) = (false, false);
        self.number += 1;
        if line == b"\\." {
            self.has_ended = true;
            return Ok(None);
        }
        Ok(Some(line))
    }

    /// End of the line and start of the next.
    fn find_end(&mut self, is_last: bool) -> Result<Option<(usize, usize)>, QueryError> {
        while let Some(&byte) = self.buffer.get(self.at) {
            let next = self.buffer.get(self.at + 1).copied();
            if self.is_csv {
                if self.in_quotes && Some(byte) == self.escape {
                    self.was_escape = !self.was_escape;
                }
                if byte == self.quote && !self.was_escape {
                    self.in_quotes = !self.in_quotes;
                }
                if Some(byte) != self.escape {
                    self.was_escape = false;
                }
                if self.in_quotes {
                    // As PostgreSQL: until a line has ended, only returns are counted.
                    let counted = if self.end == LineEnd::Newline { b'\n' } else { b'\r' };
                    self.number += u64::from(byte == counted);
                    self.at += 1;
                    continue;
                }
            }
            match byte {
                b'\r' if next.is_none() && !is_last => return Ok(None),
                b'\r' => {
                    if let Some(found) = self.at_return(next == Some(b'\n'))? {
                        return Ok(Some(found));
                    }
                }
                b'\n' if matches!(self.end, LineEnd::Unknown | LineEnd::Newline) => {
                    self.end = LineEnd::Newline;
                    return Ok(Some((self.at, self.at + 1)));
                }
                b'\n' => return Err(self.literal("newline", "\\n")),
                // What follows a backslash is data, a line end too.
                b'\\' if !self.is_csv => {
                    if next.is_none() && !is_last {
                        return Ok(None);
                    }
                    self.at += usize::from(next.is_some() && !self.is_end_marker());
                }
                _ => {}
            }
            self.at += 1;
        }
        let is_rest = is_last && self.start < self.buffer.len();
        Ok(is_rest.then_some((self.buffer.len(), self.buffer.len())))
    }

    fn at_return(&mut self, has_newline: bool) -> Result<Option<(usize, usize)>, QueryError> {
        if self.end == LineEnd::Unknown {
            self.end = if has_newline { LineEnd::ReturnNewline } else { LineEnd::Return };
        }
        match (self.end, has_newline) {
            (LineEnd::ReturnNewline, true) => Ok(Some((self.at, self.at + 2))),
            (LineEnd::Return, _) => Ok(Some((self.at, self.at + 1))),
            _ => Err(self.literal("carriage return", "\\r")),
        }
    }

    /// Whether the backslash at the cursor begins `\.` at the start of a line.
    fn is_end_marker(&self) -> bool {
        self.at == self.start && self.buffer.get(self.at + 1) == Some(&b'.')
    }

    fn literal(&mut self, what: &str, escape: &str) -> QueryError {
        self.number += 1;
        if self.is_csv {
            return QueryError::new(BAD_COPY_FORMAT, format!("unquoted {what} found in data"))
                .with_hint(format!("Use quoted CSV field to represent {what}."));
        }
        QueryError::new(BAD_COPY_FORMAT, format!("literal {what} found in data"))
            .with_hint(format!("Use \"{escape}\" to represent {what}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(format: CopyFormat) -> CopyOptions {
        CopyOptions {
            format,
            delimiter: b'\t',
            null: "\\N".to_owned(),
            header: query_engine::CopyHeader::No,
            quote: b'"',
            escape: b'"',
            force_quote: Vec::new(),
            force_not_null: Vec::new(),
            force_null: Vec::new(),
        }
    }

    fn cut(format: CopyFormat, data: &str, step: usize) -> Result<Vec<String>, QueryError> {
        let mut lines = Lines::new(&options(format));
        let mut found = Vec::new();
        for part in data.as_bytes().chunks(step) {
            lines.push(part);
            while let Some(line) = lines.next(false)? {
                found.push(String::from_utf8(line).unwrap());
            }
        }
        while let Some(line) = lines.next(true)? {
            found.push(String::from_utf8(line).unwrap());
        }
        Ok(found)
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        for (format, data, expected) in [
            (CopyFormat::Text, "a\nb\n", &["a", "b"][..]),
            (CopyFormat::Text, "a\r\nb", &["a", "b"]),
            (CopyFormat::Text, "a\\\nb\nc\n", &["a\\\nb", "c"]),
            (CopyFormat::Text, "a\n\\.\nb\n", &["a"]),
            (CopyFormat::Csv, "\"x\ny\",1\nz\n", &["\"x\ny\",1", "z"]),
            (CopyFormat::Csv, "\"a\"\"\nb\"\n", &["\"a\"\"\nb\""]),
        ] {
            for step in 1..=data.len() {
                assert_eq!(cut(format, data, step).unwrap(), expected, "{data:?} by {step}");
            }
        }
    }

    #[test]
    fn a_line_end_of_another_kind_is_refused() {
        assert_eq!(cut(CopyFormat::Text, "a\nb\r\n", 9).unwrap_err().state.0, "22P04");
        assert_eq!(cut(CopyFormat::Csv, "a\r\nb\n", 9).unwrap_err().state.0, "22P04");
    }
}
