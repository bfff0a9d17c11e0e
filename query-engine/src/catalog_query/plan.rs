//! Plans of catalog statements: expressions with resolved names and types, and where rows come from.
//!
//! Invariants
//! - FROM is bound as [`Joins`], whose order is open; `order` turns it into a [`FromPlan`], which runs.
//! - A query level holds one [`Row`] for each leaf of its FROM; `Column` names level, leaf and position.
//! - After grouping a level has one leaf: keys, then aggregates.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::operator::Operator;
use super::types::TypeOid;
use super::{Row, Value};
use crate::catalog::pg_catalog::tables::Table;
use crate::functions::pg::Function;

/// An expression that gives one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// A constant.
    Const(Value),
    /// `$n`, from 0.
    Parameter(usize),
    /// A column of the level `depth` above this one.
    Column { depth: usize, leaf: usize, index: usize },
    /// A constant of each row of a leaf, such as `tableoid`; null where the leaf has no row.
    RowConst { depth: usize, leaf: usize, value: Value },
    /// The whole row of a leaf.
    WholeRow { depth: usize, leaf: usize, types: Arc<[TypeOid]> },
    /// Value of the set-returning call `0` of the select list in this round.
    SetValue(usize),
    /// A function.
    Call { function: FunctionRef, types: Vec<TypeOid>, arguments: Vec<Expr> },
    /// A cast.
    Cast { inner: Box<Expr>, from: TypeOid, to: TypeOid },
    /// A binary operator.
    Binary { operator: Operator, left: Box<Expr>, right: Box<Expr> },
    /// `left op ANY (array)`, or ALL.
    AnyAll { operator: Operator, all: bool, left: Box<Expr>, right: Box<Expr> },
    /// Conjunction of at least one part.
    And(Vec<Expr>),
    /// Disjunction of at least one part.
    Or(Vec<Expr>),
    /// Negation.
    Not(Box<Expr>),
    /// `IS NULL`.
    IsNull(Box<Expr>),
    /// `IS NOT NULL` of a row: all its fields are there.
    IsNotNull(Box<Expr>),
    /// `IS TRUE` or `IS FALSE`: null is neither.
    IsTruth { inner: Box<Expr>, truth: bool },
    /// `IS DISTINCT FROM`.
    IsDistinct(Box<Expr>, Box<Expr>),
    /// Searched CASE.
    Case { branches: Vec<(Expr, Expr)>, otherwise: Box<Expr> },
    /// First argument that is not null.
    Coalesce(Vec<Expr>),
    /// GREATEST or LEAST: nulls are passed over.
    Extreme { greatest: bool, parts: Vec<Expr> },
    /// ARRAY[…].
    Array(Vec<Expr>),
    /// ARRAY[…] of arrays.
    Stacked(Vec<Expr>),
    /// ROW(…), with the types of its fields.
    Row(Vec<Expr>, Arc<[TypeOid]>),
    /// A value brought to a type modifier by a cast.
    Sized { inner: Box<Expr>, type_oid: TypeOid, modifier: i32 },
    /// `array[index]`, one index for each dimension; vectors count from 0.
    Subscript { array: Box<Expr>, indexes: Vec<Expr>, first: i64 },
    /// `array[lower:upper]`.
    Slice { array: Box<Expr>, bounds: Vec<(Option<Expr>, Option<Expr>)> },
    /// A row value as JSON, with the names of its fields.
    JsonRow { record: Box<Expr>, fields: Arc<[(String, TypeOid)]> },
    /// GROUPING(…): a bit for each of the keys at these positions that the set of the row leaves out.
    Grouping { mask: Box<Expr>, positions: Vec<usize> },
    /// A field of a row value, from 0.
    Field { record: Box<Expr>, index: usize },
    /// A subquery. One that reads nothing outside itself has a number, and runs once.
    Subquery { kind: SubqueryKind, plan: Arc<QueryPlan>, once: Option<usize> },
}

/// What a subquery gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SubqueryKind {
    /// Its only value; null without rows, an error with several.
    Scalar,
    /// Whether it has rows.
    Exists,
    /// Its values as an array.
    Array,
    /// Its rows as an array of row values.
    Rows,
}

/// A function of the registry, which lives as long as the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FunctionRef(pub(crate) &'static Function);

impl PartialEq for FunctionRef {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

/// One output column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutputColumn {
    /// Name, as PostgreSQL derives it.
    pub(crate) name: String,
    /// Type.
    pub(crate) type_oid: TypeOid,
    /// Type modifier, -1 for none.
    pub(crate) modifier: i32,
    /// Relation and column number, where it is a plain column; else zeros.
    pub(crate) origin: (u32, i16),
    /// Names and types of the fields of a row value.
    pub(crate) fields: Option<Arc<[(String, TypeOid)]>>,
}

