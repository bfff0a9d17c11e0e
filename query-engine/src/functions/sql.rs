//! PostgreSQL's functions and operators with their signatures, for the planner: overloads are chosen by
//! PostgreSQL's rules, literals in quotes take the type of the argument.
//!
//! ```text
//! "date_trunc(text,timestamp) timestamp" ──parse once──> Overload ──by name──> SqlFunction, one UDF
//! a + b of dates and intervals ──DecideTypes──> the overload of "+"
//! ```
//!
//! Invariants
//! - A null argument gives null; a body sees no null, and only values of the types in its signature.
//! - Row by row: functions that the planner has as whole columns, and that mean the same, are not here.

mod arguments;
mod calendar;
pub(crate) mod datetime;
mod extract;
mod interval;
pub(crate) mod json;
mod math;
mod number_format;
mod strings;
mod to_char;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{ArrayRef, new_null_array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use self::arguments::Arguments;
use crate::catalog::{PG_TYPE_KEY, named_pg_type};
use crate::types::class::{narrowed, timestamptz, type_name, unknown_literal};
use crate::types::rule::text::SessionStyle;
use crate::values::Zone;
use crate::{PgType, QueryError, SqlState};

/// What runs for one row.
type Body = fn(&Arguments<'_>) -> Result<ScalarValue, QueryError>;

/// A line of a list: signature and body.
struct Entry(&'static str, Body);

/// One signature.
pub(crate) struct Overload {
    arguments: Vec<&'static str>,
    returns: &'static str,
    body: Body,
}

/// Arguments of one row, none of them null, and the session's time zone.
pub(crate) struct RowCall<'a> {
    pub(crate) values: &'a [ScalarValue],
    pub(crate) zone: Zone,
}

impl Overload {
    /// Value of a call outside a plan.
    ///
    /// # Errors
    /// What the function reports.
    pub(crate) fn run(&self, call: &RowCall<'_>) -> Result<ScalarValue, QueryError> {
        let returns = arrow(self.returns).unwrap_or(DataType::Utf8);
        (self.body)(&Arguments { values: call.values, zone: call.zone, returns: &returns })
    }
}

/// Names, types of arguments and of the result of the functions whose result has one Arrow type.
pub(crate) fn signatures()
-> impl Iterator<Item = (&'static str, &'static [&'static str], &'static str, &'static Overload)> {
    let is_function = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.starts_with("ergosql_")
    };
    REGISTRY.iter().filter(move |entry| is_function(entry.0)).flat_map(|(name, overloads)| {
        let typed = overloads.iter().filter(|overload| arrow(overload.returns).is_some());
        typed.map(|overload| (*name, overload.arguments.as_slice(), overload.returns, overload))
    })
}

static REGISTRY: LazyLock<BTreeMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut registry: BTreeMap<&'static str, Vec<Overload>> = BTreeMap::new();
    let lists = [
        calendar::FUNCTIONS,
        datetime::FUNCTIONS,
        extract::FUNCTIONS,
        interval::FUNCTIONS,
        json::FUNCTIONS,
        math::FUNCTIONS,
        number_format::FUNCTIONS,
        strings::FUNCTIONS,
        to_char::FUNCTIONS,
    ];
    for Entry(signature, body) in lists.into_iter().flatten() {
        let (name, rest) = signature.split_once('(').expect("a signature has parentheses");
        let (arguments, returns) = rest.split_once(") ").expect("a signature has a result");
        let arguments = arguments.split(',').filter(|name| !name.is_empty()).collect();
        registry.entry(name).or_default().push(Overload { arguments, returns, body: *body });
    }
    registry
});

/// All functions, to be registered over built-in names.
pub(crate) fn functions() -> Vec<Arc<ScalarUDF>> {
    let names = REGISTRY.keys().filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    names.map(|name| Arc::new(udf(name, None))).collect()
}

