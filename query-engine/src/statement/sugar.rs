//! Forms of PostgreSQL that the parser lacks, written as others that it has.
//!
//! `x ISNULL` becomes `x IS NULL` in the tokens. `BETWEEN SYMMETRIC a AND b` reaches the parser as
//! `BETWEEN !! a AND b`, a prefix that nothing else uses, and becomes two ranges in the tree.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Statement, UnaryOperator, VisitMut, VisitorMut};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// The tokens with these forms replaced.
pub(super) fn respelled(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    // The token before, white space not counted.
    let mut before: Option<Token> = None;
    while let Some(mut token) = rest.next() {
        if matches!(token.token, Token::Whitespace(_)) {
            out.push(token);
            continue;
        }
        let word = bare(&token.token);
        let is_call = matches!(rest.peek().map(|next| &next.token), Some(Token::LParen));
        if word.as_deref() == Some("isnull")
            && !is_call
            && before.as_ref().is_some_and(ends_operand)
        {
            let keyword = |name: &str, keyword| {
                let word = Word { value: name.to_owned(), quote_style: None, keyword };
                TokenWithSpan { token: Token::Word(word), span: token.span }
            };
            out.push(keyword("IS", Keyword::IS));
            out.push(keyword("NULL", Keyword::NULL));
            before = Some(Token::RParen);
            continue;
        }
        let is_between = before.as_ref().and_then(bare).as_deref() == Some("between");
        match word.as_deref() {
            Some("symmetric") if is_between => token.token = Token::DoubleExclamationMark,
            Some("asymmetric") if is_between => continue,
            _ => {}
        }
        before = Some(token.token.clone());
        out.push(token);
    }
    out
}

/// A word without quotes, in lower case.
fn bare(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// Whether an operand may end with the token.
fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Word(word) => !matches!(
            word.keyword,
            Keyword::SELECT
                | Keyword::WHERE
                | Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::AS
        ),
        Token::RParen
        | Token::RBracket
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Placeholder(_) => true,
        _ => false,
    }
}

/// Writes BETWEEN SYMMETRIC as two ranges.
pub(super) fn desugar(statement: &mut Statement) {
    struct Ranges;
    impl VisitorMut for Ranges {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let Expr::Between { expr: value, negated, low, high } = expr else {
                return ControlFlow::Continue(());
            };
            if !take_mark(low) {
                return ControlFlow::Continue(());
            }
            let range = |low: &Expr, high: &Expr| {
                Box::new(Expr::Nested(Box::new(Expr::Between {
                    expr: value.clone(),
                    negated: *negated,
                    low: Box::new(low.clone()),
                    high: Box::new(high.clone()),
                })))
            };
            let (left, right) = (range(low, high), range(high, low));
            let op = if *negated { BinaryOperator::And } else { BinaryOperator::Or };
            *expr = Expr::Nested(Box::new(Expr::BinaryOp { left, op, right }));
            ControlFlow::Continue(())
        }
    }
    let _ = statement.visit(&mut Ranges);
}

/// Takes the mark off the start of an expression, if it is there.
fn take_mark(expr: &mut Expr) -> bool {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::PGPrefixFactorial, expr: inner } => {
            let inner = std::mem::replace(&mut **inner, Expr::value(sqlparser::ast::Value::Null));
            *expr = inner;
            true
        }
        Expr::BinaryOp { left, .. } => take_mark(left),
        Expr::Cast { expr: inner, .. } => take_mark(inner),
        _ => false,
    }
}
