//! The one error that SQL callers see: PostgreSQL's fields, PostgreSQL's codes.

pub(crate) mod map;
pub(crate) mod position;

use schemas::ErrorKind;

/// Five-character SQLSTATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SqlState(pub &'static str);

impl SqlState {
    pub const SYNTAX_ERROR: Self = Self("42601");
    pub const UNDEFINED_COLUMN: Self = Self("42703");
    pub const AMBIGUOUS_COLUMN: Self = Self("42702");
    pub const UNDEFINED_TABLE: Self = Self("42P01");
    pub const UNDEFINED_FUNCTION: Self = Self("42883");
    pub const AMBIGUOUS_FUNCTION: Self = Self("42725");
    pub const INVALID_NAME: Self = Self("42602");
    pub const UNDEFINED_OBJECT: Self = Self("42704");
    pub const UNDEFINED_PARAMETER: Self = Self("42P02");
    pub const DATATYPE_MISMATCH: Self = Self("42804");
    pub const INDETERMINATE_DATATYPE: Self = Self("42P18");
    pub const GROUPING_ERROR: Self = Self("42803");
    pub const INSUFFICIENT_PRIVILEGE: Self = Self("42501");
    pub const FEATURE_NOT_SUPPORTED: Self = Self("0A000");
    pub const INVALID_TEXT: Self = Self("22P02");
    pub const INVALID_DATETIME: Self = Self("22007");
    pub const DATETIME_OVERFLOW: Self = Self("22008");
    pub const NUMERIC_OUT_OF_RANGE: Self = Self("22003");
    pub const DIVISION_BY_ZERO: Self = Self("22012");
    pub const INVALID_PARAMETER_VALUE: Self = Self("22023");
    pub const CANT_CHANGE: Self = Self("55P02");
    pub const CANNOT_COERCE: Self = Self("42846");
    pub const TOO_COMPLEX: Self = Self("54001");
    pub const WRONG_OBJECT_TYPE: Self = Self("42809");
    pub const DUPLICATE_COLUMN: Self = Self("42701");
    pub const DUPLICATE_ALIAS: Self = Self("42712");
    pub const INVALID_COLUMN_REFERENCE: Self = Self("42P10");
    pub const INVALID_LIMIT: Self = Self("2201W");
    pub const INVALID_REGEX: Self = Self("2201B");
    pub const IO_ERROR: Self = Self("58030");
    pub const PROTOCOL_VIOLATION: Self = Self("08P01");
    pub const INSUFFICIENT_RESOURCES: Self = Self("53000");
    pub const ACTIVE_TRANSACTION: Self = Self("25001");
    pub const NO_ACTIVE_TRANSACTION: Self = Self("25P01");
    pub const NO_SUCH_SAVEPOINT: Self = Self("3B001");
    pub const DUPLICATE_STATEMENT: Self = Self("42P05");
    pub const CARDINALITY_VIOLATION: Self = Self("21000");
    pub const READ_ONLY_TRANSACTION: Self = Self("25006");
    pub const IN_FAILED_TRANSACTION: Self = Self("25P02");
    pub const QUERY_CANCELED: Self = Self("57014");
    pub const OUT_OF_MEMORY: Self = Self("53200");
    pub const PROGRAM_LIMIT: Self = Self("54000");
    pub const UNKNOWN_DATABASE: Self = Self("3D000");
    pub const INVALID_CURSOR_NAME: Self = Self("34000");
    pub const DUPLICATE_CURSOR: Self = Self("42P03");
    pub const OBJECT_NOT_IN_STATE: Self = Self("55000");
    pub const UNDEFINED_STATEMENT: Self = Self("26000");
    pub const DATA_CORRUPTED: Self = Self("XX001");
    pub const INTERNAL_ERROR: Self = Self("XX000");
    /// Ours, in the class of object states: the query would span blocks that are not stored.
    pub const GAP: Self = Self("55G01");
}

/// What failed, with everything that PostgreSQL's ErrorResponse carries. What is rarely there is boxed,
/// since every result carries room for an error.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// SQLSTATE.
    pub state: SqlState,
    /// One line, lower case, as PostgreSQL words it where it has such an error.
    pub message: String,
    /// More about the value at fault.
    pub detail: Option<Box<str>>,
    /// What to do.
    pub hint: Option<Box<str>>,
    /// Where in the data or the call it happened: `COPY t, line 3, column a: "x"`.
    pub context: Option<Box<str>>,
    /// What the error is about, for clients that look for more than text.
    pub object: Option<Box<ErrorObject>>,
    /// 1-based character position in the statement text.
    pub position: Option<u32>,
    /// Literal or name at fault; becomes `position` where the statement text is known.
    pub(crate) token: Option<Box<str>>,
}

/// Names in an error: those that PostgreSQL gives in fields of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorObject {
    /// Schema.
    pub schema: String,
    /// Table in it.
    pub table: String,
    /// Column of the table.
    pub column: Option<String>,
    /// Constraint of the table.
    pub constraint: Option<String>,
}

impl QueryError {
    /// An error with a code and a message only.
    pub fn new(state: SqlState, message: impl Into<String>) -> Self {
        Self {
            state,
            message: message.into(),
            detail: None,
            hint: None,
            context: None,
            object: None,
            position: None,
            token: None,
        }
    }

    /// The same error with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into());
        self
    }

    /// The same error with a detail line.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into());
        self
    }

    /// The same error about this object.
    #[must_use]
    pub(crate) fn with_object(mut self, object: ErrorObject) -> Self {
        self.object = Some(Box::new(object));
        self
    }

    /// The same error with the place in the data where it happened.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into().into());
        self
    }

    /// The same error about this literal or name of the statement, so that its position can be found.
    #[must_use]
    pub(crate) fn about(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into().into());
        self
    }

    /// The same error without a position, as PostgreSQL gives it where a name has none.
    #[must_use]
    pub(crate) fn nowhere(self) -> Self {
        self.about("")
    }

    /// The same error at a 1-based character position.
    #[must_use]
    pub fn at(mut self, position: u32) -> Self {
        self.position = Some(position);
        self
    }

    /// What the caller can do about it, by SQLSTATE class.
    pub fn kind(&self) -> ErrorKind {
        match (self.state, self.state.0.get(..2)) {
            (SqlState::INSUFFICIENT_PRIVILEGE, _) => ErrorKind::Denied,
            (SqlState::DATA_CORRUPTED, _) => ErrorKind::Corrupt,
            (_, Some("53" | "54")) => ErrorKind::LimitReached,
            (_, Some("55" | "57")) => ErrorKind::Unavailable,
            (_, Some("XX")) => ErrorKind::Internal,
            (_, Some("3D")) => ErrorKind::NotFound,
            _ => ErrorKind::Invalid,
        }
    }
}

impl From<QueryError> for datafusion::common::DataFusionError {
    /// So that our functions and tables can fail with a finished error; `map` takes it out again.
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}
