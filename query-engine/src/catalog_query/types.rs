//! SQL types as object ids of `pg_type`: names, kinds, common types and implicit casts.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlparser::ast::{ArrayElemTypeDef, DataType, ObjectName};

use super::names::parts_of;
use super::{undefined_object, unsupported};
pub(crate) use crate::catalog::pg_catalog::builtin::base_type as known_base;
use crate::catalog::pg_catalog::builtin::{
    PG_CATALOG_OID, base_type, relation, rows, type_named, type_of,
};
use crate::{QueryError, SqlState};

/// Object id of a type.
pub(crate) type TypeOid = u32;

pub(crate) const BOOL: TypeOid = 16;
pub(crate) const CHAR: TypeOid = 18;
pub(crate) const NAME: TypeOid = 19;
pub(crate) const INT8: TypeOid = 20;
pub(crate) const INT2: TypeOid = 21;
pub(crate) const INT2VECTOR: TypeOid = 22;
pub(crate) const INT4: TypeOid = 23;
pub(crate) const REGPROC: TypeOid = 24;
pub(crate) const TEXT: TypeOid = 25;
pub(crate) const OID: TypeOid = 26;
pub(crate) const XID: TypeOid = 28;
pub(crate) const OIDVECTOR: TypeOid = 30;
pub(crate) const BYTEA: TypeOid = 17;
pub(crate) const JSON: TypeOid = 114;
pub(crate) const PG_NODE_TREE: TypeOid = 194;
pub(crate) const FLOAT4: TypeOid = 700;
pub(crate) const FLOAT8: TypeOid = 701;
pub(crate) const MONEY: TypeOid = 790;
pub(crate) const UNKNOWN: TypeOid = 705;
pub(crate) const BPCHAR: TypeOid = 1042;
pub(crate) const VARCHAR: TypeOid = 1043;
pub(crate) const CIDR: TypeOid = 650;
pub(crate) const INET: TypeOid = 869;
pub(crate) const DATE: TypeOid = 1082;
pub(crate) const TIME: TypeOid = 1083;
pub(crate) const TIMESTAMP: TypeOid = 1114;
pub(crate) const TIMESTAMPTZ: TypeOid = 1184;
pub(crate) const INTERVAL: TypeOid = 1186;
pub(crate) const TIMETZ: TypeOid = 1266;
pub(crate) const BIT: TypeOid = 1560;
pub(crate) const VARBIT: TypeOid = 1562;
pub(crate) const NUMERIC: TypeOid = 1700;
pub(crate) const REGPROCEDURE: TypeOid = 2202;
pub(crate) const REGOPER: TypeOid = 2203;
pub(crate) const REGOPERATOR: TypeOid = 2204;
pub(crate) const REGCLASS: TypeOid = 2205;
pub(crate) const REGTYPE: TypeOid = 2206;
pub(crate) const RECORD: TypeOid = 2249;
pub(crate) const ANYARRAY: TypeOid = 2277;
pub(crate) const ANYELEMENT: TypeOid = 2283;
pub(crate) const UUID: TypeOid = 2950;
pub(crate) const JSONB: TypeOid = 3802;
pub(crate) const REGNAMESPACE: TypeOid = 4089;
pub(crate) const REGROLE: TypeOid = 4096;
pub(crate) const REGCONFIG: TypeOid = 3734;
pub(crate) const REGDICTIONARY: TypeOid = 3769;
pub(crate) const REGCOLLATION: TypeOid = 4191;

/// How a value of a type is held, and so what it compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `bool`.
    Bool,
    /// Integers, object ids and their aliases.
    Int,
    /// Floating point.
    Float,
    /// `numeric`.
    Numeric,
    /// Character types and types that travel in their canonical text.
    Text,
    /// `date`.
    Date,
    /// `time`.
    Time,
    /// `timestamp` and `timestamptz`.
    Timestamp,
    /// `interval`.
    Interval,
    /// `bytea`.
    Bytes,
    /// Arrays and vectors.
    Array,
    /// Rows.
    Record,
}

/// How values of `oid` are held.
pub(crate) fn kind(oid: TypeOid) -> Kind {
    match base_type(oid) {
        BOOL => Kind::Bool,
        INT2 | INT4 | INT8 | OID | XID => Kind::Int,
        FLOAT4 | FLOAT8 => Kind::Float,
        NUMERIC => Kind::Numeric,
        DATE => Kind::Date,
        TIME => Kind::Time,
        TIMESTAMP | TIMESTAMPTZ => Kind::Timestamp,
        INTERVAL => Kind::Interval,
        BYTEA => Kind::Bytes,
        RECORD => Kind::Record,
        ANYARRAY => Kind::Array,
        other if is_object_id(other) => Kind::Int,
        other if element(other).is_some() => Kind::Array,
        _ => Kind::Text,
    }
}

