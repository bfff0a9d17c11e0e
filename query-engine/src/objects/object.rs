//! What clients make beside tables: schemas, views and sequences, and what all of them have in common.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::UserTable;
use crate::catalog::pg_catalog::user_rows::OWNER_NAME;
use crate::catalog::{Relation, RelationColumn, RelationKind};
use crate::{ErrorObject, PgType, QueryError, SqlState};

/// Grantee that stands for every role.
pub(crate) const PUBLIC: &str = "";
/// Owner of schema `public`: whoever may create schemas in the database.
pub(crate) const DATABASE_OWNER: &str = "pg_database_owner";
/// Schema and name of a relation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl Name {
    pub(crate) fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// What every object has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) oid: u32,
    pub(crate) name: String,
    /// Schema; empty for a schema.
    pub(crate) schema: String,
    pub(crate) owner: String,
    /// Who else may do what.
    pub(crate) acl: Acl,
    pub(crate) comment: String,
}

impl Head {
    pub(crate) fn new(name: Name, oid: u32, owner: &str) -> Self {
        Self {
            oid,
            name: name.name,
            schema: name.schema,
            owner: owner.to_owned(),
            acl: Acl::default(),
            comment: String::new(),
        }
    }

    /// The object, or a part of it, in the fields of an error.
    pub(crate) fn in_error(&self, column: Option<&str>, constraint: Option<&str>) -> ErrorObject {
        ErrorObject {
            schema: self.schema.clone(),
            table: self.name.clone(),
            column: column.map(str::to_owned),
            constraint: constraint.map(str::to_owned),
        }
    }

    /// Schema and name.
    pub(crate) fn full_name(&self) -> Name {
        Name::new(&*self.schema, &*self.name)
    }
}

/// Privileges by grantee, as the letters of PostgreSQL's access lists. The owner has all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acl(BTreeMap<String, String>);

/// Letters of all privileges in PostgreSQL's order, with their names.
pub(crate) const PRIVILEGES: &[(char, &str)] = &[
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('U', "USAGE"),
    ('C', "CREATE"),
];

/// Privileges that there are on a table or view, a sequence, a schema.
pub(crate) const TABLE_PRIVILEGES: &str = "arwdDxt";
pub(crate) const SEQUENCE_PRIVILEGES: &str = "rwU";
pub(crate) const SCHEMA_PRIVILEGES: &str = "UC";

impl Acl {
    /// Whether `role` has the privilege `letter` by a grant.
    pub(crate) fn has(&self, role: &str, letter: char) -> bool {
        [role, PUBLIC]
            .iter()
            .any(|grantee| self.0.get(*grantee).is_some_and(|letters| letters.contains(letter)))
    }

    pub(crate) fn grant(&mut self, grantee: &str, letters: &str) {
        let held = self.0.entry(grantee.to_owned()).or_default();
        let all = PRIVILEGES.iter().map(|privilege| privilege.0);
        *held = all.filter(|letter| held.contains(*letter) || letters.contains(*letter)).collect();
    }

    pub(crate) fn revoke(&mut self, grantee: &str, letters: &str) {
        if let Some(held) = self.0.get_mut(grantee) {
            held.retain(|letter| !letters.contains(letter));
            if held.is_empty() {
                self.0.remove(grantee);
            }
        }
    }

    /// Grantees with their letters.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(grantee, letters)| (grantee.as_str(), letters.as_str()))
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role<'a> {
    pub(crate) name: &'a str,
    /// Whether it may create schemas in the database, and owns `public`.
    pub(crate) may_create: bool,
}

impl Role<'_> {
    /// Whether the role is the owner of an object, or may act as its owner.
    pub(crate) fn owns(&self, head: &Head) -> bool {
        self.name == head.owner
            || self.name == OWNER_NAME
            || (head.owner == DATABASE_OWNER && self.may_create)
    }

    /// Whether the role may do everything.
    pub(crate) fn is_superuser(&self) -> bool {
        self.name == OWNER_NAME
    }

    /// Whether the role may create schemas.
    pub(crate) fn is_creator(&self) -> bool {
        self.may_create || self.is_superuser()
    }

    /// Whether the role has the privilege `letter` on an object.
    pub(crate) fn has(&self, head: &Head, letter: char) -> bool {
        self.owns(head) || head.acl.has(self.name, letter)
    }

    /// # Errors
    /// 42501.
    pub(crate) fn check(&self, head: &Head, letter: char, kind: &str) -> Result<(), QueryError> {
        if self.has(head, letter) {
            return Ok(());
        }
        Err(denied(kind, &head.name))
    }

    /// # Errors
    /// 42501.
    pub(crate) fn check_owner(&self, head: &Head, kind: &str) -> Result<(), QueryError> {
        if self.owns(head) {
            return Ok(());
        }
        Err(QueryError::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("must be owner of {kind} {}", head.name),
        ))
    }
}

/// 42501 for an object of this kind.
pub(crate) fn denied(kind: &str, name: &str) -> QueryError {
    QueryError::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("permission denied for {kind} {name}"),
    )
    .nowhere()
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) head: Head,
}

/// A view: a query under a name, with the columns that it had when it was made.
#[derive(Clone, Debug)]
pub(crate) struct UserView {
    pub(crate) head: Head,
    pub(crate) columns: Vec<RelationColumn>,
    /// The query; relations that clients made are named by object id (`session::ddl::view`).
    pub(crate) query: String,
    /// Object ids of the relations that it reads.
    pub(crate) reads: Vec<u32>,
}

