//! States to go back to: as of BEGIN, of each savepoint, and of the start of a message cycle.

use std::sync::Arc;

use crate::objects::Objects;

/// States of before, oldest first.
#[derive(Debug, Default)]
pub(super) struct Undo {
    /// State as of the first change in the current message cycle outside a block.
    implicit: Option<Arc<Objects>>,
    /// State as of BEGIN (without a name) and of each savepoint.
    frames: Vec<(Option<String>, Arc<Objects>)>,
}

impl Undo {
    /// `now` is about to be changed.
    pub(super) fn note(&mut self, now: &Arc<Objects>, in_block: bool) {
        if !in_block && self.implicit.is_none() {
            self.implicit = Some(Arc::clone(now));
        }
    }

    /// BEGIN; earlier statements of the same message cycle become part of the block.
    pub(super) fn begin(&mut self, now: &Arc<Objects>) {
        let start = self.implicit.take().unwrap_or_else(|| Arc::clone(now));
        self.frames = vec![(None, start)];
    }

    /// SAVEPOINT.
    pub(super) fn savepoint(&mut self, name: &str, now: &Arc<Objects>) {
        self.frames.push((Some(name.to_owned()), Arc::clone(now)));
    }

    /// RELEASE.
    pub(super) fn release(&mut self, name: &str) {
        if let Some(at) = self.position(name) {
            self.frames.truncate(at);
        }
    }

    /// ROLLBACK TO: the state as of the savepoint, which stays.
    pub(super) fn rollback_to(&mut self, name: &str) -> Option<Arc<Objects>> {
        let at = self.position(name)?;
        self.frames.truncate(at + 1);
        self.frames.last().map(|frame| Arc::clone(&frame.1))
    }

    /// End of the block or of the implicit transaction: the state as of its start, if any changed.
    pub(super) fn end(&mut self) -> Option<Arc<Objects>> {
        let start = self.frames.drain(..).next().map(|frame| frame.1);
        start.or(self.implicit.take())
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.frames.iter().rposition(|frame| frame.0.as_deref() == Some(name))
    }
}
