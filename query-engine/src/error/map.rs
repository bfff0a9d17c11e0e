//! Errors of DataFusion, Arrow, Parquet and storage → [`QueryError`], with PostgreSQL's words.
//!
//! Invariants
//! - No text of a library reaches the caller: an error that is not known here is a plain XX000, and
//!   the original goes to the log.

use std::error::Error;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use storage::StorageError;

use crate::catalog::pg_catalog::builtin;
use crate::{QueryError, SqlState};

/// The one mapping.
pub(crate) fn query_error(error: &DataFusionError) -> QueryError {
    if let Some(found) = finished(error) {
        return found;
    }
    let mapped = known(error);
    tracing::debug!(%error, state = mapped.state.0, "mapped an error of the query libraries");
    mapped
}

/// The [`QueryError`] or [`StorageError`] inside, whatever wraps it.
fn finished(error: &DataFusionError) -> Option<QueryError> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    // Wrappers nest a few levels; a bound keeps a strange chain from looping.
    for _ in 0..32 {
        let current = next?;
        if let Some(found) = current.downcast_ref::<QueryError>() {
            return Some(found.clone());
        }
        if let Some(found) = current.downcast_ref::<StorageError>() {
            return Some(storage_error(found));
        }
        next = match current.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(inner)) => Some(inner.as_ref()),
            Some(DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner)) => {
                Some(inner.as_ref())
            }
            Some(DataFusionError::Shared(inner)) => Some(inner.as_ref()),
            Some(DataFusionError::Collection(all)) => all.first().map(|error| error as _),
            Some(DataFusionError::ArrowError(inner, _)) => Some(inner.as_ref()),
            Some(DataFusionError::ParquetError(inner)) => Some(inner.as_ref()),
            Some(DataFusionError::ObjectStore(inner)) => Some(inner.as_ref()),
            _ => match current.downcast_ref::<ArrowError>() {
                Some(ArrowError::ExternalError(inner)) => Some(inner.as_ref()),
                _ => current.source(),
            },
        };
    }
    None
}

/// What storage reports, as a client should see it: no paths.
pub(crate) fn storage_error(error: &StorageError) -> QueryError {
    tracing::debug!(%error, "storage failed");
    match error {
        StorageError::Corrupt { what, .. } => QueryError::new(
            SqlState::DATA_CORRUPTED,
            format!("stored data does not match its hash: {what}"),
        )
        .with_hint("Run `ergosql check` to find what is damaged."),
        StorageError::UnknownNetwork(name) => QueryError::new(
            SqlState::UNKNOWN_DATABASE,
            format!("database \"{name}\" does not exist"),
        ),
        StorageError::InUse { .. } | StorageError::Io { .. } | StorageError::State(_) => {
            QueryError::new(SqlState::IO_ERROR, "stored data could not be read")
        }
        StorageError::NetworkName(_)
        | StorageError::FormatVersion { .. }
        | StorageError::Link { .. }
        | StorageError::Rows(_) => internal(),
    }
}

/// XX000 without details.
pub(crate) fn internal() -> QueryError {
    QueryError::new(SqlState::INTERNAL_ERROR, "the statement failed inside the query engine")
}

fn known(error: &DataFusionError) -> QueryError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => known(inner),
        DataFusionError::Shared(inner) => known(inner),
        DataFusionError::Collection(all) => all.first().map_or_else(internal, known),
        DataFusionError::External(inner) => {
            match (inner.downcast_ref::<DataFusionError>(), inner.downcast_ref::<ArrowError>()) {
                (Some(inner), _) => known(inner),
                (_, Some(inner)) => arrow(inner),
                _ => internal(),
            }
        }
        DataFusionError::ArrowError(inner, _) => arrow(inner),
        DataFusionError::SchemaError(inner, _) => schema(inner),
        DataFusionError::SQL(..) => {
            QueryError::new(SqlState::SYNTAX_ERROR, "syntax error in the statement")
        }
        DataFusionError::NotImplemented(message) => not_implemented(message),
        DataFusionError::Plan(message) => plan(message),
        DataFusionError::Execution(message) => execution(message),
        DataFusionError::ResourcesExhausted(_) => QueryError::new(
            SqlState::OUT_OF_MEMORY,
            "out of memory: the query needs more than the engine's memory pool has left",
        )
        .with_hint("Restrict the block range, or group or sort fewer rows."),
        DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) => {
            QueryError::new(SqlState::IO_ERROR, "stored data could not be read")
        }
        _ => internal(),
    }
}

