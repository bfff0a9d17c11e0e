//! Versions of everything written to disk. A change here comes with a migration, a line in
//! `docs/storage-format.md` and old data in `tests/format.rs`.

/// Layout of the RocksDB column families and their records.
pub const STORE: u32 = 2;

/// Columns, sort order and encoding of segment files.
pub const SEGMENT: u32 = 1;
