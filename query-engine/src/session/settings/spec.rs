//! The table of settings: name, default, what a value may be.

/// `search_path` of a session: the schemas of the chain come after the client's own.
pub(crate) const SEARCH_PATH_DEFAULT: &str = "\"$user\", public, chain, ergo";

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingKind {
    /// `on` or `off`.
    Bool,
    /// An integer within bounds.
    Integer { min: i64, max: i64 },
    /// Milliseconds, written with a unit or without; 0 means off.
    Milliseconds,
    /// Kilobytes, written with a unit or without.
    Kilobytes,
    /// One of some words.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
    /// A list of schema names.
    SchemaList,
    /// A time zone name or offset.
    TimeZone,
    /// An output style and a field order.
    DateStyle,
    /// A client encoding that needs no conversion.
    Encoding,
    /// Decided by the server.
    Fixed,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SettingSpec {
    /// Name in PostgreSQL's case.
    pub(crate) name: &'static str,
    /// Value at the start of a session, in canonical form.
    pub(crate) default: &'static str,
    /// What values it takes.
    pub(crate) kind: SettingKind,
    /// One line for SHOW ALL and `pg_settings`.
    pub(crate) description: &'static str,
}

impl SettingSpec {
    /// Whether no client can change it.
    pub(crate) fn is_fixed(&self) -> bool {
        self.kind == SettingKind::Fixed
    }
}

/// Settings that the gateway reports with ParameterStatus, in PostgreSQL 16's order.
pub(crate) const REPORTED: [&str; 14] = [
    "in_hot_standby",
    "integer_datetimes",
    "TimeZone",
    "IntervalStyle",
    "is_superuser",
    "application_name",
    "default_transaction_read_only",
    "scram_iterations",
    "DateStyle",
    "standard_conforming_strings",
    "session_authorization",
    "client_encoding",
    "server_version",
    "server_encoding",
];

/// PostgreSQL's release whose behaviour we follow.
pub(crate) const SERVER_VERSION: &str = "16.10";

use SettingKind::{
    Bool, DateStyle, Encoding, Fixed, Integer, Kilobytes, Milliseconds, SchemaList, Text, TimeZone,
    Word,
};

const fn spec(
    name: &'static str,
    default: &'static str,
    kind: SettingKind,
    description: &'static str,
) -> SettingSpec {
    SettingSpec { name, default, kind, description }
}

const ISOLATION: SettingKind =
    Word(&["read committed", "repeatable read", "serializable", "read uncommitted"]);
const LEVELS: SettingKind =
    Word(&["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"]);

/// Settings by name. Ours start with `ergo.`.
const SPECS: &[SettingSpec] = &[
    spec("application_name", "", Text, "Name of the client program."),
    spec("backslash_quote", "safe_encoding", Fixed, "Whether \\' is allowed in string literals."),
    spec("block_size", "8192", Fixed, "Size of a disk block."),
    spec("bytea_output", "hex", Word(&["hex", "escape"]), "Output format of bytea."),
    spec("check_function_bodies", "on", Bool, "Accepted; there are no functions to check."),
    spec("client_encoding", "UTF8", Encoding, "Encoding of the client."),
    spec("client_min_messages", "notice", LEVELS, "Lowest level of messages sent to the client."),
    spec("DateStyle", "ISO, MDY", DateStyle, "Output style and field order of dates."),
    spec("default_table_access_method", "heap", Fixed, "Access method of new tables."),
    spec("default_tablespace", "", Text, "Accepted; there are no tablespaces."),
    spec("default_transaction_deferrable", "off", Bool, "Accepted; reads never wait."),
    spec(
        "default_transaction_isolation",
        "read committed",
        ISOLATION,
        "Isolation of new transactions; each statement reads one snapshot.",
    ),
    spec("default_transaction_read_only", "off", Bool, "Whether new transactions are read-only."),
    spec("enable_bitmapscan", "on", Bool, "Accepted; the planner has no such choice."),
    spec("enable_hashjoin", "on", Bool, "Accepted; the planner has no such choice."),
    spec("enable_indexscan", "on", Bool, "Accepted; the planner has no such choice."),
    spec("enable_mergejoin", "on", Bool, "Accepted; the planner has no such choice."),
    spec("enable_nestloop", "on", Bool, "Accepted; the planner has no such choice."),
    spec("enable_seqscan", "on", Bool, "Accepted; the planner has no such choice."),
    spec(
        "ergo.allow_gaps",
        "off",
        Bool,
        "Lets queries span blocks that are not stored; they then miss rows.",
    ),
    spec(
        "ergo.finality",
        "safe",
        Word(&["finalized", "safe", "latest"]),
        "Which blocks queries read: sealed ones, those that their source vouches for, or all. Blocks of \
         imported files are vouched for.",
    ),
    spec("escape_string_warning", "on", Bool, "Accepted; there is no such warning."),
    spec(
        "extra_float_digits",
        "1",
        Integer { min: -15, max: 3 },
        "Digits of floating-point output.",
    ),
    spec("geqo", "on", Bool, "Accepted; the planner has no such choice."),
    spec("idle_in_transaction_session_timeout", "0", Milliseconds, "Longest idle transaction."),
    spec("idle_session_timeout", "0", Milliseconds, "Longest idle session."),
    spec("in_hot_standby", "off", Fixed, "Whether the server is a hot standby."),
    spec("integer_datetimes", "on", Fixed, "Whether timestamps are integers."),
    spec(
        "IntervalStyle",
        "postgres",
        Word(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
        "Output format of intervals.",
    ),
    spec("is_superuser", "off", Fixed, "Whether the current role is a superuser."),
    spec("jit", "off", Bool, "Accepted; plans are vectorised instead."),
    spec("lc_collate", "C", Fixed, "Collation of text: by code point."),
    spec("lc_ctype", "C.UTF-8", Fixed, "Classification of characters."),
    spec("lc_messages", "C", Text, "Accepted; messages are in English."),
    spec("lc_monetary", "C", Text, "Accepted; there is no money type."),
    spec("lc_numeric", "C", Text, "Accepted; numbers are written with a point."),
    spec("lc_time", "C", Text, "Accepted; names of days and months are in English."),
    spec("lock_timeout", "0", Milliseconds, "Longest wait for a lock on a table."),
    spec("max_connections", "100", Fixed, "Connections at the same time."),
    spec("max_identifier_length", "63", Fixed, "Bytes in a name."),
    spec("max_index_keys", "32", Fixed, "Columns in an index."),
    spec("quote_all_identifiers", "off", Bool, "Whether generated SQL quotes all names."),
    spec("role", "none", Word(&["none"]), "Current role; there is one role for a session."),
    spec("row_security", "on", Bool, "Accepted; there are no row policies."),
    spec("scram_iterations", "4096", Fixed, "Iterations of new SCRAM secrets."),
    spec("search_path", SEARCH_PATH_DEFAULT, SchemaList, "Schemas of unqualified names."),
    spec("server_encoding", "UTF8", Fixed, "Encoding of stored text."),
    spec("server_version", SERVER_VERSION, Fixed, "PostgreSQL release that is followed."),
    spec("server_version_num", "160010", Fixed, "The same as a number."),
    spec("session_authorization", "", Fixed, "Role that signed in."),
    spec("standard_conforming_strings", "on", Word(&["on"]), "Backslashes in '…' are plain."),
    spec("statement_timeout", "0", Milliseconds, "Longest run of a statement."),
    spec("synchronize_seqscans", "on", Bool, "Accepted; rows come in block order or none."),
    spec(
        "synchronous_commit",
        "on",
        Word(&["on", "off", "local", "remote_write", "remote_apply"]),
        "Accepted; sessions do not write.",
    ),
    spec("TimeZone", "Etc/UTC", TimeZone, "Time zone of timestamptz input and output."),
    spec("transaction_deferrable", "off", Bool, "Accepted; reads never wait."),
    spec("transaction_isolation", "read committed", ISOLATION, "Isolation of this transaction."),
    spec("transaction_read_only", "off", Bool, "Whether this transaction is read-only."),
    spec("wal_level", "replica", Fixed, "Level of the write-ahead log."),
    spec("work_mem", "4MB", Kilobytes, "Accepted; memory comes from the engine's pool."),
    spec("xmlbinary", "base64", Word(&["base64", "hex"]), "Accepted; there is no xml type."),
    spec("xmloption", "content", Word(&["content", "document"]), "Accepted; there is no xml type."),
];

/// Every setting, by name.
pub(crate) fn all_specs() -> &'static [SettingSpec] {
    SPECS
}

/// The setting whose name in lower case is `key`.
pub(crate) fn find(key: &str) -> Option<&'static SettingSpec> {
    SPECS.iter().find(|spec| spec.name.eq_ignore_ascii_case(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_every_reported_one_exists() {
        let names: Vec<_> = SPECS.iter().map(|spec| spec.name.to_ascii_lowercase()).collect();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(names, sorted);
        assert!(REPORTED.iter().all(|name| find(name).is_some()));
    }
}
