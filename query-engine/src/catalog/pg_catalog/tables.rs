//! Catalog tables as a session sees them: built-in rows, and rows of the session's own objects.
//!
//! ```text
//! builtin rows ──shared by all sessions──> Table (unchanged catalogs: pg_proc, pg_operator, …)
//!              └─ + user_rows(CatalogView) ─> Table of this session (pg_class, pg_attribute, …)
//! ```
//!
//! Invariants
//! - A table is built on first use and never changes after: a session's objects are fixed.
//! - Every relation of PostgreSQL 16 exists with its columns, also where it has no rows here.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use super::builtin::{self, BuiltinColumn, BuiltinRelation};
use super::user_rows;
use crate::catalog::CatalogView;
use crate::catalog_query::types::{Kind, kind};
use crate::catalog_query::{Row, Value};

/// Rows of one catalog relation, with an index on each column that is looked up by value.
#[derive(Debug)]
pub(crate) struct Table {
    /// All rows.
    pub(crate) rows: Vec<Row>,
    columns: Arc<[BuiltinColumn]>,
    indexes: Vec<OnceLock<HashMap<Value, Vec<u32>>>>,
}

impl Table {
    /// A table with `rows`, each as long as `columns`.
    pub(crate) fn new(columns: Arc<[BuiltinColumn]>, rows: Vec<Row>) -> Self {
        let indexes = columns.iter().map(|_| OnceLock::new()).collect();
        Self { rows, columns, indexes }
    }

    /// Position of a column.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|found| found.name == column)
    }

    /// How the values of a column are held.
    pub(crate) fn kind(&self, column: usize) -> Kind {
        kind(self.columns[column].type_oid)
    }

    /// Positions of the rows whose `column` equals `key`; none for a null key.
    pub(crate) fn lookup(&self, column: usize, key: &Value) -> &[u32] {
        if key.is_null() {
            return &[];
        }
        let index = self.indexes[column].get_or_init(|| {
            let mut index: HashMap<Value, Vec<u32>> = HashMap::new();
            for (at, row) in self.rows.iter().enumerate() {
                let at = u32::try_from(at).expect("a catalog has fewer than 2^32 rows");
                index.entry(row[column].clone()).or_default().push(at);
            }
            index
        });
        index.get(key).map_or(&[], Vec::as_slice)
    }
}

fn columns_of(relation: &BuiltinRelation) -> Arc<[BuiltinColumn]> {
    relation.columns.clone().into()
}

static SHARED: LazyLock<HashMap<u32, OnceLock<Arc<Table>>>> = LazyLock::new(|| {
    builtin::relations().iter().map(|relation| (relation.oid, OnceLock::new())).collect()
});

/// The table with its built-in rows only.
pub(crate) fn builtin_table(relation: &BuiltinRelation) -> Arc<Table> {
    let build = || Arc::new(Table::new(columns_of(relation), builtin::rows(relation)));
    SHARED.get(&relation.oid).map_or_else(build, |cell| Arc::clone(cell.get_or_init(build)))
}

/// Tables that hold rows of the session's own objects, each built on first use.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    own: [OnceLock<Arc<Table>>; user_rows::RELATIONS.len()],
}

impl Tables {
    /// The table `relation`, which is no view, as `view` sees it.
    pub(crate) fn get(&self, relation: &BuiltinRelation, view: &CatalogView) -> Arc<Table> {
        let shared = builtin_table(relation);
        let Some(at) = user_rows::RELATIONS
            .iter()
            .position(|name| relation.schema == "pg_catalog" && *name == relation.name)
        else {
            return shared;
        };
        let build = || {
            let mut rows = shared.rows.clone();
            rows.extend(user_rows::rows(relation, view));
            Arc::new(Table::new(columns_of(relation), rows))
        };
        Arc::clone(self.own[at].get_or_init(build))
    }
}
