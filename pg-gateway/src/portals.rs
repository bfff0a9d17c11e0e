//! Portals of a connection: what Bind made and Execute runs.

use std::collections::HashMap;
use std::sync::Arc;

use query_engine::values::Format;
use query_engine::{Parameter, Prepared, QueryError, SqlState};

use crate::result_stream::ResultStream;

/// Most portals of one connection. Each may hold a running query.
pub const PORTALS_MAX: usize = 1_000;

/// A prepared statement; `None` for one without text, which is allowed and does nothing.
pub(crate) type PreparedStatement = Option<Arc<Prepared>>;

/// Portals by name, `None` for the unnamed one.
#[derive(Default)]
pub(crate) struct Portals {
    pub(crate) items: HashMap<Option<String>, Portal>,
}

/// A statement with its parameters, ready to run.
pub(crate) struct Portal {
    pub(crate) statement: PreparedStatement,
    pub(crate) formats: Arc<[Format]>,
    pub(crate) state: PortalState,
    /// Savepoints that were open when the portal was made.
    pub(crate) savepoints: usize,
}

/// How far a portal is.
pub(crate) enum PortalState {
    Bound(Vec<Parameter>),
    Running(Box<ResultStream>),
    /// All rows are sent; `Some(tag)` where a further Execute gives none, as for SELECT.
    Finished(Option<&'static str>),
    /// FETCH or MOVE has named the portal: its rows are with the session's cursor of the same name.
    Cursor,
}

impl Portals {
    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }

    pub(crate) fn remove(&mut self, name: Option<&str>) {
        self.items.remove(&name.map(str::to_owned));
    }

    /// Portals live in the savepoint that is open when they are made; RELEASE gives them to the outer one.
    pub(crate) fn settle(&mut self, savepoints: usize, is_rollback: bool) {
        self.items.retain(|_, portal| !is_rollback || portal.savepoints < savepoints);
        let all = self.items.values_mut();
        all.for_each(|portal| portal.savepoints = portal.savepoints.min(savepoints));
    }

    pub(crate) fn contains(&self, name: &Option<String>) -> bool {
        self.items.contains_key(name)
    }

    /// Adds or replaces an item.
    ///
    /// # Errors
    /// 54000 when there would be more than the limit.
    pub(crate) fn insert(&mut self, name: Option<String>, item: Portal) -> Result<(), QueryError> {
        if self.items.len() >= PORTALS_MAX && !self.contains(&name) {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a connection can have at most {PORTALS_MAX} portals"),
            ));
        }
        self.items.insert(name, item);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_portals_admits_its_own_value_and_refuses_the_next() {
        let portal = || Portal {
            statement: None,
            formats: Arc::from([]),
            state: PortalState::Bound(Vec::new()),
            savepoints: 0,
        };
        let mut portals = Portals::default();
        for number in 0..PORTALS_MAX {
            portals.insert(Some(number.to_string()), portal()).unwrap();
        }
        portals.insert(Some("0".to_owned()), portal()).unwrap();
        assert_eq!(portals.insert(None, portal()).unwrap_err().state.0, "54000");
    }
}
