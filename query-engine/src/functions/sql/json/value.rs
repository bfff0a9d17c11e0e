//! JSON text as a tree that knows the text of each part.

use crate::limits::NESTING_MAX;
use crate::types::numeric::Numeric;
use crate::values::json::put_string;

/// A value and, where its text matters, the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json<'a> {
    Null(&'a str),
    Bool(bool, &'a str),
    Number(&'a str),
    Text(String, &'a str),
    Array(Vec<Json<'a>>, &'a str),
    Object(Vec<(String, Json<'a>)>, &'a str),
}

impl<'a> Json<'a> {
    /// The value that `text` is; `None` for what is no JSON.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.space();
        (parser.at == text.len()).then_some(value)
    }

    /// The text that it was parsed from.
    pub(super) fn raw(&self) -> &'a str {
        match self {
            Self::Null(raw)
            | Self::Bool(_, raw)
            | Self::Number(raw)
            | Self::Text(_, raw)
            | Self::Array(_, raw)
            | Self::Object(_, raw) => raw,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null(_) => "null",
            Self::Bool(..) => "boolean",
            Self::Number(_) => "number",
            Self::Text(..) => "string",
            Self::Array(..) => "array",
            Self::Object(..) => "object",
        }
    }

    /// The last member of this name.
    pub(super) fn field(&self, name: &str) -> Option<&Json<'a>> {
        let Self::Object(members, _) = self else { return None };
        members.iter().rev().find(|(known, _)| known == name).map(|found| &found.1)
    }

    /// An element, negative ones from the end.
    pub(super) fn element(&self, at: i64) -> Option<&Json<'a>> {
        let elements = match self {
            Self::Array(elements, _) => elements.as_slice(),
            Self::Object(..) => return None,
            // A scalar is held as the one element of an array.
            scalar => std::slice::from_ref(scalar),
        };
        let count = i64::try_from(elements.len()).ok()?;
        let at = if at < 0 { at.checked_add(count)? } else { at };
        elements.get(usize::try_from(at).ok()?)
    }

    /// Members in the order of `jsonb`: by length and bytes of the name, the last of equal names.
    pub(super) fn members(&self) -> Vec<(&str, &Json<'a>)> {
        let Self::Object(members, _) = self else { return Vec::new() };
        let mut sorted: Vec<(&str, &Json<'a>)> = Vec::new();
        for (name, value) in members.iter().rev() {
            if sorted.iter().all(|known| known.0 != name) {
                sorted.push((name, value));
            }
        }
        sorted.sort_by(|a, b| a.0.len().cmp(&b.0.len()).then_with(|| a.0.cmp(b.0)));
        sorted
    }

    pub(super) fn has_key(&self, name: &str) -> bool {
        let is_name = |json: &Json<'_>| matches!(json, Json::Text(text, _) if text == name);
        match self {
            Self::Object(..) => self.field(name).is_some(),
            Self::Array(elements, _) => elements.iter().any(is_name),
            other => is_name(other),
        }
    }

    /// Text of a string, `None` for null, JSON of the rest.
    pub(super) fn shown(json: &Json<'_>) -> Option<String> {
        match json {
            Json::Null(_) => None,
            Json::Text(text, _) => Some(text.clone()),
            other => Some(other.canonical()),
        }
    }

    pub(super) fn without_nulls(self) -> Self {
        match self {
            Self::Object(members, raw) => {
                let kept = members.into_iter().filter(|(_, value)| !matches!(value, Self::Null(_)));
                Self::Object(kept.map(|(name, value)| (name, value.without_nulls())).collect(), raw)
            }
            Self::Array(elements, raw) => {
                Self::Array(elements.into_iter().map(Self::without_nulls).collect(), raw)
            }
            other => other,
        }
    }

    /// Whether every part of `other` is a part here, as `@>` has it.
    pub(super) fn contains(&self, other: &Json<'_>) -> bool {
        match (self, other) {
            (Self::Object(..), Json::Object(members, _)) => members
                .iter()
                .all(|(name, value)| self.field(name).is_some_and(|own| own.contains(value))),
            (Self::Array(own, _), Json::Array(elements, _)) => elements.iter().all(|wanted| {
                own.iter().any(|own| own.kind() == wanted.kind() && own.contains(wanted))
            }),
            (Self::Array(own, _), scalar) if !matches!(scalar, Json::Object(..)) => {
                own.iter().any(|own| own.canonical() == scalar.canonical())
            }
            _ => self.canonical() == other.canonical(),
        }
    }

    /// The text of `jsonb`: keys sorted by length and bytes, the last of equal ones kept.
    pub(super) fn canonical(&self) -> String {
        let mut out = String::new();
        self.put(&mut out, None);
        out
    }

    /// As [`Self::canonical`], a line for each part.
    pub(super) fn pretty(&self) -> String {
        let mut out = String::new();
        self.put(&mut out, Some(0));
        out
    }

    fn put(&self, out: &mut String, indent: Option<usize>) {
        let deeper = indent.map(|indent| indent + 4);
        let line = |out: &mut String, indent: Option<usize>| {
            if let Some(indent) = indent {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
            }
        };
        let between = if indent.is_some() { "," } else { ", " };
        match self {
            Self::Null(_) => out.push_str("null"),
            Self::Bool(value, _) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(raw) => out.push_str(&number(raw)),
            Self::Text(text, _) => put_string(text, out),
            Self::Array(elements, _) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        out.push_str(between);
                    }
                    line(out, deeper);
                    element.put(out, deeper);
                }
                line(out, indent);
                out.push(']');
            }
            Self::Object(..) => {
                out.push('{');
                for (at, (name, value)) in self.members().into_iter().enumerate() {
                    if at > 0 {
                        out.push_str(between);
                    }
                    line(out, deeper);
                    put_string(name, out);
                    out.push_str(": ");
                    value.put(out, deeper);
                }
                line(out, indent);
                out.push('}');
            }
        }
    }
}