fn udf(name: &'static str, fixed: Option<usize>) -> ScalarUDF {
    ScalarUDF::new_from_impl(SqlFunction {
        name,
        fixed,
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

/// A call of the function `name` of this list.
pub(crate) fn call(name: &str, arguments: Vec<Expr>) -> Option<Expr> {
    let (name, _) = REGISTRY.get_key_value(name)?;
    Some(udf(name, None).call(arguments))
}

/// The operator as a call, where an overload is for operands of these types; `None` in a place of a type is a
/// literal or a parameter without one.
pub(crate) fn operator(operator: Operator, types: &[Option<&DataType>]) -> Option<Chosen> {
    let names: Vec<&str> = types.iter().map(|found| found.map_or("unknown", short)).collect();
    chosen(&operator.to_string(), &names)
}

/// The operator of `json` or `jsonb` that `symbol` is, where the left or the right side is one.
pub(crate) fn json_operator(symbol: &str, sides: &[(&Expr, FieldRef)]) -> Option<Chosen> {
    let names: Vec<&str> = sides
        .iter()
        .map(|(expr, field)| match unknown_literal(expr) {
            Some(_) => "unknown",
            None if matches!(expr, Expr::Placeholder(_)) => "unknown",
            None if narrowed(expr, field.data_type()) == &DataType::Int32 => "int4",
            None => kind(field),
        })
        .collect();
    let is_json = names.iter().any(|name| matches!(*name, "json" | "jsonb"));
    if is_json { chosen(symbol, &names) } else { None }
}

fn chosen(symbol: &str, names: &[&str]) -> Option<Chosen> {
    let (name, overloads) = REGISTRY.get_key_value(symbol)?;
    let numbers = ["int2", "int4", "int8", "numeric", "float4", "float8", "unknown"];
    if names.contains(&"unknown") && names.iter().all(|name| numbers.contains(name)) {
        return None;
    }
    // A literal has the type of the other side where such an operator exists.
    let twice = |known: &str| vec![known.to_owned(); 2];
    let same = match names {
        ["unknown", other] | [other, "unknown"] if *other != "unknown" => Some(twice(other)),
        _ => None,
    };
    let exact = same.and_then(|same| {
        overloads.iter().find(|overload| overload.arguments.iter().eq(same.iter()))
    });
    let overload = exact.or_else(|| choose(overloads, names))?;
    Some(Chosen { name, overload })
}

/// An overload that fits a call.
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    name: &'static str,
    overload: &'static Overload,
}

impl Chosen {
    /// Arrow types that the arguments are brought to; `None` where any number will do.
    pub(crate) fn arguments(&self) -> Vec<Option<DataType>> {
        self.overload.arguments.iter().map(|name| arrow(name)).collect()
    }

    /// Whether argument `at` is JSON, whose carrier is text.
    pub(crate) fn wants_json(&self, at: usize) -> Option<&'static str> {
        self.overload.arguments.get(at).copied().filter(|name| matches!(*name, "json" | "jsonb"))
    }

    /// Type of the result.
    pub(crate) fn returns(&self, arguments: &[Option<&ScalarValue>]) -> DataType {
        match self.overload.returns {
            "numeric" => DataType::Decimal256(76, 0),
            "numeric20" => DataType::Decimal256(76, 20),
            "extracted" => extract::result_type(arguments, self.overload.arguments.get(1)),
            name => arrow(name).unwrap_or(DataType::Utf8),
        }
    }

    /// The call, its arguments of the right types.
    pub(crate) fn call(&self, arguments: Vec<Expr>) -> Expr {
        let overloads = REGISTRY.get(self.name).map_or(&[][..], Vec::as_slice);
        let at = overloads.iter().position(|known| std::ptr::eq(known, self.overload));
        udf(self.name, at).call(arguments)
    }
}

/// Short name of the type of a field, as signatures have it: metadata tells apart what shares a carrier.
fn kind(field: &Field) -> &'static str {
    match named_pg_type(field) {
        Some(PgType::Jsonb) => "jsonb",
        Some(PgType::Json) => "json",
        _ => short(field.data_type()),
    }
}

/// As [`kind`], of an Arrow type alone.
fn short(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "bool",
        DataType::Int16 => "int2",
        DataType::Int8 | DataType::UInt8 | DataType::UInt16 | DataType::Int32 => "int4",
        DataType::UInt32 | DataType::Int64 | DataType::UInt64 => "int8",
        DataType::Float32 => "float4",
        DataType::Float16 | DataType::Float64 => "float8",
        DataType::Decimal128(..) | DataType::Decimal256(..) => "numeric",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::Date32 => "date",
        DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::Null => "unknown",
        _ => "other",
    }
}

fn arrow(name: &str) -> Option<DataType> {
    Some(match name {
        "bool" => DataType::Boolean,
        "int4" => DataType::Int32,
        "int8" => DataType::Int64,
        "float8" => DataType::Float64,
        "text" | "json" | "jsonb" => DataType::Utf8,
        "text[]" => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
        "bytea" => DataType::Binary,
        "date" => DataType::Date32,
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamptz" => timestamptz(),
        "interval" => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => return None,
    })
}

/// How well a type fits an argument: more is better, `None` is not at all.
fn fit(found: &str, wanted: &str) -> Option<u32> {
    if found == wanted {
        return Some(20);
    }
    let ranks = |list: &[&str]| {
        let at = |name: &str| list.iter().position(|known| *known == name);
        let (from, to) = (at(found)?, at(wanted)?);
        // Of those that a value can become without a cast, PostgreSQL prefers the last of its category.
        (from < to).then(|| if to + 1 == list.len() { 10 } else { 5 })
    };
    match (found, wanted) {
        ("unknown", "text" | "jsonb") => Some(3),
        ("unknown", _) => Some(2),
        _ => ranks(&["date", "timestamp", "timestamptz"])
            .or_else(|| ranks(&["int2", "int4", "int8", "numeric", "float4", "float8"]))
            .or_else(|| ranks(&["time", "interval"])),
    }
}

