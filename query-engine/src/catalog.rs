//! Names → tables. What a session can see, and the one description of it that `pg_catalog`,
//! `information_schema`, `\d` and name resolution share.
//!
//! ```text
//! CatalogView (one per session) ── relations ──> chain: tables of the family, ergo: the system's own,
//!                               │                and what clients made
//!                               └─ settings ───> SHOW, current_setting, search_path
//! ```
//!
//! Invariants
//! - An object id of the system's relations depends on network, schema and table name alone: it is the
//!   same after a restart. Those of what clients made are stored.

pub(crate) mod chain;
pub(crate) mod pg_catalog;
pub(crate) mod resolve;
mod sizes;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use datafusion::arrow::datatypes::Field;

use crate::activity::Entry;
use crate::catalog_query::Row;
use crate::notify::Outbox;
use crate::objects::{Counter, Head, Object, Objects, Role};
use crate::session::Settings;
use crate::{PgType, QueryError};

pub(crate) use sizes::Sizes;

/// Field metadata key: name of the PostgreSQL type (`PgType::name`) where the Arrow type alone does
/// not say it, for example `name` or `oid`. It survives plain column references.
pub(crate) const PG_TYPE_KEY: &str = "ergosql.pg_type";

/// Object ids below this belong to PostgreSQL's built-in objects.
pub(crate) const FIRST_USER_OID: u32 = 16_384;

/// What a relation is, as `pg_class.relkind` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelationKind {
    /// `r`: rows are stored.
    Table,
    /// `v`: rows are computed, from a query or from the system's state.
    View,
    /// `S`: a sequence.
    Sequence,
}

/// One column as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RelationColumn {
    /// Name in SQL.
    pub(crate) name: Cow<'static, str>,
    /// Type on the wire.
    pub(crate) pg_type: PgType,
    /// Type modifier, -1 for none.
    pub(crate) type_modifier: i32,
    /// False where every row has a value.
    pub(crate) nullable: bool,
    /// Meaning and unit.
    pub(crate) comment: Cow<'static, str>,
}

/// A key, an index or another rule about the rows of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RelationKey {
    /// Name of the constraint, and of its index where it has one.
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: KeyKind,
    /// Positions of its columns.
    pub(crate) columns: Vec<usize>,
}

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Primary,
    Unique,
    /// An index that is no constraint.
    Index {
        is_unique: bool,
    },
    /// CHECK with this condition.
    Check(String),
    /// The columns are those of a row of another table.
    Reference {
        /// Object id of the other table, and positions of its columns.
        table: u32,
        target: Vec<usize>,
        /// What happens to this row with the other one: letters of `pg_constraint`.
        on_delete: u8,
        on_update: u8,
    },
}

/// One relation that a session sees.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// Schema name.
    pub(crate) schema: Cow<'static, str>,
    /// Name in its schema.
    pub(crate) name: Cow<'static, str>,
    /// Object id; [`row_type_oid`] gives the id of its row type.
    pub(crate) oid: u32,
    /// Table or view.
    pub(crate) kind: RelationKind,
    /// A table of this session only.
    pub(crate) is_temporary: bool,
    /// For what clients made: owner and privileges. The system's relations are read by everybody.
    pub(crate) owned: Option<Arc<Head>>,
    /// What a row is.
    pub(crate) comment: Cow<'static, str>,
    /// Columns in `SELECT *` order; `attnum` is the index plus one.
    pub(crate) columns: Vec<RelationColumn>,
    /// Keys of its rows.
    pub(crate) keys: Arc<[RelationKey]>,
}

/// What one session can see. Made when the session is made; `settings` changes with SET, and the
/// session makes another one when what clients made changes.
#[derive(Clone, Debug)]
pub(crate) struct CatalogView {
    /// The network that the session is connected to.
    pub(crate) database: String,
    /// All networks, by name.
    pub(crate) databases: Vec<String>,
    /// Role name of the session's principal.
    pub(crate) role: String,
    /// Whether the role may create schemas in the database.
    pub(crate) may_create: bool,
    /// Relations of schemas `chain` and `ergo` of this database, and those that clients made.
    pub(crate) relations: Arc<[Relation]>,
    /// What clients made, as this session sees it now.
    pub(crate) objects: Arc<Objects>,
    /// Values that the session took from sequences; lock briefly, never across an await.
    pub(crate) sequences: Arc<Mutex<SequenceUse>>,
    /// Settings of the session; lock briefly, never across an await.
    pub(crate) settings: Arc<Mutex<Settings>>,
    /// Catalog tables built so far for this session.
    pub(crate) tables: Arc<pg_catalog::Tables>,
    /// How large the tables are on disk.
    pub(crate) sizes: Sizes,
    /// The session among all of this server.
    pub(crate) entry: Arc<Entry>,
    /// Named statements and cursors of the session, brought up to date before a statement lists them.
    pub(crate) own: Arc<Mutex<OwnLists>>,
    /// What the open transaction says with NOTIFY; lock briefly, never across an await.
    pub(crate) outbox: Arc<Mutex<Outbox>>,
}

