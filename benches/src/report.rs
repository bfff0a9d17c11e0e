//! Counts, figures and tables.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What a run went through: two runs over one file must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks, without one that genesis.json describes.
    pub blocks: u64,
    /// Transactions.
    pub transactions: u64,
    /// Logs.
    pub logs: u64,
}

impl Counts {
    /// Adds another thread's share.
    pub fn add(&mut self, other: &Self) {
        self.blocks += other.blocks;
        self.transactions += other.transactions;
        self.logs += other.logs;
    }

    /// As JSON, for the parent process.
    pub fn to_json(self) -> Value {
        json!([self.blocks, self.transactions, self.logs])
    }

    /// From JSON.
    pub fn from_json(value: &Value) -> Self {
        let at = |index: usize| value[index].as_u64().unwrap_or_default();
        Self { blocks: at(0), transactions: at(1), logs: at(2) }
    }
}

/// Rows of text with aligned columns: the first column left, the others right.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()] }
    }

    /// Appends a row.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// As Markdown.
    pub fn to_markdown(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                _ = match column {
                    0 => write!(text, "| {cell:<width$} "),
                    _ => write!(text, "| {cell:>width$} "),
                };
            }
            text.push_str("|\n");
            if index == 0 {
                let rule = |column: usize| if column == 0 { "---" } else { "--:" };
                (0..columns).for_each(|column| _ = write!(text, "|{}", rule(column)));
                text.push_str("|\n");
            }
        }
        text
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `amount` per second, rounded, with separators.
pub fn rate(amount: u64, seconds: f64) -> String {
    thousands((amount as f64 / seconds).round() as u64)
}

/// Bytes as MB (10^6).
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// The middle one of `values`, which must not be empty.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value that 99 of 100 of `values` do not exceed.
pub fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * 99 / 100).min(values.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn median_and_p99_are_values_of_the_list() {
        let values: Vec<_> = (1..=200).map(f64::from).collect();
        assert_eq!(median(values.clone()), 101.0);
        assert_eq!(p99(values), 199.0);
        assert_eq!(p99(vec![5.0]), 5.0);
    }
}
