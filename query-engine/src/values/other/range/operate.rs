//! Operators and functions of ranges and multiranges. A range is a list of at most one: so every operation
//! is written once, over lists that are sorted and joined.

use std::cmp::Ordering;

use super::{Range, canonical_text, joined, kind, read};
use crate::values::Zone;
use crate::{Parameter, PgType, QueryError, SqlState};

/// Sets of values of one range type.
#[derive(Clone, Debug)]
pub(crate) struct Ranges(Vec<Range>);

/// What a range type is called on the inside: its elements, and whether it is a multirange.
pub(crate) fn parts_of(oid: u32) -> Option<(PgType, bool)> {
    kind(oid).map(|found| (found.element, found.is_multi))
}

/// Whether two bounds have nothing between them and nothing in common.
fn touches(left: &Range, right: &Range) -> bool {
    match (&left.upper, &right.lower) {
        (Some(upper), Some(lower)) => {
            super::compare_values(upper, lower).is_eq()
                && left.upper_inclusive != right.lower_inclusive
        }
        _ => false,
    }
}

/// Whether all of `left` is below all of `right`.
fn is_before(left: &Range, right: &Range) -> bool {
    match (&left.upper, &right.lower) {
        (Some(upper), Some(lower)) => match super::compare_values(upper, lower) {
            Ordering::Less => true,
            Ordering::Equal => !(left.upper_inclusive && right.lower_inclusive),
            Ordering::Greater => false,
        },
        _ => false,
    }
}

/// What both have; `None` where that is nothing.
fn common(left: &Range, right: &Range) -> Option<Range> {
    if is_before(left, right) || is_before(right, left) {
        return None;
    }
    let low = if left.compare_lower(right).is_ge() { left } else { right };
    let high = if left.compare_upper(right).is_le() { left } else { right };
    Some(Range {
        lower: low.lower.clone(),
        lower_inclusive: low.lower_inclusive,
        upper: high.upper.clone(),
        upper_inclusive: high.upper_inclusive,
    })
}

/// What `left` has and `right` has not.
fn without(left: &Range, right: &Range) -> Vec<Range> {
    if common(left, right).is_none() {
        return vec![left.clone()];
    }
    let mut kept = Vec::new();
    if left.compare_lower(right).is_lt() {
        kept.push(Range {
            upper: right.lower.clone(),
            upper_inclusive: right.lower.is_some() && !right.lower_inclusive,
            ..left.clone()
        });
    }
    if left.compare_upper(right).is_gt() {
        kept.push(Range {
            lower: right.upper.clone(),
            lower_inclusive: right.upper.is_some() && !right.upper_inclusive,
            ..left.clone()
        });
    }
    kept
}

impl Ranges {
    /// The ranges of a canonical text.
    ///
    /// # Errors
    /// As the type's input function.
    pub(crate) fn read(oid: u32, text: &str) -> Result<Self, QueryError> {
        read(oid, text, Zone::Fixed(0)).map(Self)
    }

    /// The range from `lower` to `upper`, `None` for no bound; `flags` as `[)`.
    ///
    /// # Errors
    /// 42601 for other flags, 22000 for bounds in the wrong order, 22003 past the end of a discrete type.
    pub(crate) fn of_bounds(
        oid: u32,
        lower: Option<Parameter>,
        upper: Option<Parameter>,
        flags: &str,
    ) -> Result<Self, QueryError> {
        let (lower_inclusive, upper_inclusive) = match flags {
            "[]" => (true, true),
            "[)" => (true, false),
            "(]" => (false, true),
            "()" => (false, false),
            _ => {
                return Err(QueryError::new(SqlState::SYNTAX_ERROR, "invalid range bound flags")
                    .with_hint("Valid values are \"[]\", \"[)\", \"(]\", and \"()\"."));
            }
        };
        let range = Range { lower, upper, lower_inclusive, upper_inclusive };
        let Some(kind) = kind(oid) else { return Ok(Self(Vec::new())) };
        Ok(Self(range.canonical(kind)?.into_iter().collect()))
    }

