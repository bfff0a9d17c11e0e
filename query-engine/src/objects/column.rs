//! Columns of tables that clients made: PostgreSQL's type names → wire type, Arrow type, and what may be assigned.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType as SqlType, ExactNumberInfo, Expr, TimezoneInfo,
};

use super::object::Counter;
use crate::catalog::{PG_TYPE_KEY, RelationColumn};
use crate::catalog_query::types::{is_assignable, typed_by};
use crate::session::parameter_data_type;
use crate::types::class::timestamptz;
use crate::types::numeric::{NUMERIC_DIGITS_MAX, decimal_type};
use crate::types::planner::BARE_NUMERIC_KEY;
use crate::types::uint256::UINT256_DIGITS_MAX;
use crate::{PgType, QueryError, ResultColumn, SqlState};

/// Types of values that no column has.
const RECORD_OID: u32 = 2249;
const CSTRING_OID: u32 = 2275;
/// Bytes of the header that PostgreSQL counts into a type modifier.
const TYPE_MODIFIER_BASE: i32 = 4;
/// Largest precision of `numeric(p,s)`, and length of `varchar(n)`, that PostgreSQL accepts.
const PRECISION_MAX: u64 = 1_000;
const LENGTH_MAX: u64 = 10_485_760;

/// Marks the field of a cast to a column whose values are kept as text: the planner cannot make them.
pub(crate) const TEXT_FORM_KEY: &str = "ergo.text_form";

/// Type of a column. One that the planner has no Arrow type for, and an array declared with several
/// dimensions, is kept in text form: Utf8 with the value as PostgreSQL prints it under default settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnType {
    /// Type on the wire.
    pub(crate) pg_type: PgType,
    /// Type modifier, -1 for none.
    pub(crate) type_modifier: i32,
    /// Arrow type of stored values; the scale of a `numeric` without one follows its values.
    pub(crate) data_type: DataType,
}

/// What a column holds when a statement gives no value.
#[derive(Clone, Debug)]
pub(crate) enum UserDefault {
    Expr(Box<Expr>),
    /// The next value of a sequence: `serial` and identity columns.
    Serial {
        /// Object id of the sequence.
        sequence: u32,
        counter: Arc<Counter>,
        identity: Identity,
    },
}

/// Whether a column is an identity column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    No,
    Always,
    ByDefault,
}

/// One column.
#[derive(Clone, Debug)]
pub(crate) struct UserColumn {
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    pub(crate) is_not_null: bool,
    pub(crate) default: Option<UserDefault>,
    pub(crate) comment: String,
}

impl UserColumn {
    /// A column that takes NULL and has no default.
    pub(crate) fn new(name: impl Into<String>, column_type: ColumnType) -> Self {
        Self {
            name: name.into(),
            column_type,
            is_not_null: false,
            default: None,
            comment: String::new(),
        }
    }

    /// Field of the stored values, which names the wire type where Arrow's alone does not.
    pub(crate) fn field(&self) -> Field {
        let pg_name = self.column_type.pg_type.name().to_owned();
        Field::new(&self.name, self.column_type.data_type.clone(), true)
            .with_metadata([(PG_TYPE_KEY.to_owned(), pg_name)].into())
    }

    /// What the catalogs show.
    pub(crate) fn described(&self) -> RelationColumn {
        RelationColumn {
            name: self.name.clone().into(),
            pg_type: self.column_type.pg_type,
            type_modifier: self.column_type.type_modifier,
            nullable: !self.is_not_null,
            comment: self.comment.clone().into(),
        }
    }
}

impl ColumnType {
    /// A type without modifier.
    ///
    /// # Errors
    /// 42P16 for a type that no column has.
    pub(crate) fn plain(pg_type: PgType) -> Result<Self, QueryError> {
        let data_type = match pg_type {
            PgType::Numeric => DataType::Decimal256(NUMERIC_DIGITS_MAX, 0),
            PgType::Void | PgType::Unknown => {
                return Err(QueryError::new(
                    SqlState("42P16"),
                    format!("column has pseudo-type {}", pg_type.name()),
                ));
            }
            PgType::Other(RECORD_OID | CSTRING_OID) => {
                return Err(QueryError::new(
                    SqlState("42P16"),
                    format!("column has pseudo-type {}", pg_type.name()),
                ));
            }
            // The list's one scale would cut what its elements have more.
            PgType::NumericArray => DataType::Utf8,
            other => match parameter_data_type(other) {
                Err(error) if error.state != SqlState::FEATURE_NOT_SUPPORTED => return Err(error),
                found => found.unwrap_or(DataType::Utf8),
            },
        };
        Ok(Self { pg_type, type_modifier: -1, data_type })
    }

