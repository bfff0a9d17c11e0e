//! Binding: names to columns, calls to functions, and a type for everything.
//!
//! ```text
//! Query ──select──> FROM leaves (`from`) ──> conditions in parts (`conjunct`)
//!              └──> expressions (`expr`, `call`) with one Scope for each query level
//! ```
//!
//! Invariants
//! - Every error of naming or typing is found here; execution reports values only.
//! - An untyped literal or parameter takes the type of what it meets, as in PostgreSQL.

mod aggregate;
mod call;
mod conjunct;
mod expr;
mod from;
mod grouping;
mod literal;
mod objects;
mod operation;
mod output_name;
mod quantified;
mod relation;
mod scope;
mod select;
mod subquery;
mod window;

use std::cell::{Cell, RefCell};

use sqlparser::ast::Query;

use super::order::order;
use super::plan::{Expr, QueryPlan};
use super::text;
use super::types::{self, TypeOid, common_type, is_implicit, kind, type_name};
use super::{Env, Reach, Value, unsupported};
use crate::catalog::pg_catalog::builtin::BuiltinRelation;
use crate::rewrite::series::is_lone_series;
use crate::{PgType, QueryError, SqlState};

pub(crate) use output_name::figured;
use scope::{Context, Fields};

/// Depth of nested subqueries, views and expressions; past it a statement is refused.
const DEPTH_MAX: usize = 256;
/// Highest parameter number.
const PARAMETERS_MAX: usize = 65_535;

/// A plan and the parameters that it takes.
pub(super) struct Bound {
    pub(super) plan: QueryPlan,
    pub(super) parameter_types: Vec<PgType>,
}

/// Binds a statement. `None` where only the planner can decide.
///
/// # Errors
/// As [`super::CatalogQuery::plan`]; 0A000 and 42883 mean that the planner may know better.
pub(super) fn bind(
    query: &Query,
    env: &Env<'_>,
    declared: &[Option<PgType>],
    reach: Reach,
) -> Result<Option<Bound>, QueryError> {
    let parameters = declared.iter().map(|found| found.map(PgType::oid)).collect();
    let binder = Binder { reach, ..Binder::new(env, parameters) };
    let mut plan = binder.query(query, Context::default())?;
    let is_streamed = binder.is_series.get() || is_lone_series(query);
    if is_streamed && !binder.is_catalog.get() && !reach.has_chain {
        // A series alone may be long: the planner streams it.
        return Ok(None);
    }
    binder.settle_unknown(&mut plan)?;
    order(&mut plan);
    let mut parameter_types = Vec::new();
    for (found, number) in binder.parameters.into_inner().into_iter().zip(1..) {
        let found = found.ok_or_else(|| {
            QueryError::new(
                SqlState::INDETERMINATE_DATATYPE,
                format!("could not determine data type of parameter ${number}"),
            )
        })?;
        match PgType::from_oid(found) {
            Some(pg_type) => parameter_types.push(pg_type),
            None => return Ok(None),
        }
    }
    Ok(Some(Bound { plan, parameter_types }))
}

/// An expression without FROM that is assigned to a value of type `to`.
///
/// # Errors
/// 42804 where its type may not be assigned to `to`, and what the expression itself reports.
pub(super) fn assigned(
    ast: &sqlparser::ast::Expr,
    to: TypeOid,
    env: &Env<'_>,
) -> Result<Expr, QueryError> {
    let binder = Binder::new(env, Vec::new());
    let typed = binder.expr(ast, &scope::Scope::new(Context::default()))?;
    let from = typed.type_oid;
    if from != types::UNKNOWN && !types::is_assignable(from, to) {
        let message = format!("cannot be coerced to the expected type {}", type_name(to));
        return Err(QueryError::new(SqlState::DATATYPE_MISMATCH, message));
    }
    binder.cast(typed, to)
}

/// The plan of a view of the catalogs.
///
/// # Errors
/// 0A000 for a view over something that is not known here.
pub(super) fn view(relation: &BuiltinRelation, env: &Env<'_>) -> Result<QueryPlan, QueryError> {
    let mut plan = Binder::new(env, Vec::new()).view(relation)?;
    order(&mut plan);
    Ok(plan)
}

/// An expression with its type.
#[derive(Clone, Debug)]
struct Typed {
    expr: Expr,
    type_oid: TypeOid,
    /// Names and types of the fields of a row value.
    fields: Option<Fields>,
    /// Type modifier, -1 for none.
    modifier: i32,
    /// Relation and column number of a plain column, else zeros.
    origin: (u32, i16),
}

impl Typed {
    fn new(expr: Expr, type_oid: TypeOid) -> Self {
        Self { expr, type_oid, fields: None, modifier: -1, origin: (0, 0) }
    }

    fn bool(expr: Expr) -> Self {
        Self::new(expr, types::BOOL)
    }
}

struct Binder<'a> {
    env: &'a Env<'a>,
    parameters: RefCell<Vec<Option<TypeOid>>>,
    next_cte: Cell<usize>,
    depth: Cell<usize>,
    /// The statement reads a catalog relation.
    is_catalog: Cell<bool>,
    /// The statement calls `generate_series` in FROM.
    is_series: Cell<bool>,
    reach: Reach,
    /// The role whose privileges count: inside a view its owner.
    role: RefCell<String>,
    /// How many views of clients within one another are being bound.
    view_depth: Cell<usize>,
    /// Rows that those named so far have.
    stored_rows: Cell<usize>,
}

impl<'a> Binder<'a> {
    fn new(env: &'a Env<'a>, parameters: Vec<Option<TypeOid>>) -> Self {
        Self {
            env,
            parameters: RefCell::new(parameters),
            next_cte: Cell::new(0),
            depth: Cell::new(0),
            is_catalog: Cell::new(false),
            is_series: Cell::new(false),
            reach: Reach::default(),
            role: RefCell::new(env.view.role.clone()),
            view_depth: Cell::new(0),
            stored_rows: Cell::new(0),
        }
    }

