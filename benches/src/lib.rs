//! Benches: our figures beside the floor, on the same data, in one run.
//!
//! ```text
//! main ──> ingest: floor, floor + recovery, import, with 1 and 2 threads ──┐
//!     ├──> lookup: one of millions of transactions, and SELECT 1 ──────────┼──> table
//!     └──> wire: lookups and transfers beside PostgreSQL on the same rows ─┘
//! ```
//!
//! Every measurement runs in a process of its own, so that its peak memory is its own and nothing is
//! warm that would not be warm for a user. Results are compared before times are.
//!
//! Reading order: `dataset` → `floor` → `ingest` → `lookup` → `wire` → `report` → `child`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

pub mod child;
pub mod dataset;
pub mod floor;
pub mod ingest;
pub mod lookup;
pub mod report;
pub mod wire;
