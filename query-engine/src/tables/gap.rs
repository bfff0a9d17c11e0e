//! The gap rule: an answer never spans blocks that are not stored.

use schemas::{BlockRange, TableSpec, VerificationLevel};
use storage::ChainSnapshot;

use super::range::Bounds;
use crate::limits::GAPS_NAMED_MAX;
use crate::{QueryError, SqlState};

/// 55G01 when blocks of `within` that lie in the stored extent are missing for `table`, or lack what
/// the table is made from.
pub(crate) fn check(
    snapshot: &ChainSnapshot,
    table: &TableSpec,
    within: Bounds,
) -> Result<(), QueryError> {
    let Some(spanned) = spanned(snapshot, within) else { return Ok(()) };
    let missing = snapshot.missing(spanned, table.level);
    if missing.is_empty() {
        return Ok(());
    }
    Err(gap_error(snapshot, table, &missing))
}

/// The part of the stored extent that `within` reaches.
pub(crate) fn spanned(snapshot: &ChainSnapshot, within: Bounds) -> Option<BlockRange> {
    let first = u64::try_from(within.first.max(0)).ok()?;
    let last = u64::try_from(within.last).ok()?;
    snapshot.extent()?.intersection(BlockRange::new(first, last)?)
}

fn gap_error(snapshot: &ChainSnapshot, table: &TableSpec, missing: &[BlockRange]) -> QueryError {
    let named: Vec<String> = missing.iter().take(GAPS_NAMED_MAX).map(shown).collect();
    let blocks: u64 = missing.iter().map(|range| range.block_count()).sum();
    let more = match missing.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more ranges"),
    };
    let network = &snapshot.network().name;
    let absent = table.level > VerificationLevel::Body
        && missing.iter().any(|range| {
            snapshot.ranges().iter().any(|stored| stored.range.intersection(*range).is_some())
        });
    let reason = if absent {
        format!(
            "{} are stored only from verified {}, which some blocks lack",
            table.name, table.level
        )
    } else {
        "these blocks are not stored".to_owned()
    };
    let noun = if blocks == 1 { "block" } else { "blocks" };
    QueryError::new(
        SqlState::GAP,
        format!(
            "query on {network}.chain.{} spans {blocks} missing {noun}: {}{more}",
            table.name,
            named.join(", ")
        ),
    )
    .with_detail(reason)
    .with_hint(format!(
        "Restrict {} to stored blocks (see ergo.ranges), or SET ergo.allow_gaps = on to get an answer without the missing ones.",
        table.block_column
    ))
}

fn shown(range: &BlockRange) -> String {
    if range.first() == range.last() {
        range.first().to_string()
    } else {
        format!("{}-{}", range.first(), range.last())
    }
}
