//! Which statements are lookups by key.

use std::sync::LazyLock;

use schemas::{ColumnType, TableSpec};
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType as SqlType, Expr, LimitClause, ObjectName, Query, Select,
    SelectItem, SetExpr, TableAlias, TableFactor, Value,
};

use crate::PgType;
use crate::catalog_query::names::{fold, parts_of};
use crate::statement::{Kind, parse};
use crate::types::bytea;

/// The statement that every lookup is, but for its columns, its table and its condition.
static PLAIN: LazyLock<Box<Query>> = LazyLock::new(|| {
    let statements = parse("SELECT * FROM t WHERE true").unwrap_or_default();
    match statements.first().map(|statement| &*statement.kind) {
        Some(Kind::Query(query)) => query.clone(),
        _ => unreachable!("the text is one query"),
    }
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
    pub(super) columns: Vec<Wanted>,
    /// `LIMIT`, at least 1.
    pub(super) limit: Option<usize>,
}

/// A column of the result.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Position in the table.
    pub(super) index: usize,
    /// Its name in the result.
    pub(super) name: String,
}

/// The one table of a statement, and what its columns may be qualified with.
struct Source<'a> {
    spec: &'static TableSpec,
    database: &'a str,
    /// Hides the table's own name.
    alias: Option<String>,
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
        let TableFactor::Table { name, alias, .. } = &from.relation else { return None };
        let table = table_of(name, tables, database)?;
        let spec = tables[table];
        let alias = alias.as_ref().map(|alias| fold(&alias.name));
        let source = Source { spec, database, alias };
        let (key, value) = source.condition(select.selection.as_ref()?)?;
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
        let limit = match &query.limit_clause {
            None => None,
            Some(LimitClause::LimitOffset { limit: Some(limit), .. }) => Some(row_count(limit)?),
            Some(_) => return None,
        };
        Some(Self { table, key, value, columns: source.columns(&select.projection)?, limit })
    }
}

/// The SELECT of a query that has nothing but columns, one table, a condition and a limit.
fn plain_select(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let SetExpr::Select(plain) = &*PLAIN.body else { return None };
    let mut rest = query.clone();
    if let Some(LimitClause::LimitOffset { offset: None, limit_by, .. }) = &rest.limit_clause
        && limit_by.is_empty()
    {
        rest.limit_clause = None;
    }
    let SetExpr::Select(other) = &mut *rest.body else { return None };
    let (from, plain_from) = (other.from.first_mut()?, plain.from.first()?);
    let TableFactor::Table { name, alias, .. } = &mut from.relation else { return None };
    let TableFactor::Table { name: plain_name, .. } = &plain_from.relation else { return None };
    name.clone_from(plain_name);
    if alias.as_ref().is_some_and(is_name_alone) {
        *alias = None;
    }
    other.projection.clone_from(&plain.projection);
    other.selection.clone_from(&plain.selection);
    (rest == **PLAIN).then_some(select)
}

/// Whether an alias names the table and not its columns.
fn is_name_alone(alias: &TableAlias) -> bool {
    alias.columns.is_empty() && alias.at.is_none()
}

