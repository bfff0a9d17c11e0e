//! The extended protocol: prepared statements and portals.
//!
//! Lifetimes are PostgreSQL's: the unnamed statement lives until the next Parse of it or a simple
//! query; named ones until Close. Portals live until their transaction ends, at the latest at Sync.
//!
//! Names are shared with SQL: named statements are kept by the session, where PREPARE and DEALLOCATE
//! find them; a portal and an SQL cursor never have the same name, and each answers for the other.

use query_engine::values::{Format, decode_parameter};
use std::sync::Arc;

use pgwire::messages::extendedquery::{Bind, Close, Describe, Execute, Parse};
use query_engine::{
    CursorUse, Outcome, Parameter, PgType, Prepared, QueryError, ResultColumn, SqlState,
};

use crate::connection::Connection;
use crate::error::{Failure, not_supported, protocol_violation};
use crate::message::TARGET_STATEMENT;
use crate::portals::{Portal, PortalState, PreparedStatement};
use crate::reply;
use crate::result_stream::ResultStream;

impl Connection {
    /// Parse: makes a prepared statement.
    pub(crate) async fn parse(&mut self, parse: Parse) -> Result<(), Failure> {
        let Parse { name, query, type_oids, .. } = parse;
        match &name {
            // Even a Parse that fails ends the unnamed statement.
            None => self.unnamed = None,
            Some(name) => self.session.check_new_name(name)?,
        }
        let declared =
            type_oids.iter().map(|&oid| declared_type(oid)).collect::<Result<Vec<_>, _>>()?;
        let mut statements = self.session.parse(&query)?;
        let statement = statements.pop();
        if !statements.is_empty() {
            return Err(QueryError::new(
                SqlState::SYNTAX_ERROR,
                "cannot insert multiple commands into a prepared statement",
            )
            .into());
        }
        let prepared = match statement {
            None => None,
            Some(statement) => {
                let token = self.token();
                let prepare = self.session.prepare(statement, &declared);
                Some(Arc::new(self.wire.supervise(&token, prepare).await?))
            }
        };
        match &name {
            None => self.unnamed = Some(prepared),
            Some(name) => self.session.keep_named(name, prepared)?,
        }
        Ok(reply::parse_complete(&mut self.wire.out)?)
    }

    /// Bind: makes a portal. Parameters are decoded here, so that their errors come here.
    pub(crate) async fn bind(&mut self, bind: Bind) -> Result<(), Failure> {
        let statement = self.statement(&bind.statement_name)?;
        if let Some(prepared) = &statement {
            let token = self.token();
            let session = &mut self.session;
            self.wire.supervise(&token, session.revalidate(prepared)).await?;
        }
        let types = statement.as_ref().map_or(&[][..], |prepared| prepared.parameter_types());
        let columns = self.columns(&statement);
        let parameter_formats = Format::each(&bind.parameter_format_codes, bind.parameters.len())
            .ok_or_else(|| {
                protocol_violation(format!(
                    "bind message has {} parameter formats but {} parameters",
                    bind.parameter_format_codes.len(),
                    bind.parameters.len()
                ))
            })??;
        if bind.parameters.len() != types.len() {
            return Err(protocol_violation(format!(
                "bind message supplies {} parameters, but prepared statement \"{}\" requires {}",
                bind.parameters.len(),
                shown(&bind.statement_name),
                types.len()
            ))
            .into());
        }
        if let Some(name) = &bind.portal_name {
            self.check_cursor_name(name)?;
        }
        let style = self.text_style()?;
        let mut parameters = Vec::with_capacity(types.len());
        for ((&pg_type, format), value) in types.iter().zip(parameter_formats).zip(bind.parameters)
        {
            parameters.push(match value {
                None => Parameter::Null,
                Some(value) => {
                    let parameter = decode_parameter(pg_type, format, &value, &style.zone)?;
                    self.session.check_parameter(pg_type, &parameter)?;
                    parameter
                }
            });
        }
        let column_count = columns.as_ref().map_or(0, |columns| columns.len());
        let formats = match Format::each(&bind.result_column_format_codes, column_count) {
            Some(formats) => formats?,
            // A statement without rows ignores result formats.
            None if columns.is_none() => Vec::new(),
            None => {
                return Err(protocol_violation(format!(
                    "bind message has {} result formats but query has {column_count} columns",
                    bind.result_column_format_codes.len()
                ))
                .into());
            }
        };
        if let Some(prepared) = &statement {
            let token = self.token();
            let check = self.session.check_constants(prepared, &parameters);
            self.wire.supervise(&token, check).await?;
        }
        let state = PortalState::Bound(parameters);
        let savepoints = self.session.savepoint_count();
        let portal = Portal { statement, formats: formats.into(), state, savepoints };
        self.portals.insert(bind.portal_name, portal)?;
        Ok(reply::bind_complete(&mut self.wire.out)?)
    }

