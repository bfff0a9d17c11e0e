//! ALTER: names, schemas, owners, and the operations of ALTER TABLE.

use std::sync::Arc;

use sqlparser::ast::{AlterTableOperation, DropBehavior, Ident, ObjectName, RenameTableNameKind};

use super::definition::{Definition, columns_of_check};
use super::{
    duplicate_column_of, duplicate_table, index, last, undefined_column_of, undefined_schema,
    undefined_table, unsupported,
};
use crate::objects::{Head, Mode, Name, Object, Objects, UserTable, UserView};
use crate::session::copy::folded;
use crate::session::{Session, Stop};
use crate::statement::ddl::{Alteration, ObjectKind};
use crate::{QueryError, SqlState};

impl Session {
    /// What there is for every kind of object.
    pub(super) async fn alter_object(
        &mut self,
        kind: ObjectKind,
        name: &ObjectName,
        if_exists: bool,
        alteration: &Alteration,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        match kind {
            ObjectKind::Schema => return self.alter_schema(&last(name), alteration, stop).await,
            ObjectKind::Index => {
                let Alteration::Rename(to) = alteration else {
                    return Err(unsupported("this form of ALTER INDEX"));
                };
                if self.rename_index(name, to, stop).await? {
                    return Ok(());
                }
                return self.missing(kind, name, if_exists);
            }
            ObjectKind::Table | ObjectKind::View | ObjectKind::Sequence => {}
        }
        let what = format!("ALTER {}", kind.word().to_uppercase());
        if self.view.object(&super::parts(name)).is_none()
            && self.relation(name).is_none()
            && !self.is_builtin(name)
        {
            return self.missing(kind, name, if_exists);
        }
        let found = self.owned_object(name, &what)?;
        self.lock_relation(&found.head().full_name(), Mode::Alone, stop).await?;
        let object = self.owned_object(name, &what)?;
        let head = object.head();
        // ALTER TABLE does for views and sequences, too.
        if kind != ObjectKind::Table && object.kind() != kind.word() {
            return Err(QueryError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a {}", head.name, kind.word()),
            ));
        }
        match alteration {
            Alteration::Rename(to) => {
                let to = Name::new(head.schema.as_str(), folded(to));
                self.move_object(&object, to, stop).await
            }
            Alteration::SetSchema(schema) => {
                let to = Name::new(folded(schema), head.name.as_str());
                self.move_to_schema(&object, to, stop).await
            }
            Alteration::Owner(owner) => {
                let owner = self.owner(owner);
                self.check_new_owner(&owner)?;
                let head = Head { owner, ..head.clone() };
                self.put(object.with_head(head))
            }
            Alteration::RenameColumn { from, to } => self.rename_column(&object, from, to).await,
        }
    }

    /// Nothing of this name: a notice or an error.
    fn missing(
        &mut self,
        kind: ObjectKind,
        name: &ObjectName,
        if_exists: bool,
    ) -> Result<(), QueryError> {
        if if_exists {
            let word = if kind == ObjectKind::Index { "index" } else { "relation" };
            let name = last(name);
            self.notice("00000", format!("{word} \"{name}\" does not exist, skipping"));
            return Ok(());
        }
        Err(match kind {
            ObjectKind::Index => QueryError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("index \"{}\" does not exist", last(name)),
            ),
            _ => undefined_table(name),
        })
    }

    fn check_new_owner(&self, owner: &str) -> Result<(), QueryError> {
        if owner == self.view.role || self.view.role().is_superuser() {
            return Ok(());
        }
        Err(QueryError::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("must be able to SET ROLE \"{owner}\""),
        ))
    }

    async fn alter_schema(
        &mut self,
        name: &str,
        alteration: &Alteration,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let mut schema = self.owned_schema(name, stop).await?;
        match alteration {
            Alteration::Owner(owner) => {
                let owner = self.owner(owner);
                self.check_new_owner(&owner)?;
                schema.head.owner = owner;
                self.put_schema(schema);
                Ok(())
            }
            Alteration::Rename(to) => {
                let to = folded(to);
                self.lock(&format!("schema {to}"), Mode::Alone, stop).await?;
                if self.view.objects.schema(&to).is_some()
                    || super::SYSTEM_SCHEMAS.contains(&to.as_str())
                {
                    return Err(QueryError::new(
                        SqlState("42P06"),
                        format!("schema \"{to}\" already exists"),
                    ));
                }
                let inside: Vec<Object> = self
                    .view
                    .objects
                    .shared()
                    .filter(|object| object.head().schema == name)
                    .cloned()
                    .collect();
                for object in &inside {
                    self.lock_relation(&object.head().full_name(), Mode::Alone, stop).await?;
                }
                let mut objects = Objects::clone(&self.view.objects);
                objects.put_schema(name, None);
                schema.head.name.clone_from(&to);
                objects.put_schema(&to, Some(schema));
                for object in inside {
                    let head = object.head();
                    objects.remove(&head.schema, &head.name);
                    objects.put(object.with_head(Head { schema: to.clone(), ..head.clone() }))?;
                }
                self.install(objects);
                Ok(())
            }
            Alteration::SetSchema(_) | Alteration::RenameColumn { .. } => {
                Err(unsupported("this form of ALTER SCHEMA"))
            }
        }
    }

    /// RENAME TO and the second half of SET SCHEMA.
    async fn move_object(
        &mut self,
        object: &Object,
        to: Name,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        self.lock_relation(&to, Mode::Alone, stop).await?;
        if self.is_taken(&to) {
            return Err(duplicate_table(&to.name));
        }
        let mut objects = Objects::clone(&self.view.objects);
        let head = object.head();
        objects.remove(&head.schema, &head.name);
        let head = Head { schema: to.schema, name: to.name, ..head.clone() };
        objects.put(object.with_head(head))?;
        self.install(objects);
        Ok(())
    }

    async fn move_to_schema(
        &mut self,
        object: &Object,
        to: Name,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let from = object.head().full_name();
        if self.view.objects.is_temp_schema(&from.schema)
            || self.view.objects.is_temp_schema(&to.schema)
        {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cannot move objects into or out of temporary schemas",
            ));
        }
        if self.view.objects.schema(&to.schema).is_none()
            && !super::SYSTEM_SCHEMAS.contains(&to.schema.as_str())
        {
            return Err(undefined_schema(&to.schema).nowhere());
        }
        self.lock(&format!("schema {}", to.schema), Mode::Append, stop).await?;
        self.check_schema(&to.schema, 'C')?;
        if from == to {
            return Ok(());
        }
        // Sequences that its columns own come along.
        let oid = object.head().oid;
        let owned: Vec<Object> = self
            .view
            .objects
            .shared()
            .filter(|found| {
                matches!(found, Object::Sequence(sequence)
                    if sequence.owned_by.as_ref().is_some_and(|owner| owner.0 == oid))
            })
            .cloned()
            .collect();
        self.move_object(object, to.clone(), stop).await?;
        for sequence in owned {
            let to = Name::new(to.schema.as_str(), sequence.head().name.as_str());
            self.lock_relation(&sequence.head().full_name(), Mode::Alone, stop).await?;
            self.move_object(&sequence, to, stop).await?;
        }
        Ok(())
    }

    async fn rename_column(
        &mut self,
        object: &Object,
        from: &Ident,
        to: &Ident,
    ) -> Result<(), QueryError> {
        let (old, new) = (folded(from), folded(to));
        let head = object.head();
        let missing = || {
            QueryError::new(SqlState::UNDEFINED_COLUMN, format!("column \"{old}\" does not exist"))
                .nowhere()
        };
        let changed = match object {
            Object::Table(table) => {
                let mut table = UserTable::clone(table);
                let at = table.position(&old).ok_or_else(missing)?;
                if table.position(&new).is_some() {
                    return Err(duplicate_column_of(&new, &head.name));
                }
                for check in &table.checks {
                    if columns_of_check(check)?.contains(&old) {
                        return Err(unsupported("RENAME of a column that a CHECK reads"));
                    }
                }
                table.columns[at].name.clone_from(&new);
                Object::Table(Arc::new(table.renamed()?))
            }
            Object::View(view) => {
                let mut view = UserView::clone(view);
                if view.columns.iter().any(|column| column.name == new) {
                    return Err(duplicate_column_of(&new, &head.name));
                }
                let found = view.columns.iter_mut().find(|column| column.name == old);
                found.ok_or_else(missing)?.name = new.clone().into();
                Object::View(Arc::new(view))
            }
            Object::Sequence(_) => return Err(unsupported("RENAME of a column of a sequence")),
        };
        let mut objects = Objects::clone(&self.view.objects);
        let owned: Vec<Object> = objects
            .all()
            .filter(|found| {
                matches!(found, Object::Sequence(sequence)
                    if sequence.owned_by == Some((head.oid, old.clone())))
            })
            .cloned()
            .collect();
        for object in owned {
            if let Object::Sequence(sequence) = object {
                let mut sequence = crate::objects::Sequence::clone(&sequence);
                sequence.owned_by = Some((head.oid, new.clone()));
                objects.put(Object::Sequence(Arc::new(sequence)))?;
            }
        }
        objects.put(changed)?;
        let what = format!("rename column {old} of {} {}", object.kind(), head.name);
        self.check_readers(&objects, head.oid, &what).await?;
        self.install(objects);
        Ok(())
    }

    /// ALTER TABLE with operations of its own.
    pub(super) async fn alter_table(
        &mut self,
        name: &ObjectName,
        if_exists: bool,
        operations: &[AlterTableOperation],
        stop: &Stop,
    ) -> Result<(), QueryError> {
        if self.view.object(&super::parts(name)).is_none()
            && self.relation(name).is_none()
            && !self.is_builtin(name)
        {
            return self.missing(ObjectKind::Table, name, if_exists);
        }
        let found = self.owned_object(name, "ALTER TABLE")?;
        self.lock_relation(&found.head().full_name(), Mode::Alone, stop).await?;
        let oid = self.owned_object(name, "ALTER TABLE")?.head().oid;
        for operation in operations {
            // By its id: an operation before may have renamed it.
            match self.view.objects.by_oid(oid).cloned() {
                Some(Object::Table(table)) => {
                    self.alter_with(UserTable::clone(&table), operation, stop).await?;
                }
                Some(other) => {
                    return Err(QueryError::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!(
                            "ALTER action cannot be performed on relation \"{}\"",
                            other.head().name
                        ),
                    )
                    .with_detail(format!(
                        "This operation is not supported for {}s.",
                        other.kind()
                    )));
                }
                None => return Err(undefined_table(name)),
            }
        }
        Ok(())
    }

    async fn alter_with(
        &mut self,
        mut table: UserTable,
        operation: &AlterTableOperation,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        match operation {
            AlterTableOperation::AddColumn {
                if_not_exists,
                column_def,
                column_position: None,
                ..
            } => self.add_column(table, column_def, *if_not_exists, stop).await,
            AlterTableOperation::DropColumn { column_names, if_exists, drop_behavior, .. } => {
                let cascade = *drop_behavior == Some(DropBehavior::Cascade);
                self.drop_columns(table, column_names, *if_exists, cascade).await
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                let object = Object::Table(Arc::new(table));
                self.rename_column(&object, old_column_name, new_column_name).await
            }
            AlterTableOperation::RenameTable {
                table_name: RenameTableNameKind::To(name) | RenameTableNameKind::As(name),
            } => {
                let to = Name::new(table.head.schema.as_str(), last(name));
                self.move_object(&Object::Table(Arc::new(table)), to, stop).await
            }
            AlterTableOperation::AlterColumn { column_name, op } => {
                self.alter_column(table, column_name, op, stop).await
            }
            AlterTableOperation::AddConstraint { constraint, not_valid: false } => {
                let mut definition =
                    Definition { columns: table.columns.clone(), ..Definition::default() };
                definition.add_constraint(constraint, &table.head.name)?;
                self.add_constraints(table, definition, stop).await
            }
            AlterTableOperation::DropConstraint { if_exists, name, drop_behavior } => {
                let cascade = *drop_behavior == Some(DropBehavior::Cascade);
                self.drop_constraint(table, &folded(name), *if_exists, cascade)
            }
            AlterTableOperation::RenameConstraint { old_name, new_name } => {
                let (old, new) = (folded(old_name), folded(new_name));
                if index::find(&self.view.objects, &table.head.schema, &new).is_some() {
                    return Err(duplicate_table(&new));
                }
                let keys = table.keys.iter_mut().map(|key| &mut key.name);
                let checks = table.checks.iter_mut().map(|check| &mut check.name);
                let foreign = table.foreign.iter_mut().map(|key| &mut key.name);
                match keys.chain(checks).chain(foreign).find(|name| **name == old) {
                    Some(found) => {
                        if let Some(comment) = table.constraint_comments.remove(&old) {
                            table.constraint_comments.insert(new.clone(), comment);
                        }
                        *found = new;
                    }
                    None => {
                        return Err(QueryError::new(
                            SqlState::UNDEFINED_OBJECT,
                            format!(
                                "constraint \"{old}\" for table \"{}\" does not exist",
                                table.head.name
                            ),
                        ));
                    }
                }
                self.put(Object::Table(Arc::new(table)))
            }
            other => Err(unsupported(&format!("ALTER TABLE … {other}"))),
        }
    }

    async fn drop_columns(
        &mut self,
        mut table: UserTable,
        column_names: &[Ident],
        if_exists: bool,
        cascade: bool,
    ) -> Result<(), QueryError> {
        let mut objects = Objects::clone(&self.view.objects);
        for name in column_names {
            let name = folded(name);
            let Some(at) = table.position(&name) else {
                if if_exists {
                    let message = format!(
                        "column \"{name}\" of relation \"{}\" does not exist, skipping",
                        table.head.name
                    );
                    self.notice("00000", message);
                    continue;
                }
                return Err(undefined_column_of(&name, &table.head.name).nowhere());
            };
            if super::drop::is_target(&objects, &table, at) {
                // Foreign keys count positions of this table.
                return Err(unsupported("DROP of a column of a table with foreign keys to it"));
            }
            // A condition goes with any of its columns.
            let mut kept = Vec::with_capacity(table.checks.len());
            for check in std::mem::take(&mut table.checks) {
                if !columns_of_check(&check)?.contains(&name) {
                    kept.push(check);
                }
            }
            table.checks = kept;
            let owner = Some((table.head.oid, name.clone()));
            let owned: Vec<Name> = objects
                .all()
                .filter(|found| matches!(found, Object::Sequence(one) if one.owned_by == owner))
                .map(|found| found.head().full_name())
                .collect();
            for sequence in owned {
                objects.remove(&sequence.schema, &sequence.name);
            }
            table = table.without_column(at)?;
        }
        let (oid, shown) = (table.head.oid, table.head.name.clone());
        objects.put(Object::Table(Arc::new(table)))?;
        let what = format!("drop column of table {shown}");
        if cascade {
            if self.check_readers(&objects, oid, &what).await.is_err() {
                return Err(unsupported("DROP COLUMN … CASCADE of a column that a view reads"));
            }
        } else {
            self.check_readers(&objects, oid, &what).await?;
        }
        self.install(objects);
        Ok(())
    }
}
