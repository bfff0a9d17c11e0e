//! A lookup by key gives what the planner gives for the same statement, whatever the key.

use proptest::prelude::*;
use schemas::VerificationLevel;
use schemas::tables::evm;
use tokio_util::sync::CancellationToken;

use crate::tests::fixture::{Fixture, Run, TWINS_FROM, hash, rows, text};
use crate::{Outcome, Parameter, Prepared, QueryError, ResultColumn, Session};

/// Sealed blocks in three segments, one of them without receipts; a gap; hot blocks; twins.
fn fixture() -> Fixture {
    let fixture = Fixture::sealed(&[Run::new(0, 9, 3), Run::new(10, 19, 40)]);
    let body = Run { level: VerificationLevel::Body, ..Run::new(30, 34, 3) };
    fixture.seal("demo", body);
    fixture.seal("demo", Run::new(TWINS_FROM, TWINS_FROM + 3, 6));
    fixture.hot("demo", Run::new(TWINS_FROM + 4, TWINS_FROM + 7, 6));
    fixture
}

/// Rows, or an error as text but for its position: the two texts differ in length.
type Answer = Result<Vec<Vec<String>>, String>;

async fn prepare(session: &mut Session, sql: &str) -> Prepared {
    let statement = session.parse(sql).unwrap().remove(0);
    session.prepare(statement, &[]).await.unwrap()
}

/// Columns and sorted rows: the order of rows is nobody's promise.
async fn answer(
    session: &mut Session,
    prepared: &Prepared,
    values: &[Parameter],
) -> (Vec<ResultColumn>, Answer) {
    let outcome = session.execute(prepared, values, CancellationToken::new()).await;
    let columns = prepared.columns().unwrap().to_vec();
    let rows = match outcome {
        Ok(Outcome::Rows(rows)) => {
            assert_eq!(**rows.columns(), *columns);
            text(rows).await.map(|mut rows| {
                rows.sort();
                rows
            })
        }
        Ok(_) => panic!("not a query"),
        Err(error) => Err(error),
    };
    let rows = rows.map_err(|error| format!("{:?}", QueryError { position: None, ..error }));
    (columns, rows)
}

/// Runs `SELECT columns FROM table WHERE key = value` both ways and compares everything.
async fn compare(
    session: &mut Session,
    select: &str,
    key: &str,
    value: &str,
    values: &[Parameter],
) -> Answer {
    let lookup = prepare(session, &format!("{select} WHERE {key} = {value}")).await;
    let planned = prepare(session, &format!("{select} WHERE ({key} = {value})")).await;
    assert!(lookup.lookup.is_some() && planned.lookup.is_none(), "{select} {key} {value}");
    assert_eq!(lookup.parameter_types(), planned.parameter_types());
    let expected = answer(session, &planned, values).await;
    for _ in 0..2 {
        // The first reads files, the second finds their pages in memory.
        let found = answer(session, &lookup, values).await;
        assert_eq!(found, expected, "{select} {key} {value} {values:?}");
    }
    expected.1
}

fn keys(table: &str) -> &'static [&'static str] {
    match table {
        "blocks" => &["hash", "number"],
        "transactions" => &["hash", "block_hash", "block_number"],
        "withdrawals" => &["block_hash", "block_number"],
        _ => &["transaction_hash", "block_hash", "block_number"],
    }
}

/// Numbers of blocks: sealed in each way, missing, hot, absent.
fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![0..40_u64, TWINS_FROM - 1..TWINS_FROM + 10, Just(i64::MAX as u64),]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]
    #[test]
    fn every_table_key_and_value_gives_the_planners_answer(
        points in proptest::collection::vec((numbers(), 0..45_u64), 4),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 1..5),
        allow_gaps in any::<bool>(),
        finality in prop_oneof![Just("finalized"), Just("latest")],
    ) {
        runtime().block_on(async {
            let fixture = fixture();
            let session = &mut fixture.session();
            rows(session, &format!("SET ergo.allow_gaps = {}", if allow_gaps { "on" } else { "off" })).await;
            rows(session, &format!("SET ergo.finality = {finality}")).await;
            for spec in evm::TABLES {
                let names: Vec<_> = picks.iter().map(|pick| pick.get(spec.columns).name).collect();
                for columns in ["*".to_owned(), names.join(", ")] {
                    let select = format!("SELECT {columns} FROM chain.{}", spec.name);
                    for (number, index) in &points {
                        for key in keys(spec.name) {
                            let bytes = match *key {
                                "block_hash" => hash(b'b', *number, 0),
                                "hash" if spec.name == "blocks" => hash(b'b', *number, 0),
                                _ => hash(b't', *number, *index),
                            };
                            let (value, literal) = if key.ends_with("number") {
                                (Parameter::Int(*number as i64), number.to_string())
                            } else {
                                let literal = format!("'\\x{}'", hex::encode(bytes));
                                (Parameter::Bytes(bytes.to_vec()), literal)
                            };
                            let _ = compare(session, &select, key, "$1", &[value]).await;
                            let _ = compare(session, &select, key, &literal, &[]).await;
                        }
                    }
                }
            }
        });
    }
}

