//! Bytes of one block as a source gave them: nothing about them is known yet.

use bytes::Bytes;

use super::Place;

/// One unverified block. Cheap to move to the thread that runs [`verify`](super::verify).
#[derive(Clone, Debug)]
pub struct RawBlock {
    pub(super) place: Place,
    pub(super) bytes: Bytes,
}
