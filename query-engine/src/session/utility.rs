//! Statements that are no queries: settings, transactions, named statements.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use sqlparser::ast::{DataType as SqlType, Expr, Statement as Ast, Value};

use super::{Notice, Session, Settings, TransactionStatus};
use crate::catalog::CatalogView;
use crate::catalog_query::CatalogQuery;
use crate::error::map::{internal, query_error};
use crate::limits::SAVEPOINTS_MAX;
use crate::outcome::Stop;
use crate::statement::{Kind, Modes, ShowTarget, prepared_query};
use crate::types::output::Output;
use crate::types::planner::PgTypeNames;
use crate::{Outcome, Parameter, PgType, QueryError, ResultColumn, Rows, SqlState, Statement};

/// Columns of SHOW: one named as the setting, or three for ALL.
pub(super) fn show_columns(target: &ShowTarget) -> Arc<[ResultColumn]> {
    let names = match target {
        ShowTarget::All => vec!["name".into(), "setting".into(), "description".into()],
        ShowTarget::Name(name) => vec![Settings::canonical_name(name)],
    };
    names.into_iter().map(|name| ResultColumn::computed(name, PgType::Text)).collect()
}

/// Settings that are the modes of a transaction.
const MODES: [&str; 3] =
    ["transaction_isolation", "transaction_read_only", "transaction_deferrable"];

/// Values of EXECUTE: expressions without FROM, as many as the statement has parameters.
pub(super) fn arguments(
    name: &str,
    exprs: &[Expr],
    types: &[PgType],
    view: &CatalogView,
) -> Result<Vec<Parameter>, QueryError> {
    if exprs.len() != types.len() {
        return Err(QueryError::new(
            SqlState::SYNTAX_ERROR,
            format!("wrong number of parameters for prepared statement \"{name}\""),
        )
        .with_detail(format!(
            "Expected {} parameters but got {}.",
            types.len(),
            exprs.len()
        )));
    }
    let pairs = exprs.iter().zip(types).zip(1_usize..);
    pairs
        .map(|((expr, pg_type), number)| match expr {
            Expr::Value(value) => match &value.value {
                // As they are written: the input function of the type reads them.
                Value::Boolean(value) => Ok(Parameter::Text(value.to_string())),
                Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                    Ok(Parameter::Text(text.clone()))
                }
                _ => CatalogQuery::argument(expr, *pg_type, number, view),
            },
            expr => CatalogQuery::argument(expr, *pg_type, number, view),
        })
        .collect()
}

fn done(tag: impl Into<String>) -> Outcome {
    Outcome::Done { tag: tag.into() }
}

impl Session {
    /// Runs a statement that is neither a query nor PREPARE.
    pub(super) fn run_utility(&mut self, kind: &Kind) -> Result<Outcome, QueryError> {
        match kind {
            Kind::Set { name, value, local } => self.set(name, value.as_deref(), *local),
            Kind::SetTransaction { modes, session } => self.set_transaction(modes, *session),
            Kind::Show(target) => self.show(target),
            Kind::Reset(name) => {
                match name {
                    Some(name) => self.view.settings().reset(name)?,
                    None => self.view.settings().reset_all(),
                }
                Ok(done("RESET"))
            }
            Kind::Begin { tag, modes } => self.begin(tag, modes),
            Kind::Rollback { chain } => self.end(false, *chain),
            Kind::Savepoint(name) => self.savepoint(name),
            Kind::RollbackTo(name) => self.rollback_to(name),
            Kind::Release(name) => self.release(name),
            Kind::Discard(what) => self.discard(what),
            Kind::Deallocate(name) => self.deallocate(name.as_deref()),
            Kind::Close(name) => self.close(name.as_deref()),
            Kind::Listen(channel) => self.listen(channel),
            Kind::Unlisten(channel) => Ok(self.unlisten(channel.as_deref())),
            Kind::Notify { channel, payload } => self.notify(channel, payload),
            // Run elsewhere, or refused when it was read.
            _ => Err(internal()),
        }
    }