/// A sequence. Its value is one for all sessions, whatever becomes of their transactions.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) head: Head,
    pub(crate) pg_type: PgType,
    /// Table and column whose default it is, and with which it goes.
    pub(crate) owned_by: Option<(u32, String)>,
    pub(crate) counter: Arc<Counter>,
}

/// Bounds of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) start: i64,
    pub(crate) increment: i64,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) cycle: bool,
}

/// Where a sequence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) last: i64,
    /// Whether `last` has been given out.
    pub(crate) is_called: bool,
    /// Whether it is other than on disk.
    pub(crate) is_dirty: bool,
}

/// The value of a sequence.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) steps: Steps,
    place: Mutex<Place>,
}

impl Counter {
    pub(crate) fn new(steps: Steps) -> Self {
        let place = Place { last: steps.start, is_called: false, is_dirty: true };
        Self { steps, place: Mutex::new(place) }
    }

    /// A counter that is at `place`.
    pub(crate) fn at(steps: Steps, place: Place) -> Self {
        Self { steps, place: Mutex::new(place) }
    }

    /// Locks briefly, never across an await; each change is one step.
    pub(crate) fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next value.
    ///
    /// # Errors
    /// 2200H past the last value.
    pub(crate) fn next(&self, name: &str) -> Result<i64, QueryError> {
        let Steps { increment, min, max, cycle, .. } = self.steps;
        let mut place = self.place();
        let next = match place.is_called {
            false => place.last,
            true => {
                match place.last.checked_add(increment).filter(|next| (min..=max).contains(next)) {
                    Some(next) => next,
                    None if cycle => {
                        if increment > 0 {
                            min
                        } else {
                            max
                        }
                    }
                    None => {
                        let (word, bound) =
                            if increment > 0 { ("maximum", max) } else { ("minimum", min) };
                        return Err(QueryError::new(
                            SqlState("2200H"),
                            format!(
                                "nextval: reached {word} value of sequence \"{name}\" ({bound})"
                            ),
                        ));
                    }
                }
            }
        };
        *place = Place { last: next, is_called: true, is_dirty: true };
        Ok(next)
    }

    /// setval().
    ///
    /// # Errors
    /// 22003 out of the bounds.
    pub(crate) fn set(&self, name: &str, value: i64, is_called: bool) -> Result<(), QueryError> {
        let Steps { min, max, .. } = self.steps;
        if !(min..=max).contains(&value) {
            return Err(QueryError::new(
                SqlState::NUMERIC_OUT_OF_RANGE,
                format!(
                    "setval: value {value} is out of bounds for sequence \"{name}\" ({min}..{max})"
                ),
            ));
        }
        *self.place() = Place { last: value, is_called, is_dirty: true };
        Ok(())
    }
}

/// A relation that a client made.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Table(Arc<UserTable>),
    View(Arc<UserView>),
    Sequence(Arc<Sequence>),
}

impl Object {
    pub(crate) fn head(&self) -> &Head {
        match self {
            Self::Table(table) => &table.head,
            Self::View(view) => &view.head,
            Self::Sequence(sequence) => &sequence.head,
        }
    }

    /// The same object with another head.
    pub(crate) fn with_head(&self, head: Head) -> Self {
        match self {
            Self::Table(table) => {
                Self::Table(Arc::new(UserTable { head, ..UserTable::clone(table) }))
            }
            Self::View(view) => Self::View(Arc::new(UserView { head, ..UserView::clone(view) })),
            Self::Sequence(sequence) => {
                Self::Sequence(Arc::new(Sequence { head, ..Sequence::clone(sequence) }))
            }
        }
    }

    /// Whether both are one and the same version of one object.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Table(left), Self::Table(right)) => Arc::ptr_eq(left, right),
            (Self::View(left), Self::View(right)) => Arc::ptr_eq(left, right),
            (Self::Sequence(left), Self::Sequence(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }

    /// The word for it in messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::View(_) => "view",
            Self::Sequence(_) => "sequence",
        }
    }

    /// What the catalogs show.
    pub(crate) fn described(&self, is_temporary: bool) -> Relation {
        let head = self.head();
        let (kind, columns, keys) = match self {
            Self::Table(table) => (
                RelationKind::Table,
                table.columns.iter().map(super::UserColumn::described).collect(),
                table.described_keys(),
            ),
            Self::View(view) => (RelationKind::View, view.columns.clone(), Vec::new()),
            Self::Sequence(_) => (RelationKind::Sequence, sequence_columns(), Vec::new()),
        };
        Relation {
            schema: head.schema.clone().into(),
            name: head.name.clone().into(),
            oid: head.oid,
            kind,
            is_temporary,
            owned: Some(Arc::new(head.clone())),
            comment: head.comment.clone().into(),
            columns,
            keys: keys.into(),
        }
    }
}

/// Columns that a query of a sequence sees.
pub(crate) fn sequence_columns() -> Vec<RelationColumn> {
    [("last_value", PgType::Int8), ("log_cnt", PgType::Int8), ("is_called", PgType::Bool)]
        .into_iter()
        .map(|(name, pg_type)| RelationColumn {
            name: name.into(),
            pg_type,
            type_modifier: -1,
            nullable: false,
            comment: "".into(),
        })
        .collect()
}
