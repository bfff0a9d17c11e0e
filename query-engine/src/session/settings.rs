//! Settings of one session, with PostgreSQL's rules for SET, SET LOCAL, RESET and ROLLBACK.
//!
//! ```text
//! startup options ─> defaults of the session ─SET─> session values ─SET LOCAL─> transaction values
//! ```
//!
//! Invariants
//! - A stored value is always in canonical form, the form that SHOW prints.
//! - ROLLBACK gives back the values as of BEGIN; the end of a transaction drops SET LOCAL values.

mod spec;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(crate) use spec::SEARCH_PATH_DEFAULT;
use spec::all_specs;

use crate::{QueryError, SqlState};

/// Settings that a session may invent (`name.name`), so that a client cannot fill the memory.
pub(crate) const CUSTOM_SETTINGS_MAX: usize = 256;
/// Bytes in one setting's value.
pub(crate) const SETTING_BYTES_MAX: usize = 16 * 1024;

/// Which blocks a query reads, `ergo.finality`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finality {
    /// Sealed blocks only.
    Finalized,
    /// Sealed blocks, and hot ones that their source vouches for. A file holds one branch that somebody
    /// exported, so all blocks that were imported are safe.
    Safe,
    /// All stored blocks.
    Latest,
}

type Values = BTreeMap<String, String>;

/// Values to go back to.
#[derive(Clone, Debug, Default)]
struct Frame {
    savepoint: Option<String>,
    session: Values,
    local: Values,
}

/// All settings of a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    startup: Values,
    session: Values,
    local: Values,
    frames: Vec<Frame>,
    last_reported: Option<Values>,
    /// Grows whenever a value may have changed.
    version: u64,
    /// The version that was reported last.
    reported_version: Option<u64>,
}

impl Settings {
    /// Sets a default of the session from the startup packet: RESET comes back to it.
    ///
    /// # Errors
    /// 42704 for an unknown name, 22023 for a value that does not fit, 55P02 for a fixed setting.
    pub(crate) fn set_startup(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        self.version += 1;
        let (key, value) = self.checked(name, value)?;
        self.startup.insert(key, value);
        Ok(())
    }

    /// Sets the value of a setting that clients cannot change, for example `is_superuser`.
    pub(crate) fn set_fixed(&mut self, name: &str, value: &str) {
        self.version += 1;
        self.startup.insert(name.to_ascii_lowercase(), value.to_owned());
    }

    /// SET or SET LOCAL; gives the canonical value.
    ///
    /// # Errors
    /// As [`Self::set_startup`].
    pub(crate) fn set(
        &mut self,
        name: &str,
        value: &str,
        local: bool,
    ) -> Result<String, QueryError> {
        self.version += 1;
        let (key, value) = self.checked(name, value)?;
        if local {
            self.local.insert(key, value.clone());
        } else {
            self.local.remove(&key);
            self.session.insert(key, value.clone());
        }
        Ok(value)
    }

    /// RESET of one setting.
    ///
    /// # Errors
    /// 42704 for an unknown name, 55P02 for a fixed setting.
    pub(crate) fn reset(&mut self, name: &str) -> Result<(), QueryError> {
        self.version += 1;
        let key = name.to_ascii_lowercase();
        match spec::find(&key) {
            Some(found) if found.is_fixed() => return Err(cannot_change(found.name)),
            Some(_) => {}
            None if key.contains('.') && !key.starts_with("ergo.") => {}
            None => return Err(unknown(name)),
        }
        self.local.remove(&key);
        self.session.remove(&key);
        Ok(())
    }

    /// RESET ALL.
    pub(crate) fn reset_all(&mut self) {
        self.version += 1;
        self.local.clear();
        self.session.clear();
    }

