//! Minted blocks against alloy: what one library encodes, another decodes and hashes again.

use alloy_consensus::proofs::{
    calculate_ommers_root, calculate_receipt_root, calculate_transaction_root,
    calculate_withdrawals_root,
};
use alloy_consensus::{
    Block, Header as AlloyHeader, ReceiptEnvelope, Transaction as _, TxEnvelope,
};
use alloy_eips::Decodable2718 as _;
use alloy_primitives::Address;
use alloy_rlp::Decodable as _;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1};

use std::io::Read as _;

use super::*;

fn mixed(schedule: Schedule) -> MintConfig {
    MintConfig { schedule, block_count: 60, ..MintConfig::default() }
}

/// Sender of `transaction`, from the digest that alloy says was signed.
fn recover(transaction: &TxEnvelope) -> Address {
    let signature = transaction.signature();
    let compact = [signature.r().to_be_bytes::<32>(), signature.s().to_be_bytes()].concat();
    let id = RecoveryId::try_from(i32::from(signature.v())).unwrap();
    let recoverable = RecoverableSignature::from_compact(&compact, id).unwrap();
    let message = Message::from_digest(transaction.signature_hash().0);
    let key = Secp256k1::new().recover_ecdsa(&message, &recoverable).unwrap();
    Address::from_slice(&keccak256(&key.serialize_uncompressed()[1..])[12..])
}

fn check_block(block: &MintedBlock) {
    let decoded = Block::<TxEnvelope>::decode(&mut &block.rlp()[..]).unwrap();
    let header: &AlloyHeader = &decoded.header;
    assert_eq!(header.hash_slow(), block.hash);
    assert_eq!(calculate_transaction_root(&decoded.body.transactions), header.transactions_root);
    assert_eq!(calculate_ommers_root(&decoded.body.ommers), header.ommers_hash);
    let withdrawals_root =
        decoded.body.withdrawals.as_ref().map(|list| calculate_withdrawals_root(list));
    assert_eq!(withdrawals_root, header.withdrawals_root);

    let receipts: Vec<_> = block
        .receipts
        .iter()
        .map(|receipt| ReceiptEnvelope::decode_2718(&mut &receipt.encoded[..]).unwrap())
        .collect();
    assert_eq!(calculate_receipt_root(&receipts), header.receipts_root);
    let logs = receipts.iter().flat_map(|receipt| receipt.logs());
    assert_eq!(alloy_primitives::logs_bloom(logs), header.logs_bloom);
    let gas_used = receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used());
    assert_eq!(gas_used, header.gas_used);
    assert!(header.gas_used <= header.gas_limit);
    let blob_gas: u64 =
        decoded.body.transactions.iter().filter_map(|item| item.blob_gas_used()).sum();
    assert_eq!(blob_gas, header.blob_gas_used.unwrap_or_default());

    assert_eq!(decoded.body.transactions.len(), block.transactions.len());
    for (theirs, ours) in decoded.body.transactions.iter().zip(&block.transactions) {
        assert_eq!(*theirs.tx_hash(), ours.hash);
        assert_eq!(recover(theirs), ours.from);
        assert_eq!(theirs.nonce(), ours.request.nonce);
        assert_eq!(theirs.value(), ours.request.value);
        let price = theirs.effective_gas_price(header.base_fee_per_gas);
        assert_eq!(price, ours.request.effective_gas_price(header.base_fee_per_gas));
        assert!(price >= u128::from(header.base_fee_per_gas.unwrap_or_default()));
    }
}

fn check_chain(config: MintConfig) -> Truth {
    let first = config.first_block;
    let count = config.block_count;
    let mut minter = Minter::new(config);
    let mut hashes = std::collections::HashSet::new();
    let mut previous: Option<MintedBlock> = None;
    let mut blocks = 0;
    for block in minter.by_ref() {
        check_block(&block);
        assert!(block.transactions.iter().all(|item| hashes.insert(item.hash)), "a hash twice");
        assert_eq!(block.header.number, first + blocks);
        if let Some(previous) = previous {
            assert_eq!(block.header.parent_hash, previous.hash);
            assert!(block.header.timestamp > previous.header.timestamp);
            assert_eq!(block.total_difficulty, previous.total_difficulty + block.header.difficulty);
        }
        blocks += 1;
        previous = Some(block);
    }
    assert_eq!(blocks, count);
    minter.truth()
}

