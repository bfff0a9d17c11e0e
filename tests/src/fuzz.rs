//! Entry points for fuzzing: one per parser of outside bytes. None may panic, whatever the bytes.
//!
//! `fuzz/targets` runs them under libFuzzer, `tests/fuzz_smoke.rs` on the stable toolchain with seeded
//! mutations of real inputs. How to run both: `docs/testing.md`.

pub mod chain;
pub mod gateway;
