//! Function calls: scalar functions, aggregates, set-returning functions, and the few that are syntax.

use sqlparser::ast::{
    DuplicateTreatment, Expr as Ast, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, OrderByExpr,
};

use super::super::names::parts_of;
use super::super::plan::{Aggregate, AggregateKind, Expr, FunctionRef, SetCall, SubqueryKind};
use super::super::types::{self, Kind, TypeOid, kind, type_name};
use super::super::{Value, unsupported};
use super::scope::{Scope, aggregate_value};
use super::{Binder, Typed};
use crate::functions::pg;
use crate::{QueryError, SqlState};

/// Columns of a function's result: one, or those of a set.
pub(super) type Returns = Vec<(&'static str, TypeOid)>;

impl Binder<'_> {
    /// A call as it is written.
    pub(super) fn function(
        &self,
        function: &Function,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let name = function_name(function)?;
        if let Some(over) = &function.over {
            return self.window(&name, function, over, scope);
        }
        if function.null_treatment.is_some()
            || !function.within_group.is_empty()
            || !matches!(function.parameters, FunctionArguments::None)
        {
            return Err(unsupported(format!("this form of {name}()")));
        }
        let list = match &function.args {
            FunctionArguments::Subquery(query) if name == "array" => {
                let (plan, once) = self.inner_query(query, scope)?;
                let inner = plan.columns.first().map_or(types::TEXT, |column| column.type_oid);
                let inner = super::Env::known(inner);
                let array = types::array_of(inner)
                    .ok_or_else(|| unsupported(format!("array of {}", type_name(inner))))?;
                let expr = Expr::Subquery { kind: SubqueryKind::Array, plan: plan.into(), once };
                return Ok(Typed::new(expr, array));
            }
            FunctionArguments::Subquery(_) => return Err(unsupported(format!("{name}(SELECT …)"))),
            FunctionArguments::None => return self.call(&name, Vec::new(), scope),
            FunctionArguments::List(list) => list,
        };
        if let Some(kind) = aggregate_kind(&name) {
            let is_star =
                matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
            let kind = if is_star { AggregateKind::CountRows } else { kind };
            let order = match list.clauses.as_slice() {
                [] => &[][..],
                [FunctionArgumentClause::OrderBy(order)] => order,
                _ => return Err(unsupported(format!("this form of {name}()"))),
            };
            let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
            let asts = if is_star { Vec::new() } else { plain_arguments(&list.args)? };
            let filter = function.filter.as_deref();
            return self.aggregate(kind, &asts, distinct, order, filter, scope);
        }
        if !list.clauses.is_empty()
            || list.duplicate_treatment.is_some()
            || function.filter.is_some()
        {
            return Err(unsupported(format!("this form of {name}()")));
        }
        let arguments = self.arguments(&list.args, scope)?;
        self.call(&name, arguments, scope)
    }

    fn arguments(
        &self,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<Vec<Typed>, QueryError> {
        arguments
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(ast)) => self.expr(ast, scope),
                FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
                    scope.resolve(&parts_of(name)?)
                }
                other => Err(unsupported(format!("argument {other}"))),
            })
            .collect()
    }

    /// A function that syntax stands for, such as TRIM.
    pub(super) fn call_named(
        &self,
        name: &str,
        arguments: &[&Ast],
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let arguments =
            arguments.iter().map(|ast| self.expr(ast, scope)).collect::<Result<Vec<_>, _>>()?;
        self.call(name, arguments, scope)
    }

    fn call(
        &self,
        name: &str,
        arguments: Vec<Typed>,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        match name {
            "coalesce" => {
                let (exprs, type_oid) = self.to_common(arguments, "COALESCE")?;
                return Ok(Typed::new(Expr::Coalesce(exprs), type_oid));
            }
            "nullif" => return self.null_if(arguments),
            "row" => {
                return self.row_of(arguments);
            }
            "greatest" | "least" => {
                let (parts, type_oid) = self.to_common(arguments, &name.to_uppercase())?;
                let greatest = name == "greatest";
                return Ok(Typed::new(Expr::Extreme { greatest, parts }, type_oid));
            }
            "_pg_truetypid" | "_pg_truetypmod" => return true_type(name, &arguments),
            _ => {}
        }
        let (call, returns) = self.resolve_call(name, arguments)?;
        if !call.function.0.is_set() {
            let SetCall { function, types, arguments, .. } = call;
            // The clock's functions give as many digits of the second as they are asked for.
            let is_clock = matches!(name, "current_timestamp" | "localtimestamp" | "localtime");
            let modifier = match arguments.as_slice() {
                [Expr::Const(Value::Int(digits))] if is_clock => (*digits).clamp(0, 6) as i32,
                _ => -1,
            };
            let typed = Typed::new(Expr::Call { function, types, arguments }, returns[0].1);
            return Ok(Typed { modifier, ..typed });
        }
        let mut sets = scope.sets.borrow_mut();
        let Some(sets) = sets.as_mut() else {
            return Err(unsupported(format!("set-returning function {name} here")));
        };
        sets.push(call);
        let value = Expr::SetValue(sets.len() - 1);
        match returns.as_slice() {
            [(_, type_oid)] => {
                let record = Box::new(value);
                Ok(Typed::new(Expr::Field { record, index: 0 }, *type_oid))
            }
            fields => {
                let mut typed = Typed::new(value, types::RECORD);
                typed.fields =
                    Some(fields.iter().map(|(name, oid)| ((*name).to_owned(), *oid)).collect());
                Ok(typed)
            }
        }
    }

    /// The function that a call means, with its arguments brought to its types.
    ///
    /// # Errors
    /// 42883 where there is none.
    pub(super) fn resolve_call(
        &self,
        name: &str,
        arguments: Vec<Typed>,
    ) -> Result<(SetCall, Returns), QueryError> {
        let found: Vec<TypeOid> = arguments.iter().map(|typed| typed.type_oid).collect();
        let resolved = pg::resolve(name, &found)?;
        let mut exprs = Vec::with_capacity(arguments.len());
        for (typed, to) in arguments.into_iter().zip(&resolved.argument_types) {
            exprs.push(self.coerce(typed, *to)?);
        }
        let call = SetCall {
            function: FunctionRef(resolved.function),
            types: resolved.argument_types,
            returns: resolved.returns.iter().map(|(_, type_oid)| *type_oid).collect(),
            arguments: exprs,
        };
        Ok((call, resolved.returns))
    }

    fn null_if(&self, arguments: Vec<Typed>) -> Result<Typed, QueryError> {
        let [left, right] = <[Typed; 2]>::try_from(arguments)
            .map_err(|_| QueryError::new(SqlState::SYNTAX_ERROR, "syntax error in NULLIF"))?;
        let (left, right) = self.unify(left, right)?;
        let type_oid = left.type_oid;
        let value = left.expr.clone();
        let equal = self.operate("=", left, right)?;
        let branches = vec![(equal.expr, Expr::Const(Value::Null))];
        Ok(Typed::new(Expr::Case { branches, otherwise: Box::new(value) }, type_oid))
    }

    fn aggregate(
        &self,
        kind: AggregateKind,
        arguments: &[&Ast],
        distinct: bool,
        order: &[OrderByExpr],
        filter: Option<&Ast>,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let is_allowed = match scope.grouping.borrow_mut().as_mut() {
            Some(grouping) => std::mem::replace(&mut grouping.is_on, false),
            None => false,
        };
        if !is_allowed {
            return Err(QueryError::new(
                SqlState::GROUPING_ERROR,
                "aggregate functions are not allowed here",
            ));
        }
        let bound = self.aggregate_parts(kind, arguments, order, filter, scope);
        let mut grouping = scope.grouping.borrow_mut();
        let grouping = grouping.as_mut().expect("the level is grouped, as checked above");
        grouping.is_on = true;
        let (arguments, type_oid, order, filter) = bound?;
        let aggregate = Aggregate { kind, type_oid, arguments, distinct, order, filter };
        grouping.aggregates.push(aggregate);
        Ok(Typed::new(aggregate_value(grouping.aggregates.len() - 1), type_oid))
    }

    #[allow(clippy::type_complexity, reason = "the parts of one aggregate, used in one place")]
    pub(super) fn aggregate_parts(
        &self,
        kind: AggregateKind,
        asts: &[&Ast],
        order: &[OrderByExpr],
        filter: Option<&Ast>,
        scope: &Scope<'_>,
    ) -> Result<(Vec<Expr>, TypeOid, Vec<(Expr, bool, bool)>, Option<Expr>), QueryError> {
        let mut arguments =
            asts.iter().map(|ast| self.expr(ast, scope)).collect::<Result<Vec<_>, _>>()?;
        let wanted = match kind {
            AggregateKind::CountRows => 0,
            AggregateKind::StringAgg => 2,
            _ => 1,
        };
        if arguments.len() != wanted {
            return Err(unsupported("an aggregate with this many arguments"));
        }
        for typed in &mut arguments {
            // count() takes any type, and so gives none.
            let is_open = kind == AggregateKind::Count && matches!(typed.expr, Expr::Parameter(_));
            if typed.type_oid == types::UNKNOWN && !is_open {
                *typed = Typed::new(self.cast(typed.clone(), types::TEXT)?, types::TEXT);
            }
        }
        let first = arguments.first().map_or(types::UNKNOWN, |typed| typed.type_oid);
        let type_oid = aggregate_type(kind, first)?;
        let mut keys = Vec::new();
        for key in order {
            let descending = key.options.asc == Some(false);
            let nulls_first = key.options.nulls_first.unwrap_or(descending);
            keys.push((self.expr(&key.expr, scope)?.expr, descending, nulls_first));
        }
        let filter = match filter {
            Some(filter) => {
                let typed = self.expr(filter, scope)?;
                Some(self.condition(typed, "FILTER")?)
            }
            None => None,
        };
        Ok((arguments.into_iter().map(|typed| typed.expr).collect(), type_oid, keys, filter))
    }
}