    /// Whether values are kept as text, which only the evaluator of `catalog_query` can read.
    pub(crate) fn is_text_form(&self) -> bool {
        self.data_type == DataType::Utf8
            && (matches!(self.pg_type, PgType::Other(_)) || self.pg_type.element().is_some())
    }

    /// A type that the planner has no Arrow type for.
    fn in_text_form(sql_type: &SqlType) -> Result<Self, QueryError> {
        let unknown = || unsupported(&sql_type.to_string().to_lowercase());
        let (oid, type_modifier) = typed_by(sql_type)?;
        let found = Self::plain(PgType::from_oid(oid).ok_or_else(unknown)?)?;
        if !found.is_text_form() {
            return Err(unknown());
        }
        Ok(Self { type_modifier, ..found })
    }

    /// The type that `sql_type` names, and whether it is one of the `serial` types.
    ///
    /// # Errors
    /// 42704 for an unknown name, 0A000 for a type that is not supported, 22023 for a modifier out of
    /// its range.
    pub(crate) fn parse(sql_type: &SqlType) -> Result<(Self, bool), QueryError> {
        let plain = |pg_type| Self::plain(pg_type).map(|found| (found, false));
        match sql_type {
            SqlType::Boolean | SqlType::Bool => plain(PgType::Bool),
            SqlType::SmallInt(_) | SqlType::Int2(_) => plain(PgType::Int2),
            SqlType::Int(_) | SqlType::Integer(_) | SqlType::Int4(_) => plain(PgType::Int4),
            SqlType::BigInt(_) | SqlType::Int8(_) => plain(PgType::Int8),
            SqlType::Real | SqlType::Float4 => plain(PgType::Float4),
            SqlType::Float(ExactNumberInfo::Precision(bits)) if *bits <= 24 => {
                plain(PgType::Float4)
            }
            SqlType::Float(_) | SqlType::Float8 | SqlType::Double(_) | SqlType::DoublePrecision => {
                plain(PgType::Float8)
            }
            SqlType::Numeric(info) | SqlType::Decimal(info) | SqlType::Dec(info) => {
                numeric(info).map(|found| (found, false))
            }
            SqlType::Text => plain(PgType::Text),
            SqlType::Varchar(length)
            | SqlType::CharacterVarying(length)
            | SqlType::CharVarying(length) => text(PgType::Varchar, length.as_ref(), None),
            SqlType::Char(length) | SqlType::Character(length) => {
                text(PgType::Bpchar, length.as_ref(), Some(1))
            }
            SqlType::Bytea => plain(PgType::Bytea),
            SqlType::Date => plain(PgType::Date),
            SqlType::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                plain(PgType::Time)
            }
            SqlType::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                plain(PgType::Timestamp)
            }
            SqlType::Timestamp(None, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => {
                plain(PgType::Timestamptz)
            }
            SqlType::Interval { fields: None, precision: None } => plain(PgType::Interval),
            SqlType::Uuid => plain(PgType::Uuid),
            SqlType::JSON => plain(PgType::Json),
            SqlType::JSONB => plain(PgType::Jsonb),
            SqlType::Regclass => plain(PgType::Regclass),
            SqlType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => {
                let (element, _) = Self::parse(element)?;
                if element.pg_type.element().is_some() && element.pg_type.array().is_none() {
                    // Arrays of arrays are arrays of more dimensions.
                    return Ok((Self { data_type: DataType::Utf8, ..element }, false));
                }
                match element.pg_type.array() {
                    Some(array) => plain(array),
                    None => Err(unsupported(&sql_type.to_string())),
                }
            }
            SqlType::Custom(name, words) if words.is_empty() => custom(&name.to_string()),
            other => Self::in_text_form(other).map(|found| (found, false)),
        }
    }

    /// The type of a query's column, for CREATE TABLE AS.
    pub(crate) fn of_result(column: &ResultColumn, field: &FieldRef) -> Result<Self, QueryError> {
        let mut found = Self::plain(match column.pg_type {
            PgType::Unknown => PgType::Text,
            other => other,
        })?;
        found.type_modifier = column.type_modifier;
        if column.pg_type.element().is_some() && *field.data_type() == DataType::Utf8 {
            found.data_type = DataType::Utf8;
        }
        if column.pg_type == PgType::Numeric {
            if *field.data_type() == DataType::LargeBinary {
                return numeric(&ExactNumberInfo::Precision(UINT256_DIGITS_MAX as u64));
            }
            if column.type_modifier >= TYPE_MODIFIER_BASE {
                found.data_type = field.data_type().clone();
            }
        }
        Ok(found)
    }

    /// Whether the scale of stored values follows what is inserted.
    pub(crate) fn is_bare_numeric(&self) -> bool {
        self.pg_type == PgType::Numeric && self.type_modifier < 0
    }

    /// Characters of `varchar(n)` and `char(n)`.
    pub(crate) fn length(&self) -> Option<usize> {
        match self.pg_type {
            PgType::Varchar | PgType::Bpchar => {
                usize::try_from(self.type_modifier - TYPE_MODIFIER_BASE).ok()
            }
            _ => None,
        }
    }

    /// Bits of `bit(n)` and `varbit(n)`, and whether there may be fewer.
    pub(crate) fn bits(&self) -> Option<(usize, bool)> {
        let is_varying = match self.pg_type.name() {
            "bit" => false,
            "varbit" => true,
            _ => return None,
        };
        Some((usize::try_from(self.type_modifier).ok()?, is_varying))
    }

    /// The cast that assignment of an expression of type `source` needs inside a plan; `None` where the
    /// value is taken as it is.
    pub(crate) fn cast(&self, source: PgType, time_zone: &str) -> Option<FieldRef> {
        let field = |data_type: DataType| Some(Arc::new(Field::new("", data_type, true)));
        match self.pg_type {
            _ if self.is_text_form() => Some(Arc::new(
                Field::new("", DataType::Utf8, true)
                    .with_metadata([(TEXT_FORM_KEY.to_owned(), String::new())].into()),
            )),
            own if own == source && own != PgType::Numeric => None,
            PgType::Numeric if self.is_bare_numeric() => Some(Arc::new(
                Field::new("", DataType::Decimal128(38, 10), true)
                    .with_metadata([(BARE_NUMERIC_KEY.to_owned(), String::new())].into()),
            )),
            PgType::Timestamptz if source == PgType::Timestamp || source == PgType::Date => {
                field(DataType::Timestamp(
                    datafusion::arrow::datatypes::TimeUnit::Microsecond,
                    Some(time_zone.into()),
                ))
            }
            PgType::Timestamptz => field(timestamptz()),
            PgType::Uuid | PgType::Json | PgType::Jsonb => None,
            own if own.element().is_some() => None,
            _ => field(self.data_type.clone()),
        }
    }

    /// Name as messages show it.
    pub(crate) fn shown(&self) -> String {
        shown(self.pg_type)
    }

    /// Name of any type as messages show it.
    pub(crate) fn shown_of(pg_type: PgType) -> String {
        shown(pg_type)
    }
}

