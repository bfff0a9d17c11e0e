//! Options of COPY: as written → checked, with PostgreSQL's words for what it refuses.

use crate::statement::copy::{RawOption, RawValue};
use crate::{QueryError, SqlState};

/// Characters that mean something after a backslash, or are part of a value, in text format.
const RESERVED_DELIMITERS: &str = "\\.abcdefghijklmnopqrstuvwxyz0123456789";

/// Form of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyFormat {
    /// Lines with backslash escapes.
    #[default]
    Text,
    /// Comma-separated values.
    Csv,
    /// PostgreSQL's binary format.
    Binary,
}

/// Whether there is a line of column names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyHeader {
    /// No.
    #[default]
    No,
    /// Yes; when read, it is skipped.
    Yes,
    /// Yes; when read, its names must be those of the columns.
    Match,
}

/// Options of one COPY. The lists have one entry per copied column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOptions {
    /// Form of the rows.
    pub format: CopyFormat,
    /// Between values.
    pub delimiter: u8,
    /// What stands for NULL.
    pub null: String,
    /// Line of column names.
    pub header: CopyHeader,
    /// CSV: around values.
    pub quote: u8,
    /// CSV: before a quote inside a quoted value.
    pub escape: u8,
    /// CSV, out: columns whose values are always quoted.
    pub force_quote: Vec<bool>,
    /// CSV, in: columns in which the null text is a value.
    pub force_not_null: Vec<bool>,
    /// CSV, in: columns in which the null text is NULL also when quoted.
    pub force_null: Vec<bool>,
}

/// Options as found, before defaults.
#[derive(Default)]
struct Found {
    format: Option<CopyFormat>,
    freeze: Option<bool>,
    header: Option<CopyHeader>,
    texts: [Option<String>; 4],
    encoding: Option<()>,
    lists: [Option<RawValue>; 3],
}

/// Options with a text, by their place in [`Found::texts`].
const TEXTS: [&str; 4] = ["delimiter", "null", "quote", "escape"];
/// Options with columns, by their place in [`Found::lists`], as messages name them.
const LISTS: [(&str, &str); 3] = [
    ("force_quote", "force quote"),
    ("force_not_null", "force not null"),
    ("force_null", "force null"),
];

