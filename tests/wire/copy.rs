//! COPY in both directions, and what a client may not do while it copies.

use bytes::Bytes;
use futures::{SinkExt, TryStreamExt};
use pg_gateway::GatewayConfig;
use tokio_postgres::Client;

use crate::harness::Harness;
use crate::raw::{RawClient, bind, execute, message, parse, query, sync};

/// Rows with everything that has to be escaped.
const ROWS: &str = "SELECT 1 AS a, 'a,b\"c' AS b, NULL::text AS c, 'tab' || chr(9) || 'line' || chr(10) || chr(92) AS d UNION ALL SELECT 2, '', '\\N', ' ' ORDER BY 1";

async fn copied_out(client: &Client, sql: &str) -> Bytes {
    let stream = client.copy_out(sql).await.unwrap();
    let parts: Vec<Bytes> = stream.try_collect().await.unwrap();
    parts.concat().into()
}

async fn copy_in(client: &Client, sql: &str, data: Bytes) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in::<_, Bytes>(sql).await?;
    futures::pin_mut!(sink);
    // Cut where no row ends.
    for part in data.chunks(7) {
        sink.send(Bytes::copy_from_slice(part)).await?;
    }
    sink.finish().await
}

#[tokio::test]
async fn rows_that_were_copied_out_and_in_are_the_same() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = harness.client().await;
    client.batch_execute(&format!("CREATE TEMP TABLE source AS {ROWS}")).await.unwrap();
    for options in ["", "(FORMAT csv, HEADER)", "(FORMAT binary)", "(DELIMITER '|', NULL 'x')"] {
        client
            .batch_execute("CREATE TEMP TABLE target (a int, b text, c text, d text)")
            .await
            .unwrap();
        let data = copied_out(&client, &format!("COPY source TO STDOUT {options}")).await;
        let sql = format!("COPY target FROM STDIN {options}");
        assert_eq!(copy_in(&client, &sql, data).await.unwrap(), 2, "{options}");
        let sql = "SELECT count(*) FROM source s JOIN target t ON s.a = t.a AND s.b = t.b AND s.d = t.d AND s.c IS NOT DISTINCT FROM t.c";
        let same: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(same, 2, "{options}");
        client.batch_execute("DROP TABLE target").await.unwrap();
    }
}

#[tokio::test]
async fn copy_out_has_one_message_per_row_and_a_header_of_its_own() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = RawClient::signed_in(&harness).await;
    client
        .send(&query(
            "COPY (SELECT 1 AS a, NULL AS b, 'x,\"y' AS c) TO STDOUT (FORMAT csv, HEADER)",
        ))
        .await;
    let replies = client.until('Z').await;
    let data: Vec<&[u8]> =
        replies.iter().filter(|reply| reply.kind == 'd').map(|reply| &reply.body[..]).collect();
    assert_eq!(data, [&b"a,b,c\n"[..], b"1,,\"x,\"\"y\"\n"]);
    client.send(&query("COPY (SELECT 1::int4) TO STDOUT (FORMAT binary)")).await;
    let replies = client.until('Z').await;
    let data: Vec<&[u8]> =
        replies.iter().filter(|reply| reply.kind == 'd').map(|reply| &reply.body[..]).collect();
    let first = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x04\0\0\0\x01";
    assert_eq!(data, [&first[..], b"\xff\xff"]);
}

async fn copying() -> (Harness, RawClient) {
    let harness = Harness::start(GatewayConfig::default()).await;
    let mut client = RawClient::signed_in(&harness).await;
    client.send(&query("CREATE TEMP TABLE t (a int, b text)")).await;
    assert_eq!(client.shape().await, "C(CREATE TABLE) Z(I)");
    (harness, client)
}

#[tokio::test]
async fn sync_and_flush_are_ignored_while_copying() {
    let (_harness, mut client) = copying().await;
    let start = [parse("", "COPY t FROM STDIN"), bind("", "", &[], &[]), execute("", 0), sync()];
    client.send(&start.concat()).await;
    let data =
        [message('d', b"1\tx\n"), message('H', b""), message('S', b""), message('d', b"2\ty")];
    client.send(&[data.concat(), message('c', b""), sync()].concat()).await;
    assert_eq!(client.shape().await, "1 2 G C(COPY 2) Z(I)");
    client.send(&query("SELECT b FROM t WHERE a = 2")).await;
    assert_eq!(client.shape().await, "T D C(SELECT 1) Z(I)");
}

#[tokio::test]
async fn a_copy_that_the_client_fails_leaves_no_row() {
    let (_harness, mut client) = copying().await;
    let messages =
        [query("COPY t FROM STDIN"), message('d', b"1\tx\n"), message('f', b"no more\0")];
    client.send(&messages.concat()).await;
    let replies = client.until('Z').await;
    let error = replies.iter().find(|reply| reply.kind == 'E').unwrap();
    assert_eq!(
        (error.field('C').as_str(), error.field('M').as_str()),
        ("57014", "COPY from stdin failed: no more")
    );
    client.send(&query("SELECT * FROM t")).await;
    assert_eq!(client.shape().await, "T C(SELECT 0) Z(I)");
}

