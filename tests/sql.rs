//! Everything visible through SQL: each `.slt` file runs in process (engine) and over the wire, and both
//! must give the expected rows. A file's first line names its fixture.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use sqllogictest::{DBOutput, DefaultColumnType, Runner};
use tests::in_process;
use tests::service::{Fixture, TestService};

/// The simple protocol, so values come as PostgreSQL text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slt_files_hold_over_the_wire() {
    let service = TestService::start(&fixtures()).await;
    let port = service.port();
    let mut failures = Vec::new();
    for file in slt_files() {
        let database = database_of(&file);
        let mut runner = Runner::new(|| async {
            Ok::<_, WireError>(Wire(tests::service::connect(port, &database).await))
        });
        if let Err(error) = runner.run_file_async(&file).await {
            failures.push(error.display(false).to_string());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slt_files_hold_in_process() {
    let service = TestService::start(&fixtures()).await;
    let mut failures = Vec::new();
    for file in slt_files() {
        let database = database_of(&file);
        let mut runner = Runner::new(|| async {
            in_process::session(&service, &database).map(InProcess).map_err(EngineError)
        });
        if let Err(error) = runner.run_file_async(&file).await {
            failures.push(error.display(false).to_string());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Files in `tests/sql`, by name.
fn slt_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no .slt file found");
    files
}

fn fixtures() -> Vec<Fixture> {
    vec![Fixture::demo(), Fixture::gaps()]
}

/// `# database: NAME` on the first line; `demo` without it.
fn database_of(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("# database: ").unwrap_or("demo").trim().to_owned()
}

struct Wire(tokio_postgres::Client);

/// What a client sees of an error: code, message, and position if there is one.
#[derive(Debug)]
struct WireError(tokio_postgres::Error);

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_db_error() {
            Some(error) => write!(f, "{}: {}", error.code().code(), error.message()),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for WireError {}

#[async_trait::async_trait]
impl sqllogictest::AsyncDB for Wire {
    type Error = WireError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, WireError> {
        use tokio_postgres::SimpleQueryMessage;
        let messages = self.0.simple_query(sql).await.map_err(WireError)?;
        let mut rows = Vec::new();
        let mut width = None;
        for message in messages {
            match message {
                SimpleQueryMessage::RowDescription(columns) => width = Some(columns.len()),
                SimpleQueryMessage::Row(row) => {
                    let cell = |index| row.get(index).unwrap_or("NULL");
                    rows.push((0..row.len()).map(|i| printable(cell(i))).collect());
                }
                _ => {}
            }
        }
        Ok(match width {
            Some(width) => DBOutput::Rows { types: vec![DefaultColumnType::Any; width], rows },
            None => DBOutput::StatementComplete(0),
        })
    }

    async fn shutdown(&mut self) {}
}

struct InProcess(query_engine::Session);

/// As [`WireError`] shows it, so that one file serves both ways.
#[derive(Debug)]
struct EngineError(query_engine::QueryError);

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.state.0, self.0.message)
    }
}

impl std::error::Error for EngineError {}

#[async_trait::async_trait]
impl sqllogictest::AsyncDB for InProcess {
    type Error = EngineError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, EngineError> {
        let Some(rows) = in_process::run(&mut self.0, sql).await.map_err(EngineError)? else {
            return Ok(DBOutput::StatementComplete(0));
        };
        let width = rows.first().map_or(1, Vec::len);
        let text = |cell: Option<String>| printable(cell.as_deref().unwrap_or("NULL"));
        let rows = rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect();
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; width], rows })
    }

    async fn shutdown(&mut self) {}
}

/// An empty value would vanish in a file that separates values by spaces.
fn printable(text: &str) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() }
}

/// The generator's ledger of the demo token.
fn truth() -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/truth.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balances_summed_in_sql_equal_the_generators_ledger() {
    use tokio_postgres::SimpleQueryMessage;

    let service = TestService::start(&[Fixture::demo()]).await;
    let client = service.connect("demo").await;
    let truth = truth();
    let coin = truth["coin"].as_str().unwrap();
    let sql = format!(
        "SELECT account, sum(amount) FROM (
             SELECT to_address AS account, value::numeric(76,0) AS amount
             FROM chain.token_transfers WHERE token_address = '{coin}'
             UNION ALL
             SELECT from_address, -(value::numeric(76,0))
             FROM chain.token_transfers WHERE token_address = '{coin}') moves
         GROUP BY account"
    );
    let mut balances = std::collections::BTreeMap::new();
    for message in client.simple_query(&sql).await.unwrap() {
        if let SimpleQueryMessage::Row(row) = message {
            let account = row.get(0).unwrap().replace("\\x", "0x");
            balances.insert(account, row.get(1).unwrap().to_owned());
        }
    }
    let expected = truth["balances"].as_object().unwrap();
    assert!(!expected.is_empty());
    for (account, balance) in expected {
        let found = balances.get(account).map_or("0", String::as_str);
        assert_eq!(found, balance.as_str().unwrap(), "{account}");
    }
}
