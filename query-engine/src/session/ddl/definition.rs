//! Columns, keys and constraints as CREATE TABLE and ALTER TABLE define them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    CheckConstraint, ColumnDef, ColumnOption, Expr, ForeignKeyConstraint, GeneratedAs, Ident,
    IndexColumn, NullsDistinctOption, ReferentialAction, SequenceOptions, TableConstraint, Value,
    visit_expressions,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::unsupported;
use crate::limits::TEMP_COLUMNS_MAX;
use crate::objects::{Check, ColumnType, Identity, UserColumn, UserDefault, UserKey};
use crate::session::copy::folded;
use crate::{QueryError, SqlState};

/// A column that a sequence fills.
pub(super) struct Serial {
    pub(super) column: usize,
    pub(super) identity: Identity,
    pub(super) options: Vec<SequenceOptions>,
}

/// Everything that a table's definition says beside its name.
#[derive(Default)]
pub(super) struct Definition {
    pub(super) columns: Vec<UserColumn>,
    pub(super) keys: Vec<UserKey>,
    pub(super) checks: Vec<Check>,
    pub(super) foreign: Vec<ForeignKeyConstraint>,
    pub(super) serials: Vec<Serial>,
}

impl Definition {
    /// Adds a column, and what its options say about the table `table`.
    pub(super) fn add_column(
        &mut self,
        definition: &ColumnDef,
        table: &str,
    ) -> Result<(), QueryError> {
        let at = self.columns.len();
        let (column_type, is_serial) = ColumnType::parse(&definition.data_type)?;
        let mut column = UserColumn::new(folded(&definition.name), column_type);
        if is_serial {
            column.is_not_null = true;
            self.serials.push(Serial { column: at, identity: Identity::No, options: Vec::new() });
        }
        // Checks are named after the column that they are written at.
        let column_name = column.name.clone();
        for option in &definition.options {
            match &option.option {
                ColumnOption::Null => {}
                ColumnOption::NotNull => column.is_not_null = true,
                ColumnOption::Default(expr) => column.default = default(expr),
                ColumnOption::PrimaryKey(_) => {
                    column.is_not_null = true;
                    let name = given(option.name.as_ref(), || format!("{table}_pkey"));
                    self.keys.push(UserKey {
                        name,
                        columns: vec![at],
                        is_primary: true,
                        is_index: false,
                    });
                }
                ColumnOption::Unique(unique) => {
                    check_nulls(unique.nulls_distinct)?;
                    let name = given(option.name.as_ref(), || format!("{table}_{column_name}_key"));
                    self.keys.push(UserKey {
                        name,
                        columns: vec![at],
                        is_primary: false,
                        is_index: false,
                    });
                }
                ColumnOption::Check(check) => {
                    let name = option.name.as_ref().or(check.name.as_ref());
                    self.add_check(check, name, || format!("{table}_{column_name}_check"))?;
                }
                ColumnOption::ForeignKey(key) => {
                    let mut key = key.clone();
                    key.columns = vec![definition.name.clone()];
                    key.name = key.name.or_else(|| option.name.clone());
                    self.foreign.push(key);
                }
                ColumnOption::Generated {
                    generated_as: generated_as @ (GeneratedAs::Always | GeneratedAs::ByDefault),
                    generation_expr: None,
                    sequence_options,
                    ..
                } => {
                    column.is_not_null = true;
                    let identity = match generated_as {
                        GeneratedAs::Always => Identity::Always,
                        _ => Identity::ByDefault,
                    };
                    let options = sequence_options.clone().unwrap_or_default();
                    self.serials.push(Serial { column: at, identity, options });
                }
                ColumnOption::Collation(name) => check_collation(&name.to_string())?,
                other => return Err(unsupported(&format!("\"{other}\" of a column"))),
            }
        }
        self.columns.push(column);
        Ok(())
    }

    /// Adds a constraint that CREATE TABLE or ADD CONSTRAINT lists.
    pub(super) fn add_constraint(
        &mut self,
        constraint: &TableConstraint,
        table: &str,
    ) -> Result<(), QueryError> {
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                self.add_key(key.name.as_ref(), &key.columns, true, table)
            }
            TableConstraint::Unique(key) => {
                check_nulls(key.nulls_distinct)?;
                self.add_key(key.name.as_ref(), &key.columns, false, table)
            }
            TableConstraint::Check(check) => {
                let name = check.name.as_ref();
                // As PostgreSQL: after the column where it is about one.
                let about = columns_of(&check.expr);
                let column = match about.as_slice() {
                    [one] => format!("_{one}"),
                    _ => String::new(),
                };
                self.add_check(check, name, || format!("{table}{column}_check"))
            }
            TableConstraint::ForeignKey(key) => {
                self.foreign.push(key.clone());
                Ok(())
            }
            other => Err(unsupported(&format!("\"{other}\""))),
        }
    }

    fn add_check(
        &mut self,
        check: &CheckConstraint,
        name: Option<&Ident>,
        default: impl FnOnce() -> String,
    ) -> Result<(), QueryError> {
        if check.enforced == Some(false) {
            return Err(unsupported("NOT ENFORCED"));
        }
        let name = match name {
            Some(name) => folded(name),
            None => free(&default(), |name| self.checks.iter().any(|check| check.name == name)),
        };
        self.checks.push(Check { name, expr: check.expr.to_string() });
        Ok(())
    }

    fn add_key(
        &mut self,
        name: Option<&Ident>,
        listed: &[IndexColumn],
        is_primary: bool,
        table: &str,
    ) -> Result<(), QueryError> {
        let columns = key_columns(listed, &self.columns)?;
        for at in &columns {
            self.columns[*at].is_not_null |= is_primary;
        }
        let joined: Vec<&str> = columns.iter().map(|at| self.columns[*at].name.as_str()).collect();
        let name = given(name, || match is_primary {
            true => format!("{table}_pkey"),
            false => format!("{table}_{}_key", joined.join("_")),
        });
        self.keys.push(UserKey { name, columns, is_primary, is_index: false });
        Ok(())
    }

    /// # Errors
    /// 54011 for too many columns, 42701 for a repeated name, 42P16 for two primary keys.
    pub(super) fn check(&self, table: &str) -> Result<(), QueryError> {
        check_columns(&self.columns)?;
        if self.keys.iter().filter(|key| key.is_primary).count() > 1 {
            return Err(QueryError::new(
                SqlState("42P16"),
                format!("multiple primary keys for table \"{table}\" are not allowed"),
            ));
        }
        Ok(())
    }
}