    /// Runs `bind` one level deeper.
    ///
    /// # Errors
    /// 54001 past [`DEPTH_MAX`].
    fn nested<T>(&self, bind: impl FnOnce() -> Result<T, QueryError>) -> Result<T, QueryError> {
        if self.depth.get() >= DEPTH_MAX {
            return Err(QueryError::new(SqlState("54001"), "statement is nested too deeply"));
        }
        self.depth.set(self.depth.get() + 1);
        let result = bind();
        self.depth.set(self.depth.get() - 1);
        result
    }

    /// A parameter by its number in the statement, from 1.
    fn parameter(&self, number: usize) -> Result<Typed, QueryError> {
        if number == 0 || number > PARAMETERS_MAX {
            return Err(QueryError::new(
                SqlState::UNDEFINED_PARAMETER,
                format!("there is no parameter ${number}"),
            ));
        }
        let mut parameters = self.parameters.borrow_mut();
        if parameters.len() < number {
            parameters.resize(number, None);
        }
        let found = parameters[number - 1].unwrap_or(types::UNKNOWN);
        Ok(Typed::new(Expr::Parameter(number - 1), found))
    }

    /// Brings an expression to a type, as an implicit cast does.
    ///
    /// # Errors
    /// 42804 where there is no implicit cast, 22P02 and others for a literal that does not fit.
    fn coerce(&self, typed: Typed, to: TypeOid) -> Result<Expr, QueryError> {
        if typed.type_oid != types::UNKNOWN && !is_implicit(typed.type_oid, to) {
            return Err(QueryError::new(
                SqlState::DATATYPE_MISMATCH,
                format!("cannot convert type {} to {}", type_name(typed.type_oid), type_name(to)),
            ));
        }
        self.cast(typed, to)
    }

    /// Brings an expression to a type by an explicit cast.
    ///
    /// # Errors
    /// As [`Self::coerce`], where no cast exists at all.
    fn cast(&self, typed: Typed, to: TypeOid) -> Result<Expr, QueryError> {
        let from = typed.type_oid;
        match typed.expr {
            expr if from == to || matches!(to, types::ANYARRAY | types::ANYELEMENT) => Ok(expr),
            Expr::Parameter(at) if from == types::UNKNOWN => {
                let mut parameters = self.parameters.borrow_mut();
                match parameters[at] {
                    None => {
                        parameters[at] = Some(to);
                        Ok(Expr::Parameter(at))
                    }
                    Some(found) if found == to => Ok(Expr::Parameter(at)),
                    Some(found) => {
                        Ok(Expr::Cast { inner: Box::new(Expr::Parameter(at)), from: found, to })
                    }
                }
            }
            Expr::Const(value) if from == types::UNKNOWN => match value {
                Value::Null => Ok(Expr::Const(Value::Null)),
                value => text::input(self.env, value.as_text(), to).map(Expr::Const),
            },
            Expr::Const(value) => text::cast(self.env, &value, from, to).map(Expr::Const),
            expr => Ok(Expr::Cast { inner: Box::new(expr), from: Env::known(from), to }),
        }
    }

    /// Gives untyped literals the type of the other side, and text where both are untyped.
    fn unify(&self, left: Typed, right: Typed) -> Result<(Typed, Typed), QueryError> {
        let settle = |typed: Typed, to: TypeOid| -> Result<Typed, QueryError> {
            Ok(Typed { expr: self.cast(typed.clone(), to)?, type_oid: to, modifier: -1, ..typed })
        };
        // Operators take text where `varchar` stands.
        let beside = |other| if other == types::VARCHAR { types::TEXT } else { other };
        match (left.type_oid, right.type_oid) {
            (types::UNKNOWN, types::UNKNOWN) => {
                Ok((settle(left, types::TEXT)?, settle(right, types::TEXT)?))
            }
            (types::UNKNOWN, other) => Ok((settle(left, beside(other))?, right)),
            (other, types::UNKNOWN) => Ok((left, settle(right, beside(other))?)),
            _ => Ok((left, right)),
        }
    }

    /// Brings all to one type, as CASE, COALESCE, ARRAY and UNION do.
    ///
    /// # Errors
    /// 42804 where they have no common type.
    fn to_common(&self, all: Vec<Typed>, what: &str) -> Result<(Vec<Expr>, TypeOid), QueryError> {
        let mut common = types::UNKNOWN;
        for typed in &all {
            common = common_type(common, typed.type_oid).ok_or_else(|| {
                QueryError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "{what} types {} and {} cannot be matched",
                        type_name(common),
                        type_name(typed.type_oid)
                    ),
                )
            })?;
        }
        let common = Env::known(common);
        let exprs = all.into_iter().map(|typed| self.cast(typed, common));
        Ok((exprs.collect::<Result<_, _>>()?, common))
    }

    /// A condition.
    ///
    /// # Errors
    /// 42804 for a type that is not boolean.
    fn condition(&self, typed: Typed, clause: &str) -> Result<Expr, QueryError> {
        match typed.type_oid {
            types::BOOL => Ok(typed.expr),
            types::UNKNOWN => self.cast(typed, types::BOOL),
            other => Err(QueryError::new(
                SqlState::DATATYPE_MISMATCH,
                format!("argument of {clause} must be type boolean, not type {}", type_name(other)),
            )),
        }
    }
}

/// 0A000 for a type that cannot be read or shown here.
fn uncomputed(oid: TypeOid) -> QueryError {
    unsupported(format!("a value of type {} ({:?})", type_name(oid), kind(oid)))
}
