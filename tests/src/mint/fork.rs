//! Forks of the execution layer, and which of them holds at a block.

use std::fmt;
use std::str::FromStr;

/// The forks that change a header, a transaction, a receipt or a rule the generator follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fork {
    /// 15-field headers, receipts with a state root, signatures without chain id.
    Frontier,
    /// Another difficulty rule (EIP-2); low-s signatures.
    Homestead,
    /// EIP-150; no change of shape.
    TangerineWhistle,
    /// Signatures with chain id (EIP-155).
    SpuriousDragon,
    /// Receipts with a status (EIP-658); difficulty counts uncles (EIP-100).
    Byzantium,
    /// Later difficulty bomb; no change of shape.
    Constantinople,
    /// No change of shape.
    Istanbul,
    /// Later difficulty bomb (EIP-2384).
    MuirGlacier,
    /// Access-list transactions, type 1 (EIP-2930).
    Berlin,
    /// Base fee and type 2 transactions (EIP-1559).
    London,
    /// Later difficulty bomb (EIP-4345).
    ArrowGlacier,
    /// Later difficulty bomb (EIP-5133).
    GrayGlacier,
    /// The merge: no difficulty, no uncles, zero nonce.
    Paris,
    /// Withdrawals (EIP-4895).
    Shanghai,
    /// Blob transactions, type 3, and the parent beacon root (EIP-4844, EIP-4788).
    Cancun,
    /// Set-code transactions, type 4, and the requests hash (EIP-7702, EIP-7685).
    Prague,
    /// Gas cap per transaction, blob fee floor (EIP-7825, EIP-7918).
    Osaka,
}

/// (fork, name on the command line, key in genesis.json, whether that key holds a time).
const NAMES: [(Fork, &str, &str, bool); 17] = [
    (Fork::Frontier, "frontier", "", false),
    (Fork::Homestead, "homestead", "homesteadBlock", false),
    (Fork::TangerineWhistle, "tangerine-whistle", "eip150Block", false),
    (Fork::SpuriousDragon, "spurious-dragon", "eip155Block", false),
    (Fork::Byzantium, "byzantium", "byzantiumBlock", false),
    (Fork::Constantinople, "constantinople", "constantinopleBlock", false),
    (Fork::Istanbul, "istanbul", "istanbulBlock", false),
    (Fork::MuirGlacier, "muir-glacier", "muirGlacierBlock", false),
    (Fork::Berlin, "berlin", "berlinBlock", false),
    (Fork::London, "london", "londonBlock", false),
    (Fork::ArrowGlacier, "arrow-glacier", "arrowGlacierBlock", false),
    (Fork::GrayGlacier, "gray-glacier", "grayGlacierBlock", false),
    (Fork::Paris, "paris", "mergeNetsplitBlock", false),
    (Fork::Shanghai, "shanghai", "shanghaiTime", true),
    (Fork::Cancun, "cancun", "cancunTime", true),
    (Fork::Prague, "prague", "pragueTime", true),
    (Fork::Osaka, "osaka", "osakaTime", true),
];

impl Fork {
    /// All forks, oldest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        NAMES.iter().map(|entry| entry.0)
    }

    fn entry(self) -> &'static (Self, &'static str, &'static str, bool) {
        &NAMES[self as usize]
    }

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// Key in the `config` object of genesis.json and whether it holds a time rather than a block
    /// number; `None` for Frontier, which has none.
    pub fn genesis_key(self) -> Option<(&'static str, bool)> {
        (self != Self::Frontier).then(|| (self.entry().2, self.entry().3))
    }

    /// Highest transaction type that the fork allows.
    pub fn transaction_type_max(self) -> u8 {
        match self {
            fork if fork >= Self::Prague => 4,
            fork if fork >= Self::Cancun => 3,
            fork if fork >= Self::London => 2,
            fork if fork >= Self::Berlin => 1,
            _ => 0,
        }
    }

    /// Most blobs that a block may carry.
    pub fn blob_count_max(self) -> u64 {
        match self {
            fork if fork >= Self::Prague => 9,
            fork if fork >= Self::Cancun => 6,
            _ => 0,
        }
    }

    /// Whether blocks are mined: they have a difficulty and may have uncles.
    pub fn is_proof_of_work(self) -> bool {
        self < Self::Paris
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::all().find(|fork| fork.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::all().map(Self::name).collect();
            format!("unknown fork {text:?}; one of {}", names.join(", "))
        })
    }
}

