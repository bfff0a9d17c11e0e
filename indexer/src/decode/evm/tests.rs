//! Rows against their schemas, against what ethereum-etl writes for the same blocks, and against the
//! truth files of our own chains.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, I256, U256, hex};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use node_lite::evm::{BlockFile, FileOptions, RawBlock, VerifiedBlock, verify};
use schemas::tables::evm::TABLES;
use serde_json::Value;

use super::token_transfers::{address, transfer_words};
use super::{DecodeError, RowBuilders};

/// A file of the data folder; none, with a note, where the folder is absent.
fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ERGOSQL_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no data ({name})");
    None
}

fn read_all(path: &Path) -> Vec<VerifiedBlock> {
    let file = BlockFile::open(path, &FileOptions::default()).unwrap();
    file.map(|raw| verify(raw.unwrap()).unwrap()).collect()
}

fn rows_of(blocks: &[VerifiedBlock]) -> HashMap<&'static str, RecordBatch> {
    let mut builders = RowBuilders::new();
    blocks.iter().for_each(|block| drop(builders.append(block).unwrap()));
    TABLES.iter().map(|table| table.name).zip(builders.finish()).collect()
}

/// One value as ethereum-etl prints it: hex, decimal, or nothing for null.
fn text(batch: &RecordBatch, column: &str, row: usize) -> String {
    let field = batch.schema_ref().field_with_name(column).unwrap().clone();
    let array = batch.column_by_name(column).unwrap();
    if array.is_null(row) {
        return String::new();
    }
    use arrow::datatypes::DataType::{Binary, FixedSizeBinary, Int32, Int64, Timestamp};
    match array.data_type() {
        FixedSizeBinary(_) if schemas::is_uint256(&field) => {
            U256::from_be_slice(array.as_fixed_size_binary().value(row)).to_string()
        }
        FixedSizeBinary(_) => hex::encode_prefixed(array.as_fixed_size_binary().value(row)),
        Binary => hex::encode_prefixed(array.as_binary::<i32>().value(row)),
        Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        Timestamp(..) => {
            (array.as_primitive::<TimestampMicrosecondType>().value(row) / 1_000_000).to_string()
        }
        other => panic!("{column}: {other}"),
    }
}

/// Every cell of a CSV file that we have a column for.
fn assert_equals_csv(batch: &RecordBatch, csv: &Path, skipped: &[&str]) {
    let content = std::fs::read_to_string(csv).unwrap();
    let mut lines = content.lines();
    let Some(header) = lines.next() else {
        assert_eq!(batch.num_rows(), 0, "{}", csv.display());
        return;
    };
    let names: Vec<_> = header.split(',').collect();
    let mut row_count = 0;
    for (row, line) in lines.enumerate() {
        for (name, expected) in names.iter().zip(line.split(',')) {
            if !skipped.contains(name) {
                assert_eq!(text(batch, name, row), expected, "{} {name} {row}", csv.display());
            }
        }
        row_count += 1;
    }
    assert_eq!(batch.num_rows(), row_count, "{}", csv.display());
}

#[test]
fn blocks_and_transactions_equal_ethereum_etl() {
    let cases = [
        ("block_with_logs", vec!["0x76250"]),
        ("block_without_transactions", vec!["0x0"]),
        ("blocks_with_transactions", vec!["0xb872", "0xb873"]),
    ];
    for (name, numbers) in cases {
        let Some(folder) = data(&format!("ethereum-etl/test_export_blocks_job/{name}")) else {
            return;
        };
        let mut blocks = Vec::new();
        for number in numbers {
            let reply =
                folder.join(format!("web3_response.eth_getBlockByNumber_{number}_true.json"));
            let reply: Value = serde_json::from_slice(&std::fs::read(reply).unwrap()).unwrap();
            let line = serde_json::json!({ "block": reply["result"], "receipts": null });
            blocks.push(verify(RawBlock::from_json(line.to_string())).unwrap());
        }
        let rows = rows_of(&blocks);
        // A single reply proves no total difficulty; `withdrawals` is a table of its own.
        let skipped = ["total_difficulty", "withdrawals"];
        assert_equals_csv(&rows["blocks"], &folder.join("expected_blocks.csv"), &skipped);
        assert_equals_csv(&rows["transactions"], &folder.join("expected_transactions.csv"), &[]);
        for table in ["receipts", "logs", "token_transfers"] {
            assert_eq!(rows[table].num_rows(), 0, "level body has no {table}");
        }
    }
}

