//! The committed state of one database: read from the store when the database is first used, and changed
//! by one write batch for each transaction.
//!
//! ```text
//! COMMIT ──> changes over the state of now ──checked──> one write batch ──> the state that all sessions see
//! ```
//!
//! Invariants
//! - The state changes only after the batch is on disk: what a client was told is there after a crash, and
//!   nothing of a transaction that did not commit.
//! - Commits run one after the other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use storage::{ObjectWrite, Store};

use super::locks::Locks;
use super::object::{Object, Place, Sequence};
use super::record::{self, Stored};
use super::set::{Committed, Objects, conflict};
use super::table::Rows;
use crate::error::map::storage_error;
use crate::limits::DATABASE_BYTES_MAX;
use crate::{QueryError, SqlState};

/// Object ids of what clients make start here: half of the ids are left to names of the system.
const FIRST_OID: u32 = 0x4000_0000;

/// What clients made in one database.
pub(crate) struct Shared {
    store: Store,
    database: String,
    committed: ArcSwap<Committed>,
    /// Held while a transaction commits; the number of the next batch of rows.
    committing: Mutex<u64>,
    next_oid: AtomicU32,
    pub(crate) locks: Locks,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Shared {
    /// Reads what is stored for `database`.
    ///
    /// # Errors
    /// XX001 for a damaged record, 58030 when the disk refuses.
    pub(crate) fn load(store: &Store, database: &str) -> Result<Arc<Self>, QueryError> {
        let refused = |error| storage_error(&error);
        let (sequences, others): (Vec<_>, Vec<_>) =
            store.objects(database).map_err(refused)?.into_iter().partition(record::is_sequence);
        let mut committed = Committed::default();
        let mut counters = HashMap::new();
        let (mut last_oid, mut last_number) = (FIRST_OID, 0);
        for stored in sequences.into_iter().chain(others) {
            last_oid = last_oid.max(stored.id);
            last_number = stored.batches.iter().map(|batch| batch.0).fold(last_number, u64::max);
            match record::read(stored, &counters).map_err(refused)? {
                Stored::Schema(schema) => {
                    committed.schemas.insert(schema.head.name.clone(), Arc::new(schema));
                }
                Stored::Object(object) => {
                    if let Object::Sequence(sequence) = &object {
                        counters.insert(sequence.head.oid, Arc::clone(&sequence.counter));
                    }
                    committed.objects.insert(object.head().full_name(), object);
                }
            }
        }
        Ok(Arc::new(Self {
            store: store.clone(),
            database: database.to_owned(),
            committed: ArcSwap::from_pointee(committed),
            committing: Mutex::new(last_number + 1),
            next_oid: AtomicU32::new((last_oid & !1) + 2),
            locks: Locks::default(),
        }))
    }

    /// The state of now.
    pub(crate) fn committed(&self) -> Arc<Committed> {
        self.committed.load_full()
    }

    /// An object id that nothing had since the server started; the odd one after it is free, too.
    pub(crate) fn new_oid(&self) -> u32 {
        self.next_oid.fetch_add(2, Ordering::Relaxed)
    }

    /// Makes the changes of a transaction durable and visible to all.
    ///
    /// # Errors
    /// 40001 and 23505 for what another transaction did meanwhile, 53200 past the bytes of all rows,
    /// 58030 when the disk refuses. Nothing has changed then.
    pub(crate) fn commit(&self, objects: &Objects) -> Result<Arc<Committed>, QueryError> {
        let mut next_number = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.committed();
        let objects = objects.over(Arc::clone(&now))?;
        let next = merged(&now, &objects)?;
        let mut writes = Vec::new();
        for (name, change) in objects.schema_changes() {
            match change {
                Some(schema) => writes.push(ObjectWrite::Define {
                    id: schema.head.oid,
                    definition: record::schema(schema).map_err(|error| storage_error(&error))?,
                }),
                None => {
                    if let Some(old) = now.schemas.get(name) {
                        writes.push(ObjectWrite::Drop { id: old.head.oid });
                    }
                }
            }
        }
        let mut plan = Plan { writes, numbered: Vec::new(), places: Vec::new() };
        let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
        for change in objects.changes().values() {
            before.extend(change.before.iter().map(|object| (object.head().oid, object)));
            after.extend(change.after.iter().map(|object| (object.head().oid, object)));
        }
        for (oid, old) in &before {
            plan.drop(*oid, old, after.get(oid).copied());
        }
        for (oid, new) in &after {
            plan.write(*oid, new, &mut next_number)?;
        }
        for object in now.objects.values() {
            if let Object::Sequence(sequence) = object
                && !after.contains_key(&sequence.head.oid)
                && !before.contains_key(&sequence.head.oid)
            {
                plan.advance(sequence)?;
            }
        }
        if !plan.writes.is_empty() {
            self.store
                .write_objects(&self.database, &plan.writes)
                .map_err(|error| storage_error(&error))?;
        }
        for (rows, number) in plan.numbered {
            rows.set_number(number);
        }
        for (sequence, written) in plan.places {
            let mut place = sequence.counter.place();
            place.is_dirty &= *place != written;
        }
        let next = Arc::new(next);
        self.committed.store(Arc::clone(&next));
        Ok(next)
    }
}

/// The state of `now` with the changes of `objects`, checked.
fn merged(now: &Committed, objects: &Objects) -> Result<Committed, QueryError> {
    let mut next = now.clone();
    let mut is_shape = false;
    for (name, change) in objects.schema_changes() {
        is_shape = true;
        match change {
            Some(schema) => next.schemas.insert(name.clone(), Arc::clone(schema)),
            None => next.schemas.remove(name),
        };
    }
    let mut is_dropped = false;
    for (name, change) in objects.changes() {
        is_shape |= change.is_shape;
        match &change.after {
            Some(object) => next.objects.insert(name.clone(), object.clone()),
            None => {
                is_dropped = true;
                next.objects.remove(name)
            }
        };
    }
    if is_shape {
        next.change_shape();
    }
    let has_schema = |object: &Object| next.schemas.contains_key(&object.head().schema);
    if is_shape && !next.objects.values().all(has_schema) {
        return Err(conflict());
    }
    if is_dropped {
        let oids: HashSet<u32> = next.objects.values().map(|object| object.head().oid).collect();
        let is_whole = |object: &Object| match object {
            Object::View(view) => view.reads.iter().all(|oid| oids.contains(oid)),
            Object::Table(table) => table.foreign.iter().all(|key| oids.contains(&key.table)),
            Object::Sequence(_) => true,
        };
        if !next.objects.values().all(is_whole) {
            return Err(conflict());
        }
    }
    let size_bytes = next.size_bytes();
    if size_bytes > DATABASE_BYTES_MAX {
        return Err(QueryError::new(
            SqlState::OUT_OF_MEMORY,
            format!(
                "the tables of this database would take {size_bytes} bytes, the limit is {DATABASE_BYTES_MAX}"
            ),
        )
        .with_hint("Drop or truncate tables that are no longer needed."));
    }
    Ok(next)
}

/// The write batch of a commit, and what holds once it is on disk.
struct Plan<'a> {
    writes: Vec<ObjectWrite>,
    numbered: Vec<(&'a Rows, u64)>,
    places: Vec<(&'a Sequence, Place)>,
}

impl<'a> Plan<'a> {
    /// Removes what `old` had on disk and `new`, the same object after the change, has no more.
    fn drop(&mut self, id: u32, old: &Object, new: Option<&Object>) {
        if let Object::Table(table) = old {
            let kept: HashSet<u64> = match new {
                Some(Object::Table(new)) => {
                    new.batches.iter().filter_map(|rows| rows.number()).collect()
                }
                _ => HashSet::new(),
            };
            let numbers = table.batches.iter().filter_map(|rows| rows.number());
            let gone = numbers.filter(|number| !kept.contains(number));
            self.writes.extend(gone.map(|number| ObjectWrite::DropRows { id, number }));
        }
        if new.is_none() {
            self.writes.push(ObjectWrite::Drop { id });
        }
    }

    fn write(
        &mut self,
        id: u32,
        object: &'a Object,
        next_number: &mut u64,
    ) -> Result<(), QueryError> {
        let mut numbers = Vec::new();
        match object {
            Object::Table(table) => {
                for rows in &table.batches {
                    let number = rows.number().unwrap_or_else(|| {
                        *next_number += 1;
                        let number = *next_number - 1;
                        let add = ObjectWrite::AddRows { id, number, rows: rows.batch.clone() };
                        self.writes.push(add);
                        self.numbered.push((rows, number));
                        number
                    });
                    numbers.push(number);
                }
            }
            Object::Sequence(sequence) => return self.place(sequence),
            Object::View(_) => {}
        }
        let definition = record::object(object, &numbers).map_err(|error| storage_error(&error))?;
        self.writes.push(ObjectWrite::Define { id, definition });
        Ok(())
    }

    /// Writes where a sequence is, if that is not on disk.
    fn advance(&mut self, sequence: &'a Sequence) -> Result<(), QueryError> {
        if sequence.counter.place().is_dirty { self.place(sequence) } else { Ok(()) }
    }

    fn place(&mut self, sequence: &'a Sequence) -> Result<(), QueryError> {
        let place = *sequence.counter.place();
        let definition =
            record::sequence_at(sequence, &place).map_err(|error| storage_error(&error))?;
        self.writes.push(ObjectWrite::Define { id: sequence.head.oid, definition });
        self.places.push((sequence, place));
        Ok(())
    }
}
