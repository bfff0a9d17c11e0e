//! Functions on arrays, and series.

use super::{Call, Entry, set, strict, with_nulls};
use crate::catalog_query::text;
use crate::catalog_query::types::{self, element};
use crate::catalog_query::{Row, Value};
use crate::{Dimension, QueryError, SqlState};

/// Rows that a series may have in a catalog statement.
const SERIES_ROWS_MAX: usize = 1_000_000;

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("array_length(anyarray,int4) int4", |call| bound(call, |_, count| count)),
    strict("array_lower(anyarray,int4) int4", |call| bound(call, |first, _| first)),
    strict("array_upper(anyarray,int4) int4", |call| bound(call, |first, count| first + count - 1)),
    strict("array_ndims(anyarray) int4", |call| {
        Ok(match i64::try_from(call.value(0).dimensions().len()) {
            Ok(count) if count > 0 => Value::Int(count),
            _ => Value::Null,
        })
    }),
    strict("array_dims(anyarray) text", |call| {
        let dimensions = call.value(0).dimensions();
        let shown = dimensions.iter().map(|Dimension { lower, length }| {
            format!("[{lower}:{}]", i64::from(*lower) + i64::from(*length) - 1)
        });
        let shown = shown.collect::<String>();
        Ok(if shown.is_empty() { Value::Null } else { Value::text(shown) })
    }),
    strict("cardinality(anyarray) int4", |call| Ok(Value::Int(length(call.value(0))))),
    with_nulls("array_position(anyarray,anyelement) int4", array_position),
    with_nulls("array_position(anyarray,anyelement,int4) int4", array_position),
    with_nulls("array_positions(anyarray,anyelement) int4[]", |call| {
        if call.value(0).is_null() {
            return Ok(Value::Null);
        }
        let elements = call.value(0).elements().iter().zip(first(call.types[0])..);
        let found = elements.filter(|(element, _)| *element == call.value(1));
        Ok(Value::array(found.map(|(_, at)| Value::Int(at)).collect()))
    }),
    with_nulls("array_replace(anyarray,anyelement,anyelement) anyarray", |call| {
        if call.value(0).is_null() {
            return Ok(Value::Null);
        }
        let changed = |element: &Value| {
            let is_meant = element == call.value(1);
            if is_meant { call.value(2).clone() } else { element.clone() }
        };
        let elements = call.value(0).elements().iter().map(changed).collect();
        Ok(Value::shaped(call.value(0).dimensions(), elements))
    }),
    with_nulls("array_fill(anyelement,int4[]) anyarray", array_fill),
    with_nulls("array_fill(anyelement,int4[],int4[]) anyarray", array_fill),
    strict("trim_array(anyarray,int4) anyarray", |call| {
        let elements = call.value(0).elements();
        let kept =
            usize::try_from(call.int(1)).ok().and_then(|cut| elements.len().checked_sub(cut));
        let kept = kept.ok_or_else(|| {
            QueryError::new(
                SqlState("2202E"),
                format!("number of elements to trim must be between 0 and {}", elements.len()),
            )
        })?;
        Ok(Value::array(elements[..kept].to_vec()))
    }),
    strict("array_shuffle(anyarray) anyarray", |call| {
        Ok(Value::array(shuffled(call.value(0).elements())))
    }),
    strict("array_sample(anyarray,int4) anyarray", |call| {
        let mut elements = shuffled(call.value(0).elements());
        let wanted = usize::try_from(call.int(1)).ok().filter(|wanted| *wanted <= elements.len());
        let wanted = wanted.ok_or_else(|| {
            QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("sample size must be between 0 and {}", elements.len()),
            )
        })?;
        elements.truncate(wanted);
        Ok(Value::array(elements))
    }),
    with_nulls("array_remove(anyarray,anyelement) anyarray", array_remove),
    with_nulls("array_append(anyarray,anyelement) anyarray", |call| {
        Ok(joined(call.value(0).elements(), std::slice::from_ref(call.value(1))))
    }),
    with_nulls("array_prepend(anyelement,anyarray) anyarray", |call| {
        Ok(joined(std::slice::from_ref(call.value(0)), call.value(1).elements()))
    }),
    with_nulls("array_cat(anyarray,anyarray) anyarray", |call| {
        match (call.value(0).is_null(), call.value(1).is_null()) {
            (true, _) => Ok(call.value(1).clone()),
            (_, true) => Ok(call.value(0).clone()),
            _ => Ok(joined(call.value(0).elements(), call.value(1).elements())),
        }
    }),
    strict("array_to_string(anyarray,text) text", array_to_string),
    with_nulls("array_to_string(anyarray,text,text) text", array_to_string),
    with_nulls("string_to_array(text,text) text[]", string_to_array),
    with_nulls("string_to_array(text,text,text) text[]", |call| {
        let parts = string_to_array(call)?;
        // Parts that equal the third argument are null.
        let part = |part: &Value| if part == call.value(2) { Value::Null } else { part.clone() };
        Ok(match &parts {
            Value::Null => Value::Null,
            parts => Value::array(parts.elements().iter().map(part).collect()),
        })
    }),
    set("unnest(anyarray) setof unnest anyelement", |call| {
        Ok(call.value(0).elements().iter().map(|value| Row::from(vec![value.clone()])).collect())
    }),
    set("generate_series(int4,int4) setof generate_series int4", series),
    set("generate_series(int8,int8) setof generate_series int8", series),
    set("generate_series(int4,int4,int4) setof generate_series int4", series),
    set("generate_series(int8,int8,int8) setof generate_series int8", series),
    set("generate_subscripts(anyarray,int4) setof generate_subscripts int4", |call| {
        subscripts(call, false)
    }),
    set("generate_subscripts(anyarray,int4,bool) setof generate_subscripts int4", |call| {
        subscripts(call, call.bool(2))
    }),
    set("_pg_expandarray(anyarray) setof x anyelement, n int4", expand_array),
];

