//! The one binary, `ergosql`: reads the configuration and starts the other crates. Tests and benches
//! use [`start`] too, so they run what users run.

#![allow(clippy::print_stdout, reason = "a command-line program answers on standard output")]

pub mod commands;
pub mod config;
mod progress;
mod service;
pub mod telemetry;

pub use service::{RunningService, open_store, start};
