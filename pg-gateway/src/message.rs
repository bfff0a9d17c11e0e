//! Decodes the bodies of client messages into pgwire's message structs, with every read checked.
//!
//! pgwire's own decoders read past the frame, panic on short bodies and replace invalid UTF-8, so only
//! its structs are used here. A body must be consumed whole.

use pgwire::messages::extendedquery::{Bind, Close, Describe, Execute, Parse};
use query_engine::QueryError;
use query_engine::values::{Reader, insufficient};

use crate::error::protocol_violation;
use crate::frame::Frame;

/// A message of a client that is signed in.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    /// SQL text of the simple protocol.
    Query(String),
    /// Makes a prepared statement.
    Parse(Parse),
    /// Makes a portal.
    Bind(Bind),
    /// Asks for types and columns.
    Describe(Describe),
    /// Runs a portal.
    Execute(Execute),
    /// Drops a statement or portal.
    Close(Close),
    /// Wants everything that is buffered.
    Flush,
    /// Ends a pipeline.
    Sync,
    /// Calls a function by its object id; a protocol of the past.
    FunctionCall(u32),
    /// COPY data outside COPY: ignored, as PostgreSQL does.
    StrayCopy,
    /// The client leaves.
    Terminate,
}

/// Whether a target byte of Describe and Close means a statement (`S`) or a portal (`P`).
pub(crate) const TARGET_STATEMENT: u8 = b'S';
/// See [`TARGET_STATEMENT`].
pub(crate) const TARGET_PORTAL: u8 = b'P';

/// Decodes one frame of a session.
///
/// # Errors
/// 08P01 for a body that is short, long or malformed, 22021 for text that is not UTF-8.
pub(crate) fn decode_frame(frame: &Frame) -> Result<Message, QueryError> {
    let mut reader = Reader::new(frame.body.clone());
    let message = match frame.kind {
        b'Q' => Message::Query(reader.text()?),
        b'P' => Message::Parse(decode_parse(&mut reader)?),
        b'B' => Message::Bind(decode_bind(&mut reader)?),
        b'D' => {
            let target = decode_target(&mut reader, "DESCRIBE")?;
            Message::Describe(Describe::new(target, reader.name()?))
        }
        b'C' => {
            let target = decode_target(&mut reader, "CLOSE")?;
            Message::Close(Close::new(target, reader.name()?))
        }
        b'E' => Message::Execute(Execute::new(reader.name()?, reader.i32()?)),
        b'H' => Message::Flush,
        b'S' => Message::Sync,
        b'X' => return Ok(Message::Terminate),
        b'F' => return Ok(Message::FunctionCall(reader.u32()?)),
        b'd' | b'c' | b'f' => return Ok(Message::StrayCopy),
        kind => {
            return Err(protocol_violation(format!("invalid frontend message type {kind}")));
        }
    };
    reader.finish()?;
    Ok(message)
}

fn decode_parse(reader: &mut Reader) -> Result<Parse, QueryError> {
    let name = reader.name()?;
    let query = reader.text()?;
    let count = reader.count(4)?;
    let types = (0..count).map(|_| reader.u32()).collect::<Result<_, _>>()?;
    Ok(Parse::new(name, query, types))
}

fn decode_bind(reader: &mut Reader) -> Result<Bind, QueryError> {
    let portal = reader.name()?;
    let statement = reader.name()?;
    let parameter_formats = reader.formats()?;
    let count = reader.count(4)?;
    let mut parameters = Vec::with_capacity(count);
    for _ in 0..count {
        parameters.push(match reader.i32()? {
            -1 => None,
            bytes => Some(reader.bytes(usize::try_from(bytes).map_err(|_| insufficient())?)?),
        });
    }
    let result_formats = reader.formats()?;
    Ok(Bind::new(portal, statement, parameter_formats, parameters, result_formats))
}

fn decode_target(reader: &mut Reader, verb: &str) -> Result<u8, QueryError> {
    match reader.u8()? {
        target @ (TARGET_STATEMENT | TARGET_PORTAL) => Ok(target),
        other => Err(protocol_violation(format!("invalid {verb} message subtype {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, body: &[u8]) -> Frame {
        Frame { kind, body: Bytes::copy_from_slice(body) }
    }

    const BIND: &[u8] = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02hi\xff\xff\xff\xff\0\x01\0\x01";

    #[test]
    fn a_bind_message_gives_names_formats_and_values() {
        let Message::Bind(bind) = decode_frame(&frame(b'B', BIND)).unwrap() else {
            panic!("not a bind message");
        };
        assert_eq!(bind.portal_name.as_deref(), Some("p"));
        assert_eq!(bind.parameters, [Some(Bytes::from_static(b"hi")), None]);
        assert_eq!(bind.result_column_format_codes, [1]);
    }

    #[test]
    fn every_cut_of_a_body_is_a_protocol_violation() {
        let bodies: [(u8, &[u8]); 5] = [
            (b'B', BIND),
            (b'P', b"s\0select $1\0\0\x01\0\0\0\x17"),
            (b'E', b"p\0\0\0\0\x05"),
            (b'D', b"Sname\0"),
            (b'Q', b"select 1\0"),
        ];
        for (kind, body) in bodies {
            decode_frame(&frame(kind, body)).unwrap();
            for cut in 0..body.len() {
                let error = decode_frame(&frame(kind, &body[..cut])).unwrap_err();
                assert_eq!(error.state.0, "08P01", "{} cut at {cut}", char::from(kind));
            }
            let longer = [body, b"x"].concat();
            let error = decode_frame(&frame(kind, &longer)).unwrap_err();
            assert_eq!(error.message, "invalid message format");
        }
    }

    #[test]
    fn a_negative_parameter_length_other_than_null_is_refused() {
        let body = b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0";
        assert_eq!(decode_frame(&frame(b'B', body)).unwrap_err().state.0, "08P01");
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_not_replaced() {
        assert_eq!(decode_frame(&frame(b'Q', b"select '\xff'\0")).unwrap_err().state.0, "22021");
    }

    proptest! {
        #[test]
        fn random_bodies_never_panic(
            kind in prop::sample::select(b"QPBDECHSXFdcf".to_vec()),
            body in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let _ = decode_frame(&frame(kind, &body));
        }

        #[test]
        fn mutated_bind_bodies_never_panic(at in 0..BIND.len(), byte in any::<u8>()) {
            let mut body = BIND.to_vec();
            body[at] = byte;
            let _ = decode_frame(&frame(b'B', &body));
        }
    }
}
