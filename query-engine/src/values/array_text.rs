//! Text of arrays: `{1,NULL,"a b"}`, `{{1,2},{3,4}}`, `[0:1]={1,2}`.

use crate::parameter::Dimension;
use crate::{QueryError, SqlState};

/// Most dimensions of an array.
pub(crate) const DIMENSIONS_MAX: usize = 6;
/// Most elements of an array, as PostgreSQL limits them.
pub(crate) const ELEMENTS_MAX: usize = 134_217_727;

/// An array before its elements are read; `None` is NULL.
#[derive(Debug, PartialEq)]
pub(crate) struct ArrayText {
    /// None for an array without elements.
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) elements: Vec<Option<String>>,
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    delimiter: char,
    /// Length of each dimension, as its first list has it.
    lengths: Vec<Option<i32>>,
    /// Depth of the elements, once one was seen.
    element_depth: Option<usize>,
    elements: Vec<Option<String>>,
}

/// Reads the text of an array whose elements are separated by `delimiter`.
///
/// # Errors
/// 22P02 for malformed text, 2202E for wrong bounds, 54000 past the limits.
pub(crate) fn parse(text: &str, delimiter: char) -> Result<ArrayText, QueryError> {
    let (bounds, rest) = bounds(text)?;
    let rest = rest.trim_start_matches(is_space);
    let mut parser = Parser {
        whole: text,
        rest,
        delimiter,
        lengths: Vec::new(),
        element_depth: None,
        elements: Vec::new(),
    };
    if !rest.starts_with('{') {
        return Err(malformed(
            text,
            if bounds.is_empty() {
                "Array value must start with \"{\" or dimension information."
            } else {
                "Array contents must start with \"{\"."
            },
        ));
    }
    parser.list(0)?;
    if !parser.rest.trim_start_matches(is_space).is_empty() {
        return Err(malformed(text, "Junk after closing right brace."));
    }
    if parser.elements.is_empty() {
        return Ok(ArrayText { dimensions: Vec::new(), elements: Vec::new() });
    }
    let lengths: Vec<i32> = parser.lengths.iter().map(|length| length.unwrap_or(0)).collect();
    let dimensions = if bounds.is_empty() {
        lengths.iter().map(|length| Dimension { lower: 1, length: *length }).collect()
    } else {
        if !bounds.iter().map(|bound| bound.length).eq(lengths) {
            let detail = "Specified array dimensions do not match array contents.";
            return Err(malformed(text, detail));
        }
        bounds
    };
    Ok(ArrayText { dimensions, elements: parser.elements })
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn malformed(text: &str, detail: &str) -> QueryError {
    let message = format!("malformed array literal: \"{text}\"");
    QueryError::new(SqlState::INVALID_TEXT, message).with_detail(detail).about(text)
}

/// `[1:2][0:3]=` in front of the lists, and what follows it.
fn bounds(text: &str) -> Result<(Vec<Dimension>, &str), QueryError> {
    let mut rest = text.trim_start_matches(is_space);
    let mut found = Vec::new();
    while let Some(after) = rest.strip_prefix('[') {
        let end = after
            .find(']')
            .ok_or_else(|| malformed(text, "Missing \"]\" after array dimensions."))?;
        let inside = &after[..end];
        let (lower, upper) = inside.split_once(':').unwrap_or(("1", inside));
        let out_of_range =
            || QueryError::new(SqlState::PROGRAM_LIMIT, "array bound is out of integer range");
        let number = |part: &str| {
            let detail = "\"[\" must introduce explicitly-specified array dimensions.";
            let number = part.trim().parse::<i128>().map_err(|_| malformed(text, detail))?;
            i32::try_from(number).map(i64::from).map_err(|_| out_of_range())
        };
        let (lower, upper) = (number(lower)?, number(upper)?);
        if found.len() >= DIMENSIONS_MAX {
            return Err(too_many_dimensions());
        }
        if upper < lower {
            let message = "upper bound cannot be less than lower bound";
            return Err(QueryError::new(SqlState("2202E"), message));
        }
        let length = i32::try_from(upper - lower + 1).ok().zip(i32::try_from(lower).ok());
        let (length, lower) =
            length.filter(|_| upper < i64::from(i32::MAX)).ok_or_else(out_of_range)?;
        found.push(Dimension { lower, length });
        rest = after[end + 1..].trim_start_matches(is_space);
    }
    if found.is_empty() {
        return Ok((found, rest));
    }
    match rest.strip_prefix('=') {
        Some(after) => Ok((found, after)),
        None => Err(malformed(text, "Missing \"=\" after array dimensions.")),
    }
}

pub(crate) fn too_many_dimensions() -> QueryError {
    QueryError::new(
        SqlState::PROGRAM_LIMIT,
        format!("number of array dimensions (7) exceeds the maximum allowed ({DIMENSIONS_MAX})"),
    )
}

impl Parser<'_> {
    fn malformed(&self, detail: &str) -> QueryError {
        malformed(self.whole, detail)
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    /// One list from its brace on, at this depth.
    fn list(&mut self, depth: usize) -> Result<(), QueryError> {
        if depth >= DIMENSIONS_MAX {
            return Err(too_many_dimensions());
        }
        if self.lengths.len() <= depth {
            self.lengths.push(None);
        }
        // The caller saw the brace.
        self.rest = &self.rest[1..];
        let mut count = 0;
        self.skip();
        if let Some(after) = self.rest.strip_prefix('}') {
            self.rest = after;
            return self.end(depth, 0);
        }
        loop {
            self.skip();
            if self.rest.starts_with('{') {
                if self.element_depth.is_some_and(|known| known <= depth) {
                    return Err(self.malformed("Unexpected \"{\" character."));
                }
                self.list(depth + 1)?;
            } else {
                self.element(depth)?;
            }
            count += 1;
            self.skip();
            let mut characters = self.rest.chars();
            let next = characters.next();
            self.rest = characters.as_str();
            match next {
                Some('}') => return self.end(depth, count),
                Some(found) if found == self.delimiter => {}
                Some(found) => {
                    return Err(self.malformed(&format!("Unexpected \"{found}\" character.")));
                }
                None => return Err(self.malformed("Unexpected end of input.")),
            }
        }
    }

    /// The end of a list with `count` members.
    fn end(&mut self, depth: usize, count: i32) -> Result<(), QueryError> {
        match self.lengths[depth] {
            Some(known) if known != count => Err(self.malformed(
                "Multidimensional arrays must have sub-arrays with matching dimensions.",
            )),
            _ => {
                self.lengths[depth] = Some(count);
                Ok(())
            }
        }
    }

    fn element(&mut self, depth: usize) -> Result<(), QueryError> {
        match self.element_depth {
            None if self.lengths.len() > depth + 1 => {
                return Err(self.malformed(
                    "Multidimensional arrays must have sub-arrays with matching dimensions.",
                ));
            }
            Some(known) if known != depth => {
                return Err(self.malformed(
                    "Multidimensional arrays must have sub-arrays with matching dimensions.",
                ));
            }
            _ => self.element_depth = Some(depth),
        }
        if self.elements.len() >= ELEMENTS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("array size exceeds the maximum allowed ({ELEMENTS_MAX})"),
            ));
        }
        let element = if let Some(after) = self.rest.strip_prefix('"') {
            self.rest = after;
            Some(self.quoted()?)
        } else {
            self.bare()?
        };
        self.elements.push(element);
        Ok(())
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let mut word = String::new();
        let mut characters = self.rest.chars();
        loop {
            match characters.next() {
                Some('"') => {
                    self.rest = characters.as_str();
                    let next = self.rest.trim_start_matches(is_space).chars().next();
                    return match next {
                        Some('}') | None => Ok(word),
                        Some(found) if found == self.delimiter => Ok(word),
                        Some(_) => Err(self.malformed("Incorrectly quoted array element.")),
                    };
                }
                Some('\\') => match characters.next() {
                    Some(escaped) => word.push(escaped),
                    None => return Err(self.malformed("Unexpected end of input.")),
                },
                Some(other) => word.push(other),
                None => return Err(self.malformed("Unexpected end of input.")),
            }
        }
    }

    fn bare(&mut self) -> Result<Option<String>, QueryError> {
        let mut word = String::new();
        // Length up to the last character that is not white space or was escaped.
        let mut kept = 0;
        let mut is_escaped = false;
        let mut characters = self.rest.char_indices();
        let end = loop {
            match characters.next() {
                Some((at, found)) if found == self.delimiter || found == '}' => break at,
                Some((_, '"')) => return Err(self.malformed("Incorrectly quoted array element.")),
                Some((_, '{')) => return Err(self.malformed("Unexpected \"{\" character.")),
                Some((_, '\\')) => {
                    let Some((_, escaped)) = characters.next() else {
                        return Err(self.malformed("Unexpected end of input."));
                    };
                    word.push(escaped);
                    (kept, is_escaped) = (word.len(), true);
                }
                Some((_, other)) => {
                    word.push(other);
                    if !is_space(other) {
                        kept = word.len();
                    }
                }
                None => return Err(self.malformed("Unexpected end of input.")),
            }
        };
        word.truncate(kept);
        if word.is_empty() {
            let found = self.rest[end..].chars().next().unwrap_or('}');
            return Err(self.malformed(&format!("Unexpected \"{found}\" character.")));
        }
        self.rest = &self.rest[end..];
        Ok((is_escaped || !word.eq_ignore_ascii_case("null")).then_some(word))
    }
}

