//! Parameters: the types that nothing declared, and exact values for the plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::scalar::ScalarValue;

use crate::error::map::query_error;
use crate::functions::conditional::Conditional;
use crate::functions::quantified::Quantified;
use crate::functions::sql::{self, SqlFunction};
use crate::limits::PARAMETERS_MAX;
use crate::types::class::narrowed;
use crate::types::numeric::{Numeric, out_of_range};
use crate::types::operator::OpenOperator;
use crate::types::output::Output;
use crate::types::{bytea, interval};
use crate::values::{TextStyle, Zone, decode_text, parse_time};
use crate::{Parameter, PgType, QueryError, SqlState};

/// Types found by number of the parameter, from 1; `None` where nothing decided yet.
type Found = BTreeMap<usize, Option<PgType>>;

/// Types of all parameters of `plan`: declared ones, then what their use says, then `text`.
///
/// # Errors
/// 42P18 for a number that is left out, 54000 past [`PARAMETERS_MAX`].
pub(crate) fn infer(
    plan: &LogicalPlan,
    declared: &[Option<PgType>],
    bounds: &BTreeMap<usize, PgType>,
) -> Result<Vec<PgType>, QueryError> {
    // Bounds of series are no longer in the plan.
    let mut found: Found = bounds.iter().map(|(number, found)| (*number, Some(*found))).collect();
    let visited = plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        if let LogicalPlan::Limit(limit) = node {
            for count in [&limit.skip, &limit.fetch].into_iter().flatten() {
                note(count, Some(PgType::Int8), &mut found);
            }
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                of_expr(expr, &schema, &mut found);
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    visited.map_err(|error| query_error(&error))?;
    let count = found.keys().next_back().copied().unwrap_or(0).max(declared.len());
    if count > PARAMETERS_MAX {
        return Err(QueryError::new(
            SqlState::PROGRAM_LIMIT,
            format!("a statement can have {PARAMETERS_MAX} parameters"),
        ));
    }
    (1..=count)
        .map(|number| {
            if let Some(Some(pg_type)) = declared.get(number - 1)
                && *pg_type != PgType::Unknown
            {
                return Ok(*pg_type);
            }
            match found.get(&number) {
                Some(pg_type) => Ok(pg_type.unwrap_or(PgType::Text)),
                None => Err(QueryError::new(
                    SqlState::INDETERMINATE_DATATYPE,
                    format!("could not determine data type of parameter ${number}"),
                )),
            }
        })
        .collect()
}

fn note(expr: &Expr, pg_type: Option<PgType>, found: &mut Found) {
    let expr = match expr {
        Expr::Alias(alias) => &alias.expr,
        other => other,
    };
    if let Expr::Placeholder(placeholder) = expr
        && let Some(number) = placeholder.id.strip_prefix('$').and_then(|id| id.parse().ok())
    {
        let known = found.entry(number).or_insert(None);
        if known.is_none() {
            *known = pg_type;
        }
    }
}

fn type_of(expr: &Expr, schema: &DFSchema) -> Option<PgType> {
    if matches!(expr, Expr::Placeholder(_)) {
        return None;
    }
    let data_type = expr.get_type(schema).ok()?;
    if data_type == DataType::Null {
        return None;
    }
    let field = Arc::new(Field::new("", narrowed(expr, &data_type).clone(), true));
    let (_, types) = Output::new(&[field]).ok()?;
    types.first().copied()
}

fn siblings(exprs: &[&Expr], schema: &DFSchema, found: &mut Found) {
    let known = exprs.iter().find_map(|expr| type_of(expr, schema));
    for expr in exprs {
        note(expr, known, found);
    }
}

fn of_expr(expr: &Expr, schema: &DFSchema, found: &mut Found) {
    match expr {
        Expr::Placeholder(_) => note(expr, None, found),
        Expr::Cast(cast) => {
            let (_, types) = match Output::new(std::slice::from_ref(&cast.field)) {
                Ok(described) => described,
                Err(_) => return,
            };
            note(&cast.expr, types.first().copied(), found);
        }
        Expr::ScalarFunction(call) if let Some(wanted) = wanted(call, schema) => {
            for (argument, data_type) in call.args.iter().zip(wanted) {
                let field = data_type.map(|found| Arc::new(Field::new("", found, true)));
                let types = field.and_then(|field| Output::new(&[field]).ok());
                note(argument, types.and_then(|(_, types)| types.first().copied()), found);
            }
        }
        Expr::ScalarFunction(call)
            if OpenOperator::of(&call.func).is_some() || Conditional::of(&call.func).is_some() =>
        {
            siblings(&call.args.iter().collect::<Vec<_>>(), schema, found);
        }
        // `value = ANY(array)`.
        Expr::ScalarFunction(call) if Quantified::open(&call.func, &call.args).is_some() => {
            if let [_, value, array] = call.args.as_slice() {
                note(array, type_of(value, schema).and_then(PgType::array), found);
                note(value, type_of(array, schema).and_then(PgType::element), found);
            }
        }
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::And | Operator::Or => {
                note(&binary.left, Some(PgType::Bool), found);
                note(&binary.right, Some(PgType::Bool), found);
            }
            Operator::StringConcat => {
                note(&binary.left, Some(PgType::Text), found);
                note(&binary.right, Some(PgType::Text), found);
            }
            _ => siblings(&[&*binary.left, &*binary.right], schema, found),
        },
        Expr::Between(between) => {
            siblings(&[&*between.expr, &*between.low, &*between.high], schema, found);
        }
        Expr::InList(list) => {
            let all: Vec<&Expr> = std::iter::once(&*list.expr).chain(&list.list).collect();
            siblings(&all, schema, found);
        }
        Expr::Like(like) => {
            note(&like.expr, Some(PgType::Text), found);
            note(&like.pattern, Some(PgType::Text), found);
        }
        Expr::Not(inner) => note(inner, Some(PgType::Bool), found),
        Expr::Case(case) => {
            let branches: Vec<&Expr> = case
                .when_then_expr
                .iter()
                .map(|(_, then)| &**then)
                .chain(case.else_expr.as_deref())
                .collect();
            siblings(&branches, schema, found);
        }
        _ => {}
    }
}

