//! One line of COPY FROM STDIN → its fields, `None` for NULL.

use query_engine::{CopyOptions, QueryError};

use super::lines::BAD_COPY_FORMAT;

/// Fields of a line in text format.
pub(super) fn text_fields(line: &[u8], options: &CopyOptions) -> Vec<Option<Vec<u8>>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, used) = text_field(rest, options);
        fields.push(field);
        match rest.get(used) {
            // A delimiter: there is another field, empty at the end of the line.
            Some(_) => rest = &rest[used + 1..],
            None => return fields,
        }
    }
}

/// The field at the start of `rest`, and the bytes up to its delimiter.
fn text_field(rest: &[u8], options: &CopyOptions) -> (Option<Vec<u8>>, usize) {
    let mut value = Vec::new();
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        if byte == options.delimiter {
            break;
        }
        at += 1;
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let Some(&escaped) = rest.get(at) else {
            value.push(b'\\');
            break;
        };
        at += 1;
        value.push(match escaped {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'0'..=b'7' => digits(rest, &mut at, u32::from(escaped - b'0'), 8, 2),
            b'x' if rest.get(at).is_some_and(u8::is_ascii_hexdigit) => {
                digits(rest, &mut at, 0, 16, 2)
            }
            other => other,
        });
    }
    // NULL is told by the field as written, before its escapes are undone.
    let is_null = &rest[..at] == options.null.as_bytes();
    ((!is_null).then_some(value), at)
}

/// Up to `count_max` digits more of a byte that is written as a number.
fn digits(rest: &[u8], at: &mut usize, first: u32, radix: u32, count_max: usize) -> u8 {
    let mut value = first;
    for _ in 0..count_max {
        let Some(digit) = rest.get(*at).and_then(|byte| char::from(*byte).to_digit(radix)) else {
            break;
        };
        value = value * radix + digit;
        *at += 1;
    }
    // As PostgreSQL, the low eight bits.
    (value & 0xff) as u8
}

/// Fields of a line in CSV.
///
/// # Errors
/// 22P04 for a quoted field without an end.
pub(super) fn csv_fields(
    line: &[u8],
    options: &CopyOptions,
) -> Result<Vec<Option<Vec<u8>>>, QueryError> {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let (mut value, mut is_quoted, mut in_quotes) = (Vec::new(), false, false);
        let start = at;
        let has_more = loop {
            let Some(&byte) = line.get(at) else {
                if in_quotes {
                    return Err(QueryError::new(BAD_COPY_FORMAT, "unterminated CSV quoted field"));
                }
                break false;
            };
            at += 1;
            if !in_quotes {
                if byte == options.delimiter {
                    break true;
                }
                if byte == options.quote {
                    (is_quoted, in_quotes) = (true, true);
                } else {
                    value.push(byte);
                }
                continue;
            }
            let next = line.get(at).copied();
            if byte == options.escape
                && let Some(escaped) = next
                && (escaped == options.escape || escaped == options.quote)
            {
                value.push(escaped);
                at += 1;
            } else if byte == options.quote {
                in_quotes = false;
            } else {
                value.push(byte);
            }
        };
        let written = &line[start..at - usize::from(has_more)];
        let column = fields.len();
        let chosen = |list: &[bool]| list.get(column).copied().unwrap_or(false);
        let is_null = if is_quoted {
            chosen(&options.force_null) && value == options.null.as_bytes()
        } else {
            written == options.null.as_bytes() && !chosen(&options.force_not_null)
        };
        fields.push((!is_null).then_some(value));
        if !has_more {
            return Ok(fields);
        }
    }
}
