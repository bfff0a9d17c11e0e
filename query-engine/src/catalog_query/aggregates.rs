//! Aggregates: their names, and the types that each takes and gives. Their values are in `exec::aggregate`.

use super::plan::{AggregateKind, JsonForm, Moment};
use super::types::{self, Kind, TypeOid, element, kind, type_name};
use crate::{QueryError, SqlState};

/// The aggregate with this name.
pub(super) fn named(name: &str) -> Option<AggregateKind> {
    use AggregateKind as A;
    let json = |is_binary| JsonForm { is_binary, is_structured: false };
    Some(match name {
        "count" => A::Count,
        "min" => A::Min,
        "max" => A::Max,
        "sum" => A::Sum,
        "avg" => A::Avg,
        "any_value" => A::AnyValue,
        "bool_and" | "every" => A::BoolAnd,
        "bool_or" => A::BoolOr,
        "bit_and" => A::BitAnd,
        "bit_or" => A::BitOr,
        "bit_xor" => A::BitXor,
        "array_agg" => A::ArrayAgg,
        "string_agg" => A::StringAgg,
        "json_agg" => A::JsonAgg(json(false)),
        "jsonb_agg" => A::JsonAgg(json(true)),
        "json_object_agg" => A::JsonObjectAgg(json(false)),
        "jsonb_object_agg" => A::JsonObjectAgg(json(true)),
        "stddev" | "stddev_samp" => A::Spread { is_root: true, is_sample: true },
        "stddev_pop" => A::Spread { is_root: true, is_sample: false },
        "variance" | "var_samp" => A::Spread { is_root: false, is_sample: true },
        "var_pop" => A::Spread { is_root: false, is_sample: false },
        "corr" => A::Regression(Moment::Correlation),
        "covar_pop" => A::Regression(Moment::Covariance { is_sample: false }),
        "covar_samp" => A::Regression(Moment::Covariance { is_sample: true }),
        "regr_slope" => A::Regression(Moment::Slope),
        "regr_intercept" => A::Regression(Moment::Intercept),
        "regr_r2" => A::Regression(Moment::R2),
        "regr_count" => A::Regression(Moment::Count),
        "regr_avgx" => A::Regression(Moment::AverageX),
        "regr_avgy" => A::Regression(Moment::AverageY),
        "regr_sxx" => A::Regression(Moment::Sxx),
        "regr_syy" => A::Regression(Moment::Syy),
        "regr_sxy" => A::Regression(Moment::Sxy),
        _ => return None,
    })
}

/// The aggregate that `name(…) WITHIN GROUP (ORDER BY …)` means.
pub(super) fn within_group(name: &str) -> Option<AggregateKind> {
    Some(match name {
        "percentile_cont" => AggregateKind::PercentileCont,
        "percentile_disc" => AggregateKind::PercentileDisc,
        "mode" => AggregateKind::Mode,
        "rank" => AggregateKind::HypotheticalRank { is_dense: false },
        "dense_rank" => AggregateKind::HypotheticalRank { is_dense: true },
        _ => return None,
    })
}

/// Types that the arguments are brought to, and type of the result.
///
/// # Errors
/// 42883 for types that the aggregate does not take.
pub(super) fn resolve(
    aggregate: AggregateKind,
    name: &str,
    found: &[TypeOid],
) -> Result<(Vec<TypeOid>, TypeOid), QueryError> {
    use AggregateKind as A;
    let none = || Err(undefined(name, found));
    let first = found.first().copied().unwrap_or(types::UNKNOWN);
    let is_integer = matches!(first, types::INT2 | types::INT4 | types::INT8);
    let same = |result| Ok((found.to_vec(), result));
    let wanted = match aggregate {
        A::CountRows => 0,
        A::StringAgg | A::JsonObjectAgg(_) | A::Regression(_) => 2,
        _ => 1,
    };
    if found.len() != wanted {
        return none();
    }
    match aggregate {
        A::CountRows | A::Count => same(types::INT8),
        A::Min | A::Max
            if matches!(
                first,
                types::BOOL | types::BYTEA | types::JSON | types::JSONB | types::UUID
            ) =>
        {
            none()
        }
        A::Min | A::Max if first == types::VARCHAR => Ok((vec![types::TEXT], types::TEXT)),
        A::Min | A::Max | A::AnyValue => same(first),
        A::Sum if matches!(first, types::INT2 | types::INT4) => same(types::INT8),
        A::Sum if first == types::INT8 => same(types::NUMERIC),
        A::Sum if matches!(kind(first), Kind::Float | Kind::Numeric | Kind::Interval) => {
            same(first)
        }
        A::Avg if kind(first) == Kind::Float => same(types::FLOAT8),
        A::Avg if is_integer || first == types::NUMERIC => same(types::NUMERIC),
        A::Avg if first == types::INTERVAL => same(first),
        A::BoolAnd | A::BoolOr if first == types::BOOL => same(types::BOOL),
        A::BitAnd | A::BitOr | A::BitXor if is_integer || first == types::BIT => same(first),
        A::ArrayAgg if element(first).is_some() => same(first),
        A::ArrayAgg => match types::array_of(first) {
            Some(array) => same(array),
            None => none(),
        },
        A::StringAgg if found[0] == types::BYTEA => {
            Ok((vec![types::BYTEA, types::BYTEA], types::BYTEA))
        }
        A::StringAgg if found.iter().all(|oid| types::is_implicit(*oid, types::TEXT)) => {
            Ok((vec![types::TEXT, types::TEXT], types::TEXT))
        }
        A::JsonAgg(form) | A::JsonObjectAgg(form) => {
            same(if form.is_binary { types::JSONB } else { types::JSON })
        }
        A::Spread { .. } if is_integer || first == types::NUMERIC => same(types::NUMERIC),
        A::Spread { .. } if kind(first) == Kind::Float => Ok((vec![types::FLOAT8], types::FLOAT8)),
        A::Regression(moment)
            if found.iter().all(|oid| types::is_implicit(*oid, types::FLOAT8)) =>
        {
            let result = if moment == Moment::Count { types::INT8 } else { types::FLOAT8 };
            Ok((vec![types::FLOAT8, types::FLOAT8], result))
        }
        _ => none(),
    }
}

/// 42883 for an aggregate over types that it does not take.
pub(super) fn undefined(name: &str, found: &[TypeOid]) -> QueryError {
    let shown: Vec<String> = found.iter().map(|oid| type_name(*oid)).collect();
    QueryError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("function {name}({}) does not exist", shown.join(", ")),
    )
    .with_hint(
        "No function matches the given name and argument types. You might need to add explicit type casts.",
    )
}