impl CopyOptions {
    /// Checks `options` of a COPY of `columns`, from the client when `is_from`.
    ///
    /// # Errors
    /// 42601 for unknown, repeated or contradicting options, 22023 and 0A000 for values that do not
    /// fit, 42703 and 42P10 for columns that are not copied.
    pub(crate) fn new(
        options: &[RawOption],
        columns: &[String],
        is_from: bool,
    ) -> Result<Self, QueryError> {
        let mut found = Found::default();
        for option in options {
            found.add(option, is_from)?;
        }
        let format = found.format.unwrap_or_default();
        if format == CopyFormat::Binary {
            for (at, name) in [(0, "DELIMITER"), (1, "NULL")] {
                if found.texts[at].is_some() {
                    return Err(syntax(format!("cannot specify {name} in BINARY mode")));
                }
            }
            if found.header.is_some_and(|header| header != CopyHeader::No) {
                return Err(unsupported("cannot specify HEADER in BINARY mode"));
            }
        }
        let is_csv = format == CopyFormat::Csv;
        let [delimiter, null, quote, escape] = found.texts;
        let delimiter = delimiter.unwrap_or_else(|| if is_csv { "," } else { "\t" }.to_owned());
        let null = null.unwrap_or_else(|| if is_csv { "" } else { "\\N" }.to_owned());
        let delimiter = check_delimiter(&delimiter, &null, is_csv)?;
        let quote = csv_byte(quote, "quote", is_csv)?.unwrap_or(b'"');
        if is_csv && delimiter == quote {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        let escape = csv_byte(escape, "escape", is_csv)?.unwrap_or(quote);
        for (list, (_, shown)) in found.lists.iter().zip(LISTS) {
            if list.is_none() {
                continue;
            }
            if !is_csv {
                return Err(unsupported(format!("COPY {shown} available only in CSV mode")));
            }
            let needs_from = shown != "force quote";
            if needs_from != is_from {
                let way = if needs_from { "FROM" } else { "TO" };
                return Err(unsupported(format!("COPY {shown} only available using COPY {way}")));
            }
        }
        if null.as_bytes().contains(&delimiter) {
            return Err(unsupported("COPY delimiter must not appear in the NULL specification"));
        }
        if is_csv && null.as_bytes().contains(&quote) {
            return Err(unsupported(
                "CSV quote character must not appear in the NULL specification",
            ));
        }
        let [force_quote, force_not_null, force_null] = found.lists;
        Ok(Self {
            format,
            delimiter,
            null,
            header: found.header.unwrap_or_default(),
            quote,
            escape,
            force_quote: chosen(force_quote, columns, "FORCE_QUOTE")?,
            force_not_null: chosen(force_not_null, columns, "FORCE_NOT_NULL")?,
            force_null: chosen(force_null, columns, "FORCE_NULL")?,
        })
    }
}

impl Found {
    fn add(&mut self, option: &RawOption, is_from: bool) -> Result<(), QueryError> {
        let name = option.name.as_str();
        if let Some(at) = TEXTS.iter().position(|known| *known == name) {
            let RawValue::Text(text) = &option.value else {
                return Err(syntax(format!("{name} requires a parameter")));
            };
            return put(&mut self.texts[at], text.clone());
        }
        if let Some(at) = LISTS.iter().position(|known| known.0 == name) {
            let fits = match &option.value {
                RawValue::Names(_) => true,
                RawValue::All => name == "force_quote",
                RawValue::None | RawValue::Text(_) => false,
            };
            if !fits {
                return Err(invalid(format!(
                    "argument to option \"{name}\" must be a list of column names"
                )));
            }
            return put(&mut self.lists[at], option.value.clone());
        }
        match name {
            "format" => {
                let format = match &option.value {
                    RawValue::Text(text) => match text.as_str() {
                        "text" => CopyFormat::Text,
                        "csv" => CopyFormat::Csv,
                        "binary" => CopyFormat::Binary,
                        other => {
                            return Err(invalid(format!("COPY format \"{other}\" not recognized")));
                        }
                    },
                    _ => return Err(syntax("format requires a parameter")),
                };
                put(&mut self.format, format)
            }
            "freeze" => {
                let on = boolean(&option.value)
                    .ok_or_else(|| syntax("freeze requires a Boolean value"))?;
                put(&mut self.freeze, on)
            }
            "header" => put(&mut self.header, header(&option.value, is_from)?),
            "encoding" => match &option.value {
                RawValue::Text(text) if is_utf8(text) => put(&mut self.encoding, ()),
                RawValue::Text(text) => {
                    Err(unsupported(format!("COPY in encoding \"{text}\" is not supported"))
                        .with_hint("Use UTF8."))
                }
                _ => Err(invalid("argument to option \"encoding\" must be a valid encoding name")),
            },
            _ => Err(syntax(format!("option \"{name}\" not recognized"))),
        }
    }
}

fn put<T>(slot: &mut Option<T>, value: T) -> Result<(), QueryError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(syntax("conflicting or redundant options")),
    }
}

fn boolean(value: &RawValue) -> Option<bool> {
    match value {
        RawValue::None => Some(true),
        RawValue::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Some(true),
            "false" | "off" | "0" => Some(false),
            _ => None,
        },
        RawValue::All | RawValue::Names(_) => None,
    }
}

fn header(value: &RawValue, is_from: bool) -> Result<CopyHeader, QueryError> {
    if let RawValue::Text(text) = value
        && text.eq_ignore_ascii_case("match")
    {
        return if is_from {
            Ok(CopyHeader::Match)
        } else {
            Err(unsupported(format!("cannot use \"{text}\" with HEADER in COPY TO")))
        };
    }
    match boolean(value) {
        Some(true) => Ok(CopyHeader::Yes),
        Some(false) => Ok(CopyHeader::No),
        None => Err(syntax("header requires a Boolean value or \"match\"")),
    }
}

fn is_utf8(name: &str) -> bool {
    matches!(name.to_ascii_lowercase().replace('-', "").as_str(), "utf8" | "unicode" | "sql_ascii")
}

fn check_delimiter(delimiter: &str, null: &str, is_csv: bool) -> Result<u8, QueryError> {
    let &[byte] = delimiter.as_bytes() else {
        return Err(unsupported("COPY delimiter must be a single one-byte character"));
    };
    if matches!(byte, b'\r' | b'\n') {
        return Err(invalid("COPY delimiter cannot be newline or carriage return"));
    }
    if null.contains(['\r', '\n']) {
        return Err(invalid("COPY null representation cannot use newline or carriage return"));
    }
    if !is_csv && RESERVED_DELIMITERS.as_bytes().contains(&byte) {
        return Err(invalid(format!("COPY delimiter cannot be \"{delimiter}\"")));
    }
    Ok(byte)
}

