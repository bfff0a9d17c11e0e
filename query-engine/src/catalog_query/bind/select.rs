//! SELECT: select list, grouping, DISTINCT and ORDER BY.

use sqlparser::ast::{
    Distinct as DistinctAst, Expr as Ast, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Value as Literal,
};

use super::super::aggregates;
use super::super::names::{fold, parts_of};
use super::super::plan::{
    Body, Distinct, Expr, GroupPlan, OutputColumn, QueryPlan, SelectPlan, SortKey,
};
use super::super::types;
use super::super::unsupported;
use super::call::function_name;
use super::output_name::output_name;
use super::relation::filter_fetched;
use super::scope::{Context, Grouping, Scope};
use super::{Binder, Typed};
use crate::{QueryError, SqlState};

/// The output list while it grows.
#[derive(Default)]
struct Output {
    columns: Vec<OutputColumn>,
    exprs: Vec<Expr>,
}

impl Binder<'_> {
    /// A SELECT with the ORDER BY of the query around it.
    pub(super) fn select(
        &self,
        select: &Select,
        order_by: &[OrderByExpr],
        context: Context<'_>,
    ) -> Result<QueryPlan, QueryError> {
        refuse_unknown_parts(select)?;
        let mut scope = Scope::new(context);
        scope.named_windows.clone_from(&select.named_window);
        let mut joins = self.from(&select.from, &mut scope)?;
        if let Some(condition) = &select.selection {
            filter_fetched(&mut joins, condition);
            joins.conditions.extend(self.conjuncts(condition, &scope, "WHERE")?);
        }

        let mut output = Output::default();
        *scope.sets.borrow_mut() = Some(Vec::new());
        scope.clause.set("GROUP BY");
        let (keys, left_out) = self.group_keys(select, &scope)?;
        let key_sets = scope.sets.borrow_mut().take().unwrap_or_default();
        let is_grouped = !keys.is_empty()
            || select.having.is_some()
            || select.projection.iter().any(has_aggregate)
            || order_by.iter().any(|key| expr_has_aggregate(&key.expr));
        let is_single = keys.is_empty();
        if is_grouped {
            *scope.grouping.borrow_mut() = Some(Grouping {
                sets: key_sets,
                keys,
                left_out,
                aggregates: Vec::new(),
                is_on: true,
            });
        }
        *scope.windows.borrow_mut() = Some(Vec::new());
        *scope.sets.borrow_mut() = Some(Vec::new());
        for item in &select.projection {
            self.output(item, &scope, &mut output)?;
        }
        let visible = output.columns.len();
        let order = self.order(order_by, &scope, &mut output, visible)?;
        let distinct = self.distinct(select, &scope, &mut output, visible)?;
        let sets = scope.sets.borrow_mut().take().unwrap_or_default();
        let windows = scope.windows.borrow_mut().take().unwrap_or_default();
        let having = select.having.as_ref().map(|having| {
            let typed = self.expr(having, &scope)?;
            self.condition(typed, "HAVING")
        });
        let having = having.transpose()?;
        let group = scope.grouping.take().map(|grouping| GroupPlan {
            sets: grouping.sets,
            keys: grouping.keys,
            left_out: grouping.left_out,
            aggregates: grouping.aggregates,
            having,
            is_single,
        });
        let plan = SelectPlan {
            joins,
            from: None,
            leaf_count: scope.leaves.len(),
            filters: Vec::new(),
            group,
            windows,
            sets,
            projection: output.exprs,
            distinct,
        };
        Ok(QueryPlan {
            ctes: Vec::new(),
            body: Body::Select(Box::new(plan)),
            columns: output.columns,
            order,
            limit: None,
            with_ties: false,
            offset: None,
        })
    }

    /// The select item that a position, or a name which is no column, stands for.
    pub(super) fn named_item<'s>(
        &self,
        ast: &Ast,
        select: &'s Select,
        scope: &Scope<'_>,
    ) -> Option<&'s Ast> {
        if let Some(position) = position_of(ast) {
            let item = select.projection.get(position.checked_sub(1)?)?;
            return match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    Some(expr)
                }
                _ => None,
            };
        }
        let Ast::Identifier(ident) = ast else { return None };
        let name = fold(ident);
        if scope.resolve(std::slice::from_ref(&name)).is_ok() {
            return None;
        }
        select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if fold(alias) == name => Some(expr),
            _ => None,
        })
    }

    fn output(
        &self,
        item: &SelectItem,
        scope: &Scope<'_>,
        output: &mut Output,
    ) -> Result<(), QueryError> {
        match item {
            SelectItem::UnnamedExpr(ast) => {
                // `(f(x)).*` arrives as a field named `*` in some dialects; here it is refused.
                let typed = self.expr(ast, scope)?;
                output.push(output_name(ast), typed);
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let typed = self.expr(expr, scope)?;
                output.push(fold(alias), typed);
            }
            SelectItem::Wildcard(_) => {
                if scope.leaves.is_empty() {
                    return Err(QueryError::new(
                        SqlState::SYNTAX_ERROR,
                        "SELECT * with no tables specified is not valid",
                    ));
                }
                for column in &scope.star {
                    output.push(column.name.clone(), scope.starred(column, 0)?);
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let parts = parts_of(name)?;
                let alias = parts.last().map_or("", String::as_str);
                let leaf = scope.leaves.iter().position(|leaf| leaf.alias == alias);
                let leaf = leaf.ok_or_else(|| {
                    QueryError::new(
                        SqlState::UNDEFINED_TABLE,
                        format!("missing FROM-clause entry for table \"{alias}\""),
                    )
                })?;
                star(leaf, scope, output)?;
            }
            other => return Err(unsupported(format!("select item {other}"))),
        }
        Ok(())
    }

    fn order(
        &self,
        order_by: &[OrderByExpr],
        scope: &Scope<'_>,
        output: &mut Output,
        visible: usize,
    ) -> Result<Vec<SortKey>, QueryError> {
        let mut keys = Vec::new();
        for key in order_by {
            let column = match output.named(&key.expr, visible)? {
                Some(column) => column,
                None => {
                    let mut typed = self.expr(&key.expr, scope)?;
                    if typed.type_oid == types::UNKNOWN {
                        typed = Typed::new(self.cast(typed, types::TEXT)?, types::TEXT);
                    }
                    output.hidden(typed)
                }
            };
            keys.push(sort_key(key, column));
        }
        Ok(keys)
    }

    fn distinct(
        &self,
        select: &Select,
        scope: &Scope<'_>,
        output: &mut Output,
        visible: usize,
    ) -> Result<Distinct, QueryError> {
        match &select.distinct {
            None | Some(DistinctAst::All) => Ok(Distinct::No),
            Some(DistinctAst::Distinct) if output.exprs.len() > visible => Err(QueryError::new(
                SqlState("42P10"),
                "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
            )),
            Some(DistinctAst::Distinct) => Ok(Distinct::All(visible)),
            Some(DistinctAst::On(asts)) => {
                let mut columns = Vec::new();
                for ast in asts {
                    columns.push(match output.named(ast, visible)? {
                        Some(column) => column,
                        None => {
                            let typed = self.expr(ast, scope)?;
                            output.hidden(typed)
                        }
                    });
                }
                Ok(Distinct::On(columns))
            }
        }
    }

    /// Gives text to output columns whose type nothing decided.
    pub(super) fn settle_unknown(&self, plan: &mut QueryPlan) -> Result<(), QueryError> {
        for at in 0..plan.columns.len() {
            if plan.columns[at].type_oid == types::UNKNOWN {
                self.retype(plan, at, types::TEXT)?;
            }
        }
        Ok(())
    }

    /// Casts output column `at` of a plan to a type.
    pub(super) fn retype(
        &self,
        plan: &mut QueryPlan,
        at: usize,
        to: types::TypeOid,
    ) -> Result<(), QueryError> {
        let from = plan.columns[at].type_oid;
        if from == to {
            return Ok(());
        }
        let recast = |expr: &mut Expr| -> Result<(), QueryError> {
            *expr = self.cast(Typed::new(expr.clone(), from), to)?;
            Ok(())
        };
        match &mut plan.body {
            Body::Select(select) => recast(&mut select.projection[at])?,
            Body::Values(rows) => {
                for row in rows {
                    recast(&mut row[at])?;
                }
            }
            Body::Set { left, right, .. } => {
                self.retype(left, at, to)?;
                self.retype(right, at, to)?;
            }
        }
        plan.columns[at].type_oid = to;
        Ok(())
    }
}