    /// COMMIT: first the cursors that outlive the transaction get their rows. Where that fails, the
    /// transaction is rolled back.
    pub(super) async fn commit(&mut self, chain: bool, stop: &Stop) -> Result<Outcome, QueryError> {
        if self.status != TransactionStatus::Failed
            && let Err(error) = self.prepare_commit(stop).await
        {
            self.end(false, false)?;
            return Err(error);
        }
        self.end(true, chain)
    }

    /// What can fail about a COMMIT.
    async fn prepare_commit(&mut self, stop: &Stop) -> Result<(), QueryError> {
        if self.in_block() {
            self.cursors.hold_all(stop).await?;
        }
        self.commit_objects().await?;
        self.commit_notifications()
    }

    /// PREPARE.
    pub(super) async fn prepare_named(
        &mut self,
        name: &str,
        types: &[SqlType],
        statement: &Ast,
        text: &Arc<str>,
    ) -> Result<Outcome, QueryError> {
        self.check_new_name(name)?;
        let declared = types
            .iter()
            .map(|sql_type| parameter_type(sql_type).map(Some))
            .collect::<Result<Vec<_>, _>>()?;
        let statement = Statement {
            text: Arc::clone(text),
            kind: Arc::new(prepared_query(statement.clone())?),
        };
        let prepared = self.try_prepare(statement, &declared).await?;
        self.keep(name, Some(Arc::new(prepared)), true)?;
        Ok(done("PREPARE"))
    }

    fn warn(&mut self, state: &'static str, message: &str) {
        let message = message.to_owned();
        self.notices.push(Notice { severity: "WARNING", state, message, detail: None });
    }

    pub(super) fn in_block(&self) -> bool {
        self.status != TransactionStatus::Idle
    }

    fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<Outcome, QueryError> {
        if local && !self.in_block() {
            self.warn("25P01", "SET LOCAL can only be used in transaction blocks");
            return Ok(done("SET"));
        }
        let mut settings = self.view.settings();
        match value {
            Some(value) => {
                settings.set(name, value, local)?;
            }
            None => settings.reset(name)?,
        }
        drop(settings);
        Ok(done("SET"))
    }

    fn set_transaction(&mut self, modes: &Modes, session: bool) -> Result<Outcome, QueryError> {
        if !session && !self.in_block() {
            self.warn("25P01", "SET TRANSACTION can only be used in transaction blocks");
            return Ok(done("SET"));
        }
        let changes = modes.isolation.is_some()
            && modes.isolation != self.view.settings().get("transaction_isolation");
        if !session && self.has_queried && changes {
            return Err(QueryError::new(
                SqlState::ACTIVE_TRANSACTION,
                "SET TRANSACTION ISOLATION LEVEL must be called before any query",
            ));
        }
        self.apply(modes, session)?;
        Ok(done("SET"))
    }

    fn apply(&mut self, modes: &Modes, session: bool) -> Result<(), QueryError> {
        let mut settings = self.view.settings();
        let (isolation, read_only, deferrable) = if session {
            (
                "default_transaction_isolation",
                "default_transaction_read_only",
                "default_transaction_deferrable",
            )
        } else {
            ("transaction_isolation", "transaction_read_only", "transaction_deferrable")
        };
        if let Some(level) = &modes.isolation {
            settings.set(isolation, level, !session)?;
        }
        if let Some(on) = modes.read_only {
            settings.set(read_only, if on { "on" } else { "off" }, !session)?;
        }
        if let Some(on) = modes.deferrable {
            settings.set(deferrable, if on { "on" } else { "off" }, !session)?;
        }
        Ok(())
    }