/// Whether `oid` is an alias type of object ids, such as `regclass`, or `oid` itself.
pub(crate) fn is_object_id(oid: TypeOid) -> bool {
    matches!(
        oid,
        OID | REGPROC
            | REGPROCEDURE
            | REGOPER
            | REGOPERATOR
            | REGCLASS
            | REGTYPE
            | REGNAMESPACE
            | REGROLE
            | REGCONFIG
            | REGDICTIONARY
            | REGCOLLATION
    )
}

/// Whether values of the type have a character category: they compare and concatenate as text.
pub(crate) fn is_text(oid: TypeOid) -> bool {
    matches!(oid, TEXT | NAME | CHAR | VARCHAR | BPCHAR | UNKNOWN | PG_NODE_TREE)
}

/// Element type of an array or vector type.
pub(crate) fn element(oid: TypeOid) -> Option<TypeOid> {
    let found = type_of(base_type(oid))?;
    // `name` has an element type too, for subscripts, but is no array.
    (found.element != 0 && (found.is_array() || matches!(oid, INT2VECTOR | OIDVECTOR)))
        .then_some(found.element)
}

/// Array type with elements of `oid`.
pub(crate) fn array_of(oid: TypeOid) -> Option<TypeOid> {
    type_of(oid).map(|found| found.array).filter(|array| *array != 0)
}

/// Name of a type as PostgreSQL prints it without modifiers: `integer`, `text[]`.
pub(crate) fn type_name(oid: TypeOid) -> String {
    if let Some(element) = element(oid).filter(|_| !matches!(oid, INT2VECTOR | OIDVECTOR)) {
        return format!("{}[]", type_name(element));
    }
    match type_of(oid).map(|found| found.name) {
        Some("bool") => "boolean".to_owned(),
        Some("int2") => "smallint".to_owned(),
        Some("int4") => "integer".to_owned(),
        Some("int8") => "bigint".to_owned(),
        Some("float4") => "real".to_owned(),
        Some("float8") => "double precision".to_owned(),
        Some("varchar") => "character varying".to_owned(),
        Some("bpchar") => "character".to_owned(),
        Some("bit") => "bit".to_owned(),
        Some("varbit") => "bit varying".to_owned(),
        // Words that SQL reserves.
        Some(name @ ("char" | "any")) => format!("\"{name}\""),
        Some("time") => "time without time zone".to_owned(),
        Some("timetz") => "time with time zone".to_owned(),
        Some("timestamp") => "timestamp without time zone".to_owned(),
        Some("timestamptz") => "timestamp with time zone".to_owned(),
        Some(name) => name.to_owned(),
        None => "???".to_owned(),
    }
}

/// The type that common spellings of SQL name: `integer`, `character varying`, `int4`.
pub(crate) fn type_by_words(name: &str) -> Option<TypeOid> {
    let internal = match name {
        "boolean" => "bool",
        "smallint" => "int2",
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" | "float" => "float8",
        "character varying" => "varchar",
        "character" | "char" => "bpchar",
        "\"char\"" => "char",
        "decimal" => "numeric",
        "time without time zone" => "time",
        "time with time zone" => "timetz",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        other => other,
    };
    type_named(PG_CATALOG_OID, internal).map(|found| found.oid)
}

/// Object id of schema `information_schema` in the built-in rows.
pub(crate) static INFORMATION_SCHEMA_OID: LazyLock<u32> = LazyLock::new(|| {
    relation("pg_catalog", "pg_namespace")
        .and_then(|namespaces| {
            rows(namespaces)
                .iter()
                .find(|row| row[1].as_text() == "information_schema")
                .and_then(|row| u32::try_from(row[0].as_int()?).ok())
        })
        .expect("the built-in rows have schema information_schema")
});

/// The type that a cast names, without its modifier.
///
/// # Errors
/// 42704 for an unknown type, 0A000 for one that values here cannot have.
pub(crate) fn type_of_ast(data_type: &DataType) -> Result<TypeOid, QueryError> {
    typed_by(data_type).map(|(oid, _)| oid)
}

