//! Named limits of what a block file may hold. A file past one of them is refused with the limit's value.

/// Largest line of NDJSON, bytes: one block with its receipts. Mainnet's largest are near 10 MiB.
pub const JSON_LINE_BYTES_MAX: usize = 64 << 20;

/// Deepest nesting of objects and arrays in a line of NDJSON; a block with access lists needs 7. The
/// JSON parser recurses over values that it skips, so the stack must not depend on the input.
pub const JSON_DEPTH_MAX: usize = 64;

/// Largest block in an RLP chain file, bytes. Mainnet's blocks are capped at 8 MiB since Osaka.
pub const RLP_BLOCK_BYTES_MAX: usize = 32 << 20;

/// Largest record in an ERA1 file, bytes, as stored.
pub const ERA1_RECORD_BYTES_MAX: usize = 64 << 20;

/// Largest ERA1 record after snappy is undone, bytes.
pub const ERA1_INFLATED_BYTES_MAX: usize = 64 << 20;

/// Largest `genesis.json`, bytes. Mainnet's is near 1 MiB.
pub const GENESIS_BYTES_MAX: u64 = 256 << 20;

/// Blocks in one ERA1 file: the size of an epoch in the historical accumulator.
pub const ERA1_BLOCKS_MAX: usize = 8192;
