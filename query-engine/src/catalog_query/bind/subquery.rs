//! Queries inside queries: WITH, set operations, VALUES, LIMIT, and subqueries as values.

use sqlparser::ast::{
    Cte, Expr as Ast, Ident, LimitClause, ObjectName, Query, SetExpr, SetOperator, SetQuantifier,
    Values,
};

use super::super::names::fold;
use super::super::operator;
use super::super::order::order;
use super::super::plan::{Body, CtePlan, Expr, OutputColumn, QueryPlan, SetKind, SubqueryKind};
use super::super::types::{self, common_type, type_name};
use super::super::{Value, unsupported};
use super::scope::{Context, Ctes, Scope};
use super::select::{order_exprs, position_of, sort_key};
use super::{Binder, Typed};
use crate::{QueryError, SqlState};

impl Binder<'_> {
    /// A whole query.
    ///
    /// # Errors
    /// What its parts report.
    pub(super) fn query(
        &self,
        query: &Query,
        context: Context<'_>,
    ) -> Result<QueryPlan, QueryError> {
        self.nested(|| {
            if !query.locks.is_empty() || query.for_clause.is_some() {
                return Err(unsupported("this form of SELECT"));
            }
            match &query.with {
                Some(with) => {
                    self.with(&with.cte_tables, with.recursive, query, context, Vec::new())
                }
                None => self.query_body(query, context),
            }
        })
    }

    /// Binds the items of WITH one by one, each in sight of those before it, then the query.
    fn with(
        &self,
        ctes: &[Cte],
        recursive: bool,
        query: &Query,
        context: Context<'_>,
        mut done: Vec<CtePlan>,
    ) -> Result<QueryPlan, QueryError> {
        let Some((cte, rest)) = ctes.split_first() else {
            let mut plan = self.query_body(query, context)?;
            plan.ctes = done;
            return Ok(plan);
        };
        let id = self.next_cte.get();
        self.next_cte.set(id + 1);
        let plan = match recursive_parts(&cte.query).filter(|_| recursive) {
            Some((first, second, all)) if names(second, &fold(&cte.alias.name)) => {
                self.recursive(cte, id, (first, second, all), context)?
            }
            _ => {
                let mut plan = self.query(&cte.query, context)?;
                self.settle_unknown(&mut plan)?;
                rename(&mut plan.columns, cte);
                CtePlan { id, plan, recursive: None }
            }
        };
        let item = Ctes {
            parent: context.ctes,
            name: fold(&cte.alias.name),
            id,
            columns: plan.plan.columns.clone(),
        };
        done.push(plan);
        let inner = Context { parent: context.parent, ctes: Some(&item) };
        self.with(rest, recursive, query, inner, done)
    }

    fn recursive(
        &self,
        cte: &Cte,
        id: usize,
        (first, second, all): (&SetExpr, &SetExpr, bool),
        context: Context<'_>,
    ) -> Result<CtePlan, QueryError> {
        let mut plan = self.set_expr(first, &[], context)?;
        self.settle_unknown(&mut plan)?;
        rename(&mut plan.columns, cte);
        let item = Ctes {
            parent: context.ctes,
            name: fold(&cte.alias.name),
            id,
            columns: plan.columns.clone(),
        };
        let inner = Context { parent: context.parent, ctes: Some(&item) };
        let mut step = self.set_expr(second, &[], inner)?;
        if step.columns.len() != plan.columns.len() {
            return Err(different_widths("UNION"));
        }
        for (at, column) in plan.columns.iter().enumerate() {
            self.retype(&mut step, at, column.type_oid)?;
        }
        Ok(CtePlan { id, plan, recursive: Some((step, all)) })
    }

    fn query_body(&self, query: &Query, context: Context<'_>) -> Result<QueryPlan, QueryError> {
        let order = order_exprs(query)?;
        let mut plan = self.set_expr(&query.body, order, context)?;
        if let Some(limit) = &query.limit_clause {
            let LimitClause::LimitOffset { limit, offset, limit_by } = limit else {
                return Err(unsupported("LIMIT with a comma"));
            };
            if !limit_by.is_empty() {
                return Err(unsupported("LIMIT BY"));
            }
            let hidden = Scope::new(context);
            let bind = |ast: &Ast| -> Result<Expr, QueryError> {
                let typed = self.expr(ast, &hidden)?;
                self.coerce(typed, types::INT8)
            };
            plan.limit = limit.as_ref().map(bind).transpose()?;
            plan.offset = offset.as_ref().map(|offset| bind(&offset.value)).transpose()?;
        }
        if let Some(fetch) = &query.fetch {
            if fetch.percent || plan.limit.is_some() {
                return Err(unsupported("this form of FETCH"));
            }
            if fetch.with_ties && plan.order.is_empty() {
                return Err(QueryError::new(
                    SqlState::SYNTAX_ERROR,
                    "WITH TIES cannot be specified without ORDER BY clause",
                ));
            }
            let hidden = Scope::new(context);
            let quantity = fetch.quantity.as_ref().map(|ast| {
                let typed = self.expr(ast, &hidden)?;
                self.coerce(typed, types::INT8)
            });
            plan.limit = Some(quantity.transpose()?.unwrap_or(Expr::Const(Value::Int(1))));
            plan.with_ties = fetch.with_ties;
        }
        Ok(plan)
    }

    fn set_expr(
        &self,
        body: &SetExpr,
        order: &[sqlparser::ast::OrderByExpr],
        context: Context<'_>,
    ) -> Result<QueryPlan, QueryError> {
        let mut plan = match body {
            SetExpr::Select(select) => return self.select(select, order, context),
            SetExpr::Query(query) => self.query(query, context)?,
            SetExpr::Values(values) => self.values(values, context)?,
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set_operation(left, *op, *set_quantifier, right, context)?
            }
            _ => return Err(unsupported("this form of query")),
        };
        if !order.is_empty() {
            // Around a query that already has these, they would have to run first.
            if !plan.order.is_empty() || plan.limit.is_some() || plan.offset.is_some() {
                return Err(unsupported("ORDER BY around an ordered query"));
            }
            for key in order {
                let column = output_position(&key.expr, &plan.columns)?;
                plan.order.push(sort_key(key, column));
            }
        }
        Ok(plan)
    }

    fn set_operation(
        &self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
        context: Context<'_>,
    ) -> Result<QueryPlan, QueryError> {
        let (operator, name) = match op {
            SetOperator::Union => (SetKind::Union, "UNION"),
            SetOperator::Except => (SetKind::Except, "EXCEPT"),
            SetOperator::Intersect => (SetKind::Intersect, "INTERSECT"),
            SetOperator::Minus => return Err(unsupported("MINUS")),
        };
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::None | SetQuantifier::Distinct => false,
            _ => return Err(unsupported("BY NAME")),
        };
        let mut left = self.set_expr(left, &[], context)?;
        let mut right = self.set_expr(right, &[], context)?;
        if left.columns.len() != right.columns.len() {
            return Err(different_widths(name));
        }
        for at in 0..left.columns.len() {
            let (first, second) = (left.columns[at].type_oid, right.columns[at].type_oid);
            let common = common_type(first, second).ok_or_else(|| {
                QueryError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "{name} types {} and {} cannot be matched",
                        type_name(first),
                        type_name(second)
                    ),
                )
            })?;
            self.retype(&mut left, at, common)?;
            self.retype(&mut right, at, common)?;
        }
        let columns = left
            .columns
            .iter()
            .zip(&right.columns)
            .map(|(column, other)| OutputColumn {
                origin: (0, 0),
                modifier: if column.modifier == other.modifier { column.modifier } else { -1 },
                ..column.clone()
            })
            .collect();
        let body = Body::Set { operator, all, left: Box::new(left), right: Box::new(right) };
        Ok(plain(body, columns))
    }

    fn values(&self, values: &Values, context: Context<'_>) -> Result<QueryPlan, QueryError> {
        let scope = Scope::new(context);
        let mut rows: Vec<Vec<Typed>> = Vec::new();
        for row in &values.rows {
            let row = row
                .content
                .iter()
                .map(|ast| self.expr(ast, &scope))
                .collect::<Result<Vec<_>, _>>()?;
            if rows.first().is_some_and(|first| first.len() != row.len()) {
                return Err(QueryError::new(
                    SqlState::SYNTAX_ERROR,
                    "VALUES lists must all be the same length",
                ));
            }
            rows.push(row);
        }
        let width = rows.first().map_or(0, Vec::len);
        let mut columns = Vec::new();
        let mut exprs: Vec<Vec<Expr>> = rows.iter().map(|_| Vec::new()).collect();
        for at in 0..width {
            let column: Vec<Typed> = rows.iter().map(|row| row[at].clone()).collect();
            let is_open = column.iter().all(|typed| typed.type_oid == types::UNKNOWN);
            let (column, type_oid) = if is_open {
                (column.into_iter().map(|typed| typed.expr).collect(), types::UNKNOWN)
            } else {
                self.to_common(column, "VALUES")?
            };
            for (row, expr) in exprs.iter_mut().zip(column) {
                row.push(expr);
            }
            let name = format!("column{}", at + 1);
            columns.push(OutputColumn {
                name,
                type_oid,
                modifier: -1,
                origin: (0, 0),
                fields: None,
            });
        }
        Ok(plain(Body::Values(exprs), columns))
    }

    /// A subquery inside an expression, and its number if it reads nothing outside itself.
    pub(super) fn inner_query(
        &self,
        query: &Query,
        scope: &Scope<'_>,
    ) -> Result<(QueryPlan, Option<usize>), QueryError> {
        let (mut plan, is_closed) = scope.is_closed(|| self.query(query, scope.inner()))?;
        order(&mut plan);
        // An item of WITH may change between runs, when it is recursive.
        let runs_once = is_closed && scope.context.ctes.is_none();
        let id = self.next_cte.get();
        self.next_cte.set(id + 1);
        Ok((plan, runs_once.then_some(id)))
    }

    /// A subquery used as one value.
    ///
    /// # Errors
    /// 42601 for several columns.
    pub(super) fn scalar_subquery(
        &self,
        query: &Query,
        scope: &Scope<'_>,
    ) -> Result<Typed, QueryError> {
        let (mut plan, once) = self.inner_query(query, scope)?;
        self.settle_unknown(&mut plan)?;
        let [column] = plan.columns.as_slice() else {
            return Err(QueryError::new(
                SqlState::SYNTAX_ERROR,
                "subquery must return only one column",
            ));
        };
        let type_oid = column.type_oid;
        let expr = Expr::Subquery { kind: SubqueryKind::Scalar, plan: plan.into(), once };
        Ok(Typed::new(expr, type_oid))
    }

    /// `left symbol ANY|ALL (subquery)`, also IN.
    pub(super) fn in_subquery(
        &self,
        symbol: &str,
        all: bool,
        left: &Ast,
        query: &Query,
        scope: &Scope<'_>,
    ) -> Result<Expr, QueryError> {
        let (mut plan, once) = self.inner_query(query, scope)?;
        let left = self.expr(left, scope)?;
        if left.type_oid == types::RECORD {
            return row_in_subquery(symbol, all, left, plan, once);
        }
        let [column] = plan.columns.as_slice() else {
            return Err(QueryError::new(SqlState::SYNTAX_ERROR, "subquery has too many columns"));
        };
        if column.type_oid == types::UNKNOWN {
            self.retype(&mut plan, 0, super::Env::known(left.type_oid))?;
        }
        let inner = plan.columns[0].type_oid;
        let left = match left.type_oid {
            types::UNKNOWN => Typed::new(self.cast(left, inner)?, inner),
            _ => left,
        };
        let (operator, _) = operator::resolve(symbol, left.type_oid, inner)?;
        let values = Expr::Subquery { kind: SubqueryKind::Array, plan: plan.into(), once };
        let (left, right) = (Box::new(left.expr), Box::new(values));
        Ok(Expr::AnyAll { operator, all, left, right })
    }
}

