//! The rule that decides types: it runs on the logical plan before DataFusion's type coercion.
//!
//! ```text
//! OpenOperator, CAST, IN, BETWEEN, CASE ──> native comparisons (so that files are pruned),
//!                                           checked arithmetic, exact casts, or an error
//! ```
//!
//! Invariants
//! - No operator and no function gets a 256-bit integer that it would treat as bytes.
//! - Afterwards no [`OpenOperator`] and no open conditional is left.

mod any;
mod cast;
mod compare;
pub(crate) mod text;
mod unify;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{AggregateFunction, Case, ScalarFunction, WindowFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, Operator, WindowFrame, WindowFrameBound, WindowFrameUnits,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::scalar::ScalarValue;

use crate::functions::checked::CheckedArithmetic;
use crate::functions::conditional::Conditional;
use crate::functions::quantified::Quantified;
use crate::functions::series;
use crate::functions::sql::{self, Chosen, SqlFunction};
use crate::types::class::{Class, narrowed, operand_name, type_name, unknown_literal};
use crate::types::operator::{
    OpenOperator, is_comparison, native, number_type, undefined_operator,
};
use crate::{QueryError, SqlState};

/// Functions that may see a 256-bit integer: they compare, count, hand it on, or convert it exactly.
const UINT256_FUNCTIONS: &[&str] = &[
    "to_numeric",
    "to_integer",
    "to_text",
    "to_bytea",
    "to_uint256",
    "units",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "pg_typeof",
];

/// Aggregates and window functions that may see one.
const UINT256_AGGREGATES: &[&str] = &[
    "count",
    "min",
    "max",
    "sum",
    "avg",
    "first_value",
    "last_value",
    "nth_value",
    "lag",
    "lead",
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
];

/// The rule.
#[derive(Debug)]
pub(crate) struct DecideTypes;

impl AnalyzerRule for DecideTypes {
    fn name(&self) -> &str {
        "decide_types"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(decide_plan)?.data)
    }
}

fn decide_plan(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if matches!(plan, LogicalPlan::TableScan(_)) {
        return Ok(Transformed::no(plan));
    }
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let decided = expr.transform_up(|expr| decide(expr, &schema))?;
        Ok(decided.update_data(|expr| name.restore(expr)))
    })?
    .map_data(LogicalPlan::recompute_schema)
}

fn decide(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::ScalarFunction(call) => return function(call, schema),
        Expr::BinaryExpr(binary) => {
            let operator = binary.op;
            match operator {
                Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => Transformed::yes(
                    compare::compare(operator, *binary.left, *binary.right, schema)?,
                ),
                Operator::And | Operator::Or => Transformed::no(Expr::BinaryExpr(binary)),
                _ => {
                    refuse_uint256(&operator.to_string(), [&*binary.left, &*binary.right], schema)?;
                    Transformed::no(Expr::BinaryExpr(binary))
                }
            }
        }
        Expr::Between(between) => {
            let (low, high) = if between.negated {
                (Operator::Lt, Operator::Gt)
            } else {
                (Operator::GtEq, Operator::LtEq)
            };
            let subject = *between.expr;
            let low = compare::compare(low, subject.clone(), *between.low, schema)?;
            let high = compare::compare(high, subject, *between.high, schema)?;
            Transformed::yes(if between.negated { low.or(high) } else { low.and(high) })
        }
        Expr::InList(list) => Transformed::yes(compare::in_list(list, schema)?),
        Expr::InSubquery(membership) => {
            let inner = membership.subquery.subquery.schema().field(0).data_type().clone();
            let outer = membership.expr.get_type(schema)?;
            if (Class::of(&inner) == Class::Uint256) != (Class::of(&outer) == Class::Uint256) {
                return Err(undefined_operator(
                    Operator::Eq,
                    &type_name(&outer),
                    &type_name(&inner),
                )
                .with_hint(CAST_HINT)
                .into());
            }
            Transformed::no(Expr::InSubquery(membership))
        }
        Expr::Case(case) => Transformed::yes(decide_case(case, schema)?),
        Expr::Cast(_) | Expr::TryCast(_) => return cast::decide_cast(expr, schema),
        Expr::Negative(inner) => {
            let class = Class::of(narrowed(&inner, &inner.get_type(schema)?));
            match class {
                Class::Uint256 => return Err(uint256_arithmetic("-", "numeric(78,0)").into()),
                _ if class.is_number() => {
                    let zero = Expr::Literal(ScalarValue::Int32(Some(0)), None);
                    Transformed::yes(arithmetic(Operator::Minus, zero, *inner, schema)?)
                }
                _ => Transformed::no(Expr::Negative(inner)),
            }
        }
        Expr::Like(like) => {
            refuse_uint256("LIKE", [&*like.expr, &*like.pattern], schema)?;
            Transformed::no(Expr::Like(like))
        }
        Expr::SimilarTo(like) => {
            refuse_uint256("SIMILAR TO", [&*like.expr, &*like.pattern], schema)?;
            Transformed::no(Expr::SimilarTo(like))
        }
        Expr::AggregateFunction(call) => Transformed::no(aggregate(call, schema)?),
        Expr::WindowFunction(call) => Transformed::no(window(call, schema)?),
        other => Transformed::no(other),
    })
}

