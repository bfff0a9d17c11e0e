//! COPY TO STDOUT: rows as text, CSV or PostgreSQL's binary format, byte for byte as PostgreSQL.
//!
//! Invariants
//! - One CopyData message per row; a header line has its own, the binary header goes with the first row.
//! - One batch is held at a time; a slow reader stops the query from making more.

use bytes::{BufMut, BytesMut};
use query_engine::values::{EncodedBatch, Format, ROW_BYTES_MAX, patch_length};
use query_engine::{CopyFormat, CopyHeader, CopyOptions, QueryError, Rows, SqlState};
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::error::Failure;
use crate::reply;

/// Rows encoded between two looks at the size of the output.
const ROWS_PER_CHECK: usize = 16;

/// Signature, flags and length of the extension area of the binary format.
const BINARY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Field count that ends the binary format.
const BINARY_TRAILER: i16 = -1;

impl Connection {
    /// Sends `rows` as copy data, then CommandComplete.
    pub(crate) async fn copy_out(
        &mut self,
        mut rows: Rows,
        options: &CopyOptions,
        token: &CancellationToken,
    ) -> Result<(), Failure> {
        let style = self.text_style()?;
        let columns = rows.columns().clone();
        let format = match options.format {
            CopyFormat::Binary => Format::Binary,
            CopyFormat::Text | CopyFormat::Csv => Format::Text,
        };
        let formats = vec![format; columns.len()];
        let mut writer = RowWriter::new(options);
        reply::copy_response(&mut self.wire.out, b'H', format, columns.len())?;
        if options.header != CopyHeader::No {
            writer.header(columns.iter().map(|column| column.name.as_str()), &mut self.wire.out)?;
        }
        let mut row_count = 0_u64;
        loop {
            let next = async { rows.next().await.transpose() };
            let Some(batch) = self.wire.supervise(token, next).await? else { break };
            let batch = EncodedBatch::new(&batch, &columns, &formats, &style)?;
            for row in 0..batch.row_count() {
                writer.row(&batch, row, columns.len(), &mut self.wire.out)?;
                if row % ROWS_PER_CHECK == 0 {
                    self.wire.relieve(token).await?;
                }
            }
            row_count += batch.row_count() as u64;
            self.wire.relieve(token).await?;
        }
        writer.end(&mut self.wire.out)?;
        self.send_notices();
        reply::copy_done(&mut self.wire.out);
        Ok(reply::command_complete(&mut self.wire.out, reply::row_tag("COPY", row_count))?)
    }
}

/// Writes CopyData messages. The buffers live as long as the COPY.
struct RowWriter<'a> {
    options: &'a CopyOptions,
    /// The binary header is still to be sent.
    owes_header: bool,
    cell: BytesMut,
}

impl<'a> RowWriter<'a> {
    fn new(options: &'a CopyOptions) -> Self {
        let owes_header = options.format == CopyFormat::Binary;
        Self { options, owes_header, cell: BytesMut::new() }
    }

