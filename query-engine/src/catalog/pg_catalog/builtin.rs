//! Rows of a fresh PostgreSQL 16 database, and the columns of every catalog relation.
//!
//! ```text
//! builtin/*.tsv (scripts/pg-builtin.sh, PostgreSQL 16) ──parse on first use──> rows, relations, types
//! ```
//!
//! The files hold facts that drivers hard-code: object ids and names of built-in types, operators,
//! functions and casts, and the columns of each catalog relation in order.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::catalog_query::text::input_builtin;
use crate::catalog_query::{Row, Value};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// (relation name, content) of each file.
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("builtin/", $name, ".tsv")))),*];
    };
}

files![
    "pg_aggregate",
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_attribute",
    "pg_auth_members",
    "pg_authid",
    "pg_cast",
    "pg_class",
    "pg_collation",
    "pg_constraint",
    "pg_conversion",
    "pg_depend",
    "pg_description",
    "pg_extension",
    "pg_index",
    "pg_init_privs",
    "pg_language",
    "pg_namespace",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_proc",
    "pg_range",
    "pg_rewrite",
    "pg_tablespace",
    "pg_ts_config",
    "pg_ts_config_map",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
    "pg_type",
    "setting_descriptions",
    "view_definitions",
];

/// Object id of schema `pg_catalog`.
pub(crate) const PG_CATALOG_OID: u32 = 11;
/// Object id of schema `public`.
pub(crate) const PUBLIC_OID: u32 = 2200;

/// One column of a catalog relation.
#[derive(Clone, Debug)]
pub(crate) struct BuiltinColumn {
    /// Name in SQL.
    pub(crate) name: &'static str,
    /// Type, a domain as its base type.
    pub(crate) type_oid: u32,
    /// Type modifier, a domain's as its own; -1 for none.
    pub(crate) modifier: i32,
}

/// One table or view of `pg_catalog` or `information_schema`.
#[derive(Debug)]
pub(crate) struct BuiltinRelation {
    /// Object id, PostgreSQL's.
    pub(crate) oid: u32,
    /// Schema name.
    pub(crate) schema: &'static str,
    /// Name in its schema.
    pub(crate) name: &'static str,
    /// Columns in `SELECT *` order.
    pub(crate) columns: Vec<BuiltinColumn>,
    /// Query of a view, as PostgreSQL prints it.
    pub(crate) definition: Option<String>,
    /// The same with fewer parentheses, as `\d+` shows it.
    pub(crate) pretty_definition: Option<String>,
}

/// One built-in type.
#[derive(Clone, Debug)]
pub(crate) struct BuiltinType {
    /// Object id.
    pub(crate) oid: u32,
    /// Name.
    pub(crate) name: &'static str,
    /// Schema.
    pub(crate) namespace: u32,
    /// `typlen`.
    pub(crate) size: i16,
    /// `typcategory`.
    pub(crate) category: char,
    /// Element type of an array or vector, else 0.
    pub(crate) element: u32,
    /// Array type with this element, else 0.
    pub(crate) array: u32,
    /// Base type of a domain, else 0.
    pub(crate) base: u32,
    /// Type modifier that a domain gives its base type, else -1.
    pub(crate) modifier: i32,
}

impl BuiltinType {
    /// Whether its values are arrays; that of records is a pseudo-type.
    pub(crate) fn is_array(&self) -> bool {
        self.category == 'A' || self.name == "_record"
    }
}

/// A file as lines of fields.
struct Records {
    header: Vec<&'static str>,
    lines: std::str::Lines<'static>,
}

fn records(name: &str) -> Option<Records> {
    let content = FILES.iter().find(|file| file.0 == name)?.1;
    let mut lines = content.lines();
    let header = lines.next()?.split('\t').collect();
    Some(Records { header, lines })
}

impl Records {
    fn position(&self, column: &str) -> usize {
        self.header.iter().position(|name| *name == column).expect("our files have this column")
    }
}

/// Undoes the escapes of COPY; `None` for NULL.
fn unescape(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some('v') => text.push('\u{b}'),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    Some(text)
}

static TYPES: LazyLock<HashMap<u32, BuiltinType>> = LazyLock::new(|| {
    let records = records("pg_type").expect("pg_type is one of our files");
    let at = |column| records.position(column);
    let (oid, name, namespace) = (at("oid"), at("typname"), at("typnamespace"));
    let (size, category, modifier) = (at("typlen"), at("typcategory"), at("typtypmod"));
    let (element, array, base) = (at("typelem"), at("typarray"), at("typbasetype"));
    records
        .lines
        .map(|line| {
            let fields: Vec<&'static str> = line.split('\t').collect();
            let number = |index: usize| fields[index].parse().expect("our files hold object ids");
            let found = BuiltinType {
                oid: number(oid),
                name: fields[name],
                namespace: number(namespace),
                size: fields[size].parse().expect("our files hold sizes"),
                category: fields[category].chars().next().unwrap_or('U'),
                element: number(element),
                array: number(array),
                base: number(base),
                modifier: fields[modifier].parse().expect("our files hold type modifiers"),
            };
            (found.oid, found)
        })
        .collect()
});

static TYPE_NAMES: LazyLock<HashMap<(u32, &'static str), u32>> = LazyLock::new(|| {
    TYPES.values().map(|found| ((found.namespace, found.name), found.oid)).collect()
});

/// The built-in type with this object id.
pub(crate) fn type_of(oid: u32) -> Option<&'static BuiltinType> {
    TYPES.get(&oid)
}

