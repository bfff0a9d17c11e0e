//! Integers and decimals are exact or an error.

use crate::SqlState;
use crate::tests::fixture::{Fixture, Run, error, value};

#[tokio::test]
async fn integers_never_wrap() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    for sql in [
        "SELECT 2147483647 + 1",
        "SELECT -2147483647 - 2",
        "SELECT 2147483647 * 2",
        "SELECT 9223372036854775807 + 1",
        "SELECT 9223372036854775807::bigint * 2::bigint",
        "SELECT -((-9223372036854775807 - 1)::bigint)",
        "SELECT 99999999999::int",
        "SELECT 40000::smallint",
    ] {
        assert_eq!(error(session, sql).await.state, SqlState::NUMERIC_OUT_OF_RANGE, "{sql}");
    }
    assert_eq!(error(session, "SELECT 1 / 0").await.state, SqlState::DIVISION_BY_ZERO);
    assert_eq!(error(session, "SELECT 1 % 0").await.state, SqlState::DIVISION_BY_ZERO);
    assert_eq!(error(session, "SELECT 1.0 / 0").await.state, SqlState::DIVISION_BY_ZERO);
    assert_eq!(value(session, "SELECT 2147483647 + 1::bigint").await, "2147483648");
    assert_eq!(value(session, "SELECT 7 / 2").await, "3");
    assert_eq!(value(session, "SELECT 7 / 2.0").await, "3.5000000000000000");
    assert_eq!(value(session, "SELECT 0.1 + 0.2").await, "0.3");
}

#[tokio::test]
async fn sums_are_exact_past_bigint() {
    let fixture = Fixture::sealed(&[Run::new(0, 2, 1)]);
    let session = &mut fixture.session();
    assert_eq!(value(session, "SELECT sum(nonce) FROM transactions").await, "27670116110564327421");
    // As PostgreSQL: of equal first digits it expects one group of digits less before the point.
    let average = value(session, "SELECT avg(number)::text FROM blocks").await;
    assert_eq!(average, "1.00000000000000000000");
}
