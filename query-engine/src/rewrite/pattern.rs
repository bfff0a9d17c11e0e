//! Pattern languages: SIMILAR TO, LIKE with an escape of its own, and the formats of to_char().

use crate::{QueryError, SqlState};

/// Format words of PostgreSQL with the planner's, longer ones first where one starts another.
const DATE_WORDS: &[(&str, &str)] = &[
    ("YYYY", "%Y"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("FMMonth", "%B"),
    ("FMDay", "%A"),
    ("IYYY", "%G"),
    ("DDD", "%j"),
    ("Mon", "%b"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("Dy", "%a"),
    ("HH", "%I"),
    ("MI", "%M"),
    ("SS", "%S"),
    ("MS", "%3f"),
    ("US", "%6f"),
    ("IW", "%V"),
    ("AM", "%p"),
    ("PM", "%p"),
    ("YY", "%y"),
];

/// A regular expression for a whole text, of a SIMILAR TO pattern.
pub(crate) fn similar_to_regex(pattern: &str) -> String {
    let mut regex = String::from("^(?:");
    let mut characters = pattern.chars();
    let mut in_set = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                regex.push('\\');
                regex.extend(characters.next());
            }
            '[' => (in_set, regex) = (true, regex + "["),
            ']' => (in_set, regex) = (false, regex + "]"),
            other if in_set => regex.push(other),
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '.' | '^' | '$' => {
                regex.push('\\');
                regex.push(character);
            }
            other => regex.push(other),
        }
    }
    regex.push_str(")$");
    regex
}

/// A LIKE pattern whose escape is `escape`, with the backslash for it. An empty escape is none.
///
/// # Errors
/// 22019 for an escape of several characters, 22025 for one at the end of the pattern.
pub(super) fn with_backslash(pattern: &str, escape: &str) -> Result<String, QueryError> {
    let mut escapes = escape.chars();
    let mark = escapes.next();
    if escapes.next().is_some() {
        return Err(QueryError::new(SqlState("22019"), "invalid escape string")
            .with_hint("Escape string must be empty or one character."));
    }
    let mut result = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let escaped = if Some(character) == mark {
            Some(characters.next().ok_or_else(|| {
                QueryError::new(
                    SqlState("22025"),
                    "LIKE pattern must not end with escape character",
                )
            })?)
        } else {
            None
        };
        match escaped {
            Some(plain) => result.extend(['\\', plain]),
            // What is no escape any more stands for itself.
            None if character == '\\' => result.push_str("\\\\"),
            None => result.push(character),
        }
    }
    Ok(result)
}

/// A format of to_char(), to_date() and to_timestamp() in the planner's language; `None` where it has no
/// exact translation.
pub(super) fn date_format(format: &str) -> Option<String> {
    let mut result = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (plain, after) = quoted.split_once('"')?;
            result.push_str(&plain.replace('%', "%%"));
            rest = after;
            continue;
        }
        let word = DATE_WORDS.iter().find(|(word, _)| rest.starts_with(word));
        if let Some((word, translated)) = word {
            result.push_str(translated);
            rest = &rest[word.len()..];
            continue;
        }
        if first.is_ascii_alphanumeric() || first == '%' || first == '\\' {
            return None;
        }
        result.push(first);
        rest = &rest[first.len_utf8()..];
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_to_matches_the_whole_text_with_sql_wildcards() {
        assert_eq!(similar_to_regex("1%"), "^(?:1.*)$");
        assert_eq!(similar_to_regex("(a|b)_.c[%_]"), "^(?:(a|b).\\.c[%_])$");
    }

    #[test]
    fn another_escape_becomes_the_backslash() {
        assert_eq!(with_backslash("0!_%\\", "!").unwrap(), "0\\_%\\\\");
        assert_eq!(with_backslash("a\\b", "").unwrap(), "a\\\\b");
        assert_eq!(with_backslash("a!", "!").unwrap_err().state.0, "22025");
        assert_eq!(with_backslash("a", "!!").unwrap_err().state.0, "22019");
    }

    #[test]
    fn date_formats_are_translated_whole_or_not_at_all() {
        assert_eq!(date_format("YYYY-MM-DD HH24:MI:SS.US").unwrap(), "%Y-%m-%d %H:%M:%S.%6f");
        assert_eq!(date_format("YYYY\"T\"HH24").unwrap(), "%YT%H");
        assert_eq!(date_format("XX"), None);
        assert_eq!(date_format("MONTH"), None);
    }
}
