//! PostgreSQL's types on Arrow: what a column is, which operator applies, and how text becomes a value.
//!
//! ```text
//! SQL ──planner: operators left open──> logical plan ──rule: types decided──> native expressions and checked functions
//! ```
//!
//! Inside a plan a 256-bit integer is Arrow `LargeBinary` of 32 big-endian bytes, and nothing else is
//! `LargeBinary`. So its type survives every operator of the engine, where field metadata would be
//! lost, and bytes sort as the numbers do.

pub(crate) mod bytea;
pub(crate) mod class;
pub(crate) mod interval;
pub(crate) mod numeric;
pub(crate) mod operator;
pub(crate) mod output;
pub(crate) mod planner;
pub(crate) mod rule;
pub(crate) mod uint256;