fn schema(error: &SchemaError) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let qualifier = field.relation.as_ref().map(|relation| relation.table().to_owned());
            match qualifier {
                Some(table)
                    if !valid_fields.iter().any(|valid| {
                        valid.relation.as_ref().is_some_and(|known| known.table() == table)
                    }) =>
                {
                    QueryError::new(
                        SqlState::UNDEFINED_TABLE,
                        format!("missing FROM-clause entry for table \"{table}\""),
                    )
                    .about(format!("{table}.{}", field.name))
                }
                Some(table) => undefined_column(&format!("{table}.{}", field.name)),
                None => undefined_column(&field.name),
            }
        }
        SchemaError::AmbiguousReference { field } => QueryError::new(
            SqlState::AMBIGUOUS_COLUMN,
            format!("column reference \"{}\" is ambiguous", field.name),
        )
        .about(field.name.clone()),
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => QueryError::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column name \"{name}\" is used more than once"),
        )
        .about(name.clone()),
    }
}

fn undefined_column(name: &str) -> QueryError {
    let shown = if name.contains('.') { name.to_owned() } else { format!("\"{name}\"") };
    QueryError::new(SqlState::UNDEFINED_COLUMN, format!("column {shown} does not exist"))
        .about(name)
}

/// The text between the first `open` and the `close` after it.
fn between<'a>(message: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, tail) = message.split_once(open)?;
    tail.split_once(close).map(|(found, _)| found)
}

fn not_implemented(message: &str) -> QueryError {
    tracing::debug!(message, "not implemented");
    let what = ["LATERAL", "GROUPING SETS", "WITHIN GROUP", "RECURSIVE", "DISTINCT ON", "ROLLUP"]
        .into_iter()
        .find(|word| message.to_ascii_uppercase().contains(word))
        .unwrap_or("this form of the statement");
    QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
}

fn plan(message: &str) -> QueryError {
    let lower = message.to_ascii_lowercase();
    if let Some(name) = between(message, "Invalid function '", "'")
        .or_else(|| between(message, "table function '", "'"))
    {
        if !name.starts_with("pg_") && builtin::has_function(name) {
            let message = format!("function {name}() is not supported");
            return QueryError::new(SqlState::FEATURE_NOT_SUPPORTED, message).about(name);
        }
        return undefined_function(name);
    }
    if lower.contains("group by") && lower.contains("column") {
        let column = between(message, "column \"", "\"").unwrap_or("?").replace('"', "");
        return QueryError::new(
            SqlState::GROUPING_ERROR,
            format!(
                "column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"
            ),
        )
        .about(column);
    }
    if lower.contains("aggregate") && (lower.contains("where") || lower.contains("nested")) {
        return QueryError::new(
            SqlState::GROUPING_ERROR,
            "aggregate functions are not allowed here",
        );
    }
    if lower.contains("no function matches")
        || lower.contains("failed to match any signature")
        || lower.contains("does not support")
        || lower.contains("coercion from")
        || lower.contains("error during planning: function")
        || lower.contains("user-defined coercion failed")
        || lower.contains("function expects")
    {
        let name = between(message, "Function '", "'")
            .or_else(|| between(message, "function '", "'"))
            .or_else(|| between(message, "'", "("))
            .unwrap_or_default();
        return undefined_function(name);
    }
    if lower.contains("unary operator") || lower.contains("negation only supports") {
        return QueryError::new(
            SqlState::UNDEFINED_FUNCTION,
            "operator - with one operand does not exist for this type",
        )
        .with_hint("Cast a 256-bit integer to numeric(76,0) first.");
    }
    if lower.contains("only return one column") || lower.contains("should only return one") {
        return QueryError::new(SqlState::SYNTAX_ERROR, "subquery must return only one column");
    }
    clause(message, &lower)
}

/// Messages about a clause of the statement.
fn clause(message: &str, lower: &str) -> QueryError {
    if lower.contains("same number of columns")
        || lower.contains("union") && lower.contains("columns")
    {
        return QueryError::new(
            SqlState::SYNTAX_ERROR,
            "each UNION query must have the same number of columns",
        );
    }
    if let Some(name) = between(message, "WITH query name \"", "\"") {
        return QueryError::new(
            SqlState::DUPLICATE_ALIAS,
            format!("WITH query name \"{name}\" specified more than once"),
        );
    }
    if lower.contains("cannot infer common") || lower.contains("incompatible") {
        return QueryError::new(
            SqlState::UNDEFINED_FUNCTION,
            "operator does not exist for these argument types",
        )
        .with_hint("You might need to add explicit type casts.");
    }
    if let Some(position) = between(message, "out of bounds, specified: ", ",") {
        return QueryError::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            format!("ORDER BY position {position} is not in select list"),
        )
        .about(position);
    }
    if lower.contains("limit") && lower.contains("negative") || lower.contains("limit must be") {
        return QueryError::new(SqlState::INVALID_LIMIT, "LIMIT must not be negative");
    }
    if lower.contains("unsupported") || lower.contains("not supported") {
        return not_implemented(message);
    }
    tracing::debug!(message, "statement was not planned");
    QueryError::new(SqlState::SYNTAX_ERROR, "the statement could not be planned")
}

