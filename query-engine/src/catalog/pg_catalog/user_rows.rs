//! Catalog rows of what is ours: networks as databases, their schemas, relations, columns and roles.
//!
//! Every column of PostgreSQL's table is filled: those not named here hold what PostgreSQL stores for
//! "nothing": false, zero, an empty string, or NULL for lists and expressions.

use std::collections::BTreeSet;

use super::builtin::{self, BuiltinRelation, PUBLIC_OID};
use super::{keys, objects};
use crate::PgType;
use crate::catalog::{CatalogView, Relation, RelationColumn, RelationKind, oid_of, row_type_oid};
use crate::catalog_query::types::{self, Kind, kind};
use crate::catalog_query::{Row, Value};
use crate::objects::{
    DATABASE_OWNER, Head, Identity, Object, PUBLIC, SCHEMA_PRIVILEGES, SEQUENCE_PRIVILEGES,
    TABLE_PRIVILEGES, UserDefault,
};
use crate::session::SEARCH_PATH_DEFAULT;

/// The role that owns everything; nobody signs in as this role.
pub(crate) const OWNER_OID: u32 = 10;
/// Name of [`OWNER_OID`].
pub(crate) const OWNER_NAME: &str = "ergosql";

/// The tables with rows of ours.
pub(crate) const RELATIONS: [&str; 14] = [
    "pg_attrdef",
    "pg_attribute",
    "pg_authid",
    "pg_class",
    "pg_constraint",
    "pg_database",
    "pg_db_role_setting",
    "pg_depend",
    "pg_description",
    "pg_index",
    "pg_namespace",
    "pg_rewrite",
    "pg_sequence",
    "pg_type",
];

/// `pg_database_owner`: whoever may create schemas in the database is a member.
const DATABASE_OWNER_OID: u32 = 6171;
const HEAP_OID: u32 = 2;
/// `record_in`, `record_out`, `record_recv`, `record_send`.
const RECORD_FUNCTIONS: [i64; 4] = [2290, 2291, 2402, 2403];
/// `array_in`, `array_out`, `array_recv`, `array_send`, `array_subscript_handler`, `array_typanalyze`.
const ARRAY_FUNCTIONS: [i64; 6] = [750, 751, 2400, 2401, 6179, 3816];
pub(super) const PG_CLASS_OID: u32 = 1259;
const PG_CONSTRAINT_OID: u32 = 2606;
pub(super) const PG_NAMESPACE_OID: u32 = 2615;
const DEFAULT_TABLESPACE_OID: u32 = 1663;
const DEFAULT_COLLATION_OID: u32 = 100;
const C_COLLATION_OID: u32 = 950;
const UTF8_ENCODING: i64 = 6;

/// Object id of the database of the network `name`.
pub(crate) fn database_oid(name: &str) -> u32 {
    oid_of(name, "", "")
}

/// Object id of a schema.
pub(crate) fn schema_oid(view: &CatalogView, schema: &str) -> u32 {
    match view.objects.schema(schema) {
        Some(found) => found.head.oid,
        None => oid_of(&view.database, schema, ""),
    }
}

/// Object id of the owner of a relation.
pub(super) fn owner_oid(own: &Relation) -> u32 {
    own.owned.as_ref().map_or(OWNER_OID, |head| role_oid(&head.owner))
}

/// Object id of the role `name`.
pub(crate) fn role_oid(name: &str) -> u32 {
    match name {
        OWNER_NAME => OWNER_OID,
        DATABASE_OWNER => DATABASE_OWNER_OID,
        _ => oid_of("", "role", name),
    }
}

