//! `x OPERATOR(pg_catalog.=) ANY (…)`: the parser knows ANY and ALL after a bare symbol only, which means
//! the same, since all operators are in `pg_catalog`.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Replaces `OPERATOR(pg_catalog.symbol)` before ANY, ALL or SOME by the symbol.
pub(super) fn bare_before_any(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at < tokens.len() {
        if let Some((symbol, end)) = qualified(tokens, at) {
            let symbol = tokens[symbol].clone();
            tokens.splice(at..end, [symbol]);
        }
        at += 1;
    }
}

/// Positions of the symbol and of the end of `OPERATOR(…)` at `start`, where ANY, ALL or SOME follows.
fn qualified(tokens: &[TokenWithSpan], start: usize) -> Option<(usize, usize)> {
    let is_word = |at: usize, keyword: Keyword| matches!(&tokens[at].token, Token::Word(word) if word.keyword == keyword && word.quote_style.is_none());
    if !is_word(start, Keyword::OPERATOR) {
        return None;
    }
    let mut rest =
        (start + 1..tokens.len()).filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_)));
    let mut next = || rest.next();
    next().filter(|at| tokens[*at].token == Token::LParen)?;
    let mut symbol = next()?;
    if let Token::Word(schema) = &tokens[symbol].token {
        let is_folded = schema.quote_style.is_none();
        let is_catalog = schema.value == "pg_catalog"
            || is_folded && schema.value.eq_ignore_ascii_case("pg_catalog");
        let dot = next().filter(|at| tokens[*at].token == Token::Period);
        dot.filter(|_| is_catalog)?;
        symbol = next()?;
    }
    let end = next().filter(|at| tokens[*at].token == Token::RParen)?;
    let after = next()?;
    [Keyword::ANY, Keyword::ALL, Keyword::SOME]
        .into_iter()
        .any(|keyword| is_word(after, keyword))
        .then_some((symbol, end + 1))
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::tokenizer::Tokenizer;

    use super::*;

    #[test]
    fn only_an_operator_before_any_or_all_loses_its_schema() {
        let rewritten = |sql| {
            let mut tokens =
                Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().unwrap();
            bare_before_any(&mut tokens);
            tokens.iter().map(|token| token.token.to_string()).collect::<String>()
        };
        assert_eq!(
            rewritten("a OPERATOR(pg_catalog.=) ANY (array['r']) AND b operator( ~ ) all (c)"),
            "a = ANY (array['r']) AND b ~ all (c)"
        );
        let kept = "a OPERATOR(pg_catalog.~) 'x' AND b OPERATOR(other.=) ANY (c)";
        assert_eq!(rewritten(kept), kept);
    }
}
