//! Columns and keys as CREATE TABLE and ALTER TABLE define them.

use sqlparser::ast::{
    ColumnDef, ColumnOption, Expr, GeneratedAs, Ident, IndexColumn, TableConstraint, Value,
};

use crate::limits::TEMP_COLUMNS_MAX;
use crate::session::copy::folded;
use crate::temp::{ColumnType, TempColumn, TempDefault, TempKey};
use crate::{QueryError, SqlState};

/// A column as CREATE TABLE or ADD COLUMN defines it; its own keys are added to `keys`.
pub(super) fn column(
    definition: &ColumnDef,
    at: usize,
    table: &str,
    keys: &mut Vec<TempKey>,
) -> Result<TempColumn, QueryError> {
    let (column_type, is_serial) = ColumnType::parse(&definition.data_type)?;
    let mut column = TempColumn::new(folded(&definition.name), column_type);
    if is_serial {
        column.is_not_null = true;
        column.default = Some(TempDefault::Serial);
    }
    for option in &definition.options {
        match &option.option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => column.is_not_null = true,
            ColumnOption::Default(expr) => {
                let is_null = matches!(expr, Expr::Value(value) if value.value == Value::Null);
                column.default = (!is_null).then(|| TempDefault::Expr(Box::new(expr.clone())));
            }
            ColumnOption::PrimaryKey(_) => {
                column.is_not_null = true;
                let name = given(option.name.as_ref(), || format!("{table}_pkey"));
                keys.push(TempKey { name, columns: vec![at], is_primary: true });
            }
            ColumnOption::Unique(_) => {
                let name = given(option.name.as_ref(), || format!("{table}_{}_key", column.name));
                keys.push(TempKey { name, columns: vec![at], is_primary: false });
            }
            ColumnOption::Generated {
                generated_as: GeneratedAs::Always | GeneratedAs::ByDefault,
                generation_expr: None,
                ..
            } => {
                column.is_not_null = true;
                column.default = Some(TempDefault::Serial);
            }
            other => {
                return Err(QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("\"{other}\" of a column of a temporary table is not supported"),
                ));
            }
        }
    }
    Ok(column)
}

fn given(name: Option<&Ident>, or: impl FnOnce() -> String) -> String {
    name.map_or_else(or, folded)
}

/// A key that CREATE TABLE lists.
pub(super) fn table_key(
    constraint: &TableConstraint,
    table: &str,
    columns: &mut [TempColumn],
) -> Result<TempKey, QueryError> {
    let (name, listed, is_primary) = match constraint {
        TableConstraint::PrimaryKey(key) => (&key.name, &key.columns, true),
        TableConstraint::Unique(key) => (&key.name, &key.columns, false),
        _ => {
            return Err(QueryError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "only PRIMARY KEY and UNIQUE constraints are supported on temporary tables",
            ));
        }
    };
    let mut positions = Vec::with_capacity(listed.len());
    for IndexColumn { column, .. } in listed {
        let Expr::Identifier(ident) = &column.expr else {
            return Err(QueryError::new(
                SqlState::SYNTAX_ERROR,
                "a key lists columns, not expressions",
            ));
        };
        let wanted = folded(ident);
        let at = columns.iter().position(|column| column.name == wanted).ok_or_else(|| {
            QueryError::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{wanted}\" named in key does not exist"),
            )
        })?;
        columns[at].is_not_null |= is_primary;
        positions.push(at);
    }
    let joined: Vec<&str> = positions.iter().map(|at| columns[*at].name.as_str()).collect();
    let default = match is_primary {
        true => format!("{table}_pkey"),
        false => format!("{table}_{}_key", joined.join("_")),
    };
    let name = given(name.as_ref(), || default);
    Ok(TempKey { name, columns: positions, is_primary })
}

/// # Errors
/// 54011 for too many columns, 42701 for a repeated name.
pub(super) fn check_columns(columns: &[TempColumn]) -> Result<(), QueryError> {
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
