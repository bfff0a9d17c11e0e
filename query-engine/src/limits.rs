//! Every limit of the engine, by name. Past one, a statement fails with its SQLSTATE; no result is cut.

/// Bytes of one statement text (54000).
pub const STATEMENT_BYTES_MAX: usize = 1024 * 1024;
/// Statements in one text (54000).
pub const STATEMENTS_MAX: usize = 1_000;
/// Bytes of a name; longer ones are cut with a notice, as PostgreSQL does.
pub const IDENTIFIER_BYTES_MAX: usize = 63;
/// Nesting of expressions and subqueries (54001).
pub const NESTING_MAX: usize = 100;
/// Queries in parentheses within one another (54001): each level doubles the parser's time.
pub const SUBQUERY_NESTING_MAX: usize = 12;
/// Calls of functions and subqueries within one another.
pub const CALL_NESTING_MAX: usize = 16;
/// Arrays and subscripts within one another (54001).
pub const ARRAY_NESTING_MAX: usize = 32;
/// UNION, INTERSECT and EXCEPT in one statement (54001).
pub const SET_OPERATIONS_MAX: usize = 200;
/// Parameters of one statement (54000): what the wire protocol can number.
pub const PARAMETERS_MAX: usize = 65_535;
/// Named statements of one session, of PREPARE and of the extended protocol together (54000).
pub const PREPARED_MAX: usize = 10_000;
/// Cursors of one session (54000).
pub const CURSORS_MAX: usize = 1_000;
/// Bytes of rows that the cursors of one session keep, to go back or for WITH HOLD (53200).
pub const CURSOR_BYTES_MAX: usize = 64 << 20;
/// Bytes of rows up to which a cursor declared without SCROLL can still go back; then forward only.
pub const CURSOR_REWIND_BYTES_MAX: usize = 4 << 20;
/// Savepoints of one transaction (54000).
pub const SAVEPOINTS_MAX: usize = 1_000;
/// Temp tables of one session, with their sequences (54000).
pub const TEMP_TABLES_MAX: usize = 256;
/// Columns of one table (54011): as PostgreSQL.
pub const TEMP_COLUMNS_MAX: usize = 1_600;
/// Bytes that the rows of a session's temp tables may take (53200).
pub const TEMP_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Tables, views and sequences that clients make in one database (54000).
pub const TABLES_MAX: usize = 10_000;
/// Schemas that clients make in one database (54000).
pub const SCHEMAS_MAX: usize = 1_000;
/// Bytes that the rows of one table that clients made may take in memory (53200).
pub const TABLE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes that the rows of all tables that clients made in one database may take in memory (53200).
pub const DATABASE_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Rows of a table that clients made in a statement that the planner cannot run (54000).
pub const EVALUATED_ROWS_MAX: usize = 200_000;
/// Elements of a series in the select list of a query over tables (54000).
pub const SERIES_ELEMENTS_MAX: usize = 100_000;
/// Bytes of the text of a notification (22023).
pub const NOTIFY_PAYLOAD_BYTES_MAX: usize = 7_999;
/// Sets of outer values for which one statement runs a subquery that is no join (54000).
pub const SUBQUERY_RUNS_MAX: usize = 100_000;
/// Notifications that wait for one listener, or in one transaction (54000).
pub const NOTIFY_QUEUE_MAX: usize = 65_536;
/// Bytes of the notifications that wait for one listener, or in one transaction (54000).
pub const NOTIFY_QUEUE_BYTES_MAX: usize = 16 << 20;
/// Channels that one session listens on (54000).
pub const CHANNELS_MAX: usize = 1_000;
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
/// Rows of the tables that clients made up to which a query over them runs row by row, with every type and
/// function of PostgreSQL's; one over more is planned.
pub const SMALL_TABLE_ROWS_MAX: usize = 2_000;
/// Rows of one chain table that a query which the planner refuses may read (0A000 beyond): they are kept.
pub const FETCHED_ROWS_MAX: usize = 200_000;
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
    ("call_nesting", CALL_NESTING_MAX, "54001", "function calls and subqueries within one another"),
    ("set_operations", SET_OPERATIONS_MAX, "54001", "set operations in one statement"),
    ("parameters", PARAMETERS_MAX, "54000", "parameters of one statement"),
    ("prepared_statements", PREPARED_MAX, "54000", "named statements of one session"),
    ("cursors", CURSORS_MAX, "54000", "cursors of one session"),
    ("cursor_bytes", CURSOR_BYTES_MAX, "53200", "bytes of rows that the cursors of a session keep"),
    (
        "cursor_rewind_bytes",
        CURSOR_REWIND_BYTES_MAX,
        "55000",
        "bytes of rows up to which a cursor without SCROLL goes back",
    ),
    ("savepoints", SAVEPOINTS_MAX, "54000", "savepoints of one transaction"),
    ("temp_tables", TEMP_TABLES_MAX, "54000", "temporary tables of one session"),
    ("temp_columns", TEMP_COLUMNS_MAX, "54011", "columns of one table"),
    ("temp_bytes", TEMP_BYTES_MAX, "53200", "bytes in the temporary tables of one session"),
    ("tables", TABLES_MAX, "54000", "tables, views and sequences of one database"),
    ("schemas", SCHEMAS_MAX, "54000", "schemas of one database"),
    ("table_bytes", TABLE_BYTES_MAX, "53200", "bytes in one table"),
    ("database_bytes", DATABASE_BYTES_MAX, "53200", "bytes in all tables of one database"),
    (
        "evaluated_rows",
        EVALUATED_ROWS_MAX,
        "54000",
        "rows of a table with columns that only run row by row",
    ),
    ("series_elements", SERIES_ELEMENTS_MAX, "54000", "elements of a series in a select list"),
    ("subquery_runs", SUBQUERY_RUNS_MAX, "54000", "runs of one subquery that is no join"),
    (
        "fetched_rows",
        FETCHED_ROWS_MAX,
        "0A000",
        "rows of a chain table that a statement which the planner refuses reads",
    ),
    ("notify_payload_bytes", NOTIFY_PAYLOAD_BYTES_MAX, "22023", "bytes of a notification's text"),
    ("notify_queue", NOTIFY_QUEUE_MAX, "54000", "notifications that wait for one listener"),
    (
        "notify_queue_bytes",
        NOTIFY_QUEUE_BYTES_MAX,
        "54000",
        "bytes of the notifications that wait for one listener",
    ),
    ("channels", CHANNELS_MAX, "54000", "channels that one session listens on"),
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
