//! CREATE, ALTER, DROP, TRUNCATE, COMMENT and GRANT: from the statement to other `Objects`.
//!
//! ```text
//! statement ──names, owner, locks──> new Objects ──install──> CatalogView of the session
//!   create.rs, definition.rs: tables   view.rs: views     schema.rs: schemas, sequences, grants, comments
//!   alter.rs, columns.rs               drop.rs: DROP, and what depends on what
//! ```

mod alter;
mod columns;
mod create;
mod definition;
mod drop;
mod index;
mod lock;
mod schema;
mod sequence;
mod view;

use std::sync::Arc;

use sqlparser::ast::{ObjectName, Owner};

use super::copy::folded;
use super::{Session, Stop, TransactionStatus};
use crate::catalog::pg_catalog;
use crate::objects::{Name, Object, Objects, UserTable};
use crate::statement::ddl::{Ddl, ObjectKind};
use crate::{Outcome, QueryError, SqlState};

pub(crate) use view::{shown_query, view_statement};

/// Schemas that only the system makes relations in.
const SYSTEM_SCHEMAS: &[&str] = &["chain", "ergo", "pg_catalog", "information_schema", "pg_toast"];

impl Session {
    #[cfg(test)]
    pub(crate) fn temp_table(&self, name: &str) -> Arc<UserTable> {
        match self.view.objects.get("pg_temp", name) {
            Some(Object::Table(table)) => Arc::clone(table),
            _ => panic!("the test made it"),
        }
    }

    /// Runs a statement that makes, changes or drops what clients make.
    pub(super) async fn run_ddl(&mut self, ddl: &Ddl, stop: &Stop) -> Result<Outcome, QueryError> {
        self.check_read_only(ddl)?;
        match ddl {
            Ddl::Lock(lock) => self.lock_tables(lock, stop).await?,
            Ddl::CreateTable(table) => self.create_table(table, stop).await?,
            Ddl::CreateAs { name, temporary, columns, query, if_not_exists, on_commit } => {
                let asked = create::As {
                    name,
                    temporary: *temporary,
                    columns,
                    if_not_exists: *if_not_exists,
                    on_commit: *on_commit,
                };
                if let Some(count) = self.create_as(&asked, query, stop).await? {
                    return Ok(Outcome::Done { tag: format!("SELECT {count}") });
                }
            }
            Ddl::CreateView(view) => self.create_view(view, stop).await?,
            Ddl::CreateIndex(index) => self.create_index(index, stop).await?,
            Ddl::CreateSequence {
                name,
                temporary,
                if_not_exists,
                data_type,
                options,
                owned_by,
            } => {
                let asked = sequence::Asked {
                    name,
                    temporary: *temporary,
                    if_not_exists: *if_not_exists,
                    data_type: data_type.as_ref(),
                    options,
                    owned_by: owned_by.as_ref(),
                };
                self.create_sequence(&asked, stop).await?;
            }
            Ddl::CreateSchema { name, owner, if_not_exists } => {
                self.create_schema(name.as_ref(), owner.as_ref(), *if_not_exists, stop).await?;
            }
            Ddl::Drop { kind: ObjectKind::Schema, names, if_exists, cascade } => {
                self.drop_schemas(names, *if_exists, *cascade, stop).await?;
            }
            Ddl::Drop { kind: ObjectKind::Index, names, if_exists, .. } => {
                self.drop_indexes(names, *if_exists, stop).await?;
            }
            Ddl::Drop { kind, names, if_exists, cascade } => {
                self.drop_relations(*kind, names, *if_exists, *cascade, stop).await?;
            }
            Ddl::Truncate { names, restart, cascade } => {
                self.truncate(names, *restart, *cascade, stop).await?;
            }
            Ddl::AlterTable { name, if_exists, operations } => {
                self.alter_table(name, *if_exists, operations, stop).await?;
            }
            Ddl::Alter { kind, name, if_exists, alteration } => {
                self.alter_object(*kind, name, *if_exists, alteration, stop).await?;
            }
            Ddl::Comment { object, name, text } => {
                self.comment(*object, name, text.as_deref(), stop).await?;
            }
            Ddl::CommentConstraint(comment) => self.comment_constraint(comment, stop).await?,
            Ddl::Vacuum { names, is_analyze } => self.vacuum(names, *is_analyze)?,
            Ddl::Grant { is_grant, privileges, objects, grantees } => {
                self.grant(*is_grant, privileges, objects, grantees, stop).await?;
            }
        }
        Ok(Outcome::Done { tag: ddl.name().to_owned() })
    }