/// Names of the columns that a condition may read.
pub(super) fn columns_of(expr: &Expr) -> Vec<String> {
    let mut found = BTreeSet::new();
    let _: ControlFlow<()> = visit_expressions(expr, |expr| {
        match expr {
            Expr::Identifier(ident) => drop(found.insert(folded(ident))),
            Expr::CompoundIdentifier(parts) => found.extend(parts.last().map(folded)),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    found.into_iter().collect()
}

/// The same of a condition that was kept as text.
pub(super) fn columns_of_check(check: &Check) -> Result<Vec<String>, QueryError> {
    let parsed = Parser::new(&PostgreSqlDialect {})
        .try_with_sql(&check.expr)
        .and_then(|mut parser| parser.parse_expr());
    parsed.map(|expr| columns_of(&expr)).map_err(|_| crate::error::map::internal())
}

/// What DEFAULT says; DEFAULT NULL is no default.
pub(super) fn default(expr: &Expr) -> Option<UserDefault> {
    let is_null = matches!(expr, Expr::Value(value) if value.value == Value::Null);
    (!is_null).then(|| UserDefault::Expr(Box::new(expr.clone())))
}

/// `name`, or with a number after it where that is taken.
pub(super) fn free(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (1..).map(|number| format!("{name}{number}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !is_taken(name))
        .unwrap_or_else(|| name.to_owned())
}

fn given(name: Option<&Ident>, or: impl FnOnce() -> String) -> String {
    name.map_or_else(or, folded)
}

fn check_nulls(nulls: NullsDistinctOption) -> Result<(), QueryError> {
    match nulls {
        NullsDistinctOption::NotDistinct => Err(unsupported("NULLS NOT DISTINCT")),
        _ => Ok(()),
    }
}

/// Text sorts by its bytes: no other collation is there.
fn check_collation(name: &str) -> Result<(), QueryError> {
    let plain = name.trim_start_matches("pg_catalog.").trim_matches('"').to_ascii_lowercase();
    match plain.as_str() {
        "c" | "posix" | "default" | "ucs_basic" => Ok(()),
        _ => Err(QueryError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("collation {name} for encoding \"UTF8\" does not exist"),
        )),
    }
}

/// Positions of the columns that a key or an index lists.
pub(super) fn key_columns(
    listed: &[IndexColumn],
    columns: &[UserColumn],
) -> Result<Vec<usize>, QueryError> {
    let mut positions = Vec::with_capacity(listed.len());
    for IndexColumn { column, .. } in listed {
        let Expr::Identifier(ident) = &column.expr else {
            return Err(unsupported("a key or an index of an expression"));
        };
        let wanted = folded(ident);
        let at = columns.iter().position(|column| column.name == wanted).ok_or_else(|| {
            QueryError::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{wanted}\" named in key does not exist"),
            )
            .about(wanted.as_str())
        })?;
        if positions.contains(&at) {
            return Err(QueryError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{wanted}\" appears twice in a key"),
            ));
        }
        positions.push(at);
    }
    Ok(positions)
}

/// The letter of `pg_constraint` for ON DELETE and ON UPDATE.
pub(super) fn action(action: Option<ReferentialAction>) -> u8 {
    match action {
        None | Some(ReferentialAction::NoAction) => b'a',
        Some(ReferentialAction::Restrict) => b'r',
        Some(ReferentialAction::Cascade) => b'c',
        Some(ReferentialAction::SetNull) => b'n',
        Some(ReferentialAction::SetDefault) => b'd',
    }
}

/// # Errors
/// 54011 for too many columns, 42701 for a repeated name.
pub(super) fn check_columns(columns: &[UserColumn]) -> Result<(), QueryError> {
    if columns.len() > TEMP_COLUMNS_MAX {
        return Err(too_many_columns());
    }
    for (at, column) in columns.iter().enumerate() {
        if columns[..at].iter().any(|earlier| earlier.name == column.name) {
            return Err(QueryError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", column.name),
            ));
        }
    }
    Ok(())
}

/// 54011.
pub(super) fn too_many_columns() -> QueryError {
    QueryError::new(
        SqlState("54011"),
        format!("tables can have at most {TEMP_COLUMNS_MAX} columns"),
    )
}
