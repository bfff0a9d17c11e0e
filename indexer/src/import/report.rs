//! What an import tells its caller while it runs and when it is done.

use schemas::BlockNumber;

/// Refused blocks whose reason is kept; more are counted only.
pub const REFUSED_LISTED_MAX: usize = 1_000;

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Blocks handled, new or known.
    pub blocks: u64,
    /// Transactions of new blocks.
    pub transactions: u64,
    /// Logs of new blocks.
    pub logs: u64,
    /// Bytes read of all files, as stored on disk.
    pub bytes_read: u64,
    /// Size of all files.
    pub bytes_total: u64,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// New blocks, now stored.
    pub blocks_stored: u64,
    /// Blocks that were stored before, with the same hash.
    pub blocks_known: u64,
    /// Of the known blocks, those whose receipts were added: the files held all blocks of their segment.
    pub blocks_upgraded: u64,
    /// Logs that came with them.
    pub logs_upgraded: u64,
    /// Of the known blocks, those whose receipts the files hold and the store still does not.
    pub blocks_known_without_receipts: u64,
    /// Transactions of the new blocks.
    pub transactions: u64,
    /// Logs of the new blocks.
    pub logs: u64,
    /// Segments written.
    pub segments: u64,
    /// New blocks that are not final yet, in the hot tail.
    pub hot_blocks: u64,
    /// Blocks and files that were refused, and why: the first [`REFUSED_LISTED_MAX`].
    pub refused: Vec<(Option<BlockNumber>, String)>,
    /// Number of all that were refused.
    pub refused_count: u64,
}

impl ImportReport {
    pub(super) fn refuse(&mut self, number: Option<BlockNumber>, reason: String) {
        self.refused_count += 1;
        if self.refused.len() < REFUSED_LISTED_MAX {
            self.refused.push((number, reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_up_to_the_limit_and_counted_past_it() {
        let mut report = ImportReport::default();
        for number in 0..=REFUSED_LISTED_MAX as u64 {
            report.refuse(Some(number), "reason".to_owned());
        }
        assert_eq!(report.refused.len(), REFUSED_LISTED_MAX);
        assert_eq!(report.refused_count, REFUSED_LISTED_MAX as u64 + 1);
    }
}