/// 680 logs of two mainnet blocks, and the 290 transfers that ethereum-etl finds among them.
#[test]
fn token_transfers_equal_ethereum_etl() {
    let folder = "ethereum-etl/test_stream/blocks_17173049_17173050";
    let Some(logs) = data(&format!("{folder}/expected_logs.json")) else { return };
    let expected = logs.with_file_name("expected_token_transfers.json");
    let lines = |path: &Path| -> Vec<String> {
        std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    };
    let mut found = Vec::new();
    for line in lines(&logs) {
        let log: Value = serde_json::from_str(&line).unwrap();
        let topics: Vec<B256> = log["topics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|topic| topic.as_str().unwrap().parse().unwrap())
            .collect();
        let data = hex::decode(log["data"].as_str().unwrap()).unwrap();
        if let Some([_, from, to, value]) = transfer_words(&topics, &data) {
            found.push(format!(
                "{} {} {} {} {}",
                log["address"].as_str().unwrap(),
                hex::encode_prefixed(address(from)),
                hex::encode_prefixed(address(to)),
                U256::from_be_bytes(value),
                log["log_index"]
            ));
        }
    }
    let mut wanted = Vec::new();
    for line in lines(&expected) {
        let row: Value = serde_json::from_str(&line).unwrap();
        // The value may be above 64 bits, which JSON numbers of this parser do not hold: take its text.
        let value = line.split("\"value\": ").nth(1).unwrap().split(',').next().unwrap();
        let cell = |name: &str| row[name].as_str().unwrap().to_owned();
        wanted.push(format!(
            "{} {} {} {value} {}",
            cell("token_address"),
            cell("from_address"),
            cell("to_address"),
            row["log_index"]
        ));
    }
    assert!(wanted.len() > 200);
    assert_eq!(found, wanted);
}

#[test]
fn a_log_is_a_transfer_only_with_exactly_four_words() {
    let event: B256 =
        "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef".parse().unwrap();
    let topics = [event, B256::ZERO, B256::ZERO, B256::ZERO];
    assert!(transfer_words(&topics, &[]).is_some());
    assert!(transfer_words(&topics[..3], &[1; 32]).is_some());
    assert!(transfer_words(&topics[..1], &[1; 96]).is_some());
    assert!(transfer_words(&topics[..3], &[]).is_none());
    assert!(transfer_words(&topics[..3], &[1; 33]).is_none());
    assert!(transfer_words(&topics, &[1; 32]).is_none());
    assert!(transfer_words(&[], &[1; 128]).is_none());
    assert!(transfer_words(&topics[1..], &[1; 32]).is_none());
}

/// Balances from token_transfers equal the truth file, for every account.
#[test]
fn token_balances_equal_the_truth_of_our_own_chains() {
    for folder in ["own/anvil-301x50", "own/anvil-1001x10"] {
        let Some(chain) = data(&format!("{folder}/chain.ndjson.gz")) else { return };
        let truth = std::fs::read(chain.with_file_name("truth.json")).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let transfers = &rows_of(&read_all(&chain))["token_transfers"];
        let mut balances: HashMap<String, I256> = HashMap::new();
        for row in 0..transfers.num_rows() {
            if text(transfers, "token_address", row) != truth["coin"].as_str().unwrap() {
                continue;
            }
            let value: U256 = text(transfers, "value", row).parse().unwrap();
            let value = I256::from_raw(value);
            for (column, change) in [("from_address", -value), ("to_address", value)] {
                *balances.entry(text(transfers, column, row)).or_default() += change;
            }
        }
        let expected = truth["balances"].as_object().unwrap();
        assert!(expected.len() > 1, "{folder}");
        for (account, expected) in expected {
            let found = balances.get(account).copied().unwrap_or_default();
            assert_eq!(found.to_string(), expected.as_str().unwrap(), "{folder} {account}");
        }
    }
}

/// Every kind of block there is: the batches have the tables' schemas and the expected rows.
#[test]
fn batches_have_the_schemas_and_row_counts_of_their_tables() {
    let Some(path) = data("chains/geth-ethtest-600/blocks-receipts.ndjson.gz") else { return };
    let blocks = read_all(&path);
    let mut builders = RowBuilders::new();
    for block in &blocks {
        let record = builders.append(block).unwrap();
        assert_eq!(record.number, block.number());
        assert_eq!(record.transaction_hashes.len(), block.transactions().len());
    }
    let expected = [601, 603, 603, 813, 54];
    assert!(builders.size_bytes() > 601 * 256);
    let row_count = builders.row_count();
    let batches = builders.finish();
    for (table, batch) in TABLES.iter().zip(&batches) {
        assert_eq!(batch.schema(), table.schema(), "{}", table.name);
    }
    let counts: Vec<_> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(counts[..5], expected);
    assert_eq!(counts.iter().sum::<usize>(), row_count);

    let transactions = &batches[1];
    let types = transactions.column_by_name("transaction_type").unwrap();
    let set_code =
        types.as_primitive::<Int32Type>().iter().position(|kind| kind == Some(4)).unwrap();
    let list = transactions.column_by_name("authorization_list").unwrap();
    let list: Value = serde_json::from_str(list.as_string::<i32>().value(set_code)).unwrap();
    let entry = list[0].as_object().unwrap();
    let mut keys: Vec<_> = entry.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["address", "chain_id", "nonce", "r", "s", "y_parity"]);
    assert!(entry["address"].as_str().unwrap().parse::<Address>().is_ok());

    assert_eq!((builders.row_count(), builders.size_bytes()), (0, 0));
    assert!(builders.finish().iter().all(|batch| batch.num_rows() == 0));
}

#[test]
fn a_full_batch_says_so() {
    let error = DecodeError::Full { block: 7, size_bytes: 1 << 30, limit_bytes: 1 << 30 };
    let expected = "rows take 1073741824 bytes before block 7, the limit is 1073741824";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.kind(), schemas::ErrorKind::LimitReached);
}
