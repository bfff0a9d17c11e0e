//! Names → tables. What a session can see, and the one description of it that `pg_catalog`,
//! `information_schema`, `\d` and name resolution share.
//!
//! ```text
//! CatalogView (one per session) ── relations ──> chain: tables of the family, ergo: the system's own
//!                               └─ settings ───> SHOW, current_setting, search_path
//! ```
//!
//! Invariants
//! - An object id depends on network, schema and table name alone: it is the same after a restart.

pub(crate) mod chain;
pub(crate) mod pg_catalog;
pub(crate) mod resolve;
mod sizes;

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use datafusion::arrow::datatypes::Field;

use schemas::Keys;

use crate::PgType;
use crate::activity::Entry;
use crate::notify::Outbox;
use crate::session::Settings;
use crate::temp::TempTables;

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
    /// `v`: rows are computed from the system's state.
    View,
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
    pub(crate) comment: &'static str,
}

/// One table or view of schemas `chain` and `ergo`.
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
    /// What a row is.
    pub(crate) comment: &'static str,
    /// Columns in `SELECT *` order; `attnum` is the index plus one.
    pub(crate) columns: Vec<RelationColumn>,
    /// Keys of its rows.
    pub(crate) keys: Keys,
}

/// What one session can see. Made when the session is made; `settings` changes with SET, and the
/// session makes another one when its temp tables change.
#[derive(Clone, Debug)]
pub(crate) struct CatalogView {
    /// The network that the session is connected to.
    pub(crate) database: String,
    /// All networks, by name.
    pub(crate) databases: Vec<String>,
    /// Role name of the session's principal.
    pub(crate) role: String,
    /// Relations of schemas `chain` and `ergo` of this database, and temp tables.
    pub(crate) relations: Arc<[Relation]>,
    /// Temp tables of the session, as of the last statement that changed them.
    pub(crate) temp: Arc<TempTables>,
    /// Settings of the session; lock briefly, never across an await.
    pub(crate) settings: Arc<Mutex<Settings>>,
    /// Catalog tables built so far for this session.
    pub(crate) tables: Arc<pg_catalog::Tables>,
    /// How large the tables are on disk.
    pub(crate) sizes: Sizes,
    /// The session among all of this server.
    pub(crate) entry: Arc<Entry>,
    /// What the open transaction says with NOTIFY; lock briefly, never across an await.
    pub(crate) outbox: Arc<Mutex<Outbox>>,
}

impl CatalogView {
    /// Locks the settings. A panic of another holder leaves them usable: each change is one step.
    pub(crate) fn settings(&self) -> std::sync::MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Locks the outbox.
    pub(crate) fn outbox(&self) -> std::sync::MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Schemas in which an unqualified name is looked up, in order: the temp schema and `pg_catalog`
    /// first unless named.
    pub(crate) fn search_path(&self) -> Vec<String> {
        let named = self.settings().search_path(&self.role);
        let temp =
            self.temp.schema().filter(|_| !named.iter().any(|schema| self.temp.is_schema(schema)));
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