fn csv_byte(text: Option<String>, what: &str, is_csv: bool) -> Result<Option<u8>, QueryError> {
    let Some(text) = text else { return Ok(None) };
    if !is_csv {
        return Err(unsupported(format!("COPY {what} available only in CSV mode")));
    }
    match text.as_bytes() {
        &[byte] => Ok(Some(byte)),
        _ => Err(unsupported(format!("COPY {what} must be a single one-byte character"))),
    }
}

fn chosen(
    list: Option<RawValue>,
    columns: &[String],
    option: &str,
) -> Result<Vec<bool>, QueryError> {
    let mut chosen = vec![false; columns.len()];
    match list {
        Some(RawValue::All) => chosen.fill(true),
        Some(RawValue::Names(names)) => {
            for name in names {
                let at = columns.iter().position(|column| *column == name).ok_or_else(|| {
                    QueryError::new(
                        SqlState::INVALID_COLUMN_REFERENCE,
                        format!("{option} column \"{name}\" not referenced by COPY"),
                    )
                })?;
                chosen[at] = true;
            }
        }
        _ => {}
    }
    Ok(chosen)
}

fn syntax(message: impl Into<String>) -> QueryError {
    QueryError::new(SqlState::SYNTAX_ERROR, message)
}

fn invalid(message: impl Into<String>) -> QueryError {
    QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn unsupported(message: impl Into<String>) -> QueryError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(sql: &str, is_from: bool) -> Result<CopyOptions, QueryError> {
        use crate::statement::Kind;
        let way = if is_from { "FROM STDIN" } else { "TO STDOUT" };
        let statement = crate::statement::parse(&format!("COPY t {way} {sql}"))?.remove(0);
        let Kind::Copy(copy) = &*statement.kind else { panic!("a COPY is a COPY") };
        CopyOptions::new(&copy.options, &["a".to_owned(), "b".to_owned()], is_from)
    }

    #[test]
    fn old_and_new_syntax_give_the_same_options() {
        let new = "WITH (FORMAT csv, HEADER, DELIMITER ';', NULL 'x', QUOTE '''', ESCAPE '!', FORCE_QUOTE (b))";
        let old = "WITH CSV HEADER DELIMITER AS ';' NULL 'x' QUOTE '''' ESCAPE '!' FORCE QUOTE b";
        let new = options(new, false).unwrap();
        assert_eq!(new, options(old, false).unwrap());
        assert_eq!((new.delimiter, new.quote, new.escape), (b';', b'\'', b'!'));
        assert_eq!(new.force_quote, [false, true]);
        assert_eq!(options("BINARY", false).unwrap().format, CopyFormat::Binary);
    }

    #[test]
    fn options_that_do_not_fit_have_postgresqls_codes() {
        for (sql, is_from, state, message) in [
            ("(FORMAT xml)", false, "22023", "COPY format \"xml\" not recognized"),
            ("(FORMAT csv, FORMAT csv)", false, "42601", "conflicting or redundant options"),
            ("(nosuch)", false, "42601", "option \"nosuch\" not recognized"),
            ("(FORMAT binary, NULL 'x')", false, "42601", "cannot specify NULL in BINARY mode"),
            (
                "(DELIMITER 'ab')",
                false,
                "0A000",
                "COPY delimiter must be a single one-byte character",
            ),
            ("(DELIMITER 'a')", false, "22023", "COPY delimiter cannot be \"a\""),
            ("(QUOTE 'q')", false, "0A000", "COPY quote available only in CSV mode"),
            (
                "(FORMAT csv, QUOTE ',')",
                false,
                "22023",
                "COPY delimiter and quote must be different",
            ),
            (
                "(FORMAT csv, FORCE_NULL (a))",
                false,
                "0A000",
                "COPY force null only available using COPY FROM",
            ),
            (
                "(FORMAT csv, FORCE_QUOTE *)",
                true,
                "0A000",
                "COPY force quote only available using COPY TO",
            ),
            (
                "(FORMAT csv, FORCE_NULL (c))",
                true,
                "42P10",
                "FORCE_NULL column \"c\" not referenced by COPY",
            ),
            ("(HEADER maybe)", true, "42601", "header requires a Boolean value or \"match\""),
            ("(ENCODING 'latin1')", true, "0A000", "COPY in encoding \"latin1\" is not supported"),
        ] {
            let error = options(sql, is_from).unwrap_err();
            assert_eq!((error.state.0, error.message.as_str()), (state, message), "{sql}");
        }
    }
}
