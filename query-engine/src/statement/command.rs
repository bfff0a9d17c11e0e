//! Commands that the SQL parser does not read as PostgreSQL writes them: transactions with modes,
//! cursors, notifications and COPY.
//!
//! A command is recognised by its first word, which is never the first word of a query.

use sqlparser::ast::Ident;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::copy;
use super::ddl::{Alteration, CommentConstraint, Ddl, LOCK_MODES, Lock, ObjectKind};
use super::{Direction, Kind, Modes, ScrollOption};

type Parsed<T> = Result<T, ParserError>;

/// Reads a command; `None` where the next statement is not one of those that are read here.
///
/// # Errors
/// A syntax error at the token at fault.
pub(super) fn command(parser: &mut Parser<'_>) -> Parsed<Option<Kind>> {
    if copy::is_next(parser) {
        return Ok(Some(Kind::Copy(Box::new(copy::parse(parser)?))));
    }
    let Some(first) = word_at(parser, 0) else { return Ok(None) };
    let second = word_at(parser, 1);
    let kind = match (first.as_str(), second.as_deref()) {
        ("abort", _) => {
            parser.next_token();
            accept_any(parser, &["work", "transaction"]);
            Kind::Rollback { chain: chain(parser)? }
        }
        ("begin", _) => {
            parser.next_token();
            accept_any(parser, &["work", "transaction"]);
            Kind::Begin { tag: "BEGIN", modes: modes(parser)? }
        }
        ("start", Some("transaction")) => {
            skip(parser, 2);
            Kind::Begin { tag: "START TRANSACTION", modes: modes(parser)? }
        }
        ("set", Some("transaction")) if word_at(parser, 2).as_deref() != Some("snapshot") => {
            skip(parser, 2);
            Kind::SetTransaction { modes: required_modes(parser)?, session: false }
        }
        ("set", Some("session")) if word_at(parser, 2).as_deref() == Some("characteristics") => {
            skip(parser, 3);
            expect(parser, "as")?;
            expect(parser, "transaction")?;
            Kind::SetTransaction { modes: required_modes(parser)?, session: true }
        }
        ("declare", _) => declare(parser)?,
        ("fetch", _) => fetch(parser, false)?,
        ("move", _) => fetch(parser, true)?,
        ("close", _) => {
            parser.next_token();
            Kind::Close(name_or(parser, "all")?)
        }
        ("listen", _) => {
            parser.next_token();
            Kind::Listen(name(parser)?)
        }
        ("unlisten", _) => {
            parser.next_token();
            if parser.consume_token(&Token::Mul) {
                Kind::Unlisten(None)
            } else {
                Kind::Unlisten(Some(name(parser)?))
            }
        }
        ("notify", _) => notify(parser)?,
        ("lock", _) => lock(parser)?,
        ("vacuum" | "analyze", _) => vacuum(parser, first == "analyze")?,
        ("do", _) => anonymous(parser)?,
        ("comment", Some("on")) if word_at(parser, 2).as_deref() == Some("constraint") => {
            skip(parser, 3);
            comment_on_constraint(parser)?
        }
        ("alter", Some(second)) => {
            let Some(kind) = object_kind(second) else { return Ok(None) };
            // Other forms of ALTER are the SQL parser's.
            return parser.maybe_parse(|parser| alter(parser, kind));
        }
        _ => return Ok(None),
    };
    Ok(Some(kind))
}

/// `LOCK [TABLE] name [, …] [IN mode MODE] [NOWAIT]`.
fn lock(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.next_token();
    accept(parser, "table");
    let names = parser.parse_comma_separated(|parser| {
        accept(parser, "only");
        let name = parser.parse_object_name(false)?;
        let _star = parser.consume_token(&Token::Mul);
        Ok(name)
    })?;
    let mut mode = LOCK_MODES[LOCK_MODES.len() - 1];
    if accept(parser, "in") {
        let mut words = Vec::new();
        while let Some(word) = word_at(parser, 0).filter(|word| word != "mode") {
            words.push(word);
            parser.next_token();
        }
        let asked = words.join(" ");
        match LOCK_MODES.iter().find(|known| **known == asked) {
            Some(known) => mode = known,
            None => return unexpected(parser, "a lock mode"),
        }
        expect(parser, "mode")?;
    }
    let nowait = accept(parser, "nowait");
    Ok(Kind::Ddl(Box::new(Ddl::Lock(Lock { names, mode, nowait }))))
}

