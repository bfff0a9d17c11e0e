//! Harness of the tests: data files, the whole stack in process, chains made to measure.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "test tools print, and read the clock"
)]

pub mod data;
pub mod fuzz;
pub mod in_process;
pub mod mint;
pub mod service;
