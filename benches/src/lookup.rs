//! One transaction by its hash among millions, and `SELECT 1`, from each kind of client.
//!
//! Every lookup goes to another transaction, spread over the whole chain, and its answer is compared
//! with what was minted. The client runs on the same machine, in the same process or in psql's.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::{B256, hex};
use pg_gateway::{AuthConfig, Gateway, GatewayConfig, RunningGateway};
use query_engine::{Engine, EngineConfig, Outcome, Parameter, Principal};
use schemas::SystemClock;
use serde_json::{Value, json};
use storage::Store;
use tests::mint::{Fork, Format, MintConfig, mint_file};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

use crate::child;
use crate::dataset::{Dataset, FileKind, transfers};
use crate::ingest::{self, NETWORK};
use crate::report::{Table, median, megabytes, p99, rate, thousands};

/// Statements that psql times.
const PSQL_STATEMENTS: usize = 300;
/// Transactions per block; with a full archive of 8192 blocks that is five million.
const TRANSACTIONS_PER_BLOCK: u64 = 611;
/// File of the sampled transactions.
const SAMPLES: &str = "samples.txt";
/// Column that a lookup reads beside the block.
const SELECT: &str = "SELECT block_number, transaction_index FROM chain.transactions WHERE hash = ";

/// A transaction to look up, and where it is.
#[derive(Clone, Copy, Debug)]
struct Sample {
    hash: B256,
    block: i64,
    index: i64,
}

/// Mints, imports and looks up `lookups` times in each way; returns the tables.
///
/// # Errors
/// When a step fails or an answer is wrong.
pub fn run(folder: &Path, transactions: u64, lookups: u64) -> Result<String, String> {
    let (data, samples) = (folder.join("data"), folder.join(SAMPLES));
    let import = mint_and_import(folder, transactions, lookups)?;
    let arguments =
        ["lookup".to_owned(), data.display().to_string(), samples.display().to_string()];
    let figures = child::run(&arguments)?;
    let seconds = import["seconds"].as_f64().unwrap_or(f64::NAN);
    let mut table = Table::new(&["what", "median ms", "p99 ms", "count"]);
    for row in figures["rows"].as_array().into_iter().flatten() {
        let number = |at: usize| format!("{:.3}", row[at].as_f64().unwrap_or(f64::NAN) / 1e3);
        let name = row[0].as_str().unwrap_or_default().to_owned();
        table.push(vec![name, number(1), number(2), row[3].to_string()]);
    }
    Ok(format!(
        "### lookup in {} transactions\n\nimport on two threads: {seconds:.1} s, {} tx/s, peak {} MB; \
         serving: peak {} MB\n\n{}",
        thousands(import["counts"][1].as_u64().unwrap_or_default()),
        rate(import["counts"][1].as_u64().unwrap_or_default(), seconds),
        megabytes(import["peak_bytes"].as_u64().unwrap_or_default()),
        megabytes(figures["peak_bytes"].as_u64().unwrap_or_default()),
        table.to_markdown()
    ))
}

/// Mints the archive and imports it into `data` of `folder`; gives the figures of the import.
fn mint_and_import(folder: &Path, transactions: u64, lookups: u64) -> Result<Value, String> {
    let dataset = mint(folder, transactions, lookups).map_err(|error| error.to_string())?;
    eprintln!("lookup: importing {} transactions", thousands(transactions));
    let mut arguments = vec!["lookup-import".to_owned(), folder.join("data").display().to_string()];
    arguments.extend(dataset.to_arguments());
    child::run(&arguments)
}

/// The data directory in `folder`, minted and imported where it is not there yet.
///
/// # Errors
/// As [`run`].
pub fn dataset(folder: &Path, transactions: u64, lookups: u64) -> Result<PathBuf, String> {
    let (data, done) = (folder.join("data"), folder.join("imported"));
    let size = format!("{transactions} {lookups}");
    if fs::read_to_string(&done).is_ok_and(|found| found == size) {
        eprintln!("lookup: taking the data of an earlier run");
        return Ok(data);
    }
    mint_and_import(folder, transactions, lookups)?;
    fs::write(done, size).map_err(|error| error.to_string())?;
    Ok(data)
}

/// Hashes of the sampled transactions as `bytea` text, in an order that is not the chain's.
///
/// # Errors
/// When [`dataset`] did not make `folder`.
pub fn sampled_keys(folder: &Path) -> Result<Vec<String>, String> {
    let samples = read_samples(&folder.join(SAMPLES))?;
    let mut keys: Vec<_> =
        samples.iter().map(|sample| format!("\\x{}", hex::encode(sample.hash))).collect();
    // Hashes are random: sorting by them shuffles the chain's order, the same way each time.
    keys.sort();
    Ok(keys)
}

