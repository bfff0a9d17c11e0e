//! CREATE SCHEMA, COMMENT ON, GRANT and REVOKE.

use std::sync::Arc;

use sqlparser::ast::{Action, CommentObject, GrantObjects, Grantee, Ident, ObjectName, Privileges};

use super::{SYSTEM_SCHEMAS, last, undefined_column_of, undefined_schema, unsupported};
use crate::limits::SCHEMAS_MAX;
use crate::objects::{
    Acl, Head, Mode, Name, Object, Objects, PRIVILEGES, PUBLIC, SCHEMA_PRIVILEGES,
    SEQUENCE_PRIVILEGES, Schema, TABLE_PRIVILEGES, UserTable, UserView, denied,
};
use crate::session::copy::folded;
use crate::session::{Session, Stop};
use crate::statement::ddl::CommentConstraint;
use crate::statement::ddl::grantee;
use crate::{QueryError, SqlState};

impl Session {
    pub(super) async fn create_schema(
        &mut self,
        name: Option<&ObjectName>,
        owner: Option<&Ident>,
        if_not_exists: bool,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let owner = owner.map_or_else(|| self.view.role.clone(), folded);
        let name = name.map_or_else(|| owner.clone(), last);
        if !self.view.role().is_creator() {
            return Err(denied("database", &self.view.database));
        }
        if owner != self.view.role && !self.view.role().is_superuser() {
            return Err(QueryError::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("must be able to SET ROLE \"{owner}\""),
            ));
        }
        if name.starts_with("pg_") {
            return Err(QueryError::new(
                SqlState("42939"),
                format!("unacceptable schema name \"{name}\""),
            )
            .with_detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        self.lock(&format!("schema {name}"), Mode::Alone, stop).await?;
        if self.view.objects.schema(&name).is_some() || SYSTEM_SCHEMAS.contains(&name.as_str()) {
            if if_not_exists {
                self.notice("42P06", format!("schema \"{name}\" already exists, skipping"));
                return Ok(());
            }
            return Err(QueryError::new(
                SqlState("42P06"),
                format!("schema \"{name}\" already exists"),
            ));
        }
        if self.view.objects.schemas().count() >= SCHEMAS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a database can have {SCHEMAS_MAX} schemas"),
            ));
        }
        let head = Head::new(Name::new("", name.as_str()), self.new_oid(), &owner);
        self.put_schema(Schema { head });
        Ok(())
    }

    pub(super) fn put_schema(&mut self, schema: Schema) {
        let mut objects = Objects::clone(&self.view.objects);
        let name = schema.head.name.clone();
        objects.put_schema(&name, Some(schema));
        self.install(objects);
    }

    /// The schema `name`, locked, whose owner the role is.
    pub(super) async fn owned_schema(
        &mut self,
        name: &str,
        stop: &Stop,
    ) -> Result<Schema, QueryError> {
        if SYSTEM_SCHEMAS.contains(&name) {
            return Err(crate::statement::fixed("ALTER SCHEMA"));
        }
        if name == "public" {
            // It is built in, and so is its row in the catalog.
            return Err(unsupported("a change of schema public"));
        }
        if self.view.objects.schema(name).is_some() {
            self.lock(&format!("schema {name}"), Mode::Alone, stop).await?;
        }
        let schema = self.view.objects.schema(name).ok_or_else(|| undefined_schema(name))?;
        self.view.role().check_owner(&schema.head, "schema")?;
        Ok(Schema::clone(schema))
    }

    pub(super) async fn comment(
        &mut self,
        object: CommentObject,
        name: &ObjectName,
        text: Option<&str>,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let text = text.unwrap_or_default();
        match object {
            CommentObject::Schema => {
                let mut schema = self.owned_schema(&last(name), stop).await?;
                text.clone_into(&mut schema.head.comment);
                self.put_schema(schema);
                Ok(())
            }
            CommentObject::Column => {
                let mut table = name.clone();
                let column = table.0.pop().and_then(|part| part.as_ident().map(folded));
                let column = column.unwrap_or_default();
                let found = self.owned_object(&table, "COMMENT")?;
                self.lock_relation(&found.head().full_name(), Mode::Alone, stop).await?;
                let changed = match self.owned_object(&table, "COMMENT")? {
                    Object::Table(table) => {
                        let mut table = UserTable::clone(&table);
                        let at = table
                            .position(&column)
                            .ok_or_else(|| undefined_column_of(&column, &table.head.name))?;
                        text.clone_into(&mut table.columns[at].comment);
                        Object::Table(Arc::new(table))
                    }
                    Object::View(view) => {
                        let mut view = UserView::clone(&view);
                        let found = view.columns.iter_mut().find(|found| found.name == column);
                        let Some(found) = found else {
                            return Err(undefined_column_of(&column, &view.head.name));
                        };
                        found.comment = text.to_owned().into();
                        Object::View(Arc::new(view))
                    }
                    Object::Sequence(_) => return Err(unsupported("COMMENT on this column")),
                };
                self.put(changed)
            }
            CommentObject::Table | CommentObject::View | CommentObject::Sequence => {
                let word = match object {
                    CommentObject::Table => "table",
                    CommentObject::View => "view",
                    _ => "sequence",
                };
                let found = self.owned_object(name, "COMMENT")?;
                self.lock_relation(&found.head().full_name(), Mode::Alone, stop).await?;
                let found = self.owned_object(name, "COMMENT")?;
                if found.kind() != word {
                    return Err(QueryError::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("\"{}\" is not a {word}", found.head().name),
                    ));
                }
                let head = Head { comment: text.to_owned(), ..found.head().clone() };
                self.put(found.with_head(head))
            }
            other => Err(unsupported(&format!("COMMENT ON {other}"))),
        }
    }

    /// COMMENT ON CONSTRAINT.
    pub(super) async fn comment_constraint(
        &mut self,
        comment: &CommentConstraint,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let CommentConstraint { name, table, text } = comment;
        let found = self.owned_object(table, "COMMENT")?;
        self.lock_relation(&found.head().full_name(), Mode::Alone, stop).await?;
        let Object::Table(found) = self.owned_object(table, "COMMENT")? else {
            return Err(QueryError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a table", found.head().name),
            ));
        };
        if !found.has_constraint(name) {
            return Err(QueryError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("constraint \"{name}\" for table \"{}\" does not exist", found.head.name),
            ));
        }
        let mut changed = UserTable::clone(&found);
        match text.as_ref().filter(|text| !text.is_empty()) {
            Some(text) => changed.constraint_comments.insert(name.clone(), text.clone()),
            None => changed.constraint_comments.remove(name),
        };
        self.put(Object::Table(Arc::new(changed)))
    }

    pub(super) async fn grant(
        &mut self,
        is_grant: bool,
        privileges: &Privileges,
        objects: &GrantObjects,
        grantees: &[Grantee],
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let grantees = grantees
            .iter()
            .map(|found| Ok(grantee(found)?.unwrap_or_else(|| PUBLIC.to_owned())))
            .collect::<Result<Vec<_>, QueryError>>()?;
        let change = |acl: &mut Acl, letters: &str| {
            for grantee in &grantees {
                match is_grant {
                    true => acl.grant(grantee, letters),
                    false => acl.revoke(grantee, letters),
                }
            }
        };
        let names: Vec<Name> = match objects {
            GrantObjects::Schemas(schemas) => {
                let letters = letters(privileges, SCHEMA_PRIVILEGES)?;
                for name in schemas {
                    let mut schema = self.owned_schema(&last(name), stop).await?;
                    change(&mut schema.head.acl, &letters);
                    self.put_schema(schema);
                }
                return Ok(());
            }
            GrantObjects::Tables(names)
            | GrantObjects::Views(names)
            | GrantObjects::Sequences(names) => names
                .iter()
                .map(|name| Ok(self.owned_object(name, "GRANT")?.head().full_name()))
                .collect::<Result<_, QueryError>>()?,
            GrantObjects::AllTablesInSchema { schemas }
            | GrantObjects::AllSequencesInSchema { schemas } => {
                let wants_tables = matches!(objects, GrantObjects::AllTablesInSchema { .. });
                let mut names = Vec::new();
                for schema in schemas {
                    let schema = last(schema);
                    self.check_schema(&schema, 'U')?;
                    let inside = self.view.objects.shared().filter(|object| {
                        let is_sequence = matches!(object, Object::Sequence(_));
                        object.head().schema == schema && is_sequence != wants_tables
                    });
                    names.extend(inside.map(|object| object.head().full_name()));
                }
                names
            }
            _ => return Err(unsupported("GRANT on this kind of object")),
        };
        for name in names {
            self.lock_relation(&name, Mode::Alone, stop).await?;
            let Some(object) = self.view.objects.get(&name.schema, &name.name).cloned() else {
                continue;
            };
            self.view.role().check_owner(object.head(), object.kind())?;
            let all = match object {
                Object::Sequence(_) => SEQUENCE_PRIVILEGES,
                Object::Table(_) | Object::View(_) => TABLE_PRIVILEGES,
            };
            let mut head = object.head().clone();
            change(&mut head.acl, &letters(privileges, all)?);
            self.put(object.with_head(head))?;
        }
        Ok(())
    }
}

/// Letters of the privileges that a statement lists, out of those that the kind of object has.
fn letters(privileges: &Privileges, all: &str) -> Result<String, QueryError> {
    let Privileges::Actions(actions) = privileges else { return Ok(all.to_owned()) };
    let mut found = String::new();
    for action in actions {
        let name = match action {
            Action::Select { columns: None } => "SELECT",
            Action::Insert { columns: None } => "INSERT",
            Action::Update { columns: None } => "UPDATE",
            Action::References { columns: None } => "REFERENCES",
            Action::Delete => "DELETE",
            Action::Truncate => "TRUNCATE",
            Action::Trigger => "TRIGGER",
            Action::Usage => "USAGE",
            Action::Create { obj_type: None } => "CREATE",
            other => return Err(unsupported(&format!("GRANT {other}"))),
        };
        let letter = PRIVILEGES.iter().find(|known| known.1 == name).map(|known| known.0);
        let letter = letter.filter(|letter| all.contains(*letter)).ok_or_else(|| {
            QueryError::new(
                SqlState("0LP01"),
                format!("invalid privilege type {name} for this kind of object"),
            )
        })?;
        found.push(letter);
    }
    Ok(found)
}