fn undefined_function(name: &str) -> QueryError {
    // The name is cut out of a message: anything else than a name must not get through.
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !is_name {
        return QueryError::new(
            SqlState::UNDEFINED_FUNCTION,
            "function does not exist for these argument types",
        )
        .with_hint("You might need to add explicit type casts.");
    }
    QueryError::new(SqlState::UNDEFINED_FUNCTION, format!("function {name}() does not exist"))
        .with_hint(
            "No function matches the given name and argument types. You might need to add explicit type casts.",
        )
        .about(name)
}

fn execution(message: &str) -> QueryError {
    let lower = message.to_ascii_lowercase();
    if lower.contains("scalar subquery") || lower.contains("more than one row") {
        return QueryError::new(
            SqlState::CARDINALITY_VIOLATION,
            "more than one row returned by a subquery used as an expression",
        );
    }
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        return QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero");
    }
    if lower.contains("overflow") || lower.contains("out of range") {
        return QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "value out of range");
    }
    if lower.contains("parsing") || lower.contains("parse") {
        return QueryError::new(SqlState::INVALID_DATETIME, "invalid input syntax");
    }
    if lower.contains("decode") || lower.contains("encod") || lower.contains("hex") {
        return QueryError::new(SqlState::INVALID_PARAMETER_VALUE, "invalid encoded data");
    }
    if lower.contains("regular expression") || lower.contains("regex") {
        return QueryError::new(SqlState::INVALID_REGEX, "invalid regular expression");
    }
    tracing::debug!(message, "execution failed");
    internal()
}

fn arrow(error: &ArrowError) -> QueryError {
    match error {
        ArrowError::DivideByZero => QueryError::new(SqlState::DIVISION_BY_ZERO, "division by zero"),
        ArrowError::ArithmeticOverflow(_) => {
            QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "value out of range")
        }
        ArrowError::CastError(message)
        | ArrowError::ParseError(message)
        | ArrowError::InvalidArgumentError(message)
        | ArrowError::ComputeError(message) => conversion(message),
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => known(inner),
            None => internal(),
        },
        _ => internal(),
    }
}

/// Messages of casts and of parsing dates and times.
fn conversion(message: &str) -> QueryError {
    let lower = message.to_ascii_lowercase();
    let literal = between(message, "string '", "'").or_else(|| between(message, "from '", "'"));
    let syntax = |state: SqlState, name: &str| {
        let shown = literal.unwrap_or_default();
        QueryError::new(state, format!("invalid input syntax for type {name}: \"{shown}\""))
            .about(shown)
    };
    let target = message.rsplit_once(" of ").map_or(message, |(_, target)| target);
    let number = [
        ("Int16", "smallint"),
        ("Int32", "integer"),
        ("Int64", "bigint"),
        ("Float32", "real"),
        ("Float64", "double precision"),
        ("Boolean", "boolean"),
        ("Decimal", "numeric"),
    ];
    let is_parse =
        literal.is_some() && lower.contains("cannot cast") || lower.contains("cannot parse");
    if let Some((_, name)) = number.iter().find(|(arrow, _)| is_parse && target.contains(arrow)) {
        return syntax(SqlState::INVALID_TEXT, name);
    }
    if lower.contains("timestamp") {
        return syntax(SqlState::INVALID_DATETIME, "timestamp");
    }
    if lower.contains("date32") || lower.contains("date64") || lower.contains("date from") {
        return syntax(SqlState::INVALID_DATETIME, "date");
    }
    if lower.contains("time") && literal.is_some() {
        return syntax(SqlState::INVALID_DATETIME, "time");
    }
    if lower.contains("interval") {
        return syntax(SqlState::INVALID_DATETIME, "interval");
    }
    if lower.contains("can't cast value")
        || lower.contains("too large")
        || lower.contains("too small")
        || lower.contains("overflow")
        || lower.contains("precision")
    {
        let name = number.iter().find(|(arrow, _)| message.contains(arrow)).map(|found| found.1);
        return match name {
            Some("numeric") | None => {
                QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, "numeric field overflow")
            }
            Some(name) => {
                QueryError::new(SqlState::NUMERIC_OUT_OF_RANGE, format!("{name} out of range"))
            }
        };
    }
    tracing::debug!(message, "conversion failed");
    QueryError::new(SqlState::INVALID_TEXT, "invalid input syntax")
}
