//! PostgreSQL types as they appear on the wire, each with the Arrow types that may carry it.

use crate::catalog::pg_catalog::builtin::{BuiltinType, PG_CATALOG_OID, type_named, type_of};
use crate::values::other;

/// `box`, the one type whose arrays have semicolons.
const BOX_OID: u32 = 603;

/// Type of a result column or parameter. `oid`, `size` and `name` are PostgreSQL 16's.
///
/// Carriers: what Arrow type a column of this type has in a result batch. Gateways encode these and
/// treat anything else as an internal error. A column of any type may also come with both its forms,
/// made already: a struct of `text` (Utf8) and `binary` (Binary).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PgType {
    /// Boolean.
    Bool,
    /// `"char"`, one byte; Utf8.
    Char,
    /// Identifier; Utf8.
    Name,
    /// Int16.
    Int2,
    /// Int32.
    Int4,
    /// Int64.
    Int8,
    /// UInt32 or Int64 within 0..=u32::MAX.
    Oid,
    /// Transaction id; carriers of `Oid`.
    Xid,
    /// Float32.
    Float4,
    /// Float64.
    Float8,
    /// Decimal128, Decimal256, UInt64, or FixedSizeBinary(32) marked as 256-bit integer.
    Numeric,
    /// Utf8, LargeUtf8 or Utf8View.
    Text,
    /// As `Text`.
    Varchar,
    /// As `Text`; blank-padded.
    Bpchar,
    /// Binary, LargeBinary, BinaryView or FixedSizeBinary.
    Bytea,
    /// Date32.
    Date,
    /// Time64(Microsecond).
    Time,
    /// Timestamp(Microsecond or Nanosecond, none).
    Timestamp,
    /// Timestamp(Microsecond or Nanosecond, "UTC").
    Timestamptz,
    /// Interval(MonthDayNano).
    Interval,
    /// FixedSizeBinary(16) or Utf8.
    Uuid,
    /// Utf8.
    Json,
    /// Utf8.
    Jsonb,
    /// Utf8 with the name already resolved.
    Regclass,
    /// Utf8 with the name already resolved.
    Regtype,
    /// Utf8 with the name already resolved.
    Regproc,
    /// Utf8 with the name already resolved.
    Regnamespace,
    /// An access privilege; Utf8.
    AclItem,
    /// An expression of a catalog; Utf8.
    PgNodeTree,
    /// Utf8; a literal whose type nothing decides.
    Unknown,
    /// Null.
    Void,
    /// List of Utf8.
    AclItemArray,
    /// List of Boolean.
    BoolArray,
    /// List of Utf8.
    CharArray,
    /// List of Utf8.
    NameArray,
    /// List of Int16.
    Int2Array,
    /// List of Int16; text form has no braces: `1 2`.
    Int2Vector,
    /// List of Int32.
    Int4Array,
    /// List of Int64.
    Int8Array,
    /// List of UInt32 or Int64.
    OidArray,
    /// List of UInt32 or Int64; text form has no braces: `1 2`.
    OidVector,
    /// List of Float32.
    Float4Array,
    /// List of Float64.
    Float8Array,
    /// List of any carrier of `Numeric`.
    NumericArray,
    /// List of Utf8.
    TextArray,
    /// List of Utf8.
    VarcharArray,
    /// List of any carrier of `Bytea`.
    ByteaArray,
    /// List of Date32.
    DateArray,
    /// List of Timestamp.
    TimestampArray,
    /// List of Timestamp with "UTC".
    TimestamptzArray,
    /// List of carriers of `Uuid`.
    UuidArray,
    /// Any other built-in type that `values::other` knows, and arrays of all: Utf8 with the value as
    /// PostgreSQL prints it under default settings. The number is the object id.
    Other(u32),
    /// The row type of a relation that a client made, by its object id.
    Row(u32),
}

