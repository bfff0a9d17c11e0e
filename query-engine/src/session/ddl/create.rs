//! CREATE TABLE and CREATE TABLE AS.

use std::sync::Arc;

use sqlparser::ast::{
    CreateTable, CreateTableLikeKind, ForeignKeyConstraint, Ident, ObjectName,
    OnCommit as SqlOnCommit, Query,
};

use super::definition::{Definition, action, check_columns, free};
use super::{index, parts, undefined_table, unsupported};
use crate::objects::{
    ColumnType, Foreign, Head, Mode, Name, Object, Objects, OnCommit, UserColumn, UserDefault,
    UserTable,
};
use crate::session::copy::folded;
use crate::session::{Session, Stop};
use crate::{QueryError, SqlState};

/// What CREATE TABLE AS says beside its query.
pub(super) struct As<'a> {
    pub(super) name: &'a ObjectName,
    pub(super) temporary: bool,
    pub(super) columns: &'a [Ident],
    pub(super) if_not_exists: bool,
    pub(super) on_commit: Option<SqlOnCommit>,
}

impl Session {
    pub(super) async fn create_table(
        &mut self,
        table: &CreateTable,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let name = self.lock_new(&table.name, table.temporary, stop).await?;
        if self.exists_already(&name, table.if_not_exists)? {
            return Ok(());
        }
        let mut definition = Definition::default();
        if let Some(CreateTableLikeKind::Parenthesized(like) | CreateTableLikeKind::Plain(like)) =
            &table.like
        {
            self.add_like(&mut definition, &like.name)?;
        }
        for column in &table.columns {
            definition.add_column(column, &name.name)?;
        }
        for constraint in &table.constraints {
            definition.add_constraint(constraint, &name.name)?;
        }
        definition.check(&name.name)?;
        let mut objects = Objects::clone(&self.view.objects);
        let head = Head::new(name, self.new_oid(), &self.view.role);
        let mut made = UserTable::new(head, definition.columns, commit_action(table.on_commit));
        made.keys = definition.keys;
        let schema = made.head.schema.clone();
        for at in 0..made.keys.len() {
            let taken = |name: &str| {
                index::find(&objects, &schema, name).is_some()
                    || objects.get(&schema, name).is_some()
                    || made.keys[..at].iter().any(|key| key.name == name)
            };
            let key_name = free(&made.keys[at].name, taken);
            made.keys[at].name = key_name;
        }
        made.checks = definition.checks;
        for key in &definition.foreign {
            let foreign = self.foreign_key(&made, key)?;
            made.foreign.push(foreign);
        }
        for serial in definition.serials {
            let sequence = self.serial_sequence(&objects, &made, &serial)?;
            made.columns[serial.column].default = Some(UserDefault::Serial {
                sequence: sequence.head.oid,
                counter: Arc::clone(&sequence.counter),
                identity: serial.identity,
            });
            self.debug(format!(
                "CREATE TABLE will create implicit sequence \"{}\" for serial column \"{}.{}\"",
                sequence.head.name, made.head.name, made.columns[serial.column].name
            ));
            objects.put(Object::Sequence(Arc::new(sequence)))?;
        }
        for key in &made.keys {
            let kind = if key.is_primary { "PRIMARY KEY" } else { "UNIQUE" };
            self.debug(format!(
                "CREATE TABLE / {kind} will create implicit index \"{}\" for table \"{}\"",
                key.name, made.head.name
            ));
        }
        self.check_definition(&made, stop).await?;
        objects.put(Object::Table(Arc::new(made)))?;
        self.install(objects);
        Ok(())
    }

    /// Takes the lock to make a relation, and gives its name.
    pub(super) async fn lock_new(
        &mut self,
        name: &ObjectName,
        temporary: bool,
        stop: &Stop,
    ) -> Result<Name, QueryError> {
        let name = self.new_name(name, temporary)?;
        if !self.view.objects.is_temp_schema(&name.schema) {
            self.lock(&format!("schema {}", name.schema), Mode::Append, stop).await?;
            self.check_schema(&name.schema, 'C')?;
            self.lock_relation(&name, Mode::Alone, stop).await?;
        }
        Ok(name)
    }

    /// Columns of another relation, for LIKE.
    fn add_like(&self, definition: &mut Definition, name: &ObjectName) -> Result<(), QueryError> {
        match self.view.object(&parts(name)) {
            Some(Object::Table(table)) => {
                self.view.role().check(&table.head, 'r', "table")?;
                let bare = |column: &UserColumn| {
                    let mut copy =
                        UserColumn::new(column.name.as_str(), column.column_type.clone());
                    copy.is_not_null = column.is_not_null;
                    copy
                };
                definition.columns.extend(table.columns.iter().map(bare));
                Ok(())
            }
            Some(_) => Err(unsupported("LIKE of what is no table")),
            None if self.relation(name).is_some() => Err(unsupported("LIKE of a chain table")),
            None => Err(undefined_table(name)),
        }
    }

