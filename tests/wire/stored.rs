//! Tables that clients make, between sessions and across restarts.

use std::collections::HashMap;
use std::time::Duration;

use pg_gateway::{AuthConfig, GatewayConfig, Role};
use tokio_postgres::error::SqlState;

use crate::harness::{Harness, PATIENCE};

/// `ann` may create, and any other name signs in without that right.
fn config() -> GatewayConfig {
    let ann = Role { may_create: true, ..Role::default() };
    let auth = AuthConfig {
        roles: HashMap::from([("ann".to_owned(), ann)]),
        admits_unlisted: true,
        ..AuthConfig::default()
    };
    GatewayConfig { auth, ..GatewayConfig::default() }
}

async fn numbers(client: &tokio_postgres::Client, sql: &str) -> Vec<i32> {
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn code(client: &tokio_postgres::Client, sql: &str) -> SqlState {
    client.batch_execute(sql).await.unwrap_err().code().unwrap().clone()
}

#[tokio::test]
async fn changes_are_seen_by_others_when_they_commit_and_not_before() {
    let harness = Harness::start(config()).await;
    let (one, two) = (harness.client().await, harness.client().await);
    one.batch_execute("CREATE TABLE t (a int)").await.unwrap();
    one.batch_execute("BEGIN; INSERT INTO t VALUES (1); CREATE TABLE u (b int)").await.unwrap();
    assert_eq!(numbers(&one, "SELECT a FROM t").await, [1]);
    assert_eq!(numbers(&two, "SELECT a FROM t").await, [0; 0]);
    assert_eq!(code(&two, "SELECT b FROM u").await, SqlState::UNDEFINED_TABLE);
    one.batch_execute("COMMIT").await.unwrap();
    assert_eq!(numbers(&two, "SELECT a FROM t").await, [1]);
    assert_eq!(numbers(&two, "SELECT b FROM u").await, [0; 0]);
    one.batch_execute("BEGIN; DELETE FROM t; ROLLBACK").await.unwrap();
    assert_eq!(numbers(&two, "SELECT a FROM t").await, [1]);
}

#[tokio::test]
async fn two_transactions_add_rows_to_one_table_without_waiting() {
    let harness = Harness::start(config()).await;
    let (one, two) = (harness.client().await, harness.client().await);
    one.batch_execute("CREATE TABLE t (a int PRIMARY KEY, n serial)").await.unwrap();
    one.batch_execute("BEGIN; INSERT INTO t VALUES (1)").await.unwrap();
    two.batch_execute("BEGIN; INSERT INTO t VALUES (2)").await.unwrap();
    one.batch_execute("COMMIT").await.unwrap();
    assert_eq!(numbers(&two, "SELECT a FROM t ORDER BY a").await, [1, 2]);
    two.batch_execute("INSERT INTO t VALUES (3); COMMIT").await.unwrap();
    assert_eq!(numbers(&one, "SELECT a FROM t ORDER BY a").await, [1, 2, 3]);
    assert_eq!(numbers(&one, "SELECT n FROM t ORDER BY n").await, [1, 2, 3]);
}

#[tokio::test]
async fn one_key_added_twice_fails_for_the_second_commit() {
    let harness = Harness::start(config()).await;
    let (one, two) = (harness.client().await, harness.client().await);
    one.batch_execute("CREATE TABLE t (a int PRIMARY KEY)").await.unwrap();
    one.batch_execute("BEGIN; INSERT INTO t VALUES (1)").await.unwrap();
    two.batch_execute("BEGIN; INSERT INTO t VALUES (1)").await.unwrap();
    one.batch_execute("COMMIT").await.unwrap();
    assert_eq!(code(&two, "COMMIT").await, SqlState::UNIQUE_VIOLATION);
    assert_eq!(numbers(&two, "SELECT a FROM t").await, [1]);
}

#[tokio::test]
async fn other_changes_wait_and_work_on_what_was_committed() {
    let harness = Harness::start(config()).await;
    let (one, two) = (harness.client().await, harness.client().await);
    one.batch_execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)").await.unwrap();
    one.batch_execute("BEGIN; UPDATE t SET a = a + 1").await.unwrap();
    two.batch_execute("SET lock_timeout = '50ms'").await.unwrap();
    assert_eq!(code(&two, "UPDATE t SET a = 7").await.code(), "55P03");
    two.batch_execute("RESET lock_timeout").await.unwrap();
    let wait = two.batch_execute("UPDATE t SET a = a * 10");
    let free = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        one.batch_execute("COMMIT").await
    };
    let (updated, committed) = tokio::time::timeout(PATIENCE, async { tokio::join!(wait, free) })
        .await
        .expect("the lock is freed");
    updated.unwrap();
    committed.unwrap();
    assert_eq!(numbers(&one, "SELECT a FROM t").await, [20]);
}