    /// # Errors
    /// 25006 for what a read-only transaction may not run.
    fn check_read_only(&self, ddl: &Ddl) -> Result<(), QueryError> {
        if self.is_read_only() && !self.runs_read_only(ddl) {
            return Err(read_only_transaction(ddl.name()));
        }
        Ok(())
    }

    /// Whether the statement is one that a read-only transaction may run: a lock, or about temp tables.
    fn runs_read_only(&self, ddl: &Ddl) -> bool {
        let names = match ddl {
            Ddl::Lock(_) | Ddl::Vacuum { .. } => return true,
            Ddl::Truncate { names, .. } => names.as_slice(),
            _ => return false,
        };
        names.iter().all(|name| {
            let found = self.view.object(&parts(name));
            found.is_some_and(|found| self.view.objects.is_temp_schema(&found.head().schema))
        })
    }

    /// Whether the transaction may not change what is stored.
    pub(super) fn is_read_only(&self) -> bool {
        let setting = match self.status {
            TransactionStatus::Idle => "default_transaction_read_only",
            TransactionStatus::InBlock | TransactionStatus::Failed => "transaction_read_only",
        };
        self.view.settings().get(setting).as_deref() == Some("on")
    }

    /// The table that `name` finds, for a role that has the privilege `letter` on it.
    ///
    /// # Errors
    /// 25006 for a table of the system, 42P01 for none, 42809 for what is no table, 42501.
    pub(super) fn target(
        &self,
        name: &ObjectName,
        verb: &str,
        letter: char,
    ) -> Result<Arc<UserTable>, QueryError> {
        let object = match self.view.object(&parts(name)) {
            Some(object) => object,
            None if self.relation(name).is_some() || self.is_builtin(name) => {
                return Err(crate::statement::read_only(verb));
            }
            None => return Err(undefined_table(name)),
        };
        let head = object.head();
        let Object::Table(table) = object else {
            return Err(match object {
                Object::View(_) => QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("{verb} on view \"{}\" is not supported", head.name),
                ),
                _ => QueryError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("cannot change sequence \"{}\"", head.name),
                ),
            });
        };
        self.check_usage(&head.schema)?;
        self.view.role().check(head, letter, "table")?;
        if self.is_read_only() && !self.view.objects.is_temp_schema(&head.schema) {
            return Err(read_only_transaction(verb));
        }
        Ok(Arc::clone(table))
    }

    /// # Errors
    /// 42501 for a schema that the role may not use.
    pub(super) fn check_usage(&self, schema: &str) -> Result<(), QueryError> {
        match self.view.objects.schema(schema) {
            Some(found) => self.view.role().check(&found.head, 'U', "schema"),
            None => Ok(()),
        }
    }

    /// Puts `object` in place.
    fn put(&mut self, object: Object) -> Result<(), QueryError> {
        let mut objects = Objects::clone(&self.view.objects);
        objects.put(object)?;
        self.install(objects);
        Ok(())
    }

    /// Schema and name of a relation to be made, in a schema where the role may make one.
    ///
    /// # Errors
    /// 42501, 3F000; 42P16 for a temp table with another schema.
    fn new_name(&self, name: &ObjectName, temporary: bool) -> Result<Name, QueryError> {
        let objects = &self.view.objects;
        let parts = parts(name);
        let (schema, table) = match parts.as_slice() {
            [table] if temporary => (objects.temp_schema_name().to_owned(), table),
            [table] => (self.creation_schema()?, table),
            [schema, table] => (schema.clone(), table),
            [database, schema, table] if *database == self.view.database => (schema.clone(), table),
            _ => {
                return Err(QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!(
                        "cross-database references are not implemented: \"{}\"",
                        parts.join(".")
                    ),
                ));
            }
        };
        if objects.is_temp_schema(&schema) {
            return Ok(Name::new(objects.temp_schema_name(), table.as_str()));
        }
        if temporary {
            return Err(QueryError::new(
                SqlState("42P16"),
                "cannot create temporary relation in non-temporary schema",
            ));
        }
        self.check_schema(&schema, 'C')?;
        Ok(Name::new(schema, table.as_str()))
    }

    /// # Errors
    /// 3F000 for no schema, 42501 for one where the role has not the privilege `letter`.
    fn check_schema(&self, schema: &str, letter: char) -> Result<(), QueryError> {
        match self.view.objects.schema(schema) {
            Some(found) => self.view.role().check(&found.head, letter, "schema"),
            None if SYSTEM_SCHEMAS.contains(&schema) => {
                Err(crate::objects::denied("schema", schema))
            }
            None => Err(undefined_schema(schema)),
        }
    }

    /// The schema of new relations that are named without one.
    fn creation_schema(&self) -> Result<String, QueryError> {
        let objects = &self.view.objects;
        let path = self.view.settings().search_path(&self.view.role);
        let exists = |schema: &String| {
            objects.schema(schema).is_some()
                || SYSTEM_SCHEMAS.contains(&schema.as_str())
                || objects.is_temp_schema(schema)
        };
        path.into_iter().find(exists).ok_or_else(|| {
            QueryError::new(SqlState("3F000"), "no schema has been selected to create in").nowhere()
        })
    }

    /// Whether the name is taken and IF NOT EXISTS says that this is fine.
    fn exists_already(&mut self, name: &Name, if_not_exists: bool) -> Result<bool, QueryError> {
        if !self.is_taken(name) {
            return Ok(false);
        }
        if !if_not_exists {
            return Err(duplicate_table(&name.name));
        }
        self.notice("42P07", format!("relation \"{}\" already exists, skipping", name.name));
        Ok(true)
    }

    /// Whether a relation or an index has the name.
    fn is_taken(&self, name: &Name) -> bool {
        self.view.objects.get(&name.schema, &name.name).is_some()
            || index::find(&self.view.objects, &name.schema, &name.name).is_some()
    }

    fn new_oid(&self) -> u32 {
        loop {
            let oid = self.shared.new_oid();
            if self.view.relations.iter().all(|relation| relation.oid != oid) {
                return oid;
            }
        }
    }

    /// The object that `name` finds, whose owner the role is.
    ///
    /// # Errors
    /// 42P01, 42501; 0A000 for one of the system.
    fn owned_object(&self, name: &ObjectName, what: &str) -> Result<Object, QueryError> {
        match self.view.object(&parts(name)) {
            Some(object) => {
                self.view.role().check_owner(object.head(), object.kind())?;
                Ok(object.clone())
            }
            None if self.relation(name).is_some() || self.is_builtin(name) => {
                Err(crate::statement::fixed(what))
            }
            None => Err(undefined_table(name)),
        }
    }

    fn is_builtin(&self, name: &ObjectName) -> bool {
        let parts = parts(name);
        let (schema, table) = match parts.as_slice() {
            [schema, table] => (schema.as_str(), table),
            [table] => ("pg_catalog", table),
            _ => return false,
        };
        pg_catalog::table_oid(schema, table) != 0
    }

    /// The role that OWNER TO names.
    fn owner(&self, owner: &Owner) -> String {
        match owner {
            Owner::Ident(ident) => folded(ident),
            Owner::CurrentRole | Owner::CurrentUser | Owner::SessionUser => self.view.role.clone(),
        }
    }
}

