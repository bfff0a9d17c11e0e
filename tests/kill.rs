//! Kills a process that commits to tables of its own at random moments, until it has been killed `N` times:
//! each time the tables hold exactly the transactions that were acknowledged, and at most one more.
//!
//! usage: `N=200 cargo test -p tests --test kill`; without `N` 10 kills. Run as `kill child DIR` it is the
//! process that gets killed.
#![allow(clippy::disallowed_methods, reason = "a test that kills a process needs the clock")]
#![allow(clippy::print_stdout, reason = "the child tells what it was told")]
#![allow(clippy::unwrap_used, reason = "all of it is a test, though it has a main")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use query_engine::{Engine, EngineConfig, Principal, Session};
use rand::Rng;
use schemas::SystemClock;
use storage::{Network, Store};
use tests::in_process::run;

const KILLS_DEFAULT: u64 = 10;
/// Longest life of a child after its first commit.
const LIFE_MAX: Duration = Duration::from_millis(400);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, dir] = arguments.as_slice()
        && mode == "child"
    {
        runtime.block_on(commit_for_ever(Path::new(dir)));
        return;
    }
    let kills = std::env::var("N").map_or(KILLS_DEFAULT, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut known = 0;
    for _ in 0..kills {
        let told = kill_one(dir.path());
        let found = runtime.block_on(committed(dir.path()));
        assert!(
            found == told.max(known) || found == told.max(known) + 1,
            "told of {told}, {known} before, found {found}"
        );
        known = found;
    }
    println!("kill test: {kills} kills, {known} transactions, none lost and none in part");
}

/// The last transaction that a child was told of before it was killed; 0 for none.
fn kill_one(dir: &Path) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("child")
        .arg(dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = lines.next().map_or(0, |line| line.unwrap().parse().unwrap());
    std::thread::sleep(LIFE_MAX.mul_f64(rand::rng().random()));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        told = line.parse().unwrap_or(told);
    }
    told
}

fn open(dir: &Path) -> Session {
    let store = Store::open(dir).unwrap();
    let network = Network {
        name: "net".to_owned(),
        family: "evm".to_owned(),
        chain_id: None,
        genesis_hash: None,
    };
    store.put_network(&network).unwrap();
    let config = EngineConfig { threads: 2, memory_bytes_max: 64 << 20 };
    let engine = Engine::new(store, config, Arc::new(SystemClock::new())).unwrap();
    let principal = Principal { role: "tester".to_owned(), may_create: true };
    engine.session("net", principal, &[]).unwrap()
}

async fn commit_for_ever(dir: &Path) {
    let mut session = open(dir);
    // One session by hand: without cycles each statement outside a block commits by itself.
    run(&mut session, "CREATE TABLE IF NOT EXISTS a (n int8 PRIMARY KEY)").await.unwrap();
    run(&mut session, "CREATE TABLE IF NOT EXISTS b (n int8, text text)").await.unwrap();
    let mut next = count(&mut session, "a").await + 1;
    loop {
        let sql = format!(
            "BEGIN; INSERT INTO a VALUES ({next}); INSERT INTO b VALUES ({next}, repeat('x', 1000));
             UPDATE b SET text = 'old' WHERE n = {next} - 1; COMMIT"
        );
        run(&mut session, &sql).await.unwrap();
        println!("{next}");
        std::io::stdout().flush().unwrap();
        next += 1;
    }
}

async fn count(session: &mut Session, table: &str) -> i64 {
    let rows = run(session, &format!("SELECT count(*) FROM {table}")).await.unwrap().unwrap();
    rows[0][0].as_ref().unwrap().parse().unwrap()
}

/// Number of transactions in the tables, which are whole.
async fn committed(dir: &Path) -> i64 {
    let mut session = open(dir);
    let found = count(&mut session, "a").await;
    assert_eq!(count(&mut session, "b").await, found);
    let sql = "SELECT count(*) FROM b WHERE text <> 'old'";
    let rows = run(&mut session, sql).await.unwrap().unwrap();
    let expected = i64::from(found > 0).to_string();
    assert_eq!(rows[0][0].as_ref(), Some(&expected), "the last row alone is new");
    found
}
