#![no_main]

#[path = "../../tests/src/fuzz/gateway.rs"]
mod gateway;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::copy_data(bytes));
