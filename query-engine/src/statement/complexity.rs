//! Bounds what the parser is given, by its tokens alone.
//!
//! The parser limits its own recursion, but not everything that grows with nesting: it tries a
//! parenthesis before SELECT, and an argument of a function, in several ways, so its time doubles with each
//! level; arrays nest without a bound; and a long chain of set operations is a tree as deep as the chain,
//! which ends the process when it is dropped. All are refused here, before a tree exists.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::limits::{
    ARRAY_NESTING_MAX, CALL_NESTING_MAX, SET_OPERATIONS_MAX, SUBQUERY_NESTING_MAX,
};
use crate::{QueryError, SqlState};

/// What is counted in one statement.
#[derive(Default)]
struct Counts {
    /// For each open parenthesis, what it begins.
    parentheses: Vec<Parenthesis>,
    subqueries: usize,
    /// Subqueries and calls: each doubles the time of what is in it.
    doublings: usize,
    brackets: usize,
    set_operations: usize,
}

/// What a parenthesis begins.
#[derive(Clone, Copy, Default)]
struct Parenthesis {
    query: bool,
    /// The arguments of a function, as far as the word before it says.
    call: bool,
}

/// Refuses a text whose statements are too complex to parse.
///
/// # Errors
/// 54001 with the limit that is passed.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let mut counts = Counts::default();
    let mut words = tokens
        .iter()
        .map(|token| &token.token)
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .peekable();
    let mut before = None;
    while let Some(token) = words.next() {
        match token {
            Token::LParen => counts.open(Parenthesis {
                query: words.peek().is_some_and(|next| begins_query(next)),
                call: before.is_some_and(names_a_function),
            }),
            Token::RParen => counts.close(),
            Token::LBracket => counts.brackets += 1,
            Token::RBracket => counts.brackets = counts.brackets.saturating_sub(1),
            Token::SemiColon => counts = Counts::default(),
            Token::Word(word) => match word.keyword {
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => counts.set_operations += 1,
                _ => {}
            },
            _ => {}
        }
        counts.check()?;
        before = Some(token);
    }
    Ok(())
}

/// Whether a parenthesis after `token` may hold the arguments of a function. Words that stand before other
/// parentheses do not count, for conditions nest deeply in generated statements.
fn names_a_function(token: &Token) -> bool {
    use Keyword as K;
    let Token::Word(word) = token else { return false };
    !matches!(
        word.keyword,
        K::AND
            | K::OR
            | K::NOT
            | K::WHERE
            | K::ON
            | K::HAVING
            | K::IN
            | K::WHEN
            | K::THEN
            | K::ELSE
            | K::CASE
            | K::SELECT
            | K::FROM
            | K::JOIN
            | K::BY
            | K::AS
            | K::VALUES
            | K::LIKE
            | K::IS
            | K::UNION
            | K::ALL
    )
}

fn begins_query(token: &Token) -> bool {
    match token {
        Token::Word(word) => {
            matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES)
        }
        _ => false,
    }
}

impl Counts {
    fn open(&mut self, parenthesis: Parenthesis) {
        self.parentheses.push(parenthesis);
        self.subqueries += usize::from(parenthesis.query);
        self.doublings += usize::from(parenthesis.query || parenthesis.call);
    }

    fn close(&mut self) {
        // A closing parenthesis too many is the parser's to report.
        let Parenthesis { query, call } = self.parentheses.pop().unwrap_or_default();
        self.subqueries -= usize::from(query);
        self.doublings -= usize::from(query || call);
    }

    fn check(&self) -> Result<(), QueryError> {
        let limits = [
            (self.subqueries, SUBQUERY_NESTING_MAX, "subqueries nest deeper than"),
            (self.doublings, CALL_NESTING_MAX, "function calls and subqueries nest deeper than"),
            (self.brackets, ARRAY_NESTING_MAX, "arrays nest deeper than"),
            (
                self.set_operations,
                SET_OPERATIONS_MAX,
                "set operations in one statement number more than",
            ),
        ];
        match limits.into_iter().find(|(count, max, _)| count > max) {
            None => Ok(()),
            Some((_, max, what)) => {
                Err(QueryError::new(SqlState::TOO_COMPLEX, format!("{what} {max}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::parse::parse;

    fn state(sql: &str) -> Option<SqlState> {
        parse(sql).err().map(|error| error.state)
    }

    fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
        format!("SELECT {}{inner}{}", open.repeat(depth), close.repeat(depth))
    }

    #[test]
    fn each_limit_is_allowed_and_one_more_is_refused() {
        let subqueries = |depth| nested("(SELECT ", "1", ")", depth);
        assert_eq!(state(&subqueries(SUBQUERY_NESTING_MAX)), None);
        assert_eq!(state(&subqueries(SUBQUERY_NESTING_MAX + 1)), Some(SqlState::TOO_COMPLEX));
        let arrays = |depth| nested("ARRAY[", "1", "]", depth);
        assert_eq!(state(&arrays(ARRAY_NESTING_MAX)), None);
        assert_eq!(state(&arrays(ARRAY_NESTING_MAX + 1)), Some(SqlState::TOO_COMPLEX));
        let calls = |depth| nested("abs(", "1", ")", depth);
        assert_eq!(state(&calls(CALL_NESTING_MAX)), None);
        assert_eq!(state(&calls(CALL_NESTING_MAX + 1)), Some(SqlState::TOO_COMPLEX));
        let conditions = |depth| nested("NOT (true AND (", "true", "))", depth);
        assert_eq!(state(&conditions(CALL_NESTING_MAX)), None);
        let unions = |count| format!("SELECT 1{}", " UNION SELECT 1".repeat(count));
        assert_eq!(state(&unions(SET_OPERATIONS_MAX)), None);
        assert_eq!(state(&unions(SET_OPERATIONS_MAX + 1)), Some(SqlState::TOO_COMPLEX));
    }

    #[test]
    fn statements_of_one_text_are_counted_apart() {
        let one = format!("SELECT 1{};", " UNION SELECT 1".repeat(SET_OPERATIONS_MAX));
        assert_eq!(state(&one.repeat(3)), None);
    }

    #[test]
    fn words_in_literals_and_parentheses_side_by_side_do_not_count() {
        let text = "'(SELECT [ UNION', ".repeat(SUBQUERY_NESTING_MAX + 1);
        assert_eq!(state(&format!("SELECT {text} 1")), None);
        let side_by_side = "(SELECT 1), ".repeat(SUBQUERY_NESTING_MAX + 1);
        assert_eq!(state(&format!("SELECT {side_by_side} 1")), None);
    }
}
