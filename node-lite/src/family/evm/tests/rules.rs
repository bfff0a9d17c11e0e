//! Rules that one header shows by itself, and the bounds of columns: at the limit and one past it.

use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy_consensus::{EMPTY_ROOT_HASH, Header};
use alloy_primitives::{B64, B256, Bytes, U256, hex};

use crate::family::evm::verify::TIMESTAMP_SECONDS_MAX;
use crate::family::evm::{RawBlock, VerifiedBlock, VerifyError, genesis, verify};

/// A block of proof of stake without transactions.
fn header() -> Header {
    Header {
        number: 7,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        gas_limit: 30_000_000,
        timestamp: 1_700_000_000,
        base_fee_per_gas: Some(7),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        ..Header::default()
    }
}

fn verified(change: impl Fn(&mut Header)) -> Result<VerifiedBlock, VerifyError> {
    let mut header = header();
    change(&mut header);
    verify(RawBlock::from_rlp(genesis::block(&header)))
}

fn refused(change: impl Fn(&mut Header)) -> (String, &'static str) {
    let error = verified(change).unwrap_err();
    (error.to_string(), error.check())
}

#[test]
fn counters_are_accepted_up_to_bigint_and_refused_by_name_above() {
    const MAX: u64 = i64::MAX as u64;
    assert!(verified(|_| {}).is_ok());
    assert!(verified(|header| header.gas_limit = MAX).is_ok());
    assert!(verified(|header| header.number = MAX).is_ok());
    let (text, check) = refused(|header| header.gas_limit = MAX + 1);
    let bounds = "9223372036854775808, largest accepted 9223372036854775807";
    assert_eq!(text, format!("block 7: gas limit is {bounds}"));
    assert_eq!(check, "overflow");
    let (text, _) = refused(|header| header.number = MAX + 1);
    assert!(text.ends_with(&format!("number is {bounds}")), "{text}");
}

#[test]
fn a_time_is_accepted_up_to_64_bits_of_microseconds() {
    let block = verified(|header| header.timestamp = TIMESTAMP_SECONDS_MAX).unwrap();
    assert_eq!(block.timestamp_us(), TIMESTAMP_SECONDS_MAX as i64 * 1_000_000);
    let (text, check) = refused(|header| header.timestamp = TIMESTAMP_SECONDS_MAX + 1);
    assert_eq!(check, "overflow");
    assert!(text.starts_with("block 7: timestamp in seconds is 9223372036855"), "{text}");
}

#[test]
fn headers_that_break_a_rule_are_refused_by_it() {
    assert_eq!(
        refused(|header| header.gas_used = 30_000_001),
        ("block 7: gas used is 30000001, above the limit 30000000".to_owned(), "gas used")
    );
    assert_eq!(refused(|header| header.nonce = B64::repeat_byte(1)).1, "nonce");
    assert!(verified(|header| header.extra_data = Bytes::from(vec![0; 32])).is_ok());
    assert_eq!(refused(|header| header.extra_data = Bytes::from(vec![0; 33])).1, "extra data");
    // Proof of work, and chains of authorities, have longer extra data and nonces.
    let work = |header: &mut Header| {
        header.difficulty = U256::from(2);
        header.nonce = B64::repeat_byte(1);
        header.extra_data = Bytes::from(vec![0; 97]);
    };
    assert!(verified(work).is_ok());
}

#[test]
fn roots_that_do_not_match_the_body_are_refused_by_name() {
    let other = B256::repeat_byte(9);
    for (check, change) in [
        (
            "transactions root",
            (|header, root| header.transactions_root = root) as fn(&mut Header, B256),
        ),
        ("uncle hash", |header, root| header.ommers_hash = root),
        ("withdrawals root", |header, root| header.withdrawals_root = Some(root)),
    ] {
        let (text, found) = refused(|header| change(header, other));
        assert_eq!(found, check);
        let start = format!("block 7: {check} is {other}, recomputed 0x");
        assert!(text.starts_with(&start), "{text}");
    }
    // A header before Shanghai whose body has withdrawals.
    let mut block = genesis::block(&header()).to_vec();
    let shorter = genesis::block(&Header { withdrawals_root: None, ..header() }).to_vec();
    block.splice(.., [shorter, vec![0xc0]].concat());
    let length = block.len() - 3;
    block[1..3].copy_from_slice(&(length as u16).to_be_bytes());
    let error = verify(RawBlock::from_rlp(block)).unwrap_err();
    assert!(error.to_string().starts_with("block 7: withdrawals root is absent, "), "{error}");
}

#[test]
fn headers_of_later_forks_are_refused_instead_of_losing_a_field() {
    let (text, check) = refused(|header| {
        header.blob_gas_used = Some(0);
        header.excess_blob_gas = Some(0);
        header.parent_beacon_block_root = Some(B256::ZERO);
        header.requests_hash = Some(B256::ZERO);
        header.block_access_list_hash = Some(B256::ZERO);
    });
    assert_eq!(text, "block at byte 0: header of block 7 is of a fork after Osaka");
    assert_eq!(check, "format");
}

/// Hashes of well-known genesis files, without the data folder.
#[test]
fn genesis_fields_follow_the_forks_that_are_active_at_block_0() {
    let header = |json: &str| genesis::header(json.as_bytes()).unwrap();
    let frontier = header(
        r#"{"alloc":{},"difficulty":"0x400000000","gasLimit":"0x1388","nonce":"0x42","extraData":"0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa"}"#,
    );
    assert_eq!(frontier.base_fee_per_gas, None);
    assert_eq!(frontier.nonce, B64::from(0x42_u64));
    let prague = header(
        r#"{"config":{"londonBlock":0,"shanghaiTime":0,"cancunTime":0,"pragueTime":5},"alloc":{},"timestamp":"0x5"}"#,
    );
    assert_eq!(prague.base_fee_per_gas, Some(1_000_000_000));
    assert_eq!(prague.withdrawals_root, Some(EMPTY_ROOT_HASH));
    assert_eq!((prague.blob_gas_used, prague.excess_blob_gas), (Some(0), Some(0)));
    assert!(prague.requests_hash.is_some());
    let shanghai = header(
        r#"{"config":{"londonBlock":0,"shanghaiTime":0,"cancunTime":6},"alloc":{},"timestamp":5}"#,
    );
    assert_eq!(shanghai.blob_gas_used, None);
}

#[test]
fn a_genesis_account_has_its_code_and_storage_in_the_state_root() {
    let root = |account: &str| {
        let address = hex::encode([7; 20]);
        let json = format!(r#"{{"alloc":{{"{address}":{account}}}}}"#);
        genesis::header(json.as_bytes()).map(|header| header.state_root)
    };
    let plain = root(r#"{"balance":"1"}"#).unwrap();
    assert_eq!(plain, root(r#"{"balance":"0x1","nonce":"0x0","storage":{"0x1":"0x0"}}"#).unwrap());
    assert_ne!(plain, root(r#"{"balance":"1","code":"0x00"}"#).unwrap());
    assert_ne!(plain, root(r#"{"balance":"1","storage":{"0x1":"0x2"}}"#).unwrap());
    let error = root(r#"{"balance":"one"}"#).unwrap_err();
    assert!(
        error.starts_with("not a genesis file: expected a number of up to 256 bits"),
        "{error}"
    );
    assert!(genesis::header(b"[]").is_err());
}
