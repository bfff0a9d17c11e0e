//! Tables of schema `chain`, by chain family.

pub mod evm;