    /// Changes whenever a value may have changed.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Value as SHOW prints it; `None` for an unknown name.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let mut key = name.to_ascii_lowercase();
        // Outside a block each statement is a transaction of its own, which starts with the defaults.
        if self.frames.is_empty()
            && ["transaction_isolation", "transaction_read_only"].contains(&&*key)
        {
            key.insert_str(0, "default_");
        }
        [&self.local, &self.session, &self.startup]
            .into_iter()
            .find_map(|values| values.get(&key).cloned())
            .or_else(|| spec::find(&key).map(|found| found.default.to_owned()))
    }

    /// Value that RESET goes back to; `None` for an unknown name.
    pub(crate) fn reset_value(&self, name: &str) -> Option<String> {
        let key = name.to_ascii_lowercase();
        let started = self.startup.get(&key).cloned();
        started.or_else(|| spec::find(&key).map(|found| found.default.to_owned()))
    }

    /// Where the value comes from, as `pg_settings.source` says it.
    pub(crate) fn source(&self, name: &str) -> &'static str {
        let key = name.to_ascii_lowercase();
        if self.local.contains_key(&key) || self.session.contains_key(&key) {
            "session"
        } else if self.startup.contains_key(&key) {
            "client"
        } else {
            "default"
        }
    }

    /// `value` of the setting `name` in the setting's own unit, without it: `2s` is `2000`.
    pub(crate) fn in_base_unit(name: &str, value: &str) -> String {
        let found = spec::find(&name.to_ascii_lowercase());
        found.map_or_else(|| value.to_owned(), |found| value::in_base_unit(found, value))
    }

    /// Name in its canonical case, as the column of SHOW has it.
    pub(crate) fn canonical_name(name: &str) -> String {
        let key = name.to_ascii_lowercase();
        spec::find(&key).map_or(key.clone(), |found| found.name.to_owned())
    }

    /// All known settings and the session's own ones, by name: name, value, description.
    pub(crate) fn all(&self) -> Vec<(String, String, &'static str)> {
        let mut rows: BTreeMap<String, (String, String, &'static str)> = BTreeMap::new();
        for found in all_specs() {
            let value = self.get(found.name).unwrap_or_default();
            rows.insert(
                found.name.to_ascii_lowercase(),
                (found.name.to_owned(), value, found.description),
            );
        }
        for name in self.startup.keys().chain(self.session.keys()).chain(self.local.keys()) {
            let value = self.get(name).unwrap_or_default();
            rows.entry(name.clone()).or_insert_with(|| (name.clone(), value, ""));
        }
        rows.into_values().collect()
    }

    /// BEGIN.
    pub(crate) fn begin(&mut self) {
        self.version += 1;
        self.frames =
            vec![Frame { savepoint: None, session: self.session.clone(), local: Values::new() }];
    }

    /// COMMIT: session values stay, SET LOCAL values go.
    pub(crate) fn commit(&mut self) {
        self.version += 1;
        self.local.clear();
        self.frames.clear();
    }

    /// ROLLBACK: values as of BEGIN.
    pub(crate) fn rollback(&mut self) {
        self.version += 1;
        if let Some(frame) = self.frames.drain(..).next() {
            self.session = frame.session;
        }
        self.local.clear();
    }

    /// SAVEPOINT.
    pub(crate) fn savepoint(&mut self, name: &str) {
        self.frames.push(Frame {
            savepoint: Some(name.to_owned()),
            session: self.session.clone(),
            local: self.local.clone(),
        });
    }

    /// RELEASE; false when there is no such savepoint.
    pub(crate) fn release(&mut self, name: &str) -> bool {
        let Some(index) = self.savepoint_index(name) else { return false };
        self.frames.truncate(index);
        true
    }

    /// ROLLBACK TO; false when there is no such savepoint. The savepoint stays.
    pub(crate) fn rollback_to(&mut self, name: &str) -> bool {
        self.version += 1;
        let Some(index) = self.savepoint_index(name) else { return false };
        self.frames.truncate(index + 1);
        if let Some(frame) = self.frames.last() {
            self.session = frame.session.clone();
            self.local = frame.local.clone();
        }
        true
    }

    /// Number of savepoints of the open transaction.
    pub(crate) fn savepoint_count(&self) -> usize {
        self.frames.len().saturating_sub(1)
    }

    fn savepoint_index(&self, name: &str) -> Option<usize> {
        self.frames.iter().rposition(|frame| frame.savepoint.as_deref() == Some(name))
    }

    /// Reported settings whose value changed since the last call, in PostgreSQL's order.
    pub(crate) fn take_reported(&mut self) -> Vec<(String, String)> {
        if self.reported_version == Some(self.version) {
            return Vec::new();
        }
        self.reported_version = Some(self.version);
        let now: Vec<(String, String)> = spec::REPORTED
            .iter()
            .map(|name| ((*name).to_owned(), self.get(name).unwrap_or_default()))
            .collect();
        let before = self.last_reported.take().unwrap_or_default();
        let changed =
            now.iter().filter(|(name, value)| before.get(name) != Some(value)).cloned().collect();
        self.last_reported = Some(now.into_iter().collect());
        changed
    }

    /// Schemas of `search_path` in order, `"$user"` replaced, without repeats.
    pub(crate) fn search_path(&self, role: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        value::split_list(&self.get("search_path").unwrap_or_default())
            .into_iter()
            .map(|schema| if schema == "$user" { role.to_owned() } else { schema })
            .filter(|schema| seen.insert(schema.clone()))
            .collect()
    }

    /// `statement_timeout`; `None` when it is 0.
    pub(crate) fn statement_timeout(&self) -> Option<Duration> {
        self.timeout("statement_timeout")
    }

    /// A setting that is a time; `None` when it is 0.
    pub(crate) fn timeout(&self, name: &str) -> Option<Duration> {
        let text = self.get(name)?;
        let milliseconds = value::milliseconds(&text)?;
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// `ergo.allow_gaps`.
    pub(crate) fn allow_gaps(&self) -> bool {
        self.get("ergo.allow_gaps").as_deref() == Some("on")
    }

    /// `ergo.finality`.
    pub(crate) fn finality(&self) -> Finality {
        match self.get("ergo.finality").as_deref() {
            Some("finalized") => Finality::Finalized,
            Some("latest") => Finality::Latest,
            _ => Finality::Safe,
        }
    }

    fn checked(&self, name: &str, raw: &str) -> Result<(String, String), QueryError> {
        if raw.len() > SETTING_BYTES_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("value of \"{name}\" is longer than {SETTING_BYTES_MAX} bytes"),
            ));
        }
        let key = name.to_ascii_lowercase();
        if let Some(found) = spec::find(&key) {
            let current = self.get(name).unwrap_or_default();
            return Ok((key, value::canonical(found, raw, &current)?));
        }
        if key.starts_with("ergo.") || !is_custom_name(&key) {
            return Err(unknown(name));
        }
        let known = self.session.contains_key(&key) || self.startup.contains_key(&key);
        if !known && self.session.len() + self.startup.len() >= CUSTOM_SETTINGS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a session can have {CUSTOM_SETTINGS_MAX} settings of its own"),
            ));
        }
        Ok((key, raw.to_owned()))
    }
}

