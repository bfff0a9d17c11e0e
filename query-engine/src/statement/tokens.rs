//! Tokens as PostgreSQL reads them, where the parser's own reading is another.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use crate::{QueryError, SqlState};

/// Joins literals that a line break continues, reads `0b11` and `0o17`, and refuses what the parser would
/// take for an alias: a second literal, and letters behind a number. An error is beside its place.
pub(super) fn settled(
    tokens: Vec<TokenWithSpan>,
) -> Result<Vec<TokenWithSpan>, Box<(QueryError, Location)>> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match &token.token {
            Token::Word(word) if word.quote_style == Some('"') && word.value.is_empty() => {
                let error = syntax("zero-length delimited identifier at or near \"\"\"\"");
                return Err(Box::new((error, token.span.start)));
            }
            Token::SingleQuotedString(text) => {
                if let Some((at, is_continued)) = literal_before(&out) {
                    if !is_continued {
                        let error = syntax(&format!("syntax error at or near \"'{text}'\""));
                        return Err(Box::new((error, token.span.start)));
                    }
                    out.truncate(at + 1);
                    if let Some(Token::SingleQuotedString(first)) =
                        out.last_mut().map(|token| &mut token.token)
                    {
                        first.push_str(text);
                    }
                    continue;
                }
                out.push(token);
            }
            Token::Word(word) if word.quote_style.is_none() => {
                let number = match out.last().map(|token| &token.token) {
                    Some(Token::Number(digits, false)) => Some(digits.clone()),
                    _ => None,
                };
                let Some(number) = number else {
                    out.push(token);
                    continue;
                };
                let found = (number == "0").then(|| in_radix(&word.value)).flatten();
                let start = out.last().map_or(token.span.start, |token| token.span.start);
                let Some(found) = found else {
                    let message = format!(
                        "trailing junk after numeric literal at or near \"{number}{}\"",
                        word.value
                    );
                    return Err(Box::new((syntax(&message), start)));
                };
                if let Some(last) = out.last_mut() {
                    last.token = Token::Number(found, false);
                }
            }
            _ => out.push(token),
        }
    }
    Ok(out)
}

/// Drops ONLY before the name of a table: no table here has others that inherit from it.
pub(super) fn without_only(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let keyword = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    };
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // The words before, without white space; `only` is the place of an ONLY that may have to go.
    let (mut before, mut only) = (Keyword::NoKeyword, None);
    for token in tokens {
        if !matches!(token.token, Token::Whitespace(_)) {
            if let Some(at) = only.take()
                && matches!(token.token, Token::Word(_))
            {
                out.remove(at);
            }
            let word = keyword(&token);
            let is_behind = matches!(before, Keyword::FROM | Keyword::JOIN | Keyword::UPDATE);
            only = (word == Keyword::ONLY && is_behind).then_some(out.len());
            before = word;
        }
        out.push(token);
    }
    out
}

fn syntax(message: &str) -> QueryError {
    QueryError::new(SqlState::SYNTAX_ERROR, message)
}

/// The literal that only white space follows, and whether a line break is in it.
fn literal_before(tokens: &[TokenWithSpan]) -> Option<(usize, bool)> {
    use sqlparser::tokenizer::Whitespace;
    let at = tokens.iter().rposition(|token| !matches!(token.token, Token::Whitespace(_)))?;
    if !matches!(tokens[at].token, Token::SingleQuotedString(_)) {
        return None;
    }
    let is_break = |token: &TokenWithSpan| {
        matches!(
            token.token,
            Token::Whitespace(Whitespace::Newline | Whitespace::SingleLineComment { .. })
        )
    };
    Some((at, tokens[at + 1..].iter().any(is_break)))
}

/// The decimal digits of `b11` or `o17` behind a zero.
fn in_radix(word: &str) -> Option<String> {
    let radix = match word.as_bytes().first()? {
        b'b' | b'B' => 2,
        b'o' | b'O' => 8,
        _ => return None,
    };
    let digits = &word[1..];
    let digits = digits.strip_prefix('_').unwrap_or(digits);
    let is_well = digits
        .split('_')
        .all(|group| !group.is_empty() && group.chars().all(|character| character.is_digit(radix)));
    let value = num_bigint::BigUint::parse_bytes(digits.replace('_', "").as_bytes(), radix)?;
    is_well.then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::tokenizer::Tokenizer;

    use super::*;

    fn shown(sql: &str) -> Result<String, String> {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().unwrap();
        let tokens = settled(tokens).map_err(|error| error.0.message)?;
        Ok(tokens.iter().map(|token| token.token.to_string()).collect())
    }

    #[test]
    fn literals_go_on_after_a_line_break_and_nowhere_else() {
        assert_eq!(shown("select 'a'\n  'b'").unwrap(), "select 'ab'");
        assert!(shown("select 'a' 'b'").unwrap_err().starts_with("syntax error"));
        assert_eq!(shown("select 'a', 'b'").unwrap(), "select 'a', 'b'");
    }

    #[test]
    fn only_is_dropped_before_the_name_of_a_table() {
        let dropped = |sql: &str| {
            let dialect = PostgreSqlDialect {};
            let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().unwrap();
            without_only(tokens).iter().map(|token| token.token.to_string()).collect::<String>()
        };
        assert_eq!(dropped("select 1 from only a.b x"), "select 1 from  a.b x");
        assert_eq!(dropped("select only from t"), "select only from t");
        assert_eq!(dropped("select 1 from only"), "select 1 from only");
        assert_eq!(dropped("fetch first 2 rows only"), "fetch first 2 rows only");
    }

    #[test]
    fn numbers_are_read_to_their_end() {
        assert_eq!(shown("select 0b11, 0o17, 1 b").unwrap(), "select 3, 15, 1 b");
        for sql in ["select 1a", "select 0b12", "select 1__0"] {
            assert!(shown(sql).unwrap_err().starts_with("trailing junk"), "{sql}");
        }
        assert!(shown("select \"\"").unwrap_err().starts_with("zero-length"));
    }
}