fn numeric(info: &ExactNumberInfo) -> Result<ColumnType, QueryError> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return ColumnType::plain(PgType::Numeric),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    if precision == 0 || precision > PRECISION_MAX {
        return Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("NUMERIC precision {precision} must be between 1 and {PRECISION_MAX}"),
        ));
    }
    let digits = i32::try_from(precision).unwrap_or(i32::MAX);
    let places = i8::try_from(scale).ok().filter(|scale| (0..=digits).contains(&i32::from(*scale)));
    let data_type = match places {
        Some(scale) if digits <= i32::from(NUMERIC_DIGITS_MAX) => decimal_type(digits, scale),
        Some(0) if precision <= UINT256_DIGITS_MAX as u64 => DataType::LargeBinary,
        _ => return Err(unsupported(&format!("numeric({precision},{scale})"))),
    };
    let places = i32::from(places.unwrap_or(0));
    let type_modifier = ((digits << 16) | places) + TYPE_MODIFIER_BASE;
    Ok(ColumnType { pg_type: PgType::Numeric, type_modifier, data_type })
}

fn text(
    pg_type: PgType,
    length: Option<&CharacterLength>,
    default: Option<u64>,
) -> Result<(ColumnType, bool), QueryError> {
    let length = match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        Some(CharacterLength::Max) => None,
        None => default,
    };
    let mut found = ColumnType::plain(pg_type)?;
    if let Some(length) = length {
        if length == 0 || length > LENGTH_MAX {
            let name = if pg_type == PgType::Varchar { "varchar" } else { "char" };
            let bound = if length == 0 { "at least 1".into() } else { LENGTH_MAX.to_string() };
            let words = if length == 0 { "must be" } else { "cannot exceed" };
            return Err(QueryError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("length for type {name} {words} {bound}"),
            ));
        }
        found.type_modifier = i32::try_from(length).unwrap_or(i32::MAX - 8) + TYPE_MODIFIER_BASE;
    }
    Ok((found, false))
}