fn is_custom_name(key: &str) -> bool {
    key.contains('.')
        && key.split('.').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
        })
}

pub(crate) fn unknown(name: &str) -> QueryError {
    QueryError::new(
        SqlState::UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

fn cannot_change(name: &str) -> QueryError {
    QueryError::new(SqlState::CANT_CHANGE, format!("parameter \"{name}\" cannot be changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rollback_gives_back_the_values_as_of_begin() {
        let mut settings = Settings::default();
        settings.set("application_name", "a", false).unwrap();
        settings.begin();
        settings.set("application_name", "b", false).unwrap();
        settings.set("statement_timeout", "5s", true).unwrap();
        settings.rollback();
        assert_eq!(settings.get("application_name").unwrap(), "a");
        assert_eq!(settings.statement_timeout(), None);
    }

    #[test]
    fn set_local_ends_with_the_transaction() {
        let mut settings = Settings::default();
        settings.begin();
        settings.set("ergo.allow_gaps", "on", true).unwrap();
        assert!(settings.allow_gaps());
        settings.commit();
        assert!(!settings.allow_gaps());
    }

    #[test]
    fn rollback_to_a_savepoint_undoes_later_settings_only() {
        let mut settings = Settings::default();
        settings.begin();
        settings.set("application_name", "before", false).unwrap();
        settings.savepoint("s");
        settings.set("application_name", "after", false).unwrap();
        assert!(settings.rollback_to("s"));
        assert_eq!(settings.get("application_name").unwrap(), "before");
        assert!(settings.release("s"));
        assert!(!settings.release("s"));
    }

    #[test]
    fn units_are_normalised_as_postgresql_prints_them() {
        let mut settings = Settings::default();
        for (given, shown) in
            [("2000", "2s"), ("1500", "1500ms"), ("'1min'", "1min"), ("0", "0"), ("60 s", "1min")]
        {
            settings.set("statement_timeout", given.trim_matches('\''), false).unwrap();
            assert_eq!(settings.get("STATEMENT_TIMEOUT").unwrap(), shown);
        }
    }

    #[test]
    fn an_unknown_name_is_refused_unless_it_has_a_dot_outside_ergo() {
        let mut settings = Settings::default();
        let state = |result: Result<String, QueryError>| result.unwrap_err().state;
        assert_eq!(state(settings.set("no_such", "1", false)), SqlState::UNDEFINED_OBJECT);
        assert_eq!(state(settings.set("ergo.no_such", "1", false)), SqlState::UNDEFINED_OBJECT);
        settings.set("foo.bar", "1", false).unwrap();
        assert_eq!(settings.get("foo.bar").unwrap(), "1");
        assert_eq!(state(settings.set("server_version", "1", false)), SqlState::CANT_CHANGE);
        assert_eq!(
            state(settings.set("statement_timeout", "soon", false)),
            SqlState::INVALID_PARAMETER_VALUE
        );
    }

    #[test]
    fn a_session_has_a_limited_number_of_settings_of_its_own() {
        let mut settings = Settings::default();
        for index in 0..CUSTOM_SETTINGS_MAX {
            settings.set(&format!("own.n{index}"), "x", false).unwrap();
        }
        let error = settings.set("own.more", "x", false).unwrap_err();
        assert_eq!(error.state, SqlState::PROGRAM_LIMIT);
        settings.set("own.n0", "y", false).unwrap();
    }

    #[test]
    fn only_changed_settings_are_reported_again() {
        let mut settings = Settings::default();
        assert_eq!(settings.take_reported().len(), spec::REPORTED.len());
        assert!(settings.take_reported().is_empty());
        settings.set("TimeZone", "UTC", false).unwrap();
        assert_eq!(settings.take_reported(), [("TimeZone".to_owned(), "UTC".to_owned())]);
    }
}
