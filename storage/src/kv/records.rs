//! Values of the column families. Each starts with its version; layout: `docs/storage-format.md`.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use schemas::{BlockHash, BlockNumber, BlockRange, VerificationLevel, format_version};

use crate::kv::codec::{Decoder, Encoder};
use crate::kv::keys::NetworkId;
use crate::{BlockRecord, HotBlock, Network, Segment, SegmentFile, StorageError};

const NETWORK_VERSION: u8 = 1;
const SEGMENT_VERSION: u8 = 1;
const HEADER_VERSION: u8 = 1;
const HOT_VERSION: u8 = 1;

/// What the header family keeps about a sealed block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) hash: BlockHash,
    pub(crate) parent_hash: BlockHash,
    pub(crate) timestamp_us: i64,
    pub(crate) level: VerificationLevel,
}

impl Header {
    pub(crate) fn of(record: &BlockRecord) -> Self {
        Self {
            hash: record.hash,
            parent_hash: record.parent_hash,
            timestamp_us: record.timestamp_us,
            level: record.level,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        Encoder::versioned(HEADER_VERSION)
            .hash(&self.hash.0)
            .hash(&self.parent_hash.0)
            .i64(self.timestamp_us)
            .u8(level_byte(self.level))
            .finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StorageError> {
        let mut decoder = Decoder::versioned("header record", bytes, HEADER_VERSION)?;
        let header = Self {
            hash: BlockHash(decoder.hash()?),
            parent_hash: BlockHash(decoder.hash()?),
            timestamp_us: decoder.i64()?,
            level: read_level(&mut decoder)?,
        };
        decoder.end()?;
        Ok(header)
    }
}

/// A hot block and the order in which it was put: the later one wins at its height.
#[derive(Clone, Debug)]
pub(crate) struct HotEntry {
    pub(crate) sequence: u64,
    pub(crate) block: Arc<HotBlock>,
}

pub(crate) fn encode_network(id: NetworkId, network: &Network) -> Result<Vec<u8>, StorageError> {
    let encoder = Encoder::versioned(NETWORK_VERSION).u32(id).bytes(network.family.as_bytes())?;
    let encoder = match network.chain_id {
        Some(chain_id) => encoder.u8(1).u64(chain_id),
        None => encoder.u8(0),
    };
    let encoder = match network.genesis_hash {
        Some(hash) => encoder.u8(1).hash(&hash.0),
        None => encoder.u8(0),
    };
    Ok(encoder.finish())
}

pub(crate) fn decode_network(
    name: &[u8],
    bytes: &[u8],
) -> Result<(NetworkId, Network), StorageError> {
    let mut decoder = Decoder::versioned("network record", bytes, NETWORK_VERSION)?;
    let name = String::from_utf8(name.to_vec())
        .map_err(|_| decoder.corrupt("the network's name is not UTF-8"))?;
    let id = decoder.u32()?;
    let family = decoder.string()?;
    let chain_id = match decoder.u8()? {
        0 => None,
        _ => Some(decoder.u64()?),
    };
    let genesis_hash = match decoder.u8()? {
        0 => None,
        _ => Some(BlockHash(decoder.hash()?)),
    };
    decoder.end()?;
    Ok((id, Network { name, family, chain_id, genesis_hash }))
}

pub(crate) fn encode_segment(segment: &Segment) -> Result<Vec<u8>, StorageError> {
    let mut encoder = Encoder::versioned(SEGMENT_VERSION)
        .u32(format_version::SEGMENT)
        .u64(segment.range.first())
        .u64(segment.range.last())
        .u8(level_byte(segment.level))
        .hash(&segment.first_parent_hash.0)
        .hash(&segment.last_hash.0)
        .length(segment.files.len())?;
    for file in &segment.files {
        encoder = encoder
            .bytes(file.table.as_bytes())?
            .bytes(file.path.as_bytes())?
            .u64(file.size_bytes)
            .u64(file.row_count)
            .hash(&file.content_hash)
            .length(file.chunk_hashes.len())?;
        for chunk_hash in file.chunk_hashes.iter() {
            encoder = encoder.u64(*chunk_hash);
        }
    }
    Ok(encoder.finish())
}

pub(crate) fn decode_segment(bytes: &[u8]) -> Result<Segment, StorageError> {
    let mut decoder = Decoder::versioned("segment record", bytes, SEGMENT_VERSION)?;
    let format = decoder.u32()?;
    if format != format_version::SEGMENT {
        return Err(StorageError::FormatVersion {
            found: format,
            expected: format_version::SEGMENT,
        });
    }
    let (first, last) = (decoder.u64()?, decoder.u64()?);
    let range = BlockRange::new(first, last)
        .ok_or_else(|| decoder.corrupt(format!("no block range: {first} to {last}")))?;
    let level = read_level(&mut decoder)?;
    let first_parent_hash = BlockHash(decoder.hash()?);
    let last_hash = BlockHash(decoder.hash()?);
    let mut files = Vec::new();
    for _ in 0..decoder.length(1)? {
        files.push(decode_file(&mut decoder)?);
    }
    decoder.end()?;
    Ok(Segment { range, level, first_parent_hash, last_hash, files })
}

fn decode_file(decoder: &mut Decoder<'_>) -> Result<SegmentFile, StorageError> {
    let table = decoder.string()?;
    let path = decoder.string()?;
    let size_bytes = decoder.u64()?;
    let row_count = decoder.u64()?;
    let content_hash = decoder.hash()?;
    let chunk_hashes = (0..decoder.length(8)?)
        .map(|_| decoder.u64())
        .collect::<Result<Vec<u64>, StorageError>>()?;
    if chunk_hashes.len() as u64 != size_bytes.div_ceil(SegmentFile::CHUNK_BYTES) {
        return Err(decoder.corrupt(format!("{path} has {} chunk hashes", chunk_hashes.len())));
    }
    let chunk_hashes = chunk_hashes.into();
    Ok(SegmentFile { table, path, size_bytes, row_count, content_hash, chunk_hashes })
}

pub(crate) fn encode_hot(sequence: u64, block: &HotBlock) -> Result<Vec<u8>, StorageError> {
    let record = &block.record;
    let mut encoder = Encoder::versioned(HOT_VERSION)
        .u64(sequence)
        .hash(&record.parent_hash.0)
        .i64(record.timestamp_us)
        .u8(level_byte(record.level))
        .length(record.transaction_hashes.len())?;
    for hash in &record.transaction_hashes {
        encoder = encoder.hash(hash);
    }
    encoder = encoder.length(block.batches.len())?;
    for batch in &block.batches {
        encoder = encoder.bytes(&encode_batch(batch)?)?;
    }
    Ok(encoder.finish())
}

pub(crate) fn decode_hot(
    number: BlockNumber,
    hash: BlockHash,
    bytes: &[u8],
) -> Result<HotEntry, StorageError> {
    let mut decoder = Decoder::versioned("hot block record", bytes, HOT_VERSION)?;
    let sequence = decoder.u64()?;
    let parent_hash = BlockHash(decoder.hash()?);
    let timestamp_us = decoder.i64()?;
    let level = read_level(&mut decoder)?;
    let transaction_hashes = (0..decoder.length(32)?)
        .map(|_| decoder.hash())
        .collect::<Result<Vec<_>, StorageError>>()?;
    let batches = (0..decoder.length(4)?)
        .map(|_| decoder.bytes().and_then(decode_batch))
        .collect::<Result<Vec<_>, StorageError>>()?;
    decoder.end()?;
    let record = BlockRecord { number, hash, parent_hash, timestamp_us, level, transaction_hashes };
    Ok(HotEntry { sequence, block: Arc::new(HotBlock { record, batches }) })
}

pub(crate) fn encode_batch(batch: &RecordBatch) -> Result<Vec<u8>, StorageError> {
    let rows = |error: arrow::error::ArrowError| StorageError::Rows(error.to_string());
    let mut writer =
        StreamWriter::try_new(Vec::new(), batch.schema_ref().as_ref()).map_err(rows)?;
    writer.write(batch).map_err(rows)?;
    writer.into_inner().map_err(rows)
}

pub(crate) fn decode_batch(bytes: &[u8]) -> Result<RecordBatch, StorageError> {
    let corrupt = |detail: String| StorageError::Corrupt { what: "stored rows".to_owned(), detail };
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None)
        .map_err(|error| corrupt(error.to_string()))?;
    match (reader.next(), reader.next()) {
        (Some(Ok(batch)), None) => Ok(batch),
        (Some(Err(error)), _) | (_, Some(Err(error))) => Err(corrupt(error.to_string())),
        _ => Err(corrupt("not exactly one batch".to_owned())),
    }
}

/// The byte that stands for a level in records.
pub(crate) fn level_byte(level: VerificationLevel) -> u8 {
    match level {
        VerificationLevel::Header => 0,
        VerificationLevel::Body => 1,
        VerificationLevel::Receipts => 2,
        VerificationLevel::Consensus => 3,
    }
}

fn read_level(decoder: &mut Decoder<'_>) -> Result<VerificationLevel, StorageError> {
    match decoder.u8()? {
        0 => Ok(VerificationLevel::Header),
        1 => Ok(VerificationLevel::Body),
        2 => Ok(VerificationLevel::Receipts),
        3 => Ok(VerificationLevel::Consensus),
        byte => Err(decoder.corrupt(format!("verification level {byte}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_network_is_read_back_with_and_without_its_chain() {
        for (chain_id, genesis_hash) in [(None, None), (Some(1), Some(BlockHash([3; 32])))] {
            let network =
                Network { name: "n".to_owned(), family: "evm".to_owned(), chain_id, genesis_hash };
            let bytes = encode_network(5, &network).unwrap();
            assert_eq!(decode_network(b"n", &bytes).unwrap(), (5, network));
        }
    }

    #[test]
    fn a_segment_record_is_read_back_and_any_cut_is_corrupt() {
        let segment = Segment {
            range: BlockRange::new(3, 9).unwrap(),
            level: VerificationLevel::Receipts,
            first_parent_hash: BlockHash([1; 32]),
            last_hash: BlockHash([2; 32]),
            files: vec![SegmentFile {
                table: "blocks".to_owned(),
                path: "n/blocks-3-9-00.parquet".to_owned(),
                size_bytes: SegmentFile::CHUNK_BYTES + 1,
                row_count: 7,
                content_hash: [4; 32],
                chunk_hashes: vec![5, 6].into(),
            }],
        };
        let bytes = encode_segment(&segment).unwrap();
        assert_eq!(decode_segment(&bytes).unwrap(), segment);
        for cut in 0..bytes.len() {
            assert!(decode_segment(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_hot_block_is_read_back_with_its_rows_and_schema() {
        let block = testing::hot_block(7, 1, 3);
        let bytes = encode_hot(11, &block).unwrap();

        let entry = decode_hot(7, block.record.hash, &bytes).unwrap();

        assert_eq!(entry.sequence, 11);
        assert_eq!(entry.block.record, block.record);
        assert_eq!(entry.block.batches, block.batches);
        assert_eq!(entry.block.batches[0].schema(), block.batches[0].schema());
    }
}
