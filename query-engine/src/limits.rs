//! Every limit of the engine, by name. Past one, a statement fails with its SQLSTATE; no result is cut.

/// Bytes of one statement text (54000).
pub const STATEMENT_BYTES_MAX: usize = 1024 * 1024;
/// Statements in one text (54000).
pub const STATEMENTS_MAX: usize = 1_000;
/// Nesting of expressions and subqueries (54001).
pub const NESTING_MAX: usize = 100;
/// Queries in parentheses within one another (54001): each level doubles the parser's time.
pub const SUBQUERY_NESTING_MAX: usize = 12;
/// Arrays and subscripts within one another (54001).
pub const ARRAY_NESTING_MAX: usize = 32;
/// UNION, INTERSECT and EXCEPT in one statement (54001).
pub const SET_OPERATIONS_MAX: usize = 200;
/// Parameters of one statement (54000): what the wire protocol can number.
pub const PARAMETERS_MAX: usize = 65_535;
/// Statements kept by PREPARE in one session (54000).
pub const PREPARED_MAX: usize = 1_000;
/// Savepoints of one transaction (54000).
pub const SAVEPOINTS_MAX: usize = 1_000;
/// Temp tables of one session (54000).
pub const TEMP_TABLES_MAX: usize = 256;
/// Columns of one temp table (54011): as PostgreSQL.
pub const TEMP_COLUMNS_MAX: usize = 1_600;
/// Bytes that the rows of a session's temp tables may take (53200).
pub const TEMP_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Batches that wait between the query and its reader; past it the query waits.
pub const BATCHES_WAITING_MAX: usize = 2;
/// Rows of one batch.
pub const BATCH_ROWS_MAX: usize = 8_192;
/// Bytes of Parquet footers and page indexes kept in memory for all sessions.
pub const FILE_METADATA_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Missing ranges that an error names; more are counted.
pub const GAPS_NAMED_MAX: usize = 3;
/// Blocks that a lookup by hash may come down to before it is run as a scan.
pub const LOOKUP_BLOCKS_MAX: usize = 64;
/// Rows of a lookup by key that is run without the planner; one with more is run as any query.
pub const LOOKUP_ROWS_MAX: usize = 4_096;
/// Statements that are planned at the same time; more wait.
pub const PLANNING_THREADS_MAX: usize = 64;
/// Query texts that a session keeps parsed and planned; the least recently used one leaves first.
pub const STATEMENTS_KEPT_MAX: usize = 256;
/// Bytes of the longest text that is kept.
pub const STATEMENT_KEPT_BYTES_MAX: usize = 16 * 1024;
/// Stack of a query thread: planning is recursive, and [`NESTING_MAX`] levels must fit.
pub(crate) const THREAD_STACK_BYTES: usize = 16 * 1024 * 1024;

/// Name, value and SQLSTATE of each limit, as `ergo.limits` shows them.
pub(crate) const ALL: &[(&str, usize, &str, &str)] = &[
    ("statement_bytes", STATEMENT_BYTES_MAX, "54000", "bytes of one statement text"),
    ("statements", STATEMENTS_MAX, "54000", "statements in one text"),
    ("nesting", NESTING_MAX, "54001", "nesting of expressions and subqueries"),
    (
        "subquery_nesting",
        SUBQUERY_NESTING_MAX,
        "54001",
        "queries in parentheses within one another",
    ),
    ("array_nesting", ARRAY_NESTING_MAX, "54001", "arrays and subscripts within one another"),
    ("set_operations", SET_OPERATIONS_MAX, "54001", "set operations in one statement"),
    ("parameters", PARAMETERS_MAX, "54000", "parameters of one statement"),
    ("prepared_statements", PREPARED_MAX, "54000", "statements kept by PREPARE in one session"),
    ("savepoints", SAVEPOINTS_MAX, "54000", "savepoints of one transaction"),
    ("temp_tables", TEMP_TABLES_MAX, "54000", "temporary tables of one session"),
    ("temp_columns", TEMP_COLUMNS_MAX, "54011", "columns of one temporary table"),
    ("temp_bytes", TEMP_BYTES_MAX, "53200", "bytes in the temporary tables of one session"),
    (
        "custom_settings",
        crate::session::CUSTOM_SETTINGS_MAX,
        "54000",
        "settings that a session may invent",
    ),
    ("setting_bytes", crate::session::SETTING_BYTES_MAX, "54000", "bytes of a setting's value"),
    (
        "numeric_digits",
        crate::types::numeric::NUMERIC_DIGITS_MAX as usize,
        "22003",
        "digits of numeric arithmetic",
    ),
];
