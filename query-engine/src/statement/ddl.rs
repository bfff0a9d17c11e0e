//! Statements that make, change and drop what clients make: which of them run, and what in them does not.

use sqlparser::ast::{
    AlterTableOperation, CommentObject, CreateIndex, CreateTable, CreateTableOptions, CreateView,
    Grant, GrantObjects, Grantee, GranteeName, GranteesType, Ident, ObjectName, ObjectType,
    OnCommit, Owner, Privileges, Query, Revoke, SchemaName, SequenceOptions, SetExpr, SqlOption,
    Statement as Ast, TruncateIdentityOption,
};
use sqlparser::ast::{CascadeOption, DataType as SqlType};

use super::write::{Write, checked_insert};
use super::{Kind, refuse};
use crate::QueryError;

/// Kinds of objects that clients make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    Table,
    View,
    Sequence,
    Index,
    Schema,
}

impl ObjectKind {
    /// The word for it in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::Sequence => "sequence",
            Self::Index => "index",
            Self::Schema => "schema",
        }
    }
}

/// Changes that there are for every kind of object.
#[derive(Clone, Debug)]
pub(crate) enum Alteration {
    Rename(Ident),
    SetSchema(Ident),
    Owner(Owner),
    RenameColumn { from: Ident, to: Ident },
}

/// A statement that makes, changes or drops what clients make.
#[derive(Clone, Debug)]
pub(crate) enum Ddl {
    CreateTable(Box<CreateTable>),
    CreateAs {
        name: ObjectName,
        temporary: bool,
        columns: Vec<Ident>,
        query: Box<Query>,
        if_not_exists: bool,
        on_commit: Option<OnCommit>,
    },
    CreateView(Box<CreateView>),
    CreateIndex(Box<CreateIndex>),
    CreateSequence {
        name: ObjectName,
        temporary: bool,
        if_not_exists: bool,
        data_type: Option<SqlType>,
        options: Vec<SequenceOptions>,
        owned_by: Option<ObjectName>,
    },
    CreateSchema {
        name: Option<ObjectName>,
        owner: Option<Ident>,
        if_not_exists: bool,
    },
    Drop {
        kind: ObjectKind,
        names: Vec<ObjectName>,
        if_exists: bool,
        cascade: bool,
    },
    Truncate {
        names: Vec<ObjectName>,
        restart: bool,
        cascade: bool,
    },
    AlterTable {
        name: ObjectName,
        if_exists: bool,
        operations: Vec<AlterTableOperation>,
    },
    Alter {
        kind: ObjectKind,
        name: ObjectName,
        if_exists: bool,
        alteration: Alteration,
    },
    Comment {
        object: CommentObject,
        name: ObjectName,
        text: Option<String>,
    },
    CommentConstraint(CommentConstraint),
    /// VACUUM or, `is_analyze`, ANALYZE.
    Vacuum {
        names: Vec<ObjectName>,
        is_analyze: bool,
    },
    Grant {
        is_grant: bool,
        privileges: Privileges,
        objects: GrantObjects,
        grantees: Vec<Grantee>,
    },
    Lock(Lock),
}

/// COMMENT ON CONSTRAINT.
#[derive(Clone, Debug)]
pub(crate) struct CommentConstraint {
    pub(crate) name: String,
    pub(crate) table: ObjectName,
    /// `None` takes the comment away.
    pub(crate) text: Option<String>,
}

/// LOCK TABLE.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    pub(crate) names: Vec<ObjectName>,
    /// One of [`LOCK_MODES`].
    pub(crate) mode: &'static str,
    pub(crate) nowait: bool,
}

/// Modes of LOCK TABLE, the weakest first; the last is the default.
pub(crate) const LOCK_MODES: [&str; 8] = [
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share",
    "share row exclusive",
    "exclusive",
    "access exclusive",
];

