//! Values in PostgreSQL's two forms, text and binary: out of Arrow arrays, and in from clients.
//!
//! ```text
//! Arrow array ──encode──> text or binary of a column type    (results, COPY, casts to text)
//! bytes ──reader──decode──> Parameter ──write──> either form (Bind, COPY FROM; catalog statements)
//! ```
//!
//! Numbers without limits are in `decimal`, types that are little computed with in `other`.
//!
//! Invariants
//! - A value is exact or an error; a carrier that a type does not have is an error.
//! - No input panics.

pub(crate) mod array_text;
pub(crate) mod calendar;
pub(crate) mod decimal;
pub(crate) mod decode;
mod encode;
mod error;
#[cfg(test)]
mod fixtures;
pub(crate) mod json;
pub(crate) mod other;
mod reader;
pub(crate) mod write;

/// First byte of `jsonb` in binary format.
const JSONB_VERSION: u8 = 1;

pub use calendar::Zone;
pub(crate) use calendar::{CivilDate, US_PER_DAY, US_PER_SECOND, parse_offset};
pub use decode::decode_parameter;
pub(crate) use decode::{decode_text, parse_time, parse_uuid};
pub(crate) use encode::{
    BINARY_FORM, IntervalStyle, TEXT_FORM, put_interval, put_time, put_uuid, texts,
};
pub use encode::{EncodedBatch, Format, ROW_BYTES_MAX, TextStyle, patch_length, text_rows};
pub use error::{
    CHARACTER_NOT_IN_REPERTOIRE, PROTOCOL_VIOLATION, internal, not_supported, protocol_violation,
    valid_text,
};
pub use reader::{Reader, insufficient};
