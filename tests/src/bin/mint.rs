//! `mint`: writes a made-up chain to a file. See `--help`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]
#![allow(clippy::disallowed_methods, reason = "reports how long it took")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use tests::mint::{Content, Format, MintConfig, mint_file};

const HELP: &str = "\
Writes a valid, made-up EVM chain to a file. The same arguments give the same bytes.

Usage: mint --out FILE [options]

  --out FILE           the file; a name ending in .gz is gzipped (ndjson, rlp)
  --format FORMAT      era1 | rlp | ndjson                               [ndjson]
  --blocks N           number of blocks                                     [100]
  --first-block N      number of the first; 0 makes it a genesis block        [0]
  --txs-per-block M    transactions per block (mixed: the average)           [10]
  --logs-per-tx K      logs per transaction (mixed: about the average)        [2]
  --content CONTENT    mixed (everything a fork allows) | transfers       [mixed]
  --forks SCHEDULE     a fork for all blocks, `all` (8 blocks each), or
                       FORK@BLOCK,FORK@BLOCK,…          [osaka; era1: arrow-glacier]
  --chain-id N         chain id of signatures                              [1337]
  --seed S             same seed, same chain                                  [1]
  --receipts FILE      also write blocks and receipts as NDJSON (for rlp)
  --truth FILE         also write counts and balances as JSON

Examples:
  mint --out mixed.ndjson.gz --forks all --blocks 136 --truth truth.json
  mint --out big.era1 --format era1 --content transfers --blocks 8192 --txs-per-block 600 --logs-per-tx 1
  mint --out chain.rlp --format rlp --forks london@0,paris@50,osaka@60 --receipts receipts.ndjson.gz
";

struct Arguments {
    config: MintConfig,
    format: Format,
    out: PathBuf,
    receipts: Option<PathBuf>,
    truth: Option<PathBuf>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut config = MintConfig::default();
    let mut format = Format::Ndjson;
    let (mut out, mut receipts, mut truth, mut forks) = (None, None, None, None);
    while let Some(option) = words.next() {
        let mut value = || words.next().ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--out" => out = Some(PathBuf::from(value()?)),
            "--receipts" => receipts = Some(PathBuf::from(value()?)),
            "--truth" => truth = Some(PathBuf::from(value()?)),
            "--format" => format = value()?.parse()?,
            "--forks" => forks = Some(value()?.parse()?),
            "--content" => {
                config.content = match value()?.as_str() {
                    "mixed" => Content::Mixed,
                    "transfers" => Content::Transfers,
                    other => return Err(format!("unknown content {other:?}")),
                }
            }
            "--blocks" => config.block_count = number(&option, &value()?)?,
            "--first-block" => config.first_block = number(&option, &value()?)?,
            "--txs-per-block" => config.transactions_per_block = number(&option, &value()?)?,
            "--logs-per-tx" => config.logs_per_transaction = number(&option, &value()?)?,
            "--chain-id" => config.chain_id = number(&option, &value()?)?,
            "--seed" => config.seed = number(&option, &value()?)?,
            _ => return Err(format!("unknown option {option:?}")),
        }
    }
    match forks {
        Some(schedule) => config.schedule = schedule,
        None if format == Format::Era1 => config.schedule = "arrow-glacier".parse()?,
        None => {}
    }
    let out = out.ok_or("--out FILE is missing")?;
    Ok(Arguments { config, format, out, receipts, truth })
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    /// Keeps every sum that the generator makes of counts far from overflow.
    const NUMBER_MAX: u64 = 1 << 40;
    match text.replace('_', "").parse() {
        Ok(number) if number <= NUMBER_MAX => Ok(number),
        _ => Err(format!("{option} is {text:?}, expected a number up to {NUMBER_MAX}")),
    }
}

fn run(arguments: Arguments) -> std::io::Result<()> {
    const PROGRESS_EVERY_BLOCKS: u64 = 1000;
    let started = Instant::now();
    let Arguments { config, format, out, receipts, truth } = arguments;
    let total = config.block_count;
    let mut done = 0;
    let counted = mint_file(config, format, &out, receipts.as_deref(), |_| {
        done += 1;
        if done % PROGRESS_EVERY_BLOCKS == 0 {
            eprintln!("{done} of {total} blocks, {:.0} s", started.elapsed().as_secs_f64());
        }
    })?;
    if let Some(path) = truth {
        std::fs::write(path, counted.to_json())?;
    }
    println!(
        "{}: {} blocks, {} transactions, {} logs, {} bytes, {:.1} s",
        out.display(),
        counted.block_count,
        counted.transaction_count,
        counted.log_count,
        std::fs::metadata(&out)?.len(),
        started.elapsed().as_secs_f64(),
    );
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let arguments = match parse(words.into_iter()) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("mint: {message}; see mint --help");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mint: {error}");
            ExitCode::FAILURE
        }
    }
}
