//! `bench`: prints our figures beside the floor. See `--help`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use benches::dataset::Dataset;
use benches::{child, dataset, ingest, lookup, wire};
use serde_json::Value;

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
Prints our figures beside the floor, on the same data, in one run. What the floor is: benches/src/floor.rs.

Usage: bench [ingest] [lookup] [wire] [options]

  ingest               import, with one and two threads, beside the floor
  lookup               a transaction by its hash, and SELECT 1
  wire                 lookups by pgbench and rows to a client, beside PostgreSQL 15
                       (none named: ingest and lookup)
  --quick              a tenth of the data, one repeat; for trying things out
  --repeats N          times that each ingest step runs; the median counts         [3]
  --transactions N     transactions to look up in                            [5000000]
  --keys N             transactions that are looked up through the wire         [4000]
  --seconds N          time of each pgbench run                                   [15]
  --folder DIR         where data is minted; kept                [a temporary folder]

Examples:
  make bench
  make bench BENCH_ARGS=--quick
  cargo run --release --bin bench -- lookup --transactions 1000000
";

struct Options {
    ingest: bool,
    lookup: bool,
    wire: bool,
    quick: bool,
    repeats: usize,
    transactions: Option<u64>,
    keys: u64,
    seconds: u64,
    folder: Option<PathBuf>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        ingest: false,
        lookup: false,
        wire: false,
        quick: false,
        repeats: 3,
        transactions: None,
        keys: 4_000,
        seconds: 15,
        folder: None,
    };
    let mut repeats = None;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "ingest" => options.ingest = true,
            "lookup" => options.lookup = true,
            "wire" => options.wire = true,
            "--quick" => options.quick = true,
            "--repeats" => repeats = Some(number(&word, &value()?)?),
            "--transactions" => options.transactions = Some(number(&word, &value()?)?),
            "--keys" => options.keys = number(&word, &value()?)?,
            "--seconds" => options.seconds = number(&word, &value()?)?,
            "--folder" => options.folder = Some(value()?.into()),
            _ => return Err(format!("unknown option {word:?}")),
        }
    }
    if !options.ingest && !options.lookup && !options.wire {
        (options.ingest, options.lookup) = (true, true);
    }
    options.repeats = match repeats {
        Some(repeats) => usize::try_from(repeats).map_err(|error| error.to_string())?,
        None if options.quick => 1,
        None => 3,
    };
    Ok(options)
}

/// A number from 1 up.
fn number(option: &str, text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{option} is {text:?}, expected a number from 1 up")),
    }
}

fn run(options: &Options) -> Result<(), String> {
    let (scale, transactions, lookups) =
        if options.quick { (1, 200_000, 200) } else { (10, 5_000_000, 2_000) };
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = options.folder.as_deref().unwrap_or(temporary.path());
    let mut report = format!("machine: {}\n\n", machine());
    if options.ingest {
        let mut datasets: Vec<_> = dataset::recorded().into_iter().collect();
        if datasets.is_empty() {
            eprintln!("skipped: no recorded chain");
        }
        datasets.extend(dataset::minted(folder, scale).map_err(|error| error.to_string())?);
        for dataset in &datasets {
            report += &ingest::run(dataset, options.repeats)?;
            report.push('\n');
        }
    }
    if options.lookup {
        let transactions = options.transactions.unwrap_or(transactions);
        report += &lookup::run(&folder.join("lookup"), transactions, lookups)?;
    }
    if options.wire {
        let transactions = options.transactions.unwrap_or(transactions);
        let sizes = wire::Sizes { transactions, keys: options.keys, seconds: options.seconds };
        report += &wire::run(&folder.join("lookup"), sizes)?;
    }
    println!("{report}");
    Ok(())
}

/// Processor, number of threads it runs, memory.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split(':').nth(1)).unwrap_or("unknown").trim().to_owned()
    };
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    let (processor, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let load = read("/proc/loadavg");
    format!(
        "{}, {threads} threads, {} memory, load {}",
        field(&processor, "model name"),
        field(&memory, "MemTotal"),
        load.split(' ').next().unwrap_or("unknown"),
    )
}

/// One measurement, in a process of its own.
fn run_child(arguments: &[String]) -> Result<Value, String> {
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let dataset = |from: usize| {
        Dataset::from_arguments(&arguments[from..]).ok_or("a child needs a data set".to_owned())
    };
    match words.as_slice() {
        ["ingest", step, threads, ..] => {
            let threads = threads.parse().map_err(|_| "a child needs a number of threads")?;
            ingest::measure(step, threads, &dataset(3)?)
        }
        ["lookup-import", data, ..] => lookup::import(Path::new(data), &dataset(2)?),
        ["lookup", data, samples] => lookup::measure(Path::new(data), Path::new(samples)),
        _ => Err(format!("unknown measurement {words:?}")),
    }
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if let [child, serve, data] = words.as_slice()
        && child == child::CHILD
        && serve == wire::SERVE
    {
        return ended(wire::serve(Path::new(data)));
    }
    if words.first().is_some_and(|word| word == child::CHILD) {
        return match run_child(&words[1..]) {
            Ok(figures) => {
                println!("{figures}");
                ExitCode::SUCCESS
            }
            Err(message) => {
                eprintln!("{message}");
                ExitCode::FAILURE
            }
        };
    }
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let options = match parse(words.into_iter()) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("bench: {message}; see bench --help");
            return ExitCode::from(2);
        }
    };
    ended(run(&options))
}

fn ended(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}
