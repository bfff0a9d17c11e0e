//! Framed snappy, as ERA1 records hold it.
//!
//! The frame's checksums are not looked at: what is inflated here is hashed with Keccak-256 right
//! after. The buffers of a general stream decoder would cost more than a small block's hashes.

use bytes::Bytes;

use super::limits::ERA1_INFLATED_BYTES_MAX;
use super::rlp::Parsed;

const STREAM_START: &[u8] = b"sNaPpY";
const COMPRESSED: u8 = 0x00;
const UNCOMPRESSED: u8 = 0x01;
const STREAM_IDENTIFIER: u8 = 0xff;

/// First of the chunk types that a reader skips: padding, and what later formats add.
const SKIPPABLE_MIN: u8 = 0x80;

/// Most bytes that one chunk inflates to, by the format.
const CHUNK_BYTES_MAX: usize = 65_536;

/// Length of the checksum before a chunk's data.
const CHECKSUM_BYTES: usize = 4;

/// Inflates the frames in `framed`, up to [`ERA1_INFLATED_BYTES_MAX`]; `what` names them in errors.
pub(super) fn inflate(framed: &[u8], what: &str) -> Parsed<Bytes> {
    inflate_frames(framed).map(Bytes::from).map_err(|error| format!("{what}: {error}"))
}

fn inflate_frames(mut framed: &[u8]) -> Parsed<Vec<u8>> {
    let mut inflated = Vec::new();
    let mut decoder = snap::raw::Decoder::new();
    let mut is_first = true;
    while !framed.is_empty() {
        let (kind, chunk) = take_chunk(&mut framed)?;
        if is_first && kind != STREAM_IDENTIFIER {
            return Err("snappy stream does not start with its identifier".to_owned());
        }
        is_first = false;
        match kind {
            STREAM_IDENTIFIER if chunk == STREAM_START => {}
            COMPRESSED | UNCOMPRESSED => {
                let data = chunk
                    .get(CHECKSUM_BYTES..)
                    .ok_or_else(|| "snappy chunk is shorter than its checksum".to_owned())?;
                append(kind, data, &mut decoder, &mut inflated)?;
            }
            SKIPPABLE_MIN..STREAM_IDENTIFIER => {}
            _ => return Err(format!("snappy chunk of unknown type 0x{kind:02x}")),
        }
        if inflated.len() > ERA1_INFLATED_BYTES_MAX {
            return Err(format!("inflates to more than {ERA1_INFLATED_BYTES_MAX} bytes"));
        }
    }
    if is_first { Err("snappy stream is empty".to_owned()) } else { Ok(inflated) }
}

/// Takes the first chunk: type, 3 bytes of length, content.
fn take_chunk<'a>(framed: &mut &'a [u8]) -> Parsed<(u8, &'a [u8])> {
    let cut_off = || "snappy chunk is cut off".to_owned();
    let (head, rest) = framed.split_first_chunk::<4>().ok_or_else(cut_off)?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], 0]) as usize;
    let (chunk, rest) = rest.split_at_checked(length).ok_or_else(cut_off)?;
    *framed = rest;
    Ok((head[0], chunk))
}

fn append(
    kind: u8,
    data: &[u8],
    decoder: &mut snap::raw::Decoder,
    inflated: &mut Vec<u8>,
) -> Parsed<()> {
    let length = if kind == COMPRESSED {
        snap::raw::decompress_len(data).map_err(|error| error.to_string())?
    } else {
        data.len()
    };
    if length > CHUNK_BYTES_MAX {
        return Err(format!("snappy chunk of {length} bytes, at most {CHUNK_BYTES_MAX}"));
    }
    if kind == UNCOMPRESSED {
        inflated.extend_from_slice(data);
        return Ok(());
    }
    let start = inflated.len();
    inflated.resize(start + length, 0);
    let written =
        decoder.decompress(data, &mut inflated[start..]).map_err(|error| error.to_string())?;
    inflated.truncate(start + written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn framed(content: &[u8]) -> Vec<u8> {
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(content).unwrap();
        encoder.into_inner().unwrap()
    }

    #[test]
    fn content_of_many_chunks_comes_back() {
        let noise: Vec<u8> =
            (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for content in [vec![7; 200_000], noise, vec![1, 2, 3]] {
            assert_eq!(inflate(&framed(&content), "body").unwrap(), content);
        }
    }

    #[test]
    fn content_above_the_limit_is_refused() {
        let at_the_limit = framed(&vec![0; ERA1_INFLATED_BYTES_MAX]);
        assert_eq!(inflate(&at_the_limit, "body").unwrap().len(), ERA1_INFLATED_BYTES_MAX);
        let above = framed(&vec![0; ERA1_INFLATED_BYTES_MAX + 1]);
        let error = inflate(&above, "body").unwrap_err();
        assert_eq!(error, "body: inflates to more than 67108864 bytes");
    }

    #[test]
    fn streams_without_start_or_end_are_refused() {
        let good = framed(b"content");
        for bad in [&[][..], &good[..5], &good[..good.len() - 1], &good[10..], &[0x02, 0, 0, 0]] {
            assert!(inflate(bad, "body").is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_a_stream_decoder_reads_we_read(content in prop::collection::vec(any::<u8>(), 1..2000)) {
            prop_assert_eq!(inflate(&framed(&content), "body").unwrap(), content);
        }
    }
}
