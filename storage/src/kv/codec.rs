//! Bytes of stored records: big-endian integers, length-prefixed strings. No reflection, so that the
//! format is what `docs/storage-format.md` says and nothing else.

use crate::StorageError;

/// Appends fields to a record.
#[derive(Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// A record whose first byte is `version`.
    pub fn versioned(version: u8) -> Self {
        Self { bytes: vec![version] }
    }

    /// One byte.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.bytes.push(value);
        self
    }

    /// Four bytes.
    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Eight bytes.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Eight bytes.
    #[must_use]
    pub fn i64(mut self, value: i64) -> Self {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A hash, without a length.
    #[must_use]
    pub fn hash(mut self, value: &[u8; 32]) -> Self {
        self.bytes.extend_from_slice(value);
        self
    }

    /// Length of a list or of bytes, then the caller appends the elements.
    ///
    /// # Errors
    /// `Rows` past `u32::MAX` elements.
    pub fn length(self, length: usize) -> Result<Self, StorageError> {
        let length = u32::try_from(length)
            .map_err(|_| StorageError::Rows(format!("a record list has {length} elements")))?;
        Ok(self.u32(length))
    }

    /// A length and that many bytes.
    ///
    /// # Errors
    /// `Rows` past `u32::MAX` bytes.
    pub fn bytes(self, value: &[u8]) -> Result<Self, StorageError> {
        let mut encoder = self.length(value.len())?;
        encoder.bytes.extend_from_slice(value);
        Ok(encoder)
    }

    /// The record.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads fields in the order in which they were written.
pub struct Decoder<'a> {
    what: &'a str,
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads `bytes`; `what` names the record in errors.
    pub fn new(what: &'a str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    /// Reads a record that must start with `version`.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn versioned(what: &'a str, bytes: &'a [u8], version: u8) -> Result<Self, StorageError> {
        let mut decoder = Self::new(what, bytes);
        let found = decoder.u8()?;
        if found != version {
            return Err(decoder.corrupt(format!("record version {found}, expected {version}")));
        }
        Ok(decoder)
    }

    /// The error for a record that cannot be.
    pub fn corrupt(&self, detail: impl Into<String>) -> StorageError {
        StorageError::Corrupt { what: self.what.to_owned(), detail: detail.into() }
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], StorageError> {
        if count > self.rest.len() {
            return Err(self.corrupt(format!("{count} bytes wanted, {} left", self.rest.len())));
        }
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StorageError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn u8(&mut self) -> Result<u8, StorageError> {
        Ok(self.array::<1>()?[0])
    }

    /// Four bytes.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn u32(&mut self) -> Result<u32, StorageError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn u64(&mut self) -> Result<u64, StorageError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn i64(&mut self) -> Result<i64, StorageError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// A hash.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn hash(&mut self) -> Result<[u8; 32], StorageError> {
        self.array()
    }

    /// Number of elements of at least `element_bytes` each; refused when the record is too short for
    /// them, so that a damaged length cannot make the reader allocate.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn length(&mut self, element_bytes: usize) -> Result<usize, StorageError> {
        let length = self.u32()? as usize;
        if length.saturating_mul(element_bytes) > self.rest.len() {
            return Err(self.corrupt(format!("list of {length} elements does not fit")));
        }
        Ok(length)
    }

    /// A length and that many bytes.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn bytes(&mut self) -> Result<&'a [u8], StorageError> {
        let length = self.length(1)?;
        self.take(length)
    }

    /// As [`Self::bytes`], UTF-8.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn string(&mut self) -> Result<String, StorageError> {
        let bytes = self.bytes()?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.corrupt("a name is not UTF-8"))
    }

    /// Whether the record ends here: what was added to its kind later is not in it.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The record must end here.
    ///
    /// # Errors
    /// `Corrupt` where the record is too short or says something else.
    pub fn end(self) -> Result<(), StorageError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.corrupt(format!("{} bytes after the end", self.rest.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_back_in_order() {
        let bytes =
            Encoder::versioned(1).u64(7).i64(-7).hash(&[9; 32]).bytes(b"name").unwrap().finish();

        let mut decoder = Decoder::versioned("record", &bytes, 1).unwrap();

        assert_eq!(decoder.u64().unwrap(), 7);
        assert_eq!(decoder.i64().unwrap(), -7);
        assert_eq!(decoder.hash().unwrap(), [9; 32]);
        assert_eq!(decoder.string().unwrap(), "name");
        decoder.end().unwrap();
    }

    #[test]
    fn a_record_that_is_cut_off_or_too_long_is_corrupt() {
        let bytes = Encoder::versioned(1).bytes(b"name").unwrap().finish();
        for cut in 0..bytes.len() {
            let read = Decoder::versioned("record", &bytes[..cut], 1)
                .and_then(|mut decoder| decoder.string());
            assert!(matches!(read, Err(StorageError::Corrupt { .. })), "cut at {cut}");
        }
        assert!(Decoder::new("record", &bytes).end().is_err());
        assert!(Decoder::versioned("record", &bytes, 2).is_err());
    }
}
