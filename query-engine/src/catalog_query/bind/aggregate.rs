//! Calls of aggregates, and what is written like one: WITHIN GROUP and GROUPING.

use sqlparser::ast::{
    Expr as Ast, Function, FunctionArg, FunctionArgumentList, FunctionArguments, OrderByExpr,
};

use super::super::plan::{Aggregate, AggregateKind, Expr};
use super::super::types::{self, TypeOid};
use super::super::{Value, aggregates, unsupported};
use super::scope::{Scope, aggregate_value, group_key};
use super::{Binder, Typed};
use crate::{QueryError, SqlState};

impl Binder<'_> {
    pub(super) fn aggregate(
        &self,
        parts: &Parts<'_>,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        over_rows(scope, || self.aggregate_of(parts, scope))
    }

    /// An aggregate with its arguments brought to its types.
    pub(super) fn aggregate_of(
        &self,
        parts: &Parts<'_>,
        scope: &Scope<'_>,
    ) -> Result<Aggregate, QueryError> {
        let Parts { name, mut kind, distinct, .. } = *parts;
        let mut arguments =
            parts.asts.iter().map(|ast| self.expr(ast, scope)).collect::<Result<Vec<_>, _>>()?;
        if let AggregateKind::JsonAgg(form) | AggregateKind::JsonObjectAgg(form) = &mut kind
            && let Some(last) = arguments.last_mut()
        {
            form.is_structured =
                last.type_oid == types::RECORD || types::element(last.type_oid).is_some();
            *last = as_json_input(last.clone());
        }
        for typed in &mut arguments {
            // count() takes any type, and so gives none.
            let is_open = kind == AggregateKind::Count && matches!(typed.expr, Expr::Parameter(_));
            if typed.type_oid == types::UNKNOWN && !is_open {
                *typed = Typed::new(self.cast(typed.clone(), types::TEXT)?, types::TEXT);
            }
        }
        let found: Vec<TypeOid> = arguments.iter().map(|typed| typed.type_oid).collect();
        let (types, type_oid) = aggregates::resolve(kind, name, &found)?;
        let arguments = arguments.into_iter().zip(&types);
        let arguments = arguments.map(|(typed, to)| self.cast(typed, *to));
        let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
        let order = self.sort_keys(parts.order, scope)?;
        let filter = self.filter_of(parts.filter, scope)?;
        Ok(Aggregate { kind, type_oid, arguments, types, distinct, order, filter })
    }

    fn filter_of(
        &self,
        filter: Option<&Ast>,
        scope: &Scope<'_>,
    ) -> Result<Option<Expr>, QueryError> {
        let bind = |filter| {
            let typed = self.expr(filter, scope)?;
            self.condition(typed, "FILTER")
        };
        filter.map(bind).transpose()
    }

    /// Keys of an ORDER BY inside a call or a window.
    pub(super) fn sort_keys(
        &self,
        order: &[OrderByExpr],
        scope: &Scope<'_>,
    ) -> Result<Vec<(Expr, bool, bool)>, QueryError> {
        let mut keys = Vec::new();
        for key in order {
            let descending = key.options.asc == Some(false);
            let nulls_first = key.options.nulls_first.unwrap_or(descending);
            keys.push((self.expr(&key.expr, scope)?.expr, descending, nulls_first));
        }
        Ok(keys)
    }

    /// `name(…) WITHIN GROUP (ORDER BY …)`.
    pub(super) fn ordered_set(
        &self,
        name: &str,
        function: &Function,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let kind = aggregates::within_group(name)
            .ok_or_else(|| unsupported(format!("this form of {name}()")))?;
        let (FunctionArguments::List(list), [key]) =
            (&function.args, function.within_group.as_slice())
        else {
            return Err(unsupported(format!("this form of {name}()")));
        };
        let filter = function.filter.as_deref();
        over_rows(scope, || self.ordered_set_of(name, kind, list, key, filter, scope))
    }

    fn ordered_set_of(
        &self,
        name: &str,
        kind: AggregateKind,
        list: &FunctionArgumentList,
        key: &OrderByExpr,
        filter: Option<&Ast>,
        scope: &Scope<'_>,
    ) -> Result<Aggregate, QueryError> {
        let direct = self.arguments(&list.args, scope)?;
        let mut sorted = self.expr(&key.expr, scope)?;
        if sorted.type_oid == types::UNKNOWN {
            sorted = Typed::new(self.cast(sorted, types::TEXT)?, types::TEXT);
        }
        let found: Vec<TypeOid> =
            direct.iter().chain([&sorted]).map(|typed| typed.type_oid).collect();
        let wanted = usize::from(kind != AggregateKind::Mode);
        let [first, ..] = found.as_slice() else { return Err(aggregates::undefined(name, &found)) };
        if direct.len() != wanted {
            return Err(aggregates::undefined(name, &found));
        }
        let is_list = types::element(*first).is_some() && wanted == 1;
        let fraction = if is_list { FLOAT8_ARRAY } else { types::FLOAT8 };
        let (direct_type, sorted_type, result) = match kind {
            AggregateKind::PercentileCont if sorted.type_oid == types::INTERVAL => {
                (fraction, types::INTERVAL, types::INTERVAL)
            }
            AggregateKind::PercentileCont if types::is_implicit(sorted.type_oid, types::FLOAT8) => {
                (fraction, types::FLOAT8, types::FLOAT8)
            }
            AggregateKind::PercentileDisc => (fraction, sorted.type_oid, sorted.type_oid),
            AggregateKind::Mode => (types::UNKNOWN, sorted.type_oid, sorted.type_oid),
            AggregateKind::HypotheticalRank { .. } => {
                (sorted.type_oid, sorted.type_oid, types::INT8)
            }
            _ => return Err(aggregates::undefined(name, &found)),
        };
        let is_percentile =
            matches!(kind, AggregateKind::PercentileCont | AggregateKind::PercentileDisc);
        let type_oid = match types::array_of(result) {
            Some(array) if is_percentile && is_list => array,
            _ => result,
        };
        let sorted = self.cast(sorted, sorted_type)?;
        let descending = key.options.asc == Some(false);
        let nulls_first = key.options.nulls_first.unwrap_or(descending);
        let mut types = vec![direct_type; wanted];
        types.push(sorted_type);
        let mut arguments = Vec::with_capacity(types.len());
        for typed in direct {
            arguments.push(self.coerce(typed, direct_type)?);
        }
        arguments.push(sorted.clone());
        let filter = self.filter_of(filter, scope)?;
        let order = vec![(sorted, descending, nulls_first)];
        Ok(Aggregate { kind, type_oid, arguments, types, distinct: false, order, filter })
    }

    /// GROUPING(key, …).
    pub(super) fn grouping_of(
        &self,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let invalid = || {
            QueryError::new(
                SqlState::GROUPING_ERROR,
                "arguments to GROUPING must be grouping expressions of the associated query level",
            )
        };
        let mut positions = Vec::new();
        for argument in self.arguments(arguments, scope).map_err(|_| invalid())? {
            match argument.expr {
                Expr::Column { depth: 0, leaf: 0, index } => positions.push(index),
                _ => return Err(invalid()),
            }
        }
        let is_grouped = scope.grouping.borrow().as_ref().is_some_and(|found| found.is_on);
        if !is_grouped {
            return Err(invalid());
        }
        let has_sets =
            !scope.grouping.borrow().as_ref().is_none_or(|found| found.left_out.is_empty());
        let mask = if has_sets { group_key(0, 0) } else { Expr::Const(Value::Int(0)) };
        Ok(Typed::new(Expr::Grouping { mask: Box::new(mask), positions }, types::INT4))
    }
}