/// `VACUUM [(option, …)] [FULL] … [name, …]` and the same of ANALYZE.
fn vacuum(parser: &mut Parser<'_>, is_analyze: bool) -> Parsed<Kind> {
    parser.next_token();
    if parser.consume_token(&Token::LParen) {
        parser.parse_comma_separated(|parser| {
            name(parser)?;
            while !matches!(parser.peek_token().token, Token::Comma | Token::RParen | Token::EOF) {
                parser.next_token();
            }
            Ok(())
        })?;
        parser.expect_token(&Token::RParen)?;
    }
    let words: &[&str] =
        if is_analyze { &["verbose"] } else { &["full", "freeze", "verbose", "analyze"] };
    while word_at(parser, 0).is_some_and(|word| words.contains(&word.as_str())) {
        parser.next_token();
    }
    let mut names = Vec::new();
    if !at_end(parser, 0) {
        names = parser.parse_comma_separated(|parser| {
            let table = parser.parse_object_name(false)?;
            if parser.consume_token(&Token::LParen) {
                parser.parse_comma_separated(Parser::parse_identifier)?;
                parser.expect_token(&Token::RParen)?;
            }
            Ok(table)
        })?;
    }
    Ok(Kind::Ddl(Box::new(Ddl::Vacuum { names, is_analyze })))
}

/// `DO [LANGUAGE name] 'code' [LANGUAGE name]`: read, to be refused by what it is.
fn anonymous(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.next_token();
    let mut is_read = false;
    while !at_end(parser, 0) {
        if accept(parser, "language") {
            name(parser)?;
        } else {
            match parser.next_token().token {
                Token::SingleQuotedString(_)
                | Token::EscapedStringLiteral(_)
                | Token::DollarQuotedString(_) => is_read = true,
                _ => {
                    parser.prev_token();
                    return unexpected(parser, "code");
                }
            }
        }
    }
    if is_read { Ok(Kind::Do) } else { unexpected(parser, "code") }
}

/// What follows COMMENT ON CONSTRAINT.
fn comment_on_constraint(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let name = name(parser)?;
    expect(parser, "on")?;
    let table = parser.parse_object_name(false)?;
    expect(parser, "is")?;
    let text = if accept(parser, "null") { None } else { Some(parser.parse_literal_string()?) };
    let comment = CommentConstraint { name, table, text };
    Ok(Kind::Ddl(Box::new(Ddl::CommentConstraint(comment))))
}

/// The unquoted word `ahead` tokens from here, in lower case.
fn word_at(parser: &Parser<'_>, ahead: usize) -> Option<String> {
    match parser.peek_nth_token(ahead).token {
        Token::Word(Word { value, quote_style: None, .. }) => Some(value.to_ascii_lowercase()),
        _ => None,
    }
}

fn skip(parser: &mut Parser<'_>, count: usize) {
    for _ in 0..count {
        parser.next_token();
    }
}

fn accept(parser: &mut Parser<'_>, word: &str) -> bool {
    let found = word_at(parser, 0).as_deref() == Some(word);
    if found {
        parser.next_token();
    }
    found
}

fn accept_any(parser: &mut Parser<'_>, words: &[&str]) -> bool {
    words.iter().any(|word| accept(parser, word))
}

fn expect(parser: &mut Parser<'_>, word: &str) -> Parsed<()> {
    if accept(parser, word) { Ok(()) } else { unexpected(parser, word) }
}

fn unexpected<T>(parser: &Parser<'_>, wanted: &str) -> Parsed<T> {
    parser.expected(wanted, parser.peek_token())
}

