//! COPY FROM STDIN: from the client's messages to rows of the session.
//!
//! Invariants
//! - Rows are handed on in bounded portions; the client is read no faster than the session takes them.
//! - Until the client is done the table is as it was.

use bytes::Bytes;
use query_engine::values::{Format, Reader, TextStyle, decode_parameter};
use query_engine::{CopyFormat, CopyHeader, CopyIn, CopyRowError, Parameter, QueryError, SqlState};
use tokio_util::sync::CancellationToken;

use super::binary::BinaryRows;
use super::fields::{csv_fields, text_fields};
use super::lines::{BAD_COPY_FORMAT, Lines};
use crate::connection::Connection;
use crate::error::{Failure, cancelled, protocol_violation, valid_text};
use crate::frame::{Frame, Phase};
use crate::reply;

/// Rows, and bytes of their lines, that are handed to the session at once.
const PORTION_ROWS_MAX: usize = 2_048;
const PORTION_BYTES_MAX: usize = 4 << 20;

/// 23505: two rows agree in a key.
const UNIQUE_VIOLATION: SqlState = SqlState("23505");

/// Characters of a line or value that an error shows, as PostgreSQL.
const SHOWN_CHARACTERS_MAX: usize = 100;

/// Rows on their way in.
struct Input {
    copy: Box<CopyIn>,
    source: Source,
    style: TextStyle,
    rows: Vec<Vec<Parameter>>,
    /// Number and text of the line of each of `rows`.
    places: Vec<Place>,
    size_bytes: usize,
    owes_header: bool,
}

enum Source {
    Lines(Box<Lines>),
    Binary(Box<BinaryRows>),
}

/// Where a row stands in the data.
struct Place {
    line: u64,
    /// `None` in binary format.
    text: Option<Vec<u8>>,
}

impl Connection {
    /// Reads rows from the client until it is done, then CommandComplete.
    pub(crate) async fn copy_in(
        &mut self,
        copy: Box<CopyIn>,
        token: &CancellationToken,
    ) -> Result<(), Failure> {
        let column_count = copy.columns().len();
        let (format, source) = match copy.options().format {
            CopyFormat::Binary => {
                (Format::Binary, Source::Binary(Box::new(BinaryRows::new(column_count))))
            }
            CopyFormat::Text | CopyFormat::Csv => {
                (Format::Text, Source::Lines(Box::new(Lines::new(copy.options()))))
            }
        };
        reply::copy_response(&mut self.wire.out, b'G', format, column_count)?;
        let owes_header = copy.options().header != CopyHeader::No;
        let mut input = Input {
            copy,
            source,
            style: self.text_style()?,
            rows: Vec::new(),
            places: Vec::new(),
            size_bytes: 0,
            owes_header,
        };
        loop {
            let frame = tokio::select! {
                biased;
                () = token.cancelled() => return Err(cancelled().into()),
                frame = self.wire.frame(Phase::Session) => frame?,
            };
            let Some(Frame { kind, body }) = frame else { return Err(Failure::Gone) };
            match kind {
                b'd' => self.take(&mut input, Some(&body), token).await?,
                b'c' => break,
                b'f' => return Err(input.in_line(failed_by_client(body)?).into()),
                // PostgreSQL lets clients that pipeline send these before they know of the COPY.
                b'S' | b'H' => {}
                kind => {
                    let message =
                        format!("unexpected message type 0x{kind:02X} during COPY from stdin");
                    let error = input.in_line(protocol_violation(message));
                    reply::error(&mut self.wire.out, "ERROR", &error);
                    return Err(Failure::Fatal(protocol_violation(
                        "terminating connection because protocol synchronization was lost",
                    )));
                }
            }
        }
        self.take(&mut input, None, token).await?;
        let tag = self.session.copy_end(*input.copy).await?;
        self.send_notices();
        Ok(reply::command_complete(&mut self.wire.out, tag)?)
    }

    /// Takes more bytes, or with `None` what is left at the end.
    async fn take(
        &mut self,
        input: &mut Input,
        bytes: Option<&Bytes>,
        token: &CancellationToken,
    ) -> Result<(), Failure> {
        if let Some(bytes) = bytes {
            match &mut input.source {
                Source::Lines(lines) => lines.push(bytes),
                Source::Binary(rows) => rows.push(bytes),
            }
        }
        let is_last = bytes.is_none();
        loop {
            let has_row = input.read_row(is_last)?;
            let is_full =
                input.rows.len() >= PORTION_ROWS_MAX || input.size_bytes >= PORTION_BYTES_MAX;
            if is_full || (!has_row && is_last && !input.rows.is_empty()) {
                self.hand_on(input, token).await?;
            }
            if !has_row {
                return Ok(());
            }
        }
    }

    async fn hand_on(
        &mut self,
        input: &mut Input,
        token: &CancellationToken,
    ) -> Result<(), Failure> {
        let rows = std::mem::take(&mut input.rows);
        let places = std::mem::take(&mut input.places);
        input.size_bytes = 0;
        let names = input.copy.columns().clone();
        let table = input.copy.table_name().to_owned();
        let work = self.session.copy_rows(&mut input.copy, rows, token.clone());
        let work = async {
            work.await.map_err(|CopyRowError { row, column, error }| {
                let Some(place) = row.and_then(|row| places.get(row)) else {
                    return error;
                };
                let mut context = format!("COPY {table}, line {}", place.line);
                // As PostgreSQL, which checks keys after it is done with the line.
                let text = place.text.as_ref().filter(|_| error.state != UNIQUE_VIOLATION);
                match (column.and_then(|column| names.get(column)), text) {
                    (Some(column), _) => context.push_str(&format!(", column {}", column.name)),
                    (None, Some(text)) => context.push_str(&format!(": \"{}\"", shown(text))),
                    (None, None) => {}
                }
                error.with_context(context)
            })
        };
        self.wire.supervise(token, work).await
    }
}

