//! Places in a statement text: line and column, or a token, to PostgreSQL's 1-based character position.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::{QueryError, SqlState};

/// Character position of a line and column, both from 1.
pub(crate) fn of_location(sql: &str, line: u64, column: u64) -> u32 {
    let before: usize = sql
        .split_inclusive('\n')
        .take(usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX))
        .map(|line| line.chars().count())
        .sum();
    u32::try_from(before as u64 + column.max(1)).unwrap_or(u32::MAX)
}

/// Line and column at the end of a parser message: `… at Line: 1, Column: 8`.
pub(crate) fn in_message(message: &str) -> Option<(u64, u64)> {
    let (_, tail) = message.rsplit_once("Line: ")?;
    let (line, column) = tail.split_once(", Column: ")?;
    let digits = column.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.trim().parse().ok()?, digits.parse().ok()?))
}

/// The token that starts at a line and column.
pub(crate) fn token_at(sql: &str, line: u64, column: u64) -> Option<Token> {
    tokens(sql)?
        .into_iter()
        .find(|token| token.span.start == Location { line, column })
        .map(|token| token.token)
}

/// Turns the name or literal that `error` is about into a position.
pub(crate) fn locate(mut error: QueryError, sql: &str) -> QueryError {
    if error.position.is_some() {
        return error;
    }
    let Some(about) = error.token.take().or_else(|| quoted_value(&error).map(Into::into)) else {
        return error;
    };
    if about.is_empty() {
        return error;
    }
    let Some(tokens) = tokens(sql) else { return error };
    let significant: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let found = significant
        .iter()
        .position(|token| literal_of(&token.token) == Some(&*about))
        .or_else(|| find_name(&significant, &about));
    if let Some(index) = found {
        let start = significant[index].span.start;
        error.position = Some(of_location(sql, start.line, start.column));
    }
    error
}

/// The literal or name that a message quotes: `…: "abc"` for bad input, `… "abc" …` for what is missing.
fn quoted_value(error: &QueryError) -> Option<String> {
    let message = error.message.as_str();
    match error.state {
        SqlState::INVALID_TEXT | SqlState::INVALID_DATETIME | SqlState::DATETIME_OVERFLOW => {
            let (_, value) = message.split_once(": \"")?;
            value.strip_suffix('"').map(str::to_owned)
        }
        SqlState::UNDEFINED_OBJECT if !message.starts_with("type ") => None,
        SqlState::UNDEFINED_OBJECT | SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE => {
            let (_, value) = message.split_once('"')?;
            value.split_once('"').map(|(value, _)| value.to_owned())
        }
        _ => None,
    }
}

fn find_name(tokens: &[TokenWithSpan], name: &str) -> Option<usize> {
    let parts: Vec<&str> = name.split('.').collect();
    let whole = (0..tokens.len()).find(|start| {
        parts.iter().enumerate().all(|(index, part)| {
            let at = start + 2 * index;
            let dot = index == 0
                || matches!(tokens.get(at - 1).map(|token| &token.token), Some(Token::Period));
            dot && tokens.get(at).is_some_and(|token| is_word(&token.token, part))
        })
    });
    // A column may be reported with a qualifier that the text left out.
    whole.or_else(|| {
        let last = parts.last()?;
        tokens.iter().position(|token| is_word(&token.token, last))
    })
}

fn is_word(token: &Token, name: &str) -> bool {
    match token {
        Token::Word(word) if word.quote_style.is_some() => word.value == name,
        Token::Word(word) => word.value.eq_ignore_ascii_case(name),
        _ => false,
    }
}

fn literal_of(token: &Token) -> Option<&str> {
    match token {
        Token::SingleQuotedString(text)
        | Token::EscapedStringLiteral(text)
        | Token::Number(text, _) => Some(text),
        _ => None,
    }
}

fn tokens(sql: &str) -> Option<Vec<TokenWithSpan>> {
    Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_not_bytes() {
        let sql = "select 'é', nope";
        let error = QueryError::new(SqlState::UNDEFINED_COLUMN, "").about("nope");
        assert_eq!(locate(error, sql).position, Some(13));
    }

    #[test]
    fn a_qualified_name_is_found_at_its_qualifier() {
        let sql = "select\n  b.nope from blocks b";
        let error = QueryError::new(SqlState::UNDEFINED_COLUMN, "").about("b.nope");
        assert_eq!(locate(error, sql).position, Some(10));
    }

    #[test]
    fn a_literal_is_found_before_a_name() {
        let sql = "select a from t where x = 'a'";
        let error = QueryError::new(SqlState::INVALID_TEXT, "").about("a");
        assert_eq!(locate(error, sql).position, Some(27));
    }
}
