//! Prints result rows as a table, CSV or JSON lines. Values are PostgreSQL's text forms, so nothing
//! differs from what psql shows.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use query_engine::values::{TextStyle, text_rows};
use query_engine::{PgType, ResultColumn};

use super::Format;

/// Rows that decide the column widths of a table; later rows may be wider and are printed whole.
const WIDTH_ROWS_MAX: usize = 1_000;

/// Writes batches of one result.
pub(super) struct RowWriter<'a> {
    format: Format,
    columns: &'a [ResultColumn],
    style: &'a TextStyle,
    /// Rows held back until the widths of a table are known.
    held: Vec<Vec<Option<String>>>,
    widths: Option<Vec<usize>>,
    row_count: u64,
}

impl<'a> RowWriter<'a> {
    pub(super) fn new(format: Format, columns: &'a [ResultColumn], style: &'a TextStyle) -> Self {
        Self { format, columns, style, held: Vec::new(), widths: None, row_count: 0 }
    }

    /// Writes the rows of `batch`, or holds them until widths are known.
    pub(super) fn write(
        &mut self,
        out: &mut impl Write,
        batch: &RecordBatch,
    ) -> anyhow::Result<()> {
        if self.format == Format::Csv && self.row_count == 0 {
            self.csv_header(out)?;
        }
        for cells in text_rows(batch, self.columns, self.style)? {
            self.row_count += 1;
            match self.format {
                Format::Csv => csv_line(out, &cells)?,
                Format::Json => self.json_line(out, &cells)?,
                Format::Table => self.table_row(out, cells)?,
            }
        }
        Ok(())
    }

    /// Writes what is held back and the row count of a table.
    pub(super) fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        match self.format {
            Format::Table => {
                self.flush_held(out)?;
                let plural = if self.row_count == 1 { "" } else { "s" };
                writeln!(out, "({} row{plural})", self.row_count)
            }
            Format::Csv if self.row_count == 0 => self.csv_header(out),
            Format::Csv | Format::Json => Ok(()),
        }
    }

    fn csv_header(&self, out: &mut impl Write) -> io::Result<()> {
        let names: Vec<_> = self.columns.iter().map(|column| Some(column.name.clone())).collect();
        csv_line(out, &names)
    }

    fn json_line(&self, out: &mut impl Write, cells: &[Option<String>]) -> io::Result<()> {
        out.write_all(b"{")?;
        for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            if index > 0 {
                out.write_all(b",")?;
            }
            write!(out, "{}:{}", json_string(&column.name), json_value(column.pg_type, cell))?;
        }
        out.write_all(b"}\n")
    }

    fn table_row(&mut self, out: &mut impl Write, cells: Vec<Option<String>>) -> io::Result<()> {
        if let Some(widths) = &self.widths {
            return table_line(out, self.columns, widths, &cells);
        }
        self.held.push(cells);
        if self.held.len() >= WIDTH_ROWS_MAX { self.flush_held(out) } else { Ok(()) }
    }

    fn flush_held(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.widths.is_some() {
            return Ok(());
        }
        let width_of = |index: usize| {
            let cells = self.held.iter().map(|row| row[index].as_deref().map_or(0, char_count));
            cells.chain([char_count(&self.columns[index].name)]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width_of).collect();
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        let header: Vec<String> =
            names.iter().zip(&widths).map(|(name, width)| format!(" {name:^width$} ")).collect();
        writeln!(out, "{}", header.join("|").trim_end())?;
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(out, "{}", rule.join("+"))?;
        for row in std::mem::take(&mut self.held) {
            table_line(out, self.columns, &widths, &row)?;
        }
        self.widths = Some(widths);
        Ok(())
    }
}

fn char_count(text: &str) -> usize {
    text.chars().count()
}

fn is_number(pg_type: PgType) -> bool {
    matches!(
        pg_type,
        PgType::Int2
            | PgType::Int4
            | PgType::Int8
            | PgType::Oid
            | PgType::Float4
            | PgType::Float8
            | PgType::Numeric
    )
}

fn table_line(
    out: &mut impl Write,
    columns: &[ResultColumn],
    widths: &[usize],
    cells: &[Option<String>],
) -> io::Result<()> {
    let mut line = String::new();
    for (index, ((column, width), cell)) in columns.iter().zip(widths).zip(cells).enumerate() {
        if index > 0 {
            line.push('|');
        }
        let text = cell.as_deref().unwrap_or("");
        if is_number(column.pg_type) {
            line.push_str(&format!(" {text:>width$} "));
        } else {
            line.push_str(&format!(" {text:<width$} "));
        }
    }
    writeln!(out, "{}", line.trim_end())
}

/// RFC 4180: quoted where needed; NULL is an empty field, an empty string is `""`.
fn csv_line(out: &mut impl Write, cells: &[Option<String>]) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        match cell {
            None => {}
            Some(text) if text.is_empty() || text.contains([',', '"', '\n', '\r']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Some(text) => out.write_all(text.as_bytes())?,
        }
    }
    out.write_all(b"\n")
}

fn json_value(pg_type: PgType, cell: &Option<String>) -> String {
    let Some(text) = cell else { return "null".to_owned() };
    match pg_type {
        PgType::Bool => (text == "t").to_string(),
        PgType::Int2 | PgType::Int4 | PgType::Oid => text.clone(),
        // A reader that keeps numbers as doubles would round a larger one.
        PgType::Int8 if text.parse::<i64>().is_ok_and(|n| n.unsigned_abs() <= 1 << 53) => {
            text.clone()
        }
        _ => json_string(text),
    }
}

fn json_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if u32::from(c) < 0x20 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(cells: &[Option<&str>]) -> String {
        let cells: Vec<_> = cells.iter().map(|cell| cell.map(str::to_owned)).collect();
        let mut out = Vec::new();
        csv_line(&mut out, &cells).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_tells_null_from_empty_and_quotes_what_needs_it() {
        assert_eq!(
            csv(&[None, Some(""), Some("a,b"), Some("say \"hi\"")]),
            ",\"\",\"a,b\",\"say \"\"hi\"\"\"\n"
        );
    }

    #[test]
    fn json_keeps_numbers_that_a_double_would_round_as_strings() {
        let value = |pg_type, text: &str| json_value(pg_type, &Some(text.to_owned()));
        assert_eq!(value(PgType::Int8, "9007199254740992"), "9007199254740992");
        assert_eq!(value(PgType::Int8, "9007199254740993"), "\"9007199254740993\"");
        assert_eq!(value(PgType::Numeric, "1"), "\"1\"");
        assert_eq!(value(PgType::Bool, "f"), "false");
        assert_eq!(json_value(PgType::Text, &None), "null");
    }

    #[test]
    fn json_escapes_control_characters() {
        assert_eq!(json_string("a\"\\\n\u{1}"), "\"a\\\"\\\\\\n\\u0001\"");
    }
}