/// Rows that the session's objects add to the catalog `relation`.
pub(crate) fn rows(relation: &BuiltinRelation, view: &CatalogView) -> Vec<Row> {
    let make = Maker { relation };
    match relation.name {
        "pg_attrdef" => objects::defaults(&make, view),
        "pg_attribute" => {
            let mut rows: Vec<Row> =
                view.relations.iter().flat_map(|own| attributes(&make, view, own)).collect();
            rows.extend(index_attributes(&make, view));
            rows
        }
        "pg_authid" => roles(&make, view),
        "pg_class" => {
            let mut rows: Vec<Row> =
                view.relations.iter().map(|own| class(&make, view, own)).collect();
            rows.extend(keys::classes(&make, view));
            rows
        }
        "pg_constraint" => keys::constraints(&make, view),
        "pg_database" => view.databases.iter().map(|name| database(&make, view, name)).collect(),
        "pg_db_role_setting" => {
            view.databases.iter().map(|name| database_settings(&make, name)).collect()
        }
        "pg_depend" => objects::dependencies(&make, view),
        "pg_description" => descriptions(&make, view),
        "pg_index" => keys::index_rows(&make, view),
        "pg_namespace" => namespaces(&make, view),
        "pg_rewrite" => objects::rules(&make, view),
        "pg_sequence" => objects::sequences(&make, view),
        "pg_type" => {
            let with_rows = view.relations.iter().filter(|own| own.kind != RelationKind::Sequence);
            with_rows.flat_map(|own| row_types(&make, view, own)).collect()
        }
        _ => Vec::new(),
    }
}

/// What a database sets for all its sessions: where the tables of its chain are found.
fn database_settings(make: &Maker<'_>, name: &str) -> Row {
    let search_path = format!("search_path={SEARCH_PATH_DEFAULT}");
    make.row(&[
        ("setdatabase", Value::oid(database_oid(name))),
        ("setrole", Value::oid(0)),
        ("setconfig", Value::array(vec![Value::text(search_path)])),
    ])
}

/// Makes rows of one catalog from named fields.
pub(super) struct Maker<'a> {
    relation: &'a BuiltinRelation,
}

impl Maker<'_> {
    /// A row with these columns named, the others as [`nothing`] has them.
    pub(super) fn row(&self, fields: &[(&str, Value)]) -> Row {
        debug_assert!(
            fields
                .iter()
                .all(|field| { self.relation.columns.iter().any(|column| column.name == field.0) })
        );
        self.relation
            .columns
            .iter()
            .map(|column| {
                let named = fields.iter().find(|field| field.0 == column.name);
                named.map_or_else(|| nothing(column.type_oid), |field| field.1.clone())
            })
            .collect()
    }
}

/// What a catalog column holds where there is nothing to say.
fn nothing(type_oid: u32) -> Value {
    match kind(type_oid) {
        Kind::Bool => Value::Bool(false),
        Kind::Int => Value::Int(0),
        Kind::Float => Value::Float(0.0),
        Kind::Text if type_oid == types::NAME || type_oid == types::CHAR => Value::text(""),
        _ => Value::Null,
    }
}

pub(super) fn int(value: impl Into<i64>) -> Value {
    Value::Int(value.into())
}

/// An access list that gives the owner and everybody the same privileges: nothing can be changed.
fn access(letters: &str) -> Value {
    let item = |grantee| Value::text(format!("{grantee}={letters}/{OWNER_NAME}"));
    Value::array(vec![item(OWNER_NAME), item("")])
}

/// The access list of what a client made: NULL before the first grant.
pub(super) fn granted(head: &Head, all: &str) -> Value {
    if head.acl.all().next().is_none() {
        return Value::Null;
    }
    let owner = (head.owner.as_str(), all);
    let items = std::iter::once(owner).chain(head.acl.all());
    let item = |(grantee, letters)| Value::text(format!("{grantee}={letters}/{}", head.owner));
    Value::array(items.map(item).collect())
}