/// ORDER BY: position among the columns, hidden ones included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SortKey {
    pub(crate) column: usize,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// A whole query: WITH, body, order and limit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueryPlan {
    pub(crate) ctes: Vec<CtePlan>,
    pub(crate) body: Body,
    /// Visible columns; the body may give more, for sorting.
    pub(crate) columns: Vec<OutputColumn>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) limit: Option<Expr>,
    /// Rows equal in order to the last one count as one with it.
    pub(crate) with_ties: bool,
    pub(crate) offset: Option<Expr>,
}

/// One item of WITH.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CtePlan {
    /// Number that scans name.
    pub(crate) id: usize,
    pub(crate) plan: QueryPlan,
    /// The part that reads the item itself, and whether duplicates are dropped.
    pub(crate) recursive: Option<(QueryPlan, bool)>,
}

/// Where the rows of a query come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Select(Box<SelectPlan>),
    Values(Vec<Vec<Expr>>),
    Set { operator: SetKind, all: bool, left: Box<QueryPlan>, right: Box<QueryPlan> },
}

/// UNION, EXCEPT, INTERSECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetKind {
    Union,
    Except,
    Intersect,
}

/// One SELECT.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SelectPlan {
    /// FROM and WHERE until their order is decided, then empty.
    pub(crate) joins: Joins,
    pub(crate) from: Option<FromPlan>,
    pub(crate) leaf_count: usize,
    /// Conditions of a query without FROM.
    pub(crate) filters: Vec<Expr>,
    pub(crate) group: Option<GroupPlan>,
    /// Calls over windows; their values are the columns of a leaf after all others.
    pub(crate) windows: Vec<WindowCall>,
    /// Set-returning calls of the select list.
    pub(crate) sets: Vec<SetCall>,
    /// Output expressions, hidden ones last.
    pub(crate) projection: Vec<Expr>,
    pub(crate) distinct: Distinct,
}

/// DISTINCT of a SELECT.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Distinct {
    No,
    /// By this many leading columns.
    All(usize),
    /// By these columns.
    On(Vec<usize>),
}

/// A call of a function over the rows of a window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WindowCall {
    pub(crate) function: WindowFunction,
    /// Rows that agree in these are one window.
    pub(crate) partition: Vec<Expr>,
    /// (key, descending, nulls first).
    pub(crate) order: Vec<(Expr, bool, bool)>,
    pub(crate) frame: WindowFrame,
}

/// What is computed for each row of a window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    /// Number of buckets.
    Ntile(Expr),
    /// Value of a row before (or, `is_ahead`, after) this one: value, distance, default.
    Lag {
        is_ahead: bool,
        value: Expr,
        offset: Expr,
        default: Expr,
    },
    FirstValue(Expr),
    LastValue(Expr),
    NthValue(Expr, Expr),
    /// An aggregate of the frame.
    Aggregate(Aggregate),
}

/// The rows around a row that count for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WindowFrame {
    pub(crate) units: FrameUnits,
    pub(crate) start: FrameBound,
    pub(crate) end: FrameBound,
}

/// What the bounds of a frame count.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FrameUnits {
    Rows,
    /// Rows that are equal in order count as one.
    Groups,
    /// Values of the only key, as this expression has them; the bounds are values, too.
    Range(Option<Expr>),
}

/// One end of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FrameBound {
    /// From the first row, or to the last.
    Unbounded,
    CurrentRow,
    Preceding(Expr),
    Following(Expr),
}

/// GROUP BY.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupPlan {
    /// Set-returning calls in the keys: each input row counts once for each of their rows.
    pub(crate) sets: Vec<SetCall>,
    pub(crate) keys: Vec<Expr>,
    /// Of GROUPING SETS: which keys each set leaves out. Key 0 is then the mask of those, by position.
    pub(crate) left_out: Vec<Vec<usize>>,
    pub(crate) aggregates: Vec<Aggregate>,
    pub(crate) having: Option<Expr>,
    /// Without GROUP BY there is one group also over no rows.
    pub(crate) is_single: bool,
}

/// One aggregate call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) kind: AggregateKind,
    /// Type of the result.
    pub(crate) type_oid: TypeOid,
    pub(crate) arguments: Vec<Expr>,
    /// Types of the arguments.
    pub(crate) types: Vec<TypeOid>,
    pub(crate) distinct: bool,
    pub(crate) order: Vec<(Expr, bool, bool)>,
    pub(crate) filter: Option<Expr>,
}

/// Aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AggregateKind {
    CountRows,
    Count,
    Min,
    Max,
    Sum,
    Avg,
    AnyValue,
    BoolAnd,
    BoolOr,
    BitAnd,
    BitOr,
    BitXor,
    ArrayAgg,
    StringAgg,
    JsonAgg(JsonForm),
    JsonObjectAgg(JsonForm),
    /// Variance, or its root.
    Spread {
        is_root: bool,
        is_sample: bool,
    },
    Regression(Moment),
    /// The last argument is what is sorted, those before it say where to look.
    PercentileCont,
    PercentileDisc,
    Mode,
    HypotheticalRank {
        is_dense: bool,
    },
}

