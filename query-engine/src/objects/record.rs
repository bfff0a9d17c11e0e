//! Definitions as bytes, and back. Layout: `docs/storage-format.md`.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use datafusion::arrow::datatypes::Schema as ArrowSchema;
use sqlparser::ast::Expr;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use storage::{Decoder, Encoder, StorageError, StoredObject};

use super::object::{Counter, Place, Schema, Sequence, Steps, UserView};
use super::table::{Check, Foreign, Index, OnCommit, Rows};
use super::{Acl, ColumnType, Head, Identity, Object, UserColumn, UserDefault, UserKey, UserTable};
use crate::PgType;
use crate::catalog::RelationColumn;

const VERSION: u8 = 1;

/// Bytes of one definition's kind.
const SCHEMA: u8 = 0;
const TABLE: u8 = 1;
const VIEW: u8 = 2;
const SEQUENCE: u8 = 3;

type Result<T> = std::result::Result<T, StorageError>;

/// One thing that was read back.
pub(super) enum Stored {
    Schema(Schema),
    Object(Object),
}

/// A definition that may name a counter: sequences are read first.
pub(super) fn is_sequence(stored: &StoredObject) -> bool {
    stored.definition.get(1) == Some(&SEQUENCE)
}

fn head(kind: u8, head: &Head) -> Result<Encoder> {
    let mut encoder = Encoder::versioned(VERSION)
        .u8(kind)
        .bytes(head.schema.as_bytes())?
        .bytes(head.name.as_bytes())?
        .bytes(head.owner.as_bytes())?
        .bytes(head.comment.as_bytes())?
        .length(head.acl.all().count())?;
    for (grantee, letters) in head.acl.all() {
        encoder = encoder.bytes(grantee.as_bytes())?.bytes(letters.as_bytes())?;
    }
    Ok(encoder)
}

fn read_head(decoder: &mut Decoder<'_>, oid: u32) -> Result<Head> {
    let schema = decoder.string()?;
    let name = decoder.string()?;
    let owner = decoder.string()?;
    let comment = decoder.string()?;
    let mut acl = Acl::default();
    for _ in 0..decoder.length(8)? {
        let (grantee, letters) = (decoder.string()?, decoder.string()?);
        acl.grant(&grantee, &letters);
    }
    Ok(Head { oid, name, schema, owner, acl, comment })
}

pub(super) fn schema(schema: &Schema) -> Result<Vec<u8>> {
    Ok(head(SCHEMA, &schema.head)?.finish())
}

/// `batches` are the numbers of a table's batches in order.
pub(super) fn object(object: &Object, batches: &[u64]) -> Result<Vec<u8>> {
    match object {
        Object::Table(found) => table(found, batches),
        Object::View(view) => {
            let mut encoder = head(VIEW, &view.head)?.bytes(view.query.as_bytes())?;
            encoder = encoder.length(view.reads.len())?;
            for oid in &view.reads {
                encoder = encoder.u32(*oid);
            }
            encoder = encoder.length(view.columns.len())?;
            for column in &view.columns {
                encoder = encoder
                    .bytes(column.name.as_bytes())?
                    .bytes(column.pg_type.name().as_bytes())?
                    .i64(i64::from(column.type_modifier))
                    .bytes(column.comment.as_bytes())?;
            }
            Ok(encoder.finish())
        }
        Object::Sequence(sequence) => sequence_at(sequence, &sequence.counter.place()),
    }
}

/// A sequence whose value is `place`.
pub(super) fn sequence_at(sequence: &Sequence, place: &Place) -> Result<Vec<u8>> {
    let steps = &sequence.counter.steps;
    let encoder = head(SEQUENCE, &sequence.head)?
        .bytes(sequence.pg_type.name().as_bytes())?
        .i64(steps.start)
        .i64(steps.increment)
        .i64(steps.min)
        .i64(steps.max)
        .u8(u8::from(steps.cycle))
        .i64(place.last)
        .u8(u8::from(place.is_called));
    Ok(match &sequence.owned_by {
        Some((table, column)) => encoder.u32(*table).bytes(column.as_bytes())?,
        None => encoder.u32(0),
    }
    .finish())
}

