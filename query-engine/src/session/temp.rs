//! Tables of the session: CREATE, ALTER, DROP, TRUNCATE, and which tables hold after a rollback.
//!
//! ```text
//! statement ──> new TempTables ──install──> CatalogView of the session
//!                                 └ TempUndo: tables as of BEGIN, of each savepoint, of the implicit
//!                                   transaction of a message cycle
//! ```

mod alter;
mod definition;

use std::sync::Arc;

use sqlparser::ast::{CreateTable, Ident, ObjectName, OnCommit as SqlOnCommit, Query};

use self::definition::{check_columns, column, table_key};
use super::copy::folded;
use super::{Notice, Session, Stop, TransactionStatus};
use crate::catalog::{Relation, pg_catalog};
use crate::statement::temp::TableStatement;
use crate::temp::{ColumnType, OnCommit, TempColumn, TempTable, TempTables};
use crate::{Outcome, QueryError, SqlState};

impl Session {
    #[cfg(test)]
    pub(crate) fn temp_table(&self, name: &str) -> Arc<TempTable> {
        Arc::clone(self.view.temp.get(name).expect("the test made it"))
    }

    /// Runs a statement that makes, changes or drops tables.
    pub(super) async fn run_table(
        &mut self,
        statement: &TableStatement,
        stop: &Stop,
    ) -> Result<Outcome, QueryError> {
        if self.is_read_only() {
            return Err(QueryError::new(
                SqlState::READ_ONLY_TRANSACTION,
                format!("cannot execute {} in a read-only transaction", statement.name()),
            ));
        }
        let tag = match statement {
            TableStatement::Create(table) => {
                self.create_table(table)?;
                "CREATE TABLE".to_owned()
            }
            TableStatement::CreateAs { name, columns, query, if_not_exists, on_commit } => {
                let on_commit = commit_action(*on_commit);
                if self.exists_already(name, *if_not_exists)? {
                    "CREATE TABLE AS".to_owned()
                } else {
                    let count = self.create_as(name, columns, query, on_commit, stop).await?;
                    format!("SELECT {count}")
                }
            }
            TableStatement::Drop { names, if_exists } => {
                self.drop_tables(names, *if_exists)?;
                "DROP TABLE".to_owned()
            }
            TableStatement::Truncate(names) => {
                let mut temp = TempTables::clone(&self.view.temp);
                for name in names {
                    temp.put(self.target(name, "TRUNCATE")?.emptied())?;
                }
                self.install(temp, false);
                "TRUNCATE TABLE".to_owned()
            }
            TableStatement::Alter { name, if_exists, operations } => {
                self.alter_table(name, *if_exists, operations, stop).await?;
                "ALTER TABLE".to_owned()
            }
        };
        Ok(Outcome::Done { tag })
    }

    /// Whether the transaction may not change tables; rows of temp tables it may.
    fn is_read_only(&self) -> bool {
        let setting = match self.status {
            TransactionStatus::Idle => "default_transaction_read_only",
            TransactionStatus::InBlock | TransactionStatus::Failed => "transaction_read_only",
        };
        self.view.settings().get(setting).as_deref() == Some("on")
    }

    /// The temp table that `name` finds.
    ///
    /// # Errors
    /// 25006 for a table that is no temp table, 42P01 for none.
    pub(super) fn target(
        &self,
        name: &ObjectName,
        verb: &str,
    ) -> Result<Arc<TempTable>, QueryError> {
        if let Some(found) = self.find_temp(name) {
            return Ok(Arc::clone(found));
        }
        if self.relation(name).is_some() || self.is_builtin(name) {
            return Err(crate::statement::read_only(verb));
        }
        Err(undefined_table(name))
    }

    /// Puts `temp` in place; `is_shape` when tables or columns are others than before.
    pub(super) fn install(&mut self, mut temp: TempTables, is_shape: bool) {
        self.undo.note(&self.view.temp, self.status != TransactionStatus::Idle);
        if is_shape {
            self.temp_serial += 1;
            temp.shape = self.temp_serial;
        }
        self.set_temp(Arc::new(temp));
    }

