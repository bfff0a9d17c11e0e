//! Sorts SQL text into statements that the engine runs. Everything else is refused here, by kind:
//! what is not listed does not reach the planner.

mod command;
mod complexity;
pub(crate) mod copy;
pub(crate) mod ddl;
mod parse;
mod qualified_operator;
mod refuse;
mod sugar;
mod tokens;
pub(crate) mod write;

use std::sync::Arc;

use sqlparser::ast::{DataType as SqlType, Expr, Query, Statement as Ast};

pub(crate) use parse::{parse, parse_cutting};
pub(crate) use refuse::{fixed, read_only};

/// The query inside PREPARE.
///
/// # Errors
/// As [`parse`], for a statement that does not run.
pub(crate) fn prepared_query(ast: Ast) -> Result<Kind, crate::QueryError> {
    parse::classify(ast)
}

/// One parsed statement with the text it came from.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The whole text that was parsed: positions count from its start.
    pub(crate) text: Arc<str>,
    /// What to do. Shared: the same text is prepared and kept again and again.
    pub(crate) kind: Arc<Kind>,
}

impl Statement {
    /// Whether the statement looks at the database: the first one that does decides what a transaction
    /// of REPEATABLE READ sees.
    pub(crate) fn reads(&self) -> bool {
        matches!(
            *self.kind,
            Kind::Query(_)
                | Kind::Explain { .. }
                | Kind::Execute { .. }
                | Kind::Copy(_)
                | Kind::Write(_)
                | Kind::Ddl(_)
                | Kind::Declare { .. }
                | Kind::Prepare { .. }
        )
    }

    /// Whether the statement may run in a failed transaction block: it ends it or goes back in it.
    pub(crate) fn ends_failed_block(&self) -> bool {
        matches!(*self.kind, Kind::Commit { .. } | Kind::Rollback { .. } | Kind::RollbackTo(_))
    }
}

/// What SHOW prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShowTarget {
    All,
    Name(String),
}

/// Modes of BEGIN and SET TRANSACTION.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) isolation: Option<String>,
    pub(crate) read_only: Option<bool>,
    pub(crate) deferrable: Option<bool>,
}

/// Whether a cursor goes back, as DECLARE says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScrollOption {
    /// Nothing is said: it goes back where that costs little.
    Open,
    Scroll,
    NoScroll,
    /// Both are said, which is an error.
    Both,
}

impl ScrollOption {
    /// With one more word.
    fn and(self, other: Self) -> Self {
        if self == Self::Open || self == other { other } else { Self::Both }
    }
}

/// Where FETCH and MOVE go. A count of `None` is ALL; a negative one goes the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward(Option<i64>),
    Backward(Option<i64>),
    /// To a row by its number from the start, or from the end where negative.
    Absolute(i64),
    Relative(i64),
}

/// Form of EXPLAIN's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExplainFormat {
    Text,
    Json,
    Yaml,
}

/// Options of EXPLAIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExplainOptions {
    pub(crate) analyze: bool,
    pub(crate) verbose: bool,
    pub(crate) costs: bool,
    pub(crate) timing: bool,
    /// `None` follows `analyze`.
    pub(crate) summary: Option<bool>,
    pub(crate) format: ExplainFormat,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self {
            analyze: false,
            verbose: false,
            costs: true,
            timing: true,
            summary: None,
            format: ExplainFormat::Text,
        }
    }
}

/// The kinds of statements that run.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// SELECT, WITH, VALUES, TABLE.
    Query(Box<Query>),
    /// EXPLAIN of a query.
    Explain {
        query: Box<Query>,
        options: ExplainOptions,
    },
    /// SET; `None` is DEFAULT.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    /// SET TRANSACTION, or SET SESSION CHARACTERISTICS when `session`.
    SetTransaction {
        modes: Modes,
        session: bool,
    },
    /// SHOW.
    Show(ShowTarget),
    /// RESET; `None` is ALL.
    Reset(Option<String>),
    /// BEGIN or START TRANSACTION.
    Begin {
        tag: &'static str,
        modes: Modes,
    },
    /// COMMIT, END.
    Commit {
        chain: bool,
    },
    /// ROLLBACK, ABORT.
    Rollback {
        chain: bool,
    },
    Savepoint(String),
    RollbackTo(String),
    Release(String),
    /// DISCARD with the word after it.
    Discard(&'static str),
    /// DEALLOCATE; `None` is ALL.
    Deallocate(Option<String>),
    Prepare {
        name: String,
        types: Vec<SqlType>,
        statement: Box<Ast>,
    },
    Execute {
        name: String,
        arguments: Vec<Expr>,
    },
    Copy(Box<copy::Copy>),
    /// INSERT, UPDATE, DELETE.
    Write(write::Write),
    /// CREATE, ALTER, DROP, TRUNCATE, COMMENT, GRANT.
    Ddl(Box<ddl::Ddl>),
    /// DECLARE CURSOR.
    Declare {
        name: String,
        binary: bool,
        scroll: ScrollOption,
        hold: bool,
        query: Box<Query>,
    },
    /// FETCH, or MOVE, which gives no rows.
    Fetch {
        name: String,
        direction: Direction,
        is_move: bool,
    },
    /// CLOSE; `None` is ALL.
    Close(Option<String>),
    /// DO: refused once it is read.
    Do,
    Listen(String),
    /// UNLISTEN; `None` is `*`.
    Unlisten(Option<String>),
    Notify {
        channel: String,
        payload: String,
    },
}
