//! SQL functions: checked arithmetic, casts, aggregates that never wrap, and PostgreSQL's own.

pub(crate) mod aggregate;
pub(crate) mod checked;
pub(crate) mod conditional;
pub(crate) mod lists;
pub(crate) mod pg;
pub(crate) mod pg_cast;
pub(crate) mod quantified;
pub(crate) mod rounding;
pub(crate) mod series;
pub(crate) mod sql;
pub(crate) mod text_form;
pub(crate) mod units;
