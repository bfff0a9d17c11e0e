//! Text → [`Statement`]s.

use std::sync::Arc;

use sqlparser::ast::{
    ContextModifier, DiscardObject, Expr, Ident, Interval, ObjectName, Reset, Set,
    Statement as Ast, UtilityOption, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::command::command;
use super::complexity;
use super::copy;
use super::ddl;
use super::qualified_operator::bare_before_any;
use super::refuse;
use super::sugar;
use super::{ExplainFormat, ExplainOptions, Kind, ShowTarget, Statement};
use crate::error::position;
use crate::limits::{IDENTIFIER_BYTES_MAX, NESTING_MAX, STATEMENT_BYTES_MAX, STATEMENTS_MAX};
use crate::values::parse_offset;
use crate::{QueryError, SqlState};

/// Splits and parses `sql`. Errors carry a position in it.
pub(crate) fn parse(sql: &str) -> Result<Vec<Statement>, QueryError> {
    parse_cutting(sql, &mut Vec::new())
}

/// As [`parse`]. Names that are too long are cut, as PostgreSQL
/// cuts them; `cut` gets each with what is left of it.
pub(crate) fn parse_cutting(
    sql: &str,
    cut: &mut Vec<(String, String)>,
) -> Result<Vec<Statement>, QueryError> {
    if sql.len() > STATEMENT_BYTES_MAX {
        return Err(QueryError::new(
            SqlState::PROGRAM_LIMIT,
            format!("statement text has {} bytes, the limit is {STATEMENT_BYTES_MAX}", sql.len()),
        ));
    }
    let dialect = PostgreSqlDialect {};
    let mut tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|error| {
        let at = position::of_location(sql, error.location.line, error.location.column);
        escaped_bytes(sql, error.location).unwrap_or_else(|| syntax(&error.message)).at(at)
    })?;
    complexity::check(&tokens)?;
    tokens = super::tokens::settled(tokens).map_err(|wrong| {
        let (error, at) = *wrong;
        error.at(position::of_location(sql, at.line, at.column))
    })?;
    tokens = sugar::respelled(super::tokens::without_only(tokens));
    for token in &mut tokens {
        if let Token::Word(word) = &mut token.token
            && word.value.len() > IDENTIFIER_BYTES_MAX
        {
            let end = word.value.floor_char_boundary(IDENTIFIER_BYTES_MAX);
            let whole = word.value.clone();
            word.value.truncate(end);
            cut.push((whole, word.value.clone()));
        }
    }
    bare_before_any(&mut tokens);
    let mut parser =
        Parser::new(&dialect).with_recursion_limit(NESTING_MAX).with_tokens_with_locations(tokens);
    let text: Arc<str> = sql.into();
    let mut statements = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if parser.peek_token().token == Token::EOF {
            return Ok(statements);
        }
        let own = command(&mut parser).map_err(|error| parser_error(sql, &parser, error))?;
        let parsed = match own {
            Some(kind) => Parsed::Command(kind),
            None => {
                let mut ast =
                    parser.parse_statement().map_err(|error| parser_error(sql, &parser, error))?;
                sugar::desugar(&mut ast);
                Parsed::Ast(Box::new(ast))
            }
        };
        let end = parser.peek_token();
        if !matches!(end.token, Token::SemiColon | Token::EOF) {
            let at = position::of_location(sql, end.span.start.line, end.span.start.column);
            return Err(syntax_near(&end.token).at(at));
        }
        if statements.len() == STATEMENTS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a text can have {STATEMENTS_MAX} statements"),
            ));
        }
        let kind = match parsed {
            Parsed::Command(kind) => checked(kind),
            Parsed::Ast(ast) => classify(*ast),
        }
        .map_err(|error| position::locate(error, sql))?;
        statements.push(Statement { text: Arc::clone(&text), kind: Arc::new(kind) });
    }
}

/// One statement off the tokens.
enum Parsed {
    Command(Kind),
    Ast(Box<Ast>),
}

/// A command whose query may run.
fn checked(kind: Kind) -> Result<Kind, QueryError> {
    match &kind {
        Kind::Declare { query, .. } => refuse::check_query(query)?,
        Kind::Copy(copy) => copy::check(copy)?,
        Kind::Do => return Err(refuse::unsupported("DO")),
        _ => {}
    }
    Ok(kind)
}

