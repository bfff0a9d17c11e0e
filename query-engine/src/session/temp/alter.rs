//! ALTER TABLE on temp tables.

use sqlparser::ast::{AlterTableOperation, ColumnDef, Ident, ObjectName, RenameTableNameKind};

use super::definition::{column, too_many_columns};
use super::{duplicate_column_of, duplicate_table, last, undefined_column_of};
use crate::limits::TEMP_COLUMNS_MAX;
use crate::session::copy::folded;
use crate::session::{Session, Stop};
use crate::temp::{TempDefault, TempTable, TempTables};
use crate::{QueryError, SqlState};

impl Session {
    /// ALTER TABLE.
    pub(super) async fn alter_table(
        &mut self,
        name: &ObjectName,
        if_exists: bool,
        operations: &[AlterTableOperation],
        stop: &Stop,
    ) -> Result<(), QueryError> {
        if if_exists && self.find_temp(name).is_none() && self.relation(name).is_none() {
            let name = last(name);
            self.notice("00000", format!("relation \"{name}\" does not exist, skipping"));
            return Ok(());
        }
        if self.find_temp(name).is_none()
            && (self.relation(name).is_some() || self.is_builtin(name))
        {
            return Err(crate::statement::fixed("ALTER TABLE"));
        }
        let before = self.target(name, "ALTER TABLE")?;
        let mut table = TempTable::clone(&before);
        for operation in operations {
            table = self.altered(table, operation, stop).await?;
        }
        let mut temp = TempTables::clone(&self.view.temp);
        if table.name != before.name {
            if temp.get(&table.name).is_some() {
                return Err(duplicate_table(&table.name));
            }
            temp.remove(&before.name);
        }
        temp.put(table)?;
        self.install(temp, true);
        Ok(())
    }

    async fn altered(
        &mut self,
        mut table: TempTable,
        operation: &AlterTableOperation,
        stop: &Stop,
    ) -> Result<TempTable, QueryError> {
        match operation {
            AlterTableOperation::AddColumn {
                if_not_exists,
                column_def,
                column_position: None,
                ..
            } => self.add_column(table, column_def, *if_not_exists, stop).await,
            AlterTableOperation::DropColumn { column_names, if_exists, .. } => {
                self.drop_columns(table, column_names, *if_exists)
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                let (old, new) = (folded(old_column_name), folded(new_column_name));
                let at = table.position(&old).ok_or_else(|| {
                    QueryError::new(
                        SqlState::UNDEFINED_COLUMN,
                        format!("column \"{old}\" does not exist"),
                    )
                    .nowhere()
                })?;
                if table.position(&new).is_some() {
                    return Err(duplicate_column_of(&new, &table.name));
                }
                table.columns[at].name = new;
                table.renamed()
            }
            AlterTableOperation::RenameTable {
                table_name: RenameTableNameKind::To(name) | RenameTableNameKind::As(name),
            } => {
                table.name = self.new_name(name)?;
                Ok(table)
            }
            _ => Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "this form of ALTER TABLE is not supported",
            )
            .with_hint("ADD COLUMN, DROP COLUMN and RENAME are.")),
        }
    }

    async fn add_column(
        &mut self,
        table: TempTable,
        column_def: &ColumnDef,
        if_not_exists: bool,
        stop: &Stop,
    ) -> Result<TempTable, QueryError> {
        let name = folded(&column_def.name);
        if table.position(&name).is_some() {
            if if_not_exists {
                let relation = &table.name;
                let message = format!(
                    "column \"{name}\" of relation \"{relation}\" already exists, skipping"
                );
                self.notice("42701", message);
                return Ok(table);
            }
            return Err(duplicate_column_of(&name, &table.name));
        }
        let mut keys = Vec::new();
        let added = column(column_def, table.columns.len(), &table.name, &mut keys)?;
        if !keys.is_empty() || matches!(added.default, Some(TempDefault::Serial)) {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "ADD COLUMN with a key or a serial type is not supported",
            ));
        }
        if table.columns.len() >= TEMP_COLUMNS_MAX {
            return Err(too_many_columns());
        }
        let value = self.default_arrays(std::slice::from_ref(&added), 1, stop).await?.pop();
        table.with_column(added, value)
    }

    fn drop_columns(
        &mut self,
        mut table: TempTable,
        column_names: &[Ident],
        if_exists: bool,
    ) -> Result<TempTable, QueryError> {
        for name in column_names {
            let name = folded(name);
            match table.position(&name) {
                Some(at) => table = table.without_column(at)?,
                None if if_exists => {
                    let message = format!(
                        "column \"{name}\" of relation \"{}\" does not exist, skipping",
                        table.name
                    );
                    self.notice("00000", message);
                }
                None => return Err(undefined_column_of(&name, &table.name).nowhere()),
            }
        }
        Ok(table)
    }
}