fn table(table: &UserTable, batches: &[u64]) -> Result<Vec<u8>> {
    let mut encoder = head(TABLE, &table.head)?.bytes(&arrow_schema(&table.schema())?)?;
    encoder = encoder.length(table.columns.len())?;
    for column in &table.columns {
        encoder = encoder
            .bytes(column.name.as_bytes())?
            .bytes(column.column_type.pg_type.name().as_bytes())?
            .i64(i64::from(column.column_type.type_modifier))
            .u8(u8::from(column.is_not_null))
            .bytes(column.comment.as_bytes())?;
        encoder = match &column.default {
            None => encoder.u8(0),
            Some(UserDefault::Expr(expr)) => encoder.u8(1).bytes(expr.to_string().as_bytes())?,
            Some(UserDefault::Serial { sequence, identity, .. }) => {
                encoder.u8(2).u32(*sequence).u8(match identity {
                    Identity::No => 0,
                    Identity::Always => 1,
                    Identity::ByDefault => 2,
                })
            }
        };
    }
    let positions = |mut encoder: Encoder, columns: &[usize]| -> Result<Encoder> {
        encoder = encoder.length(columns.len())?;
        for at in columns {
            encoder = encoder.u32(u32::try_from(*at).unwrap_or(u32::MAX));
        }
        Ok(encoder)
    };
    encoder = encoder.length(table.keys.len())?;
    for key in &table.keys {
        encoder = encoder
            .bytes(key.name.as_bytes())?
            .u8(u8::from(key.is_primary) | (u8::from(key.is_index) << 1));
        encoder = positions(encoder, &key.columns)?;
    }
    encoder = encoder.length(table.indexes.len())?;
    for index in &table.indexes {
        encoder = positions(encoder.bytes(index.name.as_bytes())?, &index.columns)?;
    }
    encoder = encoder.length(table.checks.len())?;
    for check in &table.checks {
        encoder = encoder.bytes(check.name.as_bytes())?.bytes(check.expr.as_bytes())?;
    }
    encoder = encoder.length(table.foreign.len())?;
    for foreign in &table.foreign {
        encoder = encoder.bytes(foreign.name.as_bytes())?.u32(foreign.table);
        encoder = positions(positions(encoder, &foreign.columns)?, &foreign.target)?;
        encoder = encoder.u8(foreign.on_delete).u8(foreign.on_update);
    }
    encoder = encoder.length(batches.len())?;
    for number in batches {
        encoder = encoder.u64(*number);
    }
    // Last, and only where there are some: definitions of before end here.
    if !table.constraint_comments.is_empty() {
        encoder = encoder.length(table.constraint_comments.len())?;
        for (name, comment) in &table.constraint_comments {
            encoder = encoder.bytes(name.as_bytes())?.bytes(comment.as_bytes())?;
        }
    }
    Ok(encoder.finish())
}

fn arrow_schema(schema: &ArrowSchema) -> Result<Vec<u8>> {
    let rows = |error: arrow::error::ArrowError| StorageError::Rows(error.to_string());
    StreamWriter::try_new(Vec::new(), schema).and_then(StreamWriter::into_inner).map_err(rows)
}

/// What `stored` is; `counters` are those of the sequences.
pub(super) fn read(stored: StoredObject, counters: &HashMap<u32, Arc<Counter>>) -> Result<Stored> {
    let what = format!("definition of object {}", stored.id);
    let mut decoder = Decoder::versioned(&what, &stored.definition, VERSION)?;
    let kind = decoder.u8()?;
    let head = read_head(&mut decoder, stored.id)?;
    let object = match kind {
        SCHEMA => {
            decoder.end()?;
            return Ok(Stored::Schema(Schema { head }));
        }
        TABLE => return read_table(decoder, head, stored.batches, counters),
        VIEW => Object::View(Arc::new(read_view(&mut decoder, head)?)),
        SEQUENCE => Object::Sequence(Arc::new(read_sequence(&mut decoder, head)?)),
        other => return Err(decoder.corrupt(format!("kind {other}"))),
    };
    decoder.end()?;
    Ok(Stored::Object(object))
}

fn pg_type(decoder: &mut Decoder<'_>) -> Result<PgType> {
    let name = decoder.string()?;
    PgType::from_name(&name).ok_or_else(|| decoder.corrupt(format!("type {name}")))
}

fn type_modifier(decoder: &mut Decoder<'_>) -> Result<i32> {
    let found = decoder.i64()?;
    i32::try_from(found).map_err(|_| decoder.corrupt(format!("type modifier {found}")))
}

fn read_view(decoder: &mut Decoder<'_>, head: Head) -> Result<UserView> {
    let query = decoder.string()?;
    let reads = (0..decoder.length(4)?).map(|_| decoder.u32()).collect::<Result<_>>()?;
    let mut columns = Vec::new();
    for _ in 0..decoder.length(16)? {
        columns.push(RelationColumn {
            name: decoder.string()?.into(),
            pg_type: pg_type(decoder)?,
            type_modifier: type_modifier(decoder)?,
            nullable: true,
            comment: decoder.string()?.into(),
        });
    }
    Ok(UserView { head, columns, query, reads })
}

fn read_sequence(decoder: &mut Decoder<'_>, head: Head) -> Result<Sequence> {
    let pg_type = pg_type(decoder)?;
    let steps = Steps {
        start: decoder.i64()?,
        increment: decoder.i64()?,
        min: decoder.i64()?,
        max: decoder.i64()?,
        cycle: decoder.u8()? != 0,
    };
    let place = Place { last: decoder.i64()?, is_called: decoder.u8()? != 0, is_dirty: false };
    let owned_by = match decoder.u32()? {
        0 => None,
        table => Some((table, decoder.string()?)),
    };
    let counter = Arc::new(Counter::at(steps, place));
    Ok(Sequence { head, pg_type, owned_by, counter })
}

