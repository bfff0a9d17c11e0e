//! COPY between client and session, with flat memory.
//!
//! ```text
//! out: Rows ──batch──> one CopyData per row ──64 KiB──> socket
//! in:  CopyData ──lines | binary──> raw row ──decode──> parameters ──some thousand──> Session::copy_rows
//! ```

mod binary;
mod fields;
mod input;
mod lines;
mod out;

use query_engine::{CopyFormat, CopyOptions, QueryError};

/// Rows of `data`, which comes in pieces of `piece_bytes`: the cutting that COPY FROM STDIN does, without a
/// client and a table. For the fuzzer.
///
/// # Errors
/// As COPY: 22P04, 54000.
pub(crate) fn row_count(
    data: &[u8],
    piece_bytes: usize,
    column_count: usize,
    options: &CopyOptions,
) -> Result<usize, QueryError> {
    let mut binary = binary::BinaryRows::new(column_count);
    let mut lines = lines::Lines::new(options);
    let mut count = 0;
    for piece in data.chunks(piece_bytes.max(1)).map(Some).chain([None]) {
        let is_last = piece.is_none();
        if options.format == CopyFormat::Binary {
            binary.push(piece.unwrap_or_default());
            while binary.next(is_last)?.is_some() {
                count += 1;
            }
            continue;
        }
        lines.push(piece.unwrap_or_default());
        while let Some(line) = lines.next(is_last)? {
            match options.format {
                CopyFormat::Csv => drop(fields::csv_fields(&line, options)?),
                CopyFormat::Text | CopyFormat::Binary => drop(fields::text_fields(&line, options)),
            }
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
