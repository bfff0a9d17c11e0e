//! Reading RLP as slices of the input, so that hashes are taken over the very bytes that came in.

use alloy_primitives::{Address, U256};
use alloy_rlp::{Decodable, Header};

/// What is wrong with some bytes; becomes part of an error that says where.
pub(super) type Parsed<T> = Result<T, String>;

/// One RLP item of a longer input.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// The item with its header.
    pub(super) raw: &'a [u8],
    /// Its content.
    pub(super) payload: &'a [u8],
    /// Whether it is a list.
    pub(super) is_list: bool,
}

impl<'a> Item<'a> {
    /// Takes the first item off `input`.
    pub(super) fn take(input: &mut &'a [u8]) -> Parsed<Self> {
        let start = *input;
        let header = Header::decode(input).map_err(|error| error.to_string())?;
        // `Header::decode` has checked that the payload is there.
        let (payload, rest) = input.split_at(header.payload_length);
        *input = rest;
        Ok(Self { raw: &start[..start.len() - rest.len()], payload, is_list: header.list })
    }
}

/// The fields of one RLP list, read in order.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// Reads the list that fills `raw`; `what` names it in errors.
    pub(super) fn of_list(raw: &'a [u8], what: &'static str) -> Parsed<Self> {
        let mut rest = raw;
        let item = Item::take(&mut rest).map_err(|error| format!("{what}: {error}"))?;
        if !item.is_list {
            return Err(format!("{what}: expected a list, found a string"));
        }
        if !rest.is_empty() {
            return Err(format!("{what}: {} bytes follow it", rest.len()));
        }
        Ok(Self { rest: item.payload, what })
    }

    /// Reads the items of a list whose header was read already.
    pub(super) fn of_payload(payload: &'a [u8], what: &'static str) -> Self {
        Self { rest: payload, what }
    }

    /// Bytes not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether every field was read.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads one typed value.
    pub(super) fn value<T: Decodable>(&mut self, field: &'static str) -> Parsed<T> {
        T::decode(&mut self.rest).map_err(|error| format!("{} {field}: {error}", self.what))
    }

    /// Reads an unsigned number of up to 256 bits.
    pub(super) fn uint256(&mut self, field: &'static str) -> Parsed<U256> {
        self.value(field)
    }

    /// Reads a byte string without copying it.
    pub(super) fn bytes(&mut self, field: &'static str) -> Parsed<&'a [u8]> {
        Header::decode_bytes(&mut self.rest, false)
            .map_err(|error| format!("{} {field}: {error}", self.what))
    }

    /// Reads an address, or the empty string that stands for none.
    pub(super) fn optional_address(&mut self, field: &'static str) -> Parsed<Option<Address>> {
        let bytes = self.bytes(field)?;
        match bytes.len() {
            0 => Ok(None),
            20 => Ok(Some(Address::from_slice(bytes))),
            length => Err(format!("{} {field}: {length} bytes, expected 0 or 20", self.what)),
        }
    }

    /// Takes the next item, which must be a list.
    pub(super) fn list(&mut self, field: &'static str) -> Parsed<Item<'a>> {
        let item = Item::take(&mut self.rest)
            .map_err(|error| format!("{} {field}: {error}", self.what))?;
        if item.is_list {
            Ok(item)
        } else {
            Err(format!("{} {field}: expected a list, found a string", self.what))
        }
    }

    /// Refuses fields that nobody read.
    pub(super) fn end(&self) -> Parsed<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(format!("{}: {} bytes after its last known field", self.what, self.rest.len()))
    }
}

/// The canonical bytes (EIP-2718) of each transaction or receipt in the payload of a list: a list
/// stands for itself, a string holds a type byte and the rest.
pub(super) fn envelopes<'a>(mut payload: &'a [u8], what: &'static str) -> Parsed<Vec<&'a [u8]>> {
    let mut found = Vec::new();
    while !payload.is_empty() {
        let item =
            Item::take(&mut payload).map_err(|error| format!("{what} {}: {error}", found.len()))?;
        if item.is_list {
            found.push(item.raw);
        } else if item.payload.first().is_some_and(|byte| *byte < 0x80) {
            found.push(item.payload);
        } else {
            return Err(format!("{what} {}: neither a list nor a typed envelope", found.len()));
        }
    }
    Ok(found)
}

/// Length of a list or string header for a payload of `length` bytes that is not one small byte.
pub(super) fn header_length(length: usize) -> usize {
    Header { list: true, payload_length: length }.length()
}
