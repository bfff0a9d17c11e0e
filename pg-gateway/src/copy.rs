//! COPY between client and session, with flat memory.
//!
//! ```text
//! Rows ──batch──> out: one CopyData per row ──64 KiB──> socket
//! ```

mod out;
