//! Rates over the wire beside PostgreSQL 15, on the same rows, on the same machine, in one run.
//!
//! ```text
//! our data ──COPY, binary──> PostgreSQL: table, indexes ──rows compared──┬─> pgbench: lookups by hash, prepared
//!                                                                        ├─> two million rows, text and binary
//!                                                                        └─> ten million rows, memory watched
//! ```
//!
//! Lookups: keys are spread over the whole chain, each is its own prepared statement with the key as its
//! parameter, in scripts that pgbench picks at random. "First visit" asks for each key once after the
//! servers started; PostgreSQL then has what loading the table left in its buffers. What pgbench measures
//! after that is the steady state.

pub mod client;
mod ours;
mod pgbench;
pub mod postgres;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::time::Instant;

use schemas::ColumnType;
use schemas::tables::evm;

use self::client::{Client, Form};
use self::ours::Ours;
pub use self::ours::{SERVE, serve};
use self::postgres::Postgres;
use crate::ingest::NETWORK;
use crate::lookup;
use crate::report::{Table, megabytes, rate, thousands};

/// Lookups whose rows are compared before any is timed.
const COMPARED_MAX: usize = 500;
/// Blocks that hold two million of the minted transactions, 611 each.
const TRANSFER_BLOCKS: u64 = 3_275;
/// Rows of one Execute while memory is watched.
const FETCH_ROWS: i32 = 10_000;
/// Columns of a lookup and of a transfer.
const NARROW: &str =
    "block_number, transaction_index, block_timestamp, from_address, to_address, value";
const WIDE: &str = "*";

/// Sizes of a run.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Transactions in the table.
    pub transactions: u64,
    /// Keys that are looked up.
    pub keys: u64,
    /// Seconds of each pgbench run.
    pub seconds: u64,
}

/// Two servers with the same rows.
struct Servers {
    ours: Ours,
    postgres: Postgres,
}

/// Mints and imports where `folder` has no data yet, measures, and gives the tables.
///
/// # Errors
/// When a server does not start, or the two differ in a row.
pub fn run(folder: &Path, sizes: Sizes) -> Result<String, String> {
    let data = lookup::dataset(folder, sizes.transactions, sizes.keys)?;
    let keys = lookup::sampled_keys(folder)?;
    let place = std::env::temp_dir().join(format!("ergosql-bench-{}", std::process::id()));
    let postgres = Postgres::start(&place)?;
    load(&data, &postgres)?;
    let servers = Servers { ours: Ours::start(&data)?, postgres };
    let first = [visit(&servers, &keys, NARROW)?, visit(&servers, &keys, WIDE)?];
    compare(&servers, &keys)?;
    let mut report = format!(
        "### wire: {} transactions, {} keys spread over all of them\n\nPostgreSQL 15: {}\n\n",
        thousands(sizes.transactions),
        thousands(keys.len() as u64),
        postgres::SETTINGS.join(", ")
    );
    report += &lookups(&servers, &keys, sizes.seconds, &first)?;
    report += &transfers(&servers)?;
    // A directory is served once at a time; and the cache of this server is full of the lookups before.
    drop(servers);
    report += &fetch(&data)?;
    Ok(report)
}

