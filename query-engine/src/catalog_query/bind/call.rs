//! Function calls: scalar functions, aggregates, set-returning functions, and the few that are syntax.

use sqlparser::ast::{
    DuplicateTreatment, Expr as Ast, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments,
};

use super::super::aggregates;
use super::super::names::{fold, parts_of};
use super::super::plan::{AggregateKind, Expr, FunctionRef, SetCall, SubqueryKind};
use super::super::types::{self, TypeOid, type_name};
use super::super::{Value, unsupported};
use super::aggregate::{Parts, as_json_input, is_json_writer};
use super::scope::Scope;
use super::{Binder, Typed};
use crate::functions::pg;
use crate::{QueryError, SqlState};

/// Functions whose arguments clients name, all of them numbers that are 0 where they are not given.
const NAMED_ARGUMENTS: &[(&str, &[&str])] =
    &[("make_interval", &["years", "months", "weeks", "days", "hours", "mins", "secs"])];

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
        if !function.within_group.is_empty() {
            return self.ordered_set(&name, function, scope);
        }
        if function.null_treatment.is_some()
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
            FunctionArguments::None => return self.call_of(&name, Vec::new(), scope),
            FunctionArguments::List(list) => list,
        };
        if name == "grouping" {
            return self.grouping_of(&list.args, scope);
        }
        if let Some(kind) = aggregates::named(&name) {
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
            let parts = Parts { name: &name, kind, asts: &asts, distinct, order, filter };
            return self.aggregate(&parts, scope);
        }
        if !list.clauses.is_empty()
            || list.duplicate_treatment.is_some()
            || function.filter.is_some()
        {
            return Err(unsupported(format!("this form of {name}()")));
        }
        let mut arguments = match self.named_arguments(&name, &list.args, scope)? {
            Some(arguments) => arguments,
            None => self.arguments(&list.args, scope)?,
        };
        if is_json_writer(&name) {
            arguments = arguments.into_iter().map(as_json_input).collect();
        }
        self.call_of(&name, arguments, scope)
    }

    /// Arguments by their names, in the order of the function's; `None` where none is named.
    fn named_arguments(
        &self,
        name: &str,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<Option<Vec<Typed>>, QueryError> {
        let named = |argument: &FunctionArg| match argument {
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(ast), .. } => {
                Some((fold(name), ast.clone()))
            }
            FunctionArg::ExprNamed {
                name: Ast::Identifier(name),
                arg: FunctionArgExpr::Expr(ast),
                ..
            } => Some((fold(name), ast.clone())),
            _ => None,
        };
        let Some((_, names)) = NAMED_ARGUMENTS.iter().find(|known| known.0 == name) else {
            return Ok(None);
        };
        if !arguments.iter().any(|argument| named(argument).is_some()) {
            return Ok(None);
        }
        let zero = || Typed::new(Expr::Const(Value::Int(0)), types::INT4);
        let mut found: Vec<Typed> = names.iter().map(|_| zero()).collect();
        for (at, argument) in arguments.iter().enumerate() {
            let (at, ast) = match (named(argument), argument) {
                (Some((name, ast)), _) => (names.iter().position(|known| *known == name), ast),
                (None, FunctionArg::Unnamed(FunctionArgExpr::Expr(ast))) => (Some(at), ast.clone()),
                _ => (None, Ast::value(sqlparser::ast::Value::Null)),
            };
            let place = at.and_then(|at| found.get_mut(at));
            let place = place.ok_or_else(|| unsupported(format!("these arguments of {name}()")))?;
            *place = self.expr(&ast, scope)?;
        }
        Ok(Some(found))
    }

    pub(super) fn arguments(
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
        self.call_of(name, arguments, scope)
    }

    pub(super) fn call_of(
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
            "pg_typeof" if arguments.len() == 1 && matches!(arguments[0].expr, Expr::Const(_)) => {
                let found = Value::oid(arguments[0].type_oid);
                return Ok(Typed::new(Expr::Const(found), types::REGTYPE));
            }
            "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile"
            | "lag" | "lead" | "first_value" | "last_value" | "nth_value" => {
                return Err(QueryError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("window function {name} requires an OVER clause"),
                ));
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
        let (type_oid, modifier) = (left.type_oid, left.modifier);
        let value = left.expr.clone();
        let equal = self.operate("=", left, right)?;
        let branches = vec![(equal.expr, Expr::Const(Value::Null))];
        let typed = Typed::new(Expr::Case { branches, otherwise: Box::new(value) }, type_oid);
        Ok(Typed { modifier, ..typed })
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
