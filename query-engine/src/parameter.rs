//! A bound parameter, already decoded by a gateway from its wire format.

/// Value of `$n`. The type it must have is in [`crate::Prepared::parameter_types`].
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// SQL NULL of any type.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int2`, `int4`, `int8` and `oid`.
    Int(i64),
    /// `float4` and `float8`.
    Float(f64),
    /// `numeric` as decimal text, exact: `-123.450`.
    Numeric(String),
    /// `text`, `varchar`, `bpchar`, `name`, `json`, `uuid` and every type sent in text format that has
    /// no variant of its own: the engine parses it as PostgreSQL's input function of the type does.
    Text(String),
    /// `bytea`.
    Bytes(Vec<u8>),
    /// `date`: days since 1970-01-01.
    Date(i32),
    /// `timestamp` and `timestamptz`: microseconds since 1970-01-01 00:00:00 (UTC).
    Timestamp(i64),
    /// An array in element order.
    Array(Vec<Parameter>),
}