fn length(array: &Value) -> i64 {
    i64::try_from(array.elements().len()).unwrap_or(i64::MAX)
}

/// Lower bound of an array of this type: vectors count from 0.
fn first(type_oid: u32) -> i64 {
    i64::from(!matches!(type_oid, types::INT2VECTOR | types::OIDVECTOR))
}

/// Lower bound and length of a dimension from 1; `None` where the array does not have it.
fn dimension(call: &Call<'_>, number: i64) -> Option<(i64, i64)> {
    let dimensions = call.value(0).dimensions();
    let at = usize::try_from(number.checked_sub(1)?).ok()?;
    let found = dimensions.get(at)?;
    let is_vector = first(call.types[0]) == 0;
    Some((if is_vector { 0 } else { found.lower.into() }, found.length.into()))
}

fn bound(call: &Call<'_>, pick: fn(i64, i64) -> i64) -> Result<Value, QueryError> {
    let found = dimension(call, call.int(1));
    Ok(found.map_or(Value::Null, |(first, count)| Value::Int(pick(first, count))))
}

fn joined(left: &[Value], right: &[Value]) -> Value {
    Value::array(left.iter().chain(right).cloned().collect())
}

/// An array in which one value stands at each place.
///
/// # Errors
/// 22004 for a size that is null, 54000 past the rows of a series.
fn array_fill(call: &Call<'_>) -> Result<Value, QueryError> {
    if call.value(1).is_null() || call.value(1).elements().iter().any(Value::is_null) {
        let message = "dimension array or low bound array cannot be null";
        return Err(QueryError::new(SqlState("22004"), message));
    }
    let mut dimensions = Vec::new();
    let mut count = 1_usize;
    for (at, length) in call.value(1).elements().iter().enumerate() {
        let length = length.as_int().unwrap_or_default();
        let lower = call.value(2).elements().get(at).and_then(Value::as_int).unwrap_or(1);
        count = count.saturating_mul(usize::try_from(length).unwrap_or(0));
        let narrow = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
        dimensions.push(Dimension { lower: narrow(lower), length: narrow(length) });
    }
    if count > SERIES_ROWS_MAX {
        let message = format!("array size exceeds the maximum allowed ({SERIES_ROWS_MAX})");
        return Err(QueryError::new(SqlState::PROGRAM_LIMIT, message));
    }
    if count == 0 || dimensions.is_empty() {
        return Ok(Value::array(Vec::new()));
    }
    Ok(Value::shaped(dimensions, vec![call.value(0).clone(); count]))
}