#[test]
fn blocks_of_every_fork_pass_an_independent_check() {
    for fork in Fork::all() {
        let truth = check_chain(mixed(Schedule::always(fork)));
        assert!(truth.log_count > 100 && truth.transfer_count > 50, "{fork}: {truth:?}");
        assert_eq!(truth.uncle_count > 0, fork.is_proof_of_work(), "{fork}");
        assert_eq!(truth.withdrawal_count > 0, fork >= Fork::Shanghai, "{fork}");
        assert_eq!(truth.failed_count > 0, fork >= Fork::Byzantium, "{fork}");
    }
}

#[test]
fn one_chain_can_pass_through_every_fork_and_start_late() {
    check_chain(MintConfig { block_count: 170, ..mixed(Schedule::all_forks(0, 9)) });
    check_chain(MintConfig {
        first_block: 5000,
        block_count: 170,
        ..mixed(Schedule::all_forks(5000, 9))
    });
    check_chain(MintConfig { first_block: 5000, ..mixed("paris@0,osaka@4999".parse().unwrap()) });
}

#[test]
fn every_shape_appears_in_mixed_content() {
    let blocks: Vec<_> =
        Minter::new(MintConfig { block_count: 400, ..mixed(Schedule::always(Fork::Osaka)) })
            .collect();
    let transactions = || blocks.iter().flat_map(|block| &block.transactions);
    let logs = || blocks.iter().flat_map(|block| &block.receipts).flat_map(|item| &item.logs);
    for transaction_type in 0..=4 {
        assert!(transactions().any(|item| item.request.transaction_type() == transaction_type));
    }
    for topic_count in 0..=4 {
        assert!(logs().any(|log| log.topics.len() == topic_count), "{topic_count} topics");
    }
    let whole = U256::MAX.to_be_bytes_vec();
    assert!(logs().any(|log| log.topics.first() == Some(&TRANSFER) && log.data == whole));
    assert!(logs().any(|log| log.data.is_empty()));
    assert!(transactions().any(|item| item.created_contract().is_some()));
    assert!(transactions().any(|item| item.request.value == U256::MAX));
    assert!(transactions().any(|item| std::str::from_utf8(&item.request.input).is_err()));
    assert!(blocks[1..].iter().any(|block| block.transactions.is_empty()));
    let most_logs = blocks.iter().map(|block| block.receipts.iter().map(|r| r.logs.len()).sum());
    assert!(most_logs.max() > Some(1000_usize));
}

#[test]
fn transfers_give_exactly_the_transactions_and_logs_asked_for() {
    let config = MintConfig {
        content: Content::Transfers,
        first_block: 100,
        block_count: 20,
        transactions_per_block: 30,
        logs_per_transaction: 5,
        ..MintConfig::default()
    };
    let truth = check_chain(config);
    assert_eq!((truth.block_count, truth.transaction_count), (20, 600));
    assert_eq!((truth.log_count, truth.transfer_count), (3000, 2400));
}

/// The same sums that a query over token transfers makes.
#[test]
fn truth_is_what_the_transfer_logs_add_up_to() {
    let mut minter = Minter::new(MintConfig { block_count: 200, ..MintConfig::default() });
    let mut sums = std::collections::BTreeMap::new();
    for log in minter.by_ref().flat_map(|block| block.receipts).flat_map(|item| item.logs) {
        if log.topics.first() != Some(&TRANSFER) || (log.topics.len(), log.data.len()) != (3, 32) {
            continue;
        }
        let value = U256::from_be_slice(&log.data);
        let holder = |topic: B256| Address::from_word(topic);
        let from = sums.entry((log.address, holder(log.topics[1]))).or_insert(U256::ZERO);
        *from = from.wrapping_sub(value);
        let to = sums.entry((log.address, holder(log.topics[2]))).or_insert(U256::ZERO);
        *to = to.wrapping_add(value);
    }
    sums.retain(|(_, holder), value| !holder.is_zero() && !value.is_zero());
    let truth = minter.truth();
    assert_eq!(sums, truth.balances);
    let (token, holder) = *truth.balances.keys().next().unwrap();
    assert_eq!(truth.balance(token, holder), truth.balances[&(token, holder)]);
}

