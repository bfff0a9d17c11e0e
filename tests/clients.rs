//! Real clients on the wire: tokio-postgres and psql.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;
use std::time::Duration;

use tests::service::{Fixture, TestService};

async fn demo() -> TestService {
    TestService::start(&[Fixture::demo()]).await
}

/// SQLSTATE of a failed call.
fn code(error: &tokio_postgres::Error) -> &str {
    error.code().expect("the server answered with an error").code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prepared_statement_takes_typed_parameters() {
    let service = demo().await;
    let client = service.connect("demo").await;
    let by_number = client
        .prepare("SELECT hash, transaction_count FROM chain.blocks WHERE number = $1")
        .await
        .unwrap();
    let row = client.query_one(&by_number, &[&0i64]).await.unwrap();
    let hash: Vec<u8> = row.get(0);
    assert_eq!(hash.len(), 32);
    assert_eq!(row.get::<_, i64>(1), 0);

    let by_hash = client.prepare("SELECT number FROM chain.blocks WHERE hash = $1").await.unwrap();
    assert_eq!(client.query_one(&by_hash, &[&hash]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_and_hot_blocks_answer_as_one_table() {
    let service = demo().await;
    let client = service.connect("demo").await;
    let row = client
        .query_one("SELECT count(*), min(number), max(number) FROM chain.blocks", &[])
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), (301, 0, 300));
    let logs = client.query_one("SELECT count(*) FROM chain.logs", &[]).await.unwrap();
    assert_eq!(logs.get::<_, i64>(0), 18_690);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_read_or_write_server_files() {
    let service = demo().await;
    let client = service.connect("demo").await;
    let target = std::env::temp_dir().join(format!("ergosql-escape-{}.csv", std::process::id()));
    for sql in [
        format!("COPY (SELECT 1) TO '{}'", target.display()),
        format!("COPY chain.blocks TO '{}' STORED AS CSV", target.display()),
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'".to_owned(),
        "SELECT * FROM '/etc/passwd'".to_owned(),
        "SELECT * FROM read_csv('/etc/passwd')".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
        "CREATE TABLE chain.t AS SELECT 1".to_owned(),
        "INSERT INTO chain.blocks SELECT * FROM chain.blocks".to_owned(),
        "DELETE FROM chain.blocks".to_owned(),
    ] {
        let error = client.batch_execute(&sql).await.expect_err(&sql);
        assert!(!code(&error).starts_with("XX"), "{sql}: {error:?}");
    }
    assert!(!target.exists());
    client.batch_execute("SELECT 1").await.expect("the session lives on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_query_stops_on_timeout_and_on_cancel() {
    let service = demo().await;
    let client = service.connect("demo").await;
    // Far more work than the test waits for: 14,684 cubed rows.
    let endless = "SELECT count(*) FROM chain.transactions a, chain.transactions b, chain.transactions c \
                   WHERE a.nonce + b.nonce + c.nonce = -1";
    client.batch_execute("SET statement_timeout = 300").await.unwrap();
    let timed_out =
        tokio::time::timeout(Duration::from_secs(30), client.batch_execute(endless)).await;
    assert_eq!(code(&timed_out.expect("the server stops it").unwrap_err()), "57014");

    client.batch_execute("SET statement_timeout = 0").await.unwrap();
    let token = client.cancel_token();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        token.cancel_query(tokio_postgres::NoTls).await.expect("the cancel request is taken");
    });
    let cancelled =
        tokio::time::timeout(Duration::from_secs(30), client.batch_execute(endless)).await;
    assert_eq!(code(&cancelled.expect("the server stops it").unwrap_err()), "57014");
    client.batch_execute("SELECT 1").await.expect("the session lives on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_do_not_share_settings() {
    let service = demo().await;
    let one = service.connect("demo").await;
    let other = service.connect("demo").await;
    one.batch_execute("SET application_name = 'one'; SET ergo.allow_gaps = on").await.unwrap();
    let name = other.query_one("SELECT current_setting('ergo.allow_gaps')", &[]).await.unwrap();
    assert_eq!(name.get::<_, &str>(0), "off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_database_is_refused_as_postgresql_does() {
    let service = demo().await;
    let parameters = format!("host=127.0.0.1 port={} user=tester dbname=nope", service.port());
    let error = tokio_postgres::connect(&parameters, tokio_postgres::NoTls).await.err().unwrap();
    assert_eq!(code(&error), "3D000");
}

/// Runs psql; gives standard output and standard error.
fn psql(port: u16, arguments: &[&str]) -> (String, String) {
    let output = Command::new("psql")
        .args(["-X", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", "tester", "demo"])
        .args(arguments)
        .output()
        .expect("psql is installed by scripts/setup.sh");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_lists_and_describes_tables() {
    let service = demo().await;
    let port = service.port();
    let ask =
        |command: &'static str| tokio::task::spawn_blocking(move || psql(port, &["-c", command]));
    for (command, expected) in [
        ("\\dt chain.*", "token_transfers"),
        ("\\d", "transactions"),
        ("\\d chain.blocks", "timestamp with time zone"),
        ("\\d+ chain.blocks", "Keccak-256 of the header"),
        ("\\l", "demo"),
        ("\\dn", "chain"),
        ("\\du", "tester"),
    ] {
        let (out, err) = ask(command).await.unwrap();
        assert!(out.contains(expected), "{command}\n{out}\n{err}");
        assert_eq!(err, "", "{command}");
    }
}
