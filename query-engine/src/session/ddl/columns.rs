//! ALTER TABLE: columns and constraints, and what the rows that are there must hold for them.

use std::sync::Arc;

use sqlparser::ast::{AlterColumnOperation, ColumnDef, Ident};

use super::definition::{Definition, default, free, too_many_columns};
use super::{duplicate_column_of, index, undefined_column_of, unsupported};
use crate::limits::TEMP_COLUMNS_MAX;
use crate::objects::{ColumnType, Object, Objects, UserColumn, UserDefault, UserTable, assignable};
use crate::session::copy::folded;
use crate::session::write::{column_of, exact, parsed_query, quoted};
use crate::session::{Session, Stop};
use crate::{QueryError, SqlState};

impl Session {
    pub(super) async fn add_column(
        &mut self,
        table: UserTable,
        column_def: &ColumnDef,
        if_not_exists: bool,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let name = folded(&column_def.name);
        let relation = table.head.name.clone();
        if table.position(&name).is_some() {
            if if_not_exists {
                let message = format!(
                    "column \"{name}\" of relation \"{relation}\" already exists, skipping"
                );
                self.notice("42701", message);
                return Ok(());
            }
            return Err(duplicate_column_of(&name, &relation));
        }
        if table.columns.len() >= TEMP_COLUMNS_MAX {
            return Err(too_many_columns());
        }
        let mut definition = Definition { columns: table.columns.clone(), ..Definition::default() };
        definition.add_column(column_def, &relation)?;
        let Some(mut added) = definition.columns.pop() else {
            return Err(crate::error::map::internal());
        };
        let mut objects = Objects::clone(&self.view.objects);
        for serial in std::mem::take(&mut definition.serials) {
            let mut wider = table.emptied();
            wider.columns.push(added.clone());
            let sequence = self.serial_sequence(&objects, &wider, &serial)?;
            added.default = Some(UserDefault::Serial {
                sequence: sequence.head.oid,
                counter: Arc::clone(&sequence.counter),
                identity: serial.identity,
            });
            objects.put(Object::Sequence(Arc::new(sequence)))?;
        }
        let row_count = table.row_count();
        // A row each, for those that are another value in each row.
        let mut values = self.default_arrays(std::slice::from_ref(&added), row_count, stop).await?;
        let table = table.with_column(added, values.pop())?;
        definition.columns.clone_from(&table.columns);
        objects.put(Object::Table(Arc::new(table.clone())))?;
        self.install(objects);
        self.add_constraints(table, definition, stop).await
    }