/// The number of a `LIMIT`, if it is a literal other than 0.
fn row_count(limit: &Expr) -> Option<usize> {
    let Expr::Value(value) = limit else { return None };
    let Value::Number(text, false) = &value.value else { return None };
    text.parse().ok().filter(|count| *count > 0)
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

impl Source<'_> {
    fn columns(&self, projection: &[SelectItem]) -> Option<Vec<Wanted>> {
        let SetExpr::Select(plain) = &*PLAIN.body else { return None };
        let wanted =
            |index: usize| Wanted { index, name: self.spec.columns[index].name.to_owned() };
        if projection == plain.projection {
            return Some((0..self.spec.columns.len()).map(wanted).collect());
        }
        let column = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(expr) => self.column(expr).map(wanted),
            SelectItem::ExprWithAlias { expr, alias } => {
                Some(Wanted { index: self.column(expr)?, name: fold(alias) })
            }
            _ => None,
        };
        projection.iter().map(column).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())
    }

    /// Position of the column that `column`, `table.column` or `alias.column` names.
    fn column(&self, expr: &Expr) -> Option<usize> {
        let name = match expr {
            Expr::Identifier(ident) => fold(ident),
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<_> = parts.iter().map(fold).collect();
                let (name, qualifier) = parts.split_last()?;
                let qualifier: Vec<_> = qualifier.iter().map(String::as_str).collect();
                let is_this = match (&self.alias, qualifier.as_slice()) {
                    (Some(alias), [table]) => alias == table,
                    (None, [table] | ["chain", table]) => self.spec.name == *table,
                    (None, [database, "chain", table]) => {
                        self.database == *database && self.spec.name == *table
                    }
                    _ => false,
                };
                is_this.then(|| name.clone())?
            }
            _ => return None,
        };
        self.spec.columns.iter().position(|column| column.name == name)
    }

    /// `key = value`, in any order: hashes that the index knows, and the block's number.
    fn condition(&self, condition: &Expr) -> Option<(usize, KeyValue)> {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = condition else { return None };
        let (key, value) = match self.column(left) {
            Some(key) => (key, right),
            None => (self.column(right)?, left),
        };
        let found = &self.spec.columns[key];
        let is_hash = found.column_type == ColumnType::Hash
            && match self.spec.name {
                "blocks" | "transactions" if found.name == "hash" => true,
                "receipts" | "logs" | "token_transfers" if found.name == "transaction_hash" => true,
                _ => found.name == "block_hash",
            };
        let value = match is_hash {
            true => hash_value(value)?,
            false if found.name == self.spec.block_column => number_value(value)?,
            false => return None,
        };
        Some((key, value))
    }
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
        let Kind::Query(query) = (*parse(sql).unwrap().remove(0).kind).clone() else {
            panic!("{sql}")
        };
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
            "SELECT t.hash, nonce FROM chain.transactions AS t WHERE t.hash = $1",
            "SELECT transactions.hash AS h FROM chain.transactions WHERE chain.transactions.hash = $1",
            "SELECT demo.chain.blocks.hash FROM chain.blocks WHERE $1 = number LIMIT 1",
            "SELECT hash FROM chain.blocks WHERE number = $1 LIMIT ALL",
        ] {
            assert!(shape(sql, &[]).is_some(), "{sql}");
        }
        let columns = shape("SELECT nonce, hash FROM chain.transactions WHERE hash = $1", &[]);
        let columns = columns.unwrap().columns;
        assert_eq!(columns.iter().map(|column| column.index).collect::<Vec<_>>(), [1, 0]);
        let renamed =
            "SELECT nonce AS N, t.hash \"H\" FROM chain.transactions t WHERE t.hash = $1 LIMIT 7";
        let found = shape(renamed, &[]).unwrap();
        assert_eq!(found.limit, Some(7));
        assert_eq!(found.columns.iter().map(|column| &column.name).collect::<Vec<_>>(), ["n", "H"]);
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
            format!("{select} t WHERE transactions.hash = $1"),
            format!("{select} t (a) WHERE hash = $1"),
            format!("{select} WHERE t.hash = $1"),
            format!("{select} WHERE $1 = $1"),
            format!("{select} WHERE hash = $1 LIMIT 0"),
            format!("{select} WHERE hash = $1 LIMIT $1"),
            format!("{select} WHERE hash = $1 LIMIT 1 OFFSET 1"),
            format!("{select} WHERE hash = $1 ORDER BY 1"),
            format!("{select}, chain.blocks WHERE hash = $1"),
            select.to_string(),
            "SELECT DISTINCT hash FROM chain.transactions WHERE hash = $1".to_owned(),
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
