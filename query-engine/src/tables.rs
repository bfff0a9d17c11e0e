//! Tables: chain tables over sealed segments and the hot tail, and the system's own tables.

pub(crate) mod chain;
pub(crate) mod ergo;
pub(crate) mod gap;
pub(crate) mod range;
pub(crate) mod segments;
pub(crate) mod snapshots;