/// Whether the statement ends here.
fn at_end(parser: &Parser<'_>, ahead: usize) -> bool {
    matches!(parser.peek_nth_token(ahead).token, Token::EOF | Token::SemiColon)
}

fn name(parser: &mut Parser<'_>) -> Parsed<String> {
    let Ident { value, quote_style, .. } = parser.parse_identifier()?;
    Ok(if quote_style.is_some() { value } else { value.to_lowercase() })
}

/// A name; `None` for the unquoted word `all`.
fn name_or(parser: &mut Parser<'_>, all: &str) -> Parsed<Option<String>> {
    if accept(parser, all) { Ok(None) } else { name(parser).map(Some) }
}

fn chain(parser: &mut Parser<'_>) -> Parsed<bool> {
    if !accept(parser, "and") {
        return Ok(false);
    }
    let chain = !accept(parser, "no");
    expect(parser, "chain")?;
    Ok(chain)
}

/// Transaction modes, with commas between them or without.
fn modes(parser: &mut Parser<'_>) -> Parsed<Modes> {
    let mut found = Modes::default();
    while !at_end(parser, 0) {
        if accept(parser, "isolation") {
            expect(parser, "level")?;
            found.isolation = Some(isolation(parser)?.to_owned());
        } else if accept(parser, "read") {
            found.read_only = Some(accept(parser, "only"));
            if found.read_only == Some(false) {
                expect(parser, "write")?;
            }
        } else if accept(parser, "not") {
            expect(parser, "deferrable")?;
            found.deferrable = Some(false);
        } else if accept(parser, "deferrable") {
            found.deferrable = Some(true);
        } else {
            return unexpected(parser, "a transaction mode");
        }
        if parser.consume_token(&Token::Comma) && at_end(parser, 0) {
            return unexpected(parser, "a transaction mode");
        }
    }
    Ok(found)
}

fn required_modes(parser: &mut Parser<'_>) -> Parsed<Modes> {
    if at_end(parser, 0) { unexpected(parser, "a transaction mode") } else { modes(parser) }
}