    /// Describe: parameter types and columns of a statement, or columns of a portal.
    pub(crate) fn describe(&mut self, describe: &Describe) -> Result<(), Failure> {
        let (columns, formats) = if describe.target_type == TARGET_STATEMENT {
            let statement = self.statement(&describe.name)?;
            let types = statement.as_ref().map_or(&[][..], |prepared| prepared.parameter_types());
            reply::parameter_description(&mut self.wire.out, types)?;
            (self.columns(&statement), None)
        } else if let Some(columns) = self.cursor_columns(&describe.name) {
            (Some(columns), None)
        } else {
            let portal = self.portal(&describe.name)?;
            let (statement, formats) = (portal.statement.clone(), portal.formats.clone());
            (self.columns(&statement), Some(formats))
        };
        let out = &mut self.wire.out;
        match columns {
            None => reply::no_data(out)?,
            Some(columns) => {
                let formats = formats
                    .filter(|formats| formats.len() == columns.len())
                    .unwrap_or_else(|| vec![Format::Text; columns.len()].into());
                reply::row_description(out, &columns, &formats)?;
            }
        }
        Ok(())
    }

    /// Columns that a statement gives, as things are now.
    fn columns(&self, statement: &PreparedStatement) -> Option<Arc<[ResultColumn]>> {
        self.session.result_columns(statement.as_ref()?)
    }

    /// Columns of the SQL cursor that a portal's name means.
    fn cursor_columns(&self, name: &Option<String>) -> Option<Arc<[ResultColumn]>> {
        let name = name.as_ref()?;
        if self.portals.contains(&Some(name.clone())) {
            return None;
        }
        self.session.cursor_columns(name)
    }

    /// # Errors
    /// 42P03 where a portal or a cursor has the name.
    fn check_cursor_name(&self, name: &str) -> Result<(), QueryError> {
        let taken = self.portals.contains(&Some(name.to_owned()))
            || self.session.cursor_columns(name).is_some();
        if taken {
            return Err(QueryError::new(
                SqlState::DUPLICATE_CURSOR,
                format!("cursor \"{name}\" already exists"),
            ));
        }
        Ok(())
    }

    /// Before a statement runs that names a cursor: a portal of that name stands for one.
    pub(crate) async fn share_cursors(&mut self, prepared: &Prepared) -> Result<(), Failure> {
        match prepared.cursor_use() {
            Some(CursorUse::Declare(name)) => Ok(self.check_cursor_name(name)?),
            Some(CursorUse::Fetch(name)) => self.lend_portal(name).await,
            Some(CursorUse::Close(Some(name))) => self.lend_portal(name).await,
            Some(CursorUse::Close(None)) | None => Ok(()),
        }
    }

    /// Gives the rows of a portal to the session, as a cursor of the same name.
    async fn lend_portal(&mut self, name: &str) -> Result<(), Failure> {
        let key = Some(name.to_owned());
        let Some(mut portal) = self.portals.items.remove(&key) else { return Ok(()) };
        let state = match portal.state {
            PortalState::Cursor => PortalState::Cursor,
            PortalState::Bound(parameters) => match portal.statement.clone() {
                Some(prepared) if self.columns(&portal.statement).is_some() => {
                    self.start(&prepared, &parameters, &portal.formats).await?
                }
                _ => PortalState::Bound(parameters),
            },
            state => state,
        };
        portal.state = match state {
            PortalState::Running(stream) => {
                let (rows, rest) = stream.into_rest();
                self.session.adopt_cursor(name, rows, rest)?;
                PortalState::Cursor
            }
            PortalState::Cursor => PortalState::Cursor,
            PortalState::Bound(_) | PortalState::Finished(_) => {
                return Err(QueryError::new(
                    SqlState::OBJECT_NOT_IN_STATE,
                    format!("portal \"{name}\" cannot be run"),
                )
                .into());
            }
        };
        self.portals.items.insert(key, portal);
        Ok(())
    }