fn class(make: &Maker<'_>, view: &CatalogView, own: &Relation) -> Row {
    let is_table = own.kind == RelationKind::Table;
    let (letter, all) = match own.kind {
        RelationKind::Table => ("r", TABLE_PRIVILEGES),
        RelationKind::View => ("v", TABLE_PRIVILEGES),
        RelationKind::Sequence => ("S", SEQUENCE_PRIVILEGES),
    };
    make.row(&[
        ("oid", Value::oid(own.oid)),
        ("relname", Value::text(&*own.name)),
        ("relnamespace", Value::oid(schema_oid(view, &own.schema))),
        ("reltype", Value::oid(if letter == "S" { 0 } else { row_type_oid(own.oid) })),
        ("relowner", Value::oid(owner_oid(own))),
        ("relam", Value::oid(if is_table { HEAP_OID } else { 0 })),
        ("relfilenode", Value::oid(if letter == "v" { 0 } else { own.oid })),
        // -1 says that the number of rows is not known.
        ("reltuples", Value::Float(-1.0)),
        ("relhasindex", Value::Bool(keys::has_index(own))),
        ("relhasrules", Value::Bool(letter == "v")),
        ("relchecks", int(keys::check_count(own))),
        // PostgreSQL keeps foreign keys by triggers; clients look for foreign keys only where there are some.
        ("relhastriggers", Value::Bool(keys::is_in_reference(view, own))),
        ("relpersistence", Value::text(if own.is_temporary { "t" } else { "p" })),
        ("relkind", Value::text(letter)),
        ("relnatts", int(i64::try_from(own.columns.len()).unwrap_or(i64::MAX))),
        ("relispopulated", Value::Bool(true)),
        ("relreplident", Value::text(if is_table { "d" } else { "n" })),
        ("relacl", own.owned.as_ref().map_or_else(|| access("r"), |head| granted(head, all))),
    ])
}

fn attributes(make: &Maker<'_>, view: &CatalogView, own: &Relation) -> Vec<Row> {
    let table = match own.owned.as_ref().and_then(|head| view.objects.get(&head.schema, &head.name))
    {
        Some(Object::Table(table)) => Some(table),
        _ => None,
    };
    // No column of a view is declared NOT NULL, whatever its query gives.
    let is_view = own.kind == RelationKind::View;
    let row = |(at, number): (usize, i64)| {
        let column = &own.columns[at];
        let nullable = is_view || column.nullable;
        let default = table.and_then(|table| table.columns[at].default.as_ref());
        let column = RelationColumn { nullable, ..column.clone() };
        attribute(make, own.oid, &column, number, default)
    };
    (0..own.columns.len()).zip(1_i64..).map(row).collect()
}

/// Columns of the indexes that stand for keys.
fn index_attributes(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    keys::columns(view)
        .into_iter()
        .map(|(index, column, number)| {
            // A key's column may be null in its index as far as the catalog is concerned.
            let column = RelationColumn { nullable: true, ..column };
            attribute(make, index, &column, number, None)
        })
        .collect()
}

fn attribute(
    make: &Maker<'_>,
    relation: u32,
    column: &RelationColumn,
    number: i64,
    default: Option<&UserDefault>,
) -> Row {
    let identity = match default {
        Some(UserDefault::Serial { identity: Identity::Always, .. }) => "a",
        Some(UserDefault::Serial { identity: Identity::ByDefault, .. }) => "d",
        _ => "",
    };
    let type_oid = column.pg_type.oid();
    let layout = TypeLayout::of(type_oid);
    make.row(&[
        ("attrelid", Value::oid(relation)),
        ("attname", Value::text(&*column.name)),
        ("atttypid", Value::oid(type_oid)),
        ("attlen", int(column.pg_type.size())),
        ("attnum", int(number)),
        ("attcacheoff", int(-1)),
        ("atttypmod", int(column.type_modifier)),
        ("attndims", int(i64::from(types::element(type_oid).is_some()))),
        ("attbyval", layout.by_value),
        ("attalign", layout.alignment),
        ("attstorage", layout.storage),
        ("atthasdef", Value::Bool(default.is_some() && identity.is_empty())),
        ("attidentity", Value::text(identity)),
        ("attnotnull", Value::Bool(!column.nullable)),
        ("attislocal", Value::Bool(true)),
        ("attstattarget", int(-1)),
        ("attcollation", Value::oid(collation(column.pg_type))),
    ])
}

/// Object id of the collation that a column of this type has.
fn collation(pg_type: PgType) -> u32 {
    match pg_type {
        PgType::Name | PgType::NameArray => C_COLLATION_OID,
        PgType::Text
        | PgType::Varchar
        | PgType::Bpchar
        | PgType::TextArray
        | PgType::VarcharArray => DEFAULT_COLLATION_OID,
        _ => 0,
    }
}

