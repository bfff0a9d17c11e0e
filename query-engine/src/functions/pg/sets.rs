//! Functions that give the rows of a fixed table, and those that cut a text into rows.

use super::{Call, Entry, set};
use crate::catalog_query::{Row, Value};
use crate::{QueryError, SqlState};

/// Answers of PostgreSQL 16, made by `scripts/pg-builtin.sh`: a header line, then one row a line.
const KEYWORDS: &str = include_str!("../../catalog/pg_catalog/builtin/pg_get_keywords.tsv");
const TOKEN_TYPES: &str = include_str!("../../catalog/pg_catalog/builtin/ts_token_type.tsv");

/// Object id of the one text search parser there is.
const DEFAULT_PARSER_OID: i64 = 3722;

pub(super) const FUNCTIONS: &[Entry] = &[
    set(
        "pg_get_keywords() setof word text, catcode \"char\", barelabel bool, catdesc text, baredesc text",
        |_| Ok(fields(KEYWORDS).map(|row| keyword(&row)).collect()),
    ),
    set(
        "pg_available_extensions() setof name name, default_version text, comment text",
        available_extensions,
    ),
    set("ts_token_type(oid) setof tokid int4, alias text, description text", token_types),
    set("string_to_table(text,text) setof string_to_table text", |call| {
        let (text, separator) = (call.text(0), call.text(1));
        let row = |part: &str| Row::from([Value::text(part)]);
        Ok(match (text, separator) {
            ("", _) => Vec::new(),
            (text, "") => vec![row(text)],
            (text, separator) => text.split(separator).map(row).collect(),
        })
    }),
];

/// The extensions that are installed: none can be added.
fn available_extensions(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    let extensions = call.env.table("pg_extension");
    let at = |name| extensions.position(name).expect("a column of pg_extension");
    let class = call.env.find_by_name("pg_class", "relname", "pg_extension")?;
    Ok(extensions
        .rows
        .iter()
        .map(|row| {
            let comment =
                super::objects::description_of(call.env, &row[at("oid")], class.as_ref(), 0);
            Row::from([row[at("extname")].clone(), row[at("extversion")].clone(), comment])
        })
        .collect())
}

fn fields(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect())
}

fn keyword(row: &[&str]) -> Row {
    row.iter()
        .enumerate()
        .map(|(at, field)| if at == 2 { Value::Bool(*field == "t") } else { Value::text(*field) })
        .collect()
}

fn token_types(call: &Call<'_>) -> Result<Vec<Row>, QueryError> {
    if call.int(0) != DEFAULT_PARSER_OID {
        return Err(QueryError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("text search parser with OID {} does not exist", call.int(0)),
        ));
    }
    Ok(fields(TOKEN_TYPES)
        .map(|row| {
            let number = row[0].parse().expect("the first column is a number");
            Row::from([Value::Int(number), Value::text(row[1]), Value::text(row[2])])
        })
        .collect())
}
