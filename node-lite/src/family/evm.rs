//! EVM chains: Ethereum and the chains that share its block format.
