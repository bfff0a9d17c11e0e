//! Writes the server's messages into the output buffer.

use bytes::{BufMut, Bytes, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::data::{FieldDescription, NoData, ParameterDescription, RowDescription};
use pgwire::messages::extendedquery::{
    BindComplete, CloseComplete, ParseComplete, PortalSuspended,
};
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, ReadyForQuery, TransactionStatus as WireStatus,
};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};
use query_engine::values::{Format, patch_length};
use query_engine::{
    Notice, Notification, PgType, QueryError, ResultColumn, SqlState, TransactionStatus,
};

use crate::error::internal;

/// Most columns of a result: PostgreSQL's limit on a target list.
pub(crate) const COLUMNS_MAX: usize = 1664;

/// The error about a prepared statement whose columns changed, and the function of PostgreSQL that finds
/// it: drivers prepare again when they see this function's name, and tell the caller otherwise.
const CHANGED_PLAN: &str = "cached plan must not change result type";
const CHANGED_PLAN_ROUTINE: &str = "RevalidateCachedQuery";

/// Appends one of pgwire's messages, whole or not at all.
fn put(out: &mut BytesMut, message: &impl Message) -> Result<(), QueryError> {
    let start = out.len();
    message.encode(out).map_err(|error| {
        out.truncate(start);
        internal(format!("reply does not fit its message: {error}"))
    })
}

pub(crate) fn authentication(out: &mut BytesMut, step: &Authentication) -> Result<(), QueryError> {
    put(out, step)
}

pub(crate) fn negotiate_protocol(
    out: &mut BytesMut,
    minor: u16,
    unknown_options: Vec<String>,
) -> Result<(), QueryError> {
    let version = (3 << 16) | i32::from(minor);
    put(out, &NegotiateProtocolVersion::new(version, unknown_options))
}

pub(crate) fn backend_key(out: &mut BytesMut, pid: i32, key: Bytes) -> Result<(), QueryError> {
    let secret_key = match <[u8; 4]>::try_from(&key[..]) {
        Ok(short) => SecretKey::I32(i32::from_be_bytes(short)),
        Err(_) => SecretKey::Bytes(key),
    };
    put(out, &BackendKeyData::new(pid, secret_key))
}

pub(crate) fn parameter_status(
    out: &mut BytesMut,
    name: String,
    value: String,
) -> Result<(), QueryError> {
    put(out, &ParameterStatus::new(name, value))
}

pub(crate) fn ready(out: &mut BytesMut, status: TransactionStatus) -> Result<(), QueryError> {
    put(
        out,
        &ReadyForQuery::new(match status {
            TransactionStatus::Idle => WireStatus::Idle,
            TransactionStatus::InBlock => WireStatus::Transaction,
            TransactionStatus::Failed => WireStatus::Error,
        }),
    )
}

pub(crate) fn parse_complete(out: &mut BytesMut) -> Result<(), QueryError> {
    put(out, &ParseComplete::new())
}

pub(crate) fn bind_complete(out: &mut BytesMut) -> Result<(), QueryError> {
    put(out, &BindComplete::new())
}

pub(crate) fn close_complete(out: &mut BytesMut) -> Result<(), QueryError> {
    put(out, &CloseComplete::new())
}

pub(crate) fn no_data(out: &mut BytesMut) -> Result<(), QueryError> {
    put(out, &NoData::new())
}

pub(crate) fn portal_suspended(out: &mut BytesMut) -> Result<(), QueryError> {
    put(out, &PortalSuspended::new())
}

pub(crate) fn empty_query(out: &mut BytesMut) -> Result<(), QueryError> {
    put(out, &EmptyQueryResponse::new())
}

pub(crate) fn command_complete(out: &mut BytesMut, tag: String) -> Result<(), QueryError> {
    put(out, &CommandComplete::new(tag))
}

/// Command tag of a statement that gave rows; only some carry the count.
pub(crate) fn row_tag(tag: &'static str, row_count: u64) -> String {
    match tag {
        "SELECT" | "FETCH" | "MOVE" | "COPY" | "INSERT 0" | "UPDATE" | "DELETE" => {
            format!("{tag} {row_count}")
        }
        _ => tag.to_owned(),
    }
}

/// CopyOutResponse (`H`) or CopyInResponse (`G`), all columns in one format.
///
/// # Errors
/// 54000 past [`COLUMNS_MAX`].
pub(crate) fn copy_response(
    out: &mut BytesMut,
    kind: u8,
    format: Format,
    column_count: usize,
) -> Result<(), QueryError> {
    let count = u16::try_from(column_count).ok().filter(|_| column_count <= COLUMNS_MAX);
    let count = count.ok_or_else(|| {
        QueryError::new(
            SqlState::PROGRAM_LIMIT,
            format!("COPY of {column_count} columns is over the limit of {COLUMNS_MAX}"),
        )
    })?;
    out.put_u8(kind);
    let start = out.len();
    out.put_u32(0);
    out.put_i8(i8::from(format == Format::Binary));
    out.put_u16(count);
    for _ in 0..count {
        out.put_i16(format.code());
    }
    patch_length(out, start);
    Ok(())
}

