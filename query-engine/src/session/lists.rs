//! Named statements and cursors of a session, as `pg_prepared_statements` and `pg_cursors` list them.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{Query, visit_relations};

use super::utility::undefined_statement;
use super::{Prepared, Session};
use crate::catalog_query::{Row, Value};
use crate::limits::PREPARED_MAX;
use crate::{PgType, QueryError, SqlState};

/// A statement with a name.
pub(super) struct Named {
    /// `None` for one without text.
    pub(super) prepared: Option<Arc<Prepared>>,
    /// When it was made.
    pub(super) since_us: i64,
    /// Made by PREPARE rather than by a message of the protocol.
    pub(super) is_from_sql: bool,
}

impl Session {
    /// A statement with a name, of SQL's PREPARE or of the extended protocol; `None` inside for one
    /// without text.
    ///
    /// # Errors
    /// 26000 where there is none.
    pub fn named(&self, name: &str) -> Result<Option<Arc<Prepared>>, QueryError> {
        let found = self.named.get(name).map(|named| named.prepared.clone());
        found.ok_or_else(|| undefined_statement(name))
    }

    /// Keeps a statement under a name.
    ///
    /// # Errors
    /// 42P05 where the name is taken, 54000 past the limit.
    pub fn keep_named(
        &mut self,
        name: &str,
        prepared: Option<Arc<Prepared>>,
    ) -> Result<(), QueryError> {
        self.keep(name, prepared, false)
    }

    pub(super) fn keep(
        &mut self,
        name: &str,
        prepared: Option<Arc<Prepared>>,
        is_from_sql: bool,
    ) -> Result<(), QueryError> {
        self.check_new_name(name)?;
        let since_us = self.view.entry.activity().now_us();
        self.named.insert(name.to_owned(), Named { prepared, since_us, is_from_sql });
        Ok(())
    }

    /// Drops a named statement; one that does not exist is fine.
    pub fn forget_named(&mut self, name: &str) {
        self.named.remove(name);
    }

    /// Whether a statement can be kept under this name.
    ///
    /// # Errors
    /// As [`Self::keep_named`].
    pub fn check_new_name(&self, name: &str) -> Result<(), QueryError> {
        if self.named.contains_key(name) {
            return Err(QueryError::new(
                SqlState::DUPLICATE_STATEMENT,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        if self.named.len() >= PREPARED_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a session can have {PREPARED_MAX} prepared statements"),
            ));
        }
        Ok(())
    }

    /// Brings the lists up to date, if `query` reads one of them.
    pub(super) fn list_own(&self, query: &Query) {
        let is_read = visit_relations(query, |name| {
            let last = name.0.last().and_then(|part| part.as_ident());
            match last.map(|ident| ident.value.to_ascii_lowercase()).as_deref() {
                Some("pg_prepared_statements" | "pg_cursors") => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        if is_read.is_continue() {
            return;
        }
        let statements = self.named.iter().map(|(name, named)| statement_row(name, named));
        let mut own = self.view.own();
        own.statements = statements.collect();
        own.cursors = self.cursors.rows();
    }
}

fn statement_row(name: &str, named: &Named) -> Row {
    let oids = |types: &mut dyn Iterator<Item = PgType>| {
        Value::array(types.map(|pg_type| Value::oid(pg_type.oid())).collect())
    };
    let prepared = named.prepared.as_ref();
    let text = prepared.map_or("", |prepared| prepared.statement.text.as_ref());
    let parameters = prepared.map(|prepared| oids(&mut prepared.parameter_types.iter().copied()));
    let results = prepared.and_then(|prepared| prepared.columns.as_ref());
    let results = results.map(|columns| oids(&mut columns.iter().map(|column| column.pg_type)));
    Row::from(vec![
        Value::text(name),
        Value::text(text),
        Value::Int(named.since_us),
        parameters.unwrap_or_else(|| Value::array(Vec::new())),
        results.unwrap_or(Value::Null),
        Value::Bool(named.is_from_sql),
        // Plans are not counted.
        Value::Int(0),
        Value::Int(0),
    ])
}