/// Types of the arguments of a function, or of an operator of dates and intervals, with a signature.
fn wanted(call: &ScalarFunction, schema: &DFSchema) -> Option<Vec<Option<DataType>>> {
    let types: Vec<DataType> =
        call.args.iter().map(|expr| expr.get_type(schema).ok()).collect::<Option<_>>()?;
    if let Some(operator) = OpenOperator::of(&call.func) {
        let known: Vec<_> = call
            .args
            .iter()
            .zip(&types)
            .map(|(expr, found)| (!matches!(expr, Expr::Placeholder(_))).then_some(found))
            .collect();
        if known.iter().all(Option::is_none) || known.iter().all(Option::is_some) {
            return None;
        }
        return Some(sql::operator(operator, &known)?.arguments());
    }
    let fields: Vec<_> =
        call.args.iter().map(|expr| Some(expr.to_field(schema).ok()?.1)).collect::<Option<_>>()?;
    let arguments: Vec<_> = call.args.iter().zip(fields).collect();
    Some(SqlFunction::of(&call.func, &arguments)?.ok()?.arguments())
}

/// Arrow type that stands for a parameter of `pg_type` while its statement is planned.
///
/// # Errors
/// 0A000 for a type that parameters cannot have yet.
pub(crate) fn plan_field(pg_type: PgType) -> Result<FieldRef, QueryError> {
    Ok(Arc::new(Field::new("", data_type(pg_type)?, true)))
}

/// As [`plan_field`], the Arrow type alone.
pub(crate) fn data_type(pg_type: PgType) -> Result<DataType, QueryError> {
    if let (Some(element), true) = (pg_type.element(), pg_type.name().starts_with('_')) {
        return Ok(DataType::List(Arc::new(Field::new_list_field(data_type(element)?, true))));
    }
    Ok(match pg_type {
        PgType::Bool => DataType::Boolean,
        PgType::Int2 => DataType::Int16,
        PgType::Int4 => DataType::Int32,
        PgType::Int8 | PgType::Oid | PgType::Xid => DataType::Int64,
        PgType::Float4 => DataType::Float32,
        PgType::Float8 => DataType::Float64,
        PgType::Numeric => DataType::Decimal256(76, 0),
        PgType::Bytea => DataType::Binary,
        PgType::Date => DataType::Date32,
        PgType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        PgType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        PgType::Time => DataType::Time64(TimeUnit::Microsecond),
        PgType::Interval => {
            DataType::Interval(datafusion::arrow::datatypes::IntervalUnit::MonthDayNano)
        }
        PgType::Text
        | PgType::Varchar
        | PgType::Bpchar
        | PgType::Name
        | PgType::Char
        | PgType::Unknown
        | PgType::Json
        | PgType::Jsonb
        | PgType::Uuid
        | PgType::Regclass
        | PgType::Regtype
        | PgType::Regproc
        | PgType::Regnamespace
        | PgType::AclItem
        | PgType::PgNodeTree => DataType::Utf8,
        _ => {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("a parameter of type {} is not supported", pg_type.name()),
            ));
        }
    })
}