#[tokio::test]
async fn aliases_qualified_columns_and_limits_give_the_planners_answer() {
    let fixture = fixture();
    let session = &mut fixture.session();
    rows(session, "SET ergo.allow_gaps = on").await;
    let value = [Parameter::Bytes(hash(b't', 12, 3).to_vec())];
    for (select, key) in [
        ("SELECT t.hash, nonce AS \"N\", t.value v FROM chain.transactions t", "t.hash"),
        ("SELECT * FROM chain.transactions AS t", "hash"),
        ("SELECT transactions.hash FROM chain.transactions", "chain.transactions.hash"),
        ("SELECT demo.chain.transactions.nonce FROM chain.transactions", "hash"),
    ] {
        let found = compare(session, select, key, "$1", &value).await.unwrap();
        assert_eq!(found.len(), 1, "{select}");
    }
    let limited = "SELECT hash FROM chain.transactions WHERE block_number = $1 LIMIT 7";
    let limited = prepare(session, limited).await;
    assert!(limited.lookup.is_some());
    let (_, found) = answer(session, &limited, &[Parameter::Int(12)]).await;
    assert_eq!(found.unwrap().len(), 7);
}

#[tokio::test]
async fn lookups_find_rows_of_sealed_and_hot_blocks_and_all_twins() {
    let fixture = fixture();
    let session = &mut fixture.session();
    rows(session, "SET ergo.allow_gaps = on").await;
    let select = "SELECT block_number, transaction_index, value FROM chain.transactions";
    for (number, index, expected) in [(12, 39, 1), (32, 2, 1), (12, 40, 0), (25, 0, 0)] {
        let value = Parameter::Bytes(hash(b't', number, index).to_vec());
        let found = compare(session, select, "hash", "$1", &[value]).await.unwrap();
        assert_eq!(found.len(), expected, "{number} {index}");
    }
    for number in [TWINS_FROM + 1, TWINS_FROM + 5] {
        let value = Parameter::Bytes(hash(b't', number, 3).to_vec());
        let found = compare(session, select, "hash", "$1", &[value]).await.unwrap();
        assert_eq!(found.len(), 4, "two of each of two blocks");
    }
}

#[tokio::test]
async fn values_that_are_no_hash_get_the_planners_answer() {
    let fixture = fixture();
    let session = &mut fixture.session();
    for (key, value) in [
        ("hash", Parameter::Null),
        ("hash", Parameter::Bytes(vec![1, 2])),
        ("hash", Parameter::Bytes(Vec::new())),
        ("hash", Parameter::Text("\\x0102".to_owned())),
        ("number", Parameter::Null),
        ("number", Parameter::Int(-1)),
        ("number", Parameter::Int(i64::MAX)),
    ] {
        for allow_gaps in ["on", "off"] {
            rows(session, &format!("SET ergo.allow_gaps = {allow_gaps}")).await;
            let select = "SELECT number FROM chain.blocks";
            let _ = compare(session, select, key, "$1", std::slice::from_ref(&value)).await;
        }
    }
}

#[tokio::test]
async fn a_block_of_more_rows_than_the_limit_is_read_whole() {
    let limit = crate::limits::LOOKUP_ROWS_MAX as u64;
    for (count, kind) in
        [(limit, "sealed"), (limit + 1, "sealed"), (limit, "hot"), (limit + 1, "hot")]
    {
        let fixture = Fixture::empty();
        match kind {
            "sealed" => fixture.seal("demo", Run::new(0, 1, count)),
            _ => fixture.hot("demo", Run::new(0, 1, count)),
        }
        let session = &mut fixture.session();
        let select = "SELECT transaction_index FROM chain.transactions";
        let found = compare(session, select, "block_number", "1", &[]).await.unwrap();
        assert_eq!(found.len() as u64, count, "{kind}");
    }
}

#[tokio::test]
async fn a_cancelled_lookup_stops() {
    let fixture = fixture();
    let session = &mut fixture.session();
    let lookup = prepare(session, "SELECT * FROM chain.blocks WHERE number = 1").await;
    let token = CancellationToken::new();
    token.cancel();
    let Err(error) = session.execute(&lookup, &[], token).await else { panic!("ran") };
    assert_eq!(error.state, crate::SqlState::QUERY_CANCELED);
}
