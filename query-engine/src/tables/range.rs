//! What filters say about blocks: a range of block numbers, and hashes that are looked up.

use datafusion::logical_expr::{Expr, Operator};
use datafusion::scalar::ScalarValue;
use schemas::BLOCK_NUMBER_MAX;

/// Numbers `first..=last`, possibly none: wider than any [`schemas::BlockRange`] on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Bounds {
    /// All block numbers.
    pub(crate) const ALL: Self = Self { first: 0, last: BLOCK_NUMBER_MAX as i64 };
    const NONE: Self = Self { first: 1, last: 0 };

    /// Whether no number is left.
    pub(crate) fn is_empty(self) -> bool {
        self.first > self.last
    }

    fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }

    /// The smallest range that holds both.
    fn or(self, other: Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self { first: self.first.min(other.first), last: self.last.max(other.last) },
        }
    }
}

/// The numbers that `column` can have where all `filters` hold; a superset.
pub(crate) fn bounds(filters: &[Expr], column: &str) -> Bounds {
    filters.iter().fold(Bounds::ALL, |found, filter| found.and(of_filter(filter, column)))
}

fn of_filter(filter: &Expr, column: &str) -> Bounds {
    match filter {
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::And => of_filter(&binary.left, column).and(of_filter(&binary.right, column)),
            Operator::Or => of_filter(&binary.left, column).or(of_filter(&binary.right, column)),
            operator => match (number(&binary.left), number(&binary.right)) {
                (None, Some(value)) if is_column(&binary.left, column) => {
                    of_comparison(operator, value)
                }
                (Some(value), None) if is_column(&binary.right, column) => {
                    operator.swap().map_or(Bounds::ALL, |swapped| of_comparison(swapped, value))
                }
                _ => Bounds::ALL,
            },
        },
        Expr::Between(between) if !between.negated && is_column(&between.expr, column) => {
            match (number(&between.low), number(&between.high)) {
                (Some(first), Some(last)) => Bounds::ALL.and(Bounds { first, last }),
                _ => Bounds::ALL,
            }
        }
        Expr::InList(list) if !list.negated && is_column(&list.expr, column) => {
            let numbers: Option<Vec<i64>> = list.list.iter().map(number).collect();
            numbers.map_or(Bounds::ALL, |numbers| {
                numbers.into_iter().fold(Bounds::NONE, |found, value| {
                    found.or(Bounds { first: value, last: value })
                })
            })
        }
        _ => Bounds::ALL,
    }
}

fn of_comparison(operator: Operator, value: i64) -> Bounds {
    let all = Bounds::ALL;
    let found = match operator {
        Operator::Eq | Operator::IsNotDistinctFrom => Bounds { first: value, last: value },
        Operator::Lt => Bounds { last: value.saturating_sub(1), ..all },
        Operator::LtEq => Bounds { last: value, ..all },
        Operator::Gt if value == i64::MAX => Bounds::NONE,
        Operator::Gt => Bounds { first: value + 1, ..all },
        Operator::GtEq => Bounds { first: value, ..all },
        _ => all,
    };
    all.and(found)
}

/// Hashes that `column` must be one of, if the filters say so: `column = literal` or `IN`.
pub(crate) fn hashes(filters: &[Expr], column: &str) -> Option<Vec<[u8; 32]>> {
    filters.iter().find_map(|filter| match filter {
        Expr::BinaryExpr(binary) if binary.op == Operator::Eq => {
            if is_column(&binary.left, column) {
                hash(&binary.right).map(|found| vec![found])
            } else if is_column(&binary.right, column) {
                hash(&binary.left).map(|found| vec![found])
            } else {
                None
            }
        }
        Expr::BinaryExpr(binary) if binary.op == Operator::And => {
            hashes(std::slice::from_ref(&binary.left), column)
                .or_else(|| hashes(std::slice::from_ref(&binary.right), column))
        }
        // The optimizer writes a short IN list this way.
        Expr::BinaryExpr(binary) if binary.op == Operator::Or => {
            let mut left = hashes(std::slice::from_ref(&binary.left), column)?;
            left.extend(hashes(std::slice::from_ref(&binary.right), column)?);
            Some(left)
        }
        Expr::InList(list) if !list.negated && is_column(&list.expr, column) => {
            list.list.iter().map(hash).collect()
        }
        _ => None,
    })
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => *value,
        Expr::Literal(ScalarValue::Int32(value), _) => value.map(i64::from),
        _ => None,
    }
}

fn hash(expr: &Expr) -> Option<[u8; 32]> {
    match expr {
        Expr::Literal(
            ScalarValue::FixedSizeBinary(_, Some(bytes)) | ScalarValue::Binary(Some(bytes)),
            _,
        ) => bytes.as_slice().try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn of(filter: Expr) -> (i64, i64) {
        let found = bounds(&[filter], "number");
        (found.first, found.last)
    }

    #[test]
    fn comparisons_narrow_the_range_from_either_side() {
        assert_eq!(of(col("number").gt(lit(5_i64)).and(col("number").lt_eq(lit(9_i64)))), (6, 9));
        assert_eq!(of(lit(5_i64).lt(col("number"))), (6, i64::MAX));
        assert_eq!(of(col("number").eq(lit(7_i64))), (7, 7));
        assert_eq!(of(col("number").between(lit(3_i64), lit(4_i64))), (3, 4));
        assert_eq!(of(col("number").in_list(vec![lit(9_i64), lit(2_i64)], false)), (2, 9));
    }

    #[test]
    fn a_filter_that_says_nothing_about_blocks_leaves_all_of_them() {
        assert_eq!(of(col("gas").eq(lit(7_i64))), (0, i64::MAX));
        assert_eq!(of(col("number").eq(lit(7_i64)).or(col("gas").eq(lit(1_i64)))), (0, i64::MAX));
        assert_eq!(of(col("number").not_eq(lit(7_i64))), (0, i64::MAX));
        assert_eq!(of(!col("number").eq(lit(7_i64))), (0, i64::MAX));
    }

    #[test]
    fn contradictions_and_borders_give_no_block() {
        assert!(bounds(&[col("number").lt(lit(0_i64))], "number").is_empty());
        assert!(bounds(&[col("number").gt(lit(i64::MAX))], "number").is_empty());
        let both = col("number").eq(lit(1_i64)).and(col("number").eq(lit(2_i64)));
        assert!(bounds(&[both], "number").is_empty());
    }

    #[test]
    fn a_hash_is_found_in_equality_and_lists_only() {
        let literal = |byte: u8| lit(ScalarValue::FixedSizeBinary(32, Some(vec![byte; 32])));
        let found = hashes(&[col("hash").eq(literal(1))], "hash").unwrap();
        assert_eq!(found, [[1; 32]]);
        let list = col("hash").in_list(vec![literal(1), literal(2)], false);
        assert_eq!(hashes(&[list], "hash").unwrap().len(), 2);
        assert!(hashes(&[col("hash").not_eq(literal(1))], "hash").is_none());
        let either = col("hash").eq(literal(1)).or(col("gas").eq(lit(1_i64)));
        assert!(hashes(&[either], "hash").is_none());
    }
}