/// How PostgreSQL would lay a type out in a row: shown by `\d+` and read by catalog tools.
struct TypeLayout {
    by_value: Value,
    alignment: Value,
    storage: Value,
}

impl TypeLayout {
    fn of(type_oid: u32) -> Self {
        let found = builtin::relation("pg_catalog", "pg_type").and_then(|relation| {
            let at = |name| relation.columns.iter().position(|column| column.name == name);
            let (oid, fields) = (at("oid")?, (at("typbyval")?, at("typalign")?, at("typstorage")?));
            let rows = super::tables::builtin_table(relation);
            let row = rows.rows.get(*rows.lookup(oid, &Value::oid(type_oid)).first()? as usize)?;
            Some((row[fields.0].clone(), row[fields.1].clone(), row[fields.2].clone()))
        });
        let (by_value, alignment, storage) =
            found.unwrap_or((Value::Bool(false), Value::text("i"), Value::text("x")));
        Self { by_value, alignment, storage }
    }
}

fn roles(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let role = |name: &str, is_owner: bool| {
        make.row(&[
            ("oid", Value::oid(role_oid(name))),
            ("rolname", Value::text(name)),
            ("rolsuper", Value::Bool(is_owner)),
            ("rolinherit", Value::Bool(true)),
            ("rolcanlogin", Value::Bool(!is_owner)),
            ("rolconnlimit", int(-1)),
        ])
    };
    let mut names: BTreeSet<&str> = [view.role.as_str()].into();
    let heads = view.objects.all().map(Object::head);
    for head in heads.chain(view.objects.schemas().map(|schema| &schema.head)) {
        names.insert(&head.owner);
        names.extend(head.acl.all().map(|item| item.0));
    }
    // Built in, or no role.
    for name in [OWNER_NAME, DATABASE_OWNER, PUBLIC] {
        names.remove(name);
    }
    let others = names.into_iter().map(|name| role(name, false));
    std::iter::once(role(OWNER_NAME, true)).chain(others).collect()
}

fn database(make: &Maker<'_>, view: &CatalogView, name: &str) -> Row {
    // Everybody may make temp tables.
    let everybody = "Tc";
    let mut list = access(everybody).elements().to_vec();
    if view.may_create && name == view.database {
        list.push(Value::text(format!("{}=C{everybody}/{OWNER_NAME}", view.role)));
    }
    make.row(&[
        ("oid", Value::oid(database_oid(name))),
        ("datname", Value::text(name)),
        ("datdba", Value::oid(OWNER_OID)),
        ("encoding", int(UTF8_ENCODING)),
        ("datlocprovider", Value::text("c")),
        ("datallowconn", Value::Bool(true)),
        ("datconnlimit", int(-1)),
        ("dattablespace", Value::oid(DEFAULT_TABLESPACE_OID)),
        ("datcollate", Value::text("C")),
        ("datctype", Value::text("C")),
        ("datacl", Value::array(list)),
    ])
}

fn namespaces(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let system = view.relations.iter().filter(|own| own.owned.is_none() || own.is_temporary);
    let system: BTreeSet<&str> = system.map(|own| &*own.schema).collect();
    let system = system.into_iter().map(|schema| {
        make.row(&[
            ("oid", Value::oid(schema_oid(view, schema))),
            ("nspname", Value::text(schema)),
            ("nspowner", Value::oid(OWNER_OID)),
            ("nspacl", access("U")),
        ])
    });
    // `public` is built in.
    let made =
        view.objects.schemas().filter(|schema| schema.head.oid != PUBLIC_OID).map(|schema| {
            make.row(&[
                ("oid", Value::oid(schema.head.oid)),
                ("nspname", Value::text(schema.head.name.as_str())),
                ("nspowner", Value::oid(role_oid(&schema.head.owner))),
                ("nspacl", granted(&schema.head, SCHEMA_PRIVILEGES)),
            ])
        });
    system.chain(made).collect()
}