/// Parts of a name, folded.
fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect()
}

/// Last part of a name.
fn last(name: &ObjectName) -> String {
    parts(name).pop().unwrap_or_else(|| name.to_string())
}

/// 25006.
fn read_only_transaction(verb: &str) -> QueryError {
    QueryError::new(
        SqlState::READ_ONLY_TRANSACTION,
        format!("cannot execute {verb} in a read-only transaction"),
    )
}

fn duplicate_table(name: &str) -> QueryError {
    QueryError::new(SqlState("42P07"), format!("relation \"{name}\" already exists"))
}

fn duplicate_column_of(name: &str, table: &str) -> QueryError {
    QueryError::new(
        SqlState::DUPLICATE_COLUMN,
        format!("column \"{name}\" of relation \"{table}\" already exists"),
    )
}

/// 42703 for a column that a table lacks.
pub(super) fn undefined_column_of(name: &str, table: &str) -> QueryError {
    QueryError::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{name}\" of relation \"{table}\" does not exist"),
    )
    .about(name)
}

/// 42P01.
pub(super) fn undefined_table(name: &ObjectName) -> QueryError {
    let shown = parts(name).join(".");
    QueryError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist"))
        .about(shown)
}

/// 3F000.
fn undefined_schema(name: &str) -> QueryError {
    QueryError::new(SqlState("3F000"), format!("schema \"{name}\" does not exist")).about(name)
}

/// 0A000.
fn unsupported(what: &str) -> QueryError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
}
