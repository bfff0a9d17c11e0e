//! Verified blocks to Arrow rows: one folder per chain family, one file per table. Pure: no IO, no clock.

mod columns;
pub mod evm;
