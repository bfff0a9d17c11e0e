//! Import: block files in, verified rows stored.
//!
//! ```text
//! file ─groups of raw blocks─> queue ─> workers: verify, decode ─> in file order: links, segments, commit
//!   └──────── one thread reads and commits, and helps to verify when it has nothing else to do ───────┘
//! ```
//!
//! Invariants
//! - Blocks are written in file order whatever order the workers finish in, so the result does not
//!   depend on the number of threads.
//! - What is in flight is bounded by [`IN_FLIGHT_BYTES_MAX`] and [`GROUPS_PER_THREAD`], so memory does
//!   not grow with the file.
//! - A refused block leaves nothing behind; the blocks around it are stored.

mod file;
mod group;
mod queue;
mod report;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use schemas::ErrorKind;
use schemas::tables::evm::TABLES;
use storage::{ChainSnapshot, StorageError, Store};

use self::file::FileImport;
use self::group::{Group, RawGroup, decode};
use self::queue::{CloseOnDrop, Queue};
use crate::chain_writer::ChainWriter;
use crate::cut::CutRule;
use crate::network::Binding;

pub use self::report::{ImportReport, Progress, REFUSED_LISTED_MAX};

/// Blocks that make a file's block final, where the network does not say otherwise.
pub const CONFIRMATIONS_DEFAULT: u64 = 64;

/// A worker takes this many blocks at a time, or fewer when they are large.
const GROUP_BLOCKS: usize = 128;
/// A worker takes blocks of this many bytes at a time, and always one block.
const GROUP_BYTES: usize = 512 << 10;
/// Groups in flight for each thread.
const GROUPS_PER_THREAD: usize = 4;
/// Raw bytes in flight; verified and decoded they take several times that. One block is always let in.
const IN_FLIGHT_BYTES_MAX: usize = 16 << 20;

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Threads that verify, decode and write; at least 1.
    pub threads: usize,
    /// Later blocks that make a block final where the file is not final as a whole.
    pub confirmations: u64,
    /// `genesis.json` of RLP chains; without it, the one beside the file.
    pub genesis: Option<PathBuf>,
    /// Receipts of RLP chains, as NDJSON.
    pub receipts: Option<PathBuf>,
    /// Where segments end.
    pub cut: CutRule,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            threads: thread::available_parallelism().map_or(1, NonZero::get),
            confirmations: CONFIRMATIONS_DEFAULT,
            genesis: None,
            receipts: None,
            cut: CutRule::default(),
        }
    }
}

/// Why an import stopped. What was committed before stays; the next import continues there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No file format of this family is known.
    #[error("network \"{network}\" is of family {family}, whose files cannot be imported")]
    Family {
        /// Name of the network.
        network: String,
        /// Its family.
        family: String,
    },
    /// The store refused: see its kind.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ImportError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Family { .. } => ErrorKind::Invalid,
            Self::Storage(error) => error.kind(),
        }
    }
}

/// Imports `files` in the order given into an existing network.
///
/// Blocks and files that are refused are in the report; they do not stop the import. `progress` is
/// called about once per group of blocks.
///
/// # Errors
/// When the network does not exist or the store refuses.
#[tracing::instrument(name = "import", skip_all, err, fields(network, files = files.len()))]
pub fn import(
    store: &Store,
    network: &str,
    files: &[PathBuf],
    options: &ImportOptions,
    progress: &dyn Fn(&Progress),
) -> Result<ImportReport, ImportError> {
    let snapshot = store.snapshot(network)?;
    let family = &snapshot.network().family;
    if family != "evm" {
        let (network, family) = (network.to_owned(), family.clone());
        return Err(ImportError::Family { network, family });
    }
    let writer = ChainWriter::new(store, network, &TABLES, options.cut, options.confirmations)?;
    let queue = Queue::new();
    let (done, results) = mpsc::channel();
    thread::scope(|scope| {
        let close = CloseOnDrop(&queue);
        for _ in 1..options.threads {
            let (queue, done) = (&queue, done.clone());
            scope.spawn(move || work(queue, &done));
        }
        drop(done);
        let mut run = Run {
            store,
            options,
            progress,
            pool: Pool { queue: &queue, results, threads: options.threads.max(1) },
            writer,
            binding: Binding::new(snapshot.network().clone()),
            report: ImportReport::default(),
            now: Progress { bytes_total: total_bytes(files), ..Progress::default() },
        };
        for path in files {
            FileImport::run(&mut run, path)?;
        }
        let written = run.writer.finish()?;
        drop(close);
        run.report.segments = written.segments;
        run.report.hot_blocks = written.hot_blocks;
        run.report.blocks_upgraded = written.upgraded_blocks;
        run.report.logs_upgraded = written.upgraded_logs;
        run.report.blocks_known_without_receipts -= written.upgraded_blocks;
        Ok(run.report)
    })
}

/// State of one import over all its files.
struct Run<'a> {
    store: &'a Store,
    options: &'a ImportOptions,
    progress: &'a dyn Fn(&Progress),
    pool: Pool<'a>,
    writer: ChainWriter<'a>,
    binding: Binding,
    report: ImportReport,
    now: Progress,
}

type Job = (RawGroup, Arc<ChainSnapshot>);

/// The workers as the committing thread sees them.
struct Pool<'a> {
    queue: &'a Queue<Job>,
    results: mpsc::Receiver<Result<Group, StorageError>>,
    threads: usize,
}

impl Pool<'_> {
    /// Gives the result of some job that is in flight, after working on one itself if none is ready.
    fn next(&self) -> Result<Group, StorageError> {
        if let Ok(result) = self.results.try_recv() {
            return result;
        }
        match self.queue.try_pop() {
            Some((group, snapshot)) => decode(group, &snapshot),
            // Every job is with a worker; one that panics closes the queue, and the channel with it.
            None => self.results.recv().expect("a worker panicked, and its panic is reported"),
        }
    }
}

fn work(queue: &Queue<Job>, done: &mpsc::Sender<Result<Group, StorageError>>) {
    let _close = CloseOnDrop(queue);
    while let Some((group, snapshot)) = queue.pop() {
        if done.send(decode(group, &snapshot)).is_err() {
            return;
        }
    }
}

/// Size of the files that can be read; the others are reported when they are opened.
fn total_bytes(files: &[PathBuf]) -> u64 {
    files.iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum()
}
