//! What every crate agrees on: block numbers and ranges, verification levels, error kinds, the clock,
//! and the columns of every chain table. Plain data: no IO, no clock of its own.
//!
//! Reading order: `block` → `level` → `keys` → `column` → `tables` → `error_kind` → `clock` → `format_version`.

mod block;
mod clock;
mod column;
mod error_kind;
pub mod format_version;
mod keys;
mod level;
pub mod tables;

pub use block::{BLOCK_NUMBER_MAX, BlockHash, BlockNumber, BlockRange};
pub use clock::{Clock, SystemClock};
pub use column::{Column, ColumnType, EXTENSION_KEY, TableSpec, UINT256_EXTENSION, is_uint256};
pub use error_kind::ErrorKind;
pub use keys::{Keys, Reference};
pub use level::VerificationLevel;