#[tokio::test]
async fn an_error_names_the_line_and_the_column_and_the_rest_of_the_data_is_skipped() {
    let (_harness, mut client) = copying().await;
    for (data, state, context) in [
        (&b"1\tx\nz\ty\n"[..], "22P02", "COPY t, line 2, column a: \"z\""),
        (b"1\n", "22P04", "COPY t, line 1: \"1\""),
        (b"1\tx\ty\n", "22P04", "COPY t, line 1: \"1\tx\ty\""),
        (b"1\tx\n2\ty\r\n", "22P04", "COPY t, line 2"),
    ] {
        let messages = [
            query("COPY t FROM STDIN"),
            message('d', data),
            message('d', b"3\tw\n"),
            message('c', b""),
        ];
        client.send(&messages.concat()).await;
        let replies = client.until('Z').await;
        let error = replies.iter().find(|reply| reply.kind == 'E').unwrap();
        assert_eq!(error.field('C'), state);
        assert!(error.field('W').starts_with(context), "{}", error.field('W'));
    }
    client.send(&query("SELECT * FROM t")).await;
    assert_eq!(client.shape().await, "T C(SELECT 0) Z(I)");
}

#[tokio::test]
async fn a_query_while_copying_ends_the_connection() {
    let (_harness, mut client) = copying().await;
    client.send(&[query("COPY t FROM STDIN"), query("SELECT 1")].concat()).await;
    let replies = client.until('Z').await;
    let states: Vec<(String, String)> = replies
        .iter()
        .filter(|reply| reply.kind == 'E')
        .map(|reply| (reply.field('S'), reply.field('C')))
        .collect();
    let expected = [("ERROR", "08P01"), ("FATAL", "08P01")];
    assert_eq!(states, expected.map(|(severity, state)| (severity.to_owned(), state.to_owned())));
}

#[tokio::test]
async fn copy_messages_outside_copy_are_ignored() {
    let (_harness, mut client) = copying().await;
    let stray = [message('d', b"abc"), message('c', b""), message('f', b"x\0"), query("SELECT 1")];
    client.send(&stray.concat()).await;
    assert_eq!(client.shape().await, "T D C(SELECT 1) Z(I)");
}

#[tokio::test]
async fn a_pipeline_that_fails_undoes_what_it_wrote() {
    let (_harness, mut client) = copying().await;
    let pipeline = [
        parse("", "CREATE TEMP TABLE p (a int)"),
        bind("", "", &[], &[]),
        execute("", 0),
        parse("", "INSERT INTO t VALUES (1, 'x')"),
        bind("", "", &[], &[]),
        execute("", 0),
        parse("", "SELECT 1/0"),
        bind("", "", &[], &[]),
        execute("", 0),
        sync(),
    ];
    client.send(&pipeline.concat()).await;
    assert_eq!(client.shape().await, "1 2 C(CREATE TABLE) 1 2 C(INSERT 0 1) 1 E(22012) Z(I)");
    client.send(&query("SELECT * FROM t")).await;
    assert_eq!(client.shape().await, "T C(SELECT 0) Z(I)");
    client.send(&query("SELECT * FROM p")).await;
    assert_eq!(client.shape().await, "E(42P01) Z(I)");
}

#[tokio::test]
async fn a_statement_whose_columns_changed_says_so_at_bind() {
    let (_harness, mut client) = copying().await;
    let first = [parse("s", "SELECT * FROM t"), bind("", "s", &[], &[]), execute("", 0), sync()];
    client.send(&first.concat()).await;
    assert_eq!(client.shape().await, "1 2 C(SELECT 0) Z(I)");
    client.send(&query("ALTER TABLE t ADD c int")).await;
    assert_eq!(client.shape().await, "C(ALTER TABLE) Z(I)");
    client.send(&[bind("", "s", &[], &[]), execute("", 0), sync()].concat()).await;
    let replies = client.until('Z').await;
    assert_eq!(replies[0].field('C'), "0A000");
    // Drivers tell by the routine that they have to prepare again.
    assert_eq!(replies[0].field('R'), "RevalidateCachedQuery");
}

#[tokio::test]
async fn a_driver_writes_with_parameters() {
    let harness = Harness::start(GatewayConfig::default()).await;
    let client = harness.client().await;
    client.batch_execute("CREATE TEMP TABLE t (a int, b text, c float8, d bool)").await.unwrap();
    let insert = "INSERT INTO t VALUES ($1, $2, $3::float8 + 0.5, $4)";
    let statement = client.prepare(insert).await.unwrap();
    for number in 0..3i32 {
        let text = format!("t{number}");
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&number, &text, &f64::from(number), &true];
        assert_eq!(client.execute(&statement, &parameters).await.unwrap(), 1);
    }
    let update = "UPDATE t SET b = $1 WHERE a >= $2 RETURNING a, c";
    let rows = client.query(update, &[&"new", &1i32]).await.unwrap();
    let found: Vec<(i32, f64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(found, [(1, 1.5), (2, 2.5)]);
    assert_eq!(client.execute("DELETE FROM t WHERE b = $1", &[&"new"]).await.unwrap(), 2);
}
