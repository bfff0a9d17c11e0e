//! Arrow columns to PostgreSQL's text and binary values.
//!
//! ```text
//! batch ──resolve, once per column──> CellWriter ──once per cell──> bytes in the output buffer
//! ```
//!
//! Invariants
//! - A cell is written straight into the output; nothing is allocated for it.
//! - A row is in the output whole or not at all.
//! - A carrier that [`PgType`] does not list for a type is an internal error, never a guess.

mod array;
mod bytes;
mod date_style;
mod datetime;
mod interval;
mod number;
mod numeric;
mod text;

use crate::{PgType, QueryError, ResultColumn, SqlState};
use ::bytes::{Buf, BufMut, BytesMut};
use arrow::array::{Array, AsArray, RecordBatch, StringArray, StringBuilder};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

pub(crate) use self::bytes::{put_bytea, put_uuid};
use self::date_style::DateStyle;
pub(crate) use self::datetime::{put_date_value, put_instant, put_offset, put_time};
pub(crate) use self::interval::{IntervalStyle, put_interval};
pub(crate) use self::number::{float8_text, put_float4, put_float8, put_integer};
pub(crate) use self::numeric::put_plain as put_numeric;
use crate::values::calendar::Zone;
use crate::values::error::{internal, protocol_violation, valid_text};

/// Largest row on the wire: PostgreSQL's limit on one message.
pub const ROW_BYTES_MAX: usize = (1 << 30) - 1;

/// Fields of a column that comes with both its forms.
pub(crate) const TEXT_FORM: &str = "text";
/// See [`TEXT_FORM`]. NULL where the type has no binary form.
pub(crate) const BINARY_FORM: &str = "binary";

/// Writes the value in one row of one column.
pub(crate) type CellWriter =
    Box<dyn Fn(usize, &mut BytesMut) -> Result<(), QueryError> + Send + Sync>;

/// Form of a value on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As SQL prints it.
    Text,
    /// As the type's send function makes it.
    Binary,
}

impl Format {
    /// Format code of the protocol.
    pub fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }

    fn from_code(code: i16) -> Result<Self, QueryError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            other => Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("unsupported format code: {other}"),
            )),
        }
    }

    /// One format for each of `count` values from the codes of a message: none means text, one is for
    /// all, else there must be `count`; `None` when the number is wrong.
    pub fn each(codes: &[i16], count: usize) -> Option<Result<Vec<Self>, QueryError>> {
        match codes {
            [] => Some(Ok(vec![Self::Text; count])),
            [code] => Some(Self::from_code(*code).map(|format| vec![format; count])),
            codes if codes.len() == count => {
                Some(codes.iter().map(|&code| Self::from_code(code)).collect())
            }
            _ => None,
        }
    }
}

/// How values look in text format: the settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextStyle {
    /// TimeZone.
    pub zone: Zone,
    /// bytea_output is `escape` rather than `hex`.
    pub bytea_escape: bool,
    /// extra_float_digits; above 0 floats are printed as short as they can be read back.
    pub extra_float_digits: i32,
    /// DateStyle.
    pub(crate) dates: DateStyle,
    /// IntervalStyle.
    pub(crate) intervals: IntervalStyle,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            zone: Zone::Fixed(0),
            bytea_escape: false,
            extra_float_digits: 1,
            dates: DateStyle::ISO,
            intervals: IntervalStyle::Postgres,
        }
    }
}

impl TextStyle {
    /// The style that `setting` (name to value, as SHOW prints it) describes; PostgreSQL's default for
    /// each setting that does not exist.
    ///
    /// # Errors
    /// 22023 for a time zone that is not known here.
    pub fn new(setting: impl Fn(&str) -> Option<String>) -> Result<Self, QueryError> {
        let mut style = Self::default();
        if let Some(name) = setting("TimeZone") {
            style.zone = Zone::parse(&name).ok_or_else(|| {
                QueryError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("time zone \"{name}\" not recognized"),
                )
            })?;
        }
        if let Some(output) = setting("bytea_output") {
            style.bytea_escape = output == "escape";
        }
        if let Some(digits) = setting("extra_float_digits").and_then(|digits| digits.parse().ok()) {
            style.extra_float_digits = digits;
        }
        if let Some(date_style) = setting("DateStyle") {
            style.dates = DateStyle::parse(&date_style);
        }
        if let Some(interval_style) = setting("IntervalStyle") {
            style.intervals = IntervalStyle::parse(&interval_style);
        }
        Ok(style)
    }
}

/// A batch with a writer for each column.
pub struct EncodedBatch {
    columns: Vec<EncodedColumn>,
    row_count: usize,
}

