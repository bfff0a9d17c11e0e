//! COPY: parsed here, because the parser's own COPY reads rows that follow the statement in its text.
//!
//! ```text
//! COPY table [(columns)] | (query)   TO STDOUT | FROM STDIN   [WITH] (option [value], …) | old options
//! ```
//!
//! Invariants
//! - No file and no program of the server is named by a statement that goes on.

use sqlparser::ast::{Ident, ObjectName, Query};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{IsOptional, Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::refuse;
use crate::{QueryError, SqlState};

/// A COPY statement.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    /// What is read or written.
    pub(crate) source: Source,
    /// Where to or from.
    pub(crate) direction: Direction,
    /// Options in order, old syntax and new syntax alike.
    pub(crate) options: Vec<RawOption>,
}

/// What COPY reads or writes.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Query(Box<Query>),
    /// Without columns: all of them.
    Table {
        name: ObjectName,
        columns: Vec<Ident>,
    },
}

/// Where rows go to or come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToClient,
    FromClient,
    ToServer,
    FromServer,
}

/// An option as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawOption {
    /// Name in lower case.
    pub(crate) name: String,
    /// What follows it.
    pub(crate) value: RawValue,
}

/// Value of an option as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawValue {
    None,
    Text(String),
    /// `*`: all columns.
    All,
    Names(Vec<String>),
}

/// Whether the next statement is a COPY.
pub(super) fn is_next(parser: &Parser<'_>) -> bool {
    matches!(&parser.peek_token().token, Token::Word(word) if word.keyword == Keyword::COPY)
}

/// Parses a COPY statement; [`is_next`] holds.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Copy, ParserError> {
    parser.next_token();
    let mut options = Vec::new();
    if is_word(&parser.peek_token().token, "binary") {
        parser.next_token();
        options.push(text_option("format", "binary"));
    }
    let source = if parser.consume_token(&Token::LParen) {
        let query = parser.parse_query()?;
        parser.expect_token(&Token::RParen)?;
        Source::Query(query)
    } else {
        Source::Table {
            name: parser.parse_object_name(false)?,
            columns: parser.parse_parenthesized_column_list(IsOptional::Optional, false)?,
        }
    };
    let keywords = match source {
        Source::Query(_) => &[Keyword::TO][..],
        Source::Table { .. } => &[Keyword::TO, Keyword::FROM][..],
    };
    let is_to = match parser.parse_one_of_keywords(keywords) {
        Some(keyword) => keyword == Keyword::TO,
        None => return parser.expected("TO or FROM", parser.peek_token()),
    };
    let direction = direction(parser, is_to)?;
    let _ = parser.parse_keyword(Keyword::WITH);
    if parser.consume_token(&Token::LParen) {
        loop {
            options.push(option(parser)?);
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
        parser.expect_token(&Token::RParen)?;
    } else {
        while let Some(found) = old_option(parser)? {
            options.push(found);
        }
    }
    Ok(Copy { source, direction, options })
}

/// Refuses what never runs: files and programs of the server, and queries that write.
///
/// # Errors
/// 42501 as PostgreSQL gives to a role that may not use the server's files; else as for the query.
pub(super) fn check(copy: &Copy) -> Result<(), QueryError> {
    if let Source::Query(query) = &copy.source {
        refuse::check_query(query)?;
    }
    let (verb, role) = match copy.direction {
        Direction::ToClient | Direction::FromClient => return Ok(()),
        Direction::ToServer => ("to", "pg_write_server_files"),
        Direction::FromServer => ("from", "pg_read_server_files"),
    };
    Err(QueryError::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("permission denied to COPY {verb} a file"),
    )
    .with_detail(format!(
        "Only roles with privileges of the \"{role}\" role may COPY {verb} a file, and no role has them here."
    ))
    .with_hint(
        "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.",
    ))
}

fn direction(parser: &mut Parser<'_>, is_to: bool) -> Result<Direction, ParserError> {
    // As PostgreSQL, either word names the client, whatever the direction.
    if parser.parse_one_of_keywords(&[Keyword::STDIN, Keyword::STDOUT]).is_some() {
        return Ok(if is_to { Direction::ToClient } else { Direction::FromClient });
    }
    let _ = parser.parse_keyword(Keyword::PROGRAM);
    parser.parse_literal_string()?;
    Ok(if is_to { Direction::ToServer } else { Direction::FromServer })
}

fn option(parser: &mut Parser<'_>) -> Result<RawOption, ParserError> {
    let name = match parser.next_token().token {
        Token::Word(word) => folded(&word),
        _ => {
            parser.prev_token();
            return parser.expected("an option", parser.peek_token());
        }
    };
    let value = match parser.peek_token().token {
        Token::Comma | Token::RParen => RawValue::None,
        Token::Mul => {
            parser.next_token();
            RawValue::All
        }
        Token::LParen => RawValue::Names(names(parser)?),
        _ => RawValue::Text(value(parser)?),
    };
    Ok(RawOption { name, value })
}

fn names(parser: &mut Parser<'_>) -> Result<Vec<String>, ParserError> {
    let columns = parser.parse_parenthesized_column_list(IsOptional::Mandatory, false)?;
    Ok(columns.iter().map(ident).collect())
}

/// An option of the syntax before PostgreSQL 9.0.
fn old_option(parser: &mut Parser<'_>) -> Result<Option<RawOption>, ParserError> {
    let Token::Word(word) = parser.peek_token().token else { return Ok(None) };
    let name = word.value.to_ascii_lowercase();
    Ok(Some(match name.as_str() {
        "binary" | "csv" => {
            parser.next_token();
            text_option("format", &name)
        }
        "freeze" | "header" => {
            parser.next_token();
            RawOption { name, value: RawValue::None }
        }
        "delimiter" | "null" | "quote" | "escape" | "encoding" => {
            parser.next_token();
            let _ = parser.parse_keyword(Keyword::AS);
            RawOption { name, value: RawValue::Text(parser.parse_literal_string()?) }
        }
        "force" => {
            parser.next_token();
            let name = match parser.parse_one_of_keywords(&[Keyword::NOT, Keyword::NULL]) {
                Some(Keyword::NOT) => {
                    parser.expect_keyword_is(Keyword::NULL)?;
                    "force_not_null"
                }
                Some(_) => "force_null",
                None if is_word(&parser.peek_token().token, "quote") => {
                    parser.next_token();
                    "force_quote"
                }
                None => return parser.expected("QUOTE, NULL or NOT NULL", parser.peek_token()),
            };
            let value = if name == "force_quote" && parser.consume_token(&Token::Mul) {
                RawValue::All
            } else {
                let columns = parser.parse_comma_separated(Parser::parse_identifier)?;
                RawValue::Names(columns.iter().map(ident).collect())
            };
            RawOption { name: name.to_owned(), value }
        }
        _ => return Ok(None),
    }))
}

fn value(parser: &mut Parser<'_>) -> Result<String, ParserError> {
    match parser.peek_token().token {
        Token::Word(word) => {
            parser.next_token();
            Ok(folded(&word))
        }
        Token::Number(number, _) => {
            parser.next_token();
            Ok(number)
        }
        _ => parser.parse_literal_string(),
    }
}

fn text_option(name: &str, value: &str) -> RawOption {
    RawOption { name: name.to_owned(), value: RawValue::Text(value.to_owned()) }
}

fn is_word(token: &Token, text: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
}

fn folded(word: &Word) -> String {
    if word.quote_style.is_some() { word.value.clone() } else { word.value.to_ascii_lowercase() }
}

fn ident(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}