/// Which fork holds from which block on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// (first block, fork), both rising; the first entry starts at block 0.
    entries: Vec<(u64, Fork)>,
}

impl Schedule {
    /// `fork` for the whole chain.
    pub fn always(fork: Fork) -> Self {
        Self { entries: vec![(0, fork)] }
    }

    /// Every fork once, each for `blocks_per_fork` blocks, from `first` on; Osaka to the end.
    pub fn all_forks(first: u64, blocks_per_fork: u64) -> Self {
        let mut entries: Vec<_> = Fork::all()
            .enumerate()
            .map(|(index, fork)| (first + index as u64 * blocks_per_fork, fork))
            .collect();
        entries[0].0 = 0;
        Self { entries }
    }

    /// The forks in `entries` from the block numbers beside them.
    ///
    /// # Errors
    /// When `entries` does not start at block 0, or numbers or forks do not rise.
    pub fn new(entries: Vec<(u64, Fork)>) -> Result<Self, String> {
        let rising = entries.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
        if entries.first().is_none_or(|entry| entry.0 != 0) || !rising {
            return Err("a fork schedule starts at block 0, and its blocks and forks rise".into());
        }
        Ok(Self { entries })
    }

    /// The fork that holds at block `number`.
    pub fn at(&self, number: u64) -> Fork {
        let later = self.entries.partition_point(|entry| entry.0 <= number);
        self.entries[later - 1].1
    }

    /// First block at which `fork` or a later one holds, if any.
    pub fn first_block(&self, fork: Fork) -> Option<u64> {
        self.entries.iter().find(|entry| entry.1 >= fork).map(|entry| entry.0)
    }
}

/// `FORK`, `all`, or `FORK@BLOCK,FORK@BLOCK,…` (`all` gives each fork 8 blocks).
impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const BLOCKS_PER_FORK: u64 = 8;
        if text == "all" {
            return Ok(Self::all_forks(0, BLOCKS_PER_FORK));
        }
        let entries = text.split(',').map(|part| match part.split_once('@') {
            None => Ok((0, part.parse()?)),
            Some((fork, block)) => {
                let number = block.parse().map_err(|_| format!("not a block number: {block:?}"))?;
                Ok((number, fork.parse()?))
            }
        });
        Self::new(entries.collect::<Result<_, String>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fork_is_read_back_from_its_name() {
        for (index, fork) in Fork::all().enumerate() {
            assert_eq!(fork.name().parse(), Ok(fork));
            assert_eq!(fork as usize, index);
        }
        assert!("atlantis".parse::<Fork>().is_err());
    }

    #[test]
    fn a_schedule_names_the_fork_of_each_block() {
        let schedule: Schedule = "london@0,paris@5,shanghai@9".parse().unwrap();
        assert_eq!(schedule.at(4), Fork::London);
        assert_eq!(schedule.at(5), Fork::Paris);
        assert_eq!(schedule.at(1000), Fork::Shanghai);
        assert_eq!(schedule.first_block(Fork::Paris), Some(5));
        assert_eq!(schedule.first_block(Fork::Berlin), Some(0));
        assert_eq!(schedule.first_block(Fork::Cancun), None);
        assert_eq!(Schedule::all_forks(0, 8).at(16 * 8), Fork::Osaka);
    }

    #[test]
    fn a_schedule_that_goes_back_is_refused() {
        assert!("paris@5".parse::<Schedule>().is_err());
        assert!("paris@0,london@9".parse::<Schedule>().is_err());
        assert!("london@0,paris@0".parse::<Schedule>().is_err());
        assert!("london@x".parse::<Schedule>().is_err());
    }
}
