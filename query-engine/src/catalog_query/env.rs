//! What a catalog statement can see: the session's catalogs, settings and names.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use regex::{Regex, RegexBuilder};
use tokio_util::sync::CancellationToken;

use super::Value;
use super::names::quote_ident;
use super::types::{self, TypeOid};
use crate::catalog::CatalogView;
use crate::catalog::pg_catalog::builtin;
use crate::catalog::pg_catalog::tables::Table;
use crate::values::TextStyle;
use crate::{QueryError, SqlState};

/// Compiled patterns kept by one statement.
const PATTERNS_MAX: usize = 1024;
/// Memory that one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Runs a query of the planner to its end, on a thread that may wait.
pub(crate) trait Fetch: Send + Sync {
    /// All rows of `sql`.
    ///
    /// # Errors
    /// What the planner reports; 0A000 past [`crate::limits::FETCHED_ROWS_MAX`] rows, 57014 when cancelled.
    fn rows(&self, sql: &str) -> Result<Vec<RecordBatch>, QueryError>;
}

/// The session's view during one statement.
pub(crate) struct Env<'a> {
    /// What the session can see.
    pub(crate) view: &'a CatalogView,
    /// Fires when the statement has to stop; `None` where nothing may wait.
    pub(crate) cancel: Option<CancellationToken>,
    /// Reads chain tables; `None` where a statement has none.
    pub(crate) fetch: Option<Arc<dyn Fetch>>,
    patterns: RefCell<HashMap<(String, bool), Regex>>,
    style: OnceCell<TextStyle>,
}

impl<'a> Env<'a> {
    /// An environment over `view`.
    pub(crate) fn new(view: &'a CatalogView) -> Self {
        Self {
            view,
            cancel: None,
            fetch: None,
            patterns: RefCell::default(),
            style: OnceCell::new(),
        }
    }

    /// An environment in which values look as under default settings: as they are stored.
    pub(crate) fn plain(view: &'a CatalogView) -> Self {
        Self { style: OnceCell::from(TextStyle::default()), ..Self::new(view) }
    }

    /// An environment of a statement on a thread of its own, whose functions may wait.
    pub(crate) fn cancellable(view: &'a CatalogView, cancel: &CancellationToken) -> Self {
        Self { cancel: Some(cancel.clone()), ..Self::new(view) }
    }

    /// How values look under the session's settings.
    pub(crate) fn style(&self) -> &TextStyle {
        let read = || TextStyle::new(|name| self.view.settings().get(name)).unwrap_or_default();
        self.style.get_or_init(read)
    }

    /// The table `pg_catalog.name`, which must not be a view.
    pub(crate) fn table(&self, name: &str) -> Arc<Table> {
        let relation = builtin::relation("pg_catalog", name).expect("a table of pg_catalog");
        self.view.tables.get(relation, self.view)
    }

    /// Column `column` of the row of `pg_catalog.table` whose `oid` is `oid`.
    pub(crate) fn field(&self, table: &str, oid: i64, column: &str) -> Option<Value> {
        let table = self.table(table);
        let at = table.position("oid")?;
        let row = *table.lookup(at, &Value::Int(oid)).first()?;
        Some(table.rows[row as usize][table.position(column)?].clone())
    }

    /// Object id of the row of `pg_catalog.table` whose `column` is `name`.
    pub(crate) fn find_by_name(
        &self,
        table: &str,
        column: &str,
        name: &str,
    ) -> Result<Option<Value>, QueryError> {
        let table = self.table(table);
        let at = table.position(column).zip(table.position("oid"));
        Ok(at.and_then(|(name_at, oid_at)| {
            let row = *table.lookup(name_at, &Value::text(name)).first()?;
            Some(table.rows[row as usize][oid_at].clone())
        }))
    }

