//! Rules that fix a header's fields from its parent: difficulty, base fee, blob gas. Pure functions.

use alloy_primitives::U256;

use super::fork::Fork;
use super::header::Header;

/// Lowest difficulty that the rules give.
pub(super) const DIFFICULTY_MIN: u64 = 131_072;
/// Base fee of the first London block, wei per gas.
pub(super) const BASE_FEE_FIRST: u64 = 1_000_000_000;
/// Blob gas of one blob (EIP-4844).
pub(super) const GAS_PER_BLOB: u64 = 1 << 17;
/// Gas that a transaction may ask for from Osaka on (EIP-7825).
pub(super) const TRANSACTION_GAS_MAX: u64 = 1 << 24;

/// Difficulty of the block after `parent` at `timestamp` (Yellow Paper, EIP-2, EIP-100, bomb delays).
/// Zero from the merge on.
pub(super) fn difficulty(fork: Fork, parent: &Header, timestamp: u64) -> U256 {
    if !fork.is_proof_of_work() {
        return U256::ZERO;
    }
    let seconds = timestamp - parent.timestamp;
    let step = parent.difficulty / U256::from(2048);
    let (up, down) = match fork {
        Fork::Frontier => (u64::from(seconds < 13), u64::from(seconds >= 13)),
        fork if fork < Fork::Byzantium => (1, (seconds / 10).min(100)),
        _ => {
            let base = if parent.has_uncles() { 2 } else { 1 };
            (base, (seconds / 9).min(99 + base))
        }
    };
    let adjusted = (parent.difficulty + step * U256::from(up))
        .saturating_sub(step * U256::from(down))
        .max(U256::from(DIFFICULTY_MIN));
    adjusted + bomb(fork, parent.number + 1)
}

/// The exponential part of the difficulty.
fn bomb(fork: Fork, number: u64) -> U256 {
    let delay = match fork {
        fork if fork >= Fork::GrayGlacier => 11_400_000,
        fork if fork >= Fork::ArrowGlacier => 10_700_000,
        fork if fork >= Fork::London => 9_700_000,
        fork if fork >= Fork::MuirGlacier => 9_000_000,
        fork if fork >= Fork::Constantinople => 5_000_000,
        fork if fork >= Fork::Byzantium => 3_000_000,
        _ => 0,
    };
    let period = number.saturating_sub(delay) / 100_000;
    if period > 1 { U256::from(1) << (period - 2) } else { U256::ZERO }
}

/// Base fee of the block after `parent` (EIP-1559); `None` before London.
pub(super) fn base_fee(fork: Fork, parent: &Header) -> Option<u64> {
    if fork < Fork::London {
        return None;
    }
    let Some(fee) = parent.base_fee_per_gas else { return Some(BASE_FEE_FIRST) };
    let target = parent.gas_limit / 2;
    let change = |distance: u64| {
        u64::try_from(u128::from(fee) * u128::from(distance) / u128::from(target) / 8)
            .expect("an eighth of a base fee fits where the base fee did")
    };
    Some(match parent.gas_used {
        used if used > target => fee + change(used - target).max(1),
        used => fee - change(target - used),
    })
}

/// Excess blob gas of the block after `parent` (EIP-4844, EIP-7691, EIP-7918); `None` before Cancun.
pub(super) fn excess_blob_gas(fork: Fork, parent: &Header) -> Option<u64> {
    const BLOB_BASE_COST: u128 = 1 << 13;
    if fork < Fork::Cancun {
        return None;
    }
    let (Some(excess), Some(used)) = (parent.excess_blob_gas, parent.blob_gas_used) else {
        return Some(0);
    };
    let count_max = fork.blob_count_max();
    let count_target = count_max * 2 / 3 - u64::from(fork == Fork::Cancun);
    let Some(rest) = (excess + used).checked_sub(count_target * GAS_PER_BLOB) else {
        return Some(0);
    };
    let floor = BLOB_BASE_COST * u128::from(parent.base_fee_per_gas.unwrap_or_default());
    let price = u128::from(GAS_PER_BLOB) * blob_base_fee(fork, excess);
    if fork >= Fork::Osaka && floor > price {
        return Some(excess + used * (count_max - count_target) / count_max);
    }
    Some(rest)
}

/// Price of blob gas, wei: `e ^ (excess / fraction)` in integers, as EIP-4844 defines it.
pub(super) fn blob_base_fee(fork: Fork, excess: u64) -> u128 {
    let fraction = U256::from(if fork >= Fork::Prague { 5_007_716_u64 } else { 3_338_477 });
    let excess = U256::from(excess);
    let (mut sum, mut term, mut index) = (U256::ZERO, fraction, 1_u64);
    while !term.is_zero() {
        sum += term;
        term = term * excess / (fraction * U256::from(index));
        index += 1;
    }
    (sum / fraction).to()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mainnet_block_2_has_the_difficulty_of_the_rule() {
        // Block 1 of mainnet: difficulty 17171480576, time 1438269988; block 2: 17163096064, 1438270017.
        let parent = Header {
            number: 1,
            difficulty: U256::from(17_171_480_576_u64),
            timestamp: 1_438_269_988,
            ..Header::default()
        };
        assert_eq!(
            difficulty(Fork::Frontier, &parent, 1_438_270_017),
            U256::from(17_163_096_064_u64)
        );
    }

    #[test]
    fn base_fee_follows_the_gas_of_the_parent() {
        let parent = |gas_used| Header {
            gas_limit: 20_000_000,
            gas_used,
            base_fee_per_gas: Some(1_000_000_000),
            ..Header::default()
        };
        assert_eq!(base_fee(Fork::London, &parent(10_000_000)), Some(1_000_000_000));
        assert_eq!(base_fee(Fork::London, &parent(20_000_000)), Some(1_125_000_000));
        assert_eq!(base_fee(Fork::London, &parent(0)), Some(875_000_000));
        assert_eq!(base_fee(Fork::Berlin, &parent(0)), None);
    }

    #[test]
    fn blob_fee_rises_with_the_excess() {
        assert_eq!(blob_base_fee(Fork::Cancun, 0), 1);
        assert_eq!(blob_base_fee(Fork::Cancun, 10 * GAS_PER_BLOB * 6), 10);
        let parent = Header {
            excess_blob_gas: Some(0),
            blob_gas_used: Some(6 * GAS_PER_BLOB),
            ..Header::default()
        };
        assert_eq!(excess_blob_gas(Fork::Cancun, &parent), Some(3 * GAS_PER_BLOB));
        assert_eq!(excess_blob_gas(Fork::Prague, &parent), Some(0));
    }
}
