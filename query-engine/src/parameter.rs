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
    /// `numeric` as decimal text, exact: `-123.450`, `NaN`, `-Infinity`.
    Numeric(String),
    /// `text`, `varchar`, `bpchar`, `name`, `json`, `uuid` and every type that has no variant of its
    /// own: the engine parses it as PostgreSQL's input function of the type does. A value of
    /// [`crate::PgType::Other`] is in the form that PostgreSQL prints under default settings.
    Text(String),
    /// `bytea`.
    Bytes(Vec<u8>),
    /// `date`: days since 1970-01-01.
    Date(i32),
    /// `timestamp` and `timestamptz`: microseconds since 1970-01-01 00:00:00 (UTC).
    Timestamp(i64),
    /// An array of at most one dimension whose elements count from 1, in element order.
    Array(Vec<Parameter>),
    /// An array of another shape, the last dimension's elements side by side.
    Shaped(Vec<Dimension>, Vec<Parameter>),
}

/// One dimension of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dimension {
    /// Subscript of the first element.
    pub lower: i32,
    /// How many elements.
    pub length: i32,
}

impl Parameter {
    /// An array of these dimensions, as the variant that is meant for them.
    pub(crate) fn array(dimensions: Vec<Dimension>, elements: Vec<Self>) -> Self {
        match dimensions.as_slice() {
            [] | [Dimension { lower: 1, .. }] => Self::Array(elements),
            _ => Self::Shaped(dimensions, elements),
        }
    }
}