fn parser_error(sql: &str, parser: &Parser<'_>, error: ParserError) -> QueryError {
    match error {
        ParserError::RecursionLimitExceeded => QueryError::new(
            SqlState::TOO_COMPLEX,
            format!("expressions and subqueries nest deeper than {NESTING_MAX}"),
        ),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            // The message ends with the place of the token at fault; the token itself is better told
            // from the text than from the parser's words.
            let (line, column) = position::in_message(&message).unwrap_or_else(|| {
                let next = parser.peek_token().span.start;
                (next.line, next.column)
            });
            let at = position::of_location(sql, line, column);
            match position::token_at(sql, line, column) {
                Some(token) => syntax_near(&token).at(at),
                None => syntax("syntax error at end of input")
                    .at(u32::try_from(sql.chars().count() + 1).unwrap_or(u32::MAX)),
            }
        }
    }
}

/// The error for an `E'…'` literal at `place` whose escapes make bytes that are no UTF-8.
fn escaped_bytes(sql: &str, place: Location) -> Option<QueryError> {
    let line = sql.lines().nth(usize::try_from(place.line).ok()?.checked_sub(1)?)?;
    let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
    let rest: String = line.chars().skip(column).collect();
    let literal = rest.strip_prefix(['E', 'e']).unwrap_or(&rest).strip_prefix('\'')?;
    let escape = literal.split("\\x").skip(1).find_map(|tail| {
        let digits: String = tail.chars().take(2).take_while(char::is_ascii_hexdigit).collect();
        u8::from_str_radix(&digits, 16).ok().filter(|byte| *byte >= 0x80)
    })?;
    Some(QueryError::new(
        SqlState("22021"),
        format!("invalid byte sequence for encoding \"UTF8\": 0x{escape:02x}"),
    ))
}

fn syntax(message: &str) -> QueryError {
    QueryError::new(SqlState::SYNTAX_ERROR, message)
}

fn syntax_near(token: &Token) -> QueryError {
    match token {
        Token::EOF => syntax("syntax error at end of input"),
        token => syntax(&format!("syntax error at or near \"{token}\"")),
    }
}

/// The kind of `ast`, if statements of its kind run.
pub(super) fn classify(ast: Ast) -> Result<Kind, QueryError> {
    Ok(match ast {
        Ast::Query(query) => match ddl::writing_query(&query)? {
            Some(writes) => writes,
            None => {
                refuse::check_query(&query)?;
                Kind::Query(query)
            }
        },
        Ast::Explain { statement, analyze, verbose, options, format: None, .. } => {
            let mut options = explain_options(options.unwrap_or_default())?;
            options.analyze |= analyze;
            options.verbose |= verbose;
            match classify(*statement)? {
                Kind::Query(query) => Kind::Explain { query, options },
                Kind::Write(write) => return Err(refuse::read_only(write.verb())),
                _ => return Err(refuse::unsupported("EXPLAIN of a statement that is no query")),
            }
        }
        Ast::Set(set) => classify_set(set)?,
        Ast::ShowVariable { variable } if variable.is_empty() => {
            return Err(syntax("syntax error at end of input"));
        }
        Ast::ShowVariable { variable } => Kind::Show(show_target(&variable)),
        Ast::Reset(reset) => Kind::Reset(match reset.reset {
            Reset::ALL => None,
            Reset::ConfigurationParameter(name) => Some(setting_name(&name)),
        }),
        Ast::Commit { chain, .. } => Kind::Commit { chain },
        Ast::Rollback { savepoint: Some(name), .. } => Kind::RollbackTo(ident(&name)),
        Ast::Rollback { chain, savepoint: None } => Kind::Rollback { chain },
        Ast::Savepoint { name } => Kind::Savepoint(ident(&name)),
        Ast::ReleaseSavepoint { name } => Kind::Release(ident(&name)),
        Ast::Discard { object_type } => Kind::Discard(match object_type {
            DiscardObject::ALL => "ALL",
            DiscardObject::PLANS => "PLANS",
            DiscardObject::SEQUENCES => "SEQUENCES",
            DiscardObject::TEMP => "TEMP",
        }),
        Ast::Deallocate { name, .. } => {
            let name = ident(&name);
            Kind::Deallocate((!name.eq_ignore_ascii_case("all")).then_some(name))
        }
        Ast::Prepare { name, data_types, statement } => {
            if !matches!(classify((*statement).clone())?, Kind::Query(_) | Kind::Write(_)) {
                return Err(refuse::unsupported("PREPARE of a statement that is no query"));
            }
            Kind::Prepare { name: ident(&name), types: data_types, statement }
        }
        Ast::Execute { name: Some(name), parameters, immediate: false, .. } => {
            Kind::Execute { name: object_name(&name), arguments: parameters }
        }
        other => return ddl::classify(other),
    })
}