    /// Object id of the object that a name of one or two parts (or three, with this database) finds.
    pub(crate) fn find_in_path(
        &self,
        table: &str,
        name_column: &str,
        schema_column: &str,
        names: &[&str],
    ) -> Result<Option<Value>, QueryError> {
        let (schema, name) = match names {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            [database, schema, name] if *database == self.view.database => (Some(*schema), *name),
            _ => {
                return Err(QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("cross-database references are not implemented: {}", names.join(".")),
                ));
            }
        };
        let schemas = match schema {
            Some(schema) => vec![schema.to_owned()],
            None => self.view.search_path(),
        };
        let table = self.table(table);
        for schema in schemas {
            let Some(schema_oid) = self.find_by_name("pg_namespace", "nspname", &schema)? else {
                continue;
            };
            let found = self
                .rows_named(&table, name_column, name)
                .find(|row| table.position(schema_column).is_some_and(|at| row[at] == schema_oid));
            if let Some(row) = found {
                return Ok(table.position("oid").map(|at| row[at].clone()));
            }
        }
        Ok(None)
    }

    fn rows_named<'t>(
        &self,
        table: &'t Table,
        name_column: &str,
        name: &str,
    ) -> impl Iterator<Item = &'t super::Row> {
        let found: &'t [u32] =
            table.position(name_column).map_or(&[], |at| table.lookup(at, &Value::text(name)));
        found.iter().map(|at| &table.rows[*at as usize])
    }

    /// Whether an unqualified name would find this very object; `None` for an unknown object.
    pub(crate) fn is_visible(
        &self,
        table: &str,
        name_column: &str,
        schema_column: &str,
        oid: i64,
    ) -> Option<bool> {
        let name = self.field(table, oid, name_column)?;
        let schema = self.field(table, oid, schema_column)?;
        let table = self.table(table);
        let schema_at = table.position(schema_column)?;
        for path_schema in self.view.search_path() {
            let found = self.find_by_name("pg_namespace", "nspname", &path_schema).ok()?;
            let Some(path_oid) = found else { continue };
            if path_oid == schema {
                return Some(true);
            }
            let hidden = self.rows_named(&table, name_column, name.as_text());
            if hidden.into_iter().any(|row| row[schema_at] == path_oid) {
                return Some(false);
            }
        }
        Some(false)
    }

    /// Name of an object, with its schema where a bare name would not find it.
    pub(crate) fn qualified(
        &self,
        table: &str,
        name_column: &str,
        schema_column: &str,
        oid: i64,
    ) -> Option<String> {
        let name = self.field(table, oid, name_column)?;
        let name = quote_ident(name.as_text());
        if self.is_visible(table, name_column, schema_column, oid)? {
            return Some(name);
        }
        let schema = self.field(table, oid, schema_column)?.as_int()?;
        let schema = self.field("pg_namespace", schema, "nspname")?;
        Some(format!("{}.{name}", quote_ident(schema.as_text())))
    }

    /// Name of a type without modifiers, as `format_type` prints it; `None` for an unknown type.
    pub(crate) fn type_name(&self, oid: i64) -> Option<String> {
        let builtin = u32::try_from(oid).ok().and_then(builtin::type_of);
        match builtin {
            Some(found) if found.namespace == builtin::PG_CATALOG_OID => {
                Some(types::type_name(found.oid))
            }
            _ => self.qualified("pg_type", "typname", "typnamespace", oid),
        }
    }

    /// Whether `text` matches the regular expression `pattern`.
    ///
    /// # Errors
    /// 2201B for a pattern that is not valid or too large.
    pub(crate) fn matches(
        &self,
        text: &str,
        pattern: &str,
        insensitive: bool,
    ) -> Result<bool, QueryError> {
        self.with_pattern(pattern, insensitive, |regex| regex.is_match(text))
    }

    /// Runs `use_regex` on the compiled `pattern`.
    ///
    /// # Errors
    /// 2201B for a pattern that is not valid or too large.
    pub(crate) fn with_pattern<T>(
        &self,
        pattern: &str,
        insensitive: bool,
        use_regex: impl FnOnce(&Regex) -> T,
    ) -> Result<T, QueryError> {
        let key = (pattern.to_owned(), insensitive);
        let mut patterns = self.patterns.borrow_mut();
        if let Some(regex) = patterns.get(&key) {
            return Ok(use_regex(regex));
        }
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(insensitive)
            .dot_matches_new_line(true)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|_| {
                QueryError::new(SqlState("2201B"), format!("invalid regular expression: {pattern}"))
            })?;
        if patterns.len() >= PATTERNS_MAX {
            patterns.clear();
        }
        let result = use_regex(&regex);
        patterns.insert(key, regex);
        Ok(result)
    }

    /// Type of a value that functions read by name, with [`types::UNKNOWN`] taken as text.
    pub(crate) fn known(type_oid: TypeOid) -> TypeOid {
        if type_oid == types::UNKNOWN { types::TEXT } else { type_oid }
    }
}
