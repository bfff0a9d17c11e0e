//! DROP and TRUNCATE, and what depends on what: views on what they read, foreign keys on the tables that
//! they name, sequences on the columns that they fill.

use std::collections::BTreeSet;

use sqlparser::ast::ObjectName;

use super::{SYSTEM_SCHEMAS, last, parts, unsupported};
use crate::catalog::CatalogView;
use crate::catalog_query::names::quote_ident;
use crate::objects::{Mode, Name, Object, Objects, UserDefault, UserTable};
use crate::session::{Session, Stop};
use crate::statement::ddl::ObjectKind;
use crate::{QueryError, SqlState};

/// Dependent objects that a notice of DROP … CASCADE or an error lists; more are counted.
const LISTED_MAX: usize = 100;

/// What goes with a relation that is dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dependent {
    /// A whole relation, by object id.
    Relation(u32),
    /// A foreign key of the table with this object id.
    ForeignKey(u32, String),
    /// The default of a column.
    Default(u32, String),
}

impl Session {
    pub(super) async fn drop_relations(
        &mut self,
        kind: ObjectKind,
        names: &[ObjectName],
        if_exists: bool,
        cascade: bool,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let mut dropped = Vec::new();
        for name in names {
            if let Some(object) = self.droppable(kind, name, if_exists)? {
                self.lock_relation(&object.head().full_name(), Mode::Alone, stop).await?;
                // Another session may have dropped it meanwhile.
                dropped.extend(self.droppable(kind, name, if_exists)?);
            }
        }
        let objects = self.without(&dropped, cascade, stop).await?;
        if !dropped.is_empty() {
            self.install(objects);
        }
        Ok(())
    }