/// Writes an array of these dimensions; `put` writes element `n` as text, or says that it is NULL.
pub(crate) fn put<E>(
    out: &mut bytes::BytesMut,
    dimensions: &[Dimension],
    delimiter: char,
    mut put: impl FnMut(usize, &mut bytes::BytesMut) -> Result<bool, E>,
) -> Result<(), E> {
    use bytes::BufMut;
    if dimensions.iter().any(|dimension| dimension.lower != 1) {
        for Dimension { lower, length } in dimensions {
            let upper = i64::from(*lower) + i64::from(*length) - 1;
            out.put_slice(format!("[{lower}:{upper}]").as_bytes());
        }
        out.put_u8(b'=');
    }
    let lengths: Vec<usize> =
        dimensions.iter().map(|dimension| dimension.length.max(0) as usize).collect();
    let total: usize = if lengths.is_empty() { 0 } else { lengths.iter().product() };
    if total == 0 {
        out.put_slice(b"{}");
        return Ok(());
    }
    // How many elements each list holds, the innermost lists last.
    let sizes: Vec<usize> = (0..lengths.len()).map(|at| lengths[at..].iter().product()).collect();
    for index in 0..total {
        if index > 0 {
            out.put_slice(delimiter.encode_utf8(&mut [0; 4]).as_bytes());
        }
        sizes.iter().filter(|size| index.is_multiple_of(**size)).for_each(|_| out.put_u8(b'{'));
        let start = out.len();
        if put(index, out)? {
            quote_from(out, start, delimiter);
        } else {
            out.put_slice(b"NULL");
        }
        sizes
            .iter()
            .filter(|size| (index + 1).is_multiple_of(**size))
            .for_each(|_| out.put_u8(b'}'));
    }
    Ok(())
}

