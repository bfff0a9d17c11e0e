//! The extended protocol: prepared statements and portals.
//!
//! Lifetimes are PostgreSQL's: the unnamed statement lives until the next Parse of it or a simple
//! query; named ones until Close. Portals live until their transaction ends, at the latest at Sync.

use std::collections::HashMap;
use std::sync::Arc;

use pgwire::messages::extendedquery::{Bind, Close, Describe, Execute, Parse};
use query_engine::{Outcome, Parameter, PgType, Prepared, QueryError, SqlState};

use crate::connection::Connection;
use crate::decode::decode_parameter;
use crate::encode::Format;
use crate::error::{
    DUPLICATE_CURSOR, DUPLICATE_PREPARED_STATEMENT, Failure, INVALID_CURSOR_NAME,
    OBJECT_NOT_IN_STATE, not_supported, protocol_violation,
};
use crate::message::TARGET_STATEMENT;
use crate::reply;
use crate::result_stream::ResultStream;

/// Most prepared statements of one connection.
pub const STATEMENTS_MAX: usize = 10_000;

/// Most portals of one connection. Each may hold a running query.
pub const PORTALS_MAX: usize = 1_000;

/// A prepared statement; `None` for one without text, which is allowed and does nothing.
type PreparedStatement = Option<Arc<Prepared>>;

/// Things by name, `None` for the unnamed one, at most `limit` of them.
pub(crate) struct Named<T> {
    items: HashMap<Option<String>, T>,
    limit: usize,
    what: &'static str,
}

pub(crate) type Statements = Named<PreparedStatement>;
pub(crate) type Portals = Named<Portal>;

/// A statement with its parameters, ready to run.
pub(crate) struct Portal {
    statement: PreparedStatement,
    formats: Arc<[Format]>,
    state: PortalState,
}

enum PortalState {
    Bound(Vec<Parameter>),
    Running(Box<ResultStream>),
    /// All rows are sent; `Some(tag)` where a further Execute gives none, as for SELECT.
    Finished(Option<&'static str>),
}

impl Default for Statements {
    fn default() -> Self {
        Self { items: HashMap::new(), limit: STATEMENTS_MAX, what: "prepared statements" }
    }
}

impl Default for Portals {
    fn default() -> Self {
        Self { items: HashMap::new(), limit: PORTALS_MAX, what: "portals" }
    }
}

impl<T> Named<T> {
    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }

    pub(crate) fn remove(&mut self, name: Option<&str>) {
        self.items.remove(&name.map(str::to_owned));
    }

    fn contains(&self, name: &Option<String>) -> bool {
        self.items.contains_key(name)
    }

    /// Adds or replaces an item.
    ///
    /// # Errors
    /// 54000 when there would be more than the limit.
    fn insert(&mut self, name: Option<String>, item: T) -> Result<(), QueryError> {
        if self.items.len() >= self.limit && !self.contains(&name) {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a connection can have at most {} {}", self.limit, self.what),
            ));
        }
        self.items.insert(name, item);
        Ok(())
    }
}

impl Connection {
    /// Parse: makes a prepared statement.
    pub(crate) async fn parse(&mut self, parse: Parse) -> Result<(), Failure> {
        let Parse { name, query, type_oids, .. } = parse;
        if name.is_none() {
            // Even a Parse that fails ends the unnamed statement.
            self.statements.remove(None);
        } else if self.statements.contains(&name) {
            return Err(QueryError::new(
                DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{}\" already exists", shown(&name)),
            )
            .into());
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
        self.statements.insert(name, prepared)?;
        Ok(reply::parse_complete(&mut self.wire.out)?)
    }

    /// Bind: makes a portal. Parameters are decoded here, so that their errors come here.
    pub(crate) async fn bind(&mut self, bind: Bind) -> Result<(), Failure> {
        let statement = self.statement(&bind.statement_name)?.clone();
        if let Some(prepared) = &statement {
            let token = self.token();
            let session = &mut self.session;
            let check = async {
                session.revalidate(prepared).await?;
                session.check_constants(prepared).await
            };
            self.wire.supervise(&token, check).await?;
        }
        let types = statement.as_ref().map_or(&[][..], |prepared| prepared.parameter_types());
        let columns = statement.as_ref().and_then(|prepared| prepared.columns());
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
        if bind.portal_name.is_some() && self.portals.contains(&bind.portal_name) {
            return Err(QueryError::new(
                DUPLICATE_CURSOR,
                format!("cursor \"{}\" already exists", shown(&bind.portal_name)),
            )
            .into());
        }
        let style = self.text_style()?;
        let mut parameters = Vec::with_capacity(types.len());
        for ((&pg_type, format), value) in types.iter().zip(parameter_formats).zip(bind.parameters)
        {
            parameters.push(match value {
                None => Parameter::Null,
                Some(value) => decode_parameter(pg_type, format, &value, &style.zone)?,
            });
        }
        let column_count = columns.map_or(0, <[_]>::len);
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
        let state = PortalState::Bound(parameters);
        let portal = Portal { statement, formats: formats.into(), state };
        self.portals.insert(bind.portal_name, portal)?;
        Ok(reply::bind_complete(&mut self.wire.out)?)
    }

