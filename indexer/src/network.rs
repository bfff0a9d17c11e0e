//! Which chain a network is bound to: its chain id and its genesis block.

use schemas::{BlockHash, BlockNumber};
use storage::{Network, StorageError, Store};

/// Why a network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The stored network is of another family or chain.
    #[error("wrong network: \"{name}\" has {what} {stored}, not {given}")]
    Differs {
        /// Name of the network.
        name: String,
        /// `family` or `chain id`.
        what: &'static str,
        /// As stored.
        stored: String,
        /// As asked for.
        given: String,
    },
    /// The store refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Creates the network if it does not exist, and binds it to `chain_id` if it is bound to none.
///
/// # Errors
/// `Differs` when it exists with another family or chain id.
pub fn ensure_network(
    store: &Store,
    name: &str,
    family: &str,
    chain_id: Option<u64>,
) -> Result<(), NetworkError> {
    let known = store.networks().into_iter().find(|network| network.name == name);
    let Some(mut network) = known else {
        let (name, family) = (name.to_owned(), family.to_owned());
        store.put_network(&Network { name, family, chain_id, genesis_hash: None })?;
        return Ok(());
    };
    let differs =
        |what, stored, given| NetworkError::Differs { name: name.to_owned(), what, stored, given };
    if network.family != family {
        return Err(differs("family", network.family, family.to_owned()));
    }
    match (network.chain_id, chain_id) {
        (Some(stored), Some(given)) if stored != given => {
            Err(differs("chain id", stored.to_string(), given.to_string()))
        }
        (None, Some(_)) => {
            network.chain_id = chain_id;
            Ok(store.put_network(&network)?)
        }
        _ => Ok(()),
    }
}

/// Chain ids of public chains by genesis hash: their first blocks hold no transaction that names one.
const KNOWN_GENESES: [(BlockHash, u64); 2] = [
    // Ethereum, 0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3
    (
        BlockHash([
            0xd4, 0xe5, 0x67, 0x40, 0xf8, 0x76, 0xae, 0xf8, 0xc0, 0x10, 0xb8, 0x6a, 0x40, 0xd5,
            0xf5, 0x67, 0x45, 0xa1, 0x18, 0xd0, 0x90, 0x6a, 0x34, 0xe6, 0x9a, 0xec, 0x8c, 0x0d,
            0xb1, 0xcb, 0x8f, 0xa3,
        ]),
        1,
    ),
    // Sepolia, 0x25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9
    (
        BlockHash([
            0x25, 0xa5, 0xcc, 0x10, 0x6e, 0xea, 0x71, 0x38, 0xac, 0xab, 0x33, 0x23, 0x1d, 0x71,
            0x60, 0xd6, 0x9c, 0xb7, 0x77, 0xee, 0x0c, 0x2c, 0x55, 0x3f, 0xcd, 0xdf, 0x51, 0x38,
            0x99, 0x3e, 0x6d, 0xd9,
        ]),
        11_155_111,
    ),
];

/// Chain that a block belongs to: the one that a transaction names, or that of a known genesis block.
fn chain_of(number: BlockNumber, hash: BlockHash, named: Option<u64>) -> Option<u64> {
    let known = || KNOWN_GENESES.iter().find(|(genesis, _)| number == 0 && *genesis == hash);
    named.or_else(|| known().map(|(_, chain_id)| *chain_id))
}

/// What the blocks of one import say about their chain, against what the network is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    network: Network,
    changed: bool,
}

impl Binding {
    pub(crate) fn new(network: Network) -> Self {
        Self { network, changed: false }
    }

    /// Why a block is of another chain, if it is.
    pub(crate) fn contradiction(
        &self,
        number: BlockNumber,
        hash: BlockHash,
        chain_id: Option<u64>,
    ) -> Option<String> {
        let name = &self.network.name;
        if let (Some(bound), Some(found)) =
            (self.network.chain_id, chain_of(number, hash, chain_id))
            && bound != found
        {
            return Some(format!(
                "wrong network: block {number} is of chain {found}, \"{name}\" is chain {bound}"
            ));
        }
        match self.network.genesis_hash {
            Some(bound) if number == 0 && bound != hash => {
                Some(format!("wrong network: genesis is {hash}, that of \"{name}\" is {bound}"))
            }
            _ => None,
        }
    }

    /// Binds what is still open to what an accepted block says.
    pub(crate) fn learn(&mut self, number: BlockNumber, hash: BlockHash, chain_id: Option<u64>) {
        if self.network.chain_id.is_none() {
            self.network.chain_id = chain_of(number, hash, chain_id);
            self.changed |= self.network.chain_id.is_some();
        }
        if self.network.genesis_hash.is_none() && number == 0 {
            self.network.genesis_hash = Some(hash);
            self.changed = true;
        }
    }

    /// The record to store, if it changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Option<&Network> {
        std::mem::take(&mut self.changed).then_some(&self.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENESIS: BlockHash = BlockHash([1; 32]);
    const OTHER: BlockHash = BlockHash([2; 32]);

    fn binding(chain_id: Option<u64>, genesis_hash: Option<BlockHash>) -> Binding {
        let (name, family) = ("net".to_owned(), "evm".to_owned());
        Binding::new(Network { name, family, chain_id, genesis_hash })
    }

    #[test]
    fn a_block_of_another_chain_or_genesis_contradicts() {
        let binding = binding(Some(1), Some(GENESIS));
        assert_eq!(binding.contradiction(0, GENESIS, Some(1)), None);
        assert_eq!(binding.contradiction(5, OTHER, None), None);
        for (number, hash, chain_id) in [(5, OTHER, Some(2)), (0, OTHER, None)] {
            let reason = binding.contradiction(number, hash, chain_id).unwrap();
            assert!(reason.starts_with("wrong network: "), "{reason}");
        }
    }

    #[test]
    fn a_known_genesis_binds_the_chain_before_any_transaction_does() {
        let [(ethereum, chain_id), (sepolia, _)] = KNOWN_GENESES;
        let mut bound = binding(None, None);
        bound.learn(0, ethereum, None);
        assert_eq!(bound.take_changed().unwrap().chain_id, Some(chain_id));
        assert!(bound.contradiction(172_032, OTHER, Some(11_155_111)).is_some());
        assert!(binding(Some(1), None).contradiction(0, sepolia, None).is_some());
        assert_eq!(binding(Some(1), None).contradiction(7, sepolia, None), None);
    }

    #[test]
    fn an_open_network_is_bound_by_its_first_blocks() {
        let mut binding = binding(None, None);
        assert_eq!(binding.contradiction(7, OTHER, Some(9)), None);
        binding.learn(7, OTHER, Some(9));
        assert_eq!(binding.take_changed().unwrap().chain_id, Some(9));
        binding.learn(0, GENESIS, Some(9));
        assert_eq!(binding.take_changed().unwrap().genesis_hash, Some(GENESIS));
        binding.learn(8, OTHER, Some(9));
        assert_eq!(binding.take_changed(), None);
        assert!(binding.contradiction(8, OTHER, Some(10)).is_some());
    }

    #[test]
    fn an_existing_network_keeps_its_family_and_chain() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        ensure_network(&store, "net", "evm", None).unwrap();
        ensure_network(&store, "net", "evm", Some(1)).unwrap();
        ensure_network(&store, "net", "evm", None).unwrap();
        assert_eq!(store.networks()[0].chain_id, Some(1));
        assert!(ensure_network(&store, "net", "evm", Some(2)).is_err());
        assert!(ensure_network(&store, "net", "aergo", Some(1)).is_err());
    }
}
