//! Checked reads of a message's body or a binary value.

use bytes::Bytes;

use super::error::{protocol_violation, valid_text};
use crate::QueryError;

/// Reads values off a body, every read checked against what is left.
pub struct Reader {
    body: Bytes,
}

impl Reader {
    /// Reads `body` from its start.
    pub fn new(body: Bytes) -> Self {
        Self { body }
    }

    /// Fails unless the body is used up.
    pub fn finish(&self) -> Result<(), QueryError> {
        if self.body.is_empty() {
            Ok(())
        } else {
            Err(protocol_violation("invalid message format"))
        }
    }

    /// Everything that is not read yet.
    pub fn into_rest(self) -> Bytes {
        self.body
    }

    /// Bytes that are not read yet.
    pub fn remaining(&self) -> usize {
        self.body.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// 08P01 when fewer are left, as from every read below.
    pub fn bytes(&mut self, count: usize) -> Result<Bytes, QueryError> {
        if count > self.body.len() {
            return Err(insufficient());
        }
        Ok(self.body.split_to(count))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], QueryError> {
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes(N)?);
        Ok(array)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, QueryError> {
        Ok(self.array::<1>()?[0])
    }

    /// A number, most significant byte first.
    pub fn u16(&mut self) -> Result<u16, QueryError> {
        self.array().map(u16::from_be_bytes)
    }

    /// A number, most significant byte first.
    pub fn i16(&mut self) -> Result<i16, QueryError> {
        self.array().map(i16::from_be_bytes)
    }

    /// A number, most significant byte first.
    pub fn u32(&mut self) -> Result<u32, QueryError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A number, most significant byte first.
    pub fn i32(&mut self) -> Result<i32, QueryError> {
        self.array().map(i32::from_be_bytes)
    }

    /// A number, most significant byte first.
    pub fn i64(&mut self) -> Result<i64, QueryError> {
        self.array().map(i64::from_be_bytes)
    }

    /// Text up to a zero byte, which is consumed too.
    pub fn text(&mut self) -> Result<String, QueryError> {
        let end = self
            .body
            .iter()
            .position(|&byte| byte == 0)
            .ok_or_else(|| protocol_violation("invalid string in message"))?;
        let text = self.body.split_to(end);
        self.bytes(1)?;
        valid_text(&text).map(str::to_owned)
    }

    /// A name; `None` when empty, which is how the protocol writes "unnamed".
    pub fn name(&mut self) -> Result<Option<String>, QueryError> {
        Ok(Some(self.text()?).filter(|name| !name.is_empty()))
    }

    /// A count of elements that take at least `element_bytes_min` each, so that nothing is reserved
    /// for elements that cannot be there.
    pub fn count(&mut self, element_bytes_min: usize) -> Result<usize, QueryError> {
        let count = usize::from(self.u16()?);
        if count * element_bytes_min > self.body.len() { Err(insufficient()) } else { Ok(count) }
    }

    /// Format codes, their count before them.
    pub fn formats(&mut self) -> Result<Vec<i16>, QueryError> {
        let count = self.count(2)?;
        (0..count).map(|_| self.i16()).collect()
    }
}

/// 08P01: a message ends before what it announces.
pub fn insufficient() -> QueryError {
    protocol_violation("insufficient data left in message")
}
