//! Keys. Integers are big-endian, so that key order is number order. Layout: `docs/storage-format.md`.

use schemas::{BlockHash, BlockNumber};

use crate::StorageError;
use crate::kv::codec::Decoder;

/// Number that stands for a network in keys; names can be long, and one per key would add up.
pub(crate) type NetworkId = u32;

/// Bytes of a transaction hash that its index key keeps. Blocks that share a prefix are told apart by
/// reading them, so the index may name a block too many and never one too few.
pub(crate) const TRANSACTION_PREFIX_BYTES: usize = 8;

/// Key of the format version.
pub(crate) const FORMAT: &[u8] = b"format";

pub(crate) fn network(id: NetworkId) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

/// Key of a segment by its first block, or of a header by its number.
pub(crate) fn number(id: NetworkId, number: BlockNumber) -> Vec<u8> {
    let mut key = network(id);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

pub(crate) fn hash(id: NetworkId, hash: &BlockHash) -> Vec<u8> {
    let mut key = network(id);
    key.extend_from_slice(&hash.0);
    key
}

pub(crate) fn hot(id: NetworkId, block: BlockNumber, hash: &BlockHash) -> Vec<u8> {
    let mut key = number(id, block);
    key.extend_from_slice(&hash.0);
    key
}

/// Number and hash out of a key made by [`hot`].
pub(crate) fn read_hot(key: &[u8]) -> Result<(BlockNumber, BlockHash), StorageError> {
    let mut decoder = Decoder::new("hot block key", key);
    decoder.u32()?;
    let number = decoder.u64()?;
    let hash = BlockHash(decoder.hash()?);
    decoder.end()?;
    Ok((number, hash))
}

/// Value of the hash index: a block number alone.
pub(crate) fn number_value(number: BlockNumber) -> [u8; 8] {
    number.to_be_bytes()
}

/// Block number out of a value made by [`number_value`].
pub(crate) fn read_number(value: &[u8]) -> Result<BlockNumber, StorageError> {
    let mut decoder = Decoder::new("block hash entry", value);
    let number = decoder.u64()?;
    decoder.end()?;
    Ok(number)
}

pub(crate) fn transaction_prefix(id: NetworkId, hash: &[u8; 32]) -> Vec<u8> {
    let mut key = network(id);
    key.extend_from_slice(&hash[..TRANSACTION_PREFIX_BYTES]);
    key
}

pub(crate) fn transaction(id: NetworkId, hash: &[u8; 32], block: BlockNumber) -> Vec<u8> {
    let mut key = transaction_prefix(id, hash);
    key.extend_from_slice(&block.to_be_bytes());
    key
}

/// Block number out of a key made by [`transaction`].
pub(crate) fn read_transaction(key: &[u8]) -> Result<BlockNumber, StorageError> {
    let mut decoder = Decoder::new("transaction key", key);
    decoder.u32()?;
    decoder.take(TRANSACTION_PREFIX_BYTES)?;
    let number = decoder.u64()?;
    decoder.end()?;
    Ok(number)
}

/// Key of what a client made, by its object id; also the start of the keys of its rows.
pub(crate) fn object(id: NetworkId, object: u32) -> Vec<u8> {
    let mut key = network(id);
    key.extend_from_slice(&object.to_be_bytes());
    key
}

/// Key of a batch of rows of a table that a client made.
pub(crate) fn object_rows(id: NetworkId, object: u32, number: u64) -> Vec<u8> {
    let mut key = self::object(id, object);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// Object id out of a key made by [`object`].
pub(crate) fn read_object(key: &[u8]) -> Result<u32, StorageError> {
    let mut decoder = Decoder::new("object key", key);
    decoder.u32()?;
    let object = decoder.u32()?;
    decoder.end()?;
    Ok(object)
}

/// Object id and number out of a key made by [`object_rows`].
pub(crate) fn read_object_rows(key: &[u8]) -> Result<(u32, u64), StorageError> {
    let mut decoder = Decoder::new("object rows key", key);
    decoder.u32()?;
    let found = (decoder.u32()?, decoder.u64()?);
    decoder.end()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_numbers_do() {
        assert!(number(1, 255) < number(1, 256));
        assert!(number(1, u64::MAX) < number(2, 0));
    }

    #[test]
    fn numbers_and_hashes_are_read_back_from_keys() {
        let hash = BlockHash([7; 32]);
        assert_eq!(read_hot(&hot(3, 9, &hash)).unwrap(), (9, hash));
        assert_eq!(read_transaction(&transaction(3, &[7; 32], 9)).unwrap(), 9);
        assert!(read_hot(&number(3, 9)).is_err());
    }
}
