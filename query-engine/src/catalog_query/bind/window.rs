//! Calls over windows: `row_number() OVER (PARTITION BY … ORDER BY …)`.

use sqlparser::ast::{
    DuplicateTreatment, Function, FunctionArg, FunctionArgExpr, FunctionArguments, WindowType,
};

use super::super::plan::{Aggregate, AggregateKind, WindowCall, WindowFunction};
use super::super::types;
use super::super::unsupported;
use super::call::{aggregate_kind, plain_arguments};
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
        let WindowType::WindowSpec(spec) = over else {
            return Err(unsupported("a named window"));
        };
        if spec.window_name.is_some() || spec.window_frame.is_some() || function.filter.is_some() {
            return Err(unsupported("this form of window"));
        }
        if scope.windows.borrow().is_none() {
            return Err(QueryError::new(
                SqlState("42P20"),
                "window functions are not allowed here",
            ));
        }
        let list = match &function.args {
            FunctionArguments::List(list) if list.clauses.is_empty() => list,
            _ => return Err(unsupported(format!("this form of {name}()"))),
        };
        let (function, type_oid) = match (name, list.args.as_slice()) {
            ("row_number", []) => (WindowFunction::RowNumber, types::INT8),
            ("rank", []) => (WindowFunction::Rank, types::INT8),
            ("dense_rank", []) => (WindowFunction::DenseRank, types::INT8),
            (name, arguments) => {
                let kind = aggregate_kind(name)
                    .filter(|_| spec.order_by.is_empty())
                    .ok_or_else(|| unsupported(format!("{name}() over a window")))?;
                let is_star =
                    matches!(arguments, [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
                let kind = if is_star { AggregateKind::CountRows } else { kind };
                let asts = if is_star { Vec::new() } else { plain_arguments(arguments)? };
                let (arguments, type_oid, order, filter) =
                    self.aggregate_parts(kind, &asts, &[], None, scope)?;
                let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
                let aggregate = Aggregate { kind, type_oid, arguments, distinct, order, filter };
                (WindowFunction::Aggregate(aggregate), type_oid)
            }
        };
        let partition = spec.partition_by.iter().map(|ast| Ok(self.expr(ast, scope)?.expr));
        let partition = partition.collect::<Result<Vec<_>, QueryError>>()?;
        let mut order = Vec::new();
        for key in &spec.order_by {
            let descending = key.options.asc == Some(false);
            let nulls_first = key.options.nulls_first.unwrap_or(descending);
            order.push((self.expr(&key.expr, scope)?.expr, descending, nulls_first));
        }
        let mut windows = scope.windows.borrow_mut();
        let windows = windows.get_or_insert_default();
        windows.push(WindowCall { function, partition, order });
        Ok(Typed::new(window_value(scope, windows.len() - 1), type_oid))
    }
}
