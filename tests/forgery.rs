//! Minted chains through the light node: every true block is accepted with the values that were minted,
//! and no forged one is.
//!
//! A forgery changes one value or one bit of a file. It passes when the light node refuses it, or when
//! what it accepts is, field by field, what it accepts without the forgery: values that no hash covers
//! may be ignored, never believed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use alloy_primitives::B256;
use node_lite::family::evm::{BlockFile, FileOptions, RawBlock, VerifiedBlock, verify};
use serde_json::Value;
use tempfile::TempDir;
use tests::mint::{
    Fork, Format, MintConfig, MintedBlock, Minter, Outcome, Random, Schedule, mint_file,
};

fn config(fork: Fork, block_count: u64) -> MintConfig {
    MintConfig {
        schedule: Schedule::always(fork),
        block_count,
        transactions_per_block: 4,
        account_count: 10,
        holder_count: 20,
        ..MintConfig::default()
    }
}

/// Reads a whole file: the blocks that were accepted, and the error that ended it, if any.
fn read(path: &Path, options: &FileOptions) -> (Vec<VerifiedBlock>, Option<String>) {
    let mut blocks = Vec::new();
    let mut file = match BlockFile::open(path, options) {
        Ok(file) => file,
        Err(error) => return (blocks, Some(error.to_string())),
    };
    while let Some(raw) = file.next() {
        let checked = raw.map_err(|error| error.to_string()).and_then(|raw| {
            let block = verify(raw).map_err(|error| error.to_string())?;
            file.check_in_order(&block).map_err(|error| error.to_string())?;
            Ok(block)
        });
        match checked {
            Ok(block) => blocks.push(block),
            Err(error) => return (blocks, Some(error)),
        }
    }
    (blocks, None)
}

fn assert_same(minted: &MintedBlock, read: &VerifiedBlock, with_receipts: bool) {
    assert_eq!(read.hash().0, minted.hash.0);
    assert_eq!(read.number(), minted.header.number);
    assert_eq!(read.transactions().len(), minted.transactions.len());
    for (ours, theirs) in minted.transactions.iter().zip(read.transactions()) {
        assert_eq!((theirs.hash, theirs.from), (ours.hash, ours.from));
        assert_eq!(theirs.value, ours.request.value);
        assert_eq!(theirs.input[..], ours.request.input[..]);
        let price = ours.request.effective_gas_price(minted.header.base_fee_per_gas);
        assert_eq!(theirs.gas_price.to::<u128>(), price);
    }
    assert_eq!(read.receipts().is_some(), with_receipts);
    for (ours, theirs) in minted.receipts.iter().zip(read.receipts().unwrap_or_default()) {
        assert_eq!(theirs.gas_used, ours.gas_used);
        assert_eq!(theirs.logs.len(), ours.logs.len());
        for (ours, theirs) in ours.logs.iter().zip(&theirs.logs) {
            assert_eq!(theirs.address, ours.address);
            assert_eq!(theirs.topics(), &ours.topics[..]);
            assert_eq!(theirs.data[..], ours.data[..]);
        }
    }
    let withdrawals = read.withdrawals().map(<[_]>::len);
    assert_eq!(withdrawals, minted.withdrawals.as_ref().map(Vec::len));
}

fn check_file(format: Format, fork: Fork, with_receipts: bool) {
    let folder = TempDir::new().unwrap();
    let config = config(fork, 30);
    let minted: Vec<_> = Minter::new(config.clone()).collect();
    let path = folder.path().join("chain");
    let receipts = folder.path().join("receipts.ndjson.gz");
    let beside = (format == Format::Rlp && with_receipts).then_some(receipts.as_path());
    mint_file(config, format, &path, beside, |_| ()).unwrap();
    let options = FileOptions { receipts: beside.map(Path::to_owned), ..FileOptions::default() };
    let (blocks, error) = read(&path, &options);
    assert_eq!(error, None, "{fork} {format:?}");
    assert_eq!(blocks.len(), minted.len(), "{fork} {format:?}");
    for (minted, read) in minted.iter().zip(&blocks) {
        // A genesis file gives all of block 0: it has no transactions, and so no receipts to miss.
        let complete = with_receipts || minted.header.number == 0 && read.receipts().is_some();
        assert_same(minted, read, complete);
    }
}

#[test]
fn minted_replies_of_every_fork_are_accepted() {
    Fork::all().for_each(|fork| check_file(Format::Ndjson, fork, true));
}

#[test]
fn minted_archives_of_every_fork_before_the_merge_are_accepted() {
    Fork::all()
        .filter(|fork| fork.is_proof_of_work())
        .for_each(|fork| check_file(Format::Era1, fork, true));
}

