//! What a session sees of what clients made: the committed state of the database, the changes of its open
//! transaction over it, and its temp tables.
//!
//! ```text
//! Committed (one for all sessions) ──┐
//! changes of the open transaction ───┼─> Objects (one value per state; ROLLBACK is the value of before)
//! temp tables ───────────────────────┘
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::RecordBatch;

use super::object::{DATABASE_OWNER, Head, Name, Object, PUBLIC, Schema};
use super::{OnCommit, UserTable};
use crate::catalog::pg_catalog::builtin::PUBLIC_OID;
use crate::limits::{NESTING_MAX, TABLE_BYTES_MAX, TABLES_MAX, TEMP_BYTES_MAX, TEMP_TABLES_MAX};
use crate::{QueryError, SqlState};

/// Name by which a session reaches its own temp schema.
const TEMP_SCHEMA_ALIAS: &str = "pg_temp";

/// Number of the last shape: each is another one.
static SHAPES: AtomicU64 = AtomicU64::new(0);

fn new_shape() -> u64 {
    SHAPES.fetch_add(1, Ordering::Relaxed) + 1
}

/// The state that all sessions see.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub(super) schemas: BTreeMap<String, Arc<Schema>>,
    pub(super) objects: BTreeMap<Name, Object>,
    /// Another number for other schemas, relations or columns.
    pub(super) shape: u64,
}

impl Default for Committed {
    /// A new database: schema `public`, and nothing in it.
    fn default() -> Self {
        let mut head = Head::new(Name::new("", "public"), PUBLIC_OID, DATABASE_OWNER);
        head.acl.grant(PUBLIC, "U");
        head.comment = "standard public schema".to_owned();
        let schemas = [("public".to_owned(), Arc::new(Schema { head }))].into();
        Self { schemas, objects: BTreeMap::new(), shape: new_shape() }
    }
}

impl Committed {
    /// Which shape the relations have.
    pub(crate) fn shape(&self) -> u64 {
        self.shape
    }

    /// Marks that schemas, relations or columns are others now.
    pub(super) fn change_shape(&mut self) {
        self.shape = new_shape();
    }

    /// Bytes of all rows.
    pub(super) fn size_bytes(&self) -> usize {
        let tables = self.objects.values().filter_map(|object| match object {
            Object::Table(table) => Some(table.size_bytes()),
            _ => None,
        });
        tables.sum()
    }
}

/// What a transaction did to one relation.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The relation that it started from.
    pub(super) before: Option<Object>,
    /// `None` for one that was dropped.
    pub(super) after: Option<Object>,
    /// The rows that were added, where nothing else was done.
    pub(super) inserted: Option<Vec<RecordBatch>>,
    /// Whether it is more than rows that are others.
    pub(super) is_shape: bool,
}

/// What about a relation is new.
enum New {
    /// Its name, columns, keys or owner, or all of it.
    Shape,
    /// Its rows.
    Rows,
    /// These rows only, which were added.
    Added(Vec<RecordBatch>),
}

/// Everything that clients made, as one session sees it.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    committed: Arc<Committed>,
    changes: BTreeMap<Name, Change>,
    /// Schemas that the transaction made or changed; `None` for one that it dropped.
    schemas: BTreeMap<String, Option<Arc<Schema>>>,
    temp_schema: Arc<str>,
    temp: BTreeMap<String, Object>,
    /// Another number for other schemas, relations or columns.
    shape: u64,
}

impl Objects {
    /// A session's first state; `number` names its temp schema.
    pub(crate) fn new(committed: Arc<Committed>, number: u32) -> Self {
        Self {
            shape: new_shape(),
            committed,
            changes: BTreeMap::new(),
            schemas: BTreeMap::new(),
            temp_schema: format!("pg_temp_{number}").into(),
            temp: BTreeMap::new(),
        }
    }

    /// Which shape the relations have.
    pub(crate) fn shape(&self) -> u64 {
        self.shape
    }

    /// Marks that schemas, relations or columns are others now.
    pub(crate) fn change_shape(&mut self) {
        self.shape = new_shape();
    }

    /// The committed state that this is over.
    pub(crate) fn committed(&self) -> &Arc<Committed> {
        &self.committed
    }

    /// Name of the temp schema, once there is something in it.
    pub(crate) fn temp_schema(&self) -> Option<&str> {
        (!self.temp.is_empty()).then_some(&self.temp_schema)
    }

    /// Name of the schema that the next temp table will be in.
    pub(crate) fn temp_schema_name(&self) -> &str {
        &self.temp_schema
    }

    /// Whether `name` is a name of the temp schema.
    pub(crate) fn is_temp_schema(&self, name: &str) -> bool {
        name == TEMP_SCHEMA_ALIAS || name == &*self.temp_schema
    }

    /// The relation `schema.name`.
    pub(crate) fn get(&self, schema: &str, name: &str) -> Option<&Object> {
        if self.is_temp_schema(schema) {
            return self.temp.get(name);
        }
        let name = Name::new(schema, name);
        match self.changes.get(&name) {
            Some(change) => change.after.as_ref(),
            None => self.committed.objects.get(&name),
        }
    }

