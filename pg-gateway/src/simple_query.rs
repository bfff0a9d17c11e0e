//! The simple protocol: SQL text in, results as text out.

use query_engine::values::Format;
use std::sync::Arc;

use query_engine::{Outcome, QueryError, SqlState, Statement};

use crate::connection::Connection;
use crate::error::Failure;
use crate::reply;
use crate::result_stream::ResultStream;

impl Connection {
    /// Runs every statement of `sql` in turn; the first error ends the text.
    pub(crate) async fn simple_query(&mut self, sql: &str) -> Result<(), Failure> {
        // As PostgreSQL: a simple query ends the unnamed statement and the unnamed portal.
        self.unnamed = None;
        self.portals.remove(None);
        let statements = self.session.parse(sql)?;
        if statements.is_empty() {
            reply::empty_query(&mut self.wire.out)?;
        }
        for statement in statements {
            self.simple_statement(statement).await?;
        }
        Ok(())
    }

    async fn simple_statement(&mut self, statement: Statement) -> Result<(), Failure> {
        let before = self.session.transaction_status();
        let token = self.token();
        let prepare = self.session.prepare(statement, &[]);
        let prepared = self.wire.supervise(&token, prepare).await?;
        if !prepared.parameter_types().is_empty() {
            let message = "there is no parameter $1";
            return Err(QueryError::new(SqlState::UNDEFINED_PARAMETER, message).into());
        }
        self.share_cursors(&prepared).await?;
        let execute = self.session.execute(&prepared, &[], token.clone());
        let outcome = self.wire.supervise(&token, execute).await?;
        self.send_notices();
        self.forget_portals(&prepared);
        match outcome {
            Outcome::Rows(rows) => {
                let format = if rows.is_binary() { Format::Binary } else { Format::Text };
                let formats: Arc<[Format]> = vec![format; rows.columns().len()].into();
                reply::row_description(&mut self.wire.out, rows.columns(), &formats)?;
                let style = self.text_style()?;
                let mut stream = ResultStream::new(rows, formats);
                let sent = stream.send(&mut self.wire, &token, &style, None).await?;
                self.send_notices();
                let tag = reply::row_tag(stream.tag(), sent.row_count);
                reply::command_complete(&mut self.wire.out, tag)?;
            }
            Outcome::Done { tag } => {
                reply::command_complete(&mut self.wire.out, tag)?;
            }
            Outcome::CopyOut { rows, options } => self.copy_out(rows, &options, &token).await?,
            Outcome::CopyIn(copy) => self.copy_in(copy, &token).await?,
            Outcome::Empty => reply::empty_query(&mut self.wire.out)?,
        }
        self.statement_done(before);
        Ok(())
    }
}