/// How an aggregate writes JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonForm {
    /// `jsonb` rather than `json`.
    pub(crate) is_binary: bool,
    /// Values are rows or arrays, which `json` puts on lines of their own.
    pub(crate) is_structured: bool,
}

/// What is computed of pairs (Y, X).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Correlation,
    Covariance { is_sample: bool },
    Slope,
    Intercept,
    R2,
    Count,
    AverageX,
    AverageY,
    Sxx,
    Syy,
    Sxy,
}

/// A call of a set-returning function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SetCall {
    pub(crate) function: FunctionRef,
    pub(crate) types: Vec<TypeOid>,
    /// Types of the columns of its rows.
    pub(crate) returns: Arc<[TypeOid]>,
    pub(crate) arguments: Vec<Expr>,
}

/// Items of FROM whose order is open, with what must hold of their rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Joins {
    /// Joined with each other, in any order.
    pub(crate) items: Vec<JoinItem>,
    pub(crate) conditions: Vec<Conjunct>,
    /// Joined to all of the items, in this order, extended with nulls where nothing fits.
    pub(crate) outers: Vec<OuterJoin>,
}

/// The right side of an outer join.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OuterJoin {
    pub(crate) item: JoinItem,
    pub(crate) conditions: Vec<Conjunct>,
}

/// A part of FROM with the leaves that it holds and those that it reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JoinItem {
    pub(crate) node: JoinNode,
    pub(crate) mask: u64,
    pub(crate) reads: u64,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JoinNode {
    Leaf(Box<LeafPlan>),
    Joins(Box<Joins>),
    Full { left: Box<Joins>, right: Box<Joins>, on: Vec<Expr> },
}

/// One condition with the leaves of its level that it reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conjunct {
    pub(crate) expr: Expr,
    pub(crate) mask: u64,
    /// Leaves that the two sides of `=` or `= ANY` read.
    pub(crate) sides: Option<(u64, u64)>,
}

/// A node of FROM.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FromPlan {
    Leaf(Box<LeafPlan>),
    Join {
        left: Box<FromPlan>,
        right: Box<FromPlan>,
        outer: bool,
        filters: Vec<Expr>,
    },
    /// FULL JOIN: `on` pairs rows, `filters` drop what comes of it.
    Full {
        left: Box<FromPlan>,
        right: Box<FromPlan>,
        on: Vec<Expr>,
        filters: Vec<Expr>,
    },
}

/// One relation of FROM.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LeafPlan {
    /// Its place in the level's frame.
    pub(crate) leaf: usize,
    pub(crate) source: Source,
    /// Column that must equal an expression over other leaves: looked up, not scanned for.
    pub(crate) key: Option<LeafKey>,
    pub(crate) filters: Vec<Expr>,
}

/// A column whose rows are looked up by value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LeafKey {
    pub(crate) column: usize,
    /// The value, or an array of values where `is_any`.
    pub(crate) value: Expr,
    pub(crate) is_any: bool,
    /// The condition that it stands for.
    pub(crate) condition: Expr,
}

/// Where a leaf's rows come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A catalog table.
    Table(Arc<Table>),
    /// A table that a client made, by its object id: each run reads the rows that it has then.
    Stored { oid: u32, columns: Arc<[TypeOid]> },
    /// Rows that the planner reads for each run: those of a chain table.
    Fetched(Fetched),
    /// A subquery or view; `lateral` when it reads leaves before it.
    Query { plan: Box<QueryPlan>, lateral: bool },
    /// An item of WITH, and the types of its columns.
    Cte { id: usize, columns: Arc<[TypeOid]> },
    /// A function; `ordinality` adds a counter.
    Function { call: SetCall, ordinality: bool },
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Table(left), Self::Table(right)) => Arc::ptr_eq(left, right),
            (Self::Stored { oid: left, .. }, Self::Stored { oid: right, .. }) => left == right,
            (Self::Fetched(left), Self::Fetched(right)) => Arc::ptr_eq(&left.used, &right.used),
            (Self::Query { plan: left, .. }, Self::Query { plan: right, .. }) => left == right,
            (Self::Cte { id: left, .. }, Self::Cte { id: right, .. }) => left == right,
            (Self::Function { call: left, .. }, Self::Function { call: right, .. }) => {
                left == right
            }
            _ => false,
        }
    }
}

/// What the planner reads for a run of a statement that it refuses as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    /// FROM of the query that reads it, and its WHERE where the statement has one for this relation alone.
    pub(crate) from: String,
    pub(crate) filter: Option<String>,
    /// Names and types of all columns.
    pub(crate) columns: Arc<[(String, TypeOid)]>,
    /// Positions of those that the statement reads; complete once it is bound.
    pub(crate) used: Arc<Mutex<BTreeSet<usize>>>,
}

impl Fetched {
    /// Positions of the columns that are read, in order.
    pub(crate) fn used(&self) -> Vec<usize> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.iter().copied().collect()
    }
}

/// Rows of a finished subquery.
pub(crate) type Rows = Vec<Row>;