fn choose(overloads: &'static [Overload], types: &[&str]) -> Option<&'static Overload> {
    let score = |overload: &Overload| -> Option<u32> {
        if overload.arguments.len() != types.len() {
            return None;
        }
        let pairs = types.iter().zip(&overload.arguments);
        pairs.map(|(found, wanted)| fit(found, wanted)).sum()
    };
    let mut best: Option<(u32, &Overload)> = None;
    for overload in overloads {
        if let Some(score) = score(overload)
            && best.is_none_or(|(known, _)| score > known)
        {
            best = Some((score, overload));
        }
    }
    best.map(|found| found.1)
}

fn open_field() -> FieldRef {
    Arc::new(Field::new("", DataType::Null, true))
}

fn is_json(field: &Field) -> bool {
    matches!(kind(field), "json" | "jsonb")
}

/// The field with the type `integer` for a literal that fits it.
fn narrow_field(expr: &Expr, field: &FieldRef) -> FieldRef {
    match narrowed(expr, field.data_type()) {
        small if small != field.data_type() => Arc::new(Field::new("", small.clone(), true)),
        _ => Arc::clone(field),
    }
}

/// One function, all overloads.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SqlFunction {
    name: &'static str,
    /// The overload, once types are decided: what optimizers do to the arguments cannot change it.
    fixed: Option<usize>,
    signature: Signature,
}

impl SqlFunction {
    /// The overload that a call of `udf` means, if it is one of these functions.
    ///
    /// # Errors
    /// 42883 where none fits.
    pub(crate) fn of(
        udf: &ScalarUDF,
        arguments: &[(&Expr, FieldRef)],
    ) -> Option<Result<Chosen, QueryError>> {
        let inner: &dyn Any = udf.inner().as_ref();
        let function = inner.downcast_ref::<Self>()?;
        let fields: Vec<FieldRef> = arguments
            .iter()
            .map(|(expr, field)| match unknown_literal(expr) {
                Some(_) => open_field(),
                None => narrow_field(expr, field),
            })
            .collect();
        Some(function.resolve(&fields))
    }

    fn resolve(&self, fields: &[FieldRef]) -> Result<Chosen, QueryError> {
        let names: Vec<&str> = fields.iter().map(|field| kind(field)).collect();
        let found = REGISTRY.get_key_value(self.name).and_then(|(name, overloads)| {
            let fixed = self.fixed.and_then(|at| overloads.get(at));
            fixed.or_else(|| choose(overloads, &names)).map(|overload| Chosen { name, overload })
        });
        let is_uint256 = |field: &FieldRef| field.data_type() == &DataType::LargeBinary;
        if found.is_none() && fields.iter().any(is_uint256) {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("{}() on 256-bit integers is not supported", self.name),
            )
            .with_hint("Cast to numeric(76,0)."));
        }
        found.ok_or_else(|| {
            let types: Vec<_> = fields.iter().map(|field| type_name(field.data_type())).collect();
            QueryError::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("function {}({}) does not exist", self.name, types.join(", ")),
            )
            .with_hint(
                "No function matches the given name and argument types. You might need to add explicit type casts.",
            )
        })
    }
}

impl ScalarUDFImpl for SqlFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("the type depends on the arguments".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let fields: Vec<FieldRef> = args
            .arg_fields
            .iter()
            .zip(args.scalar_arguments)
            .map(|(field, scalar)| match scalar {
                Some(ScalarValue::Utf8(Some(_))) if !is_json(field) => open_field(),
                Some(scalar) => narrow_field(&Expr::Literal((*scalar).clone(), None), field),
                None => Arc::clone(field),
            })
            .collect();
        let chosen = self.resolve(&fields)?;
        let field = Field::new(self.name, chosen.returns(args.scalar_arguments), true);
        let name = chosen.overload.returns;
        Ok(Arc::new(match name {
            "json" | "jsonb" | "text" => {
                field.with_metadata([(PG_TYPE_KEY.to_owned(), name.to_owned())].into())
            }
            _ => field,
        }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let body = self.resolve(&args.arg_fields)?.overload.body;
        let returns = args.return_field.data_type();
        let style = args.config_options.extensions.get::<SessionStyle>();
        let zone = style.map_or_else(Default::default, |style| style.0.clone()).zone;
        let arrays =
            args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let mut results = Vec::with_capacity(rows);
        for row in 0..rows {
            let values = arrays
                .iter()
                .map(|array| ScalarValue::try_from_array(array, row))
                .collect::<Result<Vec<_>>>()?;
            results.push(if values.iter().any(ScalarValue::is_null) {
                ScalarValue::try_from(returns)?
            } else {
                body(&Arguments { values: &values, zone, returns })?
            });
        }
        if is_scalar && let Some(only) = results.pop() {
            return Ok(ColumnarValue::Scalar(only));
        }
        Ok(ColumnarValue::Array(match results.is_empty() {
            true => new_null_array(returns, 0),
            false => ScalarValue::iter_to_array(results)?,
        }))
    }
}
