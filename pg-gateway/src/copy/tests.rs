//! Laws of the formats: what is written is read as it was, however it arrives.

use bytes::{BufMut, BytesMut};
use proptest::prelude::*;
use query_engine::{CopyFormat, CopyHeader, CopyOptions};

use super::fields::{csv_fields, text_fields};
use super::lines::Lines;
use super::out::{put_csv, put_text};

const COLUMNS: usize = 3;

fn options(format: CopyFormat, delimiter: u8, escape: u8, is_forced: bool) -> CopyOptions {
    let is_csv = format == CopyFormat::Csv;
    CopyOptions {
        format,
        delimiter,
        null: if is_csv { "" } else { "\\N" }.to_owned(),
        header: CopyHeader::No,
        quote: b'"',
        escape,
        force_quote: vec![is_forced; COLUMNS],
        force_not_null: vec![false; COLUMNS],
        force_null: vec![false; COLUMNS],
    }
}

fn written(rows: &[Vec<Option<String>>], options: &CopyOptions) -> BytesMut {
    let mut out = BytesMut::new();
    for row in rows {
        for (at, value) in row.iter().enumerate() {
            if at > 0 {
                out.put_u8(options.delimiter);
            }
            match (value, options.format) {
                (None, _) => out.put_slice(options.null.as_bytes()),
                (Some(value), CopyFormat::Csv) => {
                    put_csv(&mut out, value.as_bytes(), options, options.force_quote[at], false);
                }
                (Some(value), _) => put_text(&mut out, value.as_bytes(), options.delimiter),
            }
        }
        out.put_u8(b'\n');
    }
    out
}

fn read(data: &[u8], step: usize, options: &CopyOptions) -> Vec<Vec<Option<String>>> {
    let mut lines = Lines::new(options);
    let mut rows = Vec::new();
    let mut take = |lines: &mut Lines, is_last| {
        while let Some(line) = lines.next(is_last).unwrap() {
            let fields = match options.format {
                CopyFormat::Csv => csv_fields(&line, options).unwrap(),
                _ => text_fields(&line, options),
            };
            let text = |field: Vec<u8>| String::from_utf8(field).unwrap();
            rows.push(fields.into_iter().map(|field| field.map(text)).collect());
        }
    };
    for part in data.chunks(step) {
        lines.push(part);
        take(&mut lines, false);
    }
    take(&mut lines, true);
    rows
}

fn rows() -> impl Strategy<Value = Vec<Vec<Option<String>>>> {
    let value = proptest::option::of("[a-b,;|\"\\\\\n\r\tNé. ]{0,6}");
    proptest::collection::vec(proptest::collection::vec(value, COLUMNS..=COLUMNS), 0..5)
}

proptest! {
    #[test]
    fn text_that_was_written_is_read_as_it_was(rows in rows(), step in 1usize..9, bar in any::<bool>()) {
        let delimiter = if bar { b'|' } else { b'\t' };
        let options = options(CopyFormat::Text, delimiter, b'"', false);
        prop_assert_eq!(read(&written(&rows, &options), step, &options), rows);
    }

    #[test]
    fn csv_that_was_written_is_read_as_it_was(
        rows in rows(),
        step in 1usize..9,
        is_forced in any::<bool>(),
        escape in prop_oneof![Just(b'"'), Just(b'\\')],
    ) {
        let options = options(CopyFormat::Csv, b',', escape, is_forced);
        prop_assert_eq!(read(&written(&rows, &options), step, &options), rows);
    }

    #[test]
    fn any_bytes_give_lines_and_fields_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for format in [CopyFormat::Text, CopyFormat::Csv] {
            let options = options(format, b',', b'"', false);
            let mut lines = Lines::new(&options);
            lines.push(&bytes);
            while let Ok(Some(line)) = lines.next(true) {
                let _ = csv_fields(&line, &options);
                let _ = text_fields(&line, &options);
            }
        }
    }
}
