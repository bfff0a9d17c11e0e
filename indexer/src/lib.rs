//! Turns verified blocks into Arrow rows and sealed segments.

pub mod decode;