/// PostgreSQL's table of transactions, filled from ours, with its indexes.
fn load(data: &Path, postgres: &Postgres) -> Result<(), String> {
    let ours = Ours::start(data)?;
    let columns = evm::TRANSACTIONS.columns.iter().map(|column| {
        let sql_type = match column.column_type {
            ColumnType::Boolean => "boolean",
            ColumnType::Integer => "integer",
            ColumnType::Bigint => "bigint",
            ColumnType::Uint256 => "numeric(78,0)",
            ColumnType::Hash | ColumnType::Address | ColumnType::Bytes => "bytea",
            ColumnType::HashList => "bytea[]",
            ColumnType::Text => "text",
            ColumnType::Timestamp => "timestamptz",
        };
        format!("\"{}\" {sql_type}", column.name)
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let mut target = Client::connect(postgres.port, "postgres")?;
    for sql in ["CREATE SCHEMA chain", &format!("CREATE TABLE chain.transactions ({columns})")] {
        target.run(sql, |_| ())?;
    }
    eprintln!("wire: copying the table to PostgreSQL");
    let mut source = Client::connect(ours.port, NETWORK)?;
    target.copy_from(
        "COPY chain.transactions FROM STDIN (FORMAT binary)",
        &mut source,
        "COPY (SELECT * FROM chain.transactions) TO STDOUT (FORMAT binary)",
    )?;
    eprintln!("wire: building PostgreSQL's indexes");
    for sql in [
        "CREATE UNIQUE INDEX ON chain.transactions (hash)",
        "CREATE INDEX ON chain.transactions (block_number)",
        "VACUUM ANALYZE chain.transactions",
        "CHECKPOINT",
    ] {
        target.run(sql, |_| ())?;
    }
    Ok(())
}

impl Servers {
    fn each(&self) -> [(u16, &'static str); 2] {
        [(self.ours.port, NETWORK), (self.postgres.port, "postgres")]
    }
}

fn by_hash(columns: &str) -> String {
    format!("SELECT {columns} FROM chain.transactions WHERE hash = $1")
}

/// Looks each key up once, one after the other; gives both rates.
fn visit(servers: &Servers, keys: &[String], columns: &str) -> Result<[f64; 2], String> {
    let mut rates = [0.0; 2];
    for (rate, (port, database)) in rates.iter_mut().zip(servers.each()) {
        let mut client = Client::connect(port, database)?;
        client.prepare("s", &by_hash(columns))?;
        let started = Instant::now();
        for key in keys {
            client.look_up("s", key, |_| ())?;
        }
        *rate = keys.len() as f64 / started.elapsed().as_secs_f64();
    }
    Ok(rates)
}

/// Whether both give the same rows for the same keys, byte for byte.
fn compare(servers: &Servers, keys: &[String]) -> Result<(), String> {
    let mut found = [Vec::new(), Vec::new()];
    for (rows, (port, database)) in found.iter_mut().zip(servers.each()) {
        let mut client = Client::connect(port, database)?;
        client.run("SET TimeZone = 'UTC'", |_| ())?;
        client.prepare("s", &by_hash(WIDE))?;
        for key in keys.iter().take(COMPARED_MAX) {
            client.look_up("s", key, |row| rows.push(row.to_vec()))?;
        }
    }
    let [ours, theirs] = found;
    if ours.len() != keys.len().min(COMPARED_MAX) || ours != theirs {
        return Err("the servers answer lookups differently".to_owned());
    }
    Ok(())
}

fn ratio(ours: f64, theirs: f64) -> String {
    format!("{:.0} %", 100.0 * ours / theirs)
}

fn lookups(
    servers: &Servers,
    keys: &[String],
    seconds: u64,
    first: &[[f64; 2]; 2],
) -> Result<String, String> {
    let mut table =
        Table::new(&["lookups by hash", "clients", "a second", "PostgreSQL", "of PostgreSQL"]);
    let mut push = |name: &str, clients: usize, rates: [f64; 2]| {
        let shown = rates.map(|found| rate(found.round() as u64, 1.0));
        let [ours, theirs] = shown;
        let of = ratio(rates[0], rates[1]);
        table.push(vec![name.to_owned(), clients.to_string(), ours, theirs, of]);
    };
    push("first visit of each key, six columns", 1, first[0]);
    push("first visit of each key, then the other columns", 1, first[1]);
    for (name, columns) in [("six columns", NARROW), ("all columns", WIDE)] {
        for clients in [1, 8] {
            eprintln!("wire: pgbench, {name}, {clients} clients");
            let mut rates = [0.0; 2];
            for (rate, (port, database)) in rates.iter_mut().zip(servers.each()) {
                let run = pgbench::Run { port, database, columns, clients };
                // Every key was visited: what is measured is the steady state of both.
                run.measure(keys, 3)?;
                *rate = run.measure(keys, seconds)?;
            }
            push(&format!("pgbench -M prepared, {name}"), clients, rates);
        }
    }
    Ok(table.to_markdown() + "\n")
}

/// The rows of a transfer, as a number that does not depend on their order.
fn digest(port: u16, database: &str, sql: &str, form: Form) -> Result<(u64, u64), String> {
    let mut sum = 0_u64;
    let mut client = Client::connect(port, database)?;
    client.run("SET TimeZone = 'UTC'", |_| ())?;
    let row_count = client.fetch(sql, form, 0, |row| {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        sum = sum.wrapping_add(hasher.finish());
    })?;
    Ok((row_count, sum))
}

fn transfers(servers: &Servers) -> Result<String, String> {
    let mut table =
        Table::new(&["rows to a client", "form", "a second", "PostgreSQL", "of PostgreSQL"]);
    for (name, columns) in [("six columns", NARROW), ("all columns", WIDE)] {
        let sql = format!(
            "SELECT {columns} FROM chain.transactions WHERE block_number < {TRANSFER_BLOCKS}"
        );
        for (shown, form) in [("text", Form::Text), ("binary", Form::Binary)] {
            eprintln!("wire: transfer, {name}, {shown}");
            let [ours, theirs] =
                servers.each().map(|(port, database)| digest(port, database, &sql, form));
            let (found, expected) = (ours?, theirs?);
            if found != expected {
                return Err(format!(
                    "transfer of {name}, {shown}: {found:?}, PostgreSQL {expected:?}"
                ));
            }
            let mut rates = [0.0; 2];
            for (rate, (port, database)) in rates.iter_mut().zip(servers.each()) {
                let mut client = Client::connect(port, database)?;
                let started = Instant::now();
                let row_count = client.fetch(&sql, form, 0, |_| ())?;
                *rate = row_count as f64 / started.elapsed().as_secs_f64();
            }
            let name = format!("{} rows, {name}", thousands(found.0));
            let [ours, theirs] = rates.map(|found| rate(found.round() as u64, 1.0));
            table.push(vec![name, shown.to_owned(), ours, theirs, ratio(rates[0], rates[1])]);
        }
    }
    Ok(table.to_markdown() + "\n")
}

/// Ten million rows in one portal, and the server's memory meanwhile.
fn fetch(data: &Path) -> Result<String, String> {
    eprintln!("wire: extended fetch");
    let ours = Ours::start(data)?;
    let select = format!("SELECT hash, {NARROW} FROM chain.transactions");
    let sql = format!("{select} UNION ALL {select}");
    let mut client = Client::connect(ours.port, NETWORK)?;
    let before = ours.memory_bytes();
    let (mut seen, mut most) = (0_u64, 0);
    let mut at_each_million = Vec::new();
    let row_count = client.fetch(&sql, Form::Binary, FETCH_ROWS, |_| {
        seen += 1;
        if seen.is_multiple_of(100_000) {
            most = most.max(ours.memory_bytes());
        }
        if seen.is_multiple_of(1_000_000) {
            at_each_million.push(megabytes(ours.memory_bytes()));
        }
    })?;
    Ok(format!(
        "extended fetch of {} rows, {} a portal run: memory of the server {} MB before, {} MB at most; after each \
         million rows {} MB\n",
        thousands(row_count),
        thousands(FETCH_ROWS as u64),
        megabytes(before),
        megabytes(most),
        at_each_million.join(", "),
    ))
}

/// Writes `text` to a file of `folder`.
fn write(folder: &Path, name: &str, text: &str) -> Result<std::path::PathBuf, String> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(|error| error.to_string())?;
    Ok(path)
}