    /// Describe: parameter types and columns of a statement, or columns of a portal.
    pub(crate) fn describe(&mut self, describe: &Describe) -> Result<(), Failure> {
        let (statement, formats) = if describe.target_type == TARGET_STATEMENT {
            let statement = self.statement(&describe.name)?.clone();
            let types = statement.as_ref().map_or(&[][..], |prepared| prepared.parameter_types());
            reply::parameter_description(&mut self.wire.out, types)?;
            (statement, None)
        } else {
            let portal = self.portal(&describe.name)?;
            (portal.statement.clone(), Some(portal.formats.clone()))
        };
        let out = &mut self.wire.out;
        match statement.as_ref().and_then(|prepared| prepared.columns()) {
            None => reply::no_data(out)?,
            Some(columns) => {
                let formats = formats.unwrap_or_else(|| vec![Format::Text; columns.len()].into());
                reply::row_description(out, columns, &formats)?;
            }
        }
        Ok(())
    }

    /// Execute: runs a portal, or goes on with it. A `max_rows` of zero or less means all rows.
    pub(crate) async fn execute(&mut self, execute: &Execute) -> Result<(), Failure> {
        let rows_max = u64::try_from(execute.max_rows).ok().filter(|&rows_max| rows_max > 0);
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

    /// First run of a portal. Statements without rows are finished by it.
    async fn start(
        &mut self,
        prepared: &Prepared,
        parameters: &[Parameter],
        formats: &Arc<[Format]>,
    ) -> Result<PortalState, Failure> {
        let token = self.token();
        let execute = self.session.execute(prepared, parameters, token.clone());
        let outcome = self.wire.supervise(&token, execute).await?;
        self.send_notices();
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
                self.forget_on(&tag);
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
                OBJECT_NOT_IN_STATE,
                format!("portal \"{}\" cannot be run", shown(name)),
            )
            .into()),
            other => Ok(other),
        }
    }

    /// Close: drops a statement or portal; one that does not exist is fine.
    pub(crate) fn close(&mut self, close: &Close) -> Result<(), Failure> {
        if close.target_type == TARGET_STATEMENT {
            self.statements.remove(close.name.as_deref());
        } else {
            self.portals.remove(close.name.as_deref());
        }
        Ok(reply::close_complete(&mut self.wire.out)?)
    }

    /// SQL statements that end prepared statements end those of the protocol too.
    pub(crate) fn forget_on(&mut self, tag: &str) {
        if matches!(tag, "DISCARD ALL" | "DEALLOCATE ALL") {
            self.statements.clear();
        }
    }

    fn statement(&self, name: &Option<String>) -> Result<&PreparedStatement, QueryError> {
        self.statements.items.get(name).ok_or_else(|| {
            let message = match name {
                Some(name) => format!("prepared statement \"{name}\" does not exist"),
                None => "unnamed prepared statement does not exist".to_owned(),
            };
            QueryError::new(SqlState::UNDEFINED_STATEMENT, message)
        })
    }

    fn portal(&self, name: &Option<String>) -> Result<&Portal, QueryError> {
        self.portals.items.get(name).ok_or_else(|| {
            let message = format!("portal \"{}\" does not exist", shown(name));
            QueryError::new(INVALID_CURSOR_NAME, message)
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
    fn the_limit_of_named_items_admits_its_own_value_and_refuses_the_next() {
        let mut statements = Statements::default();
        for number in 0..STATEMENTS_MAX {
            statements.insert(Some(number.to_string()), None).unwrap();
        }
        statements.insert(Some("0".to_owned()), None).unwrap();
        assert_eq!(statements.insert(None, None).unwrap_err().state.0, "54000");
    }

    #[test]
    fn a_type_is_open_for_zero_and_unknown_and_refused_when_not_supported() {
        assert_eq!(declared_type(0).unwrap(), None);
        assert_eq!(declared_type(705).unwrap(), None);
        assert_eq!(declared_type(23).unwrap(), Some(PgType::Int4));
        assert_eq!(declared_type(600).unwrap_err().state.0, "0A000");
    }
}
