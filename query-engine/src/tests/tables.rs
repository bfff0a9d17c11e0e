//! Temp tables: limits, what they hide, and what comes back after an error.

use crate::limits::{TEMP_BYTES_MAX, TEMP_COLUMNS_MAX, TEMP_TABLES_MAX};
use crate::objects::check_temp_bytes;
use crate::tests::fixture::{Fixture, Run, error, rows, try_rows, value};
use crate::{Parameter, SqlState};

#[tokio::test]
async fn a_session_has_a_limited_number_of_temp_tables() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    for number in 0..TEMP_TABLES_MAX {
        rows(session, &format!("CREATE TEMP TABLE t{number} (a int)")).await;
    }
    let found = error(session, "CREATE TEMP TABLE more (a int)").await;
    assert_eq!(found.state, SqlState::PROGRAM_LIMIT);
    assert_eq!(found.message, format!("a session can have {TEMP_TABLES_MAX} temporary tables"));
    rows(session, "DROP TABLE t0").await;
    rows(session, "CREATE TEMP TABLE more (a int)").await;
}

#[tokio::test]
async fn a_temp_table_has_a_limited_number_of_columns() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    let columns = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("c{number} int")).collect();
        names.join(", ")
    };
    let wide = format!("CREATE TEMP TABLE wide ({})", columns(TEMP_COLUMNS_MAX + 1));
    assert_eq!(error(session, &wide).await.state.0, "54011");
    rows(session, &format!("CREATE TEMP TABLE wide ({})", columns(TEMP_COLUMNS_MAX))).await;
    assert_eq!(error(session, "ALTER TABLE wide ADD x int").await.state.0, "54011");
}

#[test]
fn the_limit_of_bytes_admits_its_own_value_and_refuses_the_next() {
    check_temp_bytes(TEMP_BYTES_MAX).unwrap();
    let error = check_temp_bytes(TEMP_BYTES_MAX + 1).unwrap_err();
    assert_eq!(error.state, SqlState::OUT_OF_MEMORY);
    assert!(error.message.contains(&(TEMP_BYTES_MAX + 1).to_string()), "{error}");
}

#[tokio::test]
async fn a_temp_table_hides_a_chain_table_until_it_is_dropped() {
    let fixture = Fixture::sealed(&[Run::new(0, 3, 1)]);
    let session = &mut fixture.session();
    let by_number = "SELECT gas_used FROM blocks WHERE number = 2";
    let before = value(session, by_number).await;
    rows(session, "CREATE TEMP TABLE blocks (number int8, gas_used int8)").await;
    rows(session, "INSERT INTO blocks VALUES (2, -1)").await;
    assert_eq!(value(session, by_number).await, "-1");
    assert_ne!(before, "-1");
    rows(session, "DROP TABLE blocks").await;
    assert_eq!(value(session, by_number).await, before);
}

#[tokio::test]
async fn a_kept_plan_sees_the_rows_of_now() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    rows(session, "CREATE TEMP TABLE t (a int, n numeric)").await;
    let count = "SELECT count(*), max(n) FROM t";
    for number in 1..4 {
        rows(session, &format!("INSERT INTO t VALUES ({number}, 1.{number})")).await;
        assert_eq!(rows(session, count).await[0][0], number.to_string());
    }
    rows(session, "ALTER TABLE t DROP COLUMN a").await;
    assert_eq!(rows(session, "SELECT * FROM t").await[0].len(), 1);
}

#[tokio::test]
async fn parameters_that_are_whole_values_have_the_type_of_their_column() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    rows(session, "CREATE TEMP TABLE t (a int, b text, c bool, d numeric(5,1))").await;
    let statement =
        session.parse("INSERT INTO t VALUES ($1, $2, $4, $3), (1 + $5, 'x', true, 2)").unwrap();
    let prepared = session.prepare(statement[0].clone(), &[]).await.unwrap();
    let names: Vec<&str> = prepared.parameter_types().iter().map(|found| found.name()).collect();
    assert_eq!(names, ["int4", "text", "numeric", "bool", "int4"]);
    let gap = session.parse("INSERT INTO t (a) VALUES ($2)").unwrap();
    let found = session.prepare(gap[0].clone(), &[]).await.unwrap_err();
    assert_eq!(found.state, SqlState::INDETERMINATE_DATATYPE);
}

#[tokio::test]
async fn parameters_reach_every_part_of_a_write() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    rows(session, "CREATE TEMP TABLE t (a int, b text)").await;
    let int = Parameter::Int;
    let text = |text: &str| Parameter::Text(text.to_owned());
    let insert = "INSERT INTO t VALUES ($1, $2) RETURNING a + $3::int4";
    let found = try_rows(session, insert, &[int(1), text("x"), int(10)]).await.unwrap();
    assert_eq!(found, [["11"]]);
    let update = "UPDATE t SET b = $1, a = a + $2::int4 WHERE a = $3 RETURNING a, b";
    let found = try_rows(session, update, &[text("y"), int(4), int(1)]).await.unwrap();
    assert_eq!(found, [["5", "y"]]);
    let query = "INSERT INTO t SELECT a + 1, $1 FROM t WHERE a = $2";
    try_rows(session, query, &[text("z"), int(5)]).await.unwrap();
    let delete = "DELETE FROM t WHERE b = $1 RETURNING a";
    let found = try_rows(session, delete, &[text("z")]).await.unwrap();
    assert_eq!(found, [["6"]]);
}

#[tokio::test]
async fn every_default_of_a_row_is_computed_for_it() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    rows(session, "CREATE TEMP TABLE t (a int, b float8 DEFAULT random(), id bigserial)").await;
    rows(session, "INSERT INTO t (a) SELECT * FROM generate_series(1, 50)").await;
    rows(session, "INSERT INTO t (a) VALUES (51), (52)").await;
    let found = rows(session, "SELECT count(DISTINCT b), count(DISTINCT id), max(id) FROM t").await;
    assert_eq!(found, [["52", "52", "52"]]);
}

#[tokio::test]
async fn small_writes_do_not_leave_many_batches() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    rows(session, "CREATE TEMP TABLE t (a int)").await;
    for number in 0..100 {
        rows(session, &format!("INSERT INTO t VALUES ({number})")).await;
    }
    let table = session.temp_table("t");
    assert!(table.batch_count() <= 8, "{} batches", table.batch_count());
    assert_eq!(value(session, "SELECT sum(a) FROM t").await, "4950");
}

#[tokio::test]
async fn notices_are_given_from_the_level_that_the_client_asks_for() {
    let fixture = Fixture::empty();
    let session = &mut fixture.session();
    rows(session, "DROP TABLE IF EXISTS nosuch").await;
    assert_eq!(session.take_notices()[0].severity, "NOTICE");
    rows(session, "SET client_min_messages = warning").await;
    rows(session, "DROP TABLE IF EXISTS nosuch").await;
    assert!(session.take_notices().is_empty());
    rows(session, "SET client_min_messages = debug1").await;
    rows(session, "CREATE TEMP TABLE said (id serial PRIMARY KEY)").await;
    let said: Vec<String> =
        session.take_notices().into_iter().map(|notice| notice.message).collect();
    assert_eq!(
        said,
        [
            "CREATE TABLE will create implicit sequence \"said_id_seq\" for serial column \"said.id\"",
            "CREATE TABLE / PRIMARY KEY will create implicit index \"said_pkey\" for table \"said\"",
        ]
    );
}