/// (variant, oid, typlen, name, element) for each type.
const CATALOG: &[(PgType, u32, i16, &str, Option<PgType>)] = &[
    (PgType::Bool, 16, 1, "bool", None),
    (PgType::Bytea, 17, -1, "bytea", None),
    (PgType::Char, 18, 1, "char", None),
    (PgType::Name, 19, 64, "name", None),
    (PgType::Int8, 20, 8, "int8", None),
    (PgType::Int2, 21, 2, "int2", None),
    (PgType::Int2Vector, 22, -1, "int2vector", Some(PgType::Int2)),
    (PgType::Int4, 23, 4, "int4", None),
    (PgType::Regproc, 24, 4, "regproc", None),
    (PgType::Text, 25, -1, "text", None),
    (PgType::Oid, 26, 4, "oid", None),
    (PgType::Xid, 28, 4, "xid", None),
    (PgType::OidVector, 30, -1, "oidvector", Some(PgType::Oid)),
    (PgType::Json, 114, -1, "json", None),
    (PgType::PgNodeTree, 194, -1, "pg_node_tree", None),
    (PgType::Float4, 700, 4, "float4", None),
    (PgType::Float8, 701, 8, "float8", None),
    (PgType::Unknown, 705, -2, "unknown", None),
    (PgType::BoolArray, 1000, -1, "_bool", Some(PgType::Bool)),
    (PgType::ByteaArray, 1001, -1, "_bytea", Some(PgType::Bytea)),
    (PgType::CharArray, 1002, -1, "_char", Some(PgType::Char)),
    (PgType::NameArray, 1003, -1, "_name", Some(PgType::Name)),
    (PgType::Int2Array, 1005, -1, "_int2", Some(PgType::Int2)),
    (PgType::Int4Array, 1007, -1, "_int4", Some(PgType::Int4)),
    (PgType::TextArray, 1009, -1, "_text", Some(PgType::Text)),
    (PgType::VarcharArray, 1015, -1, "_varchar", Some(PgType::Varchar)),
    (PgType::Int8Array, 1016, -1, "_int8", Some(PgType::Int8)),
    (PgType::Float4Array, 1021, -1, "_float4", Some(PgType::Float4)),
    (PgType::Float8Array, 1022, -1, "_float8", Some(PgType::Float8)),
    (PgType::OidArray, 1028, -1, "_oid", Some(PgType::Oid)),
    (PgType::AclItem, 1033, 16, "aclitem", None),
    (PgType::AclItemArray, 1034, -1, "_aclitem", Some(PgType::AclItem)),
    (PgType::Bpchar, 1042, -1, "bpchar", None),
    (PgType::Varchar, 1043, -1, "varchar", None),
    (PgType::Date, 1082, 4, "date", None),
    (PgType::Time, 1083, 8, "time", None),
    (PgType::Timestamp, 1114, 8, "timestamp", None),
    (PgType::TimestampArray, 1115, -1, "_timestamp", Some(PgType::Timestamp)),
    (PgType::DateArray, 1182, -1, "_date", Some(PgType::Date)),
    (PgType::Timestamptz, 1184, 8, "timestamptz", None),
    (PgType::TimestamptzArray, 1185, -1, "_timestamptz", Some(PgType::Timestamptz)),
    (PgType::Interval, 1186, 16, "interval", None),
    (PgType::NumericArray, 1231, -1, "_numeric", Some(PgType::Numeric)),
    (PgType::Numeric, 1700, -1, "numeric", None),
    (PgType::Regclass, 2205, 4, "regclass", None),
    (PgType::Regtype, 2206, 4, "regtype", None),
    (PgType::Void, 2278, 4, "void", None),
    (PgType::Uuid, 2950, 16, "uuid", None),
    (PgType::UuidArray, 2951, -1, "_uuid", Some(PgType::Uuid)),
    (PgType::Jsonb, 3802, -1, "jsonb", None),
    (PgType::Regnamespace, 4089, 4, "regnamespace", None),
];

impl PgType {
    fn entry(self) -> (u32, i16, &'static str, Option<Self>) {
        if let Self::Row(oid) = self {
            return (oid, -1, "record", None);
        }
        if let Self::Other(oid) = self {
            let found = type_of(oid).expect("only built-in types are made into this variant");
            let is_array = found.is_array();
            let element = is_array.then(|| Self::from_oid(found.element)).flatten();
            return (oid, found.size, found.name, element);
        }
        let found =
            CATALOG.iter().find(|entry| entry.0 == self).expect("every variant is in the catalog");
        (found.1, found.2, found.3, found.4)
    }

    /// Object id in `pg_type`.
    pub fn oid(self) -> u32 {
        match self {
            Self::Other(oid) | Self::Row(oid) => oid,
            _ => self.entry().0,
        }
    }

    /// `typlen`: bytes of a fixed-size value, -1 for variable size, -2 for a C string.
    pub fn size(self) -> i16 {
        self.entry().1
    }

    /// Internal name, as in `pg_type.typname`.
    pub fn name(self) -> &'static str {
        self.entry().2
    }

    /// Element type of an array or vector.
    pub fn element(self) -> Option<Self> {
        self.entry().3
    }

    /// What stands between the elements of arrays of this type.
    pub(crate) fn delimiter(self) -> char {
        if self.oid() == BOX_OID { ';' } else { ',' }
    }

    /// The array whose elements have this type, where one is supported.
    pub fn array(self) -> Option<Self> {
        type_of(self.oid())
            .filter(|found| found.array != 0)
            .and_then(|found| Self::from_oid(found.array))
    }

    /// The type with this internal name, `None` for one that is not supported.
    pub fn from_name(name: &str) -> Option<Self> {
        CATALOG
            .iter()
            .find(|entry| entry.3 == name)
            .map(|entry| entry.0)
            .or_else(|| Self::other(type_named(PG_CATALOG_OID, name)?))
    }

    /// The type with this object id, `None` for one that is not supported.
    pub fn from_oid(oid: u32) -> Option<Self> {
        CATALOG
            .iter()
            .find(|entry| entry.1 == oid)
            .map(|entry| entry.0)
            .or_else(|| Self::other(type_of(oid)?))
    }

    fn other(found: &BuiltinType) -> Option<Self> {
        let is_supported = if found.is_array() {
            Self::from_oid(found.element).is_some()
        } else {
            other::is_known(found.oid)
        };
        is_supported.then_some(Self::Other(found.oid))
    }
}
