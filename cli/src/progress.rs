//! Progress of an import: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use schemas::{Clock, SystemClock};

/// Seconds between plain lines.
const LINE_INTERVAL_S: u64 = 5;

/// Shows how far an import is.
pub(crate) struct ImportProgress {
    bar: Option<ProgressBar>,
    clock: SystemClock,
    next_line_s: AtomicU64,
}

impl ImportProgress {
    /// A bar when standard error is a terminal.
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} ETA {eta} {msg}",
            )
            .expect("the template is a constant that parses");
            let bar = ProgressBar::new(0).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, clock: SystemClock::new(), next_line_s: AtomicU64::new(LINE_INTERVAL_S) }
    }

    /// Called by the importer as often as it likes.
    pub(crate) fn update(&self, progress: &indexer::Progress) {
        let text = format!(
            "{} blocks, {} transactions, {} logs",
            progress.blocks, progress.transactions, progress.logs
        );
        if let Some(bar) = &self.bar {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes_read);
            bar.set_message(text);
            return;
        }
        let elapsed_s = self.clock.monotonic().as_secs();
        let due_s = self.next_line_s.load(Ordering::Relaxed);
        if elapsed_s >= due_s {
            self.next_line_s.store(elapsed_s + LINE_INTERVAL_S, Ordering::Relaxed);
            let percent = progress.bytes_read * 100 / progress.bytes_total.max(1);
            eprintln!("{percent:3} %  {text}");
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }
}
