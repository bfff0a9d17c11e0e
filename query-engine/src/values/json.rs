//! JSON text: checked for `json`, brought to PostgreSQL's own form for `jsonb`.

use std::collections::BTreeMap;

use super::decimal::Decimal;
use crate::{QueryError, SqlState};

/// Depth of nested arrays and objects.
const DEPTH_MAX: usize = 400;

/// A JSON value. Keys are sorted as `jsonb` sorts them: short ones first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Decimal),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<Key, Json>),
}

/// A key of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(usize, pub(crate) String);

impl Key {
    pub(crate) fn new(text: String) -> Self {
        Self(text.len(), text)
    }
}

struct Parser<'a> {
    whole: &'a str,
    at: usize,
    depth: usize,
    /// `jsonb` refuses what text cannot hold.
    is_binary: bool,
}

/// Checks text of type `json`.
///
/// # Errors
/// 22P02 with PostgreSQL's detail, 54001 for text nested too deeply.
pub(crate) fn check(text: &str) -> Result<(), QueryError> {
    read(text, false).map(|_| ())
}

/// Reads text of type `jsonb`.
///
/// # Errors
/// As [`check`], and 22P05 for a zero character.
pub(crate) fn parse(text: &str) -> Result<Json, QueryError> {
    read(text, true)
}

/// Text of type `jsonb` as PostgreSQL prints it.
///
/// # Errors
/// As [`parse`].
pub(crate) fn normalized(text: &str) -> Result<String, QueryError> {
    Ok(parse(text)?.to_text())
}