fn read_table(
    mut decoder: Decoder<'_>,
    head: Head,
    stored: Vec<(u64, arrow::array::RecordBatch)>,
    counters: &HashMap<u32, Arc<Counter>>,
) -> Result<Stored> {
    let bytes = decoder.bytes()?;
    let schema = StreamReader::try_new(Cursor::new(bytes), None)
        .map_err(|error| decoder.corrupt(error.to_string()))?
        .schema();
    let columns = read_columns(&mut decoder, &schema, counters)?;
    let mut table = UserTable::new(head, columns, OnCommit::PreserveRows);
    read_constraints(&mut decoder, &mut table)?;
    let mut by_number: HashMap<u64, _> = stored.into_iter().collect();
    for _ in 0..decoder.length(8)? {
        let number = decoder.u64()?;
        let rows = by_number
            .remove(&number)
            .ok_or_else(|| decoder.corrupt(format!("batch {number} is missing")))?;
        if rows.schema() != table.schema() {
            return Err(decoder.corrupt(format!("batch {number} has other columns")));
        }
        table.batches.push(Arc::new(Rows::stored(rows, number)));
    }
    if !decoder.is_done() {
        for _ in 0..decoder.length(8)? {
            table.constraint_comments.insert(decoder.string()?, decoder.string()?);
        }
    }
    decoder.end()?;
    Ok(Stored::Object(Object::Table(Arc::new(table))))
}

fn read_columns(
    decoder: &mut Decoder<'_>,
    schema: &ArrowSchema,
    counters: &HashMap<u32, Arc<Counter>>,
) -> Result<Vec<UserColumn>> {
    let mut columns = Vec::new();
    for at in 0..decoder.length(16)? {
        let name = decoder.string()?;
        let pg_type = pg_type(decoder)?;
        let type_modifier = type_modifier(decoder)?;
        let field = schema.fields().get(at).ok_or_else(|| decoder.corrupt("a field is missing"))?;
        let column_type =
            ColumnType { pg_type, type_modifier, data_type: field.data_type().clone() };
        let mut column = UserColumn::new(name, column_type);
        column.is_not_null = decoder.u8()? != 0;
        column.comment = decoder.string()?;
        column.default = match decoder.u8()? {
            0 => None,
            1 => Some(UserDefault::Expr(Box::new(read_expr(decoder)?))),
            _ => {
                let sequence = decoder.u32()?;
                let identity = match decoder.u8()? {
                    0 => Identity::No,
                    1 => Identity::Always,
                    _ => Identity::ByDefault,
                };
                let counter = counters
                    .get(&sequence)
                    .cloned()
                    .ok_or_else(|| decoder.corrupt(format!("no sequence {sequence}")))?;
                Some(UserDefault::Serial { sequence, counter, identity })
            }
        };
        columns.push(column);
    }
    Ok(columns)
}

fn read_constraints(decoder: &mut Decoder<'_>, table: &mut UserTable) -> Result<()> {
    let count = table.columns.len();
    let positions = |decoder: &mut Decoder<'_>| -> Result<Vec<usize>> {
        (0..decoder.length(4)?).map(|_| Ok(decoder.u32()? as usize)).collect()
    };
    let own_positions = |decoder: &mut Decoder<'_>| -> Result<Vec<usize>> {
        let found = positions(decoder)?;
        match found.iter().all(|at| *at < count) {
            true => Ok(found),
            false => Err(decoder.corrupt("a key of a column that is not there")),
        }
    };
    for _ in 0..decoder.length(8)? {
        let (name, flags) = (decoder.string()?, decoder.u8()?);
        let columns = own_positions(decoder)?;
        let (is_primary, is_index) = (flags & 1 != 0, flags & 2 != 0);
        table.keys.push(UserKey { name, columns, is_primary, is_index });
    }
    for _ in 0..decoder.length(8)? {
        let name = decoder.string()?;
        table.indexes.push(Index { name, columns: own_positions(decoder)? });
    }
    for _ in 0..decoder.length(8)? {
        table.checks.push(Check { name: decoder.string()?, expr: decoder.string()? });
    }
    for _ in 0..decoder.length(8)? {
        let (name, other) = (decoder.string()?, decoder.u32()?);
        let columns = own_positions(decoder)?;
        let target = positions(decoder)?;
        let (on_delete, on_update) = (decoder.u8()?, decoder.u8()?);
        table.foreign.push(Foreign { name, table: other, columns, target, on_delete, on_update });
    }
    Ok(())
}

fn read_expr(decoder: &mut Decoder<'_>) -> Result<Expr> {
    let text = decoder.string()?;
    Parser::new(&PostgreSqlDialect {})
        .try_with_sql(&text)
        .and_then(|mut parser| parser.parse_expr())
        .map_err(|error| decoder.corrupt(error.to_string()))
}
