//! One file of an import: reads groups, keeps the workers busy, and takes their results in file order.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use node_lite::evm::{BlockFile, FileKind, FileOptions, SourceError, VerifiedBlock};
use schemas::VerificationLevel;
use storage::StorageError;

use super::group::{Group, Item, RawGroup};
use super::{GROUP_BLOCKS, GROUP_BYTES, GROUPS_PER_THREAD, IN_FLIGHT_BYTES_MAX, Run};
use crate::chain_writer::Pushed;
use crate::rows::Rows;

/// A file that is being imported.
pub(super) struct FileImport<'r, 'a> {
    run: &'r mut Run<'a>,
    file: BlockFile,
    /// Bytes of the files before.
    bytes_before: u64,
    /// Groups read so far; the index of the next one.
    read: u64,
    /// Groups handled so far; the index of the next one.
    handled: u64,
    in_flight_bytes: usize,
    /// Results that wait for an earlier group.
    waiting: BTreeMap<u64, Group>,
    /// Nothing more is read, and nothing more is stored when `stopped` too.
    at_end: bool,
    stopped: bool,
    /// Some block of the file was stored before, so the file is of this network's chain.
    agrees: bool,
}

impl<'r, 'a> FileImport<'r, 'a> {
    /// Imports one file; what is wrong with it goes into the report.
    pub(super) fn run(run: &'r mut Run<'a>, path: &Path) -> Result<(), StorageError> {
        let options = FileOptions {
            genesis: run.options.genesis.clone(),
            receipts: run.options.receipts.clone(),
        };
        let file = match BlockFile::open(path, &options) {
            Ok(file) => file,
            Err(error) => {
                run.report.refuse(None, with_causes(&error));
                return Ok(());
            }
        };
        let bytes_before = run.now.bytes_read;
        let mut import = FileImport {
            run,
            file,
            bytes_before,
            read: 0,
            handled: 0,
            in_flight_bytes: 0,
            waiting: BTreeMap::new(),
            at_end: false,
            stopped: false,
            agrees: false,
        };
        import.all_groups()
    }

    fn all_groups(&mut self) -> Result<(), StorageError> {
        loop {
            while let Some(group) = self.waiting.remove(&self.handled) {
                self.handled += 1;
                self.in_flight_bytes -= group.size_bytes;
                self.handle(group)?;
            }
            if !self.at_end && self.has_room() {
                if let Some(group) = self.read_group() {
                    self.in_flight_bytes += group.size_bytes;
                    let snapshot = self.run.writer.snapshot().clone();
                    self.run.pool.queue.push((group, snapshot));
                }
            } else if self.handled < self.read {
                let group = self.run.pool.next()?;
                self.waiting.insert(group.index, group);
            } else {
                return Ok(());
            }
        }
    }

    fn has_room(&self) -> bool {
        let groups_max = (self.run.pool.threads * GROUPS_PER_THREAD) as u64;
        self.read - self.handled < groups_max && self.in_flight_bytes < IN_FLIGHT_BYTES_MAX
    }

    /// The next group; `None` when the file has no further block.
    fn read_group(&mut self) -> Option<RawGroup> {
        let (mut blocks, mut size_bytes) = (Vec::new(), 0);
        while blocks.len() < GROUP_BLOCKS && size_bytes < GROUP_BYTES {
            match self.file.next() {
                Some(Ok(block)) => {
                    size_bytes += block.size_bytes();
                    blocks.push(block);
                }
                Some(Err(error)) => {
                    self.run.report.refuse(None, with_causes(&error));
                    self.at_end = true;
                    break;
                }
                None => {
                    self.at_end = true;
                    break;
                }
            }
        }
        if blocks.is_empty() {
            return None;
        }
        let index = self.read;
        self.read += 1;
        Some(RawGroup { index, size_bytes, blocks })
    }

    fn handle(&mut self, group: Group) -> Result<(), StorageError> {
        for item in group.items {
            if self.stopped {
                return Ok(());
            }
            match item {
                Item::Refused { number, reason } => self.run.report.refuse(number, reason),
                Item::Known { block } => {
                    if self.is_acceptable(&block) {
                        self.known(&block, block.level());
                        let is_final = self.is_final();
                        self.run.writer.known(block.number(), is_final)?;
                    }
                }
                Item::New { block, rows, position } => {
                    if self.is_acceptable(&block) {
                        self.push(&block, &group.rows[rows], position)?;
                    }
                }
            }
        }
        self.run.now.bytes_read = self.bytes_before + self.file.progress().0;
        (self.run.progress)(&self.run.now);
        Ok(())
    }

    /// Checks what needs the blocks before, and that the block is of the network's chain.
    fn is_acceptable(&mut self, block: &VerifiedBlock) -> bool {
        let number = block.number();
        if let Err(error) = self.file.check_in_order(block) {
            self.run.report.refuse(Some(number), error.to_string());
            return false;
        }
        let binding = &self.run.binding;
        if let Some(reason) = binding.contradiction(number, block.hash(), block.chain_id()) {
            self.stop(number, reason);
            return false;
        }
        true
    }

    fn push(
        &mut self,
        block: &VerifiedBlock,
        rows: &Arc<Rows>,
        position: usize,
    ) -> Result<(), StorageError> {
        let number = block.number();
        match self.run.writer.push(rows, position, self.is_final())? {
            Pushed::New => {
                self.run.binding.learn(number, block.hash(), block.chain_id());
                if let Some(network) = self.run.binding.take_changed() {
                    self.run.store.put_network(network)?;
                }
                let logs = rows.table_rows(position, LOGS);
                let transactions = rows.record(position).transaction_hashes.len() as u64;
                self.run.report.blocks_stored += 1;
                self.run.report.transactions += transactions;
                self.run.report.logs += logs;
                self.run.now.blocks += 1;
                self.run.now.transactions += transactions;
                self.run.now.logs += logs;
            }
            Pushed::Known(level) => self.known(block, level),
            Pushed::Unlinked(detail) => {
                self.run.report.refuse(Some(number), format!("block {number}: {detail}"));
            }
            Pushed::OtherChain(detail) if self.agrees => {
                self.run.report.refuse(Some(number), format!("block {number}: {detail}"));
            }
            Pushed::OtherChain(detail) => {
                self.stop(number, format!("wrong network: block {number}: {detail}"));
            }
        }
        Ok(())
    }

    fn known(&mut self, block: &VerifiedBlock, level: VerificationLevel) {
        self.agrees = true;
        self.run.report.blocks_known += 1;
        if level < block.level() {
            self.run.report.blocks_known_without_receipts += 1;
        }
        self.run.now.blocks += 1;
    }

    /// The file is of another chain: one line for the whole of it.
    fn stop(&mut self, number: u64, reason: String) {
        self.run.report.refuse(Some(number), reason);
        (self.at_end, self.stopped) = (true, true);
    }

    /// An ERA1 archive is written once its blocks are final.
    fn is_final(&self) -> bool {
        self.file.kind() == FileKind::Era1
    }
}

/// Position of the logs in [`TABLES`](schemas::tables::evm::TABLES).
const LOGS: usize = 3;

/// The error and what caused it, on one line.
fn with_causes(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_counted_in_the_table_of_logs() {
        assert_eq!(schemas::tables::evm::TABLES[LOGS].name, "logs");
    }
}