/// CopyDone.
pub(crate) fn copy_done(out: &mut BytesMut) {
    out.put_slice(b"c\0\0\0\x04");
}

pub(crate) fn parameter_description(
    out: &mut BytesMut,
    types: &[PgType],
) -> Result<(), QueryError> {
    put(out, &ParameterDescription::new(types.iter().map(|pg_type| pg_type.oid()).collect()))
}

/// RowDescription; `formats` has one entry per column.
///
/// # Errors
/// 54000 past [`COLUMNS_MAX`] columns.
pub(crate) fn row_description(
    out: &mut BytesMut,
    columns: &[ResultColumn],
    formats: &[Format],
) -> Result<(), QueryError> {
    if columns.len() > COLUMNS_MAX {
        return Err(QueryError::new(
            SqlState::PROGRAM_LIMIT,
            format!("target lists can have at most {COLUMNS_MAX} entries"),
        ));
    }
    let fields = columns.iter().zip(formats).map(|(column, format)| {
        FieldDescription::new(
            column.name.clone(),
            // Object ids are unsigned; the message struct has the same 32 bits as signed.
            column.table_oid.cast_signed(),
            column.column_number,
            column.pg_type.oid(),
            column.pg_type.size(),
            column.type_modifier,
            format.code(),
        )
    });
    put(out, &RowDescription::new(fields.collect()))
}

/// NotificationResponse.
pub(crate) fn notification(out: &mut BytesMut, notification: &Notification) {
    out.put_u8(b'A');
    let start = out.len();
    out.put_u32(0);
    out.put_i32(notification.sender);
    for text in [&notification.channel, &notification.payload] {
        out.put_slice(text.as_bytes());
        out.put_u8(0);
    }
    patch_length(out, start);
}

/// NoticeResponse.
pub(crate) fn notice(out: &mut BytesMut, notice: &Notice) {
    let fields = [(b'D', notice.detail.as_deref())];
    put_report(out, b'N', notice.severity, notice.state, &notice.message, &fields);
}

/// ErrorResponse with severity `ERROR` or `FATAL`.
pub(crate) fn error(out: &mut BytesMut, severity: &'static str, error: &QueryError) {
    let position = error.position.map(|position| position.to_string());
    let object = error.object.as_deref();
    let fields = [
        (b'D', error.detail.as_deref()),
        (b'H', error.hint.as_deref()),
        (b'P', position.as_deref()),
        (b'W', error.context.as_deref()),
        (b's', object.map(|object| object.schema.as_str())),
        (b't', object.map(|object| object.table.as_str())),
        (b'c', object.and_then(|object| object.column.as_deref())),
        (b'n', object.and_then(|object| object.constraint.as_deref())),
        (b'R', (error.message == CHANGED_PLAN).then_some(CHANGED_PLAN_ROUTINE)),
    ];
    put_report(out, b'E', severity, error.state.0, &error.message, &fields);
}

/// Error and notice share a layout. Written here, because pgwire's encoder refuses one over 10 000 bytes
/// and an error that quotes a statement may be longer.
fn put_report(
    out: &mut BytesMut,
    kind: u8,
    severity: &str,
    state: &str,
    message: &str,
    fields: &[(u8, Option<&str>)],
) {
    out.put_u8(kind);
    let start = out.len();
    out.put_u32(0);
    let head = [(b'S', severity), (b'V', severity), (b'C', state), (b'M', message)];
    let tail = fields.iter().filter_map(|&(code, text)| Some((code, text?)));
    for (code, text) in head.into_iter().chain(tail) {
        out.put_u8(code);
        // A zero byte would end the field early and put the client out of step.
        out.extend(text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
        out.put_u8(0);
    }
    out.put_u8(0);
    patch_length(out, start);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_carries_every_field_and_its_length_counts_them() {
        let mut out = BytesMut::new();
        let source = QueryError::new(SqlState::SYNTAX_ERROR, "syntax error at \"a\0b\"")
            .with_detail("d")
            .with_hint("h")
            .at(7);
        error(&mut out, "ERROR", &source);
        let body = b"SERROR\0VERROR\0C42601\0Msyntax error at \"a b\"\0Dd\0Hh\0P7\0\0";
        assert_eq!(out[0], b'E');
        assert_eq!(out[1..5], u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        assert_eq!(&out[5..], body);
    }

    #[test]
    fn an_error_message_of_any_length_is_sent_whole() {
        let mut out = BytesMut::new();
        error(&mut out, "ERROR", &QueryError::new(SqlState::SYNTAX_ERROR, "x".repeat(100_000)));
        assert!(out.len() > 100_000);
    }

    #[test]
    fn the_column_limit_admits_its_own_value_and_refuses_the_next() {
        let column = ResultColumn {
            name: "c".to_owned(),
            pg_type: PgType::Int4,
            type_modifier: -1,
            table_oid: 0,
            column_number: 0,
        };
        let columns = vec![column; COLUMNS_MAX + 1];
        let formats = vec![Format::Text; COLUMNS_MAX + 1];
        let mut out = BytesMut::new();
        row_description(&mut out, &columns[1..], &formats[1..]).unwrap();
        assert_eq!(row_description(&mut out, &columns, &formats).unwrap_err().state.0, "54000");
    }
}
