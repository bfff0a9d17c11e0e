//! A configured network and the chain it is bound to.

use schemas::BlockHash;

/// One network: one database for SQL clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Name in the configuration and in SQL.
    pub name: String,
    /// Chain family: `evm`, `aergo` or `ergo`.
    pub family: String,
    /// Chain id, once known from configuration or from a verified block.
    pub chain_id: Option<u64>,
    /// Hash of block 0, once stored or configured.
    pub genesis_hash: Option<BlockHash>,
}