    /// The relation that DROP names; `None` for one that is not there, which IF EXISTS allows.
    fn droppable(
        &mut self,
        kind: ObjectKind,
        name: &ObjectName,
        if_exists: bool,
    ) -> Result<Option<Object>, QueryError> {
        let word = kind.word();
        let found = self.view.object(&parts(name)).cloned();
        let Some(object) = found else {
            if self.relation(name).is_some() || self.is_builtin(name) {
                return Err(crate::statement::fixed(&format!("DROP {}", word.to_uppercase())));
            }
            if if_exists {
                let name = last(name);
                self.notice("00000", format!("{word} \"{name}\" does not exist, skipping"));
                return Ok(None);
            }
            let shown = parts(name).join(".");
            return Err(QueryError::new(
                SqlState::UNDEFINED_TABLE,
                format!("{word} \"{shown}\" does not exist"),
            )
            .nowhere());
        };
        if object.kind() != word {
            let name = &object.head().name;
            let article = |word: &str| if word == "index" { "an" } else { "a" };
            return Err(QueryError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{name}\" is not {} {word}", article(word)),
            )
            .with_hint(format!(
                "Use DROP {} to remove {} {}.",
                object.kind().to_uppercase(),
                article(object.kind()),
                object.kind()
            ))
            .nowhere());
        }
        // The owner of a schema may drop what is in it.
        let owns_schema = |schema: &str| {
            self.view
                .objects
                .schema(schema)
                .is_some_and(|schema| self.view.role().owns(&schema.head))
        };
        if !owns_schema(&object.head().schema) {
            self.view.role().check_owner(object.head(), word)?;
        }
        Ok(Some(object))
    }

    /// What is left without `dropped` and what depends on them.
    async fn without(
        &mut self,
        dropped: &[Object],
        cascade: bool,
        stop: &Stop,
    ) -> Result<Objects, QueryError> {
        let roots: BTreeSet<u32> = dropped.iter().map(|object| object.head().oid).collect();
        let mut gone = roots.clone();
        let mut found: Vec<(Dependent, u32)> = Vec::new();
        let mut next: Vec<u32> = roots.iter().copied().collect();
        while let Some(oid) = next.pop() {
            for dependent in dependents(&self.view.objects, oid) {
                if let Dependent::Relation(oid) = dependent {
                    if !gone.insert(oid) {
                        continue;
                    }
                    next.push(oid);
                }
                if !found.iter().any(|known| known.0 == dependent) {
                    found.push((dependent, oid));
                }
            }
        }
        let objects = &self.view.objects;
        // Sequences of a column go with it silently, and constraints with their own table.
        let told: Vec<(String, String)> = found
            .iter()
            .filter(|(dependent, on)| match dependent {
                Dependent::Relation(oid) => !roots.contains(oid) && !is_owned(objects, *oid, *on),
                Dependent::ForeignKey(oid, _) | Dependent::Default(oid, _) => !gone.contains(oid),
            })
            .map(|(dependent, on)| (shown(&self.view, dependent), shown_relation(&self.view, *on)))
            .collect();
        if !told.is_empty() && !cascade {
            return Err(still_needed(&self.view, dropped, &told));
        }
        let lines = told.iter().map(|(one, _)| format!("drop cascades to {one}")).collect();
        self.tell_cascade(lines);
        let touched: Vec<Name> = found
            .iter()
            .filter_map(|(dependent, _)| {
                let (Dependent::Relation(oid)
                | Dependent::ForeignKey(oid, _)
                | Dependent::Default(oid, _)) = dependent;
                Some(self.view.objects.by_oid(*oid)?.head().full_name())
            })
            .collect();
        for name in touched {
            self.lock_relation(&name, Mode::Alone, stop).await?;
        }
        let mut objects = Objects::clone(&self.view.objects);
        let found = found.into_iter().map(|pair| pair.0);
        detach(&mut objects, found)?;
        for oid in gone {
            if let Some(name) = objects.by_oid(oid).map(|object| object.head().full_name()) {
                objects.remove(&name.schema, &name.name);
            }
        }
        Ok(objects)
    }

    /// The notice about what goes with what is dropped.
    fn tell_cascade(&mut self, lines: Vec<String>) {
        match lines.as_slice() {
            [] => {}
            [one] => self.notice("00000", one.clone()),
            many => {
                self.notice("00000", format!("drop cascades to {} other objects", many.len()));
                let listed: Vec<String> = many.iter().take(LISTED_MAX).cloned().collect();
                self.detail_of_notice(listed.join("\n"));
            }
        }
    }

    pub(super) async fn drop_schemas(
        &mut self,
        names: &[ObjectName],
        if_exists: bool,
        cascade: bool,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        for name in names {
            let name = last(name);
            if SYSTEM_SCHEMAS.contains(&name.as_str()) {
                return Err(crate::statement::fixed("DROP SCHEMA"));
            }
            if name == "public" {
                return Err(unsupported("DROP SCHEMA public"));
            }
            if self.view.objects.schema(&name).is_some() {
                self.lock(&format!("schema {name}"), Mode::Alone, stop).await?;
            }
            let Some(schema) = self.view.objects.schema(&name).cloned() else {
                if if_exists {
                    self.notice("00000", format!("schema \"{name}\" does not exist, skipping"));
                    continue;
                }
                return Err(QueryError::new(
                    SqlState("3F000"),
                    format!("schema \"{name}\" does not exist"),
                )
                .nowhere());
            };
            self.view.role().check_owner(&schema.head, "schema")?;
            let mut inside: Vec<Object> = self
                .view
                .objects
                .shared()
                .filter(|object| object.head().schema == name)
                .cloned()
                .collect();
            // As they were made.
            inside.sort_by_key(|object| object.head().oid);
            let objects = &self.view.objects;
            let told: Vec<&Object> =
                inside.iter().filter(|object| !is_owned_sequence(objects, object)).collect();
            if !told.is_empty() && !cascade {
                let detail: Vec<String> = told
                    .iter()
                    .map(|object| {
                        format!(
                            "{} depends on schema {name}",
                            shown_relation(&self.view, object.head().oid)
                        )
                    })
                    .collect();
                return Err(QueryError::new(
                    SqlState("2BP01"),
                    format!("cannot drop schema {name} because other objects depend on it"),
                )
                .with_detail(detail.join("\n"))
                .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
            }
            let lines: Vec<String> = told
                .iter()
                .map(|object| {
                    format!("drop cascades to {}", shown_relation(&self.view, object.head().oid))
                })
                .collect();
            self.tell_cascade(lines);
            for object in &inside {
                self.lock_relation(&object.head().full_name(), Mode::Alone, stop).await?;
            }
            let mut objects = self.without(&inside, cascade, stop).await?;
            objects.put_schema(&name, None);
            self.install(objects);
        }
        Ok(())
    }

    /// TRUNCATE.
    pub(super) async fn truncate(
        &mut self,
        names: &[ObjectName],
        restart: bool,
        cascade: bool,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let mut tables: Vec<std::sync::Arc<UserTable>> = Vec::new();
        for name in names {
            let table = self.target(name, "TRUNCATE", 'D')?;
            self.lock_relation(&table.head.full_name(), Mode::Alone, stop).await?;
            tables.push(self.target(name, "TRUNCATE", 'D')?);
        }
        let mut at = 0;
        while let Some(table) = tables.get(at) {
            let (oid, name) = (table.head.oid, table.head.name.clone());
            at += 1;
            for other in referencing(&self.view.objects, oid) {
                if tables.iter().any(|table| table.head.oid == other.head.oid) {
                    continue;
                }
                if !cascade {
                    return Err(QueryError::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "cannot truncate a table referenced in a foreign key constraint",
                    )
                    .with_detail(format!("Table \"{}\" references \"{name}\".", other.head.name))
                    .with_hint(format!(
                        "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
                        other.head.name
                    )));
                }
                self.view.role().check(&other.head, 'D', "table")?;
                self.notice("00000", format!("truncate cascades to table \"{}\"", other.head.name));
                self.lock_relation(&other.head.full_name(), Mode::Alone, stop).await?;
                tables.push(std::sync::Arc::new(other));
            }
        }
        let mut objects = Objects::clone(&self.view.objects);
        for table in tables {
            if restart {
                for column in &table.columns {
                    if let Some(UserDefault::Serial { sequence, counter, .. }) = &column.default {
                        let name = objects.by_oid(*sequence).map(|found| found.head().name.clone());
                        counter.set(&name.unwrap_or_default(), counter.steps.start, false)?;
                        self.view.sequences().is_dirty = true;
                    }
                }
            }
            objects.put_rows(table.emptied())?;
        }
        self.install(objects);
        Ok(())
    }
}