/// Mints the archive, and a file with one sampled transaction a line.
fn mint(folder: &Path, transactions: u64, lookups: u64) -> std::io::Result<Dataset> {
    fs::create_dir_all(folder)?;
    let config = MintConfig {
        // Block 0 has none.
        block_count: transactions.div_ceil(TRANSACTIONS_PER_BLOCK) + 1,
        transactions_per_block: TRANSACTIONS_PER_BLOCK.min(transactions),
        logs_per_transaction: 1,
        ..transfers(Fork::ArrowGlacier)
    };
    let (file, samples) = (folder.join("lookup.era1"), folder.join(SAMPLES));
    eprintln!("lookup: minting {} transactions", thousands(transactions));
    let mut out = std::io::BufWriter::new(fs::File::create(&samples)?);
    let every = (transactions / lookups).max(1);
    let mut seen = 0;
    let mut failed = None;
    mint_file(config, Format::Era1, &file, None, |block| {
        for (index, transaction) in block.transactions.iter().enumerate() {
            seen += 1;
            if seen % every == 0 {
                let line = writeln!(out, "{} {} {index}", transaction.hash, block.header.number);
                failed = failed.take().or(line.err());
            }
        }
    })?;
    failed.map_or(Ok(()), Err)?;
    out.flush()?;
    let name = "lookup".to_owned();
    Ok(Dataset { name, kind: FileKind::Era1, file, receipts: None })
}

/// In a child: imports into `data` on two threads.
///
/// # Errors
/// As the import.
pub fn import(data: &Path, dataset: &Dataset) -> Result<Value, String> {
    if data.exists() {
        fs::remove_dir_all(data).map_err(|error| error.to_string())?;
    }
    let mut figures = ingest::import(dataset, 2, data)?;
    figures["peak_bytes"] = child::peak_memory_bytes().into();
    Ok(figures)
}

/// In a child: serves `data` and measures lookups of `samples`.
///
/// # Errors
/// When the service does not start, or an answer is wrong.
pub fn measure(data: &Path, samples: &Path) -> Result<Value, String> {
    let samples = read_samples(samples)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut rows = runtime.block_on(async {
        let (engine, gateway) = serve(data).await?;
        let port = gateway.local_addr().port();
        let mut rows = measure_wire(port, &samples).await.map_err(|error| error.to_string())?;
        rows.push(row("lookup, engine without a wire", measure_engine(&engine, &samples).await?));
        // psql blocks; the service runs on the runtime's other threads.
        let timed = tokio::task::spawn_blocking(move || measure_psql(port, &samples)).await;
        rows.extend(timed.map_err(|error| error.to_string())??);
        gateway.shutdown().await;
        Ok::<_, String>(rows)
    })?;
    rows.sort_by_key(|row| row[0].to_string());
    Ok(json!({ "rows": rows, "peak_bytes": child::peak_memory_bytes() }))
}

/// Engine and gateway over `data` on a free loopback port.
pub(crate) async fn serve(data: &Path) -> Result<(Arc<Engine>, RunningGateway), String> {
    let store = Store::open(data).map_err(|error| error.to_string())?;
    let config = EngineConfig { threads: 2, memory_bytes_max: 1 << 30 };
    let engine = Engine::new(store, config, Arc::new(SystemClock::new()))
        .map_err(|error| format!("{error:?}"))?;
    let config = GatewayConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        auth: AuthConfig::default(),
        ..GatewayConfig::default()
    };
    let gateway =
        Gateway::start(config, Arc::clone(&engine)).await.map_err(|error| error.to_string())?;
    Ok((engine, gateway))
}

fn read_samples(path: &Path) -> Result<Vec<Sample>, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let sample = |line: &str| {
        let mut words = line.split(' ');
        Some(Sample {
            hash: words.next()?.parse().ok()?,
            block: words.next()?.parse().ok()?,
            index: words.next()?.parse().ok()?,
        })
    };
    let samples: Option<Vec<_>> = text.lines().map(sample).collect();
    samples.filter(|list| !list.is_empty()).ok_or(format!("{} has no samples", path.display()))
}

fn row(name: &str, microseconds: Vec<f64>) -> Value {
    let count = microseconds.len();
    json!([name, median(microseconds.clone()), p99(microseconds), count])
}

fn wrong(sample: &Sample, found: impl std::fmt::Debug) -> String {
    format!(
        "transaction {}: expected block {} index {}, found {found:?}",
        sample.hash, sample.block, sample.index
    )
}

