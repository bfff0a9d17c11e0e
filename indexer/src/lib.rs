//! Turns verified blocks into Arrow rows and sealed segments.
//!
//! ```text
//! import (files, threads) ─> decode (rows) ─> chain_writer (tail, cut) ─> storage: segments, hot tail
//! ```
//!
//! Reading order: `import` → `chain_writer` → `tail` → `cut` → `rows` → `decode` → `network`.

mod chain_writer;
mod cut;
pub mod decode;
mod import;
mod network;
mod rows;
mod tail;
#[cfg(test)]
mod testing;

pub use cut::CutRule;
pub use import::{
    CONFIRMATIONS_DEFAULT, ImportError, ImportOptions, ImportReport, Progress, REFUSED_LISTED_MAX,
    import,
};
pub use network::{NetworkError, ensure_network};
