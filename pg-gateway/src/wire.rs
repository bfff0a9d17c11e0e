//! One client's socket with its buffers, and the race of work against everything that ends it.
//!
//! Invariants
//! - Output leaves at Sync, Flush, an error, [`FLUSH_BYTES`], or before the next read that would wait.
//! - What was read stays in the buffer when a future is dropped; what was not written yet does too.

use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;

use bytes::BytesMut;
use futures::FutureExt;
use query_engine::QueryError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::error::{Failure, admin_shutdown, cancelled, internal};
use crate::frame::{Frame, Phase, take_frame};

/// Buffered output above this is written at once, and no more rows are encoded until it is.
pub const FLUSH_BYTES: usize = 64 << 10;

/// Bytes that are read ahead while a statement runs, to see whether the client is still there.
pub(crate) const READ_AHEAD_BYTES_MAX: usize = 64 << 10;

/// An idle client's empty buffers keep no more than this each.
const KEPT_BYTES_MAX: usize = 2 * FLUSH_BYTES;

/// Space made for one read.
const READ_BYTES: usize = 8 << 10;

/// A TCP or TLS stream.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Socket and buffers of one client.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    input: BytesMut,
    /// Messages for the client, not written yet.
    pub(crate) out: BytesMut,
    /// Fires when the gateway stops, or this connection is ended.
    shutdown: CancellationToken,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>, shutdown: CancellationToken) -> Self {
        Self { stream, input: BytesMut::new(), out: BytesMut::new(), shutdown }
    }

    /// A wire to nobody, to stand in for one that is being rebuilt.
    pub(crate) fn closed() -> Self {
        Self::new(Box::new(tokio::io::empty()), CancellationToken::new())
    }

    /// Fires when the connection has to end: the gateway stops, or somebody ends this one.
    pub(crate) fn ending(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// The bare stream, to put TLS on it. Buffered bytes are lost: see [`Wire::has_no_input`].
    pub(crate) fn into_stream(self) -> Box<dyn Stream> {
        self.stream
    }

    /// Whether everything that was read has been used.
    pub(crate) fn has_no_input(&self) -> bool {
        self.input.is_empty()
    }

    /// Next frame. Writes what is buffered before it waits. `None` when the client has closed.
    pub(crate) async fn frame(&mut self, phase: Phase) -> Result<Option<Frame>, Failure> {
        loop {
            if let Some(frame) = take_frame(&mut self.input, phase).map_err(Failure::Fatal)? {
                return Ok(Some(frame));
            }
            self.flush().await?;
            self.shed();
            let shutdown = self.shutdown.clone();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(Failure::Fatal(admin_shutdown())),
                read = self.read_some() => if read? == 0 { return Ok(None) },
            }
        }
    }

    /// Gives back the memory that one large message or row took.
    fn shed(&mut self) {
        for buffer in [&mut self.input, &mut self.out] {
            if buffer.is_empty() && buffer.capacity() > KEPT_BYTES_MAX {
                *buffer = BytesMut::new();
            }
        }
    }

    /// Exactly `count` bytes; only for the startup packets, whose length is checked before.
    pub(crate) async fn bytes(&mut self, count: usize) -> Result<BytesMut, Failure> {
        self.flush().await?;
        while self.input.len() < count {
            if self.read_some().await? == 0 {
                return Err(Failure::Gone);
            }
        }
        Ok(self.input.split_to(count))
    }

    async fn read_some(&mut self) -> io::Result<usize> {
        self.input.reserve(READ_BYTES);
        self.stream.read_buf(&mut self.input).await
    }

    /// Writes everything that is buffered.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            // Not `write_all_buf` on a temporary: after a drop the rest must still be in `out`.
            if self.stream.write_buf(&mut self.out).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        self.stream.flush().await
    }

    /// Writes what is buffered once it is more than [`FLUSH_BYTES`]: the brake for a slow reader.
    pub(crate) async fn relieve(&mut self, token: &CancellationToken) -> Result<(), Failure> {
        if self.out.len() < FLUSH_BYTES {
            return Ok(());
        }
        let shutdown = self.shutdown.clone();
        tokio::select! {
            biased;
            written = self.flush() => Ok(written?),
            () = token.cancelled() => Err(cancelled().into()),
            () = shutdown.cancelled() => Err(Failure::Fatal(admin_shutdown())),
        }
    }

    /// Ends the stream after the last message.
    pub(crate) async fn close(&mut self) {
        if let Err(error) = async {
            self.flush().await?;
            self.stream.shutdown().await
        }
        .await
        {
            tracing::debug!(%error, "connection was lost while it closed");
        }
    }

    /// Runs `work` of the engine until it is done, cancelled, the gateway stops, or the client is gone.
    /// The work is dropped, and with it stopped, in the last three cases.
    pub(crate) async fn supervise<T>(
        &mut self,
        token: &CancellationToken,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, Failure> {
        let shutdown = self.shutdown.clone();
        tokio::select! {
            biased;
            // First, so that the engine's own answer to a cancel or timeout wins over ours.
            done = AssertUnwindSafe(work).catch_unwind() => match done {
                Ok(result) => result.map_err(Failure::Statement),
                Err(_) => {
                    tracing::error!("a statement panicked");
                    // The session may be half changed: it must not be used again.
                    Err(Failure::Fatal(internal("internal error")))
                }
            },
            () = token.cancelled() => Err(cancelled().into()),
            () = shutdown.cancelled() => Err(Failure::Fatal(admin_shutdown())),
            () = self.client_gone() => Err(Failure::Gone),
        }
    }

    /// Done when the client has closed its side. Reads ahead up to [`READ_AHEAD_BYTES_MAX`], so that a
    /// client that pipelines is served in order; past that it waits for ever.
    async fn client_gone(&mut self) {
        while self.input.len() < READ_AHEAD_BYTES_MAX {
            match self.read_some().await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Wire, tokio::io::DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(1 << 10);
        (Wire::new(Box::new(ours), CancellationToken::new()), theirs)
    }

    #[tokio::test]
    async fn a_client_that_leaves_stops_the_work() {
        let (mut wire, client) = pair();
        drop(client);
        let work = std::future::pending::<Result<(), QueryError>>();
        let result = wire.supervise(&CancellationToken::new(), work).await;
        assert!(matches!(result, Err(Failure::Gone)));
    }

    #[tokio::test]
    async fn an_idle_client_keeps_no_large_buffer() {
        let (mut wire, mut client) = pair();
        wire.input.reserve(KEPT_BYTES_MAX + 1);
        client.write_all(b"S\0\0\0\x04").await.unwrap();
        wire.frame(Phase::Session).await.unwrap().unwrap();
        assert!(wire.input.capacity() <= KEPT_BYTES_MAX);
    }

    #[tokio::test]
    async fn frames_that_arrive_while_work_runs_are_kept_in_order() {
        let (mut wire, mut client) = pair();
        client.write_all(b"S\0\0\0\x04H\0\0\0\x04").await.unwrap();
        let token = CancellationToken::new();
        let work = async {
            tokio::task::yield_now().await;
            Ok(7)
        };
        assert_eq!(wire.supervise(&token, work).await.unwrap(), 7);
        assert_eq!(wire.frame(Phase::Session).await.unwrap().unwrap().kind, b'S');
        assert_eq!(wire.frame(Phase::Session).await.unwrap().unwrap().kind, b'H');
    }

    #[tokio::test]
    async fn a_cancel_ends_work_and_a_write_that_nobody_reads() {
        let (mut wire, _client) = pair();
        let token = CancellationToken::new();
        token.cancel();
        let work = std::future::pending::<Result<(), QueryError>>();
        let stopped = wire.supervise(&token, work).await;
        assert!(matches!(stopped, Err(Failure::Statement(error)) if error.state.0 == "57014"));

        wire.out.resize(FLUSH_BYTES, 0);
        let stopped = wire.relieve(&token).await;
        assert!(matches!(stopped, Err(Failure::Statement(error)) if error.state.0 == "57014"));
        assert_eq!(wire.out.len(), FLUSH_BYTES - (1 << 10), "only what the client took has left");
    }

    #[tokio::test]
    async fn a_panic_in_the_engine_is_an_internal_error() {
        let (mut wire, _client) = pair();
        let work = async { panic!("engine bug") };
        let result: Result<(), _> = wire.supervise(&CancellationToken::new(), work).await;
        assert!(matches!(result, Err(Failure::Fatal(error)) if error.state.0 == "XX000"));
    }
}
