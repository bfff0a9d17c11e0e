//! Root of the trie whose keys are the RLP of 0, 1, 2, …: each node is encoded once and hashed once.

use alloy_primitives::{B256, b256, keccak256};

use super::rlp::push_header;

const EMPTY_ROOT: B256 =
    b256!("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
/// A node of at least this size is referred to by its hash.
const HASHED_BYTES_MIN: usize = 32;

struct Leaf<'a> {
    nibbles: [u8; 8],
    length: usize,
    value: &'a [u8],
}

impl<'a> Leaf<'a> {
    fn new(index: usize, value: &'a [u8]) -> Self {
        let bytes: &[u8] = match index {
            0 => &[0x80],
            1..=0x7f => &[index as u8],
            0x80..=0xff => &[0x81, index as u8],
            _ => &[0x82, (index >> 8) as u8, index as u8],
        };
        assert!(index <= 0xffff, "the benches have fewer transactions in a block");
        let mut nibbles = [0; 8];
        for (at, byte) in bytes.iter().enumerate() {
            nibbles[2 * at] = byte >> 4;
            nibbles[2 * at + 1] = byte & 15;
        }
        Self { nibbles, length: 2 * bytes.len(), value }
    }

    fn path(&self, depth: usize) -> &[u8] {
        &self.nibbles[depth..self.length]
    }
}

/// Root over `values` in order.
pub(crate) fn root(values: &[&[u8]]) -> B256 {
    let single = values.len().min(0x80);
    // The key of 0 is 0x80, which sorts between 0x7f and 0x8180.
    let order = (1..single).chain(0..values.len().min(1)).chain(single..values.len());
    let leaves: Vec<_> = order.map(|index| Leaf::new(index, values[index])).collect();
    if leaves.is_empty() {
        return EMPTY_ROOT;
    }
    let mut buffer = Vec::with_capacity(4096);
    push_payload(&leaves, 0, &mut buffer);
    hash_list(&buffer)
}

/// Appends the content of the node over `leaves`, which share `depth` nibbles.
fn push_payload(leaves: &[Leaf<'_>], depth: usize, buffer: &mut Vec<u8>) {
    let [first, .., last] = leaves else {
        push_path(leaves[0].path(depth), 0x20, buffer);
        match leaves[0].value {
            [byte] if *byte < 0x80 => {}
            value => push_header(buffer, false, value.len()),
        }
        return buffer.extend_from_slice(leaves[0].value);
    };
    let pairs = first.path(depth).iter().zip(last.path(depth));
    let shared = pairs.take_while(|(one, other)| one == other).count();
    if shared > 0 {
        push_path(&first.path(depth)[..shared], 0, buffer);
        return push_reference(leaves, depth + shared, buffer);
    }
    let mut rest = leaves;
    for nibble in 0..16 {
        let count = rest.iter().take_while(|leaf| leaf.nibbles[depth] == nibble).count();
        let (below, others) = rest.split_at(count);
        rest = others;
        match below {
            [] => buffer.push(0x80),
            _ => push_reference(below, depth + 1, buffer),
        }
    }
    buffer.push(0x80);
}

/// Appends how a parent refers to the node over `leaves`: its hash, or itself when it is small.
fn push_reference(leaves: &[Leaf<'_>], depth: usize, buffer: &mut Vec<u8>) {
    let start = buffer.len();
    push_payload(leaves, depth, buffer);
    let payload_bytes = buffer.len() - start;
    if payload_bytes + 1 < HASHED_BYTES_MIN {
        buffer.insert(start, 0xc0 + payload_bytes as u8);
        return;
    }
    let hash = hash_list(&buffer[start..]);
    buffer.truncate(start);
    buffer.push(0xa0);
    buffer.extend_from_slice(hash.as_slice());
}

fn hash_list(payload: &[u8]) -> B256 {
    let mut whole = Vec::with_capacity(payload.len() + 9);
    push_header(&mut whole, true, payload.len());
    whole.extend_from_slice(payload);
    keccak256(whole)
}

fn push_path(path: &[u8], flag: u8, buffer: &mut Vec<u8>) {
    let (first, pairs) =
        if path.len() % 2 == 1 { (flag | 0x10 | path[0], &path[1..]) } else { (flag, path) };
    if !pairs.is_empty() {
        buffer.push(0x81 + (pairs.len() / 2) as u8);
    }
    buffer.push(first);
    buffer.extend(pairs.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_equal_a_general_trie() {
        for count in [0, 1, 2, 16, 17, 127, 128, 129, 255, 256, 257, 1000] {
            for size in [1, 5, 40, 300] {
                let values: Vec<_> =
                    (0..count).map(|index: usize| vec![index as u8 | 1; size]).collect();
                let values: Vec<_> = values.iter().map(Vec::as_slice).collect();
                let expected = alloy_trie::root::ordered_trie_root_encoded(&values);
                assert_eq!(root(&values), expected, "{count} values of {size} bytes");
            }
        }
    }
}