    /// One element.
    ///
    /// # Errors
    /// 22003 past the end of a discrete type.
    pub(crate) fn of_element(oid: u32, element: Parameter) -> Result<Self, QueryError> {
        // The end of a discrete type has no canonical form, and may still be looked for.
        let range = Range {
            lower: Some(element.clone()),
            upper: Some(element),
            lower_inclusive: true,
            upper_inclusive: true,
        };
        let canonical = kind(oid).and_then(|kind| range.clone().canonical(kind).ok().flatten());
        Ok(Self(vec![canonical.unwrap_or(range)]))
    }

    /// The canonical text as type `oid`.
    ///
    /// # Errors
    /// XX000 for a value that has no text, which canonical ones have.
    pub(crate) fn to_text(&self, oid: u32) -> Result<String, QueryError> {
        canonical_text(oid, &self.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each range by itself.
    pub(crate) fn each(&self) -> impl Iterator<Item = Self> {
        self.0.iter().map(|range| Self(vec![range.clone()]))
    }

    /// The lowest or highest bound with whether it belongs to the ranges; `None` for no bound.
    pub(crate) fn bound(&self, is_upper: bool) -> (Option<&Parameter>, bool) {
        match (is_upper, self.0.first(), self.0.last()) {
            (false, Some(first), _) => (first.lower.as_ref(), first.lower_inclusive),
            (true, _, Some(last)) => (last.upper.as_ref(), last.upper_inclusive),
            _ => (None, false),
        }
    }

    pub(crate) fn contains(&self, other: &Self) -> bool {
        let holds = |part: &Range| {
            self.0
                .iter()
                .any(|whole| whole.compare_lower(part).is_le() && whole.compare_upper(part).is_ge())
        };
        other.0.iter().all(holds)
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().any(|left| other.0.iter().any(|right| common(left, right).is_some()))
    }

    /// `<<`.
    pub(crate) fn is_left_of(&self, other: &Self) -> bool {
        matches!((self.0.last(), other.0.first()), (Some(left), Some(right)) if is_before(left, right))
    }

    /// `&<` and, `is_upper` false, `&>`: whether nothing of this is past that end of `other`.
    pub(crate) fn ends_within(&self, other: &Self, is_upper: bool) -> bool {
        match (is_upper, self.0.first(), self.0.last(), other.0.first(), other.0.last()) {
            (true, _, Some(own), _, Some(other)) => own.compare_upper(other).is_le(),
            (false, Some(own), _, Some(other), _) => own.compare_lower(other).is_ge(),
            _ => false,
        }
    }

    /// `-|-`.
    pub(crate) fn is_adjacent(&self, other: &Self) -> bool {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return false };
        let (Some(start), Some(end)) = (other.0.first(), other.0.last()) else { return false };
        touches(last, start) || touches(end, first)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        Self(joined(self.0.iter().chain(&other.0).cloned().collect()))
    }

    /// The smallest range that holds both.
    pub(crate) fn merged(&self, other: &Self) -> Self {
        let all = self.union(other).0;
        let (Some(first), Some(last)) = (all.first(), all.last()) else { return Self(Vec::new()) };
        Self(vec![Range {
            lower: first.lower.clone(),
            lower_inclusive: first.lower_inclusive,
            upper: last.upper.clone(),
            upper_inclusive: last.upper_inclusive,
        }])
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|left| other.0.iter().map(move |right| (left, right)));
        Self(joined(pairs.filter_map(|(left, right)| common(left, right)).collect()))
    }

    pub(crate) fn difference(&self, other: &Self) -> Self {
        let mut kept = self.0.clone();
        for right in &other.0 {
            kept = kept.iter().flat_map(|left| without(left, right)).collect();
        }
        Self(joined(kept))
    }

    /// The same as one range.
    ///
    /// # Errors
    /// 22000 where there is a gap; `what` is the operation.
    pub(crate) fn into_one(self, what: &str) -> Result<Self, QueryError> {
        if self.0.len() <= 1 {
            return Ok(self);
        }
        let message = format!("result of range {what} would not be contiguous");
        Err(QueryError::new(SqlState("22000"), message))
    }
}