impl Output {
    fn push(&mut self, name: String, typed: Typed) {
        self.columns.push(OutputColumn {
            name,
            type_oid: typed.type_oid,
            modifier: typed.modifier,
            origin: typed.origin,
            fields: typed.fields,
        });
        self.exprs.push(typed.expr);
    }

    /// Position of an expression that is sorted by but not shown.
    fn hidden(&mut self, typed: Typed) -> usize {
        match self.exprs.iter().position(|expr| *expr == typed.expr) {
            Some(position) => position,
            None => {
                self.exprs.push(typed.expr);
                self.exprs.len() - 1
            }
        }
    }

    /// The output column that a position or an output name means.
    ///
    /// # Errors
    /// 42P10 for a position outside the list, 42702 for a name that two different columns have.
    fn named(&self, ast: &Ast, visible: usize) -> Result<Option<usize>, QueryError> {
        if let Some(position) = position_of(ast) {
            return match position.checked_sub(1).filter(|at| *at < visible) {
                Some(at) => Ok(Some(at)),
                None => Err(QueryError::new(
                    SqlState("42P10"),
                    format!("ORDER BY position {position} is not in select list"),
                )),
            };
        }
        let Ast::Identifier(ident) = ast else { return Ok(None) };
        let name = fold(ident);
        let mut found: Option<usize> = None;
        for at in (0..visible).filter(|at| self.columns[*at].name == name) {
            match found {
                Some(first) if self.exprs[first] != self.exprs[at] => {
                    return Err(QueryError::new(
                        SqlState::AMBIGUOUS_COLUMN,
                        format!("ORDER BY \"{name}\" is ambiguous"),
                    ));
                }
                Some(_) => {}
                None => found = Some(at),
            }
        }
        Ok(found)
    }
}

