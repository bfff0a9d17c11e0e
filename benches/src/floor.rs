//! The floor: the work that no verifying import can avoid, done as fast as we know how, and nothing else.
//!
//! Counted for a file, with one or two threads:
//! 1. the file is read, and gunzipped (NDJSON, receipts) or snappy-decoded (ERA1), all of it;
//! 2. every RLP item of headers, transactions, uncles, withdrawals and receipts is visited;
//! 3. keccak-256 of every header, transaction and list of uncles; of every node of the transactions,
//!    withdrawals and receipts tries; and of every log address and topic, for the bloom filter;
//! 4. every root and the bloom are compared with the header;
//! 5. with `recover`: keccak-256 of what was signed, and the sender's public key from the signature.
//!
//! Not counted: JSON, hex, decoding of fields, Arrow, Parquet, RocksDB, anything written. For NDJSON the
//! hashed bytes are made before the clock starts, so the floor there is strict: an import must also
//! parse JSON. With two threads, blocks are shared out by an atomic counter; a gzip stream cannot be
//! shared, so one thread inflates it first and then helps with the blocks.

mod canonical;
mod recover;
mod rlp;
mod trie;

use std::fs;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use alloy_primitives::{B256, keccak256};

use canonical::CanonicalBlock;
use rlp::{Item, items, take, walk};

use crate::dataset::{Dataset, FileKind};
use crate::report::Counts;

/// What one block is hashed from.
struct Parts<'a> {
    header: &'a [u8],
    transactions: Vec<&'a [u8]>,
    uncles: &'a [u8],
    withdrawals: Vec<&'a [u8]>,
    receipts: Vec<&'a [u8]>,
}

/// RLP of an empty list.
const EMPTY_LIST: &[u8] = &[0xc0];

/// Runs the floor over `dataset` and returns the seconds it took and what it counted.
///
/// # Errors
/// When a file cannot be read, or holds something that does not hash to its header.
pub fn run(dataset: &Dataset, threads: usize, recover: bool) -> Result<(f64, Counts), String> {
    let prepared =
        prepare(dataset).map_err(|error| format!("{}: {error}", dataset.file.display()))?;
    let started = Instant::now();
    let file = fs::read(&dataset.file).map_err(|error| error.to_string())?;
    let (gzipped, source): (Vec<Vec<u8>>, Source<'_>) = match dataset.kind {
        FileKind::Ndjson => (vec![file], Source::Prepared(&prepared)),
        FileKind::Era1 => (Vec::new(), Source::Era1(era1_blocks(file))),
        FileKind::Rlp => {
            let receipts = dataset.receipts.as_deref().map(fs::read).transpose();
            let receipts = receipts.map_err(|error| error.to_string())?;
            (receipts.into_iter().collect(), Source::Rlp(rlp_blocks(file), &prepared))
        }
    };
    let next = AtomicUsize::new(0);
    let work = |inflates: bool| {
        if inflates {
            for stream in &gzipped {
                inflate(stream)?;
            }
        }
        let mut counts = Counts::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= source.len() {
                return Ok::<_, String>(counts);
            }
            source.with_parts(index, |parts| hash_block(parts, recover, &mut counts))?;
        }
    };
    let mut counts = Counts::default();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(false))).collect();
        counts.add(&work(true)?);
        for other in others {
            counts.add(&other.join().map_err(|_| "a thread of the floor panicked")??);
        }
        Ok::<_, String>(())
    })?;
    Ok((started.elapsed().as_secs_f64(), counts))
}

/// Where blocks come from.
enum Source<'a> {
    Prepared(&'a [CanonicalBlock]),
    /// File, and where header, body and receipts of each block lie.
    Era1((Vec<u8>, Vec<[std::ops::Range<usize>; 3]>)),
    /// File, where each block lies, and their receipts.
    Rlp((Vec<u8>, Vec<std::ops::Range<usize>>), &'a [CanonicalBlock]),
}

impl Source<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Prepared(blocks) => blocks.len(),
            Self::Era1((_, blocks)) => blocks.len(),
            Self::Rlp((_, blocks), _) => blocks.len(),
        }
    }

    fn with_parts<T>(
        &self,
        index: usize,
        act: impl FnOnce(&Parts<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        match self {
            Self::Prepared(blocks) => {
                let block = &blocks[index];
                act(&Parts {
                    header: &block.header,
                    transactions: slices(&block.transactions),
                    uncles: EMPTY_LIST,
                    withdrawals: slices(&block.withdrawals),
                    receipts: slices(&block.receipts),
                })
            }
            Self::Era1((file, blocks)) => {
                let [header, body, receipts] =
                    blocks[index].clone().map(|range| snappy(&file[range]));
                let (header, body, receipts) = (header?, body?, receipts?);
                let body = items(take(&mut &body[..]).payload);
                act(&Parts {
                    header: &header,
                    transactions: envelopes(body[0].payload),
                    uncles: body[1].whole,
                    withdrawals: Vec::new(),
                    receipts: envelopes(take(&mut &receipts[..]).payload),
                })
            }
            Self::Rlp((file, blocks), prepared) => {
                let block = items(take(&mut &file[blocks[index].clone()]).payload);
                // Block 0 is in genesis.json, so the file begins with the second receipts.
                let receipts = prepared.len() - blocks.len() + index;
                act(&Parts {
                    header: block[0].whole,
                    transactions: envelopes(block[1].payload),
                    uncles: block[2].whole,
                    withdrawals: block.get(3).map_or(Vec::new(), |list| {
                        items(list.payload).iter().map(|item| item.whole).collect()
                    }),
                    receipts: slices(&prepared[receipts].receipts),
                })
            }
        }
    }
}

