//! The guard in front of every decoder: cuts whole frames out of the bytes that a client sent.
//!
//! ```text
//! socket ──> buffer ──take_frame──> Frame { kind, body } ──message::decode──> one message
//! ```
//!
//! Invariants
//! - A frame's type is known and its length is within the limit of its type before its body is awaited.
//! - Nothing is reserved for a length that a client only announced: the buffer grows as bytes arrive.
//! - A decoder sees the body of one frame and nothing else.

use bytes::{Buf, Bytes, BytesMut};
use query_engine::{QueryError, SqlState};

use crate::error::protocol_violation;

/// Type byte and length word.
const HEADER_BYTES: usize = 5;

/// Largest body of a message that holds SQL text.
pub(crate) const SQL_BODY_BYTES_MAX: usize = 16 << 20;

/// Largest body of a message that holds parameters.
pub(crate) const BIND_BODY_BYTES_MAX: usize = 64 << 20;

/// Largest body of a message that holds names only, as PostgreSQL limits them.
pub(crate) const SMALL_BODY_BYTES_MAX: usize = 10_000;

/// Largest body of a password message.
pub(crate) const AUTHENTICATION_BODY_BYTES_MAX: usize = 64 << 10;

/// Largest body of a COPY message: drivers put some megabytes into one.
pub(crate) const COPY_BODY_BYTES_MAX: usize = 16 << 20;

/// What the client may send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not signed in: only password messages.
    Authentication,
    /// Signed in.
    Session,
}

/// One frame of the client: type byte and body without the length word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Message type.
    pub(crate) kind: u8,
    /// Everything after the length word.
    pub(crate) body: Bytes,
}

/// Takes the next whole frame off `buffer`; `None` when more bytes are needed.
///
/// # Errors
/// 08P01 for an unknown type, a type that has no place in `phase`, or a length out of its limits;
/// 54000 for a statement or parameters over our own limit. All are fatal: the stream is out of step.
pub(crate) fn take_frame(buffer: &mut BytesMut, phase: Phase) -> Result<Option<Frame>, QueryError> {
    let Some(&kind) = buffer.first() else { return Ok(None) };
    let body_bytes_max = body_bytes_max(kind, phase)?;
    let Some(length_word) = buffer.get(1..HEADER_BYTES) else { return Ok(None) };
    let length_bytes = (&length_word[..]).get_u32();
    let Some(body_bytes) = length_bytes.checked_sub(4).map(|bytes| bytes as usize) else {
        return Err(protocol_violation("invalid message length"));
    };
    if body_bytes > body_bytes_max {
        return Err(too_long(kind, body_bytes, body_bytes_max));
    }
    if buffer.len() - HEADER_BYTES < body_bytes {
        return Ok(None);
    }
    buffer.advance(HEADER_BYTES);
    Ok(Some(Frame { kind, body: buffer.split_to(body_bytes).freeze() }))
}

fn body_bytes_max(kind: u8, phase: Phase) -> Result<usize, QueryError> {
    match (phase, kind) {
        (Phase::Authentication, b'p') => Ok(AUTHENTICATION_BODY_BYTES_MAX),
        (Phase::Authentication, _) => {
            Err(protocol_violation(format!("expected password response, got message type {kind}")))
        }
        (Phase::Session, b'Q' | b'P') => Ok(SQL_BODY_BYTES_MAX),
        (Phase::Session, b'B') => Ok(BIND_BODY_BYTES_MAX),
        (Phase::Session, b'C' | b'D' | b'E' | b'F' | b'H' | b'S' | b'X' | b'c' | b'f') => {
            Ok(SMALL_BODY_BYTES_MAX)
        }
        (Phase::Session, b'd') => Ok(COPY_BODY_BYTES_MAX),
        (Phase::Session, _) => {
            Err(protocol_violation(format!("invalid frontend message type {kind}")))
        }
    }
}

/// PostgreSQL's "invalid message length" where it has the same limit, else our own limit by name.
fn too_long(kind: u8, body_bytes: usize, body_bytes_max: usize) -> QueryError {
    match kind {
        b'Q' | b'P' | b'B' => QueryError::new(
            SqlState::PROGRAM_LIMIT,
            format!("message of {body_bytes} bytes is over the limit of {body_bytes_max} bytes"),
        ),
        _ => protocol_violation("invalid message length"),
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;
    use proptest::prelude::*;

    use super::*;

    fn framed(kind: u8, body: &[u8]) -> BytesMut {
        let mut buffer = BytesMut::new();
        buffer.put_u8(kind);
        buffer.put_u32(u32::try_from(body.len() + 4).unwrap());
        buffer.put_slice(body);
        buffer
    }

    #[test]
    fn a_frame_is_taken_only_when_it_is_whole() {
        let whole = framed(b'Q', b"select 1\0");
        for cut in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..cut]);
            assert_eq!(take_frame(&mut part, Phase::Session).unwrap(), None, "{cut} bytes");
            assert_eq!(part.len(), cut, "bytes of an unfinished frame stay");
        }
        let mut buffer = whole;
        buffer.put_slice(b"S");
        let frame = take_frame(&mut buffer, Phase::Session).unwrap().unwrap();
        assert_eq!((frame.kind, &frame.body[..]), (b'Q', &b"select 1\0"[..]));
        assert_eq!(&buffer[..], b"S");
    }

    #[test]
    fn an_unknown_type_is_refused_before_its_length_arrives() {
        let error = take_frame(&mut BytesMut::from(&b"y"[..]), Phase::Session).unwrap_err();
        assert_eq!(
            (error.state.0, error.message.as_str()),
            ("08P01", "invalid frontend message type 121")
        );
    }

    #[test]
    fn only_password_messages_are_read_before_sign_in() {
        for kind in (0..=u8::MAX).filter(|&kind| kind != b'p') {
            let error = take_frame(&mut framed(kind, b""), Phase::Authentication).unwrap_err();
            assert_eq!(error.state.0, "08P01");
        }
    }

    #[test]
    fn each_limit_admits_its_own_value_and_refuses_the_next() {
        for (kind, phase, limit, state) in [
            (b'Q', Phase::Session, SQL_BODY_BYTES_MAX, "54000"),
            (b'P', Phase::Session, SQL_BODY_BYTES_MAX, "54000"),
            (b'B', Phase::Session, BIND_BODY_BYTES_MAX, "54000"),
            (b'E', Phase::Session, SMALL_BODY_BYTES_MAX, "08P01"),
            (b'd', Phase::Session, COPY_BODY_BYTES_MAX, "08P01"),
            (b'p', Phase::Authentication, AUTHENTICATION_BODY_BYTES_MAX, "08P01"),
        ] {
            let header = |body_bytes: usize| {
                let mut buffer = BytesMut::new();
                buffer.put_u8(kind);
                buffer.put_u32(u32::try_from(body_bytes + 4).unwrap());
                buffer
            };
            assert_eq!(take_frame(&mut header(limit), phase).unwrap(), None);
            assert_eq!(take_frame(&mut header(limit + 1), phase).unwrap_err().state.0, state);
        }
        for length in 0..4u8 {
            let mut short = BytesMut::from(&[b'S', 0, 0, 0, length][..]);
            assert_eq!(take_frame(&mut short, Phase::Session).unwrap_err().state.0, "08P01");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_frame_an_error_or_a_wait(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(frame)) = take_frame(&mut buffer, Phase::Session) {
                prop_assert!(frame.body.len() <= bytes.len());
            }
        }
    }
}