#[test]
fn minted_rlp_chains_of_every_fork_are_accepted_with_receipts_and_without() {
    for fork in Fork::all() {
        check_file(Format::Rlp, fork, true);
        check_file(Format::Rlp, fork, false);
    }
}

/// Values of a reply that no hash covers and that the light node need not look at: what it stores
/// instead follows from the rest of the block.
const NOT_COVERED: &[&str] = &[
    "block.size",
    "block.totalDifficulty",
    // Hashes of uncles prove nothing without their headers, which replies do not have.
    "block.uncles",
    "block.transactions.blockHash",
    "block.transactions.blockNumber",
    "block.transactions.blockTimestamp",
    // The signature of a legacy transaction holds its chain id.
    "block.transactions.chainId",
    "block.transactions.gasPrice",
    "block.transactions.transactionIndex",
    "block.transactions.yParity",
    "block.transactions.v",
    "receipts.blobGasPrice",
    "receipts.blobGasUsed",
    "receipts.blockHash",
    "receipts.blockNumber",
    "receipts.from",
    "receipts.to",
    "receipts.transactionIndex",
    "receipts.logs.blockHash",
    "receipts.logs.blockNumber",
    "receipts.logs.blockTimestamp",
    "receipts.logs.logIndex",
    "receipts.logs.removed",
    "receipts.logs.transactionHash",
    "receipts.logs.transactionIndex",
];

/// One place in a reply: keys and positions from the top, and the keys alone as a name.
#[derive(Clone)]
struct Spot {
    pointer: String,
    name: String,
}

fn spots(value: &Value, at: &Spot, found: &mut Vec<Spot>) {
    let below = |step: &str, name: String| Spot { pointer: format!("{}/{step}", at.pointer), name };
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let name =
                    if at.name.is_empty() { key.clone() } else { format!("{}.{key}", at.name) };
                spots(member, &below(key, name), found);
            }
        }
        Value::Array(items) => {
            found.push(at.clone());
            for (index, item) in items.iter().enumerate() {
                spots(item, &below(&index.to_string(), at.name.clone()), found);
            }
        }
        _ => found.push(at.clone()),
    }
}

/// Changes the value in place, so that it still has the shape of its field.
fn forge(value: &mut Value, random: &mut Random) {
    match value {
        Value::Bool(flag) => *flag = !*flag,
        Value::Null => *value = Value::from(format!("{:?}", random.address())),
        Value::Array(items) => match random.below(3) {
            0 if !items.is_empty() => {
                let index = random.below(items.len() as u64) as usize;
                items.remove(index);
            }
            1 if items.len() > 1 => {
                // Swapping equal items would change nothing.
                let last = items.len() - 1;
                if items[0] == items[last] { _ = items.pop() } else { items.swap(0, last) }
            }
            _ => {
                let item = items.last().cloned();
                items.push(item.unwrap_or_else(|| Value::from(B256::ZERO.to_string())));
            }
        },
        Value::String(text) => {
            let digits = text.len() - 2;
            let at = 2 + random.below(digits.max(1) as u64) as usize;
            let new = char::from(*random.pick(b"123456789abcdef"));
            if digits == 0 {
                text.push_str("a1");
            } else if text[at..].starts_with(new) {
                // Another digit than the one that is there, and no leading zero.
                text.replace_range(at..=at, if new == '1' { "2" } else { "1" });
            } else {
                text.replace_range(at..=at, new.encode_utf8(&mut [0; 4]));
            }
        }
        Value::Number(_) | Value::Object(_) => unreachable!("replies hold no such leaves"),
    }
}

/// Every field of every fork is forged; what passes must be in `NOT_COVERED` and change nothing.
#[test]
fn a_forged_value_of_a_reply_is_refused_or_changes_nothing() {
    const SEED: u64 = 11;
    const FORGERIES_PER_BLOCK: u64 = 60;
    let mut random = Random::new(SEED);
    let (mut refused, mut ignored, mut forged) = (0, BTreeSet::new(), BTreeSet::new());
    for fork in Fork::all() {
        let blocks = Minter::new(config(fork, 12)).skip(1);
        // Blocks of thousands of logs would only make the same checks slower.
        for block in blocks.filter(|block| block.receipts.iter().all(|item| item.logs.len() < 50)) {
            let line = block.json_line();
            let truth = verify(RawBlock::from_json(line.clone())).unwrap();
            let truth = format!("{truth:?}");
            let line: Value = serde_json::from_str(&line).unwrap();
            let mut places = Vec::new();
            let top = Spot { pointer: String::new(), name: String::new() };
            spots(&line, &top, &mut places);
            for _ in 0..FORGERIES_PER_BLOCK {
                let spot = random.pick(&places);
                let mut forgery = line.clone();
                forge(forgery.pointer_mut(&spot.pointer).unwrap(), &mut random);
                forged.insert(spot.name.clone());
                match verify(RawBlock::from_json(forgery.to_string())) {
                    Err(_) => refused += 1,
                    Ok(accepted) => {
                        let was = line.pointer(&spot.pointer).unwrap();
                        let is = forgery.pointer(&spot.pointer).unwrap();
                        let what = format!(
                            "seed {SEED}, {fork} block {}, {}: {was} -> {is}",
                            block.header.number, spot.pointer
                        );
                        assert_eq!(format!("{accepted:?}"), truth, "{what}");
                        assert!(NOT_COVERED.contains(&&spot.name[..]), "accepted: {what}");
                        ignored.insert(spot.name.clone());
                    }
                }
            }
        }
    }
    eprintln!("{refused} forgeries of {} fields refused; ignored: {ignored:?}", forged.len());
    assert!(refused > 5_000 && forged.len() > 70, "{refused} {}", forged.len());
}