    /// A foreign key of `table`, resolved.
    pub(super) fn foreign_key(
        &self,
        table: &UserTable,
        key: &ForeignKeyConstraint,
    ) -> Result<Foreign, QueryError> {
        if key.match_kind.is_some() {
            return Err(unsupported("MATCH of a foreign key"));
        }
        let deferred = key
            .characteristics
            .as_ref()
            .is_some_and(|found| found.deferrable == Some(true) || found.initially.is_some());
        if deferred {
            return Err(unsupported("a deferrable foreign key"));
        }
        let other = self.referenced_table(table, key)?;
        let columns = positions(table, &key.columns)?;
        let target = match key.referred_columns.as_slice() {
            [] => primary_key(&other)?,
            names => positions(&other, names)?,
        };
        if columns.len() != target.len() {
            return Err(QueryError::new(
                SqlState("42830"),
                "number of referencing and referenced columns for foreign key disagree",
            ));
        }
        if !other.keys.iter().any(|key| key.columns == target) {
            return Err(QueryError::new(
                SqlState("42830"),
                format!(
                    "there is no unique constraint matching given keys for referenced table \"{}\"",
                    other.head.name
                ),
            ));
        }
        let joined: Vec<&str> = columns.iter().map(|at| table.columns[*at].name.as_str()).collect();
        let name = match &key.name {
            Some(name) => folded(name),
            None => free(&format!("{}_{}_fkey", table.head.name, joined.join("_")), |name| {
                table.foreign.iter().any(|key| key.name == name)
            }),
        };
        Ok(Foreign {
            name,
            columns,
            table: other.head.oid,
            target,
            on_delete: action(key.on_delete),
            on_update: action(key.on_update),
        })
    }

    /// The table that a foreign key of `table` names.
    fn referenced_table(
        &self,
        table: &UserTable,
        key: &ForeignKeyConstraint,
    ) -> Result<UserTable, QueryError> {
        let own = parts(&key.foreign_table);
        let is_self = self.view.object(&own).is_none() && own.last() == Some(&table.head.name);
        let other = match self.view.object(&own) {
            Some(Object::Table(other)) => {
                self.view.role().check(&other.head, 'x', "table")?;
                UserTable::clone(other)
            }
            None if is_self => table.clone(),
            Some(_) => {
                return Err(QueryError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("referenced relation \"{}\" is not a table", own.join(".")),
                ));
            }
            None if self.relation(&key.foreign_table).is_some() => {
                return Err(unsupported("a foreign key to a chain table"));
            }
            None => return Err(undefined_table(&key.foreign_table)),
        };
        let is_temp = |table: &UserTable| self.view.objects.is_temp_schema(&table.head.schema);
        if is_temp(table) != is_temp(&other) {
            return Err(QueryError::new(
                SqlState("42P16"),
                "constraints on permanent tables may reference only permanent tables",
            ));
        }
        Ok(other)
    }

    /// CREATE TABLE AS: the number of rows, or `None` for a table that was there.
    pub(super) async fn create_as(
        &mut self,
        asked: &As<'_>,
        query: &Query,
        stop: &Stop,
    ) -> Result<Option<usize>, QueryError> {
        let name = self.lock_new(asked.name, asked.temporary, stop).await?;
        if self.exists_already(&name, asked.if_not_exists)? {
            return Ok(None);
        }
        let source = self.source(query, &[]).await?;
        if !source.parameter_types.is_empty() {
            return Err(QueryError::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"));
        }
        if asked.columns.len() > source.columns.len() {
            return Err(QueryError::new(
                SqlState::SYNTAX_ERROR,
                "too many column names were specified",
            ));
        }
        let mut columns = Vec::with_capacity(source.columns.len());
        for (at, (found, field)) in source.columns.iter().zip(&source.fields).enumerate() {
            let name = asked.columns.get(at).map_or_else(|| found.name.clone(), folded);
            columns.push(UserColumn::new(name, ColumnType::of_result(found, field)?));
        }
        check_columns(&columns)?;
        let head = Head::new(name, self.new_oid(), &self.view.role);
        let table = UserTable::new(head, columns, commit_action(asked.on_commit));
        let (arrays, row_count) = self.assigned_rows(query, &table, &source, stop).await?;
        let table = table.appended(arrays, row_count, &mut None)?;
        self.put(Object::Table(Arc::new(table)))?;
        Ok(Some(row_count))
    }
}

/// Positions of the columns that a foreign key lists.
fn positions(table: &UserTable, names: &[Ident]) -> Result<Vec<usize>, QueryError> {
    let at = |name: &Ident| {
        let name = folded(name);
        table.position(&name).ok_or_else(|| {
            QueryError::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" referenced in foreign key constraint does not exist"),
            )
        })
    };
    names.iter().map(at).collect()
}

fn primary_key(table: &UserTable) -> Result<Vec<usize>, QueryError> {
    let found = table.keys.iter().find(|key| key.is_primary).map(|key| key.columns.clone());
    found.ok_or_else(|| {
        QueryError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("there is no primary key for referenced table \"{}\"", table.head.name),
        )
    })
}

fn commit_action(action: Option<SqlOnCommit>) -> OnCommit {
    match action {
        None | Some(SqlOnCommit::PreserveRows) => OnCommit::PreserveRows,
        Some(SqlOnCommit::DeleteRows) => OnCommit::DeleteRows,
        Some(SqlOnCommit::Drop) => OnCommit::Drop,
    }
}