/// Takes foreign keys and defaults off the tables that keep to exist.
fn detach(
    objects: &mut Objects,
    dependents: impl Iterator<Item = Dependent>,
) -> Result<(), QueryError> {
    for dependent in dependents {
        let changed = match &dependent {
            Dependent::Relation(_) => None,
            Dependent::ForeignKey(oid, name) => table(objects, *oid).map(|mut table| {
                table.foreign.retain(|key| key.name != *name);
                table
            }),
            Dependent::Default(oid, column) => table(objects, *oid).map(|mut table| {
                let columns = table.columns.iter_mut().filter(|found| found.name == *column);
                columns.for_each(|column| column.default = None);
                table
            }),
        };
        if let Some(table) = changed {
            objects.put(Object::Table(table.into()))?;
        }
    }
    Ok(())
}

fn table(objects: &Objects, oid: u32) -> Option<UserTable> {
    match objects.by_oid(oid)? {
        Object::Table(table) => Some(UserTable::clone(table)),
        _ => None,
    }
}

/// Tables with a foreign key to the table with this object id, itself left out.
pub(super) fn referencing(objects: &Objects, oid: u32) -> Vec<UserTable> {
    let tables = objects.all().filter_map(|object| match object {
        Object::Table(table) if table.head.oid != oid => Some(table),
        _ => None,
    });
    tables
        .filter(|table| table.foreign.iter().any(|key| key.table == oid))
        .map(|table| UserTable::clone(table))
        .collect()
}