fn explain_options(given: Vec<UtilityOption>) -> Result<ExplainOptions, QueryError> {
    let mut options = ExplainOptions::default();
    for option in given {
        let name = option.name.value.to_ascii_lowercase();
        let value = option
            .arg
            .as_ref()
            .map(|arg| arg.to_string().trim_matches(['\'', '"']).to_ascii_lowercase());
        let on = || match value.as_deref() {
            None | Some("true" | "on" | "1") => Ok(true),
            Some("false" | "off" | "0") => Ok(false),
            Some(_) => Err(syntax(&format!("{name} requires a Boolean value"))),
        };
        match name.as_str() {
            "analyze" => options.analyze = on()?,
            "verbose" => options.verbose = on()?,
            "costs" => options.costs = on()?,
            "timing" => options.timing = on()?,
            "summary" => options.summary = Some(on()?),
            // Off is what is done; what is not measured here is not shown as if it were.
            "settings" | "buffers" | "wal" | "generic_plan" => {
                if on()? {
                    let what = format!("EXPLAIN with {}", name.to_ascii_uppercase());
                    return Err(refuse::unsupported(&what));
                }
            }
            "format" => {
                options.format = match value.as_deref() {
                    Some("text") => ExplainFormat::Text,
                    Some("json") => ExplainFormat::Json,
                    Some("yaml") => ExplainFormat::Yaml,
                    Some("xml") => return Err(refuse::unsupported("EXPLAIN in format XML")),
                    other => {
                        return Err(QueryError::new(
                            SqlState::INVALID_PARAMETER_VALUE,
                            format!(
                                "unrecognized value for EXPLAIN option \"format\": \"{}\"",
                                other.unwrap_or_default()
                            ),
                        ));
                    }
                };
            }
            _ => return Err(syntax(&format!("unrecognized EXPLAIN option \"{name}\""))),
        }
    }
    Ok(options)
}

fn classify_set(set: Set) -> Result<Kind, QueryError> {
    Ok(match set {
        Set::SingleAssignment { scope, variable, values, .. } => {
            if scope == Some(ContextModifier::Global) {
                return Err(refuse::unsupported("SET GLOBAL"));
            }
            let local = scope == Some(ContextModifier::Local);
            let name = setting_name(&variable);
            Kind::Set { value: setting_value(&name, &values)?, name, local }
        }
        Set::SetTimeZone { local, value } => Kind::Set {
            name: "TimeZone".to_owned(),
            value: setting_value("TimeZone", &[value])?,
            local,
        },
        Set::SetNames { charset_name, .. } => Kind::Set {
            name: "client_encoding".to_owned(),
            value: Some(charset_name.value),
            local: false,
        },
        Set::SetNamesDefault {} => {
            Kind::Set { name: "client_encoding".to_owned(), value: None, local: false }
        }
        Set::SetRole { context_modifier, role_name } => Kind::Set {
            name: "role".to_owned(),
            value: Some(role_name.map_or_else(|| "none".to_owned(), |name| name.value)),
            local: context_modifier == Some(ContextModifier::Local),
        },
        _ => return Err(refuse::unsupported("this form of SET")),
    })
}

fn setting_name(name: &ObjectName) -> String {
    let joined = object_name(name);
    match joined.to_ascii_lowercase().as_str() {
        "timezone" | "time zone" => "TimeZone".to_owned(),
        _ => joined,
    }
}