async fn measure_wire(
    port: u16,
    samples: &[Sample],
) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let parameters = format!("host=127.0.0.1 port={port} user=bench dbname={NETWORK}");
    let (client, connection) = tokio_postgres::connect(&parameters, NoTls).await?;
    tokio::spawn(connection);
    let (mut prepared, mut simple) = (Vec::new(), Vec::new());
    let statement = client.prepare(&format!("{SELECT}$1")).await?;
    for sample in samples {
        let started = Instant::now();
        let rows = client.query(&statement, &[&sample.hash.as_slice()]).await?;
        prepared.push(started.elapsed().as_secs_f64() * 1e6);
        let found: Vec<(i64, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        if found != [(sample.block, sample.index)] {
            return Err(wrong(sample, found).into());
        }
    }
    for sample in samples {
        let text = format!("{SELECT}'{}'", sample.hash);
        let started = Instant::now();
        let messages = client.simple_query(&text).await?;
        simple.push(started.elapsed().as_secs_f64() * 1e6);
        let expected = (sample.block.to_string(), sample.index.to_string());
        let found = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.get(0)?.to_owned(), row.get(1)?.to_owned())),
            _ => None,
        });
        if found.as_ref() != Some(&expected) {
            return Err(wrong(sample, found).into());
        }
    }
    Ok(vec![
        row("lookup, tokio-postgres, prepared", prepared),
        row("lookup, tokio-postgres, simple", simple),
        row("lookup of an absent hash, prepared", absent(&client, samples.len()).await?),
        row("SELECT 1, tokio-postgres, prepared", select_one(&client, true, samples.len()).await?),
        row("SELECT 1, tokio-postgres, simple", select_one(&client, false, samples.len()).await?),
    ])
}

async fn absent(client: &Client, count: usize) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let statement = client.prepare(&format!("{SELECT}$1")).await?;
    let mut random = tests::mint::Random::new(99);
    let mut times = Vec::new();
    for _ in 0..count {
        let hash = random.hash();
        let started = Instant::now();
        let rows = client.query(&statement, &[&hash.as_slice()]).await?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
        if !rows.is_empty() {
            return Err(format!("{hash} was found and does not exist").into());
        }
    }
    Ok(times)
}

async fn select_one(
    client: &Client,
    prepared: bool,
    count: usize,
) -> Result<Vec<f64>, tokio_postgres::Error> {
    let statement = client.prepare("SELECT 1").await?;
    let mut times = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        if prepared {
            client.query_one(&statement, &[]).await?;
        } else {
            client.simple_query("SELECT 1").await?;
        }
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}

async fn measure_engine(engine: &Arc<Engine>, samples: &[Sample]) -> Result<Vec<f64>, String> {
    let principal = Principal { role: "bench".to_owned(), may_create: false };
    let mut session =
        engine.session(NETWORK, principal, &[]).map_err(|error| format!("{error:?}"))?;
    let statement = session.parse(&format!("{SELECT}$1")).map_err(|error| format!("{error:?}"))?;
    let statement = statement.into_iter().next().ok_or("a statement parses to nothing")?;
    let prepared = session.prepare(statement, &[]).await.map_err(|error| format!("{error:?}"))?;
    let mut times = Vec::new();
    for sample in samples {
        let parameters = [Parameter::Bytes(sample.hash.to_vec())];
        let started = Instant::now();
        let outcome = session
            .execute(&prepared, &parameters, CancellationToken::new())
            .await
            .map_err(|error| format!("{error:?}"))?;
        let Outcome::Rows(mut rows) = outcome else { return Err("a SELECT has rows".into()) };
        let mut count = 0;
        while let Some(batch) = rows.next().await {
            count += batch.map_err(|error| format!("{error:?}"))?.num_rows();
        }
        times.push(started.elapsed().as_secs_f64() * 1e6);
        if count != 1 {
            return Err(wrong(sample, count));
        }
    }
    Ok(times)
}

/// Times as psql's `\timing` prints them; nothing where psql is not installed.
fn measure_psql(port: u16, samples: &[Sample]) -> Result<Vec<Value>, String> {
    let lookups = samples.iter().cycle().take(PSQL_STATEMENTS);
    let lookups = lookups.map(|sample| format!("{SELECT}'\\x{}';\n", hex::encode(sample.hash)));
    let select_one = "SELECT 1;\n".repeat(PSQL_STATEMENTS);
    let mut rows = Vec::new();
    for (name, script) in
        [("SELECT 1, psql \\timing", select_one), ("lookup, psql \\timing", lookups.collect())]
    {
        let Some(times) = psql(port, &script)? else {
            eprintln!("skipped: psql is not installed");
            return Ok(rows);
        };
        rows.push(row(name, times));
    }
    Ok(rows)
}

fn psql(port: u16, script: &str) -> Result<Option<Vec<f64>>, String> {
    let started = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "bench"])
        .args(["-p", &port.to_string(), "-d", NETWORK])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let mut input = child.stdin.take().ok_or("psql has no standard input")?;
    let text = format!("\\timing on\n{script}");
    // psql answers while it reads: a full pipe on one side must not stop the other.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    writer.join().map_err(|_| "the writer panicked")?.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let milliseconds = |line: &str| -> Option<f64> {
        line.strip_prefix("Time: ")?.split(' ').next()?.parse().ok()
    };
    let times: Vec<_> = text.lines().filter_map(milliseconds).map(|time| time * 1e3).collect();
    if times.len() == PSQL_STATEMENTS {
        return Ok(Some(times));
    }
    Err(format!("psql timed {} statements of {PSQL_STATEMENTS}", times.len()))
}
