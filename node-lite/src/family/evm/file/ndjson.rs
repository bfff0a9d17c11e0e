//! NDJSON of JSON-RPC replies: one block a line.

use alloy_primitives::U256;
use bytes::Bytes;

use super::input::Input;
use super::{Place, SourceError};
use crate::family::evm::json;
use crate::family::evm::limits::JSON_LINE_BYTES_MAX;
use crate::family::evm::raw::{RawBlock, RawBody};

/// Reader of blocks.
#[derive(Debug)]
pub(super) struct NdjsonReader {
    pub(super) input: Input,
    last_line_bytes: usize,
    /// Number and total difficulty of the row before, while rows run from block 0 without a gap.
    from_genesis: Option<(u64, U256)>,
    is_first: bool,
}

impl NdjsonReader {
    pub(super) fn new(input: Input) -> Self {
        Self { input, last_line_bytes: 0, from_genesis: None, is_first: true }
    }

    pub(super) fn next_block(&mut self) -> Result<Option<RawBlock>, SourceError> {
        let Some(line) = read_object(&mut self.input, self.last_line_bytes)? else {
            return Ok(None);
        };
        self.last_line_bytes = line.len();
        let total_difficulty = self.total_difficulty(&line);
        let place = Place::Line(self.input.line());
        Ok(Some(RawBlock { place, body: RawBody::Json(line), total_difficulty }))
    }

    /// Sum of difficulties since block 0, as long as the rows claim to follow each other.
    fn total_difficulty(&mut self, line: &[u8]) -> Option<U256> {
        let before = self.from_genesis.take();
        let is_first = std::mem::replace(&mut self.is_first, false);
        if before.is_none() && !is_first {
            return None;
        }
        let (number, difficulty) = json::peek_number_and_difficulty(line)?;
        let total = match before {
            None if number == 0 => difficulty,
            Some((last, total)) if number == last.checked_add(1)? => {
                total.checked_add(difficulty)?
            }
            _ => return None,
        };
        self.from_genesis = Some((number, total));
        Some(total)
    }
}

/// Reads a line that holds one JSON object, at least by its brackets.
pub(super) fn read_object(
    input: &mut Input,
    expected_bytes: usize,
) -> Result<Option<Bytes>, SourceError> {
    let Some(line) = input.read_line(JSON_LINE_BYTES_MAX, expected_bytes)? else {
        return Ok(None);
    };
    let path = input.path().to_owned();
    let place = Place::Line(input.line());
    let text = line.trim_ascii();
    if text.first() != Some(&b'{') {
        let reason = "expected a JSON object".to_owned();
        return Err(SourceError::Malformed { path, place, reason });
    }
    if text.last() != Some(&b'}') {
        return Err(SourceError::Truncated { path, place, what: "JSON object" });
    }
    Ok(Some(line.into()))
}
