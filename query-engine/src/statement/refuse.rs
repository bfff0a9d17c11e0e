//! What is refused, and with which words.

use std::ops::ControlFlow;

use sqlparser::ast::{Query, Select, SetExpr, Statement as Ast, TableFactor, Visit, Visitor};

use crate::{QueryError, SqlState};

/// 0A000.
pub(super) fn unsupported(what: &str) -> QueryError {
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
}

/// Why a statement of this kind does not run.
pub(super) fn refuse(ast: &Ast) -> QueryError {
    let text = ast.to_string();
    let mut words = text.split_whitespace().map(str::to_ascii_uppercase);
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match ast {
        Ast::Merge { .. } | Ast::Truncate(_) => read_only(&first),
        Ast::CreateTable(table) if table.external || table.location.is_some() => {
            no_files("CREATE EXTERNAL TABLE")
        }
        Ast::Load { .. }
        | Ast::LoadData { .. }
        | Ast::AttachDatabase { .. }
        | Ast::AttachDuckDBDatabase { .. }
        | Ast::Unload { .. }
        | Ast::Directory { .. }
        | Ast::CreateStage { .. }
        | Ast::CopyIntoSnowflake { .. } => no_files(&format!("{first} {second}")),
        Ast::Call(_) => unsupported("CALL").with_hint("This database has no contracts to call."),
        _ if matches!(
            first.as_str(),
            "CREATE" | "ALTER" | "DROP" | "COMMENT" | "GRANT" | "REVOKE"
        ) =>
        {
            fixed(&format!("{first} {second}"))
        }
        _ => unsupported(&first),
    }
}

/// 0A000: chain tables are what they are.
pub(crate) fn fixed(what: &str) -> QueryError {
    unsupported(what)
        .with_hint("Chain tables and their schemas are fixed; rows come from verified blocks.")
}

/// 25006: rows of chain tables come from blocks only.
pub(crate) fn read_only(verb: &str) -> QueryError {
    QueryError::new(
        SqlState::READ_ONLY_TRANSACTION,
        format!("cannot execute {verb}: chain tables are read-only"),
    )
    .with_hint("Rows come from verified blocks only. Contracts are changed with CALL contract.procedure(...).")
}

fn no_files(what: &str) -> QueryError {
    QueryError::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("{what} is not allowed"))
        .with_hint("No statement reads or writes files of the server or opens connections.")
}

/// Refuses the parts of a query that would write, or that no table of ours has.
pub(super) fn check_query(query: &Query) -> Result<(), QueryError> {
    match query.visit(&mut QueryCheck) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

/// Refuses the same parts in the queries inside another statement.
pub(super) fn check_statement(ast: &Ast) -> Result<(), QueryError> {
    match ast.visit(&mut QueryCheck) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct QueryCheck;

impl Visitor for QueryCheck {
    type Break = Box<QueryError>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let refused = if !query.locks.is_empty() {
            Some("FOR UPDATE or FOR SHARE")
        } else if query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            Some("this clause of a query")
        } else {
            None
        };
        match refused {
            Some(what) => ControlFlow::Break(Box::new(unsupported(what))),
            None => check_body(&query.body),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        if select.into.is_some() {
            return ControlFlow::Break(Box::new(read_only("SELECT INTO")));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        match table {
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::Function { .. }
            | TableFactor::TableFunction { .. } => ControlFlow::Continue(()),
            _ => ControlFlow::Break(Box::new(unsupported("this kind of table expression"))),
        }
    }
}

fn check_body(body: &SetExpr) -> ControlFlow<Box<QueryError>> {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            ControlFlow::Break(Box::new(read_only("a data-modifying WITH")))
        }
        SetExpr::SetOperation { left, right, .. } => {
            check_body(left)?;
            check_body(right)
        }
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => {
            ControlFlow::Continue(())
        }
    }
}