/// The type that a cast names, and its modifier.
///
/// # Errors
/// As [`type_of_ast`], 22023 for a modifier out of its range.
pub(crate) fn typed_by(data_type: &DataType) -> Result<(TypeOid, i32), QueryError> {
    let (oid, modifier) = match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _)) => {
            let (inner, modifier) = typed_by(inner)?;
            // Arrays of arrays are arrays of more dimensions.
            if element(inner).is_some() && !matches!(inner, INT2VECTOR | OIDVECTOR) {
                return Ok((inner, modifier));
            }
            let array = array_of(inner).ok_or_else(|| {
                undefined_object(format!(
                    "could not find array type for data type {}",
                    type_name(inner)
                ))
            })?;
            return Ok((array, modifier));
        }
        DataType::Custom(name, modifiers) => (custom_type(name)?, modifiers_of(modifiers)?),
        other => super::modifier::of_keyword(other)?,
    };
    let is_known = crate::PgType::from_oid(oid).is_some();
    let modifier = super::modifier::packed(oid, modifier)?;
    is_known
        .then_some((oid, modifier))
        .ok_or_else(|| unsupported(format!("type {}", type_name(oid))))
}

fn modifiers_of(words: &[String]) -> Result<Vec<i64>, QueryError> {
    words
        .iter()
        .map(|word| {
            word.parse().map_err(|_| {
                QueryError::new(
                    SqlState::SYNTAX_ERROR,
                    "type modifiers must be simple constants or identifiers",
                )
            })
        })
        .collect()
}

fn custom_type(name: &ObjectName) -> Result<TypeOid, QueryError> {
    let parts = parts_of(name)?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let found = match parts.as_slice() {
        // A quoted "char" arrives here, the keyword char does not.
        [name] | ["pg_catalog", name] => {
            type_named(PG_CATALOG_OID, name).map(|found| found.oid).or_else(|| type_by_words(name))
        }
        ["information_schema", name] => {
            type_named(*INFORMATION_SCHEMA_OID, name).map(|found| base_type(found.oid))
        }
        _ => None,
    };
    found.ok_or_else(|| undefined_object(format!("type \"{}\" does not exist", parts.join("."))))
}

/// How each cast may be taken: without being written (`i`), by assignment (`a`), only when written (`e`).
static CASTS: LazyLock<HashMap<(TypeOid, TypeOid), char>> = LazyLock::new(|| {
    let casts = relation("pg_catalog", "pg_cast").expect("pg_cast is a catalog");
    let at = |name| {
        casts.columns.iter().position(|column| column.name == name).expect("a column of pg_cast")
    };
    let (source, target, context) = (at("castsource"), at("casttarget"), at("castcontext"));
    rows(casts)
        .iter()
        .filter_map(|row| {
            let types = (row[source].as_int()? as u32, row[target].as_int()? as u32);
            Some((types, row[context].as_text().chars().next()?))
        })
        .collect()
});

/// Whether PostgreSQL has a cast between the types, written or not.
pub(crate) fn has_cast(from: TypeOid, to: TypeOid) -> bool {
    CASTS.contains_key(&(from, to))
}

/// Whether a value of type `from` may be assigned to a `to`.
pub(crate) fn is_assignable(from: TypeOid, to: TypeOid) -> bool {
    is_implicit(from, to) || CASTS.get(&(from, to)) == Some(&'a')
}

/// Whether a value of type `from` is accepted where `to` is expected without a cast being written.
pub(crate) fn is_implicit(from: TypeOid, to: TypeOid) -> bool {
    from == to
        || from == UNKNOWN
        || CASTS.get(&(from, to)) == Some(&'i')
        || (to == ANYARRAY && kind(from) == Kind::Array)
        || (to == ANYELEMENT)
        || matches!((from, to), (ANYARRAY, _) if kind(to) == Kind::Array)
        || matches!((element(from), element(to)), (Some(from), Some(to)) if is_implicit(from, to))
}

/// The one type that values of both types are brought to: CASE branches, UNION columns, arrays.
pub(crate) fn common_type(left: TypeOid, right: TypeOid) -> Option<TypeOid> {
    if left == right || right == UNKNOWN {
        return Some(left);
    }
    if left == UNKNOWN {
        return Some(right);
    }
    match (is_implicit(left, right), is_implicit(right, left)) {
        // Of two types that go both ways, the first one stays.
        (_, true) => Some(left),
        (true, false) => Some(right),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_types_follow_the_casts_of_postgresql() {
        assert_eq!(common_type(NAME, TEXT), Some(NAME));
        assert_eq!(common_type(TEXT, NAME), Some(TEXT));
        assert_eq!(common_type(VARCHAR, TEXT), Some(VARCHAR));
        assert_eq!(common_type(UNKNOWN, NAME), Some(NAME));
        assert_eq!(common_type(INT4, INT8), Some(INT8));
        assert_eq!(common_type(REGCLASS, OID), Some(REGCLASS));
        assert_eq!(common_type(TEXT, INT4), None);
    }

    #[test]
    fn names_are_printed_as_format_type_prints_them() {
        assert_eq!(type_name(1009), "text[]");
        assert_eq!(type_name(CHAR), "\"char\"");
        assert_eq!(type_name(OIDVECTOR), "oidvector");
    }
}
