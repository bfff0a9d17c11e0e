//! Ethereum's own consensus tests, as far as a verifier that does not execute can judge them.

use std::path::{Path, PathBuf};

use alloy_primitives::{B256, hex, keccak256};
use serde_json::Value;

use super::data;
use crate::family::evm::file::{FileKind, OrderCheck};
use crate::family::evm::{RawBlock, VerifiedBlock, verify};

/// Exceptions that headers and bodies show without execution.
const REFUSED: [&str; 9] = [
    "BlockException.INVALID_TRANSACTIONS_ROOT",
    "BlockException.INVALID_WITHDRAWALS_ROOT",
    "BlockException.EXTRA_DATA_TOO_BIG",
    "BlockException.IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS",
    "BlockException.IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS",
    "BlockException.INVALID_BLOCK_NUMBER",
    "BlockException.INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT",
    "BlockException.UNKNOWN_PARENT_ZERO",
    "BlockException.RLP_STRUCTURES_ENCODING",
];

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn block(rlp: &str) -> Result<VerifiedBlock, String> {
    let bytes = hex::decode(rlp).map_err(|error| error.to_string())?;
    verify(RawBlock::from_rlp(bytes)).map_err(|error| error.to_string())
}

/// Checks one block after `parent`, as a chain file would hold it.
fn follows(parent: &VerifiedBlock, block: &VerifiedBlock) -> Result<(), String> {
    let mut order = OrderCheck::default();
    order.check(FileKind::RlpChain, None, parent).map_err(|error| error.to_string())?;
    order.check(FileKind::RlpChain, None, block).map_err(|error| error.to_string())
}

#[test]
fn valid_blocks_are_accepted_and_invalid_ones_refused_without_execution() {
    let Some(folder) = data("ethereum-tests/BlockchainTests") else { return };
    let mut files = Vec::new();
    json_files(&folder, &mut files);
    let (mut accepted, mut refused) = (0, 0);
    for file in files {
        let suite: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for (name, test) in suite.as_object().unwrap() {
            let genesis = block(test["genesisRLP"].as_str().unwrap()).unwrap();
            let mut known = vec![genesis];
            for entry in test["blocks"].as_array().unwrap() {
                let found = block(entry["rlp"].as_str().unwrap());
                let Some(exception) = entry["expectException"].as_str() else {
                    let found = match found {
                        // Valid for Ethereum, but our columns are `bigint`: refused, never wrapped.
                        Err(error) if error.contains("largest accepted") => break,
                        found => found.unwrap_or_else(|error| panic!("{name}: {error}")),
                    };
                    let parent = known.iter().find(|known| known.hash() == found.parent_hash());
                    follows(parent.unwrap(), &found).unwrap_or_else(|e| panic!("{name}: {e}"));
                    known.push(found);
                    accepted += 1;
                    continue;
                };
                if REFUSED.iter().any(|known| exception.starts_with(known)) {
                    let verdict = found
                        .and_then(|block| follows(known.last().unwrap(), &block).map(|()| block));
                    assert!(verdict.is_err(), "{name}: accepted although {exception}");
                    refused += 1;
                }
            }
        }
    }
    assert!(accepted > 250 && refused > 40, "accepted {accepted}, refused {refused}");
}

#[test]
fn tries_have_the_roots_of_the_trie_tests() {
    let Some(path) = data("ethereum-tests/TrieTests/trieanyorder_secureTrie.json") else { return };
    let suite: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for (name, test) in suite.as_object().unwrap() {
        let bytes = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => hex::decode(digits).unwrap(),
            None => text.as_bytes().to_vec(),
        };
        let mut leaves: Vec<(B256, Vec<u8>)> = test["in"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (keccak256(bytes(key)), bytes(value.as_str().unwrap())))
            .collect();
        leaves.sort_unstable();
        let mut trie = alloy_trie::HashBuilder::default();
        leaves
            .iter()
            .for_each(|(key, value)| trie.add_leaf(alloy_trie::Nibbles::unpack(key), value));
        assert_eq!(trie.root().to_string(), test["root"].as_str().unwrap(), "{name}");
    }
}
