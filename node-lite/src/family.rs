//! Chain families: one folder each for block type, rules and sources.

pub mod evm;
