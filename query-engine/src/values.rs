//! Values in PostgreSQL's two forms, text and binary: out of Arrow arrays, and in from clients.
//!
//! ```text
//! Arrow array ──encode──> text or binary of a column type    (results, COPY, casts to text)
//! bytes ──reader──decode──> Parameter                        (Bind, COPY FROM)
//! ```
//!
//! Invariants
//! - A value is exact or an error; a carrier that a type does not have is an error.
//! - No input panics.

mod calendar;
mod decode;
mod encode;
mod error;
#[cfg(test)]
mod fixtures;
mod reader;

pub use calendar::Zone;
pub use decode::decode_parameter;
pub(crate) use encode::texts;
pub use encode::{EncodedBatch, Format, ROW_BYTES_MAX, TextStyle, patch_length, text_rows};
pub use error::{
    CHARACTER_NOT_IN_REPERTOIRE, PROTOCOL_VIOLATION, internal, not_supported, protocol_violation,
    valid_text,
};
pub use reader::{Reader, insufficient};
