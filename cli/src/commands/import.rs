//! `ergosql import`: files in, verified blocks stored.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use indexer::{ImportOptions, ImportReport};
use storage::Store;

use crate::config::{Config, check_network_name};
use crate::progress::ImportProgress;
use crate::service::open_store;

/// Refused blocks that are printed; the rest is counted.
const REFUSED_LINES_MAX: usize = 20;

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Files are told apart by content: ERA1 archives, RLP chains (geth export, with genesis.json beside them),
and NDJSON of JSON-RPC replies, one {\"block\": …, \"receipts\": […]} a line, plain or gzip.
Every block is verified before it is stored; a block that fails is refused and named, the others stay.

Examples:
  ergosql import --network ethereum mainnet-00000-5ec1ffb8.era1
  ergosql import --network test --genesis genesis.json --receipts receipts.ndjson.gz chain.rlp
  ergosql import --network ethereum blocks.ndjson.gz more.ndjson.gz")]
pub(super) struct ImportArguments {
    /// Network to import into; made when it does not exist
    #[arg(long, value_name = "NAME")]
    network: String,
    /// genesis.json for RLP chains [default: beside the file]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// NDJSON with the receipts of an RLP chain
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Threads that verify [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Block files, in chain order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(arguments: &ImportArguments, config: &Config) -> anyhow::Result<()> {
    check_network_name(&arguments.network)?;
    let store = open_store(config)?;
    let network = config.network(&arguments.network);
    indexer::ensure_network(&store, &network.name, &network.family, network.chain_id)?;
    let mut options = ImportOptions {
        confirmations: network.confirmations,
        genesis: arguments.genesis.clone(),
        receipts: arguments.receipts.clone(),
        ..ImportOptions::default()
    };
    if let Some(threads) = arguments.threads {
        options.threads = usize::from(threads);
    }
    import_with_progress(&store, &network.name, &arguments.files, &options)
}

/// Imports, shows progress, and prints what came of it.
///
/// # Errors
/// When blocks or files were refused; everything else is stored then.
pub(super) fn import_with_progress(
    store: &Store,
    network: &str,
    files: &[PathBuf],
    options: &ImportOptions,
) -> anyhow::Result<()> {
    let progress = ImportProgress::new();
    let result = indexer::import(store, network, files, options, &|now| progress.update(now));
    progress.finish();
    let report = result?;
    print_summary(network, &report, progress.elapsed());
    match report.refused.as_slice() {
        [] => Ok(()),
        [(_, text)] if report.refused_count == 1 => bail!("{text}"),
        several => {
            for (_, text) in several.iter().take(REFUSED_LINES_MAX) {
                eprintln!("refused: {text}");
            }
            bail!(
                "{} blocks or files were refused; everything else is stored",
                report.refused_count
            )
        }
    }
}

fn print_summary(network: &str, report: &ImportReport, elapsed: Duration) {
    if report.blocks_stored + report.blocks_known == 0 {
        return;
    }
    println!(
        "{network}: {} blocks stored, {} already there, {} refused; {} transactions, {} logs in {:.1} s",
        report.blocks_stored,
        report.blocks_known,
        report.refused_count,
        report.transactions,
        report.logs,
        elapsed.as_secs_f64(),
    );
    if report.blocks_upgraded > 0 {
        println!(
            "{} of the blocks already there got their receipts, with {} logs",
            report.blocks_upgraded, report.logs_upgraded
        );
    }
    if report.blocks_known_without_receipts > 0 {
        println!(
            "{} of the blocks already there are stored without receipts, which this file has: \
             import it into a new network to get their logs",
            report.blocks_known_without_receipts
        );
    }
}