impl Ddl {
    /// Name of the command, as messages and command tags have it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::CreateTable(_) => "CREATE TABLE",
            Self::CreateAs { .. } => "CREATE TABLE AS",
            Self::CreateView(_) => "CREATE VIEW",
            Self::CreateIndex(_) => "CREATE INDEX",
            Self::CreateSequence { .. } => "CREATE SEQUENCE",
            Self::CreateSchema { .. } => "CREATE SCHEMA",
            Self::Drop { kind: ObjectKind::Table, .. } => "DROP TABLE",
            Self::Drop { kind: ObjectKind::View, .. } => "DROP VIEW",
            Self::Drop { kind: ObjectKind::Sequence, .. } => "DROP SEQUENCE",
            Self::Drop { kind: ObjectKind::Index, .. } => "DROP INDEX",
            Self::Drop { kind: ObjectKind::Schema, .. } => "DROP SCHEMA",
            Self::Truncate { .. } => "TRUNCATE TABLE",
            Self::AlterTable { .. } | Self::Alter { kind: ObjectKind::Table, .. } => "ALTER TABLE",
            Self::Alter { kind: ObjectKind::View, .. } => "ALTER VIEW",
            Self::Alter { kind: ObjectKind::Sequence, .. } => "ALTER SEQUENCE",
            Self::Alter { kind: ObjectKind::Index, .. } => "ALTER INDEX",
            Self::Alter { kind: ObjectKind::Schema, .. } => "ALTER SCHEMA",
            Self::Comment { .. } | Self::CommentConstraint(_) => "COMMENT",
            Self::Vacuum { is_analyze: false, .. } => "VACUUM",
            Self::Vacuum { is_analyze: true, .. } => "ANALYZE",
            Self::Grant { is_grant: true, .. } => "GRANT",
            Self::Grant { is_grant: false, .. } => "REVOKE",
            Self::Lock(_) => "LOCK TABLE",
        }
    }
}

/// The kind of `ast`, which is no query and no utility statement of its own.
///
/// # Errors
/// As [`refuse::refuse`] for what never runs, 0A000 for clauses that are not supported.
#[expect(clippy::too_many_lines, reason = "one arm for each statement")]
pub(super) fn classify(ast: Ast) -> Result<Kind, QueryError> {
    refuse::check_statement(&ast)?;
    let ddl = match ast {
        Ast::Insert(insert) => return Ok(Kind::Write(checked_insert(insert)?)),
        Ast::Update(update) => {
            let is_plain = update.or.is_none()
                && update.order_by.is_empty()
                && update.limit.is_none()
                && update.output.is_none()
                && update.table.joins.is_empty();
            if !is_plain {
                return Err(refuse::unsupported("this clause of UPDATE"));
            }
            return Ok(Kind::Write(Write::Update(Box::new(update))));
        }
        Ast::Delete(delete) => {
            let is_plain = delete.tables.is_empty()
                && delete.order_by.is_empty()
                && delete.limit.is_none()
                && delete.output.is_none();
            if !is_plain {
                return Err(refuse::unsupported("this clause of DELETE"));
            }
            return Ok(Kind::Write(Write::Delete(Box::new(delete))));
        }
        Ast::CreateTable(table) if !table.external && table.location.is_none() => create(table)?,
        Ast::CreateView(view) => {
            let is_plain = !view.or_alter
                && !view.materialized
                && !view.secure
                && !view.if_not_exists
                && view.options == CreateTableOptions::None
                && view.cluster_by.is_empty()
                && view.comment.is_none()
                && !view.with_no_schema_binding
                && view.to.is_none()
                && view.columns.iter().all(|column| column.options.is_none());
            if !is_plain {
                let what = if view.materialized {
                    "CREATE MATERIALIZED VIEW"
                } else {
                    "this clause of CREATE VIEW"
                };
                return Err(refuse::unsupported(what));
            }
            Ddl::CreateView(Box::new(view))
        }
        Ast::CreateIndex(index) => Ddl::CreateIndex(Box::new(index)),
        Ast::CreateSequence {
            temporary,
            if_not_exists,
            name,
            data_type,
            sequence_options: options,
            owned_by,
        } => Ddl::CreateSequence { name, temporary, if_not_exists, data_type, options, owned_by },
        Ast::CreateSchema {
            schema_name,
            if_not_exists,
            with: None,
            options: None,
            default_collate_spec: None,
            clone: None,
        } => {
            let (name, owner) = match schema_name {
                SchemaName::Simple(name) => (Some(name), None),
                SchemaName::UnnamedAuthorization(owner) => (None, Some(owner)),
                SchemaName::NamedAuthorization(name, owner) => (Some(name), Some(owner)),
            };
            Ddl::CreateSchema { name, owner, if_not_exists }
        }
        Ast::Drop { object_type, if_exists, names, cascade, table: None, .. } => {
            let kind = match object_type {
                ObjectType::Table => ObjectKind::Table,
                ObjectType::View => ObjectKind::View,
                ObjectType::Sequence => ObjectKind::Sequence,
                ObjectType::Index => ObjectKind::Index,
                ObjectType::Schema => ObjectKind::Schema,
                other => return Err(refuse::unsupported(&format!("DROP {other}"))),
            };
            Ddl::Drop { kind, names, if_exists, cascade }
        }
        Ast::Truncate(truncate) if truncate.partitions.is_none() => Ddl::Truncate {
            names: truncate.table_names.into_iter().map(|table| table.name).collect(),
            restart: truncate.identity == Some(TruncateIdentityOption::Restart),
            cascade: truncate.cascade == Some(CascadeOption::Cascade),
        },
        Ast::AlterTable(alter) if alter.location.is_none() && alter.table_type.is_none() => {
            Ddl::AlterTable {
                name: alter.name,
                if_exists: alter.if_exists,
                operations: alter.operations,
            }
        }
        Ast::Comment { object_type, object_name, comment, .. } => {
            Ddl::Comment { object: object_type, name: object_name, text: comment }
        }
        Ast::Grant(Grant {
            privileges,
            objects: Some(objects),
            grantees,
            with_grant_option: false,
            as_grantor: None,
            granted_by: None,
            current_grants: None,
        }) => Ddl::Grant { is_grant: true, privileges, objects, grantees },
        Ast::Revoke(Revoke {
            privileges,
            objects: Some(objects),
            grantees,
            granted_by: None,
            ..
        }) => Ddl::Grant { is_grant: false, privileges, objects, grantees },
        other => return Err(refuse::refuse(&other)),
    };
    Ok(Kind::Ddl(Box::new(ddl)))
}

