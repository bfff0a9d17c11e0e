#![no_main]

#[path = "../../tests/src/fuzz/chain.rs"]
mod chain;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chain::genesis(bytes));