/// `(a, b) IN (SELECT …)`: whole rows are compared.
fn row_in_subquery(
    symbol: &str,
    all: bool,
    left: Typed,
    plan: QueryPlan,
    once: Option<usize>,
) -> Result<Expr, QueryError> {
    let width = left.fields.as_ref().map_or(0, |fields| fields.len());
    if plan.columns.len() != width {
        return Err(QueryError::new(
            SqlState::SYNTAX_ERROR,
            "subquery has a different number of columns",
        ));
    }
    let fields = left.fields.iter().flat_map(|fields| fields.iter());
    for (field, column) in fields.zip(&plan.columns) {
        operator::resolve(symbol, field.1, column.type_oid)?;
    }
    let (operator, _) = operator::resolve(symbol, types::RECORD, types::RECORD)?;
    let rows = Expr::Subquery { kind: SubqueryKind::Rows, plan: plan.into(), once };
    Ok(Expr::AnyAll { operator, all, left: Box::new(left.expr), right: Box::new(rows) })
}

fn plain(body: Body, columns: Vec<OutputColumn>) -> QueryPlan {
    QueryPlan {
        ctes: Vec::new(),
        body,
        columns,
        order: Vec::new(),
        limit: None,
        with_ties: false,
        offset: None,
    }
}

fn different_widths(name: &str) -> QueryError {
    QueryError::new(
        SqlState::SYNTAX_ERROR,
        format!("each {name} query must have the same number of columns"),
    )
}