/// A query that writes: SELECT INTO, and INSERT after WITH. `None` for one that only reads.
pub(super) fn writing_query(query: &Query) -> Result<Option<Kind>, QueryError> {
    match &*query.body {
        SetExpr::Select(select) => {
            let Some(into) = &select.into else { return Ok(None) };
            let mut query = Box::new(query.clone());
            if let SetExpr::Select(select) = &mut *query.body {
                select.into = None;
            }
            refuse::check_query(&query)?;
            Ok(Some(Kind::Ddl(Box::new(Ddl::CreateAs {
                name: into.name.clone(),
                temporary: into.temporary,
                columns: Vec::new(),
                query,
                if_not_exists: false,
                on_commit: None,
            }))))
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

/// Storage parameters that change nothing that a client could see, and say only how full pages may be.
fn is_hint(option: &SqlOption) -> bool {
    matches!(
        option,
        SqlOption::KeyValue { key, .. } if key.value.eq_ignore_ascii_case("fillfactor")
    )
}

fn create(table: CreateTable) -> Result<Ddl, QueryError> {
    let has_options = match &table.table_options {
        CreateTableOptions::None => false,
        CreateTableOptions::With(options) => !options.iter().all(is_hint),
        _ => true,
    };
    let refused = [
        (table.or_replace, "OR REPLACE"),
        (table.clone.is_some(), "CLONE"),
        (table.inherits.is_some(), "INHERITS"),
        (table.partition_by.is_some() || table.partition_of.is_some(), "PARTITION"),
        (has_options, "WITH options"),
    ];
    if let Some((_, what)) = refused.into_iter().find(|(is_used, _)| *is_used) {
        return Err(refuse::unsupported(&format!("{what} of CREATE TABLE")));
    }
    Ok(match table.query {
        Some(query) => Ddl::CreateAs {
            name: table.name,
            temporary: table.temporary,
            columns: table.columns.into_iter().map(|column| column.name).collect(),
            query,
            if_not_exists: table.if_not_exists,
            on_commit: table.on_commit,
        },
        None => Ddl::CreateTable(Box::new(table)),
    })
}

/// The role that a grant is to, as it is folded; `None` for PUBLIC.
///
/// # Errors
/// 0A000 for any other kind of grantee.
pub(crate) fn grantee(grantee: &Grantee) -> Result<Option<String>, QueryError> {
    use crate::session::folded;
    match (&grantee.grantee_type, &grantee.name) {
        (GranteesType::Public, None) => Ok(None),
        (
            GranteesType::None | GranteesType::Role | GranteesType::User | GranteesType::Group,
            Some(GranteeName::ObjectName(name)),
        ) => match name.0.as_slice() {
            [part] => match part.as_ident() {
                Some(ident) if ident.quote_style.is_none() && folded(ident) == "public" => Ok(None),
                Some(ident) => Ok(Some(folded(ident))),
                None => Err(refuse::unsupported("this grantee")),
            },
            _ => Err(refuse::unsupported("this grantee")),
        },
        _ => Err(refuse::unsupported("this grantee")),
    }
}
