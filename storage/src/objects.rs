//! What clients made: definitions and rows of their schemas, tables, views and sequences.
//!
//! Storage knows ids, bytes and batches; the query engine knows what they mean.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;

use crate::kv::{Family, keys, records};
use crate::{StorageError, Store};

/// One object as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredObject {
    /// Object id.
    pub id: u32,
    /// Definition, as the writer encoded it.
    pub definition: Vec<u8>,
    /// Batches of rows by number, in order.
    pub batches: Vec<(u64, RecordBatch)>,
}

/// One change of what is stored.
#[derive(Clone, Debug)]
pub enum ObjectWrite {
    /// Makes an object or replaces its definition.
    Define {
        /// Object id.
        id: u32,
        /// Definition.
        definition: Vec<u8>,
    },
    /// Adds a batch of rows.
    AddRows {
        /// Object id.
        id: u32,
        /// Number of the batch; batches are read back in the order of their numbers.
        number: u64,
        /// Rows.
        rows: RecordBatch,
    },
    /// Removes a batch of rows.
    DropRows {
        /// Object id.
        id: u32,
        /// Number of the batch.
        number: u64,
    },
    /// Removes the definition; its rows are dropped by writes of their own.
    Drop {
        /// Object id.
        id: u32,
    },
}

impl Store {
    /// All objects of `network`.
    ///
    /// # Errors
    /// `UnknownNetwork`; `Corrupt` when a record is damaged.
    pub fn objects(&self, network: &str) -> Result<Vec<StoredObject>, StorageError> {
        let id = self.cell(network)?.load().network_id();
        let kv = &self.inner.kv;
        let mut found = BTreeMap::new();
        kv.scan(Family::Objects, &keys::network(id), |key, value| {
            let id = keys::read_object(key)?;
            let object = StoredObject { id, definition: value.to_vec(), batches: Vec::new() };
            found.insert(id, object);
            Ok(())
        })?;
        kv.scan(Family::ObjectRows, &keys::network(id), |key, value| {
            let (id, number) = keys::read_object_rows(key)?;
            let object = found.get_mut(&id).ok_or_else(|| StorageError::Corrupt {
                what: format!("rows of object {id}"),
                detail: "the object has no definition".to_owned(),
            })?;
            object.batches.push((number, records::decode_batch(value)?));
            Ok(())
        })?;
        Ok(found.into_values().collect())
    }

    /// Makes all of `writes` durable by one write batch, or none of them.
    ///
    /// # Errors
    /// `UnknownNetwork`; `State` when the disk refuses. Nothing has changed then.
    #[tracing::instrument(name = "write_objects", skip_all, err, fields(network, writes = writes.len()))]
    pub fn write_objects(&self, network: &str, writes: &[ObjectWrite]) -> Result<(), StorageError> {
        let network_id = self.cell(network)?.load().network_id();
        let mut batch = self.inner.kv.batch();
        for write in writes {
            match write {
                ObjectWrite::Define { id, definition } => {
                    batch.put(Family::Objects, &keys::object(network_id, *id), definition)?;
                }
                ObjectWrite::AddRows { id, number, rows } => {
                    let key = keys::object_rows(network_id, *id, *number);
                    batch.put(Family::ObjectRows, &key, &records::encode_batch(rows)?)?;
                }
                ObjectWrite::DropRows { id, number } => {
                    let key = keys::object_rows(network_id, *id, *number);
                    batch.delete(Family::ObjectRows, &key)?;
                }
                ObjectWrite::Drop { id } => {
                    batch.delete(Family::Objects, &keys::object(network_id, *id))?;
                }
            }
        }
        batch.write()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;

    use super::*;
    use crate::Network;

    fn rows(value: i64) -> RecordBatch {
        let column = Arc::new(Int64Array::from(vec![value])) as _;
        RecordBatch::try_from_iter([("a", column)]).unwrap()
    }

    #[test]
    fn objects_are_there_after_reopening_with_their_rows_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let network = |name: &str| Network {
            name: name.to_owned(),
            family: "evm".to_owned(),
            chain_id: None,
            genesis_hash: None,
        };
        {
            let store = Store::open(dir.path()).unwrap();
            store.put_network(&network("one")).unwrap();
            store.put_network(&network("two")).unwrap();
            let define = |id| ObjectWrite::Define { id, definition: vec![7] };
            let add = |id, number, value| ObjectWrite::AddRows { id, number, rows: rows(value) };
            let writes = [define(20), define(30), add(20, 300, 3), add(20, 4, 1), add(30, 5, 9)];
            store.write_objects("one", &writes).unwrap();
            let writes = [
                ObjectWrite::DropRows { id: 30, number: 5 },
                ObjectWrite::Drop { id: 30 },
                add(20, 299, 2),
            ];
            store.write_objects("one", &writes).unwrap();
        }
        let store = Store::open(dir.path()).unwrap();
        let batches = vec![(4, rows(1)), (299, rows(2)), (300, rows(3))];
        let expected = StoredObject { id: 20, definition: vec![7], batches };
        assert_eq!(store.objects("one").unwrap(), [expected]);
        assert_eq!(store.objects("two").unwrap(), []);
        assert!(store.objects("three").is_err());
    }
}
