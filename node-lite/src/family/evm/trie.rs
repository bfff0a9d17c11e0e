//! Root of an ordered trie: the Merkle-Patricia trie whose keys are the RLP of 0, 1, 2, ….
//!
//! The keys come out sorted, so the trie is built in one pass from its leaves: each node is encoded
//! once into one shared buffer, and values are hashed where they lie.

use alloy_primitives::{B256, Keccak256, keccak256};
use alloy_rlp::Header;
use alloy_trie::EMPTY_ROOT_HASH;

use super::rlp::header_length;

/// Nibbles of the longest key: RLP of a `u32` index is at most 5 bytes.
const KEY_NIBBLES_MAX: usize = 10;

/// Length from which a node is referred to by its hash instead of being written in its parent.
const HASHED_NODE_BYTES_MIN: usize = 32;

struct Entry<'a> {
    key: [u8; KEY_NIBBLES_MAX],
    key_length: u8,
    value: &'a [u8],
}

impl<'a> Entry<'a> {
    fn new(index: usize, value: &'a [u8]) -> Self {
        let mut key = [0; KEY_NIBBLES_MAX];
        let mut key_length = 0;
        let mut push = |byte: u8| {
            key[key_length] = byte >> 4;
            key[key_length + 1] = byte & 15;
            key_length += 2;
        };
        match index {
            0 => push(0x80),
            1..=0x7f => push(index as u8),
            _ => {
                let bytes = (index as u32).to_be_bytes();
                let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
                push(0x80 + significant.len() as u8);
                significant.iter().for_each(|byte| push(*byte));
            }
        }
        Self { key, key_length: key_length as u8, value }
    }

    fn path(&self, depth: usize) -> &[u8] {
        &self.key[depth..usize::from(self.key_length)]
    }
}

/// Root of the trie that holds `values` under the RLP of their positions.
pub(super) fn ordered_root(values: &[&[u8]]) -> B256 {
    // RLP of 0 is 0x80: it sorts after 1..=127 (0x01..=0x7f) and before 128 (0x8180).
    let small = values.len().min(0x80);
    let order = (1..small).chain(0..small.min(1)).chain(small..values.len());
    let entries: Vec<_> = order.map(|index| Entry::new(index, values[index])).collect();
    if entries.is_empty() {
        return EMPTY_ROOT_HASH;
    }
    let mut buffer = Vec::with_capacity(1024);
    match encode_node(&entries, 0, &mut buffer) {
        Node::Hash(hash) => hash,
        Node::Inline(start) => keccak256(&buffer[start..]),
    }
}

/// How a parent refers to a node.
enum Node {
    Hash(B256),
    /// The node itself, which starts here in the buffer and is its last content.
    Inline(usize),
}

/// Encodes the subtrie of `entries`, which share their first `depth` nibbles. No key is a prefix of
/// another, so a branch never holds a value.
fn encode_node(entries: &[Entry<'_>], depth: usize, buffer: &mut Vec<u8>) -> Node {
    let (first, last) = (&entries[0], &entries[entries.len() - 1]);
    if entries.len() == 1 {
        return encode_leaf(first, depth, buffer);
    }
    let start = buffer.len();
    // Sorted keys: what the first and the last share, all share.
    let shared =
        first.path(depth).iter().zip(last.path(depth)).take_while(|(one, other)| one == other);
    let shared = shared.count();
    if shared > 0 {
        push_path(&first.path(depth)[..shared], false, buffer);
        push_reference(entries, depth + shared, buffer);
    } else {
        let mut rest = entries;
        for nibble in 0..16 {
            let count = rest.iter().take_while(|entry| entry.key[depth] == nibble).count();
            let (children, others) = rest.split_at(count);
            rest = others;
            if children.is_empty() {
                buffer.push(0x80);
            } else {
                push_reference(children, depth + 1, buffer);
            }
        }
        buffer.push(0x80);
    }
    finish_node(start, buffer)
}

fn push_reference(entries: &[Entry<'_>], depth: usize, buffer: &mut Vec<u8>) {
    // An inline node is already in place: it is the last content of the buffer.
    if let Node::Hash(hash) = encode_node(entries, depth, buffer) {
        buffer.push(0xa0);
        buffer.extend_from_slice(hash.as_slice());
    }
}

fn encode_leaf(entry: &Entry<'_>, depth: usize, buffer: &mut Vec<u8>) -> Node {
    let start = buffer.len();
    push_path(entry.path(depth), true, buffer);
    match entry.value {
        [byte] if *byte < 0x80 => {}
        value => Header { list: false, payload_length: value.len() }.encode(buffer),
    }
    let payload_length = buffer.len() - start + entry.value.len();
    if payload_length + 1 < HASHED_NODE_BYTES_MIN {
        buffer.extend_from_slice(entry.value);
        return finish_node(start, buffer);
    }
    let header_start = buffer.len();
    Header { list: true, payload_length }.encode(buffer);
    let mut hasher = Keccak256::new();
    hasher.update(&buffer[header_start..]);
    hasher.update(&buffer[start..header_start]);
    hasher.update(entry.value);
    buffer.truncate(start);
    Node::Hash(hasher.finalize())
}

/// Puts a list header before the payload that starts at `start`; takes the node off when it is hashed.
fn finish_node(start: usize, buffer: &mut Vec<u8>) -> Node {
    let payload_length = buffer.len() - start;
    let header_start = buffer.len();
    Header { list: true, payload_length }.encode(buffer);
    if header_length(payload_length) + payload_length < HASHED_NODE_BYTES_MIN {
        buffer[start..].rotate_right(header_length(payload_length));
        return Node::Inline(start);
    }
    let mut hasher = Keccak256::new();
    hasher.update(&buffer[header_start..]);
    hasher.update(&buffer[start..header_start]);
    buffer.truncate(start);
    Node::Hash(hasher.finalize())
}

/// Appends the hex-prefix form of `path` as an RLP string.
fn push_path(path: &[u8], is_leaf: bool, buffer: &mut Vec<u8>) {
    let flag = if is_leaf { 0x20 } else { 0 };
    let (first, pairs) = match path {
        [nibble, pairs @ ..] if path.len() % 2 == 1 => (flag | 0x10 | nibble, pairs),
        pairs => (flag, pairs),
    };
    if !pairs.is_empty() {
        buffer.push(0x81 + (pairs.len() / 2) as u8);
    }
    buffer.push(first);
    buffer.extend(pairs.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference(values: &[&[u8]]) -> B256 {
        alloy_trie::root::ordered_trie_root_with_encoder(values, |value, out: &mut Vec<u8>| {
            out.extend_from_slice(value)
        })
    }

    #[test]
    fn a_trie_without_values_has_the_empty_root() {
        assert_eq!(ordered_root(&[]), EMPTY_ROOT_HASH);
    }

    /// 128 and 256 are where keys get another byte; 65536 another again.
    #[test]
    fn roots_equal_a_general_trie_at_every_key_length() {
        for count in [1, 2, 15, 16, 17, 127, 128, 129, 130, 255, 256, 257, 300, 1000, 65_537] {
            let values: Vec<_> = (0..count).map(|index| format!("value {index}")).collect();
            let values: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(ordered_root(&values), reference(&values), "{count} values");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn roots_equal_a_general_trie(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..80), 0..300)) {
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(ordered_root(&values), reference(&values));
        }
    }
}