/// Puts the element that begins at `start` in quotes where PostgreSQL does.
pub(crate) fn quote_from(out: &mut bytes::BytesMut, start: usize, delimiter: char) {
    use bytes::BufMut;
    let element = &out[start..];
    let is_special = |&byte: &u8| {
        matches!(byte, b'"' | b'\\' | b'{' | b'}' | b' ' | b'\t'..=b'\r')
            || char::from(byte) == delimiter
    };
    let needs_quotes = element.is_empty()
        || element.eq_ignore_ascii_case(b"NULL")
        || element.iter().any(is_special);
    if !needs_quotes {
        return;
    }
    let element = out.split_off(start);
    out.reserve(element.len() + 2);
    out.put_u8(b'"');
    for &byte in &element {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(byte);
    }
    out.put_u8(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lower bounds and lengths, and the number of elements.
    type Found = (Vec<(i32, i32)>, usize);

    fn shape(text: &str) -> Result<Found, &'static str> {
        let array = parse(text, ',').map_err(|error| error.state.0)?;
        let dimensions = array.dimensions.iter().map(|one| (one.lower, one.length));
        Ok((dimensions.collect(), array.elements.len()))
    }

    #[test]
    fn lists_bounds_and_empty_arrays_are_read() {
        assert_eq!(shape("{1,2}"), Ok((vec![(1, 2)], 2)));
        assert_eq!(shape(" { {1,2} , {3,4} } "), Ok((vec![(1, 2), (1, 2)], 4)));
        assert_eq!(shape("[0:1]={1,2}"), Ok((vec![(0, 2)], 2)));
        assert_eq!(shape("[-1:0][2:3] = {{1,2},{3,4}}"), Ok((vec![(-1, 2), (2, 2)], 4)));
        assert_eq!(shape("[2]={1,2}"), Ok((vec![(1, 2)], 2)));
        assert_eq!(shape("{}"), Ok((vec![], 0)));
        assert_eq!(shape("{{},{}}"), Ok((vec![], 0)));
        let words = parse(r#"{a b , "c,\"d" ,NULL,"NULL",\N,""}"#, ',').unwrap().elements;
        let words: Vec<_> = words.iter().map(|word| word.as_deref()).collect();
        let expected = [Some("a b"), Some("c,\"d"), None, Some("NULL"), Some("N"), Some("")];
        assert_eq!(words, expected);
    }

    #[test]
    fn other_texts_are_errors() {
        for text in
            ["", "1,2", "{1", "{1,,2}", "{{1,2},{3}}", "{1,{2}}", "{{1},2}", "{1}x", "{\"a\"b}"]
        {
            assert_eq!(shape(text), Err("22P02"), "{text}");
        }
        assert_eq!(shape("[2:1]={1}"), Err("2202E"));
        assert_eq!(shape("[-9223372036854775808:9223372036854775807]={1}"), Err("54000"));
        assert_eq!(shape("[-2147483648:2147483647]={1}"), Err("54000"));
        assert_eq!(shape("[1:3]={1}"), Err("22P02"));
        assert_eq!(shape("{{{{{{{1}}}}}}}"), Err("54000"));
    }
}
