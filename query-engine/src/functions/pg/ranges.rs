//! Functions of ranges and multiranges.

use super::{Call, Entry, set, strict, with_nulls};
use crate::catalog_query::operator::ranges;
use crate::catalog_query::types::TypeOid;
use crate::catalog_query::{Row, Value, text};
use crate::values::other::{Ranges, range_parts};
use crate::{Parameter, QueryError, SqlState};

/// The same functions for a range type, its elements and its multirange type.
macro_rules! of_type {
    ($range:literal, $element:literal, $multi:literal) => {
        [
            with_nulls(
                concat!($range, "(", $element, ",", $element, ") ", $range),
                made::<{ oid($range) }>,
            ),
            with_nulls(
                concat!($range, "(", $element, ",", $element, ",text) ", $range),
                made::<{ oid($range) }>,
            ),
            strict(concat!("lower(", $range, ") ", $element), |call| bound(call, false)),
            strict(concat!("upper(", $range, ") ", $element), |call| bound(call, true)),
            strict(concat!("lower(", $multi, ") ", $element), |call| bound(call, false)),
            strict(concat!("upper(", $multi, ") ", $element), |call| bound(call, true)),
            strict(concat!("isempty(", $range, "|", $multi, ") bool"), |call| {
                Ok(Value::Bool(own(call, 0)?.is_empty()))
            }),
            strict(concat!("lower_inc(", $range, "|", $multi, ") bool"), |call| is_in(call, false)),
            strict(concat!("upper_inc(", $range, "|", $multi, ") bool"), |call| is_in(call, true)),
            strict(concat!("lower_inf(", $range, "|", $multi, ") bool"), |call| {
                is_open(call, false)
            }),
            strict(concat!("upper_inf(", $range, "|", $multi, ") bool"), |call| {
                is_open(call, true)
            }),
            strict(concat!("range_merge(", $range, ",", $range, ") ", $range), |call| {
                shown(own(call, 0)?.merged(&own(call, 1)?), oid($range))
            }),
            strict(concat!("range_merge(", $multi, ") ", $range), |call| {
                let all = own(call, 0)?;
                shown(all.merged(&all), oid($range))
            }),
            strict(concat!("multirange(", $range, ") ", $multi), joined::<{ oid($multi) }>),
            strict(concat!($multi, "() ", $multi), joined::<{ oid($multi) }>),
            strict(concat!($multi, "(", $range, "...) ", $multi), joined::<{ oid($multi) }>),
            set(concat!("unnest(", $multi, ") setof unnest ", $range), |call| {
                let parts = own(call, 0)?;
                let row = |part: Ranges| Ok(Row::from(vec![shown(part, oid($range))?]));
                parts.each().map(row).collect()
            }),
        ]
    };
}

pub(super) const FUNCTIONS: &[&[Entry]] = &[
    &of_type!("int4range", "int4", "int4multirange"),
    &of_type!("int8range", "int8", "int8multirange"),
    &of_type!("numrange", "numeric", "nummultirange"),
    &of_type!("daterange", "date", "datemultirange"),
    &of_type!("tsrange", "timestamp", "tsmultirange"),
    &of_type!("tstzrange", "timestamptz", "tstzmultirange"),
];

/// Object id of a range type by its name.
const fn oid(name: &str) -> TypeOid {
    match name.as_bytes() {
        b"int4range" => 3904,
        b"numrange" => 3906,
        b"tsrange" => 3908,
        b"tstzrange" => 3910,
        b"daterange" => 3912,
        b"int8range" => 3926,
        b"int4multirange" => 4451,
        b"nummultirange" => 4532,
        b"tsmultirange" => 4533,
        b"tstzmultirange" => 4534,
        b"datemultirange" => 4535,
        _ => 4536,
    }
}

fn shown(found: Ranges, oid: TypeOid) -> Result<Value, QueryError> {
    Ok(Value::Ordered(oid, found.to_text(oid)?.into()))
}

fn own(call: &Call<'_>, at: usize) -> Result<Ranges, QueryError> {
    ranges(call.value(at), call.types[at], call.types[at])
}

fn made<const OID: TypeOid>(call: &Call<'_>) -> Result<Value, QueryError> {
    let flags = match call.arguments.get(2) {
        None => "[)",
        Some(Value::Null) => {
            return Err(QueryError::new(
                SqlState("22000"),
                "range constructor flags argument must not be null",
            ));
        }
        Some(flags) => flags.as_text(),
    };
    let bound = |at: usize| -> Option<Parameter> {
        let value = call.value(at);
        (!value.is_null()).then(|| text::to_parameter(value, call.types[at]))
    };
    shown(Ranges::of_bounds(OID, bound(0), bound(1), flags)?, OID)
}

fn joined<const OID: TypeOid>(call: &Call<'_>) -> Result<Value, QueryError> {
    let mut all = Ranges::read(OID, "{}")?;
    for at in 0..call.arguments.len() {
        all = all.union(&own(call, at)?);
    }
    shown(all, OID)
}

fn bound(call: &Call<'_>, is_upper: bool) -> Result<Value, QueryError> {
    let element = range_parts(call.types[0]).map_or(0, |(element, _)| element.oid());
    match own(call, 0)?.bound(is_upper).0 {
        Some(value) => text::from_parameter(call.env, value, element),
        None => Ok(Value::Null),
    }
}

fn is_in(call: &Call<'_>, is_upper: bool) -> Result<Value, QueryError> {
    Ok(Value::Bool(own(call, 0)?.bound(is_upper).1))
}

fn is_open(call: &Call<'_>, is_upper: bool) -> Result<Value, QueryError> {
    let all = own(call, 0)?;
    Ok(Value::Bool(!all.is_empty() && all.bound(is_upper).0.is_none()))
}
