//! Jobs for the worker threads. Unbounded by itself: the one producer counts what is in flight.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A first-in first-out queue that can be closed.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    jobs: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let state = Mutex::new(State { jobs: VecDeque::new(), closed: false });
        Self { state, changed: Condvar::new() }
    }

    pub(super) fn push(&self, job: T) {
        self.lock().jobs.push_back(job);
        self.changed.notify_one();
    }

    /// The next job if there is one now.
    pub(super) fn try_pop(&self) -> Option<T> {
        self.lock().jobs.pop_front()
    }

    /// Waits for a job; `None` once the queue is closed.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends every [`Self::pop`], also of jobs that are still queued.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the queue when dropped, so that nobody waits for a thread that failed.
pub(super) struct CloseOnDrop<'a, T>(pub(super) &'a Queue<T>);

impl<T> Drop for CloseOnDrop<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_come_out_in_order_until_the_queue_is_closed() {
        let queue = Queue::new();
        queue.push(1);
        queue.push(2);
        queue.push(3);
        assert_eq!((queue.pop(), queue.try_pop()), (Some(1), Some(2)));
        queue.close();
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn a_closed_queue_wakes_those_who_wait() {
        let queue = Queue::<u8>::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.pop());
            drop(CloseOnDrop(&queue));
            assert_eq!(waiting.join().unwrap(), None);
        });
    }
}
