//! Sorts Arrow types into PostgreSQL's type categories.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;

/// What an expression is, as far as operators care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `smallint`.
    Int2,
    /// `integer`, and every small integer that only functions make.
    Int4,
    /// `bigint`, and `oid`.
    Int8,
    /// `numeric` with precision and scale.
    Decimal(u8, i8),
    /// 256-bit integer, `numeric(78,0)` to clients.
    Uint256,
    /// `real` and `double precision`.
    Float,
    /// `bytea`.
    Bytes,
    /// `text` and its kin.
    Text,
    /// NULL, or a parameter whose type nothing decided yet.
    Null,
    /// Everything else: times, intervals, booleans, arrays.
    Other,
}

impl Class {
    /// The class of values of `data_type`.
    pub(crate) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int16 => Self::Int2,
            DataType::Int8 | DataType::UInt8 | DataType::UInt16 | DataType::Int32 => Self::Int4,
            DataType::UInt32 | DataType::Int64 | DataType::UInt64 => Self::Int8,
            DataType::Decimal32(p, s)
            | DataType::Decimal64(p, s)
            | DataType::Decimal128(p, s)
            | DataType::Decimal256(p, s) => Self::Decimal(*p, *s),
            DataType::LargeBinary => Self::Uint256,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Null => Self::Null,
            _ => Self::Other,
        }
    }

    /// An integer that fits 64 bits.
    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Self::Int2 | Self::Int4 | Self::Int8)
    }

    /// A number on which arithmetic is defined here.
    pub(crate) fn is_number(self) -> bool {
        self.is_integer() || matches!(self, Self::Decimal(..) | Self::Float)
    }

    /// The Arrow type that arithmetic of this class uses.
    pub(crate) fn arrow(self) -> Option<DataType> {
        Some(match self {
            Self::Int2 => DataType::Int16,
            Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Decimal(p, s) => crate::types::numeric::decimal_type(i32::from(p), s),
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Uint256 => DataType::LargeBinary,
            Self::Null | Self::Other => return None,
        })
    }

    /// Digits before and after the point that hold every value of the class.
    pub(crate) fn digits(self) -> Option<(i32, i8)> {
        match self {
            Self::Int2 => Some((5, 0)),
            Self::Int4 => Some((10, 0)),
            Self::Int8 => Some((19, 0)),
            Self::Decimal(p, s) => Some((i32::from(p) - i32::from(s), s)),
            _ => None,
        }
    }
}

/// PostgreSQL's name of the type of an Arrow type, for messages.
pub(crate) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Int16 => "smallint",
        DataType::Int8 | DataType::UInt8 | DataType::UInt16 | DataType::Int32 => "integer",
        DataType::UInt32 | DataType::Int64 | DataType::UInt64 => "bigint",
        DataType::Float32 => "real",
        DataType::Float16 | DataType::Float64 => "double precision",
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..)
        | DataType::LargeBinary => "numeric",
        DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Null => "unknown",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time without time zone",
        DataType::Timestamp(_, None) => "timestamp without time zone",
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            return format!("{}[]", type_name(field.data_type()));
        }
        _ => "record",
    }
    .to_owned()
}

/// Name for messages of the type of an expression: literals in quotes are `unknown`.
pub(crate) fn operand_name(expr: &Expr, data_type: &DataType) -> String {
    match unknown_literal(expr) {
        Some(_) => "unknown".to_owned(),
        None => type_name(narrowed(expr, data_type)),
    }
}

/// The text of a literal in quotes, whose type its context decides.
pub(crate) fn unknown_literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)),
            _,
        ) => Some(text),
        Expr::Alias(alias) => unknown_literal(&alias.expr),
        _ => None,
    }
}

/// The type of an integer literal is `integer` when it fits; the planner made it `bigint`.
pub(crate) fn narrowed<'a>(expr: &Expr, data_type: &'a DataType) -> &'a DataType {
    if is_small_literal(expr) { &DataType::Int32 } else { data_type }
}

/// Whether `expr` is an integer literal that fits `integer`.
pub(crate) fn is_small_literal(expr: &Expr) -> bool {
    match expr {
        // The smallest integer is written as minus a number that does not fit, so it is `bigint`.
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => {
            i32::try_from(*value).is_ok_and(|small| small != i32::MIN)
        }
        Expr::Alias(alias) => is_small_literal(&alias.expr),
        _ => false,
    }
}

/// The one Arrow type of `timestamptz` in results and casts.
pub(crate) fn timestamptz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