    /// Execute: runs a portal, or goes on with it. A `max_rows` of zero or less means all rows.
    pub(crate) async fn execute(&mut self, execute: &Execute) -> Result<(), Failure> {
        let rows_max = u64::try_from(execute.max_rows).ok().filter(|&rows_max| rows_max > 0);
        let is_cursor = match self.portals.items.get(&execute.name) {
            Some(portal) => matches!(portal.state, PortalState::Cursor),
            None => self.cursor_columns(&execute.name).is_some(),
        };
        if is_cursor && let Some(name) = &execute.name {
            return self.execute_cursor(name, rows_max).await;
        }
        self.portal(&execute.name)?;
        // Out of the map while it runs: on an error the portal is gone, as the protocol wants.
        let mut portal = self.portals.items.remove(&execute.name).expect("looked up just before");
        let Some(prepared) = portal.statement.clone() else {
            self.portals.insert(execute.name.clone(), portal)?;
            return Ok(reply::empty_query(&mut self.wire.out)?);
        };
        let before = self.session.transaction_status();
        portal.state = match portal.state {
            PortalState::Bound(parameters) => {
                self.start(&prepared, &parameters, &portal.formats).await?
            }
            started => self.check_restart(&execute.name, started)?,
        };
        if let PortalState::Running(stream) = &mut portal.state {
            let (token, style) = (self.token(), self.text_style()?);
            let sent = stream.send(&mut self.wire, &token, &style, rows_max).await?;
            self.send_notices();
            if sent.finished {
                let tag = reply::row_tag(stream.tag(), sent.row_count);
                reply::command_complete(&mut self.wire.out, tag)?;
                portal.state = PortalState::Finished(Some(stream.tag()));
            } else {
                reply::portal_suspended(&mut self.wire.out)?;
            }
        }
        self.portals.insert(execute.name.clone(), portal)?;
        self.statement_done(before);
        Ok(())
    }

    /// Execute of an SQL cursor: it goes on from where it stands.
    async fn execute_cursor(&mut self, name: &str, rows_max: Option<u64>) -> Result<(), Failure> {
        let (token, style) = (self.token(), self.text_style()?);
        let fetch = self.session.execute_cursor(name, rows_max, token.clone());
        let rows = self.wire.supervise(&token, fetch).await?;
        let column_count = rows.columns().len();
        let formats = match self.portals.items.get(&Some(name.to_owned())) {
            Some(portal) => portal.formats.clone(),
            None => vec![Format::Text; column_count].into(),
        };
        let mut stream = ResultStream::new(rows, formats);
        let sent = stream.send(&mut self.wire, &token, &style, None).await?;
        if rows_max == Some(sent.row_count) {
            return Ok(reply::portal_suspended(&mut self.wire.out)?);
        }
        let tag = reply::row_tag(stream.tag(), sent.row_count);
        Ok(reply::command_complete(&mut self.wire.out, tag)?)
    }