fn prepare(dataset: &Dataset) -> io::Result<Vec<CanonicalBlock>> {
    let path: &Path = match dataset.kind {
        FileKind::Era1 => return Ok(Vec::new()),
        FileKind::Ndjson => &dataset.file,
        FileKind::Rlp => match &dataset.receipts {
            Some(receipts) => receipts,
            None => return Err(io::Error::other("the floor of an RLP chain needs its receipts")),
        },
    };
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(path)?).read_to_end(&mut text)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| CanonicalBlock::from_json(line).map_err(io::Error::from)).collect()
}

fn inflate(stream: &[u8]) -> Result<(), String> {
    let mut buffer = vec![0; 1 << 20];
    let mut decoder = flate2::read::MultiGzDecoder::new(stream);
    while decoder.read(&mut buffer).map_err(|error| error.to_string())? > 0 {
        black_box(&buffer);
    }
    Ok(())
}

fn snappy(compressed: &[u8]) -> Result<Vec<u8>, String> {
    let mut inflated = Vec::with_capacity(compressed.len() * 2);
    snap::read::FrameDecoder::new(compressed)
        .read_to_end(&mut inflated)
        .map_err(|error| error.to_string())?;
    Ok(inflated)
}

fn era1_blocks(file: Vec<u8>) -> (Vec<u8>, Vec<[std::ops::Range<usize>; 3]>) {
    const ENTRY_HEADER_BYTES: usize = 8;
    let (mut at, mut blocks, mut parts) = (0, Vec::new(), Vec::new());
    while at < file.len() {
        let kind = u16::from_le_bytes([file[at], file[at + 1]]);
        let size = &file[at + 2..at + 6];
        let size = u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize;
        let payload = at + ENTRY_HEADER_BYTES..at + ENTRY_HEADER_BYTES + size;
        at = payload.end;
        match kind {
            3..=5 => parts.push(payload),
            6 => blocks.extend(<[_; 3]>::try_from(std::mem::take(&mut parts))),
            _ => {}
        }
    }
    (file, blocks)
}

fn rlp_blocks(file: Vec<u8>) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
    let (mut rest, mut blocks) = (&file[..], Vec::new());
    while !rest.is_empty() {
        let start = file.len() - rest.len();
        take(&mut rest);
        blocks.push(start..file.len() - rest.len());
    }
    (file, blocks)
}

fn slices(items: &[Vec<u8>]) -> Vec<&[u8]> {
    items.iter().map(Vec::as_slice).collect()
}

/// Envelopes inside a list: legacy ones are lists themselves, typed ones strings.
fn envelopes(payload: &[u8]) -> Vec<&[u8]> {
    items(payload).into_iter().map(Item::envelope).collect()
}

/// Hashes one block and compares the results with its header.
fn hash_block(parts: &Parts<'_>, recover: bool, counts: &mut Counts) -> Result<(), String> {
    let header = items(take(&mut &parts.header[..]).payload);
    let number =
        header[8].payload.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let check = |what: &str, field: usize, found: B256| {
        if header[field].payload == found.as_slice() {
            return Ok(());
        }
        Err(format!("block {number}: {what} is not what its content hashes to"))
    };
    black_box(keccak256(parts.header));
    check("uncles hash", 1, keccak256(parts.uncles))?;
    walk(parts.uncles);
    check("transactions root", 4, trie::root(&parts.transactions))?;
    check("receipts root", 5, trie::root(&parts.receipts))?;
    if header.len() > 16 {
        check("withdrawals root", 16, trie::root(&parts.withdrawals))?;
        parts.withdrawals.iter().for_each(|item| _ = black_box(walk(item)));
    }
    for transaction in &parts.transactions {
        black_box(keccak256(transaction));
        black_box(walk(untyped(transaction)));
        if recover {
            black_box(recover::sender(transaction)?);
        }
    }
    let mut bloom = [0_u8; 256];
    for receipt in &parts.receipts {
        let fields = items(take(&mut untyped(receipt)).payload);
        for log in items(fields[3].payload) {
            let log = items(log.payload);
            accrue(&mut bloom, log[0].payload);
            items(log[1].payload).iter().for_each(|topic| accrue(&mut bloom, topic.payload));
            counts.logs += 1;
        }
    }
    if header[6].payload != bloom {
        return Err(format!("block {number}: logs bloom is not that of its logs"));
    }
    counts.blocks += 1;
    counts.transactions += parts.transactions.len() as u64;
    Ok(())
}

/// The RLP list of an envelope, without its type byte.
fn untyped(envelope: &[u8]) -> &[u8] {
    if envelope[0] < 0xc0 { &envelope[1..] } else { envelope }
}

fn accrue(bloom: &mut [u8; 256], item: &[u8]) {
    let hash = keccak256(item);
    for pair in 0..3 {
        let bit = usize::from(u16::from_be_bytes([hash[2 * pair], hash[2 * pair + 1]]) & 0x7ff);
        bloom[255 - bit / 8] |= 1 << (bit % 8);
    }
}