struct EncodedColumn {
    nulls: Option<NullBuffer>,
    write: CellWriter,
}

impl EncodedBatch {
    /// Resolves the writers of `batch`, whose columns are described by `columns` and wanted in `formats`.
    ///
    /// # Errors
    /// XX000 when a column's Arrow type is not a carrier of its PostgreSQL type, 0A000 for a form that
    /// is not supported.
    pub fn new(
        batch: &RecordBatch,
        columns: &[ResultColumn],
        formats: &[Format],
        style: &TextStyle,
    ) -> Result<Self, QueryError> {
        if batch.num_columns() != columns.len() || columns.len() != formats.len() {
            return Err(internal(format!(
                "batch has {} columns, described are {}, wanted {}",
                batch.num_columns(),
                columns.len(),
                formats.len()
            )));
        }
        let described = columns.iter().zip(formats);
        let columns = batch
            .columns()
            .iter()
            .zip(described)
            .map(|(array, (column, &format))| {
                EncodedColumn::new(array.as_ref(), column.pg_type, format, style)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { columns, row_count: batch.num_rows() })
    }

    /// Rows of the batch.
    pub fn row_count(&self) -> usize {
        self.row_count
    }

    /// Appends one row as a DataRow message.
    ///
    /// # Errors
    /// Of a value that its type cannot show, or 54000 past 1 GiB less a byte. `out` is then as before.
    pub fn write_row(&self, row: usize, out: &mut BytesMut) -> Result<(), QueryError> {
        let start = out.len();
        let written = self.write_columns(row, out).and_then(|()| {
            if out.len() - start <= ROW_BYTES_MAX {
                return Ok(());
            }
            Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!(
                    "row of {} bytes is over the limit of {ROW_BYTES_MAX} bytes",
                    out.len() - start
                ),
            ))
        });
        match &written {
            Ok(()) => patch_length(out, start + 1),
            Err(_) => out.truncate(start),
        }
        written
    }

    /// Appends the value of one cell without its length; false for NULL, which appends nothing.
    ///
    /// # Errors
    /// Of a value that its type cannot show.
    pub fn write_cell(
        &self,
        row: usize,
        column: usize,
        out: &mut BytesMut,
    ) -> Result<bool, QueryError> {
        let column = &self.columns[column];
        if column.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(false);
        }
        (column.write)(row, out).map(|()| true)
    }

    fn write_columns(&self, row: usize, out: &mut BytesMut) -> Result<(), QueryError> {
        out.put_u8(b'D');
        out.put_u32(0);
        let count = u16::try_from(self.columns.len())
            .map_err(|_| protocol_violation("too many columns for one message"))?;
        out.put_u16(count);
        for column in &self.columns {
            column.write(row, out)?;
        }
        Ok(())
    }
}

/// The values of `array` as PostgreSQL's text.
///
/// # Errors
/// As [`EncodedBatch::new`] and [`EncodedBatch::write_row`].
pub(crate) fn texts(
    array: &dyn Array,
    pg_type: PgType,
    style: &TextStyle,
) -> Result<StringArray, QueryError> {
    let column = EncodedColumn::new(array, pg_type, Format::Text, style)?;
    let mut builder = StringBuilder::with_capacity(array.len(), 0);
    let mut out = BytesMut::new();
    for row in 0..array.len() {
        if column.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            builder.append_null();
            continue;
        }
        out.clear();
        (column.write)(row, &mut out)?;
        builder.append_value(valid_text(&out)?);
    }
    Ok(builder.finish())
}

/// The rows of `batch` as PostgreSQL's text, `None` for NULL: what a client would see, without a wire.
///
/// # Errors
/// As [`EncodedBatch::new`] and [`EncodedBatch::write_row`].
pub fn text_rows(
    batch: &RecordBatch,
    columns: &[ResultColumn],
    style: &TextStyle,
) -> Result<Vec<Vec<Option<String>>>, QueryError> {
    let formats = vec![Format::Text; columns.len()];
    let encoded = EncodedBatch::new(batch, columns, &formats, style)?;
    let mut message = BytesMut::new();
    (0..encoded.row_count())
        .map(|row| {
            message.clear();
            encoded.write_row(row, &mut message)?;
            Ok(text_cells(&message, columns.len()))
        })
        .collect()
}

/// The cells of a DataRow message made by [`EncodedBatch::write_row`]: type byte, length, column count,
/// then each cell with its length, -1 for NULL.
fn text_cells(mut message: &[u8], column_count: usize) -> Vec<Option<String>> {
    message.advance(1 + 4 + 2);
    let mut cell = || {
        let length = usize::try_from(message.get_i32()).ok()?;
        let text = String::from_utf8_lossy(&message[..length]).into_owned();
        message.advance(length);
        Some(text)
    };
    (0..column_count).map(|_| cell()).collect()
}

