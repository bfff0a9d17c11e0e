//! COPY between client and session, with flat memory.
//!
//! ```text
//! out: Rows ──batch──> one CopyData per row ──64 KiB──> socket
//! in:  CopyData ──lines | binary──> raw row ──decode──> parameters ──some thousand──> Session::copy_rows
//! ```

mod binary;
mod fields;
mod input;
mod lines;
mod out;

#[cfg(test)]
mod tests;
