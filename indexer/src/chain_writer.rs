//! Puts blocks in their place: sealed when final, hot when not, nowhere when they do not fit.
//!
//! ```text
//! push ─> fits the stored neighbours? ─> tail ──final──> segment writer ──cut──> commit
//!                                          └──end of import──> hot tail ──────────┘
//! ```
//!
//! Invariants
//! - A block that is stored already changes nothing.
//! - Segments end where [`CutRule`] says, at a gap, at a change of level, and at the end of an import.

use std::sync::Arc;

use schemas::tables::evm;
use schemas::{BlockNumber, TableSpec, VerificationLevel};
use storage::{
    BlockRecord, ChainSnapshot, Commit, SealedSegment, SegmentWriter, StorageError, Store,
};

use crate::cut::{CutRule, SegmentSize};
use crate::rows::{Rows, Run};
use crate::tail::{Offer, Tail, TailBlock};

/// What became of a pushed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is new, and will be visible with the commit of its segment or of the tail.
    New,
    /// It is stored, at this level.
    Known(VerificationLevel),
    /// It contradicts a sealed block of the same number, so it is of another chain.
    OtherChain(String),
    /// It does not fit a stored neighbour.
    Unlinked(String),
}

/// Totals of what was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) segments: u64,
    pub(crate) hot_blocks: u64,
    pub(crate) upgraded_blocks: u64,
    /// Logs of the upgraded blocks.
    pub(crate) upgraded_logs: u64,
}

/// A stored segment that is written again.
struct Upgrade {
    writer: SegmentWriter,
    run: Option<Run>,
    /// Number of the block that comes next.
    next: BlockNumber,
}

impl Upgrade {
    fn new(writer: SegmentWriter, next: BlockNumber) -> Self {
        Self { writer, run: None, next }
    }

    fn push(mut self, rows: &Arc<Rows>, position: usize) -> Result<Self, StorageError> {
        self.next += 1;
        if !self.run.as_mut().is_some_and(|run| run.extend(rows, position)) {
            self.append_run()?;
            self.run = Some(Run::new(rows, position));
        }
        Ok(self)
    }

    fn finish(mut self) -> Result<SealedSegment, StorageError> {
        self.append_run()?;
        self.writer.finish()
    }

    fn append_run(&mut self) -> Result<(), StorageError> {
        match self.run.take() {
            Some(run) => run.append_to(&mut self.writer),
            None => Ok(()),
        }
    }
}

/// Writes blocks of one network during one import.
pub(crate) struct ChainWriter<'a> {
    store: &'a Store,
    network: &'a str,
    tables: &'static [&'static TableSpec],
    cut: CutRule,
    confirmations: u64,
    snapshot: Arc<ChainSnapshot>,
    tail: Tail,
    open: Option<SegmentWriter>,
    /// Blocks of the open segment that its writer has not yet.
    run: Option<Run>,
    /// The open segment with the run.
    open_size: SegmentSize,
    /// A stored segment whose blocks come again, verified further.
    upgrade: Option<Upgrade>,
    written: Written,
}