/// The value as one text; `None` for DEFAULT.
fn setting_value(name: &str, values: &[Expr]) -> Result<Option<String>, QueryError> {
    let is_list = name.eq_ignore_ascii_case("search_path");
    let mut parts = Vec::with_capacity(values.len());
    for value in values {
        let part = match value {
            Expr::Identifier(Ident { value, quote_style: None, .. })
                if values.len() == 1
                    && (value.eq_ignore_ascii_case("default")
                        || name == "TimeZone" && value.eq_ignore_ascii_case("local")) =>
            {
                return Ok(None);
            }
            Expr::Identifier(word) if is_list && word.quote_style.is_some() => {
                format!("\"{}\"", word.value)
            }
            Expr::Identifier(word) => word.value.clone(),
            Expr::Value(value) => match &value.value {
                Value::Number(number, _) if name == "TimeZone" => zone_of_hours(number)?,
                Value::Number(number, _) => number.clone(),
                Value::Boolean(on) => if *on { "on" } else { "off" }.to_owned(),
                Value::SingleQuotedString(text)
                | Value::EscapedStringLiteral(text)
                | Value::DoubleQuotedString(text) => {
                    // In a list a quoted text is one name, whatever it holds.
                    let plain = !is_list || values.len() == 1 || text.is_empty();
                    if plain { text.clone() } else { format!("\"{text}\"") }
                }
                _ => return Err(syntax("invalid value of a setting")),
            },
            Expr::UnaryOp { .. } if name == "TimeZone" => {
                zone_of_hours(&value.to_string().replace(' ', ""))?
            }
            Expr::UnaryOp { .. } => value.to_string().replace(' ', ""),
            Expr::Interval(interval) => zone_of_interval(interval)?,
            _ => return Err(syntax("a setting takes a word, a number or a text")),
        };
        parts.push(part);
    }
    Ok(Some(parts.join(", ")))
}

/// The zone of `INTERVAL '-08:00' HOUR TO MINUTE`.
fn zone_of_interval(interval: &Interval) -> Result<String, QueryError> {
    let text = match &*interval.value {
        Expr::Value(value) => value.clone().into_string().unwrap_or_default(),
        _ => String::new(),
    };
    let seconds = parse_offset(text.trim()).ok_or_else(|| {
        QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid value for parameter \"TimeZone\": \"{text}\""),
        )
    })?;
    zone_of_hours(&(f64::from(seconds) / 3_600.0).to_string())
}

/// The zone so many hours east of UTC, as PostgreSQL shows it: `<-05>+05`.
fn zone_of_hours(hours: &str) -> Result<String, QueryError> {
    let hours: f64 =
        hours.parse().map_err(|_| syntax("a time zone is a word, a number or a text"))?;
    if hours.abs() > 15.0 {
        let message = format!("time zone \"{hours}\" not recognized");
        return Err(QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let minutes = (hours.abs() * 60.0).round() as u32;
    let clock = match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{hours:02}"),
        (hours, minutes) => format!("{hours:02}:{minutes:02}"),
    };
    let (sign, other) = if hours < 0.0 { ("-", "+") } else { ("+", "-") };
    Ok(format!("<{sign}{clock}>{other}{clock}"))
}

fn show_target(words: &[Ident]) -> ShowTarget {
    let lower: Vec<String> = words.iter().map(|word| word.value.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match lower.as_slice() {
        ["all"] => ShowTarget::All,
        ["time", "zone"] => ShowTarget::Name("TimeZone".to_owned()),
        ["transaction", "isolation", "level"] => {
            ShowTarget::Name("transaction_isolation".to_owned())
        }
        ["session", "authorization"] => ShowTarget::Name("session_authorization".to_owned()),
        _ => ShowTarget::Name(
            words.iter().map(|word| word.value.as_str()).collect::<Vec<_>>().join("."),
        ),
    }
}

fn ident(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

fn object_name(name: &ObjectName) -> String {
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| part.as_ident().map_or_else(|| part.to_string(), |ident| ident.value.clone()))
        .collect();
    parts.join(".")
}
