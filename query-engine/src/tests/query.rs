//! SELECT over chain tables, end to end.

use crate::tests::fixture::{Fixture, Run, error, hash, rows, types, value};
use crate::{PgType, SqlState};

#[tokio::test]
async fn rows_of_sealed_and_hot_blocks_are_one_table() {
    let fixture = Fixture::sealed(&[Run::new(0, 9, 3)]);
    fixture.hot("demo", Run::new(10, 11, 3));
    let session = &mut fixture.session();

    assert_eq!(value(session, "SELECT count(*) FROM chain.transactions").await, "36");
    assert_eq!(value(session, "SELECT count(*) FROM blocks WHERE number > 8").await, "3");
    assert_eq!(
        rows(session, "SELECT number, gas_used FROM blocks WHERE number >= 10 ORDER BY 1").await,
        [["10", "21000"], ["11", "21000"]]
    );
    rows(session, "SET ergo.finality = finalized").await;
    assert_eq!(value(session, "SELECT count(*) FROM chain.transactions").await, "30");
}

#[tokio::test]
async fn networks_join_by_three_part_names() {
    let fixture = Fixture::sealed(&[Run::new(0, 4, 1)]);
    fixture.seal("other", Run::new(0, 2, 1));
    let session = &mut fixture.session_on("other");
    let sql = "SELECT count(*) FROM demo.chain.blocks a JOIN blocks b ON a.number = b.number";
    assert_eq!(value(session, sql).await, "3");
    let missing = error(session, "SELECT 1 FROM nowhere.chain.blocks").await;
    assert_eq!(missing.state, SqlState::UNKNOWN_DATABASE);
}

#[tokio::test]
async fn a_hash_compares_with_both_literal_forms() {
    let fixture = Fixture::sealed(&[Run::new(0, 9, 3)]);
    let session = &mut fixture.session();
    let digits = hex::encode(hash(b't', 7, 2));
    for literal in
        [format!("'0x{digits}'"), format!("'\\x{digits}'"), format!("'\\x{digits}'::bytea")]
    {
        let sql = format!("SELECT block_number FROM transactions WHERE hash = {literal}");
        assert_eq!(value(session, &sql).await, "7", "{literal}");
    }
    let odd = error(session, "SELECT 1 FROM transactions WHERE hash = '0x123'").await;
    assert_eq!((odd.state, odd.position), (SqlState::INVALID_TEXT, Some(41)));
}

#[tokio::test]
async fn names_and_types_are_postgresqls() {
    let fixture = Fixture::sealed(&[Run::new(0, 1, 3)]);
    let session = &mut fixture.session();
    let sql = "SELECT 1, 2, 1.5, 'a', count(*), sum(gas), sum(1), max(value), number::text, hash, true \
               FROM transactions JOIN blocks USING (hash) GROUP BY number, hash";
    let sql = sql.replace("hash, true", "blocks.hash, true");
    let found = types(session, &sql).await;
    let expected = [
        ("?column?", PgType::Int4),
        ("?column?", PgType::Int4),
        ("?column?", PgType::Numeric),
        ("?column?", PgType::Text),
        ("count", PgType::Int8),
        ("sum", PgType::Numeric),
        ("sum", PgType::Int8),
        ("max", PgType::Numeric),
        ("number", PgType::Text),
        ("hash", PgType::Bytea),
        ("?column?", PgType::Bool),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(name, pg_type)| ((*name).to_owned(), *pg_type)).collect();
    assert_eq!(found, expected);
}
