//! How far a stored block range was verified.

use std::fmt;
use std::str::FromStr;

/// What was proved about a block before it was stored. Each level includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VerificationLevel {
    /// The header hashes to the block's hash and names its parent.
    Header,
    /// Transactions, uncles and withdrawals hash to the roots in the header.
    Body,
    /// Receipts, and so every log, hash to the receipts root in the header.
    Receipts,
    /// The chain's consensus signed the block as final.
    Consensus,
}

impl VerificationLevel {
    /// Name as shown in `ergo.ranges`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Body => "body",
            Self::Receipts => "receipts",
            Self::Consensus => "consensus",
        }
    }
}

impl fmt::Display for VerificationLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VerificationLevel {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Header, Self::Body, Self::Receipts, Self::Consensus]
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_read_back_from_its_name() {
        for level in [
            VerificationLevel::Header,
            VerificationLevel::Body,
            VerificationLevel::Receipts,
            VerificationLevel::Consensus,
        ] {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        assert!("bodies".parse::<VerificationLevel>().is_err());
    }
}
