//! Import beside the floor: blocks, transactions, logs and MB a second, memory, size on disk.

use std::path::Path;
use std::time::Instant;

use indexer::ImportOptions;
use serde_json::{Value, json};
use storage::Store;

use crate::child;
use crate::dataset::{Dataset, FileKind};
use crate::floor;
use crate::report::{Counts, Table, median, megabytes, rate, thousands};

/// Network that benches import into.
pub const NETWORK: &str = "bench";

/// What is measured, in the order of the table.
const STEPS: [(&str, &str); 3] =
    [("floor", "floor"), ("recover", "floor + sender recovery"), ("import", "import")];

/// Threads of the measurements.
const THREADS: [usize; 2] = [1, 2];

/// In a child: runs one step over one dataset and returns its figures.
///
/// # Errors
/// When the step fails.
pub fn measure(step: &str, threads: usize, dataset: &Dataset) -> Result<Value, String> {
    let mut figures = match step {
        "floor" | "recover" => {
            let (seconds, counts) = floor::run(dataset, threads, step == "recover")?;
            json!({ "seconds": seconds, "counts": counts.to_json() })
        }
        _ => {
            let folder = tempfile::tempdir_in(dataset.file.parent().unwrap_or(Path::new(".")))
                .or_else(|_| tempfile::tempdir())
                .map_err(|error| error.to_string())?;
            import(dataset, threads, folder.path())?
        }
    };
    figures["peak_bytes"] = child::peak_memory_bytes().into();
    Ok(figures)
}

/// Imports `dataset` into a new data directory `folder`: time, counts, root and sizes.
///
/// # Errors
/// When storage or the import fails, or a block is refused.
pub fn import(dataset: &Dataset, threads: usize, folder: &Path) -> Result<Value, String> {
    let fail = |error: &dyn std::fmt::Display| error.to_string();
    let store = Store::open(folder).map_err(|error| fail(&error))?;
    // No confirmations: everything is sealed, so everything is measured as files.
    let options = ImportOptions {
        threads,
        confirmations: 0,
        receipts: dataset.receipts.clone(),
        ..ImportOptions::default()
    };
    let started = Instant::now();
    indexer::ensure_network(&store, NETWORK, "evm", None).map_err(|error| fail(&error))?;
    let files = [dataset.file.clone()];
    let report = indexer::import(&store, NETWORK, &files, &options, &|_| ())
        .map_err(|error| fail(&error))?;
    let seconds = started.elapsed().as_secs_f64();
    if report.refused_count > 0 {
        return Err(format!(
            "{} blocks refused: {:?}",
            report.refused_count,
            report.refused.first()
        ));
    }
    let snapshot = store.snapshot(NETWORK).map_err(|error| fail(&error))?;
    let mut tables = serde_json::Map::new();
    for file in snapshot.segments().iter().flat_map(|segment| &segment.files) {
        let entry = tables.entry(file.table.clone()).or_insert(json!([0, 0]));
        let add = |at: usize, more: u64| entry[at].as_u64().unwrap_or_default() + more;
        *entry = json!([add(0, file.row_count), add(1, file.size_bytes)]);
    }
    let rows = |table: &str| tables.get(table).map_or(0, |entry| entry[0].as_u64().unwrap_or(0));
    let mut counts =
        Counts { blocks: rows("blocks"), transactions: rows("transactions"), logs: rows("logs") };
    if dataset.kind == FileKind::Rlp {
        // Block 0 comes from genesis.json, not from the file.
        counts.blocks -= 1;
    }
    Ok(json!({
        "seconds": seconds,
        "counts": counts.to_json(),
        "root": snapshot.manifest_root().map(|byte| format!("{byte:02x}")).concat(),
        "tables": tables,
    }))
}

/// Figures of one step with one number of threads, over all repeats.
struct Measured {
    label: &'static str,
    threads: usize,
    seconds: f64,
    last: Value,
}