fn custom(name: &str) -> Result<(ColumnType, bool), QueryError> {
    let lower = name.to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or(&lower);
    let (pg_name, is_serial) = match last.trim_matches('"') {
        "serial" | "serial4" => ("int4", true),
        "bigserial" | "serial8" => ("int8", true),
        "smallserial" | "serial2" => ("int2", true),
        other => (other, false),
    };
    match PgType::from_name(pg_name) {
        Some(pg_type) => Ok((ColumnType::plain(pg_type)?, is_serial)),
        None => Err(QueryError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("type \"{lower}\" does not exist"),
        )
        .about(name)),
    }
}

fn unsupported(name: &str) -> QueryError {
    QueryError::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("a column of type {name} is not supported"),
    )
}

/// Whether an expression of type `source` may be assigned to a column of type `target` without a
/// cast: PostgreSQL's assignment casts among the types that exist here.
pub(crate) fn assignable(source: PgType, target: PgType) -> bool {
    use PgType::{
        Bpchar, Char, Date, Float4, Float8, Int2, Int4, Int8, Json, Jsonb, Name, Numeric, Oid,
        Regclass, Regproc, Regtype, Text, Time, Timestamp, Timestamptz, Varchar,
    };
    const NUMBERS: &[PgType] = &[Int2, Int4, Int8, Float4, Float8, Numeric];
    const TEXTS: &[PgType] = &[Text, Varchar, Bpchar, Name];
    let is = |list: &[PgType], pg_type| list.contains(&pg_type);
    let is_array = |pg_type: PgType| pg_type.name().starts_with('_');
    if let (Some(from), Some(to)) = (source.element(), target.element())
        && is_array(source)
        && is_array(target)
    {
        return assignable(from, to);
    }
    source == target
        || (is(NUMBERS, source) && is(NUMBERS, target))
        // Everything has a text form, which assignment may take.
        || is(TEXTS, target)
        || (is(TEXTS, source) && target == Char)
        || (is(&[Int2, Int4, Int8], source) && is(&[Oid, Regclass, Regtype, Regproc], target))
        || (is(&[Oid, Regclass, Regtype, Regproc], source) && is(&[Int4, Int8, Oid], target))
        || (source == Date && is(&[Timestamp, Timestamptz], target))
        || (is(&[Timestamp, Timestamptz], source)
            && is(&[Date, Time, Timestamp, Timestamptz], target))
        || (is(&[Json, Jsonb], source) && is(&[Json, Jsonb], target))
        || (matches!((source, target), (PgType::Other(_), _) | (_, PgType::Other(_)))
            && is_assignable(source.oid(), target.oid()))
}

/// Name of a type as messages show it.
pub(crate) fn shown(pg_type: PgType) -> String {
    let name = |pg_type: PgType| match pg_type {
        PgType::Bool => "boolean",
        PgType::Char => "\"char\"",
        PgType::Int2 => "smallint",
        PgType::Int4 => "integer",
        PgType::Int8 => "bigint",
        PgType::Float4 => "real",
        PgType::Float8 => "double precision",
        PgType::Varchar => "character varying",
        PgType::Bpchar => "character",
        PgType::Time => "time without time zone",
        PgType::Timestamp => "timestamp without time zone",
        PgType::Timestamptz => "timestamp with time zone",
        other => other.name(),
    };
    match pg_type.element() {
        Some(element) if pg_type.name().starts_with('_') => format!("{}[]", name(element)),
        _ => name(pg_type).to_owned(),
    }
}
