//! Calls over windows: `row_number() OVER (PARTITION BY … ORDER BY …)`.

use sqlparser::ast::{
    DuplicateTreatment, Expr as Ast, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    NamedWindowDefinition, NamedWindowExpr, NullTreatment, WindowFrame as FrameAst,
    WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::super::names::fold;
use super::super::operator;
use super::super::plan::{
    AggregateKind, Expr, FrameBound, FrameUnits, WindowCall, WindowFrame, WindowFunction,
};
use super::super::types::{self, Kind, TypeOid, kind};
use super::super::{Value, aggregates, unsupported};
use super::aggregate::Parts;
use super::call::plain_arguments;
use super::scope::{Scope, window_value};
use super::{Binder, Typed};
use crate::{QueryError, SqlState};

impl Binder<'_> {
    /// A call with OVER.
    pub(super) fn window(
        &self,
        name: &str,
        function: &Function,
        over: &WindowType,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let spec = spec_of(over, &scope.named_windows)?;
        if scope.windows.borrow().is_none() {
            return Err(QueryError::new(
                SqlState("42P20"),
                format!("window functions are not allowed in {}", scope.clause.get()),
            ));
        }
        let list = match &function.args {
            FunctionArguments::List(list)
                if list.clauses.is_empty() && function.within_group.is_empty() =>
            {
                list
            }
            _ => return Err(unsupported(format!("this form of {name}()"))),
        };
        if !matches!(function.null_treatment, None | Some(NullTreatment::RespectNulls)) {
            return Err(unsupported("IGNORE NULLS"));
        }
        let is_star =
            matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
        let asts = if is_star { Vec::new() } else { plain_arguments(&list.args)? };
        let (function, type_oid) = match self.window_function(name, &asts, scope)? {
            Some(_) if function.filter.is_some() => {
                return Err(QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "FILTER is not implemented for non-aggregate window functions",
                ));
            }
            Some(found) => found,
            None => {
                let kind = aggregates::named(name)
                    .ok_or_else(|| unsupported(format!("{name}() over a window")))?;
                if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
                    return Err(QueryError::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "DISTINCT is not implemented for window functions",
                    ));
                }
                let kind = if is_star { AggregateKind::CountRows } else { kind };
                let filter = function.filter.as_deref();
                let parts = Parts { name, kind, asts: &asts, distinct: false, order: &[], filter };
                let aggregate = self.aggregate_of(&parts, scope)?;
                let type_oid = aggregate.type_oid;
                (WindowFunction::Aggregate(aggregate), type_oid)
            }
        };
        let partition = spec.partition_by.iter().map(|ast| Ok(self.expr(ast, scope)?.expr));
        let partition = partition.collect::<Result<Vec<_>, QueryError>>()?;
        let order = self.sort_keys(&spec.order_by, scope)?;
        let frame = self.frame(&spec, scope)?;
        let mut windows = scope.windows.borrow_mut();
        let windows = windows.get_or_insert_default();
        windows.push(WindowCall { function, partition, order, frame });
        Ok(Typed::new(window_value(scope, windows.len() - 1), type_oid))
    }

    /// A function that exists over windows alone; `None` for any other name.
    fn window_function(
        &self,
        name: &str,
        asts: &[&Ast],
        scope: &Scope<'_>,
    ) -> Result<Option<(WindowFunction, TypeOid)>, QueryError> {
        let value = |at: usize| -> Result<Typed, QueryError> {
            let typed = self.expr(asts[at], scope)?;
            match typed.type_oid {
                types::UNKNOWN => Ok(Typed::new(self.cast(typed, types::TEXT)?, types::TEXT)),
                _ => Ok(typed),
            }
        };
        let count = |at: usize| -> Result<Expr, QueryError> {
            let typed = self.expr(asts[at], scope)?;
            self.coerce(typed, types::INT4)
        };
        Ok(Some(match (name, asts.len()) {
            ("row_number", 0) => (WindowFunction::RowNumber, types::INT8),
            ("rank", 0) => (WindowFunction::Rank, types::INT8),
            ("dense_rank", 0) => (WindowFunction::DenseRank, types::INT8),
            ("percent_rank", 0) => (WindowFunction::PercentRank, types::FLOAT8),
            ("cume_dist", 0) => (WindowFunction::CumeDist, types::FLOAT8),
            ("ntile", 1) => (WindowFunction::Ntile(count(0)?), types::INT4),
            ("first_value" | "last_value", 1) => {
                let Typed { expr, type_oid, .. } = value(0)?;
                if name == "first_value" {
                    (WindowFunction::FirstValue(expr), type_oid)
                } else {
                    (WindowFunction::LastValue(expr), type_oid)
                }
            }
            ("nth_value", 2) => {
                let Typed { expr, type_oid, .. } = value(0)?;
                (WindowFunction::NthValue(expr, count(1)?), type_oid)
            }
            ("lag" | "lead", 1..=3) => {
                let offset = if asts.len() > 1 { count(1)? } else { Expr::Const(Value::Int(1)) };
                let mut parts = vec![value(0)?];
                if asts.len() > 2 {
                    parts.push(self.expr(asts[2], scope)?);
                }
                let (mut parts, type_oid) = self.to_common(parts, name)?;
                let default = if parts.len() > 1 { parts.pop() } else { None }
                    .unwrap_or(Expr::Const(Value::Null));
                let value = parts.pop().unwrap_or(Expr::Const(Value::Null));
                let is_ahead = name == "lead";
                (WindowFunction::Lag { is_ahead, value, offset, default }, type_oid)
            }
            _ => return Ok(None),
        }))
    }

    fn frame(&self, spec: &WindowSpec, scope: &Scope<'_>) -> Result<WindowFrame, QueryError> {
        let Some(frame) = &spec.window_frame else {
            let units = FrameUnits::Range(None);
            return Ok(WindowFrame {
                units,
                start: FrameBound::Unbounded,
                end: FrameBound::CurrentRow,
            });
        };
        check_bounds(frame)?;
        let end = frame.end_bound.as_ref().unwrap_or(&WindowFrameBound::CurrentRow);
        let bounds = [&frame.start_bound, end];
        let has_distance = bounds.iter().any(|bound| {
            matches!(
                bound,
                WindowFrameBound::Preceding(Some(_)) | WindowFrameBound::Following(Some(_))
            )
        });
        let no_order = |units: &str| {
            QueryError::new(SqlState("42P20"), format!("{units} mode requires an ORDER BY clause"))
        };
        let units = match frame.units {
            WindowFrameUnits::Rows => FrameUnits::Rows,
            WindowFrameUnits::Groups if spec.order_by.is_empty() => return Err(no_order("GROUPS")),
            WindowFrameUnits::Groups => FrameUnits::Groups,
            WindowFrameUnits::Range if !has_distance => FrameUnits::Range(None),
            WindowFrameUnits::Range => return self.range_frame(spec, bounds, scope),
        };
        let bind = |bound: &WindowFrameBound| -> Result<FrameBound, QueryError> {
            let count = |ast: &Ast| -> Result<Expr, QueryError> {
                let typed = self.expr(ast, scope)?;
                self.coerce(typed, types::INT8)
            };
            Ok(match bound {
                WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
                WindowFrameBound::Preceding(None) | WindowFrameBound::Following(None) => {
                    FrameBound::Unbounded
                }
                WindowFrameBound::Preceding(Some(ast)) => FrameBound::Preceding(count(ast)?),
                WindowFrameBound::Following(Some(ast)) => FrameBound::Following(count(ast)?),
            })
        };
        Ok(WindowFrame { units, start: bind(bounds[0])?, end: bind(bounds[1])? })
    }

    /// RANGE with distances: they are added to the value of the only key, or taken from it.
    fn range_frame(
        &self,
        spec: &WindowSpec,
        bounds: [&WindowFrameBound; 2],
        scope: &Scope<'_>,
    ) -> Result<WindowFrame, QueryError> {
        let [key] = spec.order_by.as_slice() else {
            return Err(QueryError::new(
                SqlState("42P20"),
                "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
            ));
        };
        let descending = key.options.asc == Some(false);
        let key = self.expr(&key.expr, scope)?;
        // Dates are compared with instants, which is what an interval makes of them.
        let to = if kind(key.type_oid) == Kind::Date { types::TIMESTAMP } else { key.type_oid };
        let key = Typed::new(self.cast(key, to)?, to);
        let bind = |bound: &WindowFrameBound| -> Result<FrameBound, QueryError> {
            let (distance, is_ahead) = match bound {
                WindowFrameBound::CurrentRow => return Ok(FrameBound::CurrentRow),
                WindowFrameBound::Preceding(None) | WindowFrameBound::Following(None) => {
                    return Ok(FrameBound::Unbounded);
                }
                WindowFrameBound::Preceding(Some(ast)) => (ast, false),
                WindowFrameBound::Following(Some(ast)) => (ast, true),
            };
            let distance = self.expr(distance, scope)?;
            let wanted = match kind(to) {
                Kind::Timestamp | Kind::Time | Kind::Interval => types::INTERVAL,
                _ => distance.type_oid,
            };
            let distance = Typed::new(self.coerce(distance, wanted)?, wanted);
            let symbol = if is_ahead == descending { "-" } else { "+" };
            let (moved, _) = operator::resolve(symbol, to, distance.type_oid)?;
            let (left, right) = (Box::new(key.expr.clone()), Box::new(distance.expr));
            let moved = Expr::Binary { operator: moved, left, right };
            Ok(if is_ahead { FrameBound::Following(moved) } else { FrameBound::Preceding(moved) })
        };
        let (start, end) = (bind(bounds[0])?, bind(bounds[1])?);
        Ok(WindowFrame { units: FrameUnits::Range(Some(key.expr)), start, end })
    }
}