    fn show(&self, target: &ShowTarget) -> Result<Outcome, QueryError> {
        let columns = show_columns(target);
        let settings = self.view.settings();
        let arrays: Vec<ArrayRef> = match target {
            ShowTarget::All => {
                let all = settings.all();
                let column = |values: Vec<String>| Arc::new(StringArray::from(values)) as ArrayRef;
                vec![
                    column(all.iter().map(|(name, ..)| name.clone()).collect()),
                    column(all.iter().map(|(_, value, _)| value.clone()).collect()),
                    column(all.iter().map(|(.., text)| (*text).to_owned()).collect()),
                ]
            }
            ShowTarget::Name(name) => {
                let value = settings.get(name).ok_or_else(|| super::settings::unknown(name))?;
                vec![Arc::new(StringArray::from(vec![value]))]
            }
        };
        let fields: Vec<Field> = columns
            .iter()
            .map(|column| Field::new(column.name.clone(), DataType::Utf8, true))
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| query_error(&error.into()))?;
        Ok(Outcome::Rows(Rows::ready(columns, "SHOW", batch)))
    }

    fn begin(&mut self, tag: &str, modes: &Modes) -> Result<Outcome, QueryError> {
        if self.in_block() {
            self.warn("25001", "there is already a transaction in progress");
        } else {
            self.open_block()?;
        }
        self.apply(modes, false)?;
        Ok(done(tag))
    }

    fn open_block(&mut self) -> Result<(), QueryError> {
        self.begin_objects();
        let mut settings = self.view.settings();
        settings.begin();
        for (default, current) in [
            ("default_transaction_isolation", "transaction_isolation"),
            ("default_transaction_read_only", "transaction_read_only"),
            ("default_transaction_deferrable", "transaction_deferrable"),
        ] {
            if let Some(value) = settings.get(default) {
                settings.set(current, &value, true)?;
            }
        }
        drop(settings);
        self.has_queried = false;
        self.status = TransactionStatus::InBlock;
        Ok(())
    }

    fn end(&mut self, commit: bool, chain: bool) -> Result<Outcome, QueryError> {
        let tag =
            if commit && self.status != TransactionStatus::Failed { "COMMIT" } else { "ROLLBACK" };
        if !self.in_block() {
            if chain {
                let word = if commit { "COMMIT" } else { "ROLLBACK" };
                return Err(QueryError::new(
                    SqlState::NO_ACTIVE_TRANSACTION,
                    format!("{word} AND CHAIN can only be used in transaction blocks"),
                ));
            }
            self.warn("25P01", "there is no transaction in progress");
            if !commit {
                self.roll_back_objects();
            }
            return Ok(done(tag));
        }
        let modes = MODES.map(|name| self.view.settings().get(name));
        if tag == "COMMIT" {
            self.view.settings().commit();
        } else {
            self.view.settings().rollback();
            self.roll_back_notifications();
            self.roll_back_objects();
        }
        self.cursors.end_transaction(tag == "COMMIT");
        self.status = TransactionStatus::Idle;
        if chain {
            self.open_block()?;
            // The next transaction has the modes of this one.
            let mut settings = self.view.settings();
            for (name, value) in MODES.into_iter().zip(modes) {
                settings.set(name, &value.unwrap_or_default(), true)?;
            }
        }
        Ok(done(tag))
    }

    /// Savepoints that are open in the block.
    pub fn savepoint_count(&self) -> usize {
        self.view.settings().savepoint_count()
    }

    fn savepoint(&mut self, name: &str) -> Result<Outcome, QueryError> {
        self.require_block("SAVEPOINT")?;
        let mut settings = self.view.settings();
        if settings.savepoint_count() >= SAVEPOINTS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a transaction can have {SAVEPOINTS_MAX} savepoints"),
            ));
        }
        settings.savepoint(name);
        drop(settings);
        self.undo.savepoint(name, &self.view.objects);
        self.mark_notifications();
        Ok(done("SAVEPOINT"))
    }

    fn rollback_to(&mut self, name: &str) -> Result<Outcome, QueryError> {
        self.require_block("ROLLBACK TO SAVEPOINT")?;
        if !self.view.settings().rollback_to(name) {
            return Err(no_savepoint(name));
        }
        self.undo_objects_to(name);
        let depth = self.view.settings().savepoint_count();
        self.cursors.roll_back_to(depth);
        self.roll_back_notifications_to(depth);
        self.status = TransactionStatus::InBlock;
        Ok(done("ROLLBACK"))
    }

    fn release(&mut self, name: &str) -> Result<Outcome, QueryError> {
        self.require_block("RELEASE SAVEPOINT")?;
        if !self.view.settings().release(name) {
            return Err(no_savepoint(name));
        }
        self.undo.release(name);
        let depth = self.view.settings().savepoint_count();
        self.cursors.release_to(depth);
        self.release_notifications(depth);
        Ok(done("RELEASE"))
    }

    pub(super) fn require_block(&self, what: &str) -> Result<(), QueryError> {
        if self.in_block() {
            return Ok(());
        }
        Err(QueryError::new(
            SqlState::NO_ACTIVE_TRANSACTION,
            format!("{what} can only be used in transaction blocks"),
        ))
    }

    fn discard(&mut self, what: &str) -> Result<Outcome, QueryError> {
        if what == "ALL" {
            if self.in_block() {
                return Err(QueryError::new(
                    SqlState::ACTIVE_TRANSACTION,
                    "DISCARD ALL cannot run inside a transaction block",
                ));
            }
            self.cursors.clear();
            self.unlisten(None);
            self.named.clear();
            self.view.settings().reset_all();
        }
        if matches!(what, "ALL" | "TEMP") {
            let objects = self.view.objects.without_temp();
            self.install(objects);
        }
        if matches!(what, "ALL" | "SEQUENCES") {
            self.view.sequences().forget();
        }
        Ok(done(format!("DISCARD {what}")))
    }

    fn deallocate(&mut self, name: Option<&str>) -> Result<Outcome, QueryError> {
        match name {
            None => {
                self.named.clear();
                Ok(done("DEALLOCATE ALL"))
            }
            Some(name) => match self.named.remove(name) {
                Some(_) => Ok(done("DEALLOCATE")),
                None => Err(undefined_statement(name)),
            },
        }
    }
}

