//! `point`, `lseg`, `box`, `path`, `polygon`, `line`, `circle`: what they are made of is floats.

use bytes::{BufMut, BytesMut};

use super::{BOX, CIRCLE, LINE, LSEG, PATH, POINT, POLYGON};
use crate::catalog::pg_catalog::builtin::type_of;
use crate::values::decode::{invalid_syntax, parse_float8};
use crate::values::encode::float8_text;
use crate::values::error::{INVALID_BINARY, protocol_violation};
use crate::values::reader::Reader;
use crate::{QueryError, SqlState};

/// A shape: its numbers in order, and whether a path is closed.
struct Shape {
    numbers: Vec<f64>,
    is_closed: bool,
}

fn name(oid: u32) -> &'static str {
    type_of(oid).map_or("", |found| found.name)
}

/// Numbers between brackets and commas. The brackets must pair, and stand where numbers begin or end.
fn numbers(oid: u32, text: &str) -> Result<(Vec<f64>, bool), QueryError> {
    let invalid = || invalid_syntax(name(oid), text).about(text);
    let (mut found, mut open, mut after_comma) = (Vec::new(), Vec::new(), true);
    let mut first = None;
    let mut rest = text.trim_ascii();
    while let Some(character) = rest.chars().next() {
        match character {
            '(' | '[' | '<' | '{' if after_comma => {
                first.get_or_insert(character);
                open.push(character);
                rest = &rest[1..];
            }
            ')' | ']' | '>' | '}' if !after_comma => {
                let pair = matches!(
                    (open.pop(), character),
                    (Some('('), ')') | (Some('['), ']') | (Some('<'), '>') | (Some('{'), '}')
                );
                if !pair {
                    return Err(invalid());
                }
                rest = &rest[1..];
            }
            ',' if !after_comma => {
                after_comma = true;
                rest = &rest[1..];
            }
            _ if after_comma => {
                let end =
                    rest.find([',', ')', ']', '>', '}', '(', '[', '<', '{']).unwrap_or(rest.len());
                found.push(parse_float8(&rest[..end]).map_err(|error| {
                    if error.state == SqlState::NUMERIC_OUT_OF_RANGE { error } else { invalid() }
                })?);
                after_comma = false;
                rest = &rest[end..];
            }
            _ => return Err(invalid()),
        }
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    }
    if !open.is_empty() || after_comma {
        return Err(invalid());
    }
    Ok((found, first == Some('[')))
}

fn read(oid: u32, text: &str) -> Result<Shape, QueryError> {
    let invalid = || invalid_syntax(name(oid), text).about(text);
    let (mut numbers, is_square) = numbers(oid, text)?;
    let is_right = match oid {
        POINT => numbers.len() == 2,
        LSEG | BOX => numbers.len() == 4,
        LINE => numbers.len() == 3 || numbers.len() == 4,
        CIRCLE => numbers.len() == 3 && numbers[2] >= 0.0,
        _ => !numbers.is_empty() && numbers.len().is_multiple_of(2),
    };
    if !is_right || (is_square && !matches!(oid, PATH | LSEG)) {
        return Err(invalid());
    }
    match (oid, numbers.as_slice()) {
        (BOX, _) => numbers = corners(&numbers),
        (LINE, [x1, y1, x2, y2]) => {
            if x1 == x2 && y1 == y2 {
                let message = "invalid line specification: must be two distinct points";
                return Err(QueryError::new(SqlState::INVALID_TEXT, message));
            }
            numbers = if x1 == x2 {
                vec![-1.0, 0.0, *x1]
            } else if y1 == y2 {
                vec![0.0, -1.0, *y1]
            } else {
                let slope = (y1 - y2) / (x1 - x2);
                vec![slope, -1.0, y1 - slope * x1 + 0.0]
            };
        }
        (LINE, [a, b, _]) if *a == 0.0 && *b == 0.0 => {
            let message = "invalid line specification: A and B cannot both be zero";
            return Err(QueryError::new(SqlState::INVALID_TEXT, message));
        }
        _ => {}
    }
    Ok(Shape { numbers, is_closed: !is_square })
}

/// The upper right corner, then the lower left one.
fn corners(numbers: &[f64]) -> Vec<f64> {
    let (x1, y1, x2, y2) = (numbers[0], numbers[1], numbers[2], numbers[3]);
    vec![x1.max(x2), y1.max(y2), x1.min(x2), y1.min(y2)]
}

fn text_of(oid: u32, shape: &Shape) -> String {
    let shown: Vec<String> = shape.numbers.iter().map(|number| float8_text(*number)).collect();
    let points: Vec<String> = shown.chunks(2).map(|pair| format!("({})", pair.join(","))).collect();
    let points = points.join(",");
    match oid {
        LSEG => format!("[{points}]"),
        PATH if !shape.is_closed => format!("[{points}]"),
        PATH | POLYGON => format!("({points})"),
        LINE => format!("{{{}}}", shown.join(",")),
        CIRCLE => format!("<({},{}),{}>", shown[0], shown[1], shown[2]),
        _ => points,
    }
}

pub(super) fn parse(oid: u32, text: &str) -> Result<String, QueryError> {
    read(oid, text).map(|shape| text_of(oid, &shape))
}

pub(super) fn receive(oid: u32, reader: &mut Reader) -> Result<String, QueryError> {
    let mut is_closed = true;
    let count = match oid {
        POINT => 2,
        LSEG | BOX => 4,
        LINE | CIRCLE => 3,
        _ => {
            if oid == PATH {
                is_closed = reader.u8()? != 0;
            }
            let points = usize::try_from(reader.i32()?).ok().filter(|count| *count > 0);
            let points = points.ok_or_else(|| {
                let message =
                    format!("invalid number of points in external \"{}\" value", name(oid));
                QueryError::new(INVALID_BINARY, message)
            })?;
            if points > reader.remaining() / 16 {
                return Err(protocol_violation("insufficient data left in message"));
            }
            points * 2
        }
    };
    let mut numbers = Vec::with_capacity(count);
    for _ in 0..count {
        numbers.push(f64::from_bits(reader.i64()?.cast_unsigned()));
    }
    if oid == CIRCLE && numbers[2] < 0.0 {
        let message = "invalid radius in external \"circle\" value";
        return Err(QueryError::new(INVALID_BINARY, message));
    }
    if oid == BOX {
        numbers = corners(&numbers);
    }
    Ok(text_of(oid, &Shape { numbers, is_closed }))
}

pub(super) fn send(oid: u32, text: &str, out: &mut BytesMut) -> Result<(), QueryError> {
    let shape = read(oid, text)?;
    if oid == PATH {
        out.put_u8(u8::from(shape.is_closed));
    }
    if matches!(oid, PATH | POLYGON) {
        out.put_i32(i32::try_from(shape.numbers.len() / 2).unwrap_or(i32::MAX));
    }
    shape.numbers.iter().for_each(|number| out.put_f64(*number));
    Ok(())
}
