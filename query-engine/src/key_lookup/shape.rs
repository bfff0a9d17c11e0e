//! Which statements are lookups by key.

use std::sync::LazyLock;

use schemas::{ColumnType, TableSpec};
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType as SqlType, Expr, ObjectName, Query, Select, SelectItem,
    SetExpr, TableFactor, Value,
};

use crate::PgType;
use crate::catalog_query::names::{fold, parts_of};
use crate::statement::{Kind, parse};
use crate::types::bytea;

/// The statement that every lookup is, but for its columns, its table and its condition.
static PLAIN: LazyLock<Box<Query>> =
    LazyLock::new(|| match parse("SELECT * FROM t WHERE true").map(|mut all| all.pop()) {
        Ok(Some(crate::Statement { kind: Kind::Query(query), .. })) => query,
        _ => unreachable!("the text is one query"),
    });

/// What the key is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyValue {
    /// `$1`, the only parameter.
    Parameter,
    Hash([u8; 32]),
    Number(i64),
}

/// A lookup, its columns by their positions.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Position of the table.
    pub(super) table: usize,
    pub(super) key: usize,
    pub(super) value: KeyValue,
    pub(super) columns: Vec<usize>,
}

impl Shape {
    /// `None` for every statement that differs from the shape in anything.
    pub(super) fn of(
        query: &Query,
        tables: &[&'static TableSpec],
        database: &str,
        declared: &[Option<PgType>],
    ) -> Option<Self> {
        let select = plain_select(query)?;
        let [from] = select.from.as_slice() else { return None };
        let TableFactor::Table { name, .. } = &from.relation else { return None };
        let table = table_of(name, tables, database)?;
        let spec = tables[table];
        let (key, value) = condition(select.selection.as_ref()?, spec)?;
        if value == KeyValue::Parameter {
            let expected = crate::catalog::chain::pg_type(spec.columns[key].column_type).0;
            let is_expected = |pg_type: &Option<PgType>| {
                pg_type.is_none_or(|pg_type| pg_type == expected || pg_type == PgType::Unknown)
            };
            if declared.len() > 1 || !declared.iter().all(is_expected) {
                return None;
            }
        } else if !declared.is_empty() {
            return None;
        }
        Some(Self { table, key, value, columns: columns(&select.projection, spec)? })
    }
}

/// The SELECT of a query that has nothing but columns, one table and a condition.
fn plain_select(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let SetExpr::Select(plain) = &*PLAIN.body else { return None };
    let mut rest = query.clone();
    let SetExpr::Select(other) = &mut *rest.body else { return None };
    let (from, plain_from) = (other.from.first_mut()?, plain.from.first()?);
    let TableFactor::Table { name, .. } = &mut from.relation else { return None };
    let TableFactor::Table { name: plain_name, .. } = &plain_from.relation else { return None };
    name.clone_from(plain_name);
    other.projection.clone_from(&plain.projection);
    other.selection.clone_from(&plain.selection);
    (rest == **PLAIN).then_some(select)
}

/// Position of the table that `chain.t` or `database.chain.t` names. Names without a schema depend on
/// the search path and are left to the planner.
fn table_of(name: &ObjectName, tables: &[&TableSpec], database: &str) -> Option<usize> {
    let parts = parts_of(name).ok()?;
    let table = match parts.as_slice() {
        [schema, table] if schema == "chain" => table,
        [catalog, schema, table] if catalog == database && schema == "chain" => table,
        _ => return None,
    };
    tables.iter().position(|spec| spec.name == table)
}

fn columns(projection: &[SelectItem], spec: &TableSpec) -> Option<Vec<usize>> {
    let SetExpr::Select(plain) = &*PLAIN.body else { return None };
    if projection == plain.projection {
        return Some((0..spec.columns.len()).collect());
    }
    let position = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) => column(expr, spec),
        _ => None,
    };
    projection.iter().map(position).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())
}

fn column(expr: &Expr, spec: &TableSpec) -> Option<usize> {
    let Expr::Identifier(ident) = expr else { return None };
    let name = fold(ident);
    spec.columns.iter().position(|column| column.name == name)
}

