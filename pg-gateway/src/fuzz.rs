//! Entry points for fuzzing: each takes any bytes and must come back, whatever they are.

use bytes::BytesMut;
use query_engine::values::{Format, Zone, decode_parameter};
use query_engine::{CopyFormat, CopyHeader, CopyOptions, PgType};

use crate::certificate::{common_name, end_point_hash};
use crate::frame::{Phase, take_frame};
use crate::message::decode_frame;
use crate::scram::{Channel, Exchange, MockSecret};
use crate::startup_packet::decode_startup;

/// Columns of the copy data that is read.
const COPY_COLUMNS: usize = 3;

/// A stream of frames of a signed-in client. Gives how many messages were decoded.
pub fn frames(bytes: &[u8]) -> usize {
    let mut buffer = BytesMut::from(bytes);
    let mut decoded = 0;
    while let Ok(Some(frame)) = take_frame(&mut buffer, Phase::Session) {
        decoded += usize::from(decode_frame(&frame).is_ok());
    }
    decoded
}

/// A startup packet without its length word. Gives whether it is one.
pub fn startup(bytes: &[u8]) -> bool {
    decode_startup(bytes).is_ok()
}

/// What a client sends to sign in: a mechanism's first and last message, or a certificate. Gives whether
/// somebody was signed in, which must never be.
pub fn sign_in(bytes: &[u8]) -> bool {
    let _name = common_name(bytes);
    let _print = end_point_hash(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let (first, last) = text.split_once('\n').unwrap_or((text, ""));
    let channel = Channel { end_point: Some([7; 32].into()), is_bound: first.starts_with('p') };
    let exchange = Exchange::start(first, "ann", None, &MockSecret::random(), &channel);
    // The role does not exist, so that no password can be right.
    exchange.is_ok_and(|exchange| exchange.finish(last).is_ok_and(|answer| answer.is_some()))
}

/// A parameter value of the type with object id `oid`. Gives whether it is one.
pub fn parameter(oid: u32, is_binary: bool, bytes: &[u8]) -> bool {
    let format = if is_binary { Format::Binary } else { Format::Text };
    PgType::from_oid(oid)
        .is_some_and(|pg_type| decode_parameter(pg_type, format, bytes, &Zone::Fixed(0)).is_ok())
}

/// Copy data of three columns that comes in pieces of `piece_bytes`. Gives the number of rows, `None` for
/// data that is not in the format.
pub fn copy_data(format: CopyFormat, piece_bytes: usize, bytes: &[u8]) -> Option<usize> {
    let is_csv = format == CopyFormat::Csv;
    let options = CopyOptions {
        format,
        delimiter: if is_csv { b',' } else { b'\t' },
        null: if is_csv { String::new() } else { "\\N".to_owned() },
        header: CopyHeader::No,
        quote: b'"',
        escape: if piece_bytes.is_multiple_of(2) { b'"' } else { b'\\' },
        force_quote: vec![false; COPY_COLUMNS],
        force_not_null: vec![false, true, false],
        force_null: vec![false, false, true],
    };
    crate::copy::row_count(bytes, piece_bytes, COPY_COLUMNS, &options).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_points_tell_valid_bytes_from_others() {
        assert_eq!(frames(b"Q\0\0\0\x0dselect 1\0S\0\0\0\x04y"), 2);
        assert!(startup(b"\0\x03\0\0user\0ann\0\0") && !startup(b"GET "));
        assert!(!sign_in(b"n,,n=,r=abcdefgh\nc=biws,r=abcdefgh,p=AAAA"));
        assert!(parameter(23, true, &[0, 0, 0, 1]) && !parameter(23, false, b"x"));
        let csv = b"a,\"b\nc\",\n,,\n";
        assert!((1..9).all(|piece| copy_data(CopyFormat::Csv, piece, csv) == Some(2)));
        assert_eq!(copy_data(CopyFormat::Text, 2, b"a\tb\t\\N\n\\.\nrest"), Some(1));
        assert_eq!(copy_data(CopyFormat::Binary, 5, b"PGCOPY"), None);
    }
}
