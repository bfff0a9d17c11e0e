//! Sequences of messages in a session, as PostgreSQL answers them.

use pg_gateway::GatewayConfig;

use crate::harness::Harness;
use crate::raw::{RawClient, bind, describe, execute, message, parse, query, sync};

async fn signed_in() -> (Harness, RawClient) {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = RawClient::signed_in(&harness).await;
    (harness, client)
}

/// Sends `messages` at once and gives the shape of the answer up to ReadyForQuery.
async fn play(client: &mut RawClient, messages: &[Vec<u8>]) -> String {
    client.send(&messages.concat()).await;
    client.shape().await
}

#[tokio::test]
async fn text_without_statements_is_an_empty_query() {
    let (_harness, mut client) = signed_in().await;
    for sql in ["", ";;", "-- nothing"] {
        assert_eq!(play(&mut client, &[query(sql)]).await, "I Z(I)", "{sql:?}");
    }
    let extended =
        [parse("", ""), bind("", "", &[], &[]), describe('P', ""), execute("", 0), sync()];
    assert_eq!(play(&mut client, &extended).await, "1 2 n I Z(I)");
}

#[tokio::test]
async fn results_before_an_error_stay_and_statements_after_it_do_not_run() {
    let (_harness, mut client) = signed_in().await;
    let answer = play(&mut client, &[query("SELECT 1; SELECT nosuch; SELECT 3")]).await;
    assert_eq!(answer, "T D C(SELECT 1) E(42703) Z(I)");
}

#[tokio::test]
async fn a_simple_query_has_no_parameters() {
    let (_harness, mut client) = signed_in().await;
    assert_eq!(play(&mut client, &[query("SELECT $1::int")]).await, "E(42P02) Z(I)");
}

#[tokio::test]
async fn after_an_error_everything_is_skipped_to_sync() {
    let (_harness, mut client) = signed_in().await;
    let pipeline = [
        parse("", "SELECT nosuch"),
        bind("", "", &[], &[]),
        execute("", 0),
        query("SELECT 2"),
        parse("", "SELECT 2"),
        sync(),
    ];
    assert_eq!(play(&mut client, &pipeline).await, "E(42703) Z(I)");
    let next = [parse("", "SELECT 3"), bind("", "", &[], &[]), execute("", 0), sync()];
    assert_eq!(play(&mut client, &next).await, "1 2 D C(SELECT 1) Z(I)");
}

#[tokio::test]
async fn a_suspended_portal_goes_on_in_its_transaction_and_ends_with_it() {
    let (_harness, mut client) = signed_in().await;
    assert_eq!(play(&mut client, &[query("BEGIN")]).await, "C(BEGIN) Z(T)");
    let first = [
        parse("s", "SELECT * FROM generate_series(1, 5)"),
        bind("p", "s", &[], &[]),
        execute("p", 2),
        sync(),
    ];
    assert_eq!(play(&mut client, &first).await, "1 2 D D s Z(T)");
    let more = [execute("p", 2), sync()];
    assert_eq!(play(&mut client, &more).await, "D D s Z(T)");
    assert_eq!(play(&mut client, &more).await, "D C(SELECT 1) Z(T)");
    assert_eq!(play(&mut client, &more).await, "C(SELECT 0) Z(T)");
    assert_eq!(play(&mut client, &[query("COMMIT")]).await, "C(COMMIT) Z(I)");
    assert_eq!(play(&mut client, &more).await, "E(34000) Z(I)");
}

#[tokio::test]
async fn a_portal_that_fits_exactly_is_suspended_first() {
    let (_harness, mut client) = signed_in().await;
    let messages = [
        parse("", "SELECT * FROM generate_series(1, 2)"),
        bind("", "", &[], &[]),
        execute("", 2),
        execute("", 2),
        sync(),
    ];
    assert_eq!(play(&mut client, &messages).await, "1 2 D D s C(SELECT 0) Z(I)");
}

#[tokio::test]
async fn a_row_limit_of_any_value_is_safe() {
    let (_harness, mut client) = signed_in().await;
    for rows_max in [-1, i32::MIN, 0, i32::MAX] {
        let messages = [
            parse("", "SELECT * FROM generate_series(1, 3)"),
            bind("", "", &[], &[]),
            execute("", rows_max),
            sync(),
        ];
        assert_eq!(play(&mut client, &messages).await, "1 2 D D D C(SELECT 3) Z(I)", "{rows_max}");
    }
}

