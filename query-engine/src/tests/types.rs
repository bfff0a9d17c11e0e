//! 256-bit integers, bytes and parameters.

use tokio_util::sync::CancellationToken;

use crate::tests::fixture::{Fixture, Run, error, hash, rows, try_rows, value};
use crate::{Parameter, PgType, QueryError, Session, SqlState};

const MAX: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

fn fixture() -> Fixture {
    Fixture::sealed(&[Run::new(0, 9, 3)])
}

#[tokio::test]
async fn a_256_bit_integer_compares_as_a_number_over_its_whole_range() {
    let fixture = fixture();
    let session = &mut fixture.session();
    let count = |filter: &str| format!("SELECT count(*) FROM transactions WHERE {filter}");
    for (filter, expected) in [
        (format!("value = {MAX}"), "10"),
        (format!("value = '{MAX}'"), "10"),
        (format!("value < {MAX}"), "20"),
        ("value <> 0".to_owned(), "29"),
        ("value BETWEEN 1 AND 3000000000000000000".to_owned(), "3"),
        ("value NOT BETWEEN 1 AND 3000000000000000000".to_owned(), "27"),
        ("value IN (1000000000000000000, '2000000000000000000')".to_owned(), "2"),
        ("value NOT IN (1000000000000000000)".to_owned(), "29"),
        ("value > -1".to_owned(), "30"),
        ("value < -1".to_owned(), "0"),
        ("value <= 0.5".to_owned(), "1"),
        ("value > 0.5".to_owned(), "29"),
        ("value = 0.5".to_owned(), "0"),
        ("value = gas_price".to_owned(), "10"),
        ("value < block_number AND transaction_index = 2".to_owned(), "0"),
    ] {
        // Values past 76 digits do not compare with other types than literals, so leave them out.
        let filter = match filter.contains("block_number") {
            true => format!("{filter} AND value <> {MAX}"),
            false => filter,
        };
        assert_eq!(value(session, &count(&filter)).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn the_order_of_256_bit_integers_is_numeric() {
    let fixture = fixture();
    let session = &mut fixture.session();
    let sql = "SELECT DISTINCT value::text FROM transactions WHERE block_number < 3 \
               AND value < 1606938044258990275541962092341162602522202993782792835301376 ORDER BY 1";
    assert_eq!(rows(session, sql).await, [["0"], ["1000000000000000000"], ["2000000000000000000"]]);
    let sql = "SELECT min(value)::text, max(value)::text, count(DISTINCT value) FROM transactions";
    assert_eq!(rows(session, sql).await, [["0", MAX, "12"]]);
}

#[tokio::test]
async fn arithmetic_on_256_bit_integers_is_exact() {
    let fixture = fixture();
    let session = &mut fixture.session();
    let big = "FROM transactions WHERE block_number = 3 AND transaction_index = 0";
    let next = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    assert_eq!(
        rows(session, &format!("SELECT value + 1, -value, value || 'x', value::float8 {big}"))
            .await,
        [[
            next.to_owned(),
            format!("-{MAX}"),
            format!("{MAX}x"),
            "1.157920892373162e77".to_owned()
        ]]
    );
}

#[tokio::test]
async fn casts_of_256_bit_integers_are_exact_or_refused() {
    let fixture = fixture();
    let session = &mut fixture.session();
    let one = "FROM transactions WHERE block_number = 3 AND transaction_index = 2";
    assert_eq!(
        rows(
            session,
            &format!(
                "SELECT value::numeric + 1, units(value, 18), value::bigint, value::text {one}"
            )
        )
        .await,
        [[
            "3000000000000000001",
            "3.000000000000000000",
            "3000000000000000000",
            "3000000000000000000"
        ]]
    );
    let big = "FROM transactions WHERE block_number = 3 AND transaction_index = 0";
    for (expression, state) in [
        ("value::numeric", SqlState::NUMERIC_OUT_OF_RANGE),
        ("value::bigint", SqlState::NUMERIC_OUT_OF_RANGE),
        ("value::numeric(10,2)", SqlState::NUMERIC_OUT_OF_RANGE),
        ("units(value, 18)", SqlState::NUMERIC_OUT_OF_RANGE),
        ("encode(value, 'hex')", SqlState::FEATURE_NOT_SUPPORTED),
        ("length(value)", SqlState::FEATURE_NOT_SUPPORTED),
        ("value = hash", SqlState::UNDEFINED_FUNCTION),
        ("value = 'abc'", SqlState::INVALID_TEXT),
    ] {
        let found = error(session, &format!("SELECT {expression} {big}")).await;
        assert_eq!(found.state, state, "{expression}: {found}");
    }
    assert_eq!(value(session, &format!("SELECT value::text {big}")).await, MAX);
}

#[tokio::test]
async fn a_sum_of_256_bit_integers_is_exact_or_refused() {
    let fixture = fixture();
    let session = &mut fixture.session();
    assert_eq!(
        value(session, "SELECT sum(value) FROM transactions WHERE transaction_index = 2").await,
        "45000000000000000000"
    );
    let found = error(session, "SELECT sum(value) FROM transactions").await;
    assert_eq!(found.state, SqlState::NUMERIC_OUT_OF_RANGE);
    let sql = "SELECT transaction_index, sum(CASE WHEN transaction_index = 2 THEN value ELSE 0 END) \
               FROM transactions GROUP BY 1 ORDER BY 1";
    assert_eq!(rows(session, sql).await, [["0", "0"], ["1", "0"], ["2", "45000000000000000000"]]);
}

#[tokio::test]
async fn bytes_are_read_and_written_as_postgresql_does() {
    let fixture = fixture();
    let session = &mut fixture.session();
    assert_eq!(value(session, "SELECT length('\\x01'::bytea)").await, "1");
    assert_eq!(value(session, "SELECT encode('\\x00ff'::bytea, 'hex')").await, "00ff");
    assert_eq!(value(session, "SELECT decode('00ff', 'hex')::text").await, "\\x00ff");
    for sql in ["SELECT '0x1'::bytea", "SELECT '\\xzz'::bytea"] {
        assert_eq!(error(session, sql).await.state, SqlState::INVALID_TEXT, "{sql}");
    }
    let address = format!("0x{}", hex::encode(&hash(b'f', 2, 0)[..20]));
    for filter in [
        format!("from_address = '{address}'"),
        format!("'{address}' = from_address"),
        format!("from_address IN ('{address}', '0x00')"),
        format!("from_address BETWEEN '{address}' AND '{address}'"),
        format!("NOT from_address <> '{address}'"),
    ] {
        let sql = format!("SELECT count(*) FROM transactions WHERE {filter}");
        assert_eq!(value(session, &sql).await, "10", "{filter}");
    }
}

async fn with(
    session: &mut Session,
    sql: &str,
    parameters: &[Parameter],
) -> Result<String, QueryError> {
    try_rows(session, sql, parameters).await.map(|rows| rows[0][0].clone())
}

#[tokio::test]
async fn parameters_have_the_type_of_what_they_are_compared_with() {
    let fixture = fixture();
    let session = &mut fixture.session();
    let sql = "SELECT $1, count(*) FROM transactions WHERE hash = $2 AND block_number = $3 \
               AND value > $4 AND nonce + $5 > 0 GROUP BY 1 LIMIT $6";
    let statement = session.parse(sql).unwrap().remove(0);
    let prepared = session.prepare(statement, &[]).await.unwrap();
    assert_eq!(
        prepared.parameter_types(),
        [PgType::Text, PgType::Bytea, PgType::Int8, PgType::Numeric, PgType::Int8, PgType::Int8]
    );
    let values = [
        Parameter::Text("x".to_owned()),
        Parameter::Bytes(hash(b't', 7, 2).to_vec()),
        Parameter::Int(7),
        Parameter::Numeric("6999999999999999999".to_owned()),
        Parameter::Int(1),
        Parameter::Int(10),
    ];
    let outcome = session.execute(&prepared, &values, CancellationToken::new()).await.unwrap();
    let crate::Outcome::Rows(mut found) = outcome else { panic!("a query gives rows") };
    assert_eq!(found.next().await.unwrap().unwrap().num_rows(), 1);
}

#[tokio::test]
async fn parameter_values_are_bound_exactly() {
    let fixture = fixture();
    let session = &mut fixture.session();
    let sql = "SELECT count(*) FROM transactions WHERE value = $1";
    let max = [Parameter::Numeric(MAX.to_owned())];
    assert_eq!(with(session, sql, &max).await.unwrap(), "10");
    let text = [Parameter::Text(MAX.to_owned())];
    assert_eq!(with(session, sql, &text).await.unwrap(), "10");
    let bad = with(session, sql, &[Parameter::Text("abc".to_owned())]).await.unwrap_err();
    assert_eq!(bad.state, SqlState::INVALID_TEXT);
    assert_eq!(with(session, sql, &[Parameter::Null]).await.unwrap(), "0");
    let few = with(session, sql, &[]).await.unwrap_err();
    assert_eq!(few.state, SqlState::PROTOCOL_VIOLATION);
    let sql = "SELECT $1::numeric + 0";
    let found = with(session, sql, &[Parameter::Numeric("0.1000".to_owned())]).await.unwrap();
    assert_eq!(found, "0.1000");
}
