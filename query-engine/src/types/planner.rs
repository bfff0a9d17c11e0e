//! What the SQL planner is told: operators stay open, and type names are PostgreSQL's.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, TypePlanner};
use datafusion::logical_expr::{ExprSchemable, Operator};
use sqlparser::ast::{
    BinaryOperator, CharacterLength, DataType as SqlType, ExactNumberInfo, ObjectName, TimezoneInfo,
};

use crate::catalog::PG_TYPE_KEY;
use crate::functions::sql;
use crate::types::class::timestamptz;
use crate::types::numeric::{NUMERIC_DIGITS_MAX, decimal_type};
use crate::types::operator::OpenOperator;
use crate::types::uint256::UINT256_DIGITS_MAX;
use crate::{QueryError, SqlState};

/// Field metadata key of a cast to `numeric` without precision: the source decides digits and scale.
pub(crate) const BARE_NUMERIC_KEY: &str = "ergosql.bare_numeric";
/// Field metadata key of a cast to `varchar(n)` or `char(n)`: longer text is cut, as an explicit cast does.
pub(crate) const LENGTH_KEY: &str = "ergosql.length";
/// Largest precision that PostgreSQL accepts in `numeric(p,s)`.
const PG_PRECISION_MAX: u64 = 1_000;

/// Leaves arithmetic and comparison open, so that our rule and not the planner decides their types.
#[derive(Debug)]
pub(crate) struct OpenOperators;

impl ExprPlanner for OpenOperators {
    fn plan_binary_op(
        &self,
        raw: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let operator = match raw.op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::Modulo => Operator::Modulo,
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            BinaryOperator::Lt => Operator::Lt,
            BinaryOperator::LtEq => Operator::LtEq,
            BinaryOperator::Gt => Operator::Gt,
            BinaryOperator::GtEq => Operator::GtEq,
            _ => return json(raw, schema),
        };
        Ok(PlannerResult::Planned(OpenOperator::call(operator, raw.left, raw.right)))
    }
}

/// Operators of `json` and `jsonb` as calls; others are left to the planner.
fn json(raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let symbol = match raw.op {
        BinaryOperator::Arrow => "->",
        BinaryOperator::LongArrow => "->>",
        BinaryOperator::HashArrow => "#>",
        BinaryOperator::HashLongArrow => "#>>",
        BinaryOperator::AtArrow => "@>",
        BinaryOperator::ArrowAt => "<@",
        BinaryOperator::Question => "?",
        _ => return Ok(PlannerResult::Original(raw)),
    };
    let sides =
        [(&raw.left, raw.left.to_field(schema)?.1), (&raw.right, raw.right.to_field(schema)?.1)];
    Ok(match sql::json_operator(symbol, &sides) {
        Some(chosen) => PlannerResult::Planned(chosen.call(vec![raw.left, raw.right])),
        None => PlannerResult::Original(raw),
    })
}

/// PostgreSQL's type names.
#[derive(Debug)]
pub(crate) struct PgTypeNames {
    /// Time zone of the session: text without an offset means this zone.
    pub(crate) time_zone: Arc<str>,
}

impl TypePlanner for PgTypeNames {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let plain = |data_type| Ok(Some(field(data_type, &[])));
        match sql_type {
            SqlType::Numeric(info) | SqlType::Decimal(info) | SqlType::Dec(info) => {
                numeric(info).map(Some)
            }
            SqlType::Bytea => plain(DataType::Binary),
            SqlType::Text => plain_named(DataType::Utf8, "text"),
            SqlType::Varchar(length)
            | SqlType::CharacterVarying(length)
            | SqlType::CharVarying(length) => text(length.as_ref(), None, "varchar").map(Some),
            SqlType::Char(length) | SqlType::Character(length) => {
                text(length.as_ref(), Some(1), "bpchar").map(Some)
            }
            SqlType::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                plain(DataType::Timestamp(TimeUnit::Microsecond, None))
            }
            SqlType::Timestamp(None, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => {
                plain(DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(&self.time_zone))))
            }
            SqlType::Time(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                plain(DataType::Time64(TimeUnit::Microsecond))
            }
            SqlType::JSON => plain_named(DataType::Utf8, "json"),
            SqlType::JSONB => plain_named(DataType::Utf8, "jsonb"),
            SqlType::Custom(name, _) => custom(name),
            SqlType::Boolean
            | SqlType::Bool
            | SqlType::SmallInt(_)
            | SqlType::Int2(_)
            | SqlType::Int(_)
            | SqlType::Integer(_)
            | SqlType::Int4(_)
            | SqlType::BigInt(_)
            | SqlType::Int8(_)
            | SqlType::Real
            | SqlType::Float4
            | SqlType::Float8
            | SqlType::Float(_)
            | SqlType::Double(_)
            | SqlType::DoublePrecision
            | SqlType::Date
            | SqlType::Interval { .. }
            | SqlType::Array(_) => Ok(None),
            other => Err(unknown_type(&other.to_string().to_lowercase()).into()),
        }
    }
}