fn shuffled(elements: &[Value]) -> Vec<Value> {
    let mut keyed: Vec<(u64, &Value)> =
        elements.iter().map(|element| (rand::random(), element)).collect();
    keyed.sort_by_key(|entry| entry.0);
    keyed.into_iter().map(|(_, element)| element.clone()).collect()
}

fn array_position(call: &Call<'_>) -> Result<Value, QueryError> {
    let start = call
        .arguments
        .get(2)
        .and_then(Value::as_int)
        .map_or(0, |start| usize::try_from(start - first(call.types[0])).unwrap_or(0));
    let mut places = call.value(0).elements().iter().enumerate().skip(start);
    let found = places.find(|(_, element)| *element == call.value(1));
    let position = found.and_then(|(at, _)| i64::try_from(at).ok());
    Ok(position.map_or(Value::Null, |at| Value::Int(at + first(call.types[0]))))
}

fn array_remove(call: &Call<'_>) -> Result<Value, QueryError> {
    if call.value(0).is_null() {
        return Ok(Value::Null);
    }
    let kept = call.value(0).elements().iter().filter(|element| *element != call.value(1));
    Ok(Value::array(kept.cloned().collect()))
}

fn array_to_string(call: &Call<'_>) -> Result<Value, QueryError> {
    if call.value(0).is_null() || call.value(1).is_null() {
        return Ok(Value::Null);
    }
    let inner = element(call.types[0]).unwrap_or(types::TEXT);
    let null_text = call.arguments.get(2).filter(|value| !value.is_null()).map(Value::as_text);
    let parts: Vec<String> = call
        .value(0)
        .elements()
        .iter()
        .filter_map(|value| match value {
            Value::Null => null_text.map(str::to_owned),
            value => Some(text::output(call.env, value, inner)),
        })
        .collect();
    Ok(Value::text(parts.join(call.text(1))))
}

fn string_to_array(call: &Call<'_>) -> Result<Value, QueryError> {
    if call.value(0).is_null() {
        return Ok(Value::Null);
    }
    let text = call.text(0);
    let parts: Vec<Value> = match (text, call.value(1)) {
        ("", _) => Vec::new(),
        (text, Value::Null) => {
            text.chars().map(|character| Value::text(character.to_string())).collect()
        }
        (text, separator) if separator.as_text().is_empty() => vec![Value::text(text)],
        (text, separator) => text.split(separator.as_text()).map(Value::text).collect(),
    };
    Ok(Value::array(parts))
}

fn series(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    let (from, to) = (call.int(0), call.int(1));
    let step = call.arguments.get(2).and_then(Value::as_int).unwrap_or(1);
    if step == 0 {
        return Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "step size cannot equal zero",
        ));
    }
    let mut rows = Vec::new();
    let mut next = Some(from);
    while let Some(value) = next {
        if (step > 0 && value > to) || (step < 0 && value < to) {
            break;
        }
        if rows.len() == SERIES_ROWS_MAX {
            // The planner has a streaming series without this limit, for a series alone.
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a series beside other results may have {SERIES_ROWS_MAX} rows at most"),
            ));
        }
        rows.push(Row::from(vec![Value::Int(value)]));
        next = value.checked_add(step);
    }
    Ok(rows)
}

fn subscripts(call: &Call<'_>, reverse: bool) -> Result<Vec<Row>, QueryError> {
    let Some((first, count)) = dimension(call, call.int(1)) else { return Ok(Vec::new()) };
    let row = |at: i64| Row::from(vec![Value::Int(at)]);
    let all = first..first + count;
    Ok(if reverse { all.rev().map(row).collect() } else { all.map(row).collect() })
}

fn expand_array(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    let elements = call.value(0).elements().iter().zip(1_i64..);
    Ok(elements.map(|(value, at)| Row::from(vec![value.clone(), Value::Int(at)])).collect())
}