/// The built-in type with this name in `pg_catalog`, or in the schema with the object id `namespace`.
pub(crate) fn type_named(namespace: u32, name: &str) -> Option<&'static BuiltinType> {
    TYPE_NAMES.get(&(namespace, name)).and_then(|oid| TYPES.get(oid))
}

/// The type itself, or the base type of a domain.
pub(crate) fn base_type(oid: u32) -> u32 {
    match type_of(oid) {
        Some(found) if found.base != 0 => base_type(found.base),
        _ => oid,
    }
}

static RELATIONS: LazyLock<Vec<BuiltinRelation>> = LazyLock::new(|| {
    let mut columns: HashMap<u32, Vec<BuiltinColumn>> = HashMap::new();
    let attributes = records("pg_attribute").expect("pg_attribute is one of our files");
    let at = ["attrelid", "attname", "atttypid", "attnum", "atttypmod"];
    let at = at.map(|name| attributes.position(name));
    for line in attributes.lines {
        let fields: Vec<&'static str> = line.split('\t').collect();
        let number = |index: usize| fields[index].parse::<i64>().expect("our files hold numbers");
        if number(at[3]) > 0 {
            let type_oid = number(at[2]) as u32;
            let domain = type_of(type_oid).filter(|found| found.base != 0);
            let own = i32::try_from(number(at[4])).unwrap_or(-1);
            columns.entry(number(at[0]) as u32).or_default().push(BuiltinColumn {
                name: fields[at[1]],
                type_oid: base_type(type_oid),
                modifier: domain.map_or(own, |domain| domain.modifier),
            });
        }
    }
    let mut definitions = definitions();
    let classes = records("pg_class").expect("pg_class is one of our files");
    let at = ["oid", "relname", "relnamespace", "relkind"].map(|name| classes.position(name));
    let mut relations = Vec::new();
    for line in classes.lines {
        let fields: Vec<&'static str> = line.split('\t').collect();
        if !matches!(fields[at[3]], "r" | "v") {
            continue;
        }
        let oid = fields[at[0]].parse().expect("our files hold object ids");
        let catalog = fields[at[2]].parse() == Ok(PG_CATALOG_OID);
        let (definition, pretty_definition) = definitions.remove(&oid).unzip();
        relations.push(BuiltinRelation {
            oid,
            schema: if catalog { "pg_catalog" } else { "information_schema" },
            name: fields[at[1]],
            columns: columns.remove(&oid).unwrap_or_default(),
            definition,
            pretty_definition,
        });
    }
    relations
});

/// The plain and the pretty form by object id.
fn definitions() -> HashMap<u32, (String, String)> {
    let records = records("view_definitions").expect("view_definitions is one of our files");
    records
        .lines
        .filter_map(|line| {
            let (oid, forms) = line.split_once('\t')?;
            let (plain, pretty) = forms.split_once('\t')?;
            Some((oid.parse().ok()?, (unescape(plain)?, unescape(pretty)?)))
        })
        .collect()
}

/// All relations of `pg_catalog` and `information_schema`.
pub(crate) fn relations() -> &'static [BuiltinRelation] {
    &RELATIONS
}

static RELATION_NAMES: LazyLock<HashMap<(&'static str, &'static str), usize>> =
    LazyLock::new(|| {
        RELATIONS
            .iter()
            .enumerate()
            .map(|(index, relation)| ((relation.schema, relation.name), index))
            .collect()
    });

/// The relation `schema.name` of `pg_catalog` or `information_schema`.
pub(crate) fn relation(schema: &str, name: &str) -> Option<&'static BuiltinRelation> {
    RELATION_NAMES.get(&(schema, name)).map(|index| &RELATIONS[*index])
}

/// Rows of a catalog table in a fresh database; none for a table without a file.
pub(crate) fn rows(relation: &BuiltinRelation) -> Vec<Row> {
    let Some(records) = records(relation.name).filter(|_| relation.schema == "pg_catalog") else {
        return Vec::new();
    };
    records
        .lines
        .map(|line| {
            line.split('\t')
                .zip(&relation.columns)
                .map(|(field, column)| match unescape(field) {
                    None => Value::Null,
                    Some(text) => input_builtin(&text, column.type_oid),
                })
                .collect()
        })
        .collect()
}

/// Description of one setting: the columns of `setting_descriptions.tsv`, all of them text.
pub(crate) fn settings() -> Vec<Vec<Option<Arc<str>>>> {
    let records =
        records("setting_descriptions").expect("setting_descriptions is one of our files");
    records
        .lines
        .map(|line| line.split('\t').map(|field| unescape(field).map(Arc::from)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relation_of_postgresql_16_is_there_with_its_columns() {
        assert_eq!(relations().len(), 64 + 76 + 65 + 4);
        let class = relation("pg_catalog", "pg_class").unwrap();
        assert_eq!((class.oid, class.columns.len()), (1259, 33));
        assert!(relations().iter().all(|relation| !relation.columns.is_empty()));
    }

    #[test]
    fn every_row_has_one_field_for_each_column() {
        for relation in relations() {
            for row in rows(relation) {
                assert_eq!(row.len(), relation.columns.len(), "{}", relation.name);
            }
        }
    }

    #[test]
    fn domains_stand_for_their_base_types() {
        let domain = type_named(relation_schema_oid(), "sql_identifier").unwrap();
        assert_eq!(base_type(domain.oid), 19);
    }

    fn relation_schema_oid() -> u32 {
        let namespaces = relation("pg_catalog", "pg_namespace").unwrap();
        let row = rows(namespaces)
            .into_iter()
            .find(|row| row[1].as_text() == "information_schema")
            .unwrap();
        row[0].as_int().unwrap() as u32
    }
}