/// Whether a function writes its arguments as JSON, rows with the names of their fields.
pub(super) fn is_json_writer(name: &str) -> bool {
    matches!(
        name,
        "to_json"
            | "to_jsonb"
            | "row_to_json"
            | "json_build_object"
            | "json_build_array"
            | "jsonb_build_object"
            | "jsonb_build_array"
    )
}

/// The aggregate that `bind` makes over the rows of this level, as a column of its groups.
///
/// # Errors
/// 42803 where there are no groups.
fn over_rows(
    scope: &Scope<'_>,
    bind: impl FnOnce() -> Result<Aggregate, QueryError>,
) -> Result<Typed, QueryError> {
    let is_allowed = scope
        .grouping
        .borrow_mut()
        .as_mut()
        .map(|grouping| std::mem::replace(&mut grouping.is_on, false));
    let message = match is_allowed {
        Some(true) => None,
        Some(false) => Some("aggregate function calls cannot be nested".to_owned()),
        None => Some(format!("aggregate functions are not allowed in {}", scope.clause.get())),
    };
    if let Some(message) = message {
        return Err(QueryError::new(SqlState::GROUPING_ERROR, message));
    }
    let bound = bind();
    let mut grouping = scope.grouping.borrow_mut();
    let grouping = grouping.as_mut().expect("the level is grouped, as checked above");
    grouping.is_on = true;
    let aggregate = bound?;
    let type_oid = aggregate.type_oid;
    grouping.aggregates.push(aggregate);
    Ok(Typed::new(aggregate_value(grouping.aggregates.len() - 1), type_oid))
}

/// A call of an aggregate as it is written.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) name: &'a str,
    pub(super) kind: AggregateKind,
    pub(super) asts: &'a [&'a Ast],
    pub(super) distinct: bool,
    pub(super) order: &'a [OrderByExpr],
    pub(super) filter: Option<&'a Ast>,
}

/// `float8[]`.
const FLOAT8_ARRAY: TypeOid = 1022;

/// A row whose fields have names becomes JSON with these names; anything else stays.
pub(super) fn as_json_input(typed: Typed) -> Typed {
    match typed.fields {
        Some(fields) if typed.type_oid == types::RECORD => {
            Typed::new(Expr::JsonRow { record: Box::new(typed.expr), fields }, types::JSON)
        }
        _ => typed,
    }
}
