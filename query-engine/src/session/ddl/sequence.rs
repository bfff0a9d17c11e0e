//! CREATE SEQUENCE, and the sequences behind serial and identity columns.

use std::sync::Arc;

use sqlparser::ast::{
    DataType as SqlType, Expr, ObjectName, SequenceOptions, UnaryOperator, Value,
};

use super::definition::{Serial, free};
use super::{index, parts, undefined_column_of, undefined_table, unsupported};
use crate::objects::{
    ColumnType, Counter, Head, Name, Object, Objects, Sequence, Steps, UserTable,
};
use crate::session::{Session, Stop};
use crate::{PgType, QueryError, SqlState};

/// What CREATE SEQUENCE says.
pub(super) struct Asked<'a> {
    pub(super) name: &'a ObjectName,
    pub(super) temporary: bool,
    pub(super) if_not_exists: bool,
    pub(super) data_type: Option<&'a SqlType>,
    pub(super) options: &'a [SequenceOptions],
    pub(super) owned_by: Option<&'a ObjectName>,
}

impl Session {
    pub(super) async fn create_sequence(
        &mut self,
        asked: &Asked<'_>,
        stop: &Stop,
    ) -> Result<(), QueryError> {
        let name = self.lock_new(asked.name, asked.temporary, stop).await?;
        if self.exists_already(&name, asked.if_not_exists)? {
            return Ok(());
        }
        let pg_type = match asked.data_type {
            Some(sql_type) => ColumnType::parse(sql_type)?.0.pg_type,
            None => PgType::Int8,
        };
        let owned_by = match asked.owned_by.map(parts).as_deref() {
            None => None,
            Some([none]) if none == "none" => None,
            Some([table @ .., column]) => match self.view.object(table) {
                Some(Object::Table(found)) => {
                    self.view.role().check_owner(&found.head, "table")?;
                    if found.position(column).is_none() {
                        return Err(undefined_column_of(column, &found.head.name));
                    }
                    Some((found.head.oid, column.clone()))
                }
                _ => return Err(undefined_table(asked.owned_by.unwrap_or(asked.name))),
            },
            Some([]) => None,
        };
        let counter = Arc::new(Counter::new(steps(pg_type, asked.options)?));
        let head = Head::new(name, self.new_oid(), &self.view.role);
        self.put(Object::Sequence(Arc::new(Sequence { head, pg_type, owned_by, counter })))
    }

    /// The sequence that fills a column of `table`.
    pub(super) fn serial_sequence(
        &self,
        objects: &Objects,
        table: &UserTable,
        serial: &Serial,
    ) -> Result<Sequence, QueryError> {
        let column = &table.columns[serial.column];
        let pg_type = column.column_type.pg_type;
        let schema = &table.head.schema;
        let name = free(&format!("{}_{}_seq", table.head.name, column.name), |name| {
            objects.get(schema, name).is_some() || index::find(objects, schema, name).is_some()
        });
        let counter = Arc::new(Counter::new(steps(pg_type, &serial.options)?));
        let name = Name::new(schema.as_str(), name);
        let head = Head::new(name, self.new_oid(), &table.head.owner);
        let owned_by = Some((table.head.oid, column.name.clone()));
        Ok(Sequence { head, pg_type, owned_by, counter })
    }
}

fn number(expr: &Expr) -> Result<i64, QueryError> {
    let wrong = || QueryError::new(SqlState::SYNTAX_ERROR, "a sequence takes integers");
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().map_err(|_| wrong()),
            _ => Err(wrong()),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match &**expr {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => format!("-{digits}").parse().map_err(|_| wrong()),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

/// The bounds of a sequence of this type with these options.
///
/// # Errors
/// 22023 for bounds that cannot be, as PostgreSQL words them.
pub(super) fn steps(pg_type: PgType, options: &[SequenceOptions]) -> Result<Steps, QueryError> {
    let invalid = |message: String| QueryError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let (low, high) = match pg_type {
        PgType::Int2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        PgType::Int4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        PgType::Int8 => (i64::MIN, i64::MAX),
        _ => return Err(invalid("sequence type must be smallint, integer, or bigint".to_owned())),
    };
    let (mut increment, mut min, mut max, mut start, mut cycle) = (1, None, None, None, false);
    for option in options {
        match option {
            SequenceOptions::IncrementBy(value, _) => increment = number(value)?,
            SequenceOptions::MinValue(value) => min = value.as_ref().map(number).transpose()?,
            SequenceOptions::MaxValue(value) => max = value.as_ref().map(number).transpose()?,
            SequenceOptions::StartWith(value, _) => start = Some(number(value)?),
            // Values are given out one by one: a larger cache would only leave gaps.
            SequenceOptions::Cache(value) if number(value)? == 1 => {}
            SequenceOptions::Cache(_) => return Err(unsupported("CACHE of more than one value")),
            SequenceOptions::Cycle(no_cycle) => cycle = !no_cycle,
        }
    }
    if increment == 0 {
        return Err(invalid("INCREMENT must not be zero".to_owned()));
    }
    let is_up = increment > 0;
    let min = min.unwrap_or(if is_up { 1 } else { low });
    let max = max.unwrap_or(if is_up { high } else { -1 });
    for (word, value) in [("MINVALUE", min), ("MAXVALUE", max)] {
        if !(low..=high).contains(&value) {
            let shown = crate::objects::ColumnType::shown_of(pg_type);
            return Err(invalid(format!(
                "{word} ({value}) is out of range for sequence data type {shown}"
            )));
        }
    }
    if min >= max {
        return Err(invalid(format!("MINVALUE ({min}) must be less than MAXVALUE ({max})")));
    }
    let start = start.unwrap_or(if is_up { min } else { max });
    if start < min {
        return Err(invalid(format!("START value ({start}) cannot be less than MINVALUE ({min})")));
    }
    if start > max {
        return Err(invalid(format!(
            "START value ({start}) cannot be greater than MAXVALUE ({max})"
        )));
    }
    Ok(Steps { start, increment, min, max, cycle })
}