fn read(text: &str, is_binary: bool) -> Result<Json, QueryError> {
    let mut parser = Parser { whole: text, at: 0, depth: 0, is_binary };
    let value = parser.value()?;
    parser.skip();
    match parser.rest() {
        "" => Ok(value),
        _ => Err(parser.wrong("Expected end of input, but found")),
    }
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.whole[self.at..]
    }

    fn skip(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn eat(&mut self, character: char) -> bool {
        let found = self.rest().starts_with(character);
        self.at += usize::from(found);
        found
    }

    fn error(&self, detail: String, end: usize) -> QueryError {
        let until = &self.whole[..end];
        let line = until.matches('\n').count() + 1;
        let shown = until.rsplit('\n').next().unwrap_or(until);
        let rest = if end < self.whole.len() { "..." } else { "" };
        QueryError::new(SqlState::INVALID_TEXT, "invalid input syntax for type json")
            .with_detail(detail)
            .with_context(format!("JSON data, line {line}: {shown}{rest}"))
            .about(self.whole)
    }

    /// The error of the token that stands here.
    fn wrong(&self, expected: &str) -> QueryError {
        let rest = self.rest();
        if rest.is_empty() {
            return self.error("The input string ended unexpectedly.".to_owned(), self.at);
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || !c.is_ascii();
        let first_size = rest.chars().next().map_or(0, char::len_utf8);
        let size = match rest.find(|c: char| !is_word(c)) {
            Some(0) => first_size,
            Some(end) => end,
            None => rest.len(),
        };
        let token = &rest[..size];
        let is_token = token.starts_with(['{', '}', '[', ']', ',', ':', '"'])
            || matches!(token, "true" | "false" | "null")
            || token.parse::<f64>().is_ok();
        let detail = if is_token && !expected.is_empty() {
            format!("{expected} \"{token}\".")
        } else {
            format!("Token \"{token}\" is invalid.")
        };
        self.error(detail, self.at + size)
    }

    fn value(&mut self) -> Result<Json, QueryError> {
        self.skip();
        match self.rest().bytes().next() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in
                    [("true", Json::Bool(true)), ("false", Json::Bool(false)), ("null", Json::Null)]
                {
                    let follows = self.rest().strip_prefix(word);
                    let is_word = |c: char| c.is_alphanumeric() || c == '_';
                    if follows.is_some_and(|rest| !rest.starts_with(is_word)) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.wrong("Expected JSON value, but found"))
            }
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Json, QueryError>,
    ) -> Result<Json, QueryError> {
        if self.depth >= DEPTH_MAX {
            return Err(QueryError::new(SqlState::TOO_COMPLEX, "stack depth limit exceeded"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Json, QueryError> {
        self.at += 1;
        let mut members = BTreeMap::new();
        self.skip();
        if self.eat('}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip();
            if !self.rest().starts_with('"') {
                let expected = if members.is_empty() {
                    "Expected string or \"}\", but found"
                } else {
                    "Expected string, but found"
                };
                return Err(self.wrong(expected));
            }
            let key = self.string()?;
            self.skip();
            if !self.eat(':') {
                return Err(self.wrong("Expected \":\", but found"));
            }
            let value = self.value()?;
            members.insert(Key::new(key), value);
            self.skip();
            if self.eat('}') {
                return Ok(Json::Object(members));
            }
            if !self.eat(',') {
                return Err(self.wrong("Expected \",\" or \"}\", but found"));
            }
        }
    }

    fn array(&mut self) -> Result<Json, QueryError> {
        self.at += 1;
        let mut elements = Vec::new();
        self.skip();
        if self.eat(']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value()?);
            self.skip();
            if self.eat(']') {
                return Ok(Json::Array(elements));
            }
            if !self.eat(',') {
                return Err(self.wrong("Expected \",\" or \"]\", but found"));
            }
        }
    }

    fn number(&mut self) -> Result<Json, QueryError> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
            .unwrap_or(rest.len());
        let token = &rest[..end];
        if !is_number(token) {
            return Err(self.error(format!("Token \"{token}\" is invalid."), self.at + end));
        }
        let value = if self.is_binary { Decimal::parse(token)? } else { Decimal::from_int(0) };
        self.at += end;
        Ok(Json::Number(value))
    }

    fn string(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(character) = self.rest().chars().next() else {
                let token = &self.whole[start..];
                return Err(self.error(format!("Token \"{token}\" is invalid."), self.at));
            };
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                control if u32::from(control) < 0x20 => {
                    let detail = format!(
                        "Character with value 0x{:02x} must be escaped.",
                        u32::from(control)
                    );
                    return Err(self.error(detail, self.at));
                }
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self) -> Result<char, QueryError> {
        let Some(character) = self.rest().chars().next() else {
            return Err(self.error("The input string ended unexpectedly.".to_owned(), self.at));
        };
        self.at += character.len_utf8();
        Ok(match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            other => {
                let detail = format!("Escape sequence \"\\{other}\" is invalid.");
                return Err(self.error(detail, self.at));
            }
        })
    }

    fn hex(&mut self) -> Result<u32, QueryError> {
        let digits = self.rest().get(..4).and_then(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(digits)
        });
        let Some(value) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            let detail = "\"\\u\" must be followed by four hexadecimal digits.";
            return Err(self.error(detail.to_owned(), self.at));
        };
        self.at += 4;
        Ok(value)
    }

    fn unicode(&mut self) -> Result<char, QueryError> {
        let first = self.hex()?;
        let unpaired = |parser: &Self, detail: &str| parser.error(detail.to_owned(), parser.at);
        let code = match first {
            0xd800..=0xdbff => {
                let low = "Unicode low surrogate must follow a high surrogate.";
                if !self.rest().starts_with("\\u") {
                    return Err(unpaired(self, low));
                }
                self.at += 2;
                match self.hex()? {
                    second @ 0xdc00..=0xdfff => {
                        0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    _ => return Err(unpaired(self, low)),
                }
            }
            0xdc00..=0xdfff => {
                return Err(unpaired(self, "Unicode low surrogate must follow a high surrogate."));
            }
            code => code,
        };
        if code == 0 && self.is_binary {
            return Err(QueryError::new(SqlState("22P05"), "unsupported Unicode escape sequence")
                .with_detail("\\u0000 cannot be converted to text."));
        }
        Ok(char::from_u32(code).unwrap_or('\u{fffd}'))
    }
}

/// `-1.5e+10`, without zeros in front.
fn is_number(token: &str) -> bool {
    let token = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match token.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (token, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

impl Json {
    /// The text that PostgreSQL prints.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.put(&mut out);
        out
    }

    fn put(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => out.push_str(&number.to_text()),
            Self::String(text) => put_string(text, out),
            Self::Array(elements) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    element.put(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    put_string(&key.1, out);
                    out.push_str(": ");
                    value.put(out);
                }
                out.push('}');
            }
        }
    }
}

/// A JSON string, escaped where JSON demands it.
pub(crate) fn put_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if u32::from(control) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jsonb_is_sorted_spaced_and_has_no_duplicates() {
        for (text, expected) in [
            (r#"{"bb":1,"a":2,"a":3}"#, r#"{"a": 3, "bb": 1}"#),
            ("[1.10,-0,1e2,1.5E-3]", "[1.10, 0, 100, 0.0015]"),
            (r#" "\u00e9\n\/\ud83d\ude00" "#, "\"é\\n/😀\""),
            ("{}", "{}"),
            ("[]", "[]"),
            (" null ", "null"),
        ] {
            assert_eq!(normalized(text).unwrap(), expected);
        }
    }

    #[test]
    fn text_that_is_no_json_is_refused_with_the_place() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "01",
            "1.",
            "+1",
            "nul",
            "\"\\x\"",
            "{a:1}",
            "1 2",
            "\"\\ud800\"",
        ] {
            let error = normalized(text).unwrap_err();
            assert_eq!(error.state.0, "22P02", "{text}");
            assert!(error.detail.is_some() && error.context.is_some());
            assert!(check(text).is_err());
        }
        assert_eq!(normalized("\"\\u0000\"").unwrap_err().state.0, "22P05");
        assert!(check("\"\\u0000\"").is_ok());
        assert_eq!(normalized(&"[".repeat(2_000)).unwrap_err().state.0, "54001");
    }
}