/// Rows of `pg_prepared_statements` and `pg_cursors`.
#[derive(Debug, Default)]
pub(crate) struct OwnLists {
    pub(crate) statements: Vec<Row>,
    pub(crate) cursors: Vec<Row>,
}

/// What currval() and lastval() give.
#[derive(Debug, Default)]
pub(crate) struct SequenceUse {
    /// Last value of each sequence by object id.
    pub(crate) values: HashMap<u32, i64>,
    /// The sequence that was used last.
    pub(crate) last: Option<u32>,
    /// Whether the end of the transaction has values to write.
    pub(crate) is_dirty: bool,
}

impl SequenceUse {
    /// DISCARD SEQUENCES.
    pub(crate) fn forget(&mut self) {
        self.values.clear();
        self.last = None;
    }
}

impl CatalogView {
    /// Who runs statements.
    pub(crate) fn role(&self) -> Role<'_> {
        Role { name: &self.role, may_create: self.may_create }
    }

    /// Locks the values taken from sequences.
    pub(crate) fn sequences(&self) -> std::sync::MutexGuard<'_, SequenceUse> {
        self.sequences.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The next value of a sequence.
    ///
    /// # Errors
    /// 2200H past its last value.
    pub(crate) fn next_value(&self, oid: u32, counter: &Counter) -> Result<i64, QueryError> {
        let value =
            counter.next(self.objects.by_oid(oid).map_or("", |object| &object.head().name))?;
        let mut sequences = self.sequences();
        sequences.values.insert(oid, value);
        sequences.last = Some(oid);
        sequences.is_dirty = true;
        Ok(value)
    }

    /// The relation of clients' making that a name finds, its parts folded.
    pub(crate) fn object(&self, parts: &[String]) -> Option<&Object> {
        match parts {
            [name] => {
                let path = self.search_path();
                let schema = path.iter().find(|schema| self.has_relation(schema, name))?;
                self.objects.get(schema, name)
            }
            [schema, name] => self.objects.get(schema, name),
            [database, schema, name] if *database == self.database => {
                self.objects.get(schema, name)
            }
            _ => None,
        }
    }

    /// Whether there is a relation `schema.name`.
    fn has_relation(&self, schema: &str, name: &str) -> bool {
        self.relations.iter().any(|found| found.schema == schema && found.name == name)
            || self.objects.get(schema, name).is_some()
            || pg_catalog::table_oid(schema, name) != 0
    }
    /// Locks the settings. A panic of another holder leaves them usable: each change is one step.
    pub(crate) fn settings(&self) -> std::sync::MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Locks the lists of named statements and cursors.
    pub(crate) fn own(&self) -> std::sync::MutexGuard<'_, OwnLists> {
        self.own.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Locks the outbox.
    pub(crate) fn outbox(&self) -> std::sync::MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Schemas in which an unqualified name is looked up, in order: the temp schema and `pg_catalog`
    /// first unless named.
    pub(crate) fn search_path(&self) -> Vec<String> {
        let named = self.settings().search_path(&self.role);
        let objects = &self.objects;
        let temp = objects
            .temp_schema()
            .filter(|_| !named.iter().any(|schema| objects.is_temp_schema(schema)));
        let catalog = (!named.iter().any(|schema| schema == "pg_catalog")).then_some("pg_catalog");
        temp.into_iter().chain(catalog).map(str::to_owned).chain(named).collect()
    }
}

/// Object id of a relation: stable, at least [`FIRST_USER_OID`], even, so that the odd number after
/// it is free for the relation's row type.
pub(crate) fn oid_of(database: &str, schema: &str, name: &str) -> u32 {
    // FNV-1a: short, fixed for ever, and spread well enough for some tens of names.
    let hash = [database, schema, name]
        .into_iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // Half of the range above the built-in ids, so that clients which read oids as signed are safe.
    (FIRST_USER_OID + hash % (i32::MAX as u32 - 2 * FIRST_USER_OID)) & !1
}

/// Object id of the row type of the relation with `oid`.
pub(crate) fn row_type_oid(oid: u32) -> u32 {
    oid | 1
}

/// The PostgreSQL type that `field` names in its metadata.
pub(crate) fn named_pg_type(field: &Field) -> Option<PgType> {
    field.metadata().get(PG_TYPE_KEY).and_then(|name| PgType::from_name(name))
}
