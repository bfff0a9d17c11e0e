//! LOCK TABLE: a lock that the transaction would take later, taken now. VACUUM and ANALYZE, which have nothing
//! to do: tables keep no dead rows, and their statistics are counted when they are asked for.
//!
//! There are two kinds of locks (`objects::Mode`): of those who add rows, which go together, and of all other
//! changes. The weaker modes take the first, so that nobody drops or changes the table; the others the second.

use sqlparser::ast::ObjectName;

use super::{Session, parts, undefined_table};
use crate::objects::{Mode, Object};
use crate::session::Stop;
use crate::statement::ddl::Lock;
use crate::{QueryError, SqlState};

impl Session {
    /// # Errors
    /// 25P01 outside a block, 42P01, 42501, 42809 for a sequence, 0A000 for NOWAIT; as for a change of the table.
    pub(super) async fn lock_tables(&mut self, lock: &Lock, stop: &Stop) -> Result<(), QueryError> {
        self.require_block("LOCK TABLE")?;
        if lock.nowait {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "LOCK TABLE … NOWAIT is not supported",
            )
            .with_hint("Set lock_timeout."));
        }
        let (letter, wanted) = match lock.mode {
            "access share" => ('r', Mode::Append),
            "row share" | "row exclusive" => ('a', Mode::Append),
            _ => ('w', Mode::Alone),
        };
        for name in &lock.names {
            let Some(object) = self.view.object(&parts(name)) else {
                if self.relation(name).is_none() && !self.is_builtin(name) {
                    return Err(undefined_table(name));
                }
                // Nobody changes a table of the system: what can be locked is reading, and that always holds.
                if letter != 'r' {
                    let last = parts(name).pop().unwrap_or_default();
                    return Err(QueryError::new(
                        SqlState::INSUFFICIENT_PRIVILEGE,
                        format!("permission denied for table {last}"),
                    ));
                }
                continue;
            };
            let head = object.head();
            if matches!(object, Object::Sequence(_)) {
                return Err(QueryError::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("cannot lock relation \"{}\"", head.name),
                ));
            }
            self.check_usage(&head.schema)?;
            self.view.role().check(head, letter, "table")?;
            let full = head.full_name();
            if !self.view.objects.is_temp_schema(&full.schema) {
                self.lock(&format!("relation {full}"), wanted, stop).await?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// 25001 for VACUUM in a block, 42P01.
    pub(super) fn vacuum(&self, names: &[ObjectName], is_analyze: bool) -> Result<(), QueryError> {
        if !is_analyze && self.in_block() {
            return Err(QueryError::new(
                SqlState::ACTIVE_TRANSACTION,
                "VACUUM cannot run inside a transaction block",
            ));
        }
        for name in names {
            let is_known = self.view.object(&parts(name)).is_some()
                || self.relation(name).is_some()
                || self.is_builtin(name);
            if !is_known {
                return Err(undefined_table(name));
            }
        }
        Ok(())
    }
}