/// Measures every step over `dataset` `repeats` times and prints two tables.
///
/// # Errors
/// When a step fails, or two of them do not agree on what the file holds.
pub fn run(dataset: &Dataset, repeats: usize) -> Result<String, String> {
    let mut measured: Vec<Measured> = Vec::new();
    for (step, label) in STEPS {
        for threads in THREADS {
            let mut arguments = vec!["ingest".to_owned(), step.to_owned(), threads.to_string()];
            arguments.extend(dataset.to_arguments());
            let mut seconds = Vec::new();
            let mut last = Value::Null;
            for _ in 0..repeats {
                let figures = child::run(&arguments)?;
                seconds.push(figures["seconds"].as_f64().unwrap_or(f64::NAN));
                if !last["root"].is_null() && last["root"] != figures["root"] {
                    return Err(format!("{}: two imports differ", dataset.name));
                }
                last = figures;
            }
            let seconds = median(seconds);
            eprintln!("{}: {label}, {threads} thread(s): {seconds:.2} s", dataset.name);
            measured.push(Measured { label, threads, seconds, last });
        }
    }
    compare(dataset, &measured)?;
    Ok(tables(dataset, &measured))
}

/// Equal results first: speed of a wrong answer is worth nothing.
fn compare(dataset: &Dataset, measured: &[Measured]) -> Result<(), String> {
    let counts = |item: &Measured| Counts::from_json(&item.last["counts"]);
    let first = counts(&measured[0]);
    if let Some(other) = measured.iter().find(|item| counts(item) != first) {
        return Err(format!(
            "{}: the floor counts {first:?}, {} with {} threads {:?}",
            dataset.name,
            other.label,
            other.threads,
            counts(other)
        ));
    }
    let roots: Vec<_> =
        measured.iter().map(|item| &item.last["root"]).filter(|root| !root.is_null()).collect();
    match roots.windows(2).find(|pair| pair[0] != pair[1]) {
        Some(pair) => Err(format!("{}: manifest roots differ: {pair:?}", dataset.name)),
        None => Ok(()),
    }
}

fn tables(dataset: &Dataset, measured: &[Measured]) -> String {
    let counts = Counts::from_json(&measured[0].last["counts"]);
    let size = dataset.size_bytes().unwrap_or_default();
    let mut speed = Table::new(&[
        "step",
        "threads",
        "seconds",
        "blocks/s",
        "tx/s",
        "logs/s",
        "MB/s",
        "of floor",
        "of floor + recovery",
        "peak MB",
    ]);
    let seconds_of = |label: &str, threads: usize| {
        let found = measured.iter().find(|item| item.label == label && item.threads == threads);
        found.map_or(f64::NAN, |item| item.seconds)
    };
    for item in measured {
        let share = |label: &str| {
            format!("{:.0} %", 100.0 * seconds_of(label, item.threads) / item.seconds)
        };
        speed.push(vec![
            item.label.to_owned(),
            item.threads.to_string(),
            format!("{:.2}", item.seconds),
            rate(counts.blocks, item.seconds),
            rate(counts.transactions, item.seconds),
            rate(counts.logs, item.seconds),
            format!("{:.1}", size as f64 / 1e6 / item.seconds),
            share(STEPS[0].1),
            share(STEPS[1].1),
            megabytes(item.last["peak_bytes"].as_u64().unwrap_or_default()),
        ]);
    }
    format!(
        "### {}: {} blocks, {} transactions, {} logs, {} MB\n\n{}\n{}",
        dataset.name,
        thousands(counts.blocks),
        thousands(counts.transactions),
        thousands(counts.logs),
        megabytes(size),
        speed.to_markdown(),
        sizes(counts, measured)
    )
}

/// Bytes of Parquet per transaction, by table.
fn sizes(counts: Counts, measured: &[Measured]) -> String {
    let mut table = Table::new(&["table", "rows", "bytes", "bytes/row", "bytes/tx"]);
    let per = |bytes: u64, count: u64| format!("{:.1}", bytes as f64 / count.max(1) as f64);
    let mut total = 0;
    let last = measured.last().and_then(|item| item.last["tables"].as_object());
    for (name, entry) in last.into_iter().flatten() {
        let at = |index: usize| entry[index].as_u64().unwrap_or_default();
        total += at(1);
        table.push(vec![
            name.clone(),
            thousands(at(0)),
            thousands(at(1)),
            per(at(1), at(0)),
            per(at(1), counts.transactions),
        ]);
    }
    table.push(vec![
        "all".into(),
        String::new(),
        thousands(total),
        String::new(),
        per(total, counts.transactions),
    ]);
    table.to_markdown()
}