/// Flips one bit of a file at a time. `checked` is the number of leading blocks that a flip may not
/// change: an RLP chain names its last block's hash nowhere.
fn flip_bits(format: Format, fork: Fork, with_receipts: bool, flips: u64) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("chain");
    let receipts = folder.path().join("receipts.ndjson");
    let beside = with_receipts.then_some(receipts.as_path());
    mint_file(config(fork, 12), format, &path, beside, |_| ()).unwrap();
    let options = FileOptions { receipts: beside.map(Path::to_owned), ..FileOptions::default() };
    let (truth, error) = read(&path, &options);
    assert_eq!(error, None);
    let truth: Vec<_> = truth.iter().map(|block| format!("{block:?}")).collect();
    let bytes = fs::read(&path).unwrap();
    let mut random = Random::new(5);
    let mut refused = 0;
    for _ in 0..flips {
        let (at, bit) = (random.below(bytes.len() as u64) as usize, random.below(8));
        let mut forgery = bytes.clone();
        forgery[at] ^= 1 << bit;
        fs::write(&path, forgery).unwrap();
        let (accepted, error) = read(&path, &options);
        refused += u64::from(error.is_some());
        let what = format!("{fork} {format:?} byte {at} bit {bit}: {error:?}");
        let changed = accepted
            .iter()
            .zip(&truth)
            .position(|(accepted, truth)| format!("{accepted:?}") != *truth);
        match (error, changed) {
            // The next block's parent hash gives the forged one away.
            (Some(_), Some(index)) if format == Format::Rlp => {
                assert_eq!(index + 1, accepted.len(), "{what}");
            }
            // The last block has no next one.
            (None, Some(index)) if format == Format::Rlp => {
                assert_eq!(index + 1, truth.len(), "{what}");
            }
            (_, Some(index)) => panic!("block {index} was changed and accepted: {what}"),
            (None, None) => assert_eq!(accepted.len(), truth.len(), "{what}"),
            (Some(_), None) => {}
        }
    }
    assert!(refused > flips / 2, "{refused} of {flips} refused");
}

#[test]
fn a_flipped_bit_of_an_archive_is_refused_or_changes_nothing() {
    flip_bits(Format::Era1, Fork::Frontier, false, 300);
    flip_bits(Format::Era1, Fork::London, false, 300);
}

#[test]
fn a_flipped_bit_of_an_rlp_chain_ends_the_import_at_once_or_at_the_next_block() {
    flip_bits(Format::Rlp, Fork::Homestead, false, 300);
    flip_bits(Format::Rlp, Fork::Osaka, true, 300);
}

#[test]
fn a_flipped_bit_of_recorded_replies_is_refused_or_changes_nothing() {
    flip_bits(Format::Ndjson, Fork::Frontier, false, 300);
    flip_bits(Format::Ndjson, Fork::Osaka, false, 300);
}

/// The bug that this guards against: a field compared with itself. Every outcome kind is forged.
#[test]
fn a_receipt_with_another_outcome_is_refused() {
    for (fork, key) in [(Fork::Frontier, "root"), (Fork::Osaka, "status")] {
        let block = Minter::new(config(fork, 20)).find(|block| !block.receipts.is_empty()).unwrap();
        assert_eq!(key == "root", matches!(block.receipts[0].outcome, Outcome::Root(_)));
        let mut line: Value = serde_json::from_str(&block.json_line()).unwrap();
        let outcome = &mut line["receipts"][0][key];
        *outcome = match outcome.as_str().unwrap() {
            "0x1" => "0x0".into(),
            "0x0" => "0x1".into(),
            _ => B256::ZERO.to_string().into(),
        };
        let error = verify(RawBlock::from_json(line.to_string())).unwrap_err();
        assert_eq!(error.check(), "receipts root");
    }
}
