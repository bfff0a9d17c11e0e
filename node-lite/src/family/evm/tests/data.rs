//! Every good file is accepted with the counts of the data folder's README; every forged row is
//! refused by the check that it breaks.

use std::io::{BufRead, BufReader};

use alloy_primitives::U256;
use schemas::VerificationLevel;

use super::{counts, data, read_all};
use crate::family::evm::{BlockFile, FileKind, FileOptions, RawBlock, verify};

fn check(name: &str, expected: (usize, usize, usize)) {
    let Some(path) = data(name) else { return };
    let blocks = read_all(&path, &FileOptions::default()).unwrap_or_else(|error| {
        panic!("{name}: {error}");
    });
    assert_eq!(counts(&blocks), expected, "{name}");
}

#[test]
fn mainnet_blocks_of_every_fork_are_accepted() {
    check("mainnet/blocks.ndjson.gz", (35, 4052, 12_621));
}

#[test]
fn own_chains_are_accepted() {
    check("own/anvil-301x50/chain.ndjson.gz", (301, 14_684, 18_690));
    check("own/anvil-1001x10/chain.ndjson.gz", (1001, 9887, 12_794));
}

#[test]
fn generated_chains_of_other_clients_are_accepted() {
    check("chains/geth-ethtest-600/blocks-receipts.ndjson.gz", (601, 603, 813));
    check("chains/hive-pow-3000/blocks-receipts.ndjson.gz", (3001, 300, 675));
    check("rpc/execution-apis/blocks-receipts.ndjson.gz", (55, 249, 383));
}

#[test]
fn era1_archives_are_accepted() {
    check("era1/mainnet-00000-5ec1ffb8.era1", (8192, 0, 0));
    check("era1/sepolia-00021-b8814b14.era1", (8192, 93, 0));
}

#[test]
fn an_era1_archive_proves_total_difficulty_and_names_its_network() {
    let Some(path) = data("era1/mainnet-00000-5ec1ffb8.era1") else { return };
    let mut file = BlockFile::open(&path, &FileOptions::default()).unwrap();
    assert_eq!(file.kind(), FileKind::Era1);
    assert_eq!(file.network_name_hint(), Some("mainnet"));
    let genesis = verify(file.next().unwrap().unwrap()).unwrap();
    assert_eq!(genesis.total_difficulty(), Some(U256::from(17_179_869_184_u64)));
    assert_eq!(
        genesis.hash().to_string(),
        "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
    );
}

/// One chain as RLP with genesis and receipts, and as NDJSON: the same blocks come out.
#[test]
fn an_rlp_chain_and_its_json_replies_give_the_same_blocks() {
    for folder in ["chains/geth-ethtest-600", "chains/hive-pow-3000", "rpc/execution-apis"] {
        let Some(chain) = data(&format!("{folder}/chain.rlp")) else { return };
        let replies = chain.with_file_name("blocks-receipts.ndjson.gz");
        let options = FileOptions { genesis: None, receipts: Some(replies.clone()) };
        let from_rlp = read_all(&chain, &options).unwrap();
        let from_json = read_all(&replies, &FileOptions::default()).unwrap();
        assert_eq!(from_rlp.len(), from_json.len(), "{folder}");
        for (rlp, json) in from_rlp.iter().zip(&from_json) {
            assert_eq!(rlp.header(), json.header());
            assert_eq!(rlp.total_difficulty(), json.total_difficulty(), "{}", rlp.number());
            assert!(rlp.total_difficulty().is_some());
            assert_eq!(rlp.level(), VerificationLevel::Receipts);
            let debug = |value: &dyn std::fmt::Debug| format!("{value:?}");
            assert_eq!(debug(&rlp.transactions()), debug(&json.transactions()));
            assert_eq!(debug(&rlp.receipts()), debug(&json.receipts()));
            assert_eq!(rlp.withdrawals(), json.withdrawals());
            // Uncle headers are in the RLP only.
            if json.uncles().is_some() {
                assert_eq!(debug(&rlp.uncles()), debug(&json.uncles()));
                assert_eq!(rlp.size_bytes(), json.size_bytes());
            }
        }
    }
}

#[test]
fn an_rlp_chain_without_receipts_stands_at_level_body() {
    let Some(path) = data("chains/hive-pow-3000/halfchain.rlp") else { return };
    let blocks = read_all(&path, &FileOptions::default()).unwrap();
    assert_eq!(blocks[0].number(), 0);
    assert_eq!(blocks.len(), 1000);
    assert!(blocks.iter().all(|block| block.level() == VerificationLevel::Body));
}

#[test]
fn uncle_headers_that_json_gives_are_proved_and_missing_ones_stay_unproved() {
    let Some(path) = data("mainnet/blocks.ndjson.gz") else { return };
    let blocks = read_all(&path, &FileOptions::default()).unwrap();
    let block = blocks.iter().find(|block| block.number() == 14_764_013).unwrap();
    assert_eq!(block.uncles().unwrap().len(), 1);

    let Some(path) = data("rpc/execution-apis/blocks-receipts.ndjson.gz") else { return };
    let blocks = read_all(&path, &FileOptions::default()).unwrap();
    assert!(blocks.iter().any(|block| block.uncles().is_none() && block.size_bytes().is_none()));
}

#[test]
fn every_forged_row_is_refused_by_the_check_that_it_breaks() {
    let Some(path) = data("invalid/tampered-seed11.ndjson.gz") else { return };
    let reader = flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap());
    for line in BufReader::new(reader).lines() {
        let line = line.unwrap();
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected = match row["expect"].as_str() {
            Some("hash") => Some("hash"),
            Some("txroot") => Some("transactions root"),
            Some("rroot") => Some("receipts root"),
            Some("wroot") => Some("withdrawals root"),
            Some(other) => panic!("unknown expectation {other}"),
            None => None,
        };
        let found = verify(RawBlock::from_json(line.into_bytes()));
        let check = found.as_ref().err().map(|error| error.check());
        assert_eq!(check, expected, "{}", row["case"]);
        if let Err(error) = found {
            let number = row["block"]["number"].as_str().unwrap().trim_start_matches("0x");
            let number = u64::from_str_radix(number, 16).unwrap();
            let start = format!("block {number}: {} is 0x", error.check());
            assert!(error.to_string().starts_with(&start), "{error}");
            assert!(error.to_string().contains(", recomputed 0x"), "{error}");
        }
    }
}
