//! Places for sessions: the total, those kept for administration, and each role's own limit.
//!
//! Invariants
//! - A place is taken before sign-in and given back when it is dropped, whatever happens between.
//! - A role that is no admin never gets one of the last `reserved` places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use query_engine::QueryError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::Role;
use crate::error::TOO_MANY_CONNECTIONS;

/// The places of one gateway.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    reserved: usize,
    by_role: Arc<Mutex<HashMap<String, usize>>>,
}

/// A place of one client.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    counted: Option<Counted>,
}

/// A role's session in the count of that role.
struct Counted {
    role: String,
    by_role: Arc<Mutex<HashMap<String, usize>>>,
}

impl Places {
    /// `total` places, the last `reserved` of them for admins.
    pub(crate) fn new(total: usize, reserved: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(total)), reserved, by_role: Arc::default() }
    }

    /// A place for a client whose role is not proved yet.
    ///
    /// # Errors
    /// 53300 when there is none.
    pub(crate) fn take(&self) -> Result<Place, QueryError> {
        let permit = self
            .free
            .clone()
            .try_acquire_owned()
            .map_err(|_| too_many("sorry, too many clients already"))?;
        Ok(Place { _permit: permit, counted: None })
    }

    /// Gives a place to a role that is signed in.
    ///
    /// # Errors
    /// 53300 when the role has as many sessions as it may, or the place is one of the reserved.
    pub(crate) fn assign(
        &self,
        place: &mut Place,
        name: &str,
        role: &Role,
    ) -> Result<(), QueryError> {
        let mut by_role = lock(&self.by_role);
        let count = by_role.get(name).copied().unwrap_or_default();
        // As PostgreSQL: admins have no limit of their own.
        if !role.is_admin && role.connections_max.is_some_and(|limit| count >= limit) {
            return Err(too_many(format!("too many connections for role \"{name}\"")));
        }
        if !role.is_admin && self.free.available_permits() < self.reserved {
            return Err(too_many(
                "remaining connection slots are reserved for roles with the SUPERUSER attribute",
            ));
        }
        by_role.insert(name.to_owned(), count + 1);
        place.counted = Some(Counted { role: name.to_owned(), by_role: Arc::clone(&self.by_role) });
        Ok(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut by_role = lock(&self.by_role);
        match by_role.get_mut(&self.role) {
            Some(count) if *count > 1 => *count -= 1,
            // Names come from clients: a role without sessions leaves nothing behind.
            _ => drop(by_role.remove(&self.role)),
        }
    }
}

fn too_many(message: impl Into<String>) -> QueryError {
    QueryError::new(TOO_MANY_CONNECTIONS, message)
}

/// Counts stay whole whatever panics beside them, so a poisoned lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(places: &Places, name: &str, role: &Role) -> Result<Place, String> {
        let mut place = places.take().map_err(|error| error.message)?;
        places.assign(&mut place, name, role).map_err(|error| error.message)?;
        Ok(place)
    }

    #[test]
    fn the_last_places_are_for_admins() {
        let places = Places::new(3, 1);
        let (plain, admin) = (Role::default(), Role { is_admin: true, ..Role::default() });
        let _kept = [
            assigned(&places, "ann", &plain).unwrap_or_else(|error| panic!("{error}")),
            assigned(&places, "bob", &plain).unwrap_or_else(|error| panic!("{error}")),
        ];
        let refused = assigned(&places, "carl", &plain).err().unwrap();
        assert!(refused.starts_with("remaining connection slots are reserved"), "{refused}");
        let _admin = assigned(&places, "root", &admin).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            assigned(&places, "root", &admin).err().unwrap(),
            "sorry, too many clients already"
        );
    }

    #[test]
    fn a_roles_own_limit_admits_its_own_value_and_refuses_the_next() {
        let places = Places::new(10, 0);
        let role = Role { connections_max: Some(2), ..Role::default() };
        let first = assigned(&places, "ann", &role).unwrap_or_else(|error| panic!("{error}"));
        let _second = assigned(&places, "ann", &role).unwrap_or_else(|error| panic!("{error}"));
        let refused = assigned(&places, "ann", &role).err().unwrap();
        assert_eq!(refused, "too many connections for role \"ann\"");
        assert!(assigned(&places, "bob", &role).is_ok());
        drop(first);
        assert!(assigned(&places, "ann", &role).is_ok());
        assert!(!lock(&places.by_role).contains_key("bob"), "no session, no entry");
    }
}