impl<'a> ChainWriter<'a> {
    pub(crate) fn new(
        store: &'a Store,
        network: &'a str,
        tables: &'static [&'static TableSpec],
        cut: CutRule,
        confirmations: u64,
    ) -> Result<Self, StorageError> {
        let snapshot = store.snapshot(network)?;
        let mut hot = Vec::new();
        for block in snapshot.hot_blocks() {
            let rows = Rows::new(tables, vec![block.record.clone()], block.batches.clone())?;
            hot.push(TailBlock { rows: Arc::new(rows), position: 0, stored: true });
        }
        let tail = Tail::new(hot, snapshot.extent().map(|extent| extent.last()));
        let (open, run, upgrade) = (None, None, None);
        let (open_size, written) = (SegmentSize::default(), Written::default());
        Ok(Self {
            store,
            network,
            tables,
            cut,
            confirmations,
            snapshot,
            tail,
            open,
            run,
            open_size,
            upgrade,
            written,
        })
    }

    /// The view as of the last commit of this writer.
    pub(crate) fn snapshot(&self) -> &Arc<ChainSnapshot> {
        &self.snapshot
    }

    /// Takes a verified block; `is_final` when its source is final as a whole.
    pub(crate) fn push(
        &mut self,
        rows: &Arc<Rows>,
        position: usize,
        is_final: bool,
    ) -> Result<Pushed, StorageError> {
        let record = rows.record(position);
        if let Some(known) = self.sealed(record)? {
            if matches!(known, Pushed::Known(level) if level < record.level) {
                self.upgrade(rows, position)?;
            }
            return Ok(known);
        }
        if let Some(detail) = self.conflict(record) {
            return Ok(Pushed::Unlinked(detail));
        }
        let block = TailBlock { rows: rows.clone(), position, stored: false };
        match self.tail.offer(block) {
            Offer::Known => return Ok(Pushed::Known(record.level)),
            Offer::Unlinked(detail) => return Ok(Pushed::Unlinked(detail)),
            Offer::Taken => {}
        }
        self.seal_final(is_final.then_some(record.number))?;
        Ok(Pushed::New)
    }

    /// Notes a block that was found stored before it came here.
    pub(crate) fn known(
        &mut self,
        number: BlockNumber,
        is_final: bool,
    ) -> Result<(), StorageError> {
        self.tail.seen(number);
        self.seal_final(is_final.then_some(number))
    }

    /// Seals what is open and puts what is not final into the hot tail, in one commit.
    pub(crate) fn finish(mut self) -> Result<Written, StorageError> {
        self.append_run()?;
        let seal: Vec<SealedSegment> =
            self.open.take().map(SegmentWriter::finish).transpose()?.into_iter().collect();
        let (left, hot_drop) = std::mem::take(&mut self.tail).finish();
        let hot_put: Vec<_> = left
            .iter()
            .filter(|block| !block.stored)
            .map(|block| block.rows.hot_block(block.position))
            .collect();
        if seal.is_empty() && hot_put.is_empty() && hot_drop.is_empty() {
            return Ok(self.written);
        }
        self.written.segments += seal.len() as u64;
        self.written.hot_blocks = hot_put.len() as u64;
        self.store.commit(self.network, Commit { seal, hot_put, hot_drop })?;
        Ok(self.written)
    }

    /// What is known about a sealed block of the same number, committed or about to be.
    fn sealed(&self, record: &BlockRecord) -> Result<Option<Pushed>, StorageError> {
        let number = record.number;
        let open = self.open_record(number);
        let (hash, level) = match (open, self.snapshot.segment(number)) {
            (Some(open), _) => (open.hash, open.level),
            (None, Some(segment)) => {
                let Some(hash) = self.snapshot.block_hash(number)? else { return Ok(None) };
                (hash, segment.level)
            }
            (None, None) => return Ok(None),
        };
        if hash == record.hash {
            return Ok(Some(Pushed::Known(level)));
        }
        let detail = format!("hash is {}, stored block is {hash}", record.hash);
        Ok(Some(Pushed::OtherChain(detail)))
    }

    /// Why a sealed neighbour excludes the block, if one does.
    fn conflict(&self, record: &BlockRecord) -> Option<String> {
        if let Some(conflict) = self.snapshot.sealed_conflict(record) {
            return Some(conflict);
        }
        let number = record.number;
        if let Some(below) = number.checked_sub(1).and_then(|below| self.open_record(below))
            && below.hash != record.parent_hash
        {
            let (parent, stored) = (record.parent_hash, below.hash);
            return Some(format!("parent is {parent}, block {} is {stored}", below.number));
        }
        let above = self.open_record(number + 1)?;
        (above.parent_hash != record.hash).then(|| {
            let (hash, parent) = (record.hash, above.parent_hash);
            format!("hash is {hash}, block {} has parent {parent}", above.number)
        })
    }

    /// A block of the open segment.
    fn open_record(&self, number: BlockNumber) -> Option<&BlockRecord> {
        let in_run = self.run.as_ref().and_then(|run| run.record(number));
        in_run.or_else(|| self.open.as_ref()?.record(number))
    }

    fn seal_final(&mut self, final_to: Option<BlockNumber>) -> Result<(), StorageError> {
        for block in self.tail.take_final(self.confirmations, final_to) {
            let record = block.record();
            let below = record.number.checked_sub(1).and_then(|below| self.open_record(below));
            let follows = below.is_some_and(|below| {
                below.hash == record.parent_hash && below.level == record.level
            });
            if !follows {
                self.cut()?;
            }
            let extent = block.rows.extent(block.position);
            self.open_size.add(extent.row_count, extent.size_bytes);
            if !self.run.as_mut().is_some_and(|run| run.extend(&block.rows, block.position)) {
                self.append_run()?;
                self.run = Some(Run::new(&block.rows, block.position));
            }
            if self.cut.is_full(self.open_size) {
                self.cut()?;
            }
        }
        Ok(())
    }

    /// Hands the run to the writer of the open segment.
    fn append_run(&mut self) -> Result<(), StorageError> {
        let Some(run) = self.run.take() else { return Ok(()) };
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.writer(run.first())?,
        };
        run.append_to(&mut open)?;
        self.open = Some(open);
        Ok(())
    }

    /// Takes a block of a sealed segment again, verified further. Once all blocks of the segment came in
    /// order, the segment is replaced; until then nothing changes.
    fn upgrade(&mut self, rows: &Arc<Rows>, position: usize) -> Result<(), StorageError> {
        let number = rows.record(position).number;
        let Some(segment) = self.snapshot.segment(number) else { return Ok(()) };
        let range = segment.range;
        if number == range.first() {
            self.upgrade = Some(Upgrade::new(self.writer(number)?, number));
        }
        let Some(upgrade) = self.upgrade.take_if(|upgrade| upgrade.next == number) else {
            return Ok(());
        };
        let upgrade = upgrade.push(rows, position)?;
        if number < range.last() {
            self.upgrade = Some(upgrade);
            return Ok(());
        }
        let sealed = upgrade.finish()?;
        self.written.upgraded_blocks += range.block_count();
        let files = &sealed.segment().files;
        let logs = files.iter().filter(|file| file.table == evm::LOGS.name);
        self.written.upgraded_logs += logs.map(|file| file.row_count).sum::<u64>();
        self.seal(sealed)
    }

    fn writer(&self, first: BlockNumber) -> Result<SegmentWriter, StorageError> {
        self.store.segment_writer(self.network, self.tables, first)
    }

    /// Ends the open segment and commits it.
    fn cut(&mut self) -> Result<(), StorageError> {
        self.append_run()?;
        self.open_size = SegmentSize::default();
        let Some(open) = self.open.take() else { return Ok(()) };
        self.written.segments += 1;
        self.seal(open.finish()?)
    }

    fn seal(&mut self, segment: SealedSegment) -> Result<(), StorageError> {
        self.store.commit(self.network, Commit { seal: vec![segment], ..Commit::default() })?;
        self.snapshot = self.store.snapshot(self.network)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::ensure_network;
    use crate::testing::{TABLES, hash, record, rows};
    use schemas::BlockRange;

    const CUT: CutRule = CutRule { blocks: 4, rows: 100, size_bytes: 10_000 };

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        ensure_network(&store, "net", "evm", None).unwrap();
        (dir, store)
    }

    /// Pushes blocks, `group` of them in one set of rows, and finishes.
    fn write(store: &Store, records: Vec<BlockRecord>, confirmations: u64, group: usize) {
        let mut writer = ChainWriter::new(store, "net", &TABLES, CUT, confirmations).unwrap();
        for records in records.chunks(group) {
            let rows = rows(records.to_vec());
            for position in 0..records.len() {
                writer.push(&rows, position, false).unwrap();
            }
        }
        writer.finish().unwrap();
    }

    fn chain(numbers: std::ops::Range<u64>) -> Vec<BlockRecord> {
        numbers.map(|number| record(number, 0, 0)).collect()
    }

    fn segments(store: &Store) -> Vec<(u64, u64)> {
        let snapshot = store.snapshot("net").unwrap();
        let ranges = snapshot.segments().iter().map(|s| (s.range.first(), s.range.last()));
        ranges.collect()
    }

    fn root(store: &Store) -> [u8; 32] {
        store.snapshot("net").unwrap().manifest_root()
    }

    #[test]
    fn final_blocks_are_sealed_in_cuts_and_the_rest_is_hot() {
        let (_dir, store) = store();
        write(&store, chain(0..13), 3, 5);
        assert_eq!(segments(&store), vec![(0, 3), (4, 7), (8, 9)]);
        let snapshot = store.snapshot("net").unwrap();
        let hot: Vec<_> = snapshot.hot_blocks().iter().map(|b| b.record.number).collect();
        assert_eq!(hot, vec![10, 11, 12]);
    }

    #[test]
    fn the_result_does_not_depend_on_how_blocks_are_grouped() {
        let roots: Vec<_> = [1, 2, 5, 40]
            .into_iter()
            .map(|group| {
                let (_dir, store) = store();
                write(&store, chain(0..40), 3, group);
                root(&store)
            })
            .collect();
        assert!(roots.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn importing_again_changes_nothing() {
        let (_dir, store) = store();
        write(&store, chain(0..13), 3, 5);
        let before = root(&store);
        write(&store, chain(0..13), 3, 4);
        assert_eq!(root(&store), before);
    }

    #[test]
    fn an_import_that_stopped_midway_ends_as_an_undisturbed_one() {
        let (_dir, whole) = store();
        write(&whole, chain(0..30), 3, 5);
        for stop in [0, 1, 5, 8, 17, 29] {
            let (_dir, store) = store();
            let mut writer = ChainWriter::new(&store, "net", &TABLES, CUT, 3).unwrap();
            let rows = rows(chain(0..30));
            for position in 0..stop {
                writer.push(&rows, position, false).unwrap();
            }
            drop(writer);
            write(&store, chain(0..30), 3, 5);
            assert_eq!(root(&store), root(&whole), "stopped before block {stop}");
        }
    }

    #[test]
    fn a_later_import_seals_hot_blocks_that_became_final() {
        let (_dir, store) = store();
        write(&store, chain(0..10), 5, 5);
        write(&store, chain(10..20), 5, 5);
        let snapshot = store.snapshot("net").unwrap();
        assert_eq!(segments(&store), vec![(0, 3), (4, 4), (5, 8), (9, 12), (13, 14)]);
        assert_eq!(snapshot.hot_blocks().len(), 5);
        assert_eq!(snapshot.gaps(), vec![]);
    }

    #[test]
    fn a_gap_starts_a_new_segment_and_can_be_filled_later() {
        let (_dir, store) = store();
        let mut scattered = chain(0..3);
        scattered.extend(chain(5..7));
        scattered.extend(chain(20..21));
        write(&store, scattered, 3, 10);
        assert_eq!(segments(&store), vec![(0, 2), (5, 6)]);
        let gaps = store.snapshot("net").unwrap().gaps();
        let range = |first, last| BlockRange::new(first, last).unwrap();
        assert_eq!(gaps, vec![range(3, 4), range(7, 19)]);
        write(&store, chain(2..8), 3, 10);
        assert_eq!(segments(&store), vec![(0, 2), (3, 4), (5, 6), (7, 7)]);
    }

    #[test]
    fn blocks_in_falling_order_are_stored_too() {
        let (_dir, store) = store();
        let mut falling = chain(0..10);
        falling.reverse();
        write(&store, falling, 3, 10);
        let snapshot = store.snapshot("net").unwrap();
        assert_eq!(snapshot.extent(), BlockRange::new(0, 9));
        assert_eq!(snapshot.gaps(), vec![]);
    }

    #[test]
    fn a_change_of_level_starts_a_new_segment() {
        let (_dir, store) = store();
        let mut records = chain(0..8);
        for record in &mut records[2..4] {
            record.level = VerificationLevel::Body;
        }
        write(&store, records, 3, 8);
        assert_eq!(segments(&store), vec![(0, 1), (2, 3), (4, 4)]);
    }

    #[test]
    fn segments_whose_blocks_all_come_again_verified_further_are_replaced() {
        let (_dir, store) = store();
        let mut lower = chain(0..10);
        lower.iter_mut().for_each(|record| record.level = VerificationLevel::Body);
        write(&store, lower, 2, 10);
        let before = segments(&store);
        assert_eq!(before, vec![(0, 3), (4, 7)]);
        write(&store, chain(2..10), 2, 3);
        let snapshot = store.snapshot("net").unwrap();
        assert_eq!(segments(&store), before);
        let levels: Vec<_> = snapshot.segments().iter().map(|segment| segment.level).collect();
        assert_eq!(levels, vec![VerificationLevel::Body, VerificationLevel::Receipts]);
        write(&store, chain(0..10), 2, 3);
        let ranges = store.snapshot("net").unwrap().ranges();
        assert!(ranges.iter().all(|range| range.level == VerificationLevel::Receipts));
    }

    #[test]
    fn a_block_that_contradicts_a_sealed_one_is_of_another_chain() {
        let (_dir, store) = store();
        write(&store, chain(0..10), 3, 10);
        let mut writer = ChainWriter::new(&store, "net", &TABLES, CUT, 3).unwrap();
        let fork = rows(vec![record(5, 1, 0), record(7, 1, 1), record(10, 1, 1)]);
        let Pushed::OtherChain(detail) = writer.push(&fork, 0, false).unwrap() else {
            panic!("block 5 is sealed with another hash");
        };
        assert_eq!(detail, format!("hash is {}, stored block is {}", hash(5, 1), hash(5, 0)));
        for position in [1, 2] {
            let pushed = writer.push(&fork, position, false).unwrap();
            assert!(matches!(pushed, Pushed::Unlinked(_)), "{pushed:?}");
        }
    }

    #[test]
    fn a_final_source_seals_at_once_and_what_lies_below() {
        let (_dir, store) = store();
        write(&store, chain(0..4), 3, 4);
        let mut writer = ChainWriter::new(&store, "net", &TABLES, CUT, 3).unwrap();
        let rows = rows(chain(4..6));
        for position in 0..2 {
            writer.push(&rows, position, true).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(segments(&store), vec![(0, 0), (1, 4), (5, 5)]);
        assert!(store.snapshot("net").unwrap().hot_blocks().is_empty());
    }
}
