//! Bytes of one block as a source gave them: nothing about them is known yet.

use alloy_primitives::U256;
use bytes::Bytes;

use super::Place;

/// One unverified block. Cheap to move to the thread that runs [`verify`](super::verify).
#[derive(Clone, Debug)]
pub struct RawBlock {
    /// Where it starts in its file.
    pub(super) place: Place,
    pub(super) body: RawBody,
    /// Sum of difficulties as the source claims or gives it;
    /// [`BlockFile::check_in_order`](super::BlockFile::check_in_order) proves it.
    pub(super) total_difficulty: Option<U256>,
}

/// The forms in which a block comes.
#[derive(Clone, Debug)]
pub(super) enum RawBody {
    /// One line of NDJSON.
    Json(Bytes),
    /// One RLP block, and the line of NDJSON that holds its receipts.
    Rlp { block: Bytes, receipts: Option<Bytes> },
    /// Records of an ERA1 file, compressed as stored.
    Era1 { header: Bytes, body: Bytes, receipts: Bytes },
}

impl RawBlock {
    /// A block given as one JSON object `{"block": …, "receipts": …}`, as from a line of NDJSON.
    pub fn from_json(line: impl Into<Bytes>) -> Self {
        Self { place: Place::Line(1), body: RawBody::Json(line.into()), total_difficulty: None }
    }

    /// A block given as RLP, without receipts.
    pub fn from_rlp(block: impl Into<Bytes>) -> Self {
        let body = RawBody::Rlp { block: block.into(), receipts: None };
        Self { place: Place::Byte(0), body, total_difficulty: None }
    }

    /// Where the block starts in its file.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Bytes that it holds.
    pub fn size_bytes(&self) -> usize {
        match &self.body {
            RawBody::Json(line) => line.len(),
            RawBody::Rlp { block, receipts } => {
                block.len() + receipts.as_ref().map_or(0, Bytes::len)
            }
            RawBody::Era1 { header, body, receipts } => header.len() + body.len() + receipts.len(),
        }
    }
}
