//! What a statement gives back.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::{PgType, QueryError};

/// A result column as RowDescription describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// Name as PostgreSQL would give it; duplicates are allowed.
    pub name: String,
    /// Type on the wire.
    pub pg_type: PgType,
    /// Type modifier, -1 for none; `((p << 16) | s) + 4` for numeric.
    pub type_modifier: i32,
    /// Table that the column comes from unchanged, else 0.
    pub table_oid: u32,
    /// Its position in that table from 1, else 0.
    pub column_number: i16,
}

/// Result of one statement.
pub enum Outcome {
    /// Rows, then a command tag made of `Rows::tag` and, for SELECT, the row count.
    Rows(Rows),
    /// No rows; the whole command tag.
    Done {
        /// For example `SET` or `BEGIN`.
        tag: String,
    },
    /// The statement text held nothing.
    Empty,
}

/// A running query. Dropping it stops the work.
pub struct Rows {}

impl Rows {
    /// Columns in order; batches have the same.
    pub fn columns(&self) -> &Arc<[ResultColumn]> {
        unimplemented!()
    }

    /// First word of the command tag: `SELECT`, `SHOW`, `EXPLAIN`, `FETCH`.
    pub fn tag(&self) -> &'static str {
        unimplemented!()
    }

    /// Next batch, of at least one row; `None` at the end. Cancel-safe: a batch is never lost by
    /// dropping the future. Ends with 57014 soon after the token is cancelled or the timeout passes.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        unimplemented!()
    }
}