#[tokio::test]
async fn names_that_exist_or_do_not_are_reported_by_code() {
    let (_harness, mut client) = signed_in().await;
    let named = parse("s", "SELECT 1");
    assert_eq!(play(&mut client, &[named.clone(), named, sync()]).await, "1 E(42P05) Z(I)");
    let twice = bind("p", "s", &[], &[]);
    assert_eq!(play(&mut client, &[twice.clone(), twice, sync()]).await, "2 E(42P03) Z(I)");
    for (messages, shape) in [
        (bind("", "nope", &[], &[]), "E(26000) Z(I)"),
        (describe('S', "nope"), "E(26000) Z(I)"),
        (describe('P', "nope"), "E(34000) Z(I)"),
        (execute("nope", 0), "E(34000) Z(I)"),
        (message('C', b"Snope\0"), "3 Z(I)"),
    ] {
        assert_eq!(play(&mut client, &[messages, sync()]).await, shape);
    }
}

#[tokio::test]
async fn a_simple_query_and_a_failed_parse_end_the_unnamed_statement() {
    let (_harness, mut client) = signed_in().await;
    let make = [parse("", "SELECT 1"), sync()];
    let run = [bind("", "", &[], &[]), execute("", 0), sync()];
    play(&mut client, &make).await;
    assert_eq!(play(&mut client, &run).await, "2 D C(SELECT 1) Z(I)", "it survives Sync");
    play(&mut client, &[query("SELECT 2")]).await;
    assert_eq!(play(&mut client, &run).await, "E(26000) Z(I)");
    play(&mut client, &make).await;
    play(&mut client, &[parse("", "SELECT FROM WHERE"), sync()]).await;
    assert_eq!(play(&mut client, &run).await, "E(26000) Z(I)");
}

#[tokio::test]
async fn wrong_counts_and_values_are_refused_at_bind() {
    let (_harness, mut client) = signed_in().await;
    for (sql, values, formats, code) in [
        ("SELECT $1::int", &[][..], &[][..], "08P01"),
        ("SELECT $1::int", &["1", "2"], &[], "08P01"),
        ("SELECT 1, 2", &[], &[1, 0, 1], "08P01"),
        ("SELECT 1", &[], &[7], "22023"),
        ("SELECT $1::int", &["abc"], &[], "22P02"),
        ("SELECT $1::int2", &["99999"], &[], "22003"),
        ("SELECT $1::bool", &["maybe"], &[], "22P02"),
    ] {
        let messages = [parse("", sql), bind("", "", values, formats), execute("", 0), sync()];
        let answer = play(&mut client, &messages).await;
        assert_eq!(answer, format!("1 E({code}) Z(I)"), "{sql} {values:?} {formats:?}");
    }
    let two = [parse("", "SELECT 1; SELECT 2"), sync()];
    assert_eq!(play(&mut client, &two).await, "E(42601) Z(I)");
}

#[tokio::test]
async fn a_changed_setting_is_reported_before_ready_for_query() {
    let (_harness, mut client) = signed_in().await;
    let answer = play(&mut client, &[query("SET application_name = 'x'")]).await;
    assert_eq!(answer, "C(SET) S Z(I)");
    let answer = play(&mut client, &[query("SET application_name = 'x'")]).await;
    assert_eq!(answer, "C(SET) Z(I)");
}

#[tokio::test]
async fn pipelined_cycles_are_answered_in_order() {
    let (_harness, mut client) = signed_in().await;
    let extended = [parse("", "SELECT 3"), bind("", "", &[], &[]), execute("", 0), sync()].concat();
    client
        .send(&[query("SELECT 1"), query("SELECT 2"), extended, query("SELECT 4")].concat())
        .await;
    for shape in [
        "T D C(SELECT 1) Z(I)",
        "T D C(SELECT 1) Z(I)",
        "1 2 D C(SELECT 1) Z(I)",
        "T D C(SELECT 1) Z(I)",
    ] {
        assert_eq!(client.shape().await, shape);
    }
}

#[tokio::test]
async fn stray_copy_messages_are_ignored_and_function_calls_refused() {
    let (_harness, mut client) = signed_in().await;
    let stray = [message('d', b"abc"), message('c', b""), message('f', b"x\0"), query("SELECT 1")];
    assert_eq!(play(&mut client, &stray).await, "T D C(SELECT 1) Z(I)");
    assert_eq!(play(&mut client, &[message('F', &[0; 14])]).await, "E(42883) Z(I)", "no such OID");
    assert_eq!(play(&mut client, &[message('F', &[1; 14])]).await, "E(0A000) Z(I)");
}

#[tokio::test]
async fn text_that_is_not_utf8_is_refused_and_the_session_goes_on() {
    let (_harness, mut client) = signed_in().await;
    assert_eq!(play(&mut client, &[message('Q', b"SELECT '\xff'\0")]).await, "E(22021) Z(I)");
    assert_eq!(play(&mut client, &[query("SELECT 1")]).await, "T D C(SELECT 1) Z(I)");
}