fn isolation(parser: &mut Parser<'_>) -> Parsed<&'static str> {
    if accept(parser, "serializable") {
        return Ok("serializable");
    }
    if accept(parser, "repeatable") {
        expect(parser, "read")?;
        return Ok("repeatable read");
    }
    expect(parser, "read")?;
    if accept(parser, "committed") {
        return Ok("read committed");
    }
    expect(parser, "uncommitted")?;
    Ok("read uncommitted")
}

/// `DECLARE name [BINARY] [INSENSITIVE | ASENSITIVE] [[NO] SCROLL] CURSOR [WITH | WITHOUT HOLD] FOR query`.
fn declare(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.next_token();
    let name = name(parser)?;
    let (mut binary, mut scroll) = (false, ScrollOption::Open);
    while !accept(parser, "cursor") {
        if accept(parser, "binary") {
            binary = true;
        } else if accept(parser, "scroll") {
            scroll = scroll.and(ScrollOption::Scroll);
        } else if accept(parser, "no") {
            expect(parser, "scroll")?;
            scroll = scroll.and(ScrollOption::NoScroll);
        } else if !accept_any(parser, &["insensitive", "asensitive"]) {
            return unexpected(parser, "CURSOR");
        }
    }
    let hold = accept(parser, "with");
    if hold || accept(parser, "without") {
        expect(parser, "hold")?;
    }
    expect(parser, "for")?;
    Ok(Kind::Declare { name, binary, scroll, hold, query: parser.parse_query()? })
}

/// `FETCH` or `MOVE` with PostgreSQL's directions.
fn fetch(parser: &mut Parser<'_>, is_move: bool) -> Parsed<Kind> {
    parser.next_token();
    let first = word_at(parser, 0);
    // A direction is followed by the cursor's name: alone the word is a name itself.
    let direction = match first.as_deref() {
        _ if at_end(parser, 1) => Direction::Forward(Some(1)),
        Some("next") => taken(parser, Direction::Forward(Some(1))),
        Some("prior") => taken(parser, Direction::Backward(Some(1))),
        Some("first") => taken(parser, Direction::Absolute(1)),
        Some("last") => taken(parser, Direction::Absolute(-1)),
        Some("all") => taken(parser, Direction::Forward(None)),
        Some("absolute") => {
            parser.next_token();
            Direction::Absolute(signed(parser)?)
        }
        Some("relative") => {
            parser.next_token();
            Direction::Relative(signed(parser)?)
        }
        Some("forward") => {
            parser.next_token();
            Direction::Forward(count(parser)?)
        }
        Some("backward") => {
            parser.next_token();
            Direction::Backward(count(parser)?)
        }
        Some(_) => Direction::Forward(Some(1)),
        None if is_number(parser) => Direction::Forward(Some(signed(parser)?)),
        None => Direction::Forward(Some(1)),
    };
    accept_any(parser, &["from", "in"]);
    Ok(Kind::Fetch { name: name(parser)?, direction, is_move })
}

fn taken(parser: &mut Parser<'_>, direction: Direction) -> Direction {
    parser.next_token();
    direction
}

/// The count after FORWARD or BACKWARD: one where none is given, `None` for ALL.
fn count(parser: &mut Parser<'_>) -> Parsed<Option<i64>> {
    if is_number(parser) {
        return signed(parser).map(Some);
    }
    let is_all = word_at(parser, 0).as_deref() == Some("all") && !at_end(parser, 1);
    Ok(if is_all && accept(parser, "all") { None } else { Some(1) })
}

fn is_number(parser: &Parser<'_>) -> bool {
    matches!(parser.peek_token().token, Token::Number(..) | Token::Minus | Token::Plus)
}

fn signed(parser: &mut Parser<'_>) -> Parsed<i64> {
    let negative = parser.consume_token(&Token::Minus);
    if matches!(parser.peek_token().token, Token::Plus) && !negative {
        parser.next_token();
    }
    let next = parser.peek_token();
    // A constant of the grammar: no larger than an integer.
    let value = match &next.token {
        Token::Number(digits, _) => digits.parse::<i32>().ok(),
        _ => None,
    };
    let Some(value) = value else { return unexpected(parser, "an integer") };
    parser.next_token();
    Ok(if negative { -i64::from(value) } else { i64::from(value) })
}

fn object_kind(word: &str) -> Option<ObjectKind> {
    Some(match word {
        "table" => ObjectKind::Table,
        "view" => ObjectKind::View,
        "sequence" => ObjectKind::Sequence,
        "index" => ObjectKind::Index,
        "schema" => ObjectKind::Schema,
        _ => return None,
    })
}

/// `ALTER kind [IF EXISTS] [ONLY] name` with what there is for every kind.
fn alter(parser: &mut Parser<'_>, kind: ObjectKind) -> Parsed<Kind> {
    skip(parser, 2);
    let if_exists = accept(parser, "if");
    if if_exists {
        expect(parser, "exists")?;
    }
    accept(parser, "only");
    let name = parser.parse_object_name(false)?;
    let alteration = if accept(parser, "rename") {
        if accept(parser, "to") {
            Alteration::Rename(parser.parse_identifier()?)
        } else {
            accept(parser, "column");
            let from = parser.parse_identifier()?;
            expect(parser, "to")?;
            Alteration::RenameColumn { from, to: parser.parse_identifier()? }
        }
    } else if accept(parser, "set") {
        expect(parser, "schema")?;
        Alteration::SetSchema(parser.parse_identifier()?)
    } else {
        expect(parser, "owner")?;
        expect(parser, "to")?;
        Alteration::Owner(parser.parse_owner()?)
    };
    if !at_end(parser, 0) {
        return unexpected(parser, "the end of the statement");
    }
    Ok(Kind::Ddl(Box::new(Ddl::Alter { kind, name, if_exists, alteration })))
}

fn notify(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.next_token();
    let channel = name(parser)?;
    let payload = if parser.consume_token(&Token::Comma) {
        parser.parse_literal_string()?
    } else {
        String::new()
    };
    Ok(Kind::Notify { channel, payload })
}
