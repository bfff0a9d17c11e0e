//! CREATE INDEX and DROP INDEX. A unique index is a key that is enforced; any other one is listed and does
//! nothing else, since tables are in memory.

use std::sync::Arc;

use sqlparser::ast::{CreateIndex, IndexType, ObjectName};

use super::definition::{free, key_columns};
use super::{duplicate_table, last, parts, unsupported};
use crate::objects::{Index, Mode, Object, Objects, UserKey, UserTable};
use crate::session::copy::folded;
use crate::session::{Session, Stop};
use crate::{QueryError, SqlState};

/// The table that has an index or a key of this name, in this schema.
pub(super) fn find<'a>(
    objects: &'a Objects,
    schema: &str,
    name: &str,
) -> Option<&'a Arc<UserTable>> {
    objects.all().find_map(|object| match object {
        Object::Table(table)
            if table.head.schema == schema
                && (table.keys.iter().any(|key| key.name == name)
                    || table.indexes.iter().any(|index| index.name == name)) =>
        {
            Some(table)
        }
        _ => None,
    })
}

impl Session {
    pub(super) async fn create_index(
        &mut self,
        index: &CreateIndex,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let refused = [
            (index.predicate.is_some(), "WHERE of CREATE INDEX"),
            (index.nulls_distinct == Some(false), "NULLS NOT DISTINCT"),
            (!index.with.is_empty(), "WITH of CREATE INDEX"),
            (!index.include.is_empty(), "INCLUDE of CREATE INDEX"),
            (!matches!(index.using, None | Some(IndexType::BTree)), "an index that is no B-tree"),
            (
                index.columns.iter().any(|column| column.operator_class.is_some()),
                "an operator class",
            ),
        ];
        if let Some((_, what)) = refused.into_iter().find(|(is_used, _)| *is_used) {
            return Err(unsupported(what));
        }
        let name = self.owned_object(&index.table_name, "CREATE INDEX")?.head().full_name();
        self.lock_relation(&name, Mode::Alone, stop).await?;
        let Object::Table(table) = self.owned_object(&index.table_name, "CREATE INDEX")? else {
            return Err(QueryError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("cannot create index on relation \"{}\"", name.name),
            ));
        };
        let columns = key_columns(&index.columns, &table.columns)?;
        let taken = |candidate: &str| {
            find(&self.view.objects, &name.schema, candidate).is_some()
                || self.view.objects.get(&name.schema, candidate).is_some()
        };
        let index_name = match &index.name {
            Some(given) => {
                let given = parts(given).pop().unwrap_or_default();
                if taken(&given) {
                    if index.if_not_exists {
                        let message = format!("relation \"{given}\" already exists, skipping");
                        self.notice("42P07", message);
                        return Ok(());
                    }
                    return Err(duplicate_table(&given));
                }
                given
            }
            None => {
                let joined: Vec<&str> =
                    columns.iter().map(|at| table.columns[*at].name.as_str()).collect();
                free(&format!("{}_{}_idx", table.head.name, joined.join("_")), taken)
            }
        };
        let mut table = UserTable::clone(&table);
        if index.unique {
            let key = UserKey { name: index_name, columns, is_primary: false, is_index: true };
            table = table.with_key(key)?;
        } else {
            table.indexes.push(Index { name: index_name, columns });
        }
        self.put(Object::Table(Arc::new(table)))
    }

    pub(super) async fn drop_indexes(
        &mut self,
        names: &[ObjectName],
        if_exists: bool,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        for name in names {
            let Some(table) = self.index_table(name) else {
                if if_exists {
                    let name = last(name);
                    self.notice("00000", format!("index \"{name}\" does not exist, skipping"));
                    continue;
                }
                return Err(QueryError::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("index \"{}\" does not exist", last(name)),
                )
                .nowhere());
            };
            self.view.role().check_owner(&table.head, "index")?;
            self.lock_relation(&table.head.full_name(), Mode::Alone, stop).await?;
            let Some(table) = self.index_table(name) else { continue };
            let index = last(name);
            if table.keys.iter().any(|key| key.name == index && !key.is_index) {
                return Err(QueryError::new(
                    SqlState("2BP01"),
                    format!(
                        "cannot drop index {index} because constraint {index} on table {} requires it",
                        table.head.name
                    ),
                )
                .with_hint(format!(
                    "You can drop constraint {index} on table {} instead.",
                    table.head.name
                )));
            }
            let mut table = UserTable::clone(&table);
            table.keys.retain(|key| key.name != index);
            table.indexes.retain(|found| found.name != index);
            self.put(Object::Table(Arc::new(table)))?;
        }
        Ok(())
    }

    /// The table of the index that `name` finds.
    pub(super) fn index_table(&self, name: &ObjectName) -> Option<Arc<UserTable>> {
        let objects = &self.view.objects;
        match parts(name).as_slice() {
            [index] => {
                let path = self.view.search_path();
                path.iter().find_map(|schema| find(objects, schema, index)).cloned()
            }
            [schema, index] => find(objects, schema, index).cloned(),
            _ => None,
        }
    }

    /// ALTER INDEX … RENAME TO.
    pub(super) async fn rename_index(
        &mut self,
        name: &ObjectName,
        to: &sqlparser::ast::Ident,
        stop: &Stop,
    ) -> Result<bool, QueryError> {
        let Some(table) = self.index_table(name) else { return Ok(false) };
        self.view.role().check_owner(&table.head, "index")?;
        self.lock_relation(&table.head.full_name(), Mode::Alone, stop).await?;
        let (from, to) = (last(name), folded(to));
        if self.is_taken(&crate::objects::Name::new(table.head.schema.as_str(), to.as_str())) {
            return Err(duplicate_table(&to));
        }
        let Some(table) = self.index_table(name) else { return Ok(false) };
        let mut table = UserTable::clone(&table);
        let keys = table.keys.iter_mut().map(|key| &mut key.name);
        let indexes = table.indexes.iter_mut().map(|index| &mut index.name);
        if let Some(found) = keys.chain(indexes).find(|found| **found == from) {
            *found = to;
        }
        self.put(Object::Table(Arc::new(table)))?;
        Ok(true)
    }
}
