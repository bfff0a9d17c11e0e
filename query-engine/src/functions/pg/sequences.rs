//! Functions of sequences. What they give out is not taken back by a rollback.

use super::{Call, Entry, strict};
use crate::catalog_query::Value;
use crate::objects::{Object, Sequence, UserDefault};
use crate::{QueryError, SqlState};

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("nextval(regclass) int8", |call| {
        let sequence = sequence(call, 'U')?;
        call.env.view.next_value(sequence.head.oid, &sequence.counter).map(Value::Int)
    }),
    strict("currval(regclass) int8", |call| {
        let sequence = sequence(call, 'U')?;
        let found = call.env.view.sequences().values.get(&sequence.head.oid).copied();
        found.map(Value::Int).ok_or_else(|| {
            QueryError::new(
                SqlState::OBJECT_NOT_IN_STATE,
                format!(
                    "currval of sequence \"{}\" is not yet defined in this session",
                    sequence.head.name
                ),
            )
        })
    }),
    strict("lastval() int8", |call| {
        let sequences = call.env.view.sequences();
        let last = sequences.last.and_then(|oid| sequences.values.get(&oid).copied());
        last.map(Value::Int).ok_or_else(|| {
            QueryError::new(
                SqlState::OBJECT_NOT_IN_STATE,
                "lastval is not yet defined in this session",
            )
        })
    }),
    strict("setval(regclass,int8) int8", |call| set(call, true)),
    strict("setval(regclass,int8,bool) int8", |call| set(call, call.bool(2))),
    strict("pg_sequence_last_value(regclass) int8", |call| {
        let place = *sequence(call, 'r')?.counter.place();
        Ok(if place.is_called { Value::Int(place.last) } else { Value::Null })
    }),
    strict("pg_get_serial_sequence(text,text) text", serial_sequence),
];

/// The sequence of the first argument, for a role that has the privilege `letter` on it.
fn sequence<'a>(call: &'a Call<'_>, letter: char) -> Result<&'a Sequence, QueryError> {
    let view = call.env.view;
    let oid = u32::try_from(call.int(0)).unwrap_or_default();
    match view.objects.by_oid(oid) {
        Some(Object::Sequence(sequence)) => {
            let role = view.role();
            if !role.has(&sequence.head, letter) {
                role.check(&sequence.head, 'w', "sequence")?;
            }
            Ok(sequence)
        }
        Some(other) => Err(QueryError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("\"{}\" is not a sequence", other.head().name),
        )),
        None => Err(QueryError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("relation with OID {oid} is not a sequence"),
        )),
    }
}

fn set(call: &Call<'_>, is_called: bool) -> Result<Value, QueryError> {
    let sequence = sequence(call, 'w')?;
    sequence.counter.set(&sequence.head.name, call.int(1), is_called)?;
    let mut sequences = call.env.view.sequences();
    if is_called {
        sequences.values.insert(sequence.head.oid, call.int(1));
    }
    sequences.is_dirty = true;
    Ok(Value::Int(call.int(1)))
}

fn serial_sequence(call: &Call<'_>) -> Result<Value, QueryError> {
    use crate::catalog_query::names::quote_ident;
    use crate::catalog_query::types::REGCLASS;
    let view = call.env.view;
    let found = call.env.find_object(call.text(0), REGCLASS)?.and_then(|oid| oid.as_int());
    let Some(found) = found else {
        return Err(QueryError::new(
            SqlState::UNDEFINED_TABLE,
            format!("relation \"{}\" does not exist", call.text(0)),
        ));
    };
    let oid = u32::try_from(found).unwrap_or_default();
    let Some(Object::Table(table)) = view.objects.by_oid(oid) else { return Ok(Value::Null) };
    let Some(at) = table.position(call.text(1)) else {
        return Err(QueryError::new(
            SqlState::UNDEFINED_COLUMN,
            format!(
                "column \"{}\" of relation \"{}\" does not exist",
                call.text(1),
                table.head.name
            ),
        ));
    };
    let by_default = match &table.columns[at].default {
        Some(UserDefault::Serial { sequence, .. }) => view.objects.by_oid(*sequence),
        _ => None,
    };
    let owner = (oid, call.text(1).to_owned());
    let owned = || {
        view.objects.all().find(|object| {
            matches!(object, Object::Sequence(found) if found.owned_by.as_ref() == Some(&owner))
        })
    };
    Ok(by_default.or_else(owned).map_or(Value::Null, |object| {
        let head = object.head();
        Value::text(format!("{}.{}", quote_ident(&head.schema), quote_ident(&head.name)))
    }))
}
