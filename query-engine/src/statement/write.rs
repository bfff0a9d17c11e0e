//! Statements that change rows: what in them does not run.

use sqlparser::ast::{
    Delete, FromTable, Ident, Insert, ObjectName, OnInsert, SelectItem, TableFactor, TableObject,
    Update,
};

use super::refuse;
use crate::{QueryError, SqlState};

/// A statement that changes rows.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
}

impl Write {
    /// What RETURNING lists.
    pub(crate) fn returning(&self) -> Option<&[SelectItem]> {
        match self {
            Self::Insert(insert) => insert.returning.as_deref(),
            Self::Update(update) => update.returning.as_deref(),
            Self::Delete(delete) => delete.returning.as_deref(),
        }
    }

    /// First word, and start of the command tag.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Insert(_) => "INSERT",
            Self::Update(_) => "UPDATE",
            Self::Delete(_) => "DELETE",
        }
    }

    /// Start of the command tag; the number of rows follows.
    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Self::Insert(_) => "INSERT 0",
            other => other.verb(),
        }
    }

    /// The table, and the name that stands for it in the statement.
    pub(crate) fn target(&self) -> Result<(&ObjectName, Option<&Ident>), QueryError> {
        match self {
            Self::Insert(insert) => match &insert.table {
                TableObject::TableName(name) => {
                    Ok((name, insert.table_alias.as_ref().map(|alias| &alias.alias)))
                }
                _ => Err(refuse::unsupported("INSERT into this kind of table")),
            },
            Self::Update(update) => table_of(&update.table.relation),
            Self::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) =
                    &delete.from;
                match from.as_slice() {
                    [table] if table.joins.is_empty() => table_of(&table.relation),
                    _ => Err(syntax("DELETE takes one table")),
                }
            }
        }
    }
}

fn table_of(relation: &TableFactor) -> Result<(&ObjectName, Option<&Ident>), QueryError> {
    match relation {
        TableFactor::Table { name, alias, args: None, .. } => {
            Ok((name, alias.as_ref().map(|alias| &alias.name)))
        }
        _ => Err(syntax("a table name is expected")),
    }
}

pub(super) fn checked_insert(insert: Insert) -> Result<Write, QueryError> {
    let is_plain = insert.or.is_none()
        && !insert.ignore
        && !insert.overwrite
        && insert.assignments.is_empty()
        && insert.partitioned.is_none()
        && insert.after_columns.is_empty()
        && insert.output.is_none()
        && !insert.replace_into
        && insert.priority.is_none()
        && insert.insert_alias.is_none()
        && insert.settings.is_none()
        && insert.format_clause.is_none()
        && insert.multi_table_insert_type.is_none();
    if !is_plain {
        return Err(refuse::unsupported("this clause of INSERT"));
    }
    if !matches!(insert.on, None | Some(OnInsert::OnConflict(_))) {
        return Err(refuse::unsupported("this clause of INSERT"));
    }
    Ok(Write::Insert(Box::new(insert)))
}

fn syntax(message: &str) -> QueryError {
    QueryError::new(SqlState::SYNTAX_ERROR, message)
}