/// `key = value`: hashes that the index knows, and the block's number.
fn condition(condition: &Expr, spec: &TableSpec) -> Option<(usize, KeyValue)> {
    let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = condition else { return None };
    let key = column(left, spec)?;
    let found = &spec.columns[key];
    let is_hash = found.column_type == ColumnType::Hash
        && match spec.name {
            "blocks" | "transactions" if found.name == "hash" => true,
            "receipts" | "logs" | "token_transfers" if found.name == "transaction_hash" => true,
            _ => found.name == "block_hash",
        };
    let value = match is_hash {
        true => hash_value(right)?,
        false if found.name == spec.block_column => number_value(right)?,
        false => return None,
    };
    Some((key, value))
}

fn hash_value(expr: &Expr) -> Option<KeyValue> {
    match expr {
        Expr::Cast { kind: CastKind::DoubleColon, expr, data_type: SqlType::Bytea, .. }
            if matches!(&**expr, Expr::Value(_)) =>
        {
            hash_value(expr)
        }
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) if name == "$1" => Some(KeyValue::Parameter),
            Value::SingleQuotedString(text) => {
                bytea::parse(text).ok()?.as_slice().try_into().ok().map(KeyValue::Hash)
            }
            _ => None,
        },
        _ => None,
    }
}

fn number_value(expr: &Expr) -> Option<KeyValue> {
    let Expr::Value(value) = expr else { return None };
    match &value.value {
        Value::Placeholder(name) if name == "$1" => Some(KeyValue::Parameter),
        Value::Number(text, false) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().ok().map(KeyValue::Number)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schemas::tables::evm;

    use super::*;

    fn shape(sql: &str, declared: &[Option<PgType>]) -> Option<Shape> {
        let Kind::Query(query) = parse(sql).unwrap().remove(0).kind else { panic!("{sql}") };
        Shape::of(&query, &evm::TABLES, "demo", declared)
    }

    #[test]
    fn a_lookup_is_recognised_in_each_way_to_write_it() {
        for sql in [
            "SELECT * FROM chain.transactions WHERE hash = $1",
            "select Hash, nonce , nonce from CHAIN.Transactions where HASH = $1;",
            "SELECT \"hash\" FROM demo.chain.blocks WHERE number = $1",
            "SELECT data FROM chain.logs WHERE transaction_hash = $1::bytea",
            "SELECT data FROM chain.logs WHERE block_hash = $1",
            "SELECT amount FROM chain.withdrawals WHERE block_number = 5",
        ] {
            assert!(shape(sql, &[]).is_some(), "{sql}");
        }
        let columns = shape("SELECT nonce, hash FROM chain.transactions WHERE hash = $1", &[]);
        assert_eq!(columns.unwrap().columns, [1, 0]);
        let typed = "SELECT * FROM chain.transactions WHERE hash = $1";
        assert!(shape(typed, &[Some(PgType::Bytea)]).is_some());
        assert!(shape(typed, &[Some(PgType::Text)]).is_none());
    }

    #[test]
    fn everything_else_is_left_to_the_planner() {
        let hash = "00".repeat(32);
        let select = "SELECT hash FROM chain.transactions";
        for sql in [
            format!("{select} WHERE (hash = $1)"),
            format!("{select} WHERE hash = $2"),
            format!("{select} WHERE hash = '\\x00'"),
            format!("{select} WHERE hash <> $1"),
            format!("{select} WHERE hash = $1 OR nonce = 1"),
            format!("{select} WHERE hash = $1 AND nonce = 1"),
            format!("{select} WHERE from_address = $1"),
            format!("{select} WHERE block_number = 1.5"),
            format!("{select} WHERE block_number = 99999999999999999999"),
            format!("{select} t WHERE hash = $1"),
            format!("{select} WHERE hash = $1 LIMIT 1"),
            format!("{select} WHERE hash = $1 ORDER BY 1"),
            format!("{select}, chain.blocks WHERE hash = $1"),
            select.to_string(),
            "SELECT DISTINCT hash FROM chain.transactions WHERE hash = $1".to_owned(),
            "SELECT hash h FROM chain.transactions WHERE hash = $1".to_owned(),
            "SELECT hash + 1 FROM chain.transactions WHERE hash = $1".to_owned(),
            "SELECT hash FROM transactions WHERE hash = $1".to_owned(),
            "SELECT hash FROM other.chain.transactions WHERE hash = $1".to_owned(),
            "SELECT hash FROM chain.nothing WHERE hash = $1".to_owned(),
            format!("SELECT state_root FROM chain.blocks WHERE state_root = '\\x{hash}'"),
            "WITH t AS (SELECT 1) SELECT hash FROM chain.transactions WHERE hash = $1".to_owned(),
        ] {
            assert_eq!(shape(&sql, &[]), None, "{sql}");
        }
    }
}