    fn set_temp(&mut self, temp: Arc<TempTables>) {
        let is_shape = temp.shape != self.view.temp.shape;
        let mut view = (*self.view).clone();
        if is_shape {
            let fixed = view.relations.iter().filter(|relation| !relation.is_temporary).cloned();
            let own = temp.all().map(|table| table.described(temp.schema_name()));
            view.relations = fixed.chain(own).collect::<Vec<Relation>>().into();
            view.tables = Arc::default();
        }
        view.temp = temp;
        self.view = Arc::new(view);
        if is_shape {
            // Functions over catalogs hold the view that they were made with.
            pg_catalog::register(&mut self.state, &self.view);
        }
    }

    /// BEGIN: what ran before it in the same message cycle belongs to the block.
    pub(super) fn begin_temp(&mut self) {
        self.undo.begin(&self.view.temp);
    }

    /// Ends a transaction, explicit or not.
    pub(super) fn end_temp(&mut self, is_commit: bool) {
        let before = self.undo.end();
        if !is_commit {
            if let Some(before) = before {
                self.set_temp(before);
            }
            return;
        }
        let acting: Vec<Arc<TempTable>> = self
            .view
            .temp
            .all()
            .filter(|table| table.on_commit != OnCommit::PreserveRows)
            .cloned()
            .collect();
        if acting.is_empty() {
            return;
        }
        let mut temp = TempTables::clone(&self.view.temp);
        for table in &acting {
            match table.on_commit {
                OnCommit::Drop => {
                    temp.remove(&table.name);
                }
                OnCommit::DeleteRows | OnCommit::PreserveRows => {
                    temp.put(table.emptied()).expect("a table without rows takes no room");
                }
            }
        }
        if acting.iter().any(|table| table.on_commit == OnCommit::Drop) {
            self.temp_serial += 1;
            temp.shape = self.temp_serial;
        }
        self.set_temp(Arc::new(temp));
    }

    pub(super) fn undo_temp_to(&mut self, savepoint: &str) {
        if let Some(before) = self.undo.rollback_to(savepoint) {
            self.set_temp(before);
        }
    }

    /// DISCARD TEMP.
    pub(super) fn discard_temp(&mut self) {
        let mut temp = TempTables::clone(&self.view.temp);
        temp.clear();
        self.install(temp, true);
    }

    pub(super) fn notice(&mut self, state: &'static str, message: String) {
        self.notices.push(Notice { severity: "NOTICE", state, message });
    }

    /// Whether the name is taken and IF NOT EXISTS says that this is fine.
    fn exists_already(
        &mut self,
        name: &ObjectName,
        if_not_exists: bool,
    ) -> Result<bool, QueryError> {
        let name = self.new_name(name)?;
        if self.view.temp.get(&name).is_none() {
            return Ok(false);
        }
        if !if_not_exists {
            return Err(duplicate_table(&name));
        }
        self.notice("42P07", format!("relation \"{name}\" already exists, skipping"));
        Ok(true)
    }

    /// The name of a table to be made in the temp schema.
    fn new_name(&self, name: &ObjectName) -> Result<String, QueryError> {
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect();
        match parts.as_slice() {
            [table] => Ok(table.clone()),
            [schema, table] if self.view.temp.is_schema(schema) => Ok(table.clone()),
            _ => Err(QueryError::new(
                SqlState("42P16"),
                "cannot create temporary relation in non-temporary schema",
            )),
        }
    }

    fn new_oid(&mut self, name: &str) -> u32 {
        loop {
            self.temp_serial += 1;
            let schema = self.view.temp.schema_name();
            let salted = format!("{name}#{}", self.temp_serial);
            let oid = crate::catalog::oid_of(&self.view.database, schema, &salted);
            if self.view.relations.iter().all(|relation| relation.oid != oid) {
                return oid;
            }
        }
    }

