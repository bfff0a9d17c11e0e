//! RLP lists: the few shapes that blocks need, on top of `alloy_rlp`'s strings and integers.

use alloy_primitives::{Address, B256};
use alloy_rlp::Encodable;

/// An RLP list under construction.
#[derive(Default)]
pub(super) struct List {
    payload: Vec<u8>,
}

impl List {
    /// An empty list.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Appends an integer, a string or anything else that encodes itself.
    pub(super) fn push(&mut self, item: &dyn Encodable) -> &mut Self {
        item.encode(&mut self.payload);
        self
    }

    /// Appends a byte string.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        bytes.encode(&mut self.payload);
        self
    }

    /// Appends an address, or the empty string where there is none.
    pub(super) fn optional_address(&mut self, address: Option<Address>) -> &mut Self {
        self.bytes(address.as_ref().map_or(&[], |address| address.as_slice()))
    }

    /// Appends a list.
    pub(super) fn list(&mut self, list: &Self) -> &mut Self {
        list.write(&mut self.payload);
        self
    }

    /// Appends a list of hashes.
    pub(super) fn hashes(&mut self, hashes: &[B256]) -> &mut Self {
        let mut list = Self::new();
        hashes
            .iter()
            .for_each(|hash| list.payload.extend_from_slice(&[&[0xa0], &hash.0[..]].concat()));
        self.list(&list)
    }

    /// Appends an item that is already RLP.
    pub(super) fn raw(&mut self, encoded: &[u8]) -> &mut Self {
        self.payload.extend_from_slice(encoded);
        self
    }

    /// Appends the whole list, header included, to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        alloy_rlp::Header { list: true, payload_length: self.payload.len() }.encode(out);
        out.extend_from_slice(&self.payload);
    }

    /// The whole list, header included.
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len() + 9);
        self.write(&mut out);
        out
    }

    /// `prefix`, then the whole list: an EIP-2718 envelope.
    pub(super) fn encoded_after(&self, prefix: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len() + 10);
        out.push(prefix);
        self.write(&mut out);
        out
    }
}

/// How an EIP-2718 item appears inside a list: legacy items are lists themselves, typed ones strings.
pub(super) fn push_envelope(list: &mut List, envelope: &[u8]) {
    if envelope[0] >= 0xc0 {
        list.raw(envelope);
    } else {
        list.bytes(envelope);
    }
}