/// # Errors
/// 42P20 for bounds that no frame has.
fn check_bounds(frame: &FrameAst) -> Result<(), QueryError> {
    use WindowFrameBound as B;
    let refuse = |message: &str| Err(QueryError::new(SqlState("42P20"), message));
    let end = frame.end_bound.as_ref().unwrap_or(&B::CurrentRow);
    match (&frame.start_bound, end) {
        (B::Following(None), _) => refuse("frame start cannot be UNBOUNDED FOLLOWING"),
        (_, B::Preceding(None)) => refuse("frame end cannot be UNBOUNDED PRECEDING"),
        (B::CurrentRow, B::Preceding(_)) => {
            refuse("frame starting from current row cannot have preceding rows")
        }
        (B::Following(_), B::CurrentRow | B::Preceding(_)) => {
            refuse("frame starting from following row cannot end with current row")
        }
        _ => Ok(()),
    }
}

/// The window that OVER names or describes, with what it takes from named ones.
fn spec_of(over: &WindowType, named: &[NamedWindowDefinition]) -> Result<WindowSpec, QueryError> {
    let find = |name: &sqlparser::ast::Ident| {
        let wanted = fold(name);
        let found = named.iter().position(|definition| fold(&definition.0) == wanted);
        found.ok_or_else(|| {
            QueryError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("window \"{wanted}\" does not exist"),
            )
        })
    };
    let of_definition = |at: usize| match &named[at].1 {
        NamedWindowExpr::NamedWindow(name) => {
            spec_of(&WindowType::NamedWindow(name.clone()), &named[..at])
        }
        NamedWindowExpr::WindowSpec(spec) => {
            spec_of(&WindowType::WindowSpec(spec.clone()), &named[..at])
        }
    };
    match over {
        WindowType::NamedWindow(name) => of_definition(find(name)?),
        WindowType::WindowSpec(spec) => {
            let Some(name) = &spec.window_name else { return Ok(spec.clone()) };
            let base = of_definition(find(name)?)?;
            let refuse = |message: String| Err(QueryError::new(SqlState("42P20"), message));
            if !spec.partition_by.is_empty() {
                return refuse(format!(
                    "cannot override PARTITION BY clause of window \"{}\"",
                    name.value
                ));
            }
            if !spec.order_by.is_empty() && !base.order_by.is_empty() {
                return refuse(format!(
                    "cannot override ORDER BY clause of window \"{}\"",
                    name.value
                ));
            }
            if base.window_frame.is_some() {
                return refuse(format!(
                    "cannot copy window \"{}\" because it has a frame clause",
                    name.value
                ));
            }
            let order_by =
                if spec.order_by.is_empty() { base.order_by } else { spec.order_by.clone() };
            let window_frame = spec.window_frame.clone();
            let partition_by = base.partition_by;
            Ok(WindowSpec { window_name: None, partition_by, order_by, window_frame })
        }
    }
}
