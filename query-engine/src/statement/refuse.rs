//! What is refused, and with which words.

use std::ops::ControlFlow;

use sqlparser::ast::{
    DataType, Expr, Ident, Query, Select, SetExpr, Statement as Ast, TableFactor, Visit, Visitor,
};

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
        _ if !POSTGRESQL_COMMANDS.contains(&first.to_ascii_lowercase().as_str()) => {
            let word = first.to_ascii_lowercase();
            QueryError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{word}\""))
                .about(word)
        }
        _ => unsupported(&first),
    }
}

/// First words of PostgreSQL's commands; a statement that starts with another is no SQL of its.
const POSTGRESQL_COMMANDS: &[&str] = &[
    "abort",
    "alter",
    "analyze",
    "begin",
    "call",
    "checkpoint",
    "close",
    "cluster",
    "comment",
    "commit",
    "copy",
    "create",
    "deallocate",
    "declare",
    "delete",
    "discard",
    "do",
    "drop",
    "end",
    "execute",
    "explain",
    "fetch",
    "grant",
    "import",
    "insert",
    "listen",
    "load",
    "lock",
    "merge",
    "move",
    "notify",
    "prepare",
    "reassign",
    "refresh",
    "reindex",
    "release",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "security",
    "select",
    "set",
    "show",
    "start",
    "table",
    "truncate",
    "unlisten",
    "update",
    "vacuum",
    "values",
    "with",
];

/// Words that name no table unless quoted: the parser takes some for one.
const RESERVED_TABLE_NAMES: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "default",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "intersect",
    "into",
    "leading",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "primary",
    "returning",
    "select",
    "some",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "using",
    "when",
    "where",
    "window",
    "with",
];

fn syntax_near(word: &str) -> Box<QueryError> {
    let message = format!("syntax error at or near \"{word}\"");
    Box::new(QueryError::new(SqlState::SYNTAX_ERROR, message).about(word))
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

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        // A subscript needs parentheses around ARRAY[…]; the parser does not know that.
        if let Expr::CompoundFieldAccess { root, .. } = expr
            && matches!(**root, Expr::Array(_))
        {
            return ControlFlow::Break(syntax_near("["));
        }
        if let Expr::Cast { data_type: DataType::Custom(name, _), .. } = expr
            && name.to_string().eq_ignore_ascii_case("record")
        {
            return ControlFlow::Break(Box::new(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "input of anonymous composite types is not implemented",
            )));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        if let TableFactor::Table { name, .. } = table
            && let [part] = name.0.as_slice()
            && let Some(Ident { value, quote_style: None, .. }) = part.as_ident()
            && RESERVED_TABLE_NAMES.contains(&value.to_ascii_lowercase().as_str())
        {
            return ControlFlow::Break(syntax_near(value));
        }
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