#[tokio::test]
async fn a_deadlock_is_an_error_for_one_of_the_two() {
    let harness = Harness::start(config()).await;
    let (one, two) = (harness.client().await, harness.client().await);
    one.batch_execute("CREATE TABLE a (n int); CREATE TABLE b (n int)").await.unwrap();
    one.batch_execute("BEGIN; DELETE FROM a").await.unwrap();
    two.batch_execute("BEGIN; DELETE FROM b").await.unwrap();
    let (first, second) = tokio::join!(one.batch_execute("DELETE FROM b"), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let result = two.batch_execute("DELETE FROM a").await;
        two.batch_execute("ROLLBACK").await.unwrap();
        result
    });
    first.unwrap();
    assert_eq!(second.unwrap_err().code().unwrap(), &SqlState::T_R_DEADLOCK_DETECTED);
}

#[tokio::test]
async fn a_repeatable_read_keeps_what_it_saw_and_may_not_change_it() {
    let harness = Harness::start(config()).await;
    let (one, two) = (harness.client().await, harness.client().await);
    one.batch_execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)").await.unwrap();
    two.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    assert_eq!(numbers(&two, "SELECT a FROM t").await, [1]);
    one.batch_execute("UPDATE t SET a = 2").await.unwrap();
    assert_eq!(numbers(&two, "SELECT a FROM t").await, [1]);
    assert_eq!(code(&two, "UPDATE t SET a = 3").await, SqlState::T_R_SERIALIZATION_FAILURE);
    two.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(numbers(&two, "SELECT a FROM t").await, [2]);
}