impl Input {
    /// Reads one row; false when there is none.
    fn read_row(&mut self, is_last: bool) -> Result<bool, QueryError> {
        let (fields, format, place) = match &mut self.source {
            Source::Lines(lines) => {
                let line = match lines.next(is_last) {
                    Ok(Some(line)) => line,
                    Ok(None) => return Ok(false),
                    Err(error) => return Err(self.in_line(error)),
                };
                let place = Place { line: lines.number, text: Some(line) };
                let line = place.text.as_deref().unwrap_or_default();
                let checked = valid_text(line).map(|_| ()).and_then(|()| self.fields(line));
                let fields = checked.map_err(|error| self.at(error, &place))?;
                if std::mem::take(&mut self.owes_header) {
                    self.check_header(&fields).map_err(|error| self.at(error, &place))?;
                    return Ok(true);
                }
                (fields, Format::Text, place)
            }
            Source::Binary(rows) => {
                let fields = match rows.next(is_last) {
                    Ok(Some(fields)) => fields,
                    Ok(None) => return Ok(false),
                    Err(error) => return Err(self.in_line(error)),
                };
                let place = Place { line: rows.number, text: None };
                (fields, Format::Binary, place)
            }
        };
        let row = self.decode(&fields, format, &place)?;
        self.size_bytes += fields.iter().flatten().map(Vec::len).sum::<usize>();
        self.rows.push(row);
        self.places.push(place);
        Ok(true)
    }

    fn fields(&self, line: &[u8]) -> Result<Vec<Option<Vec<u8>>>, QueryError> {
        match self.copy.options().format {
            CopyFormat::Csv => csv_fields(line, self.copy.options()),
            CopyFormat::Text | CopyFormat::Binary => Ok(text_fields(line, self.copy.options())),
        }
    }

    fn decode(
        &self,
        fields: &[Option<Vec<u8>>],
        format: Format,
        place: &Place,
    ) -> Result<Vec<Parameter>, QueryError> {
        let columns = self.copy.columns();
        if fields.len() > columns.len() {
            let error = QueryError::new(BAD_COPY_FORMAT, "extra data after last expected column");
            return Err(self.at(error, place));
        }
        let mut row = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            row.push(match fields.get(at) {
                None => {
                    let error = QueryError::new(
                        BAD_COPY_FORMAT,
                        format!("missing data for column \"{}\"", column.name),
                    );
                    return Err(self.at(error, place));
                }
                Some(None) => Parameter::Null,
                Some(Some(value)) => {
                    decode_parameter(column.pg_type, format, value, &self.style.zone).map_err(
                        |error| {
                            let mut context = format!(
                                "COPY {}, line {}, column {}",
                                self.copy.table_name(),
                                place.line,
                                column.name
                            );
                            if format == Format::Text {
                                context.push_str(&format!(": \"{}\"", shown(value)));
                            }
                            error.with_context(context)
                        },
                    )?
                }
            });
        }
        Ok(row)
    }

    /// With HEADER MATCH the names must be those of the columns.
    fn check_header(&self, fields: &[Option<Vec<u8>>]) -> Result<(), QueryError> {
        if self.copy.options().header != CopyHeader::Match {
            return Ok(());
        }
        let columns = self.copy.columns();
        if fields.len() != columns.len() {
            return Err(QueryError::new(
                BAD_COPY_FORMAT,
                format!(
                    "wrong number of fields in header line: got {}, expected {}",
                    fields.len(),
                    columns.len()
                ),
            ));
        }
        for (at, (field, column)) in fields.iter().zip(columns.iter()).enumerate() {
            let got = field.as_ref().map(|field| String::from_utf8_lossy(field).into_owned());
            if got.as_deref() != Some(column.name.as_str()) {
                let got = got.map_or_else(
                    || format!("null value (\"{}\")", self.copy.options().null),
                    |got| format!("\"{got}\""),
                );
                return Err(QueryError::new(
                    BAD_COPY_FORMAT,
                    format!(
                        "column name mismatch in header line field {}: got {got}, expected \"{}\"",
                        at + 1,
                        column.name
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The error with the place of a row.
    fn at(&self, error: QueryError, place: &Place) -> QueryError {
        let mut context = format!("COPY {}, line {}", self.copy.table_name(), place.line);
        if let Some(text) = &place.text {
            context.push_str(&format!(": \"{}\"", shown(text)));
        }
        error.with_context(context)
    }

    /// The error with the line that was being read.
    fn in_line(&self, error: QueryError) -> QueryError {
        let line = match &self.source {
            Source::Lines(lines) => lines.number,
            Source::Binary(rows) => rows.number,
        };
        error.with_context(format!("COPY {}, line {}", self.copy.table_name(), line.max(1)))
    }
}

fn failed_by_client(body: Bytes) -> Result<QueryError, QueryError> {
    let mut reader = Reader::new(body);
    let reason = reader.text()?;
    Ok(QueryError::new(SqlState::QUERY_CANCELED, format!("COPY from stdin failed: {reason}")))
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.chars().count() <= SHOWN_CHARACTERS_MAX {
        return text.into_owned();
    }
    format!("{}...", text.chars().take(SHOWN_CHARACTERS_MAX).collect::<String>())
}
