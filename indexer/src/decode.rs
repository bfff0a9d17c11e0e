//! Verified blocks to Arrow rows: one folder per chain family, one file per table.

pub mod evm;