fn function(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if let Some(operator) = OpenOperator::of(&call.func) {
        let mut args = call.args.into_iter();
        let (Some(left), Some(right)) = (args.next(), args.next()) else {
            return Err(internal("an operator has two operands"));
        };
        let decided = if is_comparison(operator) {
            compare::compare(operator, left, right, schema)?
        } else {
            arithmetic(operator, left, right, schema)?
        };
        return Ok(Transformed::yes(decided));
    }
    if let Some((operator, all)) = Quantified::open(&call.func, &call.args) {
        return any::quantified(operator, all, call.args, schema).map(Transformed::yes);
    }
    if let Some(conditional) = Conditional::of(&call.func) {
        let args = unify::unify(call.args, call.func.name(), schema)?;
        return Ok(Transformed::yes(conditional.native(args)));
    }
    if !UINT256_FUNCTIONS.contains(&call.func.name()) {
        refuse_uint256(&format!("{}()", call.func.name()), &call.args, schema)?;
    }
    let fields = call
        .args
        .iter()
        .map(|expr| expr.to_field(schema).map(|found| found.1))
        .collect::<Result<Vec<_>>>()?;
    let types: Vec<_> = call.args.iter().zip(fields).collect();
    if let Some(chosen) = SqlFunction::of(&call.func, &types) {
        return sql_call(chosen?, call.args, schema).map(Transformed::yes);
    }
    if call.func.name() == "generate_series" {
        let types = call
            .args
            .iter()
            .map(|expr| Ok(narrowed(expr, &expr.get_type(schema)?).clone()))
            .collect::<Result<Vec<_>>>()?;
        let Some(wanted) = series::arguments(&types) else {
            return Ok(Transformed::no(Expr::ScalarFunction(call)));
        };
        let args =
            call.args.into_iter().zip(wanted).map(|(expr, wanted)| brought(expr, wanted, schema));
        return Ok(Transformed::yes(call.func.call(args.collect::<Result<Vec<_>>>()?)));
    }
    if call.func.name() == "make_array" {
        let args = unify::unify(call.args, "ARRAY", schema)?;
        return Ok(Transformed::yes(call.func.call(args)));
    }
    let (name, args) = (call.func.name().to_owned(), call.args.clone());
    let call = Expr::ScalarFunction(call);
    refuse_float(&name, &args, &call, schema)?;
    Ok(Transformed::no(call))
}

