//! RLP by slices: nothing is copied and nothing decoded beyond where items begin and end.

/// One item of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    /// Whether it is a list.
    pub(crate) is_list: bool,
    /// Its content, without the header.
    pub(crate) payload: &'a [u8],
    /// All of it.
    pub(crate) whole: &'a [u8],
}

impl<'a> Item<'a> {
    /// The EIP-2718 envelope that this item of a list holds: typed ones are wrapped in a string.
    pub(crate) fn envelope(self) -> &'a [u8] {
        if self.is_list { self.whole } else { self.payload }
    }
}

/// Takes the first item off `rest`. The data was verified by the import, so broken RLP is our bug.
pub(crate) fn take<'a>(rest: &mut &'a [u8]) -> Item<'a> {
    let first = rest[0];
    let long = |base: u8| {
        let size_bytes = usize::from(first - base);
        let size = rest[1..=size_bytes].iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
        (1 + size_bytes, size)
    };
    let (header, size) = match first {
        0..=0x7f => (0, 1),
        0x80..=0xb7 => (1, usize::from(first - 0x80)),
        0xb8..=0xbf => long(0xb7),
        0xc0..=0xf7 => (1, usize::from(first - 0xc0)),
        0xf8..=0xff => long(0xf7),
    };
    let (whole, after) = rest.split_at(header + size);
    *rest = after;
    Item { is_list: first >= 0xc0, payload: &whole[header..], whole }
}

/// Items of the list whose content is `payload`.
pub(crate) fn items(mut payload: &[u8]) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    while !payload.is_empty() {
        items.push(take(&mut payload));
    }
    items
}

/// Visits every item below `payload` and returns their number, so that no visit is optimised away.
pub(crate) fn walk(mut payload: &[u8]) -> usize {
    let mut count = 0;
    while !payload.is_empty() {
        let item = take(&mut payload);
        count += 1;
        if item.is_list {
            count += walk(item.payload);
        }
    }
    count
}

/// Appends the header of a string or list of `size` bytes.
pub(crate) fn push_header(out: &mut Vec<u8>, is_list: bool, size: usize) {
    alloy_rlp::Header { list: is_list, payload_length: size }.encode(out);
}