/// A number without an exponent, its digits as they were written.
fn number(raw: &str) -> String {
    if !raw.contains(['e', 'E']) {
        return raw.to_owned();
    }
    let Ok(number) = Numeric::parse(raw) else { return raw.to_owned() };
    let sign = if number.negative { "-" } else { "" };
    let digits = format!("{:0>width$}", number.digits, width = number.scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - number.scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.text[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        if depth > NESTING_MAX {
            return None;
        }
        self.space();
        let start = self.at;
        let text = self.text;
        match text.as_bytes().get(start)? {
            b'{' => {
                self.at += 1;
                let mut members = Vec::new();
                self.space();
                if !self.eat("}") {
                    loop {
                        self.space();
                        let name = self.string()?;
                        self.space();
                        if !self.eat(":") {
                            return None;
                        }
                        members.push((name, self.value(depth + 1)?));
                        self.space();
                        if self.eat("}") {
                            break;
                        }
                        if !self.eat(",") {
                            return None;
                        }
                    }
                }
                Some(Json::Object(members, &text[start..self.at]))
            }
            b'[' => {
                self.at += 1;
                let mut elements = Vec::new();
                self.space();
                if !self.eat("]") {
                    loop {
                        elements.push(self.value(depth + 1)?);
                        self.space();
                        if self.eat("]") {
                            break;
                        }
                        if !self.eat(",") {
                            return None;
                        }
                    }
                }
                Some(Json::Array(elements, &text[start..self.at]))
            }
            b'"' => {
                let string = self.string()?;
                Some(Json::Text(string, &text[start..self.at]))
            }
            b't' => self.eat("true").then(|| Json::Bool(true, &text[start..start + 4])),
            b'f' => self.eat("false").then(|| Json::Bool(false, &text[start..start + 5])),
            b'n' => self.eat("null").then(|| Json::Null(&text[start..start + 4])),
            _ => self.number(),
        }
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.text.as_bytes().get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Option<Json<'a>> {
        let start = self.at;
        self.eat("-");
        if !self.eat("0") && !self.digits() {
            return None;
        }
        if self.eat(".") && !self.digits() {
            return None;
        }
        if self.eat("e") || self.eat("E") {
            let _ = self.eat("+") || self.eat("-");
            if !self.digits() {
                return None;
            }
        }
        Some(Json::Number(&self.text[start..self.at]))
    }

    fn string(&mut self) -> Option<String> {
        if !self.eat("\"") {
            return None;
        }
        let mut out = String::new();
        loop {
            let character = self.text[self.at..].chars().next()?;
            self.at += character.len_utf8();
            match character {
                '"' => return Some(out),
                '\\' => {
                    let escape = self.text[self.at..].chars().next()?;
                    self.at += escape.len_utf8();
                    out.push(match escape {
                        '"' | '\\' | '/' => escape,
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'u' => self.escaped()?,
                        _ => return None,
                    });
                }
                control if (control as u32) < 0x20 => return None,
                other => out.push(other),
            }
        }
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    /// After `\u`: a character, or the first half of one.
    fn escaped(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if !self.eat("\\u") {
            return None;
        }
        let second = self.unit().filter(|second| (0xdc00..0xe000).contains(second))?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jsonb_has_one_form_for_equal_values() {
        let canonical = |text| Json::parse(text).map(|json| json.canonical());
        assert_eq!(canonical("{\"b\":1, \"a\" : [1,2]}").unwrap(), "{\"a\": [1, 2], \"b\": 1}");
        assert_eq!(canonical("{\"a\":1,\"a\":2}").unwrap(), "{\"a\": 2}");
        assert_eq!(canonical("\"\\u00e9\\n\"").unwrap(), "\"é\\n\"");
        assert_eq!(canonical("1.50e2").unwrap(), "150");
        for bad in ["", "{", "[1,]", "01", "nojson", "\"a", "1 2", "\"\\ud800\""] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }

    #[test]
    fn containment_looks_into_arrays_and_objects() {
        let contains = |a, b| Json::parse(a).unwrap().contains(&Json::parse(b).unwrap());
        assert!(contains("{\"a\": 1, \"b\": [1, 2]}", "{\"b\": [2]}"));
        assert!(contains("[1, 2]", "1"));
        assert!(!contains("[1, 2]", "[3]"));
    }
}
