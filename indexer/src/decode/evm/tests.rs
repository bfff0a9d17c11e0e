//! Rows against what ethereum-etl writes for the same blocks.