/// The value as a literal of the plan: exact, or an error of PostgreSQL's input function.
///
/// # Errors
/// 22P02, 22007, 22003 for text that the type does not take; 42804 for a value of another type.
pub(crate) fn scalar(
    value: &Parameter,
    pg_type: PgType,
    time_zone: &str,
) -> Result<ScalarValue, QueryError> {
    let target = data_type(pg_type)?;
    let mismatch = || {
        QueryError::new(
            SqlState::DATATYPE_MISMATCH,
            format!("a parameter of type {} got a value of another type", pg_type.name()),
        )
    };
    Ok(match (value, pg_type) {
        (Parameter::Null, _) => {
            ScalarValue::try_from(&target).map_err(|error| query_error(&error))?
        }
        (Parameter::Bool(value), PgType::Bool) => ScalarValue::Boolean(Some(*value)),
        (Parameter::Int(value), PgType::Int2) => {
            ScalarValue::Int16(Some(i16::try_from(*value).map_err(|_| range("smallint"))?))
        }
        (Parameter::Int(value), PgType::Int4) => {
            ScalarValue::Int32(Some(i32::try_from(*value).map_err(|_| range("integer"))?))
        }
        (Parameter::Int(value), PgType::Int8 | PgType::Oid | PgType::Xid) => {
            ScalarValue::Int64(Some(*value))
        }
        (Parameter::Float(value), PgType::Float4) => ScalarValue::Float32(Some(*value as f32)),
        (Parameter::Float(value), PgType::Float8) => ScalarValue::Float64(Some(*value)),
        (Parameter::Numeric(text) | Parameter::Text(text), PgType::Numeric) => numeric(text)?,
        (Parameter::Bytes(bytes), PgType::Bytea) => ScalarValue::Binary(Some(bytes.clone())),
        (Parameter::Text(text), PgType::Bytea) => ScalarValue::Binary(Some(bytea::parse(text)?)),
        (Parameter::Date(days), PgType::Date) => ScalarValue::Date32(Some(*days)),
        (Parameter::Timestamp(us), PgType::Timestamp) => {
            ScalarValue::TimestampMicrosecond(Some(*us), None)
        }
        (Parameter::Timestamp(us), PgType::Timestamptz) => {
            ScalarValue::TimestampMicrosecond(Some(*us), Some("UTC".into()))
        }
        (Parameter::Text(text), PgType::Bool) => ScalarValue::Boolean(Some(boolean(text)?)),
        (
            Parameter::Text(text),
            PgType::Date | PgType::Time | PgType::Timestamp | PgType::Timestamptz,
        ) => instant(text, pg_type, time_zone)?,
        (Parameter::Text(text), PgType::Interval) => {
            ScalarValue::IntervalMonthDayNano(Some(interval::parse(text)?))
        }
        (Parameter::Text(text), _) if target == DataType::Utf8 => {
            ScalarValue::Utf8(Some(text.clone()))
        }
        (Parameter::Text(text), _) => from_text(text, &target)?,
        (Parameter::Array(values), _) => {
            let element = pg_type.element().ok_or_else(mismatch)?;
            let values = values
                .iter()
                .map(|value| scalar(value, element, time_zone))
                .collect::<Result<Vec<_>, _>>()?;
            ScalarValue::List(ScalarValue::new_list_nullable(&values, &data_type(element)?))
        }
        _ => return Err(mismatch()),
    })
}

fn range(name: &str) -> QueryError {
    QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, format!("{name} out of range"))
}

fn numeric(text: &str) -> Result<ScalarValue, QueryError> {
    let number = Numeric::parse(text)?;
    number.to_scalar().or_else(|error| match number.to_uint256() {
        Ok((bytes, false)) => Ok(ScalarValue::LargeBinary(Some(bytes.to_vec()))),
        Ok((_, true)) => Err(out_of_range()),
        Err(_) => Err(error),
    })
}

fn boolean(text: &str) -> Result<bool, QueryError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Ok(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Ok(false),
        _ => Err(QueryError::new(
            SqlState::INVALID_TEXT,
            format!("invalid input syntax for type boolean: \"{text}\""),
        )),
    }
}

/// Text as the input function of a type of dates and times reads it.
fn instant(text: &str, pg_type: PgType, time_zone: &str) -> Result<ScalarValue, QueryError> {
    let zone = Zone::parse(time_zone).unwrap_or(TextStyle::default().zone);
    Ok(match decode_text(pg_type, text, &zone)? {
        Parameter::Date(days) => ScalarValue::Date32(Some(days)),
        Parameter::Timestamp(us) if pg_type == PgType::Timestamptz => {
            ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()))
        }
        Parameter::Timestamp(us) => ScalarValue::TimestampMicrosecond(Some(us), None),
        _ => ScalarValue::Time64Microsecond(Some(parse_time(text)?)),
    })
}

fn from_text(text: &str, target: &DataType) -> Result<ScalarValue, QueryError> {
    let input: ArrayRef = Arc::new(StringArray::from(vec![text.trim()]));
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&input, target, &options)
        .map_err(datafusion::common::DataFusionError::from)
        .and_then(|array| ScalarValue::try_from_array(&array, 0))
        .map_err(|error| query_error(&error))
}
