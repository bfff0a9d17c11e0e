//! Subqueries that cannot become joins: run once for each set of outer values that occurs.
//!
//! ```text
//! (SELECT … outer.a …) ──rule──> Apply(input, subquery): one more column, or the rows of LATERAL
//!                        └ exec: outer values become literals; optimized, run, remembered
//! ```
//!
//! Invariants
//! - Nothing is applied that the planner can join: the session asks for it after the planner refused.
//! - A subquery as a value with more than one row is 21000, as in PostgreSQL.
//! - A statement runs a subquery for at most `SUBQUERY_RUNS_MAX` sets of values; past it 54000.

mod exec;
mod graft;
mod node;
mod rule;

pub(crate) use exec::ApplyQueryPlanner;
pub(crate) use rule::{ApplyMode, ApplySubqueries, COLLECT, collect, has_subquery, is_applied};