impl EncodedColumn {
    fn new(
        array: &dyn Array,
        pg_type: PgType,
        format: Format,
        style: &TextStyle,
    ) -> Result<Self, QueryError> {
        // A function of type void gives an empty text, not NULL.
        let nulls = if pg_type == PgType::Void { None } else { array.logical_nulls() };
        Ok(Self { nulls, write: resolve(array, pg_type, format, style)? })
    }

    /// Length word and value, or -1 for NULL.
    fn write(&self, row: usize, out: &mut BytesMut) -> Result<(), QueryError> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.put_i32(-1);
            return Ok(());
        }
        let start = out.len();
        out.put_u32(0);
        (self.write)(row, out)?;
        let length = u32::try_from(out.len() - start - 4)
            .map_err(|_| QueryError::new(SqlState::PROGRAM_LIMIT, "value is over 4 GiB"))?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

/// The writer for a column; the one place where types are told apart.
fn resolve(
    array: &dyn Array,
    pg_type: PgType,
    format: Format,
    style: &TextStyle,
) -> Result<CellWriter, QueryError> {
    match array.data_type() {
        DataType::Null => return Ok(Box::new(|_, _| Ok(()))),
        DataType::Struct(_) => return both_forms(array, pg_type, format),
        _ => {}
    }
    match pg_type {
        PgType::Bool
        | PgType::Int2
        | PgType::Int4
        | PgType::Int8
        | PgType::Oid
        | PgType::Xid
        | PgType::Float4
        | PgType::Float8 => number::writer(array, pg_type, format, style),
        PgType::Numeric => numeric::writer(array, format),
        PgType::Char
        | PgType::Name
        | PgType::Text
        | PgType::Varchar
        | PgType::Bpchar
        | PgType::Json
        | PgType::Jsonb
        | PgType::Unknown
        | PgType::Regclass
        | PgType::Regtype
        | PgType::Regproc
        | PgType::Regnamespace
        | PgType::AclItem
        | PgType::PgNodeTree => text::writer(array, pg_type, format),
        PgType::Bytea => bytes::bytea_writer(array, format, style),
        PgType::Uuid => bytes::uuid_writer(array, format),
        PgType::Date
        | PgType::Time
        | PgType::Timestamp
        | PgType::Timestamptz
        | PgType::Interval => datetime::writer(array, pg_type, format, style),
        PgType::Void => Err(carrier_error(array, pg_type)),
        PgType::Int2Vector | PgType::OidVector => {
            array::vector_writer(array, pg_type, format, style)
        }
        PgType::Other(oid) if pg_type.element().is_none() => {
            text::other_writer(array, oid, format, style)
        }
        // What is left are arrays; a type without elements is a carrier error there.
        array_type => array::writer(array, array_type, format, style),
    }
}

/// A column that comes with both its forms.
fn both_forms(
    array: &dyn Array,
    pg_type: PgType,
    format: Format,
) -> Result<CellWriter, QueryError> {
    let forms = array.as_struct();
    if format == Format::Text {
        let texts = forms.column_by_name(TEXT_FORM).and_then(|form| form.as_string_opt::<i32>());
        let texts = texts.ok_or_else(|| carrier_error(array, pg_type))?.clone();
        return Ok(Box::new(move |row, out| {
            out.put_slice(texts.value(row).as_bytes());
            Ok(())
        }));
    }
    let bytes = forms.column_by_name(BINARY_FORM).and_then(|form| form.as_binary_opt::<i32>());
    let bytes = bytes.ok_or_else(|| carrier_error(array, pg_type))?.clone();
    let name = pg_type.element().unwrap_or(pg_type).name();
    Ok(Box::new(move |row, out| {
        if bytes.is_null(row) {
            return Err(QueryError::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("no binary output function available for type {name}"),
            ));
        }
        out.put_slice(bytes.value(row));
        Ok(())
    }))
}

/// The engine gave an Arrow type that does not carry `pg_type`.
fn carrier_error(array: &dyn Array, pg_type: PgType) -> QueryError {
    internal(format!(
        "type {} cannot be read from Arrow type {}",
        pg_type.name(),
        array.data_type()
    ))
}

/// Fills the length word at `start`, which counts itself.
pub fn patch_length(out: &mut BytesMut, start: usize) {
    let length = u32::try_from(out.len() - start).expect("messages are bounded far below 4 GiB");
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests;