/// The ORDER BY expressions of a query.
pub(super) fn order_exprs(query: &Query) -> Result<&[OrderByExpr], QueryError> {
    match query.order_by.as_ref().map(|order| &order.kind) {
        None => Ok(&[]),
        Some(OrderByKind::Expressions(keys)) => Ok(keys),
        Some(OrderByKind::All(_)) => Err(unsupported("ORDER BY ALL")),
    }
}

/// A key on output column `column`: nulls are last, or first where the order is descending.
pub(super) fn sort_key(key: &OrderByExpr, column: usize) -> SortKey {
    let descending = key.options.asc == Some(false);
    SortKey { column, descending, nulls_first: key.options.nulls_first.unwrap_or(descending) }
}

/// The number that a position in ORDER BY or GROUP BY is.
pub(super) fn position_of(ast: &Ast) -> Option<usize> {
    match ast {
        Ast::Value(value) => match &value.value {
            Literal::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn star(leaf: usize, scope: &Scope<'_>, output: &mut Output) -> Result<(), QueryError> {
    for index in 0..scope.leaves[leaf].columns.len() {
        let column = &scope.leaves[leaf].columns[index];
        output.push(column.name.clone(), scope.column(leaf, index, 0)?);
    }
    Ok(())
}

fn has_aggregate(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            expr_has_aggregate(expr)
        }
        _ => false,
    }
}

/// Whether an aggregate is called at this level, subqueries not counted.
fn expr_has_aggregate(expr: &Ast) -> bool {
    use sqlparser::ast::{Visit, Visitor};
    use std::ops::ControlFlow;

    #[derive(Default)]
    struct Search {
        depth: usize,
    }
    impl Visitor for Search {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Ast) -> ControlFlow<()> {
            match expr {
                Ast::Function(function)
                    if self.depth == 0
                        && function.over.is_none()
                        && (!function.within_group.is_empty()
                            || function_name(function)
                                .is_ok_and(|name| aggregates::named(&name).is_some())) =>
                {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Search::default()).is_break()
}

/// Clauses of other dialects.
fn refuse_unknown_parts(select: &Select) -> Result<(), QueryError> {
    let is_plain = select.top.is_none()
        && select.into.is_none()
        && select.exclude.is_none()
        && select.lateral_views.is_empty()
        && select.prewhere.is_none()
        && select.connect_by.is_empty()
        && select.cluster_by.is_empty()
        && select.distribute_by.is_empty()
        && select.sort_by.is_empty()
        && select.qualify.is_none()
        && select.value_table_mode.is_none();
    is_plain.then_some(()).ok_or_else(|| unsupported("this form of SELECT"))
}