/// Name of a function, without the schemas that hold functions known here.
pub(super) fn function_name(function: &Function) -> Result<String, QueryError> {
    let parts = parts_of(&function.name)?;
    match parts.as_slice() {
        [name] => Ok(name.clone()),
        [schema, name] if schema == "pg_catalog" || schema == "information_schema" => {
            Ok(name.clone())
        }
        _ => Err(unsupported(format!("function {}", function.name))),
    }
}

pub(super) fn plain_arguments(arguments: &[FunctionArg]) -> Result<Vec<&Ast>, QueryError> {
    arguments
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(ast)) => Ok(ast),
            other => Err(unsupported(format!("argument {other}"))),
        })
        .collect()
}

/// The aggregate with this name.
pub(super) fn aggregate_kind(name: &str) -> Option<AggregateKind> {
    Some(match name {
        "count" => AggregateKind::Count,
        "min" => AggregateKind::Min,
        "max" => AggregateKind::Max,
        "sum" => AggregateKind::Sum,
        "avg" => AggregateKind::Avg,
        "bool_and" | "every" => AggregateKind::BoolAnd,
        "bool_or" => AggregateKind::BoolOr,
        "array_agg" => AggregateKind::ArrayAgg,
        "string_agg" => AggregateKind::StringAgg,
        _ => return None,
    })
}