    /// First run of a portal. Statements without rows are finished by it.
    async fn start(
        &mut self,
        prepared: &Prepared,
        parameters: &[Parameter],
        formats: &Arc<[Format]>,
    ) -> Result<PortalState, Failure> {
        let token = self.token();
        Box::pin(self.share_cursors(prepared)).await?;
        let execute = self.session.execute(prepared, parameters, token.clone());
        let outcome = self.wire.supervise(&token, execute).await?;
        self.send_notices();
        self.forget_portals(prepared);
        match outcome {
            Outcome::Rows(rows) if rows.columns().len() == formats.len() => {
                let stream = ResultStream::new(rows, formats.clone());
                Ok(PortalState::Running(Box::new(stream)))
            }
            // Drivers prepare the statement again when they see exactly this.
            Outcome::Rows(_) => {
                Err(not_supported("cached plan must not change result type").into())
            }
            Outcome::Done { tag } => {
                reply::command_complete(&mut self.wire.out, tag)?;
                Ok(PortalState::Finished(None))
            }
            Outcome::CopyOut { rows, options } => {
                self.copy_out(rows, &options, &token).await?;
                Ok(PortalState::Finished(None))
            }
            Outcome::CopyIn(copy) => {
                self.copy_in(copy, &token).await?;
                Ok(PortalState::Finished(None))
            }
            Outcome::Empty => {
                reply::empty_query(&mut self.wire.out)?;
                Ok(PortalState::Finished(None))
            }
        }
    }

    /// A portal that was executed before: a suspended one goes on, a finished SELECT gives no rows.
    fn check_restart(
        &mut self,
        name: &Option<String>,
        state: PortalState,
    ) -> Result<PortalState, Failure> {
        match state {
            PortalState::Finished(Some(tag)) => {
                reply::command_complete(&mut self.wire.out, reply::row_tag(tag, 0))?;
                Ok(state)
            }
            PortalState::Finished(None) => Err(QueryError::new(
                SqlState::OBJECT_NOT_IN_STATE,
                format!("portal \"{}\" cannot be run", shown(name)),
            )
            .into()),
            other => Ok(other),
        }
    }

    /// Close: drops a statement or portal; one that does not exist is fine.
    pub(crate) fn close(&mut self, close: &Close) -> Result<(), Failure> {
        match (close.target_type == TARGET_STATEMENT, &close.name) {
            (true, None) => self.unnamed = None,
            (true, Some(name)) => self.session.forget_named(name),
            (false, name) => {
                self.portals.remove(name.as_deref());
                if let Some(name) = name {
                    self.session.close_cursor(name);
                }
            }
        }
        Ok(reply::close_complete(&mut self.wire.out)?)
    }

    /// CLOSE ends portals as it ends cursors, and so does ROLLBACK TO those made since the savepoint.
    pub(crate) fn forget_portals(&mut self, prepared: &Prepared) {
        self.portals.settle(self.session.savepoint_count(), prepared.is_rollback_to());
        match prepared.cursor_use() {
            Some(CursorUse::Close(Some(name))) => self.portals.remove(Some(name)),
            Some(CursorUse::Close(None)) => self.portals.clear(),
            _ => {}
        }
    }

    fn statement(&self, name: &Option<String>) -> Result<PreparedStatement, QueryError> {
        match name {
            Some(name) => self.session.named(name),
            None => self.unnamed.clone().ok_or_else(|| {
                QueryError::new(
                    SqlState::UNDEFINED_STATEMENT,
                    "unnamed prepared statement does not exist",
                )
            }),
        }
    }

    fn portal(&self, name: &Option<String>) -> Result<&Portal, QueryError> {
        self.portals.items.get(name).ok_or_else(|| {
            let message = format!("portal \"{}\" does not exist", shown(name));
            QueryError::new(SqlState::INVALID_CURSOR_NAME, message)
        })
    }
}

fn shown(name: &Option<String>) -> &str {
    name.as_deref().unwrap_or_default()
}

/// The type that a client declared for a parameter; `None` where it left that open.
fn declared_type(oid: u32) -> Result<Option<PgType>, QueryError> {
    match oid {
        0 => Ok(None),
        oid => match PgType::from_oid(oid) {
            Some(PgType::Unknown) => Ok(None),
            Some(pg_type) => Ok(Some(pg_type)),
            None => Err(not_supported(format!(
                "parameters of the type with OID {oid} are not supported"
            ))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_open_for_zero_and_unknown_and_refused_when_not_supported() {
        assert_eq!(declared_type(0).unwrap(), None);
        assert_eq!(declared_type(705).unwrap(), None);
        assert_eq!(declared_type(23).unwrap(), Some(PgType::Int4));
        assert_eq!(declared_type(3614).unwrap_err().state.0, "0A000");
    }
}