#[tokio::test]
async fn roles_without_the_right_create_nothing_and_read_what_they_are_granted() {
    let harness = Harness::start(config()).await;
    let ann = harness.client().await;
    let (bob, connection) =
        harness.driver().user("bob").connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    ann.batch_execute("CREATE SCHEMA s; CREATE TABLE s.t (a int); INSERT INTO s.t VALUES (1)")
        .await
        .unwrap();
    ann.batch_execute("CREATE VIEW s.v AS SELECT a FROM s.t").await.unwrap();
    let denied = SqlState::INSUFFICIENT_PRIVILEGE;
    for sql in [
        "CREATE SCHEMA mine",
        "CREATE TABLE mine (a int)",
        "CREATE TABLE s.mine (a int)",
        "SELECT * FROM s.t",
        "DROP TABLE s.t",
        "ALTER TABLE s.t ADD b int",
        "GRANT ALL ON s.t TO bob",
    ] {
        assert_eq!(code(&bob, sql).await, denied, "{sql}");
    }
    ann.batch_execute("GRANT USAGE ON SCHEMA s TO bob").await.unwrap();
    assert_eq!(code(&bob, "SELECT * FROM s.t").await, denied);
    ann.batch_execute("GRANT SELECT ON s.v TO PUBLIC").await.unwrap();
    assert_eq!(numbers(&bob, "SELECT a FROM s.v").await, [1], "a view reads as its owner");
    assert_eq!(code(&bob, "SELECT * FROM s.t").await, denied);
    ann.batch_execute("GRANT SELECT, INSERT ON s.t TO bob").await.unwrap();
    bob.batch_execute("INSERT INTO s.t VALUES (2)").await.unwrap();
    assert_eq!(numbers(&bob, "SELECT a FROM s.t ORDER BY a").await, [1, 2]);
    assert_eq!(code(&bob, "DELETE FROM s.t").await, denied);
    ann.batch_execute("REVOKE ALL ON s.t FROM bob").await.unwrap();
    assert_eq!(code(&bob, "SELECT * FROM s.t").await, denied);
    bob.batch_execute("CREATE TEMP TABLE own (a int)").await.unwrap();
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart_and_nothing_else() {
    let harness = Harness::start(config()).await;
    let client = harness.client().await;
    client
        .batch_execute(
            "CREATE SCHEMA s;
             CREATE TABLE s.t (id serial PRIMARY KEY, n numeric DEFAULT 1.5, b bytea, x text[], CHECK (n > 0));
             INSERT INTO s.t (n, b, x) VALUES (2, '\\x01', '{a,NULL}'), (2.25, NULL, NULL);
             INSERT INTO s.t (n) SELECT g FROM generate_series(1, 20000) g;
             UPDATE s.t SET n = 9 WHERE id = 3; DELETE FROM s.t WHERE id > 10 AND id < 20000;
             CREATE VIEW s.v AS SELECT * FROM s.t WHERE id < 5;
             COMMENT ON TABLE s.t IS 'kept';
             GRANT SELECT ON s.v TO bob;
             ALTER TABLE s.t RENAME TO u",
        )
        .await
        .unwrap();
    client
        .batch_execute("BEGIN; INSERT INTO s.u (n) VALUES (77); CREATE TABLE lost (a int)")
        .await
        .unwrap();
    let sql = "SELECT v.*, 's.u'::regclass::oid, obj_description('s.u'::regclass), (SELECT count(*) FROM s.u) FROM s.v v ORDER BY id";
    let text = |messages: Vec<tokio_postgres::SimpleQueryMessage>| -> Vec<Vec<Option<String>>> {
        let rows = messages.into_iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()).collect()
    };
    let other = harness.client().await;
    let before = text(other.simple_query(sql).await.unwrap());
    assert_eq!(before.len(), 4);
    drop((client, other));
    let harness = harness.restart(config()).await;
    let client = harness.client().await;
    assert_eq!(text(client.simple_query(sql).await.unwrap()), before);
    assert_eq!(code(&client, "SELECT * FROM lost").await, SqlState::UNDEFINED_TABLE);
    assert_eq!(code(&client, "INSERT INTO s.u (n) VALUES (-1)").await, SqlState::CHECK_VIOLATION);
    assert_eq!(code(&client, "INSERT INTO s.u (id) VALUES (1)").await, SqlState::UNIQUE_VIOLATION);
    let next = client.query_one("INSERT INTO s.u DEFAULT VALUES RETURNING id", &[]).await.unwrap();
    assert!(next.get::<_, i32>(0) > 20_002, "a value that was given out is not given out again");
}

#[tokio::test]
async fn columns_kept_as_text_and_comments_on_constraints_are_there_after_a_restart() {
    let harness = Harness::start(config()).await;
    let client = harness.client().await;
    client
        .batch_execute(
            "CREATE TABLE t (id int, r int4range, grid int[][], CONSTRAINT small CHECK (id < 9));
             INSERT INTO t VALUES (1, '[1,4]', '{{1,2},{3,4}}');
             CREATE VIEW v AS SELECT upper(r) AS u FROM t;
             COMMENT ON CONSTRAINT small ON t IS 'one digit'",
        )
        .await
        .unwrap();
    drop(client);
    let harness = harness.restart(config()).await;
    let client = harness.client().await;
    let row = client.query_one("SELECT r::text, grid::text FROM t", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("[1,5)", "{{1,2},{3,4}}"));
    assert_eq!(numbers(&client, "SELECT u FROM v").await, [5]);
    let sql =
        "SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'small'";
    assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, &str>(0), "one digit");
}

#[tokio::test]
async fn a_prepared_statement_learns_at_once_that_another_session_changed_its_columns() {
    let harness = Harness::start(config()).await;
    let (one, two) = (harness.client().await, harness.client().await);
    one.batch_execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)").await.unwrap();
    let prepared = two.prepare("SELECT a FROM t").await.unwrap();
    assert_eq!(two.query_one(&prepared, &[]).await.unwrap().get::<_, i32>(0), 1);
    one.batch_execute("ALTER TABLE t ALTER a TYPE text").await.unwrap();
    let error = two.query(&prepared, &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::FEATURE_NOT_SUPPORTED));
}