fn rename(columns: &mut [OutputColumn], cte: &Cte) {
    for (column, renamed) in columns.iter_mut().zip(&cte.alias.columns) {
        column.name = fold(&renamed.name);
    }
}

/// ORDER BY of a set operation names output columns only.
fn output_position(ast: &Ast, columns: &[OutputColumn]) -> Result<usize, QueryError> {
    let found = match (position_of(ast), ast) {
        (Some(position), _) => position.checked_sub(1).filter(|at| *at < columns.len()),
        (None, Ast::Identifier(ident)) => {
            let name = fold(ident);
            columns.iter().position(|column| column.name == name)
        }
        _ => None,
    };
    found.ok_or_else(|| {
        QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
        )
    })
}

/// The two parts of a query that may be recursive: `first UNION [ALL] second`.
fn recursive_parts(query: &Query) -> Option<(&SetExpr, &SetExpr, bool)> {
    match &*query.body {
        SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } => {
            Some((left, right, *set_quantifier == SetQuantifier::All))
        }
        _ => None,
    }
}

/// Whether the query reads a relation of this unqualified name.
fn names(body: &SetExpr, name: &str) -> bool {
    use sqlparser::ast::{Visit, Visitor};
    use std::ops::ControlFlow;

    struct Search<'a>(&'a str);
    impl Visitor for Search<'_> {
        type Break = ();

        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            let single = match relation.0.as_slice() {
                [part] => part.as_ident().map(|ident: &Ident| fold(ident)),
                _ => None,
            };
            if single.as_deref() == Some(self.0) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }
    body.visit(&mut Search(name)).is_break()
}