fn field(data_type: DataType, metadata: &[(&str, &str)]) -> FieldRef {
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Arc::new(Field::new("", data_type, true).with_metadata(metadata))
}

fn plain_named(data_type: DataType, pg_name: &str) -> Result<Option<FieldRef>> {
    Ok(Some(field(data_type, &[(PG_TYPE_KEY, pg_name)])))
}

fn numeric(info: &ExactNumberInfo) -> Result<FieldRef> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => {
            return Ok(field(DataType::Decimal128(38, 10), &[(BARE_NUMERIC_KEY, "")]));
        }
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    if precision == 0 || precision > PG_PRECISION_MAX {
        return Err(QueryError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("NUMERIC precision {precision} must be between 1 and {PG_PRECISION_MAX}"),
        )
        .into());
    }
    let is_uint256 = scale == 0 && precision > u64::from(NUMERIC_DIGITS_MAX);
    if is_uint256 && precision <= UINT256_DIGITS_MAX as u64 {
        return Ok(field(DataType::LargeBinary, &[]));
    }
    let supported = i8::try_from(scale)
        .ok()
        .filter(|scale| *scale >= 0 && scale.unsigned_abs() <= NUMERIC_DIGITS_MAX)
        .zip(i32::try_from(precision).ok())
        .filter(|(scale, precision)| {
            *precision <= i32::from(NUMERIC_DIGITS_MAX) && i32::from(*scale) <= *precision
        });
    match supported {
        Some((scale, precision)) => Ok(field(decimal_type(precision, scale), &[])),
        None => Err(QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("numeric({precision},{scale}) is not supported"),
        )
        .with_hint(format!(
            "Use up to {NUMERIC_DIGITS_MAX} digits with 0 <= scale <= precision, or numeric({UINT256_DIGITS_MAX},0)."
        ))
        .into()),
    }
}

fn text(length: Option<&CharacterLength>, default: Option<u64>, name: &str) -> Result<FieldRef> {
    let length = match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        Some(CharacterLength::Max) => None,
        None => default,
    };
    let digits = length.map(|length| length.to_string());
    Ok(match &digits {
        Some(digits) => {
            field(DataType::Utf8, &[(PG_TYPE_KEY, name), (LENGTH_KEY, digits.as_str())])
        }
        None => field(DataType::Utf8, &[(PG_TYPE_KEY, name)]),
    })
}

fn custom(name: &ObjectName) -> Result<Option<FieldRef>> {
    let last = name.0.last().map(ToString::to_string).unwrap_or_default().to_lowercase();
    let last = last.trim_matches('"');
    match last {
        "oid" => plain_named(DataType::Int64, "oid"),
        "name" => plain_named(DataType::Utf8, "name"),
        "char" => plain_named(DataType::Utf8, "char"),
        "bpchar" => plain_named(DataType::Utf8, "bpchar"),
        "int2" | "smallint" => Ok(Some(field(DataType::Int16, &[]))),
        "int4" | "integer" => Ok(Some(field(DataType::Int32, &[]))),
        "int8" | "bigint" => Ok(Some(field(DataType::Int64, &[]))),
        "text" | "cstring" => Ok(Some(field(DataType::Utf8, &[]))),
        "bool" | "boolean" => Ok(Some(field(DataType::Boolean, &[]))),
        "bytea" => Ok(Some(field(DataType::Binary, &[]))),
        "numeric" => numeric(&ExactNumberInfo::None).map(Some),
        "varchar" => Ok(Some(field(DataType::Utf8, &[(PG_TYPE_KEY, "varchar")]))),
        "timestamptz" => Ok(Some(field(timestamptz(), &[]))),
        _ => Err(unknown_type(&name.to_string().to_lowercase()).into()),
    }
}

fn unknown_type(name: &str) -> QueryError {
    QueryError::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"))
        .about(name)
}