fn aggregate_type(aggregate: AggregateKind, argument: TypeOid) -> Result<TypeOid, QueryError> {
    match aggregate {
        AggregateKind::CountRows | AggregateKind::Count => Ok(types::INT8),
        AggregateKind::Min | AggregateKind::Max => Ok(argument),
        AggregateKind::Sum if matches!(argument, types::INT2 | types::INT4) => Ok(types::INT8),
        AggregateKind::Sum if argument == types::INT8 => Ok(types::NUMERIC),
        AggregateKind::Sum if matches!(kind(argument), Kind::Float | Kind::Numeric) => Ok(argument),
        AggregateKind::Avg if kind(argument) == Kind::Float => Ok(types::FLOAT8),
        AggregateKind::Avg
            if matches!(argument, types::INT2 | types::INT4 | types::INT8 | types::NUMERIC) =>
        {
            Ok(types::NUMERIC)
        }
        AggregateKind::Avg => Err(unsupported(format!("avg({})", type_name(argument)))),
        AggregateKind::Sum => Err(unsupported(format!("sum({})", type_name(argument)))),
        AggregateKind::BoolAnd | AggregateKind::BoolOr => Ok(types::BOOL),
        AggregateKind::ArrayAgg => types::array_of(argument)
            .ok_or_else(|| unsupported(format!("array_agg({})", type_name(argument)))),
        AggregateKind::StringAgg => Ok(types::TEXT),
    }
}

/// `_pg_truetypid(a.*, t.*)` and `_pg_truetypmod`: the base type of a column that has a domain.
fn true_type(name: &str, arguments: &[Typed]) -> Result<Typed, QueryError> {
    let [attribute, column_type] = arguments else {
        return Err(unsupported(format!("this form of {name}()")));
    };
    let field = |row: &Typed, name: &str| -> Result<Typed, QueryError> {
        let fields = row.fields.as_ref().ok_or_else(|| unsupported("a row of unknown fields"))?;
        let index = fields
            .iter()
            .position(|field| field.0 == name)
            .ok_or_else(|| unsupported("a row of another relation"))?;
        let record = Box::new(row.expr.clone());
        Ok(Typed::new(Expr::Field { record, index }, fields[index].1))
    };
    let (base, own) = if name == "_pg_truetypid" {
        ("typbasetype", "atttypid")
    } else {
        ("typtypmod", "atttypmod")
    };
    let kind = field(column_type, "typtype")?;
    let is_domain = Expr::Binary {
        operator: super::super::operator::resolve("=", types::CHAR, types::TEXT)?.0,
        left: Box::new(kind.expr),
        right: Box::new(Expr::Const(Value::text("d"))),
    };
    let own = field(attribute, own)?;
    let base = field(column_type, base)?;
    let otherwise = Box::new(own.expr);
    Ok(Typed::new(Expr::Case { branches: vec![(is_domain, base.expr)], otherwise }, own.type_oid))
}