    fn create_table(&mut self, table: &CreateTable) -> Result<(), QueryError> {
        if self.exists_already(&table.name, table.if_not_exists)? {
            return Ok(());
        }
        let name = self.new_name(&table.name)?;
        let mut columns = Vec::with_capacity(table.columns.len());
        let mut keys = Vec::new();
        for (at, definition) in table.columns.iter().enumerate() {
            columns.push(column(definition, at, &name, &mut keys)?);
        }
        for constraint in &table.constraints {
            keys.push(table_key(constraint, &name, &mut columns)?);
        }
        check_columns(&columns)?;
        if keys.iter().filter(|key| key.is_primary).count() > 1 {
            return Err(QueryError::new(
                SqlState("42P16"),
                format!("multiple primary keys for table \"{name}\" are not allowed"),
            ));
        }
        let oid = self.new_oid(&name);
        let mut made = TempTable::new(name, oid, columns, commit_action(table.on_commit));
        made.keys = keys;
        let mut temp = TempTables::clone(&self.view.temp);
        temp.put(made)?;
        self.install(temp, true);
        Ok(())
    }

    async fn create_as(
        &mut self,
        name: &ObjectName,
        names: &[Ident],
        query: &Query,
        on_commit: OnCommit,
        stop: &Stop,
    ) -> Result<usize, QueryError> {
        let name = self.new_name(name)?;
        let source = self.source(query, &[]).await?;
        if !source.parameter_types.is_empty() {
            return Err(QueryError::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"));
        }
        if names.len() > source.columns.len() {
            return Err(QueryError::new(
                SqlState::SYNTAX_ERROR,
                "too many column names were specified",
            ));
        }
        let mut columns = Vec::with_capacity(source.columns.len());
        for (at, (found, field)) in source.columns.iter().zip(&source.fields).enumerate() {
            let name = names.get(at).map_or_else(|| found.name.clone(), folded);
            columns.push(TempColumn::new(name, ColumnType::of_result(found, field)?));
        }
        check_columns(&columns)?;
        let oid = self.new_oid(&name);
        let table = TempTable::new(name, oid, columns, on_commit);
        let (arrays, row_count) = self.assigned_rows(query, &table, &source, stop).await?;
        let table = table.appended(arrays, row_count, &mut None)?;
        let mut temp = TempTables::clone(&self.view.temp);
        temp.put(table)?;
        self.install(temp, true);
        Ok(row_count)
    }

    fn drop_tables(&mut self, names: &[ObjectName], if_exists: bool) -> Result<(), QueryError> {
        let mut temp = TempTables::clone(&self.view.temp);
        let mut is_changed = false;
        for name in names {
            if let Some(found) = self.find_temp(name) {
                temp.remove(&found.name.clone());
                is_changed = true;
            } else if self.relation(name).is_some() || self.is_builtin(name) {
                return Err(crate::statement::fixed("DROP TABLE"));
            } else if if_exists {
                let name = last(name);
                self.notice("00000", format!("table \"{name}\" does not exist, skipping"));
            } else {
                return Err(QueryError::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("table \"{}\" does not exist", last(name)),
                )
                .nowhere());
            }
        }
        if is_changed {
            self.install(temp, true);
        }
        Ok(())
    }

    fn find_temp(&self, name: &ObjectName) -> Option<&Arc<TempTable>> {
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect();
        match parts.as_slice() {
            [table] => self.view.temp.get(table),
            [schema, table] if self.view.temp.is_schema(schema) => self.view.temp.get(table),
            _ => None,
        }
    }

    fn is_builtin(&self, name: &ObjectName) -> bool {
        let table = last(name);
        let schema = match name.0.as_slice() {
            [schema, _] => schema.as_ident().map_or_else(String::new, folded),
            _ => "pg_catalog".to_owned(),
        };
        pg_catalog::table_oid(&schema, &table) != 0
    }
}

/// Last part of a name.
fn last(name: &ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map_or_else(|| name.to_string(), folded)
}

fn commit_action(action: Option<SqlOnCommit>) -> OnCommit {
    match action {
        None | Some(SqlOnCommit::PreserveRows) => OnCommit::PreserveRows,
        Some(SqlOnCommit::DeleteRows) => OnCommit::DeleteRows,
        Some(SqlOnCommit::Drop) => OnCommit::Drop,
    }
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
    let shown =
        name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect::<Vec<_>>().join(".");
    QueryError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist"))
        .about(shown)
}