    /// The line of column names.
    fn header<'n>(
        &mut self,
        names: impl ExactSizeIterator<Item = &'n str>,
        out: &mut BytesMut,
    ) -> Result<(), QueryError> {
        let is_single = names.len() == 1;
        message(out, |out| {
            for (at, name) in names.enumerate() {
                if at > 0 {
                    out.put_u8(self.options.delimiter);
                }
                match self.options.format {
                    CopyFormat::Csv => {
                        put_csv(out, name.as_bytes(), self.options, false, is_single)
                    }
                    CopyFormat::Text | CopyFormat::Binary => {
                        put_text(out, name.as_bytes(), self.options.delimiter);
                    }
                }
            }
            out.put_u8(b'\n');
            Ok(())
        })
    }

    fn row(
        &mut self,
        batch: &EncodedBatch,
        row: usize,
        column_count: usize,
        out: &mut BytesMut,
    ) -> Result<(), QueryError> {
        message(out, |out| match self.options.format {
            CopyFormat::Binary => self.binary_row(batch, row, column_count, out),
            CopyFormat::Text | CopyFormat::Csv => self.text_row(batch, row, column_count, out),
        })
    }

    fn binary_row(
        &mut self,
        batch: &EncodedBatch,
        row: usize,
        column_count: usize,
        out: &mut BytesMut,
    ) -> Result<(), QueryError> {
        self.put_owed_header(out);
        out.put_u16(u16::try_from(column_count).map_err(|_| too_long(column_count))?);
        for column in 0..column_count {
            let start = out.len();
            out.put_i32(-1);
            if batch.write_cell(row, column, out)? {
                let length_bytes = out.len() - start - 4;
                let word = i32::try_from(length_bytes).map_err(|_| too_long(length_bytes))?;
                out[start..start + 4].copy_from_slice(&word.to_be_bytes());
            }
        }
        Ok(())
    }

    fn text_row(
        &mut self,
        batch: &EncodedBatch,
        row: usize,
        column_count: usize,
        out: &mut BytesMut,
    ) -> Result<(), QueryError> {
        let options = self.options;
        for column in 0..column_count {
            if column > 0 {
                out.put_u8(options.delimiter);
            }
            self.cell.clear();
            if !batch.write_cell(row, column, &mut self.cell)? {
                out.put_slice(options.null.as_bytes());
            } else if options.format == CopyFormat::Csv {
                let is_forced = options.force_quote[column];
                put_csv(out, &self.cell, options, is_forced, column_count == 1);
            } else {
                put_text(out, &self.cell, options.delimiter);
            }
        }
        out.put_u8(b'\n');
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> Result<(), QueryError> {
        if self.options.format != CopyFormat::Binary {
            return Ok(());
        }
        message(out, |out| {
            self.put_owed_header(out);
            out.put_i16(BINARY_TRAILER);
            Ok(())
        })
    }

    fn put_owed_header(&mut self, out: &mut BytesMut) {
        if std::mem::take(&mut self.owes_header) {
            out.put_slice(BINARY_HEADER);
        }
    }
}

/// One CopyData message, whole or not at all.
fn message(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let start = out.len();
    out.put_u8(b'd');
    out.put_u32(0);
    let written = write(out).and_then(|()| {
        let length_bytes = out.len() - start;
        if length_bytes <= ROW_BYTES_MAX { Ok(()) } else { Err(too_long(length_bytes)) }
    });
    match &written {
        Ok(()) => patch_length(out, start + 1),
        Err(_) => out.truncate(start),
    }
    written
}

fn too_long(length_bytes: usize) -> QueryError {
    QueryError::new(
        SqlState::PROGRAM_LIMIT,
        format!("row of {length_bytes} bytes is over the limit of {ROW_BYTES_MAX} bytes"),
    )
}

/// A value in text format.
pub(super) fn put_text(out: &mut BytesMut, value: &[u8], delimiter: u8) {
    for &byte in value {
        let letter = match byte {
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x0b => b'v',
            b'\\' => b'\\',
            byte if byte == delimiter => byte,
            byte => {
                out.put_u8(byte);
                continue;
            }
        };
        out.put_slice(&[b'\\', letter]);
    }
}

/// A value in CSV, quoted where it has to be.
pub(super) fn put_csv(
    out: &mut BytesMut,
    value: &[u8],
    options: &CopyOptions,
    is_forced: bool,
    is_single: bool,
) {
    let is_special = |byte: &u8| [options.delimiter, options.quote, b'\n', b'\r'].contains(byte);
    // A lone `\.` would end the data when it is read again.
    let is_quoted = is_forced
        || value == options.null.as_bytes()
        || (is_single && value == b"\\.")
        || value.iter().any(is_special);
    if !is_quoted {
        out.put_slice(value);
        return;
    }
    out.put_u8(options.quote);
    for &byte in value {
        if byte == options.quote || byte == options.escape {
            out.put_u8(options.escape);
        }
        out.put_u8(byte);
    }
    out.put_u8(options.quote);
}
