//! SQL without a wire: the engine called directly, its rows as the text that a client would see.

use query_engine::values::{TextStyle, text_rows};
use query_engine::{Outcome, Principal, QueryError, Session};
use tokio_util::sync::CancellationToken;

use crate::service::TestService;

/// Rows of a statement as text, `None` for NULL; `None` in place of rows where there are none.
pub type TextRows = Option<Vec<Vec<Option<String>>>>;

/// A session on `database` of a running service.
///
/// # Errors
/// 3D000 for an unknown database.
pub fn session(service: &TestService, database: &str) -> Result<Session, QueryError> {
    let principal = Principal { role: "tester".to_owned(), may_create: true };
    service.running().engine().session(database, principal, &[])
}

/// Runs the statements of `sql` and gives the rows of the last one.
///
/// # Errors
/// Of the first statement that fails.
pub async fn run(session: &mut Session, sql: &str) -> Result<TextRows, QueryError> {
    let mut last = None;
    for statement in session.parse(sql)? {
        let prepared = session.prepare(statement, &[]).await?;
        last = match session.execute(&prepared, &[], CancellationToken::new()).await? {
            Outcome::Rows(mut rows) => {
                let columns = rows.columns().clone();
                let style = TextStyle::new(|name| session.setting(name))?;
                let mut all = Vec::new();
                while let Some(batch) = rows.next().await {
                    all.extend(text_rows(&batch?, &columns, &style)?);
                }
                Some(all)
            }
            Outcome::Done { .. }
            | Outcome::CopyOut { .. }
            | Outcome::CopyIn(_)
            | Outcome::Empty => None,
        };
    }
    Ok(last)
}