    /// Whether the planner cannot read the relation: one of its columns is kept in text form, or it is a view
    /// over such a table.
    pub(crate) fn is_evaluated(&self, object: &Object) -> bool {
        self.is_evaluated_at(object, 0)
    }

    fn is_evaluated_at(&self, object: &Object, depth: usize) -> bool {
        let is_of =
            |oid: &u32| self.by_oid(*oid).is_some_and(|read| self.is_evaluated_at(read, depth + 1));
        match object {
            Object::Table(table) => table.is_evaluated(),
            Object::View(found) => depth < NESTING_MAX && found.reads.iter().any(is_of),
            Object::Sequence(_) => false,
        }
    }

    /// The relation with this object id.
    pub(crate) fn by_oid(&self, oid: u32) -> Option<&Object> {
        self.all().find(|object| object.head().oid == oid)
    }

    /// All relations but temp tables.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &Object> {
        let untouched =
            self.committed.objects.iter().filter(|(name, _)| !self.changes.contains_key(*name));
        let changed = self.changes.values().filter_map(|change| change.after.as_ref());
        untouched.map(|(_, object)| object).chain(changed)
    }

    /// Temp tables, and what came with them.
    pub(crate) fn temp(&self) -> impl Iterator<Item = &Object> {
        self.temp.values()
    }

    /// All relations.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Object> {
        self.temp().chain(self.shared())
    }

    /// A schema that is no schema of the system.
    pub(crate) fn schema(&self, name: &str) -> Option<&Arc<Schema>> {
        match self.schemas.get(name) {
            Some(changed) => changed.as_ref(),
            None => self.committed.schemas.get(name),
        }
    }

    /// All schemas that are not the system's.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &Arc<Schema>> {
        let untouched =
            self.committed.schemas.iter().filter(|(name, _)| !self.schemas.contains_key(*name));
        untouched.map(|(_, schema)| schema).chain(self.schemas.values().flatten())
    }

    /// Makes or replaces a schema; `None` drops it.
    pub(crate) fn put_schema(&mut self, name: &str, schema: Option<Schema>) {
        self.schemas.insert(name.to_owned(), schema.map(Arc::new));
        self.change_shape();
    }

    /// Adds a relation, or replaces one by one that clients see as another.
    ///
    /// # Errors
    /// 54000 past the number of tables, 53200 past the bytes of rows.
    pub(crate) fn put(&mut self, object: Object) -> Result<(), QueryError> {
        self.change_shape();
        self.place(object, New::Shape)
    }

    /// Replaces a table by one with other rows.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(crate) fn put_rows(&mut self, table: UserTable) -> Result<(), QueryError> {
        self.place(Object::Table(Arc::new(table)), New::Rows)
    }

    /// Replaces a table by one with the rows of `added` more.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(crate) fn put_added(
        &mut self,
        table: UserTable,
        added: Vec<RecordBatch>,
    ) -> Result<(), QueryError> {
        self.place(Object::Table(Arc::new(table)), New::Added(added))
    }

    fn place(&mut self, object: Object, new: New) -> Result<(), QueryError> {
        let head = object.head();
        if self.is_temp_schema(&head.schema) {
            self.check_temp(&object)?;
            self.temp.insert(head.name.clone(), object);
            return Ok(());
        }
        if let Object::Table(table) = &object {
            check_table_bytes(table.size_bytes())?;
        }
        let name = head.full_name();
        if self.get(&name.schema, &name.name).is_none() && self.shared().count() >= TABLES_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a database can have {TABLES_MAX} tables, views and sequences"),
            ));
        }
        let change = self.changes.entry(name).or_insert_with_key(|name| Change {
            before: self.committed.objects.get(name).cloned(),
            after: None,
            inserted: Some(Vec::new()),
            is_shape: false,
        });
        change.after = Some(object);
        change.is_shape |= matches!(new, New::Shape);
        match (&mut change.inserted, new) {
            (Some(all), New::Added(rows)) => all.extend(rows),
            (all, _) => *all = None,
        }
        Ok(())
    }

    fn check_temp(&self, object: &Object) -> Result<(), QueryError> {
        let name = &object.head().name;
        if !self.temp.contains_key(name) && self.temp.len() >= TEMP_TABLES_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a session can have {TEMP_TABLES_MAX} temporary tables"),
            ));
        }
        let size = |object: &Object| match object {
            Object::Table(table) => table.size_bytes(),
            _ => 0,
        };
        let others = self.temp.iter().filter(|other| other.0 != name).map(|other| size(other.1));
        check_temp_bytes(others.sum::<usize>() + size(object))
    }

    /// Adds or replaces a table for the planning of one statement: its rows are those of tables that
    /// are there, so they are not counted again.
    pub(crate) fn show(&mut self, table: UserTable) {
        let name = table.head.name.clone();
        let object = Object::Table(Arc::new(table));
        if self.is_temp_schema(&object.head().schema) {
            self.temp.insert(name, object);
            return;
        }
        let name = object.head().full_name();
        let change = Change { before: None, after: Some(object), inserted: None, is_shape: false };
        self.changes.insert(name, change);
    }

    /// Drops a relation.
    pub(crate) fn remove(&mut self, schema: &str, name: &str) {
        self.change_shape();
        if self.is_temp_schema(schema) {
            self.temp.remove(name);
            return;
        }
        let name = Name::new(schema, name);
        let before = self.committed.objects.get(&name).cloned();
        let gone = Change { before, after: None, inserted: None, is_shape: true };
        let change = self.changes.entry(name).or_insert(gone);
        change.after = None;
        change.inserted = None;
        change.is_shape = true;
    }

    /// DISCARD TEMP.
    pub(crate) fn without_temp(&self) -> Self {
        let mut next = self.clone();
        next.temp.clear();
        next.change_shape();
        next
    }

    /// ON COMMIT of temp tables; `None` where none acts.
    pub(crate) fn committed_temp(&self) -> Option<Self> {
        let tables = self.temp.values().filter_map(|object| match object {
            Object::Table(table) => Some(table),
            _ => None,
        });
        let acting: Vec<_> =
            tables.filter(|table| table.on_commit != OnCommit::PreserveRows).cloned().collect();
        if acting.is_empty() {
            return None;
        }
        let mut next = self.clone();
        for table in acting {
            if table.on_commit == OnCommit::Drop {
                next.temp.remove(&table.head.name);
                next.change_shape();
            } else {
                let emptied = Object::Table(Arc::new(table.emptied()));
                next.temp.insert(table.head.name.clone(), emptied);
            }
        }
        Some(next)
    }

    /// Whether the transaction changed something that all sessions see.
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty() || !self.schemas.is_empty()
    }

    /// Whether the relation `name` is here what it is in `committed`, before the transaction's own changes.
    pub(crate) fn is_newest(&self, name: &Name, committed: &Committed) -> bool {
        match (self.committed.objects.get(name), committed.objects.get(name)) {
            (None, None) => true,
            (Some(here), Some(now)) => here.is_same(now),
            _ => false,
        }
    }

    pub(super) fn changes(&self) -> &BTreeMap<Name, Change> {
        &self.changes
    }

    pub(super) fn schema_changes(&self) -> &BTreeMap<String, Option<Arc<Schema>>> {
        &self.schemas
    }

    /// The same changes over a newer committed state. Rows that were added to a table are added to what
    /// the table is now.
    ///
    /// # Errors
    /// 40001 for a relation that both changed; 23505 for rows whose key another transaction has taken.
    pub(crate) fn over(&self, committed: Arc<Committed>) -> Result<Self, QueryError> {
        let mut next = self.clone();
        if committed.shape != self.committed.shape {
            next.change_shape();
        }
        for (name, change) in &mut next.changes {
            let now = committed.objects.get(name);
            let is_same = match (&change.before, now) {
                (None, None) => true,
                (Some(before), Some(now)) => before.is_same(now),
                _ => false,
            };
            if is_same {
                continue;
            }
            let (Some(Object::Table(now)), Some(rows)) = (now, &change.inserted) else {
                return Err(conflict());
            };
            let mut table = UserTable::clone(now);
            for batch in rows {
                let arrays = table.matching(batch).ok_or_else(conflict)?;
                table = table.appended(arrays, batch.num_rows(), &mut None)?;
            }
            change.before = Some(Object::Table(Arc::clone(now)));
            change.after = Some(Object::Table(Arc::new(table)));
        }
        next.committed = committed;
        Ok(next)
    }

    /// The state after the changes were committed as `committed`, or given up.
    pub(crate) fn settled(&self, committed: Arc<Committed>) -> Self {
        let mut next = self.clone();
        next.changes.clear();
        next.schemas.clear();
        next.committed = committed;
        next
    }
}

/// 40001.
pub(super) fn conflict() -> QueryError {
    QueryError::new(SqlState("40001"), "could not serialize access due to concurrent update")
}

/// # Errors
/// 53200 when the rows of a session's temp tables take more than [`TEMP_BYTES_MAX`].
pub(crate) fn check_temp_bytes(size_bytes: usize) -> Result<(), QueryError> {
    if size_bytes <= TEMP_BYTES_MAX {
        return Ok(());
    }
    Err(QueryError::new(
        SqlState::OUT_OF_MEMORY,
        format!(
            "temporary tables of this session would take {size_bytes} bytes, the limit is {TEMP_BYTES_MAX}"
        ),
    )
    .with_hint("Drop or truncate temporary tables that are no longer needed."))
}

/// # Errors
/// 53200 when the rows of a table take more than [`TABLE_BYTES_MAX`].
pub(crate) fn check_table_bytes(size_bytes: usize) -> Result<(), QueryError> {
    if size_bytes <= TABLE_BYTES_MAX {
        return Ok(());
    }
    Err(QueryError::new(
        SqlState::OUT_OF_MEMORY,
        format!("a table would take {size_bytes} bytes, the limit is {TABLE_BYTES_MAX}"),
    ))
}
