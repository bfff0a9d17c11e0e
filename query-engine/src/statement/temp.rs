//! Statements over temp tables: which of them run, and what in them does not.

use sqlparser::ast::{
    AlterTableOperation, CreateTable, CreateTableOptions, Delete, FromTable, Ident, Insert,
    ObjectName, ObjectType, OnCommit, Query, SelectItem, SetExpr, Statement as Ast, TableFactor,
    TableObject, Update,
};

use super::{Kind, refuse};
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

/// A statement that makes, changes or drops tables.
#[derive(Clone, Debug)]
pub(crate) enum TableStatement {
    Create(Box<CreateTable>),
    CreateAs {
        name: ObjectName,
        columns: Vec<Ident>,
        query: Box<Query>,
        if_not_exists: bool,
        on_commit: Option<OnCommit>,
    },
    Drop {
        names: Vec<ObjectName>,
        if_exists: bool,
    },
    Truncate(Vec<ObjectName>),
    Alter {
        name: ObjectName,
        if_exists: bool,
        operations: Vec<AlterTableOperation>,
    },
}

impl TableStatement {
    /// Name of the command, as messages have it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "CREATE TABLE",
            Self::CreateAs { .. } => "CREATE TABLE AS",
            Self::Drop { .. } => "DROP TABLE",
            Self::Truncate(_) => "TRUNCATE TABLE",
            Self::Alter { .. } => "ALTER TABLE",
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

/// The kind of `ast`, which is no query and no utility statement of its own.
///
/// # Errors
/// As [`refuse::refuse`] for what never runs, 0A000 for clauses that are not supported.
pub(super) fn classify(ast: Ast) -> Result<Kind, QueryError> {
    refuse::check_statement(&ast)?;
    Ok(match ast {
        Ast::Insert(insert) => Kind::Write(checked_insert(insert)?),
        Ast::Update(update) => {
            let is_plain = update.or.is_none()
                && update.order_by.is_empty()
                && update.limit.is_none()
                && update.output.is_none()
                && update.table.joins.is_empty();
            if !is_plain {
                return Err(refuse::unsupported("this clause of UPDATE"));
            }
            Kind::Write(Write::Update(Box::new(update)))
        }
        Ast::Delete(delete) => {
            let is_plain = delete.tables.is_empty()
                && delete.order_by.is_empty()
                && delete.limit.is_none()
                && delete.output.is_none();
            if !is_plain {
                return Err(refuse::unsupported("this clause of DELETE"));
            }
            Kind::Write(Write::Delete(Box::new(delete)))
        }
        Ast::CreateTable(table) if is_temporary(&table) => Kind::Table(create(table)?),
        Ast::CreateTable(table) if !table.external && table.location.is_none() => {
            return Err(refuse::unsupported("CREATE TABLE").with_hint(
                "Chain tables are fixed. CREATE TEMP TABLE makes a table of this session.",
            ));
        }
        Ast::Drop { object_type: ObjectType::Table, if_exists, names, .. } => {
            Kind::Table(TableStatement::Drop { names, if_exists })
        }
        Ast::Truncate(truncate) if truncate.partitions.is_none() => {
            let names = truncate.table_names.into_iter().map(|table| table.name).collect();
            Kind::Table(TableStatement::Truncate(names))
        }
        Ast::AlterTable(alter) if alter.location.is_none() && alter.table_type.is_none() => {
            Kind::Table(TableStatement::Alter {
                name: alter.name,
                if_exists: alter.if_exists,
                operations: alter.operations,
            })
        }
        other => return Err(refuse::refuse(&other)),
    })
}

/// A query that writes: SELECT INTO TEMP, and INSERT after WITH. `None` for one that only reads.
pub(super) fn writing_query(query: &Query) -> Result<Option<Kind>, QueryError> {
    match &*query.body {
        SetExpr::Select(select) => {
            let Some(into) = &select.into else { return Ok(None) };
            if !into.temporary {
                return Ok(None);
            }
            let mut query = Box::new(query.clone());
            if let SetExpr::Select(select) = &mut *query.body {
                select.into = None;
            }
            refuse::check_query(&query)?;
            Ok(Some(Kind::Table(TableStatement::CreateAs {
                name: into.name.clone(),
                columns: Vec::new(),
                query,
                if_not_exists: false,
                on_commit: None,
            })))
        }
        SetExpr::Insert(Ast::Insert(insert)) if query.with.is_some() => {
            let mut insert = insert.clone();
            match &mut insert.source {
                Some(source) if source.with.is_none() => source.with.clone_from(&query.with),
                _ => return Err(refuse::unsupported("WITH in two places of INSERT")),
            }
            classify(Ast::Insert(insert)).map(Some)
        }
        _ => Ok(None),
    }
}

fn checked_insert(insert: Insert) -> Result<Write, QueryError> {
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
    if insert.on.is_some() {
        return Err(refuse::unsupported("ON CONFLICT"));
    }
    Ok(Write::Insert(Box::new(insert)))
}

fn is_temporary(table: &CreateTable) -> bool {
    let in_temp_schema = table.name.0.len() == 2
        && table.name.0[0].as_ident().is_some_and(|ident| ident.value.starts_with("pg_temp"));
    table.temporary || in_temp_schema
}

fn create(table: CreateTable) -> Result<TableStatement, QueryError> {
    let refused = [
        (table.or_replace, "OR REPLACE"),
        (table.like.is_some() || table.clone.is_some(), "LIKE"),
        (table.inherits.is_some(), "INHERITS"),
        (table.partition_by.is_some() || table.partition_of.is_some(), "PARTITION"),
        (table.table_options != CreateTableOptions::None, "WITH options"),
        (table.external || table.location.is_some(), "LOCATION"),
    ];
    if let Some((_, what)) = refused.into_iter().find(|(is_used, _)| *is_used) {
        return Err(refuse::unsupported(&format!("{what} of CREATE TABLE")));
    }
    Ok(match table.query {
        Some(query) => TableStatement::CreateAs {
            name: table.name,
            columns: table.columns.into_iter().map(|column| column.name).collect(),
            query,
            if_not_exists: table.if_not_exists,
            on_commit: table.on_commit,
        },
        None => TableStatement::Create(Box::new(table)),
    })
}

fn syntax(message: &str) -> QueryError {
    QueryError::new(SqlState::SYNTAX_ERROR, message)
}