    /// Adds what `definition` lists, once the rows hold it.
    pub(super) async fn add_constraints(
        &mut self,
        mut table: UserTable,
        definition: Definition,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        for mut key in definition.keys {
            if key.is_primary && table.keys.iter().any(|key| key.is_primary) {
                return Err(QueryError::new(
                    SqlState("42P16"),
                    format!(
                        "multiple primary keys for table \"{}\" are not allowed",
                        table.head.name
                    ),
                ));
            }
            let objects = &self.view.objects;
            key.name = free(&key.name, |name| {
                index::find(objects, &table.head.schema, name).is_some()
                    || objects.get(&table.head.schema, name).is_some()
            });
            table = table.with_key(key)?;
        }
        let mut is_checked = true;
        for check in definition.checks {
            if table.checks.iter().any(|known| known.name == check.name) {
                return Err(QueryError::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!(
                        "constraint \"{}\" for relation \"{}\" already exists",
                        check.name, table.head.name
                    ),
                ));
            }
            table.checks.push(check);
            is_checked = false;
        }
        for key in &definition.foreign {
            let foreign = self.foreign_key(&table, key)?;
            table.foreign.push(foreign);
            is_checked = false;
        }
        if !is_checked {
            self.check_definition(&table, stop).await?;
            self.check_rows(&table, &table, stop).await.map_err(|error| {
                if error.state.0 == "23514" {
                    let name = table.checks.last().map_or("", |check| check.name.as_str());
                    return QueryError::new(
                        error.state,
                        format!(
                            "check constraint \"{name}\" of relation \"{}\" is violated by some row",
                            table.head.name
                        ),
                    );
                }
                error
            })?;
        }
        self.put(Object::Table(Arc::new(table)))
    }

    pub(super) async fn alter_column(
        &mut self,
        mut table: UserTable,
        column: &Ident,
        operation: &AlterColumnOperation,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let name = folded(column);
        let relation = table.head.name.clone();
        let at =
            table.position(&name).ok_or_else(|| undefined_column_of(&name, &relation).nowhere())?;
        match operation {
            AlterColumnOperation::SetNotNull => {
                table = table.with_not_null(at)?;
            }
            AlterColumnOperation::DropNotNull => {
                if table.keys.iter().any(|key| key.is_primary && key.columns.contains(&at)) {
                    return Err(QueryError::new(
                        SqlState("42P16"),
                        format!("column \"{name}\" is in a primary key"),
                    ));
                }
                table.columns[at].is_not_null = false;
            }
            AlterColumnOperation::SetDefault { value } => {
                table.columns[at].default = default(value);
                self.check_definition(&table, stop).await?;
            }
            AlterColumnOperation::DropDefault => table.columns[at].default = None,
            AlterColumnOperation::SetDataType { data_type, using, .. } => {
                let (column_type, is_serial) = ColumnType::parse(data_type)?;
                if is_serial {
                    return Err(QueryError::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!("type \"{data_type}\" does not exist"),
                    ));
                }
                if table.foreign.iter().any(|key| key.columns.contains(&at)) {
                    return Err(unsupported("ALTER TYPE of a column of a foreign key"));
                }
                let expr = using.as_ref().map_or_else(|| quoted(&name), ToString::to_string);
                let array = self
                    .converted(&table, &name, &column_type, &expr, using.is_some(), stop)
                    .await?;
                table = table.with_type(at, column_type, array)?;
                self.check_definition(&table, stop).await?;
                self.check_rows(&table, &table, stop).await?;
            }
            AlterColumnOperation::AddGenerated { .. } => {
                return Err(unsupported("ADD GENERATED"));
            }
        }
        let mut objects = Objects::clone(&self.view.objects);
        let oid = table.head.oid;
        objects.put(Object::Table(Arc::new(table)))?;
        if matches!(operation, AlterColumnOperation::SetDataType { .. }) {
            self.check_readers(&objects, oid, &format!("alter type of column {name}")).await?;
        }
        self.install(objects);
        Ok(())
    }

    /// The values of a column in another type.
    async fn converted(
        &self,
        table: &UserTable,
        name: &str,
        column_type: &ColumnType,
        expr: &str,
        is_given: bool,
        stop: &Stop,
    ) -> Result<datafusion::arrow::array::ArrayRef, QueryError> {
        let (schema, relation) = (quoted(&table.head.schema), quoted(&table.head.name));
        let query = parsed_query(&format!("SELECT {expr} FROM {schema}.{relation}"))?;
        let source = self.source(&query, &[]).await?;
        let Some(found) = source.columns.first() else {
            return Err(crate::error::map::internal());
        };
        if !assignable(found.pg_type, column_type.pg_type) {
            let shown = column_type.shown();
            return Err(QueryError::new(
                SqlState::DATATYPE_MISMATCH,
                match is_given {
                    true => format!(
                        "result of USING clause for column \"{name}\" cannot be cast automatically to type {shown}"
                    ),
                    false => format!("column \"{name}\" cannot be cast automatically to type {shown}"),
                },
            )
            .with_hint(match is_given {
                true => "You might need to add an explicit cast.".to_owned(),
                false => format!("You might need to specify \"USING {name}::{shown}\"."),
            }));
        }
        let casts = vec![column_type.cast(found.pg_type, &self.time_zone())];
        let batches = self.run_cast(&self.view, &query, &[], &[], casts, stop).await?;
        let column = UserColumn::new(name, column_type.clone());
        exact(found, &column, column_of(&batches, 0, &column_type.data_type)?)
    }

    /// DROP CONSTRAINT.
    pub(super) fn drop_constraint(
        &mut self,
        mut table: UserTable,
        name: &str,
        if_exists: bool,
        cascade: bool,
    ) -> Result<(), QueryError> {
        let key = table.keys.iter().find(|key| key.name == name && !key.is_index);
        let mut objects = Objects::clone(&self.view.objects);
        if let Some(key) = key {
            for mut other in super::drop::referencing(&objects, table.head.oid) {
                let needs = |foreign: &crate::objects::Foreign| {
                    foreign.table == table.head.oid && foreign.target == key.columns
                };
                if !other.foreign.iter().any(needs) {
                    continue;
                }
                if !cascade {
                    return Err(QueryError::new(
                        SqlState("2BP01"),
                        format!(
                            "cannot drop constraint {name} on table {} because other objects depend on it",
                            table.head.name
                        ),
                    )
                    .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
                }
                other.foreign.retain(|foreign| !needs(foreign));
                objects.put(Object::Table(Arc::new(other)))?;
            }
        } else if !table.checks.iter().any(|check| check.name == name)
            && !table.foreign.iter().any(|key| key.name == name)
        {
            let message =
                format!("constraint \"{name}\" of relation \"{}\" does not exist", table.head.name);
            if if_exists {
                self.notice("00000", format!("{message}, skipping"));
                return Ok(());
            }
            return Err(QueryError::new(SqlState::UNDEFINED_OBJECT, message));
        }
        table.keys.retain(|key| key.name != name || key.is_index);
        table.checks.retain(|check| check.name != name);
        table.foreign.retain(|key| key.name != name);
        table.constraint_comments.remove(name);
        objects.put(Object::Table(Arc::new(table)))?;
        self.install(objects);
        Ok(())
    }
}