/// Checked arithmetic on numbers; other types keep DataFusion's meaning.
fn arithmetic(operator: Operator, left: Expr, right: Expr, schema: &DFSchema) -> Result<Expr> {
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    let left_class = Class::of(narrowed(&left, &left_type));
    let right_class = Class::of(narrowed(&right, &right_type));
    if left_class == Class::Uint256 || right_class == Class::Uint256 {
        let operand = if left_class == Class::Uint256 { &right_type } else { &left_type };
        return Err(uint256_arithmetic(&operator.to_string(), &type_name(operand)).into());
    }
    let (left, left_class) = match (unknown_literal(&left), right_class.is_number()) {
        (Some(text), true) => compare::literal_as(text, right_class)?,
        _ => (left, left_class),
    };
    let (right, right_class) = match (unknown_literal(&right), left_class.is_number()) {
        (Some(text), true) => compare::literal_as(text, left_class)?,
        _ => (right, right_class),
    };
    let out = match (left_class, right_class) {
        (Class::Null, number) | (number, Class::Null) if number.is_number() => {
            number_type(operator, number, number)
        }
        (left, right) => number_type(operator, left, right),
    };
    if out.is_none()
        && let Some(decided) = sql_operator(operator, [&left, &right], schema)?
    {
        return Ok(decided);
    }
    match out {
        Some(out) => Ok(CheckedArithmetic::call(operator, left, right, out)),
        None if left_class.is_number() && right_class == Class::Text
            || left_class == Class::Text
            || matches!(left_class, Class::Bytes)
            || matches!(right_class, Class::Bytes) =>
        {
            Err(undefined_operator(
                operator,
                &operand_name(&left, &left_type),
                &operand_name(&right, &right_type),
            )
            .into())
        }
        None => Ok(native(operator, left, right)),
    }
}

/// The operator as one of PostgreSQL's on dates, times and intervals, if there is one.
fn sql_operator(
    operator: Operator,
    operands: [&Expr; 2],
    schema: &DFSchema,
) -> Result<Option<Expr>> {
    let types = operands.iter().map(|expr| expr.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let known: Vec<_> = operands
        .iter()
        .zip(&types)
        .map(|(expr, found)| {
            let is_open = unknown_literal(expr).is_some() || Class::of(found) == Class::Null;
            (!is_open).then_some(found)
        })
        .collect();
    if known.iter().all(Option::is_none) {
        return Ok(None);
    }
    let Some(chosen) = sql::operator(operator, &known) else { return Ok(None) };
    let operands = operands.into_iter().cloned().collect();
    sql_call(chosen, operands, schema).map(Some)
}

/// `expr` as a value of type `wanted`.
fn brought(expr: Expr, wanted: DataType, schema: &DFSchema) -> Result<Expr> {
    if expr.get_type(schema)? == wanted && unknown_literal(&expr).is_none() {
        return Ok(expr);
    }
    let cast = Expr::Cast(datafusion::logical_expr::expr::Cast::new(Box::new(expr), wanted));
    cast::decide_cast(cast, schema).map(|decided| decided.data)
}

/// The call with its arguments brought to the types of the overload.
fn sql_call(chosen: Chosen, arguments: Vec<Expr>, schema: &DFSchema) -> Result<Expr> {
    let arguments = arguments.into_iter().zip(chosen.arguments()).enumerate();
    let arguments = arguments.map(|(at, (expr, wanted))| {
        let Some(wanted) = wanted else { return Ok(expr) };
        if let Some(name) = chosen.wants_json(at)
            && unknown_literal(&expr).is_some()
        {
            return Ok(cast::named_text(expr, name));
        }
        if wanted == DataType::Utf8 { Ok(expr) } else { brought(expr, wanted, schema) }
    });
    Ok(chosen.call(arguments.collect::<Result<Vec<_>>>()?))
}

fn decide_case(case: Case, schema: &DFSchema) -> Result<Expr> {
    let (whens, thens): (Vec<_>, Vec<_>) =
        case.when_then_expr.into_iter().map(|(when, then)| (*when, *then)).unzip();
    let whens = match case.expr {
        // A simple CASE compares as `=` does, with the same rules for literals.
        Some(subject) => whens
            .into_iter()
            .map(|when| compare::compare(Operator::Eq, (*subject).clone(), when, schema))
            .collect::<Result<Vec<_>>>()?,
        None => whens,
    };
    let has_else = case.else_expr.is_some();
    let mut branches = thens;
    branches.extend(case.else_expr.map(|expr| *expr));
    let mut branches = unify::unify(branches, "CASE", schema)?;
    let else_expr = if has_else { branches.pop().map(Box::new) } else { None };
    let pairs =
        whens.into_iter().zip(branches).map(|(when, then)| (Box::new(when), Box::new(then)));
    Ok(Expr::Case(Case::new(None, pairs.collect(), else_expr)))
}

fn aggregate(call: AggregateFunction, schema: &DFSchema) -> Result<Expr> {
    if !UINT256_AGGREGATES.contains(&call.func.name()) {
        refuse_uint256(&format!("{}()", call.func.name()), &call.params.args, schema)?;
    }
    let (name, args) = (call.func.name().to_owned(), call.params.args.clone());
    let call = Expr::AggregateFunction(call);
    refuse_float(&name, &args, &call, schema)?;
    Ok(call)
}

fn window(mut call: Box<WindowFunction>, schema: &DFSchema) -> Result<Expr> {
    let name = call.fun.name().to_owned();
    if !UINT256_AGGREGATES.contains(&name.as_str()) {
        refuse_uint256(&format!("{name}()"), &call.params.args, schema)?;
    }
    if let Some(first) = call.params.order_by.first() {
        let class = Class::of(&first.expr.get_type(schema)?);
        if matches!(class, Class::Uint256 | Class::Bytes) {
            call.params.window_frame = frame_of_peers(call.params.window_frame)?;
        }
    }
    Ok(Expr::WindowFunction(call))
}

/// The same frame in groups of equal values: DataFusion runs RANGE frames over numbers and times only.
fn frame_of_peers(frame: WindowFrame) -> Result<WindowFrame> {
    if frame.units != WindowFrameUnits::Range {
        return Ok(frame);
    }
    let bound = |bound: WindowFrameBound| match bound {
        WindowFrameBound::CurrentRow => Ok(WindowFrameBound::CurrentRow),
        WindowFrameBound::Preceding(offset) if offset.is_null() => {
            Ok(WindowFrameBound::Preceding(ScalarValue::UInt64(None)))
        }
        WindowFrameBound::Following(offset) if offset.is_null() => {
            Ok(WindowFrameBound::Following(ScalarValue::UInt64(None)))
        }
        _ => Err(QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "RANGE with an offset over 256-bit integers or bytea is not supported",
        )),
    };
    let (start, end) = (bound(frame.start_bound)?, bound(frame.end_bound)?);
    Ok(WindowFrame::new_bounds(WindowFrameUnits::Groups, start, end))
}

