//! Rules of the engine, on a store in a temporary directory. The module of a test names its subject.

pub(crate) mod fixture;
mod gaps;
mod lookup;
mod overflow;
mod query;
mod refused;
mod reuse;
mod tables;
mod types;