/// Whether a foreign key counts columns of `table` up to the one at `at`.
pub(super) fn is_target(objects: &Objects, table: &UserTable, at: usize) -> bool {
    let own = &table.head.oid;
    let counts = |key: &crate::objects::Foreign| {
        key.table == *own && key.target.iter().any(|target| *target >= at)
    };
    referencing(objects, *own).iter().any(|other| other.foreign.iter().any(counts))
        || table.foreign.iter().any(counts)
        || table.foreign.iter().any(|key| key.columns.contains(&at))
}

/// What depends on the relation with this object id.
fn dependents(objects: &Objects, oid: u32) -> Vec<Dependent> {
    let mut found = Vec::new();
    for object in objects.all() {
        let own = object.head().oid;
        match object {
            Object::View(view) if view.reads.contains(&oid) => {
                found.push(Dependent::Relation(own));
            }
            Object::Sequence(sequence)
                if sequence.owned_by.as_ref().is_some_and(|owner| owner.0 == oid) =>
            {
                found.push(Dependent::Relation(own));
            }
            Object::Table(table) => {
                let keys = table.foreign.iter().filter(|key| key.table == oid);
                found.extend(keys.map(|key| Dependent::ForeignKey(own, key.name.clone())));
                let columns = table.columns.iter().filter(|column| {
                    matches!(&column.default, Some(UserDefault::Serial { sequence, .. }) if *sequence == oid)
                });
                found.extend(columns.map(|column| Dependent::Default(own, column.name.clone())));
            }
            Object::View(_) | Object::Sequence(_) => {}
        }
    }
    found
}

fn is_owned(objects: &Objects, oid: u32, on: u32) -> bool {
    matches!(
        objects.by_oid(oid),
        Some(Object::Sequence(found)) if found.owned_by.as_ref().is_some_and(|owner| owner.0 == on)
    )
}

fn is_owned_sequence(objects: &Objects, object: &Object) -> bool {
    match object {
        Object::Sequence(sequence) => {
            sequence.owned_by.as_ref().is_some_and(|owner| objects.by_oid(owner.0).is_some())
        }
        _ => false,
    }
}

/// A relation as messages about dependencies name it.
fn shown_relation(view: &CatalogView, oid: u32) -> String {
    let Some(object) = view.objects.by_oid(oid) else { return "an object".to_owned() };
    format!("{} {}", object.kind(), shown_name(view, object))
}

/// With its schema, unless the search path finds it.
fn shown_name(view: &CatalogView, object: &Object) -> String {
    let head = object.head();
    let found = view.object(std::slice::from_ref(&head.name));
    match found.is_some_and(|found| found.head().oid == head.oid) {
        true => quote_ident(&head.name),
        false => format!("{}.{}", quote_ident(&head.schema), quote_ident(&head.name)),
    }
}

fn shown(view: &CatalogView, dependent: &Dependent) -> String {
    match dependent {
        Dependent::Relation(oid) => shown_relation(view, *oid),
        Dependent::ForeignKey(oid, name) => {
            format!("constraint {name} on {}", shown_relation(view, *oid))
        }
        Dependent::Default(oid, column) => {
            format!("default value for column {column} of {}", shown_relation(view, *oid))
        }
    }
}

/// 2BP01 for relations that others, told as (what, on what), depend on.
fn still_needed(view: &CatalogView, dropped: &[Object], told: &[(String, String)]) -> QueryError {
    let detail: Vec<String> =
        told.iter().take(LISTED_MAX).map(|(what, on)| format!("{what} depends on {on}")).collect();
    let message = match dropped {
        [one] => format!(
            "cannot drop {} {} because other objects depend on it",
            one.kind(),
            shown_name(view, one)
        ),
        _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
    };
    QueryError::new(SqlState("2BP01"), message)
        .with_detail(detail.join("\n"))
        .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}