#[test]
fn a_seed_gives_the_same_chain_every_time() {
    let config = mixed(Schedule::all_forks(0, 4));
    let chain: Vec<_> = Minter::new(config.clone()).collect();
    assert_eq!(chain, Minter::new(config.clone()).collect::<Vec<_>>());
    assert_ne!(
        chain.last().unwrap().hash,
        Minter::new(MintConfig { seed: 2, ..config }).last().unwrap().hash
    );
}

/// RLP: genesis.json describes block 0, and block 1 follows it.
#[test]
fn every_format_is_written_and_gives_the_same_truth() {
    let dir = tempfile::tempdir().unwrap();
    let config = MintConfig { block_count: 30, ..mixed(Schedule::always(Fork::Berlin)) };
    let genesis = Minter::new(config.clone()).next().unwrap();
    let mut truths = Vec::new();
    for (format, name) in [
        (Format::Era1, "a.era1"),
        (Format::Rlp, "chain.rlp"),
        (Format::Ndjson, "a.ndjson"),
        (Format::Ndjson, "a.ndjson.gz"),
    ] {
        let path = dir.path().join(name);
        truths.push(mint_file(config.clone(), format, &path, None, |_| ()).unwrap());
    }
    assert!(truths.windows(2).all(|pair| pair[0] == pair[1]));
    serde_json::from_str::<serde_json::Value>(&truths[0].to_json()).unwrap();

    let plain = std::fs::read(dir.path().join("a.ndjson")).unwrap();
    let gzipped = std::fs::File::open(dir.path().join("a.ndjson.gz")).unwrap();
    let mut inflated = Vec::new();
    flate2::read::GzDecoder::new(gzipped).read_to_end(&mut inflated).unwrap();
    assert!(plain == inflated, "gzip changes nothing");
    for line in plain.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: serde_json::Value = serde_json::from_slice(line).unwrap();
        assert_eq!(
            line["block"]["transactions"].as_array().unwrap().len(),
            line["receipts"].as_array().unwrap().len()
        );
    }

    let rlp = std::fs::read(dir.path().join("chain.rlp")).unwrap();
    let block = Block::<TxEnvelope>::decode(&mut &rlp[..]).unwrap();
    assert_eq!((block.header.number, block.header.parent_hash), (1, genesis.hash));
    let json = std::fs::read(dir.path().join("genesis.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["config"]["berlinBlock"], 0);
    assert_eq!(json["config"].get("londonBlock"), None);
    assert_eq!(json["alloc"].as_object().unwrap().len(), 50);
}

#[test]
fn an_archive_refuses_what_the_format_cannot_hold() {
    let block = Minter::new(mixed(Schedule::always(Fork::Paris))).next().unwrap();
    let error = Era1Writer::new(Vec::new()).unwrap().push(&block).unwrap_err();
    assert_eq!(error.to_string(), "ERA1 holds blocks from before the merge only");

    let empty = MintConfig {
        block_count: ERA1_BLOCKS_MAX as u64 + 1,
        transactions_per_block: 0,
        ..mixed(Schedule::always(Fork::Berlin))
    };
    let mut writer = Era1Writer::new(std::io::sink()).unwrap();
    let results: Vec<_> = Minter::new(empty).map(|block| writer.push(&block)).collect();
    assert!(results[..ERA1_BLOCKS_MAX].iter().all(Result::is_ok));
    assert!(results[ERA1_BLOCKS_MAX].is_err());
}