pub(super) fn undefined_statement(name: &str) -> QueryError {
    QueryError::new(
        SqlState::UNDEFINED_STATEMENT,
        format!("prepared statement \"{name}\" does not exist"),
    )
}

fn no_savepoint(name: &str) -> QueryError {
    QueryError::new(SqlState::NO_SUCH_SAVEPOINT, format!("savepoint \"{name}\" does not exist"))
}

/// The type that PREPARE names for a parameter.
fn parameter_type(sql_type: &SqlType) -> Result<PgType, QueryError> {
    use datafusion::logical_expr::planner::TypePlanner;
    let names = PgTypeNames { time_zone: "UTC".into() };
    let planned = names.plan_type_field(sql_type).map_err(|error| query_error(&error))?;
    let field = match planned {
        Some(field) => field,
        None => match sql_type {
            SqlType::Boolean | SqlType::Bool => return Ok(PgType::Bool),
            SqlType::SmallInt(_) | SqlType::Int2(_) => return Ok(PgType::Int2),
            SqlType::Int(_) | SqlType::Integer(_) | SqlType::Int4(_) => return Ok(PgType::Int4),
            SqlType::BigInt(_) | SqlType::Int8(_) => return Ok(PgType::Int8),
            SqlType::Real | SqlType::Float4 => return Ok(PgType::Float4),
            SqlType::Float8 | SqlType::Float(_) | SqlType::Double(_) | SqlType::DoublePrecision => {
                return Ok(PgType::Float8);
            }
            SqlType::Date => return Ok(PgType::Date),
            SqlType::Interval { .. } => return Ok(PgType::Interval),
            other => {
                return Err(QueryError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("a parameter of type {other} is not supported"),
                ));
            }
        },
    };
    let (_, types) = Output::new(&[field])?;
    types.first().copied().ok_or_else(internal)
}