/// What to do where arithmetic on a 256-bit integer is refused.
const CAST_HINT: &str = "Cast to numeric(76,0): value::numeric(76,0) is exact, or fails with 22003 above 76 digits. units(value, decimals) gives whole units.";

fn uint256_arithmetic(operator: &str, operand: &str) -> QueryError {
    QueryError::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!(
            "operator {operator} on 256-bit integers is not supported (other operand: {operand})"
        ),
    )
    .with_hint(CAST_HINT)
}

/// 0A000 when one of `args` is a 256-bit integer.
fn refuse_uint256<'a>(
    what: &str,
    args: impl IntoIterator<Item = &'a Expr>,
    schema: &DFSchema,
) -> Result<()> {
    for arg in args {
        if contains_uint256(&arg.get_type(schema)?) {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("{what} on 256-bit integers is not supported"),
            )
            .with_hint(CAST_HINT)
            .into());
        }
    }
    Ok(())
}

/// 0A000 when a function would turn a decimal into a float: an amount is never rounded silently.
fn refuse_float(name: &str, args: &[Expr], call: &Expr, schema: &DFSchema) -> Result<()> {
    for arg in args {
        let is_decimal = matches!(Class::of(&arg.get_type(schema)?), Class::Decimal(..));
        if is_decimal && Class::of(&call.get_type(schema)?) == Class::Float {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("{name}() of numeric is not supported: its result would be rounded"),
            )
            .with_hint("Cast the argument to double precision if that is good enough.")
            .into());
        }
    }
    Ok(())
}

fn contains_uint256(data_type: &DataType) -> bool {
    match data_type {
        DataType::LargeBinary => true,
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            contains_uint256(field.data_type())
        }
        _ => false,
    }
}

fn unsupported(what: &str) -> datafusion::common::DataFusionError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported")).into()
}

fn internal(message: &str) -> datafusion::common::DataFusionError {
    datafusion::common::DataFusionError::Internal(message.to_owned())
}

/// Decides the types of an expression without columns, such as an argument of a table function.
pub(crate) fn decide_constant(expr: Expr) -> Result<Expr> {
    let schema = DFSchema::empty();
    Ok(expr.transform_up(|expr| decide(expr, &schema))?.data)
}
