//! An answer never spans a gap, and a lookup reads only what it must.

use schemas::VerificationLevel;

use crate::SqlState;
use crate::tests::fixture::{Fixture, Run, counters, error, hash, rows, value};

fn with_gap() -> Fixture {
    Fixture::sealed(&[Run::new(0, 9, 3), Run::new(20, 29, 3)])
}

#[tokio::test]
async fn a_query_over_missing_blocks_fails_and_names_them() {
    let fixture = with_gap();
    let session = &mut fixture.session();
    let found = error(session, "SELECT count(*) FROM blocks").await;
    assert_eq!(found.state, SqlState::GAP);
    assert_eq!(found.message, "query on demo.chain.blocks spans 10 missing blocks: 10-19");
    assert!(found.hint.unwrap().contains("ergo.allow_gaps"));
    for sql in [
        "SELECT count(*) FROM blocks WHERE number BETWEEN 5 AND 10",
        "SELECT 1 FROM logs WHERE block_number > 9 AND block_number < 21",
        "SELECT 1 FROM blocks WHERE timestamp > '2000-01-01'",
        "SELECT 1 FROM transactions WHERE hash = '0x00'",
    ] {
        assert_eq!(error(session, sql).await.state, SqlState::GAP, "{sql}");
    }
}

#[tokio::test]
async fn a_query_beside_the_gap_or_with_leave_succeeds() {
    let fixture = with_gap();
    let session = &mut fixture.session();
    let sql = "SELECT count(*) FROM blocks WHERE number < 10";
    assert_eq!(value(session, sql).await, "10");
    let sql = "SELECT count(*) FROM blocks WHERE number >= 20";
    assert_eq!(value(session, sql).await, "10");
    rows(session, "SET ergo.allow_gaps = on").await;
    assert_eq!(value(session, "SELECT count(*) FROM blocks").await, "20");
    let gaps = "SELECT first_block, last_block, block_count FROM ergo.gaps WHERE network = 'demo'";
    assert_eq!(rows(session, gaps).await, [["10", "19", "10"]]);
}

#[tokio::test]
async fn a_lookup_by_hash_that_finds_its_block_spans_nothing() {
    let fixture = with_gap();
    let session = &mut fixture.session();
    let transaction = hex::encode(hash(b't', 25, 1));
    let block = hex::encode(hash(b'b', 25, 0));
    for sql in [
        format!("SELECT block_number FROM transactions WHERE hash = '0x{transaction}'"),
        format!("SELECT block_number FROM logs WHERE transaction_hash = '0x{transaction}'"),
        format!("SELECT number FROM blocks WHERE hash = '0x{block}'"),
        format!("SELECT DISTINCT block_number FROM receipts WHERE block_hash = '0x{block}'"),
    ] {
        assert_eq!(value(session, &sql).await, "25", "{sql}");
    }
}

#[tokio::test]
async fn logs_of_blocks_without_receipts_are_absent_not_empty() {
    let body = Run { level: VerificationLevel::Body, ..Run::new(0, 9, 3) };
    let fixture = Fixture::sealed(&[body]);
    let session = &mut fixture.session();
    assert_eq!(value(session, "SELECT count(*) FROM transactions").await, "30");
    let found = error(session, "SELECT count(*) FROM logs").await;
    assert_eq!(found.state, SqlState::GAP);
    assert!(found.detail.unwrap().contains("receipts"));
    let transaction = hex::encode(hash(b't', 5, 1));
    let sql = format!("SELECT 1 FROM logs WHERE transaction_hash = '0x{transaction}'");
    assert_eq!(error(session, &sql).await.state, SqlState::GAP);
}

#[tokio::test]
async fn a_lookup_by_hash_or_number_reads_one_file() {
    let fixture = Fixture::sealed(&[Run::new(0, 9, 3), Run::new(10, 19, 3), Run::new(20, 29, 3)]);
    let session = &mut fixture.session();
    let transaction = hex::encode(hash(b't', 15, 1));
    for sql in [
        format!("SELECT * FROM transactions WHERE hash = '0x{transaction}'"),
        "SELECT * FROM blocks WHERE number = 15".to_owned(),
    ] {
        let plan = rows(session, &format!("EXPLAIN (VERBOSE) {sql}")).await;
        let scans: Vec<_> = plan.iter().filter(|row| row[0].contains(".parquet")).collect();
        assert_eq!(scans.len(), 1, "{plan:?}");
        assert_eq!(scans[0][0].matches(".parquet").count(), 1, "{plan:?}");
        let found = counters(session, &sql).await;
        let groups = &found["row_groups_pruned_statistics"];
        assert!(groups.starts_with("1 total → 1 matched"), "{sql}: {groups}");
    }
}

#[tokio::test]
async fn a_lookup_of_a_hash_that_is_not_stored_reads_no_file() {
    let fixture = Fixture::sealed(&[Run::new(0, 9, 3), Run::new(10, 19, 3)]);
    let session = &mut fixture.session();
    let (stored, absent) = (hex::encode(hash(b't', 15, 1)), hex::encode(hash(b't', 99, 1)));
    let sql = format!("SELECT * FROM transactions WHERE hash = '0x{absent}'");
    assert!(rows(session, &sql).await.is_empty());
    let plan = rows(session, &format!("EXPLAIN (VERBOSE) {sql}")).await;
    assert!(plan.iter().all(|row| !row[0].contains(".parquet")), "{plan:?}");
    let sql =
        format!("SELECT block_number FROM transactions WHERE hash IN ('0x{absent}', '0x{stored}')");
    assert_eq!(value(session, &sql).await, "15");
}

#[tokio::test]
async fn counting_all_rows_reads_no_file() {
    let fixture = Fixture::sealed(&[Run::new(0, 9, 3), Run::new(10, 19, 3)]);
    let session = &mut fixture.session();
    let plan = rows(session, "EXPLAIN SELECT count(*) FROM transactions").await;
    assert!(plan.iter().all(|row| !row[0].contains("DataSourceExec")), "{plan:?}");
    assert_eq!(value(session, "SELECT count(*) FROM transactions").await, "60");
}