/// Object id of the type of arrays of a relation's rows.
fn row_array_oid(view: &CatalogView, own: &Relation) -> u32 {
    oid_of(&view.database, "array", &own.oid.to_string())
}

/// The row type of a relation, and that of arrays of its rows.
fn row_types(make: &Maker<'_>, view: &CatalogView, own: &Relation) -> [Row; 2] {
    let common = [
        ("typnamespace", Value::oid(schema_oid(view, &own.schema))),
        ("typowner", Value::oid(owner_oid(own))),
        ("typlen", int(-1)),
        ("typisdefined", Value::Bool(true)),
        ("typdelim", Value::text(",")),
        ("typalign", Value::text("d")),
        ("typstorage", Value::text("x")),
        ("typtypmod", int(-1)),
    ];
    let row = [
        ("oid", Value::oid(row_type_oid(own.oid))),
        ("typname", Value::text(&*own.name)),
        ("typtype", Value::text("c")),
        ("typcategory", Value::text("C")),
        ("typrelid", Value::oid(own.oid)),
        ("typarray", Value::oid(row_array_oid(view, own))),
        ("typinput", int(RECORD_FUNCTIONS[0])),
        ("typoutput", int(RECORD_FUNCTIONS[1])),
        ("typreceive", int(RECORD_FUNCTIONS[2])),
        ("typsend", int(RECORD_FUNCTIONS[3])),
    ];
    let array = [
        ("oid", Value::oid(row_array_oid(view, own))),
        ("typname", Value::text(format!("_{}", own.name))),
        ("typtype", Value::text("b")),
        ("typcategory", Value::text("A")),
        ("typelem", Value::oid(row_type_oid(own.oid))),
        ("typsubscript", int(ARRAY_FUNCTIONS[4])),
        ("typanalyze", int(ARRAY_FUNCTIONS[5])),
        ("typinput", int(ARRAY_FUNCTIONS[0])),
        ("typoutput", int(ARRAY_FUNCTIONS[1])),
        ("typreceive", int(ARRAY_FUNCTIONS[2])),
        ("typsend", int(ARRAY_FUNCTIONS[3])),
    ];
    let with_common = |fields: &[(&'static str, Value)]| {
        let fields: Vec<_> = fields.iter().chain(&common).cloned().collect();
        make.row(&fields)
    };
    [with_common(&row), with_common(&array)]
}

fn descriptions(make: &Maker<'_>, view: &CatalogView) -> Vec<Row> {
    let row = |object: u32, class: u32, part: i64, text: &str| {
        make.row(&[
            ("objoid", Value::oid(object)),
            ("classoid", Value::oid(class)),
            ("objsubid", int(part)),
            ("description", Value::text(text)),
        ])
    };
    let mut rows = Vec::new();
    for own in view.relations.iter() {
        let parts = own.columns.iter().zip(1_i64..).map(|(column, at)| (at, &*column.comment));
        let parts = std::iter::once((0, &*own.comment)).chain(parts);
        rows.extend(
            parts
                .filter(|part| !part.1.is_empty())
                .map(|(at, comment)| row(own.oid, PG_CLASS_OID, at, comment)),
        );
    }
    rows.extend(
        super::objects::constraint_comments(view)
            .map(|(oid, comment)| row(oid, PG_CONSTRAINT_OID, 0, comment)),
    );
    let made = view.objects.schemas().map(|schema| &schema.head);
    rows.extend(
        made.filter(|head| head.oid != PUBLIC_OID && !head.comment.is_empty())
            .map(|head| row(head.oid, PG_NAMESPACE_OID, 0, &head.comment)),
    );
    let schemas: BTreeSet<&str> = view.relations.iter().map(|own| &*own.schema).collect();
    rows.extend(schemas.into_iter().filter_map(|schema| {
        let comment = schema_comment(schema)?;
        Some(row(schema_oid(view, schema), PG_NAMESPACE_OID, 0, comment))
    }));
    rows
}

fn schema_comment(schema: &str) -> Option<&'static str> {
    match schema {
        "chain" => Some("Verified tables of the network"),
        "ergo" => Some("The system itself: networks, ranges, gaps, segments"),
        _ => None,
    }
}
