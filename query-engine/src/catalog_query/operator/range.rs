//! Operators of ranges and multiranges.

use super::super::types::{self, TypeOid};
use super::super::{Value, text};
use crate::QueryError;
use crate::values::other::{Ranges, range_parts};

/// An operation on two values, each a range, a multirange or an element of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RangeOperator {
    operation: Operation,
    left: TypeOid,
    right: TypeOid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Contains,
    IsContained,
    Overlaps,
    LeftOf,
    RightOf,
    NotRightOf,
    NotLeftOf,
    Adjacent,
    Union,
    Intersection,
    Difference,
}

pub(super) fn resolve(
    symbol: &str,
    left: TypeOid,
    right: TypeOid,
) -> Option<(RangeOperator, TypeOid)> {
    let operation = match symbol {
        "@>" => Operation::Contains,
        "<@" => Operation::IsContained,
        "&&" => Operation::Overlaps,
        "<<" => Operation::LeftOf,
        ">>" => Operation::RightOf,
        "&<" => Operation::NotRightOf,
        "&>" => Operation::NotLeftOf,
        "-|-" => Operation::Adjacent,
        "+" => Operation::Union,
        "*" => Operation::Intersection,
        "-" => Operation::Difference,
        _ => return None,
    };
    let is_set =
        matches!(operation, Operation::Union | Operation::Intersection | Operation::Difference);
    let fits = match (range_parts(left), range_parts(right)) {
        (Some((own, _)), Some((other, _))) => own == other && (!is_set || left == right),
        (Some((element, _)), None) => symbol == "@>" && types::known_base(right) == element.oid(),
        (None, Some((element, _))) => symbol == "<@" && types::known_base(left) == element.oid(),
        (None, None) => false,
    };
    let result = if is_set { left } else { types::BOOL };
    fits.then_some((RangeOperator { operation, left, right }, result))
}

/// The ranges of a value of type `oid`, or the one element of `of`.
pub(crate) fn ranges(value: &Value, oid: TypeOid, of: TypeOid) -> Result<Ranges, QueryError> {
    match range_parts(oid) {
        Some(_) => Ranges::read(oid, value.as_text()),
        None => Ranges::of_element(of, text::to_parameter(value, oid)),
    }
}

impl RangeOperator {
    /// Value of the operation on two values that are not null.
    ///
    /// # Errors
    /// 22000 for a result that is no range.
    pub(super) fn apply(self, left: &Value, right: &Value) -> Result<Value, QueryError> {
        let own = ranges(left, self.left, self.right)?;
        let other = ranges(right, self.right, self.left)?;
        let is_multi = range_parts(self.left).is_some_and(|(_, is_multi)| is_multi);
        let made = |found: Ranges, what: &str| {
            let found = if is_multi { found } else { found.into_one(what)? };
            Ok(Value::Ordered(self.left, found.to_text(self.left)?.into()))
        };
        Ok(Value::Bool(match self.operation {
            Operation::Contains => own.contains(&other),
            Operation::IsContained => other.contains(&own),
            Operation::Overlaps => own.overlaps(&other),
            Operation::LeftOf => own.is_left_of(&other),
            Operation::RightOf => other.is_left_of(&own),
            Operation::NotRightOf => own.ends_within(&other, true),
            Operation::NotLeftOf => own.ends_within(&other, false),
            Operation::Adjacent => own.is_adjacent(&other),
            Operation::Union => return made(own.union(&other), "union"),
            Operation::Intersection => return made(own.intersection(&other), "intersection"),
            Operation::Difference => return made(own.difference(&other), "difference"),
        }))
    }
}
